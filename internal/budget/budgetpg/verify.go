package budgetpg

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/budget"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/tenant"
)

// Verify goes over all books of an organization: every amount is computed again from the entries, and what was settled is compared with
// the calls, as far back as the call log reaches.
func (l *Ledger) Verify(ctx context.Context, in tenant.Scope) (budget.Audit, error) {
	if err := in.Check(); err != nil {
		return budget.Audit{}, err
	}
	return l.verify(ctx, in.Org(), time.Time{})
}

// VerifyAll goes over the books of every organization.
func (l *Ledger) VerifyAll(ctx context.Context) (budget.Audit, error) {
	return l.verify(ctx, "", time.Time{})
}

// VerifySince is the part of it that can be done every few minutes: it compares what was settled since with the calls, and pots with their
// leases. It does not go through all entries.
func (l *Ledger) VerifySince(ctx context.Context, since time.Time) (budget.Audit, error) {
	return l.verify(ctx, "", since)
}

func (l *Ledger) verify(ctx context.Context, org id.Org, since time.Time) (budget.Audit, error) {
	covered, err := l.cover(ctx, org)
	if err != nil {
		return budget.Audit{}, err
	}
	audit := budget.Audit{Covered: covered}
	counts := map[id.Org]*found{}
	err = l.db.InSystemPgx(ctx, "budget: the books are verified", func(tx pgx.Tx) error {
		if err := survey(ctx, tx, &audit, counts, org); err != nil {
			return err
		}
		// Each comparison is one statement, and so sees one moment.
		if since.IsZero() {
			if err := compare(ctx, tx, &audit, counts, verifyEntriesSQL, string(org)); err != nil {
				return err
			}
		}
		if err := compare(ctx, tx, &audit, counts, verifyPotsSQL, string(org)); err != nil {
			return err
		}
		return compareCalls(ctx, tx, &audit, counts, org, since)
	})
	if err != nil {
		return budget.Audit{}, err
	}
	return audit, l.note(ctx, counts)
}

// cover counts as committed what was spent without having been lent and slipped through: of a pot that was made at that very moment.
func (l *Ledger) cover(ctx context.Context, org id.Org) (covered money.NanoUSD, err error) {
	err = l.db.InSystemPgx(ctx, "budget: what was spent without having been lent is counted", func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `WITH lacking AS MATERIALIZED (
				SELECT DISTINCT p.org_id, p.id FROM budget_pots p
				JOIN budget_settlements s ON s.org_id = p.org_id AND s.pot = p.id
				LEFT JOIN budget_leases l ON l.org_id = s.org_id AND l.pot = s.pot AND l.holder = s.holder
				WHERE $1 IN ('', p.org_id) AND s.settled > coalesce(l.granted - l.returned, 0) ORDER BY p.org_id, p.id
			) SELECT coalesce(sum(budget_cover(org_id, id)), 0) FROM lacking`, string(org)).Scan(&covered)
	})
	return covered, err
}

// survey counts what there is to go over.
func survey(ctx context.Context, tx pgx.Tx, audit *budget.Audit, counts map[id.Org]*found, org id.Org) error {
	rows, err := tx.Query(ctx, `SELECT org_id, count(*) FROM budget_pots WHERE $1 IN ('', org_id) GROUP BY org_id`, string(org))
	if err != nil {
		return err
	}
	var of id.Org
	var pots int
	if _, err := pgx.ForEachRow(rows, []any{&of, &pots}, func() error {
		counts[of] = &found{}
		audit.Pots += pots
		return nil
	}); err != nil {
		return err
	}
	err = tx.QueryRow(ctx, `SELECT clock_timestamp(), coalesce(sum(settled), 0)::bigint FROM budget_settlements s
		WHERE $1 IN ('', org_id) AND NOT EXISTS (SELECT FROM budget_pots p WHERE p.org_id = s.org_id AND p.id = s.pot)`,
		string(org)).Scan(&audit.At, &audit.Astray)
	audit.At = audit.At.UTC()
	return err
}

// found is what is wrong in one organization.
type found struct {
	count int
	says  string
}

