package catalog_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
)

// recorded is where a real call went.
type recorded struct {
	Provider, Dialect, Method, Host, Path, Query, Model string
	Status                                              int
	Stream                                              bool
	name                                                string
}

func recordings(t *testing.T) []recorded {
	t.Helper()
	root, ok := shared(t, ".")
	if !ok {
		return nil
	}
	metas, err := filepath.Glob(filepath.Join(root, "*", "*", "meta.json"))
	if err != nil || len(metas) < 500 {
		t.Fatalf("%d recordings, %v", len(metas), err)
	}
	var out []recorded
	for _, meta := range metas {
		raw, err := os.ReadFile(meta)
		if err != nil {
			t.Fatal(err)
		}
		r := recorded{name: filepath.Base(filepath.Dir(meta))}
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatalf("%s: %v", meta, err)
		}
		out = append(out, r)
	}
	return out
}

// vendorsOf are the vendors that a recording's provider is, and dialectsOf our names for its wire format.
func vendorsOf() map[string][]string {
	return map[string][]string{
		"ai21": {"ai21"}, "anthropic": {"anthropic"}, "azure": {"azure-openai", "azure-openai-deployments", "azure-ai"}, "bedrock": {"bedrock"},
		"bedrock-mantle": {"bedrock-mantle"}, "cerebras": {"cerebras"}, "cohere": {"cohere"}, "deepseek": {"deepseek"}, "google-ai": {"google-gemini"},
		"groq": {"groq"}, "huggingface": {"huggingface"}, "mistral": {"mistral"}, "ollama": {"ollama", "ollama-native", "ollama-cloud"}, "openai": {"openai"},
		"openrouter": {"openrouter"}, "perplexity": {"perplexity"}, "snowflake": {"snowflake-cortex"}, "together": {"together"},
		"vercel-gateway": {"vercel-ai-gateway"}, "vertex": {"vertex", "vertex-global"}, "voyage": {"voyage"}, "writer": {"writer"}, "xai": {"xai"},
		"zai": {"zai", "zai-coding-plan"},
	}
}

func dialectsOf() map[string][]provider.Name {
	return map[string][]provider.Name{
		"openai-chat": {provider.OpenAIChat}, "mistral-chat": {provider.OpenAIChat}, "writer-chat": {provider.OpenAIChat},
		"openai-responses": {provider.OpenAIResponses}, "openai-completions": {provider.OpenAICompletions}, "openai-embeddings": {provider.OpenAIEmbeddings},
		"openai-moderations": {provider.OpenAIModerations}, "openai-responses-input-tokens": {provider.OpenAICount},
		"anthropic-messages": {provider.AnthropicMessages}, "anthropic-count-tokens": {provider.AnthropicCount}, "anthropic-vertex": {provider.AnthropicVertex},
		"gemini-generate": {provider.Gemini}, "gemini-count-tokens": {provider.GeminiCount, provider.VertexCount},
		"gemini-embed": {provider.GeminiEmbed, provider.GeminiEmbedBatch}, "bedrock-converse": {provider.BedrockConverse},
		"bedrock-count-tokens": {provider.BedrockCount}, "cohere-chat-v2": {provider.CohereChat}, "cohere-embed": {provider.CohereEmbed},
		"cohere-rerank": {provider.CohereRerank}, "openrouter-rerank": {provider.JinaRerank}, "voyage-embeddings": {provider.VoyageEmbed},
		"voyage-rerank": {provider.VoyageRerank}, "ollama-chat": {provider.OllamaChat},
	}
}

