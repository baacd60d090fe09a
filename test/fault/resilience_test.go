package fault

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// route makes an alias of the primary's model at OpenAI with a second one at Anthropic, and waits until it is known.
func (s *site) route(t *testing.T, name string, route map[string]any) {
	t.Helper()
	s.owner.Do(http.MethodPost, "/aliases", map[string]any{"name": name, "route": route}).Want(http.StatusCreated)
	s.known(t, name)
}

func target(provider, model string) map[string]string {
	return map[string]string{"provider": provider, "model": model}
}

// tally is what came of many calls.
type tally struct {
	mu     sync.Mutex
	status map[int]int
	broken int // 200s that are no whole answer
	took   []time.Duration
}

func (c *tally) errors() (n int) {
	for status, times := range c.status {
		if status != http.StatusOK {
			n += times
		}
	}
	return n + c.broken
}

// p gives a percentile of the calls' times.
func p(took []time.Duration, percent int) time.Duration {
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[min(len(took)*percent/100, len(took)-1)]
}

// call makes n calls, together at once, each for a user of its own.
func (s *site) call(ctx context.Context, n, together int, alias string, stream bool) *tally {
	return s.slowly(ctx, 0, n, together, alias, stream)
}

// slowly is call with a pause between two calls.
func (s *site) slowly(ctx context.Context, pause time.Duration, n, together int, alias string, stream bool) *tally {
	c := &tally{status: map[int]int{}}
	var wg sync.WaitGroup
	var next atomic.Int64
	for range together {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				time.Sleep(pause)
				began := time.Now()
				got, err := s.client.Chat(ctx, replay.OpenAI, harness.Ask(alias, fmt.Sprintf("%s-%d", alias, i), stream))
				c.mu.Lock()
				c.took = append(c.took, time.Since(began))
				switch {
				case got == nil:
					c.status[0]++
				case err != nil:
					c.broken++
				default:
					c.status[got.Status]++
					if a := replay.Read(replay.OpenAI, stream, got.Body); got.Status == http.StatusOK && (!a.Done || a.Error != "" || a.Text == "") {
						c.broken++
					}
				}
				c.mu.Unlock()
			}
		})
	}
	wg.Wait()
	return c
}

// asked counts what reached the provider for a model.
func (s *site) asked(model string) int {
	return len(s.provider.Ledger.Of(func(c replay.Call) bool { return c.Model == model }))
}

func TestClientsDoNotSeeAFailingProvider(t *testing.T) {
	s := build(t, harness.Config{DatabaseURL: pgtest.URL(t)})

	t.Run("that limits every call", func(t *testing.T) {
		s.provider.Script("gpt-limited", replay.Turn{
			Status: 429, Header: map[string]string{"retry-after": "20"}, Body: replay.ErrorBody(replay.OpenAI, "rate_limit_error", "slow down"),
		})
		s.route(t, "limited", map[string]any{"targets": []any{target("openai", "gpt-limited")}, "fallbacks": []any{target("anthropic", "claude-of-limited")}})
		got := s.call(t.Context(), 500, 16, "limited", false)
		first, second := s.asked("gpt-limited"), s.asked("claude-of-limited")
		t.Logf("500 calls: %v; %d reached the first provider, %d the second", got.status, first, second)
		if got.errors() != 0 || second != 500 || first > 50 {
			t.Errorf("%v, %d broken; %d reached the first provider, %d the second", got.status, got.broken, first, second)
		}
	})

	t.Run("of which a third of the calls hang", func(t *testing.T) {
		turns := make([]replay.Turn, 2000)
		for i := range turns {
			turns[i].Hang = i%10 == 0 || i%10 == 3 || i%10 == 6 // 30 %, never three in a row
		}
		s.provider.Script("gpt-hanging", turns...)
		s.route(t, "hanging", map[string]any{
			"first_byte_ms": 300, "targets": []any{target("openai", "gpt-hanging")}, "fallbacks": []any{target("anthropic", "claude-of-hanging")},
		})
		got := s.slowly(t.Context(), 40*time.Millisecond, 2000, 8, "hanging", true) // for about twelve seconds, so that it is tried again
		upstream := s.asked("gpt-hanging") + s.asked("claude-of-hanging")
		t.Logf("2000 calls: %v; %d reached a provider, %d of them the one that hangs; p50 %v, p99 %v", got.status, upstream, s.asked("gpt-hanging"), p(got.took, 50), p(got.took, 99))
		if got.errors() > 2 || upstream > 2400 {
			t.Errorf("%v, %d broken; %d reached a provider", got.status, got.broken, upstream)
		}
	})

	t.Run("whose streams err before their first word", func(t *testing.T) {
		s.provider.Script("claude-erring", replay.Turn{Body: []byte(replay.StreamError(replay.Anthropic))})
		s.route(t, "erring", map[string]any{"targets": []any{target("anthropic", "claude-erring")}, "fallbacks": []any{target("openai", "gpt-of-erring")}})
		if got := s.call(t.Context(), 50, 4, "erring", true); got.errors() != 0 || s.asked("claude-erring") > 20 {
			t.Errorf("%v, %d broken; %d reached the one that errs", got.status, got.broken, s.asked("claude-erring"))
		}
	})
}