// verifyEntriesSQL computes every amount again from the entries. Each part gives what should be and what is, where they differ.
const verifyEntriesSQL = `
	WITH entered AS (
		SELECT org_id, pot, holder,
			coalesce(sum(amount) FILTER (WHERE kind IN ('grant', 'overrun')), 0)::bigint AS granted,
			coalesce(sum(amount) FILTER (WHERE kind = 'return'), 0)::bigint AS returned,
			coalesce(sum(amount) FILTER (WHERE kind = 'settle'), 0)::bigint AS settled
		FROM budget_entries WHERE $1 IN ('', org_id) AND kind <> 'adjust' GROUP BY 1, 2, 3
	), lent AS (
		SELECT org_id, pot, holder, coalesce(e.granted, 0) AS granted_should, coalesce(l.granted, 0) AS granted_is,
			coalesce(e.returned, 0) AS returned_should, coalesce(l.returned, 0) AS returned_is
		FROM entered e FULL JOIN (SELECT * FROM budget_leases WHERE $1 IN ('', org_id)) AS l USING (org_id, pot, holder)
	), settled AS (
		SELECT org_id, pot, holder, coalesce(e.settled, 0) AS should, coalesce(s.settled, 0) AS amount
		FROM entered e FULL JOIN (SELECT * FROM budget_settlements WHERE $1 IN ('', org_id)) AS s USING (org_id, pot, holder)
	), adjusted AS (
		SELECT p.org_id, p.id, p.adjusted, coalesce((SELECT sum(amount) FROM budget_entries e
			WHERE e.org_id = p.org_id AND e.pot = p.id AND e.kind = 'adjust'), 0)::bigint AS should
		FROM budget_pots p WHERE $1 IN ('', p.org_id) AND p.adjusted <> 0
			OR EXISTS (SELECT FROM budget_entries e WHERE e.org_id = p.org_id AND e.call_id IS NOT NULL AND e.pot = p.id)
	)` + wrong + `
		SELECT 'granted', org_id, pot, holder, granted_should, granted_is FROM lent WHERE granted_should <> granted_is
		UNION ALL SELECT 'returned', org_id, pot, holder, returned_should, returned_is FROM lent WHERE returned_should <> returned_is
		UNION ALL SELECT 'settled', org_id, pot, holder, should, amount FROM settled WHERE should <> amount
		UNION ALL SELECT 'adjusted', org_id, id, NULL, should, adjusted FROM adjusted WHERE should <> adjusted` + reported

// verifyPotsSQL compares pots with their leases. Pots whose leases were forgotten long after they were closed stand by themselves.
const verifyPotsSQL = `
	WITH pots AS (
		SELECT p.*, coalesce(l.has, 0) + p.adjusted AS should
		FROM budget_pots p
		LEFT JOIN (SELECT org_id, pot, sum(granted - returned)::bigint AS has FROM budget_leases WHERE $1 IN ('', org_id) GROUP BY 1, 2) AS l
			ON l.org_id = p.org_id AND l.pot = p.id
		WHERE $1 IN ('', p.org_id) AND (p.closed_at IS NULL OR l.has IS NOT NULL)
	)` + wrong + `
		SELECT 'committed', org_id, id, NULL::uuid, should, committed FROM pots WHERE should <> committed
		UNION ALL SELECT 'lent', org_id, id, NULL, lent_limit, lent_committed FROM pots WHERE lent_committed > lent_limit` + reported

// wrong and reported stand around the differences.
const (
	wrong    = `, wrong (rule, org_id, pot, holder, should, amount) AS (`
	reported = `)
	SELECT w.rule, w.org_id, coalesce(p.budget_id, ''), w.pot, coalesce(w.holder, '00000000-0000-0000-0000-000000000000'), w.should, w.amount
	FROM wrong w LEFT JOIN budget_pots p ON p.org_id = w.org_id AND p.id = w.pot
	ORDER BY w.org_id, w.pot, w.rule, w.holder`
)

