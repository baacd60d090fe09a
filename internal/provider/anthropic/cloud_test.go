package anthropic_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/providertest"
)

func edited(t *testing.T, d provider.Target, client provider.Client, body string, betas ...string) string {
	t.Helper()
	h, err := client.Probe([]byte(body), provider.Line{})
	if err != nil {
		t.Fatal(err)
	}
	h.Betas = betas
	return string(provider.ApplyEdits([]byte(body), d.Edits([]byte(body), h, "m@1")))
}

// A client's body gets the cloud's envelope wherever its members stand, and keeps every other byte.
func TestABodyForACloud(t *testing.T) {
	t.Parallel()
	const v, b = `"anthropic_version":"vertex-2023-10-16"`, `"anthropic_version":"bedrock-2023-05-31"`
	tests := []struct{ name, body, vertex, bedrock string }{
		{"the model first", `{"model":"m","max_tokens": 5}`, `{` + v + `,"max_tokens": 5}`, `{` + b + `,"max_tokens": 5}`},
		{"the model last", `{"max_tokens": 5, "model":"m"}`, `{` + v + `,"max_tokens": 5}`, `{` + b + `,"max_tokens": 5}`},
		{"the model alone", `{"model":"m"}`, `{` + v + `}`, `{` + b + `}`},
		{
			"a stream between", `{"model":"m","stream":true,"tollgate":{"a":[1]}, "x":"\u00e9"}`,
			`{` + v + `,"stream":true, "x":"\u00e9"}`, `{` + b + `,"x":"\u00e9"}`,
		},
		{"all that goes", `{"tollgate":{},"model":"m","stream":false,"service_tier":"auto"}`, `{` + v + `,"stream":false}`, `{` + b + `}`},
		{"a version of its own", `{"anthropic_version":"x","model":"m"}`, `{` + v + `}`, `{` + b + `}`},
		{"a name in disguise", `{"mod\u0065l":"m","a":1}`, `{` + v + `,"a":1}`, `{` + b + `,"a":1}`},
	}
	for _, tt := range tests {
		if got := edited(t, anthropic.Vertex{}, anthropic.Dialect{}, tt.body); got != tt.vertex {
			t.Errorf("%s: Vertex gets %s, want %s", tt.name, got, tt.vertex)
		}
		if got := edited(t, anthropic.Bedrock{}, anthropic.Dialect{}, tt.body); got != tt.bedrock {
			t.Errorf("%s: Bedrock gets %s, want %s", tt.name, got, tt.bedrock)
		}
	}
}

