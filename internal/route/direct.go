package route

import (
	"slices"
	"strings"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/alias/spell"
	"tollgate/internal/calllog"
	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/price"
	"tollgate/internal/provider"
	"tollgate/internal/snapshot"
)

// direct resolves a model named by itself.
func (r Router) direct(org *snapshot.Org, k *key.Key, ask *Ask) (Plan, error) {
	vendors, err := r.serving(org, k, ask, ask.Name)
	if err != nil {
		return Plan{}, err
	}
	c := choosing{r: r, org: org, ask: ask}
	var p Plan
	if ask.Filter != nil || len(ask.Models) > 0 {
		p.Decision = &calllog.Decision{}
	}
	named := strings.HasPrefix(ask.Name, vendors[0].ID+"/")
	c.expect(len(vendors))
	for _, v := range vendors {
		why := "the connected provider that lists the model"
		if named {
			why = "model named"
		}
		c.add(alias.Target{Provider: v.ID, Model: modelOf(v.ID, ask.Name)}, shape{why: why})
	}
	if f := ask.Filter; f != nil && f.Sort != "" {
		c.arrange(0, sorts[f.Sort], "")
	}
	if err := c.wishes(k, &p); err != nil {
		return Plan{}, err
	}
	if len(c.list) > 1 && p.Decision == nil { // several credentials share the provider's calls
		p.Decision = &calllog.Decision{}
	}
	return c.finish(p, ask.Name)
}

