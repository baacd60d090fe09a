package alias

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// messageRunesMax bounds what an author says about a version.
const messageRunesMax = 500

// Store is what Service needs from storage; package aliaspg provides it.
type Store interface {
	Alias(ctx context.Context, in tenant.Scope, which id.Alias) (Alias, error)
	// Aliases lists by name those behind after (empty: from the start) whose name holds text, at most limit.
	Aliases(ctx context.Context, in tenant.Scope, text, after string, limit int) ([]Alias, error)
	// Versions lists newest first those before number (0: from the newest), at most limit. ErrNotFound.
	Versions(ctx context.Context, in tenant.Scope, which id.Alias, before, limit int) ([]Version, error)
	// Version finds one. ErrNotFound, ErrNoVersion.
	Version(ctx context.Context, in tenant.Scope, which id.Alias, number int) (Version, error)

	// Routing is what stands.
	Routing(ctx context.Context, in tenant.Scope) (Routing, error)
	// Change shows fn what stands, while nobody else changes it and no credential goes away, and writes what fn returns. A nil Revision
	// writes nothing. The author and the time of alias versions are those of the file's version.
	Change(ctx context.Context, in tenant.Scope, fn func(Routing) (*Revision, error)) error
	// FileVersions lists newest first those before number (0: from the newest) without File and Text, at most limit.
	FileVersions(ctx context.Context, in tenant.Scope, before, limit int) ([]FileVersion, error)
	// FileVersion finds one. ErrNoFileVersion.
	FileVersion(ctx context.Context, in tenant.Scope, number int) (FileVersion, error)
}

// Service manages aliases and the routing file that holds them. Whatever changes an alias changes the file, in one transaction.
type Service struct {
	store Store
	words Words
	now   func() time.Time
}

// NewService needs storage, what routes may speak of, and a clock.
func NewService(store Store, words Words, now func() time.Time) *Service {
	return &Service{store: store, words: words, now: now}
}

// Words are what this service's routes may speak of.
func (s *Service) Words() Words { return s.words }

// Create makes an alias at version 1. ErrInvalid, ErrTaken, ErrNoCredential.
func (s *Service) Create(ctx context.Context, in tenant.Scope, name string, r Route, message string) (Alias, error) {
	name = strings.TrimSpace(name)
	if err := checkName(name); err != nil {
		return Alias{}, err
	}
	r = r.normal()
	if err := r.Check(s.words); err != nil {
		return Alias{}, err
	}
	return s.with(ctx, in, message, func(now Routing) (string, *Route, error) {
		if _, taken := now.Aliases[name]; taken {
			return "", nil, ErrTaken.At("name")
		}
		if len(now.Aliases) >= aliasesMax {
			return "", nil, ErrInvalid.Say("An organization has at most %d aliases.", aliasesMax)
		}
		return name, &r, nil
	})
}

// with gives one alias the route that fn returns (nil: leaves everything as it is) and returns the alias as it then stands.
func (s *Service) with(ctx context.Context, in tenant.Scope, message string, fn func(Routing) (string, *Route, error)) (Alias, error) {
	message, err := oneLine(message)
	if err != nil {
		return Alias{}, err
	}
	var out Alias
	err = s.store.Change(ctx, in, func(now Routing) (*Revision, error) {
		name, route, err := fn(now)
		if err != nil {
			return nil, err
		}
		out = now.Aliases[name]
		if route == nil {
			return nil, nil
		}
		if err := route.CheckCredentials(now.Credentials); err != nil {
			return nil, err
		}
		f := now.Version.File.Normal()
		f.Aliases[name] = *route
		if route.Prompt != nil {
			bound, found := f.bind(now.Version.File, now.Prompts)
			for _, p := range found {
				if len(p.Path) > 1 && p.Path[1] == name {
					return nil, Problem{Path: p.Path[2:], Reason: p.Reason}.Fault("route")
				}
			}
			f.Aliases[name] = bound.Aliases[name]
		}
		r := s.revision(in, now, Proposal{File: f}, message)
		for _, a := range append(r.Made, r.Changed...) {
			if a.Name == name {
				out = a
			}
		}
		return r, nil
	})
	if err != nil {
		return Alias{}, err
	}
	return out, nil
}

// oneLine is what an author says of a change, trimmed.
func oneLine(message string) (string, error) {
	message = strings.TrimSpace(message)
	if !fault.OneLine(message, messageRunesMax) {
		return "", invalid("message", "A message has at most %d characters on one line.", messageRunesMax)
	}
	return message, nil
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
// any. The route that it has already makes no version. ErrInvalid, ErrNotFound, ErrNoCredential.
func (s *Service) Update(ctx context.Context, in tenant.Scope, which id.Alias, r Route, message string, check func(Alias) error) (Alias, error) {
	r = r.normal()
	return s.with(ctx, in, message, func(now Routing) (string, *Route, error) {
		a, err := now.alias(which)
		if err != nil {
			return "", nil, err
		}
		if check != nil {
			if err := check(a); err != nil {
				return "", nil, err
			}
		}
		if err := r.Check(s.words); err != nil {
			return "", nil, err
		}
		if r.Prompt != nil { // found first: another prompt may have the name by now
			if bound, found := (File{Aliases: map[string]Route{a.Name: r}}).bind(now.Version.File, now.Prompts); len(found) == 0 {
				r = bound.Aliases[a.Name]
			}
		}
		if r.Same(a.Route) {
			return a.Name, nil, nil
		}
		return a.Name, &r, nil
	})
}

// alias finds the one with an id.
func (r Routing) alias(which id.Alias) (Alias, error) {
	for _, a := range r.Aliases {
		if a.ID == which {
			return a, nil
		}
	}
	return Alias{}, ErrNotFound
}

// Restore makes the next version with the route of an old one. What that needs must still be there.
func (s *Service) Restore(ctx context.Context, in tenant.Scope, which id.Alias, number int, message string, check func(Alias) error) (Alias, error) {
	old, err := s.store.Version(ctx, in, which, number) // immutable: it may be read beforehand
	if err != nil {
		return Alias{}, err
	}
	return s.Update(ctx, in, which, old.Route, cmp.Or(strings.TrimSpace(message), fmt.Sprintf("Restored version %d", number)), check)
}

// Delete removes an alias. Calls of it are unknown from then on; what it cost keeps its name. ErrNotFound, ErrUsed.
func (s *Service) Delete(ctx context.Context, in tenant.Scope, which id.Alias) error {
	_, err := s.change(ctx, in, "", func(now Routing) (*Proposal, error) {
		a, err := now.alias(which)
		if err != nil {
			return nil, err
		}
		if uses := now.Version.File.uses(a.Name); len(uses) > 0 {
			return nil, ErrUsed.Say("The routing file uses this alias: %s. Point that elsewhere first.", strings.Join(uses, ", "))
		}
		f := now.Version.File.Normal()
		delete(f.Aliases, a.Name)
		return &Proposal{File: f}, nil
	})
	return err
}

func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
