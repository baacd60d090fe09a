package snapshot

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/price"
	"tollgate/internal/provider"
)

// How a Follower paces itself.
const (
	pollMin      = 500 * time.Millisecond // the next look comes between pollMin and pollMax, so that proxies do not march in step
	pollMax      = 1000 * time.Millisecond
	resyncEvery  = 10 * time.Minute // everything is read again, changed or not
	retryBad     = 5 * time.Second  // an organization with a bad object is compiled again
	revPatience  = 3 * time.Second
	loadPatience = 60 * time.Second
	staleAfter   = 5 * time.Minute
)

// Deps are what a Follower works with.
type Deps struct {
	Source  Source
	Open    Opener
	Vendors func(id string) (provider.Vendor, bool)
	Shipped []price.Record // the catalogue of the release
	File    *File          // nil: nothing is kept on disk
	Force   bool           // the first configuration after the start is taken even without most of the keys
	Now     func() time.Time
	Logger  *slog.Logger
}

// Status says how good the snapshot is.
type Status struct {
	Rev     int64
	Taken   time.Time // when the configuration was read
	Checked time.Time // when the source last answered; zero: not yet
	Disk    bool      // from the file; the source has not answered yet
	Bad     []Bad     // objects that hold in an older form, or not at all
	Held    *Held     // the source's configuration, which is refused; nil while it is in force
	Err     string    // why the source does not answer; empty while it does
}

// Follower keeps a snapshot up to date. Make it with NewFollower, Boot it, then Run it.
type Follower struct {
	deps     Deps
	compiler compiler
	current  atomic.Pointer[Snapshot]
	status   atomic.Pointer[Status]
	loaded   chan struct{}
	once     sync.Once

	// Of Boot and Run alone, one after the other.
	config   *Config
	compiled map[id.Org]*compiled
	book     *price.Book
	fresh    bool // the source has been read since the start
	resyncAt time.Time
	retryAt  time.Time
	toWrite  chan *Config
}

// NewFollower makes a follower that has nothing yet.
func NewFollower(d Deps) *Follower {
	f := &Follower{
		deps: d, compiler: compiler{open: d.Open, vendors: d.Vendors}, loaded: make(chan struct{}),
		compiled: map[id.Org]*compiled{}, toWrite: make(chan *Config, 1),
	}
	f.status.Store(&Status{})
	return f
}

// Snapshot is the newest one, nil until there is one. It is safe for use by many goroutines and costs one load.
func (f *Follower) Snapshot() *Snapshot { return f.current.Load() }

// Loaded is closed when there is a snapshot.
func (f *Follower) Loaded() <-chan struct{} { return f.loaded }

// Status says how good the snapshot is.
func (f *Follower) Status() Status { return *f.status.Load() }

// Age is how long the source has not answered, or was refused; what is in force may be that much behind. Zero time checked
// counts from Taken.
func (f *Follower) Age() time.Duration {
	s := f.Status()
	since := s.Checked
	if s.Held != nil {
		since = s.Held.Since
	}
	if since.IsZero() {
		since = s.Taken
	}
	if since.IsZero() {
		return 0
	}
	return f.deps.Now().Sub(since)
}

// Stale reports that the source has not answered for so long that somebody should look.
func (f *Follower) Stale() bool { return f.Age() > staleAfter }

// Boot takes the newest whole file, so that calls are served before, and without, the database. Having none is no error.
func (f *Follower) Boot(ctx context.Context) {
	if f.deps.File == nil {
		return
	}
	c, err := f.deps.File.Read()
	if err != nil || c == nil {
		if err != nil {
			f.deps.Logger.Error("no snapshot on disk can be used", "error", err)
		}
		return
	}
	f.replace(ctx, c)
	f.report(func(s *Status) { s.Disk = true })
	f.deps.Logger.Info("serving the snapshot of the disk", "rev", c.Rev, "taken", c.Taken, "keys", f.Snapshot().Keys())
}

