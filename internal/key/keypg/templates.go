package keypg

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/money"
	"tollgate/internal/postgres"
	"tollgate/internal/tenant"
)

// templateRow is one line of key_templates.
type templateRow struct {
	ID, Name, CreatedBy  string
	TeamID               *string
	Standard, Bounding   bool
	Policy               []byte
	Revision             int
	CreatedAt, UpdatedAt time.Time
}

const templateColumns = `id, name, team_id, standard, bounding, policy, revision, created_at, created_by, updated_at`

// policyDoc is a policy as it is stored.
type policyDoc struct {
	Environment     string            `json:"environment,omitempty"`
	Aliases         []string          `json:"aliases,omitempty"`
	Models          []string          `json:"models,omitempty"`
	Endpoints       []key.Endpoint    `json:"endpoints,omitempty"`
	Networks        []netip.Prefix    `json:"networks,omitempty"`
	LifetimeSeconds int64             `json:"lifetime_seconds,omitempty"`
	Workflow        string            `json:"workflow,omitempty"`
	Task            string            `json:"task,omitempty"`
	Tags            map[string]string `json:"tags,omitempty"`
	Privacy         key.Privacy       `json:"privacy,omitempty"`
	DropUnsupported bool              `json:"drop_unsupported,omitempty"`
	BudgetStatus    int               `json:"budget_status,omitempty"`
	BudgetNano      int64             `json:"budget_nano,omitempty"`
	BudgetPeriod    string            `json:"budget_period,omitempty"`
	RPM             int64             `json:"rpm,omitempty"`
	TPM             int64             `json:"tpm,omitempty"`
	Concurrency     int64             `json:"concurrency,omitempty"`
}

func fromPolicy(p key.Policy) policyDoc {
	d := policyDoc{
		Environment: p.Environment, Aliases: p.Aliases, Models: p.Models, Endpoints: p.Endpoints, Networks: p.Networks,
		LifetimeSeconds: int64(p.Lifetime / time.Second), Workflow: p.Workflow, Task: p.Task, Tags: p.Tags, Privacy: p.Privacy,
		DropUnsupported: p.DropUnsupported, BudgetStatus: p.BudgetStatus, RPM: p.Limits.RPM, TPM: p.Limits.TPM, Concurrency: p.Limits.Concurrency,
	}
	if p.Budget != nil {
		d.BudgetNano, d.BudgetPeriod = int64(p.Budget.Amount), p.Budget.Period
	}
	return d
}

func (d policyDoc) policy() key.Policy {
	p := key.Policy{
		Environment: d.Environment, Aliases: d.Aliases, Models: d.Models, Endpoints: d.Endpoints, Networks: d.Networks,
		Lifetime: time.Duration(d.LifetimeSeconds) * time.Second, Workflow: d.Workflow, Task: d.Task, Tags: d.Tags, Privacy: d.Privacy,
		DropUnsupported: d.DropUnsupported, BudgetStatus: d.BudgetStatus, Limits: key.Pace{RPM: d.RPM, TPM: d.TPM, Concurrency: d.Concurrency},
	}
	if d.BudgetNano > 0 {
		p.Budget = &key.Allowance{Amount: money.NanoUSD(d.BudgetNano), Period: d.BudgetPeriod}
	}
	return p
}

func toTemplate(r templateRow) (key.Template, error) {
	t := key.Template{
		ID: id.Template(r.ID), Name: r.Name, Standard: r.Standard, Bounding: r.Bounding, Revision: r.Revision,
		CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy, UpdatedAt: r.UpdatedAt.UTC(),
	}
	if r.TeamID != nil {
		t.Team = id.Team(*r.TeamID)
	}
	var d policyDoc
	err := json.Unmarshal(r.Policy, &d)
	t.Policy = d.policy()
	return t, err
}

func templateArguments(in tenant.Scope, t key.Template) pgx.NamedArgs {
	args := pgx.NamedArgs{
		"org": string(in.Org()), "id": string(t.ID), "name": t.Name, "team": nil, "standard": t.Standard, "bounding": t.Bounding,
		"policy": fromPolicy(t.Policy), "revision": t.Revision, "created_at": t.CreatedAt, "created_by": t.CreatedBy, "updated_at": t.UpdatedAt,
	}
	if t.Team != "" {
		args["team"] = string(t.Team)
	}
	return args
}

// InsertTemplate implements key.TemplateStore.
func (s *Store) InsertTemplate(ctx context.Context, in tenant.Scope, t key.Template) error {
	return ofTemplate(s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO key_templates (org_id, id, name, team_id, standard, bounding, policy, revision, created_at, created_by, updated_at)
			VALUES (@org, @id, @name, @team, @standard, @bounding, @policy, @revision, @created_at, @created_by, @updated_at)`, templateArguments(in, t))
		return err
	}))
}

// Template implements key.TemplateStore.
func (s *Store) Template(ctx context.Context, in tenant.Scope, which id.Template) (t key.Template, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) (err error) {
		t, err = oneTemplate(ctx, tx, which, "")
		return err
	})
	return t, ofTemplate(err)
}

func oneTemplate(ctx context.Context, tx pgx.Tx, which id.Template, lock string) (key.Template, error) {
	rows, err := tx.Query(ctx, `SELECT `+templateColumns+` FROM key_templates WHERE id = $1 `+lock, string(which))
	if err != nil {
		return key.Template{}, err
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[templateRow])
	if err != nil {
		return key.Template{}, err
	}
	return toTemplate(r)
}

// Templates implements key.TemplateStore.
func (s *Store) Templates(ctx context.Context, in tenant.Scope) (list []key.Template, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+templateColumns+` FROM key_templates ORDER BY lower(name), id`)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (key.Template, error) {
			r, err := pgx.RowToStructByName[templateRow](row)
			if err != nil {
				return key.Template{}, err
			}
			return toTemplate(r)
		})
		return err
	})
	return list, err
}

// ChangeTemplate implements key.TemplateStore.
func (s *Store) ChangeTemplate(ctx context.Context, in tenant.Scope, which id.Template, fn func(key.Template) (key.Template, error)) (t key.Template, err error) {
	err = s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		was, err := oneTemplate(ctx, tx, which, "FOR UPDATE")
		if err != nil {
			return err
		}
		if t, err = fn(was); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			UPDATE key_templates SET name = @name, team_id = @team, standard = @standard, bounding = @bounding, policy = @policy,
				revision = @revision, updated_at = @updated_at WHERE id = @id`, templateArguments(in, t))
		return err
	})
	return t, ofTemplate(err)
}

// DeleteTemplate implements key.TemplateStore.
func (s *Store) DeleteTemplate(ctx context.Context, in tenant.Scope, which id.Template) error {
	return s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM key_templates WHERE id = $1`, string(which))
		if err == nil && tag.RowsAffected() == 0 {
			return key.ErrNoTemplate
		}
		return err
	})
}

func ofTemplate(err error) error {
	var conflict *postgres.Conflict
	var reference *postgres.Reference
	switch {
	case errors.Is(err, postgres.ErrNoRow):
		return key.ErrNoTemplate.Because(err)
	case errors.As(err, &conflict) && conflict.Constraint == "key_templates_name_taken":
		return key.ErrTemplateTaken.Because(err).At("name")
	case errors.As(err, &conflict) && conflict.Constraint == "key_templates_standard_taken":
		return key.ErrStandardTaken.Because(err).At("standard")
	case errors.As(err, &reference) && reference.Constraint == "key_templates_team":
		return key.ErrNoTeam.Because(err).At("team_id")
	}
	return err
}
