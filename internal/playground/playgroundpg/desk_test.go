package playgroundpg_test

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/account/accountpg"
	"tollgate/internal/alias"
	"tollgate/internal/alias/aliaspg"
	"tollgate/internal/alias/condition"
	"tollgate/internal/budget"
	"tollgate/internal/budget/budgetpg"
	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/issue"
	"tollgate/internal/key"
	"tollgate/internal/key/keypg"
	"tollgate/internal/limit"
	"tollgate/internal/limit/limitpg"
	"tollgate/internal/playground"
	"tollgate/internal/playground/playgroundpg"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/price"
	"tollgate/internal/price/pricepg"
	"tollgate/internal/price/seed"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/internal/usage/usagepg"
)

// plane is a data plane that is made by hand: it answers what a test says, and remembers what it was asked.
type plane struct {
	mu     sync.Mutex
	asked  []playground.Outgoing
	answer func(ctx context.Context, o playground.Outgoing, w http.ResponseWriter) error
}

// Call implements playground.Caller.
func (p *plane) Call(ctx context.Context, o playground.Outgoing, w http.ResponseWriter) error {
	p.mu.Lock()
	p.asked = append(p.asked, o)
	p.mu.Unlock()
	return p.answer(ctx, o, w)
}

func (p *plane) calls() []playground.Outgoing {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]playground.Outgoing(nil), p.asked...)
}

// whole answers every call with a text.
func whole(text string) func(context.Context, playground.Outgoing, http.ResponseWriter) error {
	return func(_ context.Context, _ playground.Outgoing, w http.ResponseWriter) error {
		w.Header()["X-Tollgate-Cost-Usd"] = []string{"0.000002"}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
		_, err := w.Write([]byte(`{"choices":[{"message":{"content":` + quoted(text) + `},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":3}}`))
		return err
	}
}

func quoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"` }

// refused answers as a budget does that is spent.
func refused(_ context.Context, _ playground.Outgoing, w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusPaymentRequired)
	_, err := w.Write([]byte(`{"error":{"message":"The budget is spent until 1 December.","code":"budget.exceeded"}}`))
	return err
}

// desk is a playground over a database of its own.
type desk struct {
	*playground.Service
	t       *testing.T
	db      *postgres.DB
	store   *playgroundpg.Store
	plane   *plane
	keys    *key.Service
	prompts *prompt.Service
	in      tenant.Scope
	team    id.Team
	mu      sync.Mutex
	at      time.Time
}

func (d *desk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at
}

func (d *desk) later(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = d.at.Add(by)
}

func open(t *testing.T) *desk {
	t.Helper()
	db := pgtest.New(t)
	d := &desk{t: t, db: db, store: playgroundpg.New(db), plane: &plane{answer: whole("yes")}, at: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	d.in, d.team = pgtest.Org(t, db, "A")
	ring, err := secret.ParseKeyring(base64.StdEncoding.EncodeToString(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := seed.Records()
	if err != nil {
		t.Fatal(err)
	}
	accounts := account.NewService(account.Deps{Store: accountpg.New(db), Now: d.now})
	d.keys, d.prompts = key.NewService(keypg.New(db), key.NewHasher(ring), d.now), prompt.NewService(promptpg.New(db), d.now)
	budgets := budget.NewService(budget.Deps{
		Store: budgetpg.NewStore(db), Organizations: accounts, Costs: usage.NewService(usagepg.New(db)), Books: budgetpg.NewLedger(db, slog.New(slog.DiscardHandler)),
		Vendors: catalog.Vendor, Now: d.now,
	})
	prices := price.NewService(pricepg.New(db), shipped, d.now)
	d.Service = playground.NewService(playground.Deps{
		Store: d.store, Prompts: d.prompts, Aliases: alias.NewService(aliaspg.New(db), alias.Words{Vendors: catalog.Vendor, Condition: condition.Check}, d.now),
		Prices: experiment.PriceList{Service: prices, Now: d.now}, Teams: accounts,
		Issuer: issue.New(d.keys, budgets, limit.NewService(limitpg.New(db), d.now)), Keys: d.keys, Budgets: budgets,
		Calls: calllog.NewQueries(calllogpg.New(db)), Caller: d.plane, Now: d.now,
		Conforms: func(_, document []byte) (bool, error) { return strings.HasPrefix(string(document), "{"), nil },
	})
	return d
}

func (d *desk) runner() *playground.Runner {
	return playground.NewRunner(d.Service, slog.New(slog.DiscardHandler))
}

func (d *desk) turn() {
	d.t.Helper()
	if err := d.runner().Turn(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

// start starts a run over rows.
func (d *desk) start(rows ...string) playground.Run {
	d.t.Helper()
	r, err := d.Start(d.t.Context(), d.in, playground.NewRun{
		Name: "try", Setup: playground.Setup{Columns: []playground.Column{{Model: "sandbox/echo-mini"}}, Message: "hi"},
		Dataset: []byte("message,expected\n" + strings.Join(rows, "\n")), Checks: []playground.Check{{Kind: playground.Contains}},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

func (d *desk) run(which id.PlaygroundRun) playground.Run {
	d.t.Helper()
	r, err := d.Run(d.t.Context(), d.in, which)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

func (d *desk) lines(which id.PlaygroundRun) []playground.Line {
	d.t.Helper()
	list, _, err := d.Lines(d.t.Context(), d.in, which, 0, 100)
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}

// logged puts a call into the log, as the shipper does.
func (d *desk) logged(call id.Call, payload *calllog.Payload) {
	d.t.Helper()
	r := calllog.Record{ID: call, Org: d.in.Org(), Team: d.team, Key: "key_x", Provider: "sandbox", Model: "echo-mini", Status: 200, Outcome: calllog.OK, Price: calllog.Priced, Cost: 5_000, Payload: payload}
	if got, err := calllogpg.New(d.db).Ingest(d.t.Context(), []calllog.Record{r}, calllog.Beat{}); err != nil || len(got.Rejected) > 0 {
		d.t.Fatalf("Ingest: %v, %v", err, got.Rejected)
	}
}
