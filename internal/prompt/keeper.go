package prompt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Bench is what the worker needs of storage, across organizations; package promptpg provides it.
type Bench interface {
	// Due lists planned requests whose time has come, labels under way whose next step has, and those that are watched, at most limit.
	Due(ctx context.Context, now time.Time, limit int) ([]Due, error)
	// News lists what is to be told, oldest first, at most limit.
	News(ctx context.Context, limit int) ([]Untold, error)
	// Told forgets what was told.
	Told(ctx context.Context, u Untold) error
}

// Due is something that the worker has to do, in the name of who set it going. In has the role that this actor has now; none if it is gone.
type Due struct {
	In      tenant.Scope
	Prompt  id.Prompt
	Request id.PromptRequest // "": Label is under way
	Label   string
}

// Untold is a piece of news that nobody was told.
type Untold struct {
	Org id.Org
	Seq int64
	News
}

// Vitals tells how calls with versions of a prompt go.
type Vitals interface {
	// Failures counts by version the calls since a time, and those of them that failed otherwise than by the client's fault.
	Failures(ctx context.Context, in tenant.Scope, which id.Prompt, since time.Time, versions []int) (map[int]Vital, error)
}

// Vital is how calls with one version went.
type Vital struct{ Calls, Failed int }

// Tell tells people a piece of news; the same once is told once.
type Tell func(ctx context.Context, org id.Org, once string, n News) error

const (
	turnMax = 200
	// What stops a gradual move is seen in at least so many calls and failures: two failures of the first three calls say nothing.
	vitalCallsMin, vitalFailedMin = 30, 3
	// late is how long after its time a scheduled move is told to be late.
	late = 10 * time.Minute
)

// Keeper makes moves whose time has come, carries gradual ones on, stops those that do harm, and tells of every change. Any number of workers
// may run one: each thing is done under the organization's lock, once.
type Keeper struct {
	service *Service
	bench   Bench
	vitals  Vitals // nil: nothing stops a gradual move by itself
	tell    Tell
	log     *slog.Logger
}

// NewKeeper makes a Keeper.
func NewKeeper(s *Service, b Bench, v Vitals, tell Tell, log *slog.Logger) *Keeper {
	return &Keeper{s, b, v, tell, log}
}

// Turn does what is due. One thing that fails does not hold up the others.
func (k *Keeper) Turn(ctx context.Context) error {
	due, err := k.bench.Due(ctx, k.service.now().UTC(), turnMax)
	if err != nil {
		return err
	}
	var failed error
	for _, x := range due {
		do := k.advance
		if x.Request != "" {
			do = k.perform
		}
		if err := do(ctx, x); err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrNoRamp) {
			failed = errors.Join(failed, fmt.Errorf("%s %s %s: %w", x.Prompt, x.Label, x.Request, err))
		}
	}
	return errors.Join(failed, k.spread(ctx))
}

// Once is the word by which a poster knows what it was told before.
func Once(u Untold) string { return "change " + strconv.FormatInt(u.Seq, 10) }

// spread tells what is to be told. What was told and not forgotten before a crash is not told again: the poster knows it by its number.
func (k *Keeper) spread(ctx context.Context) error {
	for {
		list, err := k.bench.News(ctx, turnMax)
		if err != nil {
			return err
		}
		for _, u := range list {
			if err := k.tell(ctx, u.Org, Once(u), u.News); err != nil {
				return err
			}
			if err := k.bench.Told(ctx, u); err != nil {
				return err
			}
		}
		if len(list) < turnMax {
			return nil
		}
	}
}

// perform makes a move whose time has come, if it still may be made. What stands in its way is kept and told.
func (k *Keeper) perform(ctx context.Context, x Due) error {
	s := k.service
	h := s.hand(x.In)
	err := s.asked(ctx, x.In, x.Prompt, x.Request, func(d Desk, p Prompt, r Request) error {
		if r.State != Planned || r.At.After(h.at) {
			return nil // another worker was faster, or it was taken back
		}
		if x.In.Allow(tenant.WritePrompts) != nil {
			return tenant.ErrForbidden.Say("Who planned this may not change prompts any more.")
		}
		if r.AnsweredBy != "" {
			h.approved = true // by another person: nobody else answers
		}
		if behind := h.at.Sub(r.At); behind > late {
			r.Reason = "Made " + behind.Round(time.Minute).String() + " after its time: no worker ran."
		}
		if err := h.perform(d, p, &r); err != nil {
			return err
		}
		return d.PutRequest(r)
	})
	if !final(err) {
		return err
	}
	k.log.Warn("a scheduled move of a label was not made", "organization", string(x.In.Org()), "prompt", string(x.Prompt), "request", string(x.Request), "error", err)
	return s.fail(ctx, x.In, x.Prompt, x.Request, err)
}

