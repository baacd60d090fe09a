// Package prompthttp is the JSON face of prompts.
package prompthttp

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// Prompt is a name and what stands behind it.
type Prompt struct {
	ID          string         `json:"id"`
	Name        string         `json:"name" doc:"What stands before the last slash is its folder"`
	Kind        string         `json:"kind" enum:"text,chat"`
	Description string         `json:"description"`
	Tags        []string       `json:"tags"`
	Latest      int            `json:"latest" doc:"Number of the newest version"`
	Labels      map[string]int `json:"labels" doc:"Version by label"`
	Protected   []string       `json:"protected_labels" doc:"Labels that owners and admins move"`
	// Ramps are absent where no label is under way.
	Ramps      map[string]PromptRamp `json:"ramps,omitempty" doc:"By label: gradual moves that are under way"`
	CreatedAt  time.Time             `json:"created_at"`
	UpdatedAt  time.Time             `json:"updated_at"`
	UpdatedBy  string                `json:"updated_by,omitempty" doc:"Id of the user or token"`
	ArchivedAt *time.Time            `json:"archived_at,omitempty"`
	revision   int
}

// Tag implements rest.Tagged.
func (p Prompt) Tag() string { return strconv.Itoa(p.revision) }

func toPrompt(p prompt.Prompt) Prompt {
	out := Prompt{
		ID: string(p.ID), Name: p.Name, Kind: string(p.Kind), Description: p.Description, Tags: p.Tags, Latest: p.Latest, Labels: p.Labels,
		Protected: p.Protected, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt, UpdatedBy: p.UpdatedBy, revision: p.Revision,
	}
	for label, r := range p.Ramps {
		if out.Ramps == nil {
			out.Ramps = make(map[string]PromptRamp, len(p.Ramps))
		}
		out.Ramps[label] = toRamp(r)
	}
	if out.Tags == nil {
		out.Tags = []string{}
	}
	if out.Protected == nil {
		out.Protected = []string{}
	}
	if !p.ArchivedAt.IsZero() {
		out.ArchivedAt = &p.ArchivedAt
	}
	return out
}

// PromptVersion is one immutable state of a prompt.
type PromptVersion struct {
	Number    int           `json:"number"`
	Content   PromptContent `json:"content"`
	Hash      string        `json:"hash" doc:"Of the content: equal content has equal hashes"`
	Author    string        `json:"author" doc:"Id of the user or token"`
	Message   string        `json:"message"`
	CreatedAt time.Time     `json:"created_at"`
}

func toVersion(v prompt.Version) PromptVersion {
	return PromptVersion{Number: v.Number, Content: toContent(v.Content), Hash: v.Hash, Author: v.Author, Message: v.Message, CreatedAt: v.CreatedAt}
}

// PublishedPrompt is a prompt and one of its versions.
type PublishedPrompt struct {
	Prompt  Prompt        `json:"prompt"`
	Version PromptVersion `json:"version"`
}

// Tag implements rest.Tagged.
func (p PublishedPrompt) Tag() string { return p.Prompt.Tag() + "-" + strconv.Itoa(p.Version.Number) }

func published(p prompt.Prompt, v prompt.Version, err error) (PublishedPrompt, error) {
	return PublishedPrompt{toPrompt(p), toVersion(v)}, err
}

type createRequest struct {
	Body struct {
		Name        string        `json:"name" maxLength:"255"`
		Kind        string        `json:"kind" enum:"text,chat"`
		Description string        `json:"description,omitempty" maxLength:"2000"`
		Tags        []string      `json:"tags,omitempty" maxItems:"32"`
		Content     PromptContent `json:"content"`
		Message     string        `json:"message,omitempty" maxLength:"2000" doc:"What the version is for"`
		Labels      []string      `json:"labels,omitempty" maxItems:"32" doc:"Put on the first version"`
	}
}

var writing = []*fault.Error{prompt.ErrInvalid, prompt.ErrProtected, prompt.ErrApproval, prompt.ErrCase, prompt.ErrBreaks}

