package rest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"tollgate/internal/id"
)

// middleware is what every request meets, in this order.
func (s *Server) middleware() []gin.HandlerFunc {
	return []gin.HandlerFunc{
		s.begin,        // request id, address, route; answer headers
		s.log,          // one line when it is over
		s.recover,      // a panic becomes a 500 problem
		s.sameSite,     // a page of another site changes nothing
		s.authenticate, // caller, unless the route is public
		s.authorize,    // the route's permission, by the caller's role
		s.read,         // bounded body
		s.precondition, // PATCH has If-Match
		s.once,         // Idempotency-Key
	}
}

func (s *Server) begin(c *gin.Context) {
	x := &exchange{requestID: id.New("req"), visitor: VisitorOf(c.Request)}
	x.route = s.byPath[c.Request.Method+" "+c.FullPath()]
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), exchangeKey{}, x))
	h := c.Writer.Header()
	h.Set("x-request-id", x.requestID)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	c.Next()
}

func (s *Server) log(c *gin.Context) {
	start := s.opt.Now()
	c.Next()
	x := exchangeOf(c.Request.Context())
	s.opt.Logger.LogAttrs(c.Request.Context(), slog.LevelInfo, "api request",
		slog.String("request_id", x.requestID),
		slog.String("route", x.routeName()),
		slog.Int("status", c.Writer.Status()),
		slog.Duration("took", s.opt.Now().Sub(start)),
		slog.String("org", string(x.caller.Scope.Org())),
	)
}

func (s *Server) recover(c *gin.Context) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p) //nolint:forbidigo // net/http's own way to cut a connection; it is the server's to catch
		}
		x := exchangeOf(c.Request.Context())
		s.opt.Logger.ErrorContext(c.Request.Context(), "handler panicked", "request_id", x.requestID, "route", x.routeName(),
			"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		if !c.Writer.Written() {
			s.write(c, newProblem(fmt.Errorf("panic: %v", p), x.requestID))
		}
		c.Abort()
	}()
	c.Next()
}

func (s *Server) sameSite(c *gin.Context) {
	var guard http.CrossOriginProtection
	if err := guard.Check(c.Request); err != nil {
		s.refuse(c, ErrCrossSite.Because(err))
	}
}

func (s *Server) authenticate(c *gin.Context) {
	x := exchangeOf(c.Request.Context())
	if x.route == nil || x.route.Public {
		return
	}
	who, err := s.opt.Authenticator.Authenticate(c.Request.Context(), c.Request)
	if err != nil {
		s.refuse(c, err)
		return
	}
	x.caller = who
}

func (s *Server) authorize(c *gin.Context) {
	x := exchangeOf(c.Request.Context())
	if x.route == nil || x.route.Public {
		return
	}
	if err := x.caller.Scope.Allow(x.route.Permission); err != nil {
		s.refuse(c, err)
	}
}

func (s *Server) read(c *gin.Context) {
	x := exchangeOf(c.Request.Context())
	if x.route == nil || c.Request.Body == nil || c.Request.Body == http.NoBody {
		return
	}
	if e := c.GetHeader("Content-Encoding"); e != "" && e != "identity" {
		s.refuse(c, ErrMediaType.Say("The request body must be sent without Content-Encoding."))
		return
	}
	most := cmp.Or(x.route.endpoint.about.BodyBytes, BodyBytesMax)
	body, err := io.ReadAll(io.LimitReader(c.Request.Body, int64(most)+1))
	switch {
	case err != nil:
		s.refuse(c, ErrBody.Say("The request body broke off.").Because(err))
	case len(body) > most:
		c.Header("Connection", "close")
		s.refuse(c, ErrTooLarge.Say("The request body is larger than %d MiB.", most>>20))
	default:
		x.body = body
		c.Request.Body = io.NopCloser(bytes.NewReader(body))
	}
}

func (s *Server) precondition(c *gin.Context) {
	x := exchangeOf(c.Request.Context())
	if x.route != nil && x.route.Method == http.MethodPatch && strings.TrimSpace(c.GetHeader("If-Match")) == "" {
		s.refuse(c, ErrNoMatch)
	}
}

// plainStatus makes the validator's 422 a 400, as everywhere else in the product.
func plainStatus(ctx huma.Context, next func(huma.Context)) { next(plain{ctx}) }

type inner huma.Context // embedded under another name, so that it does not hide the method Context

type plain struct{ inner }

// Unwrap gives the adapter's own context.
func (p plain) Unwrap() huma.Context { return p.inner }

// SetStatus implements huma.Context.
func (p plain) SetStatus(status int) {
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest
	}
	p.inner.SetStatus(status)
}
