package prompts

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/exchange"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

// offered is what a form suggests.
type offered struct {
	Labels    []labelChoice
	Aliases   []string
	Prompts   []string // names of text prompts, to stand in braces
	Starters  []starter
	Protected []string
	Release   bool // whoever types may move protected labels
}

// labelChoice is a label that a version can be published with.
type labelChoice struct {
	Label     string
	At        int // where it stands; 0: nowhere
	Protected bool
	Closed    bool // the visitor may not move it
}

// conflict is the version that came first while another was typed.
type conflict struct {
	Number          int
	Author, Message string
	Changes         []ui.DiffLine // from that version to what was typed
}

// NewForm is the form of a prompt to be made. ?starter= and ?call= fill it in, ?folder= begins its name, ?kind=text makes it a text.
func (p Prompts) NewForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f := form{Kind: prompt.Chat, Messages: []formMessage{{Role: "system"}, {Role: "user"}}}
	if v.Query("kind") == string(prompt.Text) {
		f = form{Kind: prompt.Text}
	}
	if s, ok := starterNamed(v.Query("starter")); ok {
		f = of(s.Kind, s.Content)
		f.Name, f.Description, f.Message = s.Name, s.About, "From the template “"+s.Title+"”"
	}
	if call := v.Query("call"); call != "" {
		draft, err := p.draft(ctx, v, call)
		if err != nil {
			return page.Reply{}, err
		}
		f = draft
	}
	if folder := v.Query("folder"); folder != "" && f.Name == "" {
		f.Name = strings.TrimSuffix(folder, "/") + "/"
	}
	return p.show(ctx, v, f, 0)
}

// draft is the form of a logged call. What of the call has no place in a prompt is said above it.
func (p Prompts) draft(ctx context.Context, v *page.Visit, call string) (form, error) {
	which, err := id.ParseCall(call)
	if err != nil {
		return form{}, exchange.ErrCall
	}
	got, err := p.Exchange.FromCall(ctx, v.Scope(), which)
	if err != nil {
		return form{}, err
	}
	f := of(got.Kind, got.Content)
	f.Message, f.Notes = "From call "+call, got.Notes
	return f, nil
}

// Create makes a prompt, checks what was typed, or carries out a button of the rows.
func (p Prompts) Create(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f := read(v)
	f.ID, f.Title = "", ""
	if f.press(v.Form("do")) {
		return p.show(ctx, v, f, 0)
	}
	c, ok, err := p.ready(ctx, v, &f)
	if err != nil || !ok {
		return p.wrong(ctx, v, f, err)
	}
	if v.Form("do") == "check" {
		return p.show(ctx, v, f, 0)
	}
	n := prompt.New{Name: f.Name, Kind: f.Kind, Description: f.Description, Tags: page.Words(f.Tags), Content: c, Message: f.Message, Labels: f.labels()}
	made, _, err := p.Prompts.Create(ctx, v.Scope(), n)
	if err != nil {
		return p.wrong(ctx, v, f, err)
	}
	return page.See(href(made.ID) + "?done=created"), nil
}

