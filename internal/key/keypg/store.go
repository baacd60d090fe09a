// Package keypg keeps virtual keys in PostgreSQL. It sees hashes, never secrets.
package keypg

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/postgres"
	"tollgate/internal/tenant"
)

// Store is key.Store.
type Store struct{ db *postgres.DB }

var _ key.Store = (*Store)(nil)

// New returns the store in a database.
func New(db *postgres.DB) *Store { return &Store{db: db} }

// row is one line of the keys table.
type row struct {
	ID, TeamID, Name, Environment, Workflow, Task, Privacy, CreatedBy string
	Kind, Owner, TemplateID                                           string
	Aliases, Models, Endpoints                                        []string
	Networks                                                          []netip.Prefix
	Tags                                                              map[string]string
	ExpiresAt, RevokedAt, LastUsedAt, DisabledAt                      *time.Time // NULL means never
	CreatedAt                                                         time.Time
	Revision, Cuts, BudgetStatus                                      int
	DropUnsupported                                                   bool
}

const columns = `id, team_id, name, environment, aliases, models, endpoints, networks, expires_at, workflow, tags, privacy, revision, created_at,
	created_by, revoked_at, last_used_at, drop_unsupported, task, kind, owner, template_id, disabled_at, cuts, budget_status`

// seen is the condition under which the caller sees a key: a personal one is its owner's and the admins'.
func seen(in tenant.Scope, args pgx.NamedArgs) string {
	if key.Oversees(in) {
		return "true"
	}
	args["me"] = string(in.Actor().User)
	return "(kind <> 'personal' OR owner = @me)"
}

// Insert implements key.Store.
func (s *Store) Insert(ctx context.Context, in tenant.Scope, keys ...key.Fresh) error {
	return translate(s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		for _, f := range keys {
			if err := insert(ctx, tx, in, f.Key); err != nil {
				return err
			}
			if err := addSecrets(ctx, tx, in, f.Key.ID, f.Secrets); err != nil {
				return err
			}
		}
		return nil
	}))
}

func insert(ctx context.Context, tx pgx.Tx, in tenant.Scope, k key.Key) error {
	if k.Owner != "" {
		var member bool
		if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM members WHERE user_id = $1)`, string(k.Owner)).Scan(&member); err != nil {
			return err
		}
		if !member {
			return key.ErrNoOwner.At("owner_id")
		}
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO keys (org_id, id, team_id, name, environment, aliases, models, endpoints, networks, expires_at, workflow, tags, privacy,
			revision, created_at, created_by, revoked_at, drop_unsupported, task, kind, owner, template_id, disabled_at, cuts, budget_status)
		VALUES (@org, @id, @team, @name, @environment, @aliases, @models, @endpoints, @networks, @expires_at, @workflow, @tags, @privacy,
			@revision, @created_at, @created_by, @revoked_at, @drop_unsupported, @task, @kind, @owner, @template, @disabled_at, @cuts, @budget_status)`,
		arguments(in, k))
	return err
}

// Key implements key.Store.
func (s *Store) Key(ctx context.Context, in tenant.Scope, which id.Key) (key.Key, error) {
	var k key.Key
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) (err error) {
		k, err = one(ctx, tx, in, which, "")
		return err
	})
	return k, translate(err)
}

