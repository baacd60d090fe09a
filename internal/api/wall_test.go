package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/golden"
	"tollgate/internal/rest"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
)

// T1: every route with an id, called with another organization's, answers as if there were no such thing, and changes nothing.
func TestEveryRouteHidesOtherOrganizations(t *testing.T) {
	t.Parallel()
	h := build(t)
	victim := h.organization("a")[tenant.Owner]
	things := map[string]string{}
	for _, f := range fixtures {
		things[f.under] = f.make(victim)
	}
	stranger := h.organization("b")[tenant.Owner]
	before := h.fingerprint()
	for _, r := range h.routes {
		if !strings.Contains(r.Path, "{") {
			continue
		}
		under := ""
		for prefix := range things {
			if strings.HasPrefix(r.Path, prefix) && len(prefix) > len(under) {
				under = prefix
			}
		}
		if under == "" {
			t.Errorf("%s %s has no fixture", r.Method, r.Path)
			continue
		}
		foreign, missing := stranger.call(r, things[under]), stranger.call(r, strange(things[under]))
		if foreign.status != http.StatusNotFound || foreign.likeness(t) != missing.likeness(t) {
			t.Errorf("%s %s: another organization's id answers %s, an id that is not there %s", r.Method, r.Path, foreign.likeness(t), missing.likeness(t))
		}
		if diff := cmp.Diff(before, h.fingerprint()); diff != "" {
			t.Errorf("%s %s with another organization's id changed the database:\n%s", r.Method, r.Path, diff)
			before = h.fingerprint()
		}
	}
	ownThingsAreThere(t, h.routes, victim, things)
	for _, f := range fixtures {
		if !slices.ContainsFunc(h.routes, func(r rest.Route) bool { return strings.HasPrefix(r.Path, f.under) }) {
			t.Errorf("the fixture %s has no route any more", f.under)
		}
	}
}

// ownThingsAreThere keeps the test above honest: to its own organization no fixture is "not found". What removes things comes last,
// and of that the end of the very session that asks.
func ownThingsAreThere(t *testing.T, routes []rest.Route, victim *client, things map[string]string) {
	t.Helper()
	order := func(r rest.Route) int {
		switch {
		case r.Method != http.MethodDelete:
			return 0
		case r.Path != "/sessions/{id}":
			return 1
		}
		return 2
	}
	routes = slices.Clone(routes)
	slices.SortStableFunc(routes, func(a, b rest.Route) int { return order(a) - order(b) })
	for _, r := range routes {
		for under, id := range things {
			if !strings.HasPrefix(r.Path, under) {
				continue
			}
			own := victim.call(r, id)
			if own.status == http.StatusNotFound || own.status == http.StatusUnauthorized || r.Method == http.MethodGet && own.status != http.StatusOK {
				t.Errorf("%s %s: its own organization gets %d: %s", r.Method, r.Path, own.status, own.body)
			}
		}
	}
}

// T6: each route × role answers as the permission table says.
func TestEveryRouteAsksForItsPermission(t *testing.T) {
	t.Parallel()
	h := build(t)
	clients := h.organization("a")
	nobody := &client{t: t, h: h}
	for _, r := range h.routes {
		name := r.Method + " " + r.Path
		if r.Public {
			if got := nobody.call(r, ""); got.status == http.StatusUnauthorized && got.code() == "auth.required" {
				t.Errorf("%s is public and asks for a credential", name)
			}
			continue
		}
		if got := nobody.call(r, "x"); got.status != http.StatusUnauthorized || got.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s without a credential: %d %s", name, got.status, got.body)
		}
		for _, role := range slices.Backward(tenant.Roles) { // the owner last
			// An id that nothing has, so that the next role finds everything in place.
			got := clients[role].call(r, "nothing")
			refused := got.status == http.StatusForbidden && got.code() == tenant.ErrForbidden.Code
			if refused == role.Can(r.Permission) || got.status == http.StatusUnauthorized || got.status >= http.StatusInternalServerError {
				t.Errorf("%s as %s: %d %s, permission %s granted = %v", name, role, got.status, got.body, r.Permission, role.Can(r.Permission))
			}
		}
	}
}

// What may be reached without a credential is a decision: it is written out.
func TestTheDoorsAreTheOnlyPublicRoutes(t *testing.T) {
	t.Parallel()
	var got []string
	for _, r := range server(Deps{}).Routes() {
		if r.Public {
			got = append(got, r.Method+" "+r.Path)
		}
	}
	want := []string{"POST /organization", "POST /sessions", "POST /sessions/refresh"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("public routes (-want +got):\n%s", diff)
	}
}