// verifyCallsSQL compares transactions of the ingest: the calls that one brought in were charged what it settled. Transactions before the
// first one of the time that is looked at are left out on both sides.
const verifyCallsSQL = `
	WITH first AS (
		SELECT least(
			(SELECT min(ingest::text::numeric) FROM budget_entries WHERE $1 IN ('', org_id) AND kind = 'settle' AND at >= $2),
			(SELECT min(ingested::text::numeric) FROM calls WHERE $1 IN ('', org_id) AND charges IS NOT NULL AND started_at >= $2))::text::xid8 AS ingest
	), charged AS (
		SELECT c.org_id, x.p AS pot, x.h AS holder, c.ingested AS ingest, sum(x.a)::bigint AS amount, min(x.b) AS budget
		FROM calls c, jsonb_to_recordset(c.charges) AS x (b text, p uuid, h uuid, a bigint)
		WHERE $1 IN ('', c.org_id) AND c.charges IS NOT NULL AND c.ingested >= (SELECT ingest FROM first) AND x.a > 0
		GROUP BY 1, 2, 3, 4
	), settled AS (
		SELECT org_id, pot, holder, ingest, sum(amount)::bigint AS amount
		FROM budget_entries WHERE $1 IN ('', org_id) AND kind = 'settle' AND ingest >= (SELECT ingest FROM first) GROUP BY 1, 2, 3, 4
	)
	SELECT 'charged', org_id, coalesce(c.budget, ''), pot, holder, coalesce(c.amount, 0), coalesce(s.amount, 0)
	FROM charged c FULL JOIN settled s USING (org_id, pot, holder, ingest)
	WHERE coalesce(c.amount, 0) <> coalesce(s.amount, 0) ORDER BY org_id, pot, holder`

// slack is how much longer than a call log's end calls stay out of the comparison: those that came in together with calls of a day
// whose log is gone.
const slack = 4 * 24 * time.Hour

func compareCalls(ctx context.Context, tx pgx.Tx, audit *budget.Audit, counts map[id.Org]*found, org id.Org, since time.Time) error {
	err := tx.QueryRow(ctx, `SELECT greatest($1, CASE WHEN isfinite(since) THEN since + $2::interval ELSE 'epoch' END) FROM calls_kept`,
		since, slack).Scan(&since)
	if err != nil {
		return err
	}
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM calls WHERE $1 IN ('', org_id) AND charges IS NOT NULL AND started_at >= $2`,
		string(org), since).Scan(&audit.Calls); err != nil {
		return err
	}
	return compare(ctx, tx, audit, counts, verifyCallsSQL, string(org), since)
}

func compare(ctx context.Context, tx pgx.Tx, audit *budget.Audit, counts map[id.Org]*found, sql string, args ...any) error {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	var d budget.Difference
	_, err = pgx.ForEachRow(rows, []any{&d.Rule, &d.Org, &d.Budget, &d.Pot, &d.Holder, &d.Should, &d.Is}, func() error {
		audit.Count++
		if len(audit.Differences) < budget.DifferencesMax {
			audit.Differences = append(audit.Differences, d)
		}
		in := counts[d.Org]
		if in == nil {
			in = &found{}
			counts[d.Org] = in
		}
		if in.count++; in.says == "" {
			in.says = d.Text()
		}
		return nil
	})
	return err
}

// note writes down, for each organization, that its books were gone over.
func (l *Ledger) note(ctx context.Context, counts map[id.Org]*found) error {
	if len(counts) == 0 {
		return nil
	}
	orgs, numbers, says := make([]string, 0, len(counts)), make([]int32, 0, len(counts)), make([]string, 0, len(counts))
	for org, f := range counts {
		orgs, numbers, says = append(orgs, string(org)), append(numbers, int32(f.count)), append(says, f.says)
	}
	err := l.db.InSystemPgx(ctx, "budget: the result of a verification is kept", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO budget_checks (org_id, at, differences, says)
			SELECT org, clock_timestamp(), n, says FROM unnest($1::text[], $2::int[], $3::text[]) AS c (org, n, says) ORDER BY org
			ON CONFLICT (org_id) DO UPDATE SET at = excluded.at, differences = excluded.differences, says = excluded.says`, orgs, numbers, says)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep the result of a verification: %w", err)
	}
	return nil
}

// LastCheck is when the books of an organization were last gone over, and how many differences there were; zero: never.
func (l *Ledger) LastCheck(ctx context.Context, in tenant.Scope) (at time.Time, differences int, err error) {
	err = l.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `SELECT at, differences FROM budget_checks`).Scan(&at, &differences)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	return at.UTC(), differences, err
}
