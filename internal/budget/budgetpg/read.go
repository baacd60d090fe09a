package budgetpg

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/budget"
	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/postgres"
	"tollgate/internal/tenant"
)

// holdersOf counts who holds some of a pot.
const holdersOf = `(SELECT count(*) FROM budget_leases l LEFT JOIN budget_settlements t ON t.org_id = l.org_id AND t.pot = l.pot AND t.holder = l.holder
	WHERE l.org_id = s.org_id AND l.pot = s.pot AND l.granted - l.returned > coalesce(t.settled, 0))`

// Pots implements budget.Store.
func (s *Store) Pots(ctx context.Context, in tenant.Scope, pots []id.Pot) (map[id.Pot]budget.State, error) {
	out := make(map[id.Pot]budget.State, len(pots))
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT s.pot, s.spent, s.held, `+holdersOf+` FROM budget_standings s WHERE s.pot = ANY ($1)`, uuids(pots))
		if err != nil {
			return err
		}
		var p id.Pot
		var st budget.State
		_, err = pgx.ForEachRow(rows, []any{(*[16]byte)(&p), (*int64)(&st.Posted), (*int64)(&st.Held), &st.Holders}, func() error { out[p] = st; return nil })
		return err
	})
	return out, err
}

func uuids(pots []id.Pot) [][16]byte {
	out := make([][16]byte, len(pots))
	for i, p := range pots {
		out[i] = p
	}
	return out
}

// window is the condition on the pots of one window, and its argument: of a total the start is NULL.
func window(w budget.Window, argument string) (string, *time.Time) {
	if w.From.IsZero() {
		return `s.starts_at IS NULL AND ` + argument + `::timestamptz IS NULL`, nil
	}
	return `s.starts_at = ` + argument, &w.From
}

// Crowd implements budget.Store.
func (s *Store) Crowd(ctx context.Context, in tenant.Scope, which id.Budget, w budget.Window, limit money.NanoUSD) (c budget.Crowd, err error) {
	during, from := window(w, "$3")
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `WITH pots AS MATERIALIZED (
				SELECT s.org_id, s.pot, s.subject, s.spent, s.held FROM budget_standings s WHERE s.budget_id = $1 AND s.period = $2 AND `+during+`
			)
			SELECT a.n, a.full, a.spent, a.held, coalesce(f.subject, ''), coalesce(f.spent, 0), coalesce(f.held, 0), coalesce(f.holders, 0)
			FROM (SELECT count(*) AS n, count(*) FILTER (WHERE spent + held >= $4) AS full, least(coalesce(sum(spent), 0), 9223372036854775807)::bigint AS spent,
					least(coalesce(sum(held), 0), 9223372036854775807)::bigint AS held FROM pots WHERE spent + held > 0) AS a
			LEFT JOIN LATERAL (SELECT s.subject, s.spent, s.held, `+holdersOf+` AS holders FROM pots s
				ORDER BY s.spent + s.held DESC, s.subject COLLATE "C" LIMIT 1) AS f ON true`,
			string(which), string(w.Period), from, int64(limit)).
			Scan(&c.Subjects, &c.Full, (*int64)(&c.Sum.Posted), (*int64)(&c.Sum.Held), &c.Fullest.Subject, (*int64)(&c.Fullest.Posted),
				(*int64)(&c.Fullest.Held), &c.Fullest.Holders)
	})
	return c, err
}

// Subjects implements budget.Store.
func (s *Store) Subjects(ctx context.Context, in tenant.Scope, q budget.SubjectQuery, after *budget.Place, limit int) (list []budget.SubjectState, err error) {
	during, from := window(q.Window, "$3")
	args := []any{string(q.Budget), string(q.Window.Period), from, limit, q.Search}
	behind := ""
	if after != nil {
		behind = ` AND (s.spent + s.held < $6 OR s.spent + s.held = $6 AND s.subject COLLATE "C" > $7)`
		args = append(args, int64(after.Used), after.Subject)
	}
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT s.subject, s.spent, s.held, `+holdersOf+` FROM budget_standings s`+named(q.Names)+`
			WHERE s.budget_id = $1 AND s.period = $2 AND `+during+behind+`
				AND ($5 = '' OR strpos(lower(s.subject), lower($5)) > 0 OR strpos(lower(coalesce(n.name, '')), lower($5)) > 0)
			ORDER BY s.spent + s.held DESC, s.subject COLLATE "C" LIMIT $4`, args...)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (st budget.SubjectState, err error) {
			err = row.Scan(&st.Subject, (*int64)(&st.Posted), (*int64)(&st.Held), &st.Holders)
			return st, err
		})
		return err
	})
	return list, err
}

// named joins the display names of subjects, where they are ids.
func named(d dimension.Name) string {
	switch d {
	case dimension.Team:
		return ` LEFT JOIN teams n ON n.org_id = s.org_id AND n.id = s.subject`
	case dimension.Key:
		return ` LEFT JOIN keys n ON n.org_id = s.org_id AND n.id = s.subject`
	default:
		return `, LATERAL (SELECT '' AS name) AS n`
	}
}

// Checked implements budget.Store.
func (s *Store) Checked(ctx context.Context, in tenant.Scope) (c budget.Checked, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT at, differences, says FROM budget_checks WHERE org_id = $1`, string(in.Org())).Scan(&c.At, &c.Differences, &c.Says)
	})
	if errors.Is(err, pgx.ErrNoRows) || errors.Is(err, postgres.ErrNoRow) {
		return budget.Checked{}, nil
	}
	c.At = c.At.UTC()
	return c, err
}

// Posted implements budget.Store. What settles after the window was finalised was counted then.
func (s *Store) Posted(ctx context.Context, in tenant.Scope, pot id.Pot, step time.Duration) (list []budget.Point, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT date_bin($2, at, '2000-01-01T00:00:00Z') AS bin, sum(amount)::bigint
			FROM budget_entries e WHERE pot = $1 AND (kind IN ('adjust', 'finalise') OR kind = 'settle' AND NOT EXISTS (
				SELECT FROM budget_pots p WHERE p.org_id = e.org_id AND p.id = e.pot AND p.closed_at < e.at))
			GROUP BY bin ORDER BY bin`, [16]byte(pot), step)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p budget.Point, err error) {
			err = row.Scan(&p.At, (*int64)(&p.Spent))
			p.At = p.At.UTC()
			return p, err
		})
		return err
	})
	return list, err
}
