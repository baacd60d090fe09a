package fault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// envelope is an error in either dialect.
type envelope struct {
	Type  string `json:"type"`
	Error struct {
		Type     string `json:"type"`
		Code     string `json:"code"`
		Message  string `json:"message"`
		Param    string `json:"param"`
		Request  string `json:"request_id"`
		Metadata struct {
			Provider string `json:"provider"`
		} `json:"metadata"`
	} `json:"error"`
}

func errorOf(body []byte) envelope {
	var e envelope
	_ = json.Unmarshal(body, &e)
	return e
}

func errorCode(body []byte) string { return errorOf(body).Error.Code }

// wrong is one bad input and what the client is told.
type wrong struct {
	name    string
	dialect string
	key     string // empty: the good one
	body    string
	status  int
	code    string
	says    string // a part of the message
}

func TestBadInputIsToldWhatIsWrong(t *testing.T) {
	s := build(t, harness.Config{DatabaseURL: pgtest.URL(t)})
	s.owner.Alias("fast-classifier", "anthropic/claude-haiku-4-5")
	s.owner.Connect("groq", replay.BadSecret, s.provider.Base("groq"))
	_, foreign := s.owner.IssueKey("elsewhere", map[string]any{"networks": []string{"203.0.113.0/24"}})
	_, narrow := s.owner.IssueKey("narrow", map[string]any{"aliases": []string{"fast-classifier"}})
	_, expired := s.owner.IssueKey("short", map[string]any{"expires_at": time.Now().Add(3 * time.Second).UTC().Format(time.RFC3339Nano)})
	_, listing := s.owner.IssueKey("lists", map[string]any{"endpoints": []string{"models"}})
	harness.Eventually(t, 5*time.Second, func() error { // the newest key has reached the data plane, so all have
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Gateway+"/v1/models", nil)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+listing)
		got, err := s.client.Do(req)
		if err != nil {
			return err
		}
		return got.Failed()
	})
	until(t, s.Client(expired), http.StatusUnauthorized) // it expires
	ask := func(model string) string { return string(harness.Ask(model, "bad", false)) }
	msgs := `"messages":[{"role":"user","content":"hi"}]`
	tests := []wrong{
		{"no JSON", "", "", `hello`, 400, "request.invalid_body", "JSON"},
		{"an array", "", "", `[]`, 400, "request.invalid_body", "object"},
		{"an empty body", "", "", ``, 400, "request.invalid_body", ""},
		{"JSON that ends too early", "", "", `{"model":"openai/gpt-4o-mini",` + msgs, 400, "request.invalid_body", "JSON"},
		{"no model", "", "", `{` + msgs + `}`, 400, "request.invalid_body", "model"},
		{"a model that is no string", "", "", `{"model":7,` + msgs + `}`, 400, "request.invalid_body", "model"},
		{"two models", "", "", `{"model":"openai/gpt-4o-mini","model":"openai/gpt-4o",` + msgs + `}`, 400, "request.invalid_body", "twice"},
		{"stream that is no flag", "", "", `{"model":"openai/gpt-4o-mini","stream":"yes",` + msgs + `}`, 400, "request.invalid_body", "stream"},
		{"too many tags", "", "", `{"model":"openai/gpt-4o-mini","metadata":{` + tags(33) + `},` + msgs + `}`, 400, "", "32"},
		{"a tag that is too long", "", "", `{"model":"openai/gpt-4o-mini","metadata":{"feature":"` + strings.Repeat("x", 257) + `"},` + msgs + `}`, 400, "", "feature"},
		{"a misspelt alias", "", "", ask("fast-clasifier"), 404, "model.not_found", "fast-classifier"},
		{"a model that nobody has", "", "", ask("gpt-4o-minni"), 404, "model.not_found", "gpt-4o-mini"},
		{"a provider that is not connected", "", "", ask("mistral/mistral-small-latest"), 0, "", "Mistral"},
		{"no JSON, to an Anthropic client", replay.Anthropic, "", `hello`, 400, "", "JSON"},
		{"a misspelt alias, to an Anthropic client", replay.Anthropic, "", `{"model":"fast-clasifier","max_tokens":5,` + msgs + `}`, 404, "", "fast-classifier"},
		{"no key", "", "none", ask("sandbox/echo-mini"), 401, "", "key"},
		{"junk for a key", "", "sk-1234", ask("sandbox/echo-mini"), 401, "", "key"},
		{"a key with one letter changed", "", flip(s.owner.Key), ask("sandbox/echo-mini"), 401, "", ""},
		{"a management token", "", s.owner.Token, ask("sandbox/echo-mini"), 401, "", "management token"},
		{"an expired key", "", expired, ask("sandbox/echo-mini"), 401, "key.expired", "expired"},
		{"a key of another network", "", foreign, ask("sandbox/echo-mini"), 403, "key.network", "network"},
		{"a key of other aliases", "", narrow, ask("openai/gpt-4o-mini"), 403, "", ""},
		{"a key of another endpoint", "", listing, ask("sandbox/echo-mini"), 403, "key.endpoint", ""},
		{"a credential that the provider rejects", "", "", ask("groq/llama-3.1-8b-instant"), 502, "provider.credential_rejected", "Your virtual key is fine"},
		{"the same, to an Anthropic client", replay.Anthropic, "", `{"model":"groq/llama-3.1-8b-instant","max_tokens":5,` + msgs + `}`, 502, "", "Your virtual key is fine"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { s.refuses(t, tt) })
	}
	t.Run("a body over 32 MiB, announced and not", s.oversized)
	t.Run("a body that breaks off", s.truncated)
	t.Run("what the gateway does not know passes", s.unknownFields)
	t.Run("no wrong path or method is a surprise", s.wrongPlaces)
}

