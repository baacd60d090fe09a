package experiment

import (
	"slices"

	"tollgate/internal/alias"
)

// deal gives each variant its buckets: Share percent of all take part, divided by weight.
func deal(p Plan) []Arm {
	arms := make([]Arm, len(p.Variants))
	from := 0
	for i, v := range p.Variants {
		to := from + v.Weight*p.Share // percent of percent is what a bucket is
		arms[i] = Arm{Name: v.Name, Target: v.Target, Parameters: v.Parameters, Prompt: v.Prompt, Ranges: []Range{{from, to}}}
		from = to
	}
	return arms
}

// ramp is the dealing of a promotion's first half: the control and the winner alone, the winner with at least percent of all buckets. Both keep
// what they had. The winner takes more of those that took no part; what other arms had goes to the control first.
func ramp(arms []Arm, winner, percent int) []Arm {
	control, won := arms[0], arms[winner]
	control.Ranges, won.Ranges = slices.Clone(control.Ranges), slices.Clone(won.Ranges)
	want := percent*Buckets/100 - size(won.Ranges)
	for _, r := range rest(control, won) {
		n := max(0, min(want, r.To-r.From))
		if n > 0 {
			won.Ranges = append(won.Ranges, Range{r.From, r.From + n})
			want -= n
		}
		if r.From+n < r.To {
			control.Ranges = append(control.Ranges, Range{r.From + n, r.To})
		}
	}
	return []Arm{control, won}
}

// whole is the dealing of a promotion's second half: the alias is the winner now, and every unit is watched as one of the winner's.
func whole(name string) []Arm { return []Arm{{Name: name, Ranges: []Range{{0, Buckets}}}} }

func size(ranges []Range) int {
	n := 0
	for _, r := range ranges {
		n += r.To - r.From
	}
	return n
}

// rest is the buckets that none of arms has, in order.
func rest(arms ...Arm) []Range {
	var taken []Range
	for _, a := range arms {
		taken = append(taken, a.Ranges...)
	}
	slices.SortFunc(taken, func(a, b Range) int { return a.From - b.From })
	var out []Range
	at := 0
	for _, r := range append(taken, Range{Buckets, Buckets}) {
		if at < r.From {
			out = append(out, Range{at, r.From})
		}
		at = max(at, r.To)
	}
	return out
}

// promoted is the route of an alias when an arm has won: its target alone, with its parameters on top. Rules and fallbacks stay, as they did
// for the arm.
func promoted(r alias.Route, v Variant) alias.Route {
	if v.Target != nil {
		t := *v.Target
		r.Targets, r.Strategy = []alias.Target{t}, alias.Ordered
		r.Fallbacks = slices.DeleteFunc(slices.Clone(r.Fallbacks), func(f alias.Fallback) bool {
			return f.Provider == t.Provider && f.Model == t.Model && f.Credential == t.Credential
		})
		if len(r.Fallbacks) == 0 {
			r.Fallbacks = nil
		}
	}
	r.Parameters = Over(r.Parameters, v.Parameters)
	if b := r.Prompt; b != nil && v.Prompt != nil && b.ID == v.Prompt.Prompt && b.Version != 0 {
		next := *b // bound by its number: it gets the other one; by a label, the label moves
		next.Version, next.Label = v.Prompt.Version, ""
		r.Prompt = &next
	}
	return r
}

// Over is parameters with others on top: what top says holds, the rest of base stays.
func Over(base, top alias.Parameters) alias.Parameters {
	return alias.Parameters{
		Defaults: settings(base.Defaults, top.Defaults), Caps: settings(base.Caps, top.Caps), Overrides: settings(base.Overrides, top.Overrides),
	}
}

func settings(base, top alias.Settings) alias.Settings {
	if top.MaxTokens != nil {
		base.MaxTokens = top.MaxTokens
	}
	if top.Temperature != nil {
		base.Temperature = top.Temperature
	}
	if top.TopP != nil {
		base.TopP = top.TopP
	}
	if top.Effort != "" {
		base.Effort = top.Effort
	}
	return base
}
