// Package web is the server-rendered dashboard. It has no powers that the JSON API does not have: both stand on the same services.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"tollgate/internal/account"
	"tollgate/internal/experiment"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/static"
)

// Sessions is what the dashboard needs to know who is there, and where they may go.
type Sessions interface {
	Session(ctx context.Context, value string) (account.Login, error)
	// Memberships are the organizations that a person may enter.
	Memberships(ctx context.Context, in tenant.Scope) ([]account.Membership, error)
}

// Trials tells which experiments run; *experiment.Service does.
type Trials interface {
	List(ctx context.Context, in tenant.Scope, f experiment.Filter, before id.Experiment, limit int) ([]experiment.Experiment, bool, error)
}

// Unread counts the notices that nobody has read; *notice.Service does.
type Unread interface {
	Unread(ctx context.Context, in tenant.Scope) (int, error)
}

// Cookies carries the session; accounthttp.Cookie does.
type Cookies interface {
	Value(r *http.Request) string
	Set(w http.ResponseWriter, value secret.Text)
	Clear(w http.ResponseWriter)
}

// Server answers the pages. Make it with New.
type Server struct {
	sessions Sessions
	trials   Trials
	notices  Unread
	cookies  Cookies
	assets   *static.Set
	now      func() time.Time
	log      *slog.Logger
	watch    time.Duration
	engine   *gin.Engine
}

// ErrNoPage is for a path that no page has.
var ErrNoPage = fault.New(fault.NotFound, "page.not_found", "There is no such page.")

// New mounts the pages. It fails when one is declared without a known permission: then nothing starts.
func New(d Deps) (http.Handler, error) {
	assets, err := static.New()
	if err != nil {
		return nil, err
	}
	s := &Server{sessions: d.Accounts, trials: d.Experiments, notices: d.Notices, cookies: d.Cookies, assets: assets, now: d.Now, log: d.Logger, watch: d.Watch}
	gin.SetMode(gin.ReleaseMode)
	s.engine = gin.New()
	s.engine.RedirectTrailingSlash = false
	s.engine.HandleMethodNotAllowed = true
	if err := s.engine.SetTrustedProxies(nil); err != nil {
		return nil, err
	}
	for _, m := range s.middleware() {
		s.engine.Use(m)
	}
	var errs []error
	for _, r := range Routes(d) {
		errs = append(errs, s.mount(r))
	}
	none := func(c *gin.Context) { s.fail(c, ErrNoPage) }
	s.engine.NoRoute(none)
	s.engine.NoMethod(none)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle(static.Prefix, assets)
	mux.Handle("/", s.engine)
	return mux, nil
}

func (s *Server) mount(r page.Route) error {
	if !r.Public && !r.Permission.Known() {
		return fmt.Errorf("page %s %s declares no known permission (%q)", r.Method, r.Path, r.Permission)
	}
	s.engine.Handle(r.Method, r.Path, func(c *gin.Context) { s.answer(c, r) })
	return nil
}
