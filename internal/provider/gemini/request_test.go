package gemini_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/golden"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/gemini"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/providertest"
)

func pretty(t *testing.T, raw []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", " "); err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	out.WriteByte('\n')
	return out.Bytes()
}

func requests(t *testing.T, check func(t *testing.T, name string, body []byte)) {
	t.Helper()
	files, err := filepath.Glob("testdata/requests/*.request.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no requests (%v)", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".request.json")
		t.Run(name, func(t *testing.T) { t.Parallel(); check(t, name, body) })
	}
}

// What a client of this dialect asks, as Google gets it when the body is written anew, and as other providers get it.
func TestRequestsAreReadAndWritten(t *testing.T) {
	t.Parallel()
	requests(t, func(t *testing.T, name string, body []byte) {
		r, err := gemini.Dialect{}.ParseRequest(body)
		if err != nil {
			t.Fatal(err)
		}
		golden.Equal(t, "requests/"+name+".golden", providertest.Plain(t, r))
		built, err := gemini.Dialect{}.BuildRequest(r.Aimed("gemini-2.5-flash", false, chat.Encoding{}))
		if err != nil {
			t.Fatal(err)
		}
		golden.Equal(t, "requests/"+name+".built.golden", pretty(t, built))
		again, err := gemini.Dialect{}.ParseRequest(built)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := gemini.Dialect{}.BuildRequest(again.Aimed("gemini-2.5-flash", false, chat.Encoding{}))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(built, twice) {
			t.Errorf("a second encoding differs:\n%s\n%s", built, twice)
		}
		var out bytes.Buffer
		for _, to := range []provider.ChatTarget{openaichat.Dialect{}, anthropic.Dialect{}} {
			var dropped []string
			crossed, err := to.BuildRequest(r.Aimed("claude-gpt", false, chat.Encoding{DropUnsupported: true, Dropped: &dropped}))
			if err != nil {
				t.Fatal(err)
			}
			out.WriteString(string(to.Name()) + ": not said: " + strings.Join(dropped, ", ") + "\n")
			out.Write(pretty(t, crossed))
		}
		golden.Equal(t, "requests/"+name+".crossed.golden", out.Bytes())
	})
}

