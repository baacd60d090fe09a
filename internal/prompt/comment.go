package prompt

import (
	"cmp"
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Comment is what somebody said of a prompt, or of one of its versions.
type Comment struct {
	ID         id.PromptComment
	Prompt     id.Prompt
	Version    int // 0: of the prompt as such
	Text       string
	Author     string // id of the user or token
	CreatedAt  time.Time
	ResolvedAt time.Time // zero: it is open
	ResolvedBy string
}

const (
	commentRunesMax = 4000
	commentsMax     = 2000
)

// Comments lists newest first those before one ("": from the newest), at most limit, and whether there are more. ErrNotFound.
func (s *Service) Comments(ctx context.Context, in tenant.Scope, which id.Prompt, before id.PromptComment, limit int) ([]Comment, bool, error) {
	list, err := s.store.Comments(ctx, in, which, before, limit+1)
	return page(list, limit, err)
}

// Comment says something of a version; 0: of the prompt. ErrInvalid, ErrVersion.
func (s *Service) Comment(ctx context.Context, in tenant.Scope, which id.Prompt, version int, text string) (Comment, error) {
	text = strings.TrimSpace(text)
	if text == "" || utf8.RuneCountInString(text) > commentRunesMax || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return Comment{}, invalid("text", "A comment has 1 to %d characters.", commentRunesMax)
	}
	c := Comment{
		ID: id.PromptComment(id.New("pcom")), Prompt: which, Version: version, Text: text, Author: in.Actor().ID(), CreatedAt: s.now().UTC(),
	}
	err := s.change(ctx, in, which, nil, func(d Desk, _ Prompt) error {
		if n, err := d.Said(which); err != nil || n >= commentsMax {
			return cmp.Or(err, invalid("text", "A prompt has at most %d comments.", commentsMax))
		}
		if err := there(d, which, version); err != nil {
			return err
		}
		return d.PutComment(c)
	})
	return c, err
}

// ResolveComment marks a comment as settled. Settled ones stay as they are.
func (s *Service) ResolveComment(ctx context.Context, in tenant.Scope, which id.Prompt, comment id.PromptComment) (Comment, error) {
	return s.comment(ctx, in, which, comment, func(d Desk, c *Comment) error {
		if c.ResolvedAt.IsZero() {
			c.ResolvedAt, c.ResolvedBy = s.now().UTC(), in.Actor().ID()
		}
		return d.PutComment(*c)
	})
}

// ReopenComment marks a comment as not settled.
func (s *Service) ReopenComment(ctx context.Context, in tenant.Scope, which id.Prompt, comment id.PromptComment) (Comment, error) {
	return s.comment(ctx, in, which, comment, func(d Desk, c *Comment) error {
		c.ResolvedAt, c.ResolvedBy = time.Time{}, ""
		return d.PutComment(*c)
	})
}

// DeleteComment removes a comment: its author does, or somebody who may release. ErrNotAuthor.
func (s *Service) DeleteComment(ctx context.Context, in tenant.Scope, which id.Prompt, comment id.PromptComment) error {
	_, err := s.comment(ctx, in, which, comment, func(d Desk, c *Comment) error {
		if c.Author != in.Actor().ID() && in.Allow(tenant.ReleasePrompts) != nil {
			return ErrNotAuthor
		}
		return d.DeleteComment(c.ID)
	})
	return err
}

// comment shows fn one of a prompt's comments.
func (s *Service) comment(ctx context.Context, in tenant.Scope, which id.Prompt, comment id.PromptComment, fn func(Desk, *Comment) error) (Comment, error) {
	var c Comment
	err := s.change(ctx, in, which, nil, func(d Desk, _ Prompt) error {
		var ok bool
		var err error
		if c, ok, err = d.Comment(which, comment); err != nil || !ok {
			return cmp.Or[error](err, ErrComment)
		}
		return fn(d, &c)
	})
	return c, err
}
