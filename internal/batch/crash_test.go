package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/batch"
	"tollgate/internal/batch/batchpg"
	"tollgate/internal/batch/batchtest"
	"tollgate/internal/batch/remote"
	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/postgres/pgtest"
)

// hall is one database with providers, a clock and a call log, in which workers live and die.
type hall struct {
	t        *testing.T
	store    *batchpg.Store
	service  *batch.Service
	caller   batch.Caller
	provider *batchtest.Provider

	mu     sync.Mutex
	now    time.Time
	log    map[id.Call]calllog.Record
	inline map[string]int // answers that the provider gave line by line, by call
}

func newHall(t *testing.T) *hall {
	db := pgtest.New(t)
	scope, team := pgtest.Org(t, db, "Acme")
	h := &hall{
		t: t, store: batchpg.New(db), now: time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), log: map[id.Call]calllog.Record{}, inline: map[string]int{},
	}
	h.service = batch.NewService(h.store, h.clock)
	h.caller = batch.Caller{Scope: scope, Team: team, Key: "key_1"}
	h.provider = &batchtest.Provider{Now: h.clock, Takes: time.Minute}
	return h
}

func (h *hall) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hall) pass(d time.Duration) {
	h.mu.Lock()
	h.now = h.now.Add(d)
	h.mu.Unlock()
}

// worker is a new worker process. It dies at its doom-th step; 0: never.
func (h *hall) worker(doom int) *batch.Runner {
	w := &mortal{Work: h.store, hall: h, left: doom, immortal: doom == 0}
	return batch.NewRunner(batch.Deps{
		Work: w, Calls: w, Drivers: remote.Drivers(), Ingest: w.ingest, Now: h.clock, Logger: slog.New(slog.DiscardHandler),
		Config: batch.Config{Lease: time.Minute, Page: 7, Most: 1, Inline: 1},
	})
}

// errDead is what a worker meets everywhere after its death: nothing it does has an effect.
var errDead = errors.New("dead")

// mortal stands between a worker and the world, and ends it before or behind any step.
type mortal struct {
	batch.Work
	hall *hall

	mu       sync.Mutex
	left     int
	immortal bool
}

// step does something, unless death comes first; death behind it hides its result.
func (m *mortal) step(do func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.immortal {
		return do()
	}
	m.left--
	switch {
	case m.left < 0:
		return errDead
	case m.left == 0:
		_ = do()
		return errDead
	}
	return do()
}

func (m *mortal) Take(ctx context.Context, holder string, now, until time.Time, most int) (out []batch.Taken, err error) {
	err = m.step(func() error { out, err = m.Work.Take(ctx, holder, now, until, most); return err })
	return out, err
}

func (m *mortal) Release(ctx context.Context, t batch.Taken, due time.Time, failed bool, trouble string) error {
	return m.step(func() error { return m.Work.Release(ctx, t, due, failed, trouble) })
}

func (m *mortal) AddLines(ctx context.Context, t batch.Taken, lines []batch.Line) error {
	return m.step(func() error { return m.Work.AddLines(ctx, t, lines) })
}

func (m *mortal) Start(ctx context.Context, t batch.Taken, p []batch.Problem, now time.Time) error {
	return m.step(func() error { return m.Work.Start(ctx, t, p, now) })
}

func (m *mortal) Assign(ctx context.Context, t batch.Taken, p batch.Place, lines []batch.Line, most int, size int64, now, due time.Time) error {
	return m.step(func() error { return m.Work.Assign(ctx, t, p, lines, most, size, now, due) })
}

func (m *mortal) Close(ctx context.Context, t batch.Taken, now time.Time) error {
	return m.step(func() error { return m.Work.Close(ctx, t, now) })
}

func (m *mortal) Finish(ctx context.Context, t batch.Taken, s batch.Status, now time.Time) error {
	return m.step(func() error { return m.Work.Finish(ctx, t, s, now) })
}

func (m *mortal) End(ctx context.Context, t batch.Taken, lines []batch.Line) error {
	return m.step(func() error { return m.Work.End(ctx, t, lines) })
}

func (m *mortal) EndRest(ctx context.Context, t batch.Taken, code, message string) error {
	return m.step(func() error { return m.Work.EndRest(ctx, t, code, message) })
}

func (m *mortal) Logged(ctx context.Context, org id.Org, calls []id.Call) error {
	return m.step(func() error { return m.Work.Logged(ctx, org, calls) })
}

func (m *mortal) Trying(ctx context.Context, t batch.Taken, now time.Time) error {
	return m.step(func() error { return m.Work.Trying(ctx, t, now) })
}

