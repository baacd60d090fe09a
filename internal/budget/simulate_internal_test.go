package budget

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollgate/internal/id"
	"tollgate/internal/money"
)

// played runs calls through a budget.
func played(b Budget, list []Passed) Simulation {
	r := newRun(b, Calendar{})
	for _, p := range list {
		r.pass(p)
	}
	return r.result(TrafficQuery{From: monday, To: monday.AddDate(0, 1, 0), Newest: 1 << 20})
}

func at(hours int, cost money.NanoUSD, k id.Key) Passed {
	return Passed{At: monday.Add(time.Duration(hours) * time.Hour), Cost: cost * usd, Key: k}
}

func TestASimulationBlocksWhatHasNoRoom(t *testing.T) {
	t.Parallel()
	calls := []Passed{
		at(1, 6, "a"), at(2, 5, "b"), at(3, 4, "a"), at(4, 1, "c"), // day one: 6 fits, 5 does not, 4 fits, 1 does not
		at(25, 10, "a"), at(26, 0, "a"), // day two is full at once; what costs nothing passes
		at(49, 3, "b"),
	}
	got := played(Budget{Limits: []Limit{{Day, 10 * usd}}}, calls)
	if got.Calls != 7 || got.Spent != 29*usd || got.Blocked != 2 || got.Saved != 6*usd || got.Keys != 2 || got.Cut {
		t.Errorf("%+v", got)
	}
	l := got.Limits[0]
	if l.Peak != 16*usd || !l.PeakAt.From.Equal(monday) || l.Nothing != 20*usd {
		t.Errorf("%+v", l)
	}
	if len(got.Full) != 1 || got.Full[0].Blocked != 2 || !got.Full[0].At.Equal(monday.Add(2*time.Hour)) {
		t.Errorf("%+v", got.Full)
	}
}

func TestACallThatOneLimitBlocksWeighsOnNone(t *testing.T) {
	t.Parallel()
	calls := []Passed{at(1, 6, "a"), at(2, 6, "a"), at(25, 6, "a"), at(49, 6, "a")}
	got := played(Budget{Limits: []Limit{{Day, 10 * usd}, {Month, 18 * usd}}}, calls)
	// The second call is blocked by the day; the month then has room for three of 6.
	if got.Blocked != 1 || got.Saved != 6*usd {
		t.Errorf("%+v", got)
	}
	if got.Limits[1].Peak != 24*usd {
		t.Errorf("the peak is of all calls: %+v", got.Limits[1])
	}
}

func TestEachValueHasTheLimitToItself(t *testing.T) {
	t.Parallel()
	ann, bob := at(1, 6, "a"), at(2, 6, "a")
	ann.Subject, bob.Subject = "ann", "bob"
	got := played(Budget{Limits: []Limit{{Day, 10 * usd}}}, []Passed{ann, bob, ann})
	if got.Blocked != 1 || got.Full[0].Subject != "ann" || got.Limits[0].Subject != "ann" || got.Limits[0].Peak != 12*usd {
		t.Errorf("%+v", got)
	}
}

func TestSuggestedLimitsHoldWhatTheyPromise(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		costs := rapid.SliceOfN(rapid.Int64Range(0, 5_000_000_000), 1, 300).Draw(r, "costs")
		var calls []Passed
		for i, c := range costs {
			calls = append(calls, Passed{At: monday.Add(time.Duration(i) * time.Hour), Cost: money.NanoUSD(c), Key: "a"})
		}
		first := played(Budget{Limits: []Limit{{Day, 0}}}, calls)
		if n := played(Budget{Limits: []Limit{{Day, first.Limits[0].Nothing}}}, calls).Blocked; n != 0 {
			r.Fatalf("%s blocks %d", first.Limits[0].Nothing.USD(), n)
		}
		if n := played(Budget{Limits: []Limit{{Day, first.Limits[0].OnePercent}}}, calls).Blocked; n > int64(len(calls))/100 {
			r.Fatalf("%s blocks %d of %d", first.Limits[0].OnePercent.USD(), n, len(calls))
		}
		// No pot ever passes more than its limit.
		limit := money.NanoUSD(rapid.Int64Range(0, 40_000_000_000).Draw(r, "limit"))
		run := newRun(Budget{Limits: []Limit{{Day, limit}}}, Calendar{})
		for _, p := range calls {
			run.pass(p)
		}
		if slices.ContainsFunc(run.lanes[0].all, func(w *window) bool { return w.used > limit }) {
			r.Fatal("a window passed more than its limit")
		}
	})
}

func TestRoundLimitsAreThoseThatPeopleChoose(t *testing.T) {
	t.Parallel()
	for n, want := range map[money.NanoUSD]money.NanoUSD{
		0: usd / 100, 1: usd / 100, usd / 100: usd / 100, usd/100 + 1: usd / 100 * 12 / 10, 494 * usd: 500 * usd, 500 * usd: 500 * usd, 501 * usd: 600 * usd,
		1000*usd + 1: 1200 * usd, 83 * usd: 100 * usd, 412 * usd: 500 * usd,
	} {
		if got := Round(n); got != want {
			t.Errorf("Round(%s) = %s, want %s", n.USD(), got.USD(), want.USD())
		}
	}
}
