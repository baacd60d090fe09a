package spool

import (
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"syscall"
)

var errCrash = errors.New("the machine is off")

// memFS is a directory in memory that knows what of it is durable, stops at a chosen operation, and can be out of space.
type memFS struct {
	mu       sync.Mutex
	names    map[string]*node // what processes see
	durable  map[string]*node // the directory as of the last SyncDir
	ops      int
	crashAt  int   // operation at which everything ends; 0: never
	space    int64 // bytes that may still be written; negative: any number
	syncFail error // every Sync fails with it
}

type node struct {
	data    []byte // what processes see
	durable []byte // as of the last Sync
}

func newMemFS() *memFS {
	return &memFS{names: map[string]*node{}, durable: map[string]*node{}, space: -1}
}

// step counts an operation that changes something and fails from crashAt on.
func (m *memFS) step() error {
	m.ops++
	if m.crashAt > 0 && m.ops >= m.crashAt {
		return errCrash
	}
	return nil
}

// killed is what the next process finds when only the process died.
func (m *memFS) killed() *memFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := newMemFS()
	for name, f := range m.names {
		c := &node{data: slices.Clone(f.data), durable: slices.Clone(f.durable)}
		n.names[name] = c
	}
	for name, f := range m.durable {
		if m.names[name] == f {
			n.durable[name] = n.names[name]
		} else {
			n.durable[name] = &node{data: slices.Clone(f.durable), durable: slices.Clone(f.durable)}
		}
	}
	return n
}

// unplugged is what the next process finds when the power went: of what was not synced, any part.
func (m *memFS) unplugged(r *rand.Rand) *memFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := newMemFS()
	all := map[string]bool{}
	for name := range m.names {
		all[name] = true
	}
	for name := range m.durable {
		all[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		f := m.durable[name]
		if now := m.names[name]; now != f && r.IntN(2) == 0 {
			f = now
		}
		if f == nil {
			continue
		}
		data := survivors(r, f)
		c := &node{data: data, durable: slices.Clone(data)}
		n.names[name], n.durable[name] = c, c
	}
	return n
}

func survivors(r *rand.Rand, f *node) []byte {
	if slices.Equal(f.data, f.durable) {
		return slices.Clone(f.data)
	}
	const block = 64
	size := len(f.durable) + r.IntN(max(len(f.data)-len(f.durable), 0)+1)
	out := make([]byte, size)
	copy(out, f.durable)
	for at := 0; at < size; at += block {
		end := min(at+block, size, len(f.data))
		if at < end && r.IntN(2) == 0 {
			copy(out[at:end], f.data[at:end])
		}
	}
	return out
}

func (m *memFS) Names() ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.names)), nil
}

func (m *memFS) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step(); err != nil {
		return nil, err
	}
	if m.names[name] != nil {
		return nil, os.ErrExist
	}
	f := &node{}
	m.names[name] = f
	return &memFile{m, f}, nil
}

func (m *memFS) Open(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names[name] == nil {
		return nil, os.ErrNotExist
	}
	return &memFile{m, m.names[name]}, nil
}

func (m *memFS) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step(); err != nil {
		return err
	}
	m.names[to] = m.names[from]
	delete(m.names, from)
	return nil
}

func (m *memFS) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step(); err != nil {
		return err
	}
	delete(m.names, name)
	return nil
}

func (m *memFS) SyncDir() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step(); err != nil {
		return err
	}
	m.durable = maps.Clone(m.names)
	return nil
}

func (m *memFS) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

type memFile struct {
	fs *memFS
	*node
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if off >= int64(len(f.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	crash := f.fs.step()
	n := len(p)
	if crash != nil {
		if f.fs.ops > f.fs.crashAt {
			return 0, crash
		}
		n /= 2 // the operation that the crash hits is done by half
	}
	full := false
	if f.fs.space >= 0 && int64(n) > f.fs.space {
		n, full = int(f.fs.space), true
	}
	if f.fs.space >= 0 {
		f.fs.space -= int64(n)
	}
	if grow := int(off) + n - len(f.data); grow > 0 {
		f.data = append(f.data, make([]byte, grow)...)
	}
	copy(f.data[off:], p[:n])
	switch {
	case crash != nil:
		return n, crash
	case full:
		return n, syscall.ENOSPC
	}
	return n, nil
}

func (f *memFile) Truncate(size int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.fs.step(); err != nil {
		return err
	}
	for int64(len(f.data)) < size {
		f.data = append(f.data, 0)
	}
	f.data = f.data[:size]
	return nil
}

func (f *memFile) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.fs.step(); err != nil {
		return err
	}
	if f.fs.syncFail != nil {
		return f.fs.syncFail
	}
	f.durable = slices.Clone(f.data)
	return nil
}

func (f *memFile) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return int64(len(f.data)), nil
}

func (f *memFile) Close() error { return nil }
