package experimenthttp

import (
	"context"
	"time"

	"tollgate/internal/experiment"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

type readingsRequest struct {
	ID    string `path:"id"`
	Limit int    `query:"limit" minimum:"1" maximum:"700" default:"700" doc:"Thinned evenly to so many"`
}

// Readings are the looks at an experiment, oldest first.
func Readings(s *experiment.Service) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List the looks at an experiment", Description: "Oldest first, one an hour.", Errors: []*fault.Error{experiment.ErrNotFound}},
		func(ctx context.Context, in tenant.Scope, req readingsRequest) (rest.Page[Reading], error) {
			list, err := s.Readings(ctx, in, id.Experiment(req.ID), req.Limit)
			return rest.PageFrom(list, false, toReading, nil), err
		})
}

// Segment is a part of an experiment's calls.
type Segment struct {
	Name    string      `json:"name"`
	Arms    []Arm       `json:"arms"`
	Cost    []*Interval `json:"cost" doc:"As in a reading, with plain 95 % intervals of one look"`
	Quality []*Interval `json:"quality"`
	Latency []*Interval `json:"latency"`
}

type segmentsRequest struct {
	ID      string `path:"id"`
	Segment string `query:"segment" enum:"workflow,environment,size" default:"workflow"`
}

// Segments are an experiment's figures by workflow, environment or size.
func Segments(s *experiment.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Read an experiment by segment", Description: "Exploratory: among many segments some differ by chance.",
		Errors: []*fault.Error{experiment.ErrNotFound, experiment.ErrInvalid},
	},
		func(ctx context.Context, in tenant.Scope, req segmentsRequest) (rest.Page[Segment], error) {
			list, err := s.Segments(ctx, in, id.Experiment(req.ID), req.Segment)
			return rest.PageFrom(list, false, func(g experiment.Segment) Segment {
				return Segment{g.Name, toArms(g.Arms), toIntervals(g.Cost), toIntervals(g.Quality), toIntervals(g.Latency)}
			}, nil), err
		})
}

// Side is one call of a pair.
type Side struct {
	Arm         string   `json:"arm"`
	CallID      string   `json:"call_id"`
	Request     string   `json:"request" doc:"What was asked, in words"`
	Text        string   `json:"text" doc:"What was answered"`
	CostNanoUSD string   `json:"cost_nano_usd"`
	Score       *float64 `json:"score" doc:"0 to 1; null: not judged"`
	Note        string   `json:"note,omitempty" doc:"The judge's reason"`
}

// Pair is a call of the control beside one of a challenger.
type Pair struct {
	Same bool `json:"same" doc:"Both were asked the same; otherwise something of about the same length"`
	A    Side `json:"a"`
	B    Side `json:"b"`
}

type pairsRequest struct {
	ID    string `path:"id"`
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
}

// Pairs are calls of both arms side by side, where bodies are kept.
func Pairs(s *experiment.Service) rest.Endpoint {
	side := func(x experiment.Side) Side {
		return Side{x.Arm, x.Call.String(), x.Request, x.Text, text(x.Cost), x.Score, x.Note}
	}
	return rest.Handle(rest.About{
		Summary: "Read sample pairs of an experiment", Description: "Examples for people, from calls whose bodies are kept.", Errors: []*fault.Error{experiment.ErrNotFound},
	},
		func(ctx context.Context, in tenant.Scope, req pairsRequest) (rest.Page[Pair], error) {
			list, err := s.Pairs(ctx, in, id.Experiment(req.ID), req.Limit)
			return rest.PageFrom(list, false, func(p experiment.Pair) Pair { return Pair{p.Same, side(p.A), side(p.B)} }, nil), err
		})
}

// Length is what a test of some days sees with 80 % chance.
type Length struct {
	Days    int     `json:"days"`
	Quality float64 `json:"quality,omitempty" doc:"Smallest difference, in points of 0 to 1; absent: unknown"`
	Cost    float64 `json:"cost,omitempty" doc:"Smallest relative difference; absent: unknown"`
}

