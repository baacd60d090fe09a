package filter

import (
	"context"
	"errors"
	"slices"
	"strings"

	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/prompt"
	"tollgate/internal/provider"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
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
	Prompts Prompts // nil: prompts keep their ids
	Vendors Vendors
}

// Prompts finds prompts; *prompt.Service does.
type Prompts interface {
	Prompt(ctx context.Context, in tenant.Scope, which id.Prompt) (prompt.Prompt, error)
}

// promptsNamed bounds how many prompts of an address are looked up.
const promptsNamed = 20

// NamePrompts adds the names of the prompts, and of their versions, that an address filters on. One that is gone keeps its id.
func (s Source) NamePrompts(ctx context.Context, in tenant.Scope, n Namer, a Address) error {
	values := slices.Concat(a.All(string(usage.Prompt)), a.All(string(usage.PromptVersion)))
	if s.Prompts == nil {
		return nil
	}
	for _, value := range values[:min(len(values), promptsNamed)] {
		which, number, version := strings.Cut(value, "@")
		if which == "" || which == None || n.Keys[value] != "" {
			continue
		}
		got, err := s.Prompts.Prompt(ctx, in, id.Prompt(which))
		switch {
		case errors.Is(err, prompt.ErrNotFound):
		case err != nil:
			return err
		case version:
			n.Keys[value] = got.Name + "@" + number
		default:
			n.Keys[value] = got.Name
		}
	}
	return nil
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
