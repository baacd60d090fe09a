package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// gate is a client of the gateway under test, and the provider behind it.
type gate struct {
	*harness.Client
	owner    *harness.Tenant
	provider *replay.Server
	speaks   map[string][]string // vendor -> its dialects, by the program's own names
}

// aws is the form in which keys of Amazon are kept; the provider shows the id of the key that signed.
const awsKey = "AKIAEXAMPLE000000001"

// vendors are those that the tests connect, and what they need beside a secret.
func vendors() map[string]map[string]string {
	region := map[string]string{"region": "us-east-1"}
	place := map[string]string{"project": "example-project", "location": "us-east5"}
	list := map[string]map[string]string{
		"azure-openai": {"resource": "example"}, "azure-openai-deployments": {"resource": "example", "api_version": "2023-07-01-preview"},
		"bedrock": region, "bedrock-mantle": region, "vertex": place, "snowflake-cortex": {"account": "example"},
	}
	for _, v := range []string{
		"openai", "anthropic", "google-gemini", "cohere", "mistral", "ollama", "ollama-native", "openrouter", "perplexity", "groq",
		"deepseek", "xai", "together", "huggingface", "cerebras", "moonshotai", "vercel-ai-gateway", "voyage", "writer", "zai", "alibaba",
		"ai21", "litellm-proxy", "lm-studio", "custom", "custom-anthropic",
	} {
		list[v] = nil
	}
	return list
}

func secretOf(vendor string) string {
	if vendor == "bedrock" || vendor == "bedrock-mantle" {
		return `{"access_key_id":"` + awsKey + `","secret_access_key":"a-secret-of-forty-characters-for-the-test"}`
	}
	return "a-secret-for-" + vendor
}

// shown is what the provider sees of it.
func shown(vendor string) string {
	switch vendor {
	case "bedrock", "bedrock-mantle":
		return awsKey
	case "ollama", "ollama-native", "lm-studio":
		return ""
	}
	return secretOf(vendor)
}

