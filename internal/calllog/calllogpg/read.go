package calllogpg

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/postgres"
	"tollgate/internal/tenant"
)

// read is the beginning of every query of entries. Names are joined, never stored with a call: they may change.
func (s *Store) read() string {
	return `SELECT ` + s.columns + `, coalesce(t.name, ''), coalesce(k.name, ''), coalesce(p.name, '') FROM calls c
		LEFT JOIN teams t ON t.org_id = c.org_id AND t.id = c.team_id
		LEFT JOIN keys k ON k.org_id = c.org_id AND k.id = c.key_id
		LEFT JOIN prompts p ON p.org_id = c.org_id AND p.id = c.prompt_id`
}

// Calls implements calllog.Store.
func (s *Store) Calls(ctx context.Context, in tenant.Scope, f calllog.Filter, t calllog.Turn) ([]calllog.Entry, error) {
	w := where(in, f)
	order := " DESC"
	switch {
	case t.After != nil:
		w.add("(c.started_at, c.call_id) > (?, ?)", t.After.At, [16]byte(t.After.ID))
		order = ""
	case t.Before != nil:
		w.add("(c.started_at, c.call_id) < (?, ?)", t.Before.At, [16]byte(t.Before.ID))
	}
	sql := s.read() + w.sql() + ` ORDER BY c.started_at` + order + `, c.call_id` + order + ` LIMIT ` + strconv.Itoa(t.Limit)
	got, err := s.entries(ctx, in, sql, w.args)
	if t.After != nil {
		slices.Reverse(got)
	}
	return got, err
}

// Call implements calllog.Store.
func (s *Store) Call(ctx context.Context, in tenant.Scope, call id.Call) (calllog.Entry, error) {
	var e calllog.Entry
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		// The id holds the time of the call, so one partition is asked.
		rows, err := tx.Query(ctx, s.read()+` WHERE c.org_id = $1 AND c.started_at = $2 AND c.call_id = $3`,
			string(in.Org()), call.Time(), [16]byte(call))
		if err != nil {
			return err
		}
		if e, err = pgx.CollectExactlyOneRow(rows, scanEntry); err != nil {
			return err
		}
		if !e.HasPayload {
			return nil
		}
		var p calllog.Payload
		err = tx.QueryRow(ctx, `SELECT request, response, cut FROM call_payloads WHERE org_id = $1 AND started_at = $2 AND call_id = $3`,
			string(in.Org()), call.Time(), [16]byte(call)).Scan(&p.Request, &p.Response, &p.Cut)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // its retention has ended
		}
		e.Payload = &p
		return err
	})
	if errors.Is(err, postgres.ErrNoRow) {
		return calllog.Entry{}, calllog.ErrNotFound
	}
	if err != nil {
		return calllog.Entry{}, fmt.Errorf("call: %w", err)
	}
	return e, nil
}

// FirstCall implements calllog.Store.
func (s *Store) FirstCall(ctx context.Context, in tenant.Scope) (call id.Call, found bool, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		var got [16]byte
		err := tx.QueryRow(ctx, `SELECT call_id FROM calls WHERE org_id = $1 ORDER BY started_at, call_id LIMIT 1`, string(in.Org())).Scan(&got)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		call, found = got, err == nil
		return err
	})
	return call, found, err
}

// Since implements calllog.Store. A place is a transaction id before which every transaction has ended: what commits later has a
// higher one, so nothing is passed by, although ids are not given out in the order of commits.
func (s *Store) Since(ctx context.Context, in tenant.Scope, f calllog.Filter, after calllog.Tail, limit int) ([]calllog.Entry, calllog.Tail, error) {
	var got []calllog.Entry
	next := after
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		var now string
		if err := tx.QueryRow(ctx, `SELECT pg_snapshot_xmin(pg_current_snapshot())::text`).Scan(&now); err != nil {
			return err
		}
		n, err := strconv.ParseUint(now, 10, 64)
		if err != nil {
			return err
		}
		next = calllog.Tail(n)
		if after == 0 || next <= after {
			return nil
		}
		w := where(in, f)
		w.add("c.ingested >= ?::text::xid8 AND c.ingested < ?::text::xid8", strconv.FormatUint(uint64(after), 10), now)
		rows, err := tx.Query(ctx, s.read()+w.sql()+` ORDER BY c.started_at DESC, c.call_id DESC LIMIT `+strconv.Itoa(limit), w.args...)
		if err != nil {
			return err
		}
		got, err = pgx.CollectRows(rows, scanEntry)
		return err
	})
	if err != nil {
		return nil, after, fmt.Errorf("calls since: %w", err)
	}
	slices.Reverse(got)
	return got, max(next, after), nil
}

