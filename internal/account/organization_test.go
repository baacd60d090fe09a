package account_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/account"
	"tollgate/internal/account/accountpg"
	"tollgate/internal/id"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
)

func TestRolesStayWithinTheActorsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.signUp(t, "ann")
	owner := w.enter(t, ann.Value).Scope
	admin := tenant.Authenticated(owner.Org(), tenant.Actor{User: "user_admin"}, tenant.Admin)

	if _, err := w.ChangeRole(t.Context(), owner, ann.User.ID, "", tenant.Viewer); !errors.Is(err, account.ErrLastOwner) {
		t.Errorf("the last owner steps down: %v", err)
	}
	if err := w.RemoveMember(t.Context(), owner, ann.User.ID); !errors.Is(err, account.ErrLastOwner) {
		t.Errorf("the last owner leaves: %v", err)
	}
	if _, err := w.ChangeRole(t.Context(), admin, ann.User.ID, "", tenant.Viewer); !errors.Is(err, account.ErrRoleTooHigh) {
		t.Errorf("an admin demotes an owner: %v", err)
	}
	if err := w.RemoveMember(t.Context(), admin, ann.User.ID); !errors.Is(err, account.ErrRoleTooHigh) {
		t.Errorf("an admin removes an owner: %v", err)
	}
	if _, _, err := w.IssueToken(t.Context(), admin, account.NewToken{Name: "x", Role: tenant.Owner}); !errors.Is(err, account.ErrRoleTooHigh) {
		t.Errorf("an admin makes an owner's token: %v", err)
	}
	if _, err := w.ChangeRole(t.Context(), owner, ann.User.ID, "", "emperor"); !errors.Is(err, account.ErrRole) {
		t.Errorf("an unknown role: %v", err)
	}
	if _, err := w.ChangeRole(t.Context(), owner, ann.User.ID, tenant.Viewer, tenant.Owner); !errors.Is(err, account.ErrChanged) {
		t.Errorf("a role that is not what was read: %v", err)
	}
}

func TestTwoOwnersWhoDemoteEachOtherLeaveOne(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	store := accountpg.New(db)
	in, _ := pgtest.Org(t, db, "a")
	users := []id.User{"user_one", "user_two"}
	exec := func(sql string, args ...any) {
		t.Helper()
		err := db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), sql, args...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	exec(`DELETE FROM members`)
	for _, u := range users {
		exec(`INSERT INTO users (id, email, password_hash) VALUES ($1, $1 || '@example.com', 'x')`, u)
		exec(`INSERT INTO members (org_id, user_id, role) VALUES ($1, $2, 'owner')`, in.Org(), u)
	}
	for range 30 {
		var wg sync.WaitGroup
		results := make([]error, len(users))
		for i, u := range users {
			wg.Go(func() { results[i] = store.SetRole(t.Context(), in, u, tenant.Owner, tenant.Viewer) })
		}
		wg.Wait()
		if (results[0] == nil) == (results[1] == nil) {
			t.Fatalf("both ended alike: %v, %v", results[0], results[1])
		}
		exec(`UPDATE members SET role = 'owner'`)
	}
}

