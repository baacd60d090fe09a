package e2e

import (
	"maps"
	"slices"
)

// faces are the surfaces by the names that the scripts use.
func faces() map[string]string {
	return map[string]string{
		"chat":              "/v1/chat/completions",
		"messages":          "/v1/messages",
		"responses":         "/v1/responses",
		"gemini":            "/v1beta/models/{m}:generateContent",
		"completions":       "/v1/completions",
		"embeddings":        "/v1/embeddings",
		"images":            "/v1/images/*",
		"speech":            "/v1/audio/speech",
		"transcriptions":    "/v1/audio/transcriptions, translations",
		"moderations":       "/v1/moderations",
		"files":             "/v1/files",
		"models":            "/v1/models",
		"tokens":            "/v1/messages/count_tokens",
		"gemini-tokens":     "/v1beta/models/{m}:countTokens",
		"gemini-embeddings": "/v1beta/models/{m}:batchEmbedContents",
		"gemini-models":     "/v1beta/models",
	}
}

// chats reports whether a surface is for chat calls, which all chat models answer.
func chats(face string) bool {
	return slices.Contains([]string{"chat", "messages", "responses", "gemini"}, face)
}

// modelsFor are the names that clients call on a surface.
func modelsFor(face string) []string {
	switch face {
	case "models":
		return []string{"*", "by-anthropic"}
	case "gemini-models":
		return []string{"*", "by-anthropic"}
	case "tokens", "gemini-tokens":
		return []string{"by-anthropic"}
	case "embeddings", "gemini-embeddings":
		return []string{"embedder"}
	case "images":
		return []string{"openai/gpt-image-1"}
	case "speech":
		return []string{"openai/gpt-4o-mini-tts"}
	case "transcriptions":
		return []string{"openai/whisper-1"}
	case "moderations":
		return []string{"openai/omni-moderation-latest"}
	case "completions":
		return []string{"openai/gpt-3.5-turbo-instruct"}
	case "files":
		return []string{"openai"}
	}
	return slices.Sorted(maps.Keys(backs()))
}

// full is what a client with everything does on a chat surface.
func full(more ...string) []string {
	return append([]string{"whole", "stream", "tools", "tools-stream", "structured", "image", "limited", "limited-stream"}, more...)
}

func without(steps []string, step string) []string {
	return slices.DeleteFunc(slices.Clone(steps), func(s string) bool { return s == step })
}

// limitedBy is how a client shows a provider's rate limit.
func limitedBy(name string, call bool) map[string]class {
	c := class{name, 429, call}
	return map[string]class{"limited": c, "limited-stream": c}
}

func and(all map[string]class, more map[string]class) map[string]class {
	maps.Copy(all, more)
	return all
}

// openaiErrors are the OpenAI SDKs' classes, which differ by language only in the one for a broken stream.
func openaiErrors(broken string) map[string]class {
	return and(limitedBy("RateLimitError", true), map[string]class{
		"bad-key":       {"AuthenticationError", 401, true},
		"bad-model":     {"NotFoundError", 404, true},
		"broken-stream": {broken, 0, true},
	})
}

func anthropicErrors(overloaded, broken string) map[string]class {
	return and(limitedBy("RateLimitError", true), map[string]class{
		"bad-key":       {"AuthenticationError", 401, true},
		"bad-model":     {"NotFoundError", 404, true},
		"overloaded":    {overloaded, 529, true},
		"broken-stream": {broken, 0, true},
	})
}

func googleErrors(client, server string) map[string]class {
	return and(limitedBy(client, true), map[string]class{
		"bad-key":       {client, 401, true},
		"bad-model":     {client, 404, true},
		"broken-stream": {server, 0, true},
	})
}

// goErrors are one type with the status in it.
func goErrors(name, broken string) map[string]class {
	return and(limitedBy(name, true), map[string]class{
		"bad-key":       {name, 401, true},
		"bad-model":     {name, 404, true},
		"overloaded":    {name, 529, true},
		"broken-stream": {broken, 0, true},
	})
}

