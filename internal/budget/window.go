package budget

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"tollgate/internal/id"
)

// Period is how long a limit counts before it starts anew.
type Period string

// The periods, shortest first.
const (
	Hour        Period = "hour"
	Day         Period = "day"
	Week        Period = "week" // from Monday
	Month       Period = "month"
	FiscalMonth Period = "fiscal_month" // from the organization's day of the month
	Total       Period = "total"        // never starts anew
)

// Periods are all periods, shortest first.
var Periods = []Period{Hour, Day, Week, Month, FiscalMonth, Total}

// Calendar is how an organization counts days. The zero Calendar is UTC, with fiscal months that are months.
type Calendar struct {
	Zone      *time.Location // nil: UTC
	FiscalDay int            // 1 to 28: the day on which a fiscal month starts; 0 is 1
}

// Window is one run of a period, from From until To.
type Window struct {
	Period   Period
	From, To time.Time // To is zero for Total; From too
}

// Window is the run of a period that an instant falls into. A day starts when the wall clock of the zone first shows it: 23 to 25 hours
// after the one before, and never at an instant that does not exist. Windows of a period tile time, whatever clocks are set to.
func (c Calendar) Window(p Period, at time.Time) Window {
	switch p {
	case Hour:
		return hourOf(at.In(c.Location()))
	case Day, Week, Month, FiscalMonth:
		return c.days(p, at)
	default:
		return Window{Period: Total}
	}
}

// hourOf is the hour of the wall clock. Where clocks are set within an hour it ends, or begins, there.
func hourOf(t time.Time) Window {
	_, offset := t.Zone()
	shift := time.Duration(offset) * time.Second
	from := t.UTC().Add(shift).Truncate(time.Hour).Add(-shift)
	to := from.Add(time.Hour)
	set, next := clocksSet(t)
	if !set.IsZero() && set.After(from) {
		from = set
	}
	if !next.IsZero() && next.Before(to) {
		to = next
	}
	return Window{Hour, from.UTC(), to.UTC()}
}

// clocksSet is when the clocks were set last, and will be next; zero: never. Bounds of a zone at which the offset stays as it is are none.
func clocksSet(t time.Time) (set, next time.Time) {
	_, offset := t.Zone()
	set, next = t.ZoneBounds()
	for !set.IsZero() && offsetAt(set.Add(-time.Nanosecond)) == offset {
		set, _ = set.Add(-time.Nanosecond).ZoneBounds()
	}
	for !next.IsZero() && offsetAt(next) == offset {
		_, after := next.ZoneBounds()
		if !after.After(next) {
			return set, time.Time{}
		}
		next = after
	}
	return set, next
}

func offsetAt(t time.Time) int {
	_, offset := t.Zone()
	return offset
}

// days is a window of whole days. The wall clock may show a day twice, when it is set back over midnight: the second showing belongs to
// the day after, which has begun.
func (c Calendar) days(p Period, at time.Time) Window {
	zone := c.Location()
	y, m, d := at.In(zone).Date()
	for {
		fy, fm, fd, ty, tm, td := c.span(p, y, m, d)
		w := Window{p, startOfDay(fy, fm, fd, zone), startOfDay(ty, tm, td, zone)}
		if at.Before(w.To) {
			return w
		}
		y, m, d = ty, tm, td
	}
}

// span is the days that a window with a day in it runs from and to. Days and months beyond the calendar are meant as time.Date means them.
func (c Calendar) span(p Period, y int, m time.Month, d int) (fy int, fm time.Month, fd, ty int, tm time.Month, td int) {
	switch p {
	case Week:
		monday := d - (int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Weekday())+6)%7
		return y, m, monday, y, m, monday + 7
	case Month:
		return y, m, 1, y, m + 1, 1
	case FiscalMonth:
		first := max(c.FiscalDay, 1)
		if d < first {
			m--
		}
		return y, m, first, y, m + 1, first
	default:
		return y, m, d, y, m, d + 1
	}
}

// Location is the zone that is meant.
func (c Calendar) Location() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// startOfDay is the first instant at which the wall clock shows a day, or a later one: where clocks go forward over midnight, midnight
// does not exist; where a country changes sides of the date line, a day does not.
func startOfDay(y int, m time.Month, d int, zone *time.Location) time.Time {
	midnight := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	// Zones are at most a day off, and are set at most twice within two days.
	for t := midnight.Add(-24 * time.Hour); ; {
		set, next := clocksSet(t.In(zone))
		_, offset := t.In(zone).Zone()
		start := midnight.Add(-time.Duration(offset) * time.Second) // midnight under this offset
		if !set.IsZero() && start.Before(set) {
			start = set // it shows the day, or a later one, from the moment it holds
		}
		if next.IsZero() || start.Before(next) {
			return start.UTC()
		}
		t = next
	}
}

// Pot names the money that is counted together: what a budget lets be spent in one window by one subject.
func Pot(org id.Org, b id.Budget, subject string, w Window) id.Pot {
	h := sha256.New()
	for _, s := range [...]string{string(org), string(b), string(w.Period), subject} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		_, _ = h.Write(n[:]) // a hash never fails
		_, _ = h.Write([]byte(s))
	}
	from := int64(0)
	if !w.From.IsZero() {
		from = w.From.Unix()
	}
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(from))
	_, _ = h.Write(n[:])
	return id.Pot(h.Sum(nil)[:16])
}
