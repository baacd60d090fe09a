package limitredis_test

import (
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/limit"
	"tollgate/internal/limit/limitredis"
	"tollgate/internal/limit/limittest"
	"tollgate/internal/limit/redistest"
)

// crowd is eight proxies that ask without a pause for calls under one limit, and note what passed.
type crowd struct {
	t       *testing.T
	limit   *limit.Limit
	meters  []*limitredis.Meter
	mu      sync.Mutex
	passed  []stay
	failed  atomic.Int64
	asked   atomic.Int64
	slowest atomic.Int64
	stop    chan struct{}
	done    sync.WaitGroup
}

// stay is when a call passed: at some moment in between.
type stay struct{ from, to time.Time }

const proxies = 8

func newCrowd(t *testing.T, addr string, amount int64) *crowd {
	c := &crowd{t: t, limit: limittest.New(limit.Requests, amount, time.Second), stop: make(chan struct{})}
	org := limittest.Org()
	for range proxies {
		c.meters = append(c.meters, running(t, addr, limitredis.Options{Proxy: id.New("proxy"), Patience: 20 * time.Millisecond, Beat: 100 * time.Millisecond}))
	}
	for _, m := range c.meters {
		c.until(func() bool { return m.Living() == proxies })
	}
	for _, m := range c.meters {
		c.done.Go(func() { c.ask(m, org) })
	}
	return c
}

func (c *crowd) ask(m *limitredis.Meter, org id.Org) {
	states := make([]limit.State, 1)
	for {
		select {
		case <-c.stop:
			return
		case <-time.After(2 * time.Millisecond):
		}
		from := time.Now()
		_, err := m.Take(c.t.Context(), org, id.NewCall(), []limit.Ask{{Limit: c.limit, N: 1}}, states)
		to := time.Now()
		c.asked.Add(1)
		if took := int64(to.Sub(from)); took > c.slowest.Load() {
			c.slowest.Store(took)
		}
		switch {
		case err != nil:
			c.failed.Add(1)
		case !states[0].Refused:
			c.mu.Lock()
			c.passed = append(c.passed, stay{from, to})
			c.mu.Unlock()
		}
	}
}

func (c *crowd) until(is func() bool) {
	c.t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatal("it does not come to that")
		}
	}
}

// usable waits until the server is asked, or not, by all proxies.
func (c *crowd) usable(yes bool) {
	c.t.Helper()
	c.until(func() bool {
		return !slices.ContainsFunc(c.meters, func(m *limitredis.Meter) bool { return m.Usable() != yes })
	})
	if !yes {
		time.Sleep(500 * time.Millisecond) // until each may be sure that the others know
	}
}

// between is how many passed, per second.
func (c *crowd) between(from, to time.Time) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	var n int64
	for _, s := range c.passed {
		if s.from.After(from) && s.to.Before(to) {
			n++
		}
	}
	return n * int64(time.Second) / int64(to.Sub(from))
}

// most is the most that passed within any stretch of one second: of those that certainly did.
func (c *crowd) most() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	most := 0
	for _, first := range c.passed {
		n := 0
		for _, s := range c.passed {
			if !s.from.Before(first.from) && s.to.Before(first.from.Add(time.Second)) {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// TestB12EightProxiesStayWithinTheLimitWhateverBecomesOfTheServer: while it is there, while it is dead, when it comes back empty, and while
// it is slow. No call fails, and none waits long.
func TestB12EightProxiesStayWithinTheLimitWhateverBecomesOfTheServer(t *testing.T) {
	t.Parallel()
	length := 1100 * time.Millisecond // a period and a part: calls come in bursts
	if os.Getenv("TOLLGATE_FAULT") == "big" {
		length = 6 * time.Second
	}
	srv := redistest.New(t)
	line := redistest.NewLine(t, srv.Addr)
	const amount = 400
	c := newCrowd(t, line.Addr, amount)
	phase := func(name string, least int64) {
		from := time.Now()
		time.Sleep(length)
		got := c.between(from, time.Now())
		t.Logf("%-22s %4d a second of %d", name, got, amount)
		if got < least {
			t.Errorf("%s: only %d a second pass", name, got)
		}
	}
	phase("up", amount/2)
	srv.Kill()
	c.usable(false)
	phase("dead", amount/2)
	srv.Start()
	c.usable(true)
	phase("back, and empty", amount/2)
	line.Slow(60 * time.Millisecond)
	c.usable(false)
	phase("slow", amount/2)
	line.Slow(0)
	c.usable(true)
	phase("quick again", amount/2)
	close(c.stop)
	c.done.Wait()
	most := c.most()
	t.Logf("B12: %d asked, %d passed; at most %d within any second of %d; %d failed; the slowest answer took %v", c.asked.Load(), len(c.passed), most, amount, c.failed.Load(),
		time.Duration(c.slowest.Load()).Round(time.Millisecond))
	if most > amount*105/100 {
		t.Errorf("%d within a second, of %d", most, amount)
	}
	if n := c.failed.Load(); n > 0 {
		t.Errorf("%d calls failed", n)
	}
}
