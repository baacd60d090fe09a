package snapshot

import (
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/key"
)

// A configuration in which most keys have vanished is not believed: somebody restored an empty database, or pointed a proxy at
// the wrong one, and serving it would turn every application away. Keys are revoked, never deleted, so vanishing is no way to
// take one out of use. guardMin is the number of live keys from which half of them gone is a sign.
const guardMin = 20

// Held describes a configuration that was refused. What it revokes is in force all the same.
type Held struct {
	Rev     int64     // its revision
	Since   time.Time // when it was first refused
	Live    int       // live keys in force
	Missing int       // of them, not in it
}

// missing counts the live keys of was that is knows nothing of. An object that could not be read is there.
func missing(was, is *OrgConfig) (n int) {
	if was == nil {
		return 0
	}
	there := present(is)
	for _, k := range was.Keys {
		if k.Key.RevokedAt.IsZero() && !there[k.Key.ID] {
			n++
		}
	}
	return n
}

// live counts the keys that are not revoked.
func (c *Config) live() (n int) {
	for _, o := range c.Orgs {
		for _, k := range o.Keys {
			if k.Key.RevokedAt.IsZero() {
				n++
			}
		}
	}
	return n
}

func present(o *OrgConfig) map[id.Key]bool {
	if o == nil {
		return nil
	}
	ids := make(map[id.Key]bool, len(o.Keys))
	for _, k := range o.Keys {
		ids[k.Key.ID] = true
	}
	for _, b := range o.Broken {
		if b.Kind == "key" {
			ids[id.Key(b.ID)] = true
		}
	}
	return ids
}

// revoked is was with what is takes out of use, and the organizations that it touches: revoked keys, disabled ones, and ended secrets.
func revoked(was, is *Config) (*Config, map[id.Org]*OrgConfig) {
	touched := map[id.Org]*OrgConfig{}
	for org, o := range was.Orgs {
		ends := endings(is.Orgs[org])
		next, changed := *o, false
		for i, k := range o.Keys {
			end, ok := ends[k.Key.ID]
			if !ok || !end.strike(&k.Key) {
				continue
			}
			if !changed {
				next.Keys, changed = slices.Clone(o.Keys), true
			}
			next.Keys[i] = k
		}
		if changed {
			touched[org] = &next
		}
	}
	next := &Config{Rev: was.Rev, Taken: was.Taken, Imported: was.Imported, Overrides: was.Overrides, Orgs: maps.Clone(was.Orgs)}
	maps.Copy(next.Orgs, touched)
	return next, touched
}

// endings are the keys of which something is out of use.
func endings(o *OrgConfig) map[id.Key]ending {
	if o == nil {
		return nil
	}
	at := map[id.Key]ending{}
	for _, k := range o.Keys {
		at[k.Key.ID] = ending{k.Key.RevokedAt, k.Key.DisabledAt, k.Key.Cuts, k.Key.Secrets}
	}
	return at
}

// ending is what of a key is out of use.
type ending struct {
	revoked, disabled time.Time
	cuts              int
	secrets           []key.Stored
}

// strike takes it out of use in k, and reports whether that changed k. It never gives anything back.
func (e ending) strike(k *key.Key) (changed bool) {
	if k.RevokedAt.IsZero() && !e.revoked.IsZero() {
		k.RevokedAt, changed = e.revoked, true
	}
	if k.DisabledAt.IsZero() && !e.disabled.IsZero() {
		k.DisabledAt, changed = e.disabled, true
	}
	if changed && e.cuts > k.Cuts {
		k.Cuts = e.cuts
	}
	for _, s := range e.secrets {
		at := slices.IndexFunc(k.Secrets, func(have key.Stored) bool { return have.ID == s.ID })
		if at < 0 {
			continue
		}
		have := k.Secrets[at]
		if have.RevokedAt.IsZero() && !s.RevokedAt.IsZero() || !s.NotAfter.IsZero() && (have.NotAfter.IsZero() || s.NotAfter.Before(have.NotAfter)) {
			k.Secrets = slices.Clone(k.Secrets)
			k.Secrets[at].RevokedAt, k.Secrets[at].NotAfter, k.Secrets[at].Cut = s.RevokedAt, s.NotAfter, s.Cut
			changed = true
		}
	}
	return changed
}

// suspect decides about a configuration before it is in force: nil, or what is wrong with it. changed are the organizations that
// differ. The first one after the start passes where the operator forced it; later ones are looked at again, so that a setting
// left behind disarms nothing.
func (f *Follower) suspect(next *Config, changed iter.Seq[id.Org]) *Held {
	if f.deps.Force && !f.fresh {
		return nil
	}
	h := &Held{Rev: next.Rev, Since: f.deps.Now()}
	for org := range changed {
		h.Missing += missing(f.config.Orgs[org], next.Orgs[org])
	}
	if h.Missing*2 <= guardMin { // counting them all is only worth it now
		return nil
	}
	if h.Live = f.config.live(); h.Missing*2 <= h.Live {
		return nil
	}
	return h
}

// hold takes the revocations out of a refused configuration, and says that it was refused.
func (f *Follower) hold(ctx context.Context, next *Config, held *Held) {
	if before := f.Status().Held; before != nil {
		held.Since = before.Since
	}
	f.deps.Logger.Error("a configuration without most of the keys is refused; the last one stays in force, less what this one revokes. "+
		"Is it the right database? If the keys are meant to be gone, start once with TOLLGATE_SNAPSHOT_FORCE=true",
		"rev", next.Rev, "live_keys", held.Live, "missing", held.Missing)
	f.report(func(s *Status) { s.Held = held })
	if kept, touched := revoked(f.config, next); len(touched) > 0 {
		f.change(ctx, kept, touched)
		f.keep(kept)
	}
}
