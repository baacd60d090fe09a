package budgetpg

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/budget"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

// reconcileMax is how many calls are corrected in one transaction.
const reconcileMax = 500

// problemsMax is how many problems a reconciliation lists.
const problemsMax = 1000

// Reconcile corrects what calls of an organization were charged by what their providers say that they cost. The correction is an entry for
// each call and pot; done again with the same evidence it changes nothing. Evidence by a provider's id is looked for among the calls that
// began in [from, to).
func (l *Ledger) Reconcile(ctx context.Context, in tenant.Scope, evidence []budget.Evidence, from, to time.Time) (budget.Reconciled, error) {
	return reconcile(ctx, evidence, from, to, func(fn func(tx pgx.Tx) error) error { return l.db.InTenantPgx(ctx, in, fn) }, in.Org())
}

// ReconcileOrg is Reconcile for an operator at the command line.
func (l *Ledger) ReconcileOrg(ctx context.Context, org id.Org, evidence []budget.Evidence, from, to time.Time) (budget.Reconciled, error) {
	return reconcile(ctx, evidence, from, to, func(fn func(tx pgx.Tx) error) error {
		return l.db.InSystemPgx(ctx, "budget: an operator reconciles", fn)
	}, org)
}

func reconcile(ctx context.Context, evidence []budget.Evidence, from, to time.Time, door func(func(pgx.Tx) error) error, org id.Org) (budget.Reconciled, error) {
	var r budget.Reconciled
	cases, err := gather(ctx, evidence, from, to, door, org, &r)
	if err != nil {
		return r, err
	}
	for len(cases) > 0 {
		n := min(len(cases), reconcileMax)
		var turn budget.Reconciled
		err := door(func(tx pgx.Tx) error {
			turn = budget.Reconciled{}
			return correct(ctx, tx, org, cases[:n], &turn)
		})
		if err != nil {
			return r, err
		}
		r.Calls += turn.Calls
		r.Adjusted += turn.Adjusted
		r.Net += turn.Net
		for _, p := range turn.Problems {
			problem(&r, p.Line, p.Text)
		}
		cases = cases[n:]
	}
	return r, nil
}

func problem(r *budget.Reconciled, line int, text string) {
	if len(r.Problems) < problemsMax {
		r.Problems = append(r.Problems, budget.Problem{Line: line, Text: text})
	}
}

// correct makes the entries for some calls, under the locks of all pots that they weigh on.
func correct(ctx context.Context, tx pgx.Tx, org id.Org, cases []*evidenceCase, r *budget.Reconciled) error {
	pots, err := lockPots(ctx, tx, org, cases)
	if err != nil {
		return err
	}
	before, err := adjustedBefore(ctx, tx, org, cases)
	if err != nil {
		return err
	}
	var calls, keys [][16]byte
	var amounts []int64
	for _, c := range cases {
		r.Calls++
		for _, ch := range c.charges {
			pot, known := pots[ch.Pot]
			if !known {
				problem(r, c.line, "The call was charged to a window that the authority has not heard of yet; try again later.")
				continue
			}
			cost, trouble := c.cost(pot)
			if trouble != "" {
				problem(r, c.line, trouble)
				continue
			}
			delta := cost - ch.Amount - before[adjustedKey{c.call, ch.Pot}]
			if delta == 0 {
				continue
			}
			calls, keys, amounts = append(calls, c.call), append(keys, ch.Pot), append(amounts, int64(delta))
			r.Adjusted++
			r.Net += delta
		}
	}
	if len(calls) == 0 {
		return nil
	}
	b := &pgx.Batch{}
	b.Queue(`INSERT INTO budget_entries (org_id, pot, kind, amount, call_id, note)
		SELECT $1, pot, 'adjust', amount, call, 'by the provider''s own figures' FROM unnest($2::uuid[], $3::uuid[], $4::bigint[]) AS a (call, pot, amount)`,
		string(org), calls, keys, amounts)
	b.Queue(`UPDATE budget_pots p SET adjusted = p.adjusted + t.amount, committed = p.committed + t.amount
		FROM (SELECT pot, sum(amount)::bigint AS amount FROM unnest($2::uuid[], $3::bigint[]) AS a (pot, amount) GROUP BY pot) AS t
		WHERE p.org_id = $1 AND p.id = t.pot`, string(org), keys, amounts)
	return tx.SendBatch(ctx, b).Close()
}

// selected is which attempts of a call weigh on a pot: those of one provider, of one model, or all.
type selected struct{ provider, model string }

func (s selected) selects(a *evidenceAttempt) bool {
	return (s.provider == "" || s.provider == a.Provider) && (s.model == "" || s.model == a.Provider+"/"+a.Model)
}

// lockPots locks the pots that the calls weigh on, in the order that all keep to, and says which attempts count for each.
func lockPots(ctx context.Context, tx pgx.Tx, org id.Org, cases []*evidenceCase) (map[id.Pot]selected, error) {
	var keys []id.Pot
	for _, c := range cases {
		for _, ch := range c.charges {
			keys = append(keys, ch.Pot)
		}
	}
	rows, err := tx.Query(ctx, `SELECT p.id,
			CASE WHEN b.each = 'provider' THEN p.subject ELSE coalesce(b.selector ->> 'provider', '') END,
			CASE WHEN b.each = 'model' THEN p.subject ELSE coalesce(b.selector ->> 'model', '') END
		FROM budget_pots p JOIN budgets b ON b.org_id = p.org_id AND b.id = p.budget_id
		WHERE p.org_id = $1 AND p.id = ANY ($2) ORDER BY p.org_id, p.id FOR NO KEY UPDATE OF p`, string(org), keys)
	if err != nil {
		return nil, err
	}
	pots := make(map[id.Pot]selected, len(keys))
	var pot id.Pot
	var s selected
	_, err = pgx.ForEachRow(rows, []any{&pot, &s.provider, &s.model}, func() error { pots[pot] = s; return nil })
	return pots, err
}

type adjustedKey struct {
	call id.Call
	pot  id.Pot
}

// adjustedBefore is by how much calls were corrected already.
func adjustedBefore(ctx context.Context, tx pgx.Tx, org id.Org, cases []*evidenceCase) (map[adjustedKey]money.NanoUSD, error) {
	calls := make([][16]byte, len(cases))
	for i, c := range cases {
		calls[i] = c.call
	}
	rows, err := tx.Query(ctx, `SELECT call_id, pot, sum(amount)::bigint FROM budget_entries WHERE org_id = $1 AND call_id = ANY ($2) GROUP BY 1, 2`,
		string(org), calls)
	if err != nil {
		return nil, err
	}
	before := map[adjustedKey]money.NanoUSD{}
	var call, pot [16]byte
	var amount money.NanoUSD
	_, err = pgx.ForEachRow(rows, []any{&call, &pot, &amount}, func() error {
		before[adjustedKey{call, pot}] = amount
		return nil
	})
	return before, err
}
