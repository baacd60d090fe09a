package fault

import (
	"testing"

	"tollgate/test/harness"
)

// The figures that count what budgets ask of the database.
const (
	exchanges = "tollgate_budget_exchanges_total"
	admitted  = "tollgate_budget_reservations_total"
)

// B10: admission asks nobody while there is room, and hardly anybody when there is none.
func TestB10AdmissionHardlyAsksTheDatabase(t *testing.T) {
	calls, burst := harness.Size(1_500, 20_000), harness.Size(400, 4_000)
	f := buildFleet(t, 1, &harness.Meter{}, harness.ProxyConfig{})
	plenty := f.purse(t, "b10", 1000*dollar, nil)
	plenty.loop(t.Context(), 2, func(y *endings) bool { return y.count(served) >= 50 }) // what the first calls ask for
	before := f.proxies[0].Figures(t)
	y := plenty.loop(t.Context(), 16, func(y *endings) bool { return y.count(served) >= calls })
	after := f.proxies[0].Figures(t)
	trips, calls64 := after.Since(before, exchanges), after.Since(before, admitted)
	if y.count(served) < calls || calls64 < float64(calls) {
		t.Errorf("%s; %v reservations", y, calls64)
	}
	if after[exchanges] == 0 || trips > calls64/100 {
		t.Errorf("%v round trips for %v calls", trips, calls64)
	}
	none := f.purse(t, "b10-none", dollar/1_000_000, map[string]any{"wait_ms": -1})
	before = f.proxies[0].Figures(t)
	refused := none.burst(t.Context(), burst)
	after = f.proxies[0].Figures(t)
	spare := after.Since(before, exchanges)
	if refused.count(exceeded) != burst || spare > float64(burst)/20 {
		t.Errorf("%v round trips for a burst without room: %s", spare, refused)
	}
	t.Logf("B10: %.0f round trips for %.0f admitted calls (%.4f a call); %.0f for a burst of %d without room (%.4f)", trips, calls64, trips/calls64,
		spare, burst, spare/float64(burst))
}
