package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"tollgate/internal/alias"
	"tollgate/internal/calllog"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
)

// shelved are the prompts of the tests: a greeting in three versions, a chat with a placeholder, and one with settings and an alias.
func shelved() *prompt.Shelf {
	who := []template.Variable{{Name: "name", Kind: template.String, Required: true, MaxLength: 20}}
	versions := func(list ...prompt.Content) (out []prompt.Version) {
		for i, c := range list {
			out = append(out, prompt.Version{Number: i + 1, Content: c})
		}
		return out
	}
	text := func(s string) prompt.Content { return prompt.Content{Text: s, Variables: who} }
	strict := prompt.Content{Text: "Three {{name}} {{more}}", Variables: append([]template.Variable{{Name: "more", Kind: template.String, Required: true}}, who...)}
	return prompt.NewShelf([]prompt.Stock{
		{
			Prompt:   prompt.Prompt{ID: "prompt_g", Name: "support/greeting", Kind: prompt.Text, Latest: 3, Labels: map[string]int{"production": 1, "staging": 2}},
			Versions: versions(text("One {{name}}"), text("Two {{name}}"), strict),
		},
		{
			Prompt: prompt.Prompt{ID: "prompt_c", Name: "chat", Kind: prompt.Chat, Latest: 1, Labels: map[string]int{"production": 1}},
			Versions: versions(prompt.Content{Variables: who, Messages: []prompt.Message{
				{Role: "system", Text: "Be {{name}}."}, {Placeholder: "history"}, {Role: "assistant", Text: "Ready."},
			}}),
		},
		{
			Prompt:   prompt.Prompt{ID: "prompt_s", Name: "settled", Kind: prompt.Text, Latest: 1, Labels: map[string]int{"production": 1}},
			Versions: versions(prompt.Content{Text: "Short.", Alias: "fast", Parameters: json.RawMessage(`{"max_tokens":7,"temperature":0.5}`)}),
		},
		{
			Prompt:   prompt.Prompt{ID: "prompt_o", Name: "pmpt_ours", Kind: prompt.Text, Latest: 1, Labels: map[string]int{"production": 1}},
			Versions: versions(text("Imported {{name}}")),
		},
		{
			Prompt:   prompt.Prompt{ID: "prompt_b", Name: "broken", Kind: prompt.Text, Latest: 1, Labels: map[string]int{"production": 1}},
			Versions: versions(prompt.Content{Text: "{{> gone}}"}),
		},
	}, map[string]string{"staging": "staging"})
}

// prompting is a world with those prompts, the alias "fast", and a provider that keeps what it is sent.
type prompting struct {
	*world
	serves http.HandlerFunc
	mu     sync.Mutex
	sent   []string
}

func newPrompting(t testing.TB) *prompting {
	w := &prompting{world: newWorld(t)}
	w.org.Prompts = shelved()
	stream := streaming(roleChunk, helloChunk, finishChunk, usageChunk, doneChunk)
	w.serves = func(rw http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		w.sent = append(w.sent, string(b))
		w.mu.Unlock()
		r.Body = http.NoBody
		if strings.Contains(string(b), `"stream":true`) {
			stream(rw, r)
			return
		}
		answering(200, whole)(rw, r)
	}
	w.connect("openai", w.serves)
	w.alias("fast", alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o-mini"}}})
	return w
}

// last is what the provider was sent last.
func (w *prompting) got() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.sent) == 0 {
		return ""
	}
	return w.sent[len(w.sent)-1]
}

const hello = `"messages":[{"role":"user","content":"hi"}]`

