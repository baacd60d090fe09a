package fault

import (
	"math/rand/v2"
	"testing"
	"time"

	"tollgate/test/harness"
)

// faults are odds of a provider that is not well.
func faults(seed uint64) *harness.Meter {
	return &harness.Meter{Seed: seed, First: harness.Size(30*time.Millisecond, 300*time.Millisecond), Pause: time.Millisecond, Busy: 10, Broken: 10, Reset: 10, Mute: 10}
}

// B1: many calls at once through several proxies, each of an unknown true cost, against one small budget.
func TestB1CallsAtOnceSpendNoMoreThanTheBudget(t *testing.T) {
	proxies, calls, limit, scale, seeds := harness.Size(3, 8), harness.Size(900, 10_000), harness.Size(dollar/40, dollar), harness.Size(2, 8), harness.Size(1, 4)
	m := faults(rand.Uint64())
	f := buildFleet(t, proxies, m, harness.ProxyConfig{})
	for n := range seeds {
		if n > 0 {
			m.Reseed(rand.Uint64())
		}
		p := f.purse(t, "b1-"+string(rune('a'+n)), limit, nil)
		p.scale = scale
		start := time.Now()
		y := p.burst(t.Context(), calls)
		took := time.Since(start)
		if rest := y.unexpected(served, exceeded, broken, "429 ", "500 "); len(rest) > 0 {
			t.Logf("other ends: %v", rest)
		}
		s := p.holds(t, 10*time.Second)
		if p.billed() < limit/2 || y.count(exceeded) == 0 {
			t.Errorf("the budget was never in question: %s of %s, %s", usd(p.billed()), usd(limit), y)
		}
		t.Logf("B1 seed %d: %d calls at once over %d proxies in %s: %s; provider %s ≤ %s, settled %s, held %d", m.Seed, calls, proxies,
			took.Round(time.Millisecond), y, usd(p.billed()), usd(limit), usd(s.Spent), s.Held)
	}
}

// B2: clients that go on until they are refused for good can spend a budget to its end.
func TestB2ABudgetCanBeSpentToItsEnd(t *testing.T) {
	proxies, workers, limit := harness.Size(3, 8), harness.Size(24, 64), harness.Size(dollar/20, dollar)
	m := &harness.Meter{Seed: rand.Uint64(), First: 10 * time.Millisecond}
	f := buildFleet(t, proxies, m, harness.ProxyConfig{})
	p := f.purse(t, "b2", limit, nil)
	y := p.loop(t.Context(), workers, func(y *endings) bool { return y.quiet(5 * time.Second) })
	last := time.Now()
	if rest := y.unexpected(served, exceeded); len(rest) > 0 {
		t.Errorf("other ends: %v", rest)
	}
	s := p.holds(t, 5*time.Second)
	billed := p.billed()
	if billed < limit/100*99 {
		t.Errorf("only %s of %s could be spent", usd(billed), usd(limit))
	}
	if s.Spent != billed {
		t.Errorf("settled %s, the provider billed %s", usd(s.Spent), usd(billed))
	}
	t.Logf("B2 seed %d: %s: %s of %s spent (%d.%02d %%), held 0 after %s", m.Seed, y, usd(billed), usd(limit),
		billed*100/limit, billed*10000/limit%100, time.Since(last).Round(time.Millisecond))
}
