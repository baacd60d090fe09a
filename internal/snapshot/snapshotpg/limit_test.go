package snapshotpg_test

import (
	"errors"
	"slices"
	"testing"

	"tollgate/internal/credential"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/price/pricepg"
	"tollgate/internal/secret"
	"tollgate/internal/snapshot/snapshotpg"
)

func TestAConfigurationThatOutgrowsTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	h := build(t)
	in, team := pgtest.Org(t, h.db, "A")
	h.issue(in, team, "first")
	small := snapshotpg.New(h.db, pricepg.New(h.db))
	small.BytesMax = 100
	if _, err := small.Full(t.Context()); !errors.Is(err, snapshotpg.ErrTooLarge) {
		t.Errorf("Full: %v", err)
	}
	if _, err := small.Since(t.Context(), 0); !errors.Is(err, snapshotpg.ErrTooLarge) {
		t.Errorf("Since: %v", err)
	}
}

func TestTheKeysThatSealSecretsAreNamed(t *testing.T) {
	t.Parallel()
	h := build(t)
	in, _ := pgtest.Org(t, h.db, "A")
	src := snapshotpg.New(h.db, pricepg.New(h.db))
	if ids, err := src.KEKs(t.Context()); err != nil || len(ids) != 0 {
		t.Errorf("before any secret: %v, %v", ids, err)
	}
	if _, err := h.credentials.Connect(t.Context(), in, credential.New{Provider: "openai", Secret: secret.NewText("sk-of-A-0123456789")}); err != nil {
		t.Fatal(err)
	}
	if ids, err := src.KEKs(t.Context()); err != nil || !slices.Equal(ids, []string{h.ring.ID()}) {
		t.Errorf("%v, %v", ids, err)
	}
}
