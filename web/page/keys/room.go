package keys

import (
	"context"
	"strings"

	"tollgate/internal/budget"
	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/limit"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/limits"
	"tollgate/web/ui"
)

// rooms are the budgets and limits that hold for single keys, and for everything.
type rooms struct {
	budgets []budget.Node
	limits  []limit.Limit
}

// limitsRead bounds how many limits a page looks through.
const limitsRead = 200

// rooms reads them, as far as the visitor may see them.
func (p Keys) rooms(ctx context.Context, v *page.Visit) (rooms, error) {
	var r rooms
	var err error
	if v.Can(tenant.ReadBudgets) {
		if r.budgets, err = p.Budgets.Tree(ctx, v.Scope()); err != nil {
			return r, err
		}
	}
	if v.Can(tenant.ReadLimits) {
		r.limits, _, err = p.Limits.List(ctx, v.Scope(), limit.Filter{}, "", limitsRead)
	}
	return r, err
}

// own reports whether a selection is of one key alone, and of which.
func own(s dimension.Selector) (id.Key, bool) {
	k, ok := s.Of(dimension.Key)
	return id.Key(k), ok && len(s) == 1
}

// budget is the key's own budget with the least left, or nil.
func (r rooms) budget(which id.Key) *budget.Meter {
	var best *budget.Meter
	for i := range r.budgets {
		n := &r.budgets[i]
		if k, ok := own(n.Budget.Selector); !ok || k != which || n.Budget.Off {
			continue
		}
		if m := n.Tightest(); best == nil || m.Percent() > best.Percent() {
			best = m
		}
	}
	return best
}

// rate is the key's own limits in few words; "" for none.
func (r rooms) rate(which id.Key) string {
	var out []string
	for _, l := range r.limits {
		if k, ok := own(l.Selector); ok && k == which && !l.Off {
			out = append(out, limits.RateShort(l))
		}
	}
	return strings.Join(out, ", ")
}

// nearly are the keys whose own budget is at least so full, in per cent.
func (r rooms) nearly(per int) []id.Key {
	out := []id.Key{}
	for i := range r.budgets {
		if k, ok := own(r.budgets[i].Budget.Selector); ok && !r.budgets[i].Budget.Off && r.budgets[i].Tightest().Percent() >= per {
			out = append(out, k)
		}
	}
	return out
}

// over are the budgets and limits that cover calls of the key, its own and wider ones.
func (r rooms) over(k key.Key) (out []roomRow) {
	call := dimension.Call{Team: string(k.Team), Key: string(k.ID), Environment: k.Environment}
	for i := range r.budgets {
		n := &r.budgets[i]
		if !about(n.Budget.Selector, &call) || n.Budget.Off {
			continue
		}
		m := n.Tightest()
		row := roomRow{
			Name: n.Budget.Name, Href: "/budgets/" + string(n.Budget.ID), Spent: ui.MoneyText(m.Spent), Limit: ui.MoneyText(m.Limit),
			Note: ui.MoneyText(m.Left()) + " left, " + anew(m), Meter: ui.MeterView{Spent: int64(m.Spent), Reserved: int64(m.Held), Limit: int64(m.Limit), Thin: true}, Money: true,
		}
		if n.Budget.Each != "" {
			row.Note = "each " + strings.ReplaceAll(string(n.Budget.Each), "_", " ") + " by itself; the fullest one"
		}
		out = append(out, row)
	}
	for _, l := range r.limits {
		if about(l.Selector, &call) && !l.Off {
			row := roomRow{Name: l.Name, Href: "/limits", Note: limits.RateText(l)}
			if l.Each != "" {
				row.Note += ", each " + strings.ReplaceAll(string(l.Each), "_", " ") + " by itself"
			}
			out = append(out, row)
		}
	}
	return out
}

// about reports whether a selection can cover calls of a key: what is not known before there is a call does not speak against it.
func about(s dimension.Selector, c *dimension.Call) bool {
	for _, m := range s {
		if have := c.Value(m.Dimension); have != "" && have != m.Value {
			return false
		}
	}
	return true
}

func anew(m *budget.Meter) string {
	if m.Window.To.IsZero() {
		return "never starts anew"
	}
	return "starts anew " + m.Window.To.Format("2 Jan, 15:04 MST")
}

// roomRow is a budget or a limit that covers a key.
type roomRow struct {
	Name, Href, Note string
	Spent, Limit     string
	Meter            ui.MeterView
	Money            bool
}
