package filter

import (
	"time"

	"tollgate/internal/fault"
	"tollgate/web/layout"
	"tollgate/web/ui"
)

// ErrPeriod is for dates in an address that are none, or that end before they begin.
var ErrPeriod = fault.New(fault.Invalid, "page.bad_period", "The range of dates can’t be read. Choose one in the bar.").At("from")

// Preset is a range that moves with the clock.
type Preset string

// The presets.
const (
	Hour      Preset = "1h"
	Day       Preset = "24h"
	Week      Preset = "7d"
	Days30    Preset = "30d"
	Month     Preset = "month"
	LastMonth Preset = "last-month"
	Custom    Preset = "" // dates of one's own
)

var texts = map[Preset]string{
	Hour: "Last hour", Day: "Last 24 h", Week: "Last 7 days", Days30: "Last 30 days", Month: "This month", LastMonth: "Last month",
}

// Period is a range of time [From, To), cut in days of Zone.
type Period struct {
	Preset   Preset
	From, To time.Time // To is never after now
	End      time.Time // where the period will be over
	Now      time.Time
	Zone     *time.Location
}

// hourly is the length up to which a period is drawn by the hour.
const hourly = 49 * time.Hour

// ReadPeriod reads range, or from and to, of an address. from and to are days, both included; or instants, the second not included.
func ReadPeriod(a Address, usual Preset, now time.Time, zone *time.Location) (Period, error) {
	p := Period{Now: now, Zone: zone}
	if a.Get("from") != "" || a.Get("to") != "" {
		return p.custom(a.Get("from"), a.Get("to"))
	}
	p.Preset = Preset(a.Get("range"))
	if p.Preset == Custom {
		p.Preset = usual
	}
	local := now.In(zone)
	midnight := func(days int) time.Time {
		return time.Date(local.Year(), local.Month(), local.Day()+days, 0, 0, 0, 0, zone)
	}
	first := func(months int) time.Time {
		return time.Date(local.Year(), local.Month()+time.Month(months), 1, 0, 0, 0, 0, zone)
	}
	p.To, p.End = now, now
	switch p.Preset {
	case Hour:
		p.From = now.Add(-time.Hour)
	case Day:
		p.From = now.Truncate(time.Hour).Add(-23 * time.Hour)
	case Week:
		p.From, p.End = midnight(-6), midnight(1)
	case Days30:
		p.From, p.End = midnight(-29), midnight(1)
	case Month:
		p.From, p.End = first(0), first(1)
	case LastMonth:
		p.From, p.To, p.End = first(-1), first(0), first(0)
	default:
		return Period{}, ErrPeriod
	}
	return p, nil
}

func (p Period) custom(from, to string) (Period, error) {
	var err error
	if p.From, _, err = p.moment(from); err != nil {
		return Period{}, err
	}
	p.End = p.Now
	if to != "" {
		var day bool
		if p.End, day, err = p.moment(to); err != nil {
			return Period{}, err
		}
		if day {
			p.End = p.End.AddDate(0, 0, 1)
		}
	}
	p.To = p.End
	if p.To.After(p.Now) {
		p.To = p.Now
	}
	if !p.From.Before(p.End) {
		return Period{}, ErrPeriod
	}
	if !p.From.Before(p.To) { // all of it is yet to come
		p.To = p.End
	}
	return p, nil
}

func (p Period) moment(s string) (at time.Time, day bool, err error) {
	if at, err = time.ParseInLocation(time.DateOnly, s, p.Zone); err == nil {
		return at, true, nil
	}
	if at, err = time.Parse(time.RFC3339, s); err != nil || at.Year() < 1970 || at.Year() > 9999 {
		return time.Time{}, false, ErrPeriod.Because(err)
	}
	return at, false, nil
}

// Hourly reports whether the period is so short that it is drawn by the hour.
func (p Period) Hourly() bool { return p.End.Sub(p.From) <= hourly }

// Before is the same stretch of the period before: of a month the same days of the month before, else as many days (or as much
// time) just before.
func (p Period) Before() Period {
	b := p
	switch {
	case p.Preset == Month || p.Preset == LastMonth:
		b.From, b.End = p.From.AddDate(0, -1, 0), p.From
		b.To = b.From.Add(p.To.Sub(p.From))
		if p.Preset == LastMonth || b.To.After(b.End) {
			b.To = b.End
		}
	case p.Hourly():
		length := (p.End.Sub(p.From) + time.Hour - 1).Truncate(time.Hour) // whole hours, so that bars lie on bars
		b.From, b.To, b.End = p.From.Add(-length), p.To.Add(-length), p.From
	default:
		days := -p.days()
		b.From, b.To, b.End = p.From.AddDate(0, 0, days), p.To.AddDate(0, 0, days), p.From
	}
	return b
}

// days is how many days of the zone the period touches.
func (p Period) days() int {
	n := 0
	for at := p.From.In(p.Zone); at.Before(p.End); n++ {
		at = at.AddDate(0, 0, 1)
	}
	return n
}

// Slot is one bar: a day, or an hour.
type Slot struct{ From, To time.Time }

// Slots are the bars of the period, up to now.
func (p Period) Slots() []Slot {
	var out []Slot
	if p.Hourly() {
		for at := p.From.UTC().Truncate(time.Hour); at.Before(p.To); at = at.Add(time.Hour) {
			out = append(out, Slot{at, at.Add(time.Hour)})
		}
		return out
	}
	start := p.From.In(p.Zone)
	for i := 0; ; i++ {
		from := time.Date(start.Year(), start.Month(), start.Day()+i, 0, 0, 0, 0, p.Zone)
		if !from.Before(p.To) {
			return out
		}
		out = append(out, Slot{from, time.Date(start.Year(), start.Month(), start.Day()+i+1, 0, 0, 0, 0, p.Zone)})
	}
}

