// Package resttest runs routes in memory, for the tests of endpoints: a scope is chosen by the test, not by a credential.
package resttest

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// ErrNobody is what a request without a scope meets.
var ErrNobody = fault.New(fault.Unauthenticated, "auth.required", "Log in, or send a management token.")

// Server serves routes to scopes.
type Server struct {
	handler http.Handler
	auth    *authenticator
}

// New mounts routes; a fault of declaration fails the test.
func New(t testing.TB, routes ...rest.Route) *Server {
	t.Helper()
	auth := &authenticator{callers: map[string]rest.Caller{}}
	s := rest.New(rest.Options{Title: "test", Version: "1", Authenticator: auth, Once: &Memory{}, Now: time.Now, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	s.Mount(routes...)
	h, err := s.Handler()
	if err != nil {
		t.Fatalf("routes: %v", err)
	}
	return &Server{handler: h, auth: auth}
}

// As gives a client that acts in a scope. The zero scope sends no credential.
func (s *Server) As(t testing.TB, in tenant.Scope) *Client {
	c := &Client{t: t, handler: s.handler}
	if in != (tenant.Scope{}) {
		c.bearer = s.auth.admit(rest.Caller{Scope: in})
	}
	return c
}

// Client sends requests.
type Client struct {
	t       testing.TB
	handler http.Handler
	bearer  string
}

// For is the same client, reporting to another (sub)test.
func (c *Client) For(t testing.TB) *Client {
	return &Client{t: t, handler: c.handler, bearer: c.bearer}
}

// Answer is what came back.
type Answer struct {
	t      testing.TB
	Status int
	Header http.Header
	Body   string
}

// Do sends a request to a path below /api/v1. Headers are name, value, name, value. An empty body sends none.
func (c *Client) Do(method, path, body string, headers ...string) Answer {
	c.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req := httptest.NewRequest(method, rest.Prefix+path, r).WithContext(c.t.Context())
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, req)
	return Answer{t: c.t, Status: w.Code, Header: w.Header(), Body: w.Body.String()}
}

// Want fails the test when the status is another one, and returns the answer for more.
func (a Answer) Want(status int) Answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("status = %d, want %d: %s", a.Status, status, a.Body)
	}
	return a
}

// WantCode is Want for a problem with a code.
func (a Answer) WantCode(status int, code string) Answer {
	a.t.Helper()
	a.Want(status)
	if got := a.Problem().Code; got != code {
		a.t.Fatalf("code = %q, want %q: %s", got, code, a.Body)
	}
	return a
}

// Problem reads a problem document; another content type fails the test.
func (a Answer) Problem() rest.Problem {
	a.t.Helper()
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		a.t.Fatalf("content type = %q, want a problem: %s", got, a.Body)
	}
	var p rest.Problem
	a.Into(&p)
	return p
}

// Into reads the JSON body.
func (a Answer) Into(v any) {
	a.t.Helper()
	if err := json.Unmarshal([]byte(a.Body), v); err != nil {
		a.t.Fatalf("body is no JSON: %v: %s", err, a.Body)
	}
}

// Field reads one string member of a JSON object body.
func (a Answer) Field(name string) string {
	a.t.Helper()
	var m map[string]any
	a.Into(&m)
	s, ok := m[name].(string)
	if !ok {
		a.t.Fatalf("body has no text field %q: %s", name, a.Body)
	}
	return s
}

type authenticator struct {
	mu      sync.Mutex
	callers map[string]rest.Caller
}

func (a *authenticator) admit(c rest.Caller) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	name := "caller-" + string(c.Scope.Org()) + "-" + string(c.Scope.Role()) + "-" + string(c.Scope.Actor().User) + string(c.Scope.Actor().Token)
	a.callers[name] = c
	return name
}

// Authenticate implements rest.Authenticator.
func (a *authenticator) Authenticate(_ context.Context, r *http.Request) (rest.Caller, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, ok := a.callers[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !ok {
		return rest.Caller{}, ErrNobody
	}
	return c, nil
}
