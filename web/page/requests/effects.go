package requests

import (
	"context"
	"net/url"

	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
	"tollgate/web/page"
)

// effectView is what a budget or a limit did to a call.
type effectView struct {
	Kind string // "Budget", "Limit"
	ID   string
	Name string // its id, where its name is not known
	Href string
	Says []string
}

// effects tells what budgets and limits did, each once: what was charged to it and what it did.
func effects(e *calllog.Entry) []effectView {
	var out []effectView
	of := func(by string) *effectView {
		for i := range out {
			if out[i].ID == by {
				return &out[i]
			}
		}
		v := effectView{Kind: "Budget", ID: by, Name: by, Href: "/budgets/" + url.PathEscape(by)}
		if k := (calllog.Check{By: by}); !k.OfBudget() {
			v.Kind, v.Href = "Limit", "/limits"
		}
		out = append(out, v)
		return &out[len(out)-1]
	}
	for i := range e.Checks {
		k := &e.Checks[i]
		v := of(k.By)
		v.Says = append(v.Says, "It "+k.Sentence())
	}
	for i := range e.Charges {
		c := &e.Charges[i]
		v := of(string(c.Budget))
		says := c.Sentence(e.Cost)
		if n := len(v.Says); n == 0 || v.Says[n-1] != says { // several windows are charged the same
			v.Says = append(v.Says, says)
		}
	}
	return out
}

// guards gives budgets and limits their names. One that cannot be read keeps its id.
func (p Page) guards(ctx context.Context, v *page.Visit, effects []effectView) {
	for i := range effects {
		e := &effects[i]
		name := ""
		if e.Kind == "Limit" && v.Can(tenant.ReadLimits) {
			if l, err := p.Limits.Limit(ctx, v.Scope(), id.Limit(e.ID)); err == nil {
				name = l.Name
			}
		} else if e.Kind == "Budget" && v.Can(tenant.ReadBudgets) {
			if b, err := p.Budgets.Budget(ctx, v.Scope(), id.Budget(e.ID)); err == nil {
				name = b.Name
			}
		}
		if name != "" {
			e.Name = name
		}
	}
}
