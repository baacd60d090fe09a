package aliases

import (
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/alias"
	"tollgate/internal/usage"
	"tollgate/web/ui"
)

// lane is one way through a route: for which calls, to which targets, and what takes over.
type lane struct {
	Title, Text string
	Tiers       []tierView
	Fallbacks   []nodeView
}

// tierView are targets that are chosen among; Note says how.
type tierView struct {
	Number int // 0: there is only one tier
	Note   string
	Nodes  []nodeView
}

// nodeView is one place of the route, with what it answered lately.
type nodeView struct {
	Order  int    // of trying; 0 where a draw decides
	Text   string // provider/model
	Weight string // "70%" of its tier, where a draw decides
	Off    bool
	Facts  []string
	Spoken string      // of the strip
	Strip  []ui.Health // hour by hour; empty: nothing is known
}

// nodes counts those of the lane's targets.
func (l lane) nodes() int {
	n := 0
	for _, t := range l.Tiers {
		n += len(t.Nodes)
	}
	return n
}

// lanes draws a route: each rule, then every other call.
func (n names) lanes(r alias.Route, t traffic) []lane {
	fallbacks := n.fallbackNodes(r, t)
	var out []lane
	for i, rule := range r.Rules {
		l := lane{Title: rule.Name, Text: rule.If, Tiers: n.tiers(rule.Strategy, rule.Targets, t), Fallbacks: plain(fallbacks)}
		if rule.Name == "" {
			l.Title = "Rule " + strconv.Itoa(i+1)
		}
		out = append(out, l)
	}
	last := lane{Title: "Every call", Text: ui.Plural(t.Week.Calls, "call", "calls") + " in 7 days", Tiers: n.tiers(r.Strategy, r.Targets, t), Fallbacks: fallbacks}
	if len(r.Rules) > 0 {
		last.Title = "Otherwise"
	}
	return append(out, last)
}

// plain are fallbacks without what they did lately: that stands in the last lane.
func plain(list []nodeView) []nodeView {
	out := slices.Clone(list)
	for i := range out {
		out[i].Facts, out[i].Strip = out[i].Facts[:1], nil
	}
	return out
}

// tiers groups targets by their order.
func (n names) tiers(s alias.Strategy, targets []alias.Target, t traffic) []tierView {
	by := map[int][]alias.Target{}
	var orders []int
	for _, one := range targets {
		if by[one.Order] == nil {
			orders = append(orders, one.Order)
		}
		by[one.Order] = append(by[one.Order], one)
	}
	slices.Sort(orders)
	var out []tierView
	tried := 0
	for i, o := range orders {
		tier := tierView{Note: tierNote(s, len(by[o]))}
		if len(orders) > 1 {
			tier.Number = i + 1
		}
		for _, one := range by[o] {
			node := n.node(one, t)
			switch {
			case one.Off:
			case s == alias.Weighted:
				node.Weight = sharePercent(one, by[o])
			case s == alias.Ordered || s == "":
				tried++
				node.Order = tried
			}
			tier.Nodes = append(tier.Nodes, node)
		}
		out = append(out, tier)
	}
	return out
}

// tierNote says how one of n is chosen.
func tierNote(s alias.Strategy, n int) string {
	if n < 2 {
		return ""
	}
	switch s {
	case alias.Weighted:
		return "drawn by weight"
	case alias.Cheapest:
		return "the cheapest first"
	case alias.Fastest:
		return "the fastest first"
	case alias.LeastBusy:
		return "the least busy first"
	case alias.Ordered:
		return ""
	default:
		return ""
	}
}

// sharePercent is the part of its tier that a target is drawn for.
func sharePercent(one alias.Target, tier []alias.Target) string {
	sum := 0
	for _, t := range tier {
		if !t.Off {
			sum += t.Share()
		}
	}
	return strings.Replace(ui.ShareText(int64(one.Share()), int64(sum)), ".0%", "%", 1)
}

func (n names) fallbackNodes(r alias.Route, t traffic) []nodeView {
	var out []nodeView
	for i, b := range r.Fallbacks {
		node := n.node(b.Target, t)
		node.Order = i + 1
		on := "rate limit, overload, time-out, other errors"
		if len(b.On) > 0 {
			on = causesText(b.On)
		}
		node.Facts = append([]string{"on " + on}, node.Facts...)
		out = append(out, node)
	}
	return out
}

// node is a target with what it answered.
func (n names) node(one alias.Target, t traffic) nodeView {
	by := n.vendor(one.Provider)
	if one.Credential != "" {
		by += ", by " + n.credential(one.Credential)
	}
	out := nodeView{Text: target(one), Off: one.Off, Facts: []string{by}}
	if one.Off {
		out.Facts = append(out.Facts, "off: takes no call")
	}
	if one.Via == alias.ViaBatch {
		out.Facts = append(out.Facts, "by batch")
	}
	day, ok := t.Day[place{one.Provider, one.Model}]
	if !ok {
		return out
	}
	out.Strip, out.Spoken = day.Strip, day.spoken()
	if priced := day.Row.Calls - day.Row.Unpriced; priced > 0 {
		out.Facts = append(out.Facts, ui.MoneyText(each(day.Row.Cost, priced))+" a call")
	}
	out.Facts = append(out.Facts, ui.ShareText(day.Row.Calls, t.DayCalls)+" of calls", ui.RateText(day.Row.Errors, day.Row.Calls)+" failed")
	return out
}

// place is where a call went.
type place struct{ provider, model string }

// placeDay is what a place did in the last 24 hours.
type placeDay struct {
	Row   usage.Row
	Strip []ui.Health
	bad   int // hours in which more than a fifth failed
	slow  int // hours in which more than a fiftieth failed
}

func (d placeDay) spoken() string {
	if d.bad+d.slow == 0 {
		return "Healthy for 24 hours"
	}
	return "In 24 hours: " + ui.Plural(int64(d.bad), "hour", "hours") + " with more than 20% failed, " + strconv.Itoa(d.slow) + " with more than 2%"
}

// health is how an hour was.
func health(r usage.Row) ui.Health {
	switch {
	case r.Calls == 0:
		return ui.Unknown
	case 5*r.Errors > r.Calls:
		return ui.Failing
	case 50*r.Errors > r.Calls:
		return ui.Slow
	default:
		return ui.Healthy
	}
}

// curve is the path from the middle of one side to the i-th of n nodes on the other.
func curve(i, n int) string {
	y := strconv.Itoa((2*i + 1) * 50 / n)
	return "M0 50C18 50 18 " + y + " 36 " + y
}

// gather is the path from the i-th of n nodes to the middle of the other side.
func gather(i, n int) string {
	y := strconv.Itoa((2*i + 1) * 50 / n)
	return "M0 " + y + "C18 " + y + " 18 50 36 50"
}

// branchY is where the i-th of n targets stands in the small drawing.
func branchY(i, n int) string { return strconv.Itoa((2*i + 1) * 12 / n) }

// branch leads there.
func branch(i, n int) string {
	y := branchY(i, n)
	return "M6.5 12C14 12 14 " + y + " 21.5 " + y
}
