package limit

import (
	"context"

	"tollgate/internal/dimension"
	"tollgate/internal/id"
)

// Meter counts what passes. A process that is the only proxy has limitmem; limitredis is for many. Both pass limittest.Exercise.
type Meter interface {
	// Take lets a call pass all limits or none, and fills states, which is as long as asks. Where a limit that does not only watch
	// refuses, nothing is counted anywhere. A limit that watches and has no room counts nothing, as if it had refused.
	// An error means that nothing can be counted and the call is to be refused.
	Take(ctx context.Context, org id.Org, call id.Call, asks []Ask, states []State) (Mode, error)
	// Return corrects what Take counted, when it is known better. It never refuses, and does not wait.
	Return(org id.Org, call id.Call, back []Return)
}

// Mode is how a call was counted.
type Mode uint8

// The modes.
const (
	Counted Mode = iota // as it should be
	Share               // the shared server does not answer: by this proxy's share of the limit
	Open                // it does not answer, and the operator wants calls to pass
)

// String is "shared", "local-share" or "open".
func (m Mode) String() string { return [...]string{"shared", "local-share", "open"}[m] }

// Ask is what one call wants of one limit.
type Ask struct {
	Limit   *Limit
	Subject string // the value, where the limit is for Each; else ""
	N       int64  // requests or tokens; 1 of Concurrency
}

// Return is what is given back of an Ask that was let in, or was too little.
type Return struct {
	Limit   *Limit
	Subject string
	Slot    int64 // of the Ask's State
	N       int64 // > 0: so much more was used; < 0: less. Not of Concurrency: its place is given back
}

// Need is what a call is expected to take. Output is at most what the provider is told to write.
type Need struct {
	Input, Output int64
	Capped        bool // the call says itself how much it wants written; else Output is a guess
}

// Asks adds what a call wants of the limits that select it. upstream chooses the limits on providers and models, which are asked once a
// target is known; else those that need none.
func Asks(into []Ask, limits []Limit, at *dimension.Call, upstream bool, need Need) []Ask {
	for i := range limits {
		l := &limits[i]
		if l.Upstream() != upstream || !l.Selector.Selects(at) {
			continue
		}
		a := Ask{Limit: l, N: need.of(l)}
		if l.Each != "" {
			if a.Subject = at.Value(l.Each); a.Subject == "" {
				continue // it stands nowhere on this line
			}
		}
		into = append(into, a)
	}
	return into
}

// of is what a limit counts of it. A guess never makes a call larger than the limit.
func (n Need) of(l *Limit) int64 {
	output := n.Output
	if !n.Capped {
		switch l.Metric {
		case Output:
			output = min(output, l.Amount)
		case Tokens:
			output = min(output, max(l.Amount-n.Input, 0))
		case Requests, Input, Concurrency:
		}
	}
	return n.exact(l.Metric, output)
}

func (n Need) exact(m Metric, output int64) int64 {
	switch m {
	case Input:
		return n.Input
	case Output:
		return output
	case Tokens:
		return n.Input + output
	case Requests, Concurrency:
	}
	return 1
}

// Correct is what is to be returned of an ask when it is known what the call used. ok is false where nothing is.
func (a *Ask) Correct(s *State, used Need) (Return, bool) {
	r := Return{Limit: a.Limit, Subject: a.Subject, Slot: s.Slot}
	switch {
	case s.Refused: // only a limit that watches: it counted nothing
		return r, false
	case a.Limit.Metric == Concurrency:
		return r, true
	case a.Limit.Metric == Requests:
		return r, false
	}
	r.N = used.exact(a.Limit.Metric, used.Output) - a.N
	return r, r.N != 0
}

// Void is what is returned of an ask whose call was not made after all: all of it.
func (a *Ask) Void(s *State) (Return, bool) {
	return Return{Limit: a.Limit, Subject: a.Subject, Slot: s.Slot, N: -a.N}, !s.Refused
}
