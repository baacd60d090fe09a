package main

import (
	"fmt"
	"slices"
	"strings"
)

// memoryLimitKB is the one absolute target.
const memoryLimitKB = 40

// figures collects samples by figure and target.
type figures struct {
	order   []figure
	samples map[string]map[string][]float64
	steal   float64
}

func newFigures() *figures { return &figures{samples: map[string]map[string][]float64{}} }

func (f *figures) add(what figure, target string, v float64) {
	if f.samples[what.name] == nil {
		f.samples[what.name] = map[string][]float64{}
		f.order = append(f.order, what)
	}
	f.samples[what.name][target] = append(f.samples[what.name][target], v)
}

// line is one figure's medians.
type line struct {
	Name    string             `json:"name"`
	Unit    string             `json:"unit"`
	Medians map[string]float64 `json:"medians"`
	Ratio   float64            `json:"ratio"` // tollgate to reverseproxy
	Limit   float64            `json:"limit,omitempty"`
	Met     *bool              `json:"met,omitempty"`
}

// report is the run's outcome.
type report struct {
	Pinned   bool    `json:"pinned"`
	StealPct float64 `json:"steal_pct"`
	Lines    []line  `json:"lines"`
}

func (f *figures) report(pinned bool) report {
	r := report{Pinned: pinned, StealPct: f.steal}
	for _, what := range f.order {
		l := line{Name: what.name, Unit: what.unit, Limit: what.limit, Medians: map[string]float64{}}
		for target, samples := range f.samples[what.name] {
			l.Medians[target] = middle(samples)
		}
		if base := l.Medians["reverseproxy"]; base > 0 {
			l.Ratio = l.Medians["tollgate"] / base
		}
		switch {
		case what.unit == "KB":
			l.Limit = memoryLimitKB
			met := l.Medians["tollgate"] <= memoryLimitKB
			l.Met = &met
		case what.limit > 0:
			met := l.Ratio <= what.limit
			l.Met = &met
		}
		r.Lines = append(r.Lines, l)
	}
	return r
}

// middle is the median; 0 of nothing.
func middle(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if len(s) == 0 {
		return 0
	}
	return s[len(s)/2]
}

// table is the report for people. A dash is what was not measured.
func (r report) table() string {
	var b strings.Builder
	targets := []string{"direct", "relay", "reverseproxy", "tollgate"}
	fmt.Fprintf(&b, "\n%-34s", "median")
	for _, t := range targets {
		fmt.Fprintf(&b, "%14s", t)
	}
	fmt.Fprintf(&b, "%9s%10s\n", "ratio", "target")
	for _, l := range r.Lines {
		fmt.Fprintf(&b, "%-34s", l.Name)
		for _, t := range targets {
			v, ok := l.Medians[t]
			if !ok {
				fmt.Fprintf(&b, "%14s", "–")
				continue
			}
			fmt.Fprintf(&b, "%14s", fmt.Sprintf("%.1f %s", v, l.Unit))
		}
		fmt.Fprintf(&b, "%9.2f%10s\n", l.Ratio, l.verdict())
	}
	where := "processes are not pinned to cores"
	if r.Pinned {
		where = "target alone on one core; mock, generator and, at low priority, the database on the other"
	}
	fmt.Fprintf(&b, "\nratio: tollgate to reverseproxy. %s.", where)
	if r.StealPct > 2 {
		fmt.Fprintf(&b, " The machine was taken away for %.1f %% of the time: run again.", r.StealPct)
	}
	b.WriteString("\n")
	return b.String()
}

func (l line) verdict() string {
	if l.Met == nil {
		return ""
	}
	limit := fmt.Sprintf("≤%g×", l.Limit)
	if l.Unit == "KB" {
		limit = fmt.Sprintf("≤%g KB", l.Limit)
	}
	if *l.Met {
		return limit + " ✓"
	}
	return limit + " ✗"
}
