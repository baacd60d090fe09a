package batchpg_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"tollgate/internal/batch"
	"tollgate/internal/batch/batchpg"
	"tollgate/internal/id"
	"tollgate/internal/postgres/pgtest"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// setting is a store, and a service of one team with a clock that stands still.
type setting struct {
	store   *batchpg.Store
	service *batch.Service
	caller  batch.Caller
	now     time.Time
}

func newSetting(t *testing.T) *setting {
	db := pgtest.New(t)
	in, team := pgtest.Org(t, db, "Acme")
	s := &setting{store: batchpg.New(db), caller: batch.Caller{Scope: in, Team: team, Key: "key_1"}, now: noon}
	s.service = batch.NewService(s.store, func() time.Time { return s.now })
	return s
}

func (s *setting) job(t *testing.T) batch.Batch {
	t.Helper()
	b, err := s.service.Defer(t.Context(), s.caller, id.NewCall(), "/v1/chat/completions", nil, []byte(`{"model":"m"}`))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// take leases everything that is due.
func (s *setting) take(t *testing.T, holder string) []batch.Taken {
	t.Helper()
	got, err := s.store.Take(t.Context(), holder, s.now, s.now.Add(time.Minute), 100)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAWorkerThatLostItsLeaseWritesNothing(t *testing.T) {
	t.Parallel()
	s := newSetting(t)
	s.job(t)
	first := s.take(t, "a")
	if len(first) != 1 || len(s.take(t, "b")) != 0 {
		t.Fatalf("%d taken, and then another", len(first))
	}
	if err := s.store.Renew(t.Context(), first[0], s.now.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	s.now = s.now.Add(time.Minute)
	if n := len(s.take(t, "b")); n != 0 {
		t.Fatal("a lease that was renewed was taken over")
	}
	s.now = s.now.Add(time.Minute)
	second := s.take(t, "b")
	if len(second) != 1 {
		t.Fatal("what a dead worker held was not taken over")
	}
	lines, err := s.store.Waiting(t.Context(), second[0], 10)
	if err != nil || len(lines) != 1 || string(lines[0].Body) != `{"model":"m"}` || lines[0].Path != "/v1/chat/completions" || lines[0].Key != "key_1" {
		t.Fatalf("%+v, %v", lines, err)
	}
	lines[0].End = batch.End{State: batch.LineDone, Status: 200, Answer: []byte("{}")}
	ctx, lost := t.Context(), first[0]
	for name, err := range map[string]error{
		"End":     s.store.End(ctx, lost, lines),
		"Renew":   s.store.Renew(ctx, lost, s.now),
		"Release": s.store.Release(ctx, lost, s.now, false, ""),
		"Assign":  s.store.Assign(ctx, lost, batch.Place{Driver: "x"}, lines, 1, 1, s.now, s.now),
		"Stop":    s.store.Stop(ctx, lost, s.now),
		"Finish":  s.store.Finish(ctx, lost, batch.Completed, s.now),
		"Start":   s.store.Start(ctx, lost, nil, s.now),
	} {
		if !errors.Is(err, batch.ErrLost) {
			t.Errorf("%s of a lost lease = %v", name, err)
		}
	}
	// The same worker, under the name of its lease before: a turn is not had twice.
	again := second[0]
	again.Lease.Turn--
	if err := s.store.Finish(ctx, again, batch.Completed, s.now); !errors.Is(err, batch.ErrLost) {
		t.Errorf("Finish of the turn before = %v", err)
	}
	if err := s.store.End(ctx, second[0], lines); err != nil {
		t.Error(err)
	}
}

func TestAWorkerThatComesBackGoesOnAtOnce(t *testing.T) {
	t.Parallel()
	s := newSetting(t)
	s.job(t)
	first := s.take(t, "a")
	again := s.take(t, "a")
	if len(first) != 1 || len(again) != 1 || again[0].Lease.Turn == first[0].Lease.Turn {
		t.Fatalf("%+v, then %+v", first, again)
	}
	if err := s.store.Release(t.Context(), first[0], time.Time{}, false, ""); !errors.Is(err, batch.ErrLost) {
		t.Errorf("what it was before its death still writes: %v", err)
	}
}

func TestAWakeWhileWorkIsUnderWayIsNotForgotten(t *testing.T) {
	t.Parallel()
	s := newSetting(t)
	b := s.job(t)
	held := s.take(t, "a")[0]
	if _, err := s.service.Cancel(t.Context(), s.caller, batch.Job, b.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Release(t.Context(), held, time.Time{}, false, ""); err != nil {
		t.Fatal(err)
	}
	got := s.take(t, "b")
	if len(got) != 1 || got[0].Batch.Status != batch.Cancelling {
		t.Fatalf("%+v", got)
	}
	if err := s.store.Release(t.Context(), got[0], time.Time{}, false, ""); err != nil {
		t.Fatal(err)
	}
	if s.now = s.now.Add(48 * time.Hour); len(s.take(t, "c")) != 0 {
		t.Error("what is not due was taken")
	}
}

func TestJobsGoTogetherAndParcelsHaveTheirBounds(t *testing.T) {
	t.Parallel()
	s := newSetting(t)
	for range 5 {
		s.job(t)
	}
	place := batch.Place{Driver: "openai", Provider: "openai", Credential: "cred_1", Model: "m", Path: "/x", Dialect: "openai-chat"}
	for _, held := range s.take(t, "a") {
		lines, err := s.store.Waiting(t.Context(), held, 10)
		if err != nil {
			t.Fatal(err)
		}
		lines[0].Sent = []byte("{}")
		if err := s.store.Assign(t.Context(), held, place, lines, 2, 1<<20, s.now, s.now.Add(30*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	full := s.take(t, "b") // a parcel that is full waits for nobody
	s.now = s.now.Add(30 * time.Second)
	rest := s.take(t, "c")
	sizes := map[int]int{}
	for _, p := range append(full, rest...) {
		lines, err := s.store.Lines(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if sizes[len(lines)]++; p.Parcel.Status != batch.Planned || p.Parcel.Lines != len(lines) {
			t.Errorf("%+v of %d lines", p.Parcel, len(lines))
		}
	}
	if len(full) != 2 || len(rest) != 1 || sizes[2] != 2 || sizes[1] != 1 {
		t.Errorf("%d full parcels, %d others, sizes %v", len(full), len(rest), sizes)
	}
}

func TestAnotherOrganizationsThingsAreNotThere(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := batchpg.New(db)
	service := batch.NewService(store, func() time.Time { return noon })
	mine, team := pgtest.Org(t, db, "Acme")
	theirs, _ := pgtest.Org(t, db, "Other")
	me := batch.Caller{Scope: mine, Team: team, Key: "key_1"}
	other := batch.Caller{Scope: theirs, Team: team, Key: "key_2"} // even where the team's id is guessed
	ctx := t.Context()
	f, err := service.Upload(ctx, me, "a.jsonl", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := service.Create(ctx, me, batch.New{Endpoint: "/v1/embeddings", Input: f.ID, Window: "24h"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := service.File(ctx, other, f.ID); !errors.Is(err, batch.ErrFileNotFound) {
		t.Errorf("File = %v", err)
	}
	if err := service.Delete(ctx, other, f.ID); !errors.Is(err, batch.ErrFileNotFound) {
		t.Errorf("Delete = %v", err)
	}
	if _, err := service.Create(ctx, other, batch.New{Endpoint: "/v1/embeddings", Input: f.ID, Window: "24h"}); !errors.Is(err, batch.ErrFileNotFound) {
		t.Errorf("Create = %v", err)
	}
	if _, err := service.Batch(ctx, other, batch.OpenAI, b.ID); !errors.Is(err, batch.ErrNotFound) {
		t.Errorf("Batch = %v", err)
	}
	if _, err := service.Stop(ctx, theirs, b.ID); !errors.Is(err, batch.ErrNotFound) {
		t.Errorf("Stop = %v", err)
	}
	var out bytes.Buffer
	if err := service.Content(ctx, other, f, &out); err != nil || out.Len() > 0 {
		t.Errorf("Content = %q, %v", out.String(), err)
	}
	files, err := service.Files(ctx, other, "", "", 10)
	if err != nil || len(files) > 0 {
		t.Errorf("Files = %v, %v", files, err)
	}
	list, err := service.List(ctx, theirs, "", 10)
	if err != nil || len(list) > 0 {
		t.Errorf("List = %v, %v", list, err)
	}
	if err := service.Delete(ctx, me, f.ID); !errors.Is(err, batch.ErrFileInUse) {
		t.Errorf("Delete of a file that is being read = %v", err)
	}
}

func TestAFileComesBackAsItWentIn(t *testing.T) {
	t.Parallel()
	s := newSetting(t)
	content := bytes.Repeat([]byte("0123456789abcdef"), 200_000) // over three chunks
	f, err := s.service.Upload(t.Context(), s.caller, "böse\x00/../name", bytes.NewReader(content))
	if err != nil || f.Bytes != int64(len(content)) {
		t.Fatalf("%+v, %v", f, err)
	}
	got, err := s.service.File(t.Context(), s.caller, f.ID)
	if err != nil || got.Name != "böse/../name" || got.Bytes != f.Bytes || !got.ExpiresAt.Equal(noon.Add(batch.FileKept)) {
		t.Errorf("%+v, %v", got, err)
	}
	var out bytes.Buffer
	if err := s.service.Content(t.Context(), s.caller, f, &out); err != nil || !bytes.Equal(out.Bytes(), content) {
		t.Errorf("%d bytes, %v", out.Len(), err)
	}
	if _, err := s.service.Upload(t.Context(), s.caller, "x", io.MultiReader(strings.NewReader("{"), broken{})); !errors.Is(err, batch.ErrFile) {
		t.Errorf("an upload that broke off: %v", err)
	}
	if _, err := s.service.Upload(t.Context(), s.caller, "x", strings.NewReader("")); !errors.Is(err, batch.ErrFile) {
		t.Errorf("an empty upload: %v", err)
	}
	list, err := s.service.Files(t.Context(), s.caller, "", "", 10)
	if err != nil || len(list) != 1 {
		t.Errorf("%d files are there, %v", len(list), err)
	}
	if n, err := s.store.Sweep(t.Context(), noon.Add(batch.FileKept)); err != nil || n != 1 {
		t.Errorf("%d swept, %v", n, err)
	}
}

// broken is an upload that breaks off.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestBatchesAreListedByPages(t *testing.T) {
	t.Parallel()
	s := newSetting(t)
	var made []id.Batch
	for i := range 5 {
		s.now = noon.Add(time.Duration(i) * time.Second)
		b, err := s.service.CreateMessages(t.Context(), s.caller, nil, []batch.Line{{CustomID: "a", Body: []byte("{}")}})
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, b.ID)
	}
	s.job(t)
	var got []id.Batch
	after := id.Batch("")
	for range 4 {
		page, err := s.service.Batches(t.Context(), s.caller, batch.Anthropic, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range page {
			got, after = append(got, b.ID), b.ID
			if b.Counts.Total != 1 || b.Counts.Open() != 1 {
				t.Errorf("%+v", b.Counts)
			}
		}
	}
	for i := range got {
		if len(got) != len(made) || got[i] != made[len(made)-1-i] {
			t.Fatalf("%v, want %v backwards", got, made)
		}
	}
}
