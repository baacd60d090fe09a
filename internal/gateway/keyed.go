package gateway

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"time"

	"tollgate/internal/batch"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/provider"
	"tollgate/internal/snapshot"
	"tollgate/internal/visitor"
)

// KeyHandler serves an endpoint that needs a virtual key and is no model call: batches, files, jobs, feedback. It answers by w, or
// returns an error before it has written anything; the error is then told in the dialect of the client.
type KeyHandler func(w http.ResponseWriter, r *http.Request, k *snapshot.Key) error

// Keyed are the endpoints that stand beside model calls. One that is nil is not served here.
type Keyed struct {
	Batches  KeyHandler // /v1/batches and what is below it
	Messages KeyHandler // /v1/messages/batches, in Anthropic's shape
	Files    KeyHandler // files of batches; see files
	Jobs     KeyHandler // /v1/jobs/{id}
	Feedback KeyHandler // /v1/feedback
	Self     KeyHandler // /v1/key: what the key is; see Introspect
	// Defer takes a call that the client marks as one that may be answered later; see postpone.
	Defer Deferral
}

// keyed lays the paths of Keyed.
func (g *Gateway) keyed(p *paths) {
	lay := func(path string, s *surface) {
		for _, base := range [...]string{"/v1" + path, path} {
			p.exact[base] = s
			p.branch(base+"/", func(_ *http.Request, rest string) (visit, bool) {
				return visit{s, provider.Line{Rest: "/" + rest}}, tidy(rest)
			})
		}
	}
	if h := g.Keyed.Batches; h != nil {
		lay("/batches", g.keySurface(key.BatchesEndpoint, provider.OpenAIChat, h, http.MethodGet, http.MethodPost))
	}
	if h := g.Keyed.Jobs; h != nil {
		lay("/jobs", g.keySurface(key.BatchesEndpoint, provider.OpenAIChat, h, http.MethodGet, http.MethodPost))
	}
	if h := g.Keyed.Feedback; h != nil {
		lay("/feedback", g.keySurface("", provider.OpenAIChat, h, http.MethodPost))
	}
	if h := g.Keyed.Self; h != nil {
		s := g.keySurface("", provider.OpenAIChat, h, http.MethodGet)
		for _, path := range [...]string{"/v1/key", "/key", "/api/v1/key", "/v1/auth/key", "/api/v1/auth/key"} { // the last two are what it was called before
			p.exact[path] = s
		}
	}
	if h := g.Keyed.Messages; h != nil {
		s := g.keySurface(key.BatchesEndpoint, provider.AnthropicMessages, h, http.MethodGet, http.MethodPost, http.MethodDelete)
		lay("/messages/batches", s)
		p.exact["/anthropic/v1/messages/batches"] = s
		p.branch("/anthropic/v1/messages/batches/", func(_ *http.Request, rest string) (visit, bool) {
			return visit{s, provider.Line{Rest: "/" + rest}}, tidy(rest)
		})
	}
}

// keySurface is an endpoint that a KeyHandler serves. An empty endpoint is open to every key.
func (g *Gateway) keySurface(endpoint key.Endpoint, dialect provider.Name, h KeyHandler, methods ...string) *surface {
	s := &surface{methods: methods, endpoint: endpoint, dialect: g.client(dialect)}
	s.serve = func(w http.ResponseWriter, r *http.Request, v visit) { g.serveKeyed(w, r, v, h) }
	return s
}

// serveKeyed authenticates and hands on.
func (g *Gateway) serveKeyed(w http.ResponseWriter, r *http.Request, v visit, h KeyHandler) {
	g.inside.Add(1)
	defer g.inside.Done()
	k, err := g.keyOf(r)
	if err == nil {
		err = allowed(k, visitor.Address(r, g.cfg.TrustedProxies), v.endpoint, g.Now(), false)
	}
	if err != nil {
		g.reject(w, v.dialect, err)
		return
	}
	g.patience(w, v)
	w.Header()[callIDHeader] = []string{id.NewCall().String()}
	if err := h(w, r, k); err != nil {
		g.reject(w, v.dialect, err)
	}
}

// files serves /v1/files: files of batches are kept here, all others by the provider that the client names. Ours are known by their
// ids, and an upload by its purpose.
func (g *Gateway) files(w http.ResponseWriter, r *http.Request, v visit) {
	h := g.Keyed.Files
	rest := strings.TrimPrefix(v.line.Rest, "/")
	switch {
	case h == nil || r.Header.Get(vendorHeader) != "":
		g.serve(w, r, v)
	case rest == "" && r.Method == http.MethodPost:
		g.uploads(w, r, v, h)
	case rest == "" || ownFile.MatchString(rest):
		g.serveKeyed(w, r, v, h)
	default:
		g.serve(w, r, v)
	}
}

// ownFile is the path of a file of ours. OpenAI's begin with "file-", and no provider's with an id of our alphabet.
var ownFile = regexp.MustCompile(`^file_[0-9a-hjkmnp-tv-z]{26}(/content)?$`)

// uploads looks for the purpose of an upload, which may stand behind the file, and replays what it has read.
func (g *Gateway) uploads(w http.ResponseWriter, r *http.Request, v visit, h KeyHandler) {
	if _, err := g.lister(r, v); err != nil { // before anything is read
		g.reject(w, v.dialect, err)
		return
	}
	g.patience(w, v)
	var seen bytes.Buffer
	body := r.Body
	purpose, whole := purposeOf(r.Header.Get("Content-Type"), io.TeeReader(io.LimitReader(body, g.cfg.BodyMax), &seen))
	r.Body = replay{io.MultiReader(&seen, body), body}
	// A file too large to pass on can only be for us.
	if purpose == batch.PurposeBatch || !whole && int64(seen.Len()) >= g.cfg.BodyMax {
		g.serveKeyed(w, r, v, h)
		return
	}
	g.serve(w, r, v)
}

// replay is a body whose beginning was read.
type replay struct {
	io.Reader
	io.Closer
}

// purposeOf reads a form up to its purpose; whole reports that the form was read to its end or its purpose.
func purposeOf(contentType string, body io.Reader) (purpose string, whole bool) {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["boundary"] == "" {
		return "", true
	}
	form := multipart.NewReader(body, params["boundary"])
	for {
		part, err := form.NextPart()
		if err != nil {
			return "", errors.Is(err, io.EOF)
		}
		if part.FormName() == "purpose" {
			b, err := io.ReadAll(io.LimitReader(part, 64))
			return string(b), err == nil
		}
	}
}

// patience bounds the time in which a request's body comes.
func (g *Gateway) patience(w http.ResponseWriter, v visit) {
	limit := g.cfg.BodyTimeout
	if v.endpoint == key.FilesEndpoint {
		limit = max(limit, uploadTime)
	}
	_ = http.NewResponseController(w).SetReadDeadline(g.Now().Add(limit))
}

// uploadTime is how long a file may take to come.
const uploadTime = 15 * time.Minute
