package ui

import "strconv"

// length is a percentage as SVG takes it, two decimals at most.
func length(percent float64) string {
	return strconv.FormatFloat(float64(int64(percent*100+0.5))/100, 'f', -1, 64) + "%"
}

// niceStep is the distance of grid lines: 1, 2, 2.5 or 5 times a power of ten, so that four steps reach top.
func niceStep(top int64) int64 {
	if top <= 4 {
		return 1
	}
	for unit := int64(1); ; unit *= 10 {
		for _, tenths := range []int64{10, 20, 25, 50} {
			step := unit * tenths / 10
			if tenths*unit%10 != 0 {
				continue // 2.5 of a unit that cannot be halved
			}
			if step >= (top+3)/4 {
				return step
			}
		}
		if unit > (1<<62)/10 {
			return unit
		}
	}
}

// axis is a scale from zero: the step and how many of them there are, four at most.
type axis struct {
	step  int64
	steps int
}

func axisFor(top int64) axis {
	step := niceStep(top)
	n := int((max(top, 1)-1)/step) + 1
	return axis{step, min(max(n, 1), 4)}
}

func (a axis) top() int64 { return a.step * int64(a.steps) }

// height is v as a share of the axis, in percent.
func (a axis) height(v int64) float64 {
	return min(max(100*float64(v)/float64(a.top()), 0), 100)
}

// labels are the values of the grid lines, from the top to zero.
func (a axis) labels() []int64 {
	out := make([]int64, 0, a.steps+1)
	for i := a.steps; i >= 0; i-- {
		out = append(out, a.step*int64(i))
	}
	return out
}
