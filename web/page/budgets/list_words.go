package budgets

import "tollgate/web/ui"

func noneText(v listView) string {
	if v.Archived {
		return "No budget was archived."
	}
	return "No budget is at risk: none is nearly full, and no forecast reaches its limit."
}

// balanceState is the shape of the ledger's last check.
func balanceState(ok bool) ui.State {
	if ok {
		return ui.Fine
	}
	return ui.Act
}

// anewText says when a limit starts anew, and how many others the budget has.
func anewText(r row) string {
	text := r.Anew
	if r.More != "" {
		text += " · " + r.More
	}
	return text
}
