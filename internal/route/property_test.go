package route_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"tollgate/internal/alias"
	"tollgate/internal/key"
	"tollgate/internal/route"
	"tollgate/internal/route/routetest"
)

// files is how many random routing files are tried.
const files = 10_000

func TestNoFileLeadsACallToATargetItMustNotGet(t *testing.T) {
	t.Parallel()
	plans, refusals, targets := 0, 0, 0
	for n := range uint64(files) {
		r := rand.New(rand.NewPCG(n, 7))
		w := routetest.NewWorld(r)
		for range 4 {
			ask := routetest.Ask(r)
			router := w.Router()
			p, err := router.Resolve(w.Org, w.Key, ask)
			if err != nil {
				refusals++
				continue
			}
			w.Sicken(r, p)
			again, err := router.Resolve(w.Org, w.Key, ask)
			if err != nil {
				t.Fatalf("file %d, %+v: what was served is refused once targets are ill: %v", n, ask, err)
			}
			for _, p := range []route.Plan{p, again} {
				if p.Classify != nil {
					continue
				}
				plans++
				targets += len(p.Targets)
				if why := w.Forbidden(ask, p); why != "" {
					t.Fatalf("file %d, call of %q: %s", n, ask.Name, why)
				}
				if why := crooked(p, w.Clear); why != "" {
					t.Fatalf("file %d, call of %q: %s", n, ask.Name, why)
				}
			}
			if len(p.Targets) != len(again.Targets) {
				t.Fatalf("file %d: %d targets, and %d once some are ill", n, len(p.Targets), len(again.Targets))
			}
			if same, _ := router.Resolve(w.Org, w.Key, ask); !reflect.DeepEqual(same, again) {
				t.Fatalf("file %d: the same call twice:\n%+v\n%+v", n, again, same)
			}
		}
	}
	t.Logf("%d files: %d plans with %d targets, %d calls refused", files, plans, targets, refusals)
	if plans < files || refusals < files/4 {
		t.Errorf("%d plans and %d refusals: the files are too much alike", plans, refusals)
	}
}

// crooked says what is wrong with the form of a plan; "" when nothing is.
func crooked(p route.Plan, clear bool) string {
	if len(p.Targets) == 0 || p.Attempts < 1 || p.Timeout <= 0 {
		return fmt.Sprintf("%d targets, %d attempts in %s", len(p.Targets), p.Attempts, p.Timeout)
	}
	for i, t := range p.Targets {
		if t.Reason == "" || t.BaseURL == "" || t.Health.Provider != t.Vendor.ID || t.Health.Model != t.Model {
			return fmt.Sprintf("target %d is not told whole: %+v", i, t)
		}
		if clear && i > 0 && p.Targets[i-1].Fallback && !t.Fallback {
			return "a fallback stands before a target, and nothing is ejected"
		}
	}
	if p.Decision == nil {
		return ""
	}
	placed := 0
	for _, c := range p.Decision.Candidates {
		if c.Why == "" {
			return "a candidate without a reason"
		}
		if c.Place == 0 {
			continue
		}
		if placed++; c.Place != placed || c.Provider != p.Targets[placed-1].Vendor.ID {
			return fmt.Sprintf("candidate %+v is not target %d", c, placed)
		}
	}
	if placed != min(len(p.Targets), 40) {
		return fmt.Sprintf("%d candidates with a place for %d targets", placed, len(p.Targets))
	}
	return ""
}

func TestGoingBackToAFileGivesTheSamePlans(t *testing.T) {
	t.Parallel()
	for n := range uint64(500) {
		r := rand.New(rand.NewPCG(n, 11))
		w := routetest.NewWorld(r)
		stored, err := json.Marshal(w.File)
		if err != nil {
			t.Fatal(err)
		}
		asks := make([]*route.Ask, 8)
		for i := range asks {
			asks[i] = routetest.Ask(r)
		}
		before := outcomes(w, asks)
		use(w, routetest.File(r))
		outcomes(w, asks)
		var back alias.File
		if err := json.Unmarshal(stored, &back); err != nil {
			t.Fatal(err)
		}
		use(w, back)
		if after := outcomes(w, asks); !slices.Equal(before, after) {
			t.Fatalf("file %d: before\n%s\nand back\n%s", n, before, after)
		}
	}
}

// use puts another file in force: all else stays as it is.
func use(w *routetest.World, f alias.File) {
	next := routetest.Compile(f)
	next.Credentials, next.Default, next.Pools, next.Experiments = w.Org.Credentials, w.Org.Default, w.Org.Pools, w.Org.Experiments
	w.Org = next
}

