package experiment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

// Hour is a bucket of the roll-up that has to be computed again.
type Hour struct {
	Org id.Org
	At  time.Time
}

// Standing is an experiment that somebody set going, with the scope in whose name the worker goes on.
type Standing struct {
	In tenant.Scope
	ID id.Experiment
}

// Bench is what the worker needs from storage; package experimentpg provides it.
type Bench interface {
	// Dirty gives hours before a time whose calls or scores changed since they were computed, oldest mark first, at most limit.
	Dirty(ctx context.Context, before time.Time, limit int) ([]Hour, error)
	// Recompute replaces what the units of an hour did. Any number may run at once, be repeated or die at any point.
	Recompute(ctx context.Context, h Hour) error
	// Tended gives what runs, and promotions that are not over.
	Tended(ctx context.Context) ([]Standing, error)
}

const (
	// settle is how long after an hour its look waits: calls and scores of its last minutes are still on their way.
	settle = 2 * time.Minute
	// grace is how long after its end an experiment waits for late scores before the one look that may use the fixed test.
	grace      = time.Hour
	dirtyBatch = 64
)

// Keeper looks after experiments: it sums up what units did, looks at every hour, ends what is at its end or does harm, and carries promotions
// on. Any number of workers may run one.
type Keeper struct {
	service *Service
	bench   Bench
	log     *slog.Logger
	rolled  atomic.Int64 // the full hour up to which this worker has summed up
}

// NewKeeper makes a Keeper.
func NewKeeper(s *Service, b Bench, log *slog.Logger) *Keeper {
	return &Keeper{service: s, bench: b, log: log}
}

