// Package people names what records know by id only: teams with their colours, and the authors of changes.
package people

import (
	"context"
	"strings"

	"tollgate/internal/account"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
	"tollgate/web/ui"
)

// chunk is how many are asked for at once.
const chunk = 200

// TeamLister lists teams; *account.Service does.
type TeamLister interface {
	Teams(ctx context.Context, in tenant.Scope, after id.Team, limit int) ([]account.Team, error)
}

// MemberLister lists members and management tokens; *account.Service does.
type MemberLister interface {
	Members(ctx context.Context, in tenant.Scope, after id.User, limit int) ([]account.Member, error)
	Tokens(ctx context.Context, in tenant.Scope, after id.Token, limit int) ([]account.Token, error)
}

// Teams are an organization's teams, oldest first.
type Teams []account.Team

// all reads a list chunk by chunk: part gives the chunk behind an id.
func all[T any, ID ~string](part func(after ID) ([]T, error), of func(T) ID) ([]T, error) {
	var out []T
	for after := ID(""); ; {
		got, err := part(after)
		if err != nil {
			return nil, err
		}
		out = append(out, got...)
		if len(got) < chunk {
			return out, nil
		}
		after = of(got[len(got)-1])
	}
}

// ListTeams reads all of them.
func ListTeams(ctx context.Context, from TeamLister, in tenant.Scope) (Teams, error) {
	return all(func(after id.Team) ([]account.Team, error) { return from.Teams(ctx, in, after, chunk) },
		func(x account.Team) id.Team { return x.ID })
}

// Name is a team's name, or its id where it is gone.
func (t Teams) Name(which id.Team) string {
	for _, team := range t {
		if team.ID == which {
			return team.Name
		}
	}
	return string(which)
}

// Colour is a team's step of the chart scale.
func (t Teams) Colour(which id.Team) ui.Colour {
	for _, team := range t {
		if team.ID == which {
			return ui.Colour(team.ColorStep + 1)
		}
	}
	return 0
}

// Options are the teams for a Select.
func (t Teams) Options() []ui.Option {
	out := make([]ui.Option, len(t))
	for i, team := range t {
		out[i] = ui.Option{Value: string(team.ID), Text: team.Name}
	}
	return out
}

// Authors maps ids of users and tokens to what people call them.
type Authors map[string]string

// ListMembers reads all of them.
func ListMembers(ctx context.Context, from MemberLister, in tenant.Scope) ([]account.Member, error) {
	return all(func(after id.User) ([]account.Member, error) { return from.Members(ctx, in, after, chunk) },
		func(x account.Member) id.User { return x.User.ID })
}

// ListTokens reads all management tokens, or none where the caller's role may not see them.
func ListTokens(ctx context.Context, from MemberLister, in tenant.Scope) ([]account.Token, error) {
	if !in.Role().Can(tenant.ReadTokens) {
		return nil, nil
	}
	return all(func(after id.Token) ([]account.Token, error) { return from.Tokens(ctx, in, after, chunk) },
		func(x account.Token) id.Token { return x.ID })
}

// ListAuthors reads all members and tokens that the caller's role may see.
func ListAuthors(ctx context.Context, from MemberLister, in tenant.Scope) (Authors, error) {
	members, err := ListMembers(ctx, from, in)
	if err != nil {
		return nil, err
	}
	tokens, err := ListTokens(ctx, from, in)
	return AuthorsOf(members, tokens), err
}

// AuthorsOf are the members and tokens that were read already.
func AuthorsOf(members []account.Member, tokens []account.Token) Authors {
	out := Authors{}
	for _, m := range members {
		out[string(m.User.ID)] = Called(m.User)
	}
	for _, t := range tokens {
		out[string(t.ID)] = "token " + t.Name
	}
	return out
}

// Name is what people call an author. Who is not known any more keeps a word for what they were.
func (a Authors) Name(which string) string {
	switch name := a[which]; {
	case name != "":
		return name
	case which == "":
		return "the installation"
	case strings.HasPrefix(which, "user_"):
		return "a former member"
	case strings.HasPrefix(which, "tok_"):
		return "a management token"
	default:
		return which
	}
}

// Called is what a person is called: the name, or else the address.
func Called(u account.User) string {
	if u.Name != "" {
		return u.Name
	}
	return u.Email
}
