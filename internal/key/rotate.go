package key

import (
	"context"
	"slices"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// The overlap of a rotation: how long the old secret goes on working beside the new one.
const (
	DefaultOverlap = 24 * time.Hour
	OverlapMax     = 30 * 24 * time.Hour
)

// Streams says what becomes of calls that are under way when what admitted them ends.
type Streams bool

// What becomes of them.
const (
	Finish Streams = false // they go on to their end
	Cut    Streams = true  // they are ended within two seconds, in the error event of their dialect
)

// Rotate gives the key a new secret, which is returned here and never again. Those that live end after overlap: at once for 0, which
// also ends a rotation that is under way (ErrRotating otherwise). Calls under way with an old secret go on, or end with it.
func (s *Service) Rotate(ctx context.Context, in tenant.Scope, which id.Key, overlap time.Duration, calls Streams) (Key, Secret, error) {
	if overlap < 0 || overlap > OverlapMax {
		return Key{}, Secret{}, ErrInvalid.Say("The old secret may go on for 0 to 30 days.").At("overlap_seconds")
	}
	now := instant(s.now())
	var made Secret
	k, err := s.store.Change(ctx, in, which, func(k Key) (Changed, error) {
		if !k.RevokedAt.IsZero() {
			return Changed{}, ErrDead
		}
		if k.Kind == PlaygroundKey { // whoever had the secret could not use it
			return Changed{}, ErrInside
		}
		if overlap > 0 && k.Rotating(now) {
			return Changed{}, ErrRotating
		}
		for _, i := range k.live(now) {
			k.Secrets[i].NotAfter, k.Secrets[i].Cut = now.Add(overlap), bool(calls)
		}
		made = NewSecret(k.Environment)
		fresh := s.mint(made, now, in)
		k.Secrets = slices.Insert(k.Secrets, 0, fresh.Stored)
		k.Recognise()
		k.Revision++
		return Changed{Key: k, Added: []Minted{fresh}}, nil
	})
	if err != nil {
		return Key{}, Secret{}, err
	}
	return k, made, nil
}

func (s *Service) mint(secret Secret, now time.Time, in tenant.Scope) Minted {
	return Minted{Hash: s.hasher.Hash(secret), Stored: Stored{
		ID: id.Secret(id.New("sec")), Scheme: HMAC1, Prefix: secret.token.Prefix(), Last4: secret.token.Last4(), CreatedAt: now, CreatedBy: in.Actor().ID(),
	}}
}

// CancelRotation takes a rotation back: the new secret ends at once, the old one goes on as if nothing had been. ErrNoTurn where none is
// under way, ErrTurned where the new secret has been used: those who have it would be turned away.
func (s *Service) CancelRotation(ctx context.Context, in tenant.Scope, which id.Key) (Key, error) {
	now := instant(s.now())
	return s.store.Change(ctx, in, which, func(k Key) (Changed, error) {
		live := k.live(now)
		switch {
		case !k.RevokedAt.IsZero():
			return Changed{}, ErrDead
		case len(live) < 2:
			return Changed{}, ErrNoTurn
		case !k.Secrets[live[0]].LastUsedAt.IsZero():
			return Changed{}, ErrTurned
		}
		k.Secrets[live[0]].RevokedAt = now
		for _, i := range live[1:] {
			k.Secrets[i].NotAfter, k.Secrets[i].Cut = time.Time{}, false
		}
		k.Revision++
		return Changed{Key: k}, nil
	})
}

// EndSecret ends one secret now. The last live one is not ended: ErrLast. Ending one that has ended changes nothing.
func (s *Service) EndSecret(ctx context.Context, in tenant.Scope, which id.Key, secret id.Secret, calls Streams) (Key, error) {
	now := instant(s.now())
	return s.store.Change(ctx, in, which, func(k Key) (Changed, error) {
		one, ok := k.secret(secret)
		switch {
		case !ok:
			return Changed{}, ErrNoSecret
		case !one.Live(now):
			return Changed{Key: k}, nil
		case len(k.live(now)) < 2:
			return Changed{}, ErrLast
		}
		one.RevokedAt, one.Cut = now, bool(calls)
		// Whoever stays stays for good: ending the new one takes the rotation back.
		rest := k.live(now)
		if len(rest) == 1 && one.ID == k.Secrets[0].ID {
			k.Secrets[rest[0]].NotAfter, k.Secrets[rest[0]].Cut = time.Time{}, false
		}
		k.Revision++
		return Changed{Key: k}, nil
	})
}
