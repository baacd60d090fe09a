package langfusehttp

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/prompt"
	"tollgate/internal/prompt/langfuse"
	"tollgate/internal/tenant"
)

type createBody struct {
	langfuse.Said
	Name          string    `json:"name"`
	Labels        []string  `json:"labels"`
	Tags          *[]string `json:"tags"` // nil: as they are
	CommitMessage string    `json:"commitMessage"`
	IsActive      bool      `json:"isActive"` // what production was called before there were labels
}

// create makes the next version of a prompt, or the prompt. Content that the newest version has makes none.
func (s *server) create(ctx context.Context, in tenant.Scope, r *http.Request) (reply, error) {
	var body createBody
	if err := decode(r, &body); err != nil {
		return reply{}, err
	}
	if body.IsActive {
		body.Labels = append(body.Labels, prompt.Production)
	}
	body.Labels = slices.DeleteFunc(body.Labels, func(l string) bool { return l == prompt.Latest }) // the newest has it anyway
	draft, err := langfuse.Read(body.Said)
	if err != nil {
		return reply{}, err
	}
	if len(draft.Refs) > 0 {
		err = s.Prompts.Library(ctx, in, func(lib prompt.Library) error { draft.Complete(lib); return nil })
		if err != nil {
			return reply{}, err
		}
	}
	p, err := s.Prompts.Named(ctx, in, strings.TrimSpace(body.Name))
	var v prompt.Version
	switch {
	case errors.Is(err, prompt.ErrNotFound):
		n := prompt.New{Name: body.Name, Kind: draft.Kind, Content: draft.Content, Message: body.CommitMessage, Labels: body.Labels}
		if body.Tags != nil {
			n.Tags = *body.Tags
		}
		p, v, err = s.Prompts.Create(ctx, in, n)
	case err == nil:
		p, v, err = s.next(ctx, in, p, draft, &body)
	}
	if err != nil {
		return reply{}, err
	}
	out, err := s.version(ctx, in, p, v.Number, true)
	return reply{http.StatusCreated, out}, err
}

// next publishes a version of a prompt that is there. Tags are checked first, so that a wrong one leaves everything as it is.
func (s *server) next(ctx context.Context, in tenant.Scope, p prompt.Prompt, draft langfuse.Draft, body *createBody) (prompt.Prompt, prompt.Version, error) {
	var none prompt.Version
	if p.Kind != draft.Kind {
		return p, none, errKind.Say("The prompt %q is of the type %s, and so are all its versions.", p.Name, p.Kind).At("type")
	}
	if body.Tags != nil {
		for _, tag := range *body.Tags {
			if err := prompt.CheckTag(tag); err != nil {
				return p, none, err
			}
		}
	}
	newest, err := s.Prompts.Version(ctx, in, p.ID, p.Latest)
	if err != nil {
		return p, none, err
	}
	draft.Like(newest.Content)
	p, v, err := s.Prompts.Publish(ctx, in, p.ID, draft.Content, body.CommitMessage, body.Labels, nil)
	if err != nil || body.Tags == nil {
		return p, v, err
	}
	p, err = s.Prompts.Edit(ctx, in, p.ID, prompt.Edit{Tags: body.Tags}, nil)
	return p, v, err
}

// label puts labels on a version, all or none.
func (s *server) label(ctx context.Context, in tenant.Scope, r *http.Request) (reply, error) {
	rest := r.PathValue("rest")
	at := strings.LastIndex(rest, "/versions/")
	if at < 0 {
		return reply{}, errNowhere
	}
	number, err := strconv.Atoi(rest[at+len("/versions/"):])
	if err != nil || number < 1 {
		return reply{}, errQuery.Say("A version is a number from 1.").At("version")
	}
	var body struct {
		NewLabels []string `json:"newLabels"`
	}
	if err := decode(r, &body); err != nil {
		return reply{}, err
	}
	p, err := s.Prompts.Find(ctx, in, rest[:at])
	if err != nil {
		return reply{}, err
	}
	if p, err = s.Prompts.SetLabels(ctx, in, p.ID, body.NewLabels, number, nil); err != nil {
		return reply{}, err
	}
	out, err := s.version(ctx, in, p, number, true)
	return reply{http.StatusOK, out}, err
}

// archive takes a whole prompt out of use; single versions are kept.
func (s *server) archive(ctx context.Context, in tenant.Scope, r *http.Request) (reply, error) {
	q := r.URL.Query()
	if q.Get("version") != "" || q.Get("label") != "" {
		return reply{}, errKept
	}
	p, err := s.Prompts.Find(ctx, in, r.PathValue("rest"))
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, s.Prompts.Archive(ctx, in, p.ID)
}
