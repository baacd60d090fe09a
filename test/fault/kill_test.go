package fault

import (
	"strconv"
	"testing"
	"time"

	"tollgate/test/harness"
	"tollgate/test/replay"
)

// The kill: the whole process dies twenty times under 100 calls a second, its database with it.
func TestAKillLosesNoCallAndCountsNoneTwice(t *testing.T) {
	s := build(t, harness.Config{})
	s.provider.Ledger.Slim()
	for _, model := range []string{"gpt-4o-mini", "claude-haiku-4-5"} { // streams of 50 ms, so that kills cut some
		s.provider.Script(model, replay.Turn{Pause: 5 * time.Millisecond, First: 2 * time.Millisecond})
	}
	load := s.start(t.Context(), "kill", 100)
	slowest := time.Duration(0)
	for range 20 {
		before := len(s.booked())
		harness.Eventually(t, 20*time.Second, func() error {
			if len(s.booked()) < before+60 {
				return harness.ErrNotYet
			}
			return nil
		})
		s.Kill()
		start := time.Now()
		s.Launch()
		s.WaitReady(30 * time.Second)
		slowest = max(slowest, time.Since(start))
	}
	results := load.stop()
	log := s.settled(t, 30*time.Second)
	t.Logf("%d calls sent, %d reached the provider, %d in the log; slowest start %s", len(results), len(s.booked()), len(log), slowest)
	if slowest > 5*time.Second {
		t.Errorf("a start after a kill took %s: more than 5 s", slowest)
	}
	s.compare(t, log, results)
}

// compare holds the call log against the provider's ledger and against what the clients saw.
func (s *site) compare(t *testing.T, log map[string]harness.Call, results []result) {
	t.Helper()
	ledger := map[string]replay.Call{}
	for _, c := range s.booked() {
		if _, twice := ledger[c.User]; twice {
			t.Errorf("the provider was asked twice for %s", c.User)
		}
		ledger[c.User] = c
	}
	var logged, billed int64
	cut := 0
	for user, c := range log {
		p, reached := ledger[user]
		switch {
		case c.Outcome == "interrupted":
			cut++
			if !c.Estimated {
				t.Errorf("%s was cut and is not flagged as estimated", user)
			}
			continue
		case c.Attempts == 0:
			if reached {
				t.Errorf("%s reached the provider; the log says it did not", user)
			}
			continue
		case !reached:
			t.Errorf("%s is in the log as %s; the provider never saw it", user, c.Outcome)
			continue
		}
		if c.Outcome != "ok" {
			continue
		}
		rate, _ := harness.Rates(p.Model)
		logged += c.Cost()
		billed += rate.Nano(p.Billed)
		if c.Cost() != rate.Nano(p.Billed) || c.Estimated || c.PriceState != "priced" {
			t.Errorf("%s (%s) costs %s nano-dollars in the log (%s, estimated %v), %d by hand", user, p.Model, c.CostNanoUSD, c.PriceState, c.Estimated, rate.Nano(p.Billed))
		}
	}
	for user := range ledger {
		if _, ok := log[user]; !ok {
			t.Errorf("%s reached the provider and is lost", user)
		}
	}
	whole := 0
	for _, r := range results {
		if !r.whole {
			continue
		}
		whole++
		if c := log[r.user]; c.Outcome != "ok" {
			t.Errorf("%s had its whole answer; the log says %q", r.user, c.Outcome)
		}
	}
	if whole == 0 || logged != billed {
		t.Errorf("%d whole answers; the log sums to %d nano-dollars, the ledger to %d", whole, logged, billed)
	}
	t.Logf("%d whole answers, %d cut by a kill and flagged, %d nano-dollars on both sides", whole, cut, logged)
	s.rolledUp(t, log)
}

// rolledUp: usage comes to the sum of the log, to the nano-dollar.
func (s *site) rolledUp(t *testing.T, log map[string]harness.Call) {
	t.Helper()
	var calls, cost int64
	for _, c := range s.owner.Calls(nil) {
		calls++
		cost += c.Cost()
	}
	harness.Eventually(t, 15*time.Second, func() error {
		got := s.owner.Costs("provider").Total
		if got.Calls == calls && got.Nano == strconv.FormatInt(cost, 10) {
			return nil
		}
		return errf("usage says %d calls for %s nano-dollars, the log %d for %d", got.Calls, got.Nano, calls, cost)
	})
	if int(calls) < len(log) {
		t.Errorf("%d calls in the log, %d by user", calls, len(log))
	}
}
