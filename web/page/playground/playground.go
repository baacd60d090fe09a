// Package playground is the page on which people try models and prompts side by side, and run them over a dataset.
package playground

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"tollgate/internal/account"
	"tollgate/internal/alias"
	"tollgate/internal/calllog"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/playground"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
)

// Path is where the page is.
const Path = "/playground"

// RunsPath is where the runs of datasets are.
const RunsPath = Path + "/runs"

// Bench is the domain; *playground.Service is it.
type Bench interface {
	Choose(ctx context.Context, in tenant.Scope, c *playground.Column) (playground.Chosen, error)
	Request(ctx context.Context, in tenant.Scope, set *playground.Setup, c *playground.Column, stream bool) (playground.Request, error)
	Estimate(ctx context.Context, in tenant.Scope, r *playground.Request, set *playground.Setup) (playground.Estimate, error)
	Ask(ctx context.Context, in tenant.Scope, team id.Team, set playground.Setup, column int, got func(playground.Piece)) (playground.Answer, error)
	Peek(ctx context.Context, in tenant.Scope, team id.Team) (playground.Till, bool, error)

	Start(ctx context.Context, in tenant.Scope, n playground.NewRun) (playground.Run, error)
	Run(ctx context.Context, in tenant.Scope, which id.PlaygroundRun) (playground.Run, error)
	Runs(ctx context.Context, in tenant.Scope, after id.PlaygroundRun, limit int) ([]playground.Run, bool, error)
	Lines(ctx context.Context, in tenant.Scope, which id.PlaygroundRun, after, limit int) ([]playground.Line, bool, error)
	Totals(ctx context.Context, in tenant.Scope, r *playground.Run) ([]playground.Total, error)
	Cancel(ctx context.Context, in tenant.Scope, which id.PlaygroundRun) (playground.Run, error)
	Resume(ctx context.Context, in tenant.Scope, which id.PlaygroundRun, again bool) (playground.Run, error)
}

// Prompts is the registry; *prompt.Service is it.
type Prompts interface {
	List(ctx context.Context, in tenant.Scope, f prompt.Filter, after string, limit int) ([]prompt.Prompt, bool, error)
	Prompt(ctx context.Context, in tenant.Scope, which id.Prompt) (prompt.Prompt, error)
	Create(ctx context.Context, in tenant.Scope, n prompt.New) (prompt.Prompt, prompt.Version, error)
	Publish(ctx context.Context, in tenant.Scope, which id.Prompt, c prompt.Content, message string, labels []string, check func(prompt.Prompt) error) (prompt.Prompt, prompt.Version, error)
}

// Aliases lists aliases; *alias.Service does.
type Aliases interface {
	List(ctx context.Context, in tenant.Scope, text, after string, limit int) ([]alias.Alias, bool, error)
}

// Teams lists teams; *account.Service does.
type Teams interface {
	Teams(ctx context.Context, in tenant.Scope, after id.Team, limit int) ([]account.Team, error)
}

// Calls finds logged calls; *calllog.Queries does.
type Calls interface {
	Call(ctx context.Context, in tenant.Scope, call id.Call) (calllog.Entry, error)
}

// Page is the playground.
type Page struct {
	Bench   Bench
	Prompts Prompts
	Aliases Aliases
	Teams   Teams
	Calls   Calls
	Gateway string // how applications reach the gateway, for the code
	Site    string // where the dashboard is, for clients that read prompts from it; "": not known
}

