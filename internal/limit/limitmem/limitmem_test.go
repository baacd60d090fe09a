package limitmem_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/limit"
	"tollgate/internal/limit/limitmem"
	"tollgate/internal/limit/limittest"
)

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func TestMemory(t *testing.T) {
	t.Parallel()
	limittest.Exercise(t, func(*testing.T) limittest.Bench {
		c := &clock{at: time.Unix(1_900_000_000, 0)}
		return limittest.Bench{Meter: limitmem.New(c.now), Pass: c.pass, Settled: func() {}}
	})
}

// TestOneOrganizationCannotFillTheMemory: however many end users it names, their number is bounded, and calls that take a place keep it.
func TestOneOrganizationCannotFillTheMemory(t *testing.T) {
	t.Parallel()
	c := &clock{at: time.Unix(1_900_000_000, 0)}
	m, org := limitmem.New(c.now), limittest.Org()
	l, busy := limittest.New(limit.Requests, 10, 24*time.Hour), limittest.New(limit.Concurrency, 1, 0)
	if _, ok := limittest.Take(t, m, org, id.NewCall(), limit.Ask{Limit: busy, N: 1}); !ok {
		t.Fatal("refused")
	}
	for i := range 150_000 {
		limittest.Take(t, m, org, id.Call{}, limit.Ask{Limit: l, Subject: strconv.Itoa(i), N: 1})
	}
	n := 0
	m.Every(func(id.Org, limitmem.Key, *limitmem.Count) { n++ })
	if n > 100_000 {
		t.Errorf("%d subjects are remembered", n)
	}
	if _, ok := limittest.Take(t, m, org, id.NewCall(), limit.Ask{Limit: busy, N: 1}); ok {
		t.Error("a place that is taken was forgotten")
	}
}

func BenchmarkTake(b *testing.B) {
	m, org := limitmem.New(time.Now), limittest.Org()
	asks := []limit.Ask{
		{Limit: limittest.New(limit.Requests, 1<<40, time.Minute), N: 1}, {Limit: limittest.New(limit.Tokens, 1<<40, time.Minute), N: 1000},
	}
	states := make([]limit.State, 2)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Take(b.Context(), org, id.Call{}, asks, states); err != nil {
			b.Fatal(err)
		}
	}
}
