package gateway_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/gateway"
	"tollgate/internal/key"
	"tollgate/internal/secret"
)

func TestAKeyIsRefusedForItsOwnReason(t *testing.T) {
	t.Parallel()
	none := func(*key.Key) {}
	management := secret.NewToken(secret.Management).Reveal()
	tests := []struct {
		name    string
		change  func(*key.Key)
		present string // "" is the good key
		status  int
		code    string
	}{
		{"no key at all", none, "-", 401, "key.missing"},
		{"junk", none, "sk-proj-something", 401, "key.malformed"},
		{"a wrong checksum", none, "tg_live_" + strings.Repeat("A", 49), 401, "key.malformed"},
		{"a management token is the wrong kind", none, management, 401, "key.wrong_kind"},
		{"an unknown key", none, key.NewSecret("production").Reveal(), 401, "key.unknown"},
		{"a revoked key", func(k *key.Key) { k.RevokedAt = time.Unix(1, 0) }, "", 401, "key.revoked"},
		{"an expired key", func(k *key.Key) { k.ExpiresAt = time.Unix(1, 0) }, "", 401, "key.expired"},
		{"a wrong network", func(k *key.Key) { k.Networks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")} }, "", 403, "key.network"},
		{"a wrong endpoint", func(k *key.Key) { k.Endpoints = []key.Endpoint{key.ModelsEndpoint} }, "", 403, "key.endpoint"},
		{"a model out of scope", func(k *key.Key) { k.Aliases = []string{"fast"} }, "", 403, "key.model"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.connect("openai", answering(200, whole))
			tt.change(&w.key.Key)
			w.start()
			r := w.request("/v1/chat/completions", ask)
			switch tt.present {
			case "":
			case "-":
				r.Header.Del("Authorization")
			default:
				r.Header.Set("Authorization", "Bearer "+tt.present)
			}
			a := w.send(r)
			if a.status != tt.status || a.code() != tt.code {
				t.Errorf("%d %s, want %d %s", a.status, a.body, tt.status, tt.code)
			}
			if a.header.Get("x-tollgate-call-id") == "" || w.log.intended() != 0 {
				t.Errorf("call id %q, intents %d", a.header.Get("x-tollgate-call-id"), w.log.intended())
			}
			if tt.present != "" && strings.Contains(a.body, tt.present) && tt.present != "-" {
				t.Errorf("the answer repeats the key: %s", a.body)
			}
		})
	}
}

func TestAKeyIsTakenFromWhereverClientsPutIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.start()
	for _, header := range []string{"X-Api-Key", "Api-Key", "X-Goog-Api-Key"} {
		r := w.request("/v1/chat/completions", ask)
		r.Header.Del("Authorization")
		r.Header.Set(header, w.secret)
		if a := w.send(r); a.status != 200 {
			t.Errorf("%s: %d %s", header, a.status, a.body)
		}
	}
	r := w.request("/v1/chat/completions?key="+w.secret, ask)
	r.Header.Del("Authorization")
	if a := w.send(r); a.status != 200 {
		t.Errorf("?key=: %d %s", a.status, a.body)
	}
}

func TestForwardedAddressesAreBelievedFromTrustedProxiesOnly(t *testing.T) {
	t.Parallel()
	inside := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	tests := []struct {
		name    string
		trusted []netip.Prefix
		header  string
		status  int
	}{
		{"nobody is trusted by default", nil, "203.0.113.7", 403},
		{"a trusted proxy is believed", loopback, "203.0.113.7", 200},
		{"the last untrusted hop counts", loopback, "203.0.113.7, 198.51.100.1", 403},
		{"trusted hops are passed over", loopback, "198.51.100.1, 203.0.113.7, 10.1.1.1", 200},
		{"what the client itself wrote is not believed", loopback, "203.0.113.7, 198.51.100.9, 10.1.1.1", 403},
		{"an unreadable hop ends the trust", loopback, "203.0.113.7, banana", 403},
		{"no header: the proxy itself", loopback, "", 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.connect("openai", answering(200, whole))
			w.key.Networks = inside
			w.cfg.TrustedProxies = tt.trusted
			w.start()
			if a := w.chat(ask, "X-Forwarded-For", tt.header); a.status != tt.status {
				t.Errorf("%d %s, want %d", a.status, a.body, tt.status)
			}
		})
	}
}

func TestARefusalOfAKnownKeyIsRecordedAndOfAnUnknownOneIsNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	a := w.chat(`{"model":"no-such-model","messages":[]}`)
	r := w.log.last(t)
	if a.status != 404 || r.Outcome != "refused" || r.Status != 404 || r.ErrorCode != "model.not_found" || r.Requested != "no-such-model" {
		t.Errorf("%d %+v", a.status, r)
	}
	if len(r.Attempts) != 0 || r.Price != calllog.NoCharge || w.log.intended() != 0 {
		t.Errorf("a refused call has attempts %v, price %q", r.Attempts, r.Price)
	}
	req := w.request("/v1/chat/completions", ask)
	req.Header.Set("Authorization", "Bearer "+key.NewSecret("production").Reveal())
	w.send(req)
	if len(w.log.finals) != 1 {
		t.Errorf("%d records", len(w.log.finals))
	}
}

func TestPathsAndMethodsThatDoNotExistAreSaidInTheDialect(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	if a := w.post("/v1/embedding", "{}"); a.status != 404 || a.code() != "route.not_found" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := w.post("/anthropic/v1/nothing", "{}"); a.status != 404 || !strings.Contains(a.body, `"type":"error"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	req, _ := http.NewRequest(http.MethodGet, w.url+"/v1/chat/completions", nil)
	if a := w.send(req); a.status != 405 || a.header.Get("Allow") != "POST" {
		t.Errorf("%d %s %q", a.status, a.body, a.header.Get("Allow"))
	}
}

func TestReadinessFollowsSnapshotLogAndDrain(t *testing.T) {
	t.Parallel()
	w := newWorld(t).start()
	get := func(path string) int {
		req, _ := http.NewRequest(http.MethodGet, w.url+path, nil)
		return w.send(req).status
	}
	if get("/livez") != 200 || get("/readyz") != 200 {
		t.Fatal("a fresh gateway is not ready")
	}
	w.log.mu.Lock()
	w.log.sick = gateway.ErrLogUnavailable
	w.log.mu.Unlock()
	if get("/readyz") != 503 {
		t.Error("ready with a log that cannot be written")
	}
	w.log.mu.Lock()
	w.log.sick = nil
	w.log.mu.Unlock()
	w.gw.Drain()
	if get("/readyz") != 503 || get("/livez") != 200 {
		t.Error("a draining gateway is ready, or not alive")
	}
}
