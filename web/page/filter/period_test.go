package filter_test

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/usage"
	"tollgate/web/page/filter"
	"tollgate/web/ui"
)

func now() time.Time { return time.Date(2026, 3, 30, 14, 2, 0, 0, time.UTC) }

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func read(t *testing.T, query string, zone *time.Location) filter.Period {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	p, err := filter.ReadPeriod(filter.At("/costs", values), filter.Days30, now(), zone)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return p
}

func TestPeriodsStepByTheirOwnLength(t *testing.T) {
	t.Parallel()
	type steps struct{ Earlier, Later string }
	for query, want := range map[string]steps{
		"":                              {"from=2026-01-30&to=2026-02-28", ""},
		"range=7d":                      {"from=2026-03-17&to=2026-03-23", ""},
		"range=24h":                     {"from=2026-03-28T15%3A00%3A00Z&to=2026-03-29T15%3A00%3A00Z", ""},
		"range=month":                   {"from=2026-02-01&to=2026-02-28", ""},
		"range=last-month":              {"from=2026-01-01&to=2026-01-31", "range=month"},
		"from=2026-01-01&to=2026-01-31": {"from=2025-12-01&to=2025-12-31", "from=2026-02-01&to=2026-02-28"},
		"from=2026-03-10&to=2026-03-12": {"from=2026-03-07&to=2026-03-09", "from=2026-03-13&to=2026-03-15"},
		"from=2026-03-29&to=2026-03-29": {"from=2026-03-28&to=2026-03-28", "from=2026-03-30&to=2026-03-30"}, // 23 hours in Berlin
		"from=2026-03-30&to=2026-03-30": {"from=2026-03-29&to=2026-03-29", ""},
		"from=2026-03-30T09:00:00Z&to=2026-03-30T11:00:00Z": {
			"from=2026-03-30T07%3A00%3A00Z&to=2026-03-30T09%3A00%3A00Z", "from=2026-03-30T11%3A00%3A00Z&to=2026-03-30T13%3A00%3A00Z",
		},
	} {
		p := read(t, query, berlin(t))
		values, err := url.ParseQuery(query + "&team=a&open=call_1&before=x&live=1")
		if err != nil {
			t.Fatal(err)
		}
		earlier, later := p.Steps(filter.At("/costs", values))
		full := func(q string) string {
			if q == "" {
				return ""
			}
			wanted, err := url.ParseQuery(q + "&team=a")
			if err != nil {
				t.Fatal(err)
			}
			return "/costs?" + wanted.Encode()
		}
		if diff := cmp.Diff(steps{full(want.Earlier), full(want.Later)}, steps{earlier, later}); diff != "" {
			t.Errorf("%q (-want +got)\n%s", query, diff)
		}
	}
}

func TestPeriodsCoverWholeDaysAndCompareWithAsManyBefore(t *testing.T) {
	t.Parallel()
	type span struct{ From, To, BeforeFrom, BeforeTo string }
	for query, want := range map[string]span{
		"":                              {"2026-03-01 00:00", "2026-03-30 14:02", "2026-01-30 00:00", "2026-02-28 14:02"},
		"range=7d":                      {"2026-03-24 00:00", "2026-03-30 14:02", "2026-03-17 00:00", "2026-03-23 14:02"},
		"range=24h":                     {"2026-03-29 15:00", "2026-03-30 14:02", "2026-03-28 15:00", "2026-03-29 14:02"},
		"range=month":                   {"2026-03-01 00:00", "2026-03-30 14:02", "2026-02-01 00:00", "2026-03-01 00:00"},
		"range=last-month":              {"2026-02-01 00:00", "2026-03-01 00:00", "2026-01-01 00:00", "2026-02-01 00:00"},
		"from=2026-03-10&to=2026-03-12": {"2026-03-10 00:00", "2026-03-13 00:00", "2026-03-07 00:00", "2026-03-10 00:00"},
		"from=2026-03-29&to=2026-04-02": {"2026-03-29 00:00", "2026-03-30 14:02", "2026-03-24 00:00", "2026-03-25 14:02"},
	} {
		p := read(t, query, time.UTC)
		form := func(at time.Time) string { return at.Format("2006-01-02 15:04") }
		b := p.Before()
		if diff := cmp.Diff(want, span{form(p.From), form(p.To), form(b.From), form(b.To)}); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", query, diff)
		}
	}
}

