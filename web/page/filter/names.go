package filter

import (
	"context"
	"errors"

	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/provider"
	"tollgate/internal/tenant"
	"tollgate/web/page/people"
)

// Keys finds keys; *key.Service does.
type Keys interface {
	Key(ctx context.Context, in tenant.Scope, which id.Key) (key.Key, error)
}

// keysNamed bounds how many keys of an address are looked up.
const keysNamed = 20

// Vendors finds a provider; catalog.Vendor does.
type Vendors func(id string) (provider.Vendor, bool)

// Source is where names come from.
type Source struct {
	Teams   people.TeamLister
	Keys    Keys
	Vendors Vendors
}

// Namer names all teams, and the keys that an address filters on. A key that is gone keeps its id.
func (s Source) Namer(ctx context.Context, in tenant.Scope, which []string) (Namer, error) {
	n := Namer{Keys: map[string]string{}, Vendors: s.Vendors}
	var err error
	if n.Teams, err = people.ListTeams(ctx, s.Teams, in); err != nil {
		return Namer{}, err
	}
	for _, k := range which[:min(len(which), keysNamed)] {
		got, err := s.Keys.Key(ctx, in, id.Key(k))
		switch {
		case errors.Is(err, key.ErrNotFound):
		case err != nil:
			return Namer{}, err
		default:
			n.Keys[k] = got.Name
		}
	}
	return n, nil
}
