package account_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/account/accountpg"
	"tollgate/internal/account/usertoken"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
)

// plainPasswords stands in for argon2id, which has tests of its own, and counts its work.
type plainPasswords struct {
	mu      sync.Mutex
	hashes  int
	matches int
}

func (p *plainPasswords) Hash(_ context.Context, plain string) (account.PasswordHash, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hashes++
	return account.PasswordHash("hash of " + plain), nil
}

func (p *plainPasswords) Match(_ context.Context, plain string, hash account.PasswordHash) (bool, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.matches++
	return string(hash) == "hash of "+plain, false, nil
}

// world is one installation with a clock that the test moves.
type world struct {
	*account.Service
	passwords *plainPasswords
	mu        sync.Mutex
	at        time.Time
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{passwords: &plainPasswords{}, at: time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)}
	w.Service = account.NewService(account.Deps{
		Store: accountpg.New(pgtest.New(t)), Passwords: w.passwords, Signer: usertoken.New(make([]byte, 32)),
		SessionPepper: []byte("session"), TokenPepper: []byte("token"), Now: w.now,
	})
	return w
}

var home = account.Visitor{IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "Browser\n1"}

const password = "correct horse"

func (w *world) signUp(t *testing.T, who string) account.Welcome {
	t.Helper()
	got, err := w.SignUp(t.Context(), account.SignUp{Email: who + "@example.com", Password: password, Organization: "Org of " + who}, home)
	if err != nil {
		t.Fatalf("SignUp(%s): %v", who, err)
	}
	return got
}

func (w *world) enter(t *testing.T, value secret.Text) account.Login {
	t.Helper()
	got, err := w.Session(t.Context(), value.Reveal())
	if err != nil {
		t.Fatalf("Session: %v", err)
	}
	return got
}

func TestASignUpMakesUserOrganizationTeamAndOwnerAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got, err := w.SignUp(t.Context(), account.SignUp{Email: " Ann@Example.COM ", Password: password, Organization: " Acme ", Team: "Support"}, home)
	if err != nil {
		t.Fatal(err)
	}
	if got.User.Email != "ann@example.com" || got.Organization.Name != "Acme" || got.Team.Name != "Support" || got.Role != tenant.Owner {
		t.Errorf("made %+v", got)
	}
	login := w.enter(t, got.Value)
	if login.Scope.Org() != got.Organization.ID || login.Scope.Role() != tenant.Owner || login.Scope.Actor().User != got.User.ID {
		t.Errorf("scope = %+v", login.Scope)
	}
	if login.Session.UserAgent != "Browser1" || login.Session.IP != "192.0.2.1" {
		t.Errorf("session = %+v", login.Session)
	}
	teams, err := w.Teams(t.Context(), login.Scope, "", 10)
	if err != nil || len(teams) != 1 || teams[0].ID != got.Team.ID {
		t.Errorf("teams = %+v, %v", teams, err)
	}
	if _, err := w.SignUp(t.Context(), account.SignUp{Email: "ANN@example.com", Password: password, Organization: "Other"}, home); !errors.Is(err, account.ErrEmailTaken) {
		t.Errorf("a taken address: %v", err)
	}
	if _, err := w.SignUp(t.Context(), account.SignUp{Email: "b@example.com", Password: password, Organization: "Other", OnlyFirst: true}, home); !errors.Is(err, account.ErrNotEmpty) {
		t.Errorf("a second first organization: %v", err)
	}
}

func TestOnlyOneSignUpIsTheFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var wg sync.WaitGroup
	results := make(chan error, 5)
	for i := range cap(results) {
		wg.Go(func() {
			_, err := w.SignUp(t.Context(), account.SignUp{Email: fmt.Sprintf("u%d@example.com", i), Password: password, Organization: "O", OnlyFirst: true}, home)
			results <- err
		})
	}
	wg.Wait()
	close(results)
	made := 0
	for err := range results {
		switch {
		case err == nil:
			made++
		case !errors.Is(err, account.ErrNotEmpty):
			t.Errorf("SignUp = %v", err)
		}
	}
	if made != 1 {
		t.Errorf("%d sign-ups were the first", made)
	}
}

