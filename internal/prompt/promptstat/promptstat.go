// Package promptstat says what the versions and labels of a prompt came to: calls, cost, tokens, latency, errors, scores; and how two
// versions differ.
//
// Figures are kept by the hour, computed whole from the call log and its scores, so that a page of any range reads hundreds of rows and
// not millions. What two versions differ by is an observation: calls were not dealt between them at random unless an experiment did it.
package promptstat

import (
	"context"
	"time"

	"tollgate/internal/experiment/stat"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

// By is what figures are told apart by.
type By string

// The ways.
const (
	ByVersion By = "version"
	ByLabel   By = "label" // a label's history goes over several versions
)

// daysMax bounds a range.
const daysMax = 400

// Failures of the queries. A prompt that is not there, another organization's too, is prompt.ErrNotFound.
var (
	ErrRange = fault.New(fault.Invalid, "prompt_metrics.bad_range", "The range must end after it begins, and be at most 400 days long.").At("to")
	ErrBy    = fault.New(fault.Invalid, "prompt_metrics.bad_by", "Metrics are by version or by label.").At("by")
	ErrPair  = fault.New(fault.Invalid, "prompt_metrics.bad_pair", "Name two different versions, from 1.").At("b")
)

// Query asks for figures of a prompt's calls that started in [From, To). Both are taken outward to full hours of UTC.
type Query struct {
	Prompt   id.Prompt
	By       By
	From, To time.Time
}

// Figures are sums over calls.
type Figures struct {
	Calls    int64
	Errors   int64         // of those: refused, failed, broken or interrupted
	Cost     money.NanoUSD // of the calls whose cost is known
	Unpriced int64         // calls whose cost is not known
	Input    int64         // tokens, however served
	Output   int64         // tokens, reasoning included
	Cached   int64         // of Input: read from a provider's cache

	Total     stat.Histogram // milliseconds of calls that ended well
	FirstByte stat.Histogram // milliseconds to the first content byte of calls that have one
	Scores    map[string]Score

	FirstAt, LastAt time.Time // start of the first and the last call; zero without calls
}

// Score is the judgements of one name: numbers as they are, booleans as 0 and 1. A call counts once, by the mean of its judgements.
type Score struct {
	N   int64   `json:"n"`
	Sum float64 `json:"sum"`
}

// Mean is the mean; 0 without any.
func (s Score) Mean() float64 {
	if s.N == 0 {
		return 0
	}
	return s.Sum / float64(s.N)
}

// CostPerCall is the mean cost of the calls whose cost is known, rounded up; 0 without any.
func (f *Figures) CostPerCall() money.NanoUSD {
	n := f.Calls - f.Unpriced
	if n <= 0 || f.Cost <= 0 {
		return 0
	}
	return money.NanoUSD((int64(f.Cost)-1)/n + 1)
}

// ErrorRate is the share of calls that failed, 0 to 1.
func (f *Figures) ErrorRate() float64 { return part(f.Errors, f.Calls) }

// CacheShare is the share of input tokens that a provider's cache served, 0 to 1.
func (f *Figures) CacheShare() float64 { return part(f.Cached, f.Input) }

// Latency is the time that the share q of the calls did not exceed, to within 5 %; 0 without calls.
func (f *Figures) Latency(q float64) time.Duration { return duration(f.Total.Quantile(q)) }

// TTFT is Latency of the first content byte.
func (f *Figures) TTFT(q float64) time.Duration { return duration(f.FirstByte.Quantile(q)) }

func duration(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

func part(n, of int64) float64 {
	if of <= 0 {
		return 0
	}
	return float64(n) / float64(of)
}

// Row is one version, or one label.
type Row struct {
	Version  int    // ByVersion
	Label    string // ByLabel; "": calls that named a version, and those of experiments' arms
	Versions []int  // ByLabel: what it stood on for these calls, ascending
	Figures
	Days []Day // those that have calls, ascending
}

// Day is a day of UTC, for a line of a page.
type Day struct {
	At     time.Time
	Calls  int64
	Errors int64
	Cost   money.NanoUSD
}

// Metrics is an answer. Rows are by version, the newest first, or by label.
type Metrics struct {
	From, To time.Time // as asked, in full hours
	Rows     []Row
	All      Figures
}

// Hourly is what was kept of an hour. Its histograms are Times, and the Figures' own are nil; its slices are the reader's until the next one.
type Hourly struct {
	Hour    time.Time
	Version int
	Label   string
	Figures
	Ended Times // of calls that ended well
	Began Times // to the first content byte
}

// Times are buckets of stat.Histogram, and how many calls fell into each.
type Times struct {
	At []int32
	N  []int64
}

// Store is what Service needs from storage; package promptstatpg provides it.
type Store interface {
	// Exists reports whether the organization has the prompt, archived or not.
	Exists(ctx context.Context, in tenant.Scope, which id.Prompt) (bool, error)
	// Hours streams what was kept of a prompt in [from, to), by hour.
	Hours(ctx context.Context, in tenant.Scope, which id.Prompt, from, to time.Time, each func(Hourly)) error
	// Units streams what the newest calls of two versions were like, at most sample of each version, those of a unit together.
	Units(ctx context.Context, in tenant.Scope, q Pair, sample int, each func(Unit)) error
	// Failures counts the calls of versions that started since, and those that failed for our reasons or a provider's.
	Failures(ctx context.Context, in tenant.Scope, which id.Prompt, since time.Time, versions []int) (map[int]prompt.Vital, error)
	// Scores sums the judgements of all prompts in [from, to).
	Scores(ctx context.Context, in tenant.Scope, from, to time.Time) (map[id.Prompt]map[string]Score, error)
}

// Service answers questions about prompts' figures.
type Service struct{ store Store }

// NewService makes a Service.
func NewService(store Store) *Service { return &Service{store: store} }

// Scores sums the judgements of each prompt in [from, to), by their names.
func (s *Service) Scores(ctx context.Context, in tenant.Scope, from, to time.Time) (map[id.Prompt]map[string]Score, error) {
	from, to, err := hours(from, to)
	if err != nil {
		return nil, err
	}
	return s.store.Scores(ctx, in, from, to)
}

// Failures implements prompt.Vitals: it reads the log itself, so that a move is stopped by what happens now.
func (s *Service) Failures(ctx context.Context, in tenant.Scope, which id.Prompt, since time.Time, versions []int) (map[int]prompt.Vital, error) {
	return s.store.Failures(ctx, in, which, since, versions)
}

var _ prompt.Vitals = (*Service)(nil)
