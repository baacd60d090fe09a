package prompt

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// ShareMax is the Share of all.
const ShareMax = 10_000

// Ramp is a label under way from the version on which it stands to another: a part of the units already gets that. It ends with a move of
// the label. Proxies know To and Share; the rest says how it goes on.
type Ramp struct {
	To    int
	Share int // of ShareMax units: more than 0, less than all
	Plan
	NextAt    time.Time // of the next step; zero: it is held
	SteppedAt time.Time // when Share became what it is
	StartedAt time.Time
	By        string // who started it
}

// Plan is how fast a label moves by and by.
type Plan struct {
	Shares []int         // of ShareMax, each greater than the one before; the last is ShareMax
	Pause  time.Duration // between steps, at least PauseMin
	// StopOver stops the move by itself when calls with the new version fail more often than with the old one, by more than so many hundredths
	// of a per cent of them. 0: nothing stops it.
	StopOver int
}

// DefaultShares are 1, 5, 10, 25, 50 and 100 per cent.
var DefaultShares = []int{100, 500, 1000, 2500, 5000, ShareMax}

// The bounds of plans.
const (
	PauseMin  = time.Minute
	PauseMax  = 30 * 24 * time.Hour
	sharesMax = 50
)

func (p *Plan) check() error {
	switch {
	case len(p.Shares) < 2 || len(p.Shares) > sharesMax || p.Shares[len(p.Shares)-1] != ShareMax:
		return invalid("shares", "A gradual move has 2 to %d steps, and the last one is everybody. To move at once, put the label on the version.", sharesMax)
	case p.Pause < PauseMin || p.Pause > PauseMax:
		return invalid("pause", "Between two steps there is a pause of a minute to thirty days.")
	case p.StopOver < 0 || p.StopOver > ShareMax:
		return invalid("stop_over", "What stops a move is a difference of error rates from 0 to 100 per cent.")
	}
	for i, share := range p.Shares {
		if share <= 0 || i > 0 && share <= p.Shares[i-1] {
			return invalid("shares", "Each step is greater than the one before: units do not go back while a label moves.")
		}
	}
	return nil
}

// next is the share behind the one that stands.
func (r *Ramp) next() int {
	for _, share := range r.Shares {
		if share > r.Share {
			return share
		}
	}
	return ShareMax
}

// Ramp begins to move a label by and by; of a move that is under way to the same version it changes the plan. ErrProtected, ErrApproval,
// ErrRamping, ErrVersion, ErrLabel when the label stands nowhere yet.
func (s *Service) Ramp(ctx context.Context, in tenant.Scope, which id.Prompt, label string, to int, plan Plan, why string, check func(Prompt) error) (Prompt, error) {
	h := s.hand(in)
	why, err := oneLine("why", why)
	if err != nil {
		return Prompt{}, err
	}
	h.why = why
	var p Prompt
	err = s.change(ctx, in, which, check, func(d Desk, had Prompt) (err error) {
		p, err = h.ramp(d, had, label, to, plan)
		return err
	})
	return p, err
}

func (h hand) ramp(d Desk, p Prompt, label string, to int, plan Plan) (Prompt, error) {
	if err := rampable(d, p, label, to, plan); err != nil {
		return p, err
	}
	rules, err := d.Rules()
	if err != nil {
		return p, err
	}
	had, moving := p.Ramps[label]
	if moving { // its version was let through; how fast it goes is left to those who may release
		err = h.may(rules, label)
	} else {
		err = h.lets(d, rules, p, label, to)
	}
	if err != nil {
		return p, err
	}
	p.Ramps = maps.Clone(p.Ramps)
	if p.Ramps == nil {
		p.Ramps = map[string]Ramp{}
	}
	next := h.at.Add(plan.Pause)
	if moving {
		had.Plan, had.NextAt = plan, next
		p.Ramps[label] = had
		return h.write(d, p, nil)
	}
	by := h.in.Actor().ID()
	p.Ramps[label] = Ramp{To: to, Share: plan.Shares[0], Plan: plan, NextAt: next, SteppedAt: h.at, StartedAt: h.at, By: by}
	return h.write(d, p, []Move{{Label: label, Was: p.Labels[label], Is: to, Share: plan.Shares[0], At: h.at, By: by, Why: h.why}})
}

// rampable refuses what cannot be begun, or could not be brought to its end as things are now.
func rampable(d Desk, p Prompt, label string, to int, plan Plan) error {
	if err := CheckLabel(label); err != nil {
		return err
	}
	if err := plan.check(); err != nil {
		return err
	}
	if !p.ArchivedAt.IsZero() {
		return ErrArchived
	}
	stands := p.Labels[label]
	switch r, moving := p.Ramps[label]; {
	case to == 0:
		return invalid("version", "A label moves by and by to a version. To take it off, remove it.")
	case stands == 0:
		return ErrLabel.Say("The label %q stands on no version yet: put it on one at once.", label).At("label")
	case to == stands:
		return invalid("version", "The label %q stands on version %d already.", label, to)
	case moving && r.To != to:
		return ErrRamping.Say("The label %q is on its way to version %d, at %s. Stop that first.", label, r.To, percent(r.Share)).At("label")
	}
	if err := there(d, p.ID, to); err != nil {
		return err
	}
	return whole(staged{d, p, label, to}, p.ID, 0)
}

