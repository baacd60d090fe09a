package rest

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"tollgate/internal/fault"
	"tollgate/internal/tenant"
)

// About documents an endpoint and says what the kit must know of it.
type About struct {
	Summary     string         // one line, imperative: "Issue a virtual key"
	Description string         // what is not obvious; may be empty
	Status      int            // of success; 0: 200, or 204 for None
	Secret      bool           // the answer holds a secret: it is never stored for a replay
	BodyBytes   int            // most bytes of a request; 0: BodyBytesMax
	Errors      []*fault.Error // the declared failures that callers may meet, beyond the kit's own
}

// Func is a handler. In is a struct with path, query and header fields and a Body; Out is the JSON body of the answer, or None.
type Func[In, Out any] func(ctx context.Context, in tenant.Scope, req In) (Out, error)

// CallerFunc is a handler that must know how the caller was authenticated, beyond the scope: its own session.
type CallerFunc[In, Out any] func(ctx context.Context, who Caller, req In) (Out, error)

// PublicFunc is a handler for people who are not logged in.
type PublicFunc[In, Out any] func(ctx context.Context, from Visitor, req In) (Out, error)

// StreamFunc is a handler whose answer is written over time (server-sent events, an export). An error that it returns is still a
// problem; one that Stream.Write returns can only end the connection.
type StreamFunc[In any] func(ctx context.Context, in tenant.Scope, req In) (Stream, error)

// Stream is an answer that is written by hand.
type Stream struct {
	ContentType string
	Name        string // of a file to be kept; "": the answer is shown
	Write       func(ctx context.Context, w io.Writer, flush func()) error
}

// None is the answer of an endpoint that answers nothing: 204.
type None struct{}

// CSV is implemented by an answer that also exists as a table. A client asks for it with "Accept: text/csv", or with ?format=csv
// where the request embeds FormatQuery.
type CSV interface{ WriteCSV(w io.Writer) error }

// FormatQuery is embedded in a request whose answer implements CSV.
type FormatQuery struct {
	Format string `query:"format" enum:"json,csv" doc:"csv answers a table instead of JSON; the Accept header does the same"`
}

// Endpoint is a documented handler. Package api makes it a route.
type Endpoint struct {
	about   About
	public  bool
	matches bool
	streams bool
	request reflect.Type
	mount   func(s *Server, r *Route)
}

// Handle makes an endpoint.
func Handle[In, Out any](a About, f Func[In, Out]) Endpoint {
	return HandleCaller(a, func(ctx context.Context, who Caller, req In) (Out, error) { return f(ctx, who.Scope, req) })
}

// HandleCaller makes an endpoint that is told its caller.
func HandleCaller[In, Out any](a About, f CallerFunc[In, Out]) Endpoint {
	return endpoint(a, func(ctx context.Context, x *exchange, req In) (Out, error) {
		if err := x.caller.Scope.Check(); err != nil {
			var none Out
			return none, err
		}
		return f(ctx, x.caller, req)
	})
}

// HandlePublic makes an endpoint for which nobody is authenticated.
func HandlePublic[In, Out any](a About, f PublicFunc[In, Out]) Endpoint {
	e := endpoint(a, func(ctx context.Context, x *exchange, req In) (Out, error) { return f(ctx, x.visitor, req) })
	e.public = true
	return e
}

// HandleStream makes an endpoint whose answer is written over time.
func HandleStream[In any](a About, contentType string, f StreamFunc[In]) Endpoint {
	return Endpoint{about: a, matches: embedsMatch[In](), request: reflect.TypeFor[In](), streams: true, mount: func(s *Server, r *Route) {
		op := s.operation(r)
		op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{contentType: {}}}
		huma.Register(s.api, op, func(ctx context.Context, req *In) (*streamed, error) {
			x := exchangeOf(ctx)
			if err := x.caller.Scope.Check(); err != nil {
				return nil, s.problem(ctx, x, err)
			}
			got, err := f(ctx, x.caller.Scope, *req)
			if err != nil {
				return nil, s.problem(ctx, x, err)
			}
			return &streamed{Body: func(h huma.Context) { s.stream(ctx, humagin.Unwrap(h), got) }}, nil
		})
	}}
}

type streamed struct{ Body func(huma.Context) }

func (s *Server) stream(ctx context.Context, c *gin.Context, got Stream) {
	ctx, stop := WhileAllowed(ctx, s.opt.Watch, s.allowed(exchangeOf(ctx), c.Request))
	defer stop()
	c.Header("Content-Type", got.ContentType)
	if got.Name != "" {
		c.Header("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": got.Name}))
	}
	c.Status(http.StatusOK)
	c.Writer.WriteHeaderNow()
	c.Writer.Flush()
	if err := got.Write(ctx, c.Writer, c.Writer.Flush); err != nil && ctx.Err() == nil {
		s.opt.Logger.ErrorContext(ctx, "stream ended early", "request_id", exchangeOf(ctx).requestID, "err", err)
	}
}

// answer is what the schema generator sees of an endpoint's answer.
type answer[Out any] struct {
	ETag string `header:"ETag"`
	Body Out
}

func endpoint[In, Out any](a About, call func(context.Context, *exchange, In) (Out, error)) Endpoint {
	return Endpoint{about: a, matches: embedsMatch[In](), request: reflect.TypeFor[In](), mount: func(s *Server, r *Route) {
		op := s.operation(r)
		run := func(ctx context.Context, req *In) (Out, error) {
			x := exchangeOf(ctx)
			out, err := call(ctx, x, *req)
			if err != nil {
				return out, s.problem(ctx, x, err)
			}
			return out, nil
		}
		if embedsCached[In]() {
			registerCached(s.api, op, run)
			return
		}
		switch reflect.Zero(reflect.TypeFor[Out]()).Interface().(type) {
		case None:
			huma.Register(s.api, op, func(ctx context.Context, req *In) (*struct{}, error) {
				_, err := run(ctx, req)
				return nil, err
			})
		case CSV:
			op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{
				"application/json": {Schema: s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Out](), true, "")},
				"text/csv":         {},
			}}
			huma.Register(s.api, op, func(ctx context.Context, req *In) (*streamed, error) {
				out, err := run(ctx, req)
				if err != nil {
					return nil, err
				}
				return &streamed{Body: func(h huma.Context) { s.table(ctx, humagin.Unwrap(h), out) }}, nil
			})
		default:
			huma.Register(s.api, op, func(ctx context.Context, req *In) (*answer[Out], error) {
				out, err := run(ctx, req)
				if err != nil {
					return nil, err
				}
				return &answer[Out]{ETag: etag(out), Body: out}, nil
			})
		}
	}}
}

// table writes an answer as the client asked for it. It is written whole, so that a failure is still a problem.
func (s *Server) table(ctx context.Context, c *gin.Context, out any) {
	var buf bytes.Buffer
	var err error
	contentType := "application/json"
	if t, ok := out.(CSV); ok && wantsCSV(c) {
		contentType, err = "text/csv; charset=utf-8", t.WriteCSV(&buf)
	} else {
		err = writeJSON(&buf, out)
	}
	if err != nil {
		s.write(c, s.problem(ctx, exchangeOf(ctx), err))
		return
	}
	c.Header("Vary", "Accept")
	c.Data(http.StatusOK, contentType, buf.Bytes())
}

func wantsCSV(c *gin.Context) bool {
	if f := c.Query("format"); f != "" {
		return f == "csv"
	}
	accept := c.GetHeader("Accept")
	return strings.Contains(accept, "text/csv") && !strings.Contains(accept, "application/json")
}
