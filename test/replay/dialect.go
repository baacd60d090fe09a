package replay

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// The dialects that this provider plays, by the names that the recordings have for them.
const (
	OpenAI    = "openai-chat"
	Mistral   = "mistral-chat" // openai-chat with quirks
	Writer    = "writer-chat"  // openai-chat on another path
	Responses = "openai-responses"
	Anthropic = "anthropic-messages"
	Vertex    = "anthropic-vertex"  // the same body on Vertex paths
	Invoke    = "anthropic-bedrock" // the same body by InvokeModel; a stream is frames with an event each
	Gemini    = "gemini-generate"
	Converse  = "bedrock-converse"
	Cohere    = "cohere-chat-v2"
	Ollama    = "ollama-chat"

	Completions = "openai-completions"

	Embeddings    = "openai-embeddings"
	GeminiEmbed   = "gemini-embed"
	PredictEmbed  = "vertex-predict"
	CohereEmbed   = "cohere-embed"
	VoyageEmbed   = "voyage-embeddings"
	OllamaEmbed   = "ollama-embed"
	TitanEmbed    = "bedrock-titan-embed"
	BedrockCohere = "bedrock-cohere-embed"

	Rerank       = "cohere-rerank"
	VoyageRerank = "voyage-rerank"
	JinaRerank   = "openrouter-rerank"

	CountAnthropic = "anthropic-count-tokens"
	CountGemini    = "gemini-count-tokens"
	CountResponses = "openai-responses-input-tokens"
	CountBedrock   = "bedrock-count-tokens"

	Images      = "openai-images"
	Audio       = "openai-audio"
	Moderations = "openai-moderations"
	Files       = "openai-files"
	Models      = "openai-models"
)

// Wire is the dialect whose words a dialect's JSON is made of.
func Wire(dialect string) string {
	switch dialect {
	case Mistral, Writer:
		return OpenAI
	case Vertex, Invoke:
		return Anthropic
	}
	return dialect
}

// Chats are the dialects of chat calls.
func Chats() []string {
	return []string{OpenAI, Mistral, Writer, Responses, Anthropic, Vertex, Invoke, Gemini, Converse, Cohere, Ollama}
}

// playedAs is the dialect that a recording's name for it and its model make; "" for what is not played.
func playedAs(dialect, model, path string) string {
	switch dialect {
	case "bedrock-invoke":
		switch {
		case strings.Contains(model, "anthropic.claude") && !strings.Contains(model, "claude-v2") && !strings.Contains(model, "claude-instant"):
			return Invoke // the older ones speak the API before messages
		case strings.Contains(model, "titan-embed"):
			return TitanEmbed
		case strings.Contains(model, "cohere.embed"):
			return BedrockCohere
		}
		return ""
	case PredictEmbed:
		return PredictEmbed
	case Completions:
		if strings.Contains(path, "/prompts/") { // Portkey's own
			return ""
		}
		return dialect
	case OpenAI, Mistral, Writer, Responses, Anthropic, Vertex, Gemini, Converse, Cohere, Ollama,
		Embeddings, GeminiEmbed, CohereEmbed, VoyageEmbed, Rerank, VoyageRerank, JinaRerank,
		CountAnthropic, CountGemini, CountResponses, CountBedrock, Images, Audio, Moderations, Files, Models:
		return dialect
	}
	return ""
}

var inPath = regexp.MustCompile(`/(?:models|model|deployments)/(.+?)(?::[a-zA-Z]+|/[a-z-]+)?$`)

// recognize finds the dialect of a request by its path, and the model where the path names it.
func recognize(r *http.Request, vendor, rest string) (dialect, model string, stream bool) {
	path := "/" + rest
	if m := inPath.FindStringSubmatch(r.URL.EscapedPath()); m != nil {
		model, _ = url.PathUnescape(m[1])
		model = strings.TrimSuffix(strings.TrimSuffix(model, "/chat"), "/images")
	}
	ends := func(suffix string) bool { return strings.HasSuffix(path, suffix) }
	if r.Method != http.MethodPost {
		switch {
		case strings.Contains(path, "/files"):
			return Files, "", false
		case ends("/models"):
			return Models, "", false
		}
		return "", "", false
	}
	switch {
	case ends("/chat/completions"), vendor == "writer" && ends("/v1/chat"):
		return OpenAI, model, false
	case ends("/completions"):
		return Completions, model, false
	case ends("/messages/count_tokens"), ends("count-tokens:rawPredict"):
		return CountAnthropic, "", false
	case ends("/messages"):
		return Anthropic, "", false
	case ends("/responses/input_tokens"):
		return CountResponses, "", false
	case ends("/responses"):
		return Responses, "", false
	case ends(":rawPredict"), ends(":streamRawPredict"):
		return Vertex, model, ends(":streamRawPredict")
	case ends(":generateContent"), ends(":streamGenerateContent"):
		return Gemini, model, ends(":streamGenerateContent")
	case ends(":countTokens"):
		return CountGemini, model, false
	case ends(":embedContent"), ends(":batchEmbedContents"):
		return GeminiEmbed, model, false
	case ends(":predict"):
		return PredictEmbed, model, false
	case ends("/converse"), ends("/converse-stream"):
		return Converse, model, ends("/converse-stream")
	case ends("/count-tokens"):
		return CountBedrock, model, false
	case ends("/invoke"), ends("/invoke-with-response-stream"):
		return playedAs("bedrock-invoke", model, ""), model, ends("-stream")
	case ends("/v2/chat"):
		return Cohere, "", false
	case ends("/api/chat"):
		return Ollama, "", false
	case ends("/api/embed"):
		return OllamaEmbed, "", false
	case ends("/embed"):
		return CohereEmbed, "", false
	case ends("/embeddings"):
		if vendor == "voyage" {
			return VoyageEmbed, "", false
		}
		return Embeddings, model, false
	case ends("/rerank"):
		switch vendor {
		case "voyage":
			return VoyageRerank, "", false
		case "cohere":
			return Rerank, "", false
		}
		return JinaRerank, "", false
	case strings.Contains(path, "/images/"):
		return Images, model, false
	case strings.Contains(path, "/audio/"):
		return Audio, model, false
	case ends("/moderations"):
		return Moderations, "", false
	case ends("/files"):
		return Files, "", false
	}
	return "", "", false
}
