package budgets

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/scope"
	"tollgate/web/ui"
)

// The forms of the list, by the word in the address. The tree is the empty one.
const (
	byUse    = "use"
	atRisk   = "risk"
	archived = "archived"
)

const archivedShown = 200

// List is the page of all budgets. Its state is ?show= (use, risk, archived) and ?closed= (branches of the tree that are shut).
func (p Budgets) List(ctx context.Context, v *page.Visit) (page.Reply, error) {
	in := v.Scope()
	calendar, err := p.Budgets.Calendar(ctx, in)
	if err != nil {
		return page.Reply{}, err
	}
	view := listView{Clock: ui.Clock{Now: v.Now, Zone: calendar.Zone}, CanWrite: v.Can(tenant.WriteBudgets), Archived: v.Query("show") == archived, Filtered: v.Query("show") == atRisk}
	nodes, err := p.Budgets.Tree(ctx, in)
	if err != nil {
		return page.Reply{}, err
	}
	view.fill(nodes, v.HTTP.URL.Query(), p.Vendors)
	if view.Archived {
		gone, _, err := p.Budgets.List(ctx, in, budget.Filter{Archived: true}, "", archivedShown)
		if err != nil {
			return page.Reply{}, err
		}
		view.Rows = goneRows(gone)
	}
	if view.CanWrite && v.Query("show") == "" {
		if view.Offers, err = p.offers(ctx, in); err != nil {
			return page.Reply{}, err
		}
	}
	if view.Checked, view.Balance, err = p.check(ctx, in, view.Clock); err != nil {
		return page.Reply{}, err
	}
	return page.Show(layout.Frame{Title: "Budgets", Active: layout.Budgets, Toasts: done(v)}, list(view)), nil
}

// fill lays out the tree, or one of its flat forms.
func (l *listView) fill(nodes []budget.Node, q url.Values, vendors Vendors) {
	show, closed := q.Get("show"), strings.Split(q.Get("closed"), ",")
	l.Lede = "times in " + zone(l.Clock).String()
	risky := 0
	for i := range nodes {
		if AtRisk(&nodes[i]) {
			risky++
		}
	}
	l.Shows = shows(show, risky)
	l.Figures = figures(l.Clock, nodes, risky)
	l.Blocks = latestBlocks(nodes)
	switch show {
	case byUse, atRisk:
		flat := slices.Clone(nodes)
		slices.SortStableFunc(flat, func(a, b budget.Node) int { return b.Tightest().Percent() - a.Tightest().Percent() })
		for i := range flat {
			if show == byUse || AtRisk(&flat[i]) {
				l.Rows = append(l.Rows, newRow(l.Clock, &flat[i], vendors))
			}
		}
	case archived:
	default:
		l.Tree = true
		l.tree(nodes, closed, vendors)
	}
}

// tree leaves out what is below a branch that is shut.
func (l *listView) tree(nodes []budget.Node, closed []string, vendors Vendors) {
	hidden := -1 // the depth below which nothing is shown
	for i := range nodes {
		n := &nodes[i]
		if hidden >= 0 && n.Depth > hidden {
			continue
		}
		hidden = -1
		r := newRow(l.Clock, n, vendors)
		r.Depth = n.Depth
		if i+1 < len(nodes) && nodes[i+1].Depth > n.Depth {
			r.Open = !slices.Contains(closed, string(n.Budget.ID))
			r.Twist = twist(closed, string(n.Budget.ID))
			if !r.Open {
				hidden = n.Depth
			}
		}
		l.Rows = append(l.Rows, r)
	}
}

// twist is this page with a branch shut, or open again.
func twist(closed []string, which string) string {
	var rest []string
	for _, c := range closed {
		if c != "" && c != which {
			rest = append(rest, c)
		}
	}
	if !slices.Contains(closed, which) {
		rest = append(rest, which)
	}
	if len(rest) == 0 {
		return Path
	}
	return Path + "?closed=" + url.QueryEscape(strings.Join(rest, ","))
}

func shows(current string, risky int) []ui.Choice {
	out := []ui.Choice{
		{Text: "Tree", Href: Path, Current: current == ""},
		{Text: "By use", Href: Path + "?show=" + byUse, Current: current == byUse},
		{Text: "At risk", Href: Path + "?show=" + atRisk, Current: current == atRisk, Count: ui.CountText(int64(risky))},
		{Text: "Archived", Href: Path + "?show=" + archived, Current: current == archived},
	}
	return out
}

func newRow(c ui.Clock, n *budget.Node, vendors Vendors) row {
	m := n.Tightest()
	r := row{
		Name: n.Budget.Name, Href: path(n.Budget.ID), Kind: within(n, scope.Names{Given: n.Names, Vendors: vendors}), Known: !n.Budget.Off,
		Meter: meter(m), Used: percent(m), Spent: m.Spent, Held: m.Held, Left: m.Left(),
		Limit: limitText(m.Limit), Per: periodName(m.Period), Anew: startsAnew(c, m.Window), Mode: modeBadge(n.Budget),
	}
	if rest := len(n.Meters) - 1; rest > 0 {
		r.More = "+" + ui.CountText(int64(rest)) + " more"
	}
	r.State, r.Word = state(c, n.Budget, m, n.EndsAt, n.Refusals)
	return r
}

// within is the short word behind a name: the kinds of its conditions, with the values that the name does not say.
func within(n *budget.Node, names scope.Names) string {
	if len(n.Budget.Selector) == 1 {
		m := n.Budget.Selector[0]
		if value := names.Value(m.Dimension, m.Value); !strings.Contains(strings.ToLower(n.Budget.Name), strings.ToLower(value)) {
			return kind(n.Budget) + " " + value
		}
	}
	return kind(n.Budget)
}

