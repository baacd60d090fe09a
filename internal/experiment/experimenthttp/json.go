package experimenthttp

import (
	"strconv"
	"time"

	"tollgate/internal/experiment"
)

// Interval is an estimate with its bounds.
type Interval struct {
	Mean      float64  `json:"mean"`
	Low       float64  `json:"low" doc:"Holds at all looks together"`
	High      float64  `json:"high"`
	FixedLow  *float64 `json:"fixed_low,omitempty" doc:"Of the planned end alone"`
	FixedHigh *float64 `json:"fixed_high,omitempty"`
}

// toInterval is nil where nothing is known yet.
func toInterval(i experiment.Interval) *Interval {
	if !i.Known {
		return nil
	}
	out := &Interval{Mean: i.Mean, Low: i.Low, High: i.High}
	if i.FixedLow != 0 || i.FixedHigh != 0 {
		out.FixedLow, out.FixedHigh = &i.FixedLow, &i.FixedHigh
	}
	return out
}

func toIntervals(list []experiment.Interval) []*Interval {
	out := make([]*Interval, len(list))
	for i := range list {
		out[i] = toInterval(list[i])
	}
	return out
}

// Quantiles are milliseconds.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
}

// Arm is an arm's figures at a reading. Its intervals are of that one look, with 95 %.
type Arm struct {
	Name        string    `json:"name"`
	Units       int64     `json:"units"`
	Calls       int64     `json:"calls"`
	Errors      int64     `json:"errors"`
	Scored      int64     `json:"scored" doc:"Units with a judgement"`
	Fallbacks   int64     `json:"fallbacks" doc:"Calls that another target than the arm's answered"`
	Unpriced    int64     `json:"unpriced_calls"`
	CostNanoUSD string    `json:"cost_nano_usd"`
	CostUSD     string    `json:"cost_usd"`
	PerUnit     *Interval `json:"cost_per_unit_usd" doc:"null: too few units"`
	Quality     *Interval `json:"quality" doc:"0 to 1; null: too few units with a judgement"`
	FirstByteMS Quantiles `json:"first_byte_ms"`
	TotalMS     Quantiles `json:"total_ms"`
}

func toArm(a experiment.ArmReading) Arm {
	return Arm{
		Name: a.Name, Units: a.Units, Calls: a.Calls, Errors: a.Errors, Scored: a.Scored, Fallbacks: a.Fallback, Unpriced: a.Unpriced,
		CostNanoUSD: text(a.Cost), CostUSD: a.Cost.USD(), PerUnit: toInterval(a.PerUnit), Quality: toInterval(a.Quality),
		FirstByteMS: Quantiles{a.TTFT[0], a.TTFT[1]}, TotalMS: Quantiles{a.Total[0], a.Total[1]},
	}
}

func toArms(list []experiment.ArmReading) []Arm {
	out := make([]Arm, len(list))
	for i := range list {
		out[i] = toArm(list[i])
	}
	return out
}

// Check is a line of the health row.
type Check struct {
	Name   string `json:"name" doc:"sample_ratio, fallbacks, unscored, outage, price_change, guardrails, judge, alias_edit, prompt_edit, promotion, not_randomised"`
	State  string `json:"state" doc:"ok, warn or block"`
	Detail string `json:"detail"`
}

// Reading is an experiment looked at once. Lists of differences have one entry for each arm behind the control, null where too little is known.
type Reading struct {
	At       time.Time   `json:"at" doc:"It counts what happened before"`
	Day      int         `json:"day"`
	Final    bool        `json:"final" doc:"The look at the planned end"`
	Verdict  string      `json:"verdict" doc:"collecting, winner, no_difference, keep_control, inconclusive, breach or invalid"`
	Best     string      `json:"best,omitempty" doc:"The arm that won, or the one to keep"`
	Sentence string      `json:"sentence"`
	Arms     []Arm       `json:"arms"`
	Cost     []*Interval `json:"cost" doc:"Relative: -0.4 is 40 % less than the control"`
	Quality  []*Interval `json:"quality" doc:"In points of 0 to 1"`
	Latency  []*Interval `json:"latency" doc:"Mean time to the first byte, relative"`
	Savings  *Interval   `json:"savings_usd_a_month" doc:"If the arm had all of the alias; null: not known"`
	Checks   []Check     `json:"checks"`
}

