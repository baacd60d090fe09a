package key

import (
	"cmp"
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// New is what a caller says about a key to be issued.
type New struct {
	Team        id.Team
	Name        string
	Environment string // empty: production
	Aliases     []string
	Models      []string
	Endpoints   []Endpoint
	Networks    []netip.Prefix
	ExpiresAt   time.Time // zero: never
	Workflow    string
	Task        string // default task type of calls of model "auto" or "task"
	Tags        map[string]string
	Privacy     Privacy // empty: metadata

	DropUnsupported bool
}

// Change says what is to be different; nil leaves a thing as it is. The environment stays: it can be read in the secret.
type Change struct {
	Name      *string
	Team      *id.Team
	Aliases   *[]string
	Models    *[]string
	Endpoints *[]Endpoint
	Networks  *[]netip.Prefix
	ExpiresAt *time.Time // to the zero time: never
	Workflow  *string
	Task      *string
	Tags      *map[string]string
	Privacy   *Privacy

	DropUnsupported *bool
}

// State selects keys by whether they work.
type State string

// The states. The zero State is every key.
const (
	Usable  State = "live" // neither revoked nor expired
	Expired State = "expired"
	Revoked State = "revoked"
)

// Filter selects keys. The zero Filter selects all.
type Filter struct {
	Team           id.Team
	Environment    string
	State          State
	Text           string    // part of the name, the prefix or the last characters
	UnusedSince    time.Time // not used at or after; never used counts
	ExpiringBefore time.Time
}

// Store is what Service needs from storage; package keypg provides it.
type Store interface {
	// Insert adds a key. ErrTaken, ErrNoTeam.
	Insert(ctx context.Context, in tenant.Scope, k Key, h Hash) error
	// Key finds one of the organization's keys. ErrNotFound.
	Key(ctx context.Context, in tenant.Scope, which id.Key) (Key, error)
	// Keys lists newest first those behind after (empty: from the start), at most limit.
	Keys(ctx context.Context, in tenant.Scope, f Filter, now time.Time, after id.Key, limit int) ([]Key, error)
	// Change replaces what fn returns, in one transaction in which nobody else changes the key. ErrNotFound, ErrTaken, ErrNoTeam.
	Change(ctx context.Context, in tenant.Scope, which id.Key, fn func(Key) (Key, error)) (Key, error)
	// MarkUsed moves last uses forward, never back, in any organization.
	MarkUsed(ctx context.Context, used map[id.Key]time.Time) error
}

// Service manages keys.
type Service struct {
	store  Store
	hasher *Hasher
	now    func() time.Time
}

// NewService needs storage, the installation's hasher and a clock.
func NewService(store Store, hasher *Hasher, now func() time.Time) *Service {
	return &Service{store: store, hasher: hasher, now: now}
}

// Issue makes a key. The secret is returned here and never again.
func (s *Service) Issue(ctx context.Context, in tenant.Scope, n New) (Key, Secret, error) {
	now := instant(s.now())
	k := Key{
		ID: id.Key(id.New("key")), Team: n.Team, Name: strings.TrimSpace(n.Name), Environment: cmp.Or(n.Environment, Production),
		Aliases: set(n.Aliases), Models: set(n.Models), Endpoints: set(n.Endpoints), Networks: networks(n.Networks),
		ExpiresAt: instant(n.ExpiresAt), Workflow: strings.TrimSpace(n.Workflow), Task: strings.TrimSpace(n.Task), Tags: maps.Clone(n.Tags), Privacy: cmp.Or(n.Privacy, PrivacyMetadata),
		DropUnsupported: n.DropUnsupported, Revision: 1, CreatedAt: now, CreatedBy: in.Actor().ID(),
	}
	if err := k.check(now); err != nil {
		return Key{}, Secret{}, err
	}
	secret := NewSecret(k.Environment)
	k.Prefix, k.Last4 = secret.token.Prefix(), secret.token.Last4()
	if err := s.store.Insert(ctx, in, k, s.hasher.Hash(secret)); err != nil {
		return Key{}, Secret{}, err
	}
	return k, secret, nil
}

// Key finds one key. ErrNotFound for another organization's too.
func (s *Service) Key(ctx context.Context, in tenant.Scope, which id.Key) (Key, error) {
	return s.store.Key(ctx, in, which)
}

// List gives the keys behind after (empty: from the newest), newest first, at most limit, and whether there are more.
func (s *Service) List(ctx context.Context, in tenant.Scope, f Filter, after id.Key, limit int) ([]Key, bool, error) {
	keys, err := s.store.Keys(ctx, in, f, s.now(), after, limit+1)
	if err != nil {
		return nil, false, err
	}
	if len(keys) > limit {
		return keys[:limit], true, nil
	}
	return keys, false, nil
}

// Update changes a key. check sees the key as it stands, before it is changed, and may refuse (If-Match); nil accepts any.
// A revoked key is ErrDead.
func (s *Service) Update(ctx context.Context, in tenant.Scope, which id.Key, c Change, check func(Key) error) (Key, error) {
	now := s.now()
	return s.store.Change(ctx, in, which, func(k Key) (Key, error) {
		if check != nil {
			if err := check(k); err != nil {
				return Key{}, err
			}
		}
		if !k.RevokedAt.IsZero() {
			return Key{}, ErrDead
		}
		expiry := time.Time{}
		if c.ExpiresAt != nil { // one that has passed may stay, and the name be mended
			expiry = now
		}
		c.apply(&k)
		if err := k.check(expiry); err != nil {
			return Key{}, err
		}
		k.Revision++
		return k, nil
	})
}

// Revoke ends a key for good. Every proxy refuses it within a second. Revoking again changes nothing.
func (s *Service) Revoke(ctx context.Context, in tenant.Scope, which id.Key) (Key, error) {
	now := instant(s.now())
	return s.store.Change(ctx, in, which, func(k Key) (Key, error) {
		if k.RevokedAt.IsZero() {
			k.RevokedAt = now
			k.Revision++
		}
		return k, nil
	})
}

// MarkUsed records when keys were last used, for the shipper of call logs: across organizations, in batches, never per call.
func (s *Service) MarkUsed(ctx context.Context, used map[id.Key]time.Time) error {
	if len(used) == 0 {
		return nil
	}
	return s.store.MarkUsed(ctx, used)
}

func (c Change) apply(k *Key) {
	assign(&k.Team, c.Team)
	assign(&k.Privacy, c.Privacy)
	assign(&k.DropUnsupported, c.DropUnsupported)
	if c.Name != nil {
		k.Name = strings.TrimSpace(*c.Name)
	}
	if c.Workflow != nil {
		k.Workflow = strings.TrimSpace(*c.Workflow)
	}
	if c.Task != nil {
		k.Task = strings.TrimSpace(*c.Task)
	}
	if c.ExpiresAt != nil {
		k.ExpiresAt = instant(*c.ExpiresAt)
	}
	if c.Aliases != nil {
		k.Aliases = set(*c.Aliases)
	}
	if c.Models != nil {
		k.Models = set(*c.Models)
	}
	if c.Endpoints != nil {
		k.Endpoints = set(*c.Endpoints)
	}
	if c.Networks != nil {
		k.Networks = networks(*c.Networks)
	}
	if c.Tags != nil {
		k.Tags = maps.Clone(*c.Tags)
	}
}

func assign[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// set is sorted and without doubles, so that equal scopes look equal.
func set[T ~string](list []T) []T {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

func networks(list []netip.Prefix) []netip.Prefix {
	out := slices.Clone(list)
	slices.SortFunc(out, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	return slices.Compact(out)
}

// instant is a time as the database keeps it: to the microsecond, UTC; zero stays zero.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}
