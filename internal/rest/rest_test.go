package rest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/rest"
	"tollgate/internal/rest/resttest"
	"tollgate/internal/tenant"
)

var errNoPlant = fault.New(fault.NotFound, "plant.not_found", "There is no such plant.")

type plant struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Org     string `json:"org"`
	version int
}

func (p plant) Tag() string { return fmt.Sprint(p.version) }

type plantRequest struct {
	Body struct {
		Name string            `json:"name" minLength:"1" maxLength:"20"`
		Size int               `json:"size,omitempty" minimum:"0"`
		Tags map[string]string `json:"tags,omitempty"`
		Pots []struct {
			Colour string `json:"colour"`
		} `json:"pots,omitempty"`
	}
}

type table struct {
	Rows []string `json:"rows"`
}

func (t table) WriteCSV(w io.Writer) error {
	_, err := io.WriteString(w, strings.Join(t.Rows, "\n"))
	return err
}

// garden counts effects, so that a test can tell a replay from a second run.
type garden struct{ made atomic.Int64 }

func (g *garden) routes() []rest.Route {
	byID := func(_ context.Context, in tenant.Scope, r struct {
		ID string `path:"id"`
	},
	) (plant, error) {
		if r.ID != "plant_1" {
			return plant{}, errNoPlant
		}
		return plant{ID: r.ID, Org: string(in.Org()), version: 7}, nil
	}
	make := func(_ context.Context, in tenant.Scope, r plantRequest) (plant, error) {
		n := g.made.Add(1)
		return plant{ID: fmt.Sprintf("plant_%d", n), Name: r.Body.Name, Org: string(in.Org())}, nil
	}
	change := func(_ context.Context, _ tenant.Scope, r struct {
		rest.Match
		ID string `path:"id"`
	},
	) (plant, error) {
		return plant{ID: r.ID, version: 8}, r.Check("7")
	}
	list := func(_ context.Context, _ tenant.Scope, r struct{ rest.PageQuery }) (rest.Page[plant], error) {
		var after string
		if err := rest.DecodeCursor(r.Cursor, &after); err != nil {
			return rest.Page[plant]{}, err
		}
		return rest.PageOf([]plant{{ID: "after " + after, Name: fmt.Sprint(r.Limit)}}, rest.EncodeCursor("plant_9")), nil
	}
	about := rest.About{Summary: "Test"}
	return []rest.Route{
		rest.GET("/plants", tenant.ReadKeys, rest.Handle(about, list)),
		rest.GET("/plants/{id}", tenant.ReadKeys, rest.Handle(rest.About{Summary: "Read", Errors: []*fault.Error{errNoPlant}}, byID)),
		rest.POST("/plants", tenant.WriteKeys, rest.Handle(rest.About{Summary: "Make", Status: http.StatusCreated}, make)),
		rest.POST("/plants/secret", tenant.WriteKeys, rest.Handle(rest.About{Summary: "Make", Status: http.StatusCreated, Secret: true}, make)),
		rest.PATCH("/plants/{id}", tenant.WriteKeys, rest.Handle(about, change)),
		rest.DELETE("/plants/{id}", tenant.WriteKeys, rest.Handle(about, func(context.Context, tenant.Scope, struct {
			ID string `path:"id"`
		},
		) (rest.None, error) {
			return rest.None{}, nil
		})),
		rest.GET("/table", tenant.ReadCosts, rest.Handle(about, func(context.Context, tenant.Scope, struct{ rest.FormatQuery }) (table, error) {
			return table{Rows: []string{"a", "b"}}, nil
		})),
		rest.GET("/panic", tenant.ReadKeys, rest.Handle(about, func(context.Context, tenant.Scope, struct{}) (plant, error) {
			panic("canary-secret")
		})),
		rest.POST("/broken", tenant.WriteKeys, rest.Handle(about, func(context.Context, tenant.Scope, plantRequest) (plant, error) {
			g.made.Add(1)
			return plant{}, fmt.Errorf("canary-secret")
		})),
		rest.GET("/stream", tenant.ReadCalls, rest.HandleStream(about, "text/event-stream", func(context.Context, tenant.Scope, struct{}) (rest.Stream, error) {
			return rest.Stream{ContentType: "text/event-stream", Write: func(_ context.Context, w io.Writer, flush func()) error {
				_, err := io.WriteString(w, "data: 1\n\n")
				flush()
				return err
			}}, nil
		})),
		rest.POST("/large", tenant.WriteKeys, rest.Handle(rest.About{Summary: "Take", BodyBytes: 2 * rest.BodyBytesMax}, make)),
		rest.GET("/file", tenant.ReadCalls, rest.HandleStream(about, "application/zip", func(context.Context, tenant.Scope, struct{}) (rest.Stream, error) {
			return rest.Stream{ContentType: "application/zip", Name: "a.zip", Write: func(_ context.Context, w io.Writer, _ func()) error {
				_, err := io.WriteString(w, "zip")
				return err
			}}, nil
		})),
		rest.PublicPOST("/door", rest.HandlePublic(about, func(_ context.Context, from rest.Visitor, _ struct{}) (plant, error) {
			return plant{Name: from.IP.String()}, nil
		})),
	}
}

