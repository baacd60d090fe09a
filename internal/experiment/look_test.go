package experiment

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/money"
)

var monday = time.Date(2030, 1, 7, 9, 0, 0, 0, time.UTC)

// kind is what the units of an arm are like; the zero value is a good one at a cost of a tenth of a cent a call.
type kind struct {
	units     int
	cost      float64 // times the usual; 0: once
	slow      float64 // times the usual; 0: once
	bad       float64 // share of judged calls that are no good
	unjudged  float64 // share of units without a judgement
	failing   float64 // share of calls
	refusing  float64
	malformed float64 // of the answers that should be JSON
	fallback  float64
}

// or is x, or otherwise what stands for it.
func or(x, otherwise float64) float64 {
	if x == 0 {
		return otherwise
	}
	return x
}

// unit makes up a unit of one to four calls in an hour of the test.
func (k kind) unit(rng *rand.Rand, arm string, n uint64, hour time.Time) Tally {
	t := Tally{Arm: arm, Unit: n, Hour: hour, FirstAt: hour.Add(time.Duration(rng.IntN(3600)) * time.Second), FirstBytes: int64(500 * math.Exp(rng.NormFloat64()))}
	judged := rng.Float64() >= k.unjudged
	yes := func(p float64) int64 {
		if rng.Float64() < p {
			return 1
		}
		return 0
	}
	for range 1 + rng.IntN(4) {
		t.Calls++
		t.Cost += money.NanoUSD(1e6 * or(k.cost, 1) * math.Exp(0.3*rng.NormFloat64()) * (1 + float64(t.FirstBytes)/1000))
		t.Errors += yes(k.failing)
		t.Refusals += yes(k.refusing)
		t.Fallbacks += yes(k.fallback)
		t.SchemaAsked++
		t.SchemaValid += 1 - yes(k.malformed)
		if judged {
			t.Scored++
			t.Score += float64(1 - yes(k.bad))
		}
		t.FirstByte = append(t.FirstByte, int32(300*or(k.slow, 1)*math.Exp(0.4*rng.NormFloat64())))
	}
	return t
}

// pair is a plan of a control and one challenger.
func pair(control, challenger int) Plan {
	p := Plan{
		Alias: "als_1", AliasName: "fast", Name: "Mini", Goal: Cheaper, Quality: Scores, ScoreName: "quality", ScoreHigh: 1, Days: 7, Share: 100, Margin: 0.05,
		Variants: []Variant{{Name: "control", Weight: control}, {Name: "mini", Weight: challenger, Target: &alias.Target{Provider: "openai", Model: "gpt-4o-mini"}}},
	}
	return p
}

// readAfter is the reading after so many days of units of these kinds, the control first.
func readAfter(p Plan, days int, kinds ...kind) Reading {
	rng := rand.New(rand.NewPCG(21, 22))
	e := Experiment{Plan: p, StartedAt: monday, Horizon: 8000}
	l := &look{e: &e, c: collect(p, p.names()...), at: monday.Add(time.Duration(days) * 24 * time.Hour), final: days >= p.Days}
	n := uint64(0)
	for i, k := range kinds {
		for j := range k.units {
			n++
			_ = l.c.add(k.unit(rng, p.Variants[i].Name, n, monday.Add(time.Duration(j%(24*days))*time.Hour)))
		}
	}
	return l.read()
}

