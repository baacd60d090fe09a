package rest_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/rest"
	"tollgate/internal/rest/resttest"
	"tollgate/internal/tenant"
)

// gate lets in, or not, as the test says.
type gate struct {
	as  atomic.Pointer[tenant.Scope]
	err atomic.Pointer[error]
}

func (g *gate) Authenticate(context.Context, *http.Request) (rest.Caller, error) {
	if err := g.err.Load(); err != nil {
		return rest.Caller{}, *err
	}
	return rest.Caller{Scope: *g.as.Load()}, nil
}

// TestAStreamEndsWhenItsReaderMayNotReadAnyMore: who has logged out, lost the role or gone to another organization gets no more of it;
// a database that is away for a moment cuts nobody off.
func TestAStreamEndsWhenItsReaderMayNotReadAnyMore(t *testing.T) {
	t.Parallel()
	away, down := error(resttest.ErrNobody), error(fault.New(fault.Unavailable, "x.down", "Down."))
	to := func(in tenant.Scope) func(*gate) { return func(g *gate) { g.as.Store(&in) } }
	for name, change := range map[string]func(*gate){
		"logged out":           func(g *gate) { g.err.Store(&away) },
		"another role":         to(tenant.Authenticated("org_a", tenant.Actor{User: "user_1"}, "none")),
		"another organization": to(scope("org_b", tenant.Owner)),
		"":                     func(g *gate) { g.err.Store(&down) }, // goes on
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &gate{}
			to(scope("org_a", tenant.Owner))(g)
			s := rest.New(rest.Options{
				Title: "t", Version: "1", Authenticator: g, Once: &resttest.Memory{}, Now: time.Now, Logger: slog.New(slog.DiscardHandler), Watch: 5 * time.Millisecond,
			})
			s.Mount(rest.GET("/stream", tenant.ReadCalls, rest.HandleStream(rest.About{Summary: "x"}, "text/event-stream",
				func(context.Context, tenant.Scope, struct{}) (rest.Stream, error) {
					return rest.Stream{ContentType: "text/event-stream", Write: func(ctx context.Context, _ io.Writer, _ func()) error {
						change(g)
						<-ctx.Done()
						return ctx.Err()
					}}, nil
				})))
			h, err := s.Handler()
			if err != nil {
				t.Fatal(err)
			}
			patience := 10 * time.Second
			if name == "" {
				patience = 100 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "GET", rest.Prefix+"/stream", nil))
			if ended := ctx.Err() == nil; ended != (name != "") || (!ended && !errors.Is(ctx.Err(), context.DeadlineExceeded)) {
				t.Errorf("ended = %v", ended)
			}
		})
	}
}
