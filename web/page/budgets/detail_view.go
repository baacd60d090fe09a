package budgets

import (
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/web/ui"
)

// detailView is the page of one budget, about one of its periods.
type detailView struct {
	ID       id.Budget
	Name     string
	Mode     ui.BadgeView
	Lede     string
	Crumbs   []ui.Link
	Notes    []noteView
	Clock    ui.Clock
	CanWrite bool
	Archived bool
	Off      bool

	Periods []ui.Choice // the limits, where there are several
	Figures []figure
	Burn    *ui.BurnView
	Window  string // "November": names the line of the chart
	Whose   string // ", of end user u-1": whose pot the figures are; "": there is one pot
	Before  string // "October"; "": there is no window before
	Method  string // how the forecast is made
	Sum     string // "$1,154.01 less $318.20 reserved is the $835.81 left."
	Points  []burnRow
	Meters  []meterRow

	Drivers []driver
	Younger string      // that the budget does not count all that Drivers show; "": it does
	By      []ui.Choice // what the drivers are told apart by

	Each     string // "end user": the noun of the subjects; "": one pot
	Subjects []meterRow
	Subject  string // the one that the page is about; "": all together
	Search   string
	Older    string
	Newer    string
	Crowd    string

	Blocked     []blockedRow
	BlockedText string
	BlockedMore string

	Raise  raiseForm
	Raises []raiseRow
	Marks  []markRow
	Facts  []ui.Fact

	Checked string
	Balance bool
}

// noteView is a sentence above the figures, with at most one thing to do.
type noteView struct {
	Tone       ui.Tone
	Bold, Text string
	Link       ui.Link
	Post       string // where the button below posts to
	Button     string
}

// burnRow is a point of the chart in the table that stands for it.
type burnRow struct {
	At    string
	Spent money.NanoUSD
	Left  money.NanoUSD
}

// meterRow is one pot: a period, or a subject.
type meterRow struct {
	Name, Href, Note string
	Meter            ui.MeterView
	Used             string
	Spent, Held      money.NanoUSD
	Left, Limit      money.NanoUSD
	Anew             string
	State            ui.State
	Word             string
}

// driver is a value that spent a share of the budget.
type driver struct {
	Name, Href, Note string
	Spent, Most      money.NanoUSD
	Share            string
}

// blockedRow is one call that was refused, or would have been.
type blockedRow struct {
	Href    string
	At      time.Time
	Did     string
	State   ui.State
	Who     string // key, alias
	Lacked  money.NanoUSD
	Subject string
}

// raiseForm asks for more room for a time.
type raiseForm struct {
	Period  string
	Periods []ui.Option
	Amount  string
	For     string
	Reason  string
	Effect  string // what it would do, in numbers
	Field   string // where Message belongs
	Message string
}

func (f raiseForm) at(field string) string {
	if f.Field == field {
		return f.Message
	}
	return ""
}

func (f raiseForm) above() string {
	switch f.Field {
	case "amount", "reason", "to", "for", "period":
		return ""
	default:
		return f.Message
	}
}

// raiseRow is a raise that was made.
type raiseRow struct {
	Text, Note string
	State      ui.State
	Word       string
	End        string // where its end posts to; "": it is over
}

// markRow is a mark at which people are told.
type markRow struct {
	State      ui.State
	Word       string
	Text, Note string
}

func periodOptions(limits []budget.Limit) []ui.Option {
	var out []ui.Option
	for _, l := range limits {
		out = append(out, ui.Option{Value: string(l.Period), Text: limitText(l.Amount) + " " + periodName(l.Period)})
	}
	return out
}
