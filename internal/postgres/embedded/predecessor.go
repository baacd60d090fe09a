//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// endPredecessor clears the way for a new server on a data folder whose last owner died. We hold the place's lock, so
// no owner lives; its server may: on its way out, or left behind.
func endPredecessor(ctx context.Context, data string, log *slog.Logger) error {
	pidFile := filepath.Join(data, "postmaster.pid")
	pid, ok := readPID(pidFile)
	if !ok || !exists(pid) {
		return nil // nothing, or a stale file that the server itself knows how to treat
	}
	if !alive(pid) || !isServerOf(ctx, pid, data) {
		// The number now belongs to a dead process that nobody reaps (usual in containers) or to somebody else's
		// program: either would keep the server from starting. The server's other guard, its shared memory, still
		// refuses a second server on the folder.
		log.Warn("removing a stale postmaster.pid", "pid", pid)
		if err := os.Remove(pidFile); err != nil {
			return fmt.Errorf("stale postmaster.pid: %w", err)
		}
		return nil
	}
	log.Warn("ending the server that the last process left behind", "pid", pid)
	return endProcess(ctx, pid)
}

// endProcess asks for a fast shutdown, then insists. The server is not our child, so its end is polled.
func endProcess(ctx context.Context, pid int) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		if err := syscall.Kill(pid, sig); errors.Is(err, syscall.ESRCH) {
			return nil
		}
		patience := time.NewTimer(20 * time.Second)
		defer patience.Stop()
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-patience.C:
				waiting = false
			case <-tick.C:
				if !alive(pid) {
					return nil
				}
			}
		}
	}
	return fmt.Errorf("the old server (pid %d) does not end", pid)
}

func readPID(path string) (int, bool) {
	b, err := os.ReadFile(path) //nolint:gosec // our own file
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	return pid, err == nil && pid > 1
}

// exists reports whether the process table has the number.
func exists(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// alive reports whether a process runs. One that has ended and waits to be reaped does not count.
func alive(pid int) bool {
	if !exists(pid) {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return true // no /proc here
	}
	_, state, ok := strings.Cut(string(stat), ") ")
	return !ok || !strings.HasPrefix(state, "Z")
}

// isServerOf reports whether the process is a PostgreSQL server on the data folder: its command line names the folder.
func isServerOf(ctx context.Context, pid int, data string) bool {
	if b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline"); err == nil {
		args := strings.Split(string(b), "\x00")
		return len(args) > 2 && filepath.Base(args[0]) == "postgres" && args[2] == data
	}
	out, err := exec.CommandContext(ctx, "ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output() //nolint:gosec // a number
	return err == nil && strings.Contains(string(out), "/postgres -D "+data)
}
