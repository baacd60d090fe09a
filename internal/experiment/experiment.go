package experiment

import (
	"slices"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// Goal is what an experiment is to find out; it is chosen before the start and never changes.
type Goal string

// The goals.
const (
	Cheaper Goal = "cheaper" // costs less, and quality is not worse by more than Margin
	Better  Goal = "better"  // quality is higher, and costs at most CostCap times as much
	Faster  Goal = "faster"  // answers sooner, and quality is not worse by more than Margin
)

// Quality is where the judgement of an answer comes from.
type Quality string

// The sources of quality.
const (
	Scores      Quality = "scores"       // the scores API and /v1/feedback: the score named ScoreName
	SchemaRate  Quality = "schema_valid" // of calls that demand JSON, the share whose answer is valid
	ToolRate    Quality = "tool_valid"   // of calls that call tools, the share with valid calls
	RetryRate   Quality = "no_retry"     // the share of calls that the unit does not repeat within five minutes
	Judge       Quality = "judge"        // a model judges a sample, within a budget of its own
	CostLatency Quality = "none"         // no quality: cost and latency alone; a winner is then never called "not worse"
)

// Status is where an experiment stands.
type Status string

// The statuses.
const (
	Draft    Status = "draft"
	Active   Status = "running"
	Stopped  Status = "stopped"  // by a person, or at its end without promotion
	Promoted Status = "promoted" // the winner has the alias, or is on its way there (Ramp)
	Reverted Status = "reverted" // a guardrail was broken, or a promotion rolled back
	Invalid  Status = "invalid"  // what it compares was changed under it
)

// Variant is an arm as people define it.
type Variant struct {
	Name       string           `json:"name"`             // "control", "haiku": [a-z0-9-]{1,32}
	Target     *alias.Target    `json:"target,omitempty"` // nil: the alias's own targets; an arm behind the control then has parameters
	Parameters alias.Parameters `json:"parameters,omitzero"`
	Prompt     *ArmPrompt       `json:"prompt,omitempty"` // nil: the prompt for which the call asks, as its label stands
	Weight     int              `json:"weight"`           // in percent of the units that take part; all weights sum up to 100
}

// Guardrails end an experiment early for harm. Each is watched at its own 0.01; the zero value is off.
type Guardrails struct {
	ErrorRate   float64       `json:"error_rate,omitempty"`   // at most so much above the control's, in points of 0 to 1
	P95         float64       `json:"p95,omitempty"`          // at most so many times the control's, from 1
	SchemaValid float64       `json:"schema_valid,omitempty"` // at most so much below the control's, in points of 0 to 1
	Refusals    float64       `json:"refusals,omitempty"`     // at most so much above the control's, in points of 0 to 1
	Spend       money.NanoUSD `json:"spend,omitempty"`        // of all arms together
}

// JudgePlan is how a model judges answers.
type JudgePlan struct {
	Alias  string        `json:"alias"`  // who judges
	Rubric string        `json:"rubric"` // what is good, in words; the judge answers with 0 to 1
	Sample int           `json:"sample"` // percent of calls
	Budget money.NanoUSD `json:"budget"` // at most so much for judging
	Key    id.Key        `json:"key"`    // whose calls the judgements are
}

// Plan is what is decided before the start.
type Plan struct {
	Alias      id.Alias   `json:"alias"`
	AliasName  string     `json:"alias_name"`
	PromptName string     `json:"prompt_name,omitempty"` // of the prompt whose versions are compared, as it was when it was planned
	Name       string     `json:"name"`
	Hypothesis string     `json:"hypothesis,omitempty"`
	Variants   []Variant  `json:"variants"` // the control first
	Share      int        `json:"share"`    // percent of the alias's units that take part, 1 to 100
	Goal       Goal       `json:"goal"`
	Margin     float64    `json:"margin"`             // of quality, in points of 0 to 1; default 0.02
	CostCap    float64    `json:"cost_cap,omitempty"` // Better: at most so many times the control's cost
	Quality    Quality    `json:"quality"`
	ScoreName  string     `json:"score_name,omitempty"` // Scores: which ones; default "quality"
	ScoreLow   float64    `json:"score_low,omitempty"`  // Scores: the value that counts as 0
	ScoreHigh  float64    `json:"score_high,omitempty"` // Scores: the value that counts as 1; default 1
	Judge      *JudgePlan `json:"judge,omitempty"`
	Guardrails Guardrails `json:"guardrails,omitzero"`
	Days       int        `json:"days"`                   // whole weeks: 7, 14, 21, 28
	Auto       bool       `json:"auto_promote,omitempty"` // a winner is promoted without a click
	AA         bool       `json:"a_a,omitempty"`          // both arms are the alias as it is: a test of the test
}

// Experiment is one A/B test.
type Experiment struct {
	ID        id.Experiment
	Plan      Plan
	Status    Status
	Live      bool   // proxies deal units by Arms: while it runs, and during the ramp of a promotion
	Salt      string // random, made with the experiment
	Arms      []Arm  // as proxies have them; empty before the start
	Horizon   int64  // units with a value expected at the end in the control and an arm together; fixed at the start
	AliasAt   int    // version of the alias that the test is about; a later one closes it (see Invalid)
	StartedAt time.Time
	EndedAt   time.Time // zero: it runs, or has not started
	LookedAt  time.Time // zero: no look yet
	CreatedAt time.Time
	CreatedBy string
	ActedBy   string   // who set it going last: id of a user or token
	Revision  int      // counts changes, for If-Match
	Reading   *Reading // the newest; nil: none yet
	Winner    string   // arm that was promoted
	Ramp      *Ramp    // promotion; it stays when it has ended, for a rollback
}

// Ends is when a started experiment is to end: the full hour at or behind its planned days, since calls are summed by the hour.
func (e *Experiment) Ends() time.Time {
	return ceil(e.StartedAt.Add(time.Duration(e.Plan.Days) * 24 * time.Hour))
}

func ceil(t time.Time) time.Time { return t.Add(time.Hour - 1).Truncate(time.Hour) }

// Running is the experiment as proxies need it.
func (e *Experiment) Running() Running {
	return Running{ID: e.ID, Alias: e.Plan.AliasName, Salt: e.Salt, Arms: e.Arms}
}

// arm is the place of a variant in the plan; -1: there is none.
func (e *Experiment) arm(name string) int {
	return slices.IndexFunc(e.Plan.Variants, func(v Variant) bool { return v.Name == name })
}

// Ramp is a promotion: half of the units for a day, then all of them for another, with guardrails on. Then the guardrails go off.
type Ramp struct {
	Stage   int       `json:"stage"`            // percent that the winner has now: 50, 100
	Since   time.Time `json:"since"`            // of this stage
	Until   time.Time `json:"until"`            // when the stage ends
	Version int       `json:"version"`          // of the alias, that a rollback goes back to
	Made    int       `json:"made,omitempty"`   // version of the alias that the promotion made; 0: not yet
	Over    bool      `json:"over,omitempty"`   // guardrails are off: nothing more happens by itself
	Back    bool      `json:"back,omitempty"`   // it is being rolled back, or was
	Reason  string    `json:"reason,omitempty"` // why it ended before its time
	// Release is the move of a prompt's label that comes with it; nil: the arm names no version, or the alias gets its number.
	Release *Release `json:"release,omitempty"`
}

// Verdict is what a reading says. The words are those of the pages.
type Verdict string

// The verdicts.
const (
	Collecting   Verdict = "collecting"
	Winner       Verdict = "winner"
	NoDifference Verdict = "no_difference" // the interval lies inside the margin: take the cheaper
	KeepControl  Verdict = "keep_control"  // a part of the goal is proven to be missed
	Inconclusive Verdict = "inconclusive"  // at the end
	Breach       Verdict = "breach"        // a guardrail was broken, and the alias reverted
	Void         Verdict = "invalid"       // health forbids a verdict
)

// Interval is an estimate with the bounds that hold at all times together (Low, High), or only at the end (FixedLow, FixedHigh).
type Interval struct {
	Known     bool    `json:"known"` // false: too few units to say anything; everything else is then zero
	Mean      float64 `json:"mean"`
	Low       float64 `json:"low"`
	High      float64 `json:"high"`
	FixedLow  float64 `json:"fixed_low,omitempty"`
	FixedHigh float64 `json:"fixed_high,omitempty"`
}

// ArmReading is an arm's figures at a reading. Low and High of its intervals are of this one look, with 95 %; what decides are the
// differences of Reading.
type ArmReading struct {
	Name     string        `json:"name"`
	Units    int64         `json:"units"`
	Calls    int64         `json:"calls"`
	Errors   int64         `json:"errors"`
	Scored   int64         `json:"scored"`   // units with a judgement
	Fallback int64         `json:"fallback"` // calls that another target than the arm's answered
	Unpriced int64         `json:"unpriced"`
	Cost     money.NanoUSD `json:"cost"`
	PerUnit  Interval      `json:"per_unit"` // cost, in dollars
	Quality  Interval      `json:"quality"`  // 0 to 1
	TTFT     [2]float64    `json:"ttft_ms"`  // p50, p95
	Total    [2]float64    `json:"total_ms"` // p50, p95
}

// Check is one line of the health row.
type Check struct {
	Name   string `json:"name"`   // "sample_ratio", "fallbacks", "unscored", "outage", "price_change", "guardrails", "judge", "alias_edit", "prompt_edit", "promotion"
	State  string `json:"state"`  // "ok", "warn", "block"
	Detail string `json:"detail"` // in words, with figures
}

// Reading is an experiment looked at once.
type Reading struct {
	At   time.Time    `json:"at"`
	Day  int          `json:"day"` // from 1
	Arms []ArmReading `json:"arms"`
	// Cost is the difference to the control, relative (-0.4: 40 % cheaper), one for each arm behind the control. Where arms differ much in size
	// it is of costs without their extremes; Arms and Savings are of costs as they are.
	Cost     []Interval `json:"cost"`
	Quality  []Interval `json:"quality"` // difference to the control, in points
	Latency  []Interval `json:"latency"` // difference of the mean time to the first byte, relative
	Checks   []Check    `json:"checks"`
	Verdict  Verdict    `json:"verdict"`
	Best     string     `json:"best,omitempty"`  // arm that won, or is the cheaper of two alike
	Sentence string     `json:"sentence"`        // the verdict in words
	Savings  Interval   `json:"savings"`         // dollars a month, if Best had all of the alias
	Final    bool       `json:"final,omitempty"` // of the planned end
}
