package budgetpg

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/budget"
	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/postgres"
)

// Alerts is budget.Alerts.
type Alerts struct{ db *postgres.DB }

var _ budget.Alerts = (*Alerts)(nil)

// NewAlerts returns the alerts' view of a database.
func NewAlerts(db *postgres.DB) *Alerts { return &Alerts{db: db} }

// told is what a pot was told of under a mark.
const told = `SELECT FROM budget_told d WHERE d.org_id = p.org_id AND d.about = replace(p.id::text, '-', '') AND d.mark = `

// openPots are pots of windows that run, of budgets in force, with the limit of now. What is spent and held of one that is open is what it is
// committed to.
const openPots = `budget_pots p
	JOIN budgets b ON b.org_id = p.org_id AND b.id = p.budget_id AND b.archived_at IS NULL AND NOT b.off
	JOIN orgs o ON o.id = p.org_id
	JOIN LATERAL (SELECT l.amount_nano + (SELECT coalesce(sum(r.amount_nano), 0) FROM budget_raises r
			WHERE r.org_id = p.org_id AND r.budget_id = p.budget_id AND r.period = p.period
				AND r.from_at <= $1 AND r.to_at > $1 AND (r.ended_at IS NULL OR r.ended_at > $1)) AS amount
		FROM budget_limits l WHERE l.org_id = p.org_id AND l.budget_id = p.budget_id AND l.period = p.period) AS m ON true`

// shown are the columns of scanCrossing; mark and over stand before it.
const shown = `p.org_id, p.budget_id, b.name, b.selector, b.each, b.mode, p.id, p.period, p.subject, p.starts_at, p.ends_at, m.amount,
	least(coalesce((SELECT sum(s.settled) FROM budget_settlements s WHERE s.org_id = p.org_id AND s.pot = p.id), 0)::bigint + p.adjusted, p.committed), p.committed,
	coalesce((SELECT t.name FROM teams t WHERE b.each = 'team' AND t.org_id = p.org_id AND t.id = p.subject),
		(SELECT k.name FROM keys k WHERE b.each = 'key' AND k.org_id = p.org_id AND k.id = p.subject), ''), o.time_zone`

// Crossed implements budget.Alerts. A budget for each value has by default the mark 100 alone: hundreds of people at the half of theirs are
// no news.
func (a *Alerts) Crossed(ctx context.Context, now time.Time, limit int) (list []budget.Crossing, err error) {
	err = a.db.InSystemPgx(ctx, "budget: find marks that were passed", func(tx pgx.Tx) error {
		list, err = crossings(ctx, tx, crossedSQL, now, limit)
		return err
	})
	return list, err
}

var crossedSQL = `SELECT x.mark, 0::bigint, ` + shown + ` FROM ` + openPots + `
		JOIN LATERAL (SELECT max(mark) AS mark FROM unnest(coalesce(b.alert_at, CASE WHEN b.each = '' THEN '{` + defaultMarks() + `}' ELSE '{100}' END::integer[])) AS mark
			WHERE p.committed::numeric * 100 >= m.amount::numeric * mark) AS x ON x.mark IS NOT NULL
		WHERE p.closed_at IS NULL AND (p.ends_at IS NULL OR p.ends_at > $1) AND p.committed > 0 AND NOT EXISTS (` + told + `x.mark::text)
	ORDER BY p.org_id, p.id LIMIT $2`

func defaultMarks() string {
	words := make([]string, len(budget.DefaultAlerts))
	for i, mark := range budget.DefaultAlerts {
		words[i] = strconv.Itoa(mark)
	}
	return strings.Join(words, ",")
}

// Paced implements budget.Alerts.
func (a *Alerts) Paced(ctx context.Context, now time.Time, limit int) (list []budget.Crossing, err error) {
	err = a.db.InSystemPgx(ctx, "budget: find windows to forecast", func(tx pgx.Tx) error {
		list, err = crossings(ctx, tx, pacedSQL, now, limit)
		return err
	})
	return list, err
}

const pacedSQL = `SELECT 0, 0::bigint, ` + shown + ` FROM ` + openPots + `
		WHERE p.closed_at IS NULL AND p.ends_at > $1 AND p.starts_at <= $1 AND p.period <> 'hour' AND b.each = '' AND p.committed > 0 AND m.amount > 0
			AND cardinality(coalesce(b.alert_at, '{100}')) > 0 AND NOT EXISTS (` + told + `'forecast')
	ORDER BY p.org_id, p.id LIMIT $2`

// Overrun implements budget.Alerts.
func (a *Alerts) Overrun(ctx context.Context, now time.Time, limit int) (list []budget.Crossing, err error) {
	err = a.db.InSystemPgx(ctx, "budget: find hard budgets that were overrun", func(tx pgx.Tx) error {
		list, err = crossings(ctx, tx, overrunSQL, now, limit)
		return err
	})
	return list, err
}

const overrunSQL = `SELECT 0, x.over, ` + shown + ` FROM (
			SELECT e.org_id, e.pot, sum(e.amount)::bigint AS over FROM budget_entries e
			WHERE e.at > $1::timestamptz - interval '2 days' AND e.kind = 'overrun' GROUP BY 1, 2 HAVING sum(e.amount) > 0) AS x
		JOIN ` + openPots + ` ON p.org_id = x.org_id AND p.id = x.pot
		WHERE b.mode = 'block' AND NOT EXISTS (` + told + `'overrun') ORDER BY p.org_id, p.id LIMIT $2`

