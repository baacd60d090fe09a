package fault

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/test/harness"
)

// B3: every proxy dies again and again in the middle of calls.
func TestB3KilledProxiesOverspendNothingAndHoldNothingForEver(t *testing.T) {
	proxies, kills, limit, workers := harness.Size(3, 8), harness.Size(9, 160), harness.Size(dollar/40, dollar), harness.Size(24, 48)
	m := faults(rand.Uint64())
	f := buildFleet(t, proxies, m, harness.ProxyConfig{})
	p := f.purse(t, "b3", limit, nil)
	p.scale = harness.Size(1, 4)
	var over atomic.Bool
	var load sync.WaitGroup
	var y *endings
	load.Go(func() { y = p.loop(t.Context(), workers, untilSpent(&over)) })
	left := make(chan int, kills)
	for n := range kills {
		left <- n
	}
	close(left)
	var killers sync.WaitGroup
	for range harness.Size(1, 3) { // of them at a time
		killers.Go(func() {
			for n := range left {
				proxy := f.proxies[n%len(f.proxies)]
				time.Sleep(time.Duration(50+rand.IntN(harness.Size(250, 500))) * time.Millisecond)
				proxy.Kill()
				if billed := p.billed(); billed > limit {
					t.Errorf("at kill %d the provider has billed %s of %s", n, usd(billed), usd(limit))
				}
				proxy.Launch()
				if err := proxy.Ready(60 * time.Second); err != nil {
					t.Error(err)
				}
			}
		})
	}
	killers.Wait()
	over.Store(true)
	load.Wait()
	end := time.Now()
	s := p.holds(t, 30*time.Second)
	took := time.Since(end)
	if y.count(served) == 0 || y.count(broken) == 0 {
		t.Errorf("no call was served, or none cut: %s", y)
	}
	adjusted := p.reconcile(t)
	t.Logf("B3 seed %d: %d kills of %d proxies: %s; provider %s ≤ settled %s ≤ %s; held 0 after %s; after reconcile %s = %s", m.Seed, kills, proxies, y,
		usd(p.billed()), usd(s.Spent), usd(limit), took.Round(time.Millisecond), usd(adjusted.Spent), usd(p.billed()))
}

// untilSpent lets a loop go on until over is set, and then until the budget is spent.
func untilSpent(over *atomic.Bool) func(*endings) bool {
	var from atomic.Int64 // refusals before that, and one more
	return func(y *endings) bool {
		if !over.Load() {
			return false
		}
		from.CompareAndSwap(0, int64(y.count(exceeded)+1))
		return int64(y.count(exceeded)) >= from.Load()+16
	}
}

