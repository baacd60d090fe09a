package alias

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tollgate/internal/id"
	"tollgate/internal/provider"
	"tollgate/internal/tenant"
)

// messageRunesMax bounds what an author says about a version.
const messageRunesMax = 500

// Store is what Service needs from storage; package aliaspg provides it.
type Store interface {
	// Insert adds an alias with its first version, once Route.CheckCredentials holds. ErrTaken.
	Insert(ctx context.Context, in tenant.Scope, a Alias, v Version) error
	Alias(ctx context.Context, in tenant.Scope, which id.Alias) (Alias, error)
	// Aliases lists by name those behind after (empty: from the start) whose name holds text, at most limit.
	Aliases(ctx context.Context, in tenant.Scope, text, after string, limit int) ([]Alias, error)
	// Versions lists newest first those before number (0: from the newest), at most limit. ErrNotFound.
	Versions(ctx context.Context, in tenant.Scope, which id.Alias, before, limit int) ([]Version, error)
	// Version finds one. ErrNotFound, ErrNoVersion.
	Version(ctx context.Context, in tenant.Scope, which id.Alias, number int) (Version, error)
	// Advance adds the version that fn returns and points the alias at it, once Route.CheckCredentials holds and while nobody else
	// changes the alias. A nil version changes nothing. ErrNotFound.
	Advance(ctx context.Context, in tenant.Scope, which id.Alias, fn func(Alias) (*Version, error)) (Alias, error)
	// Delete removes an alias with its versions. ErrNotFound.
	Delete(ctx context.Context, in tenant.Scope, which id.Alias) error
}

// Service manages aliases.
type Service struct {
	store   Store
	vendors func(id string) (provider.Vendor, bool)
	now     func() time.Time
}

// NewService needs storage, the vendors and a clock.
func NewService(store Store, vendors func(string) (provider.Vendor, bool), now func() time.Time) *Service {
	return &Service{store: store, vendors: vendors, now: now}
}

// Create makes an alias at version 1.
func (s *Service) Create(ctx context.Context, in tenant.Scope, name string, r Route, message string) (Alias, error) {
	name = strings.TrimSpace(name)
	if err := checkName(name); err != nil {
		return Alias{}, err
	}
	v, err := s.version(in, 1, r, message)
	if err != nil {
		return Alias{}, err
	}
	a := Alias{ID: id.Alias(id.New("alias")), Name: name, Version: 1, Route: v.Route, CreatedAt: v.CreatedAt, UpdatedAt: v.CreatedAt}
	return a, s.store.Insert(ctx, in, a, v)
}

// version is a valid version that is not stored yet.
func (s *Service) version(in tenant.Scope, number int, r Route, message string) (Version, error) {
	r, message = r.normal(), strings.TrimSpace(message)
	if err := r.Check(s.vendors); err != nil {
		return Version{}, err
	}
	if utf8.RuneCountInString(message) > messageRunesMax || !utf8.ValidString(message) || strings.ContainsFunc(message, unicode.IsControl) {
		return Version{}, invalid("message", "A message has at most %d characters on one line.", messageRunesMax)
	}
	return Version{Number: number, Route: r, Author: in.Actor().ID(), Message: message, CreatedAt: instant(s.now())}, nil
}

// Alias finds one. ErrNotFound for another organization's too.
func (s *Service) Alias(ctx context.Context, in tenant.Scope, which id.Alias) (Alias, error) {
	return s.store.Alias(ctx, in, which)
}

// List gives by name the aliases behind after (empty: from the start) whose name holds text, at most limit, and whether there
// are more.
func (s *Service) List(ctx context.Context, in tenant.Scope, text, after string, limit int) ([]Alias, bool, error) {
	list, err := s.store.Aliases(ctx, in, text, after, limit+1)
	if err != nil || len(list) <= limit {
		return list, false, err
	}
	return list[:limit], true, nil
}

// Versions gives newest first the versions before a number (0: from the newest), at most limit, and whether there are more.
func (s *Service) Versions(ctx context.Context, in tenant.Scope, which id.Alias, before, limit int) ([]Version, bool, error) {
	list, err := s.store.Versions(ctx, in, which, before, limit+1)
	if err != nil || len(list) <= limit {
		return list, false, err
	}
	return list[:limit], true, nil
}

// Update makes the next version with another route. check sees the alias as it stands and may refuse (If-Match); nil accepts
// any. The route that it has already makes no version.
func (s *Service) Update(ctx context.Context, in tenant.Scope, which id.Alias, r Route, message string, check func(Alias) error) (Alias, error) {
	return s.store.Advance(ctx, in, which, func(a Alias) (*Version, error) {
		if check != nil {
			if err := check(a); err != nil {
				return nil, err
			}
		}
		v, err := s.version(in, a.Version+1, r, message)
		if err != nil || v.Route.Same(a.Route) {
			return nil, err
		}
		return &v, nil
	})
}

// Restore makes the next version with the route of an old one. What that needs must still be there.
func (s *Service) Restore(ctx context.Context, in tenant.Scope, which id.Alias, number int, message string, check func(Alias) error) (Alias, error) {
	old, err := s.store.Version(ctx, in, which, number) // immutable: it may be read beforehand
	if err != nil {
		return Alias{}, err
	}
	return s.Update(ctx, in, which, old.Route, cmp.Or(strings.TrimSpace(message), fmt.Sprintf("Restored version %d", number)), check)
}

// Delete removes an alias. Calls of it are unknown from then on; what it cost keeps its name.
func (s *Service) Delete(ctx context.Context, in tenant.Scope, which id.Alias) error {
	return s.store.Delete(ctx, in, which)
}

func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
