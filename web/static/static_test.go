package static

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func set(t *testing.T) *Set {
	t.Helper()
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func serve(s *Set, method, url string, header ...string) *http.Response {
	r := httptest.NewRequest(method, url, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func TestEveryFileIsServedUnderItsContentURL(t *testing.T) {
	t.Parallel()
	s := set(t)
	for name, url := range s.urls {
		res := serve(s, http.MethodGet, url)
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s at %s: %d", name, url, res.StatusCode)
		}
		if got := res.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("%s: Cache-Control %q is not immutable", name, got)
		}
		if res := serve(s, http.MethodGet, Prefix+name); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s without its hash: %d, want 404", name, res.StatusCode)
		}
	}
}

func TestStylesReferToContentURLsOnly(t *testing.T) {
	t.Parallel()
	s := set(t)
	for url, f := range s.files {
		if !strings.HasSuffix(url, ".css") {
			continue
		}
		for _, m := range regexp.MustCompile(`url\("?([^")]+)"?\)`).FindAllSubmatch(f.body, -1) {
			ref := string(m[1])
			if strings.HasPrefix(ref, "#") {
				continue
			}
			if _, ok := s.files[ref]; !ok {
				t.Errorf("%s refers to %q, which is not served", url, ref)
			}
		}
	}
}

func TestGzipIsTheSameContent(t *testing.T) {
	t.Parallel()
	s := set(t)
	url := s.URL("app.css")
	res := serve(s, http.MethodGet, url, "Accept-Encoding", "br, gzip")
	if got := res.Header.Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("Content-Encoding = %q, want gzip", got)
	}
	zr, err := gzip.NewReader(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(zr)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(s.files[url].body) {
		t.Error("the compressed style sheet differs from the plain one")
	}
	plain := serve(s, http.MethodGet, url, "Accept-Encoding", "gzip;q=0")
	if plain.Header.Get("Content-Encoding") != "" {
		t.Error("gzip was sent to a client that refuses it")
	}
	if plain.Header.Get("ETag") == res.Header.Get("ETag") {
		t.Error("plain and compressed bytes share a tag")
	}
}

func TestAKnownTagIsNotSentAgain(t *testing.T) {
	t.Parallel()
	s := set(t)
	url := s.URL("tokens.css")
	tag := serve(s, http.MethodGet, url).Header.Get("ETag")
	if res := serve(s, http.MethodGet, url, "If-None-Match", `"other", W/`+tag); res.StatusCode != http.StatusNotModified {
		t.Errorf("status %d, want 304", res.StatusCode)
	}
	if res := serve(s, http.MethodGet, url, "If-None-Match", `"other"`); res.StatusCode != http.StatusOK {
		t.Errorf("status %d for another tag, want 200", res.StatusCode)
	}
}

func TestOnlyReading(t *testing.T) {
	t.Parallel()
	s := set(t)
	if res := serve(s, http.MethodPost, s.URL("app.css")); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d, want 405", res.StatusCode)
	}
	res := serve(s, http.MethodHead, s.URL("app.css"))
	if b, _ := io.ReadAll(res.Body); len(b) != 0 || res.Header.Get("Content-Length") == "" {
		t.Errorf("HEAD sent %d bytes, Content-Length %q", len(b), res.Header.Get("Content-Length"))
	}
}

func TestABrokenSetIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := newSet(fstest.MapFS{"a.exe": {Data: []byte("x")}}); err == nil {
		t.Error("a file of unknown kind was accepted")
	}
	if _, err := newSet(fstest.MapFS{"a.css": {Data: []byte(`@font-face{src:url("fonts/x.woff2")}`)}}); err == nil {
		t.Error("a style sheet with a missing font was accepted")
	}
}

func TestAnotherContentIsAnotherURL(t *testing.T) {
	t.Parallel()
	url := func(body, font string) string {
		s, err := newSet(fstest.MapFS{"a.css": {Data: []byte(body)}, "f.woff2": {Data: []byte(font)}})
		if err != nil {
			t.Fatal(err)
		}
		return s.URL("a.css")
	}
	const css = `a{src:url("f.woff2")}`
	if url(css, "1") == url(css+" ", "1") {
		t.Error("a changed style sheet kept its URL")
	}
	if url(css, "1") == url(css, "2") {
		t.Error("a style sheet kept its URL though its font changed")
	}
}