func toReading(r experiment.Reading) Reading {
	out := Reading{
		At: r.At, Day: r.Day, Final: r.Final, Verdict: string(r.Verdict), Best: r.Best, Sentence: r.Sentence, Arms: toArms(r.Arms), Cost: toIntervals(r.Cost),
		Quality: toIntervals(r.Quality), Latency: toIntervals(r.Latency), Savings: toInterval(r.Savings), Checks: make([]Check, len(r.Checks)),
	}
	for i, c := range r.Checks {
		out.Checks[i] = Check(c)
	}
	return out
}

// ReleasedPrompt is the move of a prompt's label that comes with a promotion.
type ReleasedPrompt struct {
	Prompt string `json:"prompt" doc:"Id"`
	Name   string `json:"name" doc:"As it was then"`
	Label  string `json:"label"`
	From   int    `json:"from" doc:"0: the label stood nowhere"`
	To     int    `json:"to"`
}

// Ramp is a promotion.
type Ramp struct {
	Stage       int       `json:"stage" doc:"Percent of the units that the winner has: 50 or 100"`
	Since       time.Time `json:"since"`
	Until       time.Time `json:"until"`
	FromVersion int       `json:"from_version" doc:"Of the alias, that a rollback goes back to"`
	ToVersion   int       `json:"to_version,omitempty" doc:"Of the alias, that the promotion made"`
	Over        bool      `json:"over" doc:"Guardrails are off"`
	Reason      string    `json:"reason,omitempty" doc:"Why it ended before its time"`

	Release *ReleasedPrompt `json:"release,omitempty" doc:"The label of a prompt that moves when all units have the winner"`
}

// Experiment is one A/B test.
type Experiment struct {
	ID string `json:"id"`
	Plan
	Status       string     `json:"status" doc:"draft, running, stopped, promoted, reverted or invalid"`
	Revision     int        `json:"revision"`
	AliasVersion int        `json:"alias_version,omitempty" doc:"That the test is about"`
	StartedAt    *time.Time `json:"started_at,omitempty"`
	EndsAt       *time.Time `json:"ends_at,omitempty" doc:"As planned"`
	EndedAt      *time.Time `json:"ended_at,omitempty"`
	CreatedAt    time.Time  `json:"created_at"`
	CreatedBy    string     `json:"created_by" doc:"Id of the user or token"`
	Winner       string     `json:"winner,omitempty" doc:"The arm that was promoted"`
	Ramp         *Ramp      `json:"ramp,omitempty"`
	Reading      *Reading   `json:"reading,omitempty" doc:"The newest; absent before the first look"`
}

// Tag implements rest.Tagged.
func (e Experiment) Tag() string { return strconv.Itoa(e.Revision) }

func toExperiment(e experiment.Experiment) Experiment {
	out := Experiment{
		ID: string(e.ID), Plan: toPlan(e.Plan), Status: string(e.Status), Revision: e.Revision, AliasVersion: e.AliasAt, StartedAt: moment(e.StartedAt),
		EndedAt: moment(e.EndedAt), CreatedAt: e.CreatedAt, CreatedBy: e.CreatedBy, Winner: e.Winner,
	}
	if !e.StartedAt.IsZero() {
		out.EndsAt = moment(e.Ends())
	}
	if r := e.Ramp; r != nil {
		out.Ramp = &Ramp{Stage: r.Stage, Since: r.Since, Until: r.Until, FromVersion: r.Version, ToVersion: r.Made, Over: r.Over, Reason: r.Reason}
		if l := r.Release; l != nil {
			out.Ramp.Release = &ReleasedPrompt{string(l.Prompt), l.Name, l.Label, l.Was, l.Is}
		}
	}
	if e.Reading != nil {
		r := toReading(*e.Reading)
		out.Reading = &r
	}
	return out
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
