package routing

import (
	"context"

	"tollgate/internal/alias"
	"tollgate/internal/money"
	"tollgate/internal/route/rehearse"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// Rehearser says what a file would have meant for yesterday's calls; *rehearse.Service does.
type Rehearser interface {
	Rehearse(ctx context.Context, in tenant.Scope, f alias.File) (rehearse.Result, error)
}

// effect is what a file would have meant for yesterday's calls.
type effect struct{ rehearse.Result }

// rehearse asks what a file would do.
func (p Page) rehearse(ctx context.Context, v *page.Visit, f alias.File) (*effect, error) {
	got, err := p.Rehearse.Rehearse(ctx, v.Scope(), f)
	if err != nil {
		return nil, err
	}
	return &effect{got}, nil
}

// cost says the difference in words: "cost $3.05 less".
func (e effect) cost() string {
	switch d := e.After - e.Before; {
	case d < 0:
		return "cost " + ui.MoneyText(-d) + " less"
	case d > 0:
		return "cost " + ui.MoneyText(d) + " more"
	default:
		return "cost the same"
	}
}

// month is the difference at thirty such days.
func (e effect) month() string {
	d := (e.After - e.Before) * 30
	if d < 0 {
		return "That is about " + monthly(-d) + " a month."
	}
	return "That is about " + monthly(d) + " a month more."
}

// monthly is whole dollars, and cents where there are few.
func monthly(n money.NanoUSD) string {
	if n < 10_000_000_000 {
		return ui.MoneyText(n)
	}
	return ui.DollarsText(n)
}

func delta(before, after money.NanoUSD) string {
	if after < before {
		return "good"
	}
	return ""
}