func TestAFieldThatNobodyElseHasIsRefusedByName(t *testing.T) {
	t.Parallel()
	const contents = `"contents":[{"parts":[{"text":"Q"}]}]`
	tests := []struct{ body, field string }{
		{`{` + contents + `,"cachedContent":"cachedContents/x"}`, "cachedContent"},
		{`{` + contents + `,"safetySettings":[{"category":"C","threshold":"BLOCK_LOW_AND_ABOVE"}]}`, "safetySettings"},
		{`{` + contents + `,"safety_settings":[{"category":"C","threshold":"OFF"}]}`, ""},
		{`{` + contents + `,"labels":{"a":"b"}}`, ""},
		{`{` + contents + `,"generationConfig":{"candidateCount":2}}`, "generationConfig.candidateCount"},
		{`{` + contents + `,"generationConfig":{"candidate_count":1,"responseModalities":["TEXT"],"responseLogprobs":false}}`, ""},
		{`{` + contents + `,"generationConfig":{"responseLogprobs":true}}`, "generationConfig.responseLogprobs"},
		{`{` + contents + `,"generationConfig":{"responseModalities":["IMAGE"]}}`, "generationConfig.responseModalities"},
		{`{` + contents + `,"generationConfig":{"responseMimeType":"text/x.enum"}}`, "generationConfig.responseMimeType"},
		{`{` + contents + `,"tools":[{"googleSearch":{}}]}`, "tools.0.googleSearch"},
		{`{"contents":[{"parts":[{"fileData":{"mimeType":"video/mp4","fileUri":"https://e.example/a.mp4"}}]}]}`, "contents.0.parts.0"},
		{`{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"AA=="},"videoMetadata":{"fps":1}}]}]}`, "contents.0.parts.0"},
	}
	for _, tt := range tests {
		r, err := gemini.Dialect{}.ParseRequest([]byte(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		_, err = openaichat.Dialect{}.BuildRequest(r.Aimed("gpt", false, chat.Encoding{}))
		var f *fault.Error
		switch {
		case tt.field == "" && err != nil:
			t.Errorf("%s: %v", tt.body, err)
		case tt.field != "" && (!errors.As(err, &f) || f.Field != tt.field):
			t.Errorf("%s: err = %v, want %s", tt.body, err, tt.field)
		}
	}
}

func TestBadRequestsNameTheField(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, field string }{
		{"no contents", `{}`, "contents"},
		{"no parts at all", `{"contents":[]}`, "contents"},
		{"contents of a wrong type", `{"contents":7}`, "contents"},
		{"a role that does not exist", `{"contents":[{"role":"narrator","parts":[{"text":"x"}]}]}`, "contents.0.role"},
		{"a text that is no string", `{"contents":[{"parts":[{"text":1}]}]}`, "contents.0.parts.0.text"},
		{"a part that is no object", `{"contents":[{"parts":["x"]}]}`, "contents.0.parts.0"},
		{"a field in both spellings", `{"contents":[{"parts":[{"inlineData":{},"inline_data":{}}]}]}`, "contents.0.parts.0.inlineData"},
		{"a response that is no object", `{"contents":[{"parts":[{"functionResponse":{"name":"f","response":"x"}}]}]}`, "contents.0.parts.0.functionResponse.response"},
		{"stop sequences that are no list", `{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"stopSequences":"x"}}`, "generationConfig.stopSequences"},
		{"a mode that does not exist", `{"contents":[{"parts":[{"text":"x"}]}],"toolConfig":{"functionCallingConfig":{"mode":"MAYBE"}}}`, "toolConfig.functionCallingConfig.mode"},
		{"a function without an object", `{"contents":[{"parts":[{"text":"x"}]}],"tools":[{"functionDeclarations":["f"]}]}`, "tools.0.functionDeclarations.0"},
	}
	for _, tt := range tests {
		_, err := gemini.Dialect{}.ParseRequest([]byte(tt.body))
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field != tt.field {
			t.Errorf("%s: err = %v, want %s", tt.name, err, tt.field)
		}
	}
}

func TestProbeFindsWhatDecidesAboutCost(t *testing.T) {
	t.Parallel()
	at := provider.Line{Model: "m", Stream: true}
	h, err := gemini.Dialect{}.Probe([]byte(`{"generation_config":{"max_output_tokens":100.0,"candidateCount":3},"labels":{"team":"red","n":1},"model":"models/x","stream":1,"tollgate":{"a":1}}`), at)
	if err != nil {
		t.Fatal(err)
	}
	if h.Model != "m" || !h.Stream || h.Array || h.MaxTokens != 100 || h.Choices != 3 || h.Metadata["team"] != "red" || string(h.Tollgate) != `{"a":1}` {
		t.Errorf("head = %+v", h)
	}
	if h, err := (gemini.Array{}).Probe([]byte(`{}`), at); err != nil || !h.Array {
		t.Errorf("head = %+v, %v", h, err)
	}
	if h, err := (gemini.Array{}).Probe([]byte(`{}`), provider.Line{Model: "m"}); err != nil || h.Array {
		t.Errorf("head = %+v, %v", h, err)
	}
	for body, field := range map[string]string{
		`[]`: "", `{`: "", `{"contents":[]}}`: "",
		`{"Model":"x"}`:          "model",
		`{"tollgate":1}`:         "tollgate",
		`{"generationConfig":1}`: "generationConfig",
		`{"generationConfig":{},"generation_config":{}}`:                   "generationConfig",
		`{"generationConfig":{},"generationConfig":{}}`:                    "generationConfig",
		`{"generationConfig":{"maxOutputTokens":1,"max_output_tokens":2}}`: "generationConfig.maxOutputTokens",
		`{"generationConfig":{"candidateCount":1,"candidateCount":2}}`:     "generationConfig.candidateCount",
		`{"generationConfig":{"maxOutputTokens":"7"}}`:                     "generationConfig.maxOutputTokens",
		`{"labels":[]}`: "labels",
	} {
		_, err := gemini.Dialect{}.Probe([]byte(body), at)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field != field {
			t.Errorf("%s: err = %v, want %q", body, err, field)
		}
	}
	if _, err := (gemini.Dialect{}).Probe([]byte(`{"model":""}`), provider.Line{}); !errors.Is(err, provider.ErrBody) {
		t.Errorf("without a model: %v", err)
	}
}

// The edits of a carried body: the tollgate member, the model that the body repeats, and what another maker signed. Nothing else.
func TestEditsTouchNothingElse(t *testing.T) {
	t.Parallel()
	foreign := signedElsewhere(t)
	tests := []struct{ name, body, want string }{
		{"nothing to do", `{ "contents" : [ ] }`, `{ "contents" : [ ] }`},
		{"the tollgate member first", `{"tollgate":{"a":"}"},"contents":[]}`, `{"contents":[]}`},
		{"the tollgate member last", `{"contents":[], "tollgate":{}}`, `{"contents":[]}`},
		{"a model in the body", `{"model": "models/m" ,"contents":[]}`, `{"model": "models/n" ,"contents":[]}`},
		{
			"what another maker signed", `{"contents":[{"parts":[{"thoughtSignature":"` + foreign + `"},{"thoughtSignature":"c2ln"}]}]}`,
			`{"contents":[{"parts":[{"thoughtSignature":"skip_thought_signature_validator"},{"thoughtSignature":"c2ln"}]}]}`,
		},
		{"the same inside what is cut out", `{"tollgate":{"x":"` + foreign + `"},"contents":[]}`, `{"contents":[]}`},
	}
	for _, tt := range tests {
		h, err := gemini.Dialect{}.Probe([]byte(tt.body), provider.Line{Model: "m"})
		if err != nil {
			t.Fatal(err)
		}
		if got := provider.ApplyEdits([]byte(tt.body), gemini.Dialect{}.Edits([]byte(tt.body), h, "n")); string(got) != tt.want {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}

func TestPathsNameModelAndAction(t *testing.T) {
	t.Parallel()
	tests := []struct {
		h           provider.Head
		model, want string
	}{
		{provider.Head{}, "gemini-2.5-flash", "/models/gemini-2.5-flash:generateContent"},
		{provider.Head{Stream: true}, "models/gemini-2.5-flash", "/models/gemini-2.5-flash:streamGenerateContent?alt=sse"},
		{provider.Head{Stream: true, Array: true}, "m", "/models/m:streamGenerateContent"},
		{provider.Head{}, "tunedModels/my-tune", "/tunedModels/my-tune:generateContent"},
		{provider.Head{}, "publishers/google/models/m", "/publishers/google/models/m:generateContent"},
		{provider.Head{}, "endpoints/123", "/endpoints/123:generateContent"},
		{provider.Head{}, "google/m", "/models/google%2Fm:generateContent"},
		{provider.Head{}, "tunedModels/../secret", "/models/tunedModels%2F..%2Fsecret:generateContent"},
		{provider.Head{}, "m:predict?x#y z", "/models/m%3Apredict%3Fx%23y%20z:generateContent"},
	}
	for _, tt := range tests {
		if got := (gemini.Dialect{}).Path(tt.h, tt.model); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.model, got, tt.want)
		}
	}
}

// signedElsewhere is what a client of this dialect was given as the signature of an answer that Anthropic made.
func signedElsewhere(t *testing.T) string {
	t.Helper()
	body := gemini.Dialect{}.AppendResponse(nil, chat.Response{Parts: []chat.Part{{Kind: chat.Thinking, Text: "Hm", Signature: "EqQBCg=="}}})
	s := spokenIn(t, body).Signatures
	if len(s) != 1 {
		t.Fatalf("signatures %q in %s", s, body)
	}
	return s[0]
}

// What another maker signed travels through a client of this dialect, also one that writes base64 in its own way, and is whole again
// for its maker.
func TestAnotherMakersProofComesBackWhole(t *testing.T) {
	t.Parallel()
	parts := []chat.Part{
		{Kind: chat.Thinking, Text: "Hm, let me see", Signature: "Eq+/QBCg==~~~???"},
		{Kind: chat.Redacted, Data: "b3Bh+/cXVl"},
		{Kind: chat.ToolCall, ID: "toolu_1", Name: "f", Args: json.RawMessage(`{"a":1}`)},
	}
	whole := gemini.Dialect{}.AppendResponse(nil, chat.Response{Parts: parts})
	if s := strings.Join(spokenIn(t, whole).Signatures, ""); !strings.ContainsAny(s, "+/") {
		t.Fatalf("the two alphabets would not differ in %s", s)
	}
	w := gemini.Dialect{}.NewWriter(false)
	stream := w.Append(nil, chat.Event{Kind: chat.Start})
	for i, p := range parts {
		start := p
		start.Text, start.Signature, start.Args = "", "", nil
		stream = w.Append(stream, chat.Event{Kind: chat.BlockStart, Index: i, Part: start})
		for _, piece := range []string{p.Text[:len(p.Text)/2], p.Text[len(p.Text)/2:]} {
			if piece != "" {
				stream = w.Append(stream, chat.Event{Kind: chat.TextDelta, Index: i, Text: piece})
			}
		}
		if p.Signature != "" {
			stream = w.Append(stream, chat.Event{Kind: chat.SignDelta, Index: i, Text: p.Signature})
		}
		if p.Args != nil {
			stream = w.Append(stream, chat.Event{Kind: chat.ArgsDelta, Index: i, Text: string(p.Args)})
		}
		stream = w.Append(stream, chat.Event{Kind: chat.BlockStop, Index: i})
	}
	stream = w.Append(stream, chat.Event{Kind: chat.Finish, Reason: chat.FinishTools})
	stream = w.Append(stream, chat.Event{Kind: chat.End})
	chunks := payloads(t, providertest.Case{Kind: "sse", Response: stream})
	for name, answers := range map[string][][]byte{"whole": {whole}, "streamed": chunks} {
		var contents []json.RawMessage
		for _, raw := range answers {
			var a struct {
				Candidates []struct{ Content json.RawMessage }
			}
			if err := json.Unmarshal(raw, &a); err != nil {
				t.Fatal(err)
			}
			contents = append(contents, bytes.NewBuffer(a.Candidates[0].Content).Bytes())
		}
		contents = append(contents, json.RawMessage(`{"parts":[{"functionResponse":{"id":"toolu_1","name":"f","response":{"output":"1"}}}]}`))
		raw, _ := json.Marshal(map[string]any{"contents": contents})
		for _, body := range [][]byte{raw, urlAlphabet(raw)} {
			r, err := gemini.Dialect{}.ParseRequest(body)
			if err != nil {
				t.Fatal(err)
			}
			built, err := anthropic.Dialect{}.BuildRequest(r.Aimed("claude-sonnet-4-5", false, chat.Encoding{}))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{
				`{"signature":"Eq+/QBCg==~~~???","thinking":"Hm, let me see","type":"thinking"}`, `{"data":"b3Bh+/cXVl","type":"redacted_thinking"}`,
				`"id":"toolu_1","input":{"a":1}`,
			} {
				if !bytes.Contains(built, []byte(want)) {
					t.Errorf("%s: no %s in\n%s", name, want, built)
				}
			}
			if built, err = (gemini.Dialect{}).BuildRequest(r.Aimed("gemini-3-pro", false, chat.Encoding{})); err != nil || bytes.Contains(built, []byte("eyJ0b2xs")) {
				t.Errorf("%s: Google gets %s (%v)", name, built, err)
			}
		}
	}
}

// urlAlphabet writes signatures as the SDK for Python does.
func urlAlphabet(raw []byte) []byte {
	var v any
	_ = json.Unmarshal(raw, &v)
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			for k, item := range v {
				if s, ok := item.(string); ok && k == "thoughtSignature" {
					v[k] = strings.NewReplacer("+", "-", "/", "_").Replace(s)
				}
				walk(item)
			}
		}
	}
	walk(v)
	out, _ := json.Marshal(v)
	return out
}

