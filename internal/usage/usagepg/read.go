package usagepg

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/chat"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
)

// dimension says how a dimension is stored, and where its display names are; key is what of it their ids are, where that is not all.
type dimension struct{ column, names, key string }

func dimensions(d usage.Dimension) dimension {
	switch d {
	case usage.Team:
		return dimension{column: "team_id", names: "teams"}
	case usage.Key:
		return dimension{column: "key_id", names: "keys"}
	case usage.Experiment:
		return dimension{column: "experiment_id", names: "experiments"}
	case usage.Prompt:
		return dimension{column: "prompt_id", names: "prompts"}
	case usage.PromptVersion:
		return dimension{column: promptVersion, names: "prompts", key: "split_part(%s, '@', 1)"}
	default: // usage.ask has checked that it is one of usage.Dimensions
		return dimension{column: string(d)}
	}
}

// promptVersion is the version of a prompt in one word; ” where there is none.
const promptVersion = `CASE WHEN prompt_id = '' THEN '' ELSE prompt_id || '@' || prompt_version END`

// Costs implements usage.Store.
func (s *Store) Costs(ctx context.Context, in tenant.Scope, q usage.Asked, limit int) ([]usage.Row, error) {
	sql, args := costs(in, q, limit)
	var got []usage.Row
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		got, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (usage.Row, error) { return scanRow(row, q) })
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("costs: %w", err)
	}
	return got, nil
}

// costs builds the query: an inner one that groups, an outer one that names.
func costs(in tenant.Scope, q usage.Asked, limit int) (string, []any) {
	args := []any{string(in.Org()), q.From, q.To, q.Starts}
	conditions := []string{"org_id = $1", "hour >= $2", "hour < $3"}
	for _, d := range usage.Dimensions {
		if values, ok := q.Filter[d]; ok && len(values) > 0 {
			args = append(args, values)
			conditions = append(conditions, dimensions(d).column+" = ANY ($"+strconv.Itoa(len(args))+"::text[])")
		}
	}
	group := []string{"1"}
	columns := []string{"CASE WHEN cardinality($4::timestamptz[]) > 0 THEN width_bucket(hour, $4::timestamptz[]) ELSE 0 END AS bucket"}
	var outer, joins []string
	for i, d := range q.GroupBy {
		at, name := dimensions(d), "d"+strconv.Itoa(i)
		columns = append(columns, at.column+" AS "+name)
		group = append(group, strconv.Itoa(i+2))
		outer = append(outer, "u."+name)
		if at.names == "" {
			outer = append(outer, "''")
			continue
		}
		alias := "n" + strconv.Itoa(i)
		key := "u." + name
		if at.key != "" {
			key = fmt.Sprintf(at.key, key)
		}
		joins = append(joins, " LEFT JOIN "+at.names+" "+alias+" ON "+alias+".org_id = $1 AND "+alias+".id = "+key)
		outer = append(outer, "coalesce("+alias+".name, '')")
	}
	for _, figure := range figures() {
		columns = append(columns, bounded(figure)+" AS "+figure)
		outer = append(outer, "u."+figure)
	}
	return `SELECT u.bucket, ` + strings.Join(outer, ", ") + ` FROM (SELECT ` + strings.Join(columns, ", ") + ` FROM usage_hourly WHERE ` +
		strings.Join(conditions, " AND ") + ` GROUP BY ` + strings.Join(group, ", ") + ` LIMIT ` + strconv.Itoa(limit) + `) AS u` + strings.Join(joins, ""), args
}

// figures are the summed columns, in the order of scanRow.
func figures() []string {
	names := []string{"calls", "errors", "cost_nano", "unpriced", "estimated"}
	for c := range chat.Classes {
		names = append(names, c.String())
	}
	return names
}

func scanRow(row pgx.CollectableRow, q usage.Asked) (usage.Row, error) {
	var r usage.Row
	var bucket int
	values, names := make([]string, len(q.GroupBy)), make([]string, len(q.GroupBy))
	into := []any{&bucket}
	for i := range q.GroupBy {
		into = append(into, &values[i], &names[i])
	}
	into = append(into, &r.Calls, &r.Errors, (*int64)(&r.Cost), &r.Unpriced, &r.Estimated)
	for c := range r.Units {
		into = append(into, &r.Units[c])
	}
	if err := row.Scan(into...); err != nil {
		return r, err
	}
	if bucket > 0 {
		r.At = q.Starts[bucket-1]
	}
	if len(q.GroupBy) > 0 {
		r.Values = make(map[usage.Dimension]string, len(q.GroupBy))
	}
	for i, d := range q.GroupBy {
		r.Values[d] = values[i]
		if names[i] != "" {
			if r.Names == nil {
				r.Names = make(map[usage.Dimension]string, 1)
			}
			r.Names[d] = names[i]
		}
	}
	return r, nil
}

// UpTo implements usage.Store. It is zero as long as no proxy has said anything.
func (s *Store) UpTo(ctx context.Context, in tenant.Scope) (time.Time, error) {
	if err := in.Check(); err != nil {
		return time.Time{}, err
	}
	return s.readUpTo(ctx, in.Org())
}

// LastHour implements usage.Store.
func (s *Store) LastHour(ctx context.Context, in tenant.Scope, before time.Time) (time.Time, error) {
	var at *time.Time
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT max(hour) FROM usage_hourly WHERE org_id = $1 AND hour < $2`, string(in.Org()), before).Scan(&at)
	})
	if err != nil || at == nil {
		return time.Time{}, err
	}
	return at.UTC(), nil
}

// Latency implements usage.Store.
func (s *Store) Latency(ctx context.Context, in tenant.Scope, q usage.Query, sample int) (usage.Latency, error) {
	args := []any{string(in.Org()), q.From, q.To, sample + 1}
	conditions := []string{"org_id = $1", "started_at >= $2", "started_at < $3", "outcome IN ('ok', 'broken')"}
	for _, d := range usage.Dimensions {
		if values := q.Filter[d]; len(values) > 0 {
			args = append(args, slices.Clone(values))
			conditions = append(conditions, dimensions(d).column+" = ANY ($"+strconv.Itoa(len(args))+"::text[])")
		}
	}
	var l usage.Latency
	var us [4]int64
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT count(*),
				coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_us), 0), coalesce(percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_us), 0),
				coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY first_byte_us) FILTER (WHERE stream AND first_byte_us > 0), 0),
				coalesce(percentile_disc(0.95) WITHIN GROUP (ORDER BY first_byte_us) FILTER (WHERE stream AND first_byte_us > 0), 0)
			FROM (SELECT duration_us, first_byte_us, stream FROM calls WHERE `+strings.Join(conditions, " AND ")+`
				ORDER BY started_at DESC LIMIT $4) AS c`, args...).Scan(&l.Calls, &us[0], &us[1], &us[2], &us[3])
	})
	if err != nil {
		return l, fmt.Errorf("latency: %w", err)
	}
	l.Sampled = l.Calls > int64(sample)
	l.P50, l.P95 = time.Duration(us[0])*time.Microsecond, time.Duration(us[1])*time.Microsecond
	l.FirstByteP50, l.FirstByteP95 = time.Duration(us[2])*time.Microsecond, time.Duration(us[3])*time.Microsecond
	return l, nil
}
