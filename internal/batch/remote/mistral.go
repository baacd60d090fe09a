package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"tollgate/internal/batch"
)

// mistral is the Batch API of Mistral: a job for one model and a file of lines whose bodies name no endpoint.
type mistral struct{}

func (mistral) Speaks(dialect string) bool {
	return slices.Contains([]string{"openai-chat", "openai-embeddings"}, dialect)
}

func (mistral) Limits() (int, int64) { return 10_000, parcelBytes }

// mistralJob is what we read of a job.
type mistralJob struct {
	ID       string            `json:"id"`
	Status   string            `json:"status"`
	Inputs   []string          `json:"input_files"`
	Output   string            `json:"output_file"`
	ErrorsID string            `json:"error_file"`
	Metadata map[string]string `json:"metadata"`
	Errors   []struct {
		Message string `json:"message"`
	} `json:"errors"`
}

func (mistral) Send(ctx context.Context, w batch.Way, p *batch.Parcel, lines []batch.Line) (batch.Upstream, error) {
	var content bytes.Buffer
	for i := range lines {
		fmt.Fprintf(&content, `{"custom_id":%q,"body":`, lines[i].Call.String())
		compact(&content, lines[i].Sent)
		content.WriteString("}\n")
	}
	file, err := upload(ctx, w, p.ID, content.Bytes())
	if err != nil {
		return batch.Upstream{}, err
	}
	req, err := post("/batch/jobs", map[string]any{
		"input_files": []string{file}, "model": p.Model, "endpoint": "/v1" + p.Path, "metadata": map[string]string{marker: p.ID},
	})
	if err != nil {
		return batch.Upstream{}, err
	}
	var made mistralJob
	err = object(ctx, w, req, &made)
	if err == nil && made.ID == "" {
		err = errGarbage
	}
	return batch.Upstream{ID: made.ID, File: file}, err
}

func (mistral) Find(ctx context.Context, w batch.Way, p *batch.Parcel, _ []batch.Line) (batch.Upstream, bool, error) {
	for page := range findPages {
		var list struct {
			Data []mistralJob `json:"data"`
		}
		if err := object(ctx, w, get(fmt.Sprintf("/batch/jobs?page=%d&page_size=100", page)), &list); err != nil {
			return batch.Upstream{}, false, err
		}
		for _, j := range list.Data {
			if j.Metadata[marker] == p.ID {
				return batch.Upstream{ID: j.ID}, true, nil
			}
		}
		if len(list.Data) < 100 {
			break
		}
	}
	return batch.Upstream{}, false, nil
}

func (mistral) read(ctx context.Context, w batch.Way, p *batch.Parcel) (mistralJob, error) {
	var j mistralJob
	return j, object(ctx, w, get("/batch/jobs/"+url.PathEscape(p.Upstream)), &j)
}

func (d mistral) Poll(ctx context.Context, w batch.Way, p *batch.Parcel) (batch.Progress, error) {
	j, err := d.read(ctx, w, p)
	if err != nil {
		return batch.Progress{}, err
	}
	switch j.Status {
	case "SUCCESS", "TIMEOUT_EXCEEDED", "CANCELLED":
		return batch.Progress{Ended: true}, nil
	case "FAILED":
		if j.Output != "" || j.ErrorsID != "" { // some lines were answered
			return batch.Progress{Ended: true}, nil
		}
		why := "the job failed"
		if len(j.Errors) > 0 {
			why = j.Errors[0].Message
		}
		return batch.Progress{Ended: true, Failed: why}, nil
	}
	return batch.Progress{}, nil
}

func (d mistral) Results(ctx context.Context, w batch.Way, p *batch.Parcel, take func(batch.Result) error) error {
	j, err := d.read(ctx, w, p)
	if err != nil {
		return err
	}
	for _, file := range []string{j.Output, j.ErrorsID} {
		if file == "" {
			continue
		}
		err := jsonLines(ctx, w, "/files/"+url.PathEscape(file)+"/content", func(line []byte) error {
			var r mistralResult
			if json.Unmarshal(line, &r) != nil {
				return errGarbage
			}
			return take(r.result())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// mistralResult is OpenAI's line, but its error may be any text or object.
type mistralResult struct {
	CustomID string `json:"custom_id"`
	Response *struct {
		Status int             `json:"status_code"`
		Body   json.RawMessage `json:"body"`
	} `json:"response"`
	Error json.RawMessage `json:"error"`
}

func (r *mistralResult) result() batch.Result {
	out := batch.Result{CustomID: r.CustomID}
	switch {
	case r.Response != nil && r.Response.Status > 0:
		out.Reply = batch.Reply{Status: r.Response.Status, Body: r.Response.Body}
	case len(r.Error) > 0 && string(r.Error) != "null":
		out.Reply = fault(http.StatusBadGateway, "error", reason(r.Error))
	default:
		out.Missing = true
	}
	return out
}

func (mistral) Cancel(ctx context.Context, w batch.Way, p *batch.Parcel) error {
	var j mistralJob
	return object(ctx, w, batch.Request{Method: http.MethodPost, Path: "/batch/jobs/" + url.PathEscape(p.Upstream) + "/cancel", Body: []byte("{}")}, &j)
}
