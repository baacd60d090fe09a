package prompts

import (
	"cmp"
	"context"
	"strconv"

	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptstat"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

const (
	versionsShown = 12
	movesShown    = 12
	commentsShown = 20
)

// subject is what every page of a prompt knows of it.
type subject struct {
	Prompt     prompt.Prompt
	Rules      prompt.Rules
	Used       []ui.Link // aliases to which it is bound
	CanWrite   bool
	CanRelease bool
	CanTry     bool // experiments
	Clock      ui.Clock
	Trouble    string
	authors    people.Authors
}

// subject reads it. ErrNotFound for another organization's too.
func (p Prompts) subject(ctx context.Context, v *page.Visit) (subject, error) {
	in := v.Scope()
	out := subject{CanWrite: v.Can(tenant.WritePrompts), CanRelease: v.Can(tenant.ReleasePrompts), CanTry: v.Can(tenant.WriteExperiments), Clock: ui.Clock{Now: v.Now}}
	var err error
	if out.Prompt, err = p.Prompts.Prompt(ctx, in, id.Prompt(v.Param("id"))); err != nil {
		return out, err
	}
	if out.Rules, err = p.Prompts.Rules(ctx, in); err != nil {
		return out, err
	}
	users, err := p.users(ctx, v)
	if err != nil {
		return out, err
	}
	out.Used = usersOf(out.Prompt, users)
	out.authors, err = people.ListAuthors(ctx, p.People, in)
	return out, err
}

// frame is the page around a tab.
func (s subject) frame(v *page.Visit, what string) layout.Frame {
	return layout.Frame{Title: what + s.Prompt.Name, Active: layout.Prompts, Toasts: done(v)}
}

// archived reports whether the prompt is out of use.
func (s subject) archived() bool { return !s.Prompt.ArchivedAt.IsZero() }

// may reports whether the visitor may move a label without asking anybody.
func (s subject) may(label string) bool {
	if !s.CanWrite || s.archived() {
		return false
	}
	return !s.Rules.Protects(label) || s.CanRelease && !s.Rules.Approvals
}

type detailView struct {
	subject
	Versions     []versionRow
	Older, Newer string
	ScoreName    string
	From, To     prompt.Version // From.Number is 0: there is nothing to compare with
	Changes      []ui.DiffLine
	Settings     []settingChange // that are not the same
	Same         int
	Difference   *difference
	Labels       []labelRow
	Requests     []requestRow
	Moves        []moveRow
	Outcomes     []prompt.Outcome
	Comments     []commentRow
	Froms, Tos   []ui.Choice
}

type versionRow struct {
	Number   int
	Href     string
	Labels   []string
	Message  string
	Author   string
	Version  prompt.Version
	Figures  promptstat.Figures
	Each     money.NanoUSD
	Known    bool // anything was called with it
	Selected bool
}

// Detail is a prompt with its versions. Its state is ?from= &to= &before=.
func (p Prompts) Detail(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return p.detail(ctx, v, "", 0)
}

func (p Prompts) detail(ctx context.Context, v *page.Visit, trouble string, status int) (page.Reply, error) {
	s, err := p.subject(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	s.Trouble = trouble
	view := detailView{subject: s}
	if err := p.versions(ctx, v, &view); err != nil {
		return page.Reply{}, err
	}
	if err := p.compared(ctx, v, &view); err != nil {
		return page.Reply{}, err
	}
	if err := p.released(ctx, v, &view); err != nil {
		return page.Reply{}, err
	}
	if err := p.said(ctx, v, &view); err != nil {
		return page.Reply{}, err
	}
	return page.Show(s.frame(v, ""), detail(view)).As(status), nil
}

// versions fills in the table of versions, with what each carried.
func (p Prompts) versions(ctx context.Context, v *page.Visit, view *detailView) error {
	in, which := v.Scope(), view.Prompt.ID
	before := number(v.Query("before"))
	list, more, err := p.Prompts.Versions(ctx, in, which, before, versionsShown)
	if err != nil {
		return err
	}
	got, err := p.Stats.Metrics(ctx, in, promptstat.Query{Prompt: which, By: promptstat.ByVersion, From: v.Now.Add(-month), To: v.Now})
	if err != nil {
		return err
	}
	view.ScoreName = mostScored(got.All.Scores)
	for _, one := range list {
		r := versionRow{Number: one.Number, Href: versionHref(which, one.Number), Labels: view.Prompt.LabelsOf(one.Number), Message: one.Message, Author: view.authors.Name(one.Author), Version: one}
		for _, m := range got.Rows {
			if m.Version == one.Number {
				r.Figures, r.Each, r.Known = m.Figures, m.CostPerCall(), m.Calls > 0
			}
		}
		view.Versions = append(view.Versions, r)
	}
	if more {
		view.Older = href(which) + "?before=" + strconv.Itoa(list[len(list)-1].Number)
	}
	if before != 0 {
		view.Newer = href(which)
	}
	return nil
}

// mostScored is the name of the score with the most judgements; "": there is none.
func mostScored(scores map[string]promptstat.Score) string {
	best := ""
	for name, s := range scores {
		if best == "" || s.N > scores[best].N || s.N == scores[best].N && name < best {
			best = name
		}
	}
	return best
}

// compared fills in the difference of two versions: those that the address names, or what is in use against the newest, or the newest
// against the one before.
func (p Prompts) compared(ctx context.Context, v *page.Visit, view *detailView) error {
	in, one := v.Scope(), view.Prompt
	to := cmp.Or(number(v.Query("to")), one.Latest)
	from := number(v.Query("from"))
	if from == 0 {
		if from = one.Labels[prompt.Production]; from == 0 || from == to {
			from = to - 1
		}
	}
	var err error
	if view.To, err = p.Prompts.Version(ctx, in, one.ID, to); err != nil {
		return err
	}
	for i := range view.Versions {
		view.Versions[i].Selected = view.Versions[i].Number == to
	}
	if _, outcomes, err := p.Prompts.Check(ctx, in, one.ID, one.Kind, view.To.Content); err == nil {
		view.Outcomes = outcomes
	}
	if from < 1 || from == to {
		return nil
	}
	if view.From, err = p.Prompts.Version(ctx, in, one.ID, from); err != nil {
		return err
	}
	view.Changes = changes(one.Kind, view.From.Content, view.To.Content)
	for _, c := range settingChanges(view.From.Content, view.To.Content) {
		if c.Effect == same {
			view.Same++
			continue
		}
		view.Settings = append(view.Settings, c)
	}
	view.Froms, view.Tos = view.picks(from, to)
	view.Difference, err = p.difference(ctx, v, one.ID, from, to)
	return err
}

// pickMost bounds the versions that a picker offers: older ones are found in the table.
const pickMost = 40

func (v *detailView) picks(from, to int) (froms, tos []ui.Choice) {
	choice := func(n int, current bool, link string) ui.Choice {
		text := versionText(n)
		if labels := v.Prompt.LabelsOf(n); len(labels) > 0 {
			text += ", " + labels[0]
		}
		return ui.Choice{Text: text, Href: link, Current: current}
	}
	for n := v.Prompt.Latest; n > 0 && n > v.Prompt.Latest-pickMost; n-- {
		if n != to {
			froms = append(froms, choice(n, n == from, pairHref(v.Prompt.ID, n, to)))
		}
		if n != from {
			tos = append(tos, choice(n, n == to, pairHref(v.Prompt.ID, from, n)))
		}
	}
	return froms, tos
}

func pairHref(which id.Prompt, from, to int) string {
	return href(which) + "?from=" + strconv.Itoa(from) + "&to=" + strconv.Itoa(to)
}