func TestReadingsSayWhatTheUnitsDid(t *testing.T) {
	t.Parallel()
	usual := kind{units: 3000, bad: 0.1}
	better, faster, blind := pair(50, 50), pair(50, 50), pair(50, 50)
	better.Goal, better.CostCap = Better, 1.2
	faster.Goal = Faster
	blind.Quality = CostLatency
	tests := []struct {
		name       string
		plan       Plan
		days       int
		control    kind
		challenger kind
		want       Verdict
		best       string
		says       string
	}{
		{"cheaper and as good wins after two days", pair(50, 50), 2, usual, kind{units: 3000, bad: 0.1, cost: 0.6}, Winner, "mini", "mini costs 4"},
		{"not after one", pair(50, 50), 1, usual, kind{units: 3000, bad: 0.1, cost: 0.6}, Collecting, "", "The first verdict can come on Wed 9 Jan, 09:00 UTC"},
		{"not with 299 units", pair(50, 50), 3, kind{units: 299}, kind{units: 299, cost: 0.3}, Collecting, "", "598 units so far"},
		{"not if fewer than 300 are judged", pair(50, 50), 3, kind{units: 900, unjudged: 0.8}, kind{units: 900, unjudged: 0.8, cost: 0.3}, Collecting, "", "1,800 units"},
		{"cheaper but worse loses", pair(50, 50), 3, usual, kind{units: 3000, bad: 0.25, cost: 0.6}, KeepControl, "control", "Keep control: mini answers worse (−"},
		{"dearer loses", pair(50, 50), 3, usual, kind{units: 3000, bad: 0.1, cost: 1.4}, KeepControl, "control", "mini costs too much (+"},
		{"cheaper, but quality is not known well enough", pair(50, 50), 3, kind{units: 400, bad: 0.3}, kind{units: 400, bad: 0.3, cost: 0.6}, Collecting, "", "The test ends on Mon 14 Jan"},
		{"the same at the end is inconclusive", pair(50, 50), 7, kind{units: 80, bad: 0.3}, kind{units: 80, bad: 0.3, cost: 0.6}, Inconclusive, "", "nothing is proven either way"},
		{"alike at the end: nothing is cheaper", pair(50, 50), 7, usual, kind{units: 3000, bad: 0.1, cost: 1.01}, NoDifference, "control", "keep it"},
		{"better within the cap wins", better, 3, kind{units: 3000, bad: 0.3}, kind{units: 3000, bad: 0.15, cost: 1.02}, Winner, "mini", "mini answers better: +1"},
		{"better beyond the cap loses", better, 3, kind{units: 3000, bad: 0.3}, kind{units: 3000, bad: 0.15, cost: 1.5}, KeepControl, "control", "mini costs too much"},
		{"faster wins", faster, 3, usual, kind{units: 3000, bad: 0.1, slow: 0.7}, Winner, "mini", "mini starts to answer "},
		{"slower loses", faster, 3, usual, kind{units: 3000, bad: 0.1, slow: 1.3}, KeepControl, "control", "mini is slower (+"},
		{"without quality a winner is not called as good", blind, 3, kind{units: 3000}, kind{units: 3000, cost: 0.6}, Winner, "mini", "quality was not measured"},
		{"an arm that lost units has no verdict", pair(50, 50), 3, usual, kind{units: 2500, bad: 0.1, cost: 0.6}, Void, "", "The split is not the planned one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := readAfter(tt.plan, tt.days, tt.control, tt.challenger)
			if r.Verdict != tt.want || r.Best != tt.best || !strings.Contains(r.Sentence, tt.says) {
				t.Errorf("%s, best %q: %s\nwant %s, best %q: …%s…\ncost %+v quality %+v", r.Verdict, r.Best, r.Sentence, tt.want, tt.best, tt.says, r.Cost, r.Quality)
			}
			if strings.Contains(r.Sentence, "NaN") || strings.Contains(r.Sentence, "Inf") {
				t.Errorf("no sentence: %s", r.Sentence)
			}
		})
	}
}

// Each guardrail, and each only for what it is about.
func TestGuardrailsBreak(t *testing.T) {
	t.Parallel()
	fine := kind{units: 400, failing: 0.01, refusing: 0.01, malformed: 0.02}
	harm := func(change func(*kind)) kind { k := fine; change(&k); return k }
	tests := []struct {
		name  string
		rails Guardrails
		arm   kind
		says  string
	}{
		{"errors", Guardrails{ErrorRate: 0.02}, harm(func(k *kind) { k.failing = 0.2 }), "of mini's calls fail"},
		{"refusals", Guardrails{Refusals: 0.02}, harm(func(k *kind) { k.refusing = 0.2 }), "mini refuses"},
		{"valid answers", Guardrails{SchemaValid: 0.02}, harm(func(k *kind) { k.malformed = 0.3 }), "of mini's JSON answers are valid"},
		{"p95", Guardrails{P95: 1.2}, harm(func(k *kind) { k.slow = 2.5 }), "the limit is 1.2 times"},
		{"spend", Guardrails{Spend: 1_000_000_000}, fine, "the limit is $1.00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := pair(50, 50)
			p.Guardrails = tt.rails
			if r := readAfter(p, 1, fine, tt.arm); r.Verdict != Breach || !strings.Contains(r.Sentence, tt.says) {
				t.Errorf("%s: %s, want a breach: …%s…", r.Verdict, r.Sentence, tt.says)
			}
			all := Guardrails{ErrorRate: 0.02, Refusals: 0.02, SchemaValid: 0.02, P95: 1.2, Spend: 1e12}
			p.Guardrails = all
			if r := readAfter(p, 1, fine, fine); r.Verdict != Collecting {
				t.Errorf("no harm: %s: %s", r.Verdict, r.Sentence)
			}
			p.Guardrails = Guardrails{}
			if r := readAfter(p, 1, fine, tt.arm); r.Verdict != Collecting {
				t.Errorf("no guardrail: %s: %s", r.Verdict, r.Sentence)
			}
		})
	}
}

