package prompts

import (
	"context"
	"net/url"
	"strings"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/web/layout"
	"tollgate/web/page"
	"tollgate/web/ui"
)

// act does one thing to the prompt of the address and tells it with a word; what stands in the way is told on the prompt's page.
func (p Prompts) act(ctx context.Context, v *page.Visit, word string, do func(which id.Prompt) error) (page.Reply, error) {
	which := id.Prompt(v.Param("id"))
	if err := do(which); err != nil {
		trouble, status, mendable := refused(err)
		if !mendable {
			return page.Reply{}, err
		}
		return p.detail(ctx, v, trouble.Message, status)
	}
	return page.See(href(which) + "?done=" + word), nil
}

// RollBack puts a label back on the version before: the next call uses it.
func (p Prompts) RollBack(ctx context.Context, v *page.Visit) (page.Reply, error) {
	label, at, to := v.Form("label"), number(v.Form("at")), number(v.Form("to"))
	return p.act(ctx, v, "back", func(which id.Prompt) error {
		if to == 0 {
			return prompt.ErrVersion
		}
		_, err := p.Prompts.SetLabel(ctx, v.Scope(), which, label, to, standing(label, at))
		return err
	})
}

// standing refuses to move a label that does not stand where it was read; 0: it was not read.
func standing(label string, at int) func(prompt.Prompt) error {
	return func(now prompt.Prompt) error {
		if at != 0 && now.Labels[label] != at {
			return prompt.ErrStale.Say("Not moved: %s stands on %s by now. Look again, then move it.", label, versionText(now.Labels[label])).At("label")
		}
		return nil
	}
}

// Ramp stops, holds, resumes or hurries a gradual move.
func (p Prompts) Ramp(ctx context.Context, v *page.Visit) (page.Reply, error) {
	label, in := v.Form("label"), v.Scope()
	todo, word := p.Prompts.StopRamp, "stopped"
	switch v.Form("do") {
	case "hold":
		todo, word = p.Prompts.HoldRamp, "held"
	case "resume":
		todo, word = p.Prompts.ResumeRamp, "resumed"
	case "step":
		todo, word = p.Prompts.StepRamp, "stepped"
	}
	return p.act(ctx, v, word, func(which id.Prompt) error {
		_, err := todo(ctx, in, which, label, nil)
		return err
	})
}

// Answer approves, declines or withdraws a request for a move.
func (p Prompts) Answer(ctx context.Context, v *page.Visit) (page.Reply, error) {
	in, request, answer := v.Scope(), id.PromptRequest(v.Param("request")), strings.TrimSpace(v.Form("answer"))
	word := "answered"
	if v.Form("do") == "withdraw" {
		word = "withdrawn"
	}
	return p.act(ctx, v, word, func(which id.Prompt) (err error) {
		switch v.Form("do") {
		case "approve":
			_, err = p.Prompts.Approve(ctx, in, which, request, answer)
		case "decline":
			_, err = p.Prompts.Decline(ctx, in, which, request, answer)
		case "withdraw":
			_, err = p.Prompts.Withdraw(ctx, in, which, request)
		default:
			err = prompt.ErrRequest
		}
		return err
	})
}

// Comment says something of the prompt, or of one of its versions.
func (p Prompts) Comment(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return p.act(ctx, v, "noted", func(which id.Prompt) error {
		_, err := p.Prompts.Comment(ctx, v.Scope(), which, number(v.Form("version")), lines(v.Form("text")))
		return err
	})
}

// ChangeComment resolves, reopens or deletes a comment.
func (p Prompts) ChangeComment(ctx context.Context, v *page.Visit) (page.Reply, error) {
	in, comment := v.Scope(), id.PromptComment(v.Param("comment"))
	word := map[string]string{"resolve": "resolved", "reopen": "reopened", "delete": "erased"}[v.Param("what")]
	return p.act(ctx, v, word, func(which id.Prompt) (err error) {
		switch word {
		case "resolved":
			_, err = p.Prompts.ResolveComment(ctx, in, which, comment)
		case "reopened":
			_, err = p.Prompts.ReopenComment(ctx, in, which, comment)
		case "erased":
			err = p.Prompts.DeleteComment(ctx, in, which, comment)
		default:
			err = prompt.ErrComment
		}
		return err
	})
}

// Archive takes the prompt out of use.
func (p Prompts) Archive(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return p.act(ctx, v, "archived", func(which id.Prompt) error { return p.Prompts.Archive(ctx, v.Scope(), which) })
}

// Restore brings it back.
func (p Prompts) Restore(ctx context.Context, v *page.Visit) (page.Reply, error) {
	return p.act(ctx, v, "restored", func(which id.Prompt) error {
		_, err := p.Prompts.Restore(ctx, v.Scope(), which)
		return err
	})
}

