package budgetpg

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/budget"
	"tollgate/internal/dimension"
	"tollgate/internal/tenant"
)

// trafficPatience bounds a simulation's question.
const trafficPatience = 20 * time.Second

// Traffic implements budget.Store. The provider and model of a call are those of the attempt that answered, or the last one.
func (s *Store) Traffic(ctx context.Context, in tenant.Scope, q budget.TrafficQuery, each func(budget.Passed) error) error {
	args := []any{q.From, q.To, q.Newest}
	where := []string{"started_at >= $1", "started_at < $2"}
	for _, m := range q.Selector {
		value, more := valueOf(m.Dimension, len(args))
		args = append(args, more...)
		args = append(args, m.Value)
		where = append(where, value+" = $"+strconv.Itoa(len(args)))
	}
	subject := "''"
	if q.Each != "" {
		var more []any
		subject, more = valueOf(q.Each, len(args))
		args = append(args, more...)
		where = append(where, subject+" <> ''")
	}
	return s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, fmt.Sprintf(`SET LOCAL statement_timeout = %d`, trafficPatience.Milliseconds())); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT started_at, subject, key_id, cost_nano FROM (
				SELECT started_at, call_id, `+subject+` AS subject, key_id, cost_nano FROM calls WHERE `+strings.Join(where, " AND ")+`
				ORDER BY started_at DESC, call_id DESC LIMIT $3) AS newest ORDER BY started_at, call_id`, args...)
		if err != nil {
			return err
		}
		var p budget.Passed
		_, err = pgx.ForEachRow(rows, []any{&p.At, &p.Subject, (*string)(&p.Key), (*int64)(&p.Cost)}, func() error { return each(p) })
		return err
	})
}

// valueOf is a call's value of a dimension in SQL, with the arguments that it needs behind those there are.
func valueOf(d dimension.Name, have int) (string, []any) {
	if tag, ok := d.TagKey(); ok {
		return "coalesce(tags ->> $" + strconv.Itoa(have+1) + ", '')", []any{tag}
	}
	switch d {
	case dimension.Team:
		return "team_id", nil
	case dimension.Key:
		return "key_id", nil
	case dimension.EndUser:
		return "end_user", nil
	case dimension.Prompt:
		return "prompt_id", nil
	case dimension.PromptVersion:
		return "CASE WHEN prompt_id = '' THEN '' ELSE prompt_id || '@' || prompt_version END", nil
	case dimension.Model:
		return "CASE WHEN model = '' THEN '' ELSE provider || '/' || model END", nil
	default: // environment, workflow, alias, provider: columns of that name; dimension.Check has seen it
		return string(d), nil
	}
}
