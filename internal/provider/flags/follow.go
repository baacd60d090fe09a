package flags

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// Follower gives the policy in force: the embedded one with the operator's file over it, read again when the file changes. A file
// that cannot be read or is wrong changes nothing and is reported once; the last good one stays in force. A file that is taken away
// takes its rules with it. Make it with Follow; Run it.
type Follower struct {
	path    string
	every   time.Duration
	log     *slog.Logger
	base    *Policy
	current atomic.Pointer[Policy]
	failure atomic.Pointer[error]
	last    state // of the file, as last read; used by one goroutine
}

// state tells one version of a file from another.
type state struct {
	there bool
	at    time.Time
	size  int64
}

// Follow reads the file at path, "" for none, over the embedded policy. Only a broken embedded policy is an error: a bad file is
// reported and passed over, so that a program starts with it too.
func Follow(path string, every time.Duration, log *slog.Logger) (*Follower, error) {
	base, err := Default()
	if err != nil {
		return nil, fmt.Errorf("embedded flags: %w", err)
	}
	f := &Follower{path: path, every: every, log: log, base: base}
	f.current.Store(base)
	f.look()
	return f, nil
}

// Policy is the one in force.
func (f *Follower) Policy() *Policy { return f.current.Load() }

// Err is what is wrong with the file now; nil when nothing is.
func (f *Follower) Err() error {
	if p := f.failure.Load(); p != nil {
		return *p
	}
	return nil
}

// Run looks at the file again and again until ctx ends. Without a file it only waits.
func (f *Follower) Run(ctx context.Context) error {
	if f.path == "" {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(f.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			f.look()
		}
	}
}

// look reads the file if it is another than it was.
func (f *Follower) look() {
	if f.path == "" {
		return
	}
	now, err := stateOf(f.path)
	if err != nil {
		if f.Err() == nil { // once, not at every look
			f.fail(err)
		}
		f.last = state{there: true} // read it again once it can be
		return
	}
	if now == f.last {
		return
	}
	f.last = now
	next := f.base
	if now.there {
		own, err := load(f.path)
		if err != nil {
			f.fail(err)
			return
		}
		next = f.base.Over(own)
	}
	f.current.Store(next)
	f.failure.Store(nil)
	f.log.Info("header flags read", "file", f.path, "present", now.there)
}

func (f *Follower) fail(err error) {
	f.failure.Store(&err)
	f.log.Error("header flags not read; the last good ones stay in force", "file", f.path, "error", err)
}

func stateOf(path string) (state, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return state{}, nil
	case err != nil:
		return state{}, err
	}
	return state{there: true, at: info.ModTime(), size: info.Size()}, nil
}

func load(path string) (*Policy, error) {
	file, err := os.Open(path) //nolint:gosec // the operator's own path
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return Load(file)
}
