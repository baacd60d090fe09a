// Package scorepg keeps scores in Postgres.
package scorepg

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/score"
	"tollgate/internal/tenant"
)

// Store is score.Store.
type Store struct{ db *postgres.DB }

var _ score.Store = (*Store)(nil)

// New makes a Store.
func New(db *postgres.DB) *Store { return &Store{db: db} }

// Put implements score.Store. Whoever computes experiments, or figures of prompts, sees a score or is told of its hour: the mark is written in
// the score's transaction, also where the call is not here yet. Only the hours of calls that are here and in none of them are not marked.
func (s *Store) Put(ctx context.Context, in tenant.Scope, drafts []score.Draft) (refused []error, err error) {
	foreign, err := s.foreign(ctx, in, drafts)
	if err != nil {
		return nil, err
	}
	refused = make([]error, len(drafts))
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		known, err := calls(ctx, tx, in, drafts)
		if err != nil {
			return err
		}
		var rows columns
		var hours marks
		for i := range drafts {
			d := &drafts[i]
			call, here := known[d.Call]
			switch {
			case here && d.Team != "" && call.team != d.Team, !here && (!d.Fresh || foreign[d.Call]):
				refused[i] = score.ErrNoCall
				continue
			}
			if !here || call.experiment != "" {
				hours.experiments = append(hours.experiments, d.Call.Time())
			}
			if !here || call.prompt != "" {
				hours.prompts = append(hours.prompts, d.Call.Time())
			}
			d.Pending = !here
			rows.add(in, d)
		}
		if err := rows.store(ctx, tx, drafts, refused); err != nil {
			return err
		}
		return hours.write(ctx, tx, in)
	})
	if err != nil {
		return nil, fmt.Errorf("put scores: %w", err)
	}
	return refused, nil
}

// call is what a score must know of its call.
type call struct {
	team       id.Team
	experiment string
	prompt     string
}

// calls are those of the drafts' calls that are in the log.
func calls(ctx context.Context, tx pgx.Tx, in tenant.Scope, drafts []score.Draft) (map[id.Call]call, error) {
	ids, times := places(drafts)
	rows, err := tx.Query(ctx, `SELECT c.call_id, c.team_id, c.experiment_id, c.prompt_id FROM unnest($2::uuid[], $3::timestamptz[]) AS asked (call_id, started_at)
		JOIN calls c ON c.org_id = $1 AND c.started_at = asked.started_at AND c.call_id = asked.call_id`, string(in.Org()), ids, times)
	if err != nil {
		return nil, err
	}
	known := make(map[id.Call]call, len(drafts))
	var which [16]byte
	var c call
	_, err = pgx.ForEachRow(rows, []any{&which, (*string)(&c.team), &c.experiment, &c.prompt}, func() error { known[which] = c; return nil })
	return known, err
}

func places(drafts []score.Draft) (ids [][16]byte, times []time.Time) {
	for i := range drafts {
		ids, times = append(ids, drafts[i].Call), append(times, drafts[i].Call.Time())
	}
	return ids, times
}

// lookedUp bounds how many young calls of one request are looked for among other organizations.
const lookedUp = 20