func (s *Store) entries(ctx context.Context, in tenant.Scope, sql string, args []any) ([]calllog.Entry, error) {
	var got []calllog.Entry
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		got, err = pgx.CollectRows(rows, scanEntry)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("calls: %w", err)
	}
	return got, nil
}

// conditions joins conditions by AND. Values are always parameters.
type conditions struct {
	parts []string
	args  []any
}

// add takes a condition with a ? for each value.
func (w *conditions) add(condition string, values ...any) {
	for _, v := range values {
		w.args = append(w.args, v)
		condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(w.args)), 1)
	}
	w.parts = append(w.parts, condition)
}

func (w *conditions) sql() string { return " WHERE " + strings.Join(w.parts, " AND ") }

func where(in tenant.Scope, f calllog.Filter) *conditions {
	w := &conditions{}
	w.add("c.org_id = ?", string(in.Org()))
	if !f.From.IsZero() {
		w.add("c.started_at >= ?", f.From)
	}
	if !f.To.IsZero() {
		w.add("c.started_at < ?", f.To)
	}
	if f.ID != (id.Call{}) {
		w.add("c.call_id = ? AND c.started_at = ?", [16]byte(f.ID), f.ID.Time())
	}
	anyOf(w, "team_id", f.Teams)
	anyOf(w, "key_id", f.Keys)
	anyOf(w, "alias", f.Aliases)
	anyOf(w, "workflow", f.Workflows)
	anyOf(w, "environment", f.Environments)
	anyOf(w, "endpoint", f.Endpoints)
	anyOf(w, "outcome", f.Outcomes)
	anyOf(w, "task", f.Tasks)
	anyOf(w, "arm", f.Arms)
	// Said twice where it names something, so that the partial index can be used.
	anyOf(w, "experiment_id", f.Experiments)
	if len(f.Experiments) > 0 && !slices.Contains(f.Experiments, "") {
		w.add("c.experiment_id <> ''")
	}
	anyOf(w, "batch_id", f.Batches)
	if len(f.Batches) > 0 && !slices.Contains(f.Batches, "") {
		w.add("c.batch_id <> ''")
	}
	wherePrompt(w, f)
	if len(f.CheckedBy) > 0 {
		w.add("c.checks IS NOT NULL AND EXISTS (SELECT FROM jsonb_array_elements(c.checks) AS k WHERE k->>'by' = ANY (?::text[]))", texts(f.CheckedBy))
	}
	// A call belongs to the provider and model that answered, and to those of its other attempts that were used.
	orAttempt(w, "provider", f.Providers)
	orAttempt(w, "model", f.Models)
	if len(f.Outcomes) > 0 && !slices.Contains(f.Outcomes, calllog.OK) {
		w.add("c.outcome <> 'ok'") // said twice, so that the index of bad calls can be used
	}
	if len(f.Statuses) > 0 {
		var exact, classes []int32
		for _, n := range f.Statuses {
			if n < 10 {
				classes = append(classes, int32(n))
			} else {
				exact = append(exact, int32(n))
			}
		}
		w.add("(c.status = ANY (?::int[]) OR c.status / 100 = ANY (?::int[]))", exact, classes)
	}
	if f.EndUser != "" {
		w.add("c.end_user = ?", f.EndUser)
	}
	if f.ErrorCode != "" {
		w.add("c.error_code = ?", f.ErrorCode)
	}
	if len(f.Tags) > 0 {
		w.add("c.tags @> ?::text::jsonb", tagsJSON(f.Tags))
	}
	return w
}

// wherePrompt says what names something twice, so that the partial index can be used.
func wherePrompt(w *conditions, f calllog.Filter) {
	anyOf(w, "prompt_id", f.Prompts)
	if len(f.Prompts) > 0 && !slices.Contains(f.Prompts, "") {
		w.add("c.prompt_id <> ''")
	}
	if len(f.PromptVersions) == 0 {
		return
	}
	var ids []string
	var numbers []int32
	for _, v := range f.PromptVersions {
		ids, numbers = append(ids, text(string(v.Prompt), 64)), append(numbers, int32(v.Number))
	}
	w.add("(c.prompt_id, c.prompt_version) IN (SELECT * FROM unnest(?::text[], ?::int[]))", ids, numbers)
	w.add("c.prompt_id = ANY (?::text[])", ids)
	if !slices.Contains(ids, "") {
		w.add("c.prompt_id <> ''")
	}
}

func anyOf[T ~string](w *conditions, column string, values []T) {
	if len(values) > 0 {
		w.add("c."+column+" = ANY (?::text[])", texts(values))
	}
}