func TestFlagsStandInBedrocksBody(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"model":"m","x":1}`:                               `{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["a","b"],"x":1}`,
		`{"anthropic_beta":["c","a"],"model":"m"}`:          `{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["a","b","c"]}`,
		`{"model":"m","anthropic_beta":"no list","x":[]}`:   `{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["a","b"],"x":[]}`,
		`{"model":"m","anthropic_beta":[7,null,"b"],"x":1}`: `{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["a","b"],"x":1}`,
	} {
		if got := edited(t, anthropic.Bedrock{}, anthropic.Dialect{}, body, "a", "b"); got != want {
			t.Errorf("%s became %s, want %s", body, got, want)
		}
	}
	if got := edited(t, anthropic.Bedrock{}, anthropic.Dialect{}, `{"anthropic_beta":["c"],"model":"m"}`); !strings.Contains(got, `"anthropic_beta":["c"]`) {
		t.Errorf("without flags of the head the body's are touched: %s", got)
	}
	if got := edited(t, anthropic.Vertex{}, anthropic.Dialect{}, `{"model":"m"}`, "a"); strings.Contains(got, "beta") {
		t.Errorf("Vertex takes them as a header, and got %s", got)
	}
}

func TestPathsOfTheClouds(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.x"
	stream := provider.Head{Stream: true}
	for _, tt := range []struct {
		d     provider.Target
		h     provider.Head
		model string
		want  string
	}{
		{anthropic.Vertex{}, provider.Head{}, "claude-opus-4-1@20250805", "/publishers/anthropic/models/claude-opus-4-1@20250805:rawPredict"},
		{anthropic.Vertex{}, stream, "../x?y", "/publishers/anthropic/models/..%2Fx%3Fy:streamRawPredict"},
		{anthropic.Bedrock{}, provider.Head{}, "anthropic.claude-v2:1", "/model/anthropic.claude-v2%3A1/invoke"},
		{anthropic.Bedrock{}, stream, arn, "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.x/invoke-with-response-stream"},
		{anthropic.Count{}, provider.Head{}, "m", "/messages/count_tokens"},
		{anthropic.VertexCount{}, provider.Head{}, "m", "/publishers/anthropic/models/count-tokens:rawPredict"},
	} {
		if got := tt.d.Path(tt.h, tt.model); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.d.Name(), got, tt.want)
		}
	}
}

// Translated requests differ from the maker's in what a cloud does not take, and in nothing else.
func TestARequestForACloud(t *testing.T) {
	t.Parallel()
	parse := func(body string) chat.Request {
		r, err := openaichat.Dialect{}.ParseRequest([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := parse(`{"model":"m","messages":[{"role":"user","content":"Hi"}],"service_tier":"default","user":"u","stream":true,
		"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object"}}}}`)
	how := chat.Encoding{Betas: []string{"b"}}
	const message = `"messages":[{"role":"user","content":[{"text":"Hi","type":"text"}]}]`
	tests := []struct {
		d     provider.Writes[chat.Request, chat.Response]
		model string
		want  string
	}{
		{
			anthropic.Bedrock{},
			"us.anthropic.claude-sonnet-4-5-20250929-v1:0",
			`{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["b"],"max_tokens":4096,` + message +
				`,"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}},"metadata":{"user_id":"u"}}`,
		},
		{
			anthropic.Vertex{},
			"claude-sonnet-4-5@20250929",
			`{"anthropic_version":"vertex-2023-10-16","max_tokens":4096,"system":[{"text":"Answer with one JSON value and nothing else: no explanation, ` +
				`no code fence. It must be valid against this JSON Schema:\n{\"type\":\"object\"}","type":"text"}],` + message +
				`,"stream":true,"metadata":{"user_id":"u"}}`,
		},
	}
	for _, tt := range tests {
		built, err := tt.d.BuildRequest(r.Aimed(tt.model, true, how))
		if err != nil || string(built) != tt.want {
			t.Errorf("built %s, %v\nwant  %s", built, err, tt.want)
		}
	}
	picture := parse(`{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.org/a.png"}}]}]}`)
	for _, d := range []provider.Writes[chat.Request, chat.Response]{anthropic.Bedrock{}, anthropic.Vertex{}} {
		if _, err := d.BuildRequest(picture.Aimed("claude-sonnet-4-5", false, chat.Encoding{})); err == nil || !strings.Contains(err.Error(), "messages.0.content.0") {
			t.Errorf("%T: an image that the cloud does not fetch: %v", d, err)
		}
	}
}

func TestRefusalsOfGoogle(t *testing.T) {
	t.Parallel()
	const inner = `{"error":{"code":429,"message":"Quota exceeded for aiplatform.googleapis.com/online_prediction_requests_per_base_model.","status":"RESOURCE_EXHAUSTED"}}`
	for _, body := range []string{inner, "[" + inner + "]"} {
		r := anthropic.Vertex{}.ParseRefusal(429, nil, []byte(body))
		if r.Class != provider.ClassRateLimited || r.Type != "RESOURCE_EXHAUSTED" || !strings.HasPrefix(r.Message, "Quota") || string(r.Body) != body {
			t.Errorf("%+v", r)
		}
	}
	r := anthropic.Vertex{}.ParseRefusal(400, nil, []byte(`{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 1 > 0"}}`))
	if r.Class != provider.ClassContext || r.Type != "invalid_request_error" {
		t.Errorf("the maker's own words: %+v", r)
	}
	providertest.Refusals(t, anthropic.Vertex{})
	providertest.Refusals(t, anthropic.Bedrock{})
	providertest.Refusals(t, anthropic.VertexCount{})
	h := http.Header{}
	h.Set("X-Amzn-Errortype", "ThrottlingException:x")
	if r := (anthropic.Bedrock{}).ParseRefusal(429, h, []byte(`{"message":"Too fast."}`)); r.Class != provider.ClassRateLimited || r.Type != "ThrottlingException" {
		t.Errorf("%+v", r)
	}
}

