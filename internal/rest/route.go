package rest

import (
	"errors"
	"net/http"
	"strings"

	"tollgate/internal/tenant"
)

// Route is one line of the API: a method and a path, the permission that it needs, and what happens.
// Path parameters are written {id}; the path starts after Prefix.
type Route struct {
	Method     string
	Path       string
	Permission tenant.Permission // empty only for a public route
	Public     bool              // nobody is authenticated; only for endpoints made by HandlePublic

	endpoint Endpoint
}

// Streams reports that the answer is written over time and may not end by itself.
func (r Route) Streams() bool { return r.endpoint.streams }

// GET declares a route that reads.
func GET(path string, p tenant.Permission, e Endpoint) Route {
	return Route{Method: http.MethodGet, Path: path, Permission: p, endpoint: e}
}

// POST declares a route that makes something. It honours Idempotency-Key.
func POST(path string, p tenant.Permission, e Endpoint) Route {
	return Route{Method: http.MethodPost, Path: path, Permission: p, endpoint: e}
}

// PATCH declares a route that changes something. It demands If-Match: the request type embeds Match.
func PATCH(path string, p tenant.Permission, e Endpoint) Route {
	return Route{Method: http.MethodPatch, Path: path, Permission: p, endpoint: e}
}

// PUT declares a route that sets something to a stated value, whatever it was.
func PUT(path string, p tenant.Permission, e Endpoint) Route {
	return Route{Method: http.MethodPut, Path: path, Permission: p, endpoint: e}
}

// DELETE declares a route that removes something.
func DELETE(path string, p tenant.Permission, e Endpoint) Route {
	return Route{Method: http.MethodDelete, Path: path, Permission: p, endpoint: e}
}

// PublicPOST declares a route for people who are not logged in yet.
func PublicPOST(path string, e Endpoint) Route {
	return Route{Method: http.MethodPost, Path: path, Public: true, endpoint: e}
}

func (r *Route) check() error {
	switch {
	case !strings.HasPrefix(r.Path, "/") || strings.HasSuffix(r.Path, "/"):
		return errors.New("the path must start with a slash and not end with one")
	case r.endpoint.mount == nil:
		return errors.New("has no endpoint")
	case r.Public != r.endpoint.public:
		return errors.New("a public endpoint needs a public route, and a scoped one a permission")
	case r.Public && r.Permission != "":
		return errors.New("a public route has no permission")
	case !r.Public && r.Permission == "":
		return errors.New("declares no permission")
	case !r.Public && !r.Permission.Known():
		return errors.New("declares the unknown permission " + string(r.Permission))
	case r.Method == http.MethodPatch && !r.endpoint.matches:
		return errors.New("a PATCH request must embed rest.Match")
	case r.endpoint.about.Summary == "":
		return errors.New("has no summary")
	}
	return nil
}

// operationID is the stable name of the route in the OpenAPI document: "post-keys", "get-keys-id".
func (r *Route) operationID() string {
	words := strings.FieldsFunc(r.Path, func(c rune) bool { return c == '/' || c == '{' || c == '}' || c == '_' })
	return strings.ToLower(r.Method) + "-" + strings.Join(words, "-")
}

// tag groups routes in the document: the first word of the path.
func (r *Route) tag() string {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.Path, "/"), "/")
	return first
}

// ginPath turns {id} into :id.
func ginPath(path string) string {
	return strings.ReplaceAll(strings.ReplaceAll(path, "{", ":"), "}", "")
}
