// Package accounthttp is the JSON face of accounts, and proves who sends a request.
package accounthttp

import (
	"context"
	"net/http"
	"strings"

	"tollgate/internal/account"
	"tollgate/internal/id"
	"tollgate/internal/rest"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
)

// Authenticator recognises, in this order: a management token or user token in the Authorization header, then the session
// cookie. A header that is wrong is never forgiven because of a cookie.
type Authenticator struct {
	accounts recogniser
	cookie   Cookie
}

type recogniser interface {
	Session(ctx context.Context, value string) (account.Login, error)
	UserToken(ctx context.Context, token string) (account.Login, error)
	ManagementToken(ctx context.Context, text string) (tenant.Scope, error)
}

// NewAuthenticator makes an authenticator.
func NewAuthenticator(accounts recogniser, cookie Cookie) *Authenticator {
	return &Authenticator{accounts: accounts, cookie: cookie}
}

var _ rest.Authenticator = (*Authenticator)(nil)

// Authenticate implements rest.Authenticator.
func (a *Authenticator) Authenticate(ctx context.Context, r *http.Request) (rest.Caller, error) {
	if values := r.Header.Values("Authorization"); len(values) > 0 {
		scheme, word, _ := strings.Cut(values[0], " ")
		if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") {
			return rest.Caller{}, account.ErrNoCredential
		}
		return a.bearer(ctx, strings.TrimSpace(word))
	}
	value := a.cookie.Value(r)
	if value == "" {
		return rest.Caller{}, account.ErrNoCredential
	}
	login, err := a.accounts.Session(ctx, value)
	return caller(login), err
}

func (a *Authenticator) bearer(ctx context.Context, word string) (rest.Caller, error) {
	if strings.HasPrefix(word, "tg_") {
		in, err := a.accounts.ManagementToken(ctx, word)
		return rest.Caller{Scope: in}, err
	}
	login, err := a.accounts.UserToken(ctx, word)
	return caller(login), err
}

func caller(l account.Login) rest.Caller { return rest.Caller{Scope: l.Scope, Session: l.Session.ID} }

// Cookie is how the browser keeps a session. Secure is for installations that people reach by https: then the name carries the
// __Host- prefix, with which no other host or path can set it.
type Cookie struct{ Secure bool }

// Name is the cookie's name.
func (c Cookie) Name() string {
	if c.Secure {
		return "__Host-tollgate"
	}
	return "tollgate"
}

// Value reads the session value of a request; empty when there is none, or more than one.
func (c Cookie) Value(r *http.Request) string {
	got := r.CookiesNamed(c.Name())
	if len(got) != 1 {
		return ""
	}
	return got[0].Value
}

// Set gives a browser its session.
func (c Cookie) Set(w http.ResponseWriter, value secret.Text) {
	c.write(w, value.Reveal(), int(account.SessionLife.Seconds()))
}

// Clear takes it away.
func (c Cookie) Clear(w http.ResponseWriter) { c.write(w, "", -1) }

func (c Cookie) write(w http.ResponseWriter, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure follows the public address: plain http exists on one's own machine
		Name: c.Name(), Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true, Secure: c.Secure, SameSite: http.SameSiteLaxMode,
	})
}

// visitor is the kit's visitor in the words of accounts.
func visitor(v rest.Visitor) account.Visitor {
	return account.Visitor{IP: v.IP, UserAgent: v.UserAgent}
}

// current is the id by which a caller names its own session.
const current id.Session = "current"
