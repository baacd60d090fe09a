// Package budgetpg keeps budgets in PostgreSQL: what people decided (Store), the books (Books), and the authority that lends (Authority).
package budgetpg

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/budget"
	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/postgres"
	"tollgate/internal/tenant"
)

// Store is budget.Store.
type Store struct{ db *postgres.DB }

var _ budget.Store = (*Store)(nil)

// NewStore returns the store in a database.
func NewStore(db *postgres.DB) *Store { return &Store{db: db} }

// columns of a budget, in the order of scanBudget.
const columns = `b.id, b.name, b.selector, b.each, b.mode, b.action, b.move_to, b.floor, b.wait_us, b.offline, b.standby_nano, b.alert_at, b.off,
	b.revision, b.created_at, b.created_by, b.updated_at, b.archived_at,
	(SELECT coalesce(jsonb_object_agg(l.period, l.amount_nano), '{}') FROM budget_limits l WHERE l.org_id = b.org_id AND l.budget_id = b.id)`

func scanBudget(row pgx.CollectableRow) (budget.Budget, error) {
	var b budget.Budget
	var selector map[string]string
	var limits map[budget.Period]money.NanoUSD
	var wait int64
	var alerts []int32
	var archived *time.Time
	err := row.Scan((*string)(&b.ID), &b.Name, &selector, (*string)(&b.Each), (*string)(&b.Mode), (*string)(&b.Action), &b.MoveTo, &b.Floor, &wait,
		(*string)(&b.Offline), (*int64)(&b.Standby), &alerts, &b.Off, &b.Revision, &b.CreatedAt, &b.CreatedBy, &b.UpdatedAt, &archived, &limits)
	if err != nil {
		return b, err
	}
	b.Selector, b.Wait = dimension.FromObject(selector), time.Duration(wait)*time.Microsecond
	if wait < 0 {
		b.Wait = -1
	}
	b.CreatedAt, b.UpdatedAt, b.ArchivedAt = b.CreatedAt.UTC(), b.UpdatedAt.UTC(), utc(archived)
	for _, mark := range alerts {
		b.AlertAt = append(b.AlertAt, int(mark))
	}
	if alerts != nil && b.AlertAt == nil {
		b.AlertAt = []int{} // nobody is told
	}
	for _, p := range budget.Periods {
		if amount, ok := limits[p]; ok {
			b.Limits = append(b.Limits, budget.Limit{Period: p, Amount: amount})
		}
	}
	return b, nil
}

func utc(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// Insert implements budget.Store.
func (s *Store) Insert(ctx context.Context, in tenant.Scope, b budget.Budget, limit int) error {
	return translate(s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		var have int
		if err := tx.QueryRow(ctx, `SELECT count(*) FROM budgets WHERE archived_at IS NULL`).Scan(&have); err != nil {
			return err
		}
		if have >= limit {
			return budget.ErrTooMany
		}
		_, err := tx.Exec(ctx, `INSERT INTO budgets (org_id, id, name, selector, each, mode, action, move_to, floor, wait_us, offline, standby_nano,
				alert_at, off, revision, created_at, created_by, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
			string(in.Org()), string(b.ID), b.Name, b.Selector.Object(), string(b.Each), string(b.Mode), string(b.Action), b.MoveTo, b.Floor,
			waitOf(b), string(b.Offline), int64(b.Standby), alertsOf(b), b.Off, b.Revision, b.CreatedAt, b.CreatedBy, b.UpdatedAt)
		if err != nil {
			return err
		}
		return writeLimits(ctx, tx, in, b)
	}))
}

// waitOf keeps "not at all" apart from what rounds to nothing.
func waitOf(b budget.Budget) int64 {
	if b.Wait < 0 {
		return -1
	}
	return b.Wait.Microseconds()
}

// alertsOf is NULL for the default marks.
func alertsOf(b budget.Budget) []int32 {
	if b.AlertAt == nil {
		return nil
	}
	out := make([]int32, len(b.AlertAt))
	for i, mark := range b.AlertAt {
		out[i] = int32(mark) // checked: at most 1000
	}
	return out
}

// writeLimits stores the limits of a budget, and touches none that stays as it is.
func writeLimits(ctx context.Context, tx pgx.Tx, in tenant.Scope, b budget.Budget) error {
	periods, amounts := make([]string, len(b.Limits)), make([]int64, len(b.Limits))
	for i, l := range b.Limits {
		periods[i], amounts[i] = string(l.Period), int64(l.Amount)
	}
	_, err := tx.Exec(ctx, `DELETE FROM budget_limits WHERE budget_id = $1 AND period <> ALL ($2)`, string(b.ID), periods)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO budget_limits AS l (org_id, budget_id, period, amount_nano)
		SELECT $1, $2, period, amount FROM unnest($3::text[], $4::bigint[]) AS n (period, amount)
		ON CONFLICT (org_id, budget_id, period) DO UPDATE SET amount_nano = excluded.amount_nano WHERE l.amount_nano <> excluded.amount_nano`,
		string(in.Org()), string(b.ID), periods, amounts)
	return err
}

// Budget implements budget.Store.
func (s *Store) Budget(ctx context.Context, in tenant.Scope, which id.Budget) (b budget.Budget, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		b, err = readBudget(ctx, tx, which)
		return err
	})
	return b, translate(err)
}

