package promptpg

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

// rampDoc is a ramp in the document that heads makes of it. Times of a plan are seconds.
type rampDoc struct {
	To       int        `json:"to"`
	Share    int        `json:"share"`
	Shares   []int      `json:"shares"`
	Pause    int64      `json:"pause"`
	StopOver int        `json:"stop_over"`
	Next     *time.Time `json:"next"`
	Stepped  time.Time  `json:"stepped"`
	Started  time.Time  `json:"started"`
	By       string     `json:"by"`
}

func (r *row) ramps(p *prompt.Prompt) error {
	var docs map[string]rampDoc
	if err := json.Unmarshal([]byte(r.Ramps), &docs); err != nil {
		return fmt.Errorf("ramps of %s: %w", r.ID, err)
	}
	for label, d := range docs {
		if p.Ramps == nil {
			p.Ramps = make(map[string]prompt.Ramp, len(docs))
		}
		p.Ramps[label] = prompt.Ramp{
			To: d.To, Share: d.Share, Plan: prompt.Plan{Shares: d.Shares, Pause: time.Duration(d.Pause) * time.Second, StopOver: d.StopOver},
			NextAt: utc(d.Next), SteppedAt: d.Stepped.UTC(), StartedAt: d.Started.UTC(), By: d.By,
		}
	}
	return nil
}

// ramp writes a prompt's ramps as they are in it.
func (d *desk) ramp(p prompt.Prompt) error {
	err := d.tx.Exec(`DELETE FROM prompt_ramps WHERE prompt_id = ? AND NOT label = ANY (ARRAY(SELECT jsonb_array_elements_text(?::jsonb)))`, string(p.ID), list(p.Moving())).Error
	if err != nil {
		return err
	}
	for _, label := range p.Moving() {
		r := p.Ramps[label]
		shares, err := json.Marshal(r.Shares)
		if err != nil {
			return err
		}
		err = d.tx.Exec(`INSERT INTO prompt_ramps (org_id, prompt_id, label, to_version, share, shares, pause, stop_over, next_at, stepped_at, started_at, started_by)
			VALUES (?, ?, ?, ?, ?, ?::jsonb, ? * interval '1 second', ?, ?, ?, ?, ?)
			ON CONFLICT (org_id, prompt_id, label) DO UPDATE SET to_version = excluded.to_version, share = excluded.share, shares = excluded.shares,
				pause = excluded.pause, stop_over = excluded.stop_over, next_at = excluded.next_at, stepped_at = excluded.stepped_at,
				started_at = excluded.started_at, started_by = excluded.started_by`,
			string(d.in.Org()), string(p.ID), label, r.To, r.Share, string(shares), int64(r.Pause/time.Second), r.StopOver, null(r.NextAt), r.SteppedAt, r.StartedAt, r.By).Error
		if err != nil {
			return err
		}
	}
	return nil
}

func utc(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func null(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Rules implements prompt.Store.
func (s *Store) Rules(ctx context.Context, in tenant.Scope) (r prompt.Rules, err error) {
	err = s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		r, err = rules(tx)
		return err
	})
	return r, err
}

// Rules implements prompt.Desk.
func (d *desk) Rules() (prompt.Rules, error) { return rules(d.tx) }

func rules(tx *gorm.DB) (prompt.Rules, error) {
	var rows []struct {
		Protected, Environments string // jsonb
		Approvals               bool
		Revision                int
	}
	err := tx.Raw(`SELECT coalesce((SELECT jsonb_agg(label ORDER BY label COLLATE "C") FROM prompt_protections), '[]') AS protected,
		coalesce((SELECT jsonb_object_agg(environment, label) FROM prompt_environments), '{}') AS environments,
		coalesce((SELECT approvals FROM prompt_settings), false) AS approvals, coalesce((SELECT revision FROM prompt_settings), 0) AS revision`).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return prompt.Rules{}, err
	}
	r := prompt.Rules{Approvals: rows[0].Approvals, Revision: rows[0].Revision}
	if err := json.Unmarshal([]byte(rows[0].Environments), &r.Environments); err != nil {
		return r, fmt.Errorf("environments of prompts: %w", err)
	}
	if rows[0].Protected != "[]" {
		err = json.Unmarshal([]byte(rows[0].Protected), &r.Protected)
	}
	return r, err
}

