package leak_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/key"
	"tollgate/internal/key/leak"
	"tollgate/internal/secret"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// github publishes one key, and signs with it.
type github struct {
	*httptest.Server
	private *ecdsa.PrivateKey
	id      string
	asked   atomic.Int64
	down    atomic.Bool
}

func newGitHub(t *testing.T) *github {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	g := &github{private: private, id: "90a421169f0a406205f1563a953312f0be"}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		g.asked.Add(1)
		if g.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"public_keys": []map[string]any{
			{"key_identifier": g.id, "key": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "is_current": true},
		}})
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *github) sign(t *testing.T, body []byte) string {
	t.Helper()
	sum := sha256.Sum256(body)
	sig, err := ecdsa.SignASN1(rand.Reader, g.private, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(sig)
}

// taker knows one token.
type taker struct {
	ours string
	got  []key.Leak
	err  error
}

func (k *taker) Take(_ context.Context, list []key.Leak) ([]key.Found, error) {
	k.got = append(k.got, list...)
	out := make([]key.Found, len(list))
	for i, l := range list {
		out[i].Ours = l.Token == k.ours
	}
	return out, k.err
}

func send(t *testing.T, h http.Handler, path string, body []byte, header map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const message = `[{"token":"tg_live_ours","type":"tollgate_key","url":"https://github.com/o/r/blob/1/a.env","source":"content"},{"token":"nobodys","type":"tollgate_key","url":"","source":"commit"}]`

func TestGitHubsMessageIsTakenOnlyWithItsSignature(t *testing.T) {
	t.Parallel()
	g := newGitHub(t)
	stranger := newGitHub(t)
	body := []byte(message)
	tests := []struct {
		name   string
		id     string
		sig    string
		body   []byte
		status int
	}{
		{"signed by GitHub", g.id, g.sign(t, body), body, 200},
		{"without a signature", "", "", body, 401},
		{"a signature that is no base64", g.id, "!!", body, 401},
		{"signed by another key", g.id, stranger.sign(t, body), body, 401},
		{"a key that GitHub does not publish", "other", g.sign(t, body), body, 401},
		{"the body was changed", g.id, g.sign(t, body), []byte(strings.Replace(message, "ours", "theirs", 1)), 401},
		{"a signed message that is no list", g.id, g.sign(t, []byte(`{}`)), []byte(`{}`), 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := &taker{ours: "tg_live_ours"}
			in := &leak.Intake{Leaks: k, GitHub: leak.NewGitHub(g.URL, g.Client(), func() time.Time { return noon }), Now: func() time.Time { return noon }, Logger: slog.New(slog.DiscardHandler)}
			w := send(t, in.Handler(), leak.GitHubPath, tt.body, map[string]string{"Github-Public-Key-Identifier": tt.id, "Github-Public-Key-Signature": tt.sig})
			if w.Code != tt.status {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
			if (w.Code == 200) != (len(k.got) == 2) {
				t.Errorf("%d leaks were acted upon", len(k.got))
			}
		})
	}
}

func TestTheAnswerTellsWhichTokensWereOurs(t *testing.T) {
	t.Parallel()
	g := newGitHub(t)
	k := &taker{ours: "tg_live_ours"}
	in := &leak.Intake{Leaks: k, GitHub: leak.NewGitHub(g.URL, g.Client(), func() time.Time { return noon }), Now: func() time.Time { return noon }, Logger: slog.New(slog.DiscardHandler)}
	w := send(t, in.Handler(), leak.GitHubPath, []byte(message), map[string]string{
		"Github-Public-Key-Identifier": g.id, "Github-Public-Key-Signature": g.sign(t, []byte(message)),
	})
	var got []map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got) != 2 {
		t.Fatalf("%s: %v", w.Body, err)
	}
	sum := sha256.Sum256([]byte("tg_live_ours"))
	if got[0]["label"] != "true_positive" || got[0]["token_hash"] != hex.EncodeToString(sum[:]) || got[0]["token_type"] != "tollgate_key" || got[1]["label"] != "false_positive" {
		t.Errorf("%v", got)
	}
	if strings.Contains(w.Body.String(), "tg_live_ours") {
		t.Error("the answer repeats a token")
	}
	if k.got[0].URL != "https://github.com/o/r/blob/1/a.env" || k.got[0].Source != "GitHub content" {
		t.Errorf("%+v", k.got[0])
	}
}

func TestGitHubsKeysAreKeptAndNotAskedForAgainAndAgain(t *testing.T) {
	t.Parallel()
	g := newGitHub(t)
	now := noon
	v := leak.NewGitHub(g.URL, g.Client(), func() time.Time { return now })
	body := []byte(`[]`)
	for range 3 {
		if err := v.Verify(t.Context(), g.id, g.sign(t, body), body); err != nil {
			t.Fatal(err)
		}
	}
	for range 50 { // a stranger cannot make us ask GitHub
		if err := v.Verify(t.Context(), "unknown", g.sign(t, body), body); !errors.Is(err, leak.ErrSignature) {
			t.Fatal(err)
		}
	}
	if n := g.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	g.down.Store(true)
	now = noon.Add(48 * time.Hour) // the list is old and cannot be read: the old one stands
	if err := v.Verify(t.Context(), g.id, g.sign(t, body), body); err != nil {
		t.Errorf("with an old list: %v", err)
	}
	fresh := leak.NewGitHub(g.URL, g.Client(), func() time.Time { return now })
	if err := fresh.Verify(t.Context(), g.id, g.sign(t, body), body); !errors.Is(err, leak.ErrKeys) {
		t.Errorf("without any list: %v", err)
	}
}

func TestAScannersMessageIsTakenOnlyWithTheSharedSecret(t *testing.T) {
	t.Parallel()
	shared := "a shared secret of a scanner"
	sign := func(by, stamp, body string) string {
		mac := hmac.New(sha256.New, []byte(by))
		mac.Write([]byte(stamp + "." + body))
		return "sha256=" + hex.EncodeToString(mac.Sum(nil))
	}
	now := strconv.FormatInt(noon.Unix(), 10)
	old := strconv.FormatInt(noon.Add(-6*time.Minute).Unix(), 10)
	tests := []struct {
		name, stamp, sig, body string
		status                 int
	}{
		{"signed", now, sign(shared, now, message), message, 200},
		{"signed by another", now, sign("another", now, message), message, 401},
		{"unsigned", now, "", message, 401},
		{"an old message", old, sign(shared, old, message), message, 401},
		{"an old message with a new time", now, sign(shared, old, message), message, 401},
		{"another body", now, sign(shared, now, message), `[]`, 401},
		{"too many", now, sign(shared, now, "["+strings.Repeat(`{"token":"x"},`, key.LeaksMax)+`{"token":"x"}]`), "[" + strings.Repeat(`{"token":"x"},`, key.LeaksMax) + `{"token":"x"}]`, 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := &taker{}
			in := &leak.Intake{Leaks: k, Secret: secret.NewText(shared), Now: func() time.Time { return noon }, Logger: slog.New(slog.DiscardHandler)}
			w := send(t, in.Handler(), leak.SignedPath, []byte(tt.body), map[string]string{"X-Tollgate-Timestamp": tt.stamp, "X-Tollgate-Signature": tt.sig})
			if w.Code != tt.status || (w.Code == 200) != (len(k.got) > 0) {
				t.Errorf("status %d, %d acted upon: %s", w.Code, len(k.got), w.Body)
			}
		})
	}
	closed := &leak.Intake{Leaks: &taker{}, Now: func() time.Time { return noon }, Logger: slog.New(slog.DiscardHandler)}
	for _, path := range []string{leak.SignedPath, leak.GitHubPath} {
		if w := send(t, closed.Handler(), path, []byte(`[]`), nil); w.Code != 404 {
			t.Errorf("%s without a way to verify: %d", path, w.Code)
		}
	}
}

func TestWhatCouldNotBeActedUponIsSentAgain(t *testing.T) {
	t.Parallel()
	g := newGitHub(t)
	k := &taker{err: fault.New(fault.Unavailable, "test.down", "Down.")}
	in := &leak.Intake{Leaks: k, GitHub: leak.NewGitHub(g.URL, g.Client(), func() time.Time { return noon }), Now: func() time.Time { return noon }, Logger: slog.New(slog.DiscardHandler)}
	w := send(t, in.Handler(), leak.GitHubPath, []byte(message), map[string]string{
		"Github-Public-Key-Identifier": g.id, "Github-Public-Key-Signature": g.sign(t, []byte(message)),
	})
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d: a scanner would not send it again", w.Code)
	}
}
