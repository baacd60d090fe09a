package account

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
)

const (
	sessionBytes   = 32 // random bytes of a session value
	sessionChars   = 43 // the same in base64url
	touchEvery     = time.Minute
	userAgentChars = 256
)

// LogIn checks an address and a password and opens a session. It fails with ErrLogin for every wrong pair alike, and with
// ErrThrottled when this account or this network address has failed too often lately; nobody is locked out for good.
func (s *Service) LogIn(ctx context.Context, email, plain string, from Visitor) (Entry, error) {
	address, err := NormalEmail(email)
	if err != nil || len(plain) > 4*passwordMax {
		return Entry{}, ErrLogin
	}
	if err := s.throttle.logIn(address, from, s.Now()); err != nil {
		return Entry{}, err
	}
	user, hash, err := s.Store.UserByEmail(ctx, address)
	if err != nil && !errors.Is(err, ErrLogin) {
		return Entry{}, err
	}
	ok, outdated, err := s.Passwords.Match(ctx, plain, hash)
	if err != nil {
		return Entry{}, err
	}
	if !ok {
		return Entry{}, ErrLogin
	}
	s.throttle.succeeded(address, from, s.Now())
	if outdated {
		if fresh, err := s.Passwords.Hash(ctx, plain); err == nil {
			_ = s.Store.SetPassword(ctx, user.ID, fresh) // the old one still holds; the next log-in tries again
		}
	}
	in, err := s.Store.Memberships(ctx, user.ID)
	if err != nil {
		return Entry{}, err
	}
	if len(in) == 0 {
		return Entry{}, ErrLogin // removed from every organization: there is nothing to enter
	}
	return s.open(ctx, user, in[0], from)
}

// open makes a session. Its value is new at every log-in, so that nobody can plant one.
func (s *Service) open(ctx context.Context, user User, m Membership, from Visitor) (Entry, error) {
	var raw [sessionBytes]byte
	_, _ = rand.Read(raw[:]) // never fails: the runtime stops the program instead
	value := base64.RawURLEncoding.EncodeToString(raw[:])
	now := s.Now()
	session := Session{
		ID: id.Session(id.New("sess")), User: user.ID, Org: m.Organization.ID,
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(SessionLife), UserAgent: printable(from.UserAgent),
	}
	if from.IP.IsValid() {
		session.IP = from.IP.String()
	}
	if err := s.Store.InsertSession(ctx, session, s.sessionHash(value)); err != nil {
		return Entry{}, err
	}
	return Entry{Session: session, Value: secret.NewText(value), User: user, Organization: m.Organization, Role: m.Role}, nil
}

// Session recognises a session value, as a cookie brings it. ErrNoSession covers unknown, ended, idle and removed alike.
func (s *Service) Session(ctx context.Context, value string) (Login, error) {
	if len(value) != sessionChars {
		return Login{}, ErrNoSession // no lookup for junk
	}
	found, err := s.Store.SessionByHash(ctx, s.sessionHash(value))
	if err != nil {
		return Login{}, err
	}
	return s.admit(ctx, found)
}

// UserToken recognises a user token: its signature, its time, and that its session still lives.
func (s *Service) UserToken(ctx context.Context, token string) (Login, error) {
	user, sid, err := s.Signer.Verify(token, s.Now())
	if err != nil {
		return Login{}, err
	}
	found, err := s.Store.SessionByID(ctx, sid)
	if err != nil {
		return Login{}, err
	}
	if found.User.ID != user {
		return Login{}, ErrUserToken
	}
	return s.admit(ctx, found)
}

// SignToken makes a user token for a session: what a command line sends for the next minutes.
func (s *Service) SignToken(session Session) (token secret.Text, expires time.Time, err error) {
	text, expires, err := s.Signer.Sign(session.User, session.ID, s.Now())
	return secret.NewText(text), expires, err
}

func (s *Service) admit(ctx context.Context, f Found) (Login, error) {
	now := s.Now()
	if !f.Session.Live(now) {
		return Login{}, ErrNoSession
	}
	if now.Sub(f.Session.LastSeenAt) >= touchEvery { // one write a minute, not one a request
		if err := s.Store.TouchSession(ctx, f.Session.ID, now); err != nil {
			return Login{}, err
		}
		f.Session.LastSeenAt = now
	}
	return Login{
		Session: f.Session, User: f.User, Organization: f.Organization,
		Scope: tenant.Authenticated(f.Organization.ID, tenant.Actor{User: f.User.ID}, f.Role),
	}, nil
}

// LogOut ends a session by its value. An unknown value is no failure.
func (s *Service) LogOut(ctx context.Context, value string) error {
	if len(value) != sessionChars {
		return nil
	}
	found, err := s.Store.SessionByHash(ctx, s.sessionHash(value))
	if errors.Is(err, ErrNoSession) {
		return nil
	}
	if err != nil {
		return err
	}
	err = s.Store.DeleteSession(ctx, found.User.ID, found.Session.ID)
	if errors.Is(err, ErrNotSession) {
		return nil
	}
	return err
}

// Sessions lists the caller's own live sessions, newest first.
func (s *Service) Sessions(ctx context.Context, in tenant.Scope) ([]Session, error) {
	user, err := person(in)
	if err != nil {
		return nil, err
	}
	return s.Store.Sessions(ctx, user, s.Now())
}

// EndSession ends one of the caller's own sessions.
func (s *Service) EndSession(ctx context.Context, in tenant.Scope, sid id.Session) error {
	user, err := person(in)
	if err != nil {
		return err
	}
	return s.Store.DeleteSession(ctx, user, sid)
}

// EndOtherSessions ends every session of the caller but one (empty: all).
func (s *Service) EndOtherSessions(ctx context.Context, in tenant.Scope, except id.Session) error {
	user, err := person(in)
	if err != nil {
		return err
	}
	return s.Store.DeleteSessions(ctx, user, except)
}

// Empty reports whether the installation has no organization yet: a visitor is its first.
func (s *Service) Empty(ctx context.Context) (bool, error) { return s.Store.Empty(ctx) }

// Memberships lists the organizations that the caller may enter.
func (s *Service) Memberships(ctx context.Context, in tenant.Scope) ([]Membership, error) {
	user, err := person(in)
	if err != nil {
		return nil, err
	}
	return s.Store.Memberships(ctx, user)
}

// Enter points a session of the caller at another of the caller's organizations.
func (s *Service) Enter(ctx context.Context, in tenant.Scope, sid id.Session, org id.Org) error {
	user, err := person(in)
	if err != nil {
		return err
	}
	return s.Store.PointSession(ctx, user, sid, org)
}

// SweepSessions deletes what has expired; a job calls it.
func (s *Service) SweepSessions(ctx context.Context) (int64, error) {
	return s.Store.SweepSessions(ctx, s.Now())
}

func (s *Service) sessionHash(value string) Hash { return keyed(s.SessionPepper, value) }

func person(in tenant.Scope) (id.User, error) {
	if err := in.Check(); err != nil {
		return "", err
	}
	if user := in.Actor().User; user != "" {
		return user, nil
	}
	return "", ErrNoUser
}

// printable keeps what a client says about itself short and harmless.
func printable(s string) string {
	out := make([]rune, 0, userAgentChars)
	for _, r := range s {
		if len(out) == userAgentChars {
			break
		}
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			continue
		}
		out = append(out, r)
	}
	return string(out)
}
