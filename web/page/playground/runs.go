package playground

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"

	"tollgate/internal/id"
	"tollgate/internal/playground"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// What the pages of runs show at once.
const (
	runsShown  = 50
	linesShown = 25
)

// runRow is one run in the list.
type runRow struct {
	Run   playground.Run
	State ui.State
	Word  string
	Done  string // "12 of 30 answers"
	When  string
}

func rowOf(v *page.Visit, r playground.Run) runRow {
	out := runRow{Run: r, When: ui.MomentText(ui.Clock{Now: v.Now}, r.CreatedAt)}
	out.State, out.Word = stateOf(&r)
	out.Done = ui.CountText(int64(r.Asked)) + " of " + ui.Plural(int64(r.Tasks()), "answer", "answers")
	if r.Failed > 0 {
		out.Done += ", " + ui.CountText(int64(r.Failed)) + " failed"
	}
	return out
}

func stateOf(r *playground.Run) (ui.State, string) {
	switch r.Status {
	case playground.Running:
		return ui.Live, "running"
	case playground.Paused:
		return ui.Soon, "paused"
	case playground.Cancelled:
		return ui.Idle, "cancelled"
	case playground.Done:
	}
	return ui.Fine, "done"
}

type runsView struct {
	Rows  []runRow
	Older string
}

// Runs lists the runs, newest first.
func (p Page) Runs(ctx context.Context, v *page.Visit) (page.Reply, error) {
	list, more, err := p.Bench.Runs(ctx, v.Scope(), id.PlaygroundRun(v.Query("after")), runsShown)
	if err != nil {
		return page.Reply{}, err
	}
	var out runsView
	for _, r := range list {
		out.Rows = append(out.Rows, rowOf(v, r))
	}
	if more {
		out.Older = RunsPath + "?after=" + string(list[len(list)-1].ID)
	}
	return page.Show(layout.Frame{Title: "Runs", Active: layout.Prompts}, runs(out)), nil
}

type runView struct {
	runRow
	Totals  []totalView
	Columns []string // headings of the table of results
	Lines   []lineView
	Next    string // the rows behind these; "": there are none
	First   string // the first rows, where these are not; "": these are
	Fields  []string
	Here    string // this page's address, to look again
	Done    string // what has just been done, in words
}

type totalView struct {
	playground.Total
	Letter, Title string
	Checks        []string // "contains 11 of 12"
	Score         string
}

type lineView struct {
	Number string
	Inputs []string // in the order of Fields
	Cells  []cellView
}

type cellView struct {
	Asked bool
	playground.Result
}

// Run shows one run with its results.
func (p Page) Run(ctx context.Context, v *page.Visit) (page.Reply, error) {
	r, err := p.Bench.Run(ctx, v.Scope(), id.PlaygroundRun(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	after, _ := strconv.Atoi(v.Query("after")) // none: from the first
	found, more, err := p.Bench.Lines(ctx, v.Scope(), r.ID, after, linesShown)
	if err != nil {
		return page.Reply{}, err
	}
	totals, err := p.Bench.Totals(ctx, v.Scope(), &r)
	if err != nil {
		return page.Reply{}, err
	}
	out := runView{runRow: rowOf(v, r), Here: runPath(r.ID)}
	if after > 0 {
		out.Here, out.First = out.Here+"?after="+strconv.Itoa(after), out.Here
	}
	if more {
		out.Next = runPath(r.ID) + "?after=" + strconv.Itoa(found[len(found)-1].Row.Number)
	}
	for i := range r.Setup.Columns {
		title, err := p.sideTitle(ctx, v.Scope(), &r.Setup.Columns[i])
		if err != nil {
			return page.Reply{}, err
		}
		out.Columns = append(out.Columns, letter(i)+" "+title)
		out.Totals = append(out.Totals, totalOf(&r, &totals[i], title))
	}
	out.Fields = fieldsOf(found)
	for i := range found {
		out.Lines = append(out.Lines, lineOf(&found[i], out.Fields, len(r.Setup.Columns)))
	}
	if v.Partial() {
		return page.Part(runBody(out)), nil
	}
	return page.Show(layout.Frame{Title: r.Name, Active: layout.Prompts}, run(out)), nil
}

// sideTitle is a column in few words: its prompt, and its model.
func (p Page) sideTitle(ctx context.Context, in tenant.Scope, c *playground.Column) (string, error) {
	if c.Prompt == "" {
		return c.Model, nil
	}
	got, err := p.Prompts.Prompt(ctx, in, c.Prompt)
	if err != nil && !errors.Is(err, prompt.ErrNotFound) {
		return "", err
	}
	text := cmp.Or(got.Name, "a prompt that is gone")
	if c.Version > 0 {
		text += " v" + strconv.Itoa(c.Version)
	} else {
		text += ", " + cmp.Or(c.Label, prompt.Production)
	}
	if c.Model != "" {
		text += " · " + c.Model
	}
	return text, nil
}

func totalOf(r *playground.Run, t *playground.Total, title string) totalView {
	out := totalView{Total: *t, Letter: letter(t.Column), Title: title, Score: "–"}
	for i, n := range t.Passed {
		out.Checks = append(out.Checks, r.Checks[i].Kind+" "+ui.CountText(int64(n))+" of "+ui.CountText(int64(t.OK)))
	}
	if t.Scored > 0 {
		out.Score = scoreText(t.MeanScore)
	}
	return out
}

func scoreText(score float64) string { return strconv.FormatFloat(score, 'f', 2, 64) }

// fieldsOf are the variables of rows, and their message and what they expect where they have them.
func fieldsOf(list []playground.Line) []string {
	seen := map[string]bool{}
	message, expected := false, false
	for i := range list {
		for name := range list[i].Row.Variables {
			seen[name] = true
		}
		message, expected = message || list[i].Row.Message != "", expected || list[i].Row.Expected != ""
	}
	out := slices.Sorted(maps.Keys(seen))
	if message {
		out = append(out, "message")
	}
	if expected {
		out = append(out, "expected")
	}
	return out
}

func lineOf(l *playground.Line, fields []string, columns int) lineView {
	out := lineView{Number: strconv.Itoa(l.Row.Number), Cells: make([]cellView, columns)}
	for _, name := range fields {
		var text string
		switch name {
		case "message":
			text = l.Row.Message
		case "expected":
			text = l.Row.Expected
		default:
			text = plainOf(l.Row.Variables[name])
		}
		out.Inputs = append(out.Inputs, text)
	}
	for _, r := range l.Results {
		if r.Column < columns {
			out.Cells[r.Column] = cellView{Asked: true, Result: r}
		}
	}
	return out
}

func plainOf(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	return plain(raw)
}

// CancelRun ends a run.
func (p Page) CancelRun(ctx context.Context, v *page.Visit) (page.Reply, error) {
	r, err := p.Bench.Cancel(ctx, v.Scope(), id.PlaygroundRun(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	return page.See(runPath(r.ID)), nil
}

// ResumeRun goes on with a run, or asks for the rows that failed again.
func (p Page) ResumeRun(ctx context.Context, v *page.Visit) (page.Reply, error) {
	r, err := p.Bench.Resume(ctx, v.Scope(), id.PlaygroundRun(v.Param("id")), v.Form("again") != "")
	if err != nil {
		return page.Reply{}, err
	}
	return page.See(runPath(r.ID)), nil
}
