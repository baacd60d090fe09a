package gateway

import (
	"errors"
	"testing"

	"tollgate/internal/batch"
	"tollgate/internal/budget/lease"
	"tollgate/internal/money"
)

// TestEachParcelHoldsForItself: two of one organization, or of two, never share their money; one keeps its over a restart.
func TestEachParcelHoldsForItself(t *testing.T) {
	t.Parallel()
	parcels := []*batch.Parcel{{Org: "org_1", ID: "parcel_1"}, {Org: "org_1", ID: "parcel_2"}, {Org: "org_2", ID: "parcel_1"}}
	for i, p := range parcels {
		if holderOf(p) != holderOf(&batch.Parcel{Org: p.Org, ID: p.ID}) {
			t.Errorf("%v has two holders", p)
		}
		for _, other := range parcels[:i] {
			if holderOf(p) == holderOf(other) {
				t.Errorf("%v and %v share a holder", p, other)
			}
		}
	}
}

// TestNothingIsHeldInAWindowThatIsOver: the lines are tried again, in the windows of then.
func TestNothingIsHeldInAWindowThatIsOver(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		grants []lease.Grant
		whole  bool
		room   money.NanoUSD // of the last
		err    error
	}{
		"all have it":          {[]lease.Grant{{Verdict: lease.Granted, Limit: 10, Committed: 4}}, true, 6, nil},
		"one is short":         {[]lease.Grant{{Verdict: lease.Granted}, {Verdict: lease.Short, Limit: 10, Committed: 7}}, false, 3, nil},
		"more is committed":    {[]lease.Grant{{Verdict: lease.Short, Limit: 10, Committed: 12}}, false, 0, nil},
		"a window is over":     {[]lease.Grant{{Verdict: lease.Granted, Limit: 10}, {Verdict: lease.Closed}}, false, 0, errHeldLater},
		"a budget is no more":  {[]lease.Grant{{Verdict: lease.Gone}}, false, 0, errHeldLater},
		"nothing was asked of": {nil, true, 0, nil},
	} {
		room, whole, err := roomOf(tt.grants)
		if whole != tt.whole || !errors.Is(err, tt.err) {
			t.Errorf("%s: %v %v", name, whole, err)
		}
		if err == nil && len(room) > 0 && room[len(room)-1] != tt.room {
			t.Errorf("%s: room %v, want %d", name, room, tt.room)
		}
	}
}
