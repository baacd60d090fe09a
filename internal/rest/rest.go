// Package rest is the kit of the JSON API: every convention of /api/v1 stands here once, so that an endpoint is only its own
// meaning.
//
// The model: an Endpoint is a documented function of a tenant scope and a request to an answer. It becomes a Route when
// internal/api gives it a method, a path and a permission, all on one line. A Server mounts routes behind one list of
// middleware and writes the OpenAPI document from the same Go types that bind the requests.
//
// Invariants: no handler runs without an authenticated scope whose role holds the route's permission (public routes say so by
// name); a route with no permission, or with one that is not in the table, stops the start; every failure leaves as an RFC 9457
// problem made from a declared fault; request bodies are bounded and unknown fields refused; a POST with an Idempotency-Key takes
// effect at most once.
package rest

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"tollgate/internal/fault"
)

// Prefix is where the API stands.
const Prefix = "/api/v1"

// BodyBytesMax bounds a request body.
const BodyBytesMax = 1 << 20

// Options is what a Server needs. All fields but the last two are required.
type Options struct {
	Title, Version string
	Authenticator  Authenticator
	Once           Ledger // remembers POSTs that carry an Idempotency-Key
	Now            func() time.Time
	Logger         *slog.Logger

	// Unauthenticated lists what Authenticator fails with, for the document.
	Unauthenticated []*fault.Error
	// Watch is how often a stream asks whether its reader may still see it; 0: WatchEvery.
	Watch time.Duration
}

// Server mounts routes. Make it with New, fill it with Mount, then take its Handler.
type Server struct {
	opt    Options
	engine *gin.Engine
	api    huma.API
	routes []*Route
	byPath map[string]*Route // gin's method and path pattern
	errs   []error
	noun   string // of the package whose endpoint is being mounted, for names in the document
	spec   []byte
}

// New makes an empty server.
func New(opt Options) *Server {
	gin.SetMode(gin.ReleaseMode) // the library's own switch for printing every route to stdout; there is no other
	s := &Server{opt: opt, byPath: map[string]*Route{}}
	s.engine = gin.New()
	s.engine.HandleMethodNotAllowed = true
	s.engine.RedirectTrailingSlash = false
	s.engine.UseRawPath = true // a slash that is written %2F is part of a name, and not of the path
	s.engine.ContextWithFallback = true
	if err := s.engine.SetTrustedProxies(nil); err != nil { // a client cannot choose its own address
		s.errs = append(s.errs, err)
	}
	for _, m := range s.middleware() {
		s.engine.Use(m)
	}
	s.engine.NoRoute(func(c *gin.Context) { s.refuse(c, ErrNoRoute) })
	s.engine.NoMethod(func(c *gin.Context) { s.refuse(c, ErrMethod) })
	s.api = humagin.NewWithGroup(s.engine, s.engine.Group(Prefix), s.config())
	s.api.UseMiddleware(plainStatus)
	s.engine.GET(Prefix+"/openapi.json", s.serveSpec)
	return s
}

// Mount adds routes. What is wrong with one is told by Handler.
func (s *Server) Mount(routes ...Route) {
	for i := range routes {
		if err := s.mount(&routes[i]); err != nil {
			s.errs = append(s.errs, fmt.Errorf("route %s %s: %w", routes[i].Method, routes[i].Path, err))
		}
	}
}

func (s *Server) mount(route *Route) (err error) {
	if err := route.check(); err != nil {
		return err
	}
	key := route.Method + " " + Prefix + ginPath(route.Path)
	if s.byPath[key] != nil {
		return errors.New("declared twice")
	}
	defer func() {
		// The schema generator panics on types it cannot describe: to us that is a wrong declaration.
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot be described: %v", p)
		}
	}()
	s.noun = ""
	if pkg := route.endpoint.request.PkgPath(); pkg != "" {
		s.noun = noun(pkg)
	}
	route.endpoint.mount(s, route)
	if err := s.bound(route); err != nil {
		return err
	}
	s.byPath[key] = route
	s.routes = append(s.routes, route)
	return nil
}

// bound reports a path parameter that no field of the request takes: an unexported embedded struct hides its fields from the binder.
func (s *Server) bound(route *Route) error {
	item := s.api.OpenAPI().Paths[route.Path]
	op := map[string]*huma.Operation{
		http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
	}[route.Method]
	for part := range strings.SplitSeq(route.Path, "/") {
		name, ok := strings.CutPrefix(part, "{")
		name = strings.TrimSuffix(name, "}")
		if ok && !slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.In == "path" && p.Name == name }) {
			return errors.New("no exported field of the request takes the path parameter " + name)
		}
	}
	return nil
}

// Handler returns the finished API, or every fault of declaration. The server does not start with one.
func (s *Server) Handler() (http.Handler, error) {
	if err := errors.Join(s.errs...); err != nil {
		return nil, err
	}
	spec, err := s.document()
	if err != nil {
		return nil, err
	}
	s.spec = spec
	return s.engine, nil
}

// Routes lists what is mounted, for tests that walk every route.
func (s *Server) Routes() []Route {
	out := make([]Route, len(s.routes))
	for i, r := range s.routes {
		out[i] = *r
	}
	return out
}
