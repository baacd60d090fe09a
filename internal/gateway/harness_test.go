package gateway_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/budget/lease"
	"tollgate/internal/budget/lease/leasetest"
	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/credential"
	"tollgate/internal/credential/sign"
	"tollgate/internal/egress"
	"tollgate/internal/gateway"
	"tollgate/internal/health"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/price"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/provider/flags"
	"tollgate/internal/secret"
	"tollgate/internal/snapshot"
)

// memoryLog keeps records, and can be made to fail or to wait.
type memoryLog struct {
	mu      sync.Mutex
	intents []calllog.Record
	finals  []calllog.Record
	voids   []id.Call
	sick    error
	onFinal func()
	refuses error // every final
	unable  error // every intent
	discard bool  // a benchmark keeps nothing
	news    chan struct{}
}

func newMemoryLog() *memoryLog { return &memoryLog{news: make(chan struct{}, 1024)} }

func copied(r *calllog.Record) calllog.Record {
	c := *r
	c.Tags = maps.Clone(r.Tags)
	c.Attempts = append([]calllog.Attempt(nil), r.Attempts...)
	c.Charges = append([]calllog.Charge(nil), r.Charges...)
	c.Checks = append([]calllog.Check(nil), r.Checks...)
	if r.Payload != nil {
		p := *r.Payload
		c.Payload = &p
	}
	return c
}

func (l *memoryLog) Intent(r *calllog.Record) error {
	if l.discard {
		return nil
	}
	if l.unable != nil {
		return l.unable
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.intents = append(l.intents, copied(r))
	return nil
}

func (l *memoryLog) Final(r *calllog.Record) error {
	if l.discard {
		return nil
	}
	if l.onFinal != nil {
		l.onFinal()
	}
	if l.refuses != nil {
		return l.refuses
	}
	l.mu.Lock()
	l.finals = append(l.finals, copied(r))
	l.mu.Unlock()
	l.news <- struct{}{}
	return nil
}

func (l *memoryLog) Void(call id.Call) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.voids = append(l.voids, call)
	return nil
}

func (l *memoryLog) Healthy() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sick
}

func (l *memoryLog) intended() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.intents)
}

