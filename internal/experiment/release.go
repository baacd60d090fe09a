package experiment

import (
	"context"
	"errors"
	"strings"

	"tollgate/internal/alias"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

// Release is the move of a label that comes with the promotion of an arm that names a version.
type Release struct {
	Prompt id.Prompt `json:"prompt"`
	Name   string    `json:"name"` // of the prompt, then
	Label  string    `json:"label"`
	Was    int       `json:"was"` // 0: it stood nowhere
	Is     int       `json:"is"`
	// Protected: who promoted had the right to move it, and the worker goes on with that.
	Protected bool `json:"protected,omitempty"`
}

// words name a release: support/greeting:production.
func (r *Release) words() string { return r.Name + ":" + r.Label }

// release is what promoting an arm moves: the label by which the alias's calls use the prompt most. nil: nothing, because the arm names no
// version, or the alias has one bound by its number and gets another. prompt.ErrProtected and ErrApproval where the caller may not.
func (s *Service) release(ctx context.Context, in tenant.Scope, e *Experiment, arm string, a alias.Alias) (*Release, error) {
	i := e.arm(arm)
	if i < 0 || e.Plan.Variants[i].Prompt == nil {
		return nil, nil
	}
	want := e.Plan.Variants[i].Prompt
	labels, err := s.labels(ctx, in, a, want.Prompt, e.StartedAt)
	if err != nil || len(labels) == 0 {
		return nil, err
	}
	got, err := s.Prompts.Prompt(ctx, in, want.Prompt)
	if err != nil {
		return nil, err
	}
	out := &Release{Prompt: want.Prompt, Name: got.Name, Label: labels[0], Was: got.Labels[labels[0]], Is: want.Version}
	if _, moving := got.Ramps[out.Label]; moving {
		return nil, ErrNoPromotion.Say("The label %s is on its way to another version. Finish or stop that move first.", out.words())
	}
	out.Protected, err = s.mayMove(ctx, in, out)
	return out, err
}

// Release is the move of a label that promoting an arm would bring; nil: none. Its failures are those of Promote. ErrNotFound.
func (s *Service) Release(ctx context.Context, in tenant.Scope, which id.Experiment, arm string) (*Release, error) {
	e, err := s.Store.Experiment(ctx, in, which)
	if err != nil {
		return nil, err
	}
	a, err := s.Aliases.Alias(ctx, in, e.Plan.Alias)
	if err != nil {
		return nil, err
	}
	return s.release(ctx, in, &e, arm, a)
}

// mayMove refuses who may not move a release's label, and reports whether it is a protected one.
func (s *Service) mayMove(ctx context.Context, in tenant.Scope, r *Release) (protected bool, err error) {
	rules, err := s.Prompts.Rules(ctx, in)
	if err != nil || !rules.Protects(r.Label) {
		return false, err
	}
	if in.Allow(tenant.ReleasePrompts) != nil {
		return true, prompt.ErrProtected.Say("The label %s is protected: an owner or admin must do this.", r.words())
	}
	if rules.Approvals {
		return true, prompt.ErrApproval.Say("Moves of the protected label %s want another person's approval: ask for the move to version %d on the prompt's page.", r.words(), r.Is)
	}
	return true, nil
}

// move puts the label where the release, or its way back, has it. One that is there already is left alone; one that somebody moved
// elsewhere is ErrMoved.
func (s *Service) move(ctx context.Context, in tenant.Scope, r *Release, from, to int) error {
	_, err := s.Prompts.SetLabel(ctx, in, r.Prompt, r.Label, to, func(p prompt.Prompt) error {
		switch p.Labels[r.Label] {
		case to:
			return errThere
		case from:
			return nil
		}
		return ErrLabelMoved.Say("The label %s was moved since. Change it by hand, or start another experiment.", r.words())
	})
	if errors.Is(err, errThere) {
		return nil
	}
	return err
}

// errThere ends a move that has nothing to do.
var errThere = errors.New("the label stands there already")

// ofPrompt reports a failure that is about a prompt or its label.
func ofPrompt(err error) bool {
	var f *fault.Error
	return errors.As(err, &f) && (strings.HasPrefix(f.Code, "prompt.") || errors.Is(err, ErrLabelMoved))
}

// stands reports whether the label is where a release put it.
func (s *Service) stands(ctx context.Context, in tenant.Scope, r *Release) (bool, error) {
	p, err := s.Prompts.Prompt(ctx, in, r.Prompt)
	if errors.Is(err, prompt.ErrNotFound) {
		return false, nil
	}
	return err == nil && p.Labels[r.Label] == r.Is, err
}

// refusal is what a refused request says; false for every other failure.
func refusal(err error) (string, bool) {
	var f *fault.Error
	if errors.As(err, &f) && f.Kind != fault.Internal {
		return f.Message, true
	}
	return "", false
}
