package budget_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollgate/internal/budget"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestWindowsStartByTheClockOfTheZone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		zone      string
		fiscal    int
		period    budget.Period
		at        string
		from, to  string
		wantHours float64
	}{
		{"a day when clocks go forward", "Europe/Berlin", 0, budget.Day, "2030-03-31T12:00:00Z", "2030-03-30T23:00:00Z", "2030-03-31T22:00:00Z", 23},
		{"a day when clocks go back", "Europe/Berlin", 0, budget.Day, "2030-10-27T12:00:00Z", "2030-10-26T22:00:00Z", "2030-10-27T23:00:00Z", 25},
		{"the hour that is shown twice, first", "Europe/Berlin", 0, budget.Hour, "2030-10-27T00:30:00Z", "2030-10-27T00:00:00Z", "2030-10-27T01:00:00Z", 1},
		{"a day whose midnight does not exist", "America/Sao_Paulo", 0, budget.Day, "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z", 23},
		{"the day before one whose midnight does not exist", "America/Sao_Paulo", 0, budget.Day, "2018-11-04T02:59:59Z", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z", 24},
		{"midnight skipped in Beirut", "Asia/Beirut", 0, budget.Day, "2022-03-27T12:00:00Z", "2022-03-26T22:00:00Z", "2022-03-27T21:00:00Z", 23},
		{"midnight shown twice east of Greenwich", "Asia/Amman", 0, budget.Day, "2021-10-28T21:30:00Z", "2021-10-28T21:00:00Z", "2021-10-29T22:00:00Z", 25},
		{"midnight shown twice west of Greenwich", "America/Havana", 0, budget.Day, "2025-11-02T04:30:00Z", "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z", 25},
		{"a day that was left out", "Pacific/Apia", 0, budget.Day, "2011-12-30T09:59:00Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", 24},
		{"the day after one that was left out", "Pacific/Apia", 0, budget.Day, "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z", 24},
		{"an hour of a zone with half an hour", "Asia/Kolkata", 0, budget.Hour, "2030-01-01T12:10:00Z", "2030-01-01T11:30:00Z", "2030-01-01T12:30:00Z", 1},
		{"an hour of a zone with three quarters", "Asia/Kathmandu", 0, budget.Hour, "2030-01-01T12:10:00Z", "2030-01-01T11:15:00Z", "2030-01-01T12:15:00Z", 1},
		{"clocks are set by half an hour", "Australia/Lord_Howe", 0, budget.Hour, "2029-10-06T15:45:00Z", "2029-10-06T15:30:00Z", "2029-10-06T16:00:00Z", 0.5},
		{"a week over the end of a year", "Europe/Berlin", 0, budget.Week, "2031-01-01T12:00:00Z", "2030-12-29T23:00:00Z", "2031-01-05T23:00:00Z", 168},
		{"Sunday is the last day of a week", "UTC", 0, budget.Week, "2030-01-06T23:59:59Z", "2029-12-31T00:00:00Z", "2030-01-07T00:00:00Z", 168},
		{"a month", "America/New_York", 0, budget.Month, "2030-03-01T04:59:59Z", "2030-02-01T05:00:00Z", "2030-03-01T05:00:00Z", 28 * 24},
		{"a fiscal month from the 28th", "UTC", 28, budget.FiscalMonth, "2030-03-27T23:59:59Z", "2030-02-28T00:00:00Z", "2030-03-28T00:00:00Z", 28 * 24},
		{"a fiscal month begins", "UTC", 28, budget.FiscalMonth, "2030-03-28T00:00:00Z", "2030-03-28T00:00:00Z", "2030-04-28T00:00:00Z", 31 * 24},
		{"a fiscal month over the end of a year", "Asia/Tokyo", 15, budget.FiscalMonth, "2030-01-01T00:00:00Z", "2029-12-14T15:00:00Z", "2030-01-14T15:00:00Z", 31 * 24},
		{"no fiscal day is the first", "UTC", 0, budget.FiscalMonth, "2030-01-31T00:00:00Z", "2030-01-01T00:00:00Z", "2030-02-01T00:00:00Z", 31 * 24},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at, err := time.Parse(time.RFC3339, tt.at)
			if err != nil {
				t.Fatal(err)
			}
			w := budget.Calendar{Zone: zone(t, tt.zone), FiscalDay: tt.fiscal}.Window(tt.period, at)
			if from, to := w.From.Format(time.RFC3339), w.To.Format(time.RFC3339); from != tt.from || to != tt.to {
				t.Errorf("from %s to %s, want %s to %s", from, to, tt.from, tt.to)
			}
			if got := w.To.Sub(w.From).Hours(); got != tt.wantHours {
				t.Errorf("%v hours, want %v", got, tt.wantHours)
			}
			if w.From.Location() != time.UTC || w.Period != tt.period {
				t.Errorf("%+v", w)
			}
		})
	}
}