func scope(org string, role tenant.Role) tenant.Scope {
	return tenant.Authenticated(id.Org(org), tenant.Actor{User: "user_1"}, role)
}

func serve(t *testing.T) (*garden, *resttest.Client) {
	t.Helper()
	g := &garden{}
	return g, resttest.New(t, g.routes()...).As(t, scope("org_a", tenant.Owner))
}

func TestARouteThatIsDeclaredWrongStopsTheStart(t *testing.T) {
	t.Parallel()
	scoped := rest.Handle(rest.About{Summary: "x"}, func(context.Context, tenant.Scope, struct{}) (plant, error) { return plant{}, nil })
	public := rest.HandlePublic(rest.About{Summary: "x"}, func(context.Context, rest.Visitor, struct{}) (plant, error) { return plant{}, nil })
	silent := rest.Handle(rest.About{}, func(context.Context, tenant.Scope, struct{}) (plant, error) { return plant{}, nil })
	odd := rest.Handle(rest.About{Summary: "x"}, func(context.Context, tenant.Scope, int) (plant, error) { return plant{}, nil })
	type idOnly struct {
		ID string `path:"id"`
	}
	hidden := rest.Handle(rest.About{Summary: "x"}, func(context.Context, tenant.Scope, struct{ idOnly }) (plant, error) { return plant{}, nil })
	tests := []struct {
		name   string
		routes []rest.Route
		want   string
	}{
		{"no permission", []rest.Route{rest.GET("/a", "", scoped)}, "declares no permission"},
		{"unknown permission", []rest.Route{rest.GET("/a", "keys.eat", scoped)}, "unknown permission keys.eat"},
		{"a public endpoint under a permission", []rest.Route{rest.POST("/a", tenant.ReadKeys, public)}, "public endpoint needs a public route"},
		{"a scoped endpoint in public", []rest.Route{rest.PublicPOST("/a", scoped)}, "public endpoint needs a public route"},
		{"no endpoint", []rest.Route{rest.GET("/a", tenant.ReadKeys, rest.Endpoint{})}, "has no endpoint"},
		{"no summary", []rest.Route{rest.GET("/a", tenant.ReadKeys, silent)}, "has no summary"},
		{"a PATCH without If-Match", []rest.Route{rest.PATCH("/a", tenant.WriteKeys, scoped)}, "must embed rest.Match"},
		{"twice", []rest.Route{rest.GET("/a", tenant.ReadKeys, scoped), rest.GET("/a", tenant.ReadKeys, scoped)}, "declared twice"},
		{"a path parameter that nothing takes", []rest.Route{rest.GET("/a/{id}", tenant.ReadKeys, hidden)}, "takes the path parameter id"},
		{"a type without a schema", []rest.Route{rest.GET("/a", tenant.ReadKeys, odd)}, "cannot be described"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := rest.New(rest.Options{Title: "t", Version: "1", Now: time.Now, Logger: slog.New(slog.DiscardHandler)})
			s.Mount(tt.routes...)
			if _, err := s.Handler(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Handler() = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestRequestsAreRefusedAsProblems(t *testing.T) {
	t.Parallel()
	_, c := serve(t)
	tests := []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		code, field              string
	}{
		{"an unknown address", "GET", "/nothing", "", nil, 404, "route.not_found", ""},
		{"an unknown method", "PUT", "/plants", "{}", nil, 405, "route.method", ""},
		{"a missing thing", "GET", "/plants/plant_2", "", nil, 404, "plant.not_found", ""},
		{"no body", "POST", "/plants", "", nil, 400, "request.invalid_body", ""},
		{"no JSON", "POST", "/plants", "{", nil, 400, "request.invalid_body", ""},
		{"two values", "POST", "/plants", `{"name":"a"} {}`, nil, 400, "request.invalid_body", ""},
		{"an unknown field", "POST", "/plants", `{"name":"a","nme":1}`, nil, 400, "request.unknown_field", "nme"},
		{"an unknown field inside", "POST", "/plants", `{"name":"a","pots":[{"colour":"red","x":1}]}`, nil, 400, "request.unknown_field", "pots.0.x"},
		{"a wrong type", "POST", "/plants", `{"name":1}`, nil, 400, "request.invalid", "name"},
		{"a missing field", "POST", "/plants", `{}`, nil, 400, "request.invalid", "name"},
		{"a number out of range", "POST", "/plants", `{"name":"a","size":-1}`, nil, 400, "request.invalid", "size"},
		{"an unknown query parameter", "GET", "/plants?x=1", "", nil, 400, "request.unknown_field", "x"},
		{"a page too long", "GET", "/plants?limit=201", "", nil, 400, "request.invalid", "limit"},
		{"a cursor that is none", "GET", "/plants?cursor=%21", "", nil, 400, "request.invalid_cursor", "cursor"},
		{"another media type", "POST", "/plants", "a=b", []string{"Content-Type", "text/plain"}, 415, "request.media_type", ""},
		{"a packed body", "POST", "/plants", "{}", []string{"Content-Encoding", "gzip"}, 415, "request.media_type", ""},
		{"a body over the route's own limit", "POST", "/large", `{"name":"` + strings.Repeat("a", 2*rest.BodyBytesMax) + `"}`, nil, 413, "request.too_large", ""},
		{"a body within it", "POST", "/large", `{"nose":"` + strings.Repeat("a", rest.BodyBytesMax) + `"}`, nil, 400, "request.invalid", "name"},
		{"a body over the limit", "POST", "/plants", `{"name":"` + strings.Repeat("a", rest.BodyBytesMax) + `"}`, nil, 413, "request.too_large", ""},
		{"a change without If-Match", "PATCH", "/plants/plant_1", "", nil, 428, "request.if_match_required", ""},
		{"a change of what was changed", "PATCH", "/plants/plant_1", "", []string{"If-Match", `"6"`}, 412, "request.stale", ""},
		{"a bad idempotency key", "POST", "/plants", `{"name":"a"}`, []string{"Idempotency-Key", "a b"}, 400, "idempotency.invalid_key", "Idempotency-Key"},
		{"a panic", "GET", "/panic", "", nil, 500, "internal", ""},
		{"an undeclared error", "POST", "/broken", `{"name":"a"}`, nil, 500, "internal", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := c.For(t).Do(tt.method, tt.path, tt.body, tt.headers...).WantCode(tt.status, tt.code)
			p := a.Problem()
			if p.Field != tt.field {
				t.Errorf("field = %q, want %q: %s", p.Field, tt.field, a.Body)
			}
			if p.Status != tt.status || p.Title == "" || p.Detail == "" || p.RequestID == "" || p.RequestID != a.Header.Get("x-request-id") {
				t.Errorf("incomplete problem: %s", a.Body)
			}
			if strings.Contains(a.Body, "canary-secret") {
				t.Errorf("the answer shows an inner error: %s", a.Body)
			}
		})
	}
}

func TestAnswersCarryTheConventions(t *testing.T) {
	t.Parallel()
	_, c := serve(t)
	if a := c.Do("GET", "/plants/plant_1", "").Want(200); a.Header.Get("ETag") != `"7"` || a.Field("org") != "org_a" {
		t.Errorf("read: ETag %q, body %s", a.Header.Get("ETag"), a.Body)
	}
	if a := c.Do("PATCH", "/plants/plant_1", "", "If-Match", `"7"`).Want(200); a.Header.Get("ETag") != `"8"` {
		t.Errorf("change: ETag %q, want the new one", a.Header.Get("ETag"))
	}
	c.Do("PATCH", "/plants/plant_1", "", "If-Match", "*").Want(200)
	if a := c.Do("DELETE", "/plants/plant_1", "").Want(204); a.Body != "" {
		t.Errorf("delete answered a body: %s", a.Body)
	}
	var first rest.Page[plant]
	c.Do("GET", "/plants", "").Want(200).Into(&first)
	if first.Items[0].Name != "50" {
		t.Errorf("default limit = %s, want 50", first.Items[0].Name)
	}
	var second rest.Page[plant]
	c.Do("GET", "/plants?limit=1&cursor="+first.NextCursor, "").Want(200).Into(&second)
	if second.Items[0].ID != "after plant_9" {
		t.Errorf("the cursor did not come through: %+v", second)
	}
	if a := c.Do("GET", "/table", "", "Accept", "text/csv").Want(200); a.Body != "a\nb" || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/csv") {
		t.Errorf("Accept: text/csv answered %q %q", a.Header.Get("Content-Type"), a.Body)
	}
	c.Do("GET", "/table?format=csv", "").Want(200)
	var tab table
	c.Do("GET", "/table", "").Want(200).Into(&tab)
	if a := c.Do("GET", "/file", "").Want(200); a.Body != "zip" || a.Header.Get("Content-Disposition") != "attachment; filename=a.zip" {
		t.Errorf("a file to be kept: %q %v", a.Body, a.Header)
	}
	if a := c.Do("GET", "/stream", "").Want(200); a.Body != "data: 1\n\n" || a.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("stream answered %q %q", a.Header.Get("Content-Type"), a.Body)
	}
}

