package keys

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

// TemplatesPath is where the pages of templates are.
const TemplatesPath = "/keys/templates"

func templatePath(which id.Template) string { return TemplatesPath + "/" + string(which) }

type templatesView struct {
	Rows     []templateRow
	CanWrite bool
}

type templateRow struct {
	ID, Name, Href string
	Team           string
	Colour         ui.Colour
	Badges         []ui.BadgeView
	Says           string
}

// Templates lists the key templates.
func (p Keys) Templates(ctx context.Context, v *page.Visit) (page.Reply, error) {
	list, err := p.Keys.Templates(ctx, v.Scope(), "")
	if err != nil {
		return page.Reply{}, err
	}
	teams, err := people.ListTeams(ctx, p.Accounts, v.Scope())
	if err != nil {
		return page.Reply{}, err
	}
	view := templatesView{CanWrite: key.Oversees(v.Scope())}
	for _, t := range list {
		view.Rows = append(view.Rows, newTemplateRow(t, teams))
	}
	return page.Show(layout.Frame{Title: "Key templates", Active: layout.Keys, Toasts: templateDone(v)}, templates(view)), nil
}

func templateDone(v *page.Visit) []ui.Toast {
	switch v.Query("done") {
	case "saved":
		return []ui.Toast{{Text: "Template saved. Keys that were made from it stay as they are."}}
	case "deleted":
		return []ui.Toast{{Text: "Template deleted. Keys that were made from it stay as they are."}}
	default:
		return nil
	}
}

func newTemplateRow(t key.Template, teams people.Teams) templateRow {
	r := templateRow{ID: string(t.ID), Name: t.Name, Href: templatePath(t.ID), Team: "Every team", Says: policyText(t.Policy)}
	if t.Team != "" {
		r.Team, r.Colour = teams.Name(t.Team), teams.Colour(t.Team)
	}
	if t.Standard {
		r.Badges = append(r.Badges, ui.BadgeView{Text: "Standard"})
	}
	if t.Bounding {
		r.Badges = append(r.Badges, ui.BadgeView{Text: "Bounds"})
	}
	return r
}

// policyText is what a template says of keys, shortly.
func policyText(p key.Policy) string {
	var out []string
	add := func(ok bool, text string) {
		if ok {
			out = append(out, text)
		}
	}
	add(p.Environment != "", p.Environment)
	add(len(p.Aliases)+len(p.Models) > 0, ui.Plural(int64(len(p.Aliases)+len(p.Models)), "alias or model", "aliases and models"))
	add(len(p.Endpoints) > 0, ui.Plural(int64(len(p.Endpoints)), "endpoint", "endpoints"))
	add(len(p.Networks) > 0, ui.Plural(int64(len(p.Networks)), "network", "networks"))
	add(p.Lifetime > 0, ui.SpanText(p.Lifetime))
	if p.Budget != nil {
		out = append(out, ui.MoneyText(p.Budget.Amount)+" by "+strings.ReplaceAll(p.Budget.Period, "_", " "))
	}
	add(p.Limits.RPM > 0, ui.Plural(p.Limits.RPM, "request a minute", "requests a minute"))
	add(p.Limits.TPM > 0, ui.Plural(p.Limits.TPM, "token a minute", "tokens a minute"))
	add(p.Limits.Concurrency > 0, ui.Plural(p.Limits.Concurrency, "call at once", "calls at once"))
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, ", ")
}

// templateForm is a template as it is typed: the form of a key, in which what is empty says nothing.
type templateForm struct {
	form

	Template           id.Template // "": to be made
	Standard, Bounding bool
	Days               string // of a key's life
}

func (f templateForm) making() bool { return f.Template == "" }

func (f templateForm) action() string {
	if f.making() {
		return TemplatesPath
	}
	return templatePath(f.Template) + "/edit"
}

func readTemplate(v *page.Visit) templateForm {
	return templateForm{form: read(v), Standard: v.Form("standard") != "", Bounding: v.Form("bounding") != "", Days: strings.TrimSpace(v.Form("days"))}
}

func ofTemplate(t key.Template) templateForm {
	p := t.Policy
	k := key.Key{
		Name: t.Name, Team: t.Team, Revision: t.Revision, Environment: p.Environment, Aliases: p.Aliases, Models: p.Models, Endpoints: p.Endpoints, Networks: p.Networks,
		Workflow: p.Workflow, Task: p.Task, Tags: p.Tags, Privacy: p.Privacy, DropUnsupported: p.DropUnsupported, BudgetStatus: p.BudgetStatus,
	}
	f := templateForm{form: of(k), Template: t.ID, Standard: t.Standard, Bounding: t.Bounding}
	f.Was = t.Name
	f.fill(p.Budget, p.Limits)
	if p.Lifetime > 0 {
		f.Days = strconv.Itoa(int(p.Lifetime / (24 * time.Hour)))
	}
	return f
}

// template is what the form says. Its errors are key.ErrInvalid at a field.
func (f templateForm) template() (key.Template, error) {
	t := key.Template{Name: f.Name, Team: id.Team(f.Team), Standard: f.Standard, Bounding: f.Bounding}
	n, err := f.key()
	if err != nil {
		return t, err
	}
	t.Policy = key.Policy{
		Environment: n.Environment, Aliases: n.Aliases, Models: n.Models, Endpoints: n.Endpoints, Networks: n.Networks, Workflow: n.Workflow, Task: n.Task, Tags: n.Tags,
		Privacy: n.Privacy, DropUnsupported: n.DropUnsupported, BudgetStatus: n.BudgetStatus, Budget: n.Budget, Limits: n.Limits,
	}
	if f.Days != "" {
		days, err := strconv.Atoi(f.Days)
		if err != nil || days < 1 || days > 3660 {
			return t, key.ErrInvalid.Say("Write a number of days, 1 to 3,660.").At("lifetime_seconds")
		}
		t.Policy.Lifetime = time.Duration(days) * 24 * time.Hour
	}
	return t, nil
}

