package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"github.com/gin-gonic/gin"

	"tollgate/internal/account"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/rest"
	"tollgate/web/layout"
	"tollgate/web/page"
)

// middleware is what every request for a page meets, in this order.
func (s *Server) middleware() []gin.HandlerFunc {
	return []gin.HandlerFunc{
		s.begin,    // request id, security headers
		s.record,   // one line when it is over
		s.recover,  // a panic becomes the error page
		s.sameSite, // a page of another site changes nothing
		s.form,     // bounded form
	}
}

const requestIDKey = "request_id"

func (s *Server) begin(c *gin.Context) {
	requestID := id.New("req")
	c.Set(requestIDKey, requestID)
	h := c.Writer.Header()
	h.Set("X-Request-Id", requestID)
	h.Set("Content-Security-Policy", layout.CSP)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	c.Next()
}

func (s *Server) record(c *gin.Context) {
	start := s.now()
	c.Next()
	s.log.LogAttrs(c.Request.Context(), slog.LevelInfo, "page request",
		slog.String("request_id", c.GetString(requestIDKey)),
		slog.String("page", c.Request.Method+" "+c.FullPath()),
		slog.Int("status", c.Writer.Status()),
		slog.Duration("took", s.now().Sub(start)),
	)
}

func (s *Server) recover(c *gin.Context) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		s.log.ErrorContext(c.Request.Context(), "page panicked", "request_id", c.GetString(requestIDKey), "page", c.FullPath(),
			"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		if !c.Writer.Written() {
			s.fail(c, fmt.Errorf("panic: %v", p))
		}
		c.Abort()
	}()
	c.Next()
}

var errCrossSite = fault.New(fault.Forbidden, "page.cross_site", "This form was sent by another site. Open the page itself and try again.")

func (s *Server) sameSite(c *gin.Context) {
	var guard http.CrossOriginProtection
	if err := guard.Check(c.Request); err != nil {
		s.fail(c, errCrossSite.Because(err))
		c.Abort()
	}
}

// formBytesMax bounds a posted form: a routing file of 1 MiB, whose signs are written out.
const formBytesMax = 2 << 20

var errForm = fault.New(fault.Invalid, "page.bad_form", "The form could not be read. Go back and send it again.")

func (s *Server) form(c *gin.Context) {
	if c.Request.Method != http.MethodPost {
		return
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, formBytesMax)
	err := c.Request.ParseForm()
	if strings.HasPrefix(c.GetHeader("Content-Type"), "multipart/form-data") { // a form with a file; all of it fits into memory
		err = c.Request.ParseMultipartForm(formBytesMax)
	}
	if err != nil {
		s.fail(c, errForm.Because(err))
		c.Abort()
	}
}

// answer runs one page for whoever is there.
func (s *Server) answer(c *gin.Context, r page.Route) {
	var login account.Login
	if value := s.cookies.Value(c.Request); value != "" {
		var err error
		login, err = s.sessions.Session(c.Request.Context(), value)
		switch {
		case errors.Is(err, account.ErrNoSession):
			s.cookies.Clear(c.Writer)
		case err != nil:
			s.fail(c, err)
			return
		}
	}
	if !r.Public {
		if login.Scope.Check() != nil {
			c.Redirect(http.StatusSeeOther, "/login?next="+url.QueryEscape(returnTo(c.Request)))
			return
		}
		if err := login.Scope.Allow(r.Permission); err != nil {
			s.failFor(c, login, err)
			return
		}
	}
	from := rest.VisitorOf(c.Request)
	v := page.NewVisit(c.Request, login, account.Visitor{IP: from.IP, UserAgent: from.UserAgent}, s.now(), c.GetString(requestIDKey), c.Param)
	reply, err := r.Do(c.Request.Context(), v)
	if err != nil {
		s.failFor(c, login, err)
		return
	}
	if reply.Kind == page.Live {
		ctx, stop := rest.WhileAllowed(c.Request.Context(), s.watch, s.allowed(login, r, s.cookies.Value(c.Request)))
		defer stop()
		c.Request = c.Request.WithContext(ctx)
	}
	s.send(c, v, reply)
}

// allowed asks again what let a visitor see a page.
func (s *Server) allowed(as account.Login, r page.Route, cookie string) func(context.Context) error {
	return func(ctx context.Context) error {
		login, err := s.sessions.Session(ctx, cookie)
		if err != nil {
			return err
		}
		if login.Organization.ID != as.Organization.ID {
			return rest.ErrOtherOrg
		}
		return login.Scope.Allow(r.Permission)
	}
}

// returnTo is where a log-in leads back to: the page that was asked for, if it can be asked for again.
func returnTo(r *http.Request) string {
	if r.Method != http.MethodGet {
		return "/"
	}
	return r.URL.RequestURI()
}