func TestNobodyEntersWithoutPermission(t *testing.T) {
	t.Parallel()
	g := &garden{}
	s := resttest.New(t, g.routes()...)
	s.As(t, tenant.Scope{}).Do("GET", "/plants", "").WantCode(401, "auth.required")
	if a := s.As(t, tenant.Scope{}).Do("POST", "/door", "").Want(200); a.Field("name") != "192.0.2.1" {
		t.Errorf("the visitor's address = %s", a.Body)
	}
	a := s.As(t, scope("org_a", tenant.Viewer)).Do("POST", "/plants", `{"nonsense":1}`).WantCode(403, "role.forbidden")
	if !strings.Contains(a.Problem().Detail, "developer") {
		t.Errorf("the refusal does not name the role needed: %s", a.Body)
	}
	if g.made.Load() != 0 {
		t.Error("a refused request had an effect")
	}
}

func TestAForwardedAddressIsNotBelieved(t *testing.T) {
	t.Parallel()
	_, c := serve(t)
	if a := c.Do("POST", "/door", "", "X-Forwarded-For", "9.9.9.9", "X-Real-Ip", "9.9.9.9").Want(200); a.Field("name") != "192.0.2.1" {
		t.Errorf("the address came from a header: %s", a.Body)
	}
}

func TestARepeatedPostTakesEffectOnce(t *testing.T) {
	t.Parallel()
	g, c := serve(t)
	body := `{"name":"fern"}`
	first := c.Do("POST", "/plants", body, "Idempotency-Key", "k").Want(201)
	again := c.Do("POST", "/plants", body, "Idempotency-Key", "k").Want(201)
	if again.Body != first.Body || again.Header.Get("Content-Type") != first.Header.Get("Content-Type") || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("replay = %q %v, want %q", again.Body, again.Header, first.Body)
	}
	if n := g.made.Load(); n != 1 {
		t.Errorf("it took effect %d times", n)
	}
	c.Do("POST", "/plants", `{"name":"moss"}`, "Idempotency-Key", "k").WantCode(409, "idempotency.key_reused")
	c.Do("POST", "/plants", body, "Idempotency-Key", "k2").Want(201)
	if n := g.made.Load(); n != 2 {
		t.Errorf("another key took effect %d times", n-1)
	}
}