func TestATotalHasNoWindow(t *testing.T) {
	t.Parallel()
	w := budget.Calendar{}.Window(budget.Total, time.Now())
	if !w.From.IsZero() || !w.To.IsZero() || w.Period != budget.Total {
		t.Errorf("%+v", w)
	}
}

// strange are zones in which clocks were set in every way there is.
var strange = []string{
	"UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Beirut", "Asia/Amman", "Asia/Gaza", "America/Havana", "Pacific/Apia",
	"Pacific/Kwajalein", "Australia/Lord_Howe", "Asia/Kolkata", "Asia/Kathmandu", "Africa/Casablanca", "Antarctica/Troll", "America/St_Johns",
	"Asia/Pyongyang", "America/Caracas", "Africa/Monrovia", "Europe/Amsterdam", "America/Godthab", "Asia/Tehran",
}

var windowed = []budget.Period{budget.Hour, budget.Day, budget.Week, budget.Month, budget.FiscalMonth}

// tiles checks that the window of an instant holds it, is the window of its first and last instants, and meets its neighbours.
func tiles(t testing.TB, c budget.Calendar, p budget.Period, at time.Time) {
	t.Helper()
	w := c.Window(p, at)
	if at.Before(w.From) || !at.Before(w.To) {
		t.Fatalf("%s in %s: %s is not in its window %s to %s", p, c.Zone, at.UTC(), w.From, w.To)
	}
	for _, inside := range []time.Time{w.From, w.To.Add(-time.Nanosecond)} {
		if got := c.Window(p, inside); got != w {
			t.Fatalf("%s in %s: %s falls into %v, and %s into %v", p, c.Zone, at.UTC(), w, inside, got)
		}
	}
	if next := c.Window(p, w.To); !next.From.Equal(w.To) {
		t.Fatalf("%s in %s: after %v comes %v", p, c.Zone, w, next)
	}
	if before := c.Window(p, w.From.Add(-time.Nanosecond)); !before.To.Equal(w.From) {
		t.Fatalf("%s in %s: before %v comes %v", p, c.Zone, w, before)
	}
}

func TestWindowsTileTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		c := budget.Calendar{Zone: zone(t, rapid.SampledFrom(strange).Draw(r, "zone")), FiscalDay: rapid.IntRange(0, 28).Draw(r, "day")}
		at := time.Unix(rapid.Int64Range(0, 2_200_000_000).Draw(r, "at"), rapid.Int64Range(0, 999_999_999).Draw(r, "nanos"))
		tiles(t, c, rapid.SampledFrom(windowed).Draw(r, "period"), at)
	})
}

func TestWindowsTileTimeWhereverClocksAreSet(t *testing.T) {
	t.Parallel()
	for _, name := range strange {
		z := zone(t, name)
		for at := time.Unix(0, 0).In(z); at.Year() < 2040; {
			_, next := at.ZoneBounds()
			if next.IsZero() {
				break
			}
			for _, off := range []time.Duration{-25 * time.Hour, -time.Hour, -30 * time.Minute, -1, 0, 1, 30 * time.Minute, time.Hour, 25 * time.Hour} {
				for _, p := range windowed {
					tiles(t, budget.Calendar{Zone: z, FiscalDay: next.Day()%28 + 1}, p, next.Add(off))
				}
			}
			at = next.In(z)
		}
	}
}
