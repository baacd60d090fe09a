package playground

import (
	"time"

	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

// Status is where a run stands.
type Status string

// The statuses.
const (
	Running   Status = "running"
	Paused    Status = "paused" // Reason says why
	Cancelled Status = "cancelled"
	Done      Status = "done"
)

// Run asks the columns of a setup for every row of a dataset, in the background.
type Run struct {
	ID     id.PlaygroundRun
	Name   string
	Team   id.Team
	Key    id.Key // that its calls are made with
	Setup  Setup
	Checks []Check
	Judge  *Judge // nil: nobody judges
	Status Status
	Reason string // in words, of Paused

	Rows      int
	Asked     int // results that are there, failed ones among them
	Failed    int
	CreatedAt time.Time
	CreatedBy string
	EndedAt   time.Time // zero: it goes on
	Revision  int
}

// Tasks is how many calls the run makes, without those of the judge.
func (r *Run) Tasks() int { return r.Rows * len(r.Setup.Columns) }

// Judge is a model that scores answers from 0 to 1, with the same key.
type Judge struct {
	Alias  string `json:"alias"` // or "provider/model"
	Rubric string `json:"rubric"`
}

// Task is one cell of the table: a row and a column, and the name of its call.
type Task struct {
	Row    Row
	Column int
	Call   id.Call
	Since  time.Time // when it was claimed
}

// Result is what became of a task.
type Result struct {
	Row, Column int
	Pending     bool // it is being asked; the rest but Answer.Call is empty
	Answer      Answer
	Verdicts    []Verdict
	Score       *float64 // of the judge; nil: none
	Note        string   // the judge's reason
	JudgeCost   money.NanoUSD
	JudgeCall   id.Call // zero: none
}

// Line is a row with what became of it, one result for each column that was asked.
type Line struct {
	Row     Row
	Results []Result
}

// Total sums up a column.
type Total struct {
	Column    int
	OK        int
	Failed    int
	Cost      money.NanoUSD // with that of the judge
	Unpriced  int           // calls whose cost is not known
	Input     int64
	Output    int64
	Median    time.Duration // of answers that came
	Passed    []int         // answers that met each check
	Scored    int
	MeanScore float64
}

// Standing is a run that has work left, and in whose name it is done.
type Standing struct {
	In tenant.Scope
	ID id.PlaygroundRun
}
