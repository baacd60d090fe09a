package conformance

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tollgate/test/harness"
	"tollgate/test/replay"
)

// planSame is a case as its own client sends it.
func planSame(g *gate, c *replay.Case) []*run {
	r := run{kind: "same", surface: surfaceOf(c.Meta.Dialect), c: c, way: way{natural(c), c.Meta.Dialect, c.Meta.Model}, do: (*gate).same}
	switch c.Meta.Dialect {
	case replay.Converse, replay.Cohere, replay.Ollama, replay.CohereEmbed, replay.VoyageEmbed, replay.OllamaEmbed, replay.TitanEmbed,
		replay.BedrockCohere, replay.PredictEmbed, replay.CountBedrock: // no client speaks these
		return nil
	case replay.Models:
		if c.Meta.Method != http.MethodGet || !strings.HasSuffix(c.Meta.Path, "/models") {
			return nil // deletes a model, or is another API's path
		}
		r.do = (*gate).models
	case replay.Rerank, replay.VoyageRerank, replay.JinaRerank:
		return nil // see plain_test.go
	case replay.GeminiEmbed:
		if strings.HasPrefix(c.Meta.Provider, "vertex") {
			r.way.vendor = "vertex"
		}
	case replay.Moderations, replay.Images, replay.Audio:
		if r.way.model == "" {
			r.way.model = "a-model"
		}
	case replay.Vertex:
		r.way.model = strings.ReplaceAll(r.way.model, "/", "-")
	}
	if streamed := c.Meta.Stream && c.Meta.Status == http.StatusOK; streamed {
		return cuttings(r)
	}
	return []*run{&r}
}

// cuttings makes a run for each cutting of a stream.
func cuttings(r run) []*run {
	var out []*run
	for _, cut := range []replay.Cutting{replay.AtOnce, replay.ByEvent, replay.Odd} {
		one := r
		one.cut = cut
		out = append(out, &one)
	}
	return out
}

// surfaceOf is the client's dialect of a provider's.
func surfaceOf(dialect string) string {
	switch dialect {
	case replay.VoyageRerank, replay.JinaRerank:
		return replay.Rerank
	}
	return replay.Wire(dialect)
}

// generic is the request for a recording of which only the answer was kept.
func generic(dialect string, stream bool) []byte {
	switch dialect {
	case replay.Anthropic:
		return fmt.Appendf(nil, `{"model":"m","max_tokens":1024,"messages":[{"role":"user","content":"Say something."}],"stream":%v}`, stream)
	case replay.Responses:
		return fmt.Appendf(nil, `{"model":"m","input":"Say something.","stream":%v}`, stream)
	case replay.Gemini:
		return []byte(`{"contents":[{"role":"user","parts":[{"text":"Say something."}]}]}`)
	}
	return fmt.Appendf(nil, `{"model":"m","messages":[{"role":"user","content":"Say something."}],"stream":%v}`, stream)
}

// sent is what a client sends for a case, and what the provider must get of it.
func (r *run) sent() (a ask, want []byte, err error) {
	c := r.c
	recorded := c.Request
	if recorded == nil {
		recorded = generic(r.surface, c.Meta.Stream)
	}
	if r.way.vendor != "openrouter" {
		if recorded, err = withoutWishes(recorded); err != nil {
			return a, nil, err
		}
	}
	a = ask{surface: r.surface, model: r.model(), stream: c.Meta.Stream, body: recorded}
	switch c.Meta.Dialect {
	case replay.Gemini, replay.CountGemini, replay.GeminiEmbed:
		a.array = !strings.Contains(c.Meta.Query, "alt=sse") && bytes.HasPrefix(bytes.TrimSpace(c.Response), []byte("["))
		if strings.HasSuffix(c.Meta.Path, ":embedContent") {
			a.path = strings.Replace(endpoint(a), "batchEmbedContents", "embedContent", 1)
		}
		return a, recorded, nil
	case replay.Vertex, replay.Invoke: // the maker's client does not know of the cloud's envelope
		a.body, err = enveloped(recorded, a.model, c.Meta.Stream)
		return a, recorded, err
	case replay.Images, replay.Audio, replay.Files:
		a.path = c.Meta.Path[strings.LastIndex(c.Meta.Path, "/v1/"):]
		if kind := c.Meta.RequestHeaders["content-type"]; strings.HasPrefix(kind, "multipart/") || bytes.HasPrefix(recorded, []byte("base64:")) {
			return multipart(a, recorded, kind, r)
		}
	}
	if a.body, err = withModel(recorded, a.model); err != nil {
		return a, nil, fmt.Errorf("the recorded request: %w", err)
	}
	want, err = withModel(recorded, r.wire())
	return a, want, err
}

