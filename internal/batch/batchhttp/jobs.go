package batchhttp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"tollgate/internal/batch"
	"tollgate/internal/id"
)

// jobView is a job.
type jobView struct {
	ID        id.Batch     `json:"id"`
	Object    string       `json:"object"`
	Status    string       `json:"status"` // "queued", "completed", "failed", "cancelling", "cancelled", "expired"
	CallID    *string      `json:"call_id,omitempty"`
	Endpoint  string       `json:"endpoint"`
	CreatedAt *int64       `json:"created_at"`
	ExpiresAt *int64       `json:"expires_at"`
	EndedAt   *int64       `json:"ended_at"`
	URL       string       `json:"url"`
	ResultURL string       `json:"result_url"`
	Response  *jobResponse `json:"response"` // null until it has one
	Error     *jobError    `json:"error"`    // why there is none
}

type jobResponse struct {
	Status int             `json:"status_code"`
	Body   json.RawMessage `json:"body"`
}

type jobError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func toJobView(b batch.Batch, l *batch.Line) jobView {
	at := "/v1/jobs/" + string(b.ID)
	v := jobView{
		ID: b.ID, Object: "tollgate.job", Status: "queued", Endpoint: b.Endpoint, CreatedAt: unix(b.CreatedAt), ExpiresAt: unix(b.ExpiresAt),
		EndedAt: unix(b.EndedAt), URL: at, ResultURL: at + "/result",
	}
	if b.Status == batch.Cancelling {
		v.Status = string(b.Status)
	}
	if l == nil {
		return v
	}
	call := l.Call.String()
	v.CallID = &call
	switch l.State {
	case batch.LineDone:
		v.Status = "completed"
	case batch.LineFailed:
		v.Status = "failed"
	case batch.LineCancelled:
		v.Status = "cancelled"
	case batch.LineExpired:
		v.Status = "expired"
	case batch.LineWaiting, batch.LinePlanned:
	}
	if l.End.Status > 0 && json.Valid(l.End.Answer) {
		v.Response = &jobResponse{l.End.Status, l.End.Answer}
	} else {
		code, message := l.Trouble()
		v.Error = &jobError{code, message}
	}
	return v
}

// Jobs serves /v1/jobs/{id}, its result and its cancel.
func (f Face) Jobs(w http.ResponseWriter, r *http.Request, c batch.Caller) error {
	which, verb := below(r, "jobs")
	var b batch.Batch
	var err error
	switch {
	case which == "":
		return ErrPath
	case verb == "cancel" && r.Method == http.MethodPost:
		b, err = f.Batches.Cancel(r.Context(), c, batch.Job, id.Batch(which))
	case r.Method == http.MethodGet && (verb == "" || verb == "result"):
		b, err = f.Batches.Batch(r.Context(), c, batch.Job, id.Batch(which))
	default:
		return ErrPath
	}
	if err != nil {
		return job(err)
	}
	l, err := f.Batches.Answer(r.Context(), c, b)
	if err != nil {
		return err
	}
	if verb != "result" {
		return show(w, http.StatusOK, toJobView(b, l))
	}
	return result(w, b, l)
}

// job calls a batch that was not found a job.
func job(err error) error {
	if errors.Is(err, batch.ErrNotFound) {
		return batch.ErrJobNotFound
	}
	return err
}

// result is the answer itself, as the call would have got it; 202 until it is there.
func result(w http.ResponseWriter, b batch.Batch, l *batch.Line) error {
	if l == nil {
		w.Header().Set("Retry-After", "30")
		return show(w, http.StatusAccepted, toJobView(b, nil))
	}
	if l.End.Status == 0 {
		_, message := l.Trouble()
		return batch.ErrJobFailed.Say("The job has no answer: %s", message)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(l.End.Answer)))
	w.Header().Set("X-Tollgate-Call-Id", l.Call.String())
	w.WriteHeader(l.End.Status)
	_, _ = w.Write(l.End.Answer) //nolint:gosec // JSON of an API: no page
	return nil
}

// Defer makes a job of a call, and gives its address and what the client is told.
func (f Face) Defer(ctx context.Context, c batch.Caller, call id.Call, path string, h http.Header, body []byte) (at string, told []byte, err error) {
	b, err := f.Batches.Defer(ctx, c, call, path, Labels(h), body)
	if err != nil {
		return "", nil, err
	}
	v := toJobView(b, nil)
	text := call.String()
	v.CallID = &text
	told, err = json.Marshal(v)
	return v.URL, told, err
}

// Labels are the headers of a request that hold for its lines: what labels a call, and what its provider is told.
func Labels(h http.Header) map[string]string {
	out := map[string]string{}
	for name, values := range h {
		lower := strings.ToLower(name)
		switch {
		case lower == "x-tollgate-defer", lower == "x-tollgate-debug", lower == "x-tollgate-priority":
		case strings.HasPrefix(lower, "x-tollgate-"), strings.HasPrefix(lower, "helicone-"), lower == "x-portkey-metadata",
			lower == "anthropic-beta", lower == "anthropic-version":
			if len(values) > 0 {
				out[name] = strings.Join(values, ",")
			}
		}
	}
	return out
}
