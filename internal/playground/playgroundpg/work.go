package playgroundpg

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/playground"
	"tollgate/internal/tenant"
)

// Unfinished implements playground.RunnerStore. The worker goes on in the name of who started the run: that request was authenticated for
// the organization whose row this is.
func (s *Store) Unfinished(ctx context.Context) (list []playground.Standing, err error) {
	err = s.db.InSystemPgx(ctx, "find runs of playgrounds that go on", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT org_id, id, created_by FROM playground_runs WHERE status = 'running' ORDER BY org_id, id`)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (st playground.Standing, err error) {
			var org id.Org
			var by string
			err = row.Scan((*string)(&org), (*string)(&st.ID), &by)
			st.In = tenant.Authenticated(org, actor(by), tenant.Developer) //nolint:forbidigo // the request that started it was authenticated
			return st, err
		})
		return err
	})
	return list, err
}

// actor is who an id of a record's author belongs to.
func actor(by string) tenant.Actor {
	if strings.HasPrefix(by, "tok_") {
		return tenant.Actor{Token: id.Token(by)}
	}
	return tenant.Actor{User: id.User(by)}
}

// Claim implements playground.RunnerStore. The run's row is held against a change of its status meanwhile. Two workers may choose the same
// tasks: the table's key gives each to one.
func (s *Store) Claim(ctx context.Context, in tenant.Scope, which id.PlaygroundRun, limit int, now time.Time) (list []playground.Task, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		var columns int
		err := tx.QueryRow(ctx, `SELECT columns FROM playground_runs WHERE id = $1 AND status = 'running' FOR SHARE`, string(which)).Scan(&columns)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT t.number, t.variables, t.message, t.expected, c.col
			FROM playground_rows t CROSS JOIN generate_series(0, $2::int - 1) AS c (col)
			WHERE t.run_id = $1 AND NOT EXISTS (SELECT FROM playground_results x WHERE x.org_id = t.org_id AND x.run_id = t.run_id AND x.number = t.number AND x.col = c.col)
			ORDER BY t.number, c.col LIMIT $3`, string(which), columns, limit)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, scanTask)
		if err != nil {
			return err
		}
		for _, t := range found {
			t.Call, t.Since = id.NewCall(), now
			tag, err := tx.Exec(ctx, `INSERT INTO playground_results (org_id, run_id, number, col, call_id, claimed_at) VALUES ($1, $2, $3, $4, $5, $6)
				ON CONFLICT DO NOTHING`, string(in.Org()), string(which), t.Row.Number, t.Column, [16]byte(t.Call), now)
			if err != nil {
				return err
			}
			if tag.RowsAffected() == 1 {
				list = append(list, t)
			}
		}
		return nil
	})
	return list, err
}

func scanTask(row pgx.CollectableRow) (t playground.Task, err error) {
	var variables []byte
	if err = row.Scan(&t.Row.Number, &variables, &t.Row.Message, &t.Row.Expected, &t.Column); err == nil {
		err = json.Unmarshal(variables, &t.Row.Variables)
	}
	return t, err
}

// Stale implements playground.RunnerStore.
func (s *Store) Stale(ctx context.Context, in tenant.Scope, which id.PlaygroundRun, before, now time.Time) (list []playground.Task, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `WITH mine AS (
				UPDATE playground_results SET claimed_at = $3 WHERE run_id = $1 AND NOT done AND claimed_at < $2 RETURNING number, col, call_id)
			SELECT t.number, t.variables, t.message, t.expected, m.col, m.call_id
			FROM mine m JOIN playground_rows t ON t.run_id = $1 AND t.number = m.number ORDER BY t.number, m.col`, string(which), before, now)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (t playground.Task, err error) {
			var variables []byte
			if err = row.Scan(&t.Row.Number, &variables, &t.Row.Message, &t.Row.Expected, &t.Column, (*[16]byte)(&t.Call)); err == nil {
				err = json.Unmarshal(variables, &t.Row.Variables)
			}
			t.Since = now
			return t, err
		})
		return err
	})
	return list, err
}

// said is what is stored of an answer beside its figures.
type said struct {
	Text      string                `json:"text,omitempty"`
	Reasoning string                `json:"reasoning,omitempty"`
	Tools     []playground.ToolCall `json:"tools,omitempty"`
	Finish    string                `json:"finish,omitempty"`
	Provider  string                `json:"provider,omitempty"`
	Model     string                `json:"model,omitempty"`
	Prompt    string                `json:"prompt,omitempty"`
	Error     string                `json:"error,omitempty"`
	Code      string                `json:"code,omitempty"`
	Cut       bool                  `json:"cut,omitempty"`
}

// textMax is how much of a text is stored.
const textMax = 64 << 10

func clip(text string, cut *bool) string {
	text = strings.ReplaceAll(text, "\x00", "")
	if len(text) <= textMax {
		return text
	}
	*cut = true
	return strings.ToValidUTF8(text[:textMax], "")
}

