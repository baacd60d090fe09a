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
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/alias/condition"
	"tollgate/internal/credential"
	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/price"
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
	orgs  map[id.Org]*Org
	ids   index // see KeyByID
}

// Key finds a live or dead virtual key by its hash. Whether it may be used is the caller's question (key.Key.Allow).
func (s *Snapshot) Key(h key.Hash) (*Key, bool) {
	k, ok := s.keys[h[0]][h]
	return k, ok
}

// Keys is the number of keys held.
func (s *Snapshot) Keys() int {
	n := 0
	for _, part := range s.keys {
		n += len(part)
	}
	return n
}

// Org finds an organization.
func (s *Snapshot) Org(which id.Org) (*Org, bool) {
	o, ok := s.orgs[which]
	return o, ok
}

// Orgs is the number of organizations held.
func (s *Snapshot) Orgs() int { return len(s.orgs) }

// Key is a virtual key with its organization.
type Key struct {
	key.Key
	Org   *Org
	Scope tenant.Scope
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
	s := &Snapshot{Rev: rev, Taken: taken, orgs: make(map[id.Org]*Org, len(orgs))}
	for _, o := range orgs {
		s.orgs[o.ID] = o
	}
	s.put(new([shards]bool), keys)
	return s
}

// with is the snapshot in which some organizations have another form; a nil form is an organization that has gone. Parts of
// the keys that no change touches are shared.
func (s *Snapshot) with(rev int64, taken time.Time, was, is map[id.Org]*compiled) *Snapshot {
	next := &Snapshot{Rev: rev, Taken: taken, keys: s.keys, orgs: maps.Clone(s.orgs)}
	own := new([shards]bool)
	for org, c := range is {
		if old := was[org]; old != nil {
			for h := range old.keys {
				delete(next.part(own, h), h)
			}
		}
		delete(next.orgs, org)
		if c != nil {
			next.orgs[org] = c.org
			next.put(own, c.keys)
		}
	}
	return next
}

func (s *Snapshot) put(own *[shards]bool, keys map[key.Hash]*Key) {
	for h, k := range keys {
		s.part(own, h)[h] = k
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
