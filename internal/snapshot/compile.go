package snapshot

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"tollgate/internal/alias"
	"tollgate/internal/alias/condition"
	"tollgate/internal/budget"
	"tollgate/internal/credential"
	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/limit"
	"tollgate/internal/price"
	"tollgate/internal/prompt"
	"tollgate/internal/provider"
	"tollgate/internal/secret"
)

// Opener opens sealed secrets; credential.Open does, with a vault.
type Opener func(ctx context.Context, org id.Org, c credential.Credential, s credential.Sealed) (secret.Text, error)

// compiler turns stored configuration into what calls use.
type compiler struct {
	open    Opener
	vendors func(id string) (provider.Vendor, bool)
}

// compiled is one organization's part of a snapshot.
type compiled struct {
	org    *Org
	keys   map[key.Hash]*Key
	byID   map[id.Key][]key.Hash               // in the order of its secrets
	sealed map[id.Credential]credential.Sealed // that org's secrets were opened from
	bad    []Bad
}

// compile gives the new form of an organization. Where an object is bad the form that it had in was holds, if it had one.
func (c compiler) compile(ctx context.Context, o *OrgConfig, book *price.Book, was *compiled) *compiled {
	if was == nil {
		was = &compiled{org: &Org{}}
	}
	is := &compiled{
		org: &Org{
			ID: o.ID, Name: o.Name, Teams: o.Teams, Prices: book, Aliases: make(map[string]*Alias, len(o.Aliases)),
			Credentials: make(map[id.Credential]*Credential, len(o.Credentials)), Default: map[string]id.Credential{},
			Pools: map[string][]id.Credential{}, Tasks: o.Tasks, Auto: o.Auto, Experiments: make(map[string]*experiment.Running, len(o.Experiments)),
		},
		keys: make(map[key.Hash]*Key, len(o.Keys)), byID: make(map[id.Key][]key.Hash, len(o.Keys)),
		sealed: make(map[id.Credential]credential.Sealed, len(o.Credentials)),
	}
	is.org.Calendar, is.org.Budgets, is.org.Limits = o.calendar(), o.Budgets, o.Limits
	if len(o.Prompts) > 0 {
		is.org.Prompts = prompt.Restock(was.org.Prompts, o.Prompts, o.PromptAt)
	}
	for _, s := range o.Credentials {
		c.credential(ctx, is, was, s)
	}
	for _, a := range o.Aliases {
		c.alias(is, was, a)
	}
	for _, e := range o.Experiments {
		is.org.Experiments[e.Alias] = &e
	}
	for _, k := range o.Keys {
		is.key(was, k)
	}
	for _, b := range o.Broken {
		is.keep(was, b)
	}
	return is
}

func (c compiler) credential(ctx context.Context, is, was *compiled, s SealedCredential) {
	got, err := c.opened(ctx, is.org.ID, was, s)
	if err != nil {
		is.keep(was, Bad{Kind: "credential", ID: string(s.Credential.ID), Reason: err.Error()})
		return
	}
	is.use(got, s.Sealed)
}

func (c compiler) opened(ctx context.Context, org id.Org, was *compiled, s SealedCredential) (Credential, error) {
	v, ok := c.vendors(s.Credential.Provider)
	if !ok {
		return Credential{}, fmt.Errorf("unknown provider %q", s.Credential.Provider)
	}
	got := Credential{Credential: s.Credential, Vendor: v, BaseURL: s.Credential.Address(v)}
	// What was opened once is not opened again: a key service may be slow, or away.
	if old, ok := was.org.Credentials[s.Credential.ID]; ok && sameSeal(was.sealed[s.Credential.ID], s.Sealed) && old.Binding(org) == s.Credential.Binding(org) {
		got.Secret = old.Secret
		return got, nil
	}
	text, err := c.open(ctx, org, s.Credential, s.Sealed)
	got.Secret = text
	return got, err
}

