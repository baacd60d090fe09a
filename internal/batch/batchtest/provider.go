// Package batchtest has providers' batch APIs made by hand, with ledgers of their own, for tests.
package batchtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Provider is OpenAI's and Anthropic's batch APIs in one handler: a batch ends a while after it was made; its lines are billed once.
type Provider struct {
	// Now is the provider's clock.
	Now func() time.Time
	// Takes is how long a batch takes.
	Takes time.Duration
	// Fails says of a line, by its body, that the provider answers it with an error; nil: none.
	Fails func(body []byte) bool
	// TurnsAway is how many batches in OpenAI's shape are turned away because too much is enqueued.
	TurnsAway int

	mu      sync.Mutex
	files   map[string][]byte
	batches []*upstream
	billed  map[string]int // by the name that a line was sent under
	next    int
}

type upstream struct {
	ID        string
	anthropic bool
	made      time.Time
	metadata  map[string]string
	input     string
	lines     []sent
	cancelled bool
	away      bool
	settled   bool
}

type sent struct {
	CustomID string          `json:"custom_id"`
	URL      string          `json:"url"`
	Body     json.RawMessage `json:"body"`
	Params   json.RawMessage `json:"params"`
}

// Billed is how often each line was billed, or will be, by the name that it was sent under: a batch that nobody asks for is billed too.
func (p *Provider) Billed() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, u := range p.batches {
		p.settle(u)
	}
	out := make(map[string]int, len(p.billed))
	for k, v := range p.billed {
		out[k] = v
	}
	return out
}

// Batches is how many batches were made.
func (p *Provider) Batches() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.batches)
}

// ServeHTTP implements http.Handler. Paths may stand below /v1.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	path := strings.Trim(strings.TrimPrefix(r.URL.Path, "/v1"), "/")
	parts := strings.Split(path, "/")
	switch {
	case r.Method == http.MethodPost && path == "files":
		p.upload(w, r)
	case r.Method == http.MethodGet && len(parts) == 3 && parts[0] == "files" && parts[2] == "content":
		_, _ = w.Write(p.files[parts[1]])
	case parts[0] == "batches":
		p.openAI(w, r, parts[1:])
	case len(parts) >= 2 && parts[0] == "messages" && parts[1] == "batches":
		p.anthropic(w, r, parts[2:])
	default:
		fail(w, http.StatusNotFound, "no such path")
	}
}

func fail(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	answer(w, map[string]any{"error": map[string]string{"message": message}})
}

func answer(w io.Writer, v any) { _ = json.NewEncoder(w).Encode(v) }

func (p *Provider) name(prefix string) string {
	p.next++
	return fmt.Sprintf("%s%04d", prefix, p.next)
}

func (p *Provider) upload(w http.ResponseWriter, r *http.Request) {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		fail(w, http.StatusBadRequest, "no form")
		return
	}
	form, err := multipart.NewReader(r.Body, params["boundary"]).ReadForm(1 << 30)
	if err != nil || len(form.File["file"]) != 1 || !slices.Equal(form.Value["purpose"], []string{"batch"}) {
		fail(w, http.StatusBadRequest, "the form is not complete")
		return
	}
	f, err := form.File["file"][0].Open()
	if err != nil {
		fail(w, http.StatusBadRequest, "no file")
		return
	}
	b, _ := io.ReadAll(f)
	id := p.name("file-")
	p.keep(id, b)
	answer(w, map[string]any{"id": id, "object": "file", "purpose": "batch", "bytes": len(b)})
}

func (p *Provider) keep(id string, b []byte) {
	if p.files == nil {
		p.files = map[string][]byte{}
	}
	p.files[id] = b
}

func (p *Provider) find(id string) *upstream {
	i := slices.IndexFunc(p.batches, func(u *upstream) bool { return u.ID == id })
	if i < 0 {
		return nil
	}
	return p.batches[i]
}

// over reports that a batch has ended.
func (p *Provider) over(u *upstream) bool { return u.cancelled || !p.Now().Before(u.made.Add(p.Takes)) }

// settle bills the lines of a batch, once.
func (p *Provider) settle(u *upstream) {
	if u.settled || u.away {
		return
	}
	u.settled = true
	if p.billed == nil {
		p.billed = map[string]int{}
	}
	for i, l := range u.lines {
		if p.served(u, i) && !p.failed(l) {
			p.billed[l.CustomID]++
		}
	}
}

// served reports whether a line had its turn: a batch that was cancelled has answered every second one.
func (*Provider) served(u *upstream, i int) bool { return !u.cancelled || i%2 == 0 }

func (p *Provider) failed(l sent) bool {
	return p.Fails != nil && p.Fails(append(bytes.Clone(l.Body), l.Params...))
}

