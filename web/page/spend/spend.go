// Package spend asks what was spent on what, and lays the answer out for pages: compared with the period before, and as bars.
package spend

import (
	"context"
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/money"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/page/filter"
	"tollgate/web/ui"
)

// Costs answers what was spent; *usage.Service does.
type Costs interface {
	Costs(ctx context.Context, in tenant.Scope, q usage.Query) (usage.Costs, error)
}

// Question is what a page is about.
type Question struct {
	Period filter.Period
	Filter map[usage.Dimension][]string
}

func (q Question) whole(p filter.Period, by ...usage.Dimension) usage.Query {
	return usage.Query{From: p.From, To: p.To, Zone: p.Zone, GroupBy: by, Filter: q.Filter}
}

func (q Question) slots(p filter.Period, by ...usage.Dimension) usage.Query {
	out := q.whole(p, by...)
	out.Bucket = usage.Daily
	if p.Hourly() {
		out.Bucket = usage.Hourly
	}
	return out
}

// Compared is the answer for a period, and for the period before it.
type Compared struct {
	Now, Before usage.Costs
	before      map[string]*usage.Row
	by          []usage.Dimension
}

// Compare asks for both periods. Without dimensions there is at most one row.
func Compare(ctx context.Context, from Costs, in tenant.Scope, q Question, by ...usage.Dimension) (Compared, error) {
	now, err := from.Costs(ctx, in, q.whole(q.Period, by...))
	if err != nil {
		return Compared{}, err
	}
	before, err := from.Costs(ctx, in, q.whole(q.Period.Before(), by...))
	if err != nil {
		return Compared{}, err
	}
	c := Compared{Now: now, Before: before, by: by, before: make(map[string]*usage.Row, len(before.Rows))}
	for i := range before.Rows {
		c.before[c.key(&before.Rows[i])] = &before.Rows[i]
	}
	return c, nil
}

func (c Compared) key(r *usage.Row) string {
	var key []byte
	for _, d := range c.by {
		key = strconv.AppendQuote(key, r.Values[d])
	}
	return string(key)
}

// Was is the row of the same values in the period before; the zero Row where there was none.
func (c Compared) Was(r *usage.Row) usage.Row {
	if b, ok := c.before[c.key(r)]; ok {
		return *b
	}
	return usage.Row{}
}

// Gone are the rows of the period before that have none now.
func (c Compared) Gone() []usage.Row {
	left := maps.Clone(c.before)
	for i := range c.Now.Rows {
		delete(left, c.key(&c.Now.Rows[i]))
	}
	var out []usage.Row
	for i := range c.Before.Rows {
		if r := &c.Before.Rows[i]; left[c.key(r)] != nil {
			out = append(out, *r)
		}
	}
	return out
}

// Per is what one unit costs: cost × times / units, rounded half up. It is unknown where there are no units.
func Per(cost money.NanoUSD, times, units int64) (money.NanoUSD, bool) {
	if units <= 0 || cost < 0 || times <= 0 {
		return 0, false
	}
	hi, lo := bits.Mul64(uint64(cost), uint64(times))
	lo, carry := bits.Add64(lo, uint64(units)/2, 0)
	hi += carry
	if hi >= uint64(units) {
		return 0, false // no cost of one unit is that high
	}
	q, _ := bits.Div64(hi, lo, uint64(units))
	if q > 1<<63-1 {
		return 0, false
	}
	return money.NanoUSD(q), true
}

// Known reports whether any of a row's cost is: only then there is an amount to show.
func Known(r *usage.Row) bool { return r.Cost > 0 || r.Unpriced == 0 }

// PerCall is the cost of one call whose cost is known.
func PerCall(r *usage.Row) (money.NanoUSD, bool) {
	if !Known(r) {
		return 0, false // the calls left over are those that used nothing
	}
	return Per(r.Cost, 1, r.Calls-r.Unpriced)
}

// PerThousand is the cost of 1,000 tokens. Where some calls have no known cost it is unknown: their tokens can’t be told apart.
func PerThousand(r *usage.Row) (money.NanoUSD, bool) {
	if r.Unpriced > 0 {
		return 0, false
	}
	return Per(r.Cost, 1000, r.Units.InputTotal()+r.Units.OutputTotal())
}

// steps is the number of colours of a chart.
const steps = 8

// Palette gives the values of a dimension their colours: teams keep the one they were made with; of others the largest eight have one,
// in the order of their names, so that a change of rank changes no colour.
type Palette map[string]ui.Colour

// NewPalette colours the values of rows, which are in the order of their cost.
func NewPalette(by usage.Dimension, rows []usage.Row, n filter.Namer) Palette {
	if by == usage.Team {
		out := Palette{}
		for _, t := range n.Teams {
			out[string(t.ID)] = n.Teams.Colour(t.ID)
		}
		return out
	}
	var values []string
	for i := range rows {
		if len(values) < steps && rows[i].Cost > 0 {
			values = append(values, rows[i].Values[by])
		}
	}
	slices.Sort(values)
	return ui.Colours(values)
}

// Chart asks for the bars of a period: the largest values of a dimension, and the rest in one. rows are the values of the whole
// period in the order of their cost; narrow is the page for one of them, slot the page for one bar.
type Chart struct {
	Question
	By      usage.Dimension
	Rows    []usage.Row
	Namer   filter.Namer
	Palette Palette
	Narrow  func(value string) string
	Slot    func(filter.Slot) string
}