// Run follows the source until ctx ends, and returns ctx's error. It has no other: a source that is away is asked again.
func (f *Follower) Run(ctx context.Context) error {
	hint := make(chan struct{}, 1)
	var wg sync.WaitGroup
	wg.Go(func() { f.listen(ctx, hint) })
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	wg.Go(func() { f.write(writing) })
	defer func() {
		stop()
		wg.Wait()
	}()
	for {
		f.sync(ctx)
		pause := time.NewTimer(pollMin + rand.N(pollMax-pollMin)) //nolint:gosec // jitter
		select {
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		case <-hint:
			pause.Stop()
		case <-pause.C:
		}
	}
}

func (f *Follower) listen(ctx context.Context, hint chan<- struct{}) {
	err := f.deps.Source.Listen(ctx, func() {
		select {
		case hint <- struct{}{}:
		default: // one is waiting already
		}
	})
	if ctx.Err() == nil {
		f.deps.Logger.Error("listening for changes ended; the poll goes on", "error", err)
	}
}

// sync brings the snapshot up to the source, once.
func (f *Follower) sync(ctx context.Context) {
	err := f.catchUp(ctx)
	if ctx.Err() != nil {
		return
	}
	was := f.Status().Err
	switch {
	case err != nil && was == "":
		f.deps.Logger.Warn("configuration cannot be read; the last one stays in force", "error", err)
	case err == nil && was != "":
		f.deps.Logger.Info("configuration can be read again")
	}
	f.report(func(s *Status) {
		if s.Err = ""; err != nil {
			s.Err = err.Error()
			return
		}
		s.Checked, s.Disk = f.deps.Now(), false
	})
}

func (f *Follower) catchUp(ctx context.Context) error {
	now := f.deps.Now()
	held := f.Status().Held
	if !now.Before(f.resyncAt) || !f.fresh && held == nil {
		return f.full(ctx)
	}
	asking, cancel := context.WithTimeout(ctx, revPatience)
	defer cancel()
	rev, err := f.deps.Source.Rev(asking)
	switch {
	case err != nil:
		return err
	case held != nil && rev == held.Rev: // refused already
		f.retry(ctx, now)
		return nil
	case held != nil: // what is in force is no base for changes
		return f.full(ctx)
	case rev < f.config.Rev: // another database, or an older state of it
		return f.full(ctx)
	case rev == f.config.Rev:
		f.retry(ctx, now)
		return nil
	}
	return f.since(ctx)
}

func (f *Follower) full(ctx context.Context) error {
	loading, cancel := context.WithTimeout(ctx, loadPatience)
	defer cancel()
	c, err := f.deps.Source.Full(loading)
	if err != nil {
		return err
	}
	c.Taken = f.deps.Now()
	c.share(f.config)
	f.resyncAt = c.Taken.Add(resyncEvery)
	if f.config != nil {
		if held := f.suspect(c, maps.Keys(f.config.Orgs)); held != nil {
			f.hold(ctx, c, held)
			return nil
		}
	}
	f.replace(ctx, c)
	f.fresh = true
	f.report(func(s *Status) { s.Held = nil })
	f.keep(c)
	return nil
}

func (f *Follower) since(ctx context.Context) error {
	loading, cancel := context.WithTimeout(ctx, loadPatience)
	defer cancel()
	d, err := f.deps.Source.Since(loading, f.config.Rev)
	if errors.Is(err, ErrPruned) {
		return f.full(ctx)
	}
	if err != nil {
		return err
	}
	next := f.config.with(d, f.deps.Now())
	if held := f.suspect(next, maps.Keys(d.Orgs)); held != nil {
		f.hold(ctx, next, held)
		return nil
	}
	if d.Imported != nil { // the catalogue is beneath every organization
		f.replace(ctx, next)
	} else {
		f.change(ctx, next, next.among(d.Orgs))
	}
	f.keep(next)
	return nil
}