func outcomes(w *routetest.World, asks []*route.Ask) []string {
	out := make([]string, len(asks))
	for i, ask := range asks {
		p, err := w.Router().Resolve(w.Org, w.Key, ask)
		text := fmt.Sprint(err, p.Alias, p.Task, p.Arm, p.Attempts)
		for _, t := range p.Targets {
			text += fmt.Sprint(" ", t.Vendor.ID, t.Model, t.Health.Credential, t.Reason, t.Fallback, t.On, t.Arm)
			if t.Parameters != nil {
				raw, _ := json.Marshal(t.Parameters)
				text += string(raw)
			}
		}
		raw, _ := json.Marshal(p.Decision)
		out[i] = text + string(raw)
	}
	return out
}

// weighted is an alias of targets openai/0, openai/1, … with weights.
func weighted(id string, weights ...int) *routetest.World {
	w := routetest.NewWorld(rand.New(rand.NewPCG(1, 1)))
	f := alias.File{Aliases: map[string]alias.Route{}}
	rt := alias.Route{Strategy: alias.Weighted}
	for i, n := range weights {
		rt.Targets = append(rt.Targets, alias.Target{Provider: "sandbox", Model: fmt.Sprint(i), Weight: n})
	}
	f.Aliases[id] = rt
	use(w, f)
	w.Key = &key.Key{}
	clear(w.Org.Experiments)
	return w
}

// drawn is the model of the first target for a unit.
func drawn(t testing.TB, w *routetest.World, name, unit string) string {
	p, err := w.Router().Resolve(w.Org, w.Key, &route.Ask{Name: name, Unit: route.Unit{Value: unit, By: route.UnitSession}, Now: routetest.Noon})
	if err != nil {
		t.Fatal(err)
	}
	return p.Targets[0].Model
}

// sigmas is how far a share may be from its weight, in standard deviations. The test makes some 80 comparisons of shares that are
// nearly normal: at 6.2 all together raise a false alarm less than once in a million runs.
const sigmas = 6.2

func TestWeightsAreSharesOfUnits(t *testing.T) {
	t.Parallel()
	const units = 10_000
	worst := 0.0
	for n := range uint64(20) {
		r := rand.New(rand.NewPCG(n, 13))
		weights := make([]int, 2+r.IntN(4))
		sum := 0
		for i := range weights {
			weights[i] = 1 + r.IntN(100)
			sum += weights[i]
		}
		name := fmt.Sprintf("alias%d", n)
		w := weighted(name, weights...)
		count := map[string]int{}
		for u := range units {
			count[drawn(t, w, name, fmt.Sprintf("unit-%d", u))]++
		}
		for i, weight := range weights {
			off := deviation(count[fmt.Sprint(i)], units, float64(weight)/float64(sum))
			worst = max(worst, off)
			if off > sigmas {
				t.Errorf("weights %v: target %d has %d of %d units, %.1f standard deviations off", weights, i, count[fmt.Sprint(i)], units, off)
			}
		}
	}
	t.Logf("the farthest share is %.2f standard deviations off", worst)
}

// deviation is how far n of all is from a share p, in standard deviations.
func deviation(n, all int, p float64) float64 {
	mean := float64(all) * p
	return math.Abs(float64(n)-mean) / math.Sqrt(mean*(1-p))
}

func TestAChangedWeightMovesOnlyWhatItMust(t *testing.T) {
	t.Parallel()
	const units = 10_000
	before, after := weighted("a", 50, 30, 20), weighted("a", 50, 45, 20)
	moved := 0
	for u := range units {
		unit := fmt.Sprintf("unit-%d", u)
		was, is := drawn(t, before, "a", unit), drawn(t, after, "a", unit)
		if was == is {
			continue
		}
		if moved++; is != "1" {
			t.Fatalf("%s went from %s to %s, and only 1 became heavier", unit, was, is)
		}
	}
	want := 45.0/115 - 30.0/100
	if deviation(moved, units, want) > sigmas {
		t.Errorf("%d of %d units moved, want %.1f %%", moved, units, 100*want)
	}
}

func TestTwoAliasesDealUnitsIndependently(t *testing.T) {
	t.Parallel()
	const units = 10_000
	a, b := weighted("a", 1, 1), weighted("b", 1, 1)
	alike := 0
	for u := range units {
		unit := fmt.Sprintf("unit-%d", u)
		if drawn(t, a, "a", unit) == drawn(t, b, "b", unit) {
			alike++
		}
	}
	if deviation(alike, units, 0.5) > sigmas {
		t.Errorf("%d of %d units are at the same target of both", alike, units)
	}
}
