package keyhttp

import (
	"context"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// KeyEnding says what becomes of calls under way.
type KeyEnding struct {
	KillStreams bool `json:"kill_streams,omitempty" doc:"End calls that are under way, within two seconds; otherwise they go on to their end"`
}

func (e *KeyEnding) calls() key.Streams {
	return key.Streams(e != nil && e.KillStreams)
}

type endRequest struct {
	ID   string `path:"id"`
	Body *KeyEnding
}

// Revoke ends a key for good.
func Revoke(s *key.Service, now func() time.Time) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Revoke a virtual key", Description: "For good; every proxy refuses it within a second. What it spent stays on record.",
		Errors: []*fault.Error{key.ErrNotFound},
	},
		func(ctx context.Context, in tenant.Scope, req endRequest) (Key, error) {
			k, err := s.Revoke(ctx, in, id.Key(req.ID), req.Body.calls())
			return toKey(k, now()), err
		})
}

// Disable makes proxies refuse a key until it is enabled.
func Disable(s *key.Service, now func() time.Time) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Disable a virtual key", Description: "Every proxy refuses it within a second, until it is enabled again.",
		Errors: []*fault.Error{key.ErrNotFound, key.ErrDead},
	},
		func(ctx context.Context, in tenant.Scope, req endRequest) (Key, error) {
			k, err := s.Disable(ctx, in, id.Key(req.ID), req.Body.calls())
			return toKey(k, now()), err
		})
}

// Enable takes Disable back.
func Enable(s *key.Service, now func() time.Time) rest.Endpoint {
	return rest.Handle(rest.About{Summary: "Enable a virtual key", Errors: []*fault.Error{key.ErrNotFound, key.ErrDead}},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Key, error) {
			k, err := s.Enable(ctx, in, id.Key(req.ID))
			return toKey(k, now()), err
		})
}

type rotateRequest struct {
	ID   string `path:"id"`
	Body *struct {
		KeyEnding
		Overlap *int64 `json:"overlap_seconds,omitempty" minimum:"0" maximum:"2592000" doc:"How long the old secret goes on: 86400 when left out, at most 30 days; 0 ends it at once"`
	}
}

// Rotate gives a key a new secret. It is in this answer and never again.
func Rotate(s *key.Service, now func() time.Time) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Rotate the secret of a virtual key", Secret: true,
		Description: "The old secret goes on for the overlap, so that applications can be moved over one by one; secrets[].last_used_at tells who has moved.",
		Errors:      []*fault.Error{key.ErrNotFound, key.ErrDead, key.ErrRotating, key.ErrInvalid},
	},
		func(ctx context.Context, in tenant.Scope, req rotateRequest) (Issued, error) {
			overlap, calls := key.DefaultOverlap, key.Finish
			if b := req.Body; b != nil {
				calls = b.calls()
				if b.Overlap != nil {
					overlap = time.Duration(*b.Overlap) * time.Second
				}
			}
			k, secret, err := s.Rotate(ctx, in, id.Key(req.ID), overlap, calls)
			if err != nil {
				return Issued{}, err
			}
			return Issued{Key: toKey(k, now()), Secret: secret.Reveal()}, nil
		})
}

// CancelRotation takes a rotation back.
func CancelRotation(s *key.Service, now func() time.Time) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "Cancel a rotation", Description: "The new secret ends at once, and the old one goes on. Not where the new one has been used.",
		Errors: []*fault.Error{key.ErrNotFound, key.ErrDead, key.ErrNoTurn, key.ErrTurned},
	},
		func(ctx context.Context, in tenant.Scope, req oneRequest) (Key, error) {
			k, err := s.CancelRotation(ctx, in, id.Key(req.ID))
			return toKey(k, now()), err
		})
}

type endSecretRequest struct {
	ID     string `path:"id"`
	Secret string `path:"secret"`
	Kill   bool   `query:"kill_streams" doc:"End calls that are under way with it"`
}

// EndSecret ends one secret now.
func EndSecret(s *key.Service, now func() time.Time) rest.Endpoint {
	return rest.Handle(rest.About{
		Summary: "End a secret of a virtual key", Description: "At once, on every proxy within a second. The last live secret is not ended: revoke or rotate the key.",
		Errors: []*fault.Error{key.ErrNotFound, key.ErrNoSecret, key.ErrLast},
	},
		func(ctx context.Context, in tenant.Scope, req endSecretRequest) (Key, error) {
			k, err := s.EndSecret(ctx, in, id.Key(req.ID), id.Secret(req.Secret), key.Streams(req.Kill))
			return toKey(k, now()), err
		})
}