// PutRules implements prompt.Desk.
func (d *desk) PutRules(r prompt.Rules) error {
	org, by := string(d.in.Org()), d.in.Actor().ID()
	environments, err := json.Marshal(r.Environments)
	if err != nil {
		return err
	}
	if r.Environments == nil {
		environments = []byte("{}")
	}
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{`INSERT INTO prompt_settings (org_id, approvals, revision) VALUES (?, ?, ?)
			ON CONFLICT (org_id) DO UPDATE SET approvals = excluded.approvals, revision = excluded.revision`, []any{org, r.Approvals, r.Revision}},
		{`DELETE FROM prompt_protections WHERE NOT label = ANY (ARRAY(SELECT jsonb_array_elements_text(?::jsonb)))`, []any{list(r.Protected)}},
		{`INSERT INTO prompt_protections (org_id, label, created_at, created_by)
			SELECT ?, l, now(), ? FROM jsonb_array_elements_text(?::jsonb) AS t (l) ON CONFLICT DO NOTHING`, []any{org, by, list(r.Protected)}},
		{`DELETE FROM prompt_environments WHERE NOT environment = ANY (ARRAY(SELECT jsonb_object_keys(?::jsonb)))`, []any{string(environments)}},
		{`INSERT INTO prompt_environments (org_id, environment, label) SELECT ?, key, value FROM jsonb_each_text(?::jsonb)
			ON CONFLICT (org_id, environment) DO UPDATE SET label = excluded.label`, []any{org, string(environments)}},
	} {
		if err := d.tx.Exec(step.sql, step.args...).Error; err != nil {
			return err
		}
	}
	return nil
}

// requestRow is one line of the prompt_requests table, with the name of its prompt.
type requestRow struct {
	ID, PromptID, Name, Label       string
	FromVersion, ToVersion          *int
	Plan                            *string // jsonb
	At, AnsweredAt, EndedAt         *time.Time
	Why, State, AskedBy, AnsweredBy string
	Answer, Reason                  string
	AskedAt                         time.Time
}

const requestColumns = `SELECT r.id, r.prompt_id, p.name, r.label, r.from_version, r.to_version, r.plan, r.at, r.answered_at, r.ended_at, r.why, r.state,
	r.asked_by, r.answered_by, r.answer, r.reason, r.asked_at
	FROM prompt_requests r JOIN prompts p ON p.org_id = r.org_id AND p.id = r.prompt_id WHERE true`

// planDoc is a plan in a request's document. The pause is seconds.
type planDoc struct {
	Shares   []int `json:"shares"`
	Pause    int64 `json:"pause"`
	StopOver int   `json:"stop_over,omitempty"`
}

func (r *requestRow) request() (prompt.Request, error) {
	out := prompt.Request{
		ID: id.PromptRequest(r.ID), Prompt: id.Prompt(r.PromptID), Name: r.Name, From: orZero(r.FromVersion),
		Wish:  prompt.Wish{Label: r.Label, To: orZero(r.ToVersion), At: utc(r.At), Why: r.Why},
		State: prompt.State(r.State), AskedBy: r.AskedBy, AskedAt: r.AskedAt.UTC(), AnsweredBy: r.AnsweredBy, AnsweredAt: utc(r.AnsweredAt), Answer: r.Answer,
		EndedAt: utc(r.EndedAt), Reason: r.Reason,
	}
	if r.Plan != nil {
		var d planDoc
		if err := json.Unmarshal([]byte(*r.Plan), &d); err != nil {
			return out, fmt.Errorf("plan of %s: %w", r.ID, err)
		}
		out.Plan = &prompt.Plan{Shares: d.Shares, Pause: time.Duration(d.Pause) * time.Second, StopOver: d.StopOver}
	}
	return out, nil
}

