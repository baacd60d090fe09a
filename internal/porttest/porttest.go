// Package porttest finds addresses for programs that tests start.
//
// A port that the system hands out is from the range that it also uses for outgoing connections: between finding it and listening on it, any
// connection on the machine may take it. These come from below that range.
package porttest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// The ports to choose from: above what services use, below Linux's default range for outgoing connections (32768 and up).
const (
	lowest = 12_000
	count  = 20_000
)

// Addr is a loopback address that nothing listens on.
func Addr(t testing.TB) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", lowest+rand.IntN(count))
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return addr
	}
	t.Fatal("no free port was found")
	return ""
}