// withoutWishes leaves out where a recorded request wanted to go: the run says that, and wishes would forbid it.
func withoutWishes(recorded []byte) ([]byte, error) {
	if !bytes.Contains(recorded, []byte(`"provider"`)) && !bytes.Contains(recorded, []byte(`"models"`)) {
		return recorded, nil
	}
	var body map[string]json.RawMessage
	if json.Unmarshal(recorded, &body) != nil || body["provider"] == nil && body["models"] == nil {
		return recorded, nil
	}
	delete(body, "provider")
	delete(body, "models")
	return json.Marshal(body)
}

// multipart puts the model into a form's bytes.
func multipart(a ask, recorded []byte, kind string, r *run) (ask, []byte, error) {
	if rest, ok := bytes.CutPrefix(recorded, []byte("base64:")); ok {
		raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(rest)))
		if err != nil {
			return a, nil, err
		}
		recorded = raw
	}
	line, _, _ := bytes.Cut(recorded, []byte("\r\n"))
	if kind == "" {
		kind = "multipart/form-data; boundary=" + strings.TrimPrefix(string(line), "--")
	}
	a.header = []string{"Content-Type", kind}
	if a.surface == replay.Files { // names no model: the client names the vendor
		a.header = append(a.header, "X-Tollgate-Provider", r.way.vendor)
		a.body = recorded
		return a, recorded, nil
	}
	with := func(model string) []byte {
		head, rest, ok := bytes.Cut(recorded, []byte("name=\"model\"\r\n\r\n"))
		if !ok {
			return slices.Concat(line, []byte("\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n"+model+"\r\n"), recorded)
		}
		_, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		return slices.Concat(head, []byte("name=\"model\"\r\n\r\n"+model+"\r\n"), rest)
	}
	a.body = with(a.model)
	return a, with(r.wire()), nil
}

// enveloped takes the cloud's envelope off a body and puts the maker's on.
func enveloped(body []byte, model string, stream bool) ([]byte, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, err
	}
	delete(m, "anthropic_version")
	m["model"], _ = json.Marshal(model)
	if stream {
		m["stream"] = json.RawMessage("true")
	} else {
		delete(m, "stream")
	}
	return json.Marshal(m)
}

// same plays a case to a client of its own dialect: the provider gets the client's bytes but for the model, the client the provider's.
func (g *gate) same(r *run) error {
	c := r.c
	a, want, err := r.sent()
	if err != nil {
		return err
	}
	if r.surface == replay.Files { // nothing in it names the run
		g.provider.PlayBody(want, replay.Play{Case: c})
	}
	got, err := g.send(r, a)
	if err != nil {
		return err
	}
	if err := g.received(r, got, want); err != nil {
		return err
	}
	cloud := c.Meta.Dialect == replay.Vertex || c.Meta.Dialect == replay.Invoke
	switch {
	case rejected(c):
		return blamed(got)
	case c.Meta.Status >= 400 && cloud:
		return foreignError(r, got)
	case c.Meta.Status >= 400:
		if got.Status != c.Meta.Status || !bytes.Equal(got.Body, c.Response) {
			return fmt.Errorf("the client got %d %s, not %d %s", got.Status, clip(got.Body), c.Meta.Status, clip(c.Response))
		}
		return nil
	case c.Has("error-in-stream"), c.Has("truncated"):
		return brokenStream(r, got)
	case c.Has("garbage"), c.Has("error-in-200"):
		return failed(r.surface, got)
	}
	if got.Status != http.StatusOK {
		return fmt.Errorf("status %d: %s", got.Status, clip(got.Body))
	}
	if c.Meta.Dialect == replay.Invoke && c.Meta.Stream {
		if err := wellFormedAnthropic(got.Body); err != nil {
			return err
		}
		if x, y := replay.Read(replay.Invoke, true, c.Response), replay.Read(replay.Anthropic, true, got.Body); fmt.Sprint(x) != fmt.Sprint(y) {
			return fmt.Errorf("the answer's meaning changed: %+v became %+v", x, y)
		}
	} else if want := clientBytes(c, c.Request != nil && replay.AsksUsage(c.Request)); !bytes.Equal(got.Body, want) {
		return fmt.Errorf("the client's bytes differ: %s", firstDifference(want, got.Body))
	}
	if slices.Contains(replay.Chats(), c.Meta.Dialect) {
		g.expect(r)
	}
	return passedHeaders(r, got)
}

