//go:build unix

package embedded

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// tryLock opens path and takes its lock, or fails at once when another process has it. Closing the file gives it back.
func tryLock(path string) (*os.File, error) { return flock(path, unix.LOCK_EX|unix.LOCK_NB) }

// Lock opens path and waits for its lock. Closing the file, or the end of the process, gives it back.
func Lock(path string) (*os.File, error) { return flock(path, unix.LOCK_EX) }

func flock(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the caller's own folder
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	for {
		err = unix.Flock(int(f.Fd()), how)
		if err != unix.EINTR { //nolint:errorlint // errno from a direct system call
			break
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}