// Create makes a prompt with its first version.
func Create(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Create a prompt", Status: http.StatusCreated, Errors: append([]*fault.Error{prompt.ErrTaken}, writing...)},
		func(ctx context.Context, in tenant.Scope, req createRequest) (PublishedPrompt, error) {
			b := &req.Body
			c, err := fromContent(b.Content)
			if err != nil {
				return PublishedPrompt{}, err
			}
			return published(s.Create(ctx, in, prompt.New{
				Name: b.Name, Kind: prompt.Kind(b.Kind), Description: b.Description, Tags: b.Tags, Content: c, Message: b.Message, Labels: b.Labels,
			}))
		})
}

type listRequest struct {
	rest.PageQuery
	Text     string `query:"text" maxLength:"200" doc:"Part of the name"`
	Folder   string `query:"folder" maxLength:"255" doc:"What is below it"`
	Label    string `query:"label" maxLength:"36" doc:"That stands somewhere"`
	Tag      string `query:"tag" maxLength:"36"`
	Archived bool   `query:"archived" doc:"Those that are, instead"`
}

// List lists prompts by name.
func List(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List prompts", Description: "By name."},
		func(ctx context.Context, in tenant.Scope, req listRequest) (rest.Page[Prompt], error) {
			var after string
			if err := rest.DecodeCursor(req.Cursor, &after); err != nil {
				return rest.Page[Prompt]{}, err
			}
			f := prompt.Filter{Text: req.Text, Folder: req.Folder, Label: req.Label, Tag: req.Tag, Archived: req.Archived}
			found, more, err := s.List(ctx, in, f, after, req.Limit)
			return rest.PageFrom(found, more, toPrompt, func(p prompt.Prompt) any { return p.Name }), err
		})
}

type oneRequest struct {
	ID string `path:"id"`
}

type updateRequest struct {
	rest.Match
	ID   string `path:"id"`
	Body struct {
		Name        *string   `json:"name,omitempty" maxLength:"255"`
		Description *string   `json:"description,omitempty" maxLength:"2000"`
		Tags        *[]string `json:"tags,omitempty" maxItems:"32"`
	}
}

// Update renames, describes or tags a prompt.
func Update(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Change a prompt's name, description or tags", Description: "Prompts that name it in their braces do not notice a rename; calls that use the old name do.",
		Errors: []*fault.Error{prompt.ErrInvalid, prompt.ErrNotFound, prompt.ErrTaken, prompt.ErrArchived, prompt.ErrProtected},
	},
		func(ctx context.Context, in tenant.Scope, req updateRequest) (Prompt, error) {
			e := prompt.Edit{Name: req.Body.Name, Description: req.Body.Description, Tags: req.Body.Tags}
			p, err := s.Edit(ctx, in, id.Prompt(req.ID), e, matching(req.Match))
			return toPrompt(p), err
		})
}

func matching(m rest.Match) func(prompt.Prompt) error {
	return func(now prompt.Prompt) error { return m.Check(toPrompt(now).Tag()) }
}

// Archive takes a prompt out of use.
func Archive(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Archive a prompt", Description: "Calls that name it are refused from then on; it can be restored.",
		Errors: []*fault.Error{prompt.ErrNotFound, prompt.ErrBreaks, prompt.ErrUsed, prompt.ErrProtected},
	},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (rest.None, error) {
			return rest.None{}, s.Archive(ctx, in, id.Prompt(req.ID))
		})
}

// Restore brings an archived prompt back.
func Restore(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Restore an archived prompt", Errors: []*fault.Error{prompt.ErrNotFound, prompt.ErrTaken, prompt.ErrBreaks, prompt.ErrProtected}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Prompt, error) {
			p, err := s.Restore(ctx, in, id.Prompt(req.ID))
			return toPrompt(p), err
		})
}

type duplicateRequest struct {
	ID   string `path:"id"`
	Body struct {
		Name    string `json:"name" maxLength:"255"`
		Version int    `json:"version,omitempty" minimum:"1" doc:"The newest where none is given"`
	}
}

// Duplicate makes a prompt of another's version.
func Duplicate(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Duplicate a prompt", Status: http.StatusCreated, Errors: append([]*fault.Error{prompt.ErrNotFound, prompt.ErrVersion, prompt.ErrTaken}, writing...)},
		func(ctx context.Context, in tenant.Scope, req duplicateRequest) (PublishedPrompt, error) {
			return published(s.Duplicate(ctx, in, id.Prompt(req.ID), req.Body.Version, req.Body.Name))
		})
}