// A provider that is down is left alone within seconds, is tried now and then, and gets its calls back.
func TestABreakerOpensAndCloses(t *testing.T) {
	s := build(t, harness.Config{DatabaseURL: pgtest.URL(t)})
	s.provider.Script("gpt-down", replay.Turn{Status: 503, Body: []byte("<html>down</html>")})
	s.route(t, "down", map[string]any{"targets": []any{target("openai", "gpt-down")}, "fallbacks": []any{target("anthropic", "claude-of-down")}})
	began := time.Now()
	if got := s.call(t.Context(), 200, 4, "down", false); got.errors() != 0 {
		t.Errorf("%v", got.status)
	}
	var last time.Time
	for _, c := range s.provider.Ledger.Of(func(c replay.Call) bool { return c.Model == "gpt-down" }) {
		last = c.Start
	}
	t.Logf("opened after %d calls and %v", s.asked("gpt-down"), last.Sub(began))
	if n := s.asked("gpt-down"); n < 5 || n > 12 || last.Sub(began) > 5*time.Second {
		t.Errorf("%d calls reached it, the last after %v", n, last.Sub(began))
	}
	s.provider.Script("gpt-down", replay.Turn{})
	harness.Eventually(t, 15*time.Second, func() error {
		got, err := s.client.Chat(t.Context(), replay.OpenAI, harness.Ask("down", "probing", false))
		if err != nil {
			return err
		}
		if by := got.Header.Get("X-Tollgate-Provider"); by != "openai" {
			return errf("%s answers", by)
		}
		return nil
	})
}

// The only target of a route is never taken away: its clients hear of its failures themselves, and of its recovery at once.
func TestTheLastTargetIsNeverTakenAway(t *testing.T) {
	s := build(t, harness.Config{DatabaseURL: pgtest.URL(t)})
	s.provider.Script("gpt-alone", replay.Turn{Status: 503, Body: []byte("<html>down</html>")})
	s.route(t, "alone", map[string]any{"targets": []any{target("openai", "gpt-alone")}})
	got := s.call(t.Context(), 100, 4, "alone", false)
	n := s.asked("gpt-alone")
	t.Logf("100 calls to a provider that is down: %v, %d requests", got.status, n)
	if got.status[503] != 100 || n < 100 || n > 140 { // a fifth, and ten to begin with
		t.Errorf("%v; %d requests for 100 calls", got.status, n)
	}
	s.provider.Script("gpt-alone", replay.Turn{})
	if got := s.call(t.Context(), 10, 1, "alone", false); got.errors() != 0 {
		t.Errorf("after its recovery: %v", got.status)
	}
}

// An SDK repeats what fails, and so do we: together they must not ask a provider N times N.
func TestRepeatsDoNotMultiply(t *testing.T) {
	s := build(t, harness.Config{DatabaseURL: pgtest.URL(t)})
	s.provider.Script("gpt-tried", replay.Turn{Status: 500, Body: replay.ErrorBody(replay.OpenAI, "server_error", "oh no")})
	s.route(t, "tried", map[string]any{"targets": []any{target("openai", "gpt-tried")}, "attempts": 3})
	tries := 0
	for again := true; again && tries < 3; tries++ { // what the official SDKs do
		got, err := s.client.Chat(t.Context(), replay.OpenAI, harness.Ask("tried", "an-sdk", false))
		if err != nil {
			t.Fatal(err)
		}
		again = got.Status >= 500 && got.Header.Get("X-Should-Retry") != "false"
	}
	if n := s.asked("gpt-tried"); tries != 1 || n != 3 {
		t.Errorf("the SDK tried %d times, the provider was asked %d times", tries, n)
	}
}

