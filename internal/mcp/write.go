package mcp

import (
	"context"
	"time"

	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

type createArguments struct {
	Name        string         `json:"name"`
	Kind        string         `json:"kind"`
	Description string         `json:"description"`
	Tags        []string       `json:"tags"`
	Content     prompt.Content `json:"content"`
	Message     string         `json:"message"`
	Labels      []string       `json:"labels"`
}

func (s *server) createPrompt(ctx context.Context, in tenant.Scope, a createArguments) (any, error) {
	p, v, err := s.Prompts.Create(ctx, in, prompt.New{
		Name: a.Name, Kind: prompt.Kind(a.Kind), Description: a.Description, Tags: a.Tags, Content: a.Content, Message: a.Message, Labels: a.Labels,
	})
	return tellBoth(p, v), err
}

type publishArguments struct {
	Prompt   string         `json:"prompt"`
	Content  prompt.Content `json:"content"`
	Message  string         `json:"message"`
	Labels   []string       `json:"labels"`
	Expected int            `json:"expected_latest"`
}

func (s *server) publishVersion(ctx context.Context, in tenant.Scope, a publishArguments) (any, error) {
	p, err := s.find(ctx, in, a.Prompt)
	if err != nil {
		return nil, err
	}
	p, v, err := s.Prompts.Publish(ctx, in, p.ID, a.Content, a.Message, a.Labels, func(now prompt.Prompt) error {
		if a.Expected != 0 && a.Expected != now.Latest {
			return prompt.ErrStale
		}
		return nil
	})
	return tellBoth(p, v), err
}

type moveArguments struct {
	Prompt   string `json:"prompt"`
	Label    string `json:"label"`
	Version  int    `json:"version"`
	Expected int    `json:"expected_version"`
}

func (s *server) moveLabel(ctx context.Context, in tenant.Scope, a moveArguments) (any, error) {
	if a.Version < 1 {
		return nil, errArguments.Say("Say which version: a number from 1.").At("version")
	}
	p, err := s.find(ctx, in, a.Prompt)
	if err != nil {
		return nil, err
	}
	p, err = s.Prompts.SetLabel(ctx, in, p.ID, a.Label, a.Version, func(now prompt.Prompt) error {
		if a.Expected != 0 && a.Expected != now.Labels[a.Label] {
			return prompt.ErrStale
		}
		return nil
	})
	return tell(p), err
}

type askArguments struct {
	Prompt  string `json:"prompt"`
	Label   string `json:"label"`
	Version int    `json:"version"`
	Why     string `json:"why"`
}

// asked is a request that waits for a person.
type asked struct {
	ID      string    `json:"id"`
	State   string    `json:"state"`
	Label   string    `json:"label"`
	From    int       `json:"from"`
	To      int       `json:"to"`
	AskedAt time.Time `json:"asked_at"`
}

func (s *server) askForMove(ctx context.Context, in tenant.Scope, a askArguments) (any, error) {
	if a.Version < 1 {
		return nil, errArguments.Say("Say which version: a number from 1.").At("version")
	}
	p, err := s.find(ctx, in, a.Prompt)
	if err != nil {
		return nil, err
	}
	r, err := s.Prompts.Ask(ctx, in, p.ID, prompt.Wish{Label: a.Label, To: a.Version, Why: a.Why})
	return asked{ID: string(r.ID), State: string(r.State), Label: r.Label, From: r.From, To: r.To, AskedAt: r.AskedAt}, err
}
