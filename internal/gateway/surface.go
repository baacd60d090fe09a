package gateway

import (
	"net/http"
	"slices"
	"strings"

	"tollgate/internal/key"
	"tollgate/internal/provider"
)

// surface is one endpoint of the data plane: what it is for, and how its clients are spoken to.
type surface struct {
	methods  []string
	endpoint key.Endpoint
	dialect  provider.Client
	serve    func(http.ResponseWriter, *http.Request, visit)
	// cursor is the surface of a Responses body that came to chat/completions; nil elsewhere.
	cursor *surface
}

// visit is a request that found its surface.
type visit struct {
	*surface
	line provider.Line
}

// paths are the surfaces by their path, and the prefixes below which a name or an id follows.
type paths struct {
	exact map[string]*surface
	below []branch // the longest first
}

// branch is a path below which more follows.
type branch struct {
	prefix string
	find   func(r *http.Request, rest string) (visit, bool)
}

var (
	get  = []string{http.MethodGet}
	post = []string{http.MethodPost}
)

// layout names every path. An OpenAI client's base URL ends in /v1, that of others does not; all meet here.
func (g *Gateway) layout() paths {
	p := paths{exact: map[string]*surface{}}
	chat := g.call(key.ChatEndpoint, provider.OpenAIChat)
	chat.cursor = g.call(key.ChatEndpoint, provider.OpenAICursor)
	openai := func(path string, s *surface) { // a base URL may lack /v1
		p.exact["/v1"+path], p.exact[path] = s, s
	}
	openai("/chat/completions", chat)
	p.exact["/cursor/v1/chat/completions"], p.exact["/cursor/chat/completions"] = chat, chat
	openai("/completions", g.call(key.ChatEndpoint, provider.OpenAICompletions))
	openai("/responses", g.call(key.ChatEndpoint, provider.OpenAIResponses))
	openai("/responses/input_tokens", g.call(key.ChatEndpoint, provider.OpenAICount))
	openai("/embeddings", g.call(key.EmbeddingsEndpoint, provider.OpenAIEmbeddings))
	openai("/images/generations", g.call(key.ImagesEndpoint, provider.OpenAIImages))
	openai("/images/edits", g.call(key.ImagesEndpoint, provider.OpenAIImageEdits))
	openai("/audio/speech", g.call(key.AudioEndpoint, provider.OpenAISpeech))
	openai("/audio/transcriptions", g.call(key.AudioEndpoint, provider.OpenAITranscriptions))
	openai("/audio/translations", g.call(key.AudioEndpoint, provider.OpenAITranslations))
	openai("/moderations", g.call(key.ModerationsEndpoint, provider.OpenAIModerations))
	openai("/rerank", g.call(key.RerankEndpoint, provider.CohereRerank))
	p.exact["/v2/rerank"] = p.exact["/v1/rerank"]

	files := g.call(key.FilesEndpoint, provider.OpenAIFiles)
	files.methods = []string{http.MethodGet, http.MethodPost, http.MethodDelete}
	files.serve = g.files
	openai("/files", files)

	messages, count := g.call(key.ChatEndpoint, provider.AnthropicMessages), g.call(key.ChatEndpoint, provider.AnthropicCount)
	for _, base := range [...]string{"/v1/messages", "/anthropic/v1/messages"} {
		p.exact[base], p.exact[base+"/count_tokens"] = messages, count
	}

	models := &surface{get, key.ModelsEndpoint, g.client(provider.OpenAIChat), g.models, nil}
	openai("/models", models)
	p.exact["/anthropic/v1/models"] = &surface{get, key.ModelsEndpoint, g.client(provider.AnthropicMessages), g.models, nil}
	google := &surface{get, key.ModelsEndpoint, g.client(provider.Gemini), g.models, nil}
	gemini := g.gemini()
	for _, base := range [...]string{"/v1beta/models", "/gemini/v1beta/models", "/gemini/v1/models"} {
		p.exact[base] = google
		p.branch(base+"/", func(r *http.Request, rest string) (visit, bool) {
			if v, ok := gemini.find(r, rest); ok {
				return v, true
			}
			return named(google, rest), true
		})
	}
	for _, base := range [...]string{"/v1/models/", "/models/", "/anthropic/v1/models/"} { // ids hold slashes
		s := p.exact[strings.TrimSuffix(base, "/")]
		p.branch(base, func(r *http.Request, rest string) (visit, bool) {
			if v, ok := gemini.find(r, rest); ok { // Gemini's own /v1
				return v, true
			}
			return named(s, rest), true
		})
	}
	for _, base := range [...]string{"/v1/files", "/files"} {
		p.branch(base+"/", func(_ *http.Request, rest string) (visit, bool) {
			return visit{files, provider.Line{Rest: "/" + rest}}, tidy(rest)
		})
	}
	g.keyed(&p)
	probe := func(h http.HandlerFunc) *surface {
		return &surface{get, "", g.client(provider.OpenAIChat), func(w http.ResponseWriter, r *http.Request, _ visit) { h(w, r) }, nil}
	}
	p.exact["/livez"], p.exact["/readyz"] = probe(g.livez), probe(g.readyz)
	return p
}

