package client

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/gateway"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/snapshot"
)

// deaf is a call log that keeps nothing.
type deaf struct{}

func (deaf) Intent(*calllog.Record) error { return nil }
func (deaf) Final(*calllog.Record) error  { return nil }
func (deaf) Void(id.Call) error           { return nil }
func (deaf) Healthy() error               { return nil }

// doors is a gateway that knows no key: it refuses every call, but tells a path that it serves (401, or 405 for another method) from one
// that it does not (404).
func doors() http.Handler {
	snap := snapshot.New(1, noon(), nil, nil)
	return gateway.New(gateway.Deps{
		Snapshots: func() *snapshot.Snapshot { return snap }, Log: deaf{}, Hash: func(key.Secret) key.Hash { return key.Hash{} },
		Vendors: catalog.Known, Clients: catalog.Client, Choose: catalog.Choose, Now: func() time.Time { return noon() }, Logger: slog.New(slog.DiscardHandler),
	}, gateway.Config{})
}

func served(t *testing.T, h http.Handler, path string) bool {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("{}"))
	r.Header.Set("Authorization", "Bearer "+key.NewSecret("production").Reveal())
	h.ServeHTTP(w, r)
	if _, err := io.ReadAll(w.Body); err != nil {
		t.Fatal(err)
	}
	switch w.Code {
	case http.StatusUnauthorized, http.StatusMethodNotAllowed:
		return true
	case http.StatusNotFound:
	default:
		t.Errorf("%s: %d, which says nothing", path, w.Code)
	}
	return false
}

// base finds the addresses of the gateway in a text.
var base = regexp.MustCompile(`https://gateway\.example[^\s"'` + "`" + `,;)\\]*`)

func TestTheGatewayServesWhatEverySnippetAsks(t *testing.T) {
	t.Parallel()
	h := doors()
	if served(t, h, "/v1/chat/completion") || served(t, h, "/v1/v1/messages") || !served(t, h, "/v1/messages") {
		t.Fatal("the gateway does not tell paths apart")
	}
	check := func(where, text string, adds []string) {
		found := base.FindAllString(text, -1)
		if len(found) > 0 != (len(adds) > 0) {
			t.Errorf("%s names %d addresses and adds %q", where, len(found), adds)
		}
		for _, url := range found {
			for _, add := range adds {
				if path := strings.TrimPrefix(url, "https://gateway.example") + add; !served(t, h, path) {
					t.Errorf("%s asks for %s, which is not served", where, path)
				}
			}
		}
	}
	for name, c := range variants() {
		if strings.HasPrefix(c.Gateway, "http://") {
			continue
		}
		fill := c.filler()
		var all []entry
		for _, g := range c.groups() {
			all = append(all, g.entries...)
		}
		for _, e := range append(all, c.endpoints()...) {
			for _, s := range e.code {
				check(name+": "+e.name+", "+s.name, fill.Replace(s.code), s.adds)
			}
			var typed strings.Builder
			for _, f := range e.facts {
				typed.WriteString(f.Text + "\n")
			}
			check(name+": "+e.name, typed.String(), e.adds)
		}
	}
}
