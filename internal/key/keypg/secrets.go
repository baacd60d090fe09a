package keypg

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/tenant"
)

// secretRow is one line of key_secrets, without the hash, which no reader of this file needs.
type secretRow struct {
	ID, KeyID, Scheme, Prefix, Last4, CreatedBy string
	Imported, Cut                               bool
	NotAfter, LastUsedAt, RevokedAt             *time.Time
	CreatedAt                                   time.Time
}

// withSecrets gives keys their secrets, newest first: those that live or ended within a month, and always the newest, by which people
// recognise the key.
func withSecrets(ctx context.Context, tx pgx.Tx, keys []key.Key) error {
	if len(keys) == 0 {
		return nil
	}
	at := make(map[id.Key]int, len(keys))
	ids := make([]string, len(keys))
	for i, k := range keys {
		at[k.ID], ids[i] = i, string(k.ID)
	}
	rows, err := tx.Query(ctx, `
		SELECT id, key_id, scheme, imported, prefix, last4, not_after, cut, created_at, created_by, last_used_at, revoked_at
		FROM key_secrets s WHERE key_id = ANY ($1)
			AND (coalesce(least(revoked_at, not_after), 'infinity') > now() - interval '30 days'
				OR id = (SELECT max(n.id) FROM key_secrets n WHERE n.org_id = s.org_id AND n.key_id = s.key_id))
		ORDER BY id DESC`, ids)
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[secretRow])
	for _, r := range list {
		k := &keys[at[id.Key(r.KeyID)]]
		k.Secrets = append(k.Secrets, key.Stored{
			ID: id.Secret(r.ID), Scheme: key.Scheme(r.Scheme), Imported: r.Imported, Prefix: r.Prefix, Last4: r.Last4, NotAfter: orZero(r.NotAfter),
			Cut: r.Cut, CreatedAt: r.CreatedAt.UTC(), CreatedBy: r.CreatedBy, LastUsedAt: orZero(r.LastUsedAt), RevokedAt: orZero(r.RevokedAt),
		})
		k.Recognise()
	}
	return err
}

// changeSecrets writes what may change of secrets that are there.
func changeSecrets(ctx context.Context, tx pgx.Tx, list []key.Stored) error {
	ids, ends, revoked, cut := make([]string, len(list)), make([]*time.Time, len(list)), make([]*time.Time, len(list)), make([]bool, len(list))
	for i, s := range list {
		ids[i], ends[i], revoked[i], cut[i] = string(s.ID), orNull(s.NotAfter), orNull(s.RevokedAt), s.Cut
	}
	_, err := tx.Exec(ctx, `
		UPDATE key_secrets s SET not_after = n.not_after, revoked_at = n.revoked_at, cut = n.cut
		FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::boolean[]) AS n (id, not_after, revoked_at, cut)
		WHERE s.id = n.id AND (s.not_after, s.revoked_at, s.cut) IS DISTINCT FROM (n.not_after, n.revoked_at, n.cut)`, ids, ends, revoked, cut)
	return err
}

func addSecrets(ctx context.Context, tx pgx.Tx, in tenant.Scope, of id.Key, list []key.Minted) error {
	for _, m := range list {
		if _, err := tx.Exec(ctx, `
			INSERT INTO key_secrets (org_id, id, key_id, hash, scheme, imported, prefix, last4, not_after, cut, created_at, created_by, revoked_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
			string(in.Org()), string(m.ID), string(of), m.Hash[:], string(m.Scheme), m.Imported, m.Prefix, m.Last4, orNull(m.NotAfter), m.Cut,
			m.CreatedAt, m.CreatedBy, orNull(m.RevokedAt)); err != nil {
			return err
		}
	}
	return nil
}

// MarkSecretsUsed implements key.Store. Rows are taken in the order of ids, as by MarkUsed.
func (s *Store) MarkSecretsUsed(ctx context.Context, used map[id.Secret]time.Time) error {
	ids := slices.Sorted(maps.Keys(used))
	times := make([]time.Time, len(ids))
	for i, k := range ids {
		times[i] = used[k]
	}
	return s.db.InSystemPgx(ctx, "mark secrets of keys used", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			WITH used AS (SELECT * FROM unnest($1::text[], $2::timestamptz[]) AS u (id, at)),
				held AS (SELECT s.org_id, s.id, u.at FROM key_secrets s JOIN used u USING (id)
					WHERE s.last_used_at IS NULL OR s.last_used_at < u.at ORDER BY s.id FOR UPDATE OF s)
			UPDATE key_secrets s SET last_used_at = held.at FROM held WHERE s.org_id = held.org_id AND s.id = held.id`, texts(ids), times)
		return err
	})
}

// Upgrade implements key.Store.
func (s *Store) Upgrade(ctx context.Context, list []key.Upgrade) error {
	plain, keyed := make([][]byte, len(list)), make([][]byte, len(list))
	for i, one := range list {
		plain[i], keyed[i] = one.Plain[:], one.Keyed[:]
	}
	return s.db.InSystemPgx(ctx, "imported secrets of keys get keyed hashes", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			WITH told AS (SELECT * FROM unnest($1::bytea[], $2::bytea[]) AS u (plain, keyed)),
				held AS (SELECT s.org_id, s.id, u.keyed FROM key_secrets s JOIN told u ON s.hash = u.plain
					WHERE s.scheme = 'sha256' ORDER BY s.id FOR UPDATE OF s)
			UPDATE key_secrets s SET hash = held.keyed, scheme = 'hmac1' FROM held WHERE s.org_id = held.org_id AND s.id = held.id`, plain, keyed)
		return err
	})
}
