package batchhttp

import (
	"encoding/json"
	"net/http"
	"regexp"
	"time"

	"tollgate/internal/batch"
	"tollgate/internal/id"
)

// messagesMax bounds the body of a batch in Anthropic's shape.
const messagesMax = 64 << 20

// messagesView is a batch as Anthropic writes it.
type messagesView struct {
	ID              id.Batch       `json:"id"`
	Type            string         `json:"type"`
	Status          string         `json:"processing_status"`
	Counts          messagesCounts `json:"request_counts"`
	EndedAt         *time.Time     `json:"ended_at"`
	CreatedAt       time.Time      `json:"created_at"`
	ExpiresAt       time.Time      `json:"expires_at"`
	ArchivedAt      *time.Time     `json:"archived_at"`
	CancelInitiated *time.Time     `json:"cancel_initiated_at"`
	ResultsURL      *string        `json:"results_url"`
}

type messagesCounts struct {
	Processing int `json:"processing"`
	Succeeded  int `json:"succeeded"`
	Errored    int `json:"errored"`
	Canceled   int `json:"canceled"`
	Expired    int `json:"expired"`
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func toMessagesView(b batch.Batch) messagesView {
	c := b.Counts
	v := messagesView{
		ID: b.ID, Type: "message_batch", Status: "in_progress", CreatedAt: b.CreatedAt, ExpiresAt: b.ExpiresAt,
		CancelInitiated: moment(b.CancellingAt), Counts: messagesCounts{c.Open(), c.Done, c.Failed, c.Cancelled, c.Expired},
	}
	switch {
	case b.Status.Over():
		v.Status, v.EndedAt = "ended", moment(b.EndedAt)
		at := "/v1/messages/batches/" + string(b.ID) + "/results" // below whatever base URL the client has
		v.ResultsURL = &at
	case b.Status == batch.Cancelling:
		v.Status = "canceling"
	}
	return v
}

// Messages serves /v1/messages/batches and what is below it.
func (f Face) Messages(w http.ResponseWriter, r *http.Request, c batch.Caller) error {
	which, verb := below(r, "batches")
	ctx := r.Context()
	switch {
	case which == "" && r.Method == http.MethodPost:
		return f.createMessages(w, r, c)
	case which == "" && r.Method == http.MethodGet:
		after, limit, err := page(r, "after_id", 1000)
		if err != nil {
			return err
		}
		got, err := f.Batches.Batches(ctx, c, batch.Anthropic, id.Batch(after), limit+1)
		if err != nil {
			return err
		}
		return show(w, http.StatusOK, list(got, limit, toMessagesView, func(b batch.Batch) string { return string(b.ID) }))
	case verb == "cancel" && r.Method == http.MethodPost:
		b, err := f.Batches.Cancel(ctx, c, batch.Anthropic, id.Batch(which))
		if err != nil {
			return err
		}
		return show(w, http.StatusOK, toMessagesView(b))
	case r.Method != http.MethodGet || verb != "" && verb != "results":
		return ErrPath
	}
	b, err := f.Batches.Batch(ctx, c, batch.Anthropic, id.Batch(which))
	if err != nil {
		return err
	}
	if verb == "results" {
		return f.results(w, r, c, b)
	}
	return show(w, http.StatusOK, toMessagesView(b))
}

// newMessages is what a client sends to make a batch.
type newMessages struct {
	Requests []struct {
		CustomID string          `json:"custom_id"`
		Params   json.RawMessage `json:"params"`
	} `json:"requests"`
}

// customID is what Anthropic takes as one.
var customID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

func (f Face) createMessages(w http.ResponseWriter, r *http.Request, c batch.Caller) error {
	var in newMessages
	if err := read(r, messagesMax, &in); err != nil {
		return err
	}
	if n := len(in.Requests); n == 0 || n > batch.LinesMax {
		return batch.ErrInvalid.Say("A batch has 1 to %d requests.", batch.LinesMax).At("requests")
	}
	seen := make(map[string]bool, len(in.Requests))
	lines := make([]batch.Line, len(in.Requests))
	for i, q := range in.Requests {
		switch {
		case !customID.MatchString(q.CustomID):
			return batch.ErrInvalid.Say("custom_id of request %d has 1 to 64 letters, digits, _ or -.", i).At("requests")
		case seen[q.CustomID]:
			return batch.ErrInvalid.Say("custom_id %q stands twice.", q.CustomID).At("requests")
		case len(q.Params) == 0 || q.Params[0] != '{':
			return batch.ErrInvalid.Say("params of request %q must be an object.", q.CustomID).At("requests")
		}
		seen[q.CustomID] = true
		lines[i] = batch.Line{CustomID: q.CustomID, Body: q.Params}
	}
	b, err := f.Batches.CreateMessages(r.Context(), c, Labels(r.Header), lines)
	if err != nil {
		return err
	}
	return show(w, http.StatusOK, toMessagesView(b))
}

// messagesResult is a line of the answers, as Anthropic writes it.
type messagesResult struct {
	CustomID string      `json:"custom_id"`
	Result   messagesEnd `json:"result"`
}

type messagesEnd struct {
	Type    string          `json:"type"`
	Message json.RawMessage `json:"message,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

func toMessagesResult(l *batch.Line) messagesResult {
	out := messagesResult{CustomID: l.CustomID}
	switch {
	case l.State == batch.LineDone:
		out.Result = messagesEnd{Type: "succeeded", Message: l.End.Answer}
	case l.State == batch.LineExpired:
		out.Result.Type = "expired"
	case l.State == batch.LineCancelled:
		out.Result.Type = "canceled"
	case l.End.Status > 0 && json.Valid(l.End.Answer):
		out.Result = messagesEnd{Type: "errored", Error: l.End.Answer}
	default:
		_, message := l.Trouble()
		raw, err := json.Marshal(map[string]any{"type": "error", "error": map[string]string{"type": "api_error", "message": message}})
		if err != nil { // strings always can be
			raw = []byte(`{"type":"error","error":{"type":"api_error","message":""}}`)
		}
		out.Result = messagesEnd{Type: "errored", Error: raw}
	}
	return out
}

func (f Face) results(w http.ResponseWriter, r *http.Request, c batch.Caller, b batch.Batch) error {
	begun := false
	err := f.Batches.Results(r.Context(), c, b, func(l batch.Line) error {
		if !begun {
			begun = true
			w.Header().Set("Content-Type", "application/x-jsonl")
		}
		line, err := json.Marshal(toMessagesResult(&l))
		if err != nil {
			return err
		}
		_, err = w.Write(append(line, '\n'))
		return err
	})
	if begun && err != nil {
		panic(http.ErrAbortHandler) //nolint:forbidigo // the documented way to end a connection without an end of the answer
	}
	return err
}
