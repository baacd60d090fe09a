package rest

import (
	"context"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Cached is embedded in the request of a GET whose reader keeps the answer and asks again. The kit answers 304 without a body when the
// answer's Tag is one that the reader has; an endpoint that knows the tag before it has the answer asks Has, and saves itself the work.
type Cached struct {
	IfNoneMatch string `header:"If-None-Match" doc:"The ETag that you have: 304 says that it is still good"`
}

// Has reports whether the reader has the answer with this tag (RFC 9110, 13.1.2).
func (c Cached) Has(tag string) bool {
	for part := range strings.SplitSeq(c.IfNoneMatch, ",") {
		if part = strings.TrimPrefix(strings.TrimSpace(part), "W/"); part == quoted(tag) || part == "*" {
			return true
		}
	}
	return false
}

type cachedRequest interface{ Has(tag string) bool }

// Hinted is implemented by an answer that says how long it may be kept: the value of Cache-Control, or "" for not at all.
type Hinted interface{ CacheControl() string }

// cachedAnswer is what the schema generator sees of an answer to a request with Cached.
type cachedAnswer[Out any] struct {
	Status       int
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	Vary         string `header:"Vary"`
	Body         Out
}

func embedsCached[In any]() bool {
	_, ok := reflect.Zero(reflect.TypeFor[In]()).Interface().(cachedRequest)
	return ok
}

// registerCached mounts an endpoint whose request embeds Cached.
func registerCached[In, Out any](api huma.API, op huma.Operation, run func(context.Context, *In) (Out, error)) {
	op.Responses["304"] = &huma.Response{Description: "The answer that you have is still good"}
	huma.Register(api, op, func(ctx context.Context, req *In) (*cachedAnswer[Out], error) {
		out, err := run(ctx, req)
		if err != nil {
			return nil, err
		}
		res := &cachedAnswer[Out]{Status: http.StatusOK, ETag: etag(out), Body: out}
		if h, ok := any(out).(Hinted); ok && h.CacheControl() != "" {
			res.CacheControl, res.Vary = h.CacheControl(), "Authorization, Cookie"
		}
		t, tagged := any(out).(Tagged)
		if asked, ok := any(*req).(cachedRequest); ok && tagged && asked.Has(t.Tag()) {
			res.Status = http.StatusNotModified
		}
		return res, nil
	})
}