// EditForm is the form of the next version, filled in with the newest, or with ?version=.
func (p Prompts) EditForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	had, err := p.Prompts.Prompt(ctx, v.Scope(), id.Prompt(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	n := had.Latest
	if asked := number(v.Query("version")); asked != 0 {
		n = asked
	}
	from, err := p.Prompts.Version(ctx, v.Scope(), had.ID, n)
	if err != nil {
		return page.Reply{}, err
	}
	f := of(had.Kind, from.Content)
	f.ID, f.Title, f.Version = had.ID, had.Name, had.Latest
	if n != had.Latest {
		f.Message = "Back to what v" + strconv.Itoa(n) + " said"
	}
	return p.show(ctx, v, f, 0)
}

// Edit publishes the next version, checks what was typed, or carries out a button of the rows.
func (p Prompts) Edit(ctx context.Context, v *page.Visit) (page.Reply, error) {
	had, err := p.Prompts.Prompt(ctx, v.Scope(), id.Prompt(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	f := read(v)
	f.ID, f.Title, f.Kind = had.ID, had.Name, had.Kind
	if f.press(v.Form("do")) {
		return p.show(ctx, v, f, 0)
	}
	c, ok, err := p.ready(ctx, v, &f)
	if err != nil || !ok {
		return p.wrong(ctx, v, f, err)
	}
	if v.Form("do") == "check" {
		return p.show(ctx, v, f, 0)
	}
	after, made, err := p.Prompts.Publish(ctx, v.Scope(), had.ID, c, f.Message, f.labels(), unchanged(f.Version))
	switch {
	case errors.Is(err, prompt.ErrStale):
		return p.lost(ctx, v, f, c)
	case err != nil:
		return p.wrong(ctx, v, f, err)
	case after.Latest == f.Version && made.Number == f.Version:
		return page.See(href(had.ID) + "?done=same"), nil
	}
	return page.See(href(had.ID) + "?done=published"), nil
}

// unchanged refuses to publish on another version than the one that was read.
func unchanged(read int) func(prompt.Prompt) error {
	return func(now prompt.Prompt) error {
		if now.Latest != read {
			return prompt.ErrStale
		}
		return nil
	}
}

// ready checks the form and reports whether it can be saved; what was found stands in the form.
func (p Prompts) ready(ctx context.Context, v *page.Visit, f *form) (c prompt.Content, ok bool, err error) {
	if f.Verdict, err = p.check(ctx, v.Scope(), f); err != nil {
		return c, false, err
	}
	f.Trouble = f.Verdict.Trouble
	if !f.Verdict.ok() {
		return c, false, nil
	}
	c, err = f.content()
	return c, err == nil, err
}

// wrong shows the form again with what is wrong in it.
func (p Prompts) wrong(ctx context.Context, v *page.Visit, f form, err error) (page.Reply, error) {
	if err == nil {
		return p.show(ctx, v, f, http.StatusUnprocessableEntity)
	}
	trouble, status, mendable := refused(err)
	if !mendable {
		return page.Reply{}, err
	}
	f.Trouble = trouble
	return p.show(ctx, v, f, status)
}

// lost shows what somebody published meanwhile beside what was typed. Published again, what was typed comes on top.
func (p Prompts) lost(ctx context.Context, v *page.Visit, f form, typed prompt.Content) (page.Reply, error) {
	now, err := p.Prompts.Prompt(ctx, v.Scope(), f.ID)
	if err != nil {
		return page.Reply{}, err
	}
	theirs, err := p.Prompts.Version(ctx, v.Scope(), f.ID, now.Latest)
	if err != nil {
		return page.Reply{}, err
	}
	authors, err := people.ListAuthors(ctx, p.People, v.Scope())
	if err != nil {
		return page.Reply{}, err
	}
	f.Conflict = &conflict{Number: theirs.Number, Author: authors.Name(theirs.Author), Message: theirs.Message, Changes: changes(now.Kind, theirs.Content, typed)}
	f.Version = now.Latest
	return p.show(ctx, v, f, http.StatusConflict)
}

// Preview is what a check finds, for the pane beside the form while somebody types.
func (p Prompts) Preview(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f := read(v)
	var err error
	if f.Verdict, err = p.check(ctx, v.Scope(), &f); err != nil {
		return page.Reply{}, err
	}
	return page.Part(findings(f)), nil
}

func (p Prompts) show(ctx context.Context, v *page.Visit, f form, status int) (page.Reply, error) {
	var err error
	if f.Offered, err = p.offer(ctx, v, f.ID); err != nil {
		return page.Reply{}, err
	}
	title := "New prompt"
	if f.editing() {
		title = "New version of " + f.Title
	}
	return page.Show(layout.Frame{Title: title, Active: layout.Prompts}, edit(f)).As(status), nil
}

// suggestedMost bounds what travels with the form.
const suggestedMost = 300

// offer reads what the form suggests.
func (p Prompts) offer(ctx context.Context, v *page.Visit, which id.Prompt) (offered, error) {
	in := v.Scope()
	out := offered{Release: v.Can(tenant.ReleasePrompts)}
	all, _, err := p.Prompts.List(ctx, in, prompt.Filter{}, "", suggestedMost)
	if err != nil {
		return out, err
	}
	for _, one := range all {
		if one.Kind == prompt.Text && one.ID != which {
			out.Prompts = append(out.Prompts, one.Name)
		}
	}
	if v.Can(tenant.ReadAliases) {
		aliases, _, err := p.Aliases.List(ctx, in, "", "", suggestedMost)
		if err != nil {
			return out, err
		}
		for _, a := range aliases {
			out.Aliases = append(out.Aliases, a.Name)
		}
	}
	var had prompt.Prompt
	if which != "" {
		if had, err = p.Prompts.Prompt(ctx, in, which); err != nil {
			return out, err
		}
		out.Protected = had.Protected
	} else {
		out.Starters = starters()
		rules, err := p.Prompts.Rules(ctx, in)
		if err != nil {
			return out, err
		}
		out.Protected = rules.Protected
	}
	out.Labels = labelChoices(had, out.Protected, out.Release)
	return out, nil
}

// labelChoices are the labels that a prompt has, and the two that nearly every prompt gets.
func labelChoices(p prompt.Prompt, protected []string, release bool) []labelChoice {
	names := []string{prompt.Production, "staging"}
	for label := range p.Labels {
		names = append(names, label)
	}
	slices.Sort(names[2:])
	var out []labelChoice
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			continue
		}
		guarded := slices.Contains(protected, name)
		out = append(out, labelChoice{Label: name, At: p.Labels[name], Protected: guarded, Closed: guarded && !release})
	}
	return out
}

// labels are those that were checked, and the one that was typed.
func (f form) labels() []string {
	out := slices.Clone(f.Labels)
	for _, l := range page.Words(f.NewLabel) {
		if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}

func faultOf(err error) *fault.Error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	return nil
}
