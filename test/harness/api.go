package harness

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Tenant is one organization and what its owner can do.
type Tenant struct {
	OrganizationID string `json:"organization_id"`
	TeamID         string `json:"team_id"`
	Token          string `json:"management_token"`
	Key            string `json:"virtual_key"`

	app *App
}

// Bootstrap makes the first organization by the command line.
func (a *App) Bootstrap() *Tenant {
	a.t.Helper()
	out, err := a.Command("bootstrap", "--email", "owner@example.test", "--password", "correct horse battery", "--organization", "Acme", "--team", "Support")
	if err != nil {
		a.t.Fatal(err)
	}
	tenant := &Tenant{app: a}
	if err := json.Unmarshal(out, tenant); err != nil || tenant.Token == "" || tenant.Key == "" {
		a.t.Fatalf("bootstrap printed %q: %v", out, err)
	}
	return tenant
}

// Tenant is whoever holds a token of the control plane; "" is nobody.
func (a *App) Tenant(token string) *Tenant { return &Tenant{Token: token, app: a} }

// SignUp makes another organization through the API. Its token is the owner's user token, good for some minutes.
func (a *App) SignUp(email, organization string) *Tenant {
	a.t.Helper()
	tenant := &Tenant{app: a}
	got := tenant.Do(http.MethodPost, "/organization", map[string]any{
		"email": email, "password": "correct horse battery", "organization": organization,
	}).Want(http.StatusCreated)
	tenant.Token = got.Text("token")
	tenant.OrganizationID, tenant.TeamID = got.Text("organization_id"), got.Text("team_id")
	return tenant
}

// Answer is one answer of the JSON API.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte

	t    testing.TB
	what string
}

// Do sends a request below /api/v1.
func (o *Tenant) Do(method, path string, body any, header ...string) *Answer {
	t := o.app.t
	t.Helper()
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, o.app.API+"/api/v1"+path, content)
	if err != nil {
		t.Fatal(err)
	}
	if o.Token != "" {
		req.Header.Set("Authorization", "Bearer "+o.Token)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if method == http.MethodPost {
		req.Header.Set("Idempotency-Key", rand.Text())
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &Answer{Status: resp.StatusCode, Header: resp.Header, Body: got, t: t, what: method + " " + path}
}

// Want demands a status.
func (a *Answer) Want(status int) *Answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("%s: status %d, want %d: %s", a.what, a.Status, status, a.Body)
	}
	return a
}

// Into decodes the body.
func (a *Answer) Into(v any) {
	a.t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		a.t.Fatalf("%s: %v: %s", a.what, err, a.Body)
	}
}

// Text is a member of the body that is a string.
func (a *Answer) Text(name string) string {
	a.t.Helper()
	var m map[string]any
	a.Into(&m)
	s, _ := m[name].(string)
	if s == "" {
		a.t.Fatalf("%s: no %s in %s", a.what, name, a.Body)
	}
	return s
}

// Connect stores a credential and returns its id.
func (o *Tenant) Connect(provider, secret, baseURL string) string {
	o.app.t.Helper()
	return o.Do(http.MethodPost, "/credentials", map[string]any{
		"provider": provider, "name": provider + " of the test", "secret": secret, "base_url": baseURL,
	}).Want(http.StatusCreated).Text("id")
}

// Target is one model of a route: "anthropic/claude-haiku-4-5".
type Target string

// Alias makes an alias that tries its targets in order.
func (o *Tenant) Alias(name string, targets ...Target) string {
	o.app.t.Helper()
	var list []map[string]string
	for _, t := range targets {
		provider, model, _ := strings.Cut(string(t), "/")
		list = append(list, map[string]string{"provider": provider, "model": model})
	}
	return o.Do(http.MethodPost, "/aliases", map[string]any{"name": name, "route": map[string]any{"targets": list}}).Want(http.StatusCreated).Text("id")
}

// IssueKey issues a virtual key with the given fields beside name and team.
func (o *Tenant) IssueKey(name string, fields map[string]any) (id, secret string) {
	o.app.t.Helper()
	body := map[string]any{"name": name, "team_id": o.TeamID}
	for k, v := range fields {
		body[k] = v
	}
	got := o.Do(http.MethodPost, "/keys", body).Want(http.StatusCreated)
	return got.Text("id"), got.Text("secret")
}
