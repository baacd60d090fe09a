// Package redistest starts a Redis server for a test: on the loopback, empty, and gone with the test.
package redistest

import (
	"bufio"
	"context"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tollgate/internal/porttest"
)

// Server is one server. It may be killed and started again on the same address, empty.
type Server struct {
	Addr string
	t    testing.TB
	cmd  *exec.Cmd
}

// New starts one. A machine without redis-server fails the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{Addr: porttest.Addr(t), t: t}
	s.Start()
	t.Cleanup(s.Kill)
	return s
}

// Start starts it again after Kill, and waits until it answers.
func (s *Server) Start() {
	s.t.Helper()
	file, err := exec.LookPath("redis-server")
	if err != nil {
		s.t.Fatal("redis-server is not installed; `make setup` installs it, or your package manager's redis-server or valkey-server")
	}
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd = exec.CommandContext(context.WithoutCancel(s.t.Context()), file, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", s.t.TempDir())
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("start redis-server: %v", err)
	}
	for end := time.Now().Add(10 * time.Second); !s.answers(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatal("redis-server does not answer")
		}
	}
}

// answers asks for a sign of life.
func (s *Server) answers() bool {
	c, err := net.Dial("tcp", s.Addr)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	return err == nil && strings.HasPrefix(line, "+PONG")
}

// Kill ends it at once.
func (s *Server) Kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}
