package stat_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"tollgate/internal/experiment/stat"
)

// between is a difference as a look might give it, with a sequence and no end.
func between(low, high float64) stat.Difference {
	return stat.Difference{Known: true, Mean: (low + high) / 2, Low: low, High: high}
}

// atEnd adds the bounds of the last look.
func atEnd(d stat.Difference, low, high float64) stat.Difference {
	d.Final, d.FixedLow, d.FixedHigh = true, low, high
	return d
}

func TestDecide(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	cheaper, notWorse := between(-0.5, -0.4), between(-0.015, 0.02)
	maybeWorse, unclear := between(-0.03, 0.02), between(-0.1, 0.1)
	seen := func(e stat.Evidence) stat.Evidence {
		if e.Units == 0 {
			e.Units = 300
		}
		if e.Elapsed == 0 {
			e.Elapsed = 2 * day
		}
		return e
	}
	rules := stat.DefaultRules
	capped := rules(stat.Better)
	capped.CostCap = 1.2
	plain := rules(stat.Cheaper)
	plain.Quality = false
	tests := []struct {
		name  string
		rules stat.Rules
		e     stat.Evidence
		want  stat.Outcome
	}{
		{"cheaper and not worse wins", rules(stat.Cheaper), stat.Evidence{Cost: cheaper, Quality: notWorse}, stat.Wins},
		{"cheaper but perhaps worse is not decided", rules(stat.Cheaper), stat.Evidence{Cost: cheaper, Quality: maybeWorse}, stat.Undecided},
		{"a quality that nobody measured is not known to be good", rules(stat.Cheaper), stat.Evidence{Cost: cheaper}, stat.Undecided},
		{"cost alone wins where no quality was asked for", plain, stat.Evidence{Cost: cheaper}, stat.Wins},
		{"not before two full days", rules(stat.Cheaper), stat.Evidence{Cost: cheaper, Quality: notWorse, Elapsed: 2*day - time.Second}, stat.Undecided},
		{"not before 300 units an arm", rules(stat.Cheaper), stat.Evidence{Cost: cheaper, Quality: notWorse, Units: 299}, stat.Undecided},
		{"at the end 299 units will do", rules(stat.Cheaper), stat.Evidence{Cost: cheaper, Quality: notWorse, Units: 299, Final: true}, stat.Wins},
		{"but 29 will not", rules(stat.Cheaper), stat.Evidence{Cost: cheaper, Quality: notWorse, Units: 29, Final: true}, stat.Open},
		{"a saving that the cap made is none", rules(stat.Cheaper), stat.Evidence{Cost: cheaper, CostAll: between(-0.1, 0.3), Quality: notWorse}, stat.Undecided},
		{"a saving that uncapped costs bear out is one", rules(stat.Cheaper), stat.Evidence{Cost: cheaper, CostAll: between(-0.6, 0.1), Quality: notWorse}, stat.Wins},
		{"the last day's bounds decide at the end", rules(stat.Cheaper), stat.Evidence{Cost: atEnd(between(-0.2, 0.01), -0.2, -0.01), Quality: atEnd(maybeWorse, -0.019, 0.01), Final: true}, stat.Wins},
		{"one bound may be the sequence's, the other the last day's", rules(stat.Cheaper), stat.Evidence{Cost: atEnd(cheaper, -0.6, 0.1), Quality: atEnd(maybeWorse, -0.019, 0.01), Final: true}, stat.Wins},
		{"dearer loses", rules(stat.Cheaper), stat.Evidence{Cost: between(0.01, 0.2), Quality: notWorse}, stat.Loses},
		{"worse by more than the margin loses however cheap", rules(stat.Cheaper), stat.Evidence{Cost: cheaper, Quality: between(-0.1, -0.03)}, stat.Loses},
		{"at the end inside the margin is no difference", rules(stat.Cheaper), stat.Evidence{Cost: unclear, Quality: between(-0.019, 0.019), Final: true}, stat.Alike},
		{"and not before the end", rules(stat.Cheaper), stat.Evidence{Cost: unclear, Quality: between(-0.019, 0.019)}, stat.Undecided},
		{"at the end with an interval beyond the margin is inconclusive", rules(stat.Cheaper), stat.Evidence{Cost: unclear, Quality: between(-0.019, 0.021), Final: true}, stat.Open},
		{"better wins", rules(stat.Better), stat.Evidence{Quality: between(0.001, 0.03)}, stat.Wins},
		{"better within the cap wins", capped, stat.Evidence{Quality: between(0.001, 0.03), Cost: between(0, 0.19)}, stat.Wins},
		{"better at a cost that may be over the cap is not decided", capped, stat.Evidence{Quality: between(0.001, 0.03), Cost: between(0, 0.21)}, stat.Undecided},
		{"better over the cap loses", capped, stat.Evidence{Quality: between(0.001, 0.03), Cost: between(0.21, 0.4)}, stat.Loses},
		{"better without a price known is not within the cap", capped, stat.Evidence{Quality: between(0.001, 0.03)}, stat.Undecided},
		{"worse loses", rules(stat.Better), stat.Evidence{Quality: between(-0.03, -0.001)}, stat.Loses},
		{"faster and not worse wins", rules(stat.Faster), stat.Evidence{Latency: between(-0.3, -0.1), Quality: notWorse}, stat.Wins},
		{"faster but perhaps worse is not decided", rules(stat.Faster), stat.Evidence{Latency: between(-0.3, -0.1), Quality: maybeWorse}, stat.Undecided},
		{"slower loses", rules(stat.Faster), stat.Evidence{Latency: between(0.1, 0.3), Quality: notWorse}, stat.Loses},
		{"a failed health check withholds a winner", rules(stat.Cheaper), stat.Evidence{Cost: cheaper, Quality: notWorse, Unproven: true}, stat.Withheld},
		{"a goal that nobody knows proves nothing", rules("newer"), stat.Evidence{Cost: cheaper, Quality: notWorse}, stat.Undecided},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.rules.Decide(seen(tt.e)); got != tt.want {
				t.Errorf("Decide = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestConclude(t *testing.T) {
	t.Parallel()
	arm := func(costLow, costHigh, qualityLow, qualityHigh float64, final bool) stat.Evidence {
		return stat.Evidence{
			Cost: between(costLow, costHigh), Quality: between(qualityLow, qualityHigh),
			Units: 1000, Elapsed: 72 * time.Hour, Final: final,
		}
	}
	rules := stat.DefaultRules(stat.Cheaper)
	sick := arm(-0.5, -0.4, -0.01, 0.01, true)
	sick.Unproven = true
	tests := []struct {
		name string
		arms []stat.Evidence
		want stat.Verdict
	}{
		{"no arms: go on", nil, stat.Verdict{Outcome: stat.Undecided, Arm: -1}},
		{"of two winners the cheaper", []stat.Evidence{arm(-0.3, -0.2, -0.01, 0.01, false), arm(-0.5, -0.4, -0.01, 0.01, false)}, stat.Verdict{Outcome: stat.Wins, Arm: 1}},
		{"a winner ends the test though another is open", []stat.Evidence{arm(-0.1, 0.1, -0.1, 0.1, false), arm(-0.5, -0.4, -0.01, 0.01, false)}, stat.Verdict{Outcome: stat.Wins, Arm: 1}},
		{"a loser does not, while another is open", []stat.Evidence{arm(0.1, 0.2, -0.1, 0.1, false), arm(-0.1, 0.1, -0.1, 0.1, false)}, stat.Verdict{Outcome: stat.Undecided, Arm: -1}},
		{"all lose: keep the control", []stat.Evidence{arm(0.1, 0.2, -0.1, 0.1, false), arm(0.1, 0.2, -0.1, 0.1, false)}, stat.Verdict{Outcome: stat.Loses, Arm: -1}},
		{"alike: the cheaper arm by estimate", []stat.Evidence{arm(-0.1, 0.05, -0.01, 0.01, true), arm(0.2, 0.3, -0.01, 0.01, true)}, stat.Verdict{Outcome: stat.Alike, Arm: 0}},
		{"alike, and the control is the cheapest", []stat.Evidence{arm(-0.05, 0.1, -0.01, 0.01, true)}, stat.Verdict{Outcome: stat.Alike, Arm: -1}},
		{"one open at the end is inconclusive", []stat.Evidence{arm(-0.1, 0.1, -0.01, 0.01, true), arm(-0.1, 0.1, -0.1, 0.1, true)}, stat.Verdict{Outcome: stat.Open, Arm: -1}},
		{"one sick arm withholds all", []stat.Evidence{arm(-0.5, -0.4, -0.01, 0.01, true), sick}, stat.Verdict{Outcome: stat.Withheld, Arm: -1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := rules.Conclude(tt.arms); got != tt.want {
				t.Errorf("Conclude = %+v, want %+v", got, tt.want)
			}
		})
	}
}

// arms is a simulated test as the product runs it: units with a size, a cost that follows the size, a score, a latency; looks by the hour from
// the earliest that may decide.
type arms struct {
	saving  float64 // of the challengers' costs
	better  float64 // their scores, in points
	perHour int     // units an arm
	number  int     // of challengers
}

// verdicts runs one test of seven days, to the verdict of each of the rules.
func (s arms) verdicts(rng *rand.Rand, rules ...stat.Rules) []stat.Verdict {
	each := make([]armSums, s.number+1)
	out := make([]stat.Verdict, len(rules))
	open := len(rules)
	for h := range hours {
		for i := range each {
			for range s.perHour {
				s.unit(rng, &each[i], i, h)
			}
		}
		if h < 47 {
			continue
		}
		evidence := s.evidence(each, h)
		for i, r := range rules {
			if out[i].Outcome != "" {
				continue
			}
			if v := r.Conclude(evidence); v.Outcome != stat.Undecided {
				out[i] = v
				open--
			}
		}
		if open == 0 {
			break
		}
	}
	return out
}

// armSums are an arm's sums: costs capped and as they are, scores, latency.
type armSums struct{ cost, all, quality, latency stat.Sums }

// unit adds a unit of arm i in hour h.
func (s arms) unit(rng *rand.Rand, to *armSums, i, h int) {
	const most = 90.0 // some 99 % of costs
	size := rng.NormFloat64()
	x := [stat.Covariates]float64{size, math.Sin(2 * math.Pi * float64(h) / 24), math.Cos(2 * math.Pi * float64(h) / 24)}
	cost, rate, score := stat.Unit{Value: math.Exp(1.2*size + 0.8*rng.NormFloat64()), X: x}, 0.8, 0.0
	if i > 0 {
		cost.Value *= 1 - s.saving
		rate += s.better
	}
	if rng.Float64() < rate {
		score = 1
	}
	to.all.Add(cost)
	to.cost.Add(cost.Capped(most))
	to.quality.Add(stat.Unit{Value: score})
	to.latency.Add(stat.Unit{Value: 400 * math.Exp(0.5*size+0.5*rng.NormFloat64()), X: x})
}

// evidence is the look at the end of hour h.
func (s arms) evidence(each []armSums, h int) []stat.Evidence {
	test, horizon, final := stat.Hybrid(s.number), float64(2*s.perHour*hours), h == hours-1
	out := make([]stat.Evidence, s.number)
	for i := range out {
		a, b := each[0], each[i+1]
		out[i] = stat.Evidence{
			Cost:    test.Look(stat.Cost.At(horizon), a.cost, b.cost, final),
			CostAll: test.Look(stat.Cost.At(horizon), a.all, b.all, final),
			Quality: test.Look(stat.Share.At(horizon), a.quality, b.quality, final),
			Latency: test.Look(stat.Latency.At(horizon), a.latency, b.latency, final),
			Units:   min(a.cost.N, b.cost.N), Elapsed: time.Duration(h+1) * time.Hour, Final: final,
		}
	}
	return out
}

// An A/A test through everything that decides: both arms are the same, so a winner is false, and so is a loser.
func TestNoFalseVerdictsInAATests(t *testing.T) {
	t.Parallel()
	const n = 1_500
	better, plain := stat.DefaultRules(stat.Better), stat.DefaultRules(stat.Cheaper)
	better.CostCap = 1.5
	plain.Quality = false
	names := []string{"cheaper", "faster", "better", "cheaper, without quality"}
	rules := []stat.Rules{stat.DefaultRules(stat.Cheaper), stat.DefaultRules(stat.Faster), better, plain}
	got := shares(t, n, 2*len(rules), 40, func(rng *rand.Rand, saw []bool) {
		for i, v := range (arms{perHour: 8, number: 1}).verdicts(rng, rules...) {
			saw[2*i], saw[2*i+1] = v.Outcome == stat.Wins, v.Outcome == stat.Wins || v.Outcome == stat.Loses
		}
	})
	for i, name := range names {
		atMost(t, "A/A, goal "+name+": false winners", got[2*i], 0.05, n)
		atMost(t, "A/A, goal "+name+": false winners and losers", got[2*i+1], 0.05, n)
	}
	several := runs(t, n/2, 41, func(rng *rand.Rand) bool {
		return arms{perHour: 7, number: 3}.verdicts(rng, plain)[0].Outcome == stat.Wins
	})
	atMost(t, "A/A, four arms, goal cheaper, without quality: false winners", several, 0.05, n/2)
}

// An arm that costs much less but is worse by just the margin must not win: "not worse" is what the margin is about.
func TestNoFalseNotWorseAtTheMargin(t *testing.T) {
	t.Parallel()
	const n = 1_000
	got := runs(t, n, 50, func(rng *rand.Rand) bool {
		return arms{saving: 0.4, better: -0.02, perHour: 8, number: 1}.verdicts(rng, stat.DefaultRules(stat.Cheaper))[0].Outcome == stat.Wins
	})
	atMost(t, "40 % cheaper, worse by the margin: false winners", got, 0.05, n)
}

// What is there is found: otherwise the limits on false winners would hold for a test that never says anything.
func TestTrueWinnersAreFound(t *testing.T) {
	t.Parallel()
	for i, c := range []struct {
		name string
		arms arms
		goal stat.Goal
		want float64
	}{
		{"40 % cheaper, as good, 2,880 units a day", arms{saving: 0.4, perHour: 60, number: 1}, stat.Cheaper, 0.85},
		{"5 points better, 960 units a day", arms{better: 0.05, perHour: 20, number: 1}, stat.Better, 0.95},
	} {
		got := runs(t, 256, uint64(60+i), func(rng *rand.Rand) bool {
			return c.arms.verdicts(rng, stat.DefaultRules(c.goal))[0] == stat.Verdict{Outcome: stat.Wins, Arm: 0}
		})
		atLeast(t, fmt.Sprintf("found: %s", c.name), got, c.want)
	}
}
