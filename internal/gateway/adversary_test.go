package gateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/alias"
)

// unescaped is a path as a server may come to see it that unescapes more often than it should, and takes a backslash for a slash.
func unescaped(uri string) string {
	at, _, _ := strings.Cut(uri, "?")
	for range 3 {
		if next, err := url.PathUnescape(at); err == nil {
			at = next
		}
	}
	return strings.ReplaceAll(at, `\`, "/")
}

func TestNoNameOfAModelReachesAnotherEndpointOfItsProvider(t *testing.T) {
	t.Parallel()
	hostile := []string{
		"..", ".", "../../v1/files", "x/../../../organization/admin_api_keys", `..\..\files`, `x\..\..\y`, "a/./b", "../x:generateContent",
		"projects/../../x", "publishers/google/../../x", "tunedModels/../x", "x?key=1", "x#y", "x%2f..%2f..%2fy", "x;y", "a:b:c", "a b",
		"ä", "//x", "/x", "x/", "x:generateContent?alt=json&", "arn:aws:bedrock:us-east-1:1:inference-profile/../../../x",
	}
	const chat, embed = `"messages":[{"role":"user","content":"hi"}]`, `"input":"x"`
	tests := []struct{ vendor, path, ask string }{
		{"google-gemini", "/v1/chat/completions", chat},
		{"vertex", "/v1/chat/completions", chat},
		{"vertex", "/v1/messages", `"max_tokens":5,` + chat},
		{"bedrock", "/v1/chat/completions", chat},
		{"bedrock", "/v1/messages", `"max_tokens":5,` + chat},
		{"bedrock", "/v1/embeddings", embed},
		{"azure-openai-deployments", "/v1/chat/completions", chat},
		{"google-gemini", "/v1/embeddings", embed},
		{"vertex", "/v1/embeddings", embed},
	}
	for _, tt := range tests {
		t.Run(tt.vendor+tt.path, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var mu sync.Mutex
			var asked []string
			w.connect(tt.vendor, func(rw http.ResponseWriter, r *http.Request) {
				mu.Lock()
				asked = append(asked, r.RequestURI)
				mu.Unlock()
				answering(400, `{}`)(rw, r) // so that nothing is asked twice
			})
			w.start()
			for _, prefix := range []string{"", "claude-", "gemini-", "text-embedding-", "amazon.titan-embed", "anthropic.claude"} {
				for _, name := range hostile {
					model, _ := json.Marshal(tt.vendor + "/" + prefix + name)
					a := w.post(tt.path, fmt.Sprintf(`{"model":%s,%s}`, model, tt.ask))
					if a.status != 400 && a.status != 404 {
						t.Errorf("%q: %d %s", name, a.status, a.body)
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			for _, uri := range asked {
				if at := unescaped(uri); strings.Contains("/"+at+"/", "/../") || strings.Contains("/"+at+"/", "/./") ||
					strings.Count(uri, "?") > 1 || strings.ContainsAny(uri, "# ") {
					t.Errorf("the provider was asked for %s", uri)
				}
			}
			if len(asked) == 0 {
				t.Error("nothing was asked at all")
			}
		})
	}
}

func TestAModelsNameIsBoundedAndPrintable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", func(http.ResponseWriter, *http.Request) { t.Error("the provider was asked") })
	w.start()
	for _, name := range []string{"openai/" + strings.Repeat("x", 3000), `openai/a\nb`, `openai/a\u0000`, `openai/\u0085`} {
		a := w.chat(`{"model":"` + name + `","messages":[{"role":"user","content":"hi"}]}`)
		if a.status != 400 || a.code() != "model.invalid_name" || len(a.body) > 1000 {
			t.Errorf("%.20q: %d %.300s", name, a.status, a.body)
		}
		w.log.last(t)
	}
	if a := w.post("/v1beta/models/openai/a%00b:generateContent", `{"contents":[{"parts":[{"text":"x"}]}]}`); a.status != 400 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestWhatAProviderSaysOfAFailureNeverRepeatsTheOrganizationsSecret(t *testing.T) {
	t.Parallel()
	const secret = "sk-provider-secret" // of every credential in these tests
	const chat = `{"model":"fast","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}`
	const streamed = `{"model":"fast","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"hi"}]}`
	words := "Incorrect API key provided: " + secret + ". Header was Bearer " + secret
	errors := map[string]string{
		"openai":        fmt.Sprintf(`{"error":{"message":%q,"type":%q,"code":%q,"param":%q}}`, words, secret, secret, secret),
		"anthropic":     fmt.Sprintf(`{"type":"error","error":{"type":%q,"message":%q}}`, secret, words),
		"google-gemini": fmt.Sprintf(`{"error":{"code":400,"message":%q,"status":"INVALID_ARGUMENT"}}`, words),
		"cohere":        fmt.Sprintf(`{"message":%q}`, words),
		"bedrock":       fmt.Sprintf(`{"message":%q}`, words),
		"ollama":        fmt.Sprintf(`{"error":%q}`, words),
	}
	for vendor, body := range errors {
		for _, status := range []int{400, 401, 403, 404, 422, 429, 500, 503, 200} {
			t.Run(fmt.Sprint(vendor, " ", status), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.connect(vendor, answering(status, body))
				w.alias("fast", alias.Route{Targets: []alias.Target{{Provider: vendor, Model: "anthropic.claude-x"}}, Attempts: 1})
				w.start()
				for _, p := range []string{"/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/completions"} {
					for _, ask := range []string{chat, streamed} {
						switch p {
						case "/v1/responses":
							ask = strings.Replace(ask, `"max_tokens":5,`, "", 1)
							ask = strings.Replace(ask, `"messages"`, `"input"`, 1)
						case "/v1/completions":
							ask = strings.Replace(ask, `"messages":[{"role":"user","content":"hi"}]`, `"prompt":"hi"`, 1)
						}
						a := w.post(p, ask)
						if strings.Contains(a.body+fmt.Sprint(a.header), secret) {
							t.Errorf("%s: %d %s", p, a.status, a.body)
						}
						if strings.Contains(fmt.Sprintf("%+v", w.log.last(t)), secret) {
							t.Errorf("%s: the record repeats it", p)
						}
					}
				}
			})
		}
	}
}

func TestFlagsThatTheHeaderPolicyDropsDoNotGoByAnotherWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var got http.Header
	w.connect("vertex", func(rw http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		answering(200, `{"id":"m","type":"message","role":"assistant","content":[],"model":"c","stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`)(rw, r)
	})
	w.start()
	a := w.post("/v1/messages", `{"model":"vertex/claude-haiku-4-5","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}`,
		"Anthropic-Beta", "brand-new-2099-01-01")
	if a.status != 200 || got.Get("Anthropic-Beta") != "" || !strings.Contains(a.header.Get("X-Tollgate-Warning"), "brand-new-2099-01-01") {
		t.Errorf("%d %s, the cloud got %q, warned %q", a.status, a.body, got.Get("Anthropic-Beta"), a.header.Get("X-Tollgate-Warning"))
	}
}

