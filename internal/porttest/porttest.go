// Package porttest finds addresses for programs that tests start.
//
// A port that the system hands out is from the range that it also uses for outgoing connections: between finding it and listening on it, any
// connection on the machine may take it. These come from below that range, in blocks that belong to one test program each: it listens on the
// first port of its block for as long as it lives, and hands out the others once each. So neither another test of the program nor another
// program of the run can be given an address whose program has not yet begun to listen, or is just being started again.
package porttest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
)

// The ports to choose from: above what services use, below Linux's default range for outgoing connections (32768 and up).
const (
	lowest = 12_000
	blocks = 200
	size   = 100
)

// Addr is a loopback address that nothing listens on and that this program has not been given before.
func Addr(t testing.TB) string {
	t.Helper()
	addr, err := mine.addr(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

var mine owned //nolint:gochecknoglobals // what belongs to the test program

// owned is the block that is being handed out. The zero owned has none yet.
type owned struct {
	mu    sync.Mutex
	next  int            // the port to hand out next
	left  int            // of the block
	locks []net.Listener // on the first port of every block taken so far; they end with the program
}

func (o *owned) addr(ctx context.Context) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for range blocks * size {
		if o.left == 0 {
			if err := o.take(ctx); err != nil {
				return "", err
			}
		}
		addr := loopback(o.next)
		o.next, o.left = o.next+1, o.left-1
		l, err := listen(ctx, addr)
		if err != nil { // a program that is none of ours
			continue
		}
		return addr, l.Close()
	}
	return "", fmt.Errorf("no port from %d to %d is free", lowest, lowest+blocks*size-1)
}

// take finds a block that no other test program has.
func (o *owned) take(ctx context.Context) error {
	for _, n := range rand.Perm(blocks) {
		first := lowest + n*size
		l, err := listen(ctx, loopback(first))
		if err != nil {
			continue
		}
		o.locks = append(o.locks, l)
		o.next, o.left = first+1, size-1
		return nil
	}
	return fmt.Errorf("each of the %d blocks of ports from %d has an owner", blocks, lowest)
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

func listen(ctx context.Context, addr string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", addr)
}