func sameSeal(a, b credential.Sealed) bool {
	return a.DEK.ID == b.DEK.ID && bytes.Equal(a.Ciphertext, b.Ciphertext)
}

func (is *compiled) use(c Credential, s credential.Sealed) {
	is.org.Credentials[c.ID] = &c
	is.sealed[c.ID] = s
	if c.Default {
		is.org.Default[c.Provider] = c.ID
	}
	if c.Weight > 0 {
		is.org.Pools[c.Provider] = append(is.org.Pools[c.Provider], c.ID)
	}
}

func (c compiler) alias(is, was *compiled, a alias.Alias) {
	known := func(t alias.Target) bool { _, ok := c.vendors(t.Provider); return ok && t.Model != "" }
	if len(a.Route.Targets) == 0 || !slices.ContainsFunc(a.Route.Targets, known) {
		is.keep(was, Bad{Kind: "alias", ID: string(a.ID), Reason: fmt.Sprintf("version %d has no usable target", a.Version)})
		return
	}
	use := &Alias{Alias: a}
	for i, r := range a.Route.Rules {
		program, err := condition.Compile(r.If)
		if err != nil { // saved by a release that knew more: the whole alias stays as it was, since no rule may be passed over silently
			is.keep(was, Bad{Kind: "alias", ID: string(a.ID), Reason: fmt.Sprintf("version %d, rule %d: %v", a.Version, i+1, err)})
			return
		}
		use.Rules = append(use.Rules, program)
	}
	is.org.Aliases[a.Name] = use
}

func (is *compiled) key(was *compiled, h HashedKey) {
	if !slices.Contains(key.Privacies, h.Key.Privacy) {
		b := Bad{Kind: "key", ID: string(h.Key.ID), Reason: fmt.Sprintf("unknown privacy %q", h.Key.Privacy)}
		if h.Key.RevokedAt.IsZero() {
			is.keep(was, b)
			return
		}
		// A revocation holds whatever else is wrong; a revoked key keeps no payload.
		is.report(b)
		h.Key.Privacy = key.PrivacyNone
	}
	scope := h.Key.Scope(is.org.ID)
	for i, hash := range h.Hashes[:min(len(h.Hashes), len(h.Key.Secrets))] {
		is.keys[hash] = &Key{Key: h.Key, Org: is.org, Scope: scope, Secret: &h.Key.Secrets[i], Hash: hash}
	}
	is.byID[h.Key.ID] = h.Hashes
}

// keep reports a bad object and takes its last good form over.
func (is *compiled) keep(was *compiled, b Bad) {
	is.report(b)
	switch b.Kind {
	case "credential":
		if old, ok := was.org.Credentials[id.Credential(b.ID)]; ok {
			is.use(*old, was.sealed[old.ID])
		}
	case "alias":
		for name, a := range was.org.Aliases {
			if string(a.ID) == b.ID {
				is.org.Aliases[name] = a
			}
		}
	case "key":
		if hashes := was.byID[id.Key(b.ID)]; len(hashes) > 0 {
			is.key(was, HashedKey{Key: was.keys[hashes[0]].Key, Hashes: hashes})
		}
	case "budget": // what must hold goes on to hold; the list is the configuration's own
		if i := slices.IndexFunc(was.org.Budgets, func(o budget.Budget) bool { return string(o.ID) == b.ID }); i >= 0 {
			is.org.Budgets = append(slices.Clip(is.org.Budgets), was.org.Budgets[i])
		}
	case "limit":
		if i := slices.IndexFunc(was.org.Limits, func(o limit.Limit) bool { return string(o.ID) == b.ID }); i >= 0 {
			is.org.Limits = append(slices.Clip(is.org.Limits), was.org.Limits[i])
		}
	}
}

func (is *compiled) report(b Bad) {
	b.Org = is.org.ID
	is.bad = append(is.bad, b)
}
