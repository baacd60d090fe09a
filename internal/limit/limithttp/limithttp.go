// Package limithttp is the JSON face of limits.
package limithttp

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"tollgate/internal/dimension"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/limit"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// Limit is how fast some of the organization's calls may come.
type Limit struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Selector   map[string]string `json:"selector" doc:"The calls that it is for: dimension to value. Empty: every call"`
	Each       string            `json:"each" doc:"Dimension whose values count by themselves (key: a limit for every key); empty: all calls together"`
	Metric     string            `json:"metric" enum:"requests,tokens,input_tokens,output_tokens,concurrency"`
	Amount     int64             `json:"amount"`
	Per        string            `json:"per,omitempty" enum:"second,minute,hour,day" doc:"Absent for concurrency"`
	Watch      bool              `json:"watch" doc:"Only says what it would have refused"`
	Off        bool              `json:"off"`
	CreatedAt  time.Time         `json:"created_at"`
	CreatedBy  string            `json:"created_by"`
	UpdatedAt  time.Time         `json:"updated_at"`
	ArchivedAt *time.Time        `json:"archived_at,omitempty" doc:"Absent: it stands"`

	revision int
}

// Tag implements rest.Tagged.
func (l Limit) Tag() string { return strconv.Itoa(l.revision) }

func toLimit(l limit.Limit) Limit {
	out := Limit{
		ID: string(l.ID), Name: l.Name, Selector: l.Selector.Object(), Each: string(l.Each), Metric: string(l.Metric), Amount: l.Amount,
		Per: limit.PeriodName(l.Per), Watch: l.Watch, Off: l.Off, CreatedAt: l.CreatedAt, CreatedBy: l.CreatedBy, UpdatedAt: l.UpdatedAt, revision: l.Revision,
	}
	if !l.ArchivedAt.IsZero() {
		out.ArchivedAt = &l.ArchivedAt
	}
	return out
}

type createRequest struct {
	Body struct {
		Name     string            `json:"name" maxLength:"400"`
		Selector map[string]string `json:"selector,omitempty" doc:"team, key, environment, workflow, end_user, alias, prompt (id), prompt_version (prompt_…@7), provider, model (provider/model) or tag:NAME, to a value. Left out: every call"`
		Each     string            `json:"each,omitempty" maxLength:"300" doc:"One of these dimensions: each of its values has the amount to itself"`
		Metric   string            `json:"metric" enum:"requests,tokens,input_tokens,output_tokens,concurrency"`
		Amount   int64             `json:"amount" minimum:"1"`
		Per      string            `json:"per,omitempty" enum:"second,minute,hour,day" doc:"Left out only for concurrency"`
		Watch    bool              `json:"watch,omitempty"`
		Off      bool              `json:"off,omitempty"`
	}
}

// Create makes a limit.
func Create(s *limit.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Create a limit", Description: "It holds on every proxy within a second.", Status: http.StatusCreated,
		Errors: []*fault.Error{limit.ErrInvalid, dimension.ErrInvalid, limit.ErrTaken, limit.ErrTooMany},
	},
		func(ctx context.Context, in tenant.Scope, req createRequest) (Limit, error) {
			b := req.Body
			l, err := s.Create(ctx, in, limit.New{
				Name: b.Name, Selector: dimension.FromObject(b.Selector), Each: dimension.Name(b.Each), Metric: limit.Metric(b.Metric), Amount: b.Amount,
				Per: limit.Period(b.Per), Watch: b.Watch, Off: b.Off,
			})
			return toLimit(l), err
		})
}

type listRequest struct {
	rest.PageQuery
	Text     string `query:"text" maxLength:"200" doc:"Part of the name"`
	Metric   string `query:"metric" enum:"requests,tokens,input_tokens,output_tokens,concurrency"`
	Archived bool   `query:"archived" doc:"Those that are archived, instead"`
}

// List lists limits, newest first.
func List(s *limit.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List limits", Description: "Newest first."},
		func(ctx context.Context, in tenant.Scope, req listRequest) (rest.Page[Limit], error) {
			var after id.Limit
			if err := rest.DecodeCursor(req.Cursor, &after); err != nil {
				return rest.Page[Limit]{}, err
			}
			f := limit.Filter{Text: req.Text, Metric: limit.Metric(req.Metric), Archived: req.Archived}
			found, more, err := s.List(ctx, in, f, after, req.Limit)
			return rest.PageFrom(found, more, toLimit, func(l limit.Limit) any { return l.ID }), err
		})
}

type oneRequest struct {
	ID string `path:"id"`
}

// Read is one limit.
func Read(s *limit.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read a limit", Errors: []*fault.Error{limit.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Limit, error) {
			l, err := s.Limit(ctx, in, id.Limit(req.ID))
			return toLimit(l), err
		})
}

type updateRequest struct {
	rest.Match
	ID   string `path:"id"`
	Body struct {
		Name     *string            `json:"name,omitempty" maxLength:"400"`
		Selector *map[string]string `json:"selector,omitempty"`
		Each     *string            `json:"each,omitempty" maxLength:"300"`
		Metric   *string            `json:"metric,omitempty" enum:"requests,tokens,input_tokens,output_tokens,concurrency"`
		Amount   *int64             `json:"amount,omitempty" minimum:"1"`
		Per      *string            `json:"per,omitempty" enum:"second,minute,hour,day"`
		Watch    *bool              `json:"watch,omitempty"`
		Off      *bool              `json:"off,omitempty"`
	}
}

func (r updateRequest) change() limit.Change {
	b := r.Body
	c := limit.Change{Name: b.Name, Each: (*dimension.Name)(b.Each), Metric: (*limit.Metric)(b.Metric), Amount: b.Amount, Watch: b.Watch, Off: b.Off}
	if b.Selector != nil {
		s := dimension.FromObject(*b.Selector)
		c.Selector = &s
	}
	if b.Per != nil {
		per := limit.Period(*b.Per)
		c.Per = &per
	}
	return c
}

// Update changes a limit.
func Update(s *limit.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Change a limit", Description: "What is left out stays. What was counted so far still counts, unless the period changes.",
		Errors: []*fault.Error{limit.ErrInvalid, dimension.ErrInvalid, limit.ErrNotFound, limit.ErrTaken},
	},
		func(ctx context.Context, in tenant.Scope, req updateRequest) (Limit, error) {
			l, err := s.Update(ctx, in, id.Limit(req.ID), req.change(), func(now limit.Limit) error { return req.Check(toLimit(now).Tag()) })
			return toLimit(l), err
		})
}

// Archive ends a limit.
func Archive(s *limit.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Archive a limit", Description: "No call is held to it any more. It stays readable: calls that it refused tell of it.",
		Errors: []*fault.Error{limit.ErrNotFound},
	},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (rest.None, error) {
			_, err := s.Archive(ctx, in, id.Limit(req.ID))
			return rest.None{}, err
		})
}

// Restore lets an archived limit hold again.
func Restore(s *limit.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Restore an archived limit", Errors: []*fault.Error{limit.ErrNotFound, limit.ErrTaken}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Limit, error) {
			l, err := s.Restore(ctx, in, id.Limit(req.ID))
			return toLimit(l), err
		})
}
