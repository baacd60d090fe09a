package prompts

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// labelRow is one label in the panel.
type labelRow struct {
	Label     string
	At        int
	Protected bool
	May       bool // the visitor may move it at once
	Back      int  // the version before; 0: there is none
	Ramp      *prompt.Ramp
	Uses      []string // environments whose calls use it when they name none
	Since     prompt.Move
}

// requestRow is a move that waits.
type requestRow struct {
	prompt.Request
	By  string
	Own bool // the visitor asked for it
	May bool // the visitor may answer it
}

type moveRow struct {
	prompt.Move
	By string
}

type commentRow struct {
	prompt.Comment
	By    string
	Mine  bool
	Ended string // who resolved it
}

// released fills in labels, open requests, and the history of moves.
func (p Prompts) released(ctx context.Context, v *page.Visit, view *detailView) error {
	in, one := v.Scope(), view.Prompt
	moves, err := p.Prompts.Moves(ctx, in, one.ID, 100)
	if err != nil {
		return err
	}
	open, _, err := p.Prompts.Requests(ctx, in, prompt.RequestFilter{Prompt: one.ID, Open: true}, "", 50)
	if err != nil {
		return err
	}
	me := in.Actor().ID()
	for _, r := range open {
		view.Requests = append(view.Requests, requestRow{
			Request: r, By: view.authors.Name(r.AskedBy), Own: r.AskedBy == me,
			May: r.State == prompt.Waiting && r.AskedBy != me && view.CanWrite && (view.CanRelease || !view.Rules.Protects(r.Label)),
		})
	}
	for _, label := range sorted(one.Labels) {
		view.Labels = append(view.Labels, view.labelRow(label, moves))
	}
	for _, m := range moves[:min(len(moves), movesShown)] {
		view.Moves = append(view.Moves, moveRow{m, view.authors.Name(m.By)})
	}
	return nil
}

func (v *detailView) labelRow(label string, moves []prompt.Move) labelRow {
	out := labelRow{Label: label, At: v.Prompt.Labels[label], Protected: v.Rules.Protects(label), May: v.may(label)}
	if r, moving := v.Prompt.Ramps[label]; moving {
		out.Ramp = &r
	}
	for _, m := range moves {
		if m.Label == label && m.Is == out.At && m.Share == 0 {
			out.Since, out.Back = m, m.Was
			break
		}
	}
	for _, environment := range sortedKeys(v.Rules.Environments) {
		if v.Rules.Environments[environment] == label {
			out.Uses = append(out.Uses, environment)
		}
	}
	return out
}

// said fills in the comments.
func (p Prompts) said(ctx context.Context, v *page.Visit, view *detailView) error {
	list, _, err := p.Prompts.Comments(ctx, v.Scope(), view.Prompt.ID, "", commentsShown)
	for _, c := range list {
		r := commentRow{Comment: c, By: view.authors.Name(c.Author), Mine: c.Author == v.Scope().Actor().ID() || view.CanRelease}
		if !c.ResolvedAt.IsZero() {
			r.Ended = view.authors.Name(c.ResolvedBy)
		}
		view.Comments = append(view.Comments, r)
	}
	return err
}

// moveHref is the form that moves a label; the zero version leaves it open.
func moveHref(which id.Prompt, label string, to int) string {
	q := url.Values{}
	if label != "" {
		q.Set("label", label)
	}
	if to != 0 {
		q.Set("to", strconv.Itoa(to))
	}
	return href(which) + "/move?" + q.Encode()
}

// where is where a label stands, in words.
func (r labelRow) where() string {
	out := "on " + versionText(r.At)
	if r.Ramp != nil {
		out += ", " + percent(r.Ramp.Share) + " of units already get " + versionText(r.Ramp.To)
	}
	return out
}

// guarded says who moves the label.
func (v detailView) guarded(r labelRow) string {
	switch {
	case !r.Protected:
		return ""
	case v.Rules.Approvals:
		return "protected: another owner or admin approves each move"
	}
	return "protected: owners and admins move it"
}

// wished is a request in words.
func (r requestRow) wished() string {
	out := r.Label + " from " + versionText(r.From) + " to " + versionText(r.To)
	if r.Plan != nil {
		out += ", by and by"
	}
	return out
}

// moved is a move in words.
func (m moveRow) moved() string {
	switch {
	case m.Share != 0:
		return m.Label + ": " + percent(m.Share) + " to " + versionText(m.Is)
	case m.Is == 0:
		return m.Label + " taken off " + versionText(m.Was)
	case m.Was == 0:
		return m.Label + " put on " + versionText(m.Is)
	}
	return m.Label + " from " + versionText(m.Was) + " to " + versionText(m.Is)
}

// about is who said it, and of which version.
func (c commentRow) about() string {
	if c.Version == 0 {
		return c.By
	}
	return c.By + " on " + versionText(c.Version)
}

// passed is how many of the outcomes are good, in words.
func (v detailView) passed() (state ui.State, text string) {
	failed := 0
	for _, o := range v.Outcomes {
		if o.Failed != "" {
			failed++
		}
	}
	text = ui.CountText(int64(len(v.Outcomes)-failed)) + " of " + ui.CountText(int64(len(v.Outcomes))) + " pass"
	if failed > 0 {
		return ui.Act, text
	}
	return ui.Fine, text
}

// lede says who uses the prompt.
func (s subject) lede() string {
	out := s.Prompt.Description
	if out != "" {
		if last, _ := utf8.DecodeLastRuneInString(out); !strings.ContainsRune(".!?…", last) {
			out += "."
		}
		out += " "
	}
	if len(s.Used) > 0 {
		out += "Used by "
		for i, l := range s.Used {
			if i > 0 {
				out += ", "
			}
			out += l.Text
		}
		out += ". "
	}
	return out + "A moved label takes effect on the next call, within a second."
}