func one(ctx context.Context, tx pgx.Tx, in tenant.Scope, which id.Key, lock string) (key.Key, error) {
	args := pgx.NamedArgs{"id": string(which)}
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM keys WHERE id = @id AND `+seen(in, args)+` `+lock, args)
	if err != nil {
		return key.Key{}, err
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[row])
	if err != nil {
		return key.Key{}, err
	}
	list := []key.Key{toKey(r)}
	err = withSecrets(ctx, tx, list)
	return list[0], err
}

// Keys implements key.Store. Ids begin with their time, so that the order of ids is the order of making.
func (s *Store) Keys(ctx context.Context, in tenant.Scope, f key.Filter, now time.Time, after id.Key, limit int) ([]key.Key, error) {
	where, args := conditions(f, now)
	where = append(where, seen(in, args))
	if after != "" {
		where = append(where, "id < @after")
		args["after"] = string(after)
	}
	args["limit"] = limit
	var keys []key.Key
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+columns+` FROM keys WHERE `+strings.Join(where, " AND ")+` ORDER BY id DESC LIMIT @limit`, args)
		if err != nil {
			return err
		}
		keys, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (key.Key, error) {
			got, err := pgx.RowToStructByName[row](r)
			return toKey(got), err
		})
		if err != nil {
			return err
		}
		return withSecrets(ctx, tx, keys)
	})
	return keys, translate(err)
}

// conditions are joined by AND; values travel as arguments only.
func conditions(f key.Filter, now time.Time) ([]string, pgx.NamedArgs) {
	where, args := []string{"true"}, pgx.NamedArgs{"now": now}
	add := func(condition, name string, value any) {
		where = append(where, condition)
		args[name] = value
	}
	if f.Team != "" {
		add("team_id = @team", "team", string(f.Team))
	}
	if f.Environment != "" {
		add("environment = @environment", "environment", f.Environment)
	}
	switch f.State {
	case key.Usable:
		where = append(where, "revoked_at IS NULL AND disabled_at IS NULL AND (expires_at IS NULL OR expires_at > @now)")
	case key.Expired:
		where = append(where, "revoked_at IS NULL AND expires_at <= @now")
	case key.Disabled:
		where = append(where, "revoked_at IS NULL AND disabled_at IS NOT NULL")
	case key.Revoked:
		where = append(where, "revoked_at IS NOT NULL")
	}
	if f.Text != "" { // strpos, not LIKE: % and _ are ordinary characters here
		add(`(strpos(lower(name), lower(@text)) > 0 OR EXISTS (SELECT FROM key_secrets s WHERE s.org_id = keys.org_id AND s.key_id = keys.id
			AND (strpos(s.prefix, @text) > 0 OR s.last4 = right(@text, 4))))`, "text", f.Text)
	}
	if !f.UnusedSince.IsZero() {
		add("(last_used_at IS NULL OR last_used_at < @unused)", "unused", f.UnusedSince)
	}
	if !f.ExpiringBefore.IsZero() {
		add("revoked_at IS NULL AND expires_at > @now AND expires_at < @expiring", "expiring", f.ExpiringBefore)
	}
	if f.Kind != "" {
		add("kind = @kind", "kind", string(f.Kind))
	}
	if f.Owner != "" {
		add("owner = @owner", "owner", string(f.Owner))
	}
	if f.NeverUsed {
		where = append(where, "last_used_at IS NULL")
	}
	if f.Rotating {
		where = append(where, `revoked_at IS NULL AND 1 < (SELECT count(*) FROM key_secrets s WHERE s.org_id = keys.org_id AND s.key_id = keys.id
			AND s.revoked_at IS NULL AND (s.not_after IS NULL OR s.not_after > @now))`)
	}
	if f.IDs != nil {
		add("id = ANY (@ids)", "ids", texts(f.IDs))
	}
	return where, args
}

// Change implements key.Store. The row is locked, so that two changes come one after the other; its secrets change under the same lock.
func (s *Store) Change(ctx context.Context, in tenant.Scope, which id.Key, fn func(key.Key) (key.Changed, error)) (key.Key, error) {
	var changed key.Changed
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		was, err := one(ctx, tx, in, which, "FOR UPDATE")
		if err != nil {
			return err
		}
		if changed, err = fn(was); err != nil {
			return err
		}
		if _, err = tx.Exec(ctx, `
			UPDATE keys SET team_id = @team, name = @name, aliases = @aliases, models = @models, endpoints = @endpoints,
				networks = @networks, expires_at = @expires_at, workflow = @workflow, tags = @tags, privacy = @privacy,
				revision = @revision, revoked_at = @revoked_at, drop_unsupported = @drop_unsupported, task = @task,
				disabled_at = @disabled_at, cuts = @cuts, budget_status = @budget_status
			WHERE id = @id`, arguments(in, changed.Key)); err != nil {
			return err
		}
		if err := changeSecrets(ctx, tx, changed.Key.Secrets); err != nil {
			return err
		}
		return addSecrets(ctx, tx, in, which, changed.Added)
	})
	if err != nil {
		return key.Key{}, translate(err)
	}
	return changed.Key, nil
}

// MarkUsed implements key.Store. Rows are taken in the order of ids, so that two shippers do not wait for each other in a ring.
func (s *Store) MarkUsed(ctx context.Context, used map[id.Key]time.Time) error {
	ids := slices.Sorted(maps.Keys(used))
	texts, times := make([]string, len(ids)), make([]time.Time, len(ids))
	for i, k := range ids {
		texts[i], times[i] = string(k), used[k]
	}
	return s.db.InSystemPgx(ctx, "mark keys used", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			WITH used AS (SELECT * FROM unnest($1::text[], $2::timestamptz[]) AS u (id, at)),
				held AS (SELECT k.org_id, k.id, u.at FROM keys k JOIN used u USING (id)
					WHERE k.last_used_at IS NULL OR k.last_used_at < u.at ORDER BY k.id FOR UPDATE OF k)
			UPDATE keys k SET last_used_at = held.at FROM held WHERE k.org_id = held.org_id AND k.id = held.id`, texts, times)
		return err
	})
}

