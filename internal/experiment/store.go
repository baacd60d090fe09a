package experiment

import (
	"context"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/credential"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

// Filter narrows a list. The zero Filter is every experiment.
type Filter struct {
	Alias  id.Alias // only this alias's
	Status []Status // only those; empty: any
	Text   string   // part of the name or of the alias's name
}

// Store is what Service needs from storage; package experimentpg provides it.
type Store interface {
	Insert(ctx context.Context, in tenant.Scope, e Experiment) error
	// Experiment finds one with its newest reading. ErrNotFound.
	Experiment(ctx context.Context, in tenant.Scope, which id.Experiment) (Experiment, error)
	// Experiments lists newest first those made before one (empty: from the newest), at most limit.
	Experiments(ctx context.Context, in tenant.Scope, f Filter, before id.Experiment, limit int) ([]Experiment, error)
	// Change stores what fn makes of an experiment while nobody else changes it, with the next revision. An error of fn changes nothing.
	// ErrNotFound; ErrBusy when another experiment of the alias is live.
	Change(ctx context.Context, in tenant.Scope, which id.Experiment, fn func(*Experiment) error) (Experiment, error)
	// Delete removes one, once check accepts it. ErrNotFound.
	Delete(ctx context.Context, in tenant.Scope, which id.Experiment, check func(Experiment) error) error
	// Readings gives them oldest first.
	Readings(ctx context.Context, in tenant.Scope, which id.Experiment) ([]Reading, error)
	// Units streams what the units of an experiment did in the hours from until before to: by arm, unit and hour.
	Units(ctx context.Context, in tenant.Scope, which id.Experiment, from, to time.Time, each func(Tally) error) error
	// Recorded streams what units of recorded calls did, as if the calls of each slice had been an arm.
	Recorded(ctx context.Context, in tenant.Scope, q Recorded, each func(Tally) error) error
	// Segments streams what the units of an experiment did, segment by segment; by is one of Segmentations.
	Segments(ctx context.Context, in tenant.Scope, which id.Experiment, by string, each func(segment string, u Tally) error) error
	// Traffic is what an alias's calls were like between two times, measured on the newest sample calls.
	Traffic(ctx context.Context, in tenant.Scope, aliasName string, p Plan, from, to time.Time, sample int) (Traffic, error)
	// Kept gives calls of an experiment whose bodies are kept, newest first, at most limit an arm.
	Kept(ctx context.Context, in tenant.Scope, which id.Experiment, limit int) ([]KeptCall, error)
	// Spent is what an experiment's judge has come to: judgements, and what all it asked has cost.
	Spent(ctx context.Context, in tenant.Scope, which id.Experiment) (scored int64, cost money.NanoUSD, err error)
	// Repriced reports whether a model's price changed between two times.
	Repriced(ctx context.Context, in tenant.Scope, provider, model string, from, to time.Time) (bool, error)
	// PromptCalls is how many calls of an alias used a prompt between two times.
	PromptCalls(ctx context.Context, in tenant.Scope, aliasName string, which id.Prompt, from, to time.Time) (int64, error)
	// PromptLabels are the labels by which calls of an alias used a prompt since a time, the most used first, as far as the newest calls say.
	PromptLabels(ctx context.Context, in tenant.Scope, aliasName string, which id.Prompt, since time.Time) ([]string, error)
	// PromptAliases are the names of the aliases whose calls used a prompt between two times.
	PromptAliases(ctx context.Context, in tenant.Scope, which id.Prompt, from, to time.Time) ([]string, error)
}

// Tally is what one unit did: the calls of a conversation, a person, or one call.
type Tally struct {
	Arm         string // assigned
	Unit        uint64
	Hour        time.Time // of which this is a part; zero: the whole unit
	FirstAt     time.Time // its first call
	FirstBytes  int64     // size of that call's request
	Calls       int64
	Errors      int64
	Fallbacks   int64 // answered by what is no target of its arm
	Cost        money.NanoUSD
	Unpriced    int64   // calls whose cost is not known
	Scored      int64   // calls with a judgement
	Score       float64 // sum of theirs, each 0 to 1
	SchemaAsked int64
	SchemaValid int64
	ToolCalled  int64
	ToolValid   int64
	Refusals    int64
	CutShort    int64
	Repeated    int64   // calls that it made again within five minutes
	FirstByte   []int32 // milliseconds, of the calls that have them
	Total       []int32 // milliseconds
}

// add puts another hour of the same unit on top.
func (u *Tally) add(o Tally) {
	if o.FirstAt.Before(u.FirstAt) || u.FirstAt.IsZero() {
		u.FirstAt, u.FirstBytes = o.FirstAt, o.FirstBytes
	}
	u.Calls, u.Errors, u.Fallbacks = u.Calls+o.Calls, u.Errors+o.Errors, u.Fallbacks+o.Fallbacks
	u.Cost, u.Unpriced = u.Cost+o.Cost, u.Unpriced+o.Unpriced
	u.Scored, u.Score = u.Scored+o.Scored, u.Score+o.Score
	u.SchemaAsked, u.SchemaValid = u.SchemaAsked+o.SchemaAsked, u.SchemaValid+o.SchemaValid
	u.ToolCalled, u.ToolValid = u.ToolCalled+o.ToolCalled, u.ToolValid+o.ToolValid
	u.Refusals, u.CutShort, u.Repeated = u.Refusals+o.Refusals, u.CutShort+o.CutShort, u.Repeated+o.Repeated
	u.FirstByte, u.Total = append(u.FirstByte, o.FirstByte...), append(u.Total, o.Total...)
}

// Recorded asks for calls of an alias that were made without an experiment.
type Recorded struct {
	Alias    string
	From, To time.Time
	Slices   []Slice
	Plan     Plan   // for its quality
	Salt     string // of a test of the test: units are dealt by it between slices that match the same calls
}

// Slice is a part of recorded calls that is taken for an arm. Empty fields match everything.
type Slice struct {
	Arm      string
	Alias    string // calls of this alias instead of Recorded.Alias
	Provider string
	Model    string
}

// Traffic is what an alias's calls were like.
type Traffic struct {
	Calls      int64   // between the times
	Sampled    int64   // calls that the rest is measured on
	Units      int64   // among those
	Scored     int64   // units among those that have the quality of the plan
	Quality    float64 // their mean, 0 to 1
	QualitySD  float64
	CostMean   float64 // of a unit, in dollars
	CostSD     float64
	Kept       int64 // sampled calls whose bodies are kept
	Unpriced   int64 // sampled calls without a price
	MeanInput  int64 // tokens of a sampled call
	MeanOutput int64
}

// KeptCall is a call whose bodies are kept.
type KeptCall struct {
	Call              id.Call
	Arm               string
	Fingerprint       uint64 // of the request: equal ones are the same request
	Cost              money.NanoUSD
	Request, Response []byte
	Score             *float64 // 0 to 1; nil: not judged
	Note              string   // of the judge
}

// Aliases is what Service needs of aliases; alias.Service has it.
type Aliases interface {
	List(ctx context.Context, in tenant.Scope, text, after string, limit int) ([]alias.Alias, bool, error)
	Alias(ctx context.Context, in tenant.Scope, which id.Alias) (alias.Alias, error)
	Update(ctx context.Context, in tenant.Scope, which id.Alias, r alias.Route, message string, check func(alias.Alias) error) (alias.Alias, error)
	Restore(ctx context.Context, in tenant.Scope, which id.Alias, number int, message string, check func(alias.Alias) error) (alias.Alias, error)
}

// Credentials is what Service needs of credentials; credential.Service has it.
type Credentials interface {
	List(ctx context.Context, in tenant.Scope) ([]credential.Credential, error)
}

// Keys is what Service needs of keys; key.Service has it.
type Keys interface {
	Key(ctx context.Context, in tenant.Scope, which id.Key) (key.Key, error)
}

// Prices says what a model would cost.
type Prices interface {
	// Cost is the cost of a call with so many tokens; false: the model has no price.
	Cost(ctx context.Context, in tenant.Scope, provider, model string, input, output int64) (money.NanoUSD, bool, error)
}