// received holds what the provider got against what was sent to it.
func (g *gate) received(r *run, got *harness.Reply, want []byte) error {
	var call replay.Call
	if r.surface == replay.Files {
		call, _ = g.provider.Ledger.Last("") // one at a time: there are few
	} else {
		var err error
		if call, err = g.arrived(r, got); err != nil {
			return err
		}
	}
	if err := r.rightPath(call); err != nil {
		return err
	}
	switch r.c.Meta.Dialect {
	case replay.Vertex, replay.Invoke:
		if a, b := withoutStream(want), withoutStream(call.Body); a != b {
			return fmt.Errorf("the provider's body differs: %s", firstDifference([]byte(a), []byte(b)))
		}
		return nil
	case replay.CountGemini, replay.GeminiEmbed: // these name the model in the body too
		if a, b := googleModels(want, "models/"+r.wire()), googleModels(call.Body, "models/"+r.wire()); a != b {
			return fmt.Errorf("the provider's body differs: %s", firstDifference([]byte(a), []byte(b)))
		}
		return nil
	}
	mayAsk := (replay.Wire(r.c.Meta.Dialect) == replay.OpenAI || r.c.Meta.Dialect == replay.Completions) && streams(want)
	return sameBytes(want, call.Body, mayAsk)
}

// withoutStream is the canonical body; Vertex takes `stream` in the body and in the path.
func withoutStream(body []byte) string {
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&m) != nil {
		return string(body)
	}
	delete(m, "stream")
	out, _ := json.Marshal(m)
	return string(out)
}

// googleModels is the canonical body with every "model" that names Google's the same.
func googleModels(body []byte, model string) string {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return string(body)
	}
	var walk func(any)
	walk = func(v any) {
		switch x := v.(type) {
		case map[string]any:
			if _, ok := x["model"].(string); ok {
				x["model"] = model
			}
			for _, inner := range x {
				walk(inner)
			}
		case []any:
			for _, inner := range x {
				walk(inner)
			}
		}
	}
	walk(v)
	out, _ := json.Marshal(v)
	return string(out)
}

// rightPath: the provider was called on the recorded path, but for the model, the project and the version of the API.
func (r *run) rightPath(call replay.Call) error {
	if r.c.Meta.Path == "" || r.c.Meta.Method != call.Method {
		return nil
	}
	tail := func(path string) string {
		if i := strings.LastIndexAny(path, ":"); i >= 0 && !strings.Contains(path[i:], "/") {
			return path[i:]
		}
		for _, known := range []string{"/chat/completions", "/responses/input_tokens", "/images/", "/audio/", "/messages/count_tokens"} {
			if i := strings.LastIndex(path, known); i >= 0 {
				return path[i:]
			}
		}
		return path[strings.LastIndexByte(path, '/'):]
	}
	if want := tail(r.c.Meta.Path); tail(call.Path) != want {
		return fmt.Errorf("the provider was called at %s, not …%s", call.Path, want)
	}
	switch r.c.Meta.Provider { // hosts of their own: the whole path
	case "openai", "anthropic", "groq", "xai", "openrouter", "mistral", "cerebras", "together", "vercel-gateway", "writer", "voyage", "ai21", "moonshotai":
		path := strings.TrimPrefix(call.Path, "/"+r.way.vendor)
		if path != r.c.Meta.Path && !strings.HasPrefix(r.c.Meta.Path, "/beta") {
			return fmt.Errorf("the provider was called at %s, not %s", path, r.c.Meta.Path)
		}
	}
	asked, _ := url.ParseQuery(call.Query)
	if got, want := asked.Get("alt"), strings.Contains(r.c.Meta.Query, "alt=sse"); (got == "sse") != want && r.c.Meta.Stream {
		return fmt.Errorf("the provider was asked with the query %q, not %q", call.Query, r.c.Meta.Query)
	}
	return nil
}

// models: the list that a client gets has the recorded one's shape.
func (g *gate) models(r *run) error {
	var recorded, ours map[string]any
	if err := json.Unmarshal(r.c.Response, &recorded); err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodGet, g.URL+"/v1/models", nil) //nolint:noctx // bounded by the client
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+g.Key)
	got, err := g.Do(req)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(got.Body, &ours); err != nil || got.Status != http.StatusOK {
		return fmt.Errorf("status %d: %w", got.Status, err)
	}
	list, _ := ours["data"].([]any)
	if ours["object"] != "list" || len(list) == 0 {
		return fmt.Errorf("no list: %s", clip(got.Body))
	}
	theirs, _ := recorded["data"].([]any)
	if len(theirs) == 0 {
		return nil
	}
	first, _ := list[0].(map[string]any)
	for _, name := range []string{"id", "object", "owned_by"} {
		if _, ok := theirs[0].(map[string]any)[name]; ok && first[name] == nil {
			return fmt.Errorf("a model has no %s: %v", name, first)
		}
	}
	return nil
}

