package snapshot

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/key"
)

// many is a configuration of two organizations with n keys each; of those without, the numbers are left out.
func many(rev int64, n int, without ...int) *Config {
	c := &Config{Rev: rev, Orgs: map[id.Org]*OrgConfig{}}
	for i, org := range []id.Org{"org_a", "org_b"} {
		o := &OrgConfig{ID: org}
		for k := range n {
			if !slices.Contains(without, k) {
				o.Keys = append(o.Keys, hashed(
					key.Key{ID: id.Key(fmt.Sprintf("key_%d_%d", i, k)), Privacy: key.PrivacyNone}, hashOf(byte(i+1), byte(k)),
				))
			}
		}
		c.Orgs[org] = o
	}
	return c
}

// shelf is a source that holds what it is given.
type shelf struct {
	Source
	config *Config
	fulls  int
}

func (s *shelf) Rev(context.Context) (int64, error) { return s.config.Rev, nil }

func (s *shelf) Full(context.Context) (*Config, error) {
	s.fulls++
	c := *s.config
	return &c, nil
}

func (s *shelf) Since(context.Context, int64) (Delta, error) {
	return Delta{Rev: s.config.Rev, Orgs: maps.Clone(s.config.Orgs)}, nil
}

func guarded(t *testing.T, first *Config, force bool) (*Follower, *shelf, *time.Time) {
	t.Helper()
	at, s := noon, &shelf{config: first}
	f := NewFollower(Deps{Source: s, Open: new(opener).open, Vendors: vendors, Force: force, Now: func() time.Time { return at }, Logger: slog.New(slog.DiscardHandler)})
	f.sync(t.Context())
	if f.Snapshot().Keys() == 0 {
		t.Fatal("nothing loaded")
	}
	return f, s, &at
}

func TestAConfigurationWithoutMostOfTheKeysIsRefused(t *testing.T) {
	t.Parallel()
	all := make([]int, 20)
	for i := range all {
		all[i] = i
	}
	for _, how := range []string{"by a change", "by a full load"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			f, s, at := guarded(t, many(10, 20), false)
			bad := many(11, 20, all[1:]...) // two of forty are left, and one of them is revoked
			bad.Orgs["org_a"].Keys[0].Key.RevokedAt = noon
			if how == "by a full load" {
				bad.Rev = 9
			}
			s.config = bad
			f.sync(t.Context())
			snap := f.Snapshot()
			if snap.Keys() != 40 {
				t.Errorf("%d keys are left", snap.Keys())
			}
			if k, _ := snap.Key(hashOf(1, 0)); k.RevokedAt.IsZero() {
				t.Error("a revocation was refused with the rest")
			}
			st := f.Status()
			if st.Held == nil || st.Held.Rev != bad.Rev || st.Held.Live != 40 || st.Held.Missing != 38 || st.Err != "" {
				t.Fatalf("status %+v, held %+v", st, st.Held)
			}

			// The same one is not read again and again, and does not make the snapshot look fresh.
			before := s.fulls
			*at = noon.Add(6 * time.Minute)
			f.sync(t.Context())
			if s.fulls != before || !f.Stale() {
				t.Errorf("%d more loads, stale %t", s.fulls-before, f.Stale())
			}

			// A later one of the kind is refused too, and a revocation in it holds.
			worse := many(12, 20, all[2:]...)
			worse.Orgs["org_b"].Keys[1].Key.RevokedAt = noon
			s.config = worse
			f.sync(t.Context())
			if k, _ := f.Snapshot().Key(hashOf(2, 1)); k.RevokedAt.IsZero() || f.Snapshot().Keys() != 40 {
				t.Error("a revocation in the second was lost")
			}

			// When the keys are back, everything is as it should be.
			s.config = many(13, 20)
			f.sync(t.Context())
			if st := f.Status(); st.Held != nil || st.Rev != 13 || f.Stale() {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestFewMissingKeysAndRevokedOnesAreNoSign(t *testing.T) {
	t.Parallel()
	revoked := many(11, 20)
	for _, o := range revoked.Orgs {
		for i := range o.Keys {
			o.Keys[i].Key.RevokedAt = noon
		}
	}
	unread := many(11, 20)
	for org, o := range unread.Orgs {
		for _, k := range o.Keys {
			o.Broken = append(o.Broken, Bad{Org: org, Kind: "key", ID: string(k.Key.ID)})
		}
		o.Keys = nil
	}
	for name, tt := range map[string]struct{ was, is *Config }{
		"half of the keys":             {many(10, 20), many(11, 20, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)},
		"all of a few keys":            {many(10, 5), many(11, 0)},
		"all are revoked":              {many(10, 20), revoked},
		"rows that could not be read":  {many(10, 20), unread},
		"revoked ones that are pruned": {revoked, many(12, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, s, _ := guarded(t, tt.was, false)
			s.config = tt.is
			f.sync(t.Context())
			if st := f.Status(); st.Held != nil || st.Rev != tt.is.Rev {
				t.Errorf("%+v, held %+v", st, st.Held)
			}
		})
	}
}

func TestForceHoldsForTheFirstLoadOnly(t *testing.T) {
	t.Parallel()
	file, err := OpenFile(t.TempDir(), keyring(t, "k"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Write(many(10, 20)); err != nil {
		t.Fatal(err)
	}
	for _, force := range []bool{false, true} {
		s := &shelf{config: many(3, 0)}
		f := NewFollower(Deps{
			Source: s, File: file, Open: new(opener).open, Vendors: vendors, Force: force, Now: func() time.Time { return noon }, Logger: slog.New(slog.DiscardHandler),
		})
		f.Boot(t.Context())
		f.sync(t.Context())
		if taken := f.Status().Held == nil; taken != force {
			t.Errorf("force %t: held %+v", force, f.Status().Held)
		}
		if !force {
			if n := f.Snapshot().Keys(); n != 40 {
				t.Errorf("after a restart over an empty database %d keys are left", n)
			}
			continue
		}
		s.config = many(4, 20)
		f.sync(t.Context())
		s.config = many(5, 0)
		f.sync(t.Context())
		if f.Status().Held == nil {
			t.Error("the setting disarmed the guard for good")
		}
	}
}
