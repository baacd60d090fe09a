// Package snapshotpg reads the configuration of every organization from PostgreSQL, for the data plane.
package snapshotpg

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/price"
	"tollgate/internal/snapshot"
	"tollgate/internal/tenant"
)

// channel is notified by every transaction that changes configuration; see migration 00007.
const channel = "tollgate_config"

// Prices reads what price has stored; pricepg.Store does.
type Prices interface {
	Imported(ctx context.Context) ([]price.Record, error)
	AllOverrides(ctx context.Context) (map[id.Org][]price.Record, error)
}

// bytesMax is the default of Source.BytesMax; a key takes about 0.7 KB.
const bytesMax = 1 << 30

// ErrTooLarge means that the configuration has outgrown one proxy's limit. What is in force stays.
var ErrTooLarge = fault.New(fault.Internal, "snapshot.too_large", "The configuration is larger than this proxy may hold.")

// Source is snapshot.Source.
type Source struct {
	db     *postgres.DB
	prices Prices

	// BytesMax bounds what one load may read, so that a runaway table costs a proxy an alarm and not its memory.
	BytesMax int64
}

var _ snapshot.Source = (*Source)(nil)

// New returns the source in a database.
func New(db *postgres.DB, prices Prices) *Source {
	return &Source{db: db, prices: prices, BytesMax: bytesMax}
}

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

// load reads a revision and organizations as they are at it: in one statement, and so in one state of the database, without
// a transaction that would have to be repeatable. Rows come as documents, since they are of many kinds.
//
// wanted gives the organizations, and of is the condition on theirs. It is over an array, not a join: without statistics the
// planner would read every key for one of them.
//
// Keys and secrets that ended long ago are left out: they are unknown instead of ended, and refused as well.
//
// with is further parts of the WITH, and more further kinds of rows.
func load(wanted, of, with, more string) string {
	return `WITH wanted AS MATERIALIZED (` + wanted + `)` + with + `
		SELECT 'rev', '', to_jsonb(r)::text FROM config_rev r
		UNION ALL SELECT 'wanted', org_id, 'null' FROM wanted
		UNION ALL SELECT 'org', id, to_jsonb(o)::text FROM orgs o WHERE id` + of + `
		UNION ALL SELECT 'team', org_id, to_jsonb(t)::text FROM teams t WHERE org_id` + of + `
		UNION ALL SELECT 'dek', org_id, to_jsonb(d)::text FROM org_deks d WHERE org_id` + of + `
		UNION ALL SELECT 'credential', org_id, to_jsonb(c)::text FROM credentials c WHERE org_id` + of + `
		UNION ALL SELECT 'alias', a.org_id, (to_jsonb(a) || jsonb_build_object('route', v.route))::text FROM aliases a
			JOIN alias_versions v ON v.org_id = a.org_id AND v.alias_id = a.id AND v.number = a.version WHERE a.org_id` + of + `
		UNION ALL SELECT 'routing', org_id, jsonb_build_object('tasks', tasks, 'auto', auto)::text FROM routing r WHERE org_id` + of + `
		UNION ALL SELECT 'experiment', org_id, jsonb_build_object('id', id, 'alias', alias_name, 'salt', salt, 'arms', arms)::text
			FROM experiments e WHERE live AND org_id` + of + limits + of + budgets + of + environments + of + `
		UNION ALL SELECT 'key', org_id, to_jsonb(k)::text FROM keys k WHERE org_id` + of + `
			AND (revoked_at IS NULL OR revoked_at > now() - interval '30 days')
		UNION ALL SELECT 'secret', org_id, to_jsonb(s)::text FROM key_secrets s WHERE org_id` + of + `
			AND coalesce(least(revoked_at, not_after), 'infinity') > now() - interval '30 days'` + more
}

var (
	loadAll   = load(`SELECT id AS org_id FROM orgs`, ` IS NOT NULL`, ``, allPrompts)
	loadOne   = load(`SELECT id AS org_id FROM orgs WHERE id = $1`, ` = $1`, ``, ``) // without prompts: where calls go does not depend on them
	loadSince = load(`SELECT DISTINCT org_id FROM config_change WHERE rev > $1 AND org_id <> ''`, ` = ANY (ARRAY(SELECT org_id FROM wanted))`, touched, somePrompts+`
		UNION ALL SELECT 'changed', '', to_jsonb(kind)::text FROM (SELECT DISTINCT kind FROM config_change WHERE rev > $1) AS kinds`)
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
	c := &snapshot.Config{Rev: got.rev.Rev, Imported: imported, Overrides: overrides, Orgs: got.finish()}
	for org, changed := range got.deltas() {
		c.Orgs[org].Prompts = changed.Over(nil)
	}
	return c, nil
}

// Org is one organization's configuration as it is now, for those who ask where its calls would go (snapshot.View).
func (s *Source) Org(ctx context.Context, in tenant.Scope) (*snapshot.OrgConfig, error) {
	if err := in.Check(); err != nil {
		return nil, err
	}
	var got reading
	if err := s.read(ctx, &got, loadOne, string(in.Org())); err != nil {
		return nil, err
	}
	o := got.finish()[in.Org()]
	if o == nil {
		return nil, fmt.Errorf("the organization %s is gone", in.Org())
	}
	return o, nil
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
	d := snapshot.Delta{Rev: got.rev.Rev, Orgs: got.finish(), Prompts: got.deltas()}
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
		left := s.BytesMax
		_, err = pgx.ForEachRow(rows, []any{&kind, &org, &doc}, func() error {
			if left -= int64(len(doc)); left < 0 {
				return ErrTooLarge.Because(fmt.Errorf("more than %d bytes", s.BytesMax))
			}
			return into.add(kind, id.Org(org), doc)
		})
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

// KEKs are the ids of the keys under which stored data keys are wrapped; none while nothing is sealed.
func (s *Source) KEKs(ctx context.Context) (ids []string, err error) {
	err = s.db.InSystemPgx(ctx, "fit of the root key", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT DISTINCT kek FROM org_deks ORDER BY kek`)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return ids, err
}