// crowd calls for an organization in an open loop: rate calls a second for d, whatever becomes of them.
func (s *site) crowd(ctx context.Context, client *harness.Client, alias string, rate int, d time.Duration) (served, shed *tally) {
	served, shed = &tally{status: map[int]int{}}, &tally{status: map[int]int{}}
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	body := harness.Ask(alias, "crowd", false)
	for range int(d.Seconds() * float64(rate)) {
		<-tick.C
		wg.Go(func() {
			began := time.Now()
			got, err := client.Chat(ctx, replay.OpenAI, body)
			to := served
			if err == nil && got.Status == http.StatusServiceUnavailable && bytes.Contains(got.Body, []byte("gateway.overloaded")) && got.Header.Get("Retry-After") != "" {
				to = shed
			}
			to.mu.Lock()
			defer to.mu.Unlock()
			to.took = append(to.took, time.Since(began))
			if err == nil {
				to.status[got.Status]++
			} else {
				to.status[0]++
			}
		})
	}
	return served, shed
}

func TestAnOverloadIsShedQuicklyAndFairly(t *testing.T) {
	const bound, latency = 40, 200 * time.Millisecond // so 200 calls a second are what it can do
	s := build(t, harness.Config{DatabaseURL: pgtest.URL(t), Env: []string{fmt.Sprintf("TOLLGATE_CONCURRENCY_MAX=%d", bound)}})
	s.provider.Script("gpt-slow", replay.Turn{First: latency})
	s.route(t, "slow", map[string]any{"targets": []any{target("openai", "gpt-slow")}})
	quiet := s.SignUp("quiet@example.com", "Quiet")
	quiet.Connect("openai", "another-secret", s.provider.Base("openai"))
	quiet.Alias("slow", "openai/gpt-slow")
	_, secret := quiet.IssueKey("theirs", nil)
	other := s.Client(secret)
	harness.Eventually(t, 10*time.Second, func() error {
		got, err := other.Chat(t.Context(), replay.OpenAI, harness.Ask("slow", "warm-up", false))
		if err != nil {
			return err
		}
		return got.Failed()
	})
	alone, _ := s.crowd(t.Context(), other, "slow", 10, 2*time.Second)

	const rate, lasting = 800, 4 * time.Second
	var among, refused *tally
	var wg sync.WaitGroup
	wg.Go(func() { among, refused = s.crowd(t.Context(), other, "slow", 10, lasting) })
	served, shed := s.crowd(t.Context(), s.client, "slow", rate, lasting)
	wg.Wait()

	most, good := float64(bound)/latency.Seconds()*lasting.Seconds(), served.status[200]+among.status[200]
	t.Logf("of %d calls %d were served (%.0f %% of what it can do) and %d shed, in p50 %v, p99 %v; the other organization: p99 %v alone, %v among them, %d shed",
		int(rate*lasting.Seconds()), served.status[200], 100*float64(good)/most, len(shed.took), p(shed.took, 50), p(shed.took, 99), p(alone.took, 99), p(among.took, 99), len(refused.took))
	if len(served.status) != 1 || float64(good) < 0.9*most {
		t.Errorf("served %v and %v, want at least 90 %% of %.0f", served.status, among.status, most)
	}
	if len(refused.took) != 0 || p(among.took, 99) > 2*p(alone.took, 99) {
		t.Errorf("the other organization: %v, %d shed, p99 %v instead of %v", among.status, len(refused.took), p(among.took, 99), p(alone.took, 99))
	}
	if p(shed.took, 50) > 5*time.Millisecond { // as the client sees it, whose own side is as busy; see the log for p99
		t.Errorf("shed in %v", p(shed.took, 50))
	}
}