// TestACallNamesItsPrompt in every way that clients have, and its answer and record tell the version.
func TestACallNamesItsPrompt(t *testing.T) {
	t.Parallel()
	w := newPrompting(t)
	w.start()
	for i, tt := range []struct {
		body    string
		headers []string
		text    string
		version int
		label   string
	}{
		{`{"model":"fast","tollgate":{"prompt":"support/greeting","variables":{"name":"Ada"}},` + hello + `}`, nil, "One Ada", 1, "production"},
		{`{"model":"fast","tollgate":{"prompt":"support/greeting:staging","variables":{"name":"Ada"}},` + hello + `}`, nil, "Two Ada", 2, "staging"},
		{`{"model":"fast","tollgate":{"prompt":"support/greeting@2","variables":{"name":"Ada"}},` + hello + `}`, nil, "Two Ada", 2, ""},
		{`{"model":"fast","tollgate":{"prompt":"support/greeting:latest","variables":{"name":"Ada","more":"!"}},` + hello + `}`, nil, "Three Ada !", 3, "latest"},
		{`{"model":"fast","tollgate":{"prompt":{"id":"prompt_g","version":"2","variables":{"name":"Ada"}}},` + hello + `}`, nil, "Two Ada", 2, ""},
		{`{"model":"fast","tollgate":{"prompt":{"name":"support/greeting","label":"staging"},"variables":{"name":"Ada"}},` + hello + `}`, nil, "Two Ada", 2, "staging"},
		{`{"model":"fast",` + hello + `}`, []string{"x-tollgate-prompt", "support/greeting@2", "x-tollgate-prompt-variables", `{"name":"Ada"}`}, "Two Ada", 2, ""},
		{`{"model":"fast","tollgate":{"prompt":"chat","variables":{"name":"Ada"}},` + hello + `}`, []string{"x-tollgate-prompt", "prompt_g"}, "One Ada", 1, "production"},
		{`{"model":"fast","stream":true,"tollgate":{"prompt":"support/greeting","variables":{"name":"A\"},{\"role\":\"x"}},` + hello + `}`, nil, `One A\"},{\"role\":\"x`, 1, "production"},
	} {
		a := w.chat(tt.body, tt.headers...)
		if a.status != 200 {
			t.Fatalf("%d: %d %s", i, a.status, a.body)
		}
		want := `"messages":[{"role":"system","content":"` + tt.text + `"},{"role":"user","content":"hi"}]`
		if got := w.got(); !strings.Contains(got, want) || strings.Contains(got, "tollgate") {
			t.Errorf("%d: the provider was sent %s", i, got)
		}
		if got := a.header.Get("x-tollgate-prompt"); got != fmt.Sprintf("support/greeting@%d", tt.version) || a.header.Get("x-tollgate-prompt-label") != tt.label {
			t.Errorf("%d: headers %q %q", i, got, a.header.Get("x-tollgate-prompt-label"))
		}
		r := w.log.last(t)
		if r.Prompt != "prompt_g" || r.PromptVersion != tt.version || r.PromptLabel != tt.label || r.RequestBytes != int64(len(tt.body)) {
			t.Errorf("%d: record %s %d %q, %d bytes of %d", i, r.Prompt, r.PromptVersion, r.PromptLabel, r.RequestBytes, len(tt.body))
		}
	}
}

// TestEnvironmentsHaveLabelsOfTheirOwn for calls that name none.
func TestEnvironmentsHaveLabelsOfTheirOwn(t *testing.T) {
	t.Parallel()
	w := newPrompting(t)
	w.key.Environment = "staging"
	w.start()
	if a := w.chat(`{"model":"fast","tollgate":{"prompt":"support/greeting","variables":{"name":"Ada"}},` + hello + `}`); a.status != 200 || !strings.Contains(w.got(), "Two Ada") {
		t.Fatalf("%d %s: %s", a.status, a.body, w.got())
	}
	if r := w.log.last(t); r.PromptLabel != "staging" || r.PromptVersion != 2 {
		t.Errorf("%q %d", r.PromptLabel, r.PromptVersion)
	}
}

