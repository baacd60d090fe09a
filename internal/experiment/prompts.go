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

// Prompts is what Service needs of prompts; prompt.Service has it.
type Prompts interface {
	Prompt(ctx context.Context, in tenant.Scope, which id.Prompt) (prompt.Prompt, error)
	Version(ctx context.Context, in tenant.Scope, which id.Prompt, number int) (prompt.Version, error)
	// Moves lists newest first the latest moves of labels, at most limit.
	Moves(ctx context.Context, in tenant.Scope, which id.Prompt, limit int) ([]prompt.Move, error)
	Rules(ctx context.Context, in tenant.Scope) (prompt.Rules, error)
	SetLabel(ctx context.Context, in tenant.Scope, which id.Prompt, label string, number int, check func(prompt.Prompt) error) (prompt.Prompt, error)
}

// prompted is the prompt whose versions a plan compares; "": none. A checked plan has one at most.
func (p Plan) prompted() id.Prompt {
	for _, v := range p.Variants {
		if v.Prompt != nil {
			return v.Prompt.Prompt
		}
	}
	return ""
}

// fixed reports that every variant names a version of the prompt, so that no label decides what an arm says.
func (p Plan) fixed(which id.Prompt) bool {
	return !slices.ContainsFunc(p.Variants, func(v Variant) bool { return v.Prompt == nil || v.Prompt.Prompt != which })
}

// checkPrompts refuses versions that are not there. All variants that name one name it of one prompt: calls of an alias that uses several
// would otherwise be dealt between arms that do nothing to them. It gives the prompt's name; "": there is none in the plan.
func (s *Service) checkPrompts(ctx context.Context, in tenant.Scope, p Plan) (name string, err error) {
	which := p.prompted()
	for i, v := range p.Variants {
		if v.Prompt == nil {
			continue
		}
		at := fmt.Sprintf("variants.%d.prompt", i)
		if v.Prompt.Prompt != which {
			return "", invalid(at, "All variants name versions of one prompt.")
		}
		got, err := s.Prompts.Prompt(ctx, in, which)
		switch {
		case errors.Is(err, prompt.ErrNotFound) || err == nil && !got.ArchivedAt.IsZero():
			return "", invalid(at, "There is no such prompt.")
		case err != nil:
			return "", err
		}
		name = got.Name
		_, err = s.Prompts.Version(ctx, in, which, v.Prompt.Version)
		if errors.Is(err, prompt.ErrVersion) || errors.Is(err, prompt.ErrNotFound) {
			return "", invalid(at+".version", "The prompt %s has no version %d: its newest is %d.", got.Name, v.Prompt.Version, got.Latest)
		}
		if err != nil {
			return "", err
		}
	}
	return name, nil
}

// labelsPast is how far back calls tell by which labels an alias uses a prompt.
const labelsPast = 7 * 24 * time.Hour

// labels are those by which an alias's calls use a prompt, the most used first: of the binding where the alias has it bound, otherwise of
// the calls of the last days until a time. Without any call it is production.
func (s *Service) labels(ctx context.Context, in tenant.Scope, a alias.Alias, which id.Prompt, until time.Time) ([]string, error) {
	if b := a.Route.Prompt; b != nil && b.ID == which && (b.Version != 0 || b.Label != "") {
		if b.Version != 0 {
			return nil, nil
		}
		return []string{b.Label}, nil
	}
	found, err := s.Store.PromptLabels(ctx, in, a.Name, which, until.Add(-labelsPast))
	if err == nil && len(found) == 0 {
		found = []string{prompt.Production}
	}
	return found, err
}

// startable refuses an experiment that would take calls away from under a protected label without the right to move it, and one whose label
// is on its way already: the control would change under it.
func (s *Service) startable(ctx context.Context, in tenant.Scope, p Plan, a alias.Alias) error {
	which := p.prompted()
	if which == "" {
		return nil
	}
	labels, err := s.labels(ctx, in, a, which, s.Now())
	if err != nil {
		return err
	}
	rules, err := s.Prompts.Rules(ctx, in)
	if err != nil {
		return err
	}
	got, err := s.Prompts.Prompt(ctx, in, which)
	if err != nil {
		return err
	}
	for _, label := range labels {
		if _, moving := got.Ramps[label]; moving {
			return invalid("variants", "The label %q of %s is on its way to another version. Finish or stop that move first.", label, got.Name)
		}
		if rules.Protects(label) && in.Allow(tenant.ReleasePrompts) != nil {
			return prompt.ErrProtected.Say("The calls use %s by the protected label %q: an owner or admin must start this experiment.", got.Name, label)
		}
	}
	return nil
}

