package limit_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollgate/internal/limit"
)

type admitted struct {
	at time.Time
	n  int64
}

// TestNoStretchOfOnePeriodHoldsMoreThanTheAmount, wherever it starts, however calls come, whatever was given back of them.
func TestNoStretchOfOnePeriodHoldsMoreThanTheAmount(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		per := rapid.SampledFrom([]time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour}).Draw(t, "per")
		amount := rapid.Int64Range(1, 1000).Draw(t, "amount")
		now := time.Unix(1_900_000_000, rapid.Int64Range(0, int64(per)).Draw(t, "start"))
		var w limit.Window
		var in []admitted
		for range rapid.IntRange(1, 200).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(per)/4).Draw(t, "pause")))
			n := rapid.Int64Range(1, max(amount/3, 1)).Draw(t, "n")
			s := w.Fit(now, per, amount, n)
			if s.Refused {
				if s.Wait <= 0 || s.Wait > per+per/limit.Slots {
					t.Fatalf("told to wait %v of %v", s.Wait, per)
				}
				if later := w; later.Fit(now.Add(s.Wait), per, amount, n).Refused {
					t.Fatalf("refused again after the wait of %v", s.Wait)
				}
				// Nobody is told to wait less than a millisecond, even where there is room sooner.
				if early := w; s.Wait > time.Millisecond && !early.Fit(now.Add(s.Wait-time.Nanosecond), per, amount, n).Refused {
					t.Fatalf("there was room before the wait of %v was over", s.Wait)
				}
				continue
			}
			w.Add(s.Slot, n)
			if back := rapid.Int64Range(0, n).Draw(t, "given back"); back > 0 {
				w.Add(s.Slot, -back)
				n -= back
			}
			in = append(in, admitted{now, n})
			var sum int64
			for _, a := range in {
				if a.at.After(now.Add(-per)) {
					sum += a.n
				}
			}
			if sum > amount {
				t.Fatalf("%d within one period, of %d", sum, amount)
			}
		}
	})
}

// TestWhatComesAtOnceFits: the whole amount may come in one moment, and again a period and a part of it later.
func TestWhatComesAtOnceFits(t *testing.T) {
	t.Parallel()
	var w limit.Window
	now := time.Unix(1_900_000_000, 12345)
	if s := w.Fit(now, time.Minute, 100, 100); s.Refused || s.Left != 100 || s.Reset != 0 {
		t.Fatalf("%+v", s)
	}
	w.Add(limit.SlotOf(now, time.Minute), 100)
	if s := w.Fit(now.Add(time.Minute-time.Second), time.Minute, 100, 1); !s.Refused || s.Left != 0 {
		t.Errorf("before the period is over: %+v", s)
	}
	if s := w.Fit(now.Add(time.Minute+3*time.Second), time.Minute, 100, 100); s.Refused {
		t.Errorf("after it: %+v", s)
	}
	if s := w.Fit(now, time.Minute, 100, 101); s.Wait != limit.Never {
		t.Errorf("more than the limit ever: %+v", s)
	}
}

// TestAClockThatGoesBackFreesNothing.
func TestAClockThatGoesBackFreesNothing(t *testing.T) {
	t.Parallel()
	var w limit.Window
	now := time.Unix(1_900_000_000, 0)
	w.Add(limit.SlotOf(now, time.Minute), 10)
	if s := w.Fit(now.Add(-time.Hour), time.Minute, 10, 1); !s.Refused {
		t.Errorf("%+v", s)
	}
}
