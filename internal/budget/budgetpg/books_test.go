package budgetpg_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/budget/budgetpg"
	"tollgate/internal/budget/lease"
	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/chat"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// ingest brings calls into the log, as a shipper does.
func (d *desk) ingest(records ...calllog.Record) {
	d.Helper()
	got, err := calllogpg.New(d.db).Ingest(d.Context(), records, calllog.Beat{})
	if err != nil || len(got.Rejected) > 0 {
		d.Fatalf("ingest: %v, rejected %d", err, len(got.Rejected))
	}
}

// record is a call with one attempt that reported nothing, charged on pots.
func (d *desk) record(upstream string, amount money.NanoUSD, h lease.Holder, pots ...lease.Ask) calllog.Record {
	r := calllog.Record{
		ID: id.NewCall(), Org: d.in.Org(), Team: "team_1", Key: "key_1", Endpoint: "chat", Dialect: "openai", Requested: "m",
		Outcome: calllog.ClientGone, Estimated: true,
		Attempts: []calllog.Attempt{{Number: 1, Provider: "openai", Model: "m", Status: 200, UpstreamID: upstream, Usage: chat.Usage{Source: chat.Estimated}}},
	}
	for _, k := range pots {
		r.Charges = append(r.Charges, calllog.Charge{Budget: k.Budget, Pot: k.Pot, Holder: h.ID, Amount: amount})
	}
	return r
}

func (d *desk) audit() budget.Audit {
	d.Helper()
	a, err := d.ledger.Verify(d.Context(), d.in)
	if err != nil {
		d.Fatal(err)
	}
	return a
}

func TestCallsAreSettledOnceHoweverOftenTheyAreDelivered(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k, h := d.ask(d.budget(budget.Total, 1000), 500, 500), holder("a")
	d.exchange(h, k)
	first, second := d.record("a", 100, h, k), d.record("b", 30, h, k)
	d.ingest(first)
	d.ingest(first, second)
	d.ingest(second, first)
	if got, want := d.standing(k), (standing{committed: 500, spent: 130, held: 370}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if a := d.audit(); a.Count != 0 || a.Pots != 1 || a.Calls != 2 {
		t.Errorf("the books are not right: %+v", a)
	}
}

// TestVerifyFindsEveryDifference falsifies one amount after the other.
func TestVerifyFindsEveryDifference(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rule budget.Rule
		sql  string
	}{
		{budget.RuleGranted, `UPDATE budget_leases SET granted = granted + 1`},
		{budget.RuleReturned, `UPDATE budget_leases SET returned = returned + 1`},
		{budget.RuleSettled, `UPDATE budget_settlements SET settled = settled - 1`},
		{budget.RuleCommitted, `UPDATE budget_pots SET committed = committed - 1`},
		{budget.RuleAdjusted, `UPDATE budget_pots SET adjusted = adjusted + 1, committed = committed + 1`},
		{budget.RuleCharged, `UPDATE calls SET charges = jsonb_set(charges, '{0,a}', '99')`},
		{budget.RuleCharged, `DELETE FROM calls`},
		{budget.RuleCharged, `INSERT INTO budget_entries (org_id, pot, kind, amount, holder, ingest) SELECT org_id, pot, 'settle', 5, holder, ingest FROM budget_entries WHERE kind = 'settle'`},
		{budget.RuleGranted, `INSERT INTO budget_entries (org_id, pot, kind, amount, holder) SELECT org_id, pot, 'grant', 5, holder FROM budget_leases`},
		{budget.RuleGranted, `UPDATE budget_leases SET holder = gen_random_uuid()`},
	}
	for _, tt := range tests {
		t.Run(string(tt.rule)+" "+tt.sql, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			k, h := d.ask(d.budget(budget.Total, 1000), 500, 500), holder("a")
			d.exchange(h, k)
			d.ingest(d.record("a", 100, h, k))
			d.settled(nil)
			if a := d.audit(); a.Count != 0 {
				t.Fatalf("before: %+v", a)
			}
			d.exec(tt.sql)
			a := d.audit()
			found := false
			for _, diff := range a.Differences {
				found = found || diff.Rule == tt.rule && diff.Org == d.in.Org() && strings.Contains(diff.Text(), "$")
			}
			if !found {
				t.Errorf("%s was not found: %+v", tt.sql, a)
			}
			at, n, err := d.ledger.LastCheck(t.Context(), d.in)
			if err != nil || n != a.Count || time.Since(at) > time.Minute {
				t.Errorf("kept: %d differences at %v (error %v), want %d", n, at, err, a.Count)
			}
			if recent, err := d.ledger.VerifySince(t.Context(), time.Now().Add(-time.Hour)); err != nil ||
				tt.rule == budget.RuleCharged && recent.Count == 0 || tt.rule == budget.RuleCommitted && recent.Count == 0 {
				t.Errorf("the frequent check: %+v (error %v)", recent, err)
			}
		})
	}
}

