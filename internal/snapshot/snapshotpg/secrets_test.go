package snapshotpg_test

import (
	"testing"
	"time"

	"tollgate/internal/key"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/snapshot"
	"tollgate/internal/tenant"
)

// What becomes of a key's secrets is in force on every proxy: a rotation, an end, a disabling, an import and its upgrade.
func TestSecretsOfAKeyAreFollowed(t *testing.T) {
	t.Parallel()
	h := build(t)
	in, team := pgtest.Org(t, h.db, "A")
	in = tenant.Authenticated(in.Org(), in.Actor(), tenant.Owner)
	k, first := h.issue(in, team, "one")
	f, _ := h.follow(h.deps(h.source()))
	await(t, f, "the key", func(s *snapshot.Snapshot) bool { _, ok := s.Key(first); return ok })

	_, secret, err := h.keys.Rotate(t.Context(), in, k.ID, time.Hour, key.Cut)
	if err != nil {
		t.Fatal(err)
	}
	fresh := h.hasher.Hash(secret)
	await(t, f, "both secrets of a rotation", func(s *snapshot.Snapshot) bool { _, ok := s.Key(fresh); return ok })
	old, ok := f.Snapshot().Key(first)
	if !ok || old.Secret.NotAfter.IsZero() || !old.Secret.Cut || old.ID != k.ID {
		t.Fatalf("the old secret: %+v", old)
	}
	if is, ok := f.Snapshot().Same(old); !ok || is.Secret.ID != old.Secret.ID {
		t.Errorf("the same key is %+v", is)
	}
	if _, err := h.keys.EndSecret(t.Context(), in, k.ID, old.Secret.ID, key.Finish); err != nil {
		t.Fatal(err)
	}
	await(t, f, "the end of the old secret", func(s *snapshot.Snapshot) bool { k, ok := s.Key(first); return ok && !k.Secret.RevokedAt.IsZero() })
	if _, err := h.keys.Disable(t.Context(), in, k.ID, key.Cut); err != nil {
		t.Fatal(err)
	}
	await(t, f, "the disabled key", func(s *snapshot.Snapshot) bool {
		k, ok := s.Key(fresh)
		return ok && !k.DisabledAt.IsZero() && k.Cuts == 1
	})

	foreign, err := key.ParseForeign("sk-0123456789-of-another-gateway")
	if err != nil {
		t.Fatal(err)
	}
	rows := []key.Imported{{Row: 1, Plain: key.Plain(foreign), New: key.New{Name: "imported"}}}
	if got, err := h.keys.Import(t.Context(), in, rows, key.ImportOptions{Team: team}); err != nil || got[0].Err != nil {
		t.Fatal(err, got)
	}
	await(t, f, "the imported key", func(s *snapshot.Snapshot) bool { _, ok := s.Plain(key.Plain(foreign)); return ok && s.Imports() })
	if err := h.keys.Upgrade(t.Context(), []key.Upgrade{{Plain: key.Plain(foreign), Keyed: h.hasher.Hash(foreign)}}); err != nil {
		t.Fatal(err)
	}
	await(t, f, "its keyed hash", func(s *snapshot.Snapshot) bool {
		_, keyed := s.Key(h.hasher.Hash(foreign))
		_, plain := s.Plain(key.Plain(foreign))
		return keyed && !plain && s.Imports()
	})
}
