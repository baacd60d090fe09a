// Package batchhttp is the face of batches: what applications ask with their keys, in OpenAI's and in Anthropic's words (Face), and
// what the dashboard's API asks (routes).
package batchhttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/batch"
	"tollgate/internal/fault"
)

// Face serves applications. Its methods answer by w, or return an error before anything is written.
type Face struct {
	Batches *batch.Service
}

// ErrPath means that there is no such path below an endpoint, or that it does not answer the method.
var ErrPath = fault.New(fault.NotFound, "route.not_found", "There is no such endpoint below this path, or it does not answer this method.")

// requestMax bounds the body of a request that is no upload.
const requestMax = 1 << 20

// below is what follows the last of a path's segments named as an endpoint is: "", "{id}" or "{id}/{verb}".
func below(r *http.Request, endpoint string) (which, verb string) {
	_, rest, _ := strings.Cut(r.URL.Path, "/"+endpoint)
	which, verb, _ = strings.Cut(strings.Trim(rest, "/"), "/")
	return which, verb
}

func show(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // a client that has left needs no answer
	return nil
}

// read decodes a request's body; what is not known in it is passed over, as OpenAI does it.
func read(r *http.Request, limit int64, into any) error {
	b, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case err != nil:
		return batch.ErrInvalid.Say("The request body broke off.").Because(err)
	case int64(len(b)) > limit:
		return batch.ErrFileTooLarge.Say("The request body is over %d MiB.", limit>>20)
	}
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(into); err != nil {
		var field *json.UnmarshalTypeError
		if errors.As(err, &field) && field.Field != "" {
			return batch.ErrInvalid.Say("%s has the wrong type.", field.Field).At(field.Field)
		}
		return batch.ErrInvalid.Say("The request body is not a JSON object.").Because(err)
	}
	return nil
}

// page reads limit and the place behind which a page starts.
func page(r *http.Request, after string, most int) (from string, limit int, err error) {
	q := r.URL.Query()
	limit = 20
	if text := q.Get("limit"); text != "" {
		limit, err = strconv.Atoi(text)
		if err != nil || limit < 1 || limit > most {
			return "", 0, batch.ErrInvalid.Say("limit is a number from 1 to %d.", most).At("limit")
		}
	}
	return q.Get(after), limit, nil
}

// unix is a time as OpenAI writes it; null when there is none.
func unix(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	n := t.Unix()
	return &n
}

// name is an id that may be missing.
func name[T ~string](v T) *T {
	if v == "" {
		return nil
	}
	return &v
}

// listed is a page, as OpenAI writes it.
type listed[T any] struct {
	Object string  `json:"object"`
	Data   []T     `json:"data"`
	First  *string `json:"first_id"`
	Last   *string `json:"last_id"`
	More   bool    `json:"has_more"`
}

// list makes a page of at most limit of one more that was asked for.
func list[D, T any](things []D, limit int, see func(D) T, id func(D) string) listed[T] {
	out := listed[T]{Object: "list", Data: make([]T, 0, limit)}
	if len(things) > limit {
		out.More, things = true, things[:limit]
	}
	for _, d := range things {
		out.Data = append(out.Data, see(d))
	}
	if n := len(things); n > 0 {
		first, last := id(things[0]), id(things[n-1])
		out.First, out.Last = &first, &last
	}
	return out
}