func (m *mortal) Sent(ctx context.Context, t batch.Taken, u batch.Upstream) error {
	return m.step(func() error { return m.Work.Sent(ctx, t, u) })
}

func (m *mortal) Arrived(ctx context.Context, t batch.Taken, now time.Time) error {
	return m.step(func() error { return m.Work.Arrived(ctx, t, now) })
}

func (m *mortal) ingest(_ context.Context, records []calllog.Record) error {
	return m.step(func() error {
		m.hall.mu.Lock()
		defer m.hall.mu.Unlock()
		for _, r := range records {
			if _, have := m.hall.log[r.ID]; !have { // as the log does: the first one holds
				m.hall.log[r.ID] = r
			}
		}
		return nil
	})
}

// Plan routes by the model: "gpt…" and "claude…" to providers with batch APIs, "bad" nowhere, all else line by line.
func (m *mortal) Plan(_ context.Context, o batch.Order) (batch.Plan, error) {
	var in struct {
		Model string `json:"model"`
	}
	_ = json.Unmarshal(o.Body, &in)
	switch {
	case strings.HasPrefix(in.Model, "gpt"):
		return batch.Plan{Sent: o.Body, Draft: &batch.Draft{Record: calllog.Record{Alias: "bulk"}}, Place: batch.Place{
			Driver: "openai", Provider: "openai", Credential: "cred_1", Model: in.Model, Path: "/chat/completions", Dialect: "openai-chat",
		}}, nil
	case strings.HasPrefix(in.Model, "claude"):
		return batch.Plan{Sent: o.Body, Draft: &batch.Draft{Record: calllog.Record{Alias: "bulk"}}, Place: batch.Place{
			Driver: "anthropic", Provider: "anthropic", Credential: "cred_2", Model: in.Model, Path: "/messages", Dialect: "anthropic-messages",
		}}, nil
	case in.Model == "bad":
		return batch.Plan{Refused: &batch.End{
			State: batch.LineFailed, Status: 404, Answer: []byte(`{"error":{}}`), Record: record(o, calllog.Refused, 0),
		}}, nil
	}
	return batch.Plan{Place: batch.Place{Driver: batch.Inline}}, nil
}

// The prices of a line.
const (
	batchPrice  = 50
	inlinePrice = 100
)

func record(o batch.Order, how calllog.Outcome, cost int64) *calllog.Record {
	return &calllog.Record{
		ID: o.Call, Org: o.Org, Team: o.Team, Key: o.Key, Batch: o.Batch, Outcome: how, Price: calllog.Priced, Cost: money.NanoUSD(cost),
	}
}

// Hold holds nothing: there are no budgets.
func (*mortal) Hold(context.Context, *batch.Parcel, []batch.Line, time.Time) ([]batch.Line, error) {
	return nil, nil
}

// Concluded has nothing to forget.
func (*mortal) Concluded(id.Call) {}

// GiveBack has nothing to give back.
func (*mortal) GiveBack(context.Context, *batch.Parcel) error { return nil }

func (m *mortal) Play(_ context.Context, o batch.Order, _ *batch.Parcel, draft *batch.Draft, r batch.Reply) (batch.End, error) {
	if draft == nil || draft.Record.Alias != "bulk" {
		return batch.End{}, errors.New("the draft was lost")
	}
	if r.Status != http.StatusOK {
		return batch.End{State: batch.LineFailed, Status: r.Status, Answer: r.Body, Record: record(o, calllog.Failed, 0)}, nil
	}
	return batch.End{State: batch.LineDone, Status: 200, Answer: r.Body, Record: record(o, calllog.OK, batchPrice)}, nil
}

func (m *mortal) Run(_ context.Context, o batch.Order) (end batch.End, wait time.Duration, err error) {
	err = m.step(func() error {
		m.hall.mu.Lock()
		defer m.hall.mu.Unlock()
		m.hall.inline[o.Call.String()]++
		end = batch.End{State: batch.LineDone, Status: 200, Answer: []byte(`{"inline":true}`), Record: record(o, calllog.OK, inlinePrice)}
		return nil
	})
	return end, 0, err
}

// Settings are none: these providers need none.
func (*mortal) Settings(id.Org, batch.Place) (map[string]string, error) { return nil, nil }

func (m *mortal) Reach(ctx context.Context, _ id.Org, _ batch.Place, req batch.Request) (resp *http.Response, err error) {
	err = m.step(func() error {
		r := httptest.NewRequestWithContext(ctx, req.Method, "/v1"+req.Path, strings.NewReader(string(req.Body)))
		r.Header.Set("Content-Type", req.ContentType)
		w := httptest.NewRecorder()
		m.hall.provider.ServeHTTP(w, r)
		resp = w.Result()
		return nil
	})
	return resp, err
}

