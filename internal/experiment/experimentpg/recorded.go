package experimentpg

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// unit of a call outside of any experiment: its end user where there is one, otherwise the call itself.
const unit = `CASE WHEN c.unit <> 0 THEN c.unit WHEN c.end_user <> '' THEN hashtextextended(c.end_user, 0) ELSE hashtextextended(c.call_id::text, 0) END`

// recordedMax is how many calls a replay reads, the newest ones.
const recordedMax = 200_000

// Recorded implements experiment.Store.
func (s *Store) Recorded(ctx context.Context, in tenant.Scope, q experiment.Recorded, each func(experiment.Tally) error) error {
	plan, err := json.Marshal(q.Plan)
	if err != nil {
		return fmt.Errorf("encode plan: %w", err)
	}
	args := []any{string(in.Org()), q.From, q.To, string(plan), recordedMax}
	put := func(v string) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	var names, cases, anyOf []string
	for _, sl := range q.Slices {
		arm, of := put(sl.Arm), cmp.Or(sl.Alias, q.Alias)
		matches := "c.alias = " + put(of)
		if sl.Provider != "" {
			matches += " AND c.provider = " + put(sl.Provider)
		}
		if sl.Model != "" {
			matches += " AND c.model = " + put(sl.Model)
		}
		names, anyOf = append(names, arm+"::text"), append(anyOf, "("+matches+")")
		cases = append(cases, "WHEN "+matches+" THEN "+arm+"::text")
	}
	arm := "CASE " + strings.Join(cases, " ") + " END"
	if q.Salt != "" { // all slices match the same calls: units are dealt among them
		arm = `(ARRAY[` + strings.Join(names, ", ") + `])[1 + abs(hashtextextended((` + unit + `)::text || ' ' || ` + put(q.Salt) + `, 1) % ` + strconv.Itoa(len(names)) + `)]`
	}
	return s.stream(ctx, in, func(t experiment.Tally, _ string) error { return each(t) },
		`SELECT '', `+arm+`, `+unit+`, NULL::timestamptz, `+strings.Join(sums, ", ")+`
			FROM (`+told+` WHERE c.org_id = $1 AND c.started_at >= $2 AND c.started_at < $3 AND (`+strings.Join(anyOf, " OR ")+`)
				ORDER BY c.started_at DESC LIMIT $5) AS c CROSS JOIN (SELECT $4::jsonb AS plan) AS e `+judged+`
			GROUP BY 1, 2, 3 ORDER BY 2, 3`, args...)
}

// Traffic implements experiment.Store.
func (s *Store) Traffic(ctx context.Context, in tenant.Scope, aliasName string, p experiment.Plan, from, to time.Time, sample int) (t experiment.Traffic, err error) {
	plan, err := json.Marshal(p)
	if err != nil {
		return t, fmt.Errorf("encode plan: %w", err)
	}
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `WITH sampled AS MATERIALIZED (
				SELECT `+unit+` AS unit, c.cost_nano, c.price_state, c.has_payload, c.input + c.cache_read + c.cache_write_5m + c.cache_write_1h AS input, c.output, q.score
				FROM (SELECT * FROM calls c WHERE c.org_id = $1 AND c.alias = $2 AND c.started_at >= $3 AND c.started_at < $4 AND c.outcome <> 'refused'
					ORDER BY c.started_at DESC LIMIT $5) AS c CROSS JOIN (SELECT $6::jsonb AS plan) AS e `+judged+`
			), units AS (
				SELECT unit, count(*) AS calls, sum(cost_nano)::float8 / 1e9 AS cost, avg(score) AS score, count(*) FILTER (WHERE has_payload) AS kept,
					count(*) FILTER (WHERE price_state = 'unpriced') AS unpriced, sum(input) AS input, sum(output) AS output
				FROM sampled GROUP BY unit)
			SELECT (SELECT coalesce(sum(calls), 0)::bigint FROM usage_hourly WHERE org_id = $1 AND alias = $2 AND hour >= $3 AND hour < $4),
				coalesce(sum(calls), 0)::bigint, count(*), count(score), coalesce(avg(score), 0), coalesce(stddev_samp(score), 0),
				coalesce(avg(cost), 0), coalesce(stddev_samp(cost), 0), coalesce(sum(kept), 0)::bigint, coalesce(sum(unpriced), 0)::bigint,
				coalesce(sum(input) / nullif(sum(calls), 0), 0)::bigint, coalesce(sum(output) / nullif(sum(calls), 0), 0)::bigint
			FROM units`, string(in.Org()), aliasName, from, to, sample, string(plan)).
			Scan(&t.Calls, &t.Sampled, &t.Units, &t.Scored, &t.Quality, &t.QualitySD, &t.CostMean, &t.CostSD, &t.Kept, &t.Unpriced, &t.MeanInput, &t.MeanOutput)
	})
	if err != nil {
		return t, fmt.Errorf("traffic of %s: %w", aliasName, err)
	}
	t.Calls = max(t.Calls, t.Sampled) // the roll-up of usage may be behind the log
	return t, nil
}

// Kept implements experiment.Store.
func (s *Store) Kept(ctx context.Context, in tenant.Scope, which id.Experiment, limit int) (list []experiment.KeptCall, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT k.call_id, k.arm, k.fingerprint, k.cost_nano, b.request, b.response, q.score, coalesce(j.note, '')
			FROM (SELECT c.*, row_number() OVER (PARTITION BY c.arm ORDER BY c.started_at DESC, c.call_id) AS n FROM calls c
				WHERE c.org_id = $1 AND c.experiment_id = $2 AND c.has_payload AND c.outcome = 'ok') AS k
			JOIN experiments e ON e.org_id = k.org_id AND e.id = $2
			JOIN call_payloads b ON b.org_id = k.org_id AND b.started_at = k.started_at AND b.call_id = k.call_id
			LEFT JOIN experiment_judgements j ON j.org_id = k.org_id AND j.experiment_id = $2 AND j.call_id = k.call_id
			`+strings.ReplaceAll(judged, "c.", "k.")+`
			WHERE k.n <= $3 ORDER BY k.arm, k.n`, string(in.Org()), string(which), limit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (k experiment.KeptCall, err error) {
			var fingerprint int64
			err = row.Scan((*[16]byte)(&k.Call), &k.Arm, &fingerprint, (*int64)(&k.Cost), &k.Request, &k.Response, &k.Score, &k.Note)
			k.Fingerprint = uint64(fingerprint)
			return k, err
		})
		return err
	})
	return list, err
}