func TestOnlyDeclaredMethodsAnswer(t *testing.T) {
	t.Parallel()
	h := build(t)
	owner := h.organization("a")[tenant.Owner]
	have := map[string]map[string]bool{}
	for _, r := range h.routes {
		if have[r.Path] == nil {
			have[r.Path] = map[string]bool{}
		}
		have[r.Path][r.Method] = true
	}
	before := h.fingerprint()
	for path, methods := range have {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"} {
			if methods[method] || otherRoute(have, path, method) {
				continue
			}
			got := owner.do(method, strings.ReplaceAll(path, "{id}", "nothing"), "", "If-Match", "*")
			if got.status != http.StatusMethodNotAllowed && got.status != http.StatusNotFound {
				t.Errorf("%s %s: %d", method, path, got.status)
			}
		}
	}
	if diff := cmp.Diff(before, h.fingerprint()); diff != "" {
		t.Errorf("an undeclared method changed the database:\n%s", diff)
	}
}

// otherRoute reports that the path, taken literally, meets another route's parameter.
func otherRoute(have map[string]map[string]bool, path, method string) bool {
	parent := path[:strings.LastIndex(path, "/")]
	return have[parent+"/{id}"][method]
}

// W1: with a valid cookie, whatever a page of another site makes the browser send is refused and changes nothing; and no GET
// changes anything, wherever it comes from.
func TestNothingChangesByAnotherSiteOrByReading(t *testing.T) {
	t.Parallel()
	h := build(t)
	owner := h.organization("a")[tenant.Owner]
	things := map[string]string{}
	for _, f := range fixtures {
		things[f.under] = f.make(owner)
	}
	before := h.fingerprint()
	for _, r := range h.routes {
		id := things[r.Path]
		if r.Method == http.MethodGet {
			owner.call(r, id, "Sec-Fetch-Site", "cross-site")
		} else {
			for _, headers := range [][]string{
				{"Sec-Fetch-Site", "cross-site"},
				{"Sec-Fetch-Site", "same-site"},
				{"Origin", "https://evil.example"},
				{"Origin", "null"},
				{"Sec-Fetch-Site", "cross-site", "Content-Type", "text/plain"},
			} {
				if got := owner.call(r, id, headers...); got.status != http.StatusForbidden || got.code() != "request.cross_site" {
					t.Errorf("%s %s with %v: %d %s", r.Method, r.Path, headers, got.status, got.body)
				}
			}
		}
		if diff := cmp.Diff(before, h.fingerprint()); diff != "" {
			t.Errorf("%s %s changed the database:\n%s", r.Method, r.Path, diff)
			before = h.fingerprint()
		}
	}
}

func TestEveryPostTakesEffectOnce(t *testing.T) {
	t.Parallel()
	h := build(t)
	owner := h.organization("a")[tenant.Owner]
	things := map[string]string{}
	for _, f := range fixtures {
		things[f.under] = f.make(owner)
	}
	for _, r := range h.routes {
		if r.Method != http.MethodPost || r.Public {
			continue
		}
		id := ""
		for under := range things {
			if strings.HasPrefix(r.Path, under) {
				id = things[under]
			}
		}
		first := owner.call(r, id, "Idempotency-Key", "k")
		if first.status >= http.StatusBadRequest {
			t.Errorf("POST %s: the test's body does not work: %d %s", r.Path, first.status, first.body)
			continue
		}
		before := h.fingerprint()
		again := owner.call(r, id, "Idempotency-Key", "k")
		switch {
		case again.code() == "idempotency.secret_shown":
			if again.object(t)["resource_id"] != first.field(t, "id") {
				t.Errorf("POST %s: the repeat does not name what was made: %s", r.Path, again.body)
			}
		case again.body != first.body || again.status != first.status:
			t.Errorf("POST %s: the repeat answers %d %s, the first %d %s", r.Path, again.status, again.body, first.status, first.body)
		}
		if diff := cmp.Diff(before, h.fingerprint()); diff != "" {
			t.Errorf("POST %s: the repeat took effect:\n%s", r.Path, diff)
		}
	}
}

