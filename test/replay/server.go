package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Server is the provider. A request's model chooses what is played: the path of a case (with a cutting behind "~"), or the script
// of that model, or a generated answer. The folder in front of its paths names the vendor that it plays: <URL>/<vendor>/v1.
type Server struct {
	URL    string
	Ledger *Ledger

	http    *http.Server
	started time.Time

	mu      sync.Mutex
	cases   map[string]*Case
	scripts map[string][]Turn
}

// BadSecret is a credential that the provider rejects.
const BadSecret = "bad-credential-that-no-provider-takes"

// bodyMax is the largest request body that is read.
const bodyMax = 64 << 20

// Start listens on a loopback port. Close ends it.
func Start(ctx context.Context, cases []*Case) (*Server, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "http://" + l.Addr().String(), Ledger: &Ledger{}, cases: map[string]*Case{}, scripts: map[string][]Turn{}, started: time.Now()}
	for _, c := range cases {
		s.cases[c.Path] = c
	}
	s.http = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second, ErrorLog: nil}
	go func() { _ = s.http.Serve(l) }()
	return s, nil
}

// Close cuts every connection.
func (s *Server) Close() { _ = s.http.Close() }

// Base is the base URL of a vendor.
func (s *Server) Base(vendor string) string { return s.URL + "/" + vendor + "/v1" }

// Script says how the next requests for a model are answered, one turn each; the last one stays for all that follow.
func (s *Server) Script(model string, turns ...Turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[model] = turns
}

// next is the turn of a model's next request.
func (s *Server) next(model string) (Turn, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	turns := s.scripts[model]
	if len(turns) == 0 {
		return Turn{}, false
	}
	if len(turns) > 1 {
		s.scripts[model] = turns[1:]
	}
	return turns[0], true
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	vendor, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	secret := r.Header.Get("X-Api-Key")
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		secret = bearer
	}
	var dialect string
	switch {
	case r.Method == http.MethodPost && strings.HasSuffix(rest, "/chat/completions"):
		dialect = OpenAI
	case r.Method == http.MethodPost && strings.HasSuffix(rest, "/messages"):
		dialect = Anthropic
	case r.Method == http.MethodGet && strings.HasSuffix(rest, "/models") && secret != BadSecret:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"object":"list","data":[{"id":"model","type":"model","object":"model"}],"has_more":false}`)
		return
	case secret == BadSecret:
		dialect = OpenAI
		if vendor == "anthropic" {
			dialect = Anthropic
		}
	default:
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
	call := s.Ledger.open(Call{Vendor: vendor, Dialect: dialect, Path: r.URL.Path, Secret: secret, Header: r.Header.Clone(), Body: body, Start: time.Now()})
	if err != nil {
		s.Ledger.close(call, func(c *Call) { c.End = CutByClient })
		return
	}
	var ask struct {
		Model  string `json:"model"`
		Stream bool   `json:"stream"`
		User   string `json:"user"`
		Opts   struct {
			Include bool `json:"include_usage"`
		} `json:"stream_options"`
		Metadata struct {
			User string `json:"user_id"`
		} `json:"metadata"`
	}
	var broken *json.SyntaxError
	if err := json.Unmarshal(body, &ask); errors.As(err, &broken) {
		s.play(w, r, call, refusal(dialect, http.StatusBadRequest, "invalid_request_error", "The body is not JSON."))
		return
	}
	if ask.User == "" {
		ask.User = ask.Metadata.User
	}
	s.Ledger.note(call, func(c *Call) { c.Model, c.Stream, c.User = ask.Model, ask.Stream, ask.User })
	s.play(w, r, call, s.turn(call, ask.Model, ask.Stream, ask.Opts.Include))
}

// turn chooses what is played.
func (s *Server) turn(call *Call, model string, stream, usage bool) Turn {
	if call.Secret == BadSecret {
		return refusal(call.Dialect, http.StatusUnauthorized, "authentication_error", "invalid x-api-key: "+BadSecret)
	}
	name, cut, _ := strings.Cut(model, "~")
	s.mu.Lock()
	c := s.cases[name]
	s.mu.Unlock()
	if c != nil {
		s.Ledger.note(call, func(e *Call) { e.Case = c.Path })
		return caseTurn(c, Cutting(cut), usage)
	}
	t, ok := s.next(model)
	if !ok {
		t = Turn{}
	}
	if t.Body == nil && (t.Status == 0 || t.Status == http.StatusOK) {
		t, id := generate(t, call, model, stream, usage, s.started)
		s.Ledger.note(call, func(c *Call) { c.ID, c.Billed = id, t.Usage })
		return t
	}
	return t
}

// refusal is an error in the dialect's own envelope.
func refusal(dialect string, status int, kind, message string) Turn {
	return Turn{Status: status, Body: ErrorBody(dialect, kind, message)}
}

// ErrorBody is a dialect's error envelope.
func ErrorBody(dialect, kind, message string) []byte {
	text, _ := json.Marshal(message)
	if dialect == Anthropic {
		return fmt.Appendf(nil, `{"type":"error","error":{"type":%q,"message":%s},"request_id":"req_replay"}`, kind, text)
	}
	return fmt.Appendf(nil, `{"error":{"message":%s,"type":%q,"param":null,"code":null}}`, text, kind)
}
