package experiment

import (
	"context"
	"fmt"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// The longest time that a replay reads back.
const replayMax = 28 * 24 * time.Hour

// Replay asks what recorded calls would have said: nothing is started and nothing is stored.
type Replay struct {
	Plan     Plan    // its alias, goal, margin and quality count; variants give names and weights
	Slices   []Slice // what calls stand for each variant, the control first; empty in a test of the test (Plan.AA)
	From, To time.Time
}

// Replay judges recorded calls as an experiment would. Unless it is a test of the test, units were not dealt at random: what differs
// between the slices may be their kind of call and not their model, and the reading's checks say so.
func (s *Service) Replay(ctx context.Context, in tenant.Scope, r Replay) (Reading, error) {
	p, q, err := s.recorded(ctx, in, r)
	if err != nil {
		return Reading{}, err
	}
	e := Experiment{Plan: p, StartedAt: q.From, Horizon: 0}
	l := &look{e: &e, c: collect(p, p.names()...), at: q.To, final: true}
	l.c.keep = l.c.keep || !p.AA // nobody dealt these units: how many a slice has turns out below
	if err := s.Store.Recorded(ctx, in, q, l.c.add); err != nil {
		return Reading{}, err
	}
	l.c.flush()
	for i := range l.c.arms {
		if l.c.arms[i].units == 0 {
			r := Reading{At: q.To, Final: true, Verdict: Inconclusive, Sentence: fmt.Sprintf("No recorded call between %s and %s stands for %s.", date(q.From), date(q.To), p.Variants[i].Name)}
			for j, v := range p.Variants {
				r.Arms = append(r.Arms, l.c.arms[j].reading(v.Name))
			}
			return r, nil
		}
	}
	if !p.AA {
		for i := range p.Variants { // the past had no plan for its split: there is none to compare with
			p.Variants[i].Weight = int(l.c.arms[i].units)
		}
		l.notes = append(l.notes, Check{Name: "not_randomised", State: "warn", Detail: "these calls were not dealt at random: a difference may come from the kind of call"})
	}
	return l.read(), nil
}

// recorded is a replay as storage is asked.
func (s *Service) recorded(ctx context.Context, in tenant.Scope, r Replay) (Plan, Recorded, error) {
	p := r.Plan
	p.Name, p.Guardrails = "Replay", Guardrails{}
	if p.AA && len(p.Variants) == 0 {
		p.Variants = []Variant{{Name: "a"}, {Name: "b"}}
	}
	if !p.AA && len(p.Variants) == 0 {
		for i := range r.Slices {
			p.Variants = append(p.Variants, Variant{Name: r.Slices[i].Arm, Target: nil})
		}
	}
	p = p.normal()
	a, err := s.Aliases.Alias(ctx, in, p.Alias)
	if err != nil {
		return p, Recorded{}, invalid("alias", "There is no such alias.")
	}
	p.AliasName = a.Name
	switch hours := r.To.Sub(r.From); {
	case hours < time.Hour || hours > replayMax:
		return p, Recorded{}, invalid("from", "A replay reads between an hour and %d days.", int(replayMax.Hours()/24))
	case len(p.Variants) < 2 || len(p.Variants) > variantsMax:
		return p, Recorded{}, invalid("slices", "A replay compares 2 to %d slices, the control first.", variantsMax)
	case !p.AA && len(r.Slices) != len(p.Variants):
		return p, Recorded{}, invalid("slices", "Each variant needs a slice of the recorded calls.")
	}
	q := Recorded{Alias: a.Name, From: r.From.UTC(), To: r.To.UTC(), Plan: p, Slices: r.Slices}
	if p.AA {
		q.Slices, q.Salt = nil, id.New("salt")
		for _, v := range p.Variants {
			q.Slices = append(q.Slices, Slice{Arm: v.Name})
		}
	}
	seen := map[Slice]bool{}
	for i := range q.Slices {
		q.Slices[i].Arm = ""
		if seen[q.Slices[i]] && !p.AA {
			return p, q, invalid(fmt.Sprintf("slices.%d", i), "This slice is the same as another one.")
		}
		seen[q.Slices[i]] = true
		q.Slices[i].Arm = p.Variants[i].Name
	}
	return p, q, nil
}
