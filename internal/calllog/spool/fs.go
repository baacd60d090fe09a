package spool

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// FS is the one directory that a spool lives in; names have no path. The crash tests replace it.
type FS interface {
	Names() ([]string, error)
	Create(name string) (File, error) // fails when it exists
	Open(name string) (File, error)   // for reading and writing; fails when it does not exist
	Rename(from, to string) error     // replaces to
	Remove(name string) error
	SyncDir() error                      // makes creations, renames and removals durable
	Lock(name string) (io.Closer, error) // held until closed or until the process dies; errHeld when another holds it
}

// File is an open file of an FS.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	Truncate(size int64) error
	Sync() error // makes contents durable
}

var errHeld = errors.New("spool: locked by another process")

// dirFS is a directory of the operating system.
type dirFS string

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f osFile) Sync() error { return datasync(f.File) }

func (d dirFS) path(name string) string { return filepath.Join(string(d), name) }

func (d dirFS) Names() ([]string, error) {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}

func (d dirFS) Create(name string) (File, error) { return d.open(name, os.O_CREATE|os.O_EXCL) }
func (d dirFS) Open(name string) (File, error)   { return d.open(name, 0) }

func (d dirFS) open(name string, flag int) (File, error) {
	f, err := os.OpenFile(d.path(name), os.O_RDWR|flag, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d dirFS) Rename(from, to string) error { return os.Rename(d.path(from), d.path(to)) }
func (d dirFS) Remove(name string) error     { return os.Remove(d.path(name)) }

func (d dirFS) SyncDir() error {
	f, err := os.Open(string(d))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (d dirFS) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(d.path(name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errHeld
		}
		return nil, err
	}
	return f, nil
}
