package playground

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/playground"
	"tollgate/internal/playground/code"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// view is what the page shows.
type view struct {
	Form     form
	Teams    []account.Team
	Purse    string // whose key calls, and what is left
	Budget   string // address of the key's budget; "": there is none
	Columns  []columnView
	Fields   []field
	Prompts  []ui.Option
	Models   []string // suggestions
	Before   estimate
	Starters []starter
	Save     saveView
	Dataset  datasetView
	Trouble  page.Trouble
	Saved    string
	SavedTo  string
}

// field is a variable that is asked for.
type field struct {
	Name, Value, Kind, Note string
	Required                bool
	Values                  []string // of an enum
}

func (f *field) long() bool { return f.Kind == "json" || f.Kind == "list" || len(f.Value) > 60 }

// columnView is one side.
type columnView struct {
	column
	At      int
	Title   string
	Edited  bool
	Prompt  string // as the select has it
	Trouble string // why its prompt is not there
	Result  result
	First   *result // that of column A, to compare with; nil: none
	Code    ui.SnippetView
	chosen  playground.Chosen
}

// result is what became of a column. The zero result: nothing was asked.
type result struct {
	Asked   bool
	Trouble string // what kept it from being asked
	Answer  playground.Answer
}

// estimate is what the columns may cost.
type estimate struct {
	About, Most money.NanoUSD
	Known       bool
	Bound       bool
	Trouble     string
}

type starter struct{ Title, Text, Href string }

// view asks for everything that the page shows.
func (p Page) view(ctx context.Context, v *page.Visit, f form, o outcome) (view, error) {
	in := v.Scope()
	out := view{Form: f, Trouble: o.trouble, Saved: o.saved, SavedTo: o.savedTo, Dataset: datasetView{Trouble: o.trouble}}
	var err error
	if out.Teams, err = p.Teams.Teams(ctx, in, "", 100); err != nil {
		return view{}, err
	}
	if err := p.purse(ctx, in, &out); err != nil {
		return view{}, err
	}
	list, _, err := p.Prompts.List(ctx, in, prompt.Filter{}, "", 100)
	if err != nil {
		return view{}, err
	}
	if out.Models, err = p.models(ctx, in); err != nil {
		return view{}, err
	}
	var sides []playground.Chosen
	for i := range f.Columns {
		c, err := p.column(ctx, in, &f, i, out.Models)
		if err != nil {
			return view{}, err
		}
		c.Result = o.answers[i]
		out.Columns, sides = append(out.Columns, c), append(sides, c.chosen)
	}
	if first := &out.Columns[0]; first.Result.Asked && first.Result.Answer.OK() {
		for i := range out.Columns[1:] {
			out.Columns[i+1].First = &first.Result
		}
	}
	out.Prompts = promptOptions(list, sides)
	out.Fields = named(&f, sides)
	out.Before = p.estimate(ctx, in, &f)
	p.codes(ctx, in, &f, out.Columns)
	if f.empty() {
		out.Starters = starters(out.Columns[0].Model)
	}
	out.Save = p.saving(in, v, &f, out.Columns)
	return out, nil
}

func (f *form) empty() bool {
	return f.Message == "" && f.Call == "" && !slices.ContainsFunc(f.Columns, func(c column) bool { return c.Prompt != "" || c.Draft != "" })
}

// column finds what a column's prompt says. One that is not there is said in its place.
func (p Page) column(ctx context.Context, in tenant.Scope, f *form, i int, models []string) (columnView, error) {
	c := columnView{column: f.Columns[i], At: i, Prompt: f.Columns[i].Prompt}
	side, err := c.side()
	if err != nil {
		side = playground.Column{Model: c.Model}
	}
	c.chosen, err = p.Bench.Choose(ctx, in, &side)
	if t, _, mendable := page.Wrong(err); mendable {
		c.Trouble = t.Message
	} else if errors.Is(err, prompt.ErrNotFound) || errors.Is(err, prompt.ErrVersion) || errors.Is(err, prompt.ErrLabel) {
		c.Trouble = playground.Words(err)
	} else if err != nil {
		return c, err
	}
	c.Edited = c.chosen.Edited && c.chosen.Prompt.ID != ""
	c.Draft, c.Base = playground.FormatDraft(&c.chosen.Content), c.Prompt
	if c.Model == "" && c.chosen.Content.Alias == "" && len(models) > 0 {
		c.Model = models[0]
		f.Columns[i].Model = c.Model
	}
	c.Title = c.title()
	return c, nil
}

