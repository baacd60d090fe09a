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
	"tollgate/internal/usage"
)

// BurnPoint is what was spent in a step of time.
type BurnPoint struct {
	At      time.Time `json:"at"`
	NanoUSD string    `json:"spent_nano_usd"`
}

// ForecastBand is a forecast of what will have been spent by a time.
type ForecastBand struct {
	At   time.Time `json:"at"`
	Low  string    `json:"low_nano_usd"`
	Mid  string    `json:"mid_nano_usd"`
	High string    `json:"high_nano_usd"`
}

// BurnDriver is a part of what was spent.
type BurnDriver struct {
	Value  string `json:"value" doc:"Empty: none"`
	Name   string `json:"name,omitempty" doc:"Display name of an id"`
	Spent  string `json:"spent_nano_usd"`
	Calls  int64  `json:"calls"`
	Before string `json:"before_nano_usd" doc:"In the same part of the window before"`
}

// BudgetBurn is how a window's money is spent.
type BudgetBurn struct {
	Meter       BudgetMeter    `json:"meter"`
	StepSeconds int            `json:"step_seconds" doc:"Width of the points; those in which nothing was spent are left out"`
	Points      []BurnPoint    `json:"points"`
	Before      []BurnPoint    `json:"before" doc:"Of the window before"`
	Method      string         `json:"forecast_by,omitempty" doc:"What the forecast stands on; absent: nothing can be said yet"`
	Forecast    []ForecastBand `json:"forecast" doc:"What will have been spent; 8 of 10 times between low and high"`
	EndsAt      *time.Time     `json:"ends_at,omitempty" doc:"When the limit is expected to be used up; absent: not in the window"`
	EndsEarly   *time.Time     `json:"ends_at_earliest,omitempty"`
	EndsLate    *time.Time     `json:"ends_at_latest,omitempty"`
	DrivenBy    string         `json:"driven_by"`
	Drivers     []BurnDriver   `json:"drivers" doc:"By the call log. Empty where usage is not kept by what the budget selects: end users and tags"`
}

type burnRequest struct {
	ID      string `path:"id"`
	Period  string `query:"period" enum:"hour,day,week,month,fiscal_month,total" doc:"Default: that of the first limit"`
	Subject string `query:"subject" maxLength:"256" doc:"Of a budget for each value; default: the fullest one"`
	By      string `query:"by" enum:"team,workflow,environment,task,alias,model,provider,endpoint,key" doc:"What drove it; default: workflow"`
}

// BurnDown reads how a window is spent.
func BurnDown(s *budget.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Read how a budget is spent", Description: "What was settled in the window of now, a forecast to its end, and what drove it.",
		Errors: []*fault.Error{budget.ErrNotFound, budget.ErrNoPeriod},
	},
		func(ctx context.Context, in tenant.Scope, req burnRequest) (BudgetBurn, error) {
			b, err := s.Burn(ctx, in, id.Budget(req.ID), budget.BurnQuery{Period: budget.Period(req.Period), Subject: req.Subject, By: usage.Dimension(req.By)})
			if err != nil {
				return BudgetBurn{}, err
			}
			return toBurn(b), nil
		})
}

func toBurn(b budget.Burn) BudgetBurn {
	return BudgetBurn{
		Meter: toMeter(b.Meter, b.Budget.Each, b.Names), StepSeconds: int(b.Step.Seconds()), Points: each(b.Points, toPoint), Before: each(b.Before, toPoint),
		Method: b.Method, EndsAt: moment(b.EndsAt), EndsEarly: moment(b.EndsEarly), EndsLate: moment(b.EndsLate), DrivenBy: string(b.By),
		Forecast: each(b.Bands, func(f budget.Band) ForecastBand { return ForecastBand{f.At, nano(f.Low), nano(f.Mid), nano(f.High)} }),
		Drivers: each(b.Drivers, func(d budget.Driver) BurnDriver {
			return BurnDriver{d.Value, d.Name, nano(d.Spent), d.Calls, nano(d.Before)}
		}),
	}
}

