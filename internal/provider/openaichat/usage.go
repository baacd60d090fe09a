package openaichat

import (
	"encoding/json"

	"tollgate/internal/chat"
	"tollgate/internal/provider/wire"
)

// wireUsage is usage in the words of all vendors of this dialect.
type wireUsage struct {
	Prompt     wire.Count `json:"prompt_tokens"`
	Completion wire.Count `json:"completion_tokens"`
	Total      wire.Count `json:"total_tokens"`

	PromptDetails struct {
		Cached     wire.Count `json:"cached_tokens"`
		CacheWrite wire.Count `json:"cache_write_tokens"` // OpenAI, OpenRouter
		CacheNew   wire.Count `json:"cache_creation_tokens"`
		Audio      wire.Count `json:"audio_tokens"`
	} `json:"prompt_tokens_details"`
	CompletionDetails struct {
		Reasoning wire.Count `json:"reasoning_tokens"`
		Audio     wire.Count `json:"audio_tokens"`
	} `json:"completion_tokens_details"`

	CacheHit   wire.Count `json:"prompt_cache_hit_tokens"`     // DeepSeek
	Cached     wire.Count `json:"cached_tokens"`               // Moonshot, Hugging Face, Together
	CacheRead  wire.Count `json:"cache_read_input_tokens"`     // gateways before Anthropic
	CacheWrite wire.Count `json:"cache_creation_input_tokens"` // gateways before Anthropic
	Reasoning  wire.Count `json:"reasoning_tokens"`            // Perplexity
	Audio      wire.Count `json:"audio_prompt_tokens"`         // xAI on Azure

	ServerTools struct {
		WebSearch wire.Count `json:"web_search_requests"`
	} `json:"server_tool_use"`
	ServerToolDetails struct {
		WebSearch wire.Count `json:"web_search_requests"`
	} `json:"server_tool_use_details"`
}

// parseUsage turns a usage object into disjoint classes. A raw value that names no token count is unknown usage, not zero.
//
// The provider's totals rule: cached, written and audio tokens are parts of prompt_tokens, reasoning and audio tokens parts of
// completion_tokens, except where total_tokens shows that they were counted apart (xAI's reasoning; Google's thoughts, which
// stand in the total only). What a vendor states beyond its own totals is cut to them, so that no class is negative and the
// classes sum to the total.
func parseUsage(raw []byte) (chat.Usage, bool) {
	var u wireUsage
	if len(raw) == 0 || raw[0] != '{' || json.Unmarshal(raw, &u) != nil {
		return chat.Usage{}, false
	}
	if !u.Prompt.Known && !u.Completion.Known {
		return chat.Usage{}, false
	}
	var units chat.Units
	read := first(u.PromptDetails.Cached, u.CacheHit, u.CacheRead, u.Cached)
	write := first(u.PromptDetails.CacheWrite, u.PromptDetails.CacheNew, u.CacheWrite)
	prompt, completion := u.Prompt.N, u.Completion.N
	reasoning := first(u.CompletionDetails.Reasoning, u.Reasoning)
	apart := int64(0) // in the total, in neither side
	if u.Total.Known {
		apart = max(0, u.Total.N-prompt-completion)
	}

	switch {
	case apart == 0:
	case apart == read+write, apart == write:
		prompt += apart // a gateway that counts Anthropic's way
	default:
		completion += apart // reasoning that completion_tokens leaves out, whether named or not
		reasoning = max(reasoning, apart)
	}

	units[chat.CacheRead] = take(&prompt, read)
	units[chat.CacheWrite5m] = take(&prompt, write)
	units[chat.InputAudio] = take(&prompt, first(u.PromptDetails.Audio, u.Audio))
	units[chat.Input] = prompt
	units[chat.Reasoning] = take(&completion, reasoning)
	units[chat.OutputAudio] = take(&completion, u.CompletionDetails.Audio.N)
	units[chat.Output] = completion
	units[chat.WebSearch] = first(u.ServerTools.WebSearch, u.ServerToolDetails.WebSearch)
	return chat.Usage{Units: units, Source: chat.Reported}, true
}

// first gives the first count that is more than zero: vendors state the same number under several names, some of them 0.
func first(counts ...wire.Count) int64 {
	for _, c := range counts {
		if c.N > 0 {
			return c.N
		}
	}
	return 0
}

// take moves up to n from the pool.
func take(pool *int64, n int64) int64 {
	n = max(0, min(n, *pool))
	*pool -= n
	return n
}

// appendUsage writes usage with the totals derived from the classes. cost is a decimal number of dollars, "" to leave it out.
func appendUsage(dst []byte, u chat.Units, cost string) []byte {
	dst = append(dst, `{"prompt_tokens":`...)
	dst = appendInt(dst, u.InputTotal())
	dst = append(dst, `,"completion_tokens":`...)
	dst = appendInt(dst, u.OutputTotal())
	dst = append(dst, `,"total_tokens":`...)
	dst = appendInt(dst, u.InputTotal()+u.OutputTotal())
	dst = append(dst, `,"prompt_tokens_details":{"cached_tokens":`...)
	dst = appendInt(dst, u[chat.CacheRead])
	dst = append(dst, `,"cache_write_tokens":`...)
	dst = appendInt(dst, u[chat.CacheWrite5m]+u[chat.CacheWrite1h])
	dst = append(dst, `,"audio_tokens":`...)
	dst = appendInt(dst, u[chat.InputAudio])
	dst = append(dst, `},"completion_tokens_details":{"reasoning_tokens":`...)
	dst = appendInt(dst, u[chat.Reasoning])
	dst = append(dst, `,"audio_tokens":`...)
	dst = appendInt(dst, u[chat.OutputAudio])
	dst = append(dst, '}')
	if n := u[chat.WebSearch]; n > 0 {
		dst = append(dst, `,"server_tool_use":{"web_search_requests":`...)
		dst = append(appendInt(dst, n), '}')
	}
	if json.Valid([]byte(cost)) && cost != "" {
		dst = append(dst, `,"cost":`...)
		dst = append(dst, cost...)
	}
	return append(dst, '}')
}
