package prompthttp

import (
	"context"
	"net/http"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

type publishRequest struct {
	ID   string `path:"id"`
	Body struct {
		Content  PromptContent `json:"content"`
		Message  string        `json:"message,omitempty" maxLength:"2000" doc:"What the version is for"`
		Labels   []string      `json:"labels,omitempty" maxItems:"32" doc:"Put on the new version"`
		Expected int           `json:"expected_latest,omitempty" minimum:"1" doc:"The newest version that you read; another one now is refused"`
	}
}

// Publish makes the next version.
func Publish(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Publish a version of a prompt", Description: "The content of the newest version makes none. Labels act on the next call on every proxy within a second.",
		Status: http.StatusCreated, Errors: append([]*fault.Error{prompt.ErrNotFound, prompt.ErrArchived, prompt.ErrStale}, writing...),
	},
		func(ctx context.Context, in tenant.Scope, req publishRequest) (PublishedPrompt, error) {
			c, err := fromContent(req.Body.Content)
			if err != nil {
				return PublishedPrompt{}, err
			}
			return published(s.Publish(ctx, in, id.Prompt(req.ID), c, req.Body.Message, req.Body.Labels, func(now prompt.Prompt) error {
				if e := req.Body.Expected; e != 0 && e != now.Latest {
					return prompt.ErrStale
				}
				return nil
			}))
		})
}

type versionsRequest struct {
	rest.PageQuery
	ID string `path:"id"`
}

// Versions lists a prompt's versions, newest first.
func Versions(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List the versions of a prompt", Description: "Newest first.", Errors: []*fault.Error{prompt.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req versionsRequest) (rest.Page[PromptVersion], error) {
			var before int
			if err := rest.DecodeCursor(req.Cursor, &before); err != nil {
				return rest.Page[PromptVersion]{}, err
			}
			found, more, err := s.Versions(ctx, in, id.Prompt(req.ID), before, req.Limit)
			return rest.PageFrom(found, more, toVersion, func(v prompt.Version) any { return v.Number }), err
		})
}

type versionRequest struct {
	ID     string `path:"id"`
	Number int    `path:"number" minimum:"1"`
}

// ReadVersion is one version.
func ReadVersion(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read a version of a prompt", Errors: []*fault.Error{prompt.ErrNotFound, prompt.ErrVersion}},
		func(ctx context.Context, in tenant.Scope, req versionRequest) (PromptVersion, error) {
			v, err := s.Version(ctx, in, id.Prompt(req.ID), req.Number)
			return toVersion(v), err
		})
}

type labelRequest struct {
	ID    string `path:"id"`
	Label string `path:"label" maxLength:"36"`
	Body  struct {
		Version  int `json:"version" minimum:"1"`
		Expected int `json:"expected_version,omitempty" minimum:"1" doc:"Where the label stood when you read it; elsewhere now is refused"`
	}
}

// SetLabel puts a label on a version.
func SetLabel(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Put a label on a version of a prompt", Description: "The next call on every proxy uses it within a second. Moving it back is the roll-back.",
		Errors: []*fault.Error{prompt.ErrNotFound, prompt.ErrVersion, prompt.ErrInvalid, prompt.ErrProtected, prompt.ErrApproval, prompt.ErrBreaks, prompt.ErrStale, prompt.ErrArchived},
	},
		func(ctx context.Context, in tenant.Scope, req labelRequest) (Prompt, error) {
			p, err := s.SetLabel(ctx, in, id.Prompt(req.ID), req.Label, req.Body.Version, func(now prompt.Prompt) error {
				if e := req.Body.Expected; e != 0 && e != now.Labels[req.Label] {
					return prompt.ErrStale
				}
				return nil
			})
			return toPrompt(p), err
		})
}

type unlabelRequest struct {
	ID    string `path:"id"`
	Label string `path:"label" maxLength:"36"`
}

// RemoveLabel takes a label off.
func RemoveLabel(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Take a label off a prompt", Description: "Calls that name it are refused from then on.",
		Errors: []*fault.Error{prompt.ErrNotFound, prompt.ErrInvalid, prompt.ErrProtected, prompt.ErrApproval, prompt.ErrBreaks, prompt.ErrArchived},
	},
		func(ctx context.Context, in tenant.Scope, req unlabelRequest) (rest.None, error) {
			_, err := s.SetLabel(ctx, in, id.Prompt(req.ID), req.Label, 0, nil)
			return rest.None{}, err
		})
}

// LabelMove is one move of a label.
type LabelMove struct {
	Label string    `json:"label"`
	Was   int       `json:"was,omitempty" doc:"Absent: it stood nowhere"`
	Is    int       `json:"is,omitempty" doc:"Absent: it was taken off"`
	Share int       `json:"share,omitempty" doc:"A step of a gradual move: of 10,000 units that get the new version from then on. Absent: all"`
	At    time.Time `json:"at"`
	By    string    `json:"by" doc:"Id of the user or token"`
	Why   string    `json:"why,omitempty"`
}

// LabelMoves are a prompt's latest moves of labels.
type LabelMoves struct {
	Items []LabelMove `json:"items"`
}

// ListMoves lists the latest hundred moves of labels, newest first.
func ListMoves(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List the moves of a prompt's labels", Description: "The latest hundred, newest first.", Errors: []*fault.Error{prompt.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (LabelMoves, error) {
			found, err := s.Moves(ctx, in, id.Prompt(req.ID), 100)
			out := LabelMoves{Items: make([]LabelMove, len(found))}
			for i, m := range found {
				out.Items[i] = LabelMove(m)
			}
			return out, err
		})
}

type checkRequest struct {
	Body struct {
		Prompt  string        `json:"prompt,omitempty" doc:"Id of the prompt whose next version it would be"`
		Kind    string        `json:"kind" enum:"text,chat"`
		Content PromptContent `json:"content"`
	}
}

// PromptCheck is what a version would bring.
type PromptCheck struct {
	Mistakes []PromptMistake `json:"mistakes"`
	Cases    []CaseOutcome   `json:"cases"`
}

// PromptMistake is what is wrong, and where.
type PromptMistake struct {
	At     string `json:"at" doc:"text, or messages.N.text"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Reason string `json:"reason"`
}

// CaseOutcome is what became of one case.
type CaseOutcome struct {
	Case   string `json:"case"`
	Text   string `json:"text"`
	Failed string `json:"failed,omitempty"`
}

// Check says everything that is wrong with content, without saving it.
func Check(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Check a version without saving it", Errors: []*fault.Error{prompt.ErrInvalid}},
		func(ctx context.Context, in tenant.Scope, req checkRequest) (PromptCheck, error) {
			out := PromptCheck{Mistakes: []PromptMistake{}, Cases: []CaseOutcome{}}
			c, err := fromContent(req.Body.Content)
			if err != nil {
				return out, err
			}
			mistakes, cases, err := s.Check(ctx, in, id.Prompt(req.Body.Prompt), prompt.Kind(req.Body.Kind), c)
			for _, m := range mistakes {
				out.Mistakes = append(out.Mistakes, PromptMistake{m.At, m.Line, m.Column, m.Reason})
			}
			for _, o := range cases {
				out.Cases = append(out.Cases, CaseOutcome(o))
			}
			return out, err
		})
}
