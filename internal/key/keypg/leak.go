package keypg

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/tenant"
)

var (
	_ key.LeakStore   = (*Store)(nil)
	_ key.EndingStore = (*Store)(nil)
)

// Leaked implements key.LeakStore.
func (s *Store) Leaked(ctx context.Context, hashes []key.Hash) (found []key.LeakedSecret, err error) {
	list := make([][]byte, len(hashes))
	for i := range hashes {
		list[i] = hashes[i][:]
	}
	err = s.db.InSystemPgx(ctx, "a leaked secret is found by its hash", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT s.hash, s.org_id, s.key_id, s.id, coalesce(o.on_leak, 'revoke')
			FROM key_secrets s LEFT JOIN key_settings o ON o.org_id = s.org_id WHERE s.hash = ANY ($1)`, list)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (key.LeakedSecret, error) {
			var hash []byte
			var org, k, secret, policy string
			err := row.Scan(&hash, &org, &k, &secret, &policy)
			if err != nil {
				return key.LeakedSecret{}, err
			}
			return key.LeakedSecret{Hash: key.Hash(hash), Org: id.Org(org), Key: id.Key(k), Secret: id.Secret(secret), OnLeak: key.OnLeak(policy)}, nil
		})
		return err
	})
	return found, err
}

// LeakPolicy implements key.LeakStore.
func (s *Store) LeakPolicy(ctx context.Context, in tenant.Scope) (key.OnLeak, error) {
	policy := string(key.LeakRevoke)
	err := s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT coalesce((SELECT on_leak FROM key_settings), $1)`, policy).Scan(&policy)
	})
	return key.OnLeak(policy), err
}

// SetLeakPolicy implements key.LeakStore.
func (s *Store) SetLeakPolicy(ctx context.Context, in tenant.Scope, to key.OnLeak) error {
	return s.db.InTenantPgx(ctx, in, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO key_settings (org_id, on_leak) VALUES ($1, $2) ON CONFLICT (org_id) DO UPDATE SET on_leak = excluded.on_leak`,
			string(in.Org()), string(to))
		return err
	})
}

// endingsMax bounds what one look finds; the next look finds the rest.
const endingsMax = 10_000

// Endings implements key.EndingStore.
func (s *Store) Endings(ctx context.Context, from, to time.Time) ([]key.Ending, error) {
	return s.ending(ctx, `expires_at >= $1 AND expires_at < $2`, from, to)
}

// Overlaps implements key.EndingStore.
func (s *Store) Overlaps(ctx context.Context, from, to time.Time) ([]key.Ending, error) {
	return s.ending(ctx, `EXISTS (SELECT FROM key_secrets s WHERE s.org_id = keys.org_id AND s.key_id = keys.id AND s.revoked_at IS NULL
		AND s.not_after >= $1 AND s.not_after < $2)`, from, to)
}

func (s *Store) ending(ctx context.Context, which string, from, to time.Time) ([]key.Ending, error) {
	var found []key.Ending
	err := s.db.InSystemPgx(ctx, "find keys that are about to end", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT org_id, `+columns+` FROM keys WHERE revoked_at IS NULL AND `+which+` ORDER BY org_id, id LIMIT $3`, from, to, endingsMax)
		if err != nil {
			return err
		}
		keys := []key.Key{}
		orgs := map[id.Key]id.Org{} // ids are random: no two organizations' keys share one
		_, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (struct{}, error) {
			got, err := pgx.RowToStructByName[struct {
				OrgID string
				row
			}](r)
			keys = append(keys, toKey(got.row))
			orgs[id.Key(got.ID)] = id.Org(got.OrgID)
			return struct{}{}, err
		})
		if err != nil {
			return err
		}
		if err := withSecrets(ctx, tx, keys); err != nil {
			return err
		}
		for _, k := range keys {
			found = append(found, key.Ending{Org: orgs[k.ID], Key: k})
		}
		return nil
	})
	return found, err
}
