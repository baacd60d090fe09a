package gateway

import (
	"net/http"
	"strings"

	"tollgate/internal/key"
	"tollgate/internal/provider"
)

// surface is one path of the data plane: what it is for, and how its clients are spoken to.
type surface struct {
	method   string
	endpoint key.Endpoint
	dialect  provider.Dialect
	serve    func(http.ResponseWriter, *http.Request, *surface)
}

// layout names every path. An Anthropic client's base URL has no /v1, an OpenAI client's ends in it; both meet here.
func (g *Gateway) layout() map[string]*surface {
	openai, anthropic := g.dialect(provider.OpenAIChat), g.dialect(provider.AnthropicMessages)
	completions := &surface{http.MethodPost, key.ChatEndpoint, openai, g.chat}
	messages := &surface{http.MethodPost, key.ChatEndpoint, anthropic, g.chat}
	models := &surface{http.MethodGet, key.ModelsEndpoint, openai, g.models}
	probe := func(h http.HandlerFunc) *surface {
		return &surface{http.MethodGet, "", openai, func(w http.ResponseWriter, r *http.Request, _ *surface) { h(w, r) }}
	}
	return map[string]*surface{
		"/v1/chat/completions":   completions,
		"/chat/completions":      completions, // a base URL without /v1
		"/v1/messages":           messages,
		"/anthropic/v1/messages": messages,
		"/v1/models":             models,
		"/models":                models,
		"/anthropic/v1/models":   models,
		"/livez":                 probe(g.livez),
		"/readyz":                probe(g.readyz),
	}
}

// dialect is one that must exist: a missing one is a wiring mistake and shows on the first start.
func (g *Gateway) dialect(name provider.Name) provider.Dialect {
	d, ok := g.Dialects(name)
	if !ok {
		panic("gateway: no dialect " + string(name)) //nolint:forbidigo // wiring, before anything is served
	}
	return d
}

// elsewhere answers what is no path of ours, or another method of one. /v1/models/{id} is here because ids hold slashes.
func (g *Gateway) elsewhere(w http.ResponseWriter, r *http.Request) {
	s, known := g.surfaces[r.URL.Path]
	if !known {
		if id, ok := modelPath(r.URL.Path); ok && r.Method == http.MethodGet {
			g.model(w, r, g.surfaces["/v1/models"], id)
			return
		}
		s = g.surfaces["/v1/chat/completions"]
		if strings.HasPrefix(r.URL.Path, "/anthropic/") || r.Header.Get("Anthropic-Version") != "" {
			s = g.surfaces["/v1/messages"]
		}
		g.reject(w, r, s, ErrNoRoute.Say("There is no endpoint %s. The base URL ends in /v1 for OpenAI clients, "+
			"and has no /v1 for Anthropic clients.", clip(r.URL.Path)))
		return
	}
	w.Header().Set("Allow", s.method)
	g.reject(w, r, s, ErrMethod.Say("%s answers %s only.", clip(r.URL.Path), s.method))
}

func modelPath(path string) (string, bool) {
	for _, prefix := range [...]string{"/v1/models/", "/models/", "/anthropic/v1/models/"} {
		if id, ok := strings.CutPrefix(path, prefix); ok && id != "" {
			return id, true
		}
	}
	return "", false
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