func TestAVirtualKeyDoesNotOpenTheControlPlane(t *testing.T) {
	t.Parallel()
	h := build(t)
	c := &client{t: t, h: h}
	for _, kind := range []secret.Kind{secret.Live, secret.Test} {
		if got := c.do("GET", "/teams", "", "Authorization", "Bearer "+secret.NewToken(kind).Reveal()); got.status != 401 || got.code() != "token.wrong_kind" {
			t.Errorf("%s key: %d %s", kind, got.status, got.body)
		}
	}
}

// The table of routes, permissions and roles is kept in a file, so that a change of it is seen in review.
func TestThePermissionTableIsWrittenDown(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, r := range server(Deps{}).Routes() {
		who := "public"
		if !r.Public {
			var roles []string
			for _, role := range tenant.Roles {
				if role.Can(r.Permission) {
					roles = append(roles, string(role))
				}
			}
			who = string(r.Permission) + ": " + strings.Join(roles, " ")
		}
		b.WriteString(r.Method + " " + r.Path + " — " + who + "\n")
	}
	golden.Equal(t, "permissions.txt", []byte(b.String()))
}

// The document is complete: every route, every reference, every path parameter.
func TestTheDocumentIsValid(t *testing.T) {
	t.Parallel()
	h := build(t)
	got := (&client{t: t, h: h}).do("GET", "/openapi.json", "").want(t, 200)
	var doc struct {
		OpenAPI    string
		Info       struct{ Title, Version string }
		Paths      map[string]map[string]operation
		Components struct {
			Schemas         map[string]json.RawMessage
			SecuritySchemes map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(got.body), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" || doc.Info.Title == "" || doc.Info.Version == "" {
		t.Errorf("head = %q %+v", doc.OpenAPI, doc.Info)
	}
	seen := map[string]bool{}
	for _, r := range h.routes {
		op, ok := doc.Paths[r.Path][strings.ToLower(r.Method)]
		if !ok {
			t.Errorf("%s %s is not in the document", r.Method, r.Path)
			continue
		}
		if op.OperationID == "" || seen[op.OperationID] || op.Summary == "" || len(op.Tags) == 0 {
			t.Errorf("%s %s: operation id %q (again: %v), summary %q", r.Method, r.Path, op.OperationID, seen[op.OperationID], op.Summary)
		}
		seen[op.OperationID] = true
		if op.Permission != string(r.Permission) || !r.Public && len(op.Roles) == 0 {
			t.Errorf("%s %s: permission %q, roles %v", r.Method, r.Path, op.Permission, op.Roles)
		}
		if !slices.ContainsFunc(slices.Collect(maps.Keys(op.Responses)), func(s string) bool { return s[0] == '2' }) {
			t.Errorf("%s %s documents no success", r.Method, r.Path)
		}
		for part := range strings.SplitSeq(r.Path, "/") {
			name := strings.Trim(part, "{}")
			if name != part && !slices.ContainsFunc(op.Parameters, func(p parameter) bool { return p.In == "path" && p.Name == name && p.Required }) {
				t.Errorf("%s %s does not document the parameter %s", r.Method, r.Path, name)
			}
		}
		for _, scheme := range op.Security {
			for name := range scheme {
				if _, ok := doc.Components.SecuritySchemes[name]; !ok {
					t.Errorf("%s %s: unknown security scheme %s", r.Method, r.Path, name)
				}
			}
		}
	}
	for _, ref := range references(t, got.body) {
		name, ok := strings.CutPrefix(ref, "#/components/schemas/")
		if _, there := doc.Components.Schemas[name]; !ok || !there {
			t.Errorf("the reference %s leads nowhere", ref)
		}
	}
}

type operation struct {
	OperationID string
	Summary     string
	Tags        []string
	Permission  string   `json:"x-permission"`
	Roles       []string `json:"x-roles"`
	Parameters  []parameter
	Responses   map[string]json.RawMessage
	Security    []map[string][]string
}

type parameter struct {
	Name, In string
	Required bool
}

// references finds every $ref of a document.
func references(t *testing.T, doc string) []string {
	t.Helper()
	var all any
	if err := json.Unmarshal([]byte(doc), &all); err != nil {
		t.Fatal(err)
	}
	var out []string
	var walk func(any)
	walk = func(v any) {
		switch x := v.(type) {
		case map[string]any:
			for k, w := range x {
				if ref, ok := w.(string); ok && k == "$ref" {
					out = append(out, ref)
				}
				walk(w)
			}
		case []any:
			for _, w := range x {
				walk(w)
			}
		}
	}
	walk(all)
	return out
}