func requests(tx *gorm.DB, where string, args ...any) ([]prompt.Request, error) {
	var rows []requestRow
	if err := tx.Raw(requestColumns+where, args...).Scan(&rows).Error; err != nil {
		return nil, err
	}
	out := make([]prompt.Request, len(rows))
	for i := range rows {
		var err error
		if out[i], err = rows[i].request(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Requests implements prompt.Store.
func (s *Store) Requests(ctx context.Context, in tenant.Scope, f prompt.RequestFilter, before id.PromptRequest, limit int) (out []prompt.Request, err error) {
	where, args := []string{""}, []any{}
	add := func(condition string, arg any) { where, args = append(where, condition), append(args, arg) }
	if f.Prompt != "" {
		add(`r.prompt_id = ?`, string(f.Prompt))
	}
	if f.Open {
		where = append(where, `r.ended_at IS NULL`)
	}
	if before != "" {
		add(`r.id COLLATE "C" < ?`, string(before))
	}
	err = s.db.InTenant(ctx, in, func(tx *gorm.DB) error {
		if f.Prompt != "" {
			if err := exists(tx, f.Prompt); err != nil {
				return err
			}
		}
		out, err = requests(tx, strings.Join(where, ` AND `)+` ORDER BY r.id COLLATE "C" DESC LIMIT ?`, append(args, limit)...)
		return err
	})
	return out, err
}

// exists refuses a prompt that is none of the organization's.
func exists(tx *gorm.DB, which id.Prompt) error {
	var n int
	if err := tx.Raw(`SELECT count(*) FROM prompts WHERE id = ?`, string(which)).Scan(&n).Error; err != nil || n > 0 {
		return err
	}
	return prompt.ErrNotFound
}

// Request implements prompt.Desk.
func (d *desk) Request(of id.Prompt, which id.PromptRequest) (prompt.Request, bool, error) {
	found, err := requests(d.tx, ` AND r.prompt_id = ? AND r.id = ?`, string(of), string(which))
	if err != nil || len(found) == 0 {
		return prompt.Request{}, false, err
	}
	return found[0], true, nil
}

// Open implements prompt.Desk.
func (d *desk) Open(of id.Prompt) (n int, err error) {
	err = d.tx.Raw(`SELECT count(*) FROM prompt_requests WHERE prompt_id = ? AND ended_at IS NULL`, string(of)).Scan(&n).Error
	return n, err
}

// PutRequest implements prompt.Desk.
func (d *desk) PutRequest(r prompt.Request) error {
	var plan *string
	if r.Plan != nil {
		raw, err := json.Marshal(planDoc{r.Plan.Shares, int64(r.Plan.Pause / time.Second), r.Plan.StopOver})
		if err != nil {
			return err
		}
		doc := string(raw)
		plan = &doc
	}
	return d.tx.Exec(`INSERT INTO prompt_requests (org_id, id, prompt_id, label, from_version, to_version, plan, at, why, state, asked_by, asked_at,
			answered_by, answered_at, answer, ended_at, reason)
		VALUES (?, ?, ?, ?, ?, ?, ?::jsonb, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (org_id, id) DO UPDATE SET state = excluded.state, answered_by = excluded.answered_by, answered_at = excluded.answered_at,
			answer = excluded.answer, ended_at = excluded.ended_at, reason = excluded.reason`,
		string(d.in.Org()), string(r.ID), string(r.Prompt), r.Label, orNull(r.From), orNull(r.To), plan, null(r.At), r.Why, string(r.State), r.AskedBy, r.AskedAt,
		r.AnsweredBy, null(r.AnsweredAt), r.Answer, null(r.EndedAt), r.Reason).Error
}

// Person implements prompt.Desk. Of a token that a token made, or that came with the installation, nobody knows the person.
func (d *desk) Person(actor string) (who id.User, err error) {
	if strings.HasPrefix(actor, "user_") {
		return id.User(actor), nil
	}
	var rows []string
	err = d.tx.Raw(`SELECT coalesce(created_by, '') FROM tokens WHERE id = ?`, actor).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return id.User(rows[0]), nil
}