// foreign are young calls that another organization has: their ids are no promise of a record to come. Beyond lookedUp nobody looks;
// what is then stored of a foreign call is joined to nothing, as of one that never comes.
func (s *Store) foreign(ctx context.Context, in tenant.Scope, drafts []score.Draft) (map[id.Call]bool, error) {
	var young []score.Draft
	for i := range drafts {
		if drafts[i].Fresh && len(young) < lookedUp {
			young = append(young, drafts[i])
		}
	}
	if len(young) == 0 {
		return nil, nil
	}
	ids, times := places(young)
	out := map[id.Call]bool{}
	err := s.db.InSystemPgx(ctx, "a score of a call that another organization has is refused", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT asked.call_id FROM unnest($2::uuid[], $3::timestamptz[]) AS asked (call_id, started_at)
			CROSS JOIN orgs o JOIN calls c ON c.org_id = o.id AND c.started_at = asked.started_at AND c.call_id = asked.call_id
			WHERE o.id <> $1`, string(in.Org()), ids, times)
		if err != nil {
			return err
		}
		var which [16]byte
		_, err = pgx.ForEachRow(rows, []any{&which}, func() error { out[which] = true; return nil })
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for calls: %w", err)
	}
	return out, nil
}

// columns are scores column by column, as unnest takes them.
type columns struct {
	org, name, source, author, id, kind, text, team []string
	call                                            [][16]byte
	started, at                                     []time.Time
	value                                           []*float64
}

func (c *columns) add(in tenant.Scope, d *score.Draft) {
	c.org, c.call, c.started = append(c.org, string(in.Org())), append(c.call, d.Call), append(c.started, d.Call.Time())
	c.name, c.source, c.author = append(c.name, d.Name), append(c.source, string(d.Source)), append(c.author, d.Author)
	c.id, c.kind, c.text = append(c.id, string(d.ID)), append(c.kind, string(d.Kind)), append(c.text, d.Text)
	c.team, c.at = append(c.team, string(d.Team)), append(c.at, d.At)
	var value *float64
	if d.Kind == score.Numeric || d.Kind == score.Boolean {
		value = &d.Value
	}
	c.value = append(c.value, value)
}

// store writes the rows and notes the ids that they have: a score that takes another's place keeps the other's id.
func (c *columns) store(ctx context.Context, tx pgx.Tx, drafts []score.Draft, refused []error) error {
	if len(c.id) == 0 {
		return nil
	}
	type name struct {
		call                 id.Call
		name, source, author string
	}
	ids := make(map[name]id.Score, len(c.id))
	rows, err := tx.Query(ctx, `INSERT INTO scores AS s (org_id, call_id, started_at, name, source, author, id, kind, value, text, team_id, at)
		SELECT * FROM unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
			$9::float8[], $10::text[], $11::text[], $12::timestamptz[]) AS t (org, call, started, name, source, author, id, kind, value, text, team, at)
		ORDER BY call, name, source, author -- one order for everybody: two writers of the same scores wait for each other, never in a ring
		ON CONFLICT (org_id, call_id, name, source, author) DO UPDATE
			SET kind = excluded.kind, value = excluded.value, text = excluded.text, team_id = excluded.team_id, at = excluded.at
		RETURNING call_id, name, source, author, id`,
		c.org, c.call, c.started, c.name, c.source, c.author, c.id, c.kind, c.value, c.text, c.team, c.at)
	if err != nil {
		return err
	}
	var n name
	var which [16]byte
	var got string
	if _, err := pgx.ForEachRow(rows, []any{&which, &n.name, &n.source, &n.author, &got}, func() error {
		n.call = which
		ids[n] = id.Score(got)
		return nil
	}); err != nil {
		return err
	}
	for i := range drafts {
		if d := &drafts[i]; refused[i] == nil {
			d.ID = ids[name{d.Call, d.Name, string(d.Source), d.Author}]
		}
	}
	return nil
}

// marks are hours that have to be computed again.
type marks struct{ experiments, prompts []time.Time }

func (m marks) write(ctx context.Context, tx pgx.Tx, in tenant.Scope) error {
	for _, of := range []struct {
		table string
		hours []time.Time
	}{{"experiment_dirty", m.experiments}, {"prompt_dirty", m.prompts}} {
		if len(of.hours) == 0 {
			continue
		}
		_, err := tx.Exec(ctx, `INSERT INTO `+of.table+` (org_id, hour) SELECT DISTINCT $1, date_trunc('hour', at, 'UTC') FROM unnest($2::timestamptz[]) AS at`,
			string(in.Org()), of.hours)
		if err != nil {
			return err
		}
	}
	return nil
}
