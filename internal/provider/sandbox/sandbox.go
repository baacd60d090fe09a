// Package sandbox is a provider inside the process, for a first call without any key and for tests.
//
// It speaks openai-chat at …/chat/completions and openai-embeddings at …/embeddings, and lists its models at …/models. It is deterministic: the same request gives the
// same answer, but for the time in `created`. No model is run: the answer says what was asked. What it imitates is the protocol:
// streams by words, tool calls with arguments that fit their schema, structured output, reasoning, usage, and failures on request.
//
//   - echo-mini, echo-large: text. A tool is called when one is forced, or when the last text mentions its name.
//   - reasoner: the same, with reasoning before it.
//   - slow: waits before it answers and between words.
//   - fail-429, fail-500: refuse every call; 429 with Retry-After: 1.
//   - embed-mini: vectors, in which texts that share words are close.
//
// Usage is a count of bytes: a token for every four bytes, begun ones included, of each text, arguments and schema; 85 for an image.
package sandbox

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/wire"
)

// bodyMax bounds a request.
const bodyMax = 32 << 20

// Provider answers calls. It is an http.RoundTripper for calls inside the process and an http.Handler for others.
type Provider struct {
	now   func() time.Time
	sleep func(ctx context.Context, d time.Duration) error
}

// New makes a sandbox. sleep pauses between the words of a stream and must end early with ctx; nil: no pauses.
func New(now func() time.Time, sleep func(ctx context.Context, d time.Duration) error) *Provider {
	if sleep == nil {
		sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	}
	return &Provider{now: now, sleep: sleep}
}

// model is one that the sandbox offers.
type model struct {
	name   string
	start  time.Duration // before the first byte
	pause  time.Duration // between words
	thinks bool
	wordy  bool
	fails  int // the status of every answer
}

func models() []model {
	return []model{
		{name: "echo-mini", pause: 15 * time.Millisecond},
		{name: "echo-large", pause: 25 * time.Millisecond, wordy: true},
		{name: "reasoner", pause: 20 * time.Millisecond, thinks: true},
		{name: "slow", start: 2 * time.Second, pause: 200 * time.Millisecond},
		{name: "fail-429", fails: http.StatusTooManyRequests},
		{name: "fail-500", fails: http.StatusInternalServerError},
	}
}

// modelNamed takes the bare name, or the name as clients of the gateway write it.
func modelNamed(name string) (model, bool) {
	name = strings.TrimPrefix(name, "sandbox/")
	for _, m := range models() {
		if m.name == name {
			return m, true
		}
	}
	return model{}, false
}

// Models are the names of all models, the failing ones last.
func Models() []string {
	var names []string
	for _, m := range models() {
		names = append(names, m.name)
	}
	return append(names, embedder)
}

// RoundTrip answers without a network. The body of a stream comes piece by piece, as fast as it is read.
func (p *Provider) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	status, header, body := p.answer(req)
	if status == 0 {
		return nil, context.Cause(req.Context())
	}
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: body, ContentLength: -1, Request: req,
	}, nil
}

// ServeHTTP answers over a network.
func (p *Provider) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	status, header, body := p.answer(req)
	if status == 0 {
		return
	}
	defer body.Close()
	for k, v := range header {
		w.Header()[k] = v
	}
	w.WriteHeader(status)
	flusher, _ := w.(http.Flusher)
	buf := make([]byte, 32<<10)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			if _, werr := w.Write(buf[:n]); werr != nil {
				return
			}
			if flusher != nil {
				flusher.Flush()
			}
		}
		if err != nil {
			return
		}
	}
}

// answer gives status 0 when the client left before there was one.
func (p *Provider) answer(req *http.Request) (int, http.Header, io.ReadCloser) {
	switch {
	case req.Method == http.MethodGet && strings.HasSuffix(req.URL.Path, "/models"):
		return p.list()
	case req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "/chat/completions"):
		return p.chat(req)
	case req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "/embeddings"):
		return p.embed(req)
	}
	return refuse(http.StatusNotFound, "sandbox.no_route", "The sandbox has /chat/completions, /embeddings and /models.")
}

func (p *Provider) list() (int, http.Header, io.ReadCloser) {
	type entry struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Created int64  `json:"created"`
		OwnedBy string `json:"owned_by"`
	}
	var data []entry
	for _, name := range Models() {
		data = append(data, entry{ID: name, Object: "model", OwnedBy: "sandbox"})
	}
	return http.StatusOK, jsonHeader(), whole(wire.Marshal(map[string]any{"object": "list", "data": data}))
}

