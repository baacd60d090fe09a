package promptstat

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tollgate/internal/experiment/stat"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

const (
	// sample is how many calls of a version a comparison looks at, the newest ones. Its intervals are then narrower than any difference
	// that would matter.
	sample = 5_000
	// unitsMin is how many units a version needs for its line: with fewer, spread itself is hardly known.
	unitsMin = 30
	// scoresMax is how many names of scores are compared, those with the most judgements first.
	scoresMax = 8
	// alpha is the chance that an interval misses: each is of 95 % by itself.
	alpha = 0.05
)

// Pair asks how version B differs from version A, by calls that started in [From, To).
type Pair struct {
	Prompt   id.Prompt
	A, B     int
	From, To time.Time
}

// Unit is what a unit did with one version: a conversation or a person where the calls say so, otherwise one call.
type Unit struct {
	Version    int
	Experiment id.Experiment // "": not all of its calls are of one
	Calls      int64
	Errors     int64
	Priced     int64 // calls whose cost is known
	Cost       money.NanoUSD
	Input      int64
	Output     int64
	Cached     int64
	Ended      int64 // calls that ended well,
	TotalMS    float64
	Began      int64 // and those with a first content byte
	FirstMS    float64
	Scores     map[string]Score
}

// Side is one of the two versions.
type Side struct {
	Version int
	Calls   int64
	Units   int64
	Sampled bool // there are more calls: these are the newest
}

// The verdicts of a line.
const (
	Higher  = "higher"        // B is higher: the whole interval is above nothing
	Lower   = "lower"         // B is lower
	Similar = "no_difference" // the interval holds nothing
	TooFew  = "too_few"       // nothing can be said
)

// Line is one metric of both versions. Means and bounds are of the difference of B from A, and hold with 95 %.
type Line struct {
	Metric   string // cost_per_call, latency, ttft, error_rate, input_tokens, output_tokens, cache_share, or score: and a name
	Unit     string // usd, ms, share, tokens, score
	A, B     float64
	UnitsA   int64 // that have the metric
	UnitsB   int64
	Known    bool // false: too few; what follows is then zero
	Mean     float64
	Low      float64
	High     float64
	Relative bool // Mean, Low and High are shares of A: -0.4 is 40 % less; otherwise they are in Unit
	Verdict  string
	Words    string
}

// Comparison is how two versions differ.
type Comparison struct {
	A, B       Side
	Lines      []Line
	Experiment id.Experiment // that dealt all of these calls; "": nobody dealt them
	Words      string        // how far it can be trusted, in a sentence
}

// Compare compares two versions on their newest calls. prompt.ErrNotFound, ErrPair, ErrRange.
func (s *Service) Compare(ctx context.Context, in tenant.Scope, q Pair) (Comparison, error) {
	if q.A < 1 || q.B < 1 || q.A == q.B || max(q.A, q.B) > math.MaxInt32 {
		return Comparison{}, ErrPair
	}
	if _, _, err := hours(q.From, q.To); err != nil {
		return Comparison{}, err
	}
	if err := s.known(ctx, in, q.Prompt); err != nil {
		return Comparison{}, err
	}
	c := contrast{a: newSide(), b: newSide()}
	if err := s.store.Units(ctx, in, q, sample+1, func(u Unit) {
		if u.Version == q.A {
			c.a.add(u)
		} else {
			c.b.add(u)
		}
	}); err != nil {
		return Comparison{}, err
	}
	out := Comparison{A: c.a.side(q.A), B: c.b.side(q.B), Lines: c.lines(), Experiment: c.dealt()}
	out.Words = "What was observed, not a test: nobody dealt these calls between the versions at random, so the calls themselves may differ. An experiment would tell."
	if out.Experiment != "" {
		out.Words = "An experiment dealt these calls between the versions at random. Its own page has the verdict: the intervals here hold for one look, not for many."
	}
	return out, nil
}

// sums are those of a version's units, metric by metric.
type sums struct {
	calls, units                                   int64
	experiments                                    map[id.Experiment]bool
	cost, failing, input, output, cache, took, ttf stat.Sums
	scores                                         map[string]*stat.Sums
}

func newSide() *sums {
	return &sums{experiments: map[id.Experiment]bool{}, scores: map[string]*stat.Sums{}}
}

func (s *sums) side(version int) Side {
	return Side{Version: version, Calls: min(s.calls, sample), Units: s.units, Sampled: s.calls > sample}
}