func (p *Provider) openAI(w http.ResponseWriter, r *http.Request, rest []string) {
	switch {
	case r.Method == http.MethodPost && len(rest) == 0:
		var in struct {
			Input    string            `json:"input_file_id"`
			Metadata map[string]string `json:"metadata"`
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		u := &upstream{ID: p.name("batch_"), made: p.Now(), metadata: in.Metadata, input: in.Input, away: p.TurnsAway > 0}
		p.TurnsAway--
		lines := bufio.NewScanner(bytes.NewReader(p.files[in.Input]))
		lines.Buffer(nil, 1<<24)
		for lines.Scan() {
			var l sent
			if json.Unmarshal(lines.Bytes(), &l) != nil || l.CustomID == "" {
				fail(w, http.StatusBadRequest, "a line is not valid")
				return
			}
			u.lines = append(u.lines, l)
		}
		p.batches = append(p.batches, u)
		answer(w, p.openAIBatch(u))
	case r.Method == http.MethodGet && len(rest) == 0:
		list := []any{}
		for _, u := range slices.Backward(p.batches) {
			if !u.anthropic {
				list = append(list, p.openAIBatch(u))
			}
		}
		answer(w, map[string]any{"object": "list", "data": list, "has_more": false})
	default:
		u := p.find(rest[0])
		if u == nil {
			fail(w, http.StatusNotFound, "no such batch")
			return
		}
		if len(rest) == 2 && rest[1] == "cancel" && !p.over(u) {
			u.cancelled = true
			p.settle(u)
		}
		answer(w, p.openAIBatch(u))
	}
}

func (p *Provider) openAIBatch(u *upstream) map[string]any {
	out := map[string]any{"id": u.ID, "object": "batch", "status": "in_progress", "input_file_id": u.input, "metadata": u.metadata}
	if u.away {
		out["status"] = "failed"
		out["errors"] = map[string]any{"data": []any{map[string]string{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}}}
		return out
	}
	if !p.over(u) {
		return out
	}
	out["status"] = "completed"
	if u.cancelled {
		out["status"] = "cancelled"
	}
	var good, bad bytes.Buffer
	for i, l := range slices.Backward(u.lines) { // in no order that a client may count on
		switch {
		case !p.served(u, i):
			answer(&bad, map[string]any{"custom_id": l.CustomID, "response": nil, "error": map[string]string{"code": "batch_cancelled", "message": "cancelled"}})
		case p.failed(l):
			answer(&bad, map[string]any{"custom_id": l.CustomID, "response": map[string]any{
				"status_code": 400, "body": map[string]any{"error": map[string]string{"message": "not like this", "type": "invalid_request_error"}},
			}})
		default:
			answer(&good, map[string]any{"custom_id": l.CustomID, "response": map[string]any{"status_code": 200, "body": completion(l)}})
		}
	}
	if good.Len() > 0 {
		out["output_file_id"] = u.ID + "-out"
		p.keep(u.ID+"-out", good.Bytes())
	}
	if bad.Len() > 0 {
		out["error_file_id"] = u.ID + "-err"
		p.keep(u.ID+"-err", bad.Bytes())
	}
	return out
}

// The usage of every answer.
const (
	InputTokens  = 1000
	OutputTokens = 100
)

func model(body []byte) string {
	var m struct {
		Model string `json:"model"`
	}
	_ = json.Unmarshal(body, &m)
	return m.Model
}

func completion(l sent) map[string]any {
	return map[string]any{
		"id": "chatcmpl-" + l.CustomID, "object": "chat.completion", "created": 1, "model": model(l.Body),
		"choices": []any{map[string]any{"index": 0, "finish_reason": "stop", "message": map[string]string{"role": "assistant", "content": "answer to " + l.CustomID}}},
		"usage":   map[string]int{"prompt_tokens": InputTokens, "completion_tokens": OutputTokens, "total_tokens": InputTokens + OutputTokens},
	}
}

func (p *Provider) anthropic(w http.ResponseWriter, r *http.Request, rest []string) {
	switch {
	case r.Method == http.MethodPost && len(rest) == 0:
		var in struct {
			Requests []sent `json:"requests"`
		}
		if json.NewDecoder(r.Body).Decode(&in) != nil || len(in.Requests) == 0 {
			fail(w, http.StatusBadRequest, "no requests")
			return
		}
		u := &upstream{ID: p.name("msgbatch_"), anthropic: true, made: p.Now(), lines: in.Requests}
		p.batches = append(p.batches, u)
		answer(w, p.messageBatch(u))
	case r.Method == http.MethodGet && len(rest) == 0:
		list := []any{}
		for _, u := range slices.Backward(p.batches) {
			if u.anthropic {
				list = append(list, p.messageBatch(u))
			}
		}
		answer(w, map[string]any{"data": list, "has_more": false})
	default:
		u := p.find(rest[0])
		switch {
		case u == nil:
			fail(w, http.StatusNotFound, "no such batch")
		case len(rest) == 2 && rest[1] == "results":
			p.messageResults(w, u)
		case len(rest) == 2 && rest[1] == "cancel" && !p.over(u):
			u.cancelled = true
			p.settle(u)
			answer(w, p.messageBatch(u))
		default:
			answer(w, p.messageBatch(u))
		}
	}
}

func (p *Provider) messageBatch(u *upstream) map[string]any {
	out := map[string]any{
		"id": u.ID, "type": "message_batch", "processing_status": "in_progress", "created_at": u.made.UTC().Format(time.RFC3339Nano),
		"request_counts": map[string]int{"processing": len(u.lines)},
	}
	if p.over(u) {
		out["processing_status"] = "ended"
		out["request_counts"] = map[string]int{"succeeded": len(u.lines)}
	}
	return out
}

func (p *Provider) messageResults(w io.Writer, u *upstream) {
	for i, l := range slices.Backward(u.lines) {
		result := map[string]any{"type": "succeeded", "message": map[string]any{
			"id": "msg_" + l.CustomID, "type": "message", "role": "assistant", "model": model(l.Params), "stop_reason": "end_turn",
			"content": []any{map[string]string{"type": "text", "text": "answer to " + l.CustomID}},
			"usage":   map[string]int{"input_tokens": InputTokens, "output_tokens": OutputTokens},
		}}
		switch {
		case !p.served(u, i):
			result = map[string]any{"type": "canceled"}
		case p.failed(l):
			result = map[string]any{"type": "errored", "error": map[string]any{
				"type": "error", "error": map[string]string{"type": "invalid_request_error", "message": "not like this"},
			}}
		}
		answer(w, map[string]any{"custom_id": l.CustomID, "result": result})
	}
}
