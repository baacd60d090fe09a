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

// PromptRequest is a move of a label that waits: for an approval, or for its time.
type PromptRequest struct {
	ID         string      `json:"id"`
	Prompt     string      `json:"prompt"`
	Name       string      `json:"name" doc:"Of the prompt"`
	Label      string      `json:"label"`
	From       int         `json:"from,omitempty" doc:"Where the label stood when it was asked for; absent: nowhere. If it stands elsewhere when the move is due, there is no move"`
	To         int         `json:"to,omitempty" doc:"Absent: the label is taken off"`
	Plan       *PromptPlan `json:"plan,omitempty" doc:"By and by; absent: at once"`
	At         *time.Time  `json:"at,omitempty" doc:"Absent: as soon as it is approved"`
	Why        string      `json:"why"`
	State      string      `json:"state" enum:"waiting,planned,done,declined,withdrawn,failed"`
	AskedBy    string      `json:"asked_by" doc:"Id of the user or token"`
	AskedAt    time.Time   `json:"asked_at"`
	AnsweredBy string      `json:"answered_by,omitempty"`
	AnsweredAt *time.Time  `json:"answered_at,omitempty"`
	Answer     string      `json:"answer,omitempty"`
	EndedAt    *time.Time  `json:"ended_at,omitempty"`
	Reason     string      `json:"reason,omitempty" doc:"Why it failed"`
}

func toRequest(r prompt.Request) PromptRequest {
	out := PromptRequest{
		ID: string(r.ID), Prompt: string(r.Prompt), Name: r.Name, Label: r.Label, From: r.From, To: r.To, At: moment(r.At), Why: r.Why, State: string(r.State),
		AskedBy: r.AskedBy, AskedAt: r.AskedAt, AnsweredBy: r.AnsweredBy, AnsweredAt: moment(r.AnsweredAt), Answer: r.Answer, EndedAt: moment(r.EndedAt), Reason: r.Reason,
	}
	if r.Plan != nil {
		plan := toPlan(*r.Plan)
		out.Plan = &plan
	}
	return out
}

// PromptWish is a move that somebody wants.
type PromptWish struct {
	Label   string      `json:"label" maxLength:"36"`
	Version int         `json:"version,omitempty" minimum:"0" doc:"Left out: the label is taken off"`
	Plan    *PromptPlan `json:"plan,omitempty" doc:"By and by; left out: at once"`
	At      time.Time   `json:"at,omitzero" doc:"With an offset: 2030-01-31T08:00:00+01:00"`
	Why     string      `json:"why,omitempty" maxLength:"2000"`
}

func (w *PromptWish) wish() prompt.Wish {
	out := prompt.Wish{Label: w.Label, To: w.Version, At: w.At, Why: w.Why}
	if w.Plan != nil {
		plan := w.Plan.plan()
		out.Plan = &plan
	}
	return out
}

type wishRequest struct {
	ID   string `path:"id"`
	Body PromptWish
}

var wishing = []*fault.Error{prompt.ErrNotFound, prompt.ErrInvalid, prompt.ErrVersion, prompt.ErrLabel, prompt.ErrRamping, prompt.ErrBreaks, prompt.ErrArchived}

// Ask asks for a move.
func Ask(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Ask for a move of a label", Description: "Another person approves or declines it: an owner or admin where the label is protected.", Status: http.StatusCreated, Errors: wishing,
	},
		func(ctx context.Context, in tenant.Scope, req wishRequest) (PromptRequest, error) {
			r, err := s.Ask(ctx, in, id.Prompt(req.ID), req.Body.wish())
			return toRequest(r), err
		})
}

// Schedule has a move made at a time.
func Schedule(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Move a label at a time", Description: "Your right to do so is looked at now, and again when the time has come. Withdrawing the request cancels it.", Status: http.StatusCreated,
		Errors: append([]*fault.Error{prompt.ErrProtected, prompt.ErrApproval}, wishing...),
	},
		func(ctx context.Context, in tenant.Scope, req wishRequest) (PromptRequest, error) {
			r, err := s.Schedule(ctx, in, id.Prompt(req.ID), req.Body.wish())
			return toRequest(r), err
		})
}

