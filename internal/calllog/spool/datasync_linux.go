package spool

import (
	"errors"
	"os"
	"syscall"
)

// datasync leaves out what is not needed to read the data back, such as the time of the last change.
func datasync(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var sync error
	err = raw.Control(func(fd uintptr) {
		for {
			if sync = syscall.Fdatasync(int(fd)); !errors.Is(sync, syscall.EINTR) {
				return
			}
		}
	})
	return errors.Join(err, sync)
}