// add counts a unit. Each metric is a ratio of sums, so that a unit with many calls weighs as much as it should, and no more evidence.
func (s *sums) add(u Unit) {
	s.calls, s.units = s.calls+u.Calls, s.units+1
	s.experiments[u.Experiment] = true
	ratio(&s.cost, dollars(u.Cost), u.Priced)
	ratio(&s.failing, float64(u.Errors), u.Calls)
	ratio(&s.input, float64(u.Input), u.Calls)
	ratio(&s.output, float64(u.Output), u.Calls)
	ratio(&s.cache, float64(u.Cached), u.Input)
	ratio(&s.took, u.TotalMS, u.Ended)
	ratio(&s.ttf, u.FirstMS, u.Began)
	for name, score := range u.Scores {
		if s.scores[name] == nil {
			s.scores[name] = &stat.Sums{}
		}
		ratio(s.scores[name], score.Sum, score.N)
	}
}

// ratio leaves a unit out that has nothing to count.
func ratio(s *stat.Sums, value float64, weight int64) {
	if weight > 0 {
		s.Add(stat.Unit{Value: value, Weight: float64(weight)})
	}
}

func dollars(n money.NanoUSD) float64 { return float64(n) / 1e9 }

type contrast struct{ a, b *sums }

// dealt is the experiment that all calls of both versions belong to.
func (c contrast) dealt() id.Experiment {
	if len(c.a.experiments) != 1 || len(c.b.experiments) != 1 {
		return ""
	}
	for e := range c.a.experiments {
		if c.b.experiments[e] {
			return e
		}
	}
	return ""
}

func (c contrast) lines() []Line {
	relative, share := stat.Metric{Scale: stat.Relative}, stat.Metric{Low: 0, High: 1}
	lines := []Line{
		line("cost_per_call", "usd", relative, c.a.cost, c.b.cost),
		line("latency", "ms", relative, c.a.took, c.b.took),
		line("ttft", "ms", relative, c.a.ttf, c.b.ttf),
		line("error_rate", "share", share, c.a.failing, c.b.failing),
		line("input_tokens", "tokens", relative, c.a.input, c.b.input),
		line("output_tokens", "tokens", relative, c.a.output, c.b.output),
		line("cache_share", "share", share, c.a.cache, c.b.cache),
	}
	for _, name := range c.names() {
		lines = append(lines, line("score:"+name, "score", stat.Metric{}, c.score(c.a, name), c.score(c.b, name)))
	}
	return lines
}

func (contrast) score(s *sums, name string) stat.Sums {
	if got := s.scores[name]; got != nil {
		return *got
	}
	return stat.Sums{}
}

// names are those of the scores with the most judged units.
func (c contrast) names() []string {
	n := map[string]int64{}
	for _, s := range []*sums{c.a, c.b} {
		for name, got := range s.scores {
			n[name] += got.N
		}
	}
	names := make([]string, 0, len(n))
	for name := range n {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if n[a] != n[b] {
			return int(n[b] - n[a])
		}
		return strings.Compare(a, b)
	})
	return names[:min(len(names), scoresMax)]
}

// line is one metric's difference: one look at a fixed number of units, so Welch's interval, with Fieller's for a relative one.
func line(metric, unit string, m stat.Metric, a, b stat.Sums) Line {
	l := Line{Metric: metric, Unit: unit, A: a.Rate(), B: b.Rate(), UnitsA: a.N, UnitsB: b.N, Relative: m.Scale == stat.Relative, Verdict: TooFew}
	if min(a.N, b.N) < unitsMin {
		l.Words = fmt.Sprintf("Too few to say: %d and %d, and each version needs %d.", a.N, b.N, unitsMin)
		return l
	}
	d := stat.Test{Sequence: alpha, Fixed: alpha}.Look(m, a, b, true)
	if !d.Known {
		l.Words = "Version A has none, so nothing can be so many times it."
		return l
	}
	l.Known, l.Mean, l.Low, l.High, l.Verdict = true, d.Mean, d.FixedLow, d.FixedHigh, Similar
	switch {
	case l.Low > 0:
		l.Verdict = Higher
	case l.High < 0:
		l.Verdict = Lower
	}
	l.Words = l.words()
	return l
}

func (l Line) words() string {
	say := func(x float64) string {
		switch {
		case l.Relative:
			return fmt.Sprintf("%+.1f%%", 100*x)
		case l.Unit == "share":
			return fmt.Sprintf("%+.2f pp", 100*x)
		}
		return fmt.Sprintf("%+.3g", x)
	}
	between := say(l.Low) + " to " + say(l.High)
	switch l.Verdict {
	case Higher:
		return "Higher: " + say(l.Mean) + " (" + between + ")."
	case Lower:
		return "Lower: " + say(l.Mean) + " (" + between + ")."
	}
	return "No difference is seen (" + between + ")."
}
