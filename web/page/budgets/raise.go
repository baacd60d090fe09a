package budgets

import (
	"context"
	"strings"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// Raise lifts a limit for a time.
func (p Budgets) Raise(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f := raiseForm{Period: v.Form("period"), Amount: strings.TrimSpace(v.Form("amount")), For: v.Form("for"), Reason: strings.TrimSpace(v.Form("reason"))}
	err := f.make(ctx, p.Budgets, v)
	if err == nil {
		return page.See(path(which(v)) + "?done=raised"), nil
	}
	trouble, status, mendable := page.Wrong(err)
	if !mendable {
		return page.Reply{}, err
	}
	f.Field, f.Message = trouble.Field, trouble.Message
	if f.Field == "hours" {
		f.Field = "for"
	}
	return p.detail(ctx, v, f, status)
}

func (f raiseForm) make(ctx context.Context, budgets Service, v *page.Visit) error {
	amount, ok, err := dollars(f.Amount)
	if err != nil || !ok {
		return invalid("amount", "Write an amount in dollars: 500 or 12.50.")
	}
	lasts, err := time.ParseDuration(f.For)
	if err != nil || lasts <= 0 {
		return invalid("for", "Choose how long it holds.")
	}
	_, err = budgets.Raise(ctx, v.Scope(), which(v), budget.NewRaise{Period: budget.Period(f.Period), Amount: amount, For: lasts, Reason: f.Reason})
	return err
}

// EndRaise ends a raise before its time.
func (p Budgets) EndRaise(ctx context.Context, v *page.Visit) (page.Reply, error) {
	if _, err := p.Budgets.EndRaise(ctx, v.Scope(), which(v), id.Raise(v.Param("raise"))); err != nil {
		return page.Reply{}, err
	}
	return page.See(path(which(v)) + "?done=ended"), nil
}

// raised fills in the form for a raise, and those that were made.
func (f *facts) raised(v *detailView, form raiseForm) {
	b, c := f.st.Budget, f.clock
	if form.Period == "" {
		form.Period = string(f.asked.period)
	}
	if form.For == "" {
		form.For = "24h"
	}
	form.Periods, form.Effect = periodOptions(b.Limits), f.raiseEffect()
	v.Raise = form
	for _, r := range f.raises[:min(len(f.raises), raisesShown)] {
		row := raiseRow{Text: "By " + limitText(r.Amount) + " " + periodName(r.Period), Note: f.authors.Name(r.CreatedBy) + ", " + when(c, r.From) + " to " + when(c, r.Ends()) + ": " + r.Reason, State: ui.Idle, Word: "Over"}
		switch {
		case r.Counts(c.Now):
			row.State, row.Word, row.End = ui.Live, "On", path(b.ID)+"/raises/"+string(r.ID)+"/end"
		case c.Now.Before(r.Ends()):
			row.State, row.Word, row.End = ui.Idle, "Waits", path(b.ID)+"/raises/"+string(r.ID)+"/end"
		case !r.EndedAt.IsZero():
			row.Word = "Ended early"
		}
		v.Raises = append(v.Raises, row)
	}
}

// raiseEffect says whether more room is needed, in numbers.
func (f *facts) raiseEffect() string {
	if len(f.burn.Bands) < 2 {
		return ""
	}
	day := f.clock.Now.Add(24 * time.Hour)
	next := spentBy(f.burn.Bands, day) - f.burn.Meter.Spent
	if next < 0 {
		return ""
	}
	text := "By the forecast the next 24 h cost about " + roundMoney(next) + ". " + ui.MoneyText(max(f.burn.Meter.Left(), 0)) + " is left"
	if f.burn.Meter.Left() >= next {
		return text + ": no raise is needed today."
	}
	return text + ": " + roundMoney(next-max(f.burn.Meter.Left(), 0)) + " more is needed until then."
}

// spentBy is the forecast's middle at a time, or at its end.
func spentBy(bands []budget.Band, at time.Time) money.NanoUSD {
	for _, b := range bands {
		if !b.At.Before(at) {
			return b.Mid
		}
	}
	return bands[len(bands)-1].Mid
}