var chunks = []string{
	`{"type":"message_start","message":{"id":"msg_1","model":"claude","usage":{"input_tokens":10,"output_tokens":1}}}`,
	`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
	`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel"}}`,
	`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"lo"}}`,
	`{"type":"content_block_stop","index":0}`,
	`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}`,
	`{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":10,"outputTokenCount":5}}`,
}

// events gives chunks the form that they have at the maker's.
func events(chunks ...string) string {
	var out strings.Builder
	for _, c := range chunks {
		var e struct{ Type string }
		_ = json.Unmarshal([]byte(c), &e)
		out.WriteString("event: " + e.Type + "\ndata: " + c + "\n\n")
	}
	return out.String()
}

func tapFrames(body []byte, size int) (string, provider.Seen) {
	tap := anthropic.Bedrock{}.NewTap(provider.Head{Stream: true})
	var out []byte
	for len(body) > 0 {
		n := min(size, len(body))
		out = append(out, tap.Feed(bytes.Clone(body[:n]))...)
		body = body[n:]
	}
	out = append(out, tap.Close()...)
	return string(out), tap.Seen()
}

func TestAClientGetsFramesAsEventsInPiecesOfAnySize(t *testing.T) {
	t.Parallel()
	body := providertest.Chunks(t, chunks...)
	maker := anthropic.Dialect{}.NewTap(provider.Head{Stream: true})
	maker.Feed([]byte(events(chunks...)))
	maker.Close()
	for size := 1; size <= len(body); size += 1 + size/4 {
		out, seen := tapFrames(body, size)
		if out != events(chunks...) {
			t.Fatalf("pieces of %d: %s", size, out)
		}
		if diff := cmp.Diff(maker.Seen(), seen); diff != "" || !seen.Ended || seen.Usage.Units[chat.Output] != 5 {
			t.Fatalf("pieces of %d: saw %+v\n%s", size, seen, diff)
		}
		read := providertest.InChunks(t, anthropic.Bedrock{}, body, size)
		want := providertest.InChunks(t, anthropic.Dialect{}, []byte(events(chunks...)), 1<<20)
		if diff := cmp.Diff(want, read); diff != "" {
			t.Fatalf("pieces of %d:\n%s", size, diff)
		}
	}
}

func TestFramesThatAreCutGiveWholeEventsOnly(t *testing.T) {
	t.Parallel()
	body := providertest.Chunks(t, chunks...)
	whole := events(chunks...)
	for at := range body {
		out, seen := tapFrames(body[:at], 1<<20)
		if !strings.HasPrefix(whole, out) || (out != "" && !strings.HasSuffix(out, "}\n\n")) || seen.Ended {
			t.Fatalf("cut at %d: %q, %+v", at, out, seen)
		}
	}
	providertest.CutEverywhere(t, anthropic.Bedrock{}, body)
}

func TestAnExceptionAtEveryPlaceIsWithheldWithAllBehindIt(t *testing.T) {
	t.Parallel()
	for at := range chunks {
		for name, failure := range map[string][]byte{
			"an exception":      providertest.Frame(t, "exception", "modelStreamErrorException", `{"message":"Broke.","originalStatusCode":529}`),
			"an error":          providertest.Frame(t, "error", "InternalError", "Broke."),
			"the maker's error": providertest.Chunks(t, `{"type":"error","error":{"type":"overloaded_error","message":"Broke."}}`),
		} {
			body := slices.Concat(providertest.Chunks(t, chunks[:at]...), failure, providertest.Chunks(t, chunks[at:]...))
			out, seen := tapFrames(body, 50)
			if out != events(chunks[:at]...) || seen.Ended || seen.Refusal == nil || seen.Refusal.Message != "Broke." {
				t.Errorf("%s before %d: %q, %+v", name, at, out, seen)
			}
			if at > 0 && seen.Usage.Units[chat.Input] != 10 {
				t.Errorf("%s before %d: what was counted is lost: %+v", name, at, seen.Usage)
			}
			read, err := providertest.Read(anthropic.Bedrock{}.NewReader(), body)
			if err != nil || read[len(read)-1].Kind != chat.Failure {
				t.Errorf("%s before %d: %+v, %v", name, at, read, err)
			}
		}
	}
}

