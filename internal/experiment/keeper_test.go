package experiment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

var errCrash = errors.New("the process died here")

// stage is an organization with one alias and one experiment, in memory, and a clock. crash names the change of the experiment, counted from 1,
// before which the process dies; what was done to the alias by then is done.
type stage struct {
	Store // what is not written below is not called
	t     *testing.T
	now   time.Time
	e     Experiment
	route []alias.Route // the alias's versions
	units []Tally
	crash int

	labels map[string]int // of the one prompt
	rules  prompt.Rules
	role   tenant.Role // the worker's
}

type stageAliases struct {
	Aliases
	*stage
}

func (s *stage) Experiment(context.Context, tenant.Scope, id.Experiment) (Experiment, error) {
	return s.copied(), nil
}

func (s *stage) copied() Experiment {
	e := s.e
	if e.Ramp != nil {
		r := *e.Ramp
		e.Ramp = &r
	}
	return e
}

func (s *stage) Change(_ context.Context, _ tenant.Scope, _ id.Experiment, fn func(*Experiment) error) (Experiment, error) {
	if s.crash--; s.crash == 0 {
		return Experiment{}, errCrash
	}
	e := s.copied()
	if err := fn(&e); err != nil {
		return Experiment{}, err
	}
	e.Revision++
	s.e = e
	return s.copied(), nil
}

