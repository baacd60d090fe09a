package rest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"tollgate/internal/fault"
	"tollgate/internal/tenant"
)

const refPrefix = "#/components/schemas/"

// The security schemes of the document.
const (
	bearerScheme = "bearer"
	cookieScheme = "session"
)

func (s *Server) config() huma.Config {
	format := huma.Format{Marshal: writeJSON, Unmarshal: json.Unmarshal}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: s.opt.Title, Version: s.opt.Version,
				Description: "Control plane of Tollgate. Failures are RFC 9457 problems with a stable code. Lists are keyset pages. " +
					"Every POST honours Idempotency-Key; every PATCH needs If-Match. Money is a decimal string or an integer in a string, never a float.",
			},
			Servers: []*huma.Server{{URL: Prefix}},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry(refPrefix, s.schemaName),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					bearerScheme: {Type: "http", Scheme: "bearer", Description: "A management token (tg_mgmt_…) or a user token from POST /sessions."},
					cookieScheme: {Type: "apiKey", In: "cookie", Name: "__Host-tollgate", Description: "The browser's session."},
				},
			},
		},
		Formats:                      map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{s.asProblem},
	}
}

// asProblem replaces the library's error bodies by ours.
func (s *Server) asProblem(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	c := humagin.Unwrap(ctx).Request.Context()
	return s.problem(c, exchangeOf(c), fromBinder(m)), nil
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// operation is a route as the document describes it.
func (s *Server) operation(r *Route) huma.Operation {
	a := r.endpoint.about
	op := huma.Operation{
		Method: r.Method, Path: r.Path, OperationID: r.operationID(), Tags: []string{r.tag()},
		Summary: a.Summary, Description: a.Description, DefaultStatus: a.Status,
		MaxBodyBytes: -1, BodyReadTimeout: -1, // the middleware has read and bounded the body
		Responses: s.refusals(r), Extensions: map[string]any{},
	}
	if r.Public {
		op.Security = []map[string][]string{{}}
		op.Extensions["x-public"] = true
	} else {
		op.Security = []map[string][]string{{bearerScheme: {}}, {cookieScheme: {}}}
		op.Extensions["x-permission"] = string(r.Permission)
		op.Extensions["x-roles"] = holders(r.Permission)
	}
	if r.Method == http.MethodPost && !r.Public {
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: "Idempotency-Key", In: "header",
			Description: "Makes the request take effect at most once in 24 hours.", Schema: &huma.Schema{Type: "string"},
		})
	}
	return op
}

// refusals lists the failures of a route by status, with their codes.
func (s *Server) refusals(r *Route) map[string]*huma.Response {
	faults := []*fault.Error{ErrInvalid, ErrUnknownField, ErrCrossSite}
	if r.Method != http.MethodGet && r.Method != http.MethodDelete {
		faults = append(faults, ErrBody, ErrMediaType, ErrTooLarge)
	}
	if !r.Public {
		faults = append(faults, tenant.ErrForbidden)
	}
	if r.Method == http.MethodPatch {
		faults = append(faults, ErrNoMatch, ErrStale)
	}
	if r.Method == http.MethodPost && !r.Public {
		faults = append(faults, ErrKeyFormat, ErrKeyReused, ErrInFlight, ErrUnknown)
		if r.endpoint.about.Secret {
			faults = append(faults, ErrSecretShown)
		}
	}
	codes := map[int][]string{http.StatusInternalServerError: {"internal"}}
	if !r.Public {
		faults = append(faults, s.opt.Unauthenticated...)
	}
	for _, f := range append(faults, r.endpoint.about.Errors...) {
		status, f := statusOf(f)
		codes[status] = append(codes[status], f.Code)
	}
	problem := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "")
	out := map[string]*huma.Response{}
	for status, list := range codes {
		slices.Sort(list)
		out[strconv.Itoa(status)] = &huma.Response{
			Description: http.StatusText(status),
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: problem}},
			Extensions:  map[string]any{"x-codes": slices.Compact(list)},
		}
	}
	return out
}

func holders(p tenant.Permission) []string {
	var out []string
	for _, r := range tenant.Roles {
		if r.Can(p) {
			out = append(out, string(r))
		}
	}
	return out
}

// document writes the OpenAPI document, without the library's own error schemas, which no route uses.
func (s *Server) document() ([]byte, error) {
	doc := s.api.OpenAPI()
	maps.DeleteFunc(doc.Components.Schemas.Map(), func(name string, _ *huma.Schema) bool { return strings.HasPrefix(name, libraryPrefix) })
	return json.Marshal(doc)
}

func (s *Server) serveSpec(c *gin.Context) {
	c.Header("Cache-Control", "public, max-age=300")
	c.Data(http.StatusOK, "application/vnd.oai.openapi+json;version=3.1", s.spec)
}

// schemaName names a Go type in the document: exported types by their own name, requests with the noun of their package before it.
// keyhttp.Key is "Key", keyhttp.issueRequest "KeyIssueRequest", rest.Page[keyhttp.Key] "KeyPage". Two types of one name are a fault
// of declaration.
func (s *Server) schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := t.Name()
	if name == "" { // the Body of a request: the hint is the name of that request
		return s.noun + camel(hint)
	}
	outer, arg, generic := strings.Cut(strings.TrimSuffix(name, "]"), "[")
	if generic {
		return qualified(arg) + camel(outer)
	}
	return qualified(t.PkgPath() + "." + name)
}

// qualified turns "tollgate/internal/key/keyhttp.issueRequest" into "KeyIssueRequest".
func qualified(full string) string {
	pkg, name, found := strings.Cut(full[strings.LastIndex(full, "/")+1:], ".")
	switch {
	case !found:
		return camel(full)
	case strings.HasPrefix(full, "github.com/danielgtaylor/huma/"):
		return libraryPrefix + name
	case unicode.IsUpper(rune(name[0])):
		return name
	}
	return noun(pkg) + camel(name)
}

// noun is what a package is about: "Key" for keyhttp.
func noun(pkg string) string { return camel(strings.TrimSuffix(path.Base(pkg), "http")) }

// libraryPrefix marks the library's own types, which document removes.
const libraryPrefix = "Huma"

// camel joins words with capitals: "post-keys-Request" is "PostKeysRequest".
func camel(s string) string {
	var b strings.Builder
	up := true
	for _, r := range s {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			up = true
		case up:
			b.WriteRune(unicode.ToUpper(r))
			up = false
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