func readBudget(ctx context.Context, tx pgx.Tx, which id.Budget) (budget.Budget, error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM budgets b WHERE b.id = $1`, string(which))
	if err != nil {
		return budget.Budget{}, err
	}
	return pgx.CollectExactlyOneRow(rows, scanBudget)
}

// Budgets implements budget.Store.
func (s *Store) Budgets(ctx context.Context, in tenant.Scope, f budget.Filter, after string, limit int) (list []budget.Budget, err error) {
	where, args := []string{"(b.archived_at IS NOT NULL) = $2"}, []any{limit, f.Archived}
	add := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(args))))
	}
	if f.Text != "" {
		add(`strpos(lower(b.name), lower(?)) > 0`, f.Text)
	}
	if f.Mode != "" {
		add(`b.mode = ?`, string(f.Mode))
	}
	if after != "" {
		name, which, _ := strings.Cut(after, "\x00")
		args = append(args, name, which)
		n := len(args)
		where = append(where, fmt.Sprintf(`(b.name COLLATE "C", b.id COLLATE "C") > ($%d, $%d)`, n-1, n))
	}
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+columns+` FROM budgets b WHERE `+strings.Join(where, " AND ")+
			` ORDER BY b.name COLLATE "C", b.id COLLATE "C" LIMIT $1`, args...)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, scanBudget)
		return err
	})
	return list, err
}

// Change implements budget.Store.
func (s *Store) Change(ctx context.Context, in tenant.Scope, which id.Budget, fn func(*budget.Budget) error) (b budget.Budget, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		// The lock first and alone: what is read behind it is of after the wait.
		tag, err := tx.Exec(ctx, `SELECT FROM budgets WHERE id = $1 FOR UPDATE`, string(which))
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return postgres.ErrNoRow
		}
		if b, err = readBudget(ctx, tx, which); err != nil {
			return err
		}
		if err := fn(&b); err != nil {
			return err
		}
		b.Revision++
		return write(ctx, tx, in, b)
	})
	return b, translate(err)
}

func write(ctx context.Context, tx pgx.Tx, in tenant.Scope, b budget.Budget) error {
	var archived *time.Time
	if !b.ArchivedAt.IsZero() {
		archived = &b.ArchivedAt
	}
	_, err := tx.Exec(ctx, `UPDATE budgets SET name = $2, selector = $3, mode = $4, action = $5, move_to = $6, floor = $7, wait_us = $8, offline = $9,
			standby_nano = $10, alert_at = $11, off = $12, revision = $13, updated_at = $14, archived_at = $15
		WHERE id = $1`, string(b.ID), b.Name, b.Selector.Object(), string(b.Mode), string(b.Action), b.MoveTo, b.Floor, waitOf(b), string(b.Offline),
		int64(b.Standby), alertsOf(b), b.Off, b.Revision, b.UpdatedAt, archived)
	if err != nil {
		return err
	}
	return writeLimits(ctx, tx, in, b)
}

// translate gives failures of the database the words of the domain.
func translate(err error) error {
	var taken *postgres.Conflict
	switch {
	case err == nil:
		return nil
	case errors.Is(err, postgres.ErrNoRow), errors.Is(err, pgx.ErrNoRows):
		return budget.ErrNotFound
	case errors.As(err, &taken) && taken.Constraint == "budgets_name_taken":
		return budget.ErrTaken.At("name")
	}
	return err
}

// Names implements budget.Store.
func (s *Store) Names(ctx context.Context, in tenant.Scope, of []dimension.Match) (map[dimension.Match]string, error) {
	out := make(map[dimension.Match]string, len(of))
	var teams, keys, aliases, prompts []string
	for _, m := range of {
		switch m.Dimension {
		case dimension.Team:
			teams = append(teams, m.Value)
		case dimension.Key:
			keys = append(keys, m.Value)
		case dimension.Alias:
			aliases = append(aliases, m.Value)
		case dimension.Prompt, dimension.PromptVersion:
			prompts = append(prompts, m.Value)
		default:
			out[m] = m.Value
		}
	}
	if len(teams)+len(keys)+len(aliases)+len(prompts) == 0 {
		return out, nil
	}
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT 'team', id, name FROM teams WHERE id = ANY ($1)
			UNION ALL SELECT 'key', id, name FROM keys WHERE id = ANY ($2)
			UNION ALL SELECT 'alias', name, name FROM aliases WHERE name = ANY ($3)
			UNION ALL SELECT CASE WHEN strpos(v, '@') > 0 THEN 'prompt_version' ELSE 'prompt' END, v, p.name || substr(v, length(p.id) + 1)
				FROM unnest($4::text[]) AS v JOIN prompts p ON p.id = split_part(v, '@', 1)`, teams, keys, aliases, prompts)
		if err != nil {
			return err
		}
		var m dimension.Match
		var name string
		_, err = pgx.ForEachRow(rows, []any{(*string)(&m.Dimension), &m.Value, &name}, func() error { out[m] = name; return nil })
		return err
	})
	return out, err
}

// Homes implements budget.Store.
func (s *Store) Homes(ctx context.Context, in tenant.Scope, keys []id.Key) (map[id.Key]id.Team, error) {
	out := make(map[id.Key]id.Team, len(keys))
	if len(keys) == 0 {
		return out, nil
	}
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id, team_id FROM keys WHERE id = ANY ($1)`, texts(slices.Clone(keys)))
		if err != nil {
			return err
		}
		var k, t string
		_, err = pgx.ForEachRow(rows, []any{&k, &t}, func() error { out[id.Key(k)] = id.Team(t); return nil })
		return err
	})
	return out, err
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}