// TestAPromptThatCannotBeUsedIsAnErrorThatNamesIt, and nothing is sent.
func TestAPromptThatCannotBeUsedIsAnErrorThatNamesIt(t *testing.T) {
	t.Parallel()
	w := newPrompting(t)
	w.start()
	with := func(tollgate string) string { return `{"model":"fast","tollgate":` + tollgate + `,` + hello + `}` }
	for _, tt := range []struct {
		body    string
		headers []string
		status  int
		code    string
		names   string
	}{
		{with(`{"prompt":"nobody"}`), nil, 404, "prompt.unknown", "nobody"},
		{with(`{"prompt":"support/greeting:nowhere"}`), nil, 404, "prompt.unknown_label", "nowhere"},
		{with(`{"prompt":"support/greeting@9"}`), nil, 404, "prompt.unknown_version", "9"},
		{with(`{"prompt":{"id":"prompt_g","version":1,"label":"staging"}}`), nil, 400, "prompt.label_and_version", ""},
		{with(`{"prompt":"support/greeting"}`), nil, 400, "prompt.variable_missing", "name"},
		{with(`{"prompt":"support/greeting","variables":{"name":7}}`), nil, 400, "prompt.variable_type", "name"},
		{with(`{"prompt":"support/greeting","variables":{"name":"` + strings.Repeat("x", 21) + `"}}`), nil, 400, "prompt.variable_too_long", "name"},
		{with(`{"prompt":"support/greeting","variables":{"name":"a","nome":"b"}}`), nil, 400, "prompt.variable_unknown", "nome"},
		{with(`{"prompt":"chat","variables":{"name":"a","history":"x"}}`), nil, 400, "prompt.placeholder", "history"},
		{with(`{"prompt":"broken"}`), nil, 409, "prompt.unusable", "gone"},
		{with(`{"prompt":"a@b"}`), nil, 400, "prompt.invalid_name", "a@b"},
		{with(`{"prompt":7}`), nil, 400, "prompt.invalid_name", ""},
		{with(`{"prompt":{"version":1}}`), nil, 400, "prompt.invalid_name", ""},
		{with(`{"prompt":{"id":"prompt_g","version":0}}`), nil, 400, "prompt.invalid_name", "version"},
		{with(`{"variables":{"name":"a"}}`), nil, 400, "prompt.none", ""},
		{with(`{"variables":7}`), nil, 400, "prompt.invalid_name", "variables"},
		{`{"model":"fast",` + hello + `}`, []string{"x-tollgate-prompt-variables", "name=a"}, 400, "prompt.invalid_name", ""},
		{`{"model":"fast",` + hello + `}`, []string{"x-tollgate-prompt", "a{b"}, 400, "prompt.invalid_name", "a{b"},
		{`{"tollgate":{"prompt":"support/greeting","variables":{"name":"a"}},` + hello + `}`, nil, 400, "request.invalid_body", "names no model"},
		{`{` + hello + `}`, nil, 400, "request.invalid_body", "names no model"},
	} {
		a := w.chat(tt.body, tt.headers...)
		if a.status != tt.status || a.code() != tt.code || !strings.Contains(a.body, tt.names) {
			t.Errorf("%s: %d %s", tt.body, a.status, a.body)
		}
		if tt.status == 409 && a.header.Get("x-should-retry") != "false" {
			t.Error("a client would try again in vain")
		}
		r := w.log.last(t)
		if r.Outcome != calllog.Refused {
			t.Errorf("%s: %s", tt.body, r.Outcome)
		}
		if refused := strings.HasPrefix(tt.code, "prompt.variable_"); refused && (r.PromptVersion != 1 || a.header.Get("x-tollgate-prompt") != "support/greeting@1") {
			t.Errorf("%s: which version refused it is not said: %d %q", tt.body, r.PromptVersion, a.header.Get("x-tollgate-prompt"))
		}
	}
	if len(w.sent) > 0 {
		t.Errorf("the provider was sent %q", w.sent)
	}
	a := w.post("/v1/messages", `{"model":"fast","max_tokens":5,"tollgate":{"prompt":"nobody"},`+hello+`}`)
	if a.status != 404 || !strings.Contains(a.body, `"type":"error"`) || !strings.Contains(a.body, "nobody") {
		t.Errorf("to Anthropic's clients: %d %s", a.status, a.body)
	}
	a = w.post("/v1beta/models/fast:generateContent", `{"contents":[],"tollgate":{"prompt":"nobody"}}`)
	if a.status != 404 || !strings.Contains(a.body, `"status":"NOT_FOUND"`) || !strings.Contains(a.body, "nobody") {
		t.Errorf("to Google's clients: %d %s", a.status, a.body)
	}
	a = w.post("/v1/embeddings", `{"model":"openai/text-embedding-3-small","input":"x","tollgate":{"prompt":"settled"}}`)
	if a.status != 400 || a.code() != "prompt.no_place" {
		t.Errorf("an embedding: %d %s", a.status, a.body)
	}
}

