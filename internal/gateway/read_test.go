package gateway_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestABodyThatCannotBeReadIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.BodyMax = 1 << 20
	w.connect("openai", answering(200, whole))
	w.start()
	big := `{"model":"gpt-4o-mini","x":"` + strings.Repeat("x", 1<<20) + `"}`
	tests := []struct {
		name, body string
		headers    []string
		status     int
		code       string
	}{
		{"over the limit", big, nil, 413, "request.too_large"},
		{"empty", "", nil, 400, "request.invalid_body"},
		{"no object", "[1]", nil, 400, "request.invalid_body"},
		{"cut JSON", `{"model":"gpt-4o-mini","messages":[`, nil, 400, "request.invalid_body"},
		{"no model", `{"messages":[]}`, nil, 400, "request.invalid_body"},
		{"a model of a wrong type", `{"model":7}`, nil, 400, "request.invalid_body"},
		{"compressed", ask, []string{"Content-Encoding", "gzip"}, 400, "request.content_encoding"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if a := w.chat(tt.body, tt.headers...); a.status != tt.status || a.code() != tt.code {
				t.Errorf("%d %s, want %d %s", a.status, a.body, tt.status, tt.code)
			}
			if r := w.log.last(t); r.Outcome != "refused" || r.ErrorCode != tt.code {
				t.Errorf("recorded %s %s", r.Outcome, r.ErrorCode)
			}
		})
	}
	t.Run("over the limit in chunks", func(t *testing.T) {
		r := w.request("/v1/chat/completions", "")
		r.Body, r.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(big))), -1
		if a := w.send(r); a.status != 413 {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	if w.log.intended() != 0 {
		t.Error("a provider was called")
	}
}

// raw sends bytes as they are and gives the answer's head and body.
func (w *world) raw(half bool, text string) string {
	w.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		w.t.Fatal(err)
	}
	if half {
		_ = c.(*net.TCPConn).CloseWrite()
	}
	b, _ := io.ReadAll(c)
	return string(b)
}

func TestATruncatedBodyIsTheClientsFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.start()
	head := "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + w.secret + "\r\n"
	got := w.raw(true, head+"Content-Length: 500\r\n\r\n"+ask)
	if !strings.HasPrefix(got, "HTTP/1.1 400") || !strings.Contains(got, "request.truncated_body") {
		t.Errorf("%s", got)
	}
	if r := w.log.last(t); r.Outcome != "refused" && r.Outcome != "client_gone" {
		t.Errorf("recorded %s", r.Outcome)
	}
}

func TestABodyThatDoesNotArriveIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.BodyTimeout = 50 * time.Millisecond
	w.start()
	got := w.raw(false, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "+w.secret+"\r\nContent-Length: 500\r\n\r\n{")
	if !strings.Contains(got, "request.slow_body") {
		t.Errorf("%s", got)
	}
}

func TestTheStrongerSourceOfATagWins(t *testing.T) {
	t.Parallel()
	body := func(fields string) string {
		return `{"model":"gpt-4o-mini","messages":[]` + fields + `}`
	}
	tests := []struct {
		name     string
		body     string
		headers  []string
		workflow string
		tags     map[string]string
	}{
		{"nothing: the key's defaults", body(""), nil, "from-key", map[string]string{"team": "key", "k": "key"}},
		{
			"the body's metadata beats the key", body(`,"metadata":{"team":"meta","workflow":"from-meta"}`), nil,
			"from-meta",
			map[string]string{"team": "meta", "k": "key"},
		},
		{
			"the tollgate object beats metadata", body(`,"metadata":{"team":"meta","m":"1","workflow":"from-meta"},"tollgate":{"workflow":"from-object","tags":{"team":"object"}}`), nil,
			"from-object",
			map[string]string{"team": "object", "m": "1", "k": "key"},
		},
		{
			"headers beat all", body(`,"metadata":{"team":"meta"},"tollgate":{"workflow":"from-object","tags":{"team":"object"}}`),
			[]string{"x-tollgate-metadata", `{"team":"header","n":5,"b":true}`, "x-tollgate-workflow", "from-header"},
			"from-header",
			map[string]string{"team": "header", "n": "5", "b": "true", "k": "key"},
		},
		{
			"pairs are taken too", body(""),
			[]string{"x-tollgate-metadata", "team=pairs, workflow=w2,x = y z"},
			"w2",
			map[string]string{"team": "pairs", "x": "y z", "k": "key"},
		},
		{
			"headers of other gateways", body(""),
			[]string{"Helicone-Property-App", "helicone", "x-portkey-metadata", `{"team":"portkey"}`},
			"from-key",
			map[string]string{"team": "portkey", "app": "helicone", "k": "key"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var sent string
			w := newWorld(t)
			w.connect("openai", func(rw http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				sent = string(b)
				answering(200, whole)(rw, r)
			})
			w.key.Workflow, w.key.Tags = "from-key", map[string]string{"team": "key", "k": "key"}
			w.start()
			if a := w.chat(tt.body, tt.headers...); a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			r := w.log.last(t)
			if d := cmp.Diff(tt.tags, r.Tags); d != "" || r.Workflow != tt.workflow || r.Environment != "production" {
				t.Errorf("workflow %q, environment %q, tags: %s", r.Workflow, r.Environment, d)
			}
			if strings.Contains(sent, "tollgate") {
				t.Errorf("the provider saw the tollgate object: %s", sent)
			}
		})
	}
}

func TestATagOutOfBoundsIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.start()
	many := make([]string, 33)
	for i := range many {
		many[i] = fmt.Sprintf("t%02d=1", i)
	}
	long := strings.Repeat("k", 65)
	for name, tt := range map[string]struct{ header, body, names string }{
		"too many":           {strings.Join(many, ","), "", "t32"},
		"a long key":         {long + "=1", "", "kkkk"},
		"a long value":       {"big=" + strings.Repeat("v", 257), "", "big"},
		"a long body value":  {"", `,"metadata":{"big":"` + strings.Repeat("v", 257) + `"}`, "big"},
		"a control char":     {"", `,"metadata":{"nul":"a\u0000b"}`, "nul"},
		"no pair":            {"banana", "", "x-tollgate-metadata"},
		"broken JSON":        {`{"a":`, "", "x-tollgate-metadata"},
		"a nested value":     {`{"a":{"b":1}}`, "", "x-tollgate-metadata"},
		"tollgate no object": {"", `,"tollgate":{"tags":[1]}`, "tollgate.tags"},
	} {
		a := w.chat(`{"model":"gpt-4o-mini","messages":[]`+tt.body+`}`, "x-tollgate-metadata", tt.header)
		if a.status != 400 || !strings.Contains(a.body, tt.names) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func TestPrivacyDecidesWhatIsKept(t *testing.T) {
	t.Parallel()
	body := `{"model":"gpt-4o-mini","user":"user-7","messages":[]}`
	for privacy, want := range map[string]struct {
		user    string
		payload bool
	}{"none": {"", false}, "metadata": {"user-7", false}, "full": {"user-7", true}} {
		w := newWorld(t)
		w.connect("openai", answering(200, whole))
		w.key.Privacy = keyPrivacy(privacy)
		w.start()
		w.chat(body)
		r := w.log.last(t)
		if r.EndUser != want.user || (r.Payload != nil) != want.payload {
			t.Errorf("%s: user %q, payload %v", privacy, r.EndUser, r.Payload != nil)
		}
		if want.payload && (string(r.Payload.Request) != body || string(r.Payload.Response) != whole || r.Payload.Cut) {
			t.Errorf("payload %+v", r.Payload)
		}
	}
}

func TestAKeptPayloadIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.key.Privacy = keyPrivacy("full")
	w.start()
	w.chat(`{"model":"gpt-4o-mini","messages":[],"x":"` + strings.Repeat("x", 300<<10) + `"}`)
	if r := w.log.last(t); !r.Payload.Cut || len(r.Payload.Request) != 256<<10 {
		t.Errorf("kept %d, cut %v", len(r.Payload.Request), r.Payload.Cut)
	}
}