func open(t *testing.T) *gate {
	t.Helper()
	provider, err := replay.Start(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	app := harness.Start(t, harness.Config{DatabaseURL: pgtest.URL(t)})
	owner := app.Bootstrap()
	g := &gate{app.Client(owner.Key), owner, provider, map[string][]string{}}
	g.connect(t)
	harness.Eventually(t, 10*time.Second, func() error { // the newest credential has reached the data plane, so all have
		got, err := g.call(replay.OpenAI, []byte(`{"model":"zai/warm-up","messages":[{"role":"user","content":"hi"}]}`))
		if err != nil {
			return err
		}
		return got.Failed()
	})
	return g
}

func (g *gate) connect(t *testing.T) {
	t.Helper()
	var page struct {
		Items []struct {
			ID       string   `json:"id"`
			BaseURL  string   `json:"base_url"`
			Dialects []string `json:"dialects"`
			Secret   bool     `json:"needs_secret"`
		} `json:"items"`
	}
	g.owner.Do(http.MethodGet, "/vendors", nil).Want(http.StatusOK).Into(&page)
	wanted := vendors()
	for _, v := range page.Items {
		settings, ok := wanted[v.ID]
		if !ok {
			continue
		}
		delete(wanted, v.ID)
		g.speaks[v.ID] = v.Dialects
		g.owner.Do(http.MethodPost, "/prices/overrides", map[string]any{"provider": v.ID, "model": "*", "rates": rates()}).Want(http.StatusCreated)
		body := map[string]any{"provider": v.ID, "name": v.ID + " of the test", "base_url": g.provider.URL + "/" + v.ID + basePath(v.BaseURL, settings)}
		if v.Secret {
			body["secret"] = secretOf(v.ID)
		}
		if settings != nil {
			body["settings"] = settings
		}
		g.owner.Do(http.MethodPost, "/credentials", body).Want(http.StatusCreated)
	}
	if len(wanted) > 0 {
		t.Fatalf("the program knows no vendors %v", wanted)
	}
}

// basePath is the path of a vendor's own base URL, so that the provider is called on the paths of the real one.
func basePath(base string, settings map[string]string) string {
	for name, value := range settings {
		base = strings.ReplaceAll(base, "{"+name+"}", value)
	}
	_, rest, ok := strings.Cut(base, "://")
	if !ok {
		return "/v1"
	}
	_, path, ok := strings.Cut(rest, "/")
	if !ok {
		return ""
	}
	return "/" + path
}

// knows reports whether a vendor is asked in one of the program's dialects.
func (g *gate) knows(vendor string, dialects ...string) bool {
	return slices.ContainsFunc(dialects, func(d string) bool { return slices.Contains(g.speaks[vendor], d) })
}

// natural is the vendor of a recording in the program's catalogue.
func natural(c *replay.Case) string {
	dialect, path := c.Meta.Dialect, c.Meta.Path
	switch provider := c.Meta.Provider; provider {
	case "azure":
		if strings.Contains(path, "/deployments/") {
			return "azure-openai-deployments"
		}
		return "azure-openai"
	case "google-ai":
		return "google-gemini"
	case "ollama":
		if dialect == replay.OpenAI {
			return "ollama"
		}
		return "ollama-native"
	case "snowflake":
		return "snowflake-cortex"
	case "vercel-gateway":
		return "vercel-ai-gateway"
	case "lmstudio":
		return "lm-studio"
	case "pydantic-gateway", "portkey", "gpustack", "local-openai", "replicate":
	default:
		if _, ok := vendors()[provider]; ok {
			return provider
		}
	}
	return anyVendor(dialect)
}

// anyVendor speaks a dialect, for recordings of those that the catalogue does not have.
func anyVendor(dialect string) string {
	switch dialect {
	case replay.Gemini, replay.Vertex:
		return "vertex"
	case replay.Converse, replay.Invoke:
		return "bedrock"
	case replay.Anthropic:
		return "custom-anthropic"
	case replay.Cohere:
		return "cohere"
	case replay.Ollama:
		return "ollama-native"
	case replay.Writer:
		return "writer"
	case replay.Mistral:
		return "mistral"
	}
	return "custom"
}

// call sends a call as a client of the dialect does; the body names the model.
func (g *gate) call(dialect string, body []byte) (*harness.Reply, error) {
	return g.Chat(context.Background(), dialect, body)
}

// ask is one request of a client.
type ask struct {
	surface string
	model   string
	body    []byte
	stream  bool
	array   bool   // gemini: without alt=sse
	path    string // instead of the surface's own
	header  []string
}

// send calls the gateway and notes the call's id.
func (g *gate) send(r *run, a ask) (*harness.Reply, error) {
	path, body := a.path, a.body
	if path == "" {
		path = endpoint(a)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	switch a.surface {
	case replay.Anthropic, replay.CountAnthropic:
		req.Header.Set("X-Api-Key", g.Key)
		req.Header.Set("Anthropic-Version", "2023-06-01")
	case replay.Gemini, replay.GeminiEmbed, replay.CountGemini:
		req.Header.Set("X-Goog-Api-Key", g.Key)
	default:
		req.Header.Set("Authorization", "Bearer "+g.Key)
	}
	for i := 0; i+1 < len(a.header); i += 2 {
		req.Header.Set(a.header[i], a.header[i+1])
	}
	got, err := g.Do(req)
	if err != nil {
		return nil, err
	}
	r.callID = got.Header.Get("X-Tollgate-Call-Id")
	return got, nil
}

// endpoint is the path of a surface.
func endpoint(a ask) string {
	named := func(action string) string { return harness.GeminiPath(a.model, action) }
	switch a.surface {
	case replay.OpenAI, replay.Responses, replay.Anthropic, replay.Gemini:
		if a.array && a.surface == replay.Gemini {
			return harness.GeminiPath(a.model, "streamGenerateContent")
		}
		return harness.Endpoint(a.surface, a.model, a.stream)
	case replay.CountAnthropic:
		return "/v1/messages/count_tokens"
	case replay.CountGemini:
		return named("countTokens")
	case replay.GeminiEmbed:
		return named("batchEmbedContents")
	case replay.CountResponses:
		return "/v1/responses/input_tokens"
	case replay.Completions:
		return "/v1/completions"
	case replay.Embeddings:
		return "/v1/embeddings"
	case replay.Moderations:
		return "/v1/moderations"
	case replay.Files:
		return "/v1/files"
	case replay.Rerank:
		return "/v1/rerank"
	}
	return ""
}

// arrived is what the provider got of a run, and whether it was asked in the way that was meant.
func (g *gate) arrived(r *run, got *harness.Reply) (replay.Call, error) {
	call, ok := g.provider.Ledger.ByKey(r.key())
	if !ok {
		return call, fmt.Errorf("nothing reached the provider: %d %s", got.Status, clip(got.Body))
	}
	if replay.Wire(call.Dialect) != replay.Wire(r.way.dialect) {
		return call, fmt.Errorf("the provider was asked in %s, not %s: %s", call.Dialect, r.way.dialect, call.Path)
	}
	if call.Vendor != r.way.vendor || call.Secret != shown(r.way.vendor) {
		return call, fmt.Errorf("%s got the secret %q", call.Vendor, call.Secret)
	}
	return call, nil
}

// unsupported reads the gateway's answer to a call that the target cannot express: the field.
func unsupported(got *harness.Reply) (field string, ok bool) {
	if got.Status != http.StatusBadRequest || !bytes.Contains(got.Body, []byte("request.unsupported_field")) {
		return "", false
	}
	var v any
	_ = json.Unmarshal(got.Body, &v)
	field = find(v, "param", "field")
	return field, field != ""
}

// find is the first string member of one of the names, in depth.
func find(v any, names ...string) string {
	switch x := v.(type) {
	case map[string]any:
		for _, name := range names {
			if s, ok := x[name].(string); ok && s != "" {
				return s
			}
		}
		for _, inner := range x {
			if s := find(inner, names...); s != "" {
				return s
			}
		}
	case []any:
		for _, inner := range x {
			if s := find(inner, names...); s != "" {
				return s
			}
		}
	}
	return ""
}

func clip(b []byte) string { return string(b[:min(len(b), 400)]) }
