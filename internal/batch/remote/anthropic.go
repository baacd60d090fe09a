package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tollgate/internal/batch"
)

// anthropic is the Message Batches API. A batch there bears no mark of ours: what a lost worker made is known by its size and time, and
// by the names of its answers.
type anthropic struct{}

func (anthropic) Speaks(dialect string) bool { return dialect == "anthropic-messages" }

func (anthropic) Limits() (int, int64) { return 10_000, parcelBytes }

// messageBatch is what we read of a batch.
type messageBatch struct {
	ID      string    `json:"id"`
	Status  string    `json:"processing_status"`
	Created time.Time `json:"created_at"`
	Counts  struct {
		Processing int `json:"processing"`
		Succeeded  int `json:"succeeded"`
		Errored    int `json:"errored"`
		Canceled   int `json:"canceled"`
		Expired    int `json:"expired"`
	} `json:"request_counts"`
}

func (b *messageBatch) size() int {
	return b.Counts.Processing + b.Counts.Succeeded + b.Counts.Errored + b.Counts.Canceled + b.Counts.Expired
}

func (anthropic) Send(ctx context.Context, w batch.Way, _ *batch.Parcel, lines []batch.Line) (batch.Upstream, error) {
	var body bytes.Buffer
	body.WriteString(`{"requests":[`)
	for i := range lines {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"custom_id":%q,"params":`, lines[i].Call.String())
		body.Write(lines[i].Sent)
		body.WriteByte('}')
	}
	body.WriteString(`]}`)
	var made messageBatch
	err := object(ctx, w, batch.Request{Method: http.MethodPost, Path: "/messages/batches", Body: body.Bytes()}, &made)
	if err == nil && made.ID == "" {
		err = errGarbage
	}
	return batch.Upstream{ID: made.ID}, err
}

// slack is how far the provider's clock may be behind ours.
const slack = 5 * time.Minute

// Find takes a batch of the same size that was made since sending began, and is not known to be another's. Whether it is ours, its
// answers tell: until then it is taken for ours, and nothing is sent.
func (anthropic) Find(ctx context.Context, w batch.Way, p *batch.Parcel, lines []batch.Line) (batch.Upstream, bool, error) {
	after := ""
	for range findPages {
		var list struct {
			Data []messageBatch `json:"data"`
			More bool           `json:"has_more"`
		}
		path := "/messages/batches?limit=100"
		if after != "" {
			path += "&after_id=" + url.QueryEscape(after)
		}
		if err := object(ctx, w, get(path), &list); err != nil {
			return batch.Upstream{}, false, err
		}
		for _, b := range list.Data {
			if b.Created.Before(p.TriedAt.Add(-slack)) {
				return batch.Upstream{}, false, nil // the newest stand first
			}
			if b.size() == len(lines) && !slices.Contains(p.Strangers, b.ID) {
				return batch.Upstream{ID: b.ID}, true, nil
			}
			after = b.ID
		}
		if !list.More || len(list.Data) == 0 {
			break
		}
	}
	return batch.Upstream{}, false, nil
}

func (anthropic) Poll(ctx context.Context, w batch.Way, p *batch.Parcel) (batch.Progress, error) {
	var b messageBatch
	if err := object(ctx, w, get("/messages/batches/"+url.PathEscape(p.Upstream)), &b); err != nil {
		return batch.Progress{}, err
	}
	return batch.Progress{Ended: b.Status == "ended"}, nil
}

// messageResult is a line of the answers.
type messageResult struct {
	CustomID string `json:"custom_id"`
	Result   struct {
		Type    string          `json:"type"`
		Message json.RawMessage `json:"message"`
		Error   json.RawMessage `json:"error"`
	} `json:"result"`
}

func (anthropic) Results(ctx context.Context, w batch.Way, p *batch.Parcel, take func(batch.Result) error) error {
	return jsonLines(ctx, w, "/messages/batches/"+url.PathEscape(p.Upstream)+"/results", func(line []byte) error {
		var r messageResult
		if json.Unmarshal(line, &r) != nil {
			return errGarbage
		}
		out := batch.Result{CustomID: r.CustomID}
		switch r.Result.Type {
		case "succeeded":
			out.Reply = batch.Reply{Status: http.StatusOK, Body: r.Result.Message}
		case "errored":
			out.Reply = batch.Reply{Status: errorStatus(r.Result.Error), Body: r.Result.Error}
		default: // canceled, expired
			out.Missing = true
		}
		return take(out)
	})
}

// errorStatus is the status that an error has when it is told by itself.
func errorStatus(raw []byte) int {
	var e struct {
		Error struct {
			Type string `json:"type"`
		} `json:"error"`
	}
	_ = json.Unmarshal(raw, &e) // what cannot be read is the provider's failure
	switch e.Error.Type {
	case "invalid_request_error":
		return http.StatusBadRequest
	case "authentication_error":
		return http.StatusUnauthorized
	case "permission_error":
		return http.StatusForbidden
	case "not_found_error":
		return http.StatusNotFound
	case "request_too_large":
		return http.StatusRequestEntityTooLarge
	case "rate_limit_error":
		return http.StatusTooManyRequests
	case "overloaded_error":
		return 529
	}
	return http.StatusInternalServerError
}

func (anthropic) Cancel(ctx context.Context, w batch.Way, p *batch.Parcel) error {
	var b messageBatch
	path := "/messages/batches/" + url.PathEscape(p.Upstream) + "/cancel"
	return object(ctx, w, batch.Request{Method: http.MethodPost, Path: path, Body: []byte("{}")}, &b)
}