func TestARefusedPostMayBeRepeated(t *testing.T) {
	t.Parallel()
	_, c := serve(t)
	c.Do("POST", "/plants", `{"nme":1}`, "Idempotency-Key", "k").Want(400)
	c.Do("POST", "/plants", `{"name":"fern"}`, "Idempotency-Key", "k").Want(201)
}

func TestAFailedPostIsNotRepeatedBlindly(t *testing.T) {
	t.Parallel()
	g, c := serve(t)
	c.Do("POST", "/broken", `{"name":"a"}`, "Idempotency-Key", "k").Want(500)
	c.Do("POST", "/broken", `{"name":"a"}`, "Idempotency-Key", "k").WantCode(409, "idempotency.unknown_outcome")
	if n := g.made.Load(); n != 1 {
		t.Errorf("it ran %d times", n)
	}
}

func TestASecretIsNeverReplayed(t *testing.T) {
	t.Parallel()
	g, c := serve(t)
	first := c.Do("POST", "/plants/secret", `{"name":"fern"}`, "Idempotency-Key", "k").Want(201)
	p := c.Do("POST", "/plants/secret", `{"name":"fern"}`, "Idempotency-Key", "k").WantCode(409, "idempotency.secret_shown").Problem()
	if p.Resource != first.Field("id") || p.Resource == "" {
		t.Errorf("the problem names %q, want the id of what was made", p.Resource)
	}
	if g.made.Load() != 1 {
		t.Error("it took effect twice")
	}
}

