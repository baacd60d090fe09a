package limit_test

import (
	"testing"
	"time"

	"tollgate/internal/dimension"
	"tollgate/internal/limit"
)

func TestAGuessNeverMakesACallLargerThanTheLimit(t *testing.T) {
	t.Parallel()
	need := limit.Need{Input: 300, Output: 5000}
	for _, tt := range []struct {
		metric limit.Metric
		capped bool
		want   int64
	}{
		{limit.Output, false, 1000},
		{limit.Output, true, 5000},
		{limit.Tokens, false, 1000},
		{limit.Tokens, true, 5300},
		{limit.Input, false, 300},
		{limit.Requests, false, 1},
		{limit.Concurrency, true, 1},
	} {
		need.Capped = tt.capped
		asks := limit.Asks(nil, []limit.Limit{{Metric: tt.metric, Amount: 1000, Per: time.Minute}}, &dimension.Call{}, false, need)
		if len(asks) != 1 || asks[0].N != tt.want {
			t.Errorf("%s, capped %v: %+v, want %d", tt.metric, tt.capped, asks, tt.want)
		}
	}
	far := limit.Need{Input: 2000, Output: 5000} // what is sent counts, whatever the limit
	if asks := limit.Asks(nil, []limit.Limit{{Metric: limit.Tokens, Amount: 1000, Per: time.Minute}}, &dimension.Call{}, false, far); asks[0].N != 2000 {
		t.Errorf("%+v", asks)
	}
}

func TestWhoHasNoValueIsNotCountedForEach(t *testing.T) {
	t.Parallel()
	all := []limit.Limit{{ID: "lim_each", Each: dimension.EndUser, Metric: limit.Requests, Amount: 1, Per: time.Minute}, {ID: "lim_all", Metric: limit.Requests, Amount: 1, Per: time.Minute}}
	if asks := limit.Asks(nil, all, &dimension.Call{}, false, limit.Need{}); len(asks) != 1 || asks[0].Limit.ID != "lim_all" {
		t.Errorf("without an end user: %+v", asks)
	}
	asks := limit.Asks(nil, all, &dimension.Call{EndUser: "ana"}, false, limit.Need{})
	if len(asks) != 2 || asks[0].Subject != "ana" || asks[1].Subject != "" {
		t.Errorf("with one: %+v", asks)
	}
}

func TestWhatWasNotCountedIsNotGivenBack(t *testing.T) {
	t.Parallel()
	tokens := &limit.Limit{Metric: limit.Tokens, Amount: 1000, Per: time.Minute}
	places := &limit.Limit{Metric: limit.Concurrency, Amount: 5}
	used := limit.Need{Input: 100, Output: 50}
	for name, tt := range map[string]struct {
		ask     limit.Ask
		refused bool
		correct int64
		ok      bool
		void    int64
	}{
		"fewer than expected":       {limit.Ask{Limit: tokens, N: 400}, false, -250, true, -400},
		"more than expected":        {limit.Ask{Limit: tokens, N: 100}, false, 50, true, -100},
		"just as many":              {limit.Ask{Limit: tokens, N: 150}, false, 0, false, -150},
		"a watching limit was full": {limit.Ask{Limit: tokens, N: 400}, true, 0, false, 0},
		"a place":                   {limit.Ask{Limit: places, N: 1}, false, 0, true, -1},
		"no place was taken":        {limit.Ask{Limit: places, N: 1}, true, 0, false, 0},
	} {
		s := limit.State{Refused: tt.refused, Slot: 7}
		r, ok := tt.ask.Correct(&s, used)
		if ok != tt.ok || ok && (r.N != tt.correct || r.Slot != 7) {
			t.Errorf("%s: corrected %+v %v", name, r, ok)
		}
		if r, ok := tt.ask.Void(&s); ok == tt.refused || ok && r.N != tt.void {
			t.Errorf("%s: void %+v %v", name, r, ok)
		}
	}
}

// TestWhatIsGivenBackTooLateChangesNothing: the part in which it was counted has left the window, and its place is another's.
func TestWhatIsGivenBackTooLateChangesNothing(t *testing.T) {
	t.Parallel()
	var w limit.Window
	now := time.Unix(1_900_000_000, 0)
	first := limit.SlotOf(now, time.Minute)
	w.Add(first, 10)
	w.Add(first+limit.Slots+1, 10) // stands where the first stood
	w.Add(first, -10)
	if used := w.Used(now.Add(time.Minute+3*time.Second), time.Minute); used != 10 {
		t.Errorf("%d are used, want the 10 that came since", used)
	}
}
