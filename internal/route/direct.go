package route

import (
	"slices"
	"strings"
	"time"

	"tollgate/internal/key"
	"tollgate/internal/price"
	"tollgate/internal/provider"
	"tollgate/internal/snapshot"
)

// direct resolves a model named by itself.
func (r Router) direct(org *snapshot.Org, k *key.Key, name string, now time.Time) (Plan, error) {
	if vendor, model, slash := strings.Cut(name, "/"); slash && model != "" {
		if v, ok := r.Vendors(vendor); ok {
			return r.only(org, k, v, model, "model named")
		}
	}
	switch found := r.listedBy(org, k, name, now); len(found) {
	case 1:
		return r.only(org, k, found[0], name, "the connected provider that lists the model")
	case 0:
		return Plan{}, r.unknown(org, k, name, now)
	default:
		names := make([]string, len(found))
		for i, v := range found {
			names[i] = v.ID + "/" + name
		}
		return Plan{}, ErrAmbiguous.Say("More than one connected provider serves this model. Name one of: %s.", strings.Join(names, ", "))
	}
}

// only is the plan of one vendor's model.
func (r Router) only(org *snapshot.Org, k *key.Key, v provider.Vendor, model, why string) (Plan, error) {
	if err := k.AllowModel(v.ID, model); err != nil {
		return Plan{}, err
	}
	t, err := connect(org, v, model)
	if err != nil {
		return Plan{}, err
	}
	t.Reason = why
	return Plan{Targets: []Target{t}}.withDefaults(), nil
}

// listedBy gives the connected vendors whose catalogue has the model under its own name, by id. Where several do, those that the
// key may not call are left out first, so that a narrow key never meets an ambiguity it cannot see.
func (r Router) listedBy(org *snapshot.Org, k *key.Key, model string, now time.Time) []provider.Vendor {
	var found []provider.Vendor
	for _, id := range Connected(org) {
		if rec, ok := org.Prices.Lookup(id, model, now); !ok || rec.Model == price.AnyModel {
			continue
		}
		if v, ok := r.Vendors(id); ok {
			found = append(found, v)
		}
	}
	if len(found) > 1 {
		allowed := slices.DeleteFunc(slices.Clone(found), func(v provider.Vendor) bool { return k.AllowModel(v.ID, model) != nil })
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
			clip(name), v.Name)
	}
	close := r.similar(org, k, name, now)
	if len(close) == 0 {
		return ErrModel.Say("There is no model or alias %q. GET /v1/models lists what this key may call; provider/model names any other model.",
			clip(name))
	}
	return ErrModel.Say("There is no model or alias %q. Did you mean %s? GET /v1/models lists what this key may call.",
		clip(name), strings.Join(close, ", "))
}

// makers are the vendors that make models of their own, so that "gpt-4o" without a credential is explained by its maker and
// not by one of the hosts that list it too.
var makers = [...]string{"openai", "anthropic", "mistral", "deepseek", "xai"}

func (r Router) family(org *snapshot.Org, name string, now time.Time) (provider.Vendor, bool) {
	for _, id := range makers {
		if rec, ok := org.Prices.Lookup(id, name, now); ok && rec.Model != price.AnyModel {
			return r.Vendors(id)
		}
	}
	return provider.Vendor{}, false
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
			_, err := r.only(org, k, v, model, "")
			return err == nil
		}
	}
	for _, v := range r.listedBy(org, k, name, now) {
		if k.AllowModel(v.ID, name) == nil {
			return true
		}
	}
	return false
}

func closeAliases(org *snapshot.Org, k *key.Key, name string) []string {
	if len(name) > clipMax {
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
		off := distance(want, n)
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

// distance is the number of single-byte edits between two names; swapping neighbours counts as two.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

const clipMax = 100

// clip bounds what a client sent before it is said back.
func clip(s string) string {
	if len(s) > clipMax {
		return strings.ToValidUTF8(s[:clipMax], "") + "…"
	}
	return s
}