func named(s *surface, name string) visit { return visit{s, provider.Line{Model: name}} }

func (p *paths) branch(prefix string, find func(*http.Request, string) (visit, bool)) {
	p.below = append(p.below, branch{prefix, find})
	slices.SortStableFunc(p.below, func(a, b branch) int { return len(b.prefix) - len(a.prefix) })
}

// tidy reports whether the rest of a path is one that a client writes: no empty, "." or ".." segment, no control characters.
func tidy(rest string) bool {
	return !crooked(rest) && !strings.Contains("/"+rest+"/", "//") && printable(rest)
}

// call is a surface on which model calls are made.
func (g *Gateway) call(endpoint key.Endpoint, dialect provider.Name) *surface {
	return &surface{post, endpoint, g.client(dialect), g.serve, nil}
}

// geminiActions are what can be done with a model in Gemini's paths: /models/{model}:{action}.
type geminiActions map[string]*surface

func (g *Gateway) gemini() geminiActions {
	return geminiActions{
		"generateContent":       g.call(key.ChatEndpoint, provider.Gemini),
		"streamGenerateContent": g.call(key.ChatEndpoint, provider.GeminiArray),
		"streamEvents":          g.call(key.ChatEndpoint, provider.Gemini), // streamGenerateContent?alt=sse
		"countTokens":           g.call(key.ChatEndpoint, provider.GeminiCount),
		"embedContent":          g.call(key.EmbeddingsEndpoint, provider.GeminiEmbed),
		"batchEmbedContents":    g.call(key.EmbeddingsEndpoint, provider.GeminiEmbedBatch),
	}
}

// find reads "gemini-2.5-flash:generateContent". A model's name may hold colons and slashes.
func (a geminiActions) find(r *http.Request, rest string) (visit, bool) {
	i := strings.LastIndexByte(rest, ':')
	if i <= 0 {
		return visit{}, false
	}
	model, action := rest[:i], rest[i+1:]
	stream := action == "streamGenerateContent"
	if stream && r.URL.Query().Get("alt") == "sse" {
		action = "streamEvents"
	}
	s, ok := a[action]
	return visit{s, provider.Line{Model: model, Stream: stream}}, ok && action != ""
}

// client is a dialect that must exist: a missing one is a wiring mistake and shows on the first start.
func (g *Gateway) client(name provider.Name) provider.Client {
	d, ok := g.Clients(name)
	if !ok {
		panic("gateway: no dialect " + string(name)) //nolint:forbidigo // wiring, before anything is served
	}
	return d
}

// find is the surface of a request. A path with another method is found and not served.
func (p *paths) find(r *http.Request) (visit, bool) {
	if s, ok := p.exact[r.URL.Path]; ok {
		return visit{surface: s}, true
	}
	for _, b := range p.below {
		rest, ok := strings.CutPrefix(r.URL.Path, b.prefix)
		if !ok || rest == "" {
			continue
		}
		return b.find(r, rest)
	}
	return visit{}, false
}

// answers reports whether the surface takes a method.
func (s *surface) answers(method string) bool {
	return slices.Contains(s.methods, method) || method == http.MethodHead && slices.Contains(s.methods, http.MethodGet) && s.endpoint != key.FilesEndpoint
}

// ServeHTTP routes by path; every path of the data plane stands in layout.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v, ok := g.surfaces.find(r)
	switch {
	case !ok:
		g.nowhere(w, r)
	case !v.answers(r.Method):
		w.Header().Set("Allow", strings.Join(v.methods, ", "))
		g.reject(w, v.dialect, ErrMethod.Say("%s answers %s only.", clip(r.URL.Path), strings.Join(v.methods, ", ")))
	default:
		v.line.Method, v.line.ContentType = r.Method, r.Header.Get("Content-Type")
		if v.endpoint == key.FilesEndpoint {
			v.line.Query = withoutKey(r)
		}
		v.serve(w, r, v)
	}
}

// withoutKey is the query of a request, but for the virtual key that a client may put there.
func withoutKey(r *http.Request) string {
	if !r.URL.Query().Has("key") {
		return r.URL.RawQuery
	}
	q := r.URL.Query()
	q.Del("key")
	return q.Encode()
}

// nowhere answers what is no path of ours, in the dialect that the client seems to speak.
func (g *Gateway) nowhere(w http.ResponseWriter, r *http.Request) {
	d := g.client(provider.OpenAIChat)
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/anthropic/"), r.Header.Get("Anthropic-Version") != "":
		d = g.client(provider.AnthropicMessages)
	case strings.HasPrefix(path, "/gemini/"), strings.HasPrefix(path, "/v1beta/"), r.Header.Get("X-Goog-Api-Key") != "":
		d = g.client(provider.Gemini)
	}
	g.reject(w, d, ErrNoRoute.Say("There is no endpoint %s. The base URL ends in /v1 for OpenAI clients, "+
		"and has no /v1 for Anthropic and Gemini clients.", clip(r.URL.Path)))
}

// livez says that the process serves requests, and nothing more.
func (g *Gateway) livez(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// readyz says whether calls can be served: a configuration, a log that can be written, and no shutdown under way.
func (g *Gateway) readyz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err := g.ready(); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(explain(err) + "\n"))
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}
