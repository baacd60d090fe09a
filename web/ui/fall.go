package ui

import "time"

// Fall is the life of one call.
type Fall struct {
	Total time.Duration
	Steps []FallStep
}

// FallStep is one thing that happened, in the order of its start.
type FallStep struct {
	Name   string
	Child  bool // belongs to the step above
	Kind   FallKind
	Start  time.Duration
	Length time.Duration
	Note   string // beside the bar: "529 overloaded"
}

// FallKind is the colour of a step.
type FallKind string

// The kinds: our own work, waiting, upstream, its stream, and what failed.
const (
	Work     FallKind = "work"
	Waited   FallKind = "wait"
	Upstream FallKind = "up"
	Streamed FallKind = "stream"
	Failed   FallKind = "fail"
)

// thinnest is the width of a step too short to see, in percent.
const thinnest = 0.5

func (f Fall) percent(d time.Duration) float64 {
	if f.Total <= 0 {
		return 0
	}
	return min(max(100*float64(d)/float64(f.Total), 0), 100)
}

// start leaves room for the thinnest bar at the end.
func (f Fall) start(s FallStep) float64 { return min(f.percent(s.Start), 100-thinnest) }

func (f Fall) end(s FallStep) float64 {
	return min(max(f.percent(s.Start+s.Length), f.start(s)+thinnest), 100)
}

func (f Fall) x(s FallStep) string { return length(f.start(s)) }

func (f Fall) width(s FallStep) string { return length(f.end(s) - f.start(s)) }

// right says whether a note fits behind the bar; else it stands before it.
func (f Fall) right(s FallStep) bool { return f.end(s) < 60 }

func (f Fall) noteX(s FallStep) string {
	if f.right(s) {
		return length(f.end(s) + 1.2)
	}
	return length(max(f.start(s)-1.2, 0))
}

func (f Fall) noteAnchor(s FallStep) string {
	if f.right(s) {
		return "start"
	}
	return "end"
}

// axis is five moments from zero to the end.
func (f Fall) axis() []string {
	out := []string{"0"}
	for i := 1; i <= 4; i++ {
		out = append(out, SpanText(f.Total*time.Duration(i)/4))
	}
	return out
}

func micros(v int64) time.Duration { return time.Duration(v) * time.Microsecond }
