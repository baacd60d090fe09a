// Package calllogpg keeps the call log in Postgres: idempotent ingest, daily partitions, keyset pages.
package calllogpg

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/postgres"
)

// Store is the call log in Postgres.
type Store struct {
	db      *postgres.DB
	insert  string
	columns string
}

var _ calllog.Store = (*Store)(nil)

// New makes a Store.
func New(db *postgres.DB) *Store {
	names, casts, values := columnNames()
	list := strings.Join(names, ", ")
	return &Store{db: db, columns: "c." + strings.Join(names, ", c."), insert: `
		WITH new AS (
			INSERT INTO calls (` + list + `)
			SELECT ` + strings.Join(values, ", ") + ` FROM unnest(` + strings.Join(casts, ", ") + `) AS t (` + list + `)
			ON CONFLICT DO NOTHING
			RETURNING org_id, call_id, started_at, duration_us, experiment_id, charges, prompt_id
		), compared AS (
			INSERT INTO experiment_dirty (org_id, hour)
			SELECT DISTINCT org_id, date_trunc('hour', at, 'UTC')
			FROM new, LATERAL (VALUES (started_at), (started_at - interval '5 minutes')) AS t (at) -- it may repeat a call of the hour before
			WHERE experiment_id <> ''
		), prompted AS (
			INSERT INTO prompt_dirty (org_id, hour) SELECT DISTINCT org_id, date_trunc('hour', started_at, 'UTC') FROM new WHERE prompt_id <> ''
		), dirty AS (
			INSERT INTO usage_dirty (org_id, hour, ended_at)
			SELECT org_id, date_trunc('hour', started_at, 'UTC'), min(started_at + duration_us * interval '1 microsecond')
			FROM new GROUP BY 1, 2
		)
		SELECT count(*), array_agg(org_id) FILTER (WHERE charges IS NOT NULL), array_agg(call_id) FILTER (WHERE charges IS NOT NULL) FROM new`}
}

// Channel is notified once for each ingest that stored something.
const Channel = "tollgate_calls"

// Ingest stores records that are not in the log yet, marks their hours for the rollup and notes the proxy's sign of life, all in
// one transaction. It may be given the same records any number of times, in any order, by several callers at once.
// ErrPoison means that one of the records cannot be stored; any other error that nothing was and that it can be tried again.
func (s *Store) Ingest(ctx context.Context, records []calllog.Record, beat calllog.Beat) (calllog.Delivered, error) {
	sorted := inOrder(records)
	var d calllog.Delivered
	err := s.db.InSystemPgx(ctx, "ingest calls", func(tx pgx.Tx) error {
		d = calllog.Delivered{}
		good, err := s.sift(ctx, tx, sorted, &d)
		if err != nil {
			return err
		}
		return s.store(ctx, tx, good, beat, &d)
	})
	if poisonous(err) {
		return calllog.Delivered{}, calllog.ErrPoison.Because(err)
	}
	if err != nil {
		return calllog.Delivered{}, err
	}
	return d, nil
}

// inOrder gives each record once, in one order for everybody: two callers with the same rows wait for each other, never in a ring.
// Records are large, so they stay where they are.
func inOrder(records []calllog.Record) []*calllog.Record {
	sorted := make([]*calllog.Record, len(records))
	for i := range records {
		sorted[i] = &records[i]
	}
	slices.SortStableFunc(sorted, func(a, b *calllog.Record) int {
		return cmp.Or(cmp.Compare(a.Org, b.Org), bytes.Compare(a.ID[:], b.ID[:]))
	})
	return slices.CompactFunc(sorted, func(a, b *calllog.Record) bool { return a.Org == b.Org && a.ID == b.ID })
}

