// Package snapshot is the data plane's view of configuration: everything a call needs, compiled, immutable, in memory.
//
// It is built from Postgres, swapped whole by one atomic pointer, kept on disk (encrypted) for starts without a
// database, and never asks anything while a call waits.
//
// Two forms: a Config is what is stored, with secrets sealed; a Snapshot is what calls use, with secrets opened. A Follower
// keeps both up to date: it starts from the file, then asks the Source whether the revision has moved (about once a
// second; a notification only makes it ask sooner) and loads the organizations that changed. An object that cannot be
// compiled keeps its last good form and is reported; what was deleted or revoked is gone whatever else is wrong. A
// configuration from which most keys have vanished is refused as a whole, but for what it revokes (guard.go).
package snapshot

import (
	"maps"
	"net/netip"
	"time"

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
	"tollgate/internal/tenant"
)

// shards is how many parts the keys are kept in, by the first byte of their hash: a change copies the parts it touches, not a
// million keys.
const shards = 256

// Snapshot is one state of the configuration of every organization. It is never changed after it was published.
type Snapshot struct {
	Rev   int64     // config_rev it was built at
	Taken time.Time // when
	keys  [shards]map[key.Hash]*Key
	// plain are the keys that were imported and not used since, by the plain SHA-256 of their secrets: few, and fewer every day.
	plain map[key.Hash]*Key
	made  int // secrets that were made elsewhere, by whichever hash they are found
	orgs  map[id.Org]*Org
	ids   index // see KeyByID
}

// Key finds a live or dead virtual key by the keyed hash of one of its secrets. Whether it may be used is the caller's question (Allow).
func (s *Snapshot) Key(h key.Hash) (*Key, bool) {
	k, ok := s.keys[h[0]][h]
	return k, ok
}

// Plain finds a key whose secret was imported and not used since, by its plain SHA-256 (key.Plain).
func (s *Snapshot) Plain(h key.Hash) (*Key, bool) {
	k, ok := s.plain[h]
	return k, ok
}

// Imports reports whether any secret was made elsewhere. Where none was, text that is not of our form belongs to no key.
func (s *Snapshot) Imports() bool { return s.made > 0 }

// Keys is the number of secrets held.
func (s *Snapshot) Keys() int {
	n := 0
	for _, part := range s.keys {
		n += len(part)
	}
	return n + len(s.plain)
}

// Org finds an organization.
func (s *Snapshot) Org(which id.Org) (*Org, bool) {
	o, ok := s.orgs[which]
	return o, ok
}

// Orgs is the number of organizations held.
func (s *Snapshot) Orgs() int { return len(s.orgs) }

// Key is a virtual key with its organization, as one of its secrets finds it.
type Key struct {
	key.Key
	Org    *Org
	Scope  tenant.Scope
	Secret *key.Stored // that it was found by; nil: by none
	Hash   key.Hash    // that it was found by
}

// Allow is key.Key.Allow, for the secret too.
func (k *Key) Allow(from netip.Addr, to key.Endpoint, now time.Time) error {
	if err := k.Key.Allow(from, to, now); err != nil {
		return err
	}
	return k.Secret.Allow(now)
}

// Org is one organization's configuration.
type Org struct {
	ID          id.Org
	Name        string
	Teams       map[id.Team]string
	Aliases     map[string]*Alias // by name
	Tasks       map[string]string // task -> alias
	Auto        alias.Auto
	Experiments map[string]*experiment.Running // that are running, by alias name
	Credentials map[id.Credential]*Credential  // opened
	Default     map[string]id.Credential       // vendor id -> default credential
	Pools       map[string][]id.Credential     // vendor id -> credentials that share its calls by weight; none: the default alone
	Prices      *price.Book                    // catalogue and this organization's overrides
	Calendar    budget.Calendar                // how it counts days
	Budgets     []budget.Budget                // that count now, widest first
	Limits      []limit.Limit                  // that hold now
	Prompts     *prompt.Shelf                  // nil: it has none
}

// Alias is an alias with its conditions compiled.
type Alias struct {
	alias.Alias
	Rules []*condition.Program // of Route.Rules, in their order
}

// Credential is an opened provider secret.
type Credential struct {
	credential.Credential
	Vendor  provider.Vendor
	Secret  secret.Text // empty: the provider wants none
	BaseURL string      // override, or the vendor's with the settings filled in
}

// New assembles a snapshot. Every key's Org must be among orgs.
func New(rev int64, taken time.Time, orgs []*Org, keys map[key.Hash]*Key) *Snapshot {
	s := &Snapshot{plain: map[key.Hash]*Key{}, Rev: rev, Taken: taken, orgs: make(map[id.Org]*Org, len(orgs))}
	for _, o := range orgs {
		s.orgs[o.ID] = o
	}
	s.put(new([shards]bool), new(bool), keys)
	return s
}

// with is the snapshot in which some organizations have another form; a nil form is an organization that has gone. Parts of
// the keys that no change touches are shared.
func (s *Snapshot) with(rev int64, taken time.Time, was, is map[id.Org]*compiled) *Snapshot {
	next := &Snapshot{Rev: rev, Taken: taken, keys: s.keys, plain: s.plain, made: s.made, orgs: maps.Clone(s.orgs)}
	ownPlain := false
	own := new([shards]bool)
	for org, c := range is {
		if old := was[org]; old != nil {
			next.drop(own, &ownPlain, old)
		}
		delete(next.orgs, org)
		if c != nil {
			next.orgs[org] = c.org
			next.put(own, &ownPlain, c.keys)
		}
	}
	return next
}

// drop takes an organization's keys out.
func (s *Snapshot) drop(own *[shards]bool, ownPlain *bool, old *compiled) {
	for h, k := range old.keys {
		if k.plain() {
			s.ownPlain(ownPlain)
			delete(s.plain, h)
		} else {
			delete(s.part(own, h), h)
		}
		s.made -= k.foreign()
	}
}

// put brings keys in.
func (s *Snapshot) put(own *[shards]bool, ownPlain *bool, keys map[key.Hash]*Key) {
	for h, k := range keys {
		if k.plain() {
			s.ownPlain(ownPlain)
			s.plain[h] = k
		} else {
			s.part(own, h)[h] = k
		}
		s.made += k.foreign()
	}
}

// plain reports whether the key is found by a plain hash.
func (k *Key) plain() bool { return k.Secret != nil && k.Secret.Scheme == key.SHA256 }

// foreign is 1 for a secret that was made elsewhere.
func (k *Key) foreign() int {
	if k.Secret != nil && k.Secret.Imported {
		return 1
	}
	return 0
}

// ownPlain copies the plain hashes at their first change.
func (s *Snapshot) ownPlain(own *bool) {
	if !*own {
		*own = true
		s.plain = maps.Clone(s.plain)
	}
}

// part is the shard of a hash, copied at its first use.
func (s *Snapshot) part(own *[shards]bool, h key.Hash) map[key.Hash]*Key {
	i := h[0]
	if !own[i] {
		own[i] = true
		fresh := make(map[key.Hash]*Key, len(s.keys[i])+1)
		maps.Copy(fresh, s.keys[i])
		s.keys[i] = fresh
	}
	return s.keys[i]
}
