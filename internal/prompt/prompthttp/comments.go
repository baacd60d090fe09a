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

// PromptComment is what somebody said of a prompt or a version.
type PromptComment struct {
	ID         string     `json:"id"`
	Version    int        `json:"version,omitempty" doc:"Absent: of the prompt as such"`
	Text       string     `json:"text"`
	Author     string     `json:"author" doc:"Id of the user or token"`
	CreatedAt  time.Time  `json:"created_at"`
	ResolvedAt *time.Time `json:"resolved_at,omitempty"`
	ResolvedBy string     `json:"resolved_by,omitempty"`
}

func toComment(c prompt.Comment) PromptComment {
	return PromptComment{
		ID: string(c.ID), Version: c.Version, Text: c.Text, Author: c.Author, CreatedAt: c.CreatedAt, ResolvedAt: moment(c.ResolvedAt), ResolvedBy: c.ResolvedBy,
	}
}

type commentsRequest struct {
	rest.PageQuery
	ID string `path:"id"`
}

// ListComments lists the comments on a prompt, newest first.
func ListComments(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List the comments on a prompt", Description: "Newest first.", Errors: []*fault.Error{prompt.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req commentsRequest) (rest.Page[PromptComment], error) {
			var before id.PromptComment
			if err := rest.DecodeCursor(req.Cursor, &before); err != nil {
				return rest.Page[PromptComment]{}, err
			}
			found, more, err := s.Comments(ctx, in, id.Prompt(req.ID), before, req.Limit)
			return rest.PageFrom(found, more, toComment, func(c prompt.Comment) any { return c.ID }), err
		})
}

type commentRequest struct {
	ID   string `path:"id"`
	Body struct {
		Version int    `json:"version,omitempty" minimum:"1" doc:"Left out: of the prompt as such"`
		Text    string `json:"text" minLength:"1" maxLength:"4000"`
	}
}

// WriteComment comments on a prompt or a version.
func WriteComment(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Comment on a prompt or a version", Status: http.StatusCreated, Errors: []*fault.Error{prompt.ErrNotFound, prompt.ErrVersion, prompt.ErrInvalid}},
		func(ctx context.Context, in tenant.Scope, req commentRequest) (PromptComment, error) {
			c, err := s.Comment(ctx, in, id.Prompt(req.ID), req.Body.Version, req.Body.Text)
			return toComment(c), err
		})
}

type oneCommentRequest struct {
	ID      string `path:"id"`
	Comment string `path:"comment"`
}

// ResolveComment marks a comment as settled.
func ResolveComment(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Mark a comment as settled", Status: http.StatusOK, Errors: []*fault.Error{prompt.ErrNotFound, prompt.ErrComment}},
		func(ctx context.Context, in tenant.Scope, req oneCommentRequest) (PromptComment, error) {
			c, err := s.ResolveComment(ctx, in, id.Prompt(req.ID), id.PromptComment(req.Comment))
			return toComment(c), err
		})
}

// ReopenComment marks a comment as not settled.
func ReopenComment(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Open a settled comment again", Status: http.StatusOK, Errors: []*fault.Error{prompt.ErrNotFound, prompt.ErrComment}},
		func(ctx context.Context, in tenant.Scope, req oneCommentRequest) (PromptComment, error) {
			c, err := s.ReopenComment(ctx, in, id.Prompt(req.ID), id.PromptComment(req.Comment))
			return toComment(c), err
		})
}

// DeleteComment removes a comment.
func DeleteComment(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Delete a comment", Description: "Its author does, or an owner or admin.", Errors: []*fault.Error{prompt.ErrNotFound, prompt.ErrComment, prompt.ErrNotAuthor}},
		func(ctx context.Context, in tenant.Scope, req oneCommentRequest) (rest.None, error) {
			return rest.None{}, s.DeleteComment(ctx, in, id.Prompt(req.ID), id.PromptComment(req.Comment))
		})
}

// Delete removes an archived prompt for good.
func Delete(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Delete an archived prompt for good", Description: "With its versions, history, requests and comments. What the call log says of it stays.",
		Errors: []*fault.Error{prompt.ErrNotFound, prompt.ErrKept, prompt.ErrBreaks, prompt.ErrUsed},
	},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (rest.None, error) {
			return rest.None{}, s.Delete(ctx, in, id.Prompt(req.ID))
		})
}