// rest is what the OpenAI SDKs do beside chat.
func rest(all map[string]face) map[string]face {
	maps.Copy(all, map[string]face{
		"embeddings":     {steps: []string{"embed", "embed-floats"}},
		"completions":    {steps: []string{"completion"}, finish: "stop"},
		"images":         {steps: []string{"generate", "edit"}},
		"speech":         {steps: []string{"speech", "speech-stream"}},
		"transcriptions": {steps: []string{"transcription", "translation"}},
		"moderations":    {steps: []string{"moderation"}},
		"files":          {steps: []string{"files"}},
		"models":         {steps: []string{"models"}},
	})
	return all
}

var (
	openaiChat      = full("structured-stream", "broken-stream", "bad-key", "bad-model", "headers")                         //nolint:gochecknoglobals // a constant
	openaiResponses = full("structured-stream", "broken-stream")                                                            //nolint:gochecknoglobals // a constant
	anthropicAll    = full("structured-stream", "by-bearer", "beta", "overloaded", "broken-stream", "bad-key", "bad-model") //nolint:gochecknoglobals // a constant
	googleAll       = full("automatic", "structured-stream", "broken-stream", "bad-key", "bad-model")                       //nolint:gochecknoglobals // a constant
	framework       = full()                                                                                                //nolint:gochecknoglobals // a constant
)

