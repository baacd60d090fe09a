package experiment

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

// stagePrompts is a stage's one prompt. It asks for the right to move a protected label, as the registry does.
type stagePrompts struct {
	Prompts
	*stage
}

func (s stagePrompts) Prompt(context.Context, tenant.Scope, id.Prompt) (prompt.Prompt, error) {
	return prompt.Prompt{ID: "prompt_1", Name: "support/greeting", Latest: 3, Labels: maps.Clone(s.labels)}, nil
}

func (s stagePrompts) Moves(context.Context, tenant.Scope, id.Prompt, int) ([]prompt.Move, error) {
	return nil, nil
}

func (s stagePrompts) Rules(context.Context, tenant.Scope) (prompt.Rules, error) { return s.rules, nil }

func (s stagePrompts) SetLabel(ctx context.Context, in tenant.Scope, which id.Prompt, label string, number int, check func(prompt.Prompt) error) (prompt.Prompt, error) {
	now, _ := s.Prompt(ctx, in, which)
	if err := check(now); err != nil {
		return now, err
	}
	if s.rules.Protects(label) && in.Allow(tenant.ReleasePrompts) != nil {
		return now, prompt.ErrProtected
	}
	s.labels[label] = number
	return s.Prompt(ctx, in, which)
}

func (s *stage) PromptLabels(context.Context, tenant.Scope, string, id.Prompt, time.Time) ([]string, error) {
	return []string{prompt.Production}, nil
}

// versions makes the arms two versions of the prompt.
func versions(p *Plan) {
	p.Auto = true
	p.Variants[0].Prompt = &ArmPrompt{Prompt: "prompt_1", Version: 1}
	p.Variants[1].Prompt, p.Variants[1].Target = &ArmPrompt{Prompt: "prompt_1", Version: 2}, nil
}

// promptStage is a test of two versions whose winner can be found at the second day.
func promptStage(t *testing.T) *stage {
	t.Helper()
	s := newStage(t, versions)
	s.labels = map[string]int{prompt.Production: 1}
	s.traffic(monday, 48, 40, kind{failing: 0.01}, kind{cost: 0.5, failing: 0.01})
	return s
}

// TestAVersionThatWinsIsPromotedByItself: its label moves with the second stage, and not before.
func TestAVersionThatWinsIsPromotedByItself(t *testing.T) {
	t.Parallel()
	s := promptStage(t)
	s.must(hourOf(48))
	s.is(Promoted, true, 1)
	if s.labels[prompt.Production] != 1 || s.e.Ramp.Release == nil || s.e.Ramp.Release.Protected {
		t.Fatalf("production stands on %d, %+v", s.labels[prompt.Production], s.e.Ramp.Release)
	}
	s.must(hourOf(73))
	s.is(Promoted, true, 2) // this stage makes a version of anything; a real alias that does not change makes none
	if s.labels[prompt.Production] != 2 {
		t.Errorf("production stands on %d", s.labels[prompt.Production])
	}
	s.must(hourOf(98))
	if !s.e.Ramp.Over || s.e.Live {
		t.Errorf("%+v", s.e.Ramp)
	}
}

// TestAProtectedLabelIsNotMovedByItself: the winner waits for somebody who may.
func TestAProtectedLabelIsNotMovedByItself(t *testing.T) {
	t.Parallel()
	s := promptStage(t)
	s.rules.Protected = []string{prompt.Production}
	s.must(hourOf(48))
	s.is(Active, true, 1)
	last := s.e.Reading.Checks[len(s.e.Reading.Checks)-1]
	if s.e.Reading.Verdict != Winner || last.Name != "promotion" || last.State != "warn" || !strings.Contains(last.Detail, "protected") || s.labels[prompt.Production] != 1 {
		t.Errorf("%s, %+v", s.e.Reading.Verdict, last)
	}
}

// TestALabelThatBecomesProtectedEndsAPromotion before the label moves: nothing of it is done then.
func TestALabelThatBecomesProtectedEndsAPromotion(t *testing.T) {
	t.Parallel()
	s := promptStage(t)
	s.must(hourOf(48))
	s.rules.Protected = []string{prompt.Production}
	s.must(hourOf(73))
	s.is(Stopped, false, 1)
	if s.labels[prompt.Production] != 1 || s.e.Ramp.Reason == "" {
		t.Errorf("production stands on %d, %+v", s.labels[prompt.Production], s.e.Ramp)
	}
}

// TestALabelMovesOnceWhereverAWorkerDies, and comes back once.
func TestALabelMovesOnceWhereverAWorkerDies(t *testing.T) {
	t.Parallel()
	for at := 1; at <= 3; at++ {
		t.Run(fmt.Sprint("promotion, before change ", at), func(t *testing.T) {
			t.Parallel()
			s := promptStage(t)
			s.must(hourOf(48))
			s.crash = at
			if err := s.turn(hourOf(73)); !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
			s.crash = 0
			s.must(hourOf(74))
			s.is(Promoted, true, 2)
			if s.labels[prompt.Production] != 2 {
				t.Errorf("production stands on %d", s.labels[prompt.Production])
			}
		})
	}
	for at := 1; at <= 2; at++ {
		t.Run(fmt.Sprint("taking it back, before change ", at), func(t *testing.T) {
			t.Parallel()
			s := newStage(t, func(p *Plan) { versions(p); p.Guardrails.ErrorRate = 0.02 })
			s.labels = map[string]int{prompt.Production: 1}
			s.traffic(monday, 48, 40, kind{failing: 0.01}, kind{cost: 0.5, failing: 0.01})
			s.must(hourOf(48))
			s.must(hourOf(73))
			s.traffic(hourOf(73).Truncate(time.Hour), 3, 200, kind{}, kind{failing: 0.6})
			s.crash = at
			if err := s.turn(hourOf(76)); !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
			s.crash = 0
			s.must(hourOf(76))
			s.is(Reverted, false, 3)
			if s.labels[prompt.Production] != 1 {
				t.Errorf("production stands on %d", s.labels[prompt.Production])
			}
		})
	}
}
