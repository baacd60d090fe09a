package budget

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"tollgate/internal/money"
	"tollgate/internal/notice"
)

// markNotice says that a pot has reached a mark.
func markNotice(c Crossing, now time.Time) notice.New {
	m := &c.Meter
	n := c.about(notice.BudgetMark, strconv.Itoa(c.Mark), now)
	n.Title = fmt.Sprintf("Budget %s%s has reached %d %%", c.Budget.Name, c.of(), c.Mark)
	n.Text = fmt.Sprintf("$%s of $%s %s is spent, and $%s is reserved for calls. %s", short(m.Spent), short(m.Limit), m.Period.Words(), short(m.Held), c.means())
	return n
}

// crowdNotice says it of many values of one budget.
func crowdNotice(list []Crossing, now time.Time) notice.New {
	c := list[0]
	n := c.about(notice.BudgetMark, fmt.Sprintf("%d of %d at %d", c.Mark, len(list), now.Unix()), now)
	n.Title = fmt.Sprintf("Budget %s: %d values have reached %d %%", c.Budget.Name, len(list), c.Mark)
	n.Text = fmt.Sprintf("%d values of %s have reached %d %% of their $%s %s. The budget's page lists them, the fullest first.", len(list), c.Budget.Each, c.Mark,
		short(c.Meter.Limit), c.Meter.Period.Words())
	delete(n.Data, "subject")
	return n
}

func overrunNotice(c Crossing, now time.Time) notice.New {
	n := c.about(notice.BudgetOverrun, toldOverrun, now)
	n.Title = fmt.Sprintf("Budget %s%s was overrun", c.Budget.Name, c.of())
	n.Text = fmt.Sprintf("Calls cost $%s more than was reserved for them, although the budget blocks. This is a defect of Tollgate: please report it with the call ids that the budget's page lists.",
		c.Over.USD())
	n.Data["over_nano_usd"] = nanos(c.Over)
	return n
}

func forecastNotice(c Crossing, f Forecast, now time.Time) notice.New {
	m := &c.Meter
	n := c.about(notice.BudgetForecast, toldForecast, now)
	n.Title = fmt.Sprintf("Budget %s will be used up on %s", c.Budget.Name, f.EndsAt.In(c.Zone).Format("Mon 2 Jan"))
	n.Text = fmt.Sprintf("$%s of $%s %s is spent. At this pace (by %s) it is used up at about %s, and starts anew at %s. %s", short(m.Spent), short(m.Limit),
		m.Period.Words(), f.Method, moment(f.EndsAt, c.Zone), moment(m.Window.To, c.Zone), c.then())
	n.Data["ends_at"] = f.EndsAt.Format(time.RFC3339)
	return n
}

func raiseNotice(t Turn, now time.Time) notice.New {
	r := &t.Raise
	n := notice.New{
		Kind: notice.BudgetRaised, About: string(t.Budget.ID), Path: "/budgets/" + string(t.Budget.ID), At: now,
		Data: map[string]any{"budget_id": string(t.Budget.ID), "raise_id": string(r.ID), "period": string(r.Period), "amount_nano_usd": nanos(r.Amount), "by": r.CreatedBy},
	}
	if t.Over {
		n.Once = string(r.ID) + " " + toldEnded
		n.Title = "The raise of budget " + t.Budget.Name + " has ended"
		n.Text = fmt.Sprintf("The limit %s is no longer lifted by $%s.", r.Period.Words(), short(r.Amount))
		return n
	}
	n.Once = string(r.ID) + " " + toldBegun
	n.Title = fmt.Sprintf("Budget %s is raised by $%s", t.Budget.Name, short(r.Amount))
	n.Text = fmt.Sprintf("The limit %s is lifted by $%s until %s. Reason: %s", r.Period.Words(), short(r.Amount), moment(r.To, t.Zone), r.Reason)
	return n
}

// about is a notice of a pot, told once for each mark.
func (c *Crossing) about(kind notice.Kind, mark string, now time.Time) notice.New {
	m := &c.Meter
	data := map[string]any{
		"budget_id": string(c.Budget.ID), "period": string(m.Period), "mode": string(c.Budget.Mode), "limit_nano_usd": nanos(m.Limit),
		"spent_nano_usd": nanos(m.Spent), "held_nano_usd": nanos(m.Held),
	}
	if m.Subject != "" {
		data["subject"] = m.Subject
	}
	if c.Mark != 0 {
		data["percent"] = c.Mark
	}
	return notice.New{
		Kind: kind, About: string(c.Budget.ID), Once: c.Pot.String() + " " + mark, Path: "/budgets/" + string(c.Budget.ID), Data: data, At: now,
	}
}

// of names the value of a budget for each value.
func (c *Crossing) of() string {
	if c.Meter.Subject == "" {
		return ""
	}
	return " (" + cmp.Or(c.SubjectName, c.Meter.Subject) + ")"
}

// means says what follows from a mark.
func (c *Crossing) means() string {
	anew := ""
	if !c.Meter.Window.To.IsZero() {
		anew = " It starts anew at " + moment(c.Meter.Window.To, c.Zone) + "."
	}
	if c.Mark < 100 {
		return "$" + short(max(c.Meter.Left(), 0)) + " is left." + anew
	}
	switch c.Budget.Mode {
	case Block:
		return "Calls for which there is no room are now refused, or served as the budget says." + anew + " Raise the limit for a time, or change it, on the budget's page."
	case Warn:
		return "Calls go on; clients are warned in a header." + anew
	default:
		return "Calls go on: this budget only watches." + anew
	}
}

// then says what follows when the limit is used up.
func (c *Crossing) then() string {
	if c.Budget.Mode == Block {
		return "Calls between the two are refused, or served as the budget says."
	}
	return "Calls go on: this budget does not block."
}

// Words is the period in a sentence: "$500 a month".
func (p Period) Words() string {
	switch p {
	case Hour:
		return "an hour"
	case Day, Week, Month:
		return "a " + string(p)
	case FiscalMonth:
		return "a fiscal month"
	default:
		return "in total"
	}
}

func moment(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("Mon 2 Jan 2006, 15:04") + " (" + zone.String() + ")"
}

func nanos(n money.NanoUSD) string { return strconv.FormatInt(int64(n), 10) }
