package fault

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"tollgate/test/harness"
	"tollgate/test/replay"
)

// B12: a limit of calls a minute over several proxies that share a Redis, which is up, then slow, then gone.
func TestB12ALimitHoldsOverManyProxiesWhateverRedisDoes(t *testing.T) {
	proxies, amount, phase := harness.Size(3, 8), harness.Size(90, 800), harness.Size(2500*time.Millisecond, 70*time.Second)
	f := buildFleet(t, 0, &harness.Meter{}, harness.ProxyConfig{})
	redis := harness.StartRedis(t)
	link := harness.NewLink(t, redis.Addr)
	// More patience than by default: other tests keep the processors busy, and what a slow server does is the second phase.
	f.proxies = f.Proxies(t, proxies, harness.ProxyConfig{Env: []string{"REDIS_URL=redis://" + link.Addr(), "TOLLGATE_LIMITS_PATIENCE=150ms"}})
	up, slow, gone := f.limited(t, "up", amount), f.limited(t, "slow", amount), f.limited(t, "gone", amount)
	f.hammer(t, "B12 with Redis", up, amount, phase, 0.98)
	link.Slow(300 * time.Millisecond)
	f.hammer(t, "B12 with a slow Redis", slow, amount, phase, 0.6)
	link.Heal()
	redis.Kill()
	f.hammer(t, "B12 without Redis", gone, amount, phase, 0.6)
}

// limited makes a key that may call so often a minute.
func (f *fleet) limited(t *testing.T, name string, amount int) *purse {
	t.Helper()
	p := &purse{f: f, name: "b12-" + name}
	p.keyID, p.secret = f.owner.IssueKey(p.name, nil)
	f.owner.Do(http.MethodPost, "/limits", map[string]any{
		"name": p.name, "selector": map[string]string{"key": p.keyID}, "metric": "requests", "amount": amount, "per": "minute",
	}).Want(http.StatusCreated)
	for _, proxy := range f.proxies {
		p.clients = append(p.clients, proxy.Client(p.secret))
	}
	f.fence(t, p.name)
	return p
}

// hammer calls on every proxy as fast as it goes. At the provider there are never more calls than the limit and 5 % in any minute, at
// least a share of what is allowed is served, and no call fails otherwise.
func (f *fleet) hammer(t *testing.T, what string, p *purse, amount int, length time.Duration, least float64) {
	t.Helper()
	until := time.Now().Add(length)
	y := &endings{}
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	for w := range 2 * len(p.clients) {
		wg.Go(func() {
			for time.Now().Before(until) {
				start := time.Now()
				end := p.spend(t.Context(), p.clients[w%len(p.clients)])
				y.note(end)
				mu.Lock()
				took = append(took, time.Since(start))
				mu.Unlock()
				if end != served {
					time.Sleep(harness.Size(5*time.Millisecond, 50*time.Millisecond))
				}
			}
		})
	}
	wg.Wait()
	most := densest(f.provider.Ledger.Of(func(c replay.Call) bool { return owns(p.name, c.User) }), time.Minute)
	allowed := amount + amount/20
	if most > allowed || y.count(served) < int(least*float64(amount)) {
		t.Errorf("%s: %d calls in a minute at a limit of %d; %s", what, most, amount, y)
	}
	if rest := y.unexpected(served, "429 limit.exceeded"); len(rest) > 0 {
		t.Errorf("%s: calls failed: %v", what, rest)
	}
	slices.Sort(took)
	t.Logf("%s, over %d proxies: %s; at most %d in a minute (limit %d, allowed %d); p50 %s, p99 %s", what, len(p.clients), y, most, amount, allowed,
		took[len(took)/2].Round(10*time.Microsecond), took[len(took)*99/100].Round(10*time.Microsecond))
}

// densest is the most calls in any window of a length.
func densest(calls []replay.Call, window time.Duration) int {
	slices.SortFunc(calls, func(a, b replay.Call) int { return a.Start.Compare(b.Start) })
	most, first := 0, 0
	for i := range calls {
		for calls[i].Start.Sub(calls[first].Start) >= window {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}
