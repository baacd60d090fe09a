package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"tollgate/internal/account/accounthttp"
	"tollgate/internal/tenant"
)

// opening tells when an answer has begun.
type opening struct {
	*httptest.ResponseRecorder
	once  sync.Once
	begun chan struct{}
}

func (o *opening) Flush() { o.once.Do(func() { close(o.begun) }) }

// TestALivePageEndsWithItsSession: an open page tells nothing more to who has logged out.
func TestALivePageEndsWithItsSession(t *testing.T) {
	t.Parallel()
	h := build(t)
	owner := h.organization("acme")[tenant.Owner]
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/get-started/events", nil)
	r.AddCookie(&http.Cookie{Name: accounthttp.Cookie{}.Name(), Value: owner.cookie})
	w := &opening{ResponseRecorder: httptest.NewRecorder(), begun: make(chan struct{})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.handler.ServeHTTP(w, r)
	}()
	select {
	case <-w.begun:
	case <-ended:
		t.Fatalf("no live page: %d", w.Code)
	}
	if err := h.deps.Accounts.LogOut(t.Context(), owner.cookie); err != nil {
		t.Fatal(err)
	}
	<-ended
	if ctx.Err() != nil {
		t.Error("the page goes on after the log-out")
	}
}
