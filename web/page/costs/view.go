package costs

import (
	"math"
	"slices"
	"strings"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/money"
	"tollgate/internal/usage"
	"tollgate/web/page/filter"
	"tollgate/web/page/spend"
	"tollgate/web/ui"
)

// view is the page in plain values.
type view struct {
	Clock   ui.Clock
	Fresh   *ui.Freshness
	By      ui.Pick
	Then    ui.Pick
	Chips   []ui.Filter
	Add     []ui.Link // filters on the largest values
	Hidden  []ui.Param
	Clear   string // the page without any filter; empty: there is none
	Figures []figure
	Unit    string // "day" or "hour"
	Chart   ui.Bars
	Heading string
	Columns []ui.ColumnView
	Rows    []row
	Left    int // rows that are not shown
	Total   row
	Count   string // "5 teams"
	Models  string // where unpriced calls can be found by model; empty: here
	Empty   *ui.EmptyView
	API     api
}

type figure struct {
	ui.FigureView
	Delta ui.Delta
	Note  string
}

// row is a line of the table. Its cost is the sum of the calls whose cost is known.
type row struct {
	usage.Row
	Before usage.Row
	Name   string
	Colour ui.Colour
	Href   string
	Sub    bool
	Subs   []row
	Left   int // of Subs, not shown
}

func (r *row) tokens() int64 { return r.Units.InputTotal() + r.Units.OutputTotal() }

func (r *row) cached() int64 { return r.Units[chat.CacheRead] }

func (r *row) perCall() (money.NanoUSD, bool) { return spend.PerCall(&r.Row) }

func (r *row) perThousand() (money.NanoUSD, bool) { return spend.PerThousand(&r.Row) }

func (r *row) known() bool { return spend.Known(&r.Row) }

func (r *row) delta() ui.Delta {
	return ui.DeltaOf(int64(r.Cost), int64(r.Before.Cost), ui.Neither)
}

// rowsShown bounds the table, subsShown the second level below one row. The table as a file has all of them.
const (
	rowsShown = 200
	subsShown = 12
)

// builder makes a view of the answers.
type builder struct {
	asked
	namer         filter.Namer
	first, second spend.Compared
	palette       spend.Palette
	calls         bool // the visitor may open single calls
}

func (b builder) empty() bool { return len(b.first.Now.Rows) == 0 }

func (b builder) view() view {
	out := view{
		Clock: ui.Clock{Now: b.Period.Now, Zone: b.Period.Zone}, Fresh: freshness(b.Period, b.first.Now.UpTo),
		By: b.pick("Group by", "by", b.by, ""), Then: b.pick("then", "then", b.then, b.by),
		Chips: b.namer.Chips(b.at), Hidden: b.at.Hidden(), Heading: "Spend by " + filter.Word(b.by), Unit: "day",
		Count: ui.Plural(int64(len(b.first.Now.Rows)), filter.Word(b.by), filter.Plural(b.by)),
		Add:   b.add(),
	}
	if b.by != usage.Model {
		out.Models = b.at.With("by", string(usage.Model)).Without("then", "sort").String()
	}
	if b.Period.Hourly() {
		out.Unit = "hour"
	}
	if len(out.Chips) > 0 {
		out.Clear = b.at.Only("range", "from", "to", "by", "then").String()
	}
	out.Total = row{Row: b.first.Now.Total, Before: b.first.Before.Total, Name: out.Count}
	out.Columns = b.columns()
	out.Rows = b.rows()
	b.sort.sort(out.Rows)
	if len(out.Rows) > rowsShown {
		out.Left, out.Rows = len(out.Rows)-rowsShown, out.Rows[:rowsShown]
	}
	out.Figures = b.figures(out.Total)
	return out
}

// pick chooses a dimension; none is offered as "Nothing" where a first level is given.
func (b builder) pick(label, param string, chosen, first usage.Dimension) ui.Pick {
	p := ui.Pick{Label: label, Shown: true, Look: ui.Small}
	at := b.at.Without("sort")
	if first != "" {
		p.Choices = append(p.Choices, ui.Choice{Text: "Nothing", Href: at.Without(param).String(), Current: chosen == ""})
	} else {
		at = at.Without("then")
	}
	for _, d := range usage.Dimensions {
		if d == first {
			continue
		}
		next := at.With(param, string(d))
		if param == "by" && b.then != "" && b.then != d {
			next = next.With("then", string(b.then))
		}
		p.Choices = append(p.Choices, ui.Choice{Text: filter.Title(d), Href: next.String(), Current: d == chosen})
	}
	return p
}