// MoveFolder gives all prompts of a folder names in another one.
func (p Prompts) MoveFolder(ctx context.Context, v *page.Visit) (page.Reply, error) {
	to := strings.Trim(strings.TrimSpace(v.Form("to")), "/")
	if _, err := p.Prompts.MoveFolder(ctx, v.Scope(), v.Form("from"), to); err != nil {
		return page.Reply{}, err
	}
	return page.See(Path + "?" + url.Values{"folder": {to}, "done": {"folder"}}.Encode()), nil
}

type settingsView struct {
	subject
	Name, Description, Tags string
	Copy                    string
	At                      page.Trouble
	Users                   []prompt.User
}

// Settings are name, description and tags, and what ends a prompt.
func (p Prompts) Settings(ctx context.Context, v *page.Visit) (page.Reply, error) {
	s, err := p.subject(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	view := settingsView{subject: s, Name: s.Prompt.Name, Description: s.Prompt.Description, Tags: strings.Join(s.Prompt.Tags, ", "), Copy: s.Prompt.Name + "-copy"}
	return p.settings(ctx, v, view, 0)
}

func (p Prompts) settings(ctx context.Context, v *page.Visit, view settingsView, status int) (page.Reply, error) {
	var err error
	if view.Users, err = p.Prompts.UsedBy(ctx, v.Scope(), view.Prompt.ID); err != nil {
		return page.Reply{}, err
	}
	return page.Show(view.frame(v, "Settings of "), settingsPage(view)).As(status), nil
}

// SaveSettings renames, describes or tags the prompt, duplicates it, or deletes it for good.
func (p Prompts) SaveSettings(ctx context.Context, v *page.Visit) (page.Reply, error) {
	s, err := p.subject(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	view := settingsView{subject: s, Name: strings.TrimSpace(v.Form("name")), Description: strings.TrimSpace(v.Form("description")), Tags: v.Form("tags"), Copy: strings.TrimSpace(v.Form("copy"))}
	which, to := s.Prompt.ID, ""
	switch v.Form("do") {
	case "duplicate":
		view.Name, view.Description, view.Tags = s.Prompt.Name, s.Prompt.Description, strings.Join(s.Prompt.Tags, ", ")
		var made prompt.Prompt
		made, _, err = p.Prompts.Duplicate(ctx, v.Scope(), which, 0, view.Copy)
		to = href(made.ID) + "?done=copied"
		err = movedTo(err, "copy")
	case "delete":
		if v.Form("sure") != s.Prompt.Name {
			err = prompt.ErrInvalid.Say("Write the name of the prompt, %s, to delete it for good.", s.Prompt.Name).At("sure")
			break
		}
		err, to = p.Prompts.Delete(ctx, v.Scope(), which), Path+"?done=deleted"
	default:
		tags, read := page.Words(view.Tags), number(v.Form("revision"))
		_, err = p.Prompts.Edit(ctx, v.Scope(), which, prompt.Edit{Name: &view.Name, Description: &view.Description, Tags: &tags}, func(now prompt.Prompt) error {
			if read != now.Revision {
				return prompt.ErrStale
			}
			return nil
		})
		to = href(which) + "/settings?done=saved"
	}
	if err == nil {
		return page.See(to), nil
	}
	trouble, status, mendable := refused(err)
	if !mendable {
		return page.Reply{}, err
	}
	view.At = trouble
	return p.settings(ctx, v, view, status)
}

// movedTo puts what is wrong with a name at the field in which it was typed.
func movedTo(err error, field string) error {
	if f := faultOf(err); f != nil && f.Field == "name" {
		return f.At(field)
	}
	return err
}

type versionView struct {
	subject
	Version prompt.Version
	Labels  []string
	Author  string
	Said    []setting
}

// Version is one version in full.
func (p Prompts) Version(ctx context.Context, v *page.Visit) (page.Reply, error) {
	s, err := p.subject(ctx, v)
	if err != nil {
		return page.Reply{}, err
	}
	n := number(v.Param("version"))
	if n == 0 {
		return page.Reply{}, prompt.ErrVersion
	}
	view := versionView{subject: s}
	if view.Version, err = p.Prompts.Version(ctx, v.Scope(), s.Prompt.ID, n); err != nil {
		return page.Reply{}, err
	}
	view.Labels, view.Author, view.Said = s.Prompt.LabelsOf(n), s.authors.Name(view.Version.Author), settings(view.Version.Content)
	return page.Show(layout.Frame{Title: s.Prompt.Name + " " + versionText(n), Active: layout.Prompts, Toasts: done(v)}, version(view)), nil
}

// field is one of the settings' fields.
func (v settingsView) field(name, label, help, value string) ui.InputView {
	return ui.InputView{FieldView: ui.FieldView{Name: name, Label: label, Help: help, Error: v.At.At(name)}, Value: value}
}

// above is what belongs to no field.
func (v settingsView) above() string {
	return v.At.Above("name", "description", "tags", "copy", "sure")
}

// labelBadges are the labels that stand on the version.
func (v versionView) labelBadges() []ui.BadgeView {
	var out []ui.BadgeView
	for _, l := range v.Labels {
		out = append(out, ui.BadgeView{Tone: tone(l), Text: l})
	}
	return out
}
