package experiment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

// How long each stage of a promotion takes, with guardrails on: half of the units first, then all.
const (
	rampHalf  = 24 * time.Hour
	rampWhole = 24 * time.Hour
	halfStage = 50
	fullStage = 100
)

// Pace says how fast a promotion goes.
type Pace bool

// The paces.
const (
	Ramped      Pace = false // half of the units for a day, then all
	Immediately Pace = true  // all at once
)

// Promote gives the alias to an arm: at first half of the units, a day later all by a new version of the alias; guardrails stay on for two
// days. Immediately makes the version at once. An arm may be promoted whatever the verdict is: that is its reader's decision.
// An arm that names a version of a prompt takes the label with it by which the alias's calls use the prompt, or, where the alias has a version
// bound by its number, gives the alias the other number.
// ErrNoArm, ErrNoPromotion, ErrMoved when the alias is not the one that was tested, ErrBusy when another experiment runs there;
// prompt.ErrProtected and ErrApproval where the caller may not move the label.
func (s *Service) Promote(ctx context.Context, in tenant.Scope, which id.Experiment, arm string, pace Pace) (Experiment, error) {
	e, err := s.Store.Experiment(ctx, in, which)
	if err != nil {
		return e, err
	}
	a, err := s.Aliases.Alias(ctx, in, e.Plan.Alias)
	if err != nil {
		return e, err
	}
	if err := e.promotable(arm, a); err != nil {
		return e, err
	}
	move, err := s.release(ctx, in, &e, arm, a)
	if err != nil {
		return e, err
	}
	e, err = s.Store.Change(ctx, in, which, func(e *Experiment) error {
		if err := e.promotable(arm, a); err != nil {
			return err
		}
		e.ActedBy = in.Actor().ID()
		e.promote(arm, pace, move, instant(s.Now()))
		return nil
	})
	if err != nil || e.Ramp.Stage == halfStage {
		return e, err
	}
	return s.settle(ctx, in, e)
}

func (e *Experiment) promotable(arm string, a alias.Alias) error {
	i := e.arm(arm)
	switch {
	case i < 0:
		return ErrNoArm.At("arm")
	case i == 0:
		return ErrNoArm.Say("%s is the control: it has the alias when the experiment is stopped.", arm).At("arm")
	case e.Status != Active && e.Status != Stopped:
		return ErrNoPromotion
	case e.Plan.AA:
		return ErrNoPromotion.Say("In a test of the test there is nothing to promote: all arms are alike.")
	case a.Version != e.AliasAt:
		return ErrMoved.Say("The experiment was about version %d of %s, which is at version %d now. Change it by hand, or start another experiment.", e.AliasAt, a.Name, a.Version)
	}
	return nil
}

// promote begins a promotion; settle, or the worker, brings it to its end.
func (e *Experiment) promote(arm string, pace Pace, move *Release, now time.Time) {
	e.end(Promoted, now)
	e.Live, e.Winner = true, arm
	e.Ramp = &Ramp{Stage: halfStage, Since: now, Until: now.Add(rampHalf), Version: e.AliasAt, Release: move}
	if pace == Immediately {
		e.Ramp.Stage, e.Ramp.Until = fullStage, now.Add(rampHalf+rampWhole)
		return // the arms stay as they are until the alias has its version
	}
	e.Arms = ramp(e.Arms, slices.IndexFunc(e.Arms, func(a Arm) bool { return a.Name == arm }), halfStage)
}

// settle makes the version of the alias that the promotion is about, and watches every unit as the winner's from then on. It may be done again
// after a crash in its middle: a version that is there already is taken for ours when it says the same.
func (s *Service) settle(ctx context.Context, in tenant.Scope, e Experiment) (Experiment, error) {
	v := e.Plan.Variants[e.arm(e.Winner)]
	was, err := s.Aliases.Alias(ctx, in, e.Plan.Alias)
	if err != nil {
		return e, err
	}
	want := promoted(was.Route, v)
	made := was
	done := ours(was, want, e.Ramp.Version)
	if !done && was.Version != e.Ramp.Version {
		return e, ErrMoved
	}
	r := e.Ramp.Release
	if r != nil { // before the alias: of the two it is the one that may be refused
		if err := s.move(ctx, in, r, r.Was, r.Is); err != nil {
			return e, err
		}
	}
	if !done {
		message := fmt.Sprintf("Promoted %s: experiment %s", v.Name, e.Plan.Name)
		made, err = s.Aliases.Update(ctx, in, e.Plan.Alias, want, clipRunes(message, 500), at(e.Ramp.Version))
		if err != nil && r != nil && isMoved(err) {
			return e, errors.Join(err, s.move(ctx, in, r, r.Is, r.Was)) // the alias moved in between: nothing is promoted
		}
		if err != nil {
			return e, err
		}
	}
	return s.Store.Change(ctx, in, e.ID, func(e *Experiment) error {
		if e.Status != Promoted || e.Ramp == nil || e.Ramp.Back {
			return ErrNotPromoted
		}
		e.Ramp.Made, e.AliasAt, e.Arms = made.Version, made.Version, whole(e.Winner)
		return nil
	})
}

