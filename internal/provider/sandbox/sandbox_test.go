package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/providertest"
	"tollgate/internal/provider/sandbox"
)

func noon() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }

func ask(t *testing.T, body string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "sandbox:/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := sandbox.New(noon, nil).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, b
}

// both asks the same streamed and not, and holds the two answers against each other.
func both(t *testing.T, fields string) chat.Response {
	t.Helper()
	res, body := ask(t, "{"+fields+"}")
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%d: %s", res.StatusCode, body)
	}
	whole, err := openaichat.Dialect{}.ParseResponse(body)
	if err != nil {
		t.Fatal(err)
	}
	res, body = ask(t, `{"stream":true,"stream_options":{"include_usage":true},`+fields+"}")
	if got := res.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
		t.Errorf("content type %q", got)
	}
	if !bytes.HasSuffix(body, []byte("data: [DONE]\n\n")) {
		t.Errorf("no end mark: %s", body)
	}
	events, err := providertest.Read(openaichat.Dialect{}.NewReader(), body)
	if err != nil {
		t.Fatal(err)
	}
	streamed, err := providertest.Fold(events)
	if err != nil {
		t.Fatal(err)
	}
	if streamed.Usage != whole.Usage || streamed.Finish != whole.Finish || len(streamed.Parts) != len(whole.Parts) {
		t.Errorf("streamed %+v, whole %+v", streamed, whole)
	}
	for i, p := range whole.Parts {
		s := streamed.Parts[i]
		if s.Text != p.Text || s.Name != p.Name || !bytes.Equal(s.Args, p.Args) {
			t.Errorf("part %d: streamed %+v, whole %+v", i, s, p)
		}
	}
	return whole
}

const (
	question = `"messages":[{"role":"user","content":"What is the weather like?"}]`
	tools    = `"tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"},"unit":{"enum":["C","F"]},"days":{"type":"integer","minimum":3}},"required":["city","unit","days"]}}}]`
)

func TestItSaysBackWhatWasSaid(t *testing.T) {
	t.Parallel()
	r := both(t, `"model":"sandbox/echo-mini",`+question)
	if !strings.Contains(r.Parts[0].Text, "What is the weather like?") || r.Finish != chat.FinishStop || r.Created != noon().Unix() {
		t.Errorf("%+v", r)
	}
	if r.Usage.Units[chat.Input] != 7 || r.Usage.Units[chat.Output] != int64(len(r.Parts[0].Text)+3)/4 {
		t.Errorf("usage %v: the question has 25 bytes, the answer %d", r.Usage.Units, len(r.Parts[0].Text))
	}
}

