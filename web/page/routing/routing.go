// Package routing holds the page of the routing file: what it means, its editor with checks and a dry run, and its history.
package routing

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"tollgate/internal/alias"
	"tollgate/internal/alias/aliasfile"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

// Service keeps the routing file; *alias.Service does.
type Service interface {
	Routing(ctx context.Context, in tenant.Scope) (alias.FileVersion, error)
	FileProblems(ctx context.Context, in tenant.Scope, f alias.File) ([]alias.Problem, error)
	Apply(ctx context.Context, in tenant.Scope, p alias.Proposal, check func(alias.FileVersion) error) (alias.FileVersion, error)
	FileVersions(ctx context.Context, in tenant.Scope, before, limit int) ([]alias.FileVersion, bool, error)
	FileVersion(ctx context.Context, in tenant.Scope, number int) (alias.FileVersion, error)
	RestoreFile(ctx context.Context, in tenant.Scope, number int, message string, check func(alias.FileVersion) error) (alias.FileVersion, error)
	List(ctx context.Context, in tenant.Scope, text, after string, limit int) ([]alias.Alias, bool, error)
}

// Usage tells what aliases carried.
type Usage interface {
	Costs(ctx context.Context, in tenant.Scope, q usage.Query) (usage.Costs, error)
}

// Page answers the pages. All fields are required.
type Page struct {
	Routing  Service
	Usage    Usage
	Rehearse Rehearser
	People   people.MemberLister
}

// Path is where the page is.
const Path = "/routing"

// versionsShown is how many versions are listed at once.
const versionsShown = 12

type view struct {
	Live     alias.FileVersion
	Author   string // of the live version
	Text     string // in the editor
	Edited   bool   // the text is not that of the live version
	Message  string
	Checked  bool // and nothing was wrong
	Problems []ui.Problem
	Map      []mapRow
	Others   int    // aliases beyond those of the map
	Lost     []lost // aliases that the text does not hold any more, and that are called
	Sure     bool   // whoever typed it has seen what is lost
	Changes  []alias.Change
	Diff     []ui.DiffLine
	Effect   *effect
	Versions []versionRow
	Older    string
	CanWrite bool
	Trouble  string
	Clock    ui.Clock
	Command  ui.SnippetView
}

type versionRow struct {
	Number       int
	What, Author string
	Live         bool
	Moment       alias.FileVersion
}

// Show is the page with the file as it stands. ?before= pages through versions.
func (p Page) Show(ctx context.Context, v *page.Visit) (page.Reply, error) {
	live, err := p.Routing.Routing(ctx, v.Scope())
	if err != nil {
		return page.Reply{}, err
	}
	return p.show(ctx, v, view{Live: live, Text: text(live)}, http.StatusOK)
}

// text is a version as YAML: as it was applied, or in canonical form.
func text(f alias.FileVersion) string {
	if f.Text != "" {
		return f.Text
	}
	return string(aliasfile.Format(f.File))
}

// Save checks what was typed, tells what it would do, or applies it, by the button.
func (p Page) Save(ctx context.Context, v *page.Visit) (page.Reply, error) {
	live, err := p.Routing.Routing(ctx, v.Scope())
	if err != nil {
		return page.Reply{}, err
	}
	out := view{Live: live, Text: typed(v), Message: strings.TrimSpace(v.Form("message"))}
	doc, found, err := p.check(ctx, v.Scope(), out.Text)
	if err != nil {
		return page.Reply{}, err
	}
	if out.Problems = problems(found, out.Text); len(found) > 0 {
		return p.show(ctx, v, out, http.StatusUnprocessableEntity)
	}
	out.Checked = true
	read, err := strconv.Atoi(v.Form("version"))
	if err != nil {
		read = -1
	}
	if v.Form("do") == "apply" {
		if out.Lost, err = p.lost(ctx, v, live.File, doc.File); err != nil {
			return page.Reply{}, err
		}
		if len(out.Lost) == 0 || v.Form("sure") != "" {
			return p.apply(ctx, v, out, doc.File, read)
		}
		out.Sure = true // asked once; the next press applies it
		return p.show(ctx, v, out, http.StatusConflict)
	}
	if v.Form("do") == "rehearse" {
		if out.Effect, err = p.rehearse(ctx, v, doc.File); err != nil {
			trouble, _, mendable := page.Wrong(err)
			if !mendable {
				return page.Reply{}, err
			}
			out.Trouble = trouble.Message
		}
	}
	return p.show(ctx, v, out, http.StatusOK)
}

// typed is the text of the editor. Browsers send lines that end in CR LF.
func typed(v *page.Visit) string { return strings.ReplaceAll(v.Form("yaml"), "\r\n", "\n") }

