package routetest

import (
	"fmt"
	"math/rand/v2"

	"tollgate/internal/alias/condition"
	"tollgate/internal/money"
	"tollgate/internal/provider/traits"
	"tollgate/internal/route"
)

var prompts = []string{
	"", "Classify this as spam or not.", "Write a Python function that reverses a list.", "Compare the three offers and recommend one.", "hmm",
}

// Ask makes a call.
func Ask(r *rand.Rand) *route.Ask {
	a := &route.Ask{
		Name: name(r), Unit: unit(r), Call: fmt.Sprintf("call_%d", r.Uint64()), Batch: r.IntN(4) == 0, Now: Noon,
		Size: route.Size{Input: int64(r.IntN(3) * 1000), Output: int64(r.IntN(500))},
	}
	if r.IntN(8) == 0 {
		a.Task = pick(r, append(tasks, "nothing"))
	}
	if r.IntN(6) == 0 {
		a.Models = []string{name(r)}
	}
	if r.IntN(4) == 0 {
		a.Filter = filter(r)
	}
	facts := condition.Facts{
		Environment: pick(r, []string{"production", "staging"}), InputTokens: int64(r.IntN(3000)), Images: r.IntN(4) == 0, Stream: r.IntN(2) == 0,
		Tags: map[string]string{"tier": pick(r, []string{"gold", "iron"})}, Now: Noon,
	}
	a.Facts = func() condition.Facts { return facts }
	seen := traits.Traits{Text: pick(r, prompts), Messages: 1}
	a.Prompt = func() traits.Traits { return seen }
	if r.IntN(4) == 0 {
		a.Asked = &route.Asked{Task: pick(r, append(tasks, "", "nothing"))}
	}
	return a
}

func name(r *rand.Rand) string {
	switch r.IntN(10) {
	case 0:
		return "task:" + pick(r, append(tasks, "nothing"))
	case 1:
		return "auto"
	case 2:
		return pick(r, []string{"task", "", "task:", "claude/fast", "claude/claude/fast", "nothing", "small"})
	case 3, 4:
		return pick(r, providers) + "/" + pick(r, models)
	}
	return pick(r, names)
}

func unit(r *rand.Rand) route.Unit {
	u := route.Unit{Value: fmt.Sprintf("unit_%d", r.IntN(1000)), By: pick(r, []string{route.UnitHeader, route.UnitSession, route.UnitUser, route.UnitCall, ""})}
	if r.IntN(10) == 0 {
		u.Value = ""
	}
	return u
}

func filter(r *rand.Rand) *route.Filter {
	f := &route.Filter{
		NoFallbacks: r.IntN(4) == 0, RequireParams: r.IntN(4) == 0, NoTraining: r.IntN(3) == 0, Sort: pick(r, []string{"", "", "price", "latency", "throughput"}),
	}
	some := func(into *[]string) {
		if r.IntN(3) == 0 {
			*into = []string{pick(r, providers), pick(r, providers)}
		}
	}
	some(&f.Order)
	some(&f.Only)
	some(&f.Ignore)
	if r.IntN(4) == 0 {
		most := money.Price(1_000_000 * r.IntN(5))
		f.MaxPrice.Prompt = &most
	}
	if r.IntN(4) == 0 {
		most := money.Price(3_000_000 * r.IntN(4))
		f.MaxPrice.Completion = &most
	}
	if r.IntN(20) == 0 {
		f.Beyond = []string{"zdr"}
	}
	return f
}
