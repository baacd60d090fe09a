package rest

import (
	"context"
	"net/http"
	"time"

	"tollgate/internal/httperr"
)

// WatchEvery is how often a stream asks whether its reader may still see it.
const WatchEvery = 15 * time.Second

// WhileAllowed gives a context for an answer that is written over time. Who was let in at its beginning may log out, lose the role or
// be removed while it runs: the context ends when check says that the reader is nobody (401) or may not (403). Any other failure of
// check is not the reader's, and ends nothing. The caller must call stop.
func WhileAllowed(ctx context.Context, every time.Duration, check func(context.Context) error) (_ context.Context, stop context.CancelFunc) {
	if every <= 0 {
		every = WatchEvery
	}
	ctx, stop = context.WithCancel(ctx)
	go func() {
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
			if err := check(ctx); err != nil && turnedAway(err) {
				stop()
				return
			}
		}
	}()
	return ctx, stop
}

func turnedAway(err error) bool {
	status, _ := httperr.Of(err)
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// allowed asks again what let a request in.
func (s *Server) allowed(x *exchange, r *http.Request) func(context.Context) error {
	return func(ctx context.Context) error {
		who, err := s.opt.Authenticator.Authenticate(ctx, r)
		if err != nil {
			return err
		}
		if who.Scope.Org() != x.caller.Scope.Org() {
			return ErrOtherOrg
		}
		return who.Scope.Allow(x.route.Permission)
	}
}
