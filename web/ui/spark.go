package ui

import (
	"slices"
	"strconv"
	"strings"
)

func sparkClass(c Colour) string {
	if c == 0 {
		return "" // ink
	}
	return c.class()
}

// sparkPoints lays values between 8 and 92 of 100, so that neither end is cut. A flat line lies in the middle.
func sparkPoints(values []int64) []string {
	if len(values) == 0 {
		return nil
	}
	low, high := slices.Min(values), slices.Max(values)
	out := make([]string, len(values))
	for i, v := range values {
		x := 100.0
		if len(values) > 1 {
			x = 100 * float64(i) / float64(len(values)-1)
		}
		out[i] = point(x) + "," + point(sparkY(v, low, high))
	}
	return out
}

func sparkY(v, low, high int64) float64 {
	if low == high {
		return 50
	}
	return 92 - 84*(float64(v)-float64(low))/(float64(high)-float64(low))
}

func point(v float64) string { return strings.TrimSuffix(length(v), "%") }

func sparkLine(values []int64) string { return strings.Join(sparkPoints(values), " ") }

func sparkArea(values []int64) string {
	return "M0,100 L" + strings.Join(sparkPoints(values), " L") + " L100,100 Z"
}

func sparkEnd(values []int64) string {
	if len(values) == 0 {
		return "50%"
	}
	return length(sparkY(values[len(values)-1], slices.Min(values), slices.Max(values)))
}

// MeterView is a meter. Units are the same for all three; a limit of zero is full.
type MeterView struct {
	Spent, Reserved, Limit int64
	Thin                   bool
	Label                  string // read aloud; empty says the shares
}

func (m MeterView) tone() string {
	switch {
	case m.Spent >= m.Limit:
		return string(Bad)
	case float64(m.Spent) >= 0.8*float64(m.Limit):
		return string(Warn)
	default:
		return ""
	}
}

func (m MeterView) label() string {
	if m.Label != "" {
		return m.Label
	}
	text := ShareText(m.Spent, m.Limit) + " spent"
	if m.Reserved > 0 {
		text += ", " + ShareText(m.Reserved, m.Limit) + " reserved"
	}
	return text
}

func (m MeterView) height() string {
	if m.Thin {
		return "5"
	}
	return "8"
}

// reservedWidth ends where the meter ends.
func (m MeterView) reservedWidth() string {
	return Percent(min(m.Reserved, max(m.Limit-m.Spent, 0)), m.Limit)
}

// Health is how one piece of time was.
type Health int

// The healths. Unknown had no traffic.
const (
	Unknown Health = iota
	Healthy
	Slow
	Failing
)

func (h Health) class() string {
	switch h {
	case Healthy:
		return "ok"
	case Slow:
		return "warn"
	case Failing:
		return "bad"
	case Unknown:
		return "none"
	default:
		return "none"
	}
}

func (h Health) height() int {
	switch h {
	case Failing:
		return 100
	case Slow:
		return 75
	case Healthy, Unknown:
		return 45
	default:
		return 45
	}
}

func stripX(i, n int) string { return length(100 * float64(i) / float64(n)) }

func stripWidth(n int) string { return length(68 / float64(n)) }

// ordinal counts from one, for marks.
func ordinal(i int) string { return strconv.Itoa(i + 1) }
