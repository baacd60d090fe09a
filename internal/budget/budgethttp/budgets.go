package budgethttp

import (
	"context"
	"net/http"

	"tollgate/internal/budget"
	"tollgate/internal/dimension"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

type createRequest struct{ Body BudgetDraft }

// Create makes a budget.
func Create(s *budget.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary:     "Create a budget",
		Description: "It holds on every proxy within a second, and counts from now on: what was spent before in a window that has begun is not charged to it.",
		Status:      http.StatusCreated, Errors: []*fault.Error{budget.ErrInvalid, dimension.ErrInvalid, budget.ErrTaken, budget.ErrTooMany, errMoney},
	},
		func(ctx context.Context, in tenant.Scope, req createRequest) (Budget, error) {
			b, err := fromDraft(req.Body)
			if err != nil {
				return Budget{}, err
			}
			b, err = s.Create(ctx, in, b)
			return toBudget(b), err
		})
}

type listRequest struct {
	rest.PageQuery
	Text     string `query:"text" maxLength:"200" doc:"Part of the name"`
	Mode     string `query:"mode" enum:"watch,warn,block"`
	Archived bool   `query:"archived" doc:"Those that are archived, instead"`
}

// List lists budgets by name.
func List(s *budget.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List budgets", Description: "By name."},
		func(ctx context.Context, in tenant.Scope, req listRequest) (rest.Page[Budget], error) {
			var after string
			if err := rest.DecodeCursor(req.Cursor, &after); err != nil {
				return rest.Page[Budget]{}, err
			}
			found, more, err := s.List(ctx, in, budget.Filter{Text: req.Text, Mode: budget.Mode(req.Mode), Archived: req.Archived}, after, req.Limit)
			return rest.PageFrom(found, more, toBudget, func(b budget.Budget) any { return budget.After(b) }), err
		})
}

type oneRequest struct {
	ID string `path:"id"`
}

// Read is one budget, archived or not.
func Read(s *budget.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read a budget", Errors: []*fault.Error{budget.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Budget, error) {
			b, err := s.Budget(ctx, in, id.Budget(req.ID))
			return toBudget(b), err
		})
}

type updateRequest struct {
	rest.Match
	ID   string `path:"id"`
	Body BudgetChange
}

// Update changes what is named of a budget.
func Update(s *budget.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Change a budget",
		Description: "What is left out stays as it is. Another limit holds at once: a higher one lets calls pass again; a lower one lends no more, and what was " +
			"spent above it stays spent.",
		Errors: []*fault.Error{budget.ErrInvalid, dimension.ErrInvalid, budget.ErrNotFound, budget.ErrTaken, budget.ErrArchived, errMoney},
	},
		func(ctx context.Context, in tenant.Scope, req updateRequest) (Budget, error) {
			read, err := s.Budget(ctx, in, id.Budget(req.ID))
			if err != nil {
				return Budget{}, err
			}
			b, err := req.Body.on(read)
			if err != nil {
				return Budget{}, err
			}
			b, err = s.Update(ctx, in, read.ID, b, func(now budget.Budget) error {
				if now.Revision != read.Revision { // what the change was put on has moved
					return rest.ErrStale
				}
				return req.Check(toBudget(now).Tag())
			})
			return toBudget(b), err
		})
}

// Archive takes a budget out of force.
func Archive(s *budget.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Archive a budget", Description: "It holds nothing back any more; what it counted stays readable.", Errors: []*fault.Error{budget.ErrNotFound},
	},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Budget, error) {
			b, err := s.Archive(ctx, in, id.Budget(req.ID), nil)
			return toBudget(b), err
		})
}

// Restore puts an archived budget back in force.
func Restore(s *budget.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Restore an archived budget", Description: "What passed meanwhile was not counted.",
		Errors: []*fault.Error{budget.ErrNotFound, budget.ErrTaken, budget.ErrInvalid},
	},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Budget, error) {
			b, err := s.Restore(ctx, in, id.Budget(req.ID), nil)
			return toBudget(b), err
		})
}