// A result belongs to the call that it names, and without an id to the oldest call of its function that has none yet.
func TestResultsFindTheirCalls(t *testing.T) {
	t.Parallel()
	body := `{"contents":[{"parts":[{"text":"Q"}]},
		{"role":"model","parts":[{"functionCall":{"id":"x","name":"f"}},{"functionCall":{"name":"f"}},{"functionCall":{"name":"g"}},{"functionCall":{"name":"f"}}]},
		{"role":"user","parts":[{"functionResponse":{"id":"x","name":"f"}},{"functionResponse":{"name":"g"}},{"functionResponse":{"name":"f"}},{"functionResponse":{"name":"f"}},{"functionResponse":{"name":"h"}}]},
		{"role":"model","parts":[{"functionCall":{"name":"f"}}]},{"role":"function","parts":[{"functionResponse":{"name":"f"}}]}]}`
	r, err := gemini.Dialect{}.ParseRequest([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, m := range r.Messages {
		for _, p := range m.Parts {
			if p.Kind == chat.ToolResult {
				ids = append(ids, p.ID)
			}
		}
	}
	if got := strings.Join(ids, " "); got != "x call_2 call_1 call_3 call_h call_4" {
		t.Errorf("results belong to %s", got)
	}
}

// A signature keeps its place between two texts.
func TestASignatureBetweenTextsKeepsItsPlace(t *testing.T) {
	t.Parallel()
	const turn = `{"role":"model","parts":[{"text":"A"},{"text":"","thoughtSignature":"czE="},{"text":"B","thoughtSignature":"czI="}]}`
	r, err := gemini.Dialect{}.ParseRequest([]byte(`{"contents":[{"role":"user","parts":[{"text":"Q"}]},` + turn + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	if built, err := (gemini.Dialect{}).BuildRequest(r.Aimed("gemini-3-pro", false, chat.Encoding{})); err != nil || !bytes.Contains(built, []byte(turn)) {
		t.Errorf("%s, %v", built, err)
	}
}