func TestChecksWarn(t *testing.T) {
	t.Parallel()
	fine := kind{units: 1000}
	tests := []struct {
		name, check, state string
		arm                kind
	}{
		{"all is well", "", "", fine},
		{"fallbacks above a twentieth", "fallbacks", "warn", kind{units: 1000, fallback: 0.1}},
		{"judgements are missing in one arm", "unscored", "warn", kind{units: 1000, unjudged: 0.1}},
		{"an hour in which a fifth failed", "outage", "warn", kind{units: 1000, failing: 0.4}},
		{"units are missing", "sample_ratio", "block", kind{units: 700}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range readAfter(pair(50, 50), 1, fine, tt.arm).Checks {
				want := "ok"
				if c.Name == tt.check {
					want = tt.state
				}
				if c.State != want {
					t.Errorf("%s is %s (%s), want %s", c.Name, c.State, c.Detail, want)
				}
			}
		})
	}
}

// One runaway conversation in a large control does not make the small arm cheaper; and what is shown and saved counts it.
func TestExtremesDoNotDecideBetweenUnevenArms(t *testing.T) {
	t.Parallel()
	read := func(weights ...int) (judged, asTheyAre float64) {
		p := pair(weights[0], weights[1])
		c := collect(p, p.names()...)
		rng := rand.New(rand.NewPCG(23, 24))
		for i := range uint64(1000) {
			arm := "control"
			if int(i%100) < weights[1] {
				arm = "mini"
			}
			u := kind{}.unit(rng, arm, i, monday)
			if i == 99 {
				u.Cost *= 10_000
			}
			_ = c.add(u)
		}
		c.flush()
		costs := c.judged()
		return costs[1].Rate() / costs[0].Rate(), c.arms[1].costs.Rate() / c.arms[0].costs.Rate()
	}
	judged, asTheyAre := read(90, 10)
	if judged < 0.8 || judged > 1.25 || asTheyAre > 0.5 {
		t.Errorf("uneven arms: mini costs %v times the control capped, %v as they are; want about 1, and much less", judged, asTheyAre)
	}
	judged, asTheyAre = read(50, 50)
	if judged != asTheyAre {
		t.Errorf("arms of one size: %v and %v, want costs as they are", judged, asTheyAre)
	}
}

// A unit's hours are one unit, whatever their number.
func TestHoursOfAUnitAreOneUnit(t *testing.T) {
	t.Parallel()
	p := pair(50, 50)
	c := collect(p, p.names()...)
	for h := range 3 {
		_ = c.add(Tally{
			Arm: "control", Unit: 7, Hour: monday.Add(time.Duration(h) * time.Hour), FirstAt: monday.Add(time.Duration(h) * time.Hour), FirstBytes: int64(100 - h), Calls: 2, Cost: 5, Scored: 1, Score: 1,
		})
	}
	_ = c.add(Tally{Arm: "mini", Unit: 7, Hour: monday, FirstAt: monday, Calls: 1, Cost: 5})
	_ = c.add(Tally{Arm: "retired", Unit: 8, Hour: monday, FirstAt: monday, Calls: 1, Cost: 5})
	c.flush()
	a, b := c.arms[0], c.arms[1]
	if a.units != 1 || a.calls != 6 || a.cost != 15 || a.scored != 1 || a.quality.Rate() != 1 || a.costs.N != 1 || b.units != 1 || b.calls != 1 {
		t.Errorf("control %+v, mini %+v", a, b)
	}
	if want := math.Log1p(100); a.costs.Mean[2] != want {
		t.Errorf("the covariate is %v, want that of the first call, %v", a.costs.Mean[2], want)
	}
}
