package requests

import (
	"cmp"
	"math"
	"net/url"
	"slices"
	"strconv"

	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/web/page/filter"
	"tollgate/web/ui"
)

// whyView tells why a call went where it went.
type whyView struct {
	Words      []string
	Links      []ui.BadgeView // task, experiment, arm, batch
	Candidates []candidateView
	Features   []featureView
	Signals    []string
}

// candidateView is a target that was considered.
type candidateView struct {
	Place      string // in the order of trying; empty: passed over
	Name       string // the provider's name, and the model
	Credential string
	Why        string
	Served     bool
}

// featureView is a thing that the classifier counted, and how much it weighed.
type featureView struct {
	Name   string
	Value  string
	Width  string // of its bar, as a percentage
	Tone   string // of its bar: "warn" for what spoke against the task
	Weight string
}

func newWhy(e *calllog.Entry, n filter.Namer, credentials map[id.Credential]string) whyView {
	out := whyView{Words: e.Words(), Links: links(e), Signals: signals(e.Signals)}
	d := e.Decision
	if d == nil {
		return out
	}
	for i := range d.Candidates {
		c := &d.Candidates[i]
		next := candidateView{
			Name: n.Provider(c.Provider) + ", " + c.Model, Why: c.Why, Credential: cmp.Or(credentials[c.Credential], string(c.Credential)),
			Served: e.Outcome == calllog.OK && c.Place > 0 && c.Provider == e.Provider && c.Model == e.Model,
		}
		if c.Place > 0 {
			next.Place = strconv.Itoa(c.Place)
		}
		out.Candidates = append(out.Candidates, next)
	}
	slices.SortStableFunc(out.Candidates, func(a, b candidateView) int { return cmp.Compare(order(a), order(b)) })
	out.Features = features(d.Features)
	return out
}

// order puts what was passed over behind what was tried.
func order(c candidateView) int {
	if n, err := strconv.Atoi(c.Place); err == nil {
		return n
	}
	return math.MaxInt
}

func features(list []calllog.Feature) []featureView {
	var most float64
	for _, f := range list {
		most = max(most, math.Abs(weighed(f)))
	}
	var out []featureView
	for _, f := range list {
		v := featureView{Name: f.Name, Value: number(f.Value), Width: "0%"}
		if w := weighed(f); most > 0 {
			v.Width = strconv.Itoa(int(math.Round(100*math.Abs(w)/most))) + "%"
			if w < 0 {
				v.Tone = "warn"
			}
		}
		if f.Weight != 0 {
			v.Weight = "× " + number(f.Weight)
		}
		out = append(out, v)
	}
	return out
}

func weighed(f calllog.Feature) float64 {
	if f.Weight == 0 {
		return 0
	}
	return f.Value * f.Weight
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', 4, 64) }

// links lead from what the call belongs to.
func links(e *calllog.Entry) []ui.BadgeView {
	var out []ui.BadgeView
	add := func(text, href string) { out = append(out, ui.BadgeView{Tone: ui.Outline, Text: text, Href: href}) }
	if e.Task != "" {
		add("Task "+e.Task, narrowed("task", e.Task))
	}
	if e.Experiment != "" {
		add("Experiment", "/experiments/"+url.PathEscape(string(e.Experiment)))
		add("Variant "+e.Arm, narrowed("experiment", string(e.Experiment), "arm", e.Arm))
	}
	if e.Batch != "" {
		add("Batch", narrowed("batch", string(e.Batch)))
	}
	return out
}

// narrowed is the list of the calls of the last 30 days that have the values.
func narrowed(pairs ...string) string {
	at := filter.At(Path, nil).With("range", string(filter.Days30))
	for i := 0; i+1 < len(pairs); i += 2 {
		at = at.With(pairs[i], pairs[i+1])
	}
	return at.String()
}

// signals are what an answer says of its own quality, in words.
func signals(s calllog.Signals) []string {
	var out []string
	say := func(asked, held calllog.Signals, yes, no string) {
		switch {
		case s.Has(asked | held):
			out = append(out, yes)
		case s.Has(asked):
			out = append(out, no)
		}
	}
	say(calllog.SchemaAsked, calllog.SchemaValid, "JSON as demanded", "not the JSON that was demanded")
	say(calllog.ToolCalled, calllog.ToolValid, "valid tool call", "invalid tool call")
	say(calllog.Refusal, 0, "refused by the model", "")
	say(calllog.CutShort, 0, "cut short by the token limit", "")
	return out
}