func clients() []client {
	return []client{
		{"OpenAI SDK (Python)", "openai", "python", "with_openai.py", rest(map[string]face{
			"chat":      {steps: openaiChat, finish: "stop", first: "tool_calls", errors: openaiErrors("APIError")},
			"responses": {steps: openaiResponses, finish: "completed", first: "completed", errors: and(limitedBy("RateLimitError", true), map[string]class{"broken-stream": {"APIError", 0, true}})},
		})},
		{"Anthropic SDK (Python)", "anthropic", "python", "with_anthropic.py", map[string]face{
			"messages": {steps: anthropicAll, finish: "end_turn", first: "tool_use", errors: anthropicErrors("OverloadedError", "APIStatusError")},
			"tokens":   {steps: []string{"count"}},
			"models":   {steps: []string{"models"}},
		}},
		{"Google Gen AI SDK (Python)", "google-genai", "python", "with_google.py", map[string]face{
			"gemini":            {steps: googleAll, finish: "STOP", first: "STOP", errors: googleErrors("ClientError", "ServerError")},
			"gemini-tokens":     {steps: []string{"count"}},
			"gemini-embeddings": {steps: []string{"embed"}},
			"gemini-models":     {steps: []string{"models"}},
		}},
		{"LangChain (Python)", "langchain-openai langchain-anthropic langchain-google-genai", "frameworks", "with_langchain.py", map[string]face{
			"chat":              {steps: append(slices.Clone(framework), "structured-by-function"), finish: "stop", first: "tool_calls", errors: limitedBy("OpenAIRateLimitError", true)},
			"responses":         {steps: framework, finish: "completed", first: "completed", errors: limitedBy("OpenAIRateLimitError", true)},
			"messages":          {steps: framework, finish: "end_turn", first: "tool_use", errors: limitedBy("AnthropicRateLimitError", true)},
			"gemini":            {steps: framework, finish: "STOP", first: "STOP", errors: map[string]class{"limited": {"GoogleRateLimitError", 0, false}, "limited-stream": {"GoogleRateLimitError", 0, false}}},
			"embeddings":        {steps: []string{"embed"}},
			"gemini-embeddings": {steps: []string{"embed"}},
		}},
		{"LlamaIndex", "llama-index-llms-openai-like llama-index-embeddings-openai-like", "frameworks", "with_llamaindex.py", map[string]face{
			"chat":       {steps: framework, finish: "stop", first: "tool_calls", errors: limitedBy("RateLimitError", true)},
			"embeddings": {steps: []string{"embed"}},
		}},
		{"LiteLLM (Python client)", "litellm", "frameworks", "with_litellm.py", map[string]face{
			"chat":       {steps: framework, finish: "stop", first: "tool_calls", errors: limitedBy("RateLimitError", false)},
			"messages":   {steps: framework, finish: "stop", first: "tool_calls", errors: limitedBy("RateLimitError", false)},
			"responses":  {steps: []string{"whole"}, finish: "completed"},
			"embeddings": {steps: []string{"embed"}},
		}},
		{"OpenAI SDK (Node)", "openai", "node", "with_openai.mjs", rest(map[string]face{
			"chat":      {steps: openaiChat, finish: "stop", first: "tool_calls", errors: openaiErrors("APIError")},
			"responses": {steps: openaiResponses, finish: "completed", first: "completed", errors: and(limitedBy("RateLimitError", true), map[string]class{"broken-stream": {"APIError", 0, true}})},
		})},
		{"Anthropic SDK (Node)", "@anthropic-ai/sdk", "node", "with_anthropic.mjs", map[string]face{
			"messages": {steps: anthropicAll, finish: "end_turn", first: "tool_use", errors: anthropicErrors("OverloadedError", "APIError")},
			"tokens":   {steps: []string{"count"}},
			"models":   {steps: []string{"models"}},
		}},
		{"Google Gen AI SDK (Node)", "@google/genai", "node", "with_google.mjs", map[string]face{
			"gemini":            {steps: without(googleAll, "automatic"), finish: "STOP", first: "STOP", errors: and(googleErrors("ApiError", "ApiError"), limitedBy("ApiError", false))},
			"gemini-tokens":     {steps: []string{"count"}},
			"gemini-embeddings": {steps: []string{"embed"}},
			"gemini-models":     {steps: []string{"models"}},
		}},
		{"LangChain (JavaScript)", "@langchain/openai @langchain/anthropic @langchain/google-genai", "node", "with_langchain.mjs", map[string]face{
			"chat":              {steps: framework, finish: "stop", first: "tool_calls", errors: limitedBy("RateLimitError", true)},
			"responses":         {steps: framework, finish: "completed", first: "completed", errors: limitedBy("RateLimitError", true)},
			"messages":          {steps: framework, finish: "end_turn", errors: limitedBy("RateLimitError", true), miscounts: "in streams it adds the output counts of both events and takes the input from the first"},
			"gemini":            {steps: without(framework, "image"), finish: "STOP", errors: limitedBy("GoogleGenerativeAIFetchError", false)}, // it refuses images for models whose names it does not know
			"embeddings":        {steps: []string{"embed"}},
			"gemini-embeddings": {steps: []string{"embed"}},
		}},
		{"Vercel AI SDK", "ai @ai-sdk/openai @ai-sdk/openai-compatible @ai-sdk/anthropic @ai-sdk/google", "node", "with_vercel.mjs", map[string]face{
			"chat":       {steps: full("structured-stream"), finish: "stop", first: "tool-calls", errors: limitedBy("APICallError", true)},
			"responses":  {steps: full("structured-stream"), finish: "stop", first: "tool-calls", errors: limitedBy("APICallError", true)},
			"messages":   {steps: full("structured-stream"), finish: "stop", first: "tool-calls", errors: limitedBy("APICallError", true)},
			"gemini":     {steps: full("structured-stream"), finish: "stop", first: "tool-calls", errors: limitedBy("APICallError", true)},
			"embeddings": {steps: []string{"embed"}},
		}},
		{"OpenAI SDK (Go)", "github.com/openai/openai-go/v3", "go", "./openai", map[string]face{
			"chat":           {steps: openaiChat, finish: "stop", first: "tool_calls", errors: goErrors("*openai.Error", "error")},
			"responses":      {steps: openaiResponses, finish: "completed", first: "completed", errors: and(limitedBy("*openai.Error", true), map[string]class{"broken-stream": {"error", 0, true}})},
			"embeddings":     {steps: []string{"embed"}},
			"images":         {steps: []string{"generate", "edit"}},
			"speech":         {steps: []string{"speech"}},
			"transcriptions": {steps: []string{"transcription", "translation"}},
			"moderations":    {steps: []string{"moderation"}},
			"models":         {steps: []string{"models"}},
		}},
		{"Anthropic SDK (Go)", "github.com/anthropics/anthropic-sdk-go", "go", "./anthropic", map[string]face{
			"messages": {steps: without(anthropicAll, "beta"), finish: "end_turn", first: "tool_use", errors: goErrors("*anthropic.Error", "*anthropic.Error")},
			"tokens":   {steps: []string{"count"}},
			"models":   {steps: []string{"models"}},
		}},
	}
}
