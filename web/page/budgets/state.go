package budgets

import (
	"strconv"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/money"
	"tollgate/web/ui"
)

// riskAt is how full a budget is when it is worth a look, in per cent.
const riskAt = 80

// recent is how long ago a refusal still counts as one of now.
const recent = 15 * time.Minute

// AtRisk reports whether a budget is nearly full, or will be full before it starts anew.
func AtRisk(n *budget.Node) bool {
	if n.Budget.Off || !n.Budget.ArchivedAt.IsZero() {
		return false
	}
	return n.Tightest().Percent() >= riskAt || !n.EndsAt.IsZero()
}

// isFull reports whether calls do not fit any more. A hard budget is never spent to its last nano-dollar: the crumbs that are left hold
// no call.
func isFull(m *budget.Meter, refused int64) bool {
	return m.Spent >= m.Limit || m.Percent() >= 99 && refused > 0
}

// state is the shape and the word of a meter.
func state(c ui.Clock, b budget.Budget, m *budget.Meter, ends time.Time, refusals budget.Refusals) (ui.State, string) {
	refused := refusals.Refused
	switch {
	case !b.ArchivedAt.IsZero():
		return ui.Idle, "Archived"
	case b.Off:
		return ui.Idle, "Off"
	case b.Each != "" && m.Full > 0:
		return ui.Act, ui.CountText(int64(m.Full)) + " of " + ui.CountText(int64(m.Subjects)) + " full"
	case isFull(m, refused) && b.Mode == budget.Block:
		return ui.Act, "Full, blocking"
	case isFull(m, refused):
		return ui.Act, "Over, not blocking"
	case b.Mode == budget.Block && b.Each == "" && refused > 0 && c.Now.Sub(refusals.LastAt) < recent: // what is left holds no large call
		return ui.Act, "Blocks large calls"
	case !ends.IsZero():
		return ui.Soon, "Full " + dayOf(c, m.Period, ends)
	case m.Percent() >= riskAt:
		return ui.Soon, "Nearly full"
	default:
		return ui.Fine, "On track"
	}
}

func meter(m *budget.Meter) ui.MeterView {
	return ui.MeterView{Spent: int64(m.Spent), Reserved: int64(m.Held), Limit: int64(m.Limit)}
}

// percent is how much is spent, without what is reserved.
func percent(m *budget.Meter) string {
	spent := budget.Meter{Spent: m.Spent, Limit: m.Limit}
	return strconv.Itoa(spent.Percent()) + "%"
}

// nanoOf is a count in the type of amounts, to divide one by.
func nanoOf(n int64) money.NanoUSD { return money.NanoUSD(n) }