func TestASignUpIsRefusedByField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := account.SignUp{Email: "a@example.com", Password: password, Organization: "Acme"}
	with := func(change func(*account.SignUp)) account.SignUp { n := good; change(&n); return n }
	tests := []struct {
		name  string
		in    account.SignUp
		want  error
		field string
	}{
		{"no address", with(func(n *account.SignUp) { n.Email = "" }), account.ErrEmail, "email"},
		{"no domain", with(func(n *account.SignUp) { n.Email = "a" }), account.ErrEmail, "email"},
		{"a display name", with(func(n *account.SignUp) { n.Email = "A <a@example.com>" }), account.ErrEmail, "email"},
		{"a line break", with(func(n *account.SignUp) { n.Email = "a@example.com\nBcc: b@example.com" }), account.ErrEmail, "email"},
		{"a long address", with(func(n *account.SignUp) { n.Email = strings.Repeat("a", 250) + "@example.com" }), account.ErrEmail, "email"},
		{"a short password", with(func(n *account.SignUp) { n.Password = "1234567" }), account.ErrPassword, "password"},
		{"a long password", with(func(n *account.SignUp) { n.Password = strings.Repeat("ab", 65) }), account.ErrPassword, "password"},
		{"the most common password", with(func(n *account.SignUp) { n.Password = "Password1" }), account.ErrWeakPassword, "password"},
		{"the address as password", with(func(n *account.SignUp) { n.Password = "a@example.com" }), account.ErrWeakPassword, "password"},
		{"one letter as password", with(func(n *account.SignUp) { n.Password = "aaaaaaaaaa" }), account.ErrWeakPassword, "password"},
		{"no organization", with(func(n *account.SignUp) { n.Organization = " " }), account.ErrName, "organization"},
		{"a bell in the name", with(func(n *account.SignUp) { n.Organization = "a\ab" }), account.ErrName, "organization"},
	}
	for _, tt := range tests {
		_, err := w.SignUp(t.Context(), tt.in, home)
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), "("+tt.field+")") {
			t.Errorf("%s: %v, want %v at %s", tt.name, err, tt.want, tt.field)
		}
	}
	if w.passwords.hashes != 0 {
		t.Error("a refused sign-up cost a hash")
	}
}

func TestALogInTellsNothingAboutWhoExists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, "ann")
	_, wrong := w.LogIn(t.Context(), "ann@example.com", "wrong horse", home)
	_, nobody := w.LogIn(t.Context(), "bob@example.com", "wrong horse", home)
	if !errors.Is(wrong, account.ErrLogin) || wrong.Error() != nobody.Error() {
		t.Errorf("wrong password: %v; nobody: %v", wrong, nobody)
	}
	if w.passwords.matches != 2 {
		t.Errorf("%d comparisons for two attempts: an unknown user costs less", w.passwords.matches)
	}
	if _, err := w.LogIn(t.Context(), " ANN@example.com", password, home); err != nil {
		t.Errorf("LogIn = %v", err)
	}
}

// W3: every way in which a session ends, ends it at the next request.
func TestASessionEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.signUp(t, "ann")
	again, err := w.LogIn(t.Context(), "ann@example.com", password, home)
	if err != nil {
		t.Fatal(err)
	}
	if again.Value == ann.Value || again.Session.ID == ann.Session.ID {
		t.Error("a log-in did not make a new session")
	}
	in := w.enter(t, again.Value).Scope
	list, err := w.Sessions(t.Context(), in)
	if err != nil || len(list) != 2 {
		t.Fatalf("Sessions = %d, %v", len(list), err)
	}

	if err := w.LogOut(t.Context(), ann.Value.Reveal()); err != nil {
		t.Fatal(err)
	}
	wantNoSession(t, w, "after log-out", ann.Value)
	if err := w.LogOut(t.Context(), ann.Value.Reveal()); err != nil {
		t.Errorf("a second log-out: %v", err)
	}

	third, err := w.LogIn(t.Context(), "ann@example.com", password, home)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.EndOtherSessions(t.Context(), in, again.Session.ID); err != nil {
		t.Fatal(err)
	}
	wantNoSession(t, w, "after all others were ended", third.Value)

	w.pass(account.SessionIdle - time.Minute)
	w.enter(t, again.Value) // used: the idle time starts anew
	w.pass(account.SessionIdle - time.Minute)
	w.enter(t, again.Value)
	w.pass(account.SessionIdle)
	wantNoSession(t, w, "after idling", again.Value)

	steady, err := w.LogIn(t.Context(), "ann@example.com", password, home)
	if err != nil {
		t.Fatal(err)
	}
	for range 14 {
		w.enter(t, steady.Value)
		w.pass(account.SessionIdle - time.Second)
	}
	w.pass(14 * time.Second)
	wantNoSession(t, w, "after a week of use", steady.Value)
	if n, err := w.SweepSessions(t.Context()); err != nil || n == 0 {
		t.Errorf("SweepSessions = %d, %v", n, err)
	}
	for _, junk := range []string{"", "x", strings.Repeat("A", 43)} {
		wantNoSession(t, w, "junk", secret.NewText(junk))
	}
}

