package replay

import (
	"encoding/json"
	"math"
)

// Usage is what a provider bills for one answer, in disjoint classes.
type Usage struct {
	Known        bool // the answer states a usage
	Input        int64
	CacheRead    int64
	CacheWrite5m int64
	CacheWrite1h int64
	Output       int64 // without reasoning
	Reasoning    int64
	InputAudio   int64
	OutputAudio  int64
	WebSearch    int64
	InputImage   int64
	OutputImage  int64
	SearchUnits  int64 // of reranks
}

// InputTotal is every input token.
func (u Usage) InputTotal() int64 {
	return u.Input + u.CacheRead + u.CacheWrite5m + u.CacheWrite1h + u.InputAudio + u.InputImage
}

// OutputTotal is every output token.
func (u Usage) OutputTotal() int64 { return u.Output + u.Reasoning + u.OutputAudio + u.OutputImage }

// object is a JSON object whose members are read by path, with 0 for what is missing or no number.
type object map[string]any

func (o object) at(path ...string) (int64, bool) {
	var v any = map[string]any(o)
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return 0, false
		}
		v = m[name]
	}
	n, ok := v.(float64)
	if !ok || n != math.Trunc(n) || math.Abs(n) > 1<<53 {
		return 0, false
	}
	return int64(n), true
}

// most gives the first positive count among paths.
func (o object) most(paths ...[]string) int64 {
	for _, p := range paths {
		if n, _ := o.at(p...); n > 0 {
			return n
		}
	}
	return 0
}

func path(names ...string) []string { return names }

// OpenAIUsage reads the usage object of the openai-chat dialect. Cached, written and audio tokens are inside prompt_tokens,
// reasoning and audio inside completion_tokens, unless total_tokens says that something was counted apart from both.
func OpenAIUsage(raw json.RawMessage) Usage {
	var o object
	if json.Unmarshal(raw, &o) != nil || o == nil {
		return Usage{}
	}
	prompt, hasPrompt := o.at("prompt_tokens")
	completion, hasCompletion := o.at("completion_tokens")
	if !hasPrompt && !hasCompletion {
		return Usage{}
	}
	u := Usage{Known: true}
	cached := o.most(path("prompt_tokens_details", "cached_tokens"), path("prompt_cache_hit_tokens"), path("cache_read_input_tokens"), path("cached_tokens"), path("num_cached_tokens"))
	written := o.most(path("prompt_tokens_details", "cache_write_tokens"), path("prompt_tokens_details", "cache_creation_tokens"), path("cache_creation_input_tokens"))
	thought := o.most(path("completion_tokens_details", "reasoning_tokens"), path("reasoning_tokens"))
	if total, ok := o.at("total_tokens"); ok && total > prompt+completion {
		switch extra := total - prompt - completion; extra {
		case cached + written, written:
			prompt += extra
		default: // thoughts that the provider counts beside its completion
			completion += extra
			thought = max(thought, extra)
		}
	}
	u.CacheRead = min(cached, prompt)
	u.CacheWrite5m = min(written, prompt-u.CacheRead)
	rest := prompt - u.CacheRead - u.CacheWrite5m
	u.InputAudio = min(o.most(path("prompt_tokens_details", "audio_tokens"), path("audio_prompt_tokens")), rest)
	u.InputImage = min(o.most(path("prompt_tokens_details", "image_tokens")), rest-u.InputAudio)
	u.Input = rest - u.InputAudio - u.InputImage
	audio, _ := o.at("completion_tokens_details", "audio_tokens")
	u.Reasoning = min(thought, completion)
	u.OutputAudio = min(audio, completion-u.Reasoning)
	u.Output = completion - u.OutputAudio - u.Reasoning
	u.WebSearch = o.most(path("server_tool_use", "web_search_requests"), path("server_tool_use_details", "web_search_requests"))
	return u
}

// AnthropicUsage folds the usage objects of one answer, the later over the earlier: in a stream message_start brings the first and
// message_delta the last. Cached tokens stand beside input_tokens; thinking is inside output_tokens.
func AnthropicUsage(raws ...json.RawMessage) Usage {
	merged := object{}
	for _, raw := range raws {
		var o object
		if json.Unmarshal(raw, &o) != nil {
			continue
		}
		for k, v := range o {
			if v != nil {
				merged[k] = v
			}
		}
	}
	input, hasInput := merged.at("input_tokens")
	output, hasOutput := merged.at("output_tokens")
	if !hasInput && !hasOutput {
		return Usage{}
	}
	u := Usage{Known: true, Input: input}
	u.CacheRead, _ = merged.at("cache_read_input_tokens")
	written, _ := merged.at("cache_creation_input_tokens")
	u.CacheWrite1h, _ = merged.at("cache_creation", "ephemeral_1h_input_tokens")
	u.CacheWrite5m = written - u.CacheWrite1h
	thinking, _ := merged.at("output_tokens_details", "thinking_tokens")
	u.Reasoning = min(thinking, output)
	u.Output = output - u.Reasoning
	u.WebSearch, _ = merged.at("server_tool_use", "web_search_requests")
	return u
}