// Real calls went to an address that the vendor's file gives for their dialect. What went elsewhere is counted and has a reason.
func TestRecordedCallsWentWhereTheFilesSay(t *testing.T) {
	t.Parallel()
	all := recordings(t)
	if all == nil {
		return
	}
	elsewhere := map[string]string{ // by part of the address
		"//api.cohere.com/v1/":         "the API before v2",
		"/v1beta1/projects/":           "the beta of Vertex's API, with the same paths",
		"//api.together.xyz/":          "an older host of Together's",
		"//openai/deployments/":        "a client with one slash too many",
		".openai.azure.com/chat/":      "a wrong base URL, answered 404",
		"//placeholder/":               "the recorder hid the host",
		"//localhost/":                 "another name of the machine itself",
		"//api.deepseek.com/v1/":       "a second spelling of the same address",
		"//api.deepseek.com/beta/chat": "the beta of the same API",
		"/us.anthropic.claude-sonnet-4-20250514-v1:0/count-tokens": "an inference profile, which is refused there: the model itself is asked about",
		"//router.huggingface.co/together":                         "the router's path for one provider; /v1 serves them all",
		"//router.huggingface.co/nebius":                           "the router's path for one provider; /v1 serves them all",
	}
	matched, excused := 0, map[string]int{}
	for _, r := range all {
		ids, names := vendorsOf()[r.Provider], dialectsOf()[r.Dialect]
		if len(ids) == 0 || len(names) == 0 || r.Host == "" || r.Method != "POST" {
			continue
		}
		if went(r, ids, names) {
			matched++
			continue
		}
		reason := ""
		for part := range elsewhere {
			if strings.Contains("https://"+r.Host+r.Path, part) {
				reason = part
			}
		}
		if reason == "" {
			t.Errorf("%s: %s asked https://%s%s?%s", r.name, r.Dialect, r.Host, r.Path, r.Query)
		}
		excused[reason]++
	}
	t.Logf("%d recorded calls went where the vendors' files say; elsewhere: %v", matched, excused)
	for part, why := range elsewhere {
		if excused[part] == 0 {
			t.Errorf("no call went to %s (%s)", part, why)
		}
	}
	if matched < 500 {
		t.Errorf("only %d calls were compared", matched)
	}
}

// went compares a call's address with what a vendor's file gives. What a setting fills in may be anything in one segment.
func went(r recorded, ids []string, names []provider.Name) bool {
	path, err := url.PathUnescape(r.Path)
	if err != nil {
		path = r.Path
	}
	for _, id := range ids {
		v, _ := catalog.Vendor(id)
		settings := map[string]string{}
		for _, f := range v.Fields {
			settings[f.Name] = "ANY"
		}
		for _, way := range v.Speaks {
			for _, name := range names {
				if way.Dialect != name {
					continue
				}
				target, _ := catalog.Target(name)
				base := v.Base(settings)
				if way.BaseURL != "" {
					base = way.BaseURL
				}
				for n, model := range []string{r.Model, modelIn(path), r.Model, modelIn(path)} {
					address := way.Address(base, target.Path(provider.Head{Model: model, Stream: n >= 2}, model), model, settings)
					address, _, _ = strings.Cut(address, "?")
					if plain, err := url.PathUnescape(address); err == nil {
						address = plain
					}
					pattern := strings.ReplaceAll(regexp.QuoteMeta(address), "ANY", "[^/]+")
					if ok, _ := regexp.MatchString("^https?://"+strings.TrimPrefix(strings.TrimPrefix(pattern, "https://"), "http://")+"$", "https://"+local(r.Host)+path); ok {
						return true
					}
				}
			}
		}
	}
	return false
}

// local gives a server on the machine itself its usual port, which recordings leave out.
func local(host string) string {
	if host == "127.0.0.1" {
		return "127.0.0.1:11434"
	}
	return host
}

// modelIn is the model that a path names, where it does.
func modelIn(path string) string {
	for _, before := range []string{"/models/", "/model/", "/deployments/"} {
		if _, rest, ok := strings.Cut(path, before); ok {
			if i := strings.LastIndexAny(rest, ":"); i > 0 && before == "/models/" {
				return rest[:i]
			}
			if before == "/model/" { // an ARN has slashes of its own
				return rest[:max(0, strings.LastIndex(rest, "/"))]
			}
			model, _, _ := strings.Cut(rest, "/")
			return model
		}
	}
	return ""
}
