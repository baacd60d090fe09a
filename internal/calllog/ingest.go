package calllog

import (
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/money"
)

// Beat is a proxy's sign of life, written with what it delivers.
type Beat struct {
	Proxy        string
	At           time.Time
	ShippedUntil time.Time // every call of the proxy that ended before is in the log; zero: not known
	SpoolBytes   int64
}

// Rejected is a record that can never be in the log, and why.
type Rejected struct {
	Record Record
	Reason string
}

// Delivered is what became of a delivery.
type Delivered struct {
	New      int           // the others were in the log already
	Overrun  money.NanoUSD // by how much hard budgets were overrun by them: what is not 0 is a defect
	Rejected []Rejected
}

// ErrPoison means that a delivery was refused because of what one of its records says, and that trying again cannot help.
var ErrPoison = fault.New(fault.Internal, "calllog.poison", "A record cannot be stored.")
