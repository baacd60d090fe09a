package experiment

import (
	"context"
	"math"
	"slices"

	"tollgate/internal/experiment/stat"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// What an experiment can be told apart by.
const (
	ByWorkflow    = "workflow"
	ByEnvironment = "environment"
	BySize        = "size" // of the prompt: "short" below 500 tokens, "medium", "long" above 3,000
)

// Segmentations are all, in the order in which pages offer them.
var Segmentations = []string{ByWorkflow, ByEnvironment, BySize}

// Segment is a part of an experiment's calls, each challenger compared with the control there. It is exploratory: among many segments some
// differ by chance. Its intervals are the plain 95 % of one look.
type Segment struct {
	Name    string       `json:"name"`
	Arms    []ArmReading `json:"arms"`
	Cost    []Interval   `json:"cost"`    // as in Reading
	Quality []Interval   `json:"quality"` // as in Reading
	Latency []Interval   `json:"latency"` // as in Reading
}

// Segments gives an experiment's figures for each value of a segmentation, the largest first. A unit counts in every segment in which it has calls.
func (s *Service) Segments(ctx context.Context, in tenant.Scope, which id.Experiment, by string) ([]Segment, error) {
	if !slices.Contains(Segmentations, by) {
		return nil, invalid("segment", "Segments are by workflow, environment or size.")
	}
	e, err := s.Store.Experiment(ctx, in, which)
	if err != nil {
		return nil, err
	}
	var out []Segment
	var c *collection
	name := ""
	end := func() {
		if c != nil {
			out = append(out, e.Plan.segment(name, c))
		}
	}
	err = s.Store.Segments(ctx, in, which, by, func(segment string, t Tally) error {
		if c == nil || segment != name {
			end()
			name, c = segment, collect(e.Plan, e.Plan.names()...)
		}
		return c.add(t)
	})
	if err != nil {
		return nil, err
	}
	end()
	slices.SortStableFunc(out, func(a, b Segment) int { return int(b.units() - a.units()) })
	return out, nil
}

// once is a test that looks a single time, with 95 %.
var once = stat.Test{Sequence: 0.01, Fixed: 0.05}

func (p Plan) segment(name string, c *collection) Segment {
	c.flush()
	g := Segment{Name: name}
	for i, v := range p.Variants {
		g.Arms = append(g.Arms, c.arms[i].reading(v.Name))
		if i == 0 {
			continue
		}
		control, arm := &c.arms[0], &c.arms[i]
		g.Cost = append(g.Cost, plain(once.Look(stat.Cost, control.costs, arm.costs, true)))
		g.Quality = append(g.Quality, plain(once.Look(stat.Share, control.quality, arm.quality, true)))
		g.Latency = append(g.Latency, plain(once.Look(stat.Latency, control.latency, arm.latency, true)))
	}
	return g
}

// plain is a difference with the interval of one look alone.
func plain(d stat.Difference) Interval {
	if !d.Known || math.IsNaN(d.Mean) {
		return Interval{}
	}
	return Interval{Known: true, Mean: d.Mean, Low: d.FixedLow, High: d.FixedHigh}
}

func (g Segment) units() (n int64) {
	for _, a := range g.Arms {
		n += a.Units
	}
	return n
}

// names are those of the variants, the control first.
func (p Plan) names() []string {
	out := make([]string, len(p.Variants))
	for i, v := range p.Variants {
		out[i] = v.Name
	}
	return out
}