func (p *Provider) chat(req *http.Request) (int, http.Header, io.ReadCloser) {
	body, ok := read(req)
	if !ok {
		return tooLarge()
	}
	d := openaichat.Dialect{}
	r, err := d.ParseRequest(body)
	if err != nil {
		return refuse(http.StatusBadRequest, "invalid_request", err.Error())
	}
	m, ok := modelNamed(r.Model)
	if !ok {
		return noModel(r.Model)
	}
	switch m.fails {
	case http.StatusTooManyRequests:
		status, h, b := refuse(m.fails, "rate_limit_exceeded", "This sandbox model is always over its rate limit.")
		h.Set("Retry-After", "1")
		return status, h, b
	case http.StatusInternalServerError:
		return refuse(m.fails, "server_error", "This sandbox model always fails.")
	}
	if p.sleep(req.Context(), m.start) != nil {
		return 0, nil, nil
	}
	res := respond(m, r)
	res.ID, res.Created = "chatcmpl-sandbox-"+digest(body), p.now().Unix()
	if !r.Stream {
		return http.StatusOK, jsonHeader(), whole(d.AppendResponse(nil, res))
	}
	h := http.Header{"Content-Type": {"text/event-stream; charset=utf-8"}, "Cache-Control": {"no-cache"}}
	pieces := stream(res, d.NewWriter(r.IncludeUsage))
	return http.StatusOK, h, &paced{ctx: req.Context(), sleep: p.sleep, pause: m.pause, pieces: pieces}
}

func read(req *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(io.LimitReader(req.Body, bodyMax+1))
	return body, err == nil && len(body) <= bodyMax
}

func tooLarge() (int, http.Header, io.ReadCloser) {
	return refuse(http.StatusRequestEntityTooLarge, "request_too_large", "The request body is too large.")
}

func noModel(name string) (int, http.Header, io.ReadCloser) {
	return refuse(http.StatusNotFound, "model_not_found", "The sandbox has no model "+strconv.Quote(name)+" here. It has "+strings.Join(Models(), ", ")+".")
}

// digest makes an id of a request: FNV-1a.
func digest(body []byte) string {
	h := uint64(14695981039346656037)
	for _, c := range body {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return strconv.FormatUint(h, 36)
}

func jsonHeader() http.Header { return http.Header{"Content-Type": {"application/json"}} }

func whole(b []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }

func refuse(status int, code, message string) (int, http.Header, io.ReadCloser) {
	p := provider.Problem{Status: status, Kind: fault.Invalid, Code: code, Message: message}
	return status, jsonHeader(), whole(openaichat.Dialect{}.AppendError(nil, p))
}

// stream gives the events of an answer, each with its bytes on the wire.
func stream(res chat.Response, w provider.Writer) [][]byte {
	var pieces [][]byte
	send := func(e chat.Event) {
		if b := w.Append(nil, e); len(b) > 0 {
			pieces = append(pieces, b)
		}
	}
	send(chat.Event{Kind: chat.Start, ID: res.ID, Model: res.Model, Created: res.Created})
	for i, part := range res.Parts {
		send(chat.Event{Kind: chat.BlockStart, Index: i, Part: chat.Part{Kind: part.Kind, ID: part.ID, Name: part.Name}})
		kind, text := chat.TextDelta, part.Text
		if part.Kind == chat.ToolCall {
			kind, text = chat.ArgsDelta, string(part.Args)
		}
		for word := range strings.SplitAfterSeq(text, " ") {
			if word != "" {
				send(chat.Event{Kind: kind, Index: i, Text: word})
			}
		}
		send(chat.Event{Kind: chat.BlockStop, Index: i})
	}
	send(chat.Event{Kind: chat.Finish, Reason: res.Finish})
	send(chat.Event{Kind: chat.UsageEvent, Usage: res.Usage})
	send(chat.Event{Kind: chat.End})
	return pieces
}

// paced is a body that pauses between its pieces.
type paced struct {
	ctx    context.Context //nolint:containedctx // of the one request whose body this is
	sleep  func(ctx context.Context, d time.Duration) error
	pause  time.Duration
	pieces [][]byte
	begun  bool
	left   []byte
}

func (b *paced) Read(dst []byte) (int, error) {
	if len(b.left) == 0 {
		if len(b.pieces) == 0 {
			return 0, io.EOF
		}
		if b.begun {
			if err := b.sleep(b.ctx, b.pause); err != nil {
				return 0, err
			}
		}
		b.begun = true
		b.left, b.pieces = b.pieces[0], b.pieces[1:]
	}
	n := copy(dst, b.left)
	b.left = b.left[n:]
	return n, nil
}

// Close stops the answer.
func (b *paced) Close() error {
	b.pieces, b.left = nil, nil
	return nil
}