func TestTheMemoryLedgerKeepsTheContract(t *testing.T) {
	t.Parallel()
	resttest.ExerciseLedger(t, &resttest.Memory{}, scope("org_a", tenant.Owner), scope("org_b", tenant.Owner))
}

// W1: whatever a page of another site makes a browser send, nothing changes.
func TestAnotherSiteChangesNothing(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"POST", "PATCH", "DELETE", "PUT"} {
		for _, site := range []string{"", "cross-site", "same-site", "same-origin", "none"} {
			for _, origin := range []string{"", "null", "https://evil.example", "http://example.com"} {
				own := origin == "http://example.com" || origin == ""
				blocked := site == "cross-site" || site == "same-site" || site == "" && !own
				if site == "same-origin" || site == "none" {
					blocked = false
				}
				t.Run(strings.Join([]string{method, site, origin}, ","), func(t *testing.T) {
					t.Parallel()
					g, c := serve(t)
					headers := []string{"If-Match", "*"}
					if site != "" {
						headers = append(headers, "Sec-Fetch-Site", site)
					}
					if origin != "" {
						headers = append(headers, "Origin", origin)
					}
					path, body := "/plants/plant_1", ""
					if method == "POST" {
						path, body = "/plants", `{"name":"a"}`
					}
					a := c.Do(method, path, body, headers...)
					if got := a.Status == 403; got != blocked {
						t.Errorf("status %d, want blocked = %v", a.Status, blocked)
					}
					if blocked && g.made.Load() != 0 {
						t.Error("a blocked request had an effect")
					}
				})
			}
		}
	}
}

func TestTheDocumentDescribesEveryRoute(t *testing.T) {
	t.Parallel()
	g := &garden{}
	a := resttest.New(t, g.routes()...).As(t, tenant.Scope{}).Do("GET", "/openapi.json", "").Want(200)
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Permission string `json:"x-permission"`
			Public     bool   `json:"x-public"`
			Security   []map[string][]string
			Responses  map[string]struct {
				Codes   []string `json:"x-codes"`
				Content map[string]json.RawMessage
			}
		}
		Components struct{ Schemas map[string]json.RawMessage }
	}
	a.Into(&doc)
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("openapi = %q", doc.OpenAPI)
	}
	for _, r := range g.routes() {
		op, ok := doc.Paths[r.Path][strings.ToLower(r.Method)]
		if !ok {
			t.Errorf("%s %s is not in the document", r.Method, r.Path)
			continue
		}
		if op.Permission != string(r.Permission) || op.Public != r.Public || len(op.Security) == 0 {
			t.Errorf("%s %s: permission %q, public %v, security %v", r.Method, r.Path, op.Permission, op.Public, op.Security)
		}
	}
	if codes := doc.Paths["/plants/{id}"]["get"].Responses["404"].Codes; len(codes) != 1 || codes[0] != "plant.not_found" {
		t.Errorf("declared codes = %v", codes)
	}
	if _, ok := doc.Paths["/table"]["get"].Responses["200"].Content["text/csv"]; !ok {
		t.Error("the table's second format is not documented")
	}
	for name := range doc.Components.Schemas {
		if strings.HasPrefix(name, "Huma") {
			t.Errorf("the document has the library's schema %s", name)
		}
	}
	if strings.Contains(a.Body, "/components/schemas/Huma") {
		t.Error("the document refers to the library's schemas")
	}
}