// serving gives the vendors that a model's name means: the one that it names, or the connected one that lists it. Where several do, the
// request's filter may choose among them.
func (r Router) serving(org *snapshot.Org, k *key.Key, ask *Ask, name string) ([]*provider.Vendor, error) {
	if vendor, model, slash := strings.Cut(name, "/"); slash && model != "" {
		if v, ok := r.Vendors(vendor); ok {
			return []*provider.Vendor{v}, k.AllowModel(v.ID, model)
		}
	}
	found := r.listedBy(org, k, name, ask.Now)
	if len(found) > 1 && ask.Filter != nil {
		found = ask.Filter.among(found)
	}
	switch {
	case len(found) == 0:
		return nil, r.unknown(org, k, name, ask.Now)
	case len(found) > 1 && (ask.Filter == nil || !ask.Filter.chooses()):
		names := make([]string, len(found))
		for i, v := range found {
			names[i] = v.ID + "/" + name
		}
		return nil, ErrAmbiguous.Say("More than one connected provider serves this model. Name one of: %s.", strings.Join(names, ", "))
	}
	for _, v := range found {
		if err := k.AllowModel(v.ID, name); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// modelOf is a vendor's own name of a model that a client named with or without the vendor before it.
func modelOf(vendor, name string) string {
	if model, ok := strings.CutPrefix(name, vendor+"/"); ok && model != "" {
		return model
	}
	return name
}

// listedBy gives the connected vendors whose catalogue has the model under its own name, by id. Where several do, those that the
// key may not call are left out first, so that a narrow key never meets an ambiguity it cannot see.
func (r Router) listedBy(org *snapshot.Org, k *key.Key, model string, now time.Time) []*provider.Vendor {
	var found []*provider.Vendor
	look := func(id string) {
		if rec, ok := org.Prices.Lookup(id, model, now); !ok || rec.Model == price.AnyModel {
			return
		}
		if v, ok := r.Vendors(id); ok {
			found = append(found, v)
		}
	}
	for id := range org.Default {
		look(id)
	}
	if _, ok := org.Default[Sandbox]; !ok {
		look(Sandbox)
	}
	slices.SortFunc(found, func(a, b *provider.Vendor) int { return strings.Compare(a.ID, b.ID) })
	if len(found) > 1 {
		allowed := slices.DeleteFunc(slices.Clone(found), func(v *provider.Vendor) bool { return k.AllowModel(v.ID, model) != nil })
		if len(allowed) > 0 {
			return allowed
		}
	}
	return found
}

// Connected lists the vendors that the organization can call, by id; the sandbox is always among them.
func Connected(org *snapshot.Org) []string {
	ids := make([]string, 0, len(org.Default)+1)
	for id := range org.Default {
		ids = append(ids, id)
	}
	if _, ok := org.Default[Sandbox]; !ok {
		ids = append(ids, Sandbox)
	}
	slices.Sort(ids)
	return ids
}

// namesMax bounds how many close names an error offers.
const namesMax = 3

// unknown explains why a name leads nowhere: a listed model of a provider that is not connected, or no name at all, with the
// closest ones that the key may call.
func (r Router) unknown(org *snapshot.Org, k *key.Key, name string, now time.Time) error {
	if v, ok := r.family(org, name, now); ok {
		return ErrNotConnected.Say("%s is a model of %s, which is not connected. Add a credential for it on the dashboard under Providers.",
			fault.Clip(name), v.Name)
	}
	close := r.similar(org, k, name, now)
	if len(close) == 0 {
		return ErrModel.Say("There is no model or alias %q. GET /v1/models lists what this key may call; provider/model names any other model.",
			fault.Clip(name))
	}
	return ErrModel.Say("There is no model or alias %q. Did you mean %s? GET /v1/models lists what this key may call.",
		fault.Clip(name), strings.Join(close, ", "))
}

// makers are the vendors that make models of their own, so that "gpt-4o" without a credential is explained by its maker and
// not by one of the hosts that list it too.
var makers = [...]string{"openai", "anthropic", "mistral", "deepseek", "xai"}

func (r Router) family(org *snapshot.Org, name string, now time.Time) (*provider.Vendor, bool) {
	for _, id := range makers {
		if rec, ok := org.Prices.Lookup(id, name, now); ok && rec.Model != price.AnyModel {
			return r.Vendors(id)
		}
	}
	return nil, false
}

// similar gives up to three names close to one that is not: aliases first, then models, only those the key may call.
func (r Router) similar(org *snapshot.Org, k *key.Key, name string, now time.Time) []string {
	out := closeAliases(org, k, name)
	for _, m := range org.Prices.Similar(name) {
		if len(out) >= namesMax {
			break
		}
		if r.callable(org, k, m, now) {
			out = append(out, m)
		}
	}
	return out[:min(len(out), namesMax)]
}

func (r Router) callable(org *snapshot.Org, k *key.Key, name string, now time.Time) bool {
	if vendor, model, ok := strings.Cut(name, "/"); ok {
		if v, known := r.Vendors(vendor); known {
			return k.AllowModel(v.ID, model) == nil && r.connected(org, v, model)
		}
	}
	for _, v := range r.listedBy(org, k, name, now) {
		if k.AllowModel(v.ID, name) == nil {
			return true
		}
	}
	return false
}

func (r Router) connected(org *snapshot.Org, v *provider.Vendor, model string) bool {
	c := choosing{r: Router{Vendors: r.Vendors}, org: org, ask: &Ask{}}
	return c.connect(v, &alias.Target{Provider: v.ID, Model: model}) == nil
}

func closeAliases(org *snapshot.Org, k *key.Key, name string) []string {
	if len(name) > fault.ClipMax {
		return nil
	}
	type near struct {
		name string
		off  int
	}
	var list []near
	want := strings.ToLower(name)
	limit := max(2, len(want)/3)
	for n := range org.Aliases {
		off := spell.Distance(want, n)
		if strings.Contains(n, want) || strings.Contains(want, n) {
			off = min(off, limit)
		}
		if off <= limit && k.AllowAlias(n) == nil {
			list = append(list, near{n, off})
		}
	}
	slices.SortFunc(list, func(a, b near) int {
		if a.off != b.off {
			return a.off - b.off
		}
		return strings.Compare(a.name, b.name)
	})
	var out []string
	for _, n := range list[:min(len(list), namesMax)] {
		out = append(out, n.name)
	}
	return out
}