func wantNoSession(t *testing.T, w *world, when string, value secret.Text) {
	t.Helper()
	if _, err := w.Session(t.Context(), value.Reveal()); !errors.Is(err, account.ErrNoSession) {
		t.Errorf("%s: Session = %v, want ErrNoSession", when, err)
	}
}

func TestAUserTokenDiesWithItsSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.signUp(t, "ann")
	token, _, err := w.SignToken(ann.Session)
	if err != nil {
		t.Fatal(err)
	}
	login, err := w.UserToken(t.Context(), token.Reveal())
	if err != nil || login.Scope.Org() != ann.Organization.ID || login.Session.ID != ann.Session.ID {
		t.Fatalf("UserToken = %+v, %v", login, err)
	}
	if err := w.EndSession(t.Context(), login.Scope, ann.Session.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.UserToken(t.Context(), token.Reveal()); !errors.Is(err, account.ErrNoSession) {
		t.Errorf("after the session ended: %v", err)
	}
}

func TestNobodyEndsOrEntersWhatIsNotTheirs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, bob := w.signUp(t, "ann"), w.signUp(t, "bob")
	in := w.enter(t, bob.Value).Scope
	if err := w.EndSession(t.Context(), in, ann.Session.ID); !errors.Is(err, account.ErrNotSession) {
		t.Errorf("EndSession of another = %v", err)
	}
	if err := w.Enter(t.Context(), in, bob.Session.ID, ann.Organization.ID); !errors.Is(err, account.ErrOrganization) {
		t.Errorf("Enter another organization = %v", err)
	}
	if err := w.Enter(t.Context(), in, ann.Session.ID, bob.Organization.ID); !errors.Is(err, account.ErrNotSession) {
		t.Errorf("Enter with another's session = %v", err)
	}
	if _, err := w.Team(t.Context(), in, ann.Team.ID); !errors.Is(err, account.ErrTeam) {
		t.Errorf("Team of another = %v", err)
	}
	if _, err := w.Member(t.Context(), in, ann.User.ID); !errors.Is(err, account.ErrMember) {
		t.Errorf("Member of another = %v", err)
	}
	w.enter(t, ann.Value)
}

func TestGuessingIsSlowedDownAndNobodyIsLockedOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signUp(t, "ann")
	if _, err := w.LogIn(t.Context(), "ann@example.com", password, home); err != nil {
		t.Fatal(err)
	}
	tried := 0
	start := w.now()
	for i := 0; w.now().Sub(start) < 15*time.Minute; i++ {
		// A guesser with many addresses.
		from := account.Visitor{IP: netip.AddrFrom4([4]byte{198, 51, byte(i / 250), byte(i % 250)})}
		_, err := w.LogIn(t.Context(), "ann@example.com", "guess", from)
		switch {
		case errors.Is(err, account.ErrLogin):
			tried++
		case !errors.Is(err, account.ErrThrottled):
			t.Fatalf("LogIn = %v", err)
		}
		w.pass(time.Second)
	}
	if tried > 20 {
		t.Errorf("%d guesses in 15 minutes, want at most 20", tried)
	}
	if _, err := w.LogIn(t.Context(), "ann@example.com", password, home); err != nil {
		t.Errorf("the owner, where she logged in before, during the attack: %v", err)
	}
	w.pass(90 * time.Second)
	elsewhere := account.Visitor{IP: netip.MustParseAddr("203.0.113.9")}
	if _, err := w.LogIn(t.Context(), "ann@example.com", password, elsewhere); err != nil {
		t.Errorf("the owner elsewhere, after the longest wait: %v", err)
	}
}

func TestOneAddressCannotTryManyAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tried := 0
	for i := range 200 {
		// All of one IPv6 network.
		from := account.Visitor{IP: netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1))}
		_, err := w.LogIn(t.Context(), fmt.Sprintf("u%d@example.com", i), "guess", from)
		if errors.Is(err, account.ErrLogin) {
			tried++
		}
	}
	if tried != 30 {
		t.Errorf("%d attempts went through at once, want 30", tried)
	}
}
