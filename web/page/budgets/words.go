package budgets

import (
	"strings"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/web/page/scope"
	"tollgate/web/ui"
)

// periodName is a period after an amount: "$500 a month".
func periodName(p budget.Period) string {
	switch p {
	case budget.Hour:
		return "an hour"
	case budget.Day:
		return "a day"
	case budget.Week:
		return "a week"
	case budget.Month:
		return "a month"
	case budget.FiscalMonth:
		return "a fiscal month"
	case budget.Total:
		return "in total"
	default:
		return string(p)
	}
}

// thisPeriod is the window that runs: "this month".
func thisPeriod(p budget.Period) string {
	switch p {
	case budget.Hour:
		return "this hour"
	case budget.Day:
		return "today"
	case budget.Week:
		return "this week"
	case budget.Month:
		return "this month"
	case budget.FiscalMonth:
		return "this fiscal month"
	case budget.Total:
		return "so far"
	default:
		return string(p)
	}
}

// lastPeriod is the window before: "last month".
func lastPeriod(p budget.Period) string {
	switch p {
	case budget.Day:
		return "yesterday"
	case budget.Total:
		return ""
	case budget.Hour, budget.Week, budget.Month, budget.FiscalMonth:
		return strings.Replace(thisPeriod(p), "this", "last", 1)
	default:
		return ""
	}
}

// windowText names a window by its days: "November", "1–7 Nov", "Fri 20 Nov", "14:00 to 15:00".
func windowText(c ui.Clock, w budget.Window) string {
	from, last := w.From.In(zone(c)), w.To.Add(-time.Second).In(zone(c))
	switch w.Period {
	case budget.Total:
		return "all time"
	case budget.Hour:
		return from.Format("15:04") + " to " + w.To.In(zone(c)).Format("15:04")
	case budget.Day:
		return from.Format("Mon 2 Jan")
	case budget.Month:
		if from.Year() != c.Now.In(zone(c)).Year() {
			return from.Format("January 2006")
		}
		return from.Format("January")
	case budget.Week, budget.FiscalMonth:
		return ui.DaysText(c, from, last)
	default:
		return ui.DaysText(c, from, last)
	}
}

func zone(c ui.Clock) *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// startsAnew says when a window ends and counting begins at zero.
func startsAnew(c ui.Clock, w budget.Window) string {
	if w.To.IsZero() {
		return "never"
	}
	return when(c, w.To)
}

// when is a moment by the minute: today by its time, else with its day.
func when(c ui.Clock, t time.Time) string {
	t, now := t.In(zone(c)), c.Now.In(zone(c))
	switch {
	case t.Year() == now.Year() && t.YearDay() == now.YearDay():
		return t.Format("15:04")
	case t.Year() == now.Year():
		return t.Format("2 Jan, 15:04")
	default:
		return t.Format("2 Jan 2006, 15:04")
	}
}

// dayOf is the day of a moment with its weekday; an hour and a day are told by the time.
func dayOf(c ui.Clock, p budget.Period, t time.Time) string {
	if p == budget.Hour || p == budget.Day {
		return "at " + t.In(zone(c)).Format("15:04")
	}
	return "on " + t.In(zone(c)).Format("Mon 2 Jan")
}

// limitText is an amount as limits are written: whole dollars without cents.
func limitText(n money.NanoUSD) string {
	if n != 0 && n%1_000_000_000 == 0 {
		return ui.DollarsText(n)
	}
	return ui.MoneyText(n)
}

// limitsText are all limits of a budget: "$50 a day, $500 a month".
func limitsText(limits []budget.Limit) string {
	out := make([]string, len(limits))
	for i, l := range limits {
		out[i] = limitText(l.Amount) + " " + periodName(l.Period)
	}
	return strings.Join(out, ", ")
}

// roundMoney is the form of forecasts: whole dollars from ten dollars on.
func roundMoney(n money.NanoUSD) string {
	if max(n, -n) >= 10_000_000_000 {
		return ui.DollarsText(n)
	}
	return ui.MoneyText(n)
}

// modeBadge says in a word what the budget does at its limit.
func modeBadge(b budget.Budget) ui.BadgeView {
	switch {
	case !b.ArchivedAt.IsZero():
		return ui.BadgeView{Tone: ui.Outline, Text: "Archived"}
	case b.Off:
		return ui.BadgeView{Tone: ui.Outline, Text: "Off"}
	case b.Mode == budget.Watch:
		return ui.BadgeView{Tone: ui.Outline, Text: "Watches"}
	case b.Mode == budget.Warn:
		return ui.BadgeView{Tone: ui.Outline, Text: "Warns"}
	case b.Action == budget.Move:
		return ui.BadgeView{Text: "Moves to " + b.MoveTo}
	case b.Action == budget.Clamp:
		return ui.BadgeView{Text: "Clamps"}
	default:
		return ui.BadgeView{Text: "Blocks"}
	}
}

// atTheLimit says in a sentence what happens to a call that does not fit.
func atTheLimit(b budget.Budget) string {
	switch {
	case b.Mode == budget.Watch:
		return "Nothing is refused. Each call that would have been blocked is marked, so you can see what a hard budget would do."
	case b.Mode == budget.Warn:
		return "Nothing is refused. Answers carry the header x-tollgate-budget-warning, and each call over the limit is marked."
	case b.Action == budget.Move:
		return "A call that does not fit is served by the alias " + b.MoveTo + ". Where that does not fit either, it is refused with 402."
	case b.Action == budget.Clamp:
		return "A call that does not fit gets a lower output cap, down to " + ui.Plural(b.Floor, "token", "tokens") + ". Where that is not enough, it is refused with 402."
	default:
		return "A call that does not fit is not sent. It is answered with 402, with this budget’s name and when it starts anew."
	}
}

// offlineText says what happens when the amounts cannot be asked for.
func offlineText(b budget.Budget) string {
	if b.Mode != budget.Block {
		return "calls go on"
	}
	if b.Offline == budget.Standby {
		return "spend up to " + limitText(b.Standby) + " that is set aside, then 503"
	}
	return "spend what is in hand, then 503"
}

// covers says which calls a budget is about.
func covers(b budget.Budget, n scope.Names) string {
	text := n.Selector(b.Selector)
	if b.Each != "" {
		text += ", each " + scope.Noun(b.Each) + " by itself"
	}
	return text
}

// kind is the short word behind a budget's name in the tree.
func kind(b budget.Budget) string {
	text := "organization"
	if len(b.Selector) > 0 {
		words := make([]string, len(b.Selector))
		for i, m := range ordered(b.Selector) {
			words[i] = scope.Noun(m.Dimension)
		}
		text = strings.Join(words, ", ")
	}
	if b.Each != "" {
		return text + ", each " + scope.Noun(b.Each)
	}
	return text
}

// ordered are the conditions from the widest dimension to the narrowest.
func ordered(s dimension.Selector) dimension.Selector { return scope.Ordered(s) }

func path(which id.Budget) string { return Path + "/" + string(which) }
