package ui

import (
	"strings"

	"tollgate/internal/money"
)

// Series is one colour of a chart. Series stand in the order of their totals, the largest first: it lies at the bottom.
type Series struct {
	Name   string
	Colour Colour
	Href   string // to this series alone; empty is no link
}

// BarDay is one bar: a day, or an hour.
type BarDay struct {
	Label      string  // in full: "Thu 12 Nov"
	Axis       string  // below the bar: "12 Nov"; drawn for some bars only
	Href       string  // the drill-down
	Parts      []int64 // one for each series; none is negative
	Before     int64   // the same day of the period before; only with Compare
	Unfinished bool    // the day is not over: drawn lighter
}

func (d BarDay) total() int64 {
	var sum int64
	for _, p := range d.Parts {
		sum += p
	}
	return sum
}

// Mark is something that happened on a day: a price, a deploy, an experiment.
type Mark struct {
	Day  int // index of the bar
	Text string
}

// Bars is a stacked bar chart. The zero Unit is a count.
type Bars struct {
	Label   string // read aloud before the days
	Series  []Series
	Days    []BarDay
	Unit    Unit
	Compare string // names the period before ("previous 30 days") and draws its ticks; empty draws none
	Marks   []Mark
	Height  Height
}

// Unit is what the values of a chart are.
type Unit int

// The units.
const (
	Counts  Unit = iota
	Dollars      // money.NanoUSD
	Spans        // microseconds
)

func (u Unit) full(v int64) string {
	switch u {
	case Dollars:
		return MoneyText(money.NanoUSD(v))
	case Spans:
		return SpanText(micros(v))
	case Counts:
		return CountText(v)
	default:
		return CountText(v)
	}
}

func (u Unit) axis(v int64) string {
	if v == 0 {
		return "0"
	}
	switch u {
	case Dollars:
		if v%nanoPerUSD == 0 {
			return DollarsText(money.NanoUSD(v))
		}
		return "$" + thousands(uint64(v/nanoPerUSD)) + fraction(uint64(v%nanoPerUSD), 9)
	case Spans:
		return SpanText(micros(v))
	case Counts:
		return CountShort(v)
	default:
		return CountShort(v)
	}
}

// Height is how high a plot is.
type Height string

// The heights.
const (
	High Height = ""
	Mid  Height = "mid"
	Low  Height = "low"
)

func (b Bars) scale() axis {
	var top int64
	for _, d := range b.Days {
		top = max(top, d.total())
		if b.Compare != "" {
			top = max(top, d.Before)
		}
	}
	return axisFor(top)
}

// rect is one part of a bar, in percent of the plot.
type rect struct{ class, x, y, width, height string }

// stack lays the parts of a day on each other, from zero up. Parts of nothing are not drawn.
func (b Bars) stack(i int) []rect {
	scale, slot := b.scale(), 100/float64(len(b.Days))
	x, width := length(slot*(float64(i)+0.14)), length(slot*0.72)
	var out []rect
	var below int64
	for j, v := range b.Days[i].Parts {
		if v <= 0 || j >= len(b.Series) {
			continue
		}
		bottom, top := scale.height(below), scale.height(below+v)
		below += v
		out = append(out, rect{b.Series[j].Colour.class(), x, length(100 - top), width, length(top - bottom)})
	}
	return out
}

// tick is the mark of the period before across a bar: where it begins and ends, and its height.
func (b Bars) tick(i int) (x1, x2, y string) {
	slot := 100 / float64(len(b.Days))
	return length(slot * (float64(i) + 0.08)), length(slot * (float64(i) + 0.92)), length(100 - b.scale().height(b.Days[i].Before))
}

func (b Bars) centre(i int) string { return length(100 / float64(len(b.Days)) * (float64(i) + 0.5)) }

func (b Bars) gridY(i int) string { return length(100 * float64(i) / float64(b.scale().steps)) }

// stride is how many bars share one axis label.
func (b Bars) stride() int { return max(1, (len(b.Days)+7)/8) }

func (b Bars) axisLabel(i int) string {
	if i%b.stride() != 0 {
		return ""
	}
	return b.Days[i].Axis
}

// spare says that a narrow screen leaves a label out: every other one, counted from the newest.
func (b Bars) spare(i int) bool {
	last := (len(b.Days) - 1) / b.stride()
	return b.axisLabel(i) != "" && (last-i/b.stride())%2 == 1
}

// details says whether the tips list the series: for many bars that would be most of the page.
func (b Bars) details() bool { return len(b.Days) <= 62 && len(b.Series) > 1 }

func (b Bars) spoken(i int) string {
	d := b.Days[i]
	text := d.Label + ": " + b.Unit.full(d.total())
	if b.Compare != "" {
		text += ", " + b.Compare + " " + b.Unit.full(d.Before)
	}
	if d.Unfinished {
		text += ", not over"
	}
	return text
}

// Lines is a line chart of values that are no parts of a whole: latency, rates.
type Lines struct {
	Label  string
	Series []Series
	Days   []BarDay // Parts are the values; a negative one is a gap
	Unit   Unit
	Height Height
}

func (l Lines) bars() Bars {
	return Bars{Label: l.Label, Series: l.Series, Days: l.Days, Unit: l.Unit, Height: l.Height}
}

func (l Lines) scale() axis {
	var top int64
	for _, d := range l.Days {
		for _, v := range d.Parts {
			top = max(top, v)
		}
	}
	return axisFor(top)
}

// paths are the runs of one series between its gaps.
func (l Lines) paths(series int) []string {
	var out []string
	var run []string
	scale, slot := l.scale(), 100/float64(max(len(l.Days), 1))
	flush := func() {
		if len(run) > 0 {
			out = append(out, strings.Join(run, " "))
		}
		run = nil
	}
	for i, d := range l.Days {
		if series >= len(d.Parts) || d.Parts[series] < 0 {
			flush()
			continue
		}
		run = append(run, point(slot*(float64(i)+0.5))+","+point(100-scale.height(d.Parts[series])))
	}
	flush()
	return out
}

func (l Lines) spoken(i int) string {
	parts := make([]string, 0, len(l.Series))
	for j, s := range l.Series {
		if j < len(l.Days[i].Parts) && l.Days[i].Parts[j] >= 0 {
			parts = append(parts, s.Name+" "+l.Unit.full(l.Days[i].Parts[j]))
		}
	}
	if len(parts) == 0 {
		return l.Days[i].Label + ": nothing"
	}
	return l.Days[i].Label + ": " + strings.Join(parts, ", ")
}

func tailClass(i, n int) string {
	if i >= n/2 {
		return "late"
	}
	return ""
}