// final reports whether an error will be the same next time.
func final(err error) bool {
	f := (*fault.Error)(nil)
	return errors.As(err, &f) && slices.Contains([]fault.Kind{fault.Invalid, fault.Forbidden, fault.NotFound, fault.Conflict, fault.Stale}, f.Kind)
}

// advance takes the next step of a label that is under way, if it is due; first it looks whether the new version does harm.
func (k *Keeper) advance(ctx context.Context, x Due) error {
	s := k.service
	p, err := s.store.Prompt(ctx, x.In, x.Prompt)
	if err != nil {
		return err
	}
	r, ok := p.Ramps[x.Label]
	if !ok {
		return nil
	}
	harm, err := k.harm(ctx, x, p.Labels[x.Label], r)
	if err != nil {
		return err
	}
	h := s.hand(x.In)
	err = s.change(ctx, x.In, x.Prompt, nil, func(d Desk, p Prompt) error {
		is, ok := p.Ramps[x.Label]
		switch {
		case !ok || is.To != r.To || !is.StartedAt.Equal(r.StartedAt):
			return nil // it is another one now
		case harm != "":
			return h.halt(d, p, x.Label, harm)
		case is.NextAt.IsZero() || is.NextAt.After(h.at):
			return nil
		}
		rules, err := d.Rules()
		if err != nil {
			return err
		}
		if err := h.may(rules, x.Label); err != nil {
			return err
		}
		if err := x.In.Allow(tenant.WritePrompts); err != nil {
			return err
		}
		_, err = h.step(d, p, x.Label)
		return err
	})
	if !final(err) || errors.Is(err, ErrNotFound) {
		return err
	}
	k.log.Warn("a gradual move of a label cannot go on", "organization", string(x.In.Org()), "prompt", string(x.Prompt), "label", x.Label, "error", err)
	return s.change(ctx, x.In, x.Prompt, nil, func(d Desk, p Prompt) error {
		if is, ok := p.Ramps[x.Label]; !ok || is.NextAt.IsZero() {
			return nil
		}
		if _, err := h.due(d, p, x.Label, time.Time{}); err != nil {
			return err
		}
		return d.Tell(stuck(p, x.Label, r.To, "A gradual move is held", said(err), h))
	})
}

// halt takes a gradual move back, and tells why.
func (h hand) halt(d Desk, p Prompt, label, why string) error {
	h.why = why
	to := p.Ramps[label].To
	if _, err := h.moveBack(d, p, label); err != nil {
		return err
	}
	return d.Tell(stuck(p, label, to, "A gradual move was stopped", why, h))
}

// harm says how the new version of a label under way does harm; "": it does none, or nothing is to be stopped for it.
func (k *Keeper) harm(ctx context.Context, x Due, stands int, r Ramp) (string, error) {
	if r.StopOver == 0 || k.vitals == nil {
		return "", nil
	}
	found, err := k.vitals.Failures(ctx, x.In, x.Prompt, r.StartedAt, []int{stands, r.To})
	if err != nil {
		return "", err
	}
	was, is := found[stands], found[r.To]
	if !is.worse(was, r.StopOver) {
		return "", nil
	}
	return fmt.Sprintf("Of %d calls with version %d %d failed, of %d with version %d %d: that is more than %s worse.",
		is.Calls, r.To, is.Failed, was.Calls, stands, was.Failed, percent(r.StopOver)), nil
}

// worse reports whether calls fail more often than others do, by more than so many hundredths of a per cent of them. Where there are no others,
// none of those fail.
func (v Vital) worse(than Vital, over int) bool {
	if v.Calls < vitalCallsMin || v.Failed < vitalFailedMin {
		return false
	}
	calls, failed := max(than.Calls, 1), than.Failed
	// v.Failed/v.Calls - failed/calls > over/ShareMax, without fractions.
	return (v.Failed*calls-failed*v.Calls)*ShareMax > over*v.Calls*calls
}
