package people_test

import (
	"context"
	"fmt"
	"testing"

	"tollgate/internal/account"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
	"tollgate/web/page/people"
)

// crowd is an organization with many members and management tokens.
type crowd int

func (n crowd) Members(_ context.Context, _ tenant.Scope, after id.User, limit int) ([]account.Member, error) {
	var out []account.Member
	for i := range int(n) {
		if u := id.User(fmt.Sprintf("user_%04d", i)); u > after && len(out) < limit {
			out = append(out, account.Member{User: account.User{ID: u}})
		}
	}
	return out, nil
}

func (n crowd) Tokens(_ context.Context, _ tenant.Scope, after id.Token, limit int) ([]account.Token, error) {
	var out []account.Token
	for i := range int(n) {
		if t := id.Token(fmt.Sprintf("tok_%04d", i)); t > after && len(out) < limit {
			out = append(out, account.Token{ID: t})
		}
	}
	return out, nil
}

func TestEverybodyIsListedHoweverManyTheyAre(t *testing.T) {
	t.Parallel()
	admin := tenant.Authenticated("org_a", tenant.Actor{User: "user_0000"}, tenant.Admin)
	viewer := tenant.Authenticated("org_a", tenant.Actor{User: "user_0000"}, tenant.Viewer)
	for _, n := range []int{0, 1, 199, 200, 201, 450} {
		members, err := people.ListMembers(t.Context(), crowd(n), viewer)
		if err != nil || len(members) != n {
			t.Errorf("%d of %d members (%v)", len(members), n, err)
		}
		tokens, err := people.ListTokens(t.Context(), crowd(n), admin)
		if err != nil || len(tokens) != n {
			t.Errorf("%d of %d tokens (%v)", len(tokens), n, err)
		}
	}
	if tokens, err := people.ListTokens(t.Context(), crowd(5), viewer); err != nil || len(tokens) > 0 {
		t.Errorf("a viewer is shown %d tokens (%v)", len(tokens), err)
	}
}