func (s *stage) Units(_ context.Context, _ tenant.Scope, _ id.Experiment, from, to time.Time, each func(Tally) error) error {
	for _, u := range s.units {
		if !u.Hour.Before(from) && u.Hour.Before(to) {
			if err := each(u); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *stage) Repriced(context.Context, tenant.Scope, string, string, time.Time, time.Time) (bool, error) {
	return false, nil
}

func (s *stage) Dirty(context.Context, time.Time, int) ([]Hour, error) { return nil, nil }
func (s *stage) Recompute(context.Context, Hour) error                 { return nil }
func (s *stage) Tended(context.Context) ([]Standing, error) {
	if s.e.Status == Active || s.e.Status == Promoted && !s.e.Ramp.Over {
		return []Standing{{tenant.Authenticated("org_1", tenant.Actor{User: "usr_1"}, s.role), s.e.ID}}, nil
	}
	return nil, nil
}

func (s stageAliases) Alias(context.Context, tenant.Scope, id.Alias) (alias.Alias, error) {
	n := len(s.route)
	return alias.Alias{ID: "als_1", Name: "fast", Version: n, Route: s.route[n-1]}, nil
}

func (s stageAliases) Update(ctx context.Context, in tenant.Scope, which id.Alias, r alias.Route, _ string, check func(alias.Alias) error) (alias.Alias, error) {
	now, _ := s.Alias(ctx, in, which)
	if err := check(now); err != nil {
		return alias.Alias{}, err
	}
	s.route = append(s.route, r)
	return s.Alias(ctx, in, which)
}

func (s stageAliases) Restore(ctx context.Context, in tenant.Scope, which id.Alias, number int, message string, check func(alias.Alias) error) (alias.Alias, error) {
	return s.Update(ctx, in, which, s.route[number-1], message, check)
}

// newStage has an experiment that was started on Monday.
func newStage(t *testing.T, change func(*Plan)) *stage {
	t.Helper()
	p := pair(50, 50)
	change(&p)
	return &stage{
		t: t, now: monday, role: tenant.Developer,
		route: []alias.Route{{Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o"}}}},
		e: Experiment{
			ID: "exp_1", Plan: p, Status: Active, Live: true, Salt: "salt_1", Arms: deal(p), Horizon: 8000, AliasAt: 1, StartedAt: monday, ActedBy: "usr_1", Revision: 1,
		},
	}
}

// traffic is so many hours of units of both arms.
func (s *stage) traffic(from time.Time, hours, perHour int, control, challenger kind) {
	rng := rand.New(rand.NewPCG(uint64(from.Unix()), 3))
	for h := range hours {
		for i := range 2 * perHour {
			arm, k := "control", control
			if i%2 == 1 {
				arm, k = "mini", challenger
			}
			s.units = append(s.units, k.unit(rng, arm, rng.Uint64(), from.Add(time.Duration(h)*time.Hour)))
		}
	}
}

// turn lets the worker do what is due at a time; it may die.
func (s *stage) turn(at time.Time) error {
	s.now = at
	service := NewService(Deps{Store: s, Aliases: stageAliases{stage: s}, Prompts: stagePrompts{stage: s}, Now: func() time.Time { return s.now }})
	return NewKeeper(service, s, slog.New(slog.DiscardHandler)).Turn(s.t.Context())
}

func (s *stage) must(at time.Time) {
	s.t.Helper()
	if err := s.turn(at); err != nil {
		s.t.Fatal(err)
	}
}

// is compares where the experiment and the alias stand.
func (s *stage) is(status Status, live bool, versions int) {
	s.t.Helper()
	if s.e.Status != status || s.e.Live != live || len(s.route) != versions {
		s.t.Fatalf("%s, live %v, alias at version %d; want %s, %v, %d (%+v)", s.e.Status, s.e.Live, len(s.route), status, live, versions, s.e.Ramp)
	}
}

func hourOf(n int) time.Time { return monday.Add(time.Duration(n)*time.Hour + 5*time.Minute) }

// promotedStage has a winner that the worker has found and promoted by itself, two days after the start.
func promotedStage(t *testing.T, change func(*Plan)) *stage {
	t.Helper()
	s := newStage(t, func(p *Plan) { p.Auto = true; change(p) })
	s.traffic(monday, 48, 40, kind{failing: 0.01}, kind{cost: 0.5, failing: 0.01})
	s.must(hourOf(47))
	s.is(Active, true, 1)
	s.must(hourOf(48))
	s.is(Promoted, true, 1)
	if s.e.Ramp.Stage != halfStage || s.e.Winner != "mini" {
		t.Fatalf("%+v, winner %q", s.e.Ramp, s.e.Winner)
	}
	return s
}

func TestAWinnerIsPromotedByItself(t *testing.T) {
	t.Parallel()
	s := promotedStage(t, func(*Plan) {})
	s.must(hourOf(71))
	s.is(Promoted, true, 1)
	s.must(hourOf(73))
	s.is(Promoted, true, 2)
	if r := s.route[1]; len(r.Targets) != 1 || r.Targets[0].Model != "gpt-4o-mini" || s.e.Ramp.Stage != fullStage || s.e.Ramp.Made != 2 {
		t.Fatalf("%+v, %+v", r, s.e.Ramp)
	}
	s.must(hourOf(98))
	s.is(Promoted, false, 2)
	if !s.e.Ramp.Over {
		t.Errorf("%+v, want the guardrails off", s.e.Ramp)
	}
}

// Without leave to promote, the winner waits for a person, and the experiment ends at its end.
func TestAWinnerWaitsForAPerson(t *testing.T) {
	t.Parallel()
	for _, aa := range []bool{false, true} {
		s := newStage(t, func(p *Plan) { p.AA, p.Auto = aa, aa }) // a test of the test promotes nothing, whatever it was told
		s.traffic(monday, 169, 15, kind{}, kind{cost: 0.5})
		s.must(hourOf(60))
		s.is(Active, true, 1)
		if s.e.Reading.Verdict != Winner {
			t.Fatalf("%+v", s.e.Reading)
		}
		s.must(hourOf(168)) // the planned end, but scores may be late
		s.is(Active, true, 1)
		s.must(hourOf(169))
		s.is(Stopped, false, 1)
		if !s.e.Reading.Final || s.e.Reading.Verdict != Winner {
			t.Errorf("%+v", s.e.Reading)
		}
	}
}

func TestAnEditedAliasClosesTheExperiment(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(*Plan) {})
	s.traffic(monday, 10, 40, kind{}, kind{cost: 0.5})
	s.must(hourOf(5))
	s.route = append(s.route, s.route[0])
	s.must(hourOf(6))
	s.is(Invalid, false, 2)
	if r := s.e.Reading; r.Verdict != Void || r.Checks[len(r.Checks)-1].Name != "alias_edit" || len(r.Arms) != 2 {
		t.Errorf("%+v", r)
	}
}

func TestHarmEndsTheExperiment(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(p *Plan) { p.Guardrails.ErrorRate = 0.02 })
	s.traffic(monday, 3, 60, kind{failing: 0.01}, kind{cost: 0.5, failing: 0.5})
	s.must(hourOf(3))
	s.is(Reverted, false, 1)
	if s.e.Reading.Verdict != Breach {
		t.Errorf("%+v", s.e.Reading)
	}
}

// A promotion whose winner turns bad is taken back at either stage: the alias serves what was tested against.
func TestHarmTakesAPromotionBack(t *testing.T) {
	t.Parallel()
	rail := func(p *Plan) { p.Guardrails.ErrorRate = 0.02 }
	half := promotedStage(t, rail)
	half.traffic(hourOf(48).Truncate(time.Hour), 10, 300, kind{failing: 0.01}, kind{failing: 0.6})
	half.must(hourOf(58))
	half.is(Reverted, false, 1)

	full := promotedStage(t, rail)
	full.must(hourOf(73))
	full.is(Promoted, true, 2)
	full.traffic(hourOf(73).Truncate(time.Hour), 3, 200, kind{}, kind{failing: 0.6})
	full.must(hourOf(76))
	full.is(Reverted, false, 3)
	if !full.route[2].Same(full.route[0]) || full.e.Reading.Verdict != Breach {
		t.Errorf("%+v, %+v", full.route[2], full.e.Reading)
	}
}

// Wherever a worker dies in a promotion or in taking one back, another finishes it, and the alias gets each version once.
func TestPromotionsSurviveCrashes(t *testing.T) {
	t.Parallel()
	for at := 1; at <= 4; at++ {
		t.Run(fmt.Sprint("promotion, before change ", at), func(t *testing.T) {
			t.Parallel()
			s := promotedStage(t, func(*Plan) {})
			s.crash = at
			err := s.turn(hourOf(73))
			if died := errors.Is(err, errCrash); !died && err != nil || died != (at <= 3) {
				t.Fatalf("crash at %d: %v", at, err)
			}
			s.crash = 0
			s.must(hourOf(74))
			s.is(Promoted, true, 2)
			if s.e.Ramp.Made != 2 {
				t.Errorf("%+v", s.e.Ramp)
			}
		})
		t.Run(fmt.Sprint("taking it back, before change ", at), func(t *testing.T) {
			t.Parallel()
			s := promotedStage(t, func(p *Plan) { p.Guardrails.ErrorRate = 0.02 })
			s.must(hourOf(73))
			s.traffic(hourOf(73).Truncate(time.Hour), 3, 200, kind{}, kind{failing: 0.6})
			s.crash = at
			err := s.turn(hourOf(76))
			if died := errors.Is(err, errCrash); !died && err != nil || died != (at <= 2) {
				t.Fatalf("crash at %d: %v", at, err)
			}
			s.crash = 0
			s.must(hourOf(76))
			s.is(Reverted, false, 3)
		})
	}
}

// Whoever changes the alias by hand during a promotion has decided: the promotion lets go of it and makes no version.
func TestAHandOnTheAliasEndsAPromotion(t *testing.T) {
	t.Parallel()
	s := promotedStage(t, func(*Plan) {})
	s.route = append(s.route, alias.Route{Targets: []alias.Target{{Provider: "anthropic", Model: "claude-haiku-4-5"}}})
	s.must(hourOf(73))
	s.is(Stopped, false, 2)
	if !s.e.Ramp.Over || s.e.Ramp.Reason == "" || s.e.Winner != "" {
		t.Errorf("%+v, winner %q", s.e.Ramp, s.e.Winner)
	}
}
