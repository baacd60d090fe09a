package prompts

import (
	"context"
	"strings"

	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/ui"
)

type trouble = page.Trouble

// rulesView is the page of rules as it is typed.
type rulesView struct {
	Rules      prompt.Rules
	CanRelease bool
	CanWrite   bool
	Protected  string
	Lines      string // environment=label, one a line
	Approvals  bool
	At         trouble
}

// environmentLines writes the labels of environments, one a line.
func environmentLines(r prompt.Rules) string {
	var out []string
	for _, e := range sortedKeys(r.Environments) {
		out = append(out, e+"="+r.Environments[e])
	}
	return strings.Join(out, "\n")
}

// Rules are protected labels, approvals, and the labels of environments.
func (p Prompts) Rules(ctx context.Context, v *page.Visit) (page.Reply, error) {
	r, err := p.Prompts.Rules(ctx, v.Scope())
	if err != nil {
		return page.Reply{}, err
	}
	return rules(v, rulesView{Rules: r, Protected: strings.Join(r.Protected, ", "), Lines: environmentLines(r), Approvals: r.Approvals}, 0)
}

func rules(v *page.Visit, view rulesView, status int) (page.Reply, error) {
	view.CanRelease, view.CanWrite = v.Can(tenant.ReleasePrompts), v.Can(tenant.WritePrompts)
	return page.Show(layout.Frame{Title: "Label rules", Active: layout.Prompts, Toasts: done(v)}, rulesPage(view)).As(status), nil
}

// SaveRules changes them.
func (p Prompts) SaveRules(ctx context.Context, v *page.Visit) (page.Reply, error) {
	now, err := p.Prompts.Rules(ctx, v.Scope())
	if err != nil {
		return page.Reply{}, err
	}
	view := rulesView{Rules: now, Protected: v.Form("protected"), Lines: lines(v.Form("environments")), Approvals: v.Form("approvals") != ""}
	labels, environments, read := page.Words(view.Protected), page.Pairs(view.Lines), number(v.Form("revision"))
	if labels == nil {
		labels = []string{}
	}
	if environments == nil {
		environments = map[string]string{}
	}
	_, err = p.Prompts.SetRules(ctx, v.Scope(), prompt.RulesEdit{Protected: &labels, Approvals: &view.Approvals, Environments: &environments}, func(stands prompt.Rules) error {
		if stands.Revision != read {
			return prompt.ErrStale.Say("Somebody else changed the rules meanwhile. What you typed stands below; look at theirs, then save again.")
		}
		return nil
	})
	if err == nil {
		return page.See(Path + "/rules?done=saved"), nil
	}
	wrong, status, mendable := refused(err)
	if !mendable {
		return page.Reply{}, err
	}
	view.At = wrong
	return rules(v, view, status)
}

func (v rulesView) protected() ui.InputView {
	return ui.InputView{FieldView: ui.FieldView{Name: "protected", Label: "Protected labels", Optional: true, Help: "Only owners and admins move these, in every way: by a page, the API, the command line, an import, or an agent.", Error: v.At.At("protected") + v.At.At("labels")}, Value: v.Protected, Mono: true}
}

func (v rulesView) environments() ui.InputView {
	return ui.InputView{FieldView: ui.FieldView{Name: "environments", Label: "Labels of environments", Optional: true, Help: "One a line: staging=staging, development=latest.", Error: v.At.At("environments")}, Value: v.Lines, Mono: true, Rows: 5}
}