// submit uploads a file of n lines over the models in turn and makes a batch of it.
func (h *hall) submit(n int, models ...string) batch.Batch {
	h.t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"custom_id":"line-%d","method":"POST","url":"/v1/chat/completions","body":{"model":%q,"messages":[]}}`+"\n", i, models[i%len(models)])
	}
	f, err := h.service.Upload(h.t.Context(), h.caller, "in.jsonl", strings.NewReader(b.String()))
	if err != nil {
		h.t.Fatal(err)
	}
	made, err := h.service.Create(h.t.Context(), h.caller, batch.New{Endpoint: "/v1/chat/completions", Input: f.ID, Window: "24h"})
	if err != nil {
		h.t.Fatal(err)
	}
	return made
}

func (h *hall) look(b batch.Batch) batch.Batch {
	h.t.Helper()
	got, err := h.service.Batch(h.t.Context(), h.caller, b.Shape, b.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return got
}

// live lets workers turn until the batch is over. The first deaths of them die, each after a random number of steps.
func (h *hall) live(b batch.Batch, deaths int, random *rand.Rand) batch.Batch {
	h.t.Helper()
	doom := 0
	if deaths > 0 {
		doom = 1 + random.IntN(25)
	}
	w := h.worker(doom)
	for turn := range 4000 {
		err := w.Turn(h.t.Context())
		if doom > 0 && (err != nil || random.IntN(30) == 0) { // a dead worker is noticed by nobody; another starts
			deaths--
			doom = 0
			if deaths > 0 {
				doom = 1 + random.IntN(25)
			}
			w = h.worker(doom)
		}
		if turn%4 == 3 {
			if got := h.look(b); got.Status.Over() {
				return got
			}
		}
		h.pass(time.Duration(10+random.IntN(60)) * time.Second)
	}
	h.t.Fatalf("the batch is not over: %+v", h.look(b))
	return batch.Batch{}
}

// lines reads a file of answers.
func (h *hall) lines(which id.File) map[string]map[string]any {
	h.t.Helper()
	out := map[string]map[string]any{}
	if which == "" {
		return out
	}
	f, err := h.service.File(h.t.Context(), h.caller, which)
	if err != nil {
		h.t.Fatal(err)
	}
	var text strings.Builder
	if err := h.service.Content(h.t.Context(), h.caller, f, &text); err != nil {
		h.t.Fatal(err)
	}
	if int64(text.Len()) != f.Bytes {
		h.t.Errorf("the file has %d bytes, and says %d", text.Len(), f.Bytes)
	}
	for line := range strings.Lines(text.String()) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			h.t.Fatal(err)
		}
		name := l["custom_id"].(string)
		if out[name] != nil {
			h.t.Errorf("%s is answered twice", name)
		}
		out[name] = l
	}
	return out
}

// audit checks that every line ended once, is in the log once, and was billed once.
func (h *hall) audit(b batch.Batch, n int, billed map[string]int) {
	h.t.Helper()
	good, bad := h.lines(b.Output), h.lines(b.Errors)
	if len(good)+len(bad) != n {
		h.t.Errorf("%d lines were answered and %d failed, of %d", len(good), len(bad), n)
	}
	if b.Counts.Done != len(good) || b.Counts.Failed+b.Counts.Expired != len(bad) || b.Counts.Total != n {
		h.t.Errorf("counts are %+v, files have %d and %d", b.Counts, len(good), len(bad))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	logged := 0
	for call, r := range h.log {
		if r.Batch != b.ID {
			continue
		}
		logged++
		cost, inline := int(r.Cost), h.inline[call.String()]
		switch {
		case r.Outcome != calllog.OK && cost != 0,
			r.Outcome == calllog.OK && inline > 0 && cost != inlinePrice,
			r.Outcome == calllog.OK && inline == 0 && (cost != batchPrice || billed[call.String()] != 1):
			h.t.Errorf("%s: outcome %s cost %d, run %d times here and billed %d times there", call, r.Outcome, cost, inline, billed[call.String()])
		}
	}
	if want := n - b.Counts.Expired; logged != want { // what reached nobody is in no log
		h.t.Errorf("the log has %d calls, want %d", logged, want)
	}
}

// deaf is a worker whose first word to the provider is lost.
type deaf struct {
	*mortal
	lost atomic.Int32
}

func newDeaf(m *mortal) *deaf {
	d := &deaf{mortal: m}
	d.lost.Store(1)
	return d
}

func (d *deaf) Reach(ctx context.Context, org id.Org, p batch.Place, req batch.Request) (*http.Response, error) {
	if req.Method == http.MethodPost && d.lost.Add(-1) >= 0 {
		return nil, errors.New("the line is dead")
	}
	return d.mortal.Reach(ctx, org, p, req)
}

func TestABatchOfAnothersIsNotTakenForOurs(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	b := h.submit(4, "claude-a", "claude-b") // two parcels of two lines
	m := &mortal{Work: h.store, hall: h, immortal: true}
	w := batch.NewRunner(batch.Deps{
		Work: m, Calls: newDeaf(m), Drivers: remote.Drivers(), Ingest: m.ingest, Now: h.clock, Logger: slog.New(slog.DiscardHandler),
		Config: batch.Config{Lease: time.Minute, Inline: 1},
	})
	for h.provider.Batches() == 0 { // one parcel is sent, the other may have been
		if err := w.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.pass(time.Second)
	}
	for i := 0; h.provider.Batches() < 2; i++ {
		if i > 20 {
			t.Fatal("the second parcel waits for a batch that is known to be the first's")
		}
		if err := w.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.pass(time.Second)
	}
	over := h.live(b, 0, rand.New(rand.NewPCG(1, 1)))
	h.audit(over, 4, h.provider.Billed())

	// A batch of the same size that another program makes with the same credential, while ours was not sent at all.
	b = h.submit(2, "claude-c")
	w = batch.NewRunner(batch.Deps{
		Work: m, Calls: newDeaf(m), Drivers: remote.Drivers(), Ingest: m.ingest, Now: h.clock, Logger: slog.New(slog.DiscardHandler),
	})
	for range 4 {
		if err := w.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if h.provider.Batches() != 2 {
		t.Fatalf("%d batches", h.provider.Batches())
	}
	foreign := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/messages/batches",
		strings.NewReader(`{"requests":[{"custom_id":"theirs-1","params":{"model":"m"}},{"custom_id":"theirs-2","params":{"model":"m"}}]}`))
	h.provider.ServeHTTP(httptest.NewRecorder(), foreign)
	over = h.live(b, 0, rand.New(rand.NewPCG(1, 1)))
	h.audit(over, 2, h.provider.Billed())
	if over.Counts.Done != 2 {
		t.Errorf("%+v", over.Counts)
	}
}

func TestABatchThatIsTurnedAwayIsSentAgain(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	h.provider.TurnsAway = 3
	over := h.live(h.submit(5, "gpt-4o-mini"), 0, rand.New(rand.NewPCG(1, 1)))
	h.audit(over, 5, h.provider.Billed())
	if over.Counts.Done != 5 || h.provider.Batches() != 4 {
		t.Errorf("%+v of %d batches", over.Counts, h.provider.Batches())
	}
}

func TestABatchEndsWithItsWindow(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	h.provider.Takes = 100 * time.Hour
	b := h.submit(6, "gpt-4o-mini", "claude-haiku-4-5", "llama")
	random := rand.New(rand.NewPCG(1, 1))
	w := h.worker(0)
	for range 10 {
		if err := w.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.pass(time.Minute)
	}
	h.pass(batch.Window)
	over := h.live(b, 0, random)
	h.audit(over, 6, h.provider.Billed())
	// The provider answers every second line of a batch that it is told to stop.
	if over.Status != batch.Expired || over.Counts.Done != 4 || over.Counts.Expired != 2 {
		t.Errorf("%s, %+v", over.Status, over.Counts)
	}
	for name, l := range h.lines(over.Errors) {
		if e, _ := l["error"].(map[string]any); e["code"] != "batch_expired" {
			t.Errorf("%s: %v", name, l)
		}
	}
}

func TestEveryLineEndsOnceWhereverWorkersDie(t *testing.T) {
	t.Parallel()
	const seeds, parts = 200, 4
	for part := range parts {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			h := newHall(t)
			h.provider.Fails = func(body []byte) bool { return strings.Contains(string(body), "-fails") }
			for seed := part; seed < seeds; seed += parts {
				random := rand.New(rand.NewPCG(uint64(seed), 5))
				n := 1 + random.IntN(30)
				b := h.submit(n, "gpt-4o-mini", "claude-haiku-4-5", "llama", "bad", "gpt-fails", "claude-fails")
				over := h.live(b, 3+random.IntN(4), random)
				if over.Status != batch.Completed {
					t.Errorf("seed %d: %s", seed, over.Status)
				}
				h.audit(over, n, h.provider.Billed())
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}
