// Package snapshotpg reads the configuration of every organization from PostgreSQL, for the data plane.
package snapshotpg

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/price"
	"tollgate/internal/snapshot"
)

// channel is notified by every transaction that changes configuration; see migration 00007.
const channel = "tollgate_config"

// Prices reads what price has stored; pricepg.Store does.
type Prices interface {
	Imported(ctx context.Context) ([]price.Record, error)
	AllOverrides(ctx context.Context) (map[id.Org][]price.Record, error)
}

// Source is snapshot.Source.
type Source struct {
	db     *postgres.DB
	prices Prices
}

var _ snapshot.Source = (*Source)(nil)

// New returns the source in a database.
func New(db *postgres.DB, prices Prices) *Source { return &Source{db: db, prices: prices} }

// Rev implements snapshot.Source.
func (s *Source) Rev(ctx context.Context) (rev int64, err error) {
	err = s.db.InSystemPgx(ctx, "snapshot", func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT rev FROM config_rev`).Scan(&rev)
	})
	return rev, err
}

// Listen implements snapshot.Source.
func (s *Source) Listen(ctx context.Context, got func()) error {
	return s.db.Listen(ctx, channel, func(string) { got() })
}

// everything and touched choose the organizations of a load.
const (
	everything = `(SELECT id AS org_id FROM orgs)`
	touched    = `(SELECT DISTINCT org_id FROM config_change WHERE rev > $1 AND org_id <> '')`
)

// load reads a revision and the organizations that belong to it in one statement, and so in one state of the database, without
// a transaction that would have to be repeatable. Rows come as documents, since they are of many kinds.
//
// Keys that were revoked long ago are left out: they are unknown instead of revoked, and refused as well.
func load(which string) string {
	return `WITH wanted AS MATERIALIZED ` + which + `
		SELECT 'rev', '', to_jsonb(r)::text FROM config_rev r
		UNION ALL SELECT 'wanted', org_id, 'null' FROM wanted
		UNION ALL SELECT 'org', o.id, to_jsonb(o)::text FROM orgs o JOIN wanted w ON w.org_id = o.id
		UNION ALL SELECT 'team', t.org_id, to_jsonb(t)::text FROM teams t JOIN wanted w USING (org_id)
		UNION ALL SELECT 'dek', d.org_id, to_jsonb(d)::text FROM org_deks d JOIN wanted w USING (org_id)
		UNION ALL SELECT 'credential', c.org_id, to_jsonb(c)::text FROM credentials c JOIN wanted w USING (org_id)
		UNION ALL SELECT 'alias', a.org_id, (to_jsonb(a) || jsonb_build_object('route', v.route))::text FROM aliases a JOIN wanted w USING (org_id)
			JOIN alias_versions v ON v.org_id = a.org_id AND v.alias_id = a.id AND v.number = a.version
		UNION ALL SELECT 'key', k.org_id, to_jsonb(k)::text FROM keys k JOIN wanted w USING (org_id)
			WHERE k.revoked_at IS NULL OR k.revoked_at > now() - interval '30 days'`
}

var (
	loadAll   = load(everything)
	loadSince = load(touched) + `
		UNION ALL SELECT 'changed', '', to_jsonb(kind)::text FROM (SELECT DISTINCT kind FROM config_change WHERE rev > $1) AS kinds`
)

// Full implements snapshot.Source. Prices are read after the rest: they may be newer than the revision says, never older, and
// the next look loads them again.
func (s *Source) Full(ctx context.Context) (*snapshot.Config, error) {
	var got reading
	if err := s.read(ctx, &got, loadAll); err != nil {
		return nil, err
	}
	imported, err := s.prices.Imported(ctx)
	if err != nil {
		return nil, err
	}
	overrides, err := s.prices.AllOverrides(ctx)
	if err != nil {
		return nil, err
	}
	return &snapshot.Config{Rev: got.rev.Rev, Imported: imported, Overrides: overrides, Orgs: got.finish()}, nil
}

// Since implements snapshot.Source.
func (s *Source) Since(ctx context.Context, rev int64) (snapshot.Delta, error) {
	var got reading
	if err := s.read(ctx, &got, loadSince, rev); err != nil {
		return snapshot.Delta{}, err
	}
	if got.rev.Pruned > rev {
		return snapshot.Delta{}, snapshot.ErrPruned
	}
	d := snapshot.Delta{Rev: got.rev.Rev, Orgs: got.finish()}
	if got.changed["prices"] {
		imported, err := s.prices.Imported(ctx)
		if err != nil {
			return d, err
		}
		d.Imported = &imported
	}
	if got.changed["price_overrides"] {
		overrides, err := s.prices.AllOverrides(ctx)
		if err != nil {
			return d, err
		}
		d.Overrides = overrides
		if d.Overrides == nil {
			d.Overrides = map[id.Org][]price.Record{}
		}
	}
	return d, nil
}

func (s *Source) read(ctx context.Context, into *reading, sql string, args ...any) error {
	return s.db.InSystemPgx(ctx, "snapshot", func(tx pgx.Tx) error {
		*into = newReading()
		rows, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		var kind, org string
		var doc []byte
		_, err = pgx.ForEachRow(rows, []any{&kind, &org, &doc}, func() error { return into.add(kind, id.Org(org), doc) })
		return err
	})
}

// Prune forgets changes that are older than a proxy can be without asking; one that is further behind loads everything.
func (s *Source) Prune(ctx context.Context, before time.Time) error {
	return s.db.InSystemPgx(ctx, "prune configuration changes", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			WITH gone AS (DELETE FROM config_change WHERE at < $1 RETURNING rev)
			UPDATE config_rev SET pruned = greatest(pruned, (SELECT max(rev) FROM gone)) WHERE EXISTS (SELECT FROM gone)`, before)
		return err
	})
}