// Put implements playground.RunnerStore.
func (s *Store) Put(ctx context.Context, in tenant.Scope, which id.PlaygroundRun, r playground.Result) error {
	a := r.Answer
	what := said{Tools: a.Tools, Finish: a.Finish, Provider: a.Provider, Model: a.Model, Prompt: a.Prompt, Error: a.Error, Code: a.Code, Cut: a.Cut}
	what.Text, what.Reasoning = clip(a.Text, &what.Cut), clip(a.Reasoning, &what.Cut)
	answer, err := json.Marshal(what)
	if err != nil {
		return err
	}
	verdicts, err := json.Marshal(append([]playground.Verdict{}, r.Verdicts...))
	if err != nil {
		return err
	}
	var cost *int64
	if a.Cost >= 0 {
		cost = new(int64)
		*cost = int64(a.Cost)
	}
	var judge *[16]byte
	if r.JudgeCall != (id.Call{}) {
		judge = (*[16]byte)(&r.JudgeCall)
	}
	return s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE playground_results SET done = true, failed = $4, status = $5, answer = $6, cost_nano = $7, input = $8, output = $9,
			first_ns = $10, took_ns = $11, verdicts = $12, score = $13, note = $14, judge_call = $15, judge_nano = $16
			WHERE run_id = $1 AND number = $2 AND col = $3 AND NOT done`,
			string(which), r.Row, r.Column, !a.OK(), a.Status, answer, cost, a.Input, a.Output, int64(a.First), int64(a.Took), verdicts, r.Score, r.Note, judge, int64(max(r.JudgeCost, 0)))
		return err
	})
}

// Release implements playground.RunnerStore.
func (s *Store) Release(ctx context.Context, in tenant.Scope, which id.PlaygroundRun, row, column int) error {
	return s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM playground_results WHERE run_id = $1 AND number = $2 AND col = $3 AND NOT done`, string(which), row, column)
		return err
	})
}

// Finish implements playground.RunnerStore.
func (s *Store) Finish(ctx context.Context, in tenant.Scope, which id.PlaygroundRun, at time.Time) (ended bool, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE playground_runs r SET status = 'done', ended_at = $2, revision = revision + 1
			WHERE id = $1 AND status = 'running'
				AND r.rows * r.columns = (SELECT count(*) FROM playground_results x WHERE x.org_id = r.org_id AND x.run_id = r.id AND x.done)`, string(which), at)
		ended = tag.RowsAffected() == 1
		return err
	})
	return ended, err
}

// Lines implements playground.Store.
func (s *Store) Lines(ctx context.Context, in tenant.Scope, which id.PlaygroundRun, after, limit int, brief bool) (list []playground.Line, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		if _, err := oneRun(ctx, tx, which, ""); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT number, variables, message, expected, 0 FROM playground_rows WHERE run_id = $1 AND number > $2 ORDER BY number LIMIT $3`,
			string(which), after, limit)
		if err != nil {
			return err
		}
		tasks, err := pgx.CollectRows(rows, scanTask)
		if err != nil || len(tasks) == 0 {
			return err
		}
		at := map[int]int{}
		for i, t := range tasks {
			at[t.Row.Number] = i
			list = append(list, playground.Line{Row: t.Row})
		}
		answer := "answer"
		if brief {
			answer = `json_build_object('error', answer->>'error')`
		}
		rows, err = tx.Query(ctx, `SELECT number, col, call_id, done, status, `+answer+`, cost_nano, input, output, first_ns, took_ns, verdicts, score, note, judge_call, judge_nano
			FROM playground_results WHERE run_id = $1 AND number > $2 AND number <= $3 ORDER BY number, col`, string(which), after, tasks[len(tasks)-1].Row.Number)
		if err != nil {
			return err
		}
		results, err := pgx.CollectRows(rows, scanResult)
		for _, r := range results {
			line := &list[at[r.Row]]
			line.Results = append(line.Results, r)
		}
		return err
	})
	return list, missing(err)
}

func scanResult(row pgx.CollectableRow) (r playground.Result, err error) {
	var done bool
	var answer, verdicts []byte
	var cost *int64
	var judge *[16]byte
	a := &r.Answer
	if err = row.Scan(&r.Row, &r.Column, (*[16]byte)(&a.Call), &done, &a.Status, &answer, &cost, &a.Input, &a.Output, (*int64)(&a.First), (*int64)(&a.Took),
		&verdicts, &r.Score, &r.Note, &judge, (*int64)(&r.JudgeCost)); err != nil {
		return r, err
	}
	r.Pending, a.Cost = !done, -1
	if cost != nil {
		a.Cost = money.NanoUSD(*cost)
	}
	if judge != nil {
		r.JudgeCall = *judge
	}
	if done && a.Status == 0 { // it was refused before there was a call
		a.Call = id.Call{}
	}
	var what said
	if len(answer) > 0 {
		err = json.Unmarshal(answer, &what)
	}
	a.Text, a.Reasoning, a.Tools, a.Finish = what.Text, what.Reasoning, what.Tools, what.Finish
	a.Provider, a.Model, a.Prompt, a.Error, a.Code, a.Cut = what.Provider, what.Model, what.Prompt, what.Error, what.Code, what.Cut
	if len(verdicts) > 0 {
		err = errors.Join(err, json.Unmarshal(verdicts, &r.Verdicts))
	}
	return r, err
}