func TestThePeriodBeforeHasAName(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"range=30d": "previous 30 days", "range=24h": "previous 24 hours", "range=month": "previous month", "from=2026-03-10&to=2026-03-12": "previous 3 days",
	} {
		if got := read(t, query, time.UTC).Previous(); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

func TestDaysAreDaysOfTheZoneAlsoWhenClocksChange(t *testing.T) {
	t.Parallel()
	p := read(t, "from=2026-03-28&to=2026-03-30", berlin(t)) // clocks go forward on the 29th
	var hours []float64
	for _, s := range p.Slots() {
		hours = append(hours, s.To.Sub(s.From).Hours())
	}
	if diff := cmp.Diff([]float64{24, 23, 24}, hours); diff != "" {
		t.Errorf("hours of the days (-want +got)\n%s", diff)
	}
	if b := p.Before(); len(b.Slots()) != 3 {
		t.Errorf("%d days before, want 3", len(b.Slots()))
	}
}

func TestAShortPeriodIsCutByTheHourAndItsBarsLeadToInstants(t *testing.T) {
	t.Parallel()
	p := read(t, "range=24h", time.UTC)
	slots := p.Slots()
	if len(slots) != 24 {
		t.Fatalf("%d hours, want 24", len(slots))
	}
	at := slots[0].Narrow(filter.At("/requests", url.Values{"range": {"24h"}, "team": {"team_a"}}), time.UTC)
	if want := "/requests?from=2026-03-29T15%3A00%3A00Z&team=team_a&to=2026-03-29T16%3A00%3A00Z"; at.String() != want {
		t.Errorf("%s, want %s", at, want)
	}
	again, err := filter.ReadPeriod(at, filter.Day, now(), time.UTC)
	if err != nil || !again.From.Equal(slots[0].From) || !again.To.Equal(slots[0].To) {
		t.Errorf("read again as %v – %v (%v)", again.From, again.To, err)
	}
}

func TestDatesThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"range=fortnight", "from=yesterday", "to=2026-03-01", "from=2026-03-05&to=2026-03-01", "from=2026-03-01&to=x", "from=0000-01-01T00:00:00Z"} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := filter.ReadPeriod(filter.At("/costs", values), filter.Days30, now(), time.UTC); !errors.Is(err, filter.ErrPeriod) {
			t.Errorf("%s: %v, want ErrPeriod", query, err)
		}
	}
}

func TestFiltersReadAsTheAPIDoesAndEachCanBeTakenAway(t *testing.T) {
	t.Parallel()
	values, err := url.ParseQuery("team=team_a&workflow=(none)&workflow=x&model=&by=team&before=c")
	if err != nil {
		t.Fatal(err)
	}
	at := filter.At("/costs", values)
	want := map[usage.Dimension][]string{usage.Team: {"team_a"}, usage.Workflow: {"", "x"}}
	if diff := cmp.Diff(want, filter.Dimensions(at)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	chips := filter.Namer{}.Chips(at)
	wantChips := []ui.Filter{
		{Name: "Team", Value: "team_a", Remove: "/costs?by=team&model=&workflow=%28none%29&workflow=x"},
		{Name: "Workflow", Value: "No workflow, x", Remove: "/costs?by=team&model=&team=team_a"},
	}
	if diff := cmp.Diff(wantChips, chips); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAnAddressIsNeverChangedByItsMethods(t *testing.T) {
	t.Parallel()
	at := filter.At("/costs", url.Values{"a": {"1"}, "b": {"2", "3"}})
	_ = at.With("a", "9").Without("b").With("c", "4")
	if got := at.String(); got != "/costs?a=1&b=2&b=3" {
		t.Errorf("the address became %s", got)
	}
	if got := at.Only("b").To("/requests").String(); got != "/requests?b=2&b=3" {
		t.Errorf("%s", got)
	}
	if diff := cmp.Diff([]ui.Param{{Name: "b", Value: "2"}, {Name: "b", Value: "3"}}, at.Hidden("a")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
