// Package batchpg keeps batches, their lines and their files in PostgreSQL.
package batchpg

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/batch"
	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/tenant"
)

// Store is batch.Store for clients and batch.Work for workers.
type Store struct {
	db *postgres.DB
}

var (
	_ batch.Store = (*Store)(nil)
	_ batch.Work  = (*Store)(nil)
)

// New makes a Store.
func New(db *postgres.DB) *Store { return &Store{db: db} }

// Channel is notified when there is new work for a worker.
const Channel = "tollgate_batches"

const wake = `SELECT pg_notify('` + Channel + `', '')`

// absent turns "no row" into the domain's own failure.
func absent(err, as error) error {
	if errors.Is(err, postgres.ErrNoRow) || errors.Is(err, pgx.ErrNoRows) {
		return as
	}
	return err
}

// NewFile implements batch.Store.
func (s *Store) NewFile(ctx context.Context, in tenant.Scope, f batch.File) error {
	return s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO batch_files (org_id, id, team_id, key_id, purpose, name, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			string(in.Org()), string(f.ID), string(f.Team), string(f.Key), f.Purpose, f.Name, f.CreatedAt, f.ExpiresAt)
		return err
	})
}

// AppendFile implements batch.Store.
func (s *Store) AppendFile(ctx context.Context, in tenant.Scope, f id.File, number int, chunk []byte) error {
	return s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO batch_chunks (org_id, file_id, number, data) VALUES ($1, $2, $3, $4)`,
			string(in.Org()), string(f), number, chunk)
		return err
	})
}

// SealFile implements batch.Store.
func (s *Store) SealFile(ctx context.Context, in tenant.Scope, f id.File, bytes int64) error {
	return s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE batch_files SET whole = true, bytes = $3 WHERE org_id = $1 AND id = $2`, string(in.Org()), string(f), bytes)
		return err
	})
}

const fileColumns = `org_id, id, team_id, key_id, purpose, name, bytes, created_at, expires_at`

func toFile(row pgx.CollectableRow) (f batch.File, err error) {
	err = row.Scan(&f.Org, &f.ID, &f.Team, &f.Key, &f.Purpose, &f.Name, &f.Bytes, &f.CreatedAt, &f.ExpiresAt)
	f.CreatedAt, f.ExpiresAt = f.CreatedAt.UTC(), f.ExpiresAt.UTC()
	return f, err
}

// File implements batch.Store.
func (s *Store) File(ctx context.Context, in tenant.Scope, which id.File) (f batch.File, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+fileColumns+` FROM batch_files WHERE id = $1 AND whole`, string(which))
		if err != nil {
			return err
		}
		f, err = pgx.CollectExactlyOneRow(rows, toFile)
		return err
	})
	return f, absent(err, batch.ErrFileNotFound)
}

// Files implements batch.Store.
func (s *Store) Files(ctx context.Context, in tenant.Scope, team id.Team, purpose string, after id.File, limit int) (list []batch.File, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+fileColumns+` FROM batch_files
			WHERE whole AND team_id = $1 AND ($2 = '' OR purpose = $2) AND ($3 = '' OR id < $3) ORDER BY id DESC LIMIT $4`,
			string(team), purpose, string(after), limit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, toFile)
		return err
	})
	return list, err
}

// Content implements batch.Store.
func (s *Store) Content(ctx context.Context, in tenant.Scope, f id.File, give func(chunk []byte) error) error {
	for number := 0; ; number++ {
		var chunk []byte
		err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
			return tx.QueryRow(ctx, `SELECT data FROM batch_chunks WHERE file_id = $1 AND number = $2`, string(f), number).Scan(&chunk)
		})
		if errors.Is(absent(err, batch.ErrFileNotFound), batch.ErrFileNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := give(chunk); err != nil {
			return err
		}
	}
}

// RemoveFile implements batch.Store.
func (s *Store) RemoveFile(ctx context.Context, in tenant.Scope, f id.File) error {
	return s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		var used bool
		err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM batches WHERE input_file = $1 AND status = 'validating')`, string(f)).Scan(&used)
		if err != nil {
			return err
		}
		if used {
			return batch.ErrFileInUse
		}
		_, err = tx.Exec(ctx, `DELETE FROM batch_files WHERE id = $1`, string(f))
		return err
	})
}

// optional is a time that may be NULL.
func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func present(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
