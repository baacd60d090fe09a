package limit

import "time"

// Slots is into how many parts a period is cut.
const Slots = 20

// Window counts what was let in during the last period, by a sliding window of Slots parts and one: the part under way and the Slots
// before it. The oldest part is counted whole although it lies partly behind, so that the sum is never less than what was let in
// during the last period: in any stretch of one period, wherever it starts, at most the amount is let in. The price is that room comes
// back up to a Slots-th of a period late.
//
// GCRA and token buckets (ITU-T I.371; Turner, "New directions in communications", 1986) were not used: with a burst as large as the
// amount, which clients expect of "100 a minute", they let in twice the amount within one period, and with a small burst they refuse
// clients that come all at once. Two weighted windows (as several gateways have) let in more than the amount where traffic is uneven.
//
// The zero Window is empty. It is not safe for concurrent use.
type Window struct {
	newest int64            // number of the part under way, since the epoch
	used   [Slots + 1]int64 // of part n at n modulo Slots+1
}

// SlotOf is the number of the part of a period that a moment lies in.
func SlotOf(at time.Time, per time.Duration) int64 { return at.UnixNano() / int64(per/Slots) }

// roll forgets what has left the window. A clock that goes back does not move it.
func (w *Window) roll(slot int64) {
	if slot <= w.newest {
		return
	}
	if slot-w.newest > Slots {
		w.used = [Slots + 1]int64{}
	} else {
		for n := w.newest + 1; n <= slot; n++ {
			w.used[n%(Slots+1)] = 0
		}
	}
	w.newest = slot
}

// Used is what was let in during the last period.
func (w *Window) Used(at time.Time, per time.Duration) int64 {
	w.roll(SlotOf(at, per))
	var sum int64
	for _, n := range w.used {
		sum += n
	}
	return sum
}

// Add counts n more in a part (fewer, where n is negative), whatever the limit says. What has left the window is not changed any more.
func (w *Window) Add(slot, n int64) {
	w.roll(slot)
	if slot > w.newest-Slots-1 && slot >= 0 {
		i := slot % (Slots + 1)
		w.used[i] = max(w.used[i]+n, 0)
	}
}

// Fit says whether n more fit into amount, and counts nothing. Wait is 0 where they do, Never where they never will.
func (w *Window) Fit(at time.Time, per time.Duration, amount, n int64) State {
	used := w.Used(at, per)
	s := State{Left: max(amount-used, 0), Slot: w.newest, Reset: w.until(at, per, 0)}
	switch {
	case n > amount:
		s.Refused, s.Wait = true, Never
	case used+n > amount:
		s.Refused, s.Wait = true, w.until(at, per, amount-n)
	}
	return s
}

// until is how long it takes until at most rest of what is in the window is left in it.
func (w *Window) until(at time.Time, per time.Duration, rest int64) time.Duration {
	var sum int64
	for n := w.newest; n >= max(w.newest-Slots, 0); n-- { // from the newest part back: those that may stay
		if sum += w.used[n%(Slots+1)]; sum > rest {
			gone := time.Unix(0, (n+Slots+1)*int64(per/Slots)) // part n has left
			return max(gone.Sub(at), time.Millisecond)
		}
	}
	return 0
}

// Parts shows the parts in which something was let in.
func (w *Window) Parts(do func(slot, n int64)) {
	for n := w.newest; n >= max(w.newest-Slots, 0); n-- {
		if used := w.used[n%(Slots+1)]; used != 0 {
			do(n, used)
		}
	}
}

// State is one limit after it was asked.
type State struct {
	Refused bool
	Left    int64         // what may still come now
	Reset   time.Duration // until nothing is counted any more, if nothing comes
	Wait    time.Duration // where Refused: until there is room; Never
	Slot    int64         // where it was counted, for Return
}

// Never is the Wait of a call that is larger than the limit.
const Never = time.Duration(-1)