// TestEverySurfaceTakesAPrompt, with a placeholder's messages, whatever the provider speaks.
func TestEverySurfaceTakesAPrompt(t *testing.T) {
	t.Parallel()
	const vars = `"variables":{"name":"kind","history":[{"role":"user","content":"before"}]}`
	const named = `"tollgate":{"prompt":"chat",` + vars + `}`
	for path, body := range map[string]string{
		"/v1/chat/completions":                `{"model":"fast",` + named + `,` + hello + `}`,
		"/cursor/v1/chat/completions":         `{"model":"fast",` + named + `,"input":[{"role":"user","content":"hi"}]}`,
		"/v1/responses":                       `{"model":"fast","prompt":{"id":"chat","version":"1",` + vars + `},"input":"hi"}`,
		"/responses":                          `{"model":"fast","prompt":{"id":"prompt_c",` + vars + `},"input":[{"role":"user","content":"hi"}]}`,
		"/v1/messages":                        `{"model":"fast","max_tokens":9,` + named + `,` + hello + `}`,
		"/anthropic/v1/messages":              `{"max_tokens":9,"model":"fast",` + hello + `,` + named + `}`,
		"/v1beta/models/fast:generateContent": `{` + named + `,"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`,
		"/gemini/v1/models/fast:streamGenerateContent?alt=sse": `{` + named + `,"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`,
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			w := newPrompting(t)
			w.connect("mistral", w.serves)
			w.alias("fast", alias.Route{Targets: []alias.Target{{Provider: "mistral", Model: "small"}}}) // which speaks OpenAI's chat alone
			w.start()
			a := w.post(path, body)
			if a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			var got struct {
				Messages []struct{ Role, Content string }
			}
			sent := w.got()
			if err := json.Unmarshal([]byte(sent), &got); err != nil {
				t.Fatalf("%v in %s", err, sent)
			}
			var flat []string
			for _, m := range got.Messages {
				flat = append(flat, m.Role+" "+m.Content)
			}
			if want := "system Be kind.|user before|assistant Ready.|user hi"; strings.Join(flat, "|") != want {
				t.Errorf("the provider was sent %s", sent)
			}
			if r := w.log.last(t); r.Prompt != "prompt_c" || r.PromptVersion != 1 {
				t.Errorf("record %s %d", r.Prompt, r.PromptVersion)
			}
		})
	}
}

// at another provider, which keeps what it is sent and answers the same to all.
func (w *prompting) at(vendor, answer string) {
	w.connect(vendor, func(rw http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		w.sent = append(w.sent, string(b))
		w.mu.Unlock()
		r.Body = http.NoBody
		answering(200, answer)(rw, r)
	})
}