func TestAProvidersBytesAreNoPageOfOurs(t *testing.T) {
	t.Parallel()
	const script = `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`
	w := newWorld(t)
	w.connect("openai", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "image/svg+xml")
		_, _ = rw.Write([]byte(script))
	})
	w.start()
	get := w.request("/v1/files/file-1/content", "")
	get.Method = http.MethodGet
	for name, a := range map[string]answer{
		"a file":     w.send(get),
		"speech":     w.post("/v1/audio/speech", `{"model":"openai/tts-1","input":"hi","voice":"alloy"}`),
		"transcript": w.send(upload(t, w, "/v1/audio/transcriptions", "model", "openai/whisper-1")),
	} {
		if a.status != 200 || a.header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(a.header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: %d %v", name, a.status, a.header)
		}
	}
}

func TestAStreamThatGoesOnBehindItsEndTakesNoEndlessMemory(t *testing.T) {
	t.Parallel()
	filler := strings.Repeat("x", 64<<10)
	more := `data: {"id":"x","model":"m","choices":[{"index":0,"delta":{"content":"` + filler + `"}}]}` + "\n\n"
	const finish = `data: {"id":"x","model":"m","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}` + "\n\n"
	const open = `data: {"id":"x","model":"m","choices":[{"index":0,"delta":{"content":"hi"}}]}` + "\n\n"
	for _, tt := range []struct{ name, path, first string }{
		{"passed", "/v1/chat/completions", finish},
		{"translated", "/v1/messages", finish},
		{"repeated at its end by the writer", "/v1/responses", open},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			sent := make(chan int, 1)
			w.connect("mistral", func(rw http.ResponseWriter, _ *http.Request) { // speaks chat only
				rw.Header().Set("Content-Type", "text/event-stream")
				_, err := rw.Write([]byte(tt.first))
				n := 0
				for ; err == nil && n < 1<<30; n += len(more) {
					_, err = rw.Write([]byte(more))
				}
				sent <- n
			})
			w.cfg.TailWait = time.Minute // which would end the first one too
			w.start()
			ask := `{"model":"mistral/m","stream":true,"max_tokens":5,"messages":[{"role":"user","content":"hi"}]}`
			if tt.path == "/v1/responses" {
				ask = `{"model":"mistral/m","stream":true,"input":"hi"}`
			}
			a := w.post(tt.path, ask)
			if strings.Contains(a.body[max(0, len(a.body)-200):], "[DONE]") || strings.Contains(a.body, "message_stop") {
				t.Error("it looks whole")
			}
			if n := <-sent; n > 200<<20 {
				t.Errorf("%d MiB were read", n>>20)
			}
			if r := w.log.last(t); r.ErrorCode == "" {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestACompressedAnswerThatNobodyAskedForIsNotPassedOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "audio/mpeg")
		rw.Header().Set("Content-Encoding", "gzip")
		_, _ = rw.Write([]byte("\x1f\x8bxxxx"))
	})
	w.alias("voice", alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "tts-1"}}, Attempts: 1})
	w.start()
	if a := w.post("/v1/audio/speech", `{"model":"voice","input":"hi","voice":"alloy"}`); a.status != 502 || !strings.Contains(a.body, "compressed") {
		t.Errorf("%d %q", a.status, a.body)
	}
}
