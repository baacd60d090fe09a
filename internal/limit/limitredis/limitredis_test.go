package limitredis_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/limit"
	"tollgate/internal/limit/limitredis"
	"tollgate/internal/limit/limittest"
	"tollgate/internal/limit/redistest"
)

// patience is longer than in use: other tests keep this machine busy.
const patience = 500 * time.Millisecond

// running is a meter whose Run runs until the test ends.
func running(t testing.TB, addr string, opt limitredis.Options) *limitredis.Meter {
	t.Helper()
	m := idle(t, addr, opt)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { defer close(done); _ = m.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return m
}

// idle is a meter that nobody runs.
func idle(t testing.TB, addr string, opt limitredis.Options) *limitredis.Meter {
	t.Helper()
	opt.Now, opt.Logger = time.Now, slog.New(slog.DiscardHandler)
	m, err := limitredis.Open("redis://"+addr, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func TestRedis(t *testing.T) {
	t.Parallel()
	srv := redistest.New(t)
	limittest.Exercise(t, func(t *testing.T) limittest.Bench {
		m := running(t, srv.Addr, limitredis.Options{Proxy: id.New("proxy"), Patience: patience})
		return limittest.Bench{Meter: m, Pass: time.Sleep, Settled: func() { settled(t, m) }}
	})
}

// settled waits until the server knows what was returned.
func settled(t *testing.T, m *limitredis.Meter) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); m.Untold() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("what was returned is not told")
		}
	}
}

// TestTwoProxiesShareOneCount.
func TestTwoProxiesShareOneCount(t *testing.T) {
	t.Parallel()
	srv := redistest.New(t)
	a := running(t, srv.Addr, limitredis.Options{Proxy: "a", Patience: patience})
	b := running(t, srv.Addr, limitredis.Options{Proxy: "b", Patience: patience})
	l, org, in := limittest.New(limit.Requests, 10, time.Hour), limittest.Org(), 0
	for i := range 30 {
		m := a
		if i%3 == 0 {
			m = b
		}
		if _, ok := limittest.Take(t, m, org, id.NewCall(), limit.Ask{Limit: l, N: 1}); ok {
			in++
		}
	}
	if in != 10 {
		t.Errorf("%d passed, of 10", in)
	}
}

// TestPlacesOfADeadProxyComeBack, and those of a live one stay taken for as long as the calls last.
func TestPlacesOfADeadProxyComeBack(t *testing.T) {
	t.Parallel()
	srv := redistest.New(t)
	const lease = 500 * time.Millisecond
	live := running(t, srv.Addr, limitredis.Options{Proxy: "live", Patience: patience, Lease: lease})
	dead := idle(t, srv.Addr, limitredis.Options{Proxy: "dead", Patience: patience, Lease: lease})
	l, org := limittest.New(limit.Concurrency, 2, 0), limittest.Org()
	ask := limit.Ask{Limit: l, N: 1}
	for _, m := range []*limitredis.Meter{live, dead} {
		if _, ok := limittest.Take(t, m, org, id.NewCall(), ask); !ok {
			t.Fatal("refused")
		}
	}
	if _, ok := limittest.Take(t, live, org, id.NewCall(), ask); ok {
		t.Fatal("a third place")
	}
	free := func() bool {
		call := id.NewCall()
		s, ok := limittest.Take(t, live, org, call, ask)
		if ok {
			r, _ := ask.Correct(&s[0], limit.Need{})
			live.Return(org, call, []limit.Return{r})
			settled(t, live)
		}
		return ok
	}
	for end := time.Now().Add(5 * time.Second); !free(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the dead proxy's place does not come back")
		}
	}
	if _, ok := limittest.Take(t, live, org, id.NewCall(), ask); !ok {
		t.Fatal("the free place is taken")
	}
	time.Sleep(3 * lease)
	if _, ok := limittest.Take(t, live, org, id.NewCall(), ask); ok {
		t.Error("a call that is under way has lost its place")
	}
}

// until waits for something that a meter does by itself.
func until(t *testing.T, is func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come to that")
		}
	}
}

// take is how many of n calls a meter lets in.
func take(t *testing.T, m *limitredis.Meter, org id.Org, l *limit.Limit, n int) (in int) {
	t.Helper()
	for range n {
		if _, ok := limittest.Take(t, m, org, id.NewCall(), limit.Ask{Limit: l, N: 1}); ok {
			in++
		}
	}
	return in
}

// TestAServerThatForgotIsToldBeforeItIsAsked: one that was started anew, and so quickly that nobody missed it.
func TestAServerThatForgotIsToldBeforeItIsAsked(t *testing.T) {
	t.Parallel()
	srv := redistest.New(t)
	opt := limitredis.Options{Patience: patience, Beat: 100 * time.Millisecond}
	opt.Proxy = "a"
	a := running(t, srv.Addr, opt)
	opt.Proxy = "b"
	b := running(t, srv.Addr, opt)
	until(t, func() bool { return a.Living() == 2 && b.Living() == 2 })
	l, org := limittest.New(limit.Requests, 10, time.Hour), limittest.Org()
	if n := take(t, a, org, l, 8); n != 8 {
		t.Fatalf("%d of 8 pass", n)
	}
	srv.Kill()
	srv.Start()
	if n := take(t, a, org, l, 5); n > 2 { // whether it knows already or not
		t.Fatalf("%d more pass, of 2", n)
	}
	until(t, func() bool { return a.Usable() && b.Usable() })
	if n := take(t, b, org, l, 10); n > 2 {
		t.Errorf("the other proxy lets in %d, of 2", n)
	}
}

// TestAProxyThatIsCutOffHasItsPart, and the others leave it that.
func TestAProxyThatIsCutOffHasItsPart(t *testing.T) {
	t.Parallel()
	srv := redistest.New(t)
	line := redistest.NewLine(t, srv.Addr)
	opt := limitredis.Options{Patience: 50 * time.Millisecond, Beat: 100 * time.Millisecond}
	opt.Proxy = "a"
	a := running(t, srv.Addr, opt)
	opt.Proxy = "b"
	b := running(t, line.Addr, opt)
	until(t, func() bool { return a.Living() == 2 && b.Living() == 2 && a.Usable() && b.Usable() })
	line.Slow(200 * time.Millisecond)
	until(t, func() bool { return !b.Usable() && a.Away() == 1 })
	l, org := limittest.New(limit.Requests, 10, time.Hour), limittest.Org()
	if inA, inB := take(t, a, org, l, 20), take(t, b, org, l, 20); inA != 5 || inB != 5 {
		t.Errorf("%d and %d pass, of 10", inA, inB)
	}
	line.Slow(0)
	until(t, func() bool { return a.Usable() && b.Usable() && a.Away() == 0 })
	if n := take(t, a, org, l, 5) + take(t, b, org, l, 5); n != 0 {
		t.Errorf("%d more pass when it is back", n)
	}
}
