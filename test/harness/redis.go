package harness

import (
	"context"
	"net"
	"os/exec"
	"testing"
	"time"

	"tollgate/internal/porttest"
)

// Redis is a redis-server for one test. It may be killed and started again, empty, on the same address.
type Redis struct {
	Addr string

	process
}

// StartRedis starts one and waits until it listens.
func StartRedis(t testing.TB) *Redis {
	t.Helper()
	file, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("redis-server is not installed; `make setup` installs it")
	}
	addr := porttest.Addr(t)
	_, port, _ := net.SplitHostPort(addr)
	r := &Redis{Addr: addr, process: process{t: t, log: &Log{}, run: func() *exec.Cmd {
		return exec.CommandContext(context.WithoutCancel(t.Context()), file, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
	}}}
	r.Launch()
	r.cleanup()
	r.WaitReady()
	return r
}

// WaitReady waits until the server takes connections.
func (r *Redis) WaitReady() {
	r.t.Helper()
	Eventually(r.t, 10*time.Second, func() error {
		conn, err := net.Dial("tcp", r.Addr) //nolint:noctx // loopback
		if err != nil {
			return err
		}
		return conn.Close()
	})
}