// Text names the period in a sentence: "last 30 days", "1–20 Nov".
func (p Period) Text() string {
	switch p.Preset {
	case Hour:
		return "the last hour"
	case Day:
		return "the last 24 hours"
	case Week:
		return "the last 7 days"
	case Days30:
		return "the last 30 days"
	case Month:
		return "this month"
	case LastMonth:
		return "last month"
	case Custom:
		return p.Dates()
	default:
		return p.Dates()
	}
}

// Previous names the period before, as the mark of a chart: "previous 30 days".
func (p Period) Previous() string {
	switch {
	case p.Preset == Month || p.Preset == LastMonth:
		return "previous month"
	case p.Hourly():
		return "previous " + ui.Plural(int64((p.End.Sub(p.From)+time.Hour-1)/time.Hour), "hour", "hours")
	default:
		return "previous " + ui.Plural(int64(p.days()), "day", "days")
	}
}

// Dates are the days of the period, the last one included, or for a short one its hours.
func (p Period) Dates() string {
	clock := ui.Clock{Now: p.Now, Zone: p.Zone}
	if p.Hourly() && !p.wholeDays() {
		return p.From.In(p.Zone).Format("2 Jan, 15:04") + " – " + p.To.In(p.Zone).Format("2 Jan, 15:04")
	}
	return ui.DaysText(clock, p.From, p.To.Add(-time.Nanosecond))
}

func (p Period) wholeDays() bool {
	from := p.From.In(p.Zone)
	return p.Preset == Custom && from.Hour() == 0 && from.Minute() == 0 && p.End.In(p.Zone).Hour() == 0
}

// Choices are the ranges for the bar.
func (p Period) Choices(a Address, presets ...Preset) []ui.Choice {
	clean := a.Without("from", "to", "before", "after")
	var out []ui.Choice
	if p.Preset == Custom {
		out = append(out, ui.Choice{Text: p.Dates(), Href: a.String(), Current: true})
	}
	for _, preset := range presets {
		out = append(out, ui.Choice{Text: texts[preset], Href: clean.With("range", string(preset)).String(), Current: preset == p.Preset})
	}
	return out
}

// Steps are the addresses of the periods just before and just after this one, of the same length: whole months, days of the zone, or
// hours. later is empty where that one has not begun.
func (p Period) Steps(a Address) (earlier, later string) {
	clean := a.Without("from", "to", "range", "before", "after", "open", "live")
	if p.End.Before(p.Now) {
		from, to := p.shifted(1)
		later = p.stretch(clean, from, to).String()
	}
	from, to := p.shifted(-1)
	return p.stretch(clean, from, to).String(), later
}

// shifted is the period moved by its own length: by is 1 for the one after, −1 for the one before.
func (p Period) shifted(by int) (from, to time.Time) {
	switch {
	case p.wholeMonth():
		return p.From.AddDate(0, by, 0), p.End.AddDate(0, by, 0)
	case p.Hourly() && !p.wholeDays():
		length := (p.End.Sub(p.From) + time.Hour - 1).Truncate(time.Hour) // as Before counts
		if by < 0 {
			return p.From.Add(-length), p.From
		}
		return p.End, p.End.Add(length)
	default:
		days := by * p.days()
		return p.From.AddDate(0, 0, days), p.End.AddDate(0, 0, days)
	}
}

func (p Period) wholeMonth() bool {
	from := p.From.In(p.Zone)
	first := time.Date(from.Year(), from.Month(), 1, 0, 0, 0, 0, p.Zone)
	return p.From.Equal(first) && p.End.Equal(first.AddDate(0, 1, 0))
}

// stretch is the address of a range of one's own; the month of now keeps its name, so that it moves with the clock.
func (p Period) stretch(a Address, from, to time.Time) Address {
	now := p.Now.In(p.Zone)
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, p.Zone)
	switch {
	case p.wholeMonth() && from.Equal(month):
		return a.With("range", string(Month))
	case p.Hourly() && !p.wholeDays():
		return a.With("from", from.UTC().Format(time.RFC3339)).With("to", to.UTC().Format(time.RFC3339))
	default:
		return a.With("from", from.In(p.Zone).Format(time.DateOnly)).With("to", to.AddDate(0, 0, -1).In(p.Zone).Format(time.DateOnly))
	}
}

// Form asks for dates of one's own.
func (p Period) Form(a Address, path string) *layout.DateForm {
	return &layout.DateForm{
		Action: path, From: p.From.In(p.Zone).Format(time.DateOnly), To: p.To.Add(-time.Nanosecond).In(p.Zone).Format(time.DateOnly),
		Keep: a.Hidden("from", "to", "range", "before", "after"),
	}
}

// Narrow is an address for one slot of the period.
func (s Slot) Narrow(a Address, zone *time.Location) Address {
	a = a.Without("range", "before", "after")
	if s.To.Sub(s.From) > time.Hour {
		day := s.From.In(zone).Format(time.DateOnly)
		return a.With("from", day).With("to", day)
	}
	return a.With("from", s.From.UTC().Format(time.RFC3339)).With("to", s.To.UTC().Format(time.RFC3339))
}