func TestFramesThatCannotBeReadAreTheProvidersFailure(t *testing.T) {
	t.Parallel()
	good := providertest.Chunks(t, chunks[:3]...)
	broken := providertest.Chunks(t, chunks[3])
	broken[len(broken)-1] ^= 1
	for name, bad := range map[string][]byte{
		"a wrong checksum": broken, "no base64": providertest.Frame(t, "event", "chunk", `{"bytes":"!"}`), "no bytes": providertest.Frame(t, "event", "chunk", `{}`),
		"no JSON": providertest.Chunks(t, `{`), "no type": providertest.Chunks(t, `{}`), "a page": []byte("<html>Bad gateway, and a long one</html>"),
		"a name of two lines": providertest.Chunks(t, `{"type":"a\ndata: x"}`),
	} {
		out, seen := tapFrames(slices.Concat(good, bad), 30)
		if out != events(chunks[:3]...) || seen.Refusal == nil || seen.Ended {
			t.Errorf("%s: %q, %+v", name, out, seen)
		}
	}
	out, seen := tapFrames(slices.Concat(good[:0], providertest.Frame(t, "event", "somethingNew", `{}`), providertest.Chunks(t, chunks...)), 30)
	if out != events(chunks...) || !seen.Ended {
		t.Errorf("a frame of a newer version: %q, %+v", out, seen)
	}
	lines := strings.ReplaceAll(chunks[0], `,`, ",\n")
	if out, _ := tapFrames(providertest.Chunks(t, lines), 30); out != events(chunks[0]) {
		t.Errorf("an event of several lines: %q", out)
	}
}

func TestCounting(t *testing.T) { //nolint:paralleltest // its parts are parallel
	providertest.ExerciseWhole[chat.Request, chat.Count](t, anthropic.Count{}, "count")
}

func TestACountForVertex(t *testing.T) {
	t.Parallel()
	got := edited(t, anthropic.VertexCount{}, anthropic.Count{}, `{"model":"m","messages":[],"tollgate":{}}`)
	if want := `{"anthropic_version":"vertex-2023-10-16","model":"m@1","messages":[]}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	b, ok := provider.Join(anthropic.Count{}, anthropic.VertexCount{})
	if !ok {
		t.Fatal("no bridge")
	}
	built, err := b.Request([]byte(`{"model":"m","messages":[{"role":"user","content":"Hi"}],"max_tokens":5}`), provider.Head{Model: "m"}, "claude-opus-4-6", chat.Encoding{})
	want := `{"model":"claude-opus-4-6","anthropic_version":"vertex-2023-10-16","messages":[{"role":"user","content":[{"text":"Hi","type":"text"}]}]}`
	if err != nil || string(built) != want {
		t.Errorf("%s, %v", built, err)
	}
}

// Whatever stands in frames, nothing falls over and the client gets events only.
func FuzzFrames(f *testing.F) {
	f.Add(strings.Join(chunks, "\n"))
	f.Add(chunks[0] + "\n" + `{"type":"error","error":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		body := providertest.Chunks(t, strings.Split(text, "\n")...)
		out, seen := tapFrames(body, 100)
		if out != "" && (!strings.HasPrefix(out, "event: ") || !strings.HasSuffix(out, "\n\n")) {
			t.Fatalf("%q", out)
		}
		for _, n := range seen.Usage.Units {
			if n < 0 {
				t.Fatalf("%+v", seen)
			}
		}
		if list, err := providertest.Read(anthropic.Bedrock{}.NewReader(), body); err == nil {
			if last := list[len(list)-1].Kind; last != chat.End && last != chat.Failure {
				t.Fatalf("the last event is of kind %d", last)
			}
		}
	})
}

func BenchmarkFramesToEvents(b *testing.B) {
	body := providertest.Chunks(b, chunks...)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		tap := anthropic.Bedrock{}.NewTap(provider.Head{Stream: true})
		tap.Feed(body)
	}
}
