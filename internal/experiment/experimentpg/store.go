// Package experimentpg keeps experiments, what their units did and what looks at them found in PostgreSQL.
package experimentpg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/tenant"
)

// Store is experiment.Store and experiment.Bench.
type Store struct {
	db *postgres.DB
	// step is called before each of the steps of Recompute; tests stop there.
	step func(ctx context.Context, n int) error
}

var (
	_ experiment.Store = (*Store)(nil)
	_ experiment.Bench = (*Store)(nil)
)

// New returns the store in a database.
func New(db *postgres.DB) *Store {
	return &Store{db: db, step: func(context.Context, int) error { return nil }}
}

// columns of an experiment, in the order of scan.
const columns = `e.id, e.status, e.live, e.plan, e.salt, e.arms, e.horizon, e.alias_at, e.started_at, e.ended_at, e.looked_at, e.winner, e.ramp,
	e.revision, e.created_at, e.created_by, e.acted_by`

// newest is the newest reading beside an experiment.
const newest = ` LEFT JOIN LATERAL (SELECT reading FROM experiment_readings WHERE org_id = e.org_id AND experiment_id = e.id
	ORDER BY at DESC LIMIT 1) AS r ON true`

// Insert implements experiment.Store.
func (s *Store) Insert(ctx context.Context, in tenant.Scope, e experiment.Experiment) error {
	plan, err := json.Marshal(e.Plan)
	if err != nil {
		return fmt.Errorf("encode plan: %w", err)
	}
	return s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO experiments (org_id, id, name, alias_id, alias_name, status, plan, salt, revision, created_at, created_by, acted_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
			string(in.Org()), string(e.ID), e.Plan.Name, string(e.Plan.Alias), e.Plan.AliasName, string(e.Status), string(plan), e.Salt,
			e.Revision, e.CreatedAt, e.CreatedBy, e.ActedBy)
		return err
	})
}

// Experiment implements experiment.Store.
func (s *Store) Experiment(ctx context.Context, in tenant.Scope, which id.Experiment) (e experiment.Experiment, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		e, err = one(ctx, tx, which, "")
		return err
	})
	return e, translate(err)
}

// one reads an experiment; lock is what stands behind the query.
func one(ctx context.Context, tx pgx.Tx, which id.Experiment, lock string) (experiment.Experiment, error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+`, r.reading FROM experiments e`+newest+` WHERE e.id = $1`+lock, string(which))
	if err != nil {
		return experiment.Experiment{}, err
	}
	return pgx.CollectExactlyOneRow(rows, scan)
}

func scan(row pgx.CollectableRow) (experiment.Experiment, error) {
	var e experiment.Experiment
	var plan, arms, ramp, reading []byte
	var started, ended, looked *time.Time
	err := row.Scan((*string)(&e.ID), (*string)(&e.Status), &e.Live, &plan, &e.Salt, &arms, &e.Horizon, &e.AliasAt, &started, &ended, &looked,
		&e.Winner, &ramp, &e.Revision, &e.CreatedAt, &e.CreatedBy, &e.ActedBy, &reading)
	if err != nil {
		return e, err
	}
	e.CreatedAt, e.StartedAt, e.EndedAt, e.LookedAt = e.CreatedAt.UTC(), utc(started), utc(ended), utc(looked)
	for _, part := range []struct {
		doc  []byte
		into any
	}{{plan, &e.Plan}, {arms, &e.Arms}, {ramp, &e.Ramp}, {reading, &e.Reading}} {
		if len(part.doc) > 0 {
			if err := json.Unmarshal(part.doc, part.into); err != nil {
				return e, fmt.Errorf("decode %s: %w", e.ID, err)
			}
		}
	}
	return e, nil
}

func utc(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func null(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Experiments implements experiment.Store.
func (s *Store) Experiments(ctx context.Context, in tenant.Scope, f experiment.Filter, before id.Experiment, limit int) (list []experiment.Experiment, err error) {
	where, args := []string{"true"}, []any{limit}
	add := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(args))))
	}
	if f.Alias != "" {
		add(`e.alias_id = ?`, string(f.Alias))
	}
	if len(f.Status) > 0 {
		add(`e.status = ANY (?)`, texts(f.Status))
	}
	if f.Text != "" {
		add(`strpos(lower(e.name) || ' ' || e.alias_name, lower(?)) > 0`, f.Text)
	}
	if before != "" {
		add(`e.id COLLATE "C" < ?`, string(before))
	}
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+columns+`, r.reading FROM experiments e`+newest+` WHERE `+strings.Join(where, " AND ")+
			` ORDER BY e.id COLLATE "C" DESC LIMIT $1`, args...)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, scan)
		return err
	})
	return list, err
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