func arguments(in tenant.Scope, k key.Key) pgx.NamedArgs {
	tags := k.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return pgx.NamedArgs{
		"org": string(in.Org()), "id": string(k.ID), "team": string(k.Team), "name": k.Name,
		"environment": k.Environment, "aliases": filled(k.Aliases), "models": filled(k.Models), "endpoints": texts(k.Endpoints), "networks": filled(k.Networks),
		"expires_at": orNull(k.ExpiresAt), "workflow": k.Workflow, "task": k.Task, "tags": tags, "privacy": string(k.Privacy), "revision": k.Revision,
		"created_at": k.CreatedAt, "created_by": k.CreatedBy, "revoked_at": orNull(k.RevokedAt), "drop_unsupported": k.DropUnsupported,
		"kind": string(k.Kind), "owner": string(k.Owner), "template": string(k.Template), "disabled_at": orNull(k.DisabledAt), "cuts": k.Cuts,
		"budget_status": k.BudgetStatus,
	}
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

// filled gives an empty list for nil, which would be NULL.
func filled[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func toKey(r row) key.Key {
	k := key.Key{
		ID: id.Key(r.ID), Team: id.Team(r.TeamID), Name: r.Name, Kind: key.Kind(r.Kind), Owner: id.User(r.Owner), Environment: r.Environment,
		Aliases: r.Aliases, Models: r.Models, Networks: r.Networks, ExpiresAt: orZero(r.ExpiresAt), Workflow: r.Workflow, Task: r.Task, Tags: r.Tags,
		Privacy: key.Privacy(r.Privacy), Revision: r.Revision, CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy,
		RevokedAt: orZero(r.RevokedAt), LastUsedAt: orZero(r.LastUsedAt), DropUnsupported: r.DropUnsupported,
		DisabledAt: orZero(r.DisabledAt), Cuts: r.Cuts, BudgetStatus: r.BudgetStatus, Template: id.Template(r.TemplateID),
	}
	for _, e := range r.Endpoints {
		k.Endpoints = append(k.Endpoints, key.Endpoint(e))
	}
	return k
}

func translate(err error) error {
	var conflict *postgres.Conflict
	var reference *postgres.Reference
	switch {
	case errors.Is(err, postgres.ErrNoRow):
		return key.ErrNotFound.Because(err)
	case errors.As(err, &conflict) && conflict.Constraint == "keys_name_taken":
		return key.ErrTaken.Because(err).At("name")
	case errors.As(err, &conflict) && conflict.Constraint == "key_secrets_hash_taken":
		return key.ErrKnown.Because(err)
	case errors.As(err, &reference) && reference.Constraint == "keys_team":
		return key.ErrNoTeam.Because(err).At("team_id")
	}
	return err
}
