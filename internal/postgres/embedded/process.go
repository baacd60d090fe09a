//go:build unix

package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// lifetime says what happens to the server when this process ends.
type lifetime int

const (
	attached lifetime = iota // it ends with us
	detached                 // it goes on
)

// process is the running server program.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the program has ended
	err  error         // how it ended; read after done
}

// logMax is where the server's log starts anew.
const logMax = 10 << 20

// launch starts the program with its output in the log file.
func launch(cmd *exec.Cmd, logPath string, life lifetime) (*process, error) {
	how := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if st, err := os.Stat(logPath); err == nil && st.Size() > logMax {
		how |= os.O_TRUNC
	}
	log, err := os.OpenFile(logPath, how, 0o600) //nolint:gosec // our own file
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log
	if life == attached {
		dieWithParent(cmd.SysProcAttr)
	} else {
		cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Setsid = false, true
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	// The kernel ties "dies with its parent" to the thread that started the child, so that thread must live as long.
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	return p, <-started
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// ready waits until the server answers a query.
func (p *process) ready(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second) // recovery after a crash reads the whole log
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		if last = answers(ctx, url); last == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("it ended: %w", p.err)
		case <-ctx.Done():
			return errors.Join(ctx.Err(), last)
		case <-tick.C:
		}
	}
}

func answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// stop asks for a fast shutdown and waits; when ctx ends first it stops the server hard.
func (p *process) stop(ctx context.Context, killAfter time.Duration) error {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("signal PostgreSQL: %w", err)
		}
		select {
		case <-p.done:
			if sig != syscall.SIGINT {
				return errors.New("PostgreSQL did not shut down in time and was stopped hard")
			}
			return nil
		case <-ctx.Done():
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), killAfter)
		defer cancel()
	}
	<-p.done
	return errors.New("PostgreSQL did not shut down in time and was killed")
}
