package budgets

import (
	"time"

	"tollgate/internal/money"
	"tollgate/web/ui"
)

// listView is the page of all budgets.
type listView struct {
	Clock    ui.Clock
	Lede     string // "November, in Europe/Berlin · 10 days left"
	CanWrite bool
	Figures  []figure
	Shows    []ui.Choice
	Tree     bool // rows are indented
	Rows     []row
	Blocks   []blocks
	Offers   []offer
	Archived bool // the archived ones are shown
	Filtered bool
	Checked  string
	Balance  bool
}

type figure struct{ Name, Badge, Value, Unit, Note string }

// row is one budget by its fullest limit.
type row struct {
	Name, Href, Kind string
	Depth            int
	Twist            string // this page with the branch closed or open; "": nothing is below
	Open             bool
	Meter            ui.MeterView
	Used             string
	Spent, Held      money.NanoUSD
	Left             money.NanoUSD
	Limit, Per       string
	More             string // "+1 limit"
	Anew             string
	State            ui.State
	Word             string
	Mode             ui.BadgeView
	Known            bool // figures are there
}

// blocks are what one budget refused lately, or would have.
type blocks struct {
	Name, Href, Why string
	Calls           int64
	Would           bool
	Last            time.Time
}

// offer is a budget that last month's traffic suggests.
type offer struct {
	Name, Why, Limit string
	Fields           []ui.Param // of the form that accepts it
}

func (v listView) empty() bool { return len(v.Rows) == 0 && !v.Archived && !v.Filtered }

func depth(n int) string {
	switch min(n, 4) {
	case 0:
		return "d0"
	case 1:
		return "d1"
	case 2:
		return "d2"
	case 3:
		return "d3"
	default:
		return "d4"
	}
}
