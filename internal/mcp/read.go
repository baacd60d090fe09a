package mcp

import (
	"context"
	"encoding/json"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// told is a prompt as agents see it.
type told struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	Kind        string         `json:"kind"`
	Description string         `json:"description,omitempty"`
	Tags        []string       `json:"tags,omitempty"`
	Latest      int            `json:"latest"`
	Labels      map[string]int `json:"labels"`
	Protected   []string       `json:"protected_labels,omitempty"`
	UpdatedAt   time.Time      `json:"updated_at"`
	Archived    bool           `json:"archived,omitempty"`
}

func tell(p prompt.Prompt) told {
	return told{
		ID: string(p.ID), Name: p.Name, Kind: string(p.Kind), Description: p.Description, Tags: p.Tags, Latest: p.Latest,
		Labels: p.Labels, Protected: p.Protected, UpdatedAt: p.UpdatedAt, Archived: !p.ArchivedAt.IsZero(),
	}
}

type toldVersion struct {
	Number    int            `json:"number"`
	Content   prompt.Content `json:"content"`
	Message   string         `json:"message,omitempty"`
	Author    string         `json:"author"`
	CreatedAt time.Time      `json:"created_at"`
}

// toldBoth is a prompt with one of its versions.
type toldBoth struct {
	Prompt  told        `json:"prompt"`
	Version toldVersion `json:"version"`
}

func tellBoth(p prompt.Prompt, v prompt.Version) toldBoth {
	return toldBoth{tell(p), toldVersion{v.Number, v.Content, v.Message, v.Author, v.CreatedAt}}
}

type listArguments struct {
	Text     string `json:"text"`
	Folder   string `json:"folder"`
	Label    string `json:"label"`
	Tag      string `json:"tag"`
	Archived bool   `json:"archived"`
	Limit    int    `json:"limit"`
	Cursor   string `json:"cursor"`
}

const limitMax = 200

func (s *server) listPrompts(ctx context.Context, in tenant.Scope, a listArguments) (any, error) {
	var after string
	if err := rest.DecodeCursor(a.Cursor, &after); err != nil {
		return nil, err
	}
	limit, err := limited(a.Limit, 50, limitMax)
	if err != nil {
		return nil, err
	}
	f := prompt.Filter{Text: a.Text, Folder: a.Folder, Label: a.Label, Tag: a.Tag, Archived: a.Archived}
	found, more, err := s.Prompts.List(ctx, in, f, after, limit)
	return rest.PageFrom(found, more, tell, func(p prompt.Prompt) any { return p.Name }), err
}

func limited(asked, otherwise, most int) (int, error) {
	switch {
	case asked == 0:
		return otherwise, nil
	case asked < 0 || asked > most:
		return 0, errArguments.Say("limit is from 1 to %d.", most).At("limit")
	}
	return asked, nil
}

// which names a prompt and one of its versions.
type which struct {
	Prompt  string `json:"prompt"`
	Label   string `json:"label"`
	Version int    `json:"version"`
}

// version finds what is named.
func (s *server) version(ctx context.Context, in tenant.Scope, w which) (prompt.Prompt, prompt.Version, error) {
	p, err := s.find(ctx, in, w.Prompt)
	if err != nil {
		return p, prompt.Version{}, err
	}
	number, err := p.Standing(w.Version, w.Label)
	if err != nil {
		return p, prompt.Version{}, err
	}
	v, err := s.Prompts.Version(ctx, in, p.ID, number)
	return p, v, err
}

func (s *server) find(ctx context.Context, in tenant.Scope, ref string) (prompt.Prompt, error) {
	if ref == "" {
		return prompt.Prompt{}, errArguments.Say("Say which prompt: its id or its name.").At("prompt")
	}
	return s.Prompts.Find(ctx, in, ref)
}

func (s *server) getPrompt(ctx context.Context, in tenant.Scope, w which) (any, error) {
	p, v, err := s.version(ctx, in, w)
	return tellBoth(p, v), err
}

type renderArguments struct {
	which
	Variables map[string]json.RawMessage `json:"variables"`
}

type rendered struct {
	Prompt   string            `json:"prompt"`
	Version  int               `json:"version"`
	Messages []renderedMessage `json:"messages"`
}

type renderedMessage struct {
	Role string          `json:"role,omitempty"` // of a text prompt there is none
	Text string          `json:"text,omitempty"`
	Sent json.RawMessage `json:"sent,omitempty"` // a message that was sent for a placeholder
}

func (s *server) renderPrompt(ctx context.Context, in tenant.Scope, a renderArguments) (any, error) {
	p, v, err := s.version(ctx, in, a.which)
	if err != nil {
		return nil, err
	}
	out := rendered{Prompt: p.Name, Version: v.Number, Messages: []renderedMessage{}}
	err = s.Prompts.Library(ctx, in, func(lib prompt.Library) error {
		compiled, err := prompt.Ready(lib, p, v)
		if err != nil {
			return err
		}
		messages, err := compiled.Render(a.Variables)
		for _, m := range messages {
			out.Messages = append(out.Messages, renderedMessage{m.Role, m.Text, m.Sent})
		}
		return err
	})
	return out, err
}

type checkArguments struct {
	Prompt  string         `json:"prompt"`
	Kind    string         `json:"kind"`
	Content prompt.Content `json:"content"`
}

type checked struct {
	Sound    bool           `json:"sound"` // nothing is wrong
	Mistakes []mistake      `json:"mistakes"`
	Cases    []checkedCases `json:"cases"`
}

type mistake struct {
	At     string `json:"at"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Reason string `json:"reason"`
}

type checkedCases struct {
	Case   string `json:"case"`
	Text   string `json:"text"`
	Failed string `json:"failed,omitempty"`
}

func (s *server) checkPrompt(ctx context.Context, in tenant.Scope, a checkArguments) (any, error) {
	var self id.Prompt
	if a.Prompt != "" {
		p, err := s.Prompts.Find(ctx, in, a.Prompt)
		if err != nil {
			return nil, err
		}
		self, a.Kind = p.ID, string(p.Kind)
	}
	mistakes, cases, err := s.Prompts.Check(ctx, in, self, prompt.Kind(a.Kind), a.Content)
	if err != nil {
		return nil, err
	}
	out := checked{Sound: len(mistakes) == 0, Mistakes: []mistake{}, Cases: []checkedCases{}}
	for _, m := range mistakes {
		out.Mistakes = append(out.Mistakes, mistake{m.At, m.Line, m.Column, m.Reason})
	}
	for _, o := range cases {
		out.Cases = append(out.Cases, checkedCases(o))
		out.Sound = out.Sound && o.Failed == ""
	}
	return out, nil
}