func toPoint(p budget.Point) BurnPoint { return BurnPoint{p.At, nano(p.Spent)} }

// each is a list of the other kind, never null.
func each[A, B any](list []A, to func(A) B) []B {
	out := make([]B, len(list))
	for i, v := range list {
		out[i] = to(v)
	}
	return out
}

// BlockedCall is a call for which there was no room.
type BlockedCall struct {
	CallID  string    `json:"call_id"`
	At      time.Time `json:"at"`
	TeamID  string    `json:"team_id"`
	KeyID   string    `json:"key_id"`
	KeyName string    `json:"key_name,omitempty"`
	Alias   string    `json:"alias,omitempty"`
	Model   string    `json:"model" doc:"As the client named it"`
	Did     string    `json:"did" doc:"refused or would_refuse"`
	Subject string    `json:"subject,omitempty"`
	Period  string    `json:"period,omitempty" doc:"Of the limit"`
	Lacked  string    `json:"lacked_nano_usd"`
}

// BlockedHour counts them.
type BlockedHour struct {
	At          time.Time `json:"at"`
	Refused     int64     `json:"refused"`
	WouldRefuse int64     `json:"would_refuse"`
}

// BlockedCalls is a page of them, with counts of all.
type BlockedCalls struct {
	Since            time.Time     `json:"since" doc:"How far back is looked"`
	RefusedCalls     int64         `json:"refused_calls"`
	WouldRefuseCalls int64         `json:"would_refuse_calls"`
	LastAt           *time.Time    `json:"last_at,omitempty"`
	Hours            []BlockedHour `json:"hours" doc:"That have any"`
	rest.Page[BlockedCall]
}

type blockedRequest struct {
	rest.PageQuery
	ID      string `path:"id"`
	Subject string `query:"subject" maxLength:"256" doc:"Of a budget for each value: only this one's"`
}

// ListBlocked lists calls that a budget refused, or would have.
func ListBlocked(s *budget.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "List calls that a budget refused, or would have", Description: "Of the last 30 days, newest first.", Errors: []*fault.Error{budget.ErrNotFound},
	},
		func(ctx context.Context, in tenant.Scope, req blockedRequest) (BlockedCalls, error) {
			var before *budget.CallPlace
			if err := rest.DecodeCursor(req.Cursor, &before); err != nil {
				return BlockedCalls{}, err
			}
			got, err := s.Blocked(ctx, in, id.Budget(req.ID), req.Subject, before, req.Limit)
			if err != nil {
				return BlockedCalls{}, err
			}
			return BlockedCalls{
				Since: got.Since, RefusedCalls: got.Refused, WouldRefuseCalls: got.WouldRefuse, LastAt: moment(got.LastAt),
				Hours: each(got.Hours, func(h budget.BlockedHour) BlockedHour { return BlockedHour(h) }),
				Page: rest.PageFrom(got.Calls, got.More, toBlocked, func(c budget.BlockedCall) any {
					return budget.CallPlace{At: c.At, Call: c.Call}
				}),
			}, nil
		})
}

func toBlocked(c budget.BlockedCall) BlockedCall {
	return BlockedCall{
		c.Call.String(), c.At, string(c.Team), string(c.Key), c.KeyName, c.Alias, c.Model, c.Did, c.Subject, string(c.Period), nano(c.Short),
	}
}

// SimulatedLimit is what one limit of a simulation would have met.
type SimulatedLimit struct {
	Period     string     `json:"period"`
	Amount     string     `json:"amount_nano_usd"`
	Peak       string     `json:"peak_nano_usd" doc:"Most that one window (and value) would have spent without a limit"`
	PeakFrom   *time.Time `json:"peak_from,omitempty" doc:"Start of that window"`
	Subject    string     `json:"peak_subject,omitempty"`
	Nothing    string     `json:"blocks_nothing_nano_usd" doc:"A round limit that would have blocked nothing"`
	OnePercent string     `json:"blocks_one_percent_nano_usd" doc:"About the least limit that would have blocked at most 1 % of the calls"`
}