func streams(request []byte) bool {
	var r struct {
		Stream bool `json:"stream"`
	}
	return json.Unmarshal(request, &r) == nil && r.Stream
}

// passedHeaders: the provider's request id and limits reach the client, and the call can be found again.
func passedHeaders(r *run, got *harness.Reply) error {
	for _, name := range []string{"x-request-id", "request-id", "x-ratelimit-remaining-requests", "anthropic-ratelimit-requests-remaining"} {
		if want, ok := r.c.Header[name]; ok && got.Header.Get(name) != want {
			return fmt.Errorf("header %s is %q, not %q", name, got.Header.Get(name), want)
		}
	}
	if got.Header.Get("X-Tollgate-Call-Id") == "" || got.Header.Get("X-Tollgate-Provider") != r.way.vendor {
		return fmt.Errorf("our own headers are missing: %v", got.Header)
	}
	return nil
}

// blamed: a credential that the provider rejects is nobody's virtual key. The client is told whose fault it is.
func blamed(got *harness.Reply) error {
	if got.Status != http.StatusBadGateway || !bytes.Contains(got.Body, []byte("provider.credential_rejected")) ||
		!bytes.Contains(got.Body, []byte("credential")) || !bytes.Contains(got.Body, []byte("Your virtual key is fine")) {
		return fmt.Errorf("a rejected credential was answered by %d %s", got.Status, clip(got.Body))
	}
	return nil
}

// brokenStream: an error inside a 200 stream. Before content it is an answer of its own; after content the stream ends in the
// dialect's error and never looks whole.
func brokenStream(r *run, got *harness.Reply) error {
	c := r.c
	var before []byte
	message := ""
	for _, e := range replay.Events(c.Response) {
		if a := replay.Read(c.Meta.Dialect, true, e.Raw); a.Error != "" {
			message = a.Error
			break
		}
		before = append(before, e.Raw...)
	}
	if got.Status != http.StatusOK || !replay.Read(c.Meta.Dialect, true, before).Content { // the client has seen nothing
		if got.Status < 400 || !bytes.Contains(got.Body, []byte(`"error"`)) {
			return fmt.Errorf("an error that came before the client saw content was answered by %d %s", got.Status, clip(got.Body))
		}
		return nil
	}
	if cut := bytes.LastIndexByte(before, '\n'); cut >= 0 { // half an event is not passed on
		before = bytes.TrimRight(before[:cut], "\r\n")
	}
	if !bytes.HasPrefix(got.Body, before) {
		return fmt.Errorf("the bytes before the error differ: %s", firstDifference(before, got.Body))
	}
	a := replay.Read(r.surface, true, got.Body)
	if a.Error == "" || a.Done || !strings.Contains(a.Error, strings.Split(message, ".")[0]) {
		return fmt.Errorf("the stream does not end in the error %q: %s", message, clip(got.Body[max(0, len(got.Body)-400):]))
	}
	return nil
}

// failed: what the provider sent with a 200 is no answer, so the client gets none.
func failed(surface string, got *harness.Reply) error {
	if err := envelope(surface, got); err != nil || got.Status < 500 {
		return fmt.Errorf("a bad answer became %d %s (%w)", got.Status, clip(got.Body), err)
	}
	return nil
}

// envelope holds an error to the client's dialect.
func envelope(surface string, got *harness.Reply) error {
	var body struct {
		Type  string `json:"type"`
		Error struct {
			Type    string `json:"type"`
			Message string `json:"message"`
			Code    any    `json:"code"`
			Status  string `json:"status"`
		} `json:"error"`
	}
	if json.Unmarshal(got.Body, &body) != nil || body.Error.Message == "" {
		return fmt.Errorf("no error envelope: %d %s", got.Status, clip(got.Body))
	}
	_, number := body.Error.Code.(float64)
	wrong := false
	switch surface {
	case replay.Anthropic, replay.CountAnthropic:
		wrong = body.Type != "error" || body.Error.Type == ""
	case replay.Gemini, replay.CountGemini, replay.GeminiEmbed:
		wrong = !number || body.Error.Status == ""
	case replay.Rerank:
	default:
		wrong = body.Type == "error" || body.Error.Type == "" || number
	}
	if wrong {
		return fmt.Errorf("an envelope of another dialect: %s", clip(got.Body))
	}
	return nil
}
