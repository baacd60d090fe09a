package compile

import (
	"strings"

	"tollgate/internal/price"
)

// vendors maps the provider names of the files to ours, where the rule of vendor does not. Names of one provider's
// several APIs are folded into one: prices are the same.
var vendors = map[string]string{
	// LiteLLM
	"abliteration":                  "abliteration-ai",
	"aiml":                          "aimlapi",
	"azure_text":                    "azure-openai",
	"azure":                         "azure-openai",
	"bedrock_converse":              "bedrock",
	"bigmodel":                      "zhipuai",
	"cloudflare":                    "cloudflare-workers-ai",
	"cohere_chat":                   "cohere",
	"dashscope":                     "alibaba",
	"fireworks_ai":                  "fireworks",
	"fireworks_ai-embedding-models": "fireworks",
	"friendliai":                    "friendli",
	"gemini":                        "google-gemini",
	"gmi":                           "gmicloud",
	"hostinger_router":              "hostinger",
	"lm_studio":                     "lm-studio",
	"moonshot":                      "moonshotai",
	"novita":                        "novita-ai",
	"qwencloud":                     "alibaba", // LiteLLM's newer name of its international cloud
	"snowflake":                     "snowflake-cortex",
	"text-completion-codestral":     "codestral",
	"text-completion-inception":     "inception",
	"text-completion-openai":        "openai",
	"together_ai":                   "together",
	"xiaomi_mimo":                   "xiaomi",
	// models.dev
	"amazon-bedrock":           "bedrock",
	"azure-cognitive-services": "azure-openai",
	"fireworks-ai":             "fireworks",
	"google":                   "google-gemini",
	"google-vertex":            "vertex",
	"google-vertex-anthropic":  "vertex",
	"llama":                    "meta-llama",
	"lmstudio":                 "lm-studio",
	"nova":                     "amazon-nova",
	"nvidia":                   "nvidia-nim",
	"togetherai":               "together",
	"vercel":                   "vercel-ai-gateway",
}

// twins are further addresses of a vendor, each a vendor file of its own, that sell the same models at the same prices: no public list
// has them.
var twins = map[string][]string{
	"azure-openai": {"azure-openai-deployments"},
	"vertex":       {"vertex-global"},
	"voyage":       {"voyage-mongodb"},
}

// withTwins adds the records of the twins.
func withTwins(records []price.Record) []price.Record {
	out := records
	for _, r := range records {
		for _, twin := range twins[r.Provider] {
			r.Provider = twin
			out = append(out, r)
		}
	}
	return out
}

// vendor is our id for a provider name of a file: the table, then Vertex's families, then the name with dashes.
func vendor(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if v, ok := vendors[name]; ok {
		return v
	}
	if name == "vertex_ai" || strings.HasPrefix(name, "vertex_ai-") {
		return "vertex"
	}
	return strings.ReplaceAll(name, "_", "-")
}

// bare cuts the provider that LiteLLM writes before a model ("xai/grok-4.5", "vertex_ai/claude-…"). A first part that is
// another maker's name ("groq/openai/gpt-oss-120b" without its "groq/") belongs to the model.
func bare(provider, key string) string {
	first, rest, ok := strings.Cut(key, "/")
	if ok && rest != "" && vendor(first) == vendor(provider) {
		return rest
	}
	return key
}