// last waits for a record and returns it.
func (l *memoryLog) last(t testing.TB) calllog.Record {
	t.Helper()
	select {
	case <-l.news:
	case <-time.After(10 * time.Second):
		t.Fatal("the call was not recorded")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.finals[len(l.finals)-1]
}

// world is a gateway with one organization, and providers that are made by hand.
type world struct {
	t       testing.TB
	log     *memoryLog
	org     *snapshot.Org
	key     *snapshot.Key
	secret  string
	hasher  *key.Hasher
	cfg     gateway.Config
	gw      *gateway.Gateway
	url     string
	moment  func() time.Time
	sandbox http.RoundTripper
	keys    map[key.Hash]*snapshot.Key
	keyed   gateway.Keyed
	snap    atomic.Pointer[snapshot.Snapshot]
	upgrade func(key.Upgrade)
	also    []*snapshot.Org // beside org
	health  *health.Board
	auth    *leasetest.Authority // of budgets
	book    *lease.Book          // made with the first budget
	durable gateway.Durable

	other, stranger, loose string // secrets of keys, see strangers
}

func keyPrivacy(s string) key.Privacy { return key.Privacy(s) }

func newWorld(t testing.TB) *world {
	ring, err := secret.ParseKeyring(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, log: newMemoryLog(), hasher: key.NewHasher(ring), moment: time.Now, health: health.New(0), sandbox: sandboxOf()}
	w.cfg = gateway.Config{Proxy: "proxy-test"}
	w.org = &snapshot.Org{
		ID: "org_1", Aliases: map[string]*snapshot.Alias{}, Credentials: map[id.Credential]*snapshot.Credential{}, Default: map[string]id.Credential{},
		Prices: price.NewBook([]price.Record{
			{
				ID: "price_mini", Provider: "openai", Model: "gpt-4o-mini", ContextWindow: 128_000,
				Rates: price.Rates{}.Set(chat.Input, 150_000).Set(chat.Output, 600_000).Set(chat.CacheRead, 75_000),
			},
			{
				ID: "price_haiku", Provider: "anthropic", Model: "claude-haiku-4-5", ContextWindow: 200_000,
				Rates: price.Rates{}.Set(chat.Input, 1_000_000).Set(chat.Output, 5_000_000),
			},
			{ID: "price_echo", Provider: "sandbox", Model: "echo-mini", Rates: price.Rates{}.Set(chat.Input, 1000).Set(chat.Output, 2000)},
		}),
	}
	w.key, w.secret = w.addKey("production")
	return w
}

func (w *world) addKey(environment string) (*snapshot.Key, string) {
	if w.keys == nil {
		w.keys = map[key.Hash]*snapshot.Key{}
	}
	s := key.NewSecret(environment)
	k := &snapshot.Key{Org: w.org, Key: key.Key{ID: id.Key(id.New("key")), Team: "team_1", Environment: environment, Privacy: key.PrivacyMetadata}}
	w.keys[w.hasher.Hash(s)] = k
	return k, s.Reveal()
}

// connect gives the organization a credential for a vendor whose provider answers by h.
func (w *world) connect(vendor string, h http.HandlerFunc) {
	w.t.Helper()
	srv := httptest.NewServer(h)
	w.t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	w.connectURL(vendor, srv.URL)
}

func (w *world) connectURL(vendor, url string) {
	v, ok := catalog.Vendor(vendor)
	if !ok {
		w.t.Fatalf("no vendor %s", vendor)
	}
	c := snapshot.Credential{
		Credential: credential.Credential{ID: id.Credential(id.New("cred")), Provider: vendor, Name: "main " + vendor, Hint: "cdef"},
		Vendor:     v, Secret: secret.NewText("sk-provider-secret"), BaseURL: url,
	}
	w.org.Credentials[c.ID] = &c
	if w.org.Default[vendor] == "" {
		w.org.Default[vendor] = c.ID
	}
}

func (w *world) alias(name string, r alias.Route) {
	w.org.Aliases[name] = &snapshot.Alias{Alias: alias.Alias{ID: "alias_1", Name: name, Version: 3, Route: r, CreatedAt: time.Unix(1_700_000_000, 0)}}
}

// publish puts the configuration as it stands in force.
func (w *world) publish(rev int64) {
	w.snap.Store(snapshot.New(rev, time.Now(), append([]*snapshot.Org{w.org}, w.also...), w.keys))
}

// start serves the gateway. Configuration is not changed afterwards.
func (w *world) start() *world {
	w.t.Helper()
	w.publish(1)
	policy := egress.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	headerPolicy, err := flags.Default()
	if err != nil {
		w.t.Fatal(err)
	}
	w.gw = gateway.New(gateway.Deps{
		Snapshots: w.snap.Load, Upgrade: w.upgrade,
		Log: w.log, Hash: w.hasher.Hash, Vendors: catalog.Known, Clients: catalog.Client, Choose: catalog.Choose,
		Signer:    sign.New(w.t.Context(), sign.Config{Transport: policy.Client().Transport, Now: w.moment}),
		Flags:     func() *flags.Policy { return headerPolicy },
		Transport: gateway.NewTransport(policy), Sandbox: w.sandbox, Health: w.health, Budgets: w.book, Durable: w.durable, Now: w.moment,
		Logger: slog.New(slog.DiscardHandler), Keyed: w.keyed,
	}, w.cfg)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	srv := gateway.NewServer(w.gw, slog.New(slog.DiscardHandler))
	go func() { _ = srv.Serve(ln) }()
	w.t.Cleanup(func() {
		_ = srv.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := w.gw.Wait(ctx); err != nil {
			w.t.Errorf("calls are still under way: %v", err)
		}
	})
	w.url = "http://" + ln.Addr().String()
	return w
}

// answer is what a client got.
type answer struct {
	status  int
	header  http.Header
	trailer http.Header
	body    string
	err     error // of reading the body
}

// code is the stable code of an error answer.
func (a answer) code() string {
	var b struct {
		Error struct{ Code, Message, Type string } `json:"error"`
	}
	_ = json.Unmarshal([]byte(a.body), &b)
	return b.Error.Code
}

func (w *world) post(path, body string, headers ...string) answer {
	w.t.Helper()
	return w.send(w.request(path, body, headers...))
}

func (w *world) request(path, body string, headers ...string) *http.Request {
	w.t.Helper()
	r, err := http.NewRequest(http.MethodPost, w.url+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.secret)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func (w *world) send(r *http.Request) answer {
	w.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	resp, err := client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, resp.Trailer, string(b), err}
}

func (w *world) chat(body string, headers ...string) answer {
	return w.post("/v1/chat/completions", body, headers...)
}

// The bodies that hand-made providers answer.
const (
	ask       = `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}`
	askStream = `{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hi"}]}`
	whole     = `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o-mini-2024","choices":[{"index":0,"message":{"role":"assistant","content":"Hello."},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000,"completion_tokens":10,"total_tokens":1010,"prompt_tokens_details":{"cached_tokens":200}}}`

	roleChunk   = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}` + "\n\n"
	helloChunk  = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","model":"gpt-4o-mini","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}` + "\n\n"
	finishChunk = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","model":"gpt-4o-mini","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n"
	usageChunk  = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","model":"gpt-4o-mini","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":10,"total_tokens":1010}}` + "\n\n"
	doneChunk   = "data: [DONE]\n\n"
	errorChunk  = `data: {"error":{"message":"The server is overloaded","type":"overloaded_error","code":null}}` + "\n\n"

	limited = `{"error":{"message":"Rate limit reached","type":"requests","param":null,"code":"rate_limit_exceeded"}}`
)

func answering(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// pause as a part of a stream lets what came before arrive by itself: a provider that thinks.
const pause = ""

func streaming(parts ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		for _, p := range parts {
			if p == pause {
				select {
				case <-time.After(100 * time.Millisecond):
				case <-r.Context().Done():
				}
			}
			_, _ = io.WriteString(w, p)
			_ = http.NewResponseController(w).Flush()
		}
	}
}

// resetting sends parts and then resets the connection.
func resetting(parts ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		streaming(parts...)(w, r)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}
}