// FullWindow is a window that would have been full.
type FullWindow struct {
	Period  string     `json:"period"`
	From    *time.Time `json:"from,omitempty"`
	To      *time.Time `json:"to,omitempty"`
	Subject string     `json:"subject,omitempty"`
	FullAt  time.Time  `json:"full_at"`
	Blocked int64      `json:"blocked_calls"`
	Saved   string     `json:"blocked_nano_usd"`
}

// BudgetSimulation is what a budget would have done to calls that were made.
type BudgetSimulation struct {
	From    time.Time        `json:"from"`
	To      time.Time        `json:"to"`
	Calls   int64            `json:"calls" doc:"That the budget would have covered"`
	Spent   string           `json:"spent_nano_usd"`
	Cut     bool             `json:"cut" doc:"There were more calls than are looked at: from is the oldest of the newest"`
	Blocked int64            `json:"blocked_calls"`
	Saved   string           `json:"blocked_nano_usd" doc:"What those calls cost"`
	Keys    int              `json:"blocked_keys" doc:"Whose calls they were"`
	Limits  []SimulatedLimit `json:"limits"`
	Full    []FullWindow     `json:"full_windows" doc:"The first 50"`
}

type simulateRequest struct{ Body BudgetDraft }

// Simulate runs recent calls through a budget that need not exist.
func Simulate(s *budget.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Try a budget on recent calls",
		Description: "Runs the calls since the start of last month through it. A call weighs what it cost: reservations, which are higher while a call runs, are not " +
			"played again. Nothing is stored.",
		Errors: []*fault.Error{budget.ErrInvalid, dimension.ErrInvalid, errMoney},
	},
		func(ctx context.Context, in tenant.Scope, req simulateRequest) (BudgetSimulation, error) {
			b, err := fromDraft(req.Body)
			if err != nil {
				return BudgetSimulation{}, err
			}
			got, err := s.Simulate(ctx, in, b)
			return toSimulation(got), err
		})
}

func toSimulation(s budget.Simulation) BudgetSimulation {
	return BudgetSimulation{
		From: s.From, To: s.To, Calls: s.Calls, Spent: nano(s.Spent), Cut: s.Cut, Blocked: s.Blocked, Saved: nano(s.Saved), Keys: s.Keys,
		Limits: each(s.Limits, func(l budget.SimulatedLimit) SimulatedLimit {
			return SimulatedLimit{string(l.Period), nano(l.Amount), nano(l.Peak), moment(l.PeakAt.From), l.Subject, nano(l.Nothing), nano(l.OnePercent)}
		}),
		Full: each(s.Full, func(f budget.FullWindow) FullWindow {
			return FullWindow{string(f.Window.Period), moment(f.Window.From), moment(f.Window.To), f.Subject, f.At, f.Blocked, nano(f.Saved)}
		}),
	}
}

// BudgetSuggestion is a budget that would fit what is spent.
type BudgetSuggestion struct {
	Budget BudgetDraft `json:"budget" doc:"As POST /budgets takes it"`
	Spent  string      `json:"spent_nano_usd" doc:"In the last 30 days"`
	Calls  int64       `json:"calls"`
	Why    string      `json:"why"`
}

// Suggest lists budgets that would fit what is spent.
func Suggest(s *budget.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Suggest budgets", Description: "For the organization and its teams that have none of their own, by the last 30 days. They only watch."},
		func(ctx context.Context, in tenant.Scope, _ struct{}) (rest.Page[BudgetSuggestion], error) {
			list, err := s.Suggestions(ctx, in)
			return rest.PageFrom(list, false, func(g budget.Suggestion) BudgetSuggestion {
				b := toBudget(g.Budget)
				return BudgetSuggestion{BudgetDraft{Name: b.Name, Selector: b.Selector, Limits: b.Limits, Mode: b.Mode}, nano(g.Spent), g.Calls, g.Why}
			}, nil), err
		})
}
