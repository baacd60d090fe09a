// Package jump lists what the palette leads to beside the pages: aliases, prompts, experiments and keys, asked for when it is first opened.
package jump

import (
	"context"

	"tollgate/internal/alias"
	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
	"tollgate/web/layout"
	"tollgate/web/page"
)

// Keys lists keys.
type Keys interface {
	List(ctx context.Context, in tenant.Scope, f key.Filter, after id.Key, limit int) ([]key.Key, bool, error)
}

// Aliases lists aliases.
type Aliases interface {
	List(ctx context.Context, in tenant.Scope, text, after string, limit int) ([]alias.Alias, bool, error)
}

// Experiments lists experiments.
type Experiments interface {
	List(ctx context.Context, in tenant.Scope, f experiment.Filter, before id.Experiment, limit int) ([]experiment.Experiment, bool, error)
}

// Prompts lists prompts.
type Prompts interface {
	List(ctx context.Context, in tenant.Scope, f prompt.Filter, after string, limit int) ([]prompt.Prompt, bool, error)
}

// To answers its part. All fields are required.
type To struct {
	Keys        Keys
	Aliases     Aliases
	Experiments Experiments
	Prompts     Prompts
}

// most bounds each kind: whoever has more searches on its page.
const most = 200

// Entries are the aliases, the prompts, the experiments, and the keys that can be used.
func (t To) Entries(ctx context.Context, v *page.Visit) (page.Reply, error) {
	in := v.Scope()
	aliases, _, err := t.Aliases.List(ctx, in, "", "", most)
	if err != nil {
		return page.Reply{}, err
	}
	keys, _, err := t.Keys.List(ctx, in, key.Filter{State: key.Usable}, "", most)
	if err != nil {
		return page.Reply{}, err
	}
	var tried []experiment.Experiment
	if v.Can(tenant.ReadExperiments) {
		if tried, _, err = t.Experiments.List(ctx, in, experiment.Filter{}, "", most); err != nil {
			return page.Reply{}, err
		}
	}
	var written []prompt.Prompt
	if v.Can(tenant.ReadPrompts) {
		if written, _, err = t.Prompts.List(ctx, in, prompt.Filter{}, "", most); err != nil {
			return page.Reply{}, err
		}
	}
	var out []layout.PaletteEntry
	for _, a := range aliases {
		out = append(out, layout.PaletteEntry{Icon: "alias", Text: a.Name, Note: "alias", Href: "/aliases/" + string(a.ID)})
	}
	for _, p := range written {
		out = append(out, layout.PaletteEntry{Icon: "prompt", Text: p.Name, Note: "prompt", Href: "/prompts/" + string(p.ID)})
	}
	for _, e := range tried {
		out = append(out, layout.PaletteEntry{Icon: "experiment", Text: e.Plan.Name, Note: "experiment on " + e.Plan.AliasName, Href: "/experiments/" + string(e.ID)})
	}
	for _, k := range keys {
		out = append(out, layout.PaletteEntry{Icon: "key", Text: k.Name, Note: k.Prefix + "…", Href: "/keys/" + string(k.ID)})
	}
	return page.Part(layout.PaletteMore(out)), nil
}
