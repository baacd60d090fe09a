package snapshotpg_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"tollgate/internal/credential"
	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/secret"
	"tollgate/internal/snapshot"
)

// cut is a source whose database is down.
type cut struct {
	snapshot.Source
	down chan struct{} // closed: down
}

var errDown = fault.New(fault.Unavailable, "test.down", "Down.")

func (c cut) err() error {
	select {
	case <-c.down:
		return errDown
	default:
		return nil
	}
}

func (c cut) Rev(ctx context.Context) (int64, error) {
	if err := c.err(); err != nil {
		return 0, err
	}
	return c.Source.Rev(ctx)
}

func (c cut) Full(ctx context.Context) (*snapshot.Config, error) {
	if err := c.err(); err != nil {
		return nil, err
	}
	return c.Source.Full(ctx)
}

func TestAProxyServesFromDiskWhileTheDatabaseIsDown(t *testing.T) {
	t.Parallel()
	h := build(t)
	in, team := pgtest.Org(t, h.db, "A")
	k, hash := h.issue(in, team, "one")
	gone, goneHash := h.issue(in, team, "gone")
	c, err := h.credentials.Connect(t.Context(), in, credential.New{Provider: "openai", Secret: secret.NewText("sk-of-A-0123456789")})
	if err != nil {
		t.Fatal(err)
	}
	file, err := snapshot.OpenFile(t.TempDir(), h.ring, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	d := h.deps(h.source())
	d.File = file
	f, stop := h.follow(d)
	await(t, f, "the keys", func(s *snapshot.Snapshot) bool { return s.Keys() == 2 })
	if _, err := h.keys.Revoke(t.Context(), in, gone.ID, key.Finish); err != nil {
		t.Fatal(err)
	}
	await(t, f, "the revocation", func(s *snapshot.Snapshot) bool { got, _ := s.Key(goneHash); return !got.RevokedAt.IsZero() })
	stop() // what has not been written yet is written now

	down := make(chan struct{})
	close(down)
	d = h.deps(cut{h.source(), down})
	d.File = file
	f, stop = h.follow(d)
	s := f.Snapshot() // at once, before any answer of a database
	if s == nil {
		t.Fatal("nothing to serve")
	}
	got, ok := s.Key(hash)
	if !ok || got.ID != k.ID || got.Org.Credentials[c.ID].Secret.Reveal() != "sk-of-A-0123456789" || got.Scope.Org() != in.Org() {
		t.Errorf("%+v", got)
	}
	if dead, ok := s.Key(goneHash); !ok || dead.RevokedAt.IsZero() {
		t.Error("a revoked key came back from the disk")
	}
	deadline := time.Now().Add(5 * time.Second)
	for f.Status().Err == "" && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if st := f.Status(); !st.Disk || st.Err == "" || !st.Checked.IsZero() || f.Stale() {
		t.Errorf("%+v", st)
	}
	stop()

	d = h.deps(h.source())
	d.File = file
	f, _ = h.follow(d)
	_, fresh := h.issue(in, team, "fresh")
	await(t, f, "what happened meanwhile", func(s *snapshot.Snapshot) bool { _, ok := s.Key(fresh); return ok })
	for f.Status().Disk && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if st := f.Status(); st.Disk || st.Err != "" || st.Checked.IsZero() {
		t.Errorf("%+v", st)
	}
}
