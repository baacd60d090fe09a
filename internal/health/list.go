package health

import (
	"slices"
	"strings"
	"time"

	"tollgate/internal/id"
)

// Seen is a target as pages and figures show it.
type Seen struct {
	Target
	State
	Calls  int // that ended in the last 30 seconds
	Failed int // of them
}

// List gives the targets of an organization that were asked lately, by provider, model and credential.
func (b *Board) List(org id.Org, now time.Time) []Seen {
	var out []Seen
	b.Each(now, func(s *Seen) {
		if s.Org == org {
			out = append(out, *s)
		}
	})
	slices.SortFunc(out, func(a, b Seen) int {
		for _, c := range [...]int{
			strings.Compare(a.Provider, b.Provider), strings.Compare(a.Model, b.Model),
			strings.Compare(string(a.Credential), string(b.Credential)), strings.Compare(a.Region, b.Region),
		} {
			if c != 0 {
				return c
			}
		}
		return 0
	})
	return out
}

// Each calls yield for every target of every organization, in no order. yield must not keep the pointer nor ask the board.
func (b *Board) Each(now time.Time, yield func(*Seen)) {
	for i := range b.shards {
		s := &b.shards[i]
		s.mu.RLock()
		for _, e := range s.entries {
			seen := Seen{Target: e.target, State: e.state(now)}
			seen.Calls, seen.Failed = e.breaker.counted(now)
			yield(&seen)
		}
		s.mu.RUnlock()
	}
}

func (b *breaker) counted(now time.Time) (calls, failed int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advance(now)
	sum := b.sum()
	return int(sum.good + sum.bad), int(sum.bad)
}