// ListedRequests selects requests.
type ListedRequests struct {
	rest.PageQuery
	Open bool `query:"open" doc:"Those that have not ended"`
}

type requestsRequest struct{ ListedRequests }

// ListRequests lists the requests of all prompts.
func ListRequests(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List the moves of labels that wait or waited", Description: "Newest first."},
		func(ctx context.Context, in tenant.Scope, req requestsRequest) (rest.Page[PromptRequest], error) {
			return listed(ctx, in, s, req.ListedRequests, "")
		})
}

type requestsOfRequest struct {
	ListedRequests
	ID string `path:"id"`
}

// ListRequestsOf lists the requests of one prompt.
func ListRequestsOf(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List the moves of a prompt's labels that wait or waited", Description: "Newest first.", Errors: []*fault.Error{prompt.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req requestsOfRequest) (rest.Page[PromptRequest], error) {
			return listed(ctx, in, s, req.ListedRequests, id.Prompt(req.ID))
		})
}

func listed(ctx context.Context, in tenant.Scope, s *prompt.Service, q ListedRequests, of id.Prompt) (rest.Page[PromptRequest], error) {
	var before id.PromptRequest
	if err := rest.DecodeCursor(q.Cursor, &before); err != nil {
		return rest.Page[PromptRequest]{}, err
	}
	found, more, err := s.Requests(ctx, in, prompt.RequestFilter{Prompt: of, Open: q.Open}, before, q.Limit)
	return rest.PageFrom(found, more, toRequest, func(r prompt.Request) any { return r.ID }), err
}

type answerRequest struct {
	ID      string `path:"id"`
	Request string `path:"request"`
	Body    struct {
		Answer string `json:"answer,omitempty" maxLength:"2000"`
	}
}

var answering = []*fault.Error{prompt.ErrNotFound, prompt.ErrRequest, prompt.ErrInvalid, prompt.ErrProtected, prompt.ErrAnswered}

// Approve lets a move be made.
func Approve(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Approve a move of a label", Description: "It is made at once, or at its time. Only what was asked for, and only if the label still stands where it stood.", Status: http.StatusOK,
		Errors: append([]*fault.Error{prompt.ErrOwn, prompt.ErrPerson, prompt.ErrMoved, prompt.ErrVersion, prompt.ErrBreaks, prompt.ErrRamping, prompt.ErrArchived}, answering...),
	},
		func(ctx context.Context, in tenant.Scope, req answerRequest) (PromptRequest, error) {
			r, err := s.Approve(ctx, in, id.Prompt(req.ID), id.PromptRequest(req.Request), req.Body.Answer)
			return toRequest(r), err
		})
}

// Decline refuses a move.
func Decline(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Decline a move of a label", Status: http.StatusOK, Errors: answering},
		func(ctx context.Context, in tenant.Scope, req answerRequest) (PromptRequest, error) {
			r, err := s.Decline(ctx, in, id.Prompt(req.ID), id.PromptRequest(req.Request), req.Body.Answer)
			return toRequest(r), err
		})
}

type withdrawRequest struct {
	ID      string `path:"id"`
	Request string `path:"request"`
}

// Withdraw takes a request back.
func Withdraw(s *prompt.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Withdraw a request for a move, or cancel a scheduled one", Status: http.StatusOK,
		Errors: []*fault.Error{prompt.ErrNotFound, prompt.ErrRequest, prompt.ErrProtected, prompt.ErrAnswered},
	},
		func(ctx context.Context, in tenant.Scope, req withdrawRequest) (PromptRequest, error) {
			r, err := s.Withdraw(ctx, in, id.Prompt(req.ID), id.PromptRequest(req.Request))
			return toRequest(r), err
		})
}
