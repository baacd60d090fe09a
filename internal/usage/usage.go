// Package usage holds hourly aggregates of call logs by dimension, and answers what was spent on what.
//
// Aggregates are recomputed whole, bucket by bucket, from call logs; nothing is ever incremented. So any crash, replay or second
// worker converges to the same figures.
package usage

import (
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/money"
)

// Dimension is what costs can be grouped and filtered by.
type Dimension string

// The dimensions.
const (
	Team          Dimension = "team"
	Workflow      Dimension = "workflow"
	Environment   Dimension = "environment"
	Alias         Dimension = "alias"
	Model         Dimension = "model"
	Provider      Dimension = "provider"
	Key           Dimension = "key"
	Endpoint      Dimension = "endpoint" // chat, embeddings, images, …
	Task          Dimension = "task"
	Experiment    Dimension = "experiment"
	Arm           Dimension = "arm"            // assigned, of an experiment
	Prompt        Dimension = "prompt"         // id
	PromptVersion Dimension = "prompt_version" // "prompt_…@7"
)

// Dimensions lists them in the order in which pages show them.
var Dimensions = []Dimension{Team, Workflow, Environment, Task, Alias, Model, Provider, Endpoint, Prompt, PromptVersion, Experiment, Arm, Key}

// Bucket is the width of time in an answer.
type Bucket string

// The buckets. Days are days of Query.Zone.
const (
	Whole  Bucket = "" // one row for the whole range
	Hourly Bucket = "hour"
	Daily  Bucket = "day"
)

// Query asks for costs in [From, To).
type Query struct {
	From, To time.Time
	Zone     *time.Location // of days; nil: UTC
	Bucket   Bucket
	GroupBy  []Dimension
	Filter   map[Dimension][]string // values of one dimension are alternatives, dimensions must all match
}

// Row is one line of an answer. ID values (team, key) come with their names.
type Row struct {
	At     time.Time            // start of the bucket; zero for Whole
	Values map[Dimension]string // of the dimensions grouped by; "" is "none"
	Names  map[Dimension]string // display names of ids in Values, where they have one

	Calls     int64 // calls that reached a provider, and refused ones
	Errors    int64 // of those: refused, failed, broken or interrupted
	Units     chat.Units
	Cost      money.NanoUSD
	Unpriced  int64 // calls whose cost is unknown
	Estimated int64 // calls whose usage is an estimate
}

// Costs is an answer.
type Costs struct {
	Rows  []Row
	Total Row
	UpTo  time.Time // every call that ended before is in these figures
}
