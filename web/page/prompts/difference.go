package prompts

import (
	"context"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/prompt/promptstat"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// difference is how two versions differ, as far as their calls tell.
type difference struct {
	A, B    promptstat.Side
	Lines   []differenceLine
	Words   string
	Tried   string // where the experiment is that dealt the calls; "": nobody dealt them
	Begin   string // the form of an experiment with both
	AnyCall bool
}

type differenceLine struct {
	Name     string
	A, B     string
	Words    string
	Change   string // "−31.2%"; "": too few to say
	Good     string // "good", "bad" or ""
	Interval *ui.IntervalView
	Few      bool // nothing can be said
}

// difference compares two versions over a month.
func (p Prompts) difference(ctx context.Context, v *page.Visit, which id.Prompt, a, b int) (*difference, error) {
	got, err := p.Stats.Compare(ctx, v.Scope(), promptstat.Pair{Prompt: which, A: a, B: b, From: v.Now.Add(-month), To: v.Now})
	if err != nil {
		return nil, err
	}
	q := url.Values{"prompt": {string(which)}, "a": {strconv.Itoa(a)}, "b": {strconv.Itoa(b)}}
	out := &difference{A: got.A, B: got.B, Words: got.Words, Begin: "/experiments/new?" + q.Encode(), AnyCall: got.A.Calls+got.B.Calls > 0}
	if got.Experiment != "" {
		out.Tried = "/experiments/" + url.PathEscape(string(got.Experiment))
	}
	for _, l := range got.Lines {
		out.Lines = append(out.Lines, lineOf(l))
	}
	return out, nil
}

func lineOf(l promptstat.Line) differenceLine {
	out := differenceLine{Name: metricName(l.Metric), A: measured(l.Unit, l.A, l.UnitsA), B: measured(l.Unit, l.B, l.UnitsB), Words: l.Words}
	if !l.Known {
		out.Few = true
		return out
	}
	m, scale := ui.Relative, 1.0
	if !l.Relative {
		m = ui.Points
		if l.Unit != "share" {
			scale = 0 // a difference in its own unit is told in words only
		}
	}
	if scale == 0 {
		return out
	}
	out.Change = m.Signed(l.Mean)
	lowGood := lessIsBetter(l.Metric)
	switch {
	case l.Verdict == promptstat.Lower && lowGood > 0, l.Verdict == promptstat.Higher && lowGood < 0:
		out.Good = "good"
	case l.Verdict == promptstat.Higher && lowGood > 0, l.Verdict == promptstat.Lower && lowGood < 0:
		out.Good = "bad"
	}
	from, to, steps := ui.Scale(l.Low, l.High, l.Mean, 0)
	out.Interval = &ui.IntervalView{
		Label: metricName(l.Metric) + ": " + m.Signed(l.Mean) + ", with 95% between " + m.Range(l.Low, l.High), Measure: m,
		Mean: l.Mean, Low: l.Low, High: l.High, From: from, To: to, Steps: steps,
	}
	return out
}

// lessIsBetter is 1 where less is better, -1 where more is, and 0 where nobody can say.
func lessIsBetter(metric string) int {
	switch {
	case metric == "cost_per_call" || metric == "latency" || metric == "ttft" || metric == "error_rate":
		return 1
	case metric == "cache_share" || strings.HasPrefix(metric, "score:"):
		return -1
	}
	return 0
}

func metricName(metric string) string {
	if name, ok := strings.CutPrefix(metric, "score:"); ok {
		return "Score “" + name + "”"
	}
	if name, ok := map[string]string{
		"cost_per_call": "Per call", "latency": "Duration", "ttft": "First token", "error_rate": "Failed",
		"input_tokens": "Input tokens", "output_tokens": "Output tokens", "cache_share": "Read from cache",
	}[metric]; ok {
		return name
	}
	return metric
}

// measured is a mean in its unit; without anything measured it is nothing.
func measured(unit string, v float64, n int64) string {
	if n == 0 || math.IsNaN(v) {
		return ui.Nothing
	}
	switch unit {
	case "usd":
		return ui.MoneyText(money.NanoUSD(math.Round(v * 1e9)))
	case "ms":
		return ui.SpanText(time.Duration(v * float64(time.Millisecond)))
	case "share":
		return strconv.FormatFloat(100*v, 'f', 1, 64) + "%"
	case "tokens":
		return ui.CountText(int64(math.Round(v)))
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}