func TestAManagementTokenActsWithItsRoleUntilItEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.signUp(t, "ann"), w.signUp(t, "bob")
	owner, other := w.enter(t, ann.Value).Scope, w.enter(t, bob.Value).Scope
	made, text, err := w.IssueToken(t.Context(), owner, account.NewToken{Name: "ci", Role: tenant.Developer, ExpiresAt: w.now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	in, err := w.ManagementToken(t.Context(), text.Reveal())
	if err != nil || in.Org() != owner.Org() || in.Role() != tenant.Developer || in.Actor().Token != made.ID || in.Actor().User != "" {
		t.Fatalf("ManagementToken = %+v, %v", in, err)
	}
	got, err := w.Token(t.Context(), owner, made.ID)
	if err != nil || !got.LastUsedAt.Equal(w.now()) || got.CreatedBy != ann.User.ID || !strings.HasPrefix(text.Reveal(), got.Prefix) {
		t.Errorf("Token = %+v, %v", got, err)
	}
	if _, err := w.Sessions(t.Context(), in); !errors.Is(err, account.ErrNoUser) {
		t.Errorf("a token's sessions: %v", err)
	}
	if err := w.RevokeToken(t.Context(), other, made.ID); !errors.Is(err, account.ErrTokenNotFound) {
		t.Errorf("another organization revokes it: %v", err)
	}
	if err := w.RevokeToken(t.Context(), owner, made.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ManagementToken(t.Context(), text.Reveal()); !errors.Is(err, account.ErrToken) {
		t.Errorf("a revoked token: %v", err)
	}

	_, brief, err := w.IssueToken(t.Context(), owner, account.NewToken{Name: "brief", Role: tenant.Viewer, ExpiresAt: w.now().Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	if _, err := w.ManagementToken(t.Context(), brief.Reveal()); !errors.Is(err, account.ErrToken) {
		t.Errorf("an expired token: %v", err)
	}
	if _, err := w.ManagementToken(t.Context(), secret.NewToken(secret.Live).Reveal()); !errors.Is(err, account.ErrVirtualKey) {
		t.Errorf("a virtual key: %v", err)
	}
	if _, err := w.ManagementToken(t.Context(), secret.NewToken(secret.Management).Reveal()); !errors.Is(err, account.ErrToken) {
		t.Errorf("an unknown token: %v", err)
	}
	if _, _, err := w.IssueToken(t.Context(), owner, account.NewToken{Name: "late", Role: tenant.Viewer, ExpiresAt: w.now()}); !errors.Is(err, account.ErrTokenExpiry) {
		t.Errorf("a token that is born dead: %v", err)
	}
}

func TestTeamsHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.signUp(t, "ann"), w.signUp(t, "bob")
	in, other := w.enter(t, ann.Value).Scope, w.enter(t, bob.Value).Scope
	support, err := w.CreateTeam(t.Context(), in, " Support ")
	if err != nil || support.Name != "Support" || support.ColorStep != 1 {
		t.Fatalf("CreateTeam = %+v, %v", support, err)
	}
	if _, err := w.CreateTeam(t.Context(), in, "Support"); !errors.Is(err, account.ErrTeamTaken) {
		t.Errorf("a taken name: %v", err)
	}
	if _, err := w.CreateTeam(t.Context(), other, "Support"); err != nil {
		t.Errorf("the same name elsewhere: %v", err)
	}
	if _, err := w.RenameTeam(t.Context(), in, support.ID, "Support", "Default"); !errors.Is(err, account.ErrTeamTaken) {
		t.Errorf("renaming to a taken name: %v", err)
	}
	if _, err := w.RenameTeam(t.Context(), in, support.ID, "Sales", "Help"); !errors.Is(err, account.ErrChanged) {
		t.Errorf("renaming what was renamed: %v", err)
	}
	if _, err := w.RenameTeam(t.Context(), other, support.ID, "Support", "Help"); !errors.Is(err, account.ErrTeam) {
		t.Errorf("renaming another's team: %v", err)
	}
	if got, err := w.RenameTeam(t.Context(), in, support.ID, "Support", "Help"); err != nil || got.Name != "Help" {
		t.Errorf("RenameTeam = %+v, %v", got, err)
	}
	rest, err := w.Teams(t.Context(), in, ann.Team.ID, 1)
	if err != nil || len(rest) != 1 || rest[0].ID != support.ID {
		t.Errorf("the page after the first team = %+v, %v", rest, err)
	}
	if _, err := w.Teams(t.Context(), tenant.Scope{}, id.Team(""), 1); !errors.Is(err, tenant.ErrNoScope) {
		t.Errorf("without a scope: %v", err)
	}
}