// ours reports whether a version made before a crash is the promotion's.
func ours(a alias.Alias, want alias.Route, from int) bool {
	return a.Version == from+1 && a.Route.Same(want)
}

// at refuses an alias that is at another version.
func at(version int) func(alias.Alias) error {
	return func(a alias.Alias) error {
		if a.Version != version {
			return ErrMoved
		}
		return nil
	}
}

// Rollback takes a promotion back: every unit is served as before it, and the alias gets the route of the version that was tested, as
// its next version. ErrNotPromoted; ErrMoved when the alias was changed since.
func (s *Service) Rollback(ctx context.Context, in tenant.Scope, which id.Experiment) (Experiment, error) {
	e, err := s.Store.Experiment(ctx, in, which)
	switch {
	case err != nil:
		return e, err
	case e.Status != Promoted || e.Ramp == nil:
		return e, ErrNotPromoted
	}
	a, err := s.Aliases.Alias(ctx, in, e.Plan.Alias)
	if err != nil {
		return e, err
	}
	if !e.Ramp.Back && e.Ramp.Made != 0 && a.Version != e.Ramp.Made {
		return e, ErrMoved
	}
	if r := e.Ramp.Release; r != nil && e.Ramp.Made != 0 {
		if err := s.mayTakeBack(ctx, in, r); err != nil {
			return e, err
		}
	}
	return s.rollBack(ctx, in, e, "rolled back by hand", nil)
}

// rollBack first takes the experiment from the proxies, then the alias back. Between the two the worker finds what is left to do.
func (s *Service) rollBack(ctx context.Context, in tenant.Scope, e Experiment, reason string, r *Reading) (Experiment, error) {
	e, err := s.Store.Change(ctx, in, e.ID, func(e *Experiment) error {
		if e.Status != Promoted || e.Ramp == nil {
			return ErrNotPromoted
		}
		if !e.Ramp.Back {
			e.Live, e.Ramp.Back, e.Ramp.Reason, e.ActedBy = false, true, reason, in.Actor().ID()
		}
		if r != nil {
			e.Reading, e.LookedAt = r, r.At
		}
		return nil
	})
	if err != nil {
		return e, err
	}
	return s.finishBack(ctx, in, e)
}

// mayTakeBack refuses a way back whose label the caller may not move, or that somebody moved since. A way back wants nobody's approval.
func (s *Service) mayTakeBack(ctx context.Context, in tenant.Scope, r *Release) error {
	if _, err := s.mayMove(ctx, in, r); err != nil && !errors.Is(err, prompt.ErrApproval) {
		return err
	}
	there, err := s.stands(ctx, in, r)
	if err == nil && !there {
		err = ErrLabelMoved.Say("The label %s was moved since. Change it by hand.", r.words())
	}
	return err
}

func (s *Service) finishBack(ctx context.Context, in tenant.Scope, e Experiment) (Experiment, error) {
	if r := e.Ramp.Release; r != nil && e.Ramp.Stage == fullStage {
		err := s.move(ctx, in, r, r.Is, r.Was)
		if _, refused := refusal(err); err != nil && !refused { // refused: somebody moved it since, or it is gone
			return e, err
		}
	}
	if e.Ramp.Made != 0 {
		message := fmt.Sprintf("Took the promotion of %s back: %s", e.Winner, e.Ramp.Reason)
		_, err := s.Aliases.Restore(ctx, in, e.Plan.Alias, e.Ramp.Version, clipRunes(message, 500), at(e.Ramp.Made))
		if err != nil && !errors.Is(err, ErrMoved) && !errors.Is(err, alias.ErrNotFound) { // moved: done before a crash, or changed by somebody since
			return e, err
		}
	}
	return s.Store.Change(ctx, in, e.ID, func(e *Experiment) error {
		e.Status, e.Ramp.Over, e.Live = Reverted, true, false
		return nil
	})
}

func clipRunes(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}

func isMoved(err error) bool { return errors.Is(err, ErrMoved) || errors.Is(err, alias.ErrNotFound) }