// Bars are the bars, with ticks of the period before.
func (c Chart) Bars(ctx context.Context, from Costs, in tenant.Scope) (ui.Bars, error) {
	total, err := from.Costs(ctx, in, c.slots(c.Period))
	if err != nil {
		return ui.Bars{}, err
	}
	before, err := from.Costs(ctx, in, c.slots(c.Period.Before()))
	if err != nil {
		return ui.Bars{}, err
	}
	top := c.top()
	parts := make([]map[time.Time]int64, len(top))
	if len(top) > 0 {
		q := c.slots(c.Period, c.By)
		q.Filter = maps.Clone(q.Filter)
		if q.Filter == nil {
			q.Filter = map[usage.Dimension][]string{}
		}
		q.Filter[c.By] = top
		got, err := from.Costs(ctx, in, q)
		if err != nil {
			return ui.Bars{}, err
		}
		for i, value := range top {
			parts[i] = map[time.Time]int64{}
			for j := range got.Rows {
				if r := &got.Rows[j]; r.Values[c.By] == value {
					parts[i][r.At.UTC()] += int64(r.Cost)
				}
			}
		}
	}
	b := ui.Bars{Label: "Spend by " + c.unit() + " and " + string(c.By), Unit: ui.Dollars}
	if before.Total.Cost > 0 { // ticks that all lie on the axis say nothing
		b.Compare = c.Period.Previous()
	}
	for _, value := range top {
		b.Series = append(b.Series, ui.Series{Name: c.Namer.Name(c.By, value), Colour: c.Palette[value], Href: c.Narrow(value)})
	}
	was := byTime(before.Rows)
	sums := byTime(total.Rows)
	earlier := c.Period.Before().Slots()
	rest := false
	for i, slot := range c.Period.Slots() {
		d := c.day(slot)
		left := sums[slot.From.UTC()]
		for j := range top {
			v := parts[j][slot.From.UTC()]
			left -= v
			d.Parts = append(d.Parts, v)
		}
		d.Parts = append(d.Parts, max(left, 0))
		rest = rest || left > 0
		if i < len(earlier) {
			d.Before = was[earlier[i].From.UTC()]
		}
		b.Days = append(b.Days, d)
	}
	if rest {
		b.Series = append(b.Series, ui.Series{Name: "Others"})
	}
	return b, nil
}

// top are the values that get a part of their own, the largest first.
func (c Chart) top() []string {
	var out []string
	for i := range c.Rows {
		value := c.Rows[i].Values[c.By]
		if len(out) < steps && c.Palette[value] != 0 && c.Rows[i].Cost > 0 {
			out = append(out, value)
		}
	}
	return out
}

func (c Chart) unit() string {
	if c.Period.Hourly() {
		return "hour"
	}
	return "day"
}

func (c Chart) day(s filter.Slot) ui.BarDay {
	from := s.From.In(c.Period.Zone)
	d := ui.BarDay{Label: from.Format("Mon 2 Jan"), Axis: from.Format("2 Jan"), Href: c.Slot(s), Unfinished: s.To.After(c.Period.Now)}
	if c.Period.Hourly() {
		d.Label, d.Axis = from.Format("Mon 2 Jan, 15:04"), from.Format("15:04")
	}
	return d
}

func byTime(rows []usage.Row) map[time.Time]int64 {
	out := make(map[time.Time]int64, len(rows))
	for i := range rows {
		out[rows[i].At.UTC()] += int64(rows[i].Cost)
	}
	return out
}

// Exact says how much of the calls rests on the provider's own counts.
func Exact(r *usage.Row) string {
	switch {
	case r.Calls == 0:
		return ""
	case r.Estimated == 0:
		return "exact"
	case r.Estimated >= r.Calls:
		return "estimated"
	default:
		return "exact " + ui.ShareText(r.Calls-r.Estimated, r.Calls)
	}
}

// Keys are the names of keys, experiments and prompts that rows bring with them.
func Keys(into map[string]string, rows []usage.Row) map[string]string {
	if into == nil {
		into = map[string]string{}
	}
	for i := range rows {
		for _, d := range []usage.Dimension{usage.Key, usage.Experiment} {
			if name := rows[i].Names[d]; name != "" {
				into[rows[i].Values[d]] = name
			}
		}
		promptNames(into, &rows[i])
	}
	return into
}

// promptNames are those of a prompt and of its version: "support/greeting", "support/greeting@7".
func promptNames(into map[string]string, r *usage.Row) {
	if name := r.Names[usage.Prompt]; name != "" {
		into[r.Values[usage.Prompt]] = name
	}
	if name := r.Names[usage.PromptVersion]; name != "" {
		value := r.Values[usage.PromptVersion]
		_, number, _ := strings.Cut(value, "@")
		into[value] = name + "@" + number
	}
}

// Environments are the environments of a period, whatever the filter on them.
func Environments(ctx context.Context, from Costs, in tenant.Scope, q Question) ([]string, error) {
	q.Filter = maps.Clone(q.Filter)
	delete(q.Filter, usage.Environment)
	got, err := from.Costs(ctx, in, q.whole(q.Period, usage.Environment))
	if err != nil {
		return nil, err
	}
	var out []string
	for i := range got.Rows {
		out = append(out, got.Rows[i].Values[usage.Environment])
	}
	slices.Sort(out)
	return out, nil
}