func tags(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`"tag%d":"x"`, i))
	}
	return strings.Join(list, ",")
}

// flip changes one letter in the middle.
func flip(key string) string {
	b := []byte(key)
	i := len(b) / 2
	if b[i] == 'a' {
		b[i] = 'b'
	} else {
		b[i] = 'a'
	}
	return string(b)
}

func (s *site) refuses(t *testing.T, tt wrong) {
	client := s.client
	switch tt.key {
	case "":
	case "none":
		client = s.Client("")
	default:
		client = s.Client(tt.key)
	}
	dialect := tt.dialect
	if dialect == "" {
		dialect = replay.OpenAI
	}
	asked := s.provider.Ledger.Len()
	got, err := client.Chat(t.Context(), dialect, []byte(tt.body))
	if err != nil {
		t.Fatal(err)
	}
	e := errorOf(got.Body)
	if (tt.status != 0 && got.Status != tt.status) || got.Status < 400 || (tt.code != "" && e.Error.Code != tt.code) || !strings.Contains(e.Error.Message, tt.says) {
		t.Errorf("%d %s, want %d %s %q", got.Status, got.Body, tt.status, tt.code, tt.says)
	}
	if e.Error.Type == "" || got.Header.Get("X-Tollgate-Call-Id") == "" || (dialect == replay.Anthropic) != (e.Type == "error") {
		t.Errorf("not the dialect's envelope, or no call id: %v %s", got.Header, got.Body)
	}
	if strings.Contains(string(got.Body), replay.BadSecret) {
		t.Errorf("the credential is in the answer: %s", got.Body)
	}
	if n := s.provider.Ledger.Len() - asked; n != 0 && !strings.Contains(tt.code+tt.says, "credential_rejected") && tt.status != 502 {
		t.Errorf("the provider was called %d times", n)
	}
}

func (s *site) oversized(t *testing.T) {
	big := append([]byte(`{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"`), bytes.Repeat([]byte("x"), 32<<20)...)
	for _, chunked := range []bool{false, true} {
		req, err := s.client.Request(t.Context(), replay.OpenAI, big)
		if err != nil {
			t.Fatal(err)
		}
		if chunked {
			req.Body, req.ContentLength, req.GetBody = io.NopCloser(bytes.NewReader(big)), -1, nil
		}
		got, err := s.client.Do(req)
		if err != nil {
			t.Fatalf("chunked %v: %v", chunked, err)
		}
		if got.Status != http.StatusRequestEntityTooLarge || errorCode(got.Body) != "request.too_large" {
			t.Errorf("chunked %v: %d %s", chunked, got.Status, got.Body)
		}
	}
}

// truncated: the client announces more than it sends. The gateway says so if it still can, and calls nobody.
func (s *site) truncated(t *testing.T) {
	u, err := url.Parse(s.Gateway)
	if err != nil {
		t.Fatal(err)
	}
	asked := s.provider.Ledger.Len()
	conn, err := net.Dial("tcp", u.Host) //nolint:noctx // loopback
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"model\":", u.Host, s.owner.Key)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) > 0 && !bytes.HasPrefix(got, []byte("HTTP/1.1 400")) {
		t.Errorf("a truncated body was answered by %.200s", got)
	}
	if n := s.provider.Ledger.Len() - asked; n != 0 {
		t.Errorf("the provider was called %d times", n)
	}
}

func (s *site) unknownFields(t *testing.T) {
	body := `{"brand_new":{"a":[1,2.50]},"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"hi","x":null}] , "y" : 1e2}`
	got, err := s.client.Chat(t.Context(), replay.OpenAI, []byte(body))
	if err != nil || got.Status != http.StatusOK {
		t.Fatalf("%+v %v", got, err)
	}
	call, _ := s.provider.Ledger.Last("gpt-4o-mini")
	if want := strings.Replace(body, "openai/gpt-4o-mini", "gpt-4o-mini", 1); string(call.Body) != want {
		t.Errorf("the provider got %s, want %s", call.Body, want)
	}
}

func (s *site) wrongPlaces(t *testing.T) {
	for _, tt := range []struct {
		method, path string
		status       int
	}{{"GET", "/v1/chat/completions", 405}, {"POST", "/v1/nothing", 404}, {"POST", "/v1/embeddings/nothing", 404}, {"GET", "/v1/embeddings", 405}, {"DELETE", "/v1/models", 405}, {"GET", "/../etc/passwd", 404}} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, s.Gateway+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.owner.Key)
		got, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if got.Status != tt.status || errorOf(got.Body).Error.Message == "" {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, got.Status, got.Body)
		}
	}
}
