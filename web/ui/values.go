package ui

import (
	"strconv"
	"time"

	"tollgate/internal/money"
)

// Tone is the ground of a badge or a note. The empty tone is plain.
type Tone string

// The tones. Outline describes and does not judge.
const (
	Plain   Tone = ""
	OK      Tone = "ok"
	Warn    Tone = "warn"
	Bad     Tone = "bad"
	Info    Tone = "info"
	Outline Tone = "line"
)

// State is the shape and colour of a Status.
type State string

// The states: ● fine, ▲ look soon, ■ act now, ○ idle, ◔ live.
const (
	Fine State = "ok"
	Soon State = "warn"
	Act  State = "bad"
	Idle State = "idle"
	Live State = "run"
)

// Colour is a step of the chart scale, 1 to 8; anything else is "the rest".
type Colour int

func (c Colour) class() string {
	if c < 1 || c > 8 {
		return "co"
	}
	return "c" + strconv.Itoa(int(c))
}

// Colours gives the first eight ids a step each; the others are "the rest". Pass ids in the order in which
// they were made, all of them, so that an entity has the same colour on every page.
func Colours(ids []string) map[string]Colour {
	m := make(map[string]Colour, len(ids))
	for _, id := range ids {
		if _, taken := m[id]; !taken && len(m) < 8 {
			m[id] = Colour(len(m) + 1)
		}
	}
	return m
}

// Good says which direction of a change is welcome.
type Good int

// Spend and traffic are neither good nor bad; errors, latency and unit cost are good when they fall;
// savings when they rise.
const (
	Neither Good = iota
	Down
	Up
)

// Delta is a change against the period before. The zero value is "no change".
type Delta struct {
	Hundredths int64 // of a percent, or of a percentage point
	Points     bool  // the change of a share
	New        bool  // there was nothing before, so there is no percentage
	Good       Good
}

// DeltaOf is the change from before to now in percent.
func DeltaOf(now, before int64, good Good) Delta {
	if before <= 0 {
		return Delta{New: now > 0, Good: good}
	}
	if now >= before {
		return Delta{Hundredths: int64(perParts(now-before, before, 10_000)), Good: good}
	}
	return Delta{Hundredths: -int64(perParts(before-max(now, 0), before, 10_000)), Good: good}
}

// DeltaPoints is the change of a share, in percentage points.
func DeltaPoints(part, whole, partBefore, wholeBefore int64, good Good) Delta {
	if whole <= 0 || wholeBefore <= 0 || part < 0 || partBefore < 0 {
		return Delta{Points: true, Good: good, New: whole > 0 && wholeBefore == 0}
	}
	h := int64(perParts(part, whole, 10_000)) - int64(perParts(partBefore, wholeBefore, 10_000))
	return Delta{Hundredths: h, Points: true, Good: good}
}

// none also when the change is too small to be written.
func (d Delta) none() bool {
	if d.Points {
		return !d.New && d.Hundredths == 0
	}
	return !d.New && d.Hundredths > -5 && d.Hundredths < 5
}

func (d Delta) text() string {
	switch {
	case d.New:
		return "new"
	case d.none():
		return "no change"
	}
	arrow, u := "↑ ", uint64(d.Hundredths)
	if d.Hundredths < 0 {
		arrow, u = "↓ ", uint64(-d.Hundredths)
	}
	if d.Points && u < 100 {
		return arrow + hundredths(int64(u)) + " pp"
	}
	tenths := roundDiv(u, 10)
	text := arrow + thousands(tenths/10) + "." + strconv.FormatUint(tenths%10, 10)
	if d.Points {
		return text + " pp"
	}
	return text + "%"
}

func (d Delta) class() string {
	switch {
	case d.none(), d.New:
		return "none"
	case d.Good == Neither:
		return ""
	case (d.Hundredths < 0) == (d.Good == Down):
		return "good"
	default:
		return "bad"
	}
}

// Freshness says how current a page is. A zero RolledTo means that the figures are live.
type Freshness struct {
	Clock    Clock
	RolledTo time.Time
}

func (f Freshness) text() string {
	zone := "times in " + f.Clock.zone().String()
	if f.RolledTo.IsZero() {
		return "live · " + zone
	}
	to, form := f.RolledTo.In(f.Clock.zone()), "2 Jan, 15:04"
	if sameDay(to, f.Clock.Now.In(f.Clock.zone())) {
		form = "15:04"
	}
	return "rolled up to " + to.Format(form) + ", live after that · " + zone
}

// Link is words and where they lead. One without Text is no link, and is left out.
type Link struct{ Text, Href string }

// Choice is one option of a picker or of segments; options are links, so the URL is the state.
type Choice struct {
	Text, Href string
	Count      string // "23", beside the text; may be empty
	Current    bool
}

// Param is one query parameter that a form keeps.
type Param struct{ Name, Value string }

// chosen is the text of the current choice, or of the first.
func chosen(choices []Choice) string {
	for _, c := range choices {
		if c.Current {
			return c.Text
		}
	}
	if len(choices) > 0 {
		return choices[0].Text
	}
	return Nothing
}

// exactText says how much of an amount rests on the provider's own usage; nearly all is never "exact".
func exactText(exactPart, whole money.NanoUSD) string {
	switch {
	case exactPart >= whole:
		return "exact"
	case exactPart <= 0:
		return "estimated"
	}
	tenths := min(perParts(int64(exactPart), int64(whole), 1000), 999)
	return "exact " + strconv.FormatUint(tenths/10, 10) + "." + strconv.FormatUint(tenths%10, 10) + "%"
}
