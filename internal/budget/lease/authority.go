// Package lease is the proxy's side of budgets: money on loan from the authority, and calls that are admitted against it without
// asking anybody.
package lease

import (
	"context"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// Authority lends money out of pots. Every amount that crosses it is cumulative over the life of the holder's lease, and grows only:
// a message that is lost, repeated or late changes nothing.
type Authority interface {
	// Exchange tells how the holder's leases stand and asks for more, in one round trip. It answers every ask, in their order. An error
	// means that nothing is known: it may have been granted, and the next exchange will say so.
	Exchange(ctx context.Context, h Holder, asks []Ask) (Reply, error)
	// Succeed gives back what earlier holders of the same proxy held and did not spend. It is called once all that they spool was
	// ingested; what is then not settled was never spent. Holders of another boot of the machine are left alone: what they had not
	// yet on disk may be lost.
	Succeed(ctx context.Context, h Holder) error
}

// ErrEnded means that the holder was ended: a later run of its proxy, or an operator, took its money over. What it says counts no more;
// who still lives goes on as a new holder, with nothing in hand.
var ErrEnded = fault.New(fault.Conflict, "budget.holder_ended", "These leases were taken over.")

// Holder is who holds leases: one run of a proxy.
type Holder struct {
	ID    id.Holder
	Proxy string // of the spool
	Boot  string // of the machine; "": not known, and never the same as another
}

// Ask is one lease's report and wish.
type Ask struct {
	Org      id.Org
	Budget   id.Budget
	Subject  string
	Window   budget.Window
	Pot      id.Pot        // budget.Pot of the above
	Returned money.NanoUSD // given back so far
	Need     money.NanoUSD // grant this much or nothing; 0: nothing is needed at once
	Want     money.NanoUSD // grant up to this much where there is plenty; at least Need
}

// Reply answers an exchange.
type Reply struct {
	Now    time.Time // of the authority's clock
	Grants []Grant   // one for each ask
	// Recalled are pots of which this holder has leases and others are in need: idle money is to be given back.
	Recalled []id.Pot
}

// Grant is how a lease stands at the authority.
type Grant struct {
	Granted   money.NanoUSD // so far
	Limit     money.NanoUSD // of the pot now, raises included
	Committed money.NanoUSD // of the pot: settled and held, by all holders
	Posted    money.NanoUSD // of the pot: settled
	Holders   int           // of leases of the pot that are alive
	Verdict   Verdict
}

// Verdict is what became of an ask.
type Verdict uint8

// The verdicts.
const (
	Granted Verdict = iota // what was needed is there
	Short                  // less is left than was needed; others may give some back
	Closed                 // the window is over or has not begun, by the authority's clock
	Gone                   // there is no such budget or limit (any more)
)