// Forecast is what an experiment can be expected to show.
type Forecast struct {
	CallsPerDay      float64  `json:"calls_per_day"`
	UnitsPerDay      float64  `json:"units_per_day" doc:"That would take part"`
	UnitsTotal       int64    `json:"units_total"`
	ScoredShare      float64  `json:"scored_share"`
	Measured         bool     `json:"measured" doc:"Quality was seen in the traffic; false: it is assumed"`
	Lengths          []Length `json:"lengths"`
	ExpectedDays     int      `json:"expected_days,omitempty" doc:"Absent: nothing can be promised"`
	EarlyDay         int      `json:"early_day,omitempty"`
	JudgeCalls       int64    `json:"judge_calls,omitempty"`
	JudgeCostNanoUSD string   `json:"judge_cost_nano_usd,omitempty"`
	SavingNanoUSD    *string  `json:"saving_nano_usd_a_month" doc:"If the first arm behind the control had all of the alias; null: a price is not known"`
	Warnings         []string `json:"warnings"`
	Refusal          string   `json:"refusal,omitempty" doc:"Why nothing can be promised"`
}

type forecastRequest struct{ Body Plan }

// Foresee says what a plan can be expected to show.
func Foresee(s *experiment.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Forecast an experiment", Description: "From the last seven days of the alias. Starts and stores nothing.", Errors: []*fault.Error{experiment.ErrInvalid, errMoney},
	},
		func(ctx context.Context, in tenant.Scope, req forecastRequest) (Forecast, error) {
			p, err := fromPlan(req.Body)
			if err != nil {
				return Forecast{}, err
			}
			f, err := s.Forecast(ctx, in, p)
			return toForecast(f), err
		})
}

func toForecast(f experiment.Forecast) Forecast {
	out := Forecast{
		CallsPerDay: f.CallsPerDay, UnitsPerDay: f.UnitsPerDay, UnitsTotal: f.UnitsTotal, ScoredShare: f.Scored, Measured: f.Measured, Lengths: make([]Length, len(f.Lengths)),
		ExpectedDays: f.ExpectedDays, EarlyDay: f.EarlyDay, JudgeCalls: f.JudgeCalls, Warnings: append([]string{}, f.Warnings...), Refusal: f.Refusal,
	}
	for i, l := range f.Lengths {
		out.Lengths[i] = Length(l)
	}
	if f.JudgeCost != 0 {
		out.JudgeCostNanoUSD = text(f.JudgeCost)
	}
	if f.SavingKnown {
		saving := text(f.SavingPerMonth)
		out.SavingNanoUSD = &saving
	}
	return out
}

type replayRequest struct {
	Body struct {
		Plan   Plan `json:"plan" doc:"Its alias, goal, margin and quality count; variants may be left out"`
		Slices []struct {
			Arm      string `json:"arm" maxLength:"64"`
			Alias    string `json:"alias,omitempty" maxLength:"64" doc:"Name; left out: the plan's"`
			Provider string `json:"provider,omitempty" maxLength:"64"`
			Model    string `json:"model,omitempty" maxLength:"256"`
		} `json:"slices,omitempty" maxItems:"5" doc:"Which recorded calls stand for which arm, the control first; none in a test of the test"`
		From time.Time `json:"from"`
		To   time.Time `json:"to"`
	}
}

// Replay asks what recorded calls would have said.
func Replay(s *experiment.Service) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary:     "Replay recorded calls as an experiment",
		Description: "Judges calls that were made already. Unless the plan is a test of the test they were not dealt at random, and the reading says so.",
		Errors:      []*fault.Error{experiment.ErrInvalid, errMoney},
	},
		func(ctx context.Context, in tenant.Scope, req replayRequest) (Reading, error) {
			p, err := fromPlan(req.Body.Plan)
			if err != nil {
				return Reading{}, err
			}
			r := experiment.Replay{Plan: p, From: req.Body.From, To: req.Body.To}
			for _, sl := range req.Body.Slices {
				r.Slices = append(r.Slices, experiment.Slice(sl))
			}
			got, err := s.Replay(ctx, in, r)
			return toReading(got), err
		})
}
