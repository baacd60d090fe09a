package bound

import (
	"strings"

	"tollgate/internal/provider"
)

// names makes a set.
func names(list ...string) map[string]bool {
	out := make(map[string]bool, len(list))
	for _, n := range list {
		out[n] = true
	}
	return out
}

// spelling is how a dialect writes how much is to be written: the output cap, and the number of answers.
type spelling struct{ cap, count []string }

func has(list []string, name string) bool {
	for _, n := range list {
		if n == name {
			return true
		}
	}
	return false
}

func (s *spelling) caps(name string) bool   { return has(s.cap, name) }
func (s *spelling) counts(name string) bool { return has(s.count, name) }

// disguised reports another spelling of one of the names, which servers that read names in any case take for it.
func (s *spelling) disguised(name string) bool {
	for _, n := range s.cap {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	for _, n := range s.count {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

var (
	chatSpelling        = spelling{[]string{"max_completion_tokens", "max_tokens"}, []string{"n"}}
	responsesSpelling   = spelling{[]string{"max_output_tokens"}, nil}
	cursorSpelling      = spelling{[]string{"max_output_tokens", "max_completion_tokens", "max_tokens"}, []string{"n"}}
	completionsSpelling = spelling{[]string{"max_tokens"}, []string{"n", "best_of"}}
	anthropicSpelling   = spelling{[]string{"max_tokens"}, nil}
	geminiSpelling      = spelling{
		[]string{
			"generationConfig.maxOutputTokens", "generationConfig.max_output_tokens",
			"generation_config.maxOutputTokens", "generation_config.max_output_tokens",
		},
		[]string{
			"generationConfig.candidateCount", "generationConfig.candidate_count",
			"generation_config.candidateCount", "generation_config.candidate_count",
		},
	}
)

func capsOf(d provider.Name) *spelling {
	switch d {
	case provider.OpenAIResponses:
		return &responsesSpelling
	case provider.OpenAICursor:
		return &cursorSpelling
	case provider.OpenAICompletions:
		return &completionsSpelling
	case provider.AnthropicMessages:
		return &anthropicSpelling
	case provider.Gemini, provider.GeminiArray:
		return &geminiSpelling
	default:
		return &chatSpelling
	}
}

// plainMember are the members of a body, in any dialect of chat, that neither point at anything nor cost anything by themselves.
var plainMember = names(
	"model", "stream", "stream_options", "store", "metadata", "user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
	"prompt_cache_options", "session_id", "temperature", "top_p", "top_k", "min_p", "top_a", "typical_p", "frequency_penalty", "presence_penalty",
	"repetition_penalty", "repeat_penalty", "seed", "random_seed", "stop", "stop_sequences", "stop_token_ids", "logit_bias", "logprobs",
	"top_logprobs", "parallel_tool_calls", "tool_choice", "function_call", "safetySettings", "safety_settings", "labels", "safe_prompt",
	"reasoning", "reasoning_effort", "reasoning_format", "include_reasoning", "verbosity", "include", "truncation", "tollgate", "echo", "suffix",
	"skip_special_tokens", "include_stop_str_in_output", "chat_template_kwargs", "enable_thinking", "thinking_budget", "background",
	"anthropic_version", "anthropic_beta", "tool_stream", "do_sample", "usage", "transforms", "return_token_ids", "stream_tool_calls",
	"request_id", "user_id", "trace", "moderation", "length_penalty", "min_tokens", "ignore_eos", "early_stopping", "output_logprobs",
)

// storedMember are the members of a body that point at what the provider keeps.
var storedMember = names("previous_response_id", "conversation", "cachedContent", "cached_content", "container")

// hostedMember reports a member that lets the provider look things up or run something by itself, under any of its usual names, or that
// may be some other word for how much is written.
func hostedMember(name string) bool {
	name = strings.ToLower(name)
	for _, word := range [...]string{
		"search", "web", "plugin", "online", "mcp", "connector", "agent", "ground", "retriev", "rag", "extension", "crawl", "browse", "fetch",
		"max_", "num_", "predict", "length", "beam", "best_of", "candidates", "generations", "samples", "rounds", "turns", "loop",
		"extra_body", "options",
	} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