func TestItCallsAToolThatIsForcedOrNamed(t *testing.T) {
	t.Parallel()
	for name, fields := range map[string]string{
		"required":    `"tool_choice":"required",` + question,
		"forced":      `"tool_choice":{"type":"function","function":{"name":"get_weather"}},` + question,
		"named":       `"messages":[{"role":"user","content":"Please use get_weather."}]`,
		"named aloud": `"messages":[{"role":"user","content":"Please get weather for me"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := both(t, `"model":"echo-mini",`+tools+","+fields)
			if r.Finish != chat.FinishTools || r.Parts[0].Name != "get_weather" {
				t.Fatalf("%+v", r)
			}
			var args struct {
				City string
				Unit string
				Days int
			}
			if err := json.Unmarshal(r.Parts[0].Args, &args); err != nil || args.City == "" || args.Unit != "C" || args.Days != 3 {
				t.Errorf("%s (%v)", r.Parts[0].Args, err)
			}
		})
	}
	r := both(t, `"model":"echo-mini",`+tools+`,"messages":[{"role":"user","content":"get_weather"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"get_weather","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"get_weather says 18"}]`)
	if r.Finish != chat.FinishStop || !strings.Contains(r.Parts[0].Text, "18") {
		t.Errorf("after the tool's answer: %+v", r)
	}
}

func TestStructuredOutputFitsItsSchema(t *testing.T) {
	t.Parallel()
	r := both(t, `"model":"echo-large",`+question+`,"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","properties":{"list":{"type":"array","minItems":2,"items":{"$ref":"#/$defs/item"}},"maybe":{"anyOf":[{"type":"number"},{"type":"null"}]},"when":{"type":"string","format":"date"}},"required":["list","maybe","when"],"$defs":{"item":{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]}}}}}`)
	if want := `{"list":[{"ok":true},{"ok":true}],"maybe":1,"when":"2030-01-01"}`; r.Parts[0].Text != want {
		t.Errorf("%s, want %s", r.Parts[0].Text, want)
	}
}

func TestTheReasonerReasons(t *testing.T) {
	t.Parallel()
	r := both(t, `"model":"reasoner",`+question)
	if r.Parts[0].Kind != chat.Thinking || r.Usage.Units[chat.Reasoning] == 0 {
		t.Errorf("%+v", r)
	}
}

func TestTheOutputCapIsKept(t *testing.T) {
	t.Parallel()
	r := both(t, `"model":"echo-mini","max_tokens":3,`+question)
	if r.Finish != chat.FinishLength || r.Usage.Units[chat.Output] != 3 {
		t.Errorf("%+v", r)
	}
}

func TestItFailsOnRequest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		body   string
		status int
		class  provider.Class
	}{
		{`{"model":"sandbox/fail-429",` + question + `}`, 429, provider.ClassRateLimited},
		{`{"model":"fail-500",` + question + `}`, 500, provider.ClassServer},
		{`{"model":"gpt-9",` + question + `}`, 404, provider.ClassNotFound},
		{`{"model":"echo-mini"}`, 400, provider.ClassInvalid},
		{`{`, 400, provider.ClassInvalid},
	}
	for _, tt := range tests {
		res, body := ask(t, tt.body)
		r := openaichat.Dialect{}.ParseRefusal(res.StatusCode, res.Header, body)
		if res.StatusCode != tt.status || r.Class != tt.class {
			t.Errorf("%s: %d %+v", tt.body, res.StatusCode, r)
		}
		if tt.status == 429 && r.RetryAfter != time.Second {
			t.Errorf("retry after %v", r.RetryAfter)
		}
	}
}

func TestTheSameRequestGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	_, a := ask(t, `{"model":"reasoner",`+question+`}`)
	_, b := ask(t, `{"model":"reasoner",`+question+`}`)
	if !bytes.Equal(a, b) {
		t.Errorf("%s\n%s", a, b)
	}
}

func TestAStreamEndsWithItsClient(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "sandbox:/chat/completions", strings.NewReader(`{"model":"slow","stream":true,`+question+`}`))
	if err != nil {
		t.Fatal(err)
	}
	sleeps := 0
	p := sandbox.New(noon, func(ctx context.Context, d time.Duration) error {
		if sleeps++; sleeps == 3 {
			cancel()
		}
		return ctx.Err()
	})
	res, err := p.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); !errors.Is(err, context.Canceled) || len(b) == 0 {
		t.Errorf("%d bytes, err = %v", len(b), err)
	}
}

func TestItListsItsModelsOverHTTPToo(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(sandbox.New(noon, nil))
	t.Cleanup(srv.Close)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/v1/models", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var list struct{ Data []struct{ ID string } }
	if err := json.NewDecoder(res.Body).Decode(&list); err != nil || len(list.Data) != len(sandbox.Models()) {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestTextsThatShareWordsAreClose(t *testing.T) {
	t.Parallel()
	p := sandbox.New(time.Now, nil)
	ask := func(body string) (int, [][]float64) {
		req, _ := http.NewRequest(http.MethodPost, "https://x/embeddings", strings.NewReader(body))
		res, err := p.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var got struct {
			Data []struct{ Embedding []float64 }
		}
		_ = json.NewDecoder(res.Body).Decode(&got)
		var out [][]float64
		for _, d := range got.Data {
			out = append(out, d.Embedding)
		}
		return res.StatusCode, out
	}
	status, v := ask(`{"model":"embed-mini","input":["a cat sat on the mat","the cat sat on a mat","budget report of november"],"dimensions":512}`)
	if status != 200 || len(v) != 3 || len(v[0]) != 512 {
		t.Fatalf("%d, %d vectors", status, len(v))
	}
	dot := func(a, b []float64) (sum float64) {
		for i := range a {
			sum += a[i] * b[i]
		}
		return sum
	}
	if near, far := dot(v[0], v[1]), dot(v[0], v[2]); near < 0.999 || far > 0.5 {
		t.Errorf("near %f, far %f", near, far)
	}
	if status, _ := ask(`{"model":"embed-mini","input":"x","dimensions":5000}`); status != 400 {
		t.Errorf("too many dimensions: %d", status)
	}
	if status, _ := ask(`{"model":"echo-mini","input":"x"}`); status != 404 {
		t.Errorf("a chat model: %d", status)
	}
}