// Show is the page as its address says it: a setup, a prompt (?prompt= and version= or label=), or a logged call (?call=).
func (p Page) Show(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f, err := p.opened(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	if v.Query("do") == "add" && len(f.Columns) < playground.ColumnsMax {
		f.Columns = append(f.Columns, f.Columns[len(f.Columns)-1])
	}
	return p.reply(ctx, v, f, outcome{})
}

// outcome is what became of a posted form.
type outcome struct {
	answers map[int]result
	trouble page.Trouble
	saved   string // in words, of what was saved
	savedTo string
	status  int
}

// Act does what a button of the form says, for browsers without scripts: it asks, adds or removes a column, or saves a version.
func (p Page) Act(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f, err := posted(v)
	if err != nil {
		return p.again(ctx, v, f, err)
	}
	do, at, _ := strings.Cut(v.Form("do"), ".")
	i, numbered := strconv.Atoi(at)
	inside := numbered == nil && i >= 0 && i < len(f.Columns)
	switch {
	case do == "add" && len(f.Columns) < playground.ColumnsMax:
		f.Columns = append(f.Columns, f.Columns[len(f.Columns)-1])
	case do == "drop" && inside && len(f.Columns) > 1:
		f.Columns = append(f.Columns[:i], f.Columns[i+1:]...)
	case do == "save":
		return p.save(ctx, v, f)
	case do == "dataset":
		return p.start(ctx, v, f)
	case do == "run" && inside:
		return p.run(ctx, v, f, i)
	case do == "run":
		return p.run(ctx, v, f, -1)
	}
	return p.reply(ctx, v, f, outcome{})
}

// run asks one column, or all for -1, and shows the answers once all are there.
func (p Page) run(ctx context.Context, v *page.Visit, f form, only int) (page.Reply, error) {
	var mu sync.Mutex
	var group sync.WaitGroup
	out := outcome{answers: map[int]result{}}
	for i := range f.Columns {
		if only >= 0 && i != only {
			continue
		}
		group.Go(func() {
			r := p.ask(ctx, v, &f, i, nil)
			mu.Lock()
			defer mu.Unlock()
			out.answers[i] = r
		})
	}
	group.Wait()
	return p.reply(ctx, v, f, out)
}

// ask asks one column. What keeps it from being asked stands in the result too.
func (p Page) ask(ctx context.Context, v *page.Visit, f *form, i int, got func(playground.Piece)) result {
	set, err := p.setup(ctx, v.Scope(), f)
	if err != nil {
		return result{Trouble: playground.Words(err)}
	}
	a, err := p.Bench.Ask(ctx, v.Scope(), id.Team(f.Team), set, i, got)
	if err != nil {
		return result{Trouble: playground.Words(err)}
	}
	return result{Asked: true, Answer: a}
}

// Stream asks one column and tells the answer as it comes: events "piece" (JSON), and "done" (the result as HTML). When the browser
// closes the stream the call ends, and the provider with it.
func (p Page) Stream(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f, err := posted(v)
	if err != nil {
		return page.Reply{}, err
	}
	i, err := strconv.Atoi(v.Form("column"))
	if err != nil || i < 0 || i >= len(f.Columns) {
		return page.Reply{}, errColumn
	}
	return page.Stream(func(ctx context.Context, send func(event, data string) error) error {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		r := p.ask(ctx, v, &f, i, func(piece playground.Piece) {
			raw, err := json.Marshal(piece)
			if err == nil {
				err = send("piece", string(raw))
			}
			if err != nil {
				stop() // nobody listens any more
			}
		})
		var b strings.Builder
		if err := resultOf(i, r, nil).Render(ctx, &b); err != nil {
			return err
		}
		return send("done", b.String())
	}), nil
}

// Before is what the columns may cost, for the form as it stands.
func (p Page) Before(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f, err := posted(v)
	if err != nil {
		return page.Part(before(estimate{Trouble: playground.Words(err)})), nil
	}
	return page.Part(before(p.estimate(ctx, v.Scope(), &f))), nil
}

var errColumn = fault.New(fault.Invalid, "playground.no_column", "There is no such column.")

// again shows the form with what is wrong in it, or gives err back when that is no matter of the form.
func (p Page) again(ctx context.Context, v *page.Visit, f form, err error) (page.Reply, error) {
	trouble, code, mendable := page.Wrong(err)
	if f := (*fault.Error)(nil); !mendable && errors.As(err, &f) && (f.Kind == fault.NotFound || f.Kind == fault.Forbidden) {
		trouble, code, mendable = page.Trouble{Message: f.Message}, http.StatusConflict, true
	}
	if !mendable {
		return page.Reply{}, err
	}
	if len(f.Columns) == 0 {
		f.Columns = []column{{}}
	}
	return p.reply(ctx, v, f, outcome{trouble: trouble, status: code})
}

func (p Page) reply(ctx context.Context, v *page.Visit, f form, o outcome) (page.Reply, error) {
	view, err := p.view(ctx, v, f, o)
	if err != nil {
		return page.Reply{}, err
	}
	r := page.Show(layout.Frame{Title: "Playground", Active: layout.Prompts, Scripts: []string{"playground.js"}}, show(view))
	if o.status != 0 {
		r = r.As(o.status)
	}
	return r, nil
}
