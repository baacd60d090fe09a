package key

import (
	"context"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Revoke ends a key for good. Every proxy refuses it within a second. Revoking again changes nothing, but that calls under way can still
// be cut.
func (s *Service) Revoke(ctx context.Context, in tenant.Scope, which id.Key, calls Streams) (Key, error) {
	now := instant(s.now())
	return s.store.Change(ctx, in, which, func(k Key) (Changed, error) {
		if k.RevokedAt.IsZero() {
			for _, i := range k.live(now) {
				k.Secrets[i].RevokedAt = now
			}
			k.RevokedAt = now
			k.Revision++
		}
		if calls == Cut {
			k.Cuts++
		}
		return Changed{Key: k}, nil
	})
}

// Disable makes proxies refuse a key until it is enabled again.
func (s *Service) Disable(ctx context.Context, in tenant.Scope, which id.Key, calls Streams) (Key, error) {
	now := instant(s.now())
	return s.store.Change(ctx, in, which, func(k Key) (Changed, error) {
		if !k.RevokedAt.IsZero() {
			return Changed{}, ErrDead
		}
		if k.DisabledAt.IsZero() {
			k.DisabledAt = now
			k.Revision++
		}
		if calls == Cut {
			k.Cuts++
		}
		return Changed{Key: k}, nil
	})
}

// Enable takes Disable back.
func (s *Service) Enable(ctx context.Context, in tenant.Scope, which id.Key) (Key, error) {
	return s.store.Change(ctx, in, which, func(k Key) (Changed, error) {
		if !k.RevokedAt.IsZero() {
			return Changed{}, ErrDead
		}
		if !k.DisabledAt.IsZero() {
			k.DisabledAt = time.Time{}
			k.Revision++
		}
		return Changed{Key: k}, nil
	})
}