func TestWhatIsHeldWhenAWindowIsOverCountsAsSpent(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.budget(budget.Day, 1000)
	yesterday, today := d.askIn(b, days(-1), 400, 400), d.askIn(b, days(0), 400, 400)
	h := holder("a")
	now := yesterday.Window.From.Add(time.Hour)
	d.authority.SetClock(func() time.Time { return now })
	d.exchange(h, yesterday)
	d.settle(d.charge(yesterday, h, 100))
	d.exec(`INSERT INTO proxies (id, seen_at, shipped_until, spool_bytes) VALUES ('a', $1, $1, 0)`, yesterday.Window.To.Add(-time.Minute))
	finalise := func(at time.Time, want int) {
		t.Helper()
		if n, err := d.ledger.Finalise(t.Context(), at); err != nil || n != want {
			t.Errorf("at %v %d windows were finalised (error %v), want %d", at, n, err, want)
		}
	}
	finalise(yesterday.Window.To.Add(-time.Hour), 0)
	finalise(yesterday.Window.To.Add(30*time.Minute), 0) // a proxy has not shipped all that it did then
	d.exec(`UPDATE proxies SET shipped_until = $1`, yesterday.Window.To)
	finalise(yesterday.Window.To.Add(time.Minute), 0)
	finalise(yesterday.Window.To.Add(30*time.Minute), 1)
	if got, want := d.standing(yesterday), (standing{committed: 400, spent: 400}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	d.settle(d.charge(yesterday, h, 250)) // it was held for
	if got, want := d.standing(yesterday), (standing{committed: 400, spent: 400}); got != want {
		t.Errorf("a late call counted twice: %+v, want %+v", got, want)
	}
	d.settle(d.charge(yesterday, h, 60)) // it was not
	if got, want := d.standing(yesterday), (standing{committed: 410, spent: 410}); got != want {
		t.Errorf("a late call is lost: %+v, want %+v", got, want)
	}
	now = yesterday.Window.To.Add(time.Second)
	if g := d.exchange(h, yesterday).Grants[0]; g.Verdict != lease.Closed || g.Posted != 410 {
		t.Errorf("a finalised window lends: %+v", g)
	}
	now = today.Window.From.Add(time.Hour)
	if g := d.exchange(h, today).Grants[0]; g.Verdict != lease.Granted || g.Committed != 400 {
		t.Errorf("the next window: %+v", g)
	}
	finalise(today.Window.To.Add(2*time.Hour), 1) // after an hour whatever proxies say
	d.verified()
}

func TestABatchKeepsAWindowOpen(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k := d.askIn(d.budget(budget.Day, 1000), days(0), 400, 400)
	batch := lease.Holder{ID: id.NewHolder()}
	if _, err := d.authority.Hold(t.Context(), batch, []lease.Ask{k}); err != nil {
		t.Fatal(err)
	}
	at := k.Window.To.Add(12 * time.Hour)
	if n, err := d.ledger.Finalise(t.Context(), at); err != nil || n != 0 {
		t.Errorf("%d windows were finalised under a batch (error %v)", n, err)
	}
	if err := d.authority.End(t.Context(), batch.ID); err != nil {
		t.Fatal(err)
	}
	if n, err := d.ledger.Finalise(t.Context(), at); err != nil || n != 1 {
		t.Errorf("after its end %d windows were finalised (error %v)", n, err)
	}
}

func TestEvidenceCorrectsChargesOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	wide, narrow := d.ask(d.budget(budget.Total, 10_000), 5000, 5000), d.ask(d.budget(budget.Total, 10_000), 5000, 5000)
	d.exec(`UPDATE budgets SET selector = '{"provider": "groq"}' WHERE id = $1`, narrow.Budget)
	h := holder("a")
	d.exchange(h, wide, narrow)
	whole, byName, twice, none := d.record("up-1", 1000, h, wide), d.record("up-2", 1000, h, wide), d.record("up-3", 1000, h, wide, narrow), d.record("", 0, h)
	twice.Attempts[0].Price, twice.Attempts[0].Cost, twice.Attempts[0].Usage.Source = calllog.Priced, 300, chat.Reported // at openai
	twice.Attempts = append(twice.Attempts, calllog.Attempt{Number: 2, Provider: "groq", Model: "m", UpstreamID: "up-4", Usage: chat.Usage{Source: chat.Estimated}})
	twice.Charges[1].Amount = 700
	d.ingest(whole, byName, twice, none)
	stranger := id.NewCall()
	evidence := []budget.Evidence{
		{Line: 2, Call: whole.ID, Cost: 400},
		{Line: 3, Upstream: "up-2", Cost: 1200}, // more than was charged
		{Line: 4, Upstream: "up-4", Cost: 50},
		{Line: 5, Call: stranger, Cost: 1},
		{Line: 6, Upstream: "up-9", Cost: 1},
		{Line: 7, Call: none.ID, Cost: 0},
	}
	reconcile := func() budget.Reconciled {
		t.Helper()
		r, err := d.ledger.Reconcile(t.Context(), d.in, evidence, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := reconcile()
	if r.Calls != 4 || r.Adjusted != 4 || r.Net != -600+200-650-650 || len(r.Problems) != 2 || r.Problems[0].Line != 5 || r.Problems[1].Line != 6 {
		t.Errorf("%+v", r)
	}
	if got, want := d.standing(wide), (standing{committed: 5000 - 1050, spent: 400 + 1200 + 350, held: 2000}); got != want {
		t.Errorf("wide: %+v, want %+v", got, want)
	}
	if got, want := d.standing(narrow), (standing{committed: 5000 - 650, spent: 50, held: 4300}); got != want {
		t.Errorf("narrow: %+v, want %+v", got, want)
	}
	if r := reconcile(); r.Adjusted != 0 || r.Net != 0 {
		t.Errorf("again: %+v", r)
	}
	evidence[0].Cost = 450 // the provider has corrected itself
	if r := reconcile(); r.Adjusted != 1 || r.Net != 50 {
		t.Errorf("with a new figure: %+v", r)
	}
	if a := d.audit(); a.Count != 0 {
		t.Errorf("the books are not right: %+v", a.Differences)
	}
}

func TestEvidenceThatSaysTooLittleIsNotUsed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k, h := d.ask(d.budget(budget.Total, 10_000), 5000, 5000), holder("a")
	d.exchange(h, k)
	cut := d.record("up-1", 1000, h, k)
	cut.Attempts = append(cut.Attempts, calllog.Attempt{Number: 2, Provider: "groq", Model: "m", Usage: chat.Usage{Source: chat.Estimated}})
	same, again := d.record("up-5", 10, h, k), d.record("up-5", 10, h, k)
	d.ingest(cut, same, again)
	r, err := d.ledger.Reconcile(t.Context(), d.in, []budget.Evidence{{Line: 1, Upstream: "up-1", Cost: 5}, {Line: 2, Upstream: "up-5", Cost: 5}},
		time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil || r.Adjusted != 0 || len(r.Problems) != 2 {
		t.Errorf("%+v (error %v)", r, err)
	}
	if got := d.standing(k); got.spent != 1020 {
		t.Errorf("%+v", got)
	}
}

func TestAnOperatorReleasesOrphans(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k := d.ask(d.budget(budget.Total, 1000), 300, 300)
	dead, alive := holder("dead"), holder("alive")
	d.exchange(dead, k)
	d.exchange(alive, k)
	d.settle(d.charge(k, dead, 100))
	d.exec(`UPDATE budget_holders SET seen_at = now() - interval '2 hours' WHERE proxy = 'dead'`)
	since := time.Now().Add(-time.Hour)
	held, err := d.ledger.Orphans(t.Context(), d.in, since)
	if err != nil || len(held) != 1 || held[0].Proxy != "dead" || held[0].Amount != 200 || held[0].Budget != k.Budget {
		t.Fatalf("orphans: %+v (error %v)", held, err)
	}
	if n, err := d.authority.ReleaseOrphans(t.Context(), since, "the machine is gone"); err != nil || n != 1 {
		t.Fatalf("%d released (error %v)", n, err)
	}
	if got, want := d.standing(k), (standing{committed: 400, spent: 100, held: 300}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	d.verified()
}

func TestTheKeeperLooksAfterTheBooks(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	k, h := d.askIn(d.budget(budget.Day, 1000), days(0), 500, 500), holder("a")
	d.exchange(h, k)
	d.ingest(d.record("a", 100, h, k))
	var said strings.Builder
	ledger := budgetpg.NewLedger(d.db, slog.New(slog.NewJSONHandler(&said, nil)))
	now := k.Window.To.Add(time.Hour)
	keeper := budgetpg.NewKeeper(ledger, func() time.Time { return now })
	for range 2 {
		if err := keeper.Windows(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := keeper.Books(t.Context()); err != nil || ledger.Drift() != 0 || said.Len() > 0 {
			t.Fatalf("error %v, drift %d, said %s", err, ledger.Drift(), said.String())
		}
	}
	if d.number(`SELECT count(*) FROM budget_pots WHERE closed_at IS NOT NULL`) != 1 {
		t.Error("the window was not finalised")
	}
	d.exec(`UPDATE budget_pots SET committed = committed + 7`)
	if err := keeper.Books(t.Context()); err != nil || ledger.Drift() != 1 || !strings.Contains(said.String(), `"rule":"committed"`) {
		t.Errorf("error %v, drift %d, said %s", err, ledger.Drift(), said.String())
	}
}

func TestOldEntriesAreForgottenWithTheirLeases(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.budget(budget.Day, 1000)
	long, mixed := d.askIn(b, days(-500), 400, 400), d.askIn(b, days(-501), 400, 400)
	for _, k := range []lease.Ask{long, mixed} {
		d.exec(`INSERT INTO budget_pots (org_id, id, budget_id, period, subject, starts_at, ends_at, committed, created_at, closed_at)
			VALUES ($1, $2, $3, 'day', '', $4, $5, 70, $4, $5)`, d.in.Org(), k.Pot, b, k.Window.From, k.Window.To)
		d.exec(`INSERT INTO budget_leases (org_id, pot, holder, granted, returned, seen_at) VALUES ($1, $2, gen_random_uuid(), 100, 30, $3)`, d.in.Org(), k.Pot, k.Window.From)
		d.exec(`INSERT INTO budget_entries (org_id, pot, kind, amount, holder, at) SELECT $1, $2, kind, amount, holder, $3
			FROM budget_leases, (VALUES ('grant', 100), ('return', 30)) AS e (kind, amount) WHERE pot = $2`, d.in.Org(), k.Pot, k.Window.From)
	}
	d.exec(`UPDATE budget_pots SET adjusted = 5, committed = 75 WHERE id = $1`, mixed.Pot) // evidence that came late
	d.exec(`INSERT INTO budget_entries (org_id, pot, kind, amount, call_id) VALUES ($1, $2, 'adjust', 5, gen_random_uuid())`, d.in.Org(), mixed.Pot)
	young, h := d.askIn(b, days(0), 400, 400), holder("a")
	d.exchange(h, young)
	if a := d.audit(); a.Count != 0 {
		t.Fatalf("before: %+v", a.Differences)
	}
	if n, err := d.ledger.Retire(t.Context(), time.Now()); err != nil || n != 2 {
		t.Errorf("%d entries were forgotten (error %v), want 2", n, err)
	}
	if got, want := d.standing(long), (standing{committed: 70, spent: 70}); got != want {
		t.Errorf("what it came to is %+v, want %+v", got, want)
	}
	if a := d.audit(); a.Count != 0 || d.number(`SELECT count(*) FROM budget_entries`) != 1+3 {
		t.Errorf("after: %+v", a.Differences)
	}
}

// The JSON of charges is read by verification and reconciliation: its names must not change.
func TestChargesAreStoredByTheirNames(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(calllog.Charge{Budget: "bud_1", Pot: id.Pot{1}, Holder: id.Holder{2}, Amount: 3})
	if want := fmt.Sprintf(`{"b":"bud_1","p":%q,"h":%q,"a":3}`, id.Pot{1}, id.Holder{2}); err != nil || string(b) != want {
		t.Errorf("%s (error %v), want %s", b, err, want)
	}
}