func orAttempt(w *conditions, field string, values []string) {
	if len(values) > 0 {
		w.add(`(c.`+field+` = ANY (?::text[]) OR c.split AND EXISTS (
			SELECT FROM jsonb_array_elements(c.attempts) AS a WHERE a->>'`+field+`' = ANY (?::text[])
				AND (a->'units' <> '{}' OR a->'cost' <> '0')))`, texts(values), texts(values))
	}
}

func texts[T ~string](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = text(string(v), 512)
	}
	return out
}

// scanEntry reads the columns of read.
func scanEntry(row pgx.CollectableRow) (calllog.Entry, error) {
	var e calllog.Entry
	var call [16]byte
	var tags, marks, attempts []byte
	var source int16
	var price string
	var duration, firstByte, overhead int64
	var split bool
	var told *int64
	var unit, fingerprint int64
	var signals int32
	var decision, charges, checks []byte
	into := []any{
		(*string)(&e.Org), &call, &e.StartedAt, &e.Proxy, (*string)(&e.Team), (*string)(&e.Key), &e.Environment, &e.Workflow, &e.EndUser,
		&tags, &e.Endpoint, &e.Dialect, &e.Requested, &e.Alias, &e.AliasVersion, &e.Provider, &e.Model, &e.Stream, &e.Status,
		(*string)(&e.Outcome), &e.ErrorCode, (*string)(&e.Finish),
	}
	for c := range e.Usage.Units {
		into = append(into, &e.Usage.Units[c])
	}
	into = append(into, &source, (*int64)(&e.Cost), &price, &e.Estimated, &duration, &firstByte, &overhead, &e.RequestBytes, &e.ResponseBytes,
		&marks, &attempts, &split, &e.HasPayload, &told, &e.Warnings, &e.Task, &e.TaskBy, (*string)(&e.Experiment), &e.Arm, &e.ArmServed,
		&unit, &e.UnitBy, &signals, &fingerprint, (*string)(&e.Batch), &decision, &charges, &checks, (*string)(&e.Secret),
		(*string)(&e.Prompt), &e.PromptVersion, &e.PromptLabel, &e.TeamName, &e.KeyName, &e.PromptName)
	if err := row.Scan(into...); err != nil {
		return e, err
	}
	e.ID, e.StartedAt = call, e.StartedAt.UTC()
	e.Usage.Source, e.Price = chat.Source(source), fromPriceText(price)
	e.ProviderCost = fromToldNano(told)
	if len(e.Warnings) == 0 {
		e.Warnings = nil
	}
	e.Duration, e.FirstByte, e.Overhead = fromMicros(duration), fromMicros(firstByte), fromMicros(overhead)
	e.Unit, e.Fingerprint, e.Signals = uint64(unit), uint64(fingerprint), calllog.Signals(signals) // as addRouting stored them
	var err error
	if decision != nil {
		err = decodeJSON(decision, &e.Decision)
	}
	if charges != nil {
		err = errors.Join(err, decodeJSON(charges, &e.Charges))
	}
	if checks != nil {
		err = errors.Join(err, decodeJSON(checks, &e.Checks))
	}
	if string(tags) != "{}" {
		err = errors.Join(err, decodeJSON(tags, &e.Tags))
	}
	if string(marks) != "[]" {
		err = errors.Join(err, fromMarks(marks, &e.Record))
	}
	if string(attempts) != "[]" {
		err = errors.Join(err, fromAttempts(attempts, &e.Record))
	}
	return e, err
}

func fromMicros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

func fromMarks(b []byte, r *calllog.Record) error {
	var marks []markJSON
	if err := decodeJSON(b, &marks); err != nil {
		return err
	}
	for _, m := range marks {
		r.Marks = append(r.Marks, calllog.Mark{Stage: m.Stage, At: fromMicros(m.At)})
	}
	return nil
}

func fromAttempts(b []byte, r *calllog.Record) error {
	var attempts []attemptJSON
	if err := decodeJSON(b, &attempts); err != nil {
		return err
	}
	for _, a := range attempts {
		at := calllog.Attempt{
			Number: a.Number, Provider: a.Provider, Model: a.Model, Credential: id.Credential(a.Credential), Start: fromMicros(a.Start),
			FirstByte: fromMicros(a.FirstByte), Duration: fromMicros(a.Duration), Status: a.Status, ErrorClass: a.ErrorClass,
			UpstreamID: a.UpstreamID, Cost: money.NanoUSD(a.Cost), Price: fromPriceText(a.Price), PriceID: id.PriceRecord(a.PriceID),
			ProviderCost: fromToldNano(a.Told),
		}
		at.Usage.Source = chat.Source(a.Source)
		for name, n := range a.Units {
			if c, ok := chat.ParseClass(name); ok {
				at.Usage.Units[c] = n
			}
		}
		r.Attempts = append(r.Attempts, at)
	}
	return nil
}
