// Package limit holds how fast calls may come: requests, tokens and calls at once, on any selection of calls.
//
// A limit is counted for each of its subjects by itself, in a Window that slides: in no stretch of time as long as the limit's period
// is more let in than its amount (see Window for how, and why it is no token bucket). Tokens are estimated when a call comes and
// corrected when it has ended. What is counted where (this process, or a server that many proxies share) is a Meter's business.
package limit

import (
	"time"

	"tollgate/internal/dimension"
	"tollgate/internal/id"
)

// Metric is what a limit counts.
type Metric string

// The metrics.
const (
	Requests    Metric = "requests"
	Input       Metric = "input_tokens"
	Output      Metric = "output_tokens"
	Tokens      Metric = "tokens"      // input and output
	Concurrency Metric = "concurrency" // calls under way
)

// Metrics are all metrics.
var Metrics = []Metric{Requests, Input, Output, Tokens, Concurrency}

// Counts is the metric's unit in words: "requests", "tokens".
func (m Metric) Counts() string {
	switch m {
	case Requests:
		return "requests"
	case Input:
		return "input tokens"
	case Output:
		return "output tokens"
	case Concurrency:
		return "calls at once"
	case Tokens:
	}
	return "tokens"
}

// Limit is one limit. A call must pass all limits whose Selector selects it.
type Limit struct {
	ID       id.Limit
	Name     string
	Selector dimension.Selector // empty: the whole organization
	Each     dimension.Name     // "": all together; else each value by itself: a limit for every key
	Metric   Metric
	Amount   int64         // > 0
	Per      time.Duration // a second, minute, hour or day; 0 for Concurrency
	Watch    bool          // counts, and says what it would have refused

	Off        bool
	Revision   int
	CreatedAt  time.Time
	CreatedBy  string
	UpdatedAt  time.Time
	ArchivedAt time.Time
}

// Upstream reports that the limit can be asked only once a target was chosen: it is on a provider or a model.
func (l *Limit) Upstream() bool { return l.Each.Upstream() || l.Selector.Upstream() }

// Periods are the periods that a limit may have, with their names.
var Periods = []struct {
	Per  time.Duration
	Name string
}{{time.Second, "second"}, {time.Minute, "minute"}, {time.Hour, "hour"}, {24 * time.Hour, "day"}}

// PeriodName is a period's name; "" for one that no limit has.
func PeriodName(per time.Duration) string {
	for _, p := range Periods {
		if p.Per == per {
			return p.Name
		}
	}
	return ""
}

// Period is the period of a name; 0 for an unknown one.
func Period(name string) time.Duration {
	for _, p := range Periods {
		if p.Name == name {
			return p.Per
		}
	}
	return 0
}
