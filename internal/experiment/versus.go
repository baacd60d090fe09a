package experiment

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tollgate/internal/alias"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

// Versus makes drafts that compare two versions of a prompt: one for each alias that has it bound or used it in the last seven days, or for
// the named one alone. The control is version a. ErrInvalid where no alias uses the prompt; prompt.ErrNotFound.
func (s *Service) Versus(ctx context.Context, in tenant.Scope, which id.Prompt, a, b int, only id.Alias) ([]Experiment, error) {
	got, err := s.Prompts.Prompt(ctx, in, which)
	if err != nil {
		return nil, err
	}
	on, err := s.Using(ctx, in, which)
	if only != "" {
		on = slices.DeleteFunc(on, func(x alias.Alias) bool { return x.ID != only })
	}
	switch {
	case err != nil:
		return nil, err
	case a == b:
		return nil, invalid("b", "Name two different versions.")
	case len(on) == 0 && only == "":
		return nil, invalid("alias", "No alias has the prompt %s bound, and none used it in the last seven days. Name the alias.", got.Name)
	case len(on) == 0:
		one, err := s.Aliases.Alias(ctx, in, only)
		if err != nil {
			return nil, err
		}
		on = []alias.Alias{one}
	}
	plans := make([]Plan, 0, len(on))
	for _, x := range on[:min(len(on), draftsMax)] {
		p, err := s.plan(ctx, in, s.versus(got, a, b, x))
		if err != nil {
			return nil, err
		}
		plans = append(plans, p)
	}
	out := make([]Experiment, 0, len(plans))
	for _, p := range plans { // all of them were found right before the first is made
		e, err := s.Create(ctx, in, p)
		if err != nil {
			return out, err
		}
		out = append(out, e)
	}
	return out, nil
}

// draftsMax bounds what one click makes.
const draftsMax = 10

// versus is a plan of two versions. Its goal and quality are a beginning: the draft is there to be looked over.
func (*Service) versus(p prompt.Prompt, a, b int, on alias.Alias) Plan {
	arm := func(n int) Variant {
		return Variant{Name: fmt.Sprintf("v%d", n), Prompt: &ArmPrompt{Prompt: p.ID, Version: n}}
	}
	name := fmt.Sprintf("%s: version %d against %d", clipRunes(p.Name, nameRunesMax/2), b, a)
	return Plan{
		Alias: on.ID, Name: name, Variants: []Variant{arm(a), arm(b)}, Goal: Cheaper, Quality: Scores,
		Guardrails: Guardrails{ErrorRate: 0.01, P95: 1.25, Refusals: 0.01},
	}
}

// Using are the aliases that have a prompt bound, or whose calls used it in the last seven days, by name.
func (s *Service) Using(ctx context.Context, in tenant.Scope, which id.Prompt) ([]alias.Alias, error) {
	now := instant(s.Now())
	names, err := s.Store.PromptAliases(ctx, in, which, now.Add(-forecastPast), now)
	if err != nil {
		return nil, err
	}
	var out []alias.Alias
	const page = 100
	for after := ""; ; {
		list, more, err := s.Aliases.List(ctx, in, "", after, page)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			if b := a.Route.Prompt; slices.Contains(names, a.Name) || b != nil && b.ID == which {
				out = append(out, a)
			}
		}
		if !more {
			slices.SortFunc(out, func(a, b alias.Alias) int { return strings.Compare(a.Name, b.Name) })
			return out, nil
		}
		after = list[len(list)-1].Name
	}
}