// replace compiles everything. Opened secrets and last good forms are taken over from what is in force.
func (f *Follower) replace(ctx context.Context, c *Config) {
	f.book = price.NewBook(slices.Concat(f.deps.Shipped, c.Imported))
	f.config = c
	is := make(map[id.Org]*compiled, len(c.Orgs))
	for org, o := range c.Orgs {
		is[org] = f.compiler.compile(ctx, o, f.book.With(c.Overrides[org]), f.compiled[org])
	}
	f.publish(New(c.Rev, c.Taken, nil, nil).with(c.Rev, c.Taken, nil, is), is)
}

// change compiles the organizations that changed.
func (f *Follower) change(ctx context.Context, c *Config, changed map[id.Org]*OrgConfig) {
	is := make(map[id.Org]*compiled, len(changed))
	for org, o := range changed {
		is[org] = nil
		if o != nil {
			is[org] = f.compiler.compile(ctx, o, f.book.With(c.Overrides[org]), f.compiled[org])
		}
	}
	f.config = c
	snap := f.current.Load().with(c.Rev, c.Taken, f.compiled, is)
	for org, o := range is {
		if o == nil {
			delete(f.compiled, org)
		} else {
			f.compiled[org] = o
		}
	}
	f.publish(snap, f.compiled)
}

// retry compiles organizations with bad objects again: what ails them may be outside, a key service that was away.
func (f *Follower) retry(ctx context.Context, now time.Time) {
	if now.Before(f.retryAt) {
		return
	}
	f.retryAt = now.Add(retryBad)
	again := map[id.Org]*OrgConfig{}
	for _, b := range f.Status().Bad {
		if o := f.config.Orgs[b.Org]; o != nil {
			again[b.Org] = o
		}
	}
	if len(again) > 0 {
		f.change(ctx, f.config, again)
	}
}

func (f *Follower) publish(s *Snapshot, all map[id.Org]*compiled) {
	f.compiled = all
	f.current.Store(s)
	var bad []Bad
	for _, o := range all {
		bad = append(bad, o.bad...)
	}
	known := f.Status().Bad
	for _, b := range bad {
		if !slices.Contains(known, b) {
			f.deps.Logger.Error("a part of the configuration cannot be used; its last good form holds, if there is one",
				"org", b.Org, "kind", b.Kind, "id", b.ID, "reason", b.Reason)
		}
	}
	f.report(func(st *Status) { st.Rev, st.Taken, st.Bad = s.Rev, s.Taken, bad })
	f.once.Do(func() { close(f.loaded) })
}

func (f *Follower) report(change func(*Status)) {
	s := *f.status.Load()
	change(&s)
	f.status.Store(&s)
}

// keep hands a configuration to the writer. One that waits there is replaced: only the newest matters.
func (f *Follower) keep(c *Config) {
	if f.deps.File == nil {
		return
	}
	select {
	case <-f.toWrite:
	default:
	}
	f.toWrite <- c
}

// writeShare bounds the part of the time that is spent on writing the file: one in writeShare.
const writeShare = 10

// write keeps the file, beside the loop that follows, so that a large file delays no change. What waits at the end is written still.
func (f *Follower) write(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			select {
			case c := <-f.toWrite:
				f.writeOne(c)
			default:
			}
			return
		case c := <-f.toWrite:
			took := f.writeOne(c)
			pause := time.NewTimer(took * (writeShare - 1))
			select {
			case <-ctx.Done():
			case <-pause.C:
			}
			pause.Stop()
		}
	}
}

func (f *Follower) writeOne(c *Config) time.Duration {
	start := f.deps.Now()
	if err := f.deps.File.Write(c); err != nil {
		f.deps.Logger.Error("the snapshot cannot be kept on disk", "error", err)
	}
	return f.deps.Now().Sub(start)
}
