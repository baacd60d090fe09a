package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"tollgate/test/replay"
)

// built keeps the programs that were built for the tests of a package: each once, all in one folder.
type built struct {
	mu   sync.Mutex
	dir  string
	path map[string]string
}

var programs = built{path: map[string]string{}} //nolint:gochecknoglobals // one build for all tests of a package

// program builds a main package of the module, named by its folder, and gives the file.
func (b *built) program(t testing.TB, folder string) string {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if path, ok := b.path[folder]; ok {
		return path
	}
	path, err := b.build(folder)
	if err != nil {
		t.Fatal(err)
	}
	b.path[folder] = path
	return path
}

func (b *built) build(folder string) (string, error) {
	root, err := replay.Root()
	if err != nil {
		return "", err
	}
	if b.dir == "" {
		dir, err := os.MkdirTemp("", "tollgate-build-")
		if err != nil {
			return "", err
		}
		if err := os.Chmod(dir, 0o755); err != nil { // readable by the account that the embedded database runs as
			return "", err
		}
		b.dir = dir
	}
	path := filepath.Join(b.dir, filepath.Base(folder))
	cmd := exec.Command("go", "build", "-o", path, "./"+folder)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", folder, err, out)
	}
	return path, nil
}

func (b *built) remove() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dir != "" {
		_ = os.RemoveAll(b.dir)
	}
}

// process is a program that may be killed, stopped and started again.
type process struct {
	t   testing.TB
	run func() *exec.Cmd // prepares one run
	log *Log

	mu     sync.Mutex
	cmd    *exec.Cmd
	ended  chan struct{}
	result error
}

// Launch starts the process and does not wait for it to be ready.
func (p *process) Launch() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	cmd := p.run()
	cmd.Stdout, cmd.Stderr = p.log, p.log
	if err := cmd.Start(); err != nil {
		p.t.Errorf("start: %v", err) // not Fatal: restarts are made by goroutines beside the test
		return
	}
	ended := make(chan struct{})
	p.cmd, p.ended = cmd, ended
	go func() {
		err := cmd.Wait()
		p.mu.Lock()
		p.result = err
		p.mu.Unlock()
		close(ended)
	}()
}

func (p *process) running() (*os.Process, chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process, p.ended
}

// PID is the running process.
func (p *process) PID() int {
	running, _ := p.running()
	return running.Pid
}

// Kill ends the process as a power cut would: SIGKILL.
func (p *process) Kill() {
	running, ended := p.running()
	_ = running.Kill()
	<-ended
}

// Terminate sends SIGTERM and does not wait.
func (p *process) Terminate() { p.signal(syscall.SIGTERM) }

// Pause stops the process where it is: SIGSTOP. It notices nothing but the time.
func (p *process) Pause() { p.signal(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (p *process) Resume() { p.signal(syscall.SIGCONT) }

func (p *process) signal(s syscall.Signal) {
	running, _ := p.running()
	_ = running.Signal(s)
}

// Wait waits for the process to end and returns how it did: nil for status 0.
func (p *process) Wait(limit time.Duration) error {
	_, ended := p.running()
	select {
	case <-ended:
	case <-time.After(limit):
		return fmt.Errorf("still running after %s", limit)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.result
}

// Log is everything that the program has written so far, in all of its runs.
func (p *process) Log() []byte { return p.log.bytes() }

// ready waits until every URL answers 200.
func (p *process) ready(limit time.Duration, urls ...string) error {
	deadline := time.Now().Add(limit)
	for _, url := range urls {
		for !answers(p.t.Context(), url) {
			_, ended := p.running()
			select {
			case <-ended:
				return fmt.Errorf("the program ended: %w\n%s", p.Wait(0), p.log.tail(4<<10))
			default:
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("%s is not ready after %s\n%s", url, limit, p.log.tail(4<<10))
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	return nil
}

// cleanup ends the process with its test, and says what it said if that has failed.
func (p *process) cleanup() {
	p.t.Cleanup(func() {
		p.Kill()
		if p.t.Failed() {
			p.t.Logf("%s said:\n%s", p.cmd.Path, p.log.tail(6<<10))
		}
	})
}
