package budgethttp

import (
	"context"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/dimension"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// BudgetMeter is how one limit stands in the window of now.
type BudgetMeter struct {
	Period        string     `json:"period"`
	From          *time.Time `json:"from,omitempty" doc:"Of the window; absent for total"`
	To            *time.Time `json:"to,omitempty" doc:"When it starts anew; absent for total"`
	Subject       string     `json:"subject,omitempty" doc:"Of a budget for each value: whose meter this is; the fullest one's where it was not asked for"`
	SubjectName   string     `json:"subject_name,omitempty" doc:"Its display name"`
	LimitNanoUSD  string     `json:"limit_nano_usd" doc:"Raises included"`
	RaisedNanoUSD string     `json:"raised_nano_usd" doc:"Of the limit, by raises that count now"`
	SpentNanoUSD  string     `json:"spent_nano_usd" doc:"By calls that have ended"`
	HeldNanoUSD   string     `json:"held_nano_usd" doc:"Reserved: by calls under way, and by proxies for the next ones"`
	LeftNanoUSD   string     `json:"left_nano_usd" doc:"Less than 0 where more was spent than the limit is now"`
	LimitUSD      string     `json:"limit_usd"`
	SpentUSD      string     `json:"spent_usd"`
	HeldUSD       string     `json:"held_usd"`
	LeftUSD       string     `json:"left_usd"`
	Percent       int        `json:"percent" doc:"Spent and reserved, of the limit, rounded down"`
	Exhausted     bool       `json:"exhausted" doc:"Nothing is left that proxies do not hold"`
	Holders       int        `json:"holders" doc:"Proxies and batches that hold some of it"`
	Subjects      int        `json:"subjects,omitempty" doc:"Of a budget for each value: how many have spent anything"`
	Full          int        `json:"full,omitempty" doc:"Of them, at the limit"`
	SpentAll      string     `json:"spent_by_all_nano_usd,omitempty" doc:"By all of them"`
}

func toMeter(m budget.Meter, each dimension.Name, names map[dimension.Match]string) BudgetMeter {
	out := BudgetMeter{
		Period: string(m.Period), From: moment(m.Window.From), To: moment(m.Window.To), Subject: m.Subject,
		LimitNanoUSD: nano(m.Limit), RaisedNanoUSD: nano(m.Raised), SpentNanoUSD: nano(m.Spent), HeldNanoUSD: nano(m.Held), LeftNanoUSD: nano(m.Left()),
		LimitUSD: m.Limit.USD(), SpentUSD: m.Spent.USD(), HeldUSD: m.Held.USD(), LeftUSD: m.Left().USD(),
		Percent: m.Percent(), Exhausted: m.Exhausted(), Holders: m.Holders, Subjects: m.Subjects, Full: m.Full,
	}
	if m.Subject != "" {
		out.SubjectName = names[dimension.Match{Dimension: each, Value: m.Subject}]
	}
	if m.Subjects > 0 {
		out.SpentAll = nano(m.SpentAll)
	}
	return out
}

// BudgetStanding is how a budget stands.
type BudgetStanding struct {
	BudgetID         string        `json:"budget_id"`
	At               time.Time     `json:"at"`
	TimeZone         string        `json:"time_zone" doc:"By whose clock windows start"`
	Periods          []BudgetMeter `json:"periods" doc:"One for each limit, shortest first"`
	RefusedCalls     int64         `json:"refused_calls" doc:"In the longest window, or the last 30 days"`
	WouldRefuseCalls int64         `json:"would_refuse_calls" doc:"That it would have refused if it were to block"`
}

func toStanding(st budget.Standing, zone *time.Location) BudgetStanding {
	out := BudgetStanding{
		BudgetID: string(st.Budget.ID), At: st.At, TimeZone: zone.String(), Periods: make([]BudgetMeter, len(st.Meters)), RefusedCalls: st.Refused,
		WouldRefuseCalls: st.WouldRefuse,
	}
	for i, m := range st.Meters {
		out.Periods[i] = toMeter(m, st.Budget.Each, st.Names)
	}
	return out
}

// Stand reads how a budget stands now.
func Stand(s *budget.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Read how a budget stands", Description: "In the windows of now.", Errors: []*fault.Error{budget.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (BudgetStanding, error) {
			st, err := s.Standing(ctx, in, id.Budget(req.ID))
			if err != nil {
				return BudgetStanding{}, err
			}
			c, err := s.Calendar(ctx, in)
			return toStanding(st, c.Location()), err
		})
}

type subjectsRequest struct {
	rest.PageQuery
	ID     string `path:"id"`
	Period string `query:"period" enum:"hour,day,week,month,fiscal_month,total" doc:"Default: that of the first limit"`
	Search string `query:"search" maxLength:"200" doc:"Part of the value, or of the name of the team or key that it is"`
}

// Subjects lists how the values of a budget for each value stand.
func Subjects(s *budget.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary:     "List the values of a budget for each value",
		Description: "The fullest first, in the window of now. A budget for all calls together has none.", Errors: []*fault.Error{budget.ErrNotFound, budget.ErrNoPeriod},
	},
		func(ctx context.Context, in tenant.Scope, req subjectsRequest) (rest.Page[BudgetMeter], error) {
			var after *budget.Place
			if err := rest.DecodeCursor(req.Cursor, &after); err != nil {
				return rest.Page[BudgetMeter]{}, err
			}
			found, names, more, err := s.Subjects(ctx, in, id.Budget(req.ID), budget.Period(req.Period), req.Search, after, req.Limit)
			if err != nil || len(found) == 0 {
				return rest.PageOf[BudgetMeter](nil, ""), err
			}
			b, err := s.Budget(ctx, in, id.Budget(req.ID))
			return rest.PageFrom(found, more, func(m budget.Meter) BudgetMeter { return toMeter(m, b.Each, names) },
				func(m budget.Meter) any { return budget.Place{Used: m.Spent + m.Held, Subject: m.Subject} }), err
		})
}

// BudgetNode is a budget in the tree.
type BudgetNode struct {
	Budget   Budget         `json:"budget"`
	Parent   string         `json:"parent,omitempty" doc:"Id of the tightest budget that covers all of its calls"`
	Depth    int            `json:"depth"`
	Standing BudgetStanding `json:"standing"`
	EndsAt   *time.Time     `json:"ends_at,omitempty" doc:"When it is used up at the pace of now, where that is before its window ends"`
}

// Tree lays all budgets out.
func Tree(s *budget.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary:     "Read the tree of budgets",
		Description: "Flat, each budget behind the one that covers it, the fullest first. A call must fit every budget that covers it: the tree only shows which contains which.",
	},
		func(ctx context.Context, in tenant.Scope, _ struct{}) (rest.Page[BudgetNode], error) {
			nodes, err := s.Tree(ctx, in)
			if err != nil {
				return rest.Page[BudgetNode]{}, err
			}
			c, err := s.Calendar(ctx, in)
			return rest.PageFrom(nodes, false, func(n budget.Node) BudgetNode {
				return BudgetNode{toBudget(n.Budget), string(n.Parent), n.Depth, toStanding(n.Standing, c.Location()), moment(n.EndsAt)}
			}, nil), err
		})
}
