// Package static holds what a browser loads beside the pages: styles, fonts, scripts.
//
// Every file is embedded and known by a URL that names its content: /static/app.3f2a9c01b4de.css.
// Such a URL never changes meaning, so it is cached for a year; a new content is a new URL. Styles
// refer to fonts by relative name, and these names are replaced by content URLs when the set is made.
// Nothing is fetched from anywhere else, and nothing is computed while serving: gzip is made once.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// Prefix is the path under which Handler serves.
const Prefix = "/static/"

//go:embed files
var embedded embed.FS

// Set is the files with their URLs. It is made once and only read after that.
type Set struct {
	urls  map[string]string // name in the folder -> URL
	files map[string]file   // URL -> content
}

type file struct {
	contentType string
	etag        string
	body        []byte
	gzipped     []byte // nil when it saves nothing (fonts)
}

// types is closed: a file of another kind in the folder fails New, so nothing is served by guess.
var types = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".woff2": "font/woff2",
	".svg":   "image/svg+xml",
}

// New reads the embedded files.
func New() (*Set, error) {
	root, err := fs.Sub(embedded, "files")
	if err != nil {
		return nil, fmt.Errorf("static files: %w", err)
	}
	return newSet(root)
}

func newSet(root fs.FS) (*Set, error) {
	var names []string
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("static files: %w", err)
	}
	// Styles last: they name the URLs of the others.
	sort.SliceStable(names, func(i, j int) bool { return path.Ext(names[i]) != ".css" && path.Ext(names[j]) == ".css" })

	s := &Set{urls: map[string]string{}, files: map[string]file{}}
	for _, name := range names {
		if err := s.add(root, name); err != nil {
			return nil, fmt.Errorf("static file %s: %w", name, err)
		}
	}
	return s, nil
}

func (s *Set) add(root fs.FS, name string) error {
	ext := path.Ext(name)
	contentType, ok := types[ext]
	if !ok {
		return fmt.Errorf("no content type for %q", ext)
	}
	body, err := fs.ReadFile(root, name)
	if err != nil {
		return err
	}
	if ext == ".css" {
		if body, err = s.link(name, body); err != nil {
			return err
		}
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:6])
	url := Prefix + strings.TrimSuffix(name, ext) + "." + hash + ext
	s.urls[name] = url
	f := file{contentType: contentType, etag: strconv.Quote(hash), body: body}
	if ext != ".woff2" { // a compressed format already
		if f.gzipped, err = compress(body); err != nil {
			return err
		}
	}
	s.files[url] = f
	return nil
}

var cssURL = regexp.MustCompile(`url\("([^":#]+)"\)`)

// link replaces relative url("…") of a style sheet by content URLs.
func (s *Set) link(name string, css []byte) ([]byte, error) {
	var missing string
	out := cssURL.ReplaceAllFunc(css, func(m []byte) []byte {
		ref := path.Join(path.Dir(name), string(cssURL.FindSubmatch(m)[1]))
		url, ok := s.urls[ref]
		if !ok {
			missing = ref
		}
		return []byte(`url("` + url + `")`)
	})
	if missing != "" {
		return nil, fmt.Errorf("refers to %s, which is not there", missing)
	}
	return out, nil
}

func compress(body []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// URL is the address of a file of the folder, such as "app.css". A name that is not there gives the
// empty string; the tests hold every name the layout uses.
func (s *Set) URL(name string) string { return s.urls[name] }

// ServeHTTP answers GET and HEAD under Prefix.
func (s *Set) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	f, ok := s.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.contentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", f.etag)
	body := f.body
	if f.gzipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			// The encoded bytes are another representation, so they need another tag.
			h.Set("ETag", strings.TrimSuffix(f.etag, `"`)+`-gz"`)
			body = f.gzipped
		}
	}
	if matches(r.Header.Get("If-None-Match"), h.Get("ETag")) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the client has gone; there is nobody to tell
}

// acceptsGzip reads Accept-Encoding: gzip counts unless its weight is zero.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		q, found := strings.CutPrefix(strings.TrimSpace(params), "q=")
		if !found {
			return true
		}
		weight, err := strconv.ParseFloat(q, 64)
		return err == nil && weight > 0
	}
	return false
}

func matches(header, etag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		if strings.TrimPrefix(strings.TrimSpace(part), "W/") == etag {
			return true
		}
	}
	return false
}
