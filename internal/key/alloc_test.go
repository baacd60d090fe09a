//go:build !race

package key_test

import (
	"testing"

	"tollgate/internal/key"
)

// Not under the race detector: there a pool forgets what it holds, on purpose.
func TestAuthenticatingAllocatesNothing(t *testing.T) {
	h, text := key.NewHasher(ring(t, 1)), key.NewSecret("x").Reveal()
	n := testing.AllocsPerRun(100, func() {
		s, err := key.ParseSecret(text)
		if err != nil {
			t.Fatal(err)
		}
		_ = h.Hash(s)
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}