func crossings(ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]budget.Crossing, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanCrossing)
}

func scanCrossing(row pgx.CollectableRow) (budget.Crossing, error) {
	var c budget.Crossing
	var selector map[string]string
	var from, to *time.Time
	var committed money.NanoUSD
	var zone string
	m := &c.Meter
	err := row.Scan(&c.Mark, (*int64)(&c.Over), (*string)(&c.Org), (*string)(&c.Budget.ID), &c.Budget.Name, &selector, (*string)(&c.Budget.Each),
		(*string)(&c.Budget.Mode), (*[16]byte)(&c.Pot), (*string)(&m.Period), &m.Subject, &from, &to, (*int64)(&m.Limit), (*int64)(&m.Spent),
		(*int64)(&committed), &c.SubjectName, &zone)
	c.Budget.Selector = dimension.FromObject(selector)
	m.Window = budget.Window{Period: m.Period, From: utc(from), To: utc(to)}
	m.Held = committed - m.Spent
	c.Zone = zoneOf(zone)
	return c, err
}

func zoneOf(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}

// Turned implements budget.Alerts. What turned long ago is no news: nobody was listening then.
func (a *Alerts) Turned(ctx context.Context, now time.Time, limit int) (list []budget.Turn, err error) {
	err = a.db.InSystemPgx(ctx, "budget: find raises that have begun or ended", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT r.org_id, b.name, o.time_zone, t.over, `+raiseColumns+`
			FROM budget_raises r JOIN budgets b ON b.org_id = r.org_id AND b.id = r.budget_id JOIN orgs o ON o.id = r.org_id
			JOIN LATERAL (VALUES (false, r.from_at), (true, least(r.to_at, r.ended_at))) AS t (over, at) ON true
			WHERE t.at <= $1 AND t.at > $1 - interval '2 days' AND r.from_at < least(r.to_at, r.ended_at)
				AND NOT EXISTS (SELECT FROM budget_told d WHERE d.org_id = r.org_id AND d.about = r.id AND d.mark = CASE WHEN t.over THEN 'ended' ELSE 'begun' END)
			ORDER BY t.at LIMIT $2`, now, limit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, scanTurn)
		return err
	})
	return list, err
}

func scanTurn(row pgx.CollectableRow) (budget.Turn, error) {
	var t budget.Turn
	var zone string
	var ended *time.Time
	r := &t.Raise
	err := row.Scan((*string)(&t.Org), &t.Budget.Name, &zone, &t.Over, (*string)(&r.ID), (*string)(&r.Budget), (*string)(&r.Period), (*int64)(&r.Amount),
		&r.From, &r.To, &r.Reason, &r.CreatedAt, &r.CreatedBy, &ended)
	t.Budget.ID, t.Zone, r.EndedAt = r.Budget, zoneOf(zone), utc(ended)
	return t, err
}

// Told implements budget.Alerts.
func (a *Alerts) Told(ctx context.Context, org id.Org, about, mark string, upTo int, now time.Time) error {
	return a.db.InSystemPgx(ctx, "budget: keep what was told", func(tx pgx.Tx) error {
		if mark != "" {
			_, err := tx.Exec(ctx, `INSERT INTO budget_told (org_id, about, mark, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, string(org), about, mark, now)
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO budget_told (org_id, about, mark, at)
			SELECT $1, $2::text, mark::text, $4 FROM budget_pots p JOIN budgets b ON b.org_id = p.org_id AND b.id = p.budget_id,
				unnest(coalesce(b.alert_at, '{`+defaultMarks()+`}')) AS mark
			WHERE p.org_id = $1 AND p.id = $2::text::uuid AND mark <= $3 ON CONFLICT DO NOTHING`, string(org), about, upTo, now)
		return err
	})
}

// ForgetTold implements budget.Alerts.
func (a *Alerts) ForgetTold(ctx context.Context, before time.Time) error {
	return a.db.InSystemPgx(ctx, "budget: forget what was told", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM budget_told WHERE at < $1`, before)
		return err
	})
}

// History implements budget.Alerts.
func (a *Alerts) History(ctx context.Context, org id.Org, s dimension.Selector, from, to time.Time) (list []budget.Point, told bool, err error) {
	where, args := []string{"org_id = $1", "hour >= $2", "hour < $3"}, []any{string(org), from, to}
	for _, m := range s {
		column, more := valueOf(m.Dimension, len(args))
		if _, tag := m.Dimension.TagKey(); tag || m.Dimension == dimension.EndUser || len(more) > 0 {
			return nil, false, nil
		}
		args = append(args, m.Value)
		where = append(where, column+" = $"+strconv.Itoa(len(args)))
	}
	err = a.db.InSystemPgx(ctx, "budget: what was spent, for a forecast", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT hour, least(sum(cost_nano), 9223372036854775807)::bigint FROM usage_hourly WHERE `+strings.Join(where, " AND ")+` GROUP BY hour`, args...)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p budget.Point, err error) {
			err = row.Scan(&p.At, (*int64)(&p.Spent))
			return p, err
		})
		return err
	})
	return list, true, err
}