// TestTokensAreCountedWithThePrompt.
func TestTokensAreCountedWithThePrompt(t *testing.T) {
	t.Parallel()
	w := newPrompting(t)
	w.at("anthropic", `{"input_tokens":7}`)
	w.start()
	a := w.post("/v1/messages/count_tokens", `{"model":"anthropic/claude-haiku-4-5","tollgate":{"prompt":"settled"},`+hello+`}`)
	if got := w.got(); a.status != 200 || !strings.Contains(got, `"system":[{"type":"text","text":"Short."}]`) || strings.Contains(got, "max_tokens") {
		t.Errorf("%d %s: sent %s", a.status, a.body, got)
	}
	if r := w.log.last(t); r.Prompt != "prompt_s" {
		t.Errorf("%+v", r)
	}
}

// TestAClientOfResponsesUsesAPromptWithAnotherProvider: OpenAI's own object, and a provider that has never heard of it.
func TestAClientOfResponsesUsesAPromptWithAnotherProvider(t *testing.T) {
	t.Parallel()
	w := newPrompting(t)
	w.at("anthropic", `{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[{"type":"text","text":"Hello."}],"stop_reason":"end_turn","usage":{"input_tokens":9,"output_tokens":2}}`)
	w.start()
	a := w.post("/v1/responses", `{"model":"anthropic/claude-haiku-4-5","prompt":{"id":"support/greeting","version":"2","variables":{"name":"Ada"}},"input":"hi","max_output_tokens":50}`)
	if got := w.got(); a.status != 200 || !strings.Contains(a.body, "Hello.") || !strings.Contains(got, "Two Ada") || !strings.Contains(got, `"system"`) || strings.Contains(got, `"prompt"`) {
		t.Errorf("%d %s: sent %s", a.status, a.body, got)
	}
}

// TestThePromptsOfOpenAIItselfPass, but those that were imported are ours.
func TestThePromptsOfOpenAIItselfPass(t *testing.T) {
	t.Parallel()
	w := newPrompting(t)
	w.connect("anthropic", answering(200, `{}`))
	w.start()
	if a := w.post("/v1/responses", `{"model":"openai/gpt-4o-mini","prompt":{"id":"pmpt_theirs","variables":{"x":"y"}},"input":"hi"}`); a.header.Get("x-tollgate-prompt") != "" ||
		!strings.Contains(w.got(), `"prompt":{"id":"pmpt_theirs","variables":{"x":"y"}}`) {
		t.Errorf("%d %s: sent %s", a.status, a.body, w.got())
	}
	w.log.last(t)
	a := w.post("/v1/responses", `{"model":"openai/gpt-4o-mini","prompt":{"id":"pmpt_ours","version":"1","variables":{"name":{"type":"input_text","text":"Ada"}}},"input":"hi"}`)
	if got := w.got(); a.header.Get("x-tollgate-prompt") != "pmpt_ours@1" || !strings.Contains(got, "Imported Ada") || strings.Contains(got, `"prompt"`) {
		t.Errorf("%d %s: sent %s", a.status, a.body, got)
	}
}

// TestAPromptBringsItsModelAndSettings where the call leaves them open.
func TestAPromptBringsItsModelAndSettings(t *testing.T) {
	t.Parallel()
	w := newPrompting(t)
	w.start()
	if a := w.chat(`{"tollgate":{"prompt":"settled"},"temperature":1,` + hello + `}`); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if got := w.got(); !strings.Contains(got, `"max_tokens":7`) || !strings.Contains(got, `"temperature":1`) || strings.Contains(got, "0.5") {
		t.Errorf("sent %s", got)
	}
	if r := w.log.last(t); r.Alias != "fast" || r.Requested != "fast" {
		t.Errorf("%q %q", r.Alias, r.Requested)
	}
	if a := w.chat(`{"model":null,"tollgate":{"prompt":"settled"}}`); a.status != 200 || !strings.Contains(w.got(), `"messages":[{"role":"system","content":"Short."}]`) {
		t.Errorf("%d %s: %s", a.status, a.body, w.got())
	}
}
