package prompts

import (
	"context"
	"slices"

	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
	"tollgate/web/page"
)

// experimentsOf are the experiments that try versions of a prompt, newest first.
func (p Prompts) experimentsOf(ctx context.Context, v *page.Visit, which id.Prompt) ([]experiment.Experiment, error) {
	if !v.Can(tenant.ReadExperiments) {
		return nil, nil
	}
	all, _, err := p.Experiments.List(ctx, v.Scope(), experiment.Filter{}, "", suggestedMost)
	return slices.DeleteFunc(all, func(e experiment.Experiment) bool { return !tries(e, which) }), err
}

// tries reports whether an arm of an experiment is a version of the prompt.
func tries(e experiment.Experiment, which id.Prompt) bool {
	return slices.ContainsFunc(e.Plan.Variants, func(a experiment.Variant) bool { return a.Prompt != nil && a.Prompt.Prompt == which })
}
