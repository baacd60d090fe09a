package routetest

import (
	"fmt"
	"slices"

	"tollgate/internal/alias"
	"tollgate/internal/chat"
	"tollgate/internal/route"
	"tollgate/internal/snapshot"
)

// Forbidden says what is wrong with a plan for a call: a target that the call must not get. It knows the rules by itself. "" when all
// is well.
func (w *World) Forbidden(a *route.Ask, p route.Plan) string {
	for i := range p.Targets {
		if why := w.forbidden(a, &p, &p.Targets[i]); why != "" {
			return fmt.Sprintf("target %d, %s/%s: %s", i+1, p.Targets[i].Vendor.ID, p.Targets[i].Model, why)
		}
	}
	if p.Alias != "" {
		if err := w.Key.AllowAlias(p.Alias); err != nil {
			return err.Error()
		}
	}
	return ""
}

func (w *World) forbidden(a *route.Ask, p *route.Plan, t *route.Target) string {
	switch {
	case t.Credential == nil && t.Vendor.ID != route.Sandbox:
		return "it has no credential"
	case t.Credential != nil && (w.Org.Credentials[t.Credential.ID] != t.Credential || t.Credential.Provider != t.Vendor.ID):
		return "its credential is not the organization's for it"
	case t.Via == alias.ViaBatch && !a.Batch:
		return "it is for batches"
	}
	private := a.Filter != nil && a.Filter.NoTraining || p.Alias != "" && w.Org.Aliases[p.Alias].Route.Privacy.NoTraining
	if private && t.Vendor.ID != route.Sandbox && (!t.Vendor.NoTraining || t.Own) {
		return "it may train on the traffic"
	}
	if why := w.filtered(a.Filter, t); why != "" {
		return why
	}
	if !w.named(a, p, t) {
		return "nothing names it that is switched on and that the key may call"
	}
	return ""
}

func (w *World) filtered(f *route.Filter, t *route.Target) string {
	if f == nil {
		return ""
	}
	v := t.Vendor.ID
	switch {
	case len(f.Only) > 0 && !slices.Contains(f.Only, v):
		return "it is not among the only ones"
	case slices.Contains(f.Ignore, v):
		return "it is ignored"
	case f.NoFallbacks && len(f.Order) > 0 && !slices.Contains(f.Order, v):
		return "it is not in the order, and there are to be no fallbacks"
	case len(f.Beyond) > 0:
		return "it cannot promise " + f.Beyond[0]
	}
	rec, ok := w.Org.Prices.Lookup(v, t.Model, Noon)
	if most := f.MaxPrice.Prompt; most != nil && (!ok || !rec.Rates[chat.Input].Listed || rec.Rates[chat.Input].Price > *most) {
		return "its prompt price is over the bound, or not known"
	}
	if most := f.MaxPrice.Completion; most != nil && (!ok || !rec.Rates[chat.Output].Listed || rec.Rates[chat.Output].Price > *most) {
		return "its completion price is over the bound, or not known"
	}
	return ""
}

// named reports whether the target is one that the plan's alias, its experiment or the request itself names, for this key.
func (w *World) named(a *route.Ask, p *route.Plan, t *route.Target) bool {
	matches := func(of alias.Target) bool {
		return !of.Off && of.Provider == t.Vendor.ID && of.Model == t.Model && of.Via == t.Via && (of.Credential == "" || t.Credential != nil && of.Credential == t.Credential.ID)
	}
	if p.Alias != "" && slices.ContainsFunc(everything(w.Org.Aliases[p.Alias]), matches) {
		return true
	}
	if e := w.Org.Experiments[p.Alias]; e != nil && p.Alias != "" {
		for _, arm := range e.Arms {
			if arm.Target != nil && matches(*arm.Target) {
				return true
			}
		}
	}
	wished := a.Models
	if p.Alias == "" {
		wished = append([]string{a.Name}, wished...)
	}
	for _, name := range wished {
		if of, ok := w.Org.Aliases[name]; ok {
			if w.Key.AllowAlias(name) == nil && slices.ContainsFunc(of.Route.Targets, matches) {
				return true
			}
			continue
		}
		direct := name == t.Vendor.ID+"/"+t.Model || name == "claude/"+t.Vendor.ID+"/"+t.Model || name == t.Model
		if direct && t.Via == "" && w.Key.AllowModel(t.Vendor.ID, t.Model) == nil {
			return true
		}
	}
	return false
}

// everything is all that an alias names.
func everything(a *snapshot.Alias) []alias.Target {
	out := slices.Clone(a.Route.Targets)
	for _, rule := range a.Route.Rules {
		out = append(out, rule.Targets...)
	}
	for _, f := range a.Route.Fallbacks {
		out = append(out, f.Target)
	}
	return out
}
