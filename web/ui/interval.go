package ui

import (
	"math"
	"strconv"
	"strings"
)

// Measure is what a difference is written in.
type Measure int

// The measures. A difference is a plain float64: 0.004 points, −0.648 of the control.
const (
	Points   Measure = iota // of a share: +0.4 pp
	Relative                // to something: −64.8%
)

// Signed is a difference with its sign: −64.8%, +0.4 pp, 0%. What is not a number is Nothing.
func (m Measure) Signed(v float64) string { return m.written(v, true) + m.suffix() }

// bare is Signed without what it is measured in.
func (m Measure) bare(v float64) string { return m.written(v, true) }

func (m Measure) suffix() string {
	if m == Points {
		return " pp"
	}
	return "%"
}

func (m Measure) written(v float64, sign bool) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return Nothing
	}
	tenths := math.Round(math.Abs(v) * 1000)
	text := strconv.FormatFloat(tenths/10, 'f', 1, 64)
	switch {
	case tenths == 0:
		return "0"
	case v < 0:
		return minus + text
	case sign:
		return "+" + text
	default:
		return text
	}
}

// Range is two bounds: −66.1 to −63.4.
func (m Measure) Range(low, high float64) string { return m.bare(low) + " to " + m.bare(high) }

// axisText is a value of an axis, without digits that say nothing: −80%, +2 pp.
func (m Measure) axisText(v float64) string {
	text := strings.TrimSuffix(m.bare(v), ".0")
	if m == Relative && text != "0" {
		return text + "%"
	}
	return text
}

// IntervalView is a difference with its bounds. Low and High hold at every look; FixedLow and FixedHigh, where they are not both zero,
// only at the planned end.
type IntervalView struct {
	Label               string // read aloud
	Measure             Measure
	Mean, Low, High     float64
	FixedLow, FixedHigh float64
	From, To            float64 // the ends of the scale; see Scale
	Steps               int     // of the scale
	Margin              float64 // drawn as a dashed line; 0: none
	Good                Side    // of zero or the margin, whose ground is tinted
	Early               bool    // too early to read: drawn in grey
}

// Side is a side of a scale.
type Side int

// The sides.
const (
	NoSide Side = iota
	Below       // of the margin, or zero
	Above
)

// Scale is a round scale that holds all values and zero: its ends, and how many steps there are between, at most four.
func Scale(values ...float64) (from, to float64, steps int) {
	low, high := 0.0, 0.0
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		v = max(-scaleMost, min(v, scaleMost))
		low, high = min(low, v), max(high, v)
	}
	if low == 0 && high == 0 {
		high, low = 0.01, -0.01
	}
	for unit := 0.001; ; unit *= 10 {
		for _, k := range []float64{1, 2, 5} {
			step := unit * k
			a, b := math.Floor(low/step+1e-9), math.Ceil(high/step-1e-9)
			if b-a <= 4 {
				return a * step, b * step, int(b - a)
			}
		}
	}
}

// scaleMost bounds a scale: what lies beyond is drawn at its end.
const scaleMost = 10

func (v IntervalView) at(x float64) string {
	if v.To <= v.From || math.IsNaN(x) {
		return "50%"
	}
	return length(100 * min(max((x-v.From)/(v.To-v.From), 0), 1))
}

func (v IntervalView) tick(i int) float64 {
	return v.From + float64(i)*(v.To-v.From)/float64(max(v.Steps, 1))
}

func (v IntervalView) tickAnchor(i int) string {
	switch i {
	case 0:
		return "start"
	case v.Steps:
		return "end"
	default:
		return "middle"
	}
}

func (v IntervalView) tickClass(i int) string {
	if math.Abs(v.tick(i)) < 1e-9 {
		return "zero-line"
	}
	return "grid-line"
}

func (v IntervalView) colour() string {
	if v.Early {
		return "co"
	}
	return "c1"
}

// zone is the tinted ground: where it begins, and how wide it is.
func (v IntervalView) zone() (x, width string) {
	if v.To <= v.From {
		return "0%", "0%"
	}
	edge := 100 * min(max((v.Margin-v.From)/(v.To-v.From), 0), 1)
	if v.Good == Below {
		return "0%", length(edge)
	}
	return length(edge), length(100 - edge)
}

// roomBelow and roomAbove say whether an end of the scale can be named without touching the name of zero.
func (v IntervalView) roomBelow() bool { return -v.From > 0.35*(v.To-v.From) }

func (v IntervalView) roomAbove() bool { return v.To > 0.35*(v.To-v.From) }

func (v IntervalView) zeroAnchor() string {
	switch {
	case v.From >= 0:
		return "start"
	case v.To <= 0:
		return "end"
	default:
		return "middle"
	}
}

func (v IntervalView) fixed() bool { return v.FixedLow != 0 || v.FixedHigh != 0 }
