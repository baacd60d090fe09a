package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"tollgate/internal/batch"
)

// gemini is the batch mode of the Gemini API with the requests in its body: one model a batch, and at most 20 MB.
type gemini struct{}

func (gemini) Speaks(dialect string) bool { return dialect == "gemini" }

func (gemini) Limits() (int, int64) { return 5_000, 16 << 20 }

// geminiOperation is what we read of a batch. Its state and answers stand in metadata, and the answers, once it is done, in response too.
type geminiOperation struct {
	Name     string `json:"name"`
	Metadata struct {
		DisplayName string       `json:"displayName"`
		State       string       `json:"state"`
		Output      geminiOutput `json:"output"`
	} `json:"metadata"`
	Response geminiOutput `json:"response"`
	Error    *struct {
		Message string `json:"message"`
	} `json:"error"`
}

type geminiOutput struct {
	Inlined struct {
		List []geminiResult `json:"inlinedResponses"`
	} `json:"inlinedResponses"`
}

type geminiResult struct {
	Response json.RawMessage   `json:"response"`
	Metadata map[string]string `json:"metadata"`
	Error    *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func (gemini) Send(ctx context.Context, w batch.Way, p *batch.Parcel, lines []batch.Line) (batch.Upstream, error) {
	var body bytes.Buffer
	fmt.Fprintf(&body, `{"batch":{"displayName":%q,"inputConfig":{"requests":{"requests":[`, p.ID)
	for i := range lines {
		if i > 0 {
			body.WriteByte(',')
		}
		body.WriteString(`{"request":`)
		body.Write(lines[i].Sent)
		fmt.Fprintf(&body, `,"metadata":{"custom_id":%q}}`, lines[i].Call.String())
	}
	body.WriteString(`]}}}}`)
	path := "/models/" + url.PathEscape(strings.TrimPrefix(p.Model, "models/")) + ":batchGenerateContent"
	var made geminiOperation
	err := object(ctx, w, batch.Request{Method: http.MethodPost, Path: path, Body: body.Bytes()}, &made)
	if err == nil && made.Name == "" {
		err = errGarbage
	}
	return batch.Upstream{ID: made.Name}, err
}

func (gemini) Find(ctx context.Context, w batch.Way, p *batch.Parcel, _ []batch.Line) (batch.Upstream, bool, error) {
	page := ""
	for range findPages {
		var list struct {
			Operations []geminiOperation `json:"operations"`
			Next       string            `json:"nextPageToken"`
		}
		if err := object(ctx, w, get("/batches?pageSize=100&pageToken="+url.QueryEscape(page)), &list); err != nil {
			return batch.Upstream{}, false, err
		}
		for _, o := range list.Operations {
			if o.Metadata.DisplayName == p.ID {
				return batch.Upstream{ID: o.Name}, true, nil
			}
		}
		if page = list.Next; page == "" {
			break
		}
	}
	return batch.Upstream{}, false, nil
}

// read reads a batch with its answers.
func (gemini) read(ctx context.Context, w batch.Way, p *batch.Parcel) (geminiOperation, error) {
	var o geminiOperation
	body, err := call(ctx, w, get("/"+strings.TrimPrefix(p.Upstream, "/")))
	if err != nil {
		return o, err
	}
	defer func() { _ = body.Close() }()
	return o, json.NewDecoder(body).Decode(&o)
}

func (d gemini) Poll(ctx context.Context, w batch.Way, p *batch.Parcel) (batch.Progress, error) {
	o, err := d.read(ctx, w, p)
	if err != nil {
		return batch.Progress{}, err
	}
	// JOB_STATE_… is what Vertex AI and older answers say.
	switch state := strings.TrimPrefix(strings.TrimPrefix(o.Metadata.State, "BATCH_STATE_"), "JOB_STATE_"); state {
	case "SUCCEEDED", "CANCELLED", "EXPIRED":
		return batch.Progress{Ended: true}, nil
	case "FAILED":
		why := "the batch failed"
		if o.Error != nil {
			why = o.Error.Message
		}
		return batch.Progress{Ended: true, Failed: why}, nil
	}
	return batch.Progress{}, nil
}

func (d gemini) Results(ctx context.Context, w batch.Way, p *batch.Parcel, take func(batch.Result) error) error {
	o, err := d.read(ctx, w, p)
	if err != nil {
		return err
	}
	list := o.Response.Inlined.List
	if len(list) == 0 {
		list = o.Metadata.Output.Inlined.List
	}
	for _, r := range list {
		out := batch.Result{CustomID: r.Metadata["custom_id"]}
		switch {
		case r.Error != nil:
			out.Reply = fault(grpcStatus(r.Error.Code), "error", r.Error.Message)
		case len(r.Response) > 0:
			out.Reply = batch.Reply{Status: http.StatusOK, Body: r.Response}
		default:
			out.Missing = true
		}
		if err := take(out); err != nil {
			return err
		}
	}
	return nil
}

// grpcStatus is the HTTP status of a gRPC code, which is what errors of lines have.
func grpcStatus(code int) int {
	switch code {
	case 3, 9, 11:
		return http.StatusBadRequest
	case 4:
		return http.StatusGatewayTimeout
	case 5:
		return http.StatusNotFound
	case 7:
		return http.StatusForbidden
	case 8:
		return http.StatusTooManyRequests
	case 14:
		return http.StatusServiceUnavailable
	case 16:
		return http.StatusUnauthorized
	}
	if code >= 400 && code <= 599 {
		return code
	}
	return http.StatusInternalServerError
}

func (gemini) Cancel(ctx context.Context, w batch.Way, p *batch.Parcel) error {
	var o struct{}
	return object(ctx, w, batch.Request{Method: http.MethodPost, Path: "/" + strings.TrimPrefix(p.Upstream, "/") + ":cancel", Body: []byte("{}")}, &o)
}