// reconcile gives the books the provider's own figures, call by call; afterwards both sides are equal to the nano-dollar.
func (p *purse) reconcile(t *testing.T) harness.Standing {
	t.Helper()
	bills := map[string]int64{}
	for _, c := range p.f.provider.Ledger.Calls() {
		if owns(p.name, c.User) {
			bills[c.User] += c.Bill
		}
	}
	var lines strings.Builder
	lines.WriteString("call_id,cost_usd\n")
	named := map[string]bool{}
	for _, c := range p.f.owner.Calls(map[string][]string{"key": {p.keyID}}) {
		if !owns(p.name, c.EndUser) || c.Outcome == "refused" {
			continue
		}
		if named[c.EndUser] {
			t.Errorf("%s is in the log twice", c.EndUser)
		}
		named[c.EndUser] = true
		bill := bills[c.EndUser]
		fmt.Fprintf(&lines, "%s,%d.%09d\n", c.ID, bill/dollar, bill%dollar)
	}
	for user, bill := range bills {
		if bill > 0 && !named[user] {
			t.Errorf("%s was billed and is not in the log", user)
		}
	}
	file := filepath.Join(p.f.DataDir, "provider.csv")
	if err := os.WriteFile(file, []byte(lines.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := p.f.Command("budget", "reconcile", file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.f.owner.Standing(p.budget, p.period)
	if err != nil {
		t.Fatal(err)
	}
	if s.Spent != p.billed() || s.Held != 0 {
		t.Errorf("after reconcile the ledger says %d nano-dollars spent and %d held, the provider %d\n%s", s.Spent, s.Held, p.billed(), out)
	}
	if out, err := p.f.Command("budget", "verify"); err != nil {
		t.Errorf("the books do not balance: %v\n%s", err, out)
	}
	return s
}

// B4: a proxy stands still in the middle of its calls, for longer than any lease is idle, and goes on as if nothing had been.
func TestB4AProxyThatWakesLateOverspendsNothing(t *testing.T) {
	proxies, pause, limit := harness.Size(3, 8), harness.Size(4*time.Second, 45*time.Second), harness.Size(dollar/40, dollar/4)
	m := &harness.Meter{Seed: rand.Uint64(), First: 300 * time.Millisecond, Pause: 20 * time.Millisecond}
	f := buildFleet(t, proxies, m, harness.ProxyConfig{})
	p := f.purse(t, "b4", limit, nil)
	asleep := f.proxies[0]
	var over atomic.Bool
	var load sync.WaitGroup
	var y *endings
	load.Go(func() { y = p.loop(t.Context(), 32, untilSpent(&over)) })
	time.Sleep(time.Second) // calls are under way
	before := p.billed()
	asleep.Pause()
	slept := time.Now()
	for time.Since(slept) < pause {
		time.Sleep(100 * time.Millisecond)
		s, err := f.owner.Standing(p.budget, p.period)
		if err != nil {
			t.Fatal(err)
		}
		if s.Held < 0 || s.Spent+s.Held > limit || p.billed() > limit {
			t.Fatalf("while a proxy sleeps: %+v, the provider billed %s of %s", s, usd(p.billed()), usd(limit))
		}
	}
	during := p.billed() - before
	asleep.Resume()
	over.Store(true)
	load.Wait()
	s := p.holds(t, 10*time.Second)
	if during == 0 {
		t.Error("the other proxies stood still as well")
	}
	if s.Spent != p.billed() {
		t.Errorf("settled %s, the provider billed %s", usd(s.Spent), usd(p.billed()))
	}
	t.Logf("B4 seed %d: stopped for %s in mid-call: %s; provider %s ≤ %s, settled %s, held %d", m.Seed, pause, y, usd(p.billed()), usd(limit), usd(s.Spent), s.Held)
}

// B5: proxies whose clocks are ten minutes wrong, either way, lose their database.
func TestB5APartitionAndWrongClocksOverspendNothing(t *testing.T) {
	proxies, cut, limit := harness.Size(2, 8), harness.Size(6*time.Second, 75*time.Second), harness.Size(dollar/20, dollar/2)
	m := &harness.Meter{Seed: rand.Uint64(), First: 20 * time.Millisecond}
	f := buildFleet(t, 0, m, harness.ProxyConfig{})
	link, through := harness.LinkURL(t, f.DatabaseURL())
	for n := range proxies {
		shift := []time.Duration{10 * time.Minute, -10 * time.Minute}[n%2]
		f.proxies = append(f.proxies, f.Proxy(t, harness.ProxyConfig{DatabaseURL: through, Shift: shift}))
	}
	harness.AllReady(t, f.proxies)
	p := f.purse(t, "b5", limit, map[string]any{"limits": []map[string]string{
		{"period": "hour", "amount_nano_usd": fmt.Sprint(limit)}, {"period": "total", "amount_nano_usd": fmt.Sprint(limit)},
	}})
	workers := 2 * proxies
	past := func(length time.Duration) func(*endings) bool {
		until := time.Now().Add(length)
		return func(*endings) bool { return time.Now().After(until) }
	}
	before := p.loop(t.Context(), workers, past(300*time.Millisecond))
	link.Cut()
	during := p.loop(t.Context(), workers, past(cut))
	link.Heal()
	healed := time.Now()
	harness.Eventually(t, 20*time.Second, func() error {
		for i, c := range p.clients {
			if end := p.spend(t.Context(), c); end != served && end != exceeded {
				return errf("proxy %d: %s (%v)", i, end, p.reason())
			}
		}
		return nil
	})
	back := time.Since(healed)
	after := p.loop(t.Context(), workers, func(y *endings) bool { return y.count(exceeded) >= workers })
	s := p.holds(t, 10*time.Second)
	if before.count(served) == 0 || during.count(away) == 0 || after.count(served) == 0 {
		t.Errorf("before %s, during %s, after %s", before, during, after)
	}
	if rest := during.unexpected(served, away); len(rest) > 0 {
		t.Errorf("without the authority: %v", rest)
	}
	if rest := after.unexpected(served, exceeded); len(rest) > 0 {
		t.Errorf("with the authority again: %v", rest)
	}
	t.Logf("B5 seed %d: cut off for %s, clocks ± 10 min: before %s, during %s, after %s (%s); provider %s ≤ %s, settled %s", m.Seed, cut, before, during,
		back.Round(time.Millisecond), after, usd(p.billed()), usd(limit), usd(s.Spent))
}
