package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"

	"tollgate/internal/batch"
)

// openAI is the batch API of OpenAI, and of those who offer the same: a file of lines, a batch of the file, files of answers.
type openAI struct {
	endpoint string // stands before the path of a dialect in "endpoint" and "url"
}

// marker is the metadata by which a batch of ours is known again.
const marker = "tollgate_parcel"

func (openAI) Speaks(dialect string) bool {
	return slices.Contains([]string{"openai-chat", "openai-responses", "openai-completions", "openai-embeddings", "openai-moderations"}, dialect)
}

// Limits are below OpenAI's own (50,000 lines, 200 MB): a parcel stands in memory while it is sent.
func (openAI) Limits() (int, int64) { return 10_000, parcelBytes }

// openAIBatch is what we read of a batch.
type openAIBatch struct {
	ID       string            `json:"id"`
	Status   string            `json:"status"`
	Input    string            `json:"input_file_id"`
	Output   string            `json:"output_file_id"`
	Errors   string            `json:"error_file_id"`
	Metadata map[string]string `json:"metadata"`
	Problems struct {
		Data []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"data"`
	} `json:"errors"`
}

func (d openAI) Send(ctx context.Context, w batch.Way, p *batch.Parcel, lines []batch.Line) (batch.Upstream, error) {
	file, err := upload(ctx, w, p.ID, d.file(p, lines))
	if err != nil {
		return batch.Upstream{}, err
	}
	req, err := post("/batches", map[string]any{
		"input_file_id": file, "endpoint": d.endpoint + p.Path, "completion_window": "24h", "metadata": map[string]string{marker: p.ID},
	})
	if err != nil {
		return batch.Upstream{}, err
	}
	var made openAIBatch
	if err := object(ctx, w, req, &made); err != nil {
		return batch.Upstream{}, err
	}
	if made.ID == "" {
		return batch.Upstream{}, errGarbage
	}
	return batch.Upstream{ID: made.ID, File: file}, nil
}

// file is the parcel as a file of lines.
func (d openAI) file(p *batch.Parcel, lines []batch.Line) []byte {
	var out bytes.Buffer
	target, _ := json.Marshal(d.endpoint + p.Path) // a path always can be
	for i := range lines {
		fmt.Fprintf(&out, `{"custom_id":%q,"method":"POST","url":%s,"body":`, lines[i].Call.String(), target)
		compact(&out, lines[i].Sent)
		out.WriteString("}\n")
	}
	return out.Bytes()
}

// compact writes JSON without line ends.
func compact(out *bytes.Buffer, b []byte) {
	if bytes.IndexByte(b, '\n') < 0 {
		out.Write(b)
		return
	}
	if err := json.Compact(out, b); err != nil { // the provider will refuse the line
		out.Write(bytes.ReplaceAll(b, []byte("\n"), []byte(" ")))
	}
}

// upload keeps a file at the provider for a batch.
func upload(ctx context.Context, w batch.Way, name string, content []byte) (string, error) {
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	_ = m.WriteField("purpose", "batch") // a buffer takes everything
	part, err := m.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="` + name + `.jsonl"`}, "Content-Type": {"application/jsonl"},
	})
	if err != nil {
		return "", err
	}
	_, _ = part.Write(content)
	_ = m.Close()
	var f struct {
		ID string `json:"id"`
	}
	err = object(ctx, w, batch.Request{Method: http.MethodPost, Path: "/files", ContentType: m.FormDataContentType(), Body: form.Bytes()}, &f)
	if err == nil && f.ID == "" {
		err = errGarbage
	}
	return f.ID, err
}

// findPages is how far back a batch of ours is looked for; a hundred a page.
const findPages = 20

func (d openAI) Find(ctx context.Context, w batch.Way, p *batch.Parcel, _ []batch.Line) (batch.Upstream, bool, error) {
	after := ""
	for range findPages {
		var list struct {
			Data []openAIBatch `json:"data"`
			More bool          `json:"has_more"`
		}
		path := "/batches?limit=100"
		if after != "" {
			path += "&after=" + url.QueryEscape(after)
		}
		if err := object(ctx, w, get(path), &list); err != nil {
			return batch.Upstream{}, false, err
		}
		for _, b := range list.Data {
			if b.Metadata[marker] == p.ID && !slices.Contains(p.Strangers, b.ID) {
				return batch.Upstream{ID: b.ID, File: b.Input}, true, nil
			}
			after = b.ID
		}
		if !list.More || len(list.Data) == 0 {
			break
		}
	}
	return batch.Upstream{}, false, nil
}

func (d openAI) read(ctx context.Context, w batch.Way, p *batch.Parcel) (openAIBatch, error) {
	var b openAIBatch
	return b, object(ctx, w, get("/batches/"+url.PathEscape(p.Upstream)), &b)
}

func (d openAI) Poll(ctx context.Context, w batch.Way, p *batch.Parcel) (batch.Progress, error) {
	b, err := d.read(ctx, w, p)
	if err != nil {
		return batch.Progress{}, err
	}
	switch b.Status {
	case "completed", "expired", "cancelled":
		return batch.Progress{Ended: true}, nil
	case "failed":
		why := "it is not valid"
		if len(b.Problems.Data) > 0 {
			why = b.Problems.Data[0].Message
			if b.Problems.Data[0].Code == "token_limit_exceeded" { // of all batches of the account together
				return batch.Progress{Ended: true, Full: true}, nil
			}
		}
		return batch.Progress{Ended: true, Failed: why}, nil
	}
	return batch.Progress{}, nil
}

// openAIResult is a line of an answer or error file; Mistral writes the same.
type openAIResult struct {
	CustomID string `json:"custom_id"`
	Response *struct {
		Status int             `json:"status_code"`
		Body   json.RawMessage `json:"body"`
	} `json:"response"`
	Error *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func (r *openAIResult) result() batch.Result {
	out := batch.Result{CustomID: r.CustomID}
	switch {
	case r.Response != nil && r.Response.Status > 0:
		out.Reply = batch.Reply{Status: r.Response.Status, Body: r.Response.Body}
	case r.Error != nil && r.Error.Code == "batch_expired", r.Error != nil && r.Error.Code == "batch_cancelled":
		out.Missing = true
	case r.Error != nil:
		out.Reply = fault(http.StatusBadGateway, r.Error.Code, r.Error.Message)
	default:
		out.Missing = true
	}
	return out
}

func (d openAI) Results(ctx context.Context, w batch.Way, p *batch.Parcel, take func(batch.Result) error) error {
	b, err := d.read(ctx, w, p)
	if err != nil {
		return err
	}
	for _, file := range []string{b.Output, b.Errors} {
		if file == "" {
			continue
		}
		if err := results(ctx, w, "/files/"+url.PathEscape(file)+"/content", take); err != nil {
			return err
		}
	}
	return nil
}

// results reads a file of answers in OpenAI's form.
func results(ctx context.Context, w batch.Way, path string, take func(batch.Result) error) error {
	return jsonLines(ctx, w, path, func(line []byte) error {
		var r openAIResult
		if json.Unmarshal(line, &r) != nil {
			return errGarbage
		}
		return take(r.result())
	})
}

func (d openAI) Cancel(ctx context.Context, w batch.Way, p *batch.Parcel) error {
	var b openAIBatch
	return object(ctx, w, batch.Request{Method: http.MethodPost, Path: "/batches/" + url.PathEscape(p.Upstream) + "/cancel", Body: []byte("{}")}, &b)
}
