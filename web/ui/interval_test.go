package ui

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"testing/quick"
)

func TestDifferencesHaveTheFormOfTheirMeasure(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		v                float64
		points, relative string
	}{
		{0.004, "+0.4 pp", "+0.4%"},
		{-0.648, "−64.8 pp", "−64.8%"},
		{0, "0 pp", "0%"},
		{0.0004, "0 pp", "0%"},
		{-0.0006, "−0.1 pp", "−0.1%"},
		{1, "+100.0 pp", "+100.0%"},
		{math.NaN(), Nothing + " pp", Nothing + "%"},
	} {
		if p, r := Points.Signed(tt.v), Relative.Signed(tt.v); p != tt.points || r != tt.relative {
			t.Errorf("%v: %q and %q, want %q and %q", tt.v, p, r, tt.points, tt.relative)
		}
	}
	if got := Relative.Range(-0.661, -0.634); got != "−66.1 to −63.4" {
		t.Error(got)
	}
}

func TestAScaleHoldsItsValuesAndZeroInFewRoundSteps(t *testing.T) {
	t.Parallel()
	if err := quick.Check(func(a, b float64) bool {
		from, to, steps := Scale(a, b)
		in := func(v float64) bool {
			v = max(-scaleMost, min(v, scaleMost))
			return math.IsNaN(v) || from-1e-9 <= v && v <= to+1e-9
		}
		return from < to && steps >= 1 && steps <= 4 && from <= 0 && to >= 0 && in(a) && in(b)
	}, nil); err != nil {
		t.Error(err)
	}
	if from, to, steps := Scale(-0.661, -0.634); from != -0.8 || to != 0 || steps != 4 {
		t.Errorf("%v to %v in %d", from, to, steps)
	}
	if from, to, _ := Scale(); from >= 0 || to <= 0 {
		t.Errorf("of nothing: %v to %v", from, to)
	}
}

func TestIntervalsLieOnTheirScale(t *testing.T) {
	t.Parallel()
	v := IntervalView{Label: "x", Measure: Points, Mean: 0.01, Low: -0.01, High: 0.03, From: -0.02, To: 0.02, Steps: 4, Margin: -0.02, Good: Above}
	var b bytes.Buffer
	if err := Interval(v).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`class="w95" x1="25%" x2="100%"`, `cx="75%"`, `class="margin" x1="0%"`, `class="zone" x="0%" width="100%"`, `>−2</text>`, `>+2</text>`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in %s", want, b.String())
		}
	}
	for _, empty := range []IntervalView{{}, {Mean: math.NaN(), Low: math.Inf(-1), High: math.Inf(1)}} {
		b.Reset()
		if err := Interval(empty).Render(t.Context(), &b); err != nil || strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
			t.Errorf("%v: %s", err, b.String())
		}
	}
}

func TestABandGoesThereAndBack(t *testing.T) {
	t.Parallel()
	v := BandView{Measure: Relative, Points: []BandPoint{{0, -0.4, -0.6, -0.2}, {0.5, -0.4, -0.5, -0.3}, {1, -0.4, -0.42, -0.38}}}
	if n := len(strings.Fields(v.outline())); n != 6 {
		t.Errorf("%d points around", n)
	}
	if first, last := strings.Fields(v.line())[0], strings.Fields(v.line())[2]; !strings.HasPrefix(first, "0,") || !strings.HasPrefix(last, "100,") {
		t.Errorf("from %s to %s", first, last)
	}
	var b bytes.Buffer
	if err := Band(BandView{Points: v.Points[:1]}).Render(t.Context(), &b); err != nil || b.Len() > 0 {
		t.Errorf("one look is drawn: %v, %s", err, b.String())
	}
}

func TestLongerTestsSeeLess(t *testing.T) {
	t.Parallel()
	v := ReachView{Points: []ReachPoint{{"7 days", 0.022}, {"14 days", 0}, {"21 days", 0.013}}, Margin: 0.02, Chosen: 2}
	if n := len(strings.Fields(v.line())); n != 2 {
		t.Errorf("what is not known is drawn: %s", v.line())
	}
	if text := v.spoken(); !strings.Contains(text, "after 7 days ±2.2 pp, after 21 days ±1.3 pp") {
		t.Error(text)
	}
}
