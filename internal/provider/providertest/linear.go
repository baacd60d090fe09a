package providertest

import (
	"testing"
	"time"
)

// Linear fails when work grows faster than its input: make gives the work for an input of n, and eight times the input may take no
// more than 20 times as long (what grows with the square takes 64 times). A machine that is busy with other things only makes it
// try again.
func Linear(t testing.TB, n int, make func(n int) func()) {
	t.Helper()
	const factor, most, tries = 8, 20, 5
	small, large := make(n), make(factor*n)
	worst := 0.0
	for range tries {
		a, b := clock(small), clock(large)
		if worst = float64(b) / float64(max(a, time.Microsecond)); worst <= most {
			return
		}
	}
	t.Errorf("%d times the input took %.0f times as long", factor, worst)
}

// clock is the shorter of two runs.
func clock(work func()) time.Duration {
	best := time.Duration(0)
	for i := range 2 {
		start := time.Now()
		work()
		if took := time.Since(start); i == 0 || took < best {
			best = took
		}
	}
	return best
}
