package budgethttp

import (
	"context"
	"net/http"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

type raiseRequest struct {
	ID   string `path:"id"`
	Body struct {
		Period        string     `json:"period,omitempty" enum:"hour,day,week,month,fiscal_month,total" doc:"Left out: that of the only limit"`
		AmountUSD     string     `json:"amount_usd,omitempty" maxLength:"32" doc:"On top of the limit"`
		AmountNanoUSD string     `json:"amount_nano_usd,omitempty" maxLength:"20"`
		From          *time.Time `json:"from,omitempty" doc:"Left out: now"`
		Hours         int        `json:"hours,omitempty" minimum:"1" maximum:"168" doc:"Left out: 24"`
		Reason        string     `json:"reason" maxLength:"2000"`
	}
}

// CreateRaise lifts a limit for a time.
func CreateRaise(s *budget.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Raise a limit for a time", Description: "It holds at once, and ends by itself. Author and reason stay in the budget's history.",
		Status: http.StatusCreated,
		Errors: []*fault.Error{budget.ErrNotFound, budget.ErrArchived, budget.ErrNoPeriod, budget.ErrInvalid, errMoney},
	},
		func(ctx context.Context, in tenant.Scope, req raiseRequest) (BudgetRaise, error) {
			b := req.Body
			n := budget.NewRaise{Period: budget.Period(b.Period), For: time.Duration(b.Hours) * time.Hour, Reason: b.Reason}
			if b.From != nil {
				n.From = *b.From
			}
			var err error
			if n.Amount, err = amount(b.AmountUSD, b.AmountNanoUSD, "amount"); err != nil {
				return BudgetRaise{}, errMoney.At("amount_usd")
			}
			r, err := s.Raise(ctx, in, id.Budget(req.ID), n)
			return toRaise(r), err
		})
}

// ListRaises lists a budget's raises.
func ListRaises(s *budget.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List the raises of a budget", Description: "The newest 100.", Errors: []*fault.Error{budget.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (rest.Page[BudgetRaise], error) {
			list, err := s.Raises(ctx, in, id.Budget(req.ID))
			return rest.PageFrom(list, false, toRaise, nil), err
		})
}

type oneRaiseRequest struct {
	ID    string `path:"id"`
	Raise string `path:"raise"`
}

// EndRaise ends a raise early.
func EndRaise(s *budget.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "End a raise early", Description: "It stays in the budget's history.", Errors: []*fault.Error{budget.ErrNoRaise}},
		func(ctx context.Context, in tenant.Scope, req oneRaiseRequest) (rest.None, error) {
			_, err := s.EndRaise(ctx, in, id.Budget(req.ID), id.Raise(req.Raise))
			return rest.None{}, err
		})
}
