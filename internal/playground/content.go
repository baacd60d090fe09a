package playground

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
	"tollgate/internal/tenant"
)

// Prompts is the registry; prompt.Service is it.
type Prompts interface {
	Prompt(ctx context.Context, in tenant.Scope, which id.Prompt) (prompt.Prompt, error)
	Named(ctx context.Context, in tenant.Scope, name string) (prompt.Prompt, error)
	Version(ctx context.Context, in tenant.Scope, which id.Prompt, number int) (prompt.Version, error)
}

// Chosen is what a column's prompt says. The zero Chosen says nothing.
type Chosen struct {
	Prompt  prompt.Prompt // zero: none
	Number  int           // of the version that the text comes from
	Label   string        // by which it was found; "": by its number
	Content prompt.Content
	Edited  bool // Content is not the version's own
}

// None reports that there is no prompt.
func (c *Chosen) None() bool { return c.Prompt.ID == "" && !c.Edited }

// Choose finds what a column's prompt says. prompt.ErrNotFound, ErrVersion, ErrLabel.
func (s *Service) Choose(ctx context.Context, in tenant.Scope, c *Column) (Chosen, error) {
	var out Chosen
	if c.Prompt != "" {
		p, err := s.Prompts.Prompt(ctx, in, c.Prompt)
		if err != nil {
			return Chosen{}, err
		}
		out.Prompt, out.Number = p, c.Version
		if out.Number == 0 {
			if out.Label = c.Label; out.Label == "" {
				out.Label = prompt.Production
			}
			if out.Number = p.At(out.Label); out.Number == 0 {
				return Chosen{}, prompt.NoLabel(p.Name, out.Label)
			}
		}
		v, err := s.Prompts.Version(ctx, in, p.ID, out.Number)
		if err != nil {
			return Chosen{}, err
		}
		out.Content = v.Content
	}
	if strings.TrimSpace(c.Draft) == "" || plain(c.Draft) == plain(FormatDraft(&out.Content)) {
		return out, nil
	}
	drafted := ParseDraft(c.Draft)
	out.Edited = true
	out.Content.Text, out.Content.Messages, out.Content.Cases = drafted.Text, drafted.Messages, nil
	return out, nil
}

// plain is a text but for how its lines end, which forms change.
func plain(text string) string {
	return strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
}

// declared adds to the variables that content declares those that are only filled in: they are texts.
func declared(c *prompt.Content, sent map[string]json.RawMessage) []template.Variable {
	out := slices.Clone(c.Variables)
	places := c.Placeholders()
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		if slices.Contains(places, name) || slices.ContainsFunc(out, func(v template.Variable) bool { return v.Name == name }) {
			continue
		}
		kind := template.Any
		if sent[name][0] == '"' {
			kind = template.String
		}
		out = append(out, template.Variable{Name: name, Kind: kind})
	}
	return out
}

// render fills content in here, as the gateway does for a saved version. ErrInvalid with the first thing that is wrong with a draft.
func (s *Service) render(ctx context.Context, in tenant.Scope, ch *Chosen, sent map[string]json.RawMessage) ([]prompt.Rendered, error) {
	if ch.None() {
		return nil, nil
	}
	c := ch.Content
	if ch.Edited {
		c.Variables = declared(&c, sent)
	}
	lib := library{ctx: ctx, in: in, prompts: s.Prompts, failed: new(error)}
	compiled, _, mistakes := prompt.Link(lib, ch.Prompt.ID, c)
	switch {
	case *lib.failed != nil:
		return nil, *lib.failed
	case len(mistakes) > 0:
		return nil, invalid("draft", "The prompt is not right yet: %s", mistakes[0].Reason)
	}
	return compiled.Render(sent)
}

// library is the registry as prompts that name others see it. It lives as long as one request.
type library struct {
	ctx     context.Context //nolint:containedctx // of the one request that it is made for
	in      tenant.Scope
	prompts Prompts
	failed  *error
}

// note keeps a failure that is not that a thing is not there.
func (l library) note(err error) bool {
	if err != nil && !errors.Is(err, prompt.ErrNotFound) && !errors.Is(err, prompt.ErrVersion) {
		*l.failed = err
	}
	return err == nil
}

// Named implements prompt.Library.
func (l library) Named(name string) (prompt.Prompt, bool) {
	p, err := l.prompts.Named(l.ctx, l.in, name)
	return p, l.note(err)
}

// Prompt implements prompt.Library.
func (l library) Prompt(which id.Prompt) (prompt.Prompt, bool) {
	p, err := l.prompts.Prompt(l.ctx, l.in, which)
	return p, l.note(err)
}

// Content implements prompt.Library.
func (l library) Content(which id.Prompt, number int) (prompt.Content, bool) {
	v, err := l.prompts.Version(l.ctx, l.in, which, number)
	return v.Content, l.note(err)
}
