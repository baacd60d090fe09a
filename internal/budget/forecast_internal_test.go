package budget

import (
	"testing"
	"time"

	"tollgate/internal/money"
)

const usd = money.NanoUSD(1_000_000_000)

// monday is the start of a week and of a month, noon of which is in a window.
var monday = time.Date(2030, 4, 1, 0, 0, 0, 0, time.UTC)

// weekdaysOnly is four weeks in which every hour from 8 to 18 of a weekday cost so much.
func weekdaysOnly(now time.Time, each money.NanoUSD) *history {
	h := new(history)
	for i := range h {
		at := now.Truncate(time.Hour).Add(time.Duration(i-historyHours) * time.Hour)
		if wd := at.Weekday(); wd != time.Saturday && wd != time.Sunday && at.Hour() >= 8 && at.Hour() < 18 {
			h[i] = float64(each)
		}
	}
	return h
}

func month(spent, limit money.NanoUSD) Meter {
	return Meter{Period: Month, Window: Calendar{}.Window(Month, monday), Spent: spent, Limit: limit}
}

func TestAForecastKnowsWeekends(t *testing.T) {
	t.Parallel()
	friday := monday.AddDate(0, 0, 4).Add(18 * time.Hour) // five working days have passed
	f := forecast(month(500*usd, 2000*usd), friday, weekdaysOnly(friday, 10*usd), time.UTC)
	if f.Method != ByProfile {
		t.Fatalf("method %q", f.Method)
	}
	// April 2030 has 22 working days: 17 more at $100.
	if end := f.End(); end.Mid < 2199*usd || end.Mid > 2201*usd || end.At != monday.AddDate(0, 1, 0) {
		t.Errorf("ends with %s at %s, want $2,200", end.Mid.USD(), end.At)
	}
	// $2,000 is reached at the end of the 20th working day: Friday 26 April.
	if want := time.Date(2030, 4, 26, 18, 0, 0, 0, time.UTC); f.EndsAt.Sub(want).Abs() > 7*time.Hour {
		t.Errorf("used up at %s, want about %s", f.EndsAt, want)
	}
	for _, b := range f.Bands {
		if b.At.After(friday) && b.At.Before(monday.AddDate(0, 0, 7)) && b.Mid != 500*usd {
			t.Errorf("on the weekend, at %s: %s", b.At, b.Mid.USD())
		}
	}
}

func TestAConeOpensAndNeverFalls(t *testing.T) {
	t.Parallel()
	now := monday.AddDate(0, 0, 9).Add(11 * time.Hour)
	h := weekdaysOnly(now, 10*usd)
	for i := range h { // days are not all alike
		if i/24%3 == 0 {
			h[i] *= 2
		}
	}
	f := forecast(month(800*usd, 1500*usd), now, h, time.UTC)
	last := f.Bands[0]
	if last.Low != 800*usd || last.High != 800*usd {
		t.Errorf("it begins with %+v", last)
	}
	for _, b := range f.Bands[1:] {
		if b.Low > b.Mid || b.Mid > b.High || b.Low < last.Low || b.Mid < last.Mid || b.High < last.High {
			t.Fatalf("%+v after %+v", b, last)
		}
		last = b
	}
	if last.High-last.Low < 100*usd {
		t.Errorf("the cone is %s to %s", last.Low.USD(), last.High.USD())
	}
	if f.EndsEarly.IsZero() || f.EndsAt.IsZero() || f.EndsEarly.After(f.EndsAt) || !f.EndsLate.IsZero() && f.EndsLate.Before(f.EndsAt) {
		t.Errorf("early %s, %s, late %s", f.EndsEarly, f.EndsAt, f.EndsLate)
	}
}

func TestWithoutHistoryAForecastIsALine(t *testing.T) {
	t.Parallel()
	now := monday.AddDate(0, 0, 10)
	for name, past := range map[string]*history{"none": nil, "nothing was spent": {}, "three days": func() *history {
		h := new(history)
		for i := historyHours - 72; i < historyHours; i++ {
			h[i] = 1e9
		}
		return h
	}()} {
		f := forecast(month(100*usd, 200*usd), now, past, time.UTC)
		if f.Method != ByLine || f.End().Mid < 299*usd || f.End().Mid > 300*usd {
			t.Errorf("%s: %s by %s", name, f.End().Mid.USD(), f.Method)
		}
		if want := monday.AddDate(0, 0, 20); f.EndsAt.Sub(want).Abs() > time.Minute {
			t.Errorf("%s: used up at %s, want %s", name, f.EndsAt, want)
		}
	}
}

func TestWhatIsReservedIsNotLeft(t *testing.T) {
	t.Parallel()
	m := month(100*usd, 200*usd)
	m.Held = 50 * usd
	f := forecast(m, monday.AddDate(0, 0, 10), nil, time.UTC)
	if want := monday.AddDate(0, 0, 15); f.EndsAt.Sub(want).Abs() > time.Minute {
		t.Errorf("used up at %s, want %s", f.EndsAt, want)
	}
}

func TestNothingIsForecastFromNothing(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]Forecast{
		"nothing spent":      forecast(month(0, usd), monday.AddDate(0, 0, 10), nil, time.UTC),
		"an hour has passed": forecast(month(usd, usd), monday.Add(time.Hour), nil, time.UTC),
		"the window is over": forecast(month(usd, 2*usd), monday.AddDate(0, 2, 0), nil, time.UTC),
	} {
		if f.Method != "" || len(f.Bands) != 0 || !f.EndsAt.IsZero() {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestATotalIsForecastForAMonth(t *testing.T) {
	t.Parallel()
	now := monday.AddDate(0, 0, 4).Add(18 * time.Hour)
	f := forecast(Meter{Period: Total, Window: Window{Period: Total}, Spent: 100 * usd, Limit: 10_000 * usd}, now, weekdaysOnly(now, 10*usd), time.UTC)
	if f.Method != ByProfile || !f.End().At.Equal(now.AddDate(0, 0, 30)) || !f.EndsAt.IsZero() {
		t.Errorf("%s until %s", f.Method, f.End().At)
	}
}