func (p Keys) showTemplate(ctx context.Context, v *page.Visit, f templateForm) (page.Reply, error) {
	team := f.Team
	var err error
	if f.form, err = p.complete(ctx, v, f.form); err != nil {
		return page.Reply{}, err
	}
	f.Team = team // a template may be for every team
	title := "Add template"
	if !f.making() {
		title = "Change " + f.Was
	}
	return page.Show(layout.Frame{Title: title, Active: layout.Keys}, editTemplate(f)), nil
}

func (p Keys) templateAgain(ctx context.Context, v *page.Visit, f templateForm, err error) (page.Reply, error) {
	trouble, code, mendable := page.Wrong(err)
	if !mendable {
		return page.Reply{}, err
	}
	f.Trouble = placed(trouble)
	switch {
	case errors.Is(err, key.ErrTemplateTaken):
		f.Trouble.Field = "name"
	case errors.Is(err, key.ErrStandardTaken):
		f.Trouble.Field = "standard"
	}
	reply, err := p.showTemplate(ctx, v, f)
	return reply.As(code), err
}

// NewTemplate asks for a template.
func (p Keys) NewTemplate(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return p.showTemplate(ctx, v, templateForm{form: form{Scope: "any", Reach: "any", Team: v.Query("team"), room: room{Status: "402", Per: "month"}}})
}

// CreateTemplate makes one.
func (p Keys) CreateTemplate(ctx context.Context, v *page.Visit) (page.Reply, error) {
	f := readTemplate(v)
	t, err := f.template()
	if err == nil {
		_, err = p.Keys.CreateTemplate(ctx, v.Scope(), t)
	}
	if err != nil {
		return p.templateAgain(ctx, v, f, err)
	}
	return page.See(TemplatesPath + "?done=saved"), nil
}

// EditTemplateForm asks for changes.
func (p Keys) EditTemplateForm(ctx context.Context, v *page.Visit) (page.Reply, error) {
	t, err := p.Keys.Template(ctx, v.Scope(), id.Template(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	return p.showTemplate(ctx, v, ofTemplate(t))
}

// EditTemplate saves changes, unless somebody else changed the template meanwhile.
func (p Keys) EditTemplate(ctx context.Context, v *page.Visit) (page.Reply, error) {
	was, err := p.Keys.Template(ctx, v.Scope(), id.Template(v.Param("id")))
	if err != nil {
		return page.Reply{}, err
	}
	f := readTemplate(v)
	f.Template, f.Was = was.ID, was.Name
	t, err := f.template()
	if err == nil {
		_, err = p.Keys.UpdateTemplate(ctx, v.Scope(), was.ID, t, func(now key.Template) error {
			if now.Revision != f.Revision {
				return key.ErrStale.Say("Not saved: somebody changed this template meanwhile. Open it again to see the change.")
			}
			return nil
		})
	}
	if err != nil {
		return p.templateAgain(ctx, v, f, err)
	}
	return page.See(TemplatesPath + "?done=saved"), nil
}

// DeleteTemplate takes one away.
func (p Keys) DeleteTemplate(ctx context.Context, v *page.Visit) (page.Reply, error) {
	if err := p.Keys.DeleteTemplate(ctx, v.Scope(), id.Template(v.Param("id"))); err != nil {
		return page.Reply{}, err
	}
	return page.See(TemplatesPath + "?done=deleted"), nil
}

func (f templateForm) templateTeam() ui.SelectView {
	v := ui.SelectView{FieldView: f.field("team_id", "For keys of", ""), Value: f.Team, Options: []ui.Option{{Text: "Every team"}}}
	v.Options = append(v.Options, f.Teams.Options()...)
	return v
}

func (f templateForm) templateEnvironment() ui.SelectView {
	v := ui.SelectView{FieldView: f.field("environment", "Environment", ""), Value: f.Environment, Options: []ui.Option{{Text: "Says nothing"}}}
	for _, e := range key.Environments {
		v.Options = append(v.Options, ui.Option{Value: e, Text: e})
	}
	return v
}

func (f templateForm) templatePrivacy() ui.SelectView {
	v := f.privacy()
	v.Options = append([]ui.Option{{Text: "Says nothing", Note: "The maker decides"}}, v.Options...)
	return v
}

func (f templateForm) templateName() ui.InputView {
	v := f.name()
	v.Help, v.Placeholder = "", "Production services"
	return v
}

func (f templateForm) days() ui.InputView {
	v := ui.InputView{FieldView: f.field("lifetime_seconds", "Keys live for", ""), Value: f.Days, After: "days", Inputmode: "numeric", Placeholder: "without end"}
	v.Name = "days"
	v.Optional = true
	return v
}

func (f templateForm) boxes() []ui.CheckView {
	return []ui.CheckView{
		{Name: "standard", Label: "Standard", Note: "Taken where a maker names no template", Checked: f.Standard},
		{Name: "bounding", Label: "Bounds", Note: "Only owners and admins may give a key of the team more than this", Checked: f.Bounding},
	}
}

// templateAbove is what belongs to no field that the form shows.
func (f templateForm) templateAbove() string {
	return f.Trouble.Above(append([]string{"standard", "lifetime_seconds"}, fields...)...)
}
