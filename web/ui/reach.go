package ui

import (
	"math"
	"strings"
)

// ReachView is the smallest difference that a test sees, by its length.
type ReachView struct {
	Measure Measure
	Points  []ReachPoint // shortest first
	Margin  float64      // the difference that matters, drawn as a dashed line; 0: none
	Chosen  int          // index of the length that is chosen; −1: none
}

// ReachPoint is one length. A value of zero is not known, and not drawn.
type ReachPoint struct {
	Label string
	Value float64
}

// scale is from zero to a round value that holds every point.
func (v ReachView) scale() (top float64, steps int) {
	values := []float64{v.Margin}
	for _, p := range v.Points {
		values = append(values, p.Value)
	}
	_, top, steps = Scale(values...)
	return top, max(steps, 1)
}

func (v ReachView) y(value float64) string {
	top, _ := v.scale()
	return length(100 * (1 - min(max(value/top, 0), 1)))
}

func (v ReachView) x(i int) string {
	return length(100 * float64(i+1) / float64(len(v.Points)))
}

func (v ReachView) gridY(i int) string {
	_, steps := v.scale()
	return length(100 * float64(i) / float64(steps))
}

func (v ReachView) axisLabel(i int) string {
	top, steps := v.scale()
	value := top * float64(steps-i) / float64(steps)
	if value == 0 {
		return "0"
	}
	return v.half(value)
}

// half is a difference either way: ±1.6.
func (v ReachView) half(value float64) string {
	text := "±" + strings.TrimSuffix(v.Measure.written(value, false), ".0")
	if v.Measure == Relative {
		text += "%"
	}
	return text
}

func (v ReachView) line() string {
	var out []string
	top, _ := v.scale()
	for i, p := range v.Points {
		if p.Value > 0 {
			out = append(out, point(100*float64(i+1)/float64(len(v.Points)))+","+point(100*(1-math.Min(p.Value/top, 1))))
		}
	}
	return strings.Join(out, " ")
}

func (v ReachView) radius(i int) string {
	if i == v.Chosen {
		return "4.5"
	}
	return "3"
}

func (v ReachView) spoken() string {
	var out []string
	for _, p := range v.Points {
		if p.Value > 0 {
			out = append(out, "after "+p.Label+" "+v.half(p.Value)+strings.TrimPrefix(v.Measure.suffix(), "%"))
		}
	}
	return "Smallest difference that is seen: " + strings.Join(out, ", ")
}