// staged is a desk on which a label stands where it will.
type staged struct {
	Desk
	p     Prompt
	label string
	to    int
}

func (s staged) as(p Prompt, ok bool) (Prompt, bool) {
	if ok && p.ID == s.p.ID {
		p.Labels = maps.Clone(p.Labels)
		p.Labels[s.label] = s.to
	}
	return p, ok
}

// Named implements Library.
func (s staged) Named(name string) (Prompt, bool) { return s.as(s.Desk.Named(name)) }

// Prompt implements Library.
func (s staged) Prompt(which id.Prompt) (Prompt, bool) { return s.as(s.Desk.Prompt(which)) }

// StepRamp takes the next step of a gradual move now; the last one ends it. ErrNoRamp, ErrProtected, ErrBreaks.
func (s *Service) StepRamp(ctx context.Context, in tenant.Scope, which id.Prompt, label string, check func(Prompt) error) (Prompt, error) {
	return s.moving(ctx, in, which, label, check, hand.step)
}

// HoldRamp keeps a gradual move at its share until it is resumed. ErrNoRamp, ErrProtected.
func (s *Service) HoldRamp(ctx context.Context, in tenant.Scope, which id.Prompt, label string, check func(Prompt) error) (Prompt, error) {
	return s.moving(ctx, in, which, label, check, func(h hand, d Desk, p Prompt, label string) (Prompt, error) {
		return h.due(d, p, label, time.Time{})
	})
}

// ResumeRamp lets a gradual move go on; its next step is after one pause. ErrNoRamp, ErrProtected.
func (s *Service) ResumeRamp(ctx context.Context, in tenant.Scope, which id.Prompt, label string, check func(Prompt) error) (Prompt, error) {
	return s.moving(ctx, in, which, label, check, func(h hand, d Desk, p Prompt, label string) (Prompt, error) {
		return h.due(d, p, label, h.at.Add(p.Ramps[label].Pause))
	})
}

// StopRamp takes a gradual move back: the next call of every unit gets the version on which the label stands. Where the label is not under way, there is
// nothing to do. ErrProtected.
func (s *Service) StopRamp(ctx context.Context, in tenant.Scope, which id.Prompt, label string, check func(Prompt) error) (Prompt, error) {
	p, err := s.moving(ctx, in, which, label, check, hand.moveBack)
	if errors.Is(err, ErrNoRamp) {
		return s.store.Prompt(ctx, in, which)
	}
	return p, err
}

// moving shows fn a prompt whose label is under way, to somebody who may move it.
func (s *Service) moving(ctx context.Context, in tenant.Scope, which id.Prompt, label string, check func(Prompt) error,
	fn func(h hand, d Desk, p Prompt, label string) (Prompt, error),
) (Prompt, error) {
	h := s.hand(in)
	var p Prompt
	err := s.change(ctx, in, which, check, func(d Desk, had Prompt) error {
		if _, ok := had.Ramps[label]; !ok {
			return ErrNoRamp.At("label")
		}
		rules, err := d.Rules()
		if err != nil {
			return err
		}
		if err := h.may(rules, label); err != nil {
			return err
		}
		p, err = fn(h, d, had, label)
		return err
	})
	return p, err
}

func (h hand) moveBack(d Desk, p Prompt, label string) (Prompt, error) {
	p, moves, err := h.place(d, p, []string{label}, p.Labels[label])
	if err != nil {
		return p, err
	}
	return h.write(d, p, moves)
}

// due says when the next step is.
func (h hand) due(d Desk, p Prompt, label string, at time.Time) (Prompt, error) {
	p.Ramps = maps.Clone(p.Ramps)
	r := p.Ramps[label]
	r.NextAt = at
	p.Ramps[label] = r
	return h.write(d, p, nil)
}

func (h hand) step(d Desk, p Prompt, label string) (Prompt, error) {
	p.Labels, p.Ramps = maps.Clone(p.Labels), maps.Clone(p.Ramps)
	r := p.Ramps[label]
	m := Move{Label: label, Was: p.Labels[label], Is: r.To, At: h.at, By: h.in.Actor().ID(), Why: h.why}
	if next := r.next(); next < ShareMax {
		m.Share = next
		r.Share, r.SteppedAt = next, h.at
		if !r.NextAt.IsZero() {
			r.NextAt = h.at.Add(r.Pause)
		}
		p.Ramps[label] = r
	} else {
		delete(p.Ramps, label)
		p.Labels[label] = r.To
	}
	return h.write(d, p, []Move{m})
}

// Moving are the labels that are under way, sorted.
func (p *Prompt) Moving() []string { return slices.Sorted(maps.Keys(p.Ramps)) }
