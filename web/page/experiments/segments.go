package experiments

import (
	"net/url"

	"tollgate/internal/experiment"
	"tollgate/web/ui"
)

// segment is one line of the exploratory table.
type segment struct {
	Name          string
	Units         int64
	Quality, Cost string
	Latency       string
	Interval      ui.IntervalView
	Known         bool
}

// segmentsMost is how many segments are listed, the largest first.
const segmentsMost = 12

// segments fills in the exploratory table.
func (v *resultView) segments(found []experiment.Segment, by string) {
	for _, word := range experiment.Segmentations {
		q := url.Values{"by": {word}}
		if v.Arm != shown(v.E) {
			q.Set("arm", v.E.Plan.Variants[v.Arm].Name)
		}
		v.By = append(v.By, ui.Choice{Text: segmentation(word), Href: path(v.E.ID) + "?" + q.Encode(), Current: word == by})
	}
	values := []float64{-2 * v.E.Plan.Margin}
	for i, g := range found {
		if i == segmentsMost {
			break
		}
		s := segmentRow(g, by, v.Arm-1)
		if s.Known {
			s.Interval.Margin = -v.E.Plan.Margin
			values = append(values, s.Interval.Low, s.Interval.High)
		}
		v.Segments = append(v.Segments, s)
	}
	from, to, _ := ui.Scale(values...)
	for i := range v.Segments {
		v.Segments[i].Interval.From, v.Segments[i].Interval.To = from, to
	}
}

func segmentation(by string) string {
	switch by {
	case experiment.ByWorkflow:
		return "Workflow"
	case experiment.ByEnvironment:
		return "Environment"
	case experiment.BySize:
		return "Size"
	default:
		return by
	}
}

// segmentName is a value in words: sizes have their bounds, and what is not set says so.
func segmentName(name, by string) string {
	sizes := map[string]string{"short": "Short, under 500 tokens", "medium": "Medium", "long": "Long, over 3,000 tokens"}
	switch {
	case by == experiment.BySize && sizes[name] != "":
		return sizes[name]
	case name == "":
		return "not set"
	default:
		return name
	}
}

func segmentRow(g experiment.Segment, by string, at int) segment {
	s := segment{Name: segmentName(g.Name, by), Quality: ui.Nothing, Cost: ui.Nothing, Latency: ui.Nothing}
	for _, a := range g.Arms {
		s.Units += a.Units
	}
	if at < 0 || at >= len(g.Cost) || at >= len(g.Quality) || at >= len(g.Latency) {
		return s
	}
	if q := g.Quality[at]; q.Known {
		s.Known, s.Quality = true, ui.Points.Signed(q.Mean)
		s.Interval = ui.IntervalView{Label: ui.Points.Range(q.Low, q.High) + " pp", Measure: ui.Points, Mean: q.Mean, Low: q.Low, High: q.High}
	}
	if c := g.Cost[at]; c.Known {
		s.Cost = ui.Relative.Signed(c.Mean)
	}
	if l := g.Latency[at]; l.Known {
		s.Latency = ui.Relative.Signed(l.Mean)
	}
	return s
}