func goneRows(list []budget.Budget) []row {
	var out []row
	for _, b := range list {
		out = append(out, row{
			Name: b.Name, Href: path(b.ID), Kind: kind(b), Limit: limitText(b.Limits[0].Amount), Per: periodName(b.Limits[0].Period),
			Anew: ui.Nothing, State: ui.Idle, Word: "Archived", Mode: modeBadge(b),
		})
	}
	return out
}

// figures are those of the organization's own budget, or counts where it has none.
func figures(c ui.Clock, nodes []budget.Node, risky int) []figure {
	if len(nodes) == 0 {
		return nil
	}
	var refused, would int64
	full := 0
	for i := range nodes {
		refused, would = refused+nodes[i].Refused, would+nodes[i].WouldRefuse
		if isFull(nodes[i].Tightest(), nodes[i].Refused) {
			full++
		}
	}
	blocked := figure{Name: "Blocked", Value: ui.CountText(refused), Unit: "calls", Note: ui.CountText(would) + " more would have been"}
	i := slices.IndexFunc(nodes, func(n budget.Node) bool { return len(n.Budget.Selector) == 0 && n.Budget.Each == "" && !n.Budget.Off })
	if i < 0 {
		return []figure{
			{Name: "Budgets", Value: ui.CountText(int64(len(nodes))), Note: "none for the whole organization"},
			{Name: "At risk", Value: ui.CountText(int64(risky)), Note: "80% used, or full before they start anew"},
			{Name: "Full", Value: ui.CountText(int64(full)), Note: "right now"},
			blocked,
		}
	}
	return append(orgFigures(c, &nodes[i]), blocked)
}

func orgFigures(c ui.Clock, n *budget.Node) []figure {
	m := n.Tightest()
	out := []figure{
		{Name: "Spent " + thisPeriod(m.Period), Value: ui.MoneyText(m.Spent), Note: ui.ShareText(int64(m.Spent), int64(m.Limit)) + " of " + limitText(m.Limit)},
		{Name: "Reserved now", Value: ui.MoneyText(m.Held), Note: heldNote(m)},
		{Name: "Left", Value: ui.MoneyText(m.Left()), Note: leftNote(c, m)},
	}
	if w := m.Window; !w.To.IsZero() && c.Now.Sub(w.From) > w.To.Sub(w.From)/50 {
		out = append(out, figure{Name: "Forecast", Value: roundMoney(usage.Forecast(m.Spent, w.From, c.Now, w.To)), Note: "at the pace so far"})
	}
	return out
}

func heldNote(m *budget.Meter) string {
	if m.Holders == 0 {
		return "no call is under way"
	}
	return "for calls under way, by " + ui.Plural(int64(m.Holders), "proxy", "proxies")
}

// leftNote says how much a day that is.
func leftNote(c ui.Clock, m *budget.Meter) string {
	if m.Window.To.IsZero() {
		return "it never starts anew"
	}
	text := "until " + startsAnew(c, m.Window)
	days := int64(m.Window.To.Sub(c.Now) / (24 * time.Hour))
	if days < 2 || m.Left() <= 0 {
		return text
	}
	return roundMoney(m.Left()/nanoOf(days)) + " a day " + text
}

// latestBlocks are the budgets that refused calls, or would have, the latest first.
func latestBlocks(nodes []budget.Node) []blocks {
	var hit []*budget.Node
	for i := range nodes {
		if nodes[i].Refused+nodes[i].WouldRefuse > 0 {
			hit = append(hit, &nodes[i])
		}
	}
	slices.SortStableFunc(hit, func(a, b *budget.Node) int { return b.LastAt.Compare(a.LastAt) })
	var out []blocks
	for _, n := range hit[:min(len(hit), 6)] {
		m := n.Tightest()
		b := blocks{Name: n.Budget.Name, Href: path(n.Budget.ID) + "#blocked", Why: ui.MoneyText(m.Spent) + " of " + limitText(m.Limit) + " " + thisPeriod(m.Period), Calls: n.Refused, Last: n.LastAt}
		if n.Refused == 0 {
			b.Calls, b.Would = n.WouldRefuse, true
		}
		out = append(out, b)
	}
	return out
}

// RisksOf are the budgets at risk, the fullest first, at most so many; and how many there are.
func RisksOf(nodes []budget.Node, c ui.Clock, most int) (out []Risk, all int) {
	var hit []*budget.Node
	for i := range nodes {
		if AtRisk(&nodes[i]) {
			hit = append(hit, &nodes[i])
		}
	}
	slices.SortStableFunc(hit, func(a, b *budget.Node) int {
		return cmp.Compare(b.Tightest().Percent(), a.Tightest().Percent())
	})
	for _, n := range hit[:min(len(hit), most)] {
		m := n.Tightest()
		r := Risk{Name: n.Budget.Name, Href: path(n.Budget.ID), Meter: meter(m), Why: ui.MoneyText(m.Spent) + " of " + limitText(m.Limit) + " " + thisPeriod(m.Period)}
		r.State, r.Word = state(c, n.Budget, m, n.EndsAt, n.Refusals)
		out = append(out, r)
	}
	return out, len(hit)
}

// Risk is a budget that is nearly full, or will be before it starts anew.
type Risk struct {
	Name, Href, Why string
	Meter           ui.MeterView
	State           ui.State
	Word            string
}

// which is the budget that an address names.
func which(v *page.Visit) id.Budget { return id.Budget(v.Param("id")) }