// Change implements experiment.Store.
func (s *Store) Change(ctx context.Context, in tenant.Scope, which id.Experiment, fn func(*experiment.Experiment) error) (e experiment.Experiment, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		// The lock first and alone: what is read behind it is of after the wait.
		tag, err := tx.Exec(ctx, `SELECT FROM experiments WHERE id = $1 FOR UPDATE`, string(which))
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return postgres.ErrNoRow
		}
		if e, err = one(ctx, tx, which, ""); err != nil {
			return err
		}
		before := e.Reading
		if err := fn(&e); err != nil {
			return err
		}
		e.Revision++
		if err := write(ctx, tx, e); err != nil {
			return err
		}
		if e.Reading == nil || before == e.Reading {
			return nil
		}
		return keep(ctx, tx, in, e)
	})
	return e, translate(err)
}

func write(ctx context.Context, tx pgx.Tx, e experiment.Experiment) error {
	plan, err := json.Marshal(e.Plan)
	if err != nil {
		return fmt.Errorf("encode plan: %w", err)
	}
	arms := []byte("[]")
	if len(e.Arms) > 0 {
		if arms, err = json.Marshal(e.Arms); err != nil {
			return fmt.Errorf("encode arms: %w", err)
		}
	}
	var ramp *string
	if e.Ramp != nil {
		doc, err := json.Marshal(e.Ramp)
		if err != nil {
			return fmt.Errorf("encode ramp: %w", err)
		}
		ramp = new(string(doc))
	}
	_, err = tx.Exec(ctx, `UPDATE experiments SET name = $2, alias_id = $3, alias_name = $4, status = $5, live = $6, plan = $7, arms = $8, horizon = $9,
			alias_at = $10, started_at = $11, ended_at = $12, looked_at = $13, winner = $14, ramp = $15, revision = $16, acted_by = $17 WHERE id = $1`,
		string(e.ID), e.Plan.Name, string(e.Plan.Alias), e.Plan.AliasName, string(e.Status), e.Live, string(plan), string(arms), e.Horizon,
		e.AliasAt, null(e.StartedAt), null(e.EndedAt), null(e.LookedAt), e.Winner, ramp, e.Revision, e.ActedBy)
	return err
}

// keep stores the reading of a look. A second one of the same instant takes the first one's place.
func keep(ctx context.Context, tx pgx.Tx, in tenant.Scope, e experiment.Experiment) error {
	doc, err := json.Marshal(e.Reading)
	if err != nil {
		return fmt.Errorf("encode reading: %w", err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO experiment_readings (org_id, experiment_id, at, reading) VALUES ($1, $2, $3, $4)
		ON CONFLICT (org_id, experiment_id, at) DO UPDATE SET reading = excluded.reading`, string(in.Org()), string(e.ID), e.Reading.At, string(doc))
	return err
}

// Delete implements experiment.Store.
func (s *Store) Delete(ctx context.Context, in tenant.Scope, which id.Experiment, check func(experiment.Experiment) error) error {
	return translate(s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT FROM experiments WHERE id = $1 FOR UPDATE`, string(which)); err != nil {
			return err
		}
		e, err := one(ctx, tx, which, "")
		if err != nil {
			return err
		}
		if err := check(e); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM experiments WHERE id = $1`, string(which))
		return err
	}))
}

// Readings implements experiment.Store.
func (s *Store) Readings(ctx context.Context, in tenant.Scope, which id.Experiment) (list []experiment.Reading, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT reading FROM experiment_readings WHERE experiment_id = $1 ORDER BY at`, string(which))
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r experiment.Reading, err error) {
			var doc []byte
			if err := row.Scan(&doc); err != nil {
				return r, err
			}
			return r, json.Unmarshal(doc, &r)
		})
		return err
	})
	return list, err
}

// Repriced implements experiment.Store.
func (s *Store) Repriced(ctx context.Context, in tenant.Scope, provider, model string, from, to time.Time) (moved bool, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT EXISTS (
			SELECT FROM price_overrides WHERE provider = lower($1) AND lower(model) = lower($2) AND (valid_from > $3 AND valid_from < $4 OR valid_to > $3 AND valid_to < $4)
			UNION ALL
			SELECT FROM prices WHERE provider = lower($1) AND lower(model) = lower($2) AND (valid_from > $3 AND valid_from < $4 OR valid_to > $3 AND valid_to < $4))`,
			provider, model, from, to).Scan(&moved)
	})
	return moved, err
}

func translate(err error) error {
	var conflict *postgres.Conflict
	switch {
	case errors.Is(err, postgres.ErrNoRow), errors.Is(err, pgx.ErrNoRows):
		return experiment.ErrNotFound.Because(err)
	case errors.As(err, &conflict) && conflict.Constraint == "experiments_alias_busy":
		return experiment.ErrBusy.Because(err)
	}
	return err
}