func (c *columnView) title() string {
	switch {
	case c.chosen.Prompt.ID != "" && c.chosen.Label != "":
		return c.chosen.Prompt.Name + ", " + c.chosen.Label
	case c.chosen.Prompt.ID != "":
		return c.chosen.Prompt.Name + " v" + strconv.Itoa(c.chosen.Number)
	case c.Model != "":
		return c.Model
	}
	return "No model yet"
}

// purse says with whose money the page calls.
func (p Page) purse(ctx context.Context, in tenant.Scope, out *view) error {
	till, there, err := p.Bench.Peek(ctx, in, id.Team(out.Form.Team))
	if err != nil {
		return err
	}
	out.Form.Team = string(till.Team.ID)
	switch {
	case !there:
		out.Purse = "Calls are real calls. The first one makes a key of its own for team " + till.Team.Name + ", with a budget of " + ui.MoneyText(playground.DefaultBudget) + " a month."
	case till.Left == nil || len(till.Left.Meters) == 0:
		out.Purse = "Calls are real calls of the key " + till.Key.Name + ", which has no budget of its own."
	default:
		m := till.Left.Tightest()
		out.Purse = "Calls are real calls of the key " + till.Key.Name + ": " + ui.MoneyText(max(m.Left(), 0)) + " of its " + ui.MoneyText(m.Limit) + " a " + string(m.Period) + " is left."
		out.Budget = "/budgets/" + string(till.Budget)
	}
	return nil
}

// models are what a column may be asked: aliases, and the sandbox, which needs no provider.
func (p Page) models(ctx context.Context, in tenant.Scope) ([]string, error) {
	list, _, err := p.Aliases.List(ctx, in, "", "", 200)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, a := range list {
		out = append(out, a.Name)
	}
	return append(out, "sandbox/echo-mini", "sandbox/echo-large"), nil
}

// promptOptions are the versions that people look for: where labels stand, the newest, and what the columns have.
func promptOptions(list []prompt.Prompt, sides []playground.Chosen) []ui.Option {
	out := []ui.Option{{Value: "", Text: "none"}}
	add := func(value, text string) {
		if !slices.ContainsFunc(out, func(o ui.Option) bool { return o.Value == value }) {
			out = append(out, ui.Option{Value: value, Text: text})
		}
	}
	for i := range list {
		p := &list[i]
		var labels []string
		for label := range p.Labels {
			labels = append(labels, label)
		}
		slices.Sort(labels)
		for _, label := range labels {
			add(string(p.ID)+":"+label, p.Name+", "+label+" (v"+strconv.Itoa(p.Labels[label])+")")
		}
		for n := p.Latest; n > max(0, p.Latest-3); n-- {
			add(string(p.ID)+"@"+strconv.Itoa(n), p.Name+" v"+strconv.Itoa(n))
		}
	}
	for i := range sides {
		if c := &sides[i]; c.Prompt.ID != "" {
			if c.Label != "" {
				add(string(c.Prompt.ID)+":"+c.Label, c.Prompt.Name+", "+c.Label)
			} else {
				add(string(c.Prompt.ID)+"@"+strconv.Itoa(c.Number), c.Prompt.Name+" v"+strconv.Itoa(c.Number))
			}
		}
	}
	return out
}

