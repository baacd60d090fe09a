// Package playgroundpg keeps the keys and runs of playgrounds in PostgreSQL.
package playgroundpg

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/id"
	"tollgate/internal/playground"
	"tollgate/internal/postgres"
	"tollgate/internal/tenant"
)

// Store is playground.Store.
type Store struct{ db *postgres.DB }

var _ playground.Store = (*Store)(nil)

// New returns the store in a database.
func New(db *postgres.DB) *Store { return &Store{db: db} }

// missing turns the want of a row into ErrNotFound.
func missing(err error) error {
	if errors.Is(err, postgres.ErrNoRow) || errors.Is(err, pgx.ErrNoRows) {
		return playground.ErrNotFound
	}
	return err
}

// Till implements playground.Store.
func (s *Store) Till(ctx context.Context, in tenant.Scope, team id.Team) (m playground.Marker, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT key_id, budget_id FROM playground_keys WHERE team_id = $1`, string(team)).Scan((*string)(&m.Key), (*string)(&m.Budget))
	})
	return m, missing(err)
}

// OpenTill implements playground.Store. Of two who do so at once the second waits for the first, and finds its key.
func (s *Store) OpenTill(ctx context.Context, in tenant.Scope, team id.Team, instead id.Key, m playground.Marker, at time.Time) (won playground.Marker, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO playground_keys (org_id, team_id, key_id, budget_id, created_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (org_id, team_id) DO UPDATE SET key_id = excluded.key_id, budget_id = excluded.budget_id, created_at = excluded.created_at
			WHERE playground_keys.key_id = $6`, string(in.Org()), string(team), string(m.Key), string(m.Budget), at, string(instead))
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT key_id, budget_id FROM playground_keys WHERE team_id = $1`, string(team)).Scan((*string)(&won.Key), (*string)(&won.Budget))
	})
	return won, err
}

// InsertRun implements playground.Store.
func (s *Store) InsertRun(ctx context.Context, in tenant.Scope, r playground.Run, rows []playground.Row) error {
	setup, err := json.Marshal(r.Setup)
	if err != nil {
		return err
	}
	checks, err := json.Marshal(append([]playground.Check{}, r.Checks...))
	if err != nil {
		return err
	}
	var judge []byte
	if r.Judge != nil {
		if judge, err = json.Marshal(r.Judge); err != nil {
			return err
		}
	}
	return s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO playground_runs (org_id, id, name, team_id, key_id, setup, columns, checks, judge, status, rows, created_at, created_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
			string(in.Org()), string(r.ID), r.Name, string(r.Team), string(r.Key), setup, len(r.Setup.Columns), checks, judge, string(r.Status), len(rows), r.CreatedAt, r.CreatedBy)
		if err != nil {
			return err
		}
		return insertRows(ctx, tx, in, r.ID, rows)
	})
}

// insertRows stores rows by one statement.
func insertRows(ctx context.Context, tx pgx.Tx, in tenant.Scope, run id.PlaygroundRun, rows []playground.Row) error {
	numbers, variables := make([]int32, len(rows)), make([]string, len(rows))
	messages, expected := make([]string, len(rows)), make([]string, len(rows))
	for i := range rows {
		raw, err := json.Marshal(rows[i].Variables)
		if err != nil {
			return err
		}
		numbers[i], variables[i], messages[i], expected[i] = int32(rows[i].Number), string(raw), rows[i].Message, rows[i].Expected
	}
	_, err := tx.Exec(ctx, `INSERT INTO playground_rows (org_id, run_id, number, variables, message, expected)
		SELECT $1, $2, t.number, t.variables::json, t.message, t.expected FROM unnest($3::int[], $4::text[], $5::text[], $6::text[]) AS t (number, variables, message, expected)`,
		string(in.Org()), string(run), numbers, variables, messages, expected)
	return err
}

const runColumns = `r.id, r.name, r.team_id, r.key_id, r.setup, r.checks, r.judge, r.status, r.reason, r.rows, r.created_at, r.created_by, r.ended_at, r.revision,
	(SELECT count(*) FROM playground_results x WHERE x.org_id = r.org_id AND x.run_id = r.id AND x.done),
	(SELECT count(*) FROM playground_results x WHERE x.org_id = r.org_id AND x.run_id = r.id AND x.failed)`

func scanRun(row pgx.CollectableRow) (r playground.Run, err error) {
	var setup, checks, judge []byte
	var ended *time.Time
	err = row.Scan((*string)(&r.ID), &r.Name, (*string)(&r.Team), (*string)(&r.Key), &setup, &checks, &judge, (*string)(&r.Status), &r.Reason, &r.Rows,
		&r.CreatedAt, &r.CreatedBy, &ended, &r.Revision, &r.Asked, &r.Failed)
	if err != nil {
		return r, err
	}
	r.CreatedAt = r.CreatedAt.UTC()
	if ended != nil {
		r.EndedAt = ended.UTC()
	}
	if judge != nil {
		r.Judge = &playground.Judge{}
		err = json.Unmarshal(judge, r.Judge)
	}
	return r, errors.Join(err, json.Unmarshal(setup, &r.Setup), json.Unmarshal(checks, &r.Checks))
}

func oneRun(ctx context.Context, tx pgx.Tx, which id.PlaygroundRun, lock string) (playground.Run, error) {
	rows, err := tx.Query(ctx, `SELECT `+runColumns+` FROM playground_runs r WHERE r.id = $1 `+lock, string(which))
	if err != nil {
		return playground.Run{}, err
	}
	return pgx.CollectExactlyOneRow(rows, scanRun)
}

// Run implements playground.Store.
func (s *Store) Run(ctx context.Context, in tenant.Scope, which id.PlaygroundRun) (r playground.Run, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) (err error) {
		r, err = oneRun(ctx, tx, which, "")
		return err
	})
	return r, missing(err)
}

// Runs implements playground.Store.
func (s *Store) Runs(ctx context.Context, in tenant.Scope, after id.PlaygroundRun, limit int) (list []playground.Run, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+runColumns+` FROM playground_runs r WHERE $1 = '' OR r.id < $1 ORDER BY r.id DESC LIMIT $2`, string(after), limit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, scanRun)
		return err
	})
	return list, err
}

// ChangeRun implements playground.Store.
func (s *Store) ChangeRun(ctx context.Context, in tenant.Scope, which id.PlaygroundRun, fn func(*playground.Run) error) (r playground.Run, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) (err error) {
		if r, err = oneRun(ctx, tx, which, "FOR UPDATE OF r"); err != nil {
			return err
		}
		if err = fn(&r); err != nil {
			return err
		}
		r.Revision++
		var ended *time.Time
		if !r.EndedAt.IsZero() {
			ended = &r.EndedAt
		}
		_, err = tx.Exec(ctx, `UPDATE playground_runs SET status = $2, reason = $3, ended_at = $4, revision = $5 WHERE id = $1`,
			string(which), string(r.Status), r.Reason, ended, r.Revision)
		return err
	})
	return r, missing(err)
}

// Forget implements playground.Store.
func (s *Store) Forget(ctx context.Context, in tenant.Scope, which id.PlaygroundRun) error {
	return s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM playground_results WHERE run_id = $1 AND failed`, string(which))
		return err
	})
}
