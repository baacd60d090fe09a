package provider

import "tollgate/internal/chat"

// clientNames are what clients of a dialect call the fields that targets refuse by the names of openai-chat.
var clientNames = map[Name]map[string]string{
	AnthropicMessages: {
		"stop": "stop_sequences", "parallel_tool_calls": "tool_choice.disable_parallel_tool_use", "response_format": "output_config.format",
	},
	OpenAIResponses: {"response_format": "text.format", "max_tokens": "max_output_tokens"},
	Gemini: {
		"stop": "generationConfig.stopSequences", "temperature": "generationConfig.temperature", "top_p": "generationConfig.topP",
		"top_k": "generationConfig.topK", "seed": "generationConfig.seed", "max_tokens": "generationConfig.maxOutputTokens",
		"response_format": "generationConfig.responseMimeType", "tool_choice": "toolConfig.functionCallingConfig", "service_tier": "serviceTier",
	},
}

// clientName is a field in the words of the client that sent r; a field that is the client's own already stays.
func clientName(r chat.Request, field string) string {
	dialect := Name(r.Dialect)
	if dialect == GeminiArray {
		dialect = Gemini
	}
	if own, ok := clientNames[dialect][field]; ok {
		return own
	}
	return field
}