// sift takes out what can never be stored: records of organizations that are gone, and of days whose log is gone.
func (s *Store) sift(ctx context.Context, tx pgx.Tx, records []*calllog.Record, d *calllog.Delivered) ([]*calllog.Record, error) {
	if len(records) == 0 {
		return nil, nil
	}
	var orgs []string
	for i := range records {
		if org := string(records[i].Org); len(orgs) == 0 || orgs[len(orgs)-1] != org {
			orgs = append(orgs, text(org, 64))
		}
	}
	var since pgtype.Timestamptz
	known := make(map[id.Org]bool, len(orgs))
	b := &pgx.Batch{}
	b.Queue(`LOCK TABLE calls IN ROW EXCLUSIVE MODE`) // before reading since: from here to the commit no day is dropped
	b.Queue(`SELECT since FROM calls_kept`).QueryRow(func(row pgx.Row) error { return row.Scan(&since) })
	b.Queue(`SELECT id FROM orgs WHERE id = ANY ($1)`, orgs).Query(func(rows pgx.Rows) error {
		var org string
		_, err := pgx.ForEachRow(rows, []any{&org}, func() error { known[id.Org(org)] = true; return nil })
		return err
	})
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return nil, err
	}
	good := make([]*calllog.Record, 0, len(records))
	for _, r := range records {
		switch {
		case !known[r.Org]:
			d.Rejected = append(d.Rejected, calllog.Rejected{Record: *r, Reason: "no such organization"})
		case since.InfinityModifier == pgtype.Finite && r.ID.Time().Before(since.Time):
			d.Rejected = append(d.Rejected, calllog.Rejected{Record: *r, Reason: "older than the call log reaches"})
		default:
			good = append(good, r)
		}
	}
	return good, nil
}

func (s *Store) store(ctx context.Context, tx pgx.Tx, records []*calllog.Record, beat calllog.Beat, d *calllog.Delivered) error {
	b := &pgx.Batch{}
	var charged fresh
	if len(records) > 0 {
		var c columns
		var p payloads
		c.grow(len(records))
		for _, r := range records {
			c.add(r)
			p.add(r)
		}
		b.Queue(s.insert, c.args()...).QueryRow(func(row pgx.Row) error { return row.Scan(&d.New, &charged.orgs, &charged.calls) })
		if len(p.org) > 0 {
			b.Queue(`INSERT INTO call_payloads (org_id, call_id, started_at, request, response, cut)
				SELECT * FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::bytea[], $5::bytea[], $6::bool[]) ON CONFLICT DO NOTHING`,
				p.org, p.call, p.started, p.request, p.response, p.cut)
		}
		b.Queue(`SELECT pg_notify($1, '')`, Channel)
	}
	if beat.Proxy != "" {
		var until *time.Time
		if !beat.ShippedUntil.IsZero() {
			until = &beat.ShippedUntil
		}
		b.Queue(`INSERT INTO proxies AS p (id, shipped_until, seen_at, spool_bytes) VALUES ($1, $2, $3, $4)
			ON CONFLICT (id) DO UPDATE SET shipped_until = greatest(p.shipped_until, excluded.shipped_until),
				seen_at = greatest(p.seen_at, excluded.seen_at), spool_bytes = excluded.spool_bytes`,
			beat.Proxy, until, beat.At, beat.SpoolBytes)
	}
	if b.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return err
	}
	var err error
	d.Overrun, err = settle(ctx, tx, records, charged)
	return err
}

type payloads struct {
	org               []string
	call              [][16]byte
	started           []time.Time
	request, response [][]byte
	cut               []bool
}

func (p *payloads) add(r *calllog.Record) {
	if r.Payload == nil {
		return
	}
	p.org = append(p.org, string(r.Org))
	p.call = append(p.call, r.ID)
	p.started = append(p.started, r.ID.Time())
	p.request = append(p.request, present(r.Payload.Request))
	p.response = append(p.response, present(r.Payload.Response))
	p.cut = append(p.cut, r.Payload.Cut)
}

func present(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// poisonous reports whether the server refused because of what a row says: it breaks a rule of the schema, cannot be represented,
// or is too large. Everything else passes with time, or with a migration.
func poisonous(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || len(pg.Code) != 5 {
		return false
	}
	switch pg.Code[:2] {
	case "22", "23", "54":
		return true
	}
	return false
}