// estimate adds up what the columns may cost.
func (p Page) estimate(ctx context.Context, in tenant.Scope, f *form) estimate {
	set, err := p.setup(ctx, in, f)
	if err != nil {
		return estimate{Trouble: playground.Words(err)}
	}
	out := estimate{Known: true, Bound: true}
	for i := range set.Columns {
		r, err := p.Bench.Request(ctx, in, &set, &set.Columns[i], true)
		if err != nil {
			return estimate{Trouble: playground.Words(err)}
		}
		e, err := p.Bench.Estimate(ctx, in, &r, &set)
		if err != nil {
			return estimate{Trouble: playground.Words(err)}
		}
		out.About, out.Most = out.About+e.About, out.Most+e.Most
		out.Known, out.Bound = out.Known && e.Known, out.Bound && e.Bound
	}
	return out
}

// codes writes each column's call as programs. A column that cannot be asked has none.
func (p Page) codes(ctx context.Context, in tenant.Scope, f *form, columns []columnView) {
	set, err := p.setup(ctx, in, f)
	if err != nil {
		return
	}
	for i := range columns {
		r, err := p.Bench.Request(ctx, in, &set, &set.Columns[i], false)
		if err != nil {
			continue
		}
		call := code.Call{Body: r.Body, Gateway: p.Gateway, Site: p.Site}
		if !r.Chosen.Edited {
			call.Prompt, call.Version, call.Label = r.Chosen.Prompt.Name, r.Chosen.Number, r.Chosen.Label
		}
		columns[i].Code = ui.SnippetView{ID: "code-" + strconv.Itoa(i), Label: "Code for column " + playground.Letter(i)}
		for _, s := range code.Snippets(call) {
			columns[i].Code.Tabs = append(columns[i].Code.Tabs, ui.SnippetTab{Name: s.Client, Language: ui.Language(s.Language), Code: s.Text})
		}
	}
}

// starters are three prompts to begin with.
func starters(model string) []starter {
	with := func(title, text, draft, message string, more ...string) starter {
		q := url.Values{"model-0": {model}, "message": {message}, "draft-0": {draft}}
		for i := 0; i+1 < len(more); i += 2 {
			q.Set(more[i], more[i+1])
		}
		return starter{title, text, Path + "?" + q.Encode()}
	}
	return []starter{
		with("Sort a message", "One word out of four, for a support inbox.",
			"Sort the customer's message into exactly one of: {{classes}}.\nAnswer with that word and nothing else.",
			"I was charged twice for the annual plan. Can you undo one?", "v-classes", "billing, bug, feature, other", "temperature-0", "0", "max_tokens-0", "10"),
		with("Take facts out of a text", "JSON that a schema holds to.",
			"Take the facts out of the text. Leave out what it does not say.",
			"Order FH-20931, placed on 3 November by Ada, comes to 228 dollars.",
			"schema", `{"type":"object","properties":{"order":{"type":"string"},"amount":{"type":"number"}},"required":["order"],"additionalProperties":false}`, "max_tokens-0", "200"),
		with("Answer in a tone", "A reply whose tone and length are variables.",
			"You answer for {{product}}. Write {{tone}} and in at most {{sentences}} sentences.",
			"Where is my refund?", "v-product", "Fernhill Desk", "v-tone", "warmly", "v-sentences", "3", "max_tokens-0", "300"),
	}
}

// compare is how a result stands to that of column A: a per cent, and whether less is more.
func compare(a, first money.NanoUSD) (text string, less bool) {
	if first <= 0 || a < 0 || a == first {
		return "", false
	}
	diff := int64(a - first)
	less = diff < 0
	if less {
		diff = -diff
	}
	sign := "↑ "
	if less {
		sign = "↓ "
	}
	return sign + ui.ShareText(diff, int64(first)), less
}

func spanText(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return ui.SpanText(d)
}

func costText(n money.NanoUSD) string {
	if n < 0 {
		return "not known"
	}
	return ui.MoneyCall(n)
}

func callPath(c id.Call) string { return "/requests/" + c.String() }

func letter(i int) string { return playground.Letter(i) }

// everyone is what the main button says: "Run", "Run both", "Run all three".
func everyone(n int) string {
	return []string{"Run", "Run", "Run both", "Run all three"}[min(n, 3)]
}

func paragraphs(text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	return strings.Split(strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")), "\n\n")
}
