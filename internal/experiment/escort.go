package experiment

import (
	"context"
	"fmt"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/tenant"
)

// escort carries a promotion on: it watches the guardrails once an hour, and goes to the next stage when its time has come.
func (k *Keeper) escort(ctx context.Context, in tenant.Scope, e Experiment, a alias.Alias) error {
	s := k.service
	switch {
	case e.Ramp.Back:
		_, err := s.finishBack(ctx, in, e)
		return err
	case e.Ramp.Stage == fullStage && e.Ramp.Made == 0:
		_, err := s.settle(ctx, in, e)
		return k.giveUp(ctx, in, e, err)
	case a.Version != e.AliasAt: // by hand: whoever did it has decided
		return k.over(ctx, in, e, "the alias was changed by hand")
	}
	if r := e.Ramp.Release; r != nil && e.Ramp.Stage == fullStage {
		there, err := s.stands(ctx, in, r)
		if err != nil {
			return err
		}
		if !there {
			return k.over(ctx, in, e, "the label "+r.words()+" was moved by hand")
		}
	}
	if harmed, err := k.guard(ctx, in, e); harmed || err != nil {
		return err
	}
	if s.Now().Before(e.Ramp.Until) {
		return nil
	}
	if e.Ramp.Stage == fullStage {
		return k.over(ctx, in, e, "")
	}
	e, err := s.Store.Change(ctx, in, e.ID, func(e *Experiment) error {
		if e.Status != Promoted || e.Ramp.Stage != halfStage || e.Ramp.Back {
			return errPassed
		}
		now := instant(s.Now())
		e.Ramp.Stage, e.Ramp.Since, e.Ramp.Until = fullStage, now, now.Add(rampWhole)
		return nil
	})
	if err != nil {
		return err
	}
	_, err = s.settle(ctx, in, e)
	return k.giveUp(ctx, in, e, err)
}

// giveUp ends a promotion whose alias or label moved in the meantime, or whose label may not be moved; it could never be made any more.
func (k *Keeper) giveUp(ctx context.Context, in tenant.Scope, e Experiment, err error) error {
	said, refused := refusal(err)
	switch {
	case err == nil:
		return nil
	case refused && ofPrompt(err):
		return k.over(ctx, in, e, said)
	case isMoved(err):
		return k.over(ctx, in, e, "the alias was changed by hand")
	}
	return err
}

// over ends the guardrails of a promotion. One that the alias's own change overtook counts as stopped.
func (k *Keeper) over(ctx context.Context, in tenant.Scope, e Experiment, reason string) error {
	_, err := k.service.Store.Change(ctx, in, e.ID, func(e *Experiment) error {
		if e.Status != Promoted || e.Ramp.Over {
			return errPassed
		}
		e.Live, e.Ramp.Over, e.Ramp.Reason = false, true, reason
		if reason != "" && e.Ramp.Made == 0 {
			e.Status, e.Winner = Stopped, ""
		}
		return nil
	})
	return err
}

// guard looks at a promotion's guardrails once an hour, and takes the promotion back when one is broken. In the first stage the control is
// what is dealt beside the winner; in the second it is what the control was during the test.
func (k *Keeper) guard(ctx context.Context, in tenant.Scope, e Experiment) (harmed bool, err error) {
	s := k.service
	at := newest(s.Now())
	if !at.After(e.LookedAt) || !at.After(e.Ramp.Since) {
		return false, nil
	}
	words, err := s.harmed(ctx, in, &e, at)
	if err != nil {
		return false, err
	}
	if words == "" {
		_, err := s.Store.Change(ctx, in, e.ID, func(e *Experiment) error {
			if !e.LookedAt.Before(at) {
				return errPassed
			}
			e.LookedAt = at
			return nil
		})
		return false, err
	}
	r := Reading{}
	if e.Reading != nil {
		r = *e.Reading
	}
	r.At, r.Verdict, r.Final = at, Breach, false
	r.Sentence = fmt.Sprintf("A guardrail was broken after the promotion: %s. The alias is what it was before.", words)
	k.log.Warn("a promotion was taken back", "experiment", e.ID, "org", in.Org())
	_, err = s.rollBack(ctx, in, e, words, &r)
	return true, err
}

// harmed is the guardrail that the winner breaks, in words. Spend was about the test and does not count any more.
func (s *Service) harmed(ctx context.Context, in tenant.Scope, e *Experiment, at time.Time) (string, error) {
	control := e.Plan.Variants[0].Name
	start, since := e.StartedAt.Truncate(time.Hour), e.Ramp.Since.Truncate(time.Hour)
	c := collect(e.Plan, control, e.Winner)
	err := s.Store.Units(ctx, in, e.ID, start, at, func(t Tally) error {
		if e.Ramp.Stage == fullStage && (t.Arm == control) != t.Hour.Before(since) {
			return nil
		}
		return c.add(t)
	})
	c.flush()
	g := e.Plan.Guardrails
	g.Spend = 0
	return g.harm(e.Winner, &c.arms[0], &c.arms[1]), err
}