// added bounds how many filters the menu offers.
const added = 12

func (b builder) add() []ui.Link {
	var out []ui.Link
	if len(b.Filter[b.by]) == 1 {
		return nil
	}
	for i := range b.first.Now.Rows {
		if len(out) == added {
			break
		}
		value := b.first.Now.Rows[i].Values[b.by]
		out = append(out, ui.Link{Text: filter.Title(b.by) + " is " + b.namer.Name(b.by, value), Href: b.narrow(value)})
	}
	return out
}

func (b builder) narrow(value string) string {
	return b.at.With(string(b.by), filter.Param(value)).String()
}

// drill is the page of the calls behind a row; for who may not open calls, the costs of the row alone.
func (b builder) drill(values map[usage.Dimension]string) string {
	at := b.at.Only(filter.Names()...)
	for d, value := range values {
		at = at.With(string(d), filter.Param(value))
	}
	if b.calls {
		if b.Period.Preset != filter.Custom && at.Get("range") == "" {
			at = at.With("range", string(b.Period.Preset)) // the other page has a usual range of its own
		}
		return at.To("/requests").String()
	}
	return at.With("by", string(b.by)).String()
}

func (b builder) chart() spend.Chart {
	return spend.Chart{
		Question: b.Question, By: b.by, Rows: b.first.Now.Rows, Namer: b.namer, Palette: b.palette, Narrow: b.narrow,
		Slot: func(s filter.Slot) string {
			if s.To.Sub(s.From) > time.Hour || !b.calls {
				return s.Narrow(b.at, b.Period.Zone).String()
			}
			return s.Narrow(b.at.Only(filter.Names()...), b.Period.Zone).To("/requests").String()
		},
	}
}

func (b builder) rows() []row {
	subs := map[string][]row{}
	for i := range b.second.Now.Rows {
		r := &b.second.Now.Rows[i]
		parent := r.Values[b.by]
		subs[parent] = append(subs[parent], row{
			Row: *r, Before: b.second.Was(r), Name: b.namer.Name(b.then, r.Values[b.then]), Href: b.drill(r.Values), Sub: true,
		})
	}
	out := make([]row, 0, len(b.first.Now.Rows))
	for i := range b.first.Now.Rows {
		r := &b.first.Now.Rows[i]
		value := r.Values[b.by]
		next := row{
			Row: *r, Before: b.first.Was(r), Name: b.namer.Name(b.by, value), Colour: b.palette[value], Href: b.drill(r.Values), Subs: subs[value],
		}
		b.sort.sort(next.Subs)
		if len(next.Subs) > subsShown {
			next.Left, next.Subs = len(next.Subs)-subsShown, next.Subs[:subsShown]
		}
		out = append(out, next)
	}
	return out
}

func (b builder) columns() []ui.ColumnView {
	head := func(column, text string, room ui.Room) ui.ColumnView { return b.sort.head(b.at, column, text, room) }
	return []ui.ColumnView{
		head("name", filter.Title(b.by), ui.Always), head("cost", "Spend", ui.Always),
		{Text: "Share", Number: true},
		head("change", "Change", ui.Always), head("calls", "Calls", ui.Always), head("tokens", "Tokens", ui.Third),
		head("call", "Per call", ui.Second), head("thousand", "Per 1K tokens", ui.Third), head("cached", "Cached", ui.Third),
	}
}

