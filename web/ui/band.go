package ui

import (
	"math"
	"strings"
)

// BandView is a difference over time with bounds that hold at every look.
type BandView struct {
	Label   string // read aloud before the last values
	Measure Measure
	Points  []BandPoint // oldest first; fewer than two are not drawn
	Axis    []string    // below, from the first to the last, equally far apart
	Margin  float64     // drawn as a dashed line; 0: none
}

// BandPoint is one look. At is its place between the first (0) and the end of the axis (1).
type BandPoint struct{ At, Mean, Low, High float64 }

// bounds is the scale: it holds every mean and the bounds of the later half, because early bounds are so wide that they would hide the
// rest.
func (v BandView) bounds() (from, to float64, steps int) {
	values := []float64{v.Margin}
	for i, p := range v.Points {
		values = append(values, p.Mean)
		if 4*i >= len(v.Points) {
			values = append(values, p.Low, p.High)
		}
	}
	return Scale(values...)
}

func (v BandView) steps() int {
	_, _, n := v.bounds()
	return n
}

// y is the place of a value from the top, in percent.
func (v BandView) y(x float64) float64 {
	from, to, _ := v.bounds()
	if math.IsNaN(x) {
		return 50
	}
	return 100 * min(max((to-x)/(to-from), 0), 1)
}

func (v BandView) value(i int) float64 {
	from, to, n := v.bounds()
	return to - float64(i)*(to-from)/float64(n)
}

func (v BandView) axisLabel(i int) string {
	text := v.Measure.axisText(v.value(i))
	if i == 0 && v.Measure == Points && text != "0" {
		return text + " pp"
	}
	return text
}

func (v BandView) gridY(i int) string { return length(v.y(v.value(i))) }

func (v BandView) gridClass(i int) string {
	if math.Abs(v.value(i)) < 1e-9 {
		return "zero-line"
	}
	return "grid-line"
}

func (v BandView) line() string {
	out := make([]string, len(v.Points))
	for i, p := range v.Points {
		out[i] = v.point(p.At, p.Mean)
	}
	return strings.Join(out, " ")
}

// outline goes along the upper bounds and back along the lower ones.
func (v BandView) outline() string {
	out := make([]string, 0, 2*len(v.Points))
	for _, p := range v.Points {
		out = append(out, v.point(p.At, p.High))
	}
	for i := len(v.Points) - 1; i >= 0; i-- {
		out = append(out, v.point(v.Points[i].At, v.Points[i].Low))
	}
	return strings.Join(out, " ")
}

func (v BandView) point(at, value float64) string {
	return point(100*min(max(at, 0), 1)) + "," + point(v.y(value))
}

func (v BandView) spoken() string {
	last := v.Points[len(v.Points)-1]
	return v.Label + ": last " + v.Measure.Signed(last.Mean) + ", " + v.Measure.Range(last.Low, last.High)
}