func (p Page) apply(ctx context.Context, v *page.Visit, out view, f alias.File, read int) (page.Reply, error) {
	after, err := p.Routing.Apply(ctx, v.Scope(), alias.Proposal{File: f, Text: out.Text, Message: out.Message}, unchanged(read))
	if err != nil {
		trouble, status, mendable := page.Wrong(err)
		if !mendable {
			return page.Reply{}, err
		}
		out.Trouble = trouble.Message
		return p.show(ctx, v, out, status)
	}
	if after.Number == read {
		return page.See(Path + "?done=same"), nil
	}
	return page.See(Path + "?done=applied"), nil
}

// unchanged refuses a change of another version than the one that was read.
func unchanged(read int) func(alias.FileVersion) error {
	return func(now alias.FileVersion) error {
		if now.Number != read {
			return alias.ErrFileStale.Say("Not applied: version %d came first. What you typed stands below; open the page again to see that version.", now.Number)
		}
		return nil
	}
}

// check reads a text and tells everything that is wrong with it, by line.
func (p Page) check(ctx context.Context, in tenant.Scope, text string) (*aliasfile.Document, []aliasfile.Problem, error) {
	doc, found := aliasfile.Parse([]byte(text))
	if len(found) > 0 {
		return doc, found, nil
	}
	more, err := p.Routing.FileProblems(ctx, in, doc.File)
	if err != nil {
		return doc, nil, err
	}
	return doc, doc.Locate(more), nil
}

// problems are reasons with the lines that they are about.
func problems(found []aliasfile.Problem, text string) []ui.Problem {
	out := make([]ui.Problem, len(found))
	for i, f := range found {
		out[i] = ui.Problem{Line: f.Line, Column: f.Column, Reason: f.Reason}
	}
	return ui.Problems(out, text)
}

func (p Page) show(ctx context.Context, v *page.Visit, out view, status int) (page.Reply, error) {
	out.CanWrite, out.Clock = v.Can(tenant.WriteAliases), ui.Clock{Now: v.Now}
	standing := text(out.Live)
	out.Edited = out.Text != standing
	is := out.Live.File
	if out.Edited && len(out.Problems) == 0 {
		doc, _ := aliasfile.Parse([]byte(out.Text))
		is = doc.File
		out.Changes = alias.Diff(out.Live.File, is)
		out.Diff = ui.DiffContext(ui.Differ(strings.Split(standing, "\n"), strings.Split(out.Text, "\n")), 2)
	}
	if err := p.meaning(ctx, v, &out, is); err != nil {
		return page.Reply{}, err
	}
	if err := p.history(ctx, v, &out); err != nil {
		return page.Reply{}, err
	}
	out.Command = commands(v.HTTP, out.Live.Number)
	return page.Show(layout.Frame{Title: "Routing file", Active: layout.Routing, Toasts: done(v)}, file(out)).As(status), nil
}

// history fills in the versions.
func (p Page) history(ctx context.Context, v *page.Visit, out *view) error {
	authors, err := people.ListAuthors(ctx, p.People, v.Scope())
	if err != nil {
		return err
	}
	out.Author = authors.Name(out.Live.Author)
	before, err := strconv.Atoi(v.Query("before"))
	if err != nil {
		before = 0
	}
	list, more, err := p.Routing.FileVersions(ctx, v.Scope(), before, versionsShown)
	if err != nil {
		return err
	}
	for _, f := range list {
		out.Versions = append(out.Versions, versionRow{f.Number, f.Message, authors.Name(f.Author), f.Number == out.Live.Number, f})
	}
	if more {
		out.Older = Path + "?before=" + strconv.Itoa(list[len(list)-1].Number)
	}
	return nil
}

// commands are the ways to the same without the page.
func commands(r *http.Request, version int) ui.SnippetView {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	api := scheme + "://" + r.Host + rest.Prefix + "/routing"
	return ui.SnippetView{ID: "by", Label: "Without this page", Tabs: []ui.SnippetTab{
		{Name: "Command line", Language: ui.Shell, Code: "tollgate pull routing.yaml\ntollgate diff routing.yaml\ntollgate apply routing.yaml"},
		{Name: "Read by API", Language: ui.Shell, Code: "curl \"" + api + "?format=yaml\" \\\n  -H \"Authorization: Bearer $TOLLGATE_TOKEN\""},
		{Name: "Write by API", Language: ui.Shell, Code: "curl -X PUT \"" + api + "\" \\\n  -H \"Authorization: Bearer $TOLLGATE_TOKEN\" \\\n  -H \"If-Match: " + strconv.Itoa(version) + "\" \\\n  -H \"Content-Type: application/yaml\" \\\n  --data-binary @routing.yaml"},
	}}
}

// done is the notice after a change, by the word that the redirect carries.
func done(v *page.Visit) []ui.Toast {
	switch v.Query("done") {
	case "applied":
		return []ui.Toast{{Text: "Applied. In force everywhere within a second."}}
	case "same":
		return []ui.Toast{{Text: "Nothing changed, so there is no new version."}}
	default:
		return nil
	}
}
