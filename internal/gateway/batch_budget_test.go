package gateway_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/batch"
	"tollgate/internal/batch/batchtest"
	"tollgate/internal/budget"
	"tollgate/internal/budget/budgetpg"
	"tollgate/internal/budget/lease"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// underBudget gives the organization a budget in the books of the database.
func (d *depot) underBudget(limit money.NanoUSD) *budget.Budget {
	d.t.Helper()
	return d.under(budget.Block, limit)
}

func (d *depot) under(mode budget.Mode, limit money.NanoUSD) *budget.Budget {
	d.t.Helper()
	b := budget.Budget{
		ID: id.Budget(id.New("bud")), Name: "Nightly", Mode: mode, Wait: -1, Limits: []budget.Limit{{Period: budget.Total, Amount: limit}},
	}
	err := d.db.InSystemPgx(d.t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(d.t.Context(), `INSERT INTO budgets (org_id, id, name, mode, created_at, updated_at) VALUES ($1, $2, $3, $4, now(), now())`,
			string(d.org.ID), string(b.ID), b.Name, string(mode))
		if err != nil {
			return err
		}
		_, err = tx.Exec(d.t.Context(), `INSERT INTO budget_limits (org_id, budget_id, period, amount_nano) VALUES ($1, $2, 'total', $3)`,
			string(d.org.ID), string(b.ID), int64(limit))
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.org.Budgets = append(d.org.Budgets, b)
	authority := budgetpg.NewAuthority(d.db)
	d.durable = authority
	d.book = lease.New(lease.Deps{
		Authority: authority, Holder: lease.Holder{ID: id.NewHolder(), Proxy: "prx", Boot: "b"}, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	}, lease.Config{})
	return &b
}

// books is what was spent of a budget and what is held.
func (d *depot) books(b *budget.Budget) (spent, held money.NanoUSD) {
	d.t.Helper()
	err := d.db.InSystemPgx(d.t.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(d.t.Context(), `SELECT coalesce(sum(spent), 0)::bigint, coalesce(sum(held), 0)::bigint FROM budget_standings WHERE budget_id = $1`,
			string(b.ID)).Scan(&spent, &held)
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return spent, held
}

// honestLines are such that what the provider made by hand counts can be true: it counts the same for every line.
func honestLines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"custom_id":"line-%d","method":"POST","url":"/v1/chat/completions","body":{"model":"openai/gpt-4o-mini","max_tokens":%d,"messages":[{"role":"user","content":%q}]}}`+"\n",
			i, batchtest.OutputTokens, strings.Repeat("w ", batchtest.InputTokens/2))
	}
	return b.String()
}

// TestABatchUnderABudgetIsHeldForBeforeItIsSent: its lines go together, at the batch's price; what they do not use comes back.
func TestABatchUnderABudgetIsHeldForBeforeItIsSent(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "openai")
	b := d.underBudget(dollar)
	d.start()
	const n = 60
	made := d.submit(honestLines(n))
	if end := d.await(made.ID, 2); end.Status != "completed" || end.Counts.Completed != n {
		t.Fatalf("%+v", end)
	}
	if bill := d.bill(made.ID); bill["openai ok"] != [2]int64{n, n * miniBatchCost} {
		t.Errorf("%v: not at the price of batches", bill)
	}
	if spent, held := d.books(b); spent != n*miniBatchCost || held != 0 {
		t.Errorf("spent %d and held %d, want %d and nothing", spent, held, n*miniBatchCost)
	}
	if with, without := d.settled(b); with != n*miniBatchCost || without != 0 {
		t.Errorf("%d settled on what was held for it, and %d beside it", with, without)
	}
}

// TestABudgetThatWatchesHoldsNoBatchUp: it counts what was spent, far over its limit, and nothing is held for it.
func TestABudgetThatWatchesHoldsNoBatchUp(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "openai")
	b := d.under(budget.Watch, 1)
	d.start()
	const n = 8
	made := d.submit(honestLines(n))
	if end := d.await(made.ID, 2); end.Status != "completed" || end.Counts.Completed != n {
		t.Fatalf("%+v", end)
	}
	if spent, held := d.books(b); spent != n*miniBatchCost || held != 0 {
		t.Errorf("spent %d and held %d, want %d and nothing", spent, held, n*miniBatchCost)
	}
	if with, without := d.settled(b); with != 0 || without != n*miniBatchCost {
		t.Errorf("%d settled on a holder, though nothing was held, and %d on none", with, without)
	}
}

// TestWhatNothingWasHeldForIsChargedAllTheSame: where nobody lends for so long, lines under a budget that watches are sent, and count.
func TestWhatNothingWasHeldForIsChargedAllTheSame(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "openai")
	b := d.under(budget.Watch, dollar)
	d.durable = nil
	d.start()
	const n = 4
	made := d.submit(honestLines(n))
	if end := d.await(made.ID, 2); end.Status != "completed" || end.Counts.Completed != n {
		t.Fatalf("%+v", end)
	}
	if with, without := d.settled(b); with != 0 || without != n*miniBatchCost {
		t.Errorf("%d settled on a holder, though nothing was held, and %d on none", with, without)
	}
}

// settled is what was settled on holders' leases of a budget, and on none.
func (d *depot) settled(b *budget.Budget) (with, without money.NanoUSD) {
	d.t.Helper()
	err := d.db.InSystemPgx(d.t.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(d.t.Context(), `SELECT coalesce(sum(settled) FILTER (WHERE holder <> $2), 0)::bigint, coalesce(sum(settled) FILTER (WHERE holder = $2), 0)::bigint
			FROM budget_settlements WHERE budget_id = $1`, string(b.ID), id.Holder{}).Scan(&with, &without)
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return with, without
}

// TestLinesForWhichThereIsNoMoneyAreNotSent: those that fit are, in their order; the others fail as a client's own calls would.
func TestLinesForWhichThereIsNoMoneyAreNotSent(t *testing.T) {
	t.Parallel()
	d := newDepot(t, "openai")
	const limit = 1_000_000
	b := d.underBudget(limit)
	d.start()
	const n = 40
	made := d.submit(honestLines(n))
	end := d.await(made.ID, 0)
	billed := len(d.provider.Billed())
	if end.Counts.Failed == 0 || end.Counts.Completed == 0 || end.Counts.Completed+end.Counts.Failed != n || billed != end.Counts.Completed {
		t.Fatalf("%+v, the provider billed %d", end, billed)
	}
	errs := d.get("/v1/files/" + end.Errors + "/content").body
	if !strings.Contains(errs, "budget.exceeded") || !strings.Contains(errs, "Nightly") || !strings.Contains(errs, `"status_code":402`) {
		t.Errorf("%.400s", errs)
	}
	spent, held := d.books(b)
	if want := money.NanoUSD(end.Counts.Completed) * miniBatchCost; spent != want || held != 0 || spent > limit {
		t.Errorf("spent %d and held %d of %d, want %d and nothing", spent, held, limit, want)
	}
}

// TestTheLogKnowsOfALineThatIsRunUntilItsEndIsStored: should the process die meanwhile, what the run may have cost is charged.
func TestTheLogKnowsOfALineThatIsRunUntilItsEndIsStored(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	d.connect("openai", answering(200, whole))
	b := d.underBudget(dollar)
	d.durable = nil // line by line
	d.start()
	const n = 5
	made := d.submit(honestLines(n))
	if end := d.await(made.ID, 0); end.Status != "completed" || end.Counts.Completed != n {
		t.Fatalf("%+v", end)
	}
	said := d.log.announced()
	if len(said) != n || len(d.log.voids) != n {
		t.Fatalf("%d runs announced and %d taken back, want %d of each", len(said), len(d.log.voids), n)
	}
	for _, r := range said {
		if len(r.Charges) != 1 || r.Charges[0].Amount <= wholeCost || d.bill(made.ID)["openai ok"] != [2]int64{n, n * int64(wholeCost)} {
			t.Errorf("announced %+v", r.Charges)
		}
	}
	d.book.Close(t.Context())
	if spent, held := d.books(b); spent != n*wholeCost || held != 0 {
		t.Errorf("spent %d and held %d", spent, held)
	}
}

// TestARunThatIsGivenUpIsChargedAllTheSame: the line is run again, and the provider may bill both.
func TestARunThatIsGivenUpIsChargedAllTheSame(t *testing.T) {
	t.Parallel()
	d := newDepot(t)
	d.cfg.DrainTime = 20 * time.Millisecond
	d.underBudget(dollar)
	reached := make(chan struct{}, 8)
	d.connect("openai", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server would not see the caller leave
		reached <- struct{}{}
		<-r.Context().Done()
	})
	d.durable = nil
	d.start()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-reached; cancel() }()
	_, _, err := d.gw.Lines().Run(ctx, batch.Order{
		Owner: batch.Owner{Org: d.org.ID, Key: d.key.ID}, Batch: "batch_1", Call: id.NewCall(), Path: "/v1/chat/completions", Body: []byte(askCapped),
	})
	if err == nil {
		t.Fatal("a run that was cut gave an end")
	}
	said, r := d.log.announced(), d.log.last(t)
	if len(said) != 1 || r.ID != said[0].ID || len(r.Charges) != 1 || r.Charges[0].Amount != said[0].Charges[0].Amount || len(d.log.voids) != 0 {
		t.Errorf("recorded %+v, announced %+v", r, said)
	}
}
