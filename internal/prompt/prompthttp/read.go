package prompthttp

import (
	"context"

	"tollgate/internal/fault"
	"tollgate/internal/prompt"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// keepHint is how long applications that fetch prompts may keep them: for some seconds without asking, for some minutes while they ask
// behind their users' backs, and for a day while we do not answer. Calls through the gateway see a moved label within a second.
const keepHint = "private, max-age=10, stale-while-revalidate=300, stale-if-error=86400"

// PromptReading is a prompt and, where one was asked for, one of its versions.
type PromptReading struct {
	Prompt
	Version *PromptVersion `json:"version,omitempty" doc:"Where a label or a number was asked for"`
	kept    bool
}

// CacheControl implements rest.Hinted. A prompt that is read to be changed is not kept.
func (r PromptReading) CacheControl() string {
	if r.kept {
		return keepHint
	}
	return ""
}

type readRequest struct {
	rest.Cached
	ID      string `path:"id" doc:"The prompt's id, or its name with every slash written %2F"`
	Label   string `query:"label" maxLength:"36" doc:"The version on which this label stands"`
	Version int    `query:"version" minimum:"1" doc:"This version"`
}

// Read is one prompt, and what a label or number of it says.
func Read(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Read a prompt",
		Description: "By id or name. With label or version the answer holds that version, and says how long it may be kept; " +
			"ask again with If-None-Match. An archived prompt is found by its id only.",
		Errors: []*fault.Error{prompt.ErrNotFound, prompt.ErrLabel, prompt.ErrVersion, prompt.ErrBoth},
	},
		func(ctx context.Context, in tenant.Scope, req readRequest) (PromptReading, error) {
			p, err := s.Find(ctx, in, req.ID)
			if err != nil || req.Label == "" && req.Version == 0 {
				return PromptReading{Prompt: toPrompt(p)}, err
			}
			out := PromptReading{Prompt: toPrompt(p), kept: true}
			v, err := selected(ctx, s, in, p, req.Version, req.Label, func(int) bool { return req.Has(out.Tag()) })
			out.Version = &v
			return out, err
		})
}

// selected is the version that is asked for; of what the reader has already, its number only.
func selected(ctx context.Context, s *prompt.Service, in tenant.Scope, p prompt.Prompt, number int, label string, has func(number int) bool) (PromptVersion, error) {
	number, err := p.Standing(number, label)
	switch {
	case err != nil:
		return PromptVersion{}, err
	case number > p.Latest:
		return PromptVersion{}, prompt.ErrVersion
	case has(number):
		return PromptVersion{Number: number}, nil
	}
	v, err := s.Version(ctx, in, p.ID, number)
	return toVersion(v), err
}

type resolveRequest struct {
	rest.Cached
	Name    string `query:"name" required:"true" maxLength:"255" doc:"The prompt's name or id"`
	Label   string `query:"label" maxLength:"36" doc:"production where neither label nor version is given"`
	Version int    `query:"version" minimum:"0"`
}

// CacheControl implements rest.Hinted.
func (p PublishedPrompt) CacheControl() string { return keepHint }

// Resolve is the version that a name and a label mean.
func Resolve(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Find a prompt by its name", Description: "With the version on which the label stands. Says how long it may be kept; ask again with If-None-Match.",
		Errors: []*fault.Error{prompt.ErrNotFound, prompt.ErrLabel, prompt.ErrVersion, prompt.ErrBoth},
	},
		func(ctx context.Context, in tenant.Scope, req resolveRequest) (PublishedPrompt, error) {
			p, err := s.Find(ctx, in, req.Name)
			if err != nil {
				return PublishedPrompt{}, err
			}
			out := PublishedPrompt{Prompt: toPrompt(p)}
			out.Version, err = selected(ctx, s, in, p, req.Version, req.Label, func(number int) bool {
				out.Version.Number = number
				return req.Has(out.Tag())
			})
			return out, err
		})
}
