package spend_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/money"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/page/filter"
	"tollgate/web/page/pagetest"
	"tollgate/web/page/spend"
	"tollgate/web/ui"
)

func question(t *testing.T, preset filter.Preset) spend.Question {
	t.Helper()
	p, err := filter.ReadPeriod(filter.At("/costs", nil), preset, pagetest.Now(), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return spend.Question{Period: p}
}

func TestUnitCostsAreExactAndUnknownWhereACostIs(t *testing.T) {
	t.Parallel()
	type unit struct {
		Cost  money.NanoUSD
		Known bool
	}
	for _, c := range []struct {
		cost         money.NanoUSD
		times, units int64
		want         unit
	}{
		{100, 1, 3, unit{33, true}},
		{101, 1, 2, unit{51, true}}, // half up
		{0, 1, 5, unit{0, true}},
		{100, 1, 0, unit{}},
		{1 << 62, 1000, 4000, unit{1 << 60, true}}, // the product is beyond 64 bits
		{1 << 62, 1000, 1, unit{}},
	} {
		got, ok := spend.Per(c.cost, c.times, c.units)
		if diff := cmp.Diff(c.want, unit{got, ok}); diff != "" {
			t.Errorf("%d × %d / %d (-want +got)\n%s", c.cost, c.times, c.units, diff)
		}
	}
	if _, ok := spend.PerCall(&usage.Row{Calls: 5, Unpriced: 3}); ok {
		t.Error("calls without any known cost have a cost per call")
	}
	if _, ok := spend.PerThousand(&usage.Row{Calls: 5, Unpriced: 1, Cost: 10}); ok {
		t.Error("tokens of unpriced calls were divided by")
	}
}

func TestBarsAddUpToTheTotalWhateverHasAColour(t *testing.T) {
	t.Parallel()
	l := pagetest.Sample()
	q := question(t, filter.Week)
	in := tenant.Authenticated("org_a", tenant.Actor{User: "user_a"}, tenant.Viewer)
	got, err := spend.Compare(t.Context(), l, in, q, usage.Workflow)
	if err != nil {
		t.Fatal(err)
	}
	c := spend.Chart{
		Question: q, By: usage.Workflow, Rows: got.Now.Rows, Palette: spend.Palette{"triage": 1}, // of three values one has a colour
		Narrow: func(string) string { return "" }, Slot: func(filter.Slot) string { return "" },
	}
	bars, err := c.Bars(t.Context(), l, in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]ui.Series{{Name: "triage", Colour: 1}, {Name: "Others"}}, bars.Series); diff != "" {
		t.Errorf("series (-want +got)\n%s", diff)
	}
	var sum money.NanoUSD
	for _, d := range bars.Days {
		for _, v := range d.Parts {
			sum += money.NanoUSD(v)
		}
		if d.Before != 2_600_000_000 && d.Before != 2_500_000_000 {
			t.Errorf("%s: before %d, want the same day a week earlier", d.Label, d.Before)
		}
	}
	if sum != got.Now.Total.Cost || len(bars.Days) != 7 || !bars.Days[6].Unfinished || bars.Days[5].Unfinished {
		t.Errorf("%d bars add up to %d, want 7 and %d", len(bars.Days), sum, got.Now.Total.Cost)
	}
}

func TestWhatEndedIsFoundInThePeriodBefore(t *testing.T) {
	t.Parallel()
	in := tenant.Authenticated("org_a", tenant.Actor{User: "user_a"}, tenant.Viewer)
	got, err := spend.Compare(t.Context(), pagetest.Sample(), in, question(t, filter.Week), usage.Team, usage.Workflow)
	if err != nil {
		t.Fatal(err)
	}
	gone := got.Gone()
	if len(gone) != 1 || gone[0].Values[usage.Workflow] != "index" {
		t.Errorf("gone: %+v, want the workflow index", gone)
	}
	for i := range got.Now.Rows {
		r := &got.Now.Rows[i]
		if was := got.Was(r); r.Values[usage.Workflow] == "triage" && was.Cost != 14_000_000_000 {
			t.Errorf("triage cost %d before, want 14 dollars", was.Cost)
		}
	}
}
