package ui

import (
	"strconv"
	"time"
)

// Clock is the reader's: what time it is, and the zone in which days are cut. A nil zone is UTC.
type Clock struct {
	Now  time.Time
	Zone *time.Location
}

func (c Clock) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// MomentText is a moment in the reader's zone: today with milliseconds (14:02:11.482), else the day and
// the minute (12 Nov, 15:40), with the year when it is another one. The zero time is Nothing.
func MomentText(c Clock, t time.Time) string {
	if t.IsZero() {
		return Nothing
	}
	t, now := t.In(c.zone()), c.Now.In(c.zone())
	switch {
	case sameDay(t, now):
		return t.Format("15:04:05.000")
	case t.Year() == now.Year():
		return t.Format("2 Jan, 15:04")
	default:
		return t.Format("2 Jan 2006, 15:04")
	}
}

// MomentFull is the whole truth about a moment, for titles: Fri 20 Nov 2026, 14:02:11.482, Europe/Berlin.
func MomentFull(c Clock, t time.Time) string {
	if t.IsZero() {
		return Nothing
	}
	return t.In(c.zone()).Format("Mon 2 Jan 2006, 15:04:05.000") + ", " + c.zone().String()
}

// AgoText is a moment said by its distance: now, 12 s ago, 4 min ago, 3 h ago, 12 days ago; in 3 days.
// The zero time is "never".
func AgoText(c Clock, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := c.Now.Sub(t)
	switch {
	case d <= -time.Second:
		return "in " + distance(-d)
	case d < time.Second:
		return "now"
	default:
		return distance(d) + " ago"
	}
}

// distance is a whole number of the largest fitting unit, rounded down.
func distance(d time.Duration) string {
	units := func(n time.Duration, word string) string { return strconv.FormatInt(int64(n), 10) + " " + word }
	switch {
	case d < time.Minute:
		return units(d/time.Second, "s")
	case d < time.Hour:
		return units(d/time.Minute, "min")
	case d < 48*time.Hour:
		return units(d/time.Hour, "h")
	default:
		return units(d/(24*time.Hour), "days")
	}
}

// DateText is a day without a time: 12 Nov, with the year when it is another one.
func DateText(c Clock, t time.Time) string {
	if t.IsZero() {
		return Nothing
	}
	t = t.In(c.zone())
	if t.Year() == c.Now.In(c.zone()).Year() {
		return t.Format("2 Jan")
	}
	return t.Format("2 Jan 2006")
}

// DaysText is a range of days in the reader's zone, the last one included: 1–20 Nov, 28 Oct – 3 Nov.
func DaysText(c Clock, from, to time.Time) string {
	from, to = from.In(c.zone()), to.In(c.zone())
	switch {
	case sameDay(from, to):
		return from.Format("2 Jan")
	case from.Year() == to.Year() && from.Month() == to.Month():
		return from.Format("2") + "–" + to.Format("2 Jan")
	case from.Year() == to.Year():
		return from.Format("2 Jan") + " – " + to.Format("2 Jan")
	default:
		return from.Format("2 Jan 2006") + " – " + to.Format("2 Jan 2006")
	}
}

func sameDay(a, b time.Time) bool { return a.Year() == b.Year() && a.YearDay() == b.YearDay() }
