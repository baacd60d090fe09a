package lease

import (
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// slot is where a lease is looked for: the current window of one period of a budget, for one subject.
type slot struct {
	budget  id.Budget
	subject string
	period  budget.Period
}

// lease is money of one pot. All of it is guarded by its desk's lock.
type lease struct {
	slot
	holder   id.Holder
	calendar budget.Calendar // by which window was found
	window   budget.Window
	pot      id.Pot

	granted  money.NanoUSD // as the authority has told
	returned money.NanoUSD
	told     money.NanoUSD // of returned: what the authority has heard of
	spent    money.NanoUSD // charged by calls that have ended
	open     money.NanoUSD // the most that calls under way may cost

	hard    bool          // of a budget that blocks
	standby money.NanoUSD // what the budget sets aside for the time when the authority is away

	last     Grant // how it stood when the authority last spoke
	replied  time.Time
	recalled bool
	due      bool // in the desk's list of leases to tell of
	unsure   bool // an exchange about it was not answered: what it did is not known
	dead     bool // the holder was ended: no call takes of it any more

	used time.Time     // last taken from
	unit money.NanoUSD // what was last taken
	pace pace
}

// covers reports whether the window is the one of an instant.
func (l *lease) covers(at time.Time) bool {
	return l.window.To.IsZero() || !at.Before(l.window.From) && at.Before(l.window.To)
}

// free is what is in hand: neither spent nor open. It is below zero where a budget that does not block ran out, or where a call cost
// more than its bound.
func (l *lease) free() money.NanoUSD { return l.granted - l.returned - l.spent - l.open }

// room is what a call may take. What is set aside is kept for the time when nobody can be asked, or when nothing else is left.
func (l *lease) room(away bool) money.NanoUSD {
	if away || l.short() {
		return l.free()
	}
	return l.free() - l.aside()
}

// aside is this holder's part of what the budget sets aside, as far as it is in hand.
func (l *lease) aside() money.NanoUSD {
	if l.standby <= 0 {
		return 0
	}
	return min(l.standby/money.NanoUSD(max(l.last.Holders, 1)), max(l.free(), 0))
}

// short reports that the authority had too little when it last spoke.
func (l *lease) short() bool { return !l.replied.IsZero() && l.last.Verdict == Short }

// goneFor is how long a budget that the authority does not know is passed over before it is asked for again.
const goneFor = time.Second

// gone reports that there is no such budget at the authority (any more): nothing is to be held for it.
func (l *lease) gone(now time.Time) bool {
	return l.last.Verdict == Gone && !l.replied.IsZero() && now.Sub(l.replied) < goneFor
}

// left is what the pot has left by all that is known here: nobody's, and ours that is idle.
func (l *lease) left() money.NanoUSD {
	return max(l.last.Limit-l.last.Committed+max(l.free(), 0), 0)
}

// hopeless reports that no waiting gives so much: all that others hold would not do.
func (l *lease) hopeless(extra money.NanoUSD) bool { return extra > l.last.Limit-l.last.Posted }

// giveBack takes money off, to be told at the next exchange.
func (l *lease) giveBack(n money.NanoUSD) {
	if n > 0 {
		l.returned += n
	}
}

// over reports that the window takes no more calls.
func (l *lease) over(at time.Time) bool { return !l.window.To.IsZero() && !at.Before(l.window.To) }

// done reports that nothing is in hand or on its way.
func (l *lease) done() bool { return !l.unsure && l.open == 0 && l.returned == l.told && l.free() <= 0 }

// sameDays reports whether two calendars count days alike. Each load of a configuration has its own value of the same zone.
func sameDays(a, b budget.Calendar) bool {
	if a.FiscalDay != b.FiscalDay {
		return false
	}
	return a.Zone == b.Zone || a.Zone != nil && b.Zone != nil && a.Zone.String() == b.Zone.String()
}
