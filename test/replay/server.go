package replay

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Server is the provider. A request's model chooses what is played: the path of a case (with a cutting behind "~"), or the script
// of that model, or a generated answer. The folder in front of its paths names the vendor that it plays: <URL>/<vendor>/v1.
type Server struct {
	URL    string
	Ledger *Ledger

	http    *http.Server
	started time.Time
	active  atomic.Int64
	peak    atomic.Int64

	mu      sync.Mutex
	cases   map[string]*Case
	plays   map[string]Play
	scripts map[string][]Turn
	answers func(*Call) Turn
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
	s := &Server{URL: "http://" + l.Addr().String(), Ledger: &Ledger{}, cases: map[string]*Case{}, plays: map[string]Play{}, scripts: map[string][]Turn{}, started: time.Now()}
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

// Peak is the most requests that were under way at once.
func (s *Server) Peak() int { return int(s.peak.Load()) }

// enter counts a request until leave is called.
func (s *Server) enter() (leave func()) {
	n := s.active.Add(1)
	for seen := s.peak.Load(); n > seen && !s.peak.CompareAndSwap(seen, n); seen = s.peak.Load() {
	}
	return func() { s.active.Add(-1) }
}

// Script says how the next requests for a model are answered, one turn each; the last one stays for all that follow.
func (s *Server) Script(model string, turns ...Turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[model] = turns
}

// Answer lets a function choose what every request is answered with for which there is neither a case nor a play. It is called by many
// goroutines and may read the call, not keep it. Of an answer that it leaves to be generated the ledger books Usage; whatever the turn, Bill.
func (s *Server) Answer(choose func(*Call) Turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = choose
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
	defer s.enter()()
	vendor, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	secret := presented(r)
	dialect, model, stream := recognize(r, vendor, rest)
	switch {
	case dialect == Models && secret != BadSecret:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"object":"list","data":[{"id":"model","type":"model","object":"model"}],"has_more":false}`)
		return
	case secret == BadSecret:
		dialect = OpenAI
		if vendor == "anthropic" {
			dialect = Anthropic
		}
	case dialect == "":
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
	call := s.Ledger.open(Call{
		Vendor: vendor, Dialect: dialect, Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery,
		Secret: secret, Header: r.Header.Clone(), Body: body, Start: time.Now(),
	})
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
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		ask.Model = formModel(body)
	} else {
		var broken *json.SyntaxError
		if err := json.Unmarshal(body, &ask); errors.As(err, &broken) && len(body) > 0 {
			s.play(w, r, call, refusal(dialect, http.StatusBadRequest, "invalid_request_error", "The body is not JSON."))
			return
		}
	}
	if model == "" {
		model = ask.Model
	}
	if ask.User == "" {
		ask.User = ask.Metadata.User
	}
	stream = stream || ask.Stream && dialect != Gemini && dialect != Converse
	if dialect == Ollama && !bytes.Contains(body, []byte(`"stream":false`)) {
		stream = true
	}
	s.Ledger.name(call, model, func(c *Call) { c.Stream, c.User = stream, ask.User })
	s.play(w, r, call, s.turn(call, body, model, stream, ask.Opts.Include))
}

// presented is the secret that a request shows; of a signature the id of the key that made it.
func presented(r *http.Request) string {
	auth := r.Header.Get("Authorization")
	if bearer, ok := strings.CutPrefix(auth, "Bearer "); ok {
		return bearer
	}
	if _, rest, ok := strings.Cut(auth, "AWS4-HMAC-SHA256 Credential="); ok {
		id, _, _ := strings.Cut(rest, "/")
		return id
	}
	for _, name := range [...]string{"X-Api-Key", "Api-Key", "X-Goog-Api-Key"} {
		if v := r.Header.Get(name); v != "" {
			return v
		}
	}
	return ""
}

// formModel is the model in a multipart body.
func formModel(body []byte) string {
	_, rest, ok := bytes.Cut(body, []byte(`name="model"`))
	if !ok {
		return ""
	}
	_, rest, _ = bytes.Cut(rest, []byte("\r\n\r\n"))
	value, _, _ := bytes.Cut(rest, []byte("\r\n"))
	return string(value)
}

// Play says what answers the request whose model ends in "~" and key.
type Play struct {
	Case    *Case
	Cutting Cutting
	Turn    *Turn // instead of a case
}

// Play sets what is played for a key, once and for all.
func (s *Server) Play(key string, p Play) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plays[key] = p
}

// turn chooses what is played.
func (s *Server) turn(call *Call, body []byte, model string, stream, usage bool) Turn {
	if call.Secret == BadSecret {
		return refusal(call.Dialect, http.StatusUnauthorized, "authentication_error", "invalid x-api-key: "+BadSecret)
	}
	name, cut, _ := strings.Cut(model, "~")
	s.mu.Lock()
	c := s.cases[name]
	key := KeyOf(model)
	if model == "" {
		key = bodyKey(body)
	}
	play, scripted := s.plays[key]
	s.mu.Unlock()
	switch {
	case play.Case != nil:
		c, cut = play.Case, string(play.Cutting)
	case scripted:
		t := Turn{}
		if play.Turn != nil {
			t = *play.Turn
		}
		return s.scripted(call, t, model, stream, usage)
	}
	if c != nil {
		s.Ledger.note(call, func(e *Call) { e.Case = c.Path })
		return caseTurn(c, Cutting(cut), usage)
	}
	s.mu.Lock()
	choose := s.answers
	s.mu.Unlock()
	if choose != nil {
		whole := *call // the ledger's entry may have no body
		whole.Body = body
		t := choose(&whole)
		s.Ledger.note(call, func(c *Call) { c.Bill = t.Bill })
		return s.scripted(call, t, model, stream, usage)
	}
	t, ok := s.next(model)
	if !ok {
		t = Turn{}
	}
	return s.scripted(call, t, model, stream, usage)
}

func (s *Server) scripted(call *Call, t Turn, model string, stream, usage bool) Turn {
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

// PlayBody sets what answers a request with exactly this body, for requests without a model.
func (s *Server) PlayBody(body []byte, p Play) { s.Play(bodyKey(body), p) }

func bodyKey(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
