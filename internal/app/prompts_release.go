package app

import (
	"context"

	"tollgate/internal/alias"
	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/notice"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

// tellOfPrompts has news of prompts kept and sent. nil posts nothing.
func tellOfPrompts(p notice.Poster) prompt.Tell {
	return func(ctx context.Context, org id.Org, once string, n prompt.News) error {
		if p == nil {
			return nil
		}
		_, err := p.Post(ctx, org, notice.New{
			Kind: notice.Kind(n.Kind), About: string(n.About), Once: once, Title: n.Title, Text: n.Text, Path: n.Path, Data: n.Data, At: n.At,
		})
		return err
	}
}

// holdsOfAliases says which alias has a prompt bound. The service may be made later: it knows prompts itself.
func holdsOfAliases(s func() *alias.Service) prompt.Hold {
	const step = 200
	return func(ctx context.Context, in tenant.Scope, which id.Prompt) (string, error) {
		for after, more := "", true; more; {
			var list []alias.Alias
			var err error
			if list, more, err = s().List(ctx, in, "", after, step); err != nil {
				return "", err
			}
			for _, a := range list {
				if a.Route.Prompt != nil && a.Route.Prompt.ID == which {
					return "the alias " + a.Name, nil
				}
				after = a.Name
			}
		}
		return "", nil
	}
}

// holdsOfExperiments says which experiment that deals units has a version of a prompt in one of its arms.
func holdsOfExperiments(s func() *experiment.Service) prompt.Hold {
	const step = 200
	return func(ctx context.Context, in tenant.Scope, which id.Prompt) (string, error) {
		for before, more := id.Experiment(""), true; more; {
			var list []experiment.Experiment
			var err error
			f := experiment.Filter{Status: []experiment.Status{experiment.Active, experiment.Promoted}}
			if list, more, err = s().List(ctx, in, f, before, step); err != nil {
				return "", err
			}
			for _, e := range list {
				before = e.ID
				for _, a := range e.Arms {
					if e.Live && a.Prompt != nil && a.Prompt.Prompt == which {
						return "the experiment " + e.Plan.Name, nil
					}
				}
			}
		}
		return "", nil
	}
}