// promptWarnings say where arms would do nothing: calls of the alias that do not use the prompt.
func (s *Service) promptWarnings(ctx context.Context, in tenant.Scope, p Plan, a alias.Alias, t Traffic, f *Forecast) error {
	which := p.prompted()
	if which == "" || a.Route.Prompt != nil && a.Route.Prompt.ID == which {
		return nil
	}
	got, err := s.Prompts.Prompt(ctx, in, which)
	if errors.Is(err, prompt.ErrNotFound) {
		return nil // saving the plan says so
	}
	if err != nil {
		return err
	}
	now := instant(s.Now())
	used, err := s.Store.PromptCalls(ctx, in, a.Name, which, now.Add(-forecastPast), now)
	switch {
	case err != nil:
		return err
	case used == 0:
		f.Warnings = append(f.Warnings, fmt.Sprintf("No call of %s used the prompt %s in the last seven days, and the alias does not have it bound: its arms would all be alike.", a.Name, got.Name))
	case used < t.Calls*9/10:
		f.Warnings = append(f.Warnings, fmt.Sprintf("%s of %s's calls use the prompt %s; for the others the arms are alike, which hides a part of the difference.",
			percent(part(used, t.Calls)), a.Name, got.Name))
	}
	return nil
}

// movesRead is how many of the latest moves are looked at for an edit; a test with more of them was edited in any case.
const movesRead = 100

// edited says in words what was changed about the prompts under a running experiment; "": nothing that matters. It matters where an arm gets
// what a label stands on: the prompt that the alias has bound, and the one that is compared.
func (s *Service) edited(ctx context.Context, in tenant.Scope, e *Experiment, a alias.Alias) (string, error) {
	var which []id.Prompt
	if b := a.Route.Prompt; b != nil && b.Version == 0 && b.ID != "" && !e.Plan.fixed(b.ID) {
		which = append(which, b.ID)
	}
	if p := e.Plan.prompted(); p != "" && !e.Plan.fixed(p) && !slices.Contains(which, p) {
		which = append(which, p)
	}
	for _, p := range which {
		words, err := s.moved(ctx, in, e, a, p)
		if words != "" || err != nil {
			return words, err
		}
	}
	return "", nil
}

// moved says which label of a prompt, that calls of the alias use, went somewhere since the start.
func (s *Service) moved(ctx context.Context, in tenant.Scope, e *Experiment, a alias.Alias, which id.Prompt) (string, error) {
	got, err := s.Prompts.Prompt(ctx, in, which)
	if errors.Is(err, prompt.ErrNotFound) {
		return "The prompt was deleted while the experiment ran.", nil
	}
	if err != nil {
		return "", err
	}
	moves, err := s.Prompts.Moves(ctx, in, which, movesRead)
	if err != nil {
		return "", err
	}
	moves = slices.DeleteFunc(moves, func(m prompt.Move) bool { return !m.At.After(e.StartedAt) || m.Was == m.Is })
	if len(moves) == 0 && len(got.Ramps) == 0 {
		return "", nil
	}
	labels, err := s.labels(ctx, in, a, which, e.StartedAt)
	if err != nil {
		return "", err
	}
	for _, m := range moves {
		if slices.Contains(labels, m.Label) {
			return fmt.Sprintf("The label %q of the prompt %s went from version %d to %d on %s, while the experiment ran.", m.Label, got.Name, m.Was, m.Is, date(m.At)), nil
		}
	}
	for _, label := range labels {
		if r, moving := got.Ramps[label]; moving {
			return fmt.Sprintf("The label %q of the prompt %s is on its way to version %d, while the experiment runs.", label, got.Name, r.To), nil
		}
	}
	return "", nil
}