// figures are the total, the two largest rows, the others together, and what a call costs.
func (b builder) figures(total row) []figure {
	was := total.Before
	before := "from " + ui.MoneyText(was.Cost)
	if was.Calls == 0 && was.Cost == 0 {
		before = "· nothing in " + b.Period.Before().Dates()
	}
	out := []figure{{
		FigureView: ui.FigureView{Name: "Spend", Badge: spend.Exact(&total.Row), Value: amount(&total)}, Delta: total.delta(), Note: before,
	}}
	rows := b.first.Now.Rows
	rest, restWas := total.Cost, was.Cost
	shown := min(len(rows), 2)
	for i := range shown {
		r := row{Row: rows[i], Before: b.first.Was(&rows[i])}
		rest, restWas = rest-r.Cost, restWas-r.Before.Cost
		out = append(out, figure{
			FigureView: ui.FigureView{Name: b.namer.Name(b.by, r.Values[b.by]), Value: amount(&r)}, Delta: r.delta(),
			Note: "· " + ui.ShareText(int64(r.Cost), int64(total.Cost)) + " of spend",
		})
	}
	if others := len(rows) - shown; others > 0 {
		out = append(out, figure{
			FigureView: ui.FigureView{Name: ui.Plural(int64(others), "other", "others"), Value: ui.MoneyText(rest)},
			Delta:      ui.DeltaOf(int64(rest), int64(restWas), ui.Neither), Note: "· " + ui.ShareText(int64(rest), int64(total.Cost)) + " of spend",
		})
	}
	per := figure{FigureView: ui.FigureView{Name: "Per call", Value: ui.Nothing}}
	if now, ok := total.perCall(); ok {
		per.Value = ui.MoneyText(now)
		if then, ok := spend.PerCall(&was); ok {
			per.Delta = ui.DeltaOf(int64(now), int64(then), ui.Down)
		} else {
			per.Delta = ui.DeltaOf(int64(now), 0, ui.Down)
		}
	}
	if thousand, ok := total.perThousand(); ok {
		per.Note = "· per 1K tokens " + ui.MoneyText(thousand)
	}
	return append(out, per)
}

// also says in words what was used besides tokens; empty: nothing was.
func (r *row) also() string {
	var parts []string
	for _, of := range []struct {
		class     chat.Class
		one, many string
	}{
		{chat.WebSearch, "web search", "web searches"},
		{chat.Images, "image", "images"},
		{chat.Characters, "character", "characters"},
		{chat.SearchUnits, "search unit", "search units"},
		{chat.Pages, "page", "pages"},
		{chat.FileSearch, "file search", "file searches"},
		{chat.CodeSession, "code session", "code sessions"},
		{chat.Requests, "call with a fee", "calls with a fee"},
	} {
		if n := r.Units[of.class]; n > 0 {
			parts = append(parts, ui.Plural(n, of.one, of.many))
		}
	}
	if n := r.Units[chat.AudioMS]; n > 0 {
		parts = append(parts, ui.SpanText(time.Duration(min(n, math.MaxInt64/int64(time.Millisecond)))*time.Millisecond)+" of audio")
	}
	return strings.Join(parts, ", ")
}

// amount is a cost, unless none of it is known.
func amount(r *row) string {
	if !r.known() {
		return "unpriced"
	}
	return ui.MoneyText(r.Cost)
}

// none is the page without rows: it leads to the last day that has any.
func (b builder) none(last time.Time) *ui.EmptyView {
	e := &ui.EmptyView{Title: "No cost in " + b.Period.Text()}
	clock := ui.Clock{Now: b.Period.Now, Zone: b.Period.Zone}
	switch {
	case last.IsZero():
		e.Text = "No call has been recorded yet."
		e.Primary = ui.Link{Text: "Send the first request", Href: "/get-started"}
		return e
	case len(b.Filter) > 0:
		e.Text = "No call matches these filters here. The newest figures of all are from " + last.In(b.Period.Zone).Format("2 Jan, 15:04") + "."
		e.Primary = ui.Link{Text: "Clear filters", Href: b.at.Only("range", "from", "to", "by", "then").String()}
	default:
		e.Text = "The newest figures are from " + last.In(b.Period.Zone).Format("2 Jan, 15:04") + "."
	}
	day := last.In(b.Period.Zone).Format(time.DateOnly)
	show := ui.Link{Text: "Show " + ui.DateText(clock, last), Href: b.at.Without("range").With("from", day).With("to", day).String()}
	if e.Primary.Href == "" {
		e.Primary = show
	} else {
		e.Second = show
	}
	return e
}

// share is a row's part of the spend, for its bar.
func (v view) share(r *row) (part, whole int64) { return int64(r.Cost), int64(v.Total.Cost) }

// most is the largest spend of the table, which all bars are measured by.
func (v view) most() int64 {
	var most int64
	for i := range v.Rows {
		most = max(most, int64(v.Rows[i].Cost))
	}
	return most
}

func (v view) compared() string { return v.Chart.Compare }

func (v view) textFilters() []string {
	var out []string
	for _, d := range []usage.Dimension{usage.Workflow, usage.Environment, usage.Task, usage.Alias, usage.Model, usage.Provider, usage.Endpoint, usage.Prompt, usage.PromptVersion, usage.Experiment, usage.Arm} {
		out = append(out, string(d))
	}
	return slices.Clip(out)
}
