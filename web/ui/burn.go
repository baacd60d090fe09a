package ui

import (
	"math"
	"strings"

	"tollgate/internal/money"
)

// BurnView is what is left of a limit over one window, and a forecast with its cone. Places are shares of the window, 0 to 1.
type BurnView struct {
	Label  string         // read aloud: the whole story in one sentence
	Limit  money.NanoUSD  // at the beginning
	Left   []BurnPoint    // so far, oldest first
	Before []BurnPoint    // the window before, drawn dashed and grey; empty draws none
	Cone   []ConePoint    // from the last of Left on; empty: there is no forecast
	Now    string         // beside the last of Left: "$1,154 today"
	Empty  string         // where the forecast reaches zero: "Empty on Wed 25 Nov"; "" draws none
	Over   string         // at the end of the cone: "$1,816 over on 30 Nov"
	Zero   string         // below the line of zero: "Limit reached, blocks"
	Axis   []string       // below, from the first to the last, equally far apart
	Raises []BurnInterval // times in which the limit was lifted
}

// BurnPoint is how much was left at a time.
type BurnPoint struct {
	At   float64
	Left money.NanoUSD // negative: more was spent
}

// ConePoint is a forecast of what is left.
type ConePoint struct {
	At             float64
	Low, Mid, High money.NanoUSD
}

// BurnInterval is a piece of the window.
type BurnInterval struct{ From, To float64 }

// burnScale is the axis of a burn-down: above grid lines down to zero, and below ones under it.
type burnScale struct {
	step         int64
	above, below int
}

// scale holds the limit and every value, but shows at most as much below zero as above it.
func (b BurnView) scale() burnScale {
	top, bottom := int64(b.Limit), int64(0)
	see := func(v money.NanoUSD) { top, bottom = max(top, int64(v)), min(bottom, int64(v)) }
	for _, p := range b.Left {
		see(p.Left)
	}
	for _, p := range b.Before {
		see(p.Left)
	}
	for _, c := range b.Cone {
		see(c.Low)
		see(c.High)
	}
	top = max(top, 1)
	bottom = max(bottom, -top)
	step := niceStep(top - bottom)
	up := func(v int64) int { return int((v + step - 1) / step) }
	return burnScale{step, up(top), up(-bottom)}
}

func (s burnScale) steps() int { return s.above + s.below }

func (s burnScale) value(i int) int64 { return s.step * int64(s.above-i) }

// y is the place of an amount from the top, in percent.
func (s burnScale) y(v money.NanoUSD) float64 {
	whole := float64(s.step) * float64(s.steps())
	return 100 * min(max((float64(s.step)*float64(s.above)-float64(v))/whole, 0), 1)
}

func (s burnScale) gridY(i int) string { return length(100 * float64(i) / float64(s.steps())) }

func (s burnScale) axisText(i int) string {
	v := s.value(i)
	if v < 0 {
		return minus + Dollars.axis(-v)
	}
	return Dollars.axis(v)
}

// under is where the ground below zero begins and how high it is.
func (s burnScale) under() (y, height string) {
	at := s.y(0)
	return length(at), length(100 - at)
}

func share(at float64) float64 { return 100 * min(max(at, 0), 1) }

func (s burnScale) line(points []BurnPoint) string {
	out := make([]string, len(points))
	for i, p := range points {
		out[i] = point(share(p.At)) + "," + point(s.y(p.Left))
	}
	return strings.Join(out, " ")
}

func (s burnScale) middle(cone []ConePoint) string {
	out := make([]string, len(cone))
	for i, c := range cone {
		out[i] = point(share(c.At)) + "," + point(s.y(c.Mid))
	}
	return strings.Join(out, " ")
}

// outline goes along the upper edge of the cone and back along the lower one.
func (s burnScale) outline(cone []ConePoint) string {
	out := make([]string, 0, 2*len(cone))
	for _, c := range cone {
		out = append(out, point(share(c.At))+","+point(s.y(c.High)))
	}
	for i := len(cone) - 1; i >= 0; i-- {
		out = append(out, point(share(cone[i].At))+","+point(s.y(cone[i].Low)))
	}
	return strings.Join(out, " ")
}

// now is the last of Left, or false before there is one.
func (b BurnView) now() (BurnPoint, bool) {
	if len(b.Left) == 0 {
		return BurnPoint{}, false
	}
	return b.Left[len(b.Left)-1], true
}

// crossing is where the middle of the cone reaches zero, or false where it does not.
func (b BurnView) crossing() (float64, bool) {
	for i := 1; i < len(b.Cone); i++ {
		a, z := b.Cone[i-1], b.Cone[i]
		if a.Mid > 0 && z.Mid <= 0 {
			part := float64(a.Mid) / (float64(a.Mid) - float64(z.Mid))
			return a.At + (z.At-a.At)*part, true
		}
	}
	return 0, false
}

// anchor keeps a label inside the plot: words at the left begin there, words at the right end there.
func anchor(at float64) string {
	switch {
	case at < 0.2:
		return "start"
	case at > 0.8:
		return "end"
	default:
		return "middle"
	}
}

func (b BurnView) width(r BurnInterval) string {
	return length(math.Max(share(r.To)-share(r.From), 0.3))
}