// Turn does what is due now. An experiment that fails does not hold up the others.
func (k *Keeper) Turn(ctx context.Context) error {
	if err := k.roll(ctx); err != nil {
		return err
	}
	standing, err := k.bench.Tended(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, s := range standing {
		if err := k.tend(ctx, s); err != nil && !errors.Is(err, errPassed) {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", s.ID, err))
		}
	}
	return failed
}

// roll sums up what looks are about to read: once an hour, since they read full hours only, and not at every call and score that comes. It
// begins anew with the process.
func (k *Keeper) roll(ctx context.Context) error {
	full := newest(k.service.Now())
	if k.rolled.Load() == full.Unix() {
		return nil
	}
	for {
		hours, err := k.bench.Dirty(ctx, full, dirtyBatch)
		if err != nil {
			return err
		}
		if len(hours) == 0 {
			k.rolled.Store(full.Unix())
			return nil
		}
		for _, h := range hours {
			if err := k.bench.Recompute(ctx, h); err != nil {
				return err
			}
		}
	}
}

func (k *Keeper) tend(ctx context.Context, st Standing) error {
	e, err := k.service.Store.Experiment(ctx, st.In, st.ID)
	if err != nil {
		return err
	}
	a, err := k.service.Aliases.Alias(ctx, st.In, e.Plan.Alias)
	if err != nil && !errors.Is(err, alias.ErrNotFound) {
		return err
	}
	switch e.Status {
	case Active:
		return k.watch(ctx, st.In, e, a)
	case Promoted:
		return k.escort(ctx, st.In, e, a)
	case Draft, Stopped, Reverted, Invalid:
	}
	return nil
}

// errPassed means that another worker was faster.
var errPassed = errors.New("looked at already")

// watch makes the looks of a running experiment that are due. a is its alias now; the zero one: it is gone.
func (k *Keeper) watch(ctx context.Context, in tenant.Scope, e Experiment, a alias.Alias) error {
	if a.Version != e.AliasAt {
		return k.close(ctx, in, e, "alias_edit", aliasEdit(&e, a.Version))
	}
	words, err := k.service.edited(ctx, in, &e, a)
	if err != nil {
		return err
	}
	if words != "" {
		return k.close(ctx, in, e, "prompt_edit", words+" So the arms are not what they were. Start another experiment.")
	}
	for _, at := range e.due(k.service.Now()) {
		if err := k.look(ctx, in, &e, at, !at.Before(e.Ends())); err != nil || e.Status != Active {
			return err
		}
	}
	return nil
}

// due are the looks that have not been made: of days that were missed, and of the last full hour; at the end only that.
func (e *Experiment) due(now time.Time) []time.Time {
	start, end, last := e.StartedAt.Truncate(time.Hour), e.Ends(), newest(now)
	if !last.Before(end.Add(grace)) {
		last = end
	} else if !last.Before(end) {
		last = end.Add(-time.Hour) // the one behind it is the final one, and waits for late scores
	}
	var out []time.Time
	for day := start.Add(24 * time.Hour); day.Before(last); day = day.Add(24 * time.Hour) {
		if day.After(e.LookedAt) {
			out = append(out, day)
		}
	}
	if last.After(start) && last.After(e.LookedAt) {
		out = append(out, last)
	}
	return out
}

// newest is the last full hour that can be looked at.
func newest(now time.Time) time.Time { return now.Add(-settle).Truncate(time.Hour) }

// look makes one look, keeps it and does what follows from it.
func (k *Keeper) look(ctx context.Context, in tenant.Scope, e *Experiment, at time.Time, final bool) error {
	s := k.service
	l, err := s.gather(ctx, in, e, at, final)
	if err != nil {
		return err
	}
	r := l.read()
	move, err := s.autoRelease(ctx, in, e, &r)
	if err != nil {
		return err
	}
	changed, err := s.Store.Change(ctx, in, e.ID, func(e *Experiment) error {
		if e.Status != Active || !e.LookedAt.Before(at) {
			return errPassed
		}
		e.Reading, e.LookedAt = &r, at
		e.follow(&r, l.unfair, move, instant(s.Now()))
		return nil
	})
	if err != nil {
		return err
	}
	*e = changed
	if e.Status != Active {
		k.log.Info("an experiment has ended", "experiment", e.ID, "org", in.Org(), "status", e.Status, "verdict", r.Verdict)
	}
	return nil
}

// gather reads what a look needs.
func (s *Service) gather(ctx context.Context, in tenant.Scope, e *Experiment, at time.Time, final bool) (*look, error) {
	l := &look{e: e, c: collect(e.Plan, e.Plan.names()...), at: at, final: final}
	if err := s.Store.Units(ctx, in, e.ID, e.StartedAt.Truncate(time.Hour), at, l.c.add); err != nil {
		return nil, err
	}
	note, err := s.repriced(ctx, in, e, at)
	l.notes = append(l.notes, note)
	if err != nil || e.Plan.Quality != Judge {
		return l, err
	}
	note, err = s.judged(ctx, in, e)
	l.notes = append(l.notes, note)
	return l, err
}

// judged tells how far the judge has come with its budget.
func (s *Service) judged(ctx context.Context, in tenant.Scope, e *Experiment) (Check, error) {
	n, cost, err := s.Store.Spent(ctx, in, e.ID)
	c := Check{Name: "judge", State: "ok", Detail: fmt.Sprintf("%s calls judged for %s of %s", count(n), usd(dollars(cost)), usd(dollars(e.Plan.Judge.Budget)))}
	if n > 0 && cost+cost/money.NanoUSD(n) > e.Plan.Judge.Budget {
		c.State, c.Detail = "warn", c.Detail+": the budget is spent"
	}
	return c, err
}

// repriced warns when a model of the test changed its price while it ran.
func (s *Service) repriced(ctx context.Context, in tenant.Scope, e *Experiment, at time.Time) (Check, error) {
	c := Check{Name: "price_change", State: "ok", Detail: "no price of the arms changed"}
	var targets []alias.Target
	for _, v := range e.Plan.Variants {
		if v.Target != nil {
			targets = append(targets, *v.Target)
		}
	}
	a, err := s.Aliases.Alias(ctx, in, e.Plan.Alias)
	if err != nil && !errors.Is(err, alias.ErrNotFound) {
		return c, err
	}
	for _, t := range append(targets, a.Route.Targets...) {
		moved, err := s.Store.Repriced(ctx, in, t.Provider, t.Model, e.StartedAt, at)
		if err != nil {
			return c, err
		}
		if moved {
			c.State, c.Detail = "warn", fmt.Sprintf("the price of %s/%s changed while the test ran: costs of before and after are added up", t.Provider, t.Model)
		}
	}
	return c, nil
}

// autoRelease is what the worker moves when it promotes a winner. Where it may not, a line of the reading says so, and promoting is left to
// people.
func (s *Service) autoRelease(ctx context.Context, in tenant.Scope, e *Experiment, r *Reading) (automatic, error) {
	if r.Verdict != Winner || !e.Plan.Auto || e.Plan.AA {
		return automatic{}, nil
	}
	a, err := s.Aliases.Alias(ctx, in, e.Plan.Alias)
	if err != nil {
		return automatic{}, err
	}
	move, err := s.release(ctx, in, e, r.Best, a)
	if told, refused := refusal(err); refused {
		r.Checks = append(r.Checks, Check{Name: "promotion", State: "warn", Detail: "it is not promoted by itself: " + told})
		return automatic{}, nil
	}
	return automatic{allowed: true, release: move}, err
}

// automatic is leave to promote a winner without a click.
type automatic struct {
	allowed bool
	release *Release
}

// follow ends or promotes what a look has decided.
func (e *Experiment) follow(r *Reading, unfair bool, auto automatic, now time.Time) {
	switch {
	case r.Verdict == Breach:
		e.end(Reverted, now)
	case unfair || r.Final && r.Verdict == Void:
		e.end(Invalid, now)
	case auto.allowed:
		e.promote(r.Best, Ramped, auto.release, now)
	case r.Final:
		e.end(Stopped, now)
	}
}

// aliasEdit says how the alias was changed.
func aliasEdit(e *Experiment, version int) string {
	if version == 0 {
		return "The alias was deleted while the experiment ran."
	}
	return fmt.Sprintf("The alias was changed while the experiment ran (version %d, now %d), so the arms are not what they were. Start another experiment.", e.AliasAt, version)
}

// close ends an experiment whose alias, or prompt, was changed under it.
func (k *Keeper) close(ctx context.Context, in tenant.Scope, e Experiment, check, words string) error {
	now := instant(k.service.Now())
	r := Reading{Day: e.day(now)}
	if e.Reading != nil {
		r = *e.Reading
	}
	r.At, r.Verdict, r.Best, r.Final = now, Void, "", false
	r.Sentence = words
	r.Checks = append(r.Checks[:len(r.Checks):len(r.Checks)], Check{Name: check, State: "block", Detail: r.Sentence})
	_, err := k.service.Store.Change(ctx, in, e.ID, func(e *Experiment) error {
		if e.Status != Active {
			return errPassed
		}
		e.Reading, e.LookedAt = &r, now
		e.end(Invalid, now)
		return nil
	})
	return err
}
