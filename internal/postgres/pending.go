package postgres

import (
	"context"
	"errors"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"tollgate/internal/fault"
	"tollgate/migrations"
)

// ErrBehind means that the database lacks migrations of this release.
var ErrBehind = fault.New(fault.Unavailable, "database.behind", "The database is not up to date: run `tollgate migrate`.")

// UpToDate is nil when the database has every migration of this release, or newer ones; else ErrBehind, or ErrDown. A login that
// may not read the list of migrations is believed.
func (db *DB) UpToDate(ctx context.Context) error {
	want, err := newest(migrations.FS)
	if err != nil {
		return err
	}
	var have int64
	err = db.pool.QueryRow(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&have)
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		switch refused.Code {
		case "42501": // insufficient_privilege
			return nil
		case "42P01": // undefined_table: nothing was ever migrated
			return ErrBehind.Say("The database was never set up: run `tollgate migrate`.")
		}
	}
	if err != nil {
		return translate(err)
	}
	if have < want {
		return ErrBehind.Say("The database is at migration %d, and this release needs %d: run `tollgate migrate`.", have, want)
	}
	return nil
}

// newest is the highest number among the files.
func newest(files fs.FS) (top int64, err error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		digits, _, _ := strings.Cut(name, "_")
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			return 0, err
		}
		top = max(top, n)
	}
	return top, nil
}
