package openaichat

import (
	"encoding/json"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider/wire"
)

// wireUsage is usage in the words of all vendors of this dialect.
type wireUsage struct {
	prompt, completion, total wire.Count

	promptCached, promptWrite, promptNew, promptAudio wire.Count
	completionReasoning, completionAudio              wire.Count
	promptImage, completionImage                      wire.Count

	cacheHit   wire.Count // DeepSeek
	cached     wire.Count // Moonshot, Hugging Face, Together
	cacheRead  wire.Count // gateways before Anthropic
	cacheWrite wire.Count // gateways before Anthropic
	reasoning  wire.Count // Perplexity
	audio      wire.Count // xAI on Azure

	audioSeconds wire.Count

	webSearch, webSearchDetails wire.Count
}

// read reports whether raw is an object that could be read to its end.
func (u *wireUsage) read(raw []byte) bool {
	m := wire.Walk(raw)
	for m.Next() {
		v := m.Value()
		switch string(m.Key) {
		case "prompt_tokens":
			u.prompt.Read(v)
		case "completion_tokens":
			u.completion.Read(v)
		case "total_tokens":
			u.total.Read(v)
		case "prompt_cache_hit_tokens":
			u.cacheHit.Read(v)
		case "cached_tokens", "num_cached_tokens": // the latter is Mistral's
			u.cached.Read(v)
		case "cache_read_input_tokens":
			u.cacheRead.Read(v)
		case "cache_creation_input_tokens":
			u.cacheWrite.Read(v)
		case "reasoning_tokens":
			u.reasoning.Read(v)
		case "audio_prompt_tokens":
			u.audio.Read(v)
		case "prompt_audio_seconds": // Mistral
			u.audioSeconds.Read(v)
		case "prompt_tokens_details", "completion_tokens_details", "prompt_token_details", "completion_token_details",
			"server_tool_use", "server_tool_use_details":
			if v[0] == '{' && !u.readDetails(string(m.Key), v) {
				return false
			}
		}
	}
	return m.IsObject() && m.Err() == nil
}

func (u *wireUsage) readDetails(of string, raw []byte) bool {
	m := wire.Walk(raw)
	for m.Next() {
		if into := u.detail(of, m.Key); into != nil {
			into.Read(m.Value())
		}
	}
	return m.Err() == nil
}

// detail is where a member of a nested object goes; nil: nowhere.
func (u *wireUsage) detail(of string, name []byte) *wire.Count {
	switch of {
	case "prompt_tokens_details", "prompt_token_details": // the latter is Writer's
		switch string(name) {
		case "cached_tokens":
			return &u.promptCached
		case "cache_write_tokens": // OpenAI, OpenRouter
			return &u.promptWrite
		case "cache_creation_tokens":
			return &u.promptNew
		case "audio_tokens":
			return &u.promptAudio
		case "image_tokens":
			return &u.promptImage
		}
	case "completion_tokens_details", "completion_token_details":
		switch string(name) {
		case "reasoning_tokens":
			return &u.completionReasoning
		case "audio_tokens":
			return &u.completionAudio
		case "image_tokens":
			return &u.completionImage
		}
	case "server_tool_use":
		if string(name) == "web_search_requests" {
			return &u.webSearch
		}
	case "server_tool_use_details":
		if string(name) == "web_search_requests" {
			return &u.webSearchDetails
		}
	}
	return nil
}

// parseUsage turns a usage object into disjoint classes. A raw value that names no token count is unknown usage, not zero.
//
// The provider's totals rule: cached, written and audio tokens are parts of prompt_tokens, reasoning and audio tokens parts of
// completion_tokens, except where total_tokens shows that they were counted apart (xAI's reasoning; Google's thoughts, which
// stand in the total only). What a vendor states beyond its own totals is cut to them, so that no class is negative and the
// classes sum to the total.
func parseUsage(raw []byte) (chat.Usage, bool) {
	var u wireUsage
	if !u.read(raw) {
		return chat.Usage{}, false
	}
	if !u.prompt.Known && !u.completion.Known {
		return chat.Usage{}, false
	}
	var units chat.Units
	read := first(u.promptCached, u.cacheHit, u.cacheRead, u.cached)
	write := first(u.promptWrite, u.promptNew, u.cacheWrite)
	prompt, completion := u.prompt.N, u.completion.N
	reasoning := first(u.completionReasoning, u.reasoning)
	apart := int64(0) // in the total, in neither side
	if u.total.Known {
		apart = max(0, u.total.N-prompt-completion)
	}

	switch apart {
	case 0:
	case read + write, write:
		prompt += apart // a gateway that counts Anthropic's way
	default:
		completion += apart // reasoning that completion_tokens leaves out, whether named or not
		reasoning = max(reasoning, apart)
	}

	units[chat.CacheRead] = take(&prompt, read)
	units[chat.CacheWrite5m] = take(&prompt, write)
	units[chat.InputAudio] = take(&prompt, first(u.promptAudio, u.audio))
	units[chat.InputImage] = take(&prompt, u.promptImage.N)
	units[chat.Input] = prompt
	units[chat.Reasoning] = take(&completion, reasoning)
	units[chat.OutputAudio] = take(&completion, u.completionAudio.N)
	units[chat.OutputImage] = take(&completion, u.completionImage.N)
	units[chat.Output] = completion
	units[chat.AudioMS] = 1000 * u.audioSeconds.N
	units[chat.WebSearch] = first(u.webSearch, u.webSearchDetails)
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

// AppendUsage writes usage with the totals derived from the classes. cost is a decimal number of dollars, "" to leave it out.
func AppendUsage(dst []byte, u chat.Units, cost string) []byte {
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
	dst = appendSome(dst, `,"image_tokens":`, u[chat.InputImage])
	dst = append(dst, `},"completion_tokens_details":{"reasoning_tokens":`...)
	dst = appendInt(dst, u[chat.Reasoning])
	dst = append(dst, `,"audio_tokens":`...)
	dst = appendInt(dst, u[chat.OutputAudio])
	dst = appendSome(dst, `,"image_tokens":`, u[chat.OutputImage])
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

// appendSome appends a count that is left out when it is zero.
func appendSome(dst []byte, key string, n int64) []byte {
	if n == 0 {
		return dst
	}
	return appendInt(append(dst, key...), n)
}

// Cost reads what a usage object says that the call cost, in decimal dollars; "" when it does not say.
func Cost(usage []byte) string {
	m := wire.Walk(usage)
	for m.Next() && m.IsObject() {
		switch v := m.Value(); string(m.Key) {
		case "cost", "estimated_cost": // OpenRouter, Vercel and we ourselves; DeepInfra
			if v[0] == '{' { // Perplexity
				return estimate(v)
			}
			if v[0] >= '0' && v[0] <= '9' && len(v) <= costMax {
				return string(v)
			}
		case "cost_in_usd_ticks": // xAI
			return ticks(v)
		case "pydantic_ai_gateway":
			if v[0] == '{' {
				return estimate(v)
			}
		}
	}
	return ""
}

// costMax bounds the digits of a cost.
const costMax = 40

func estimate(raw []byte) string {
	m := wire.Walk(raw)
	for m.Next() {
		if v := m.Value(); (string(m.Key) == "cost_estimate" || string(m.Key) == "total_cost") && v[0] >= '0' && v[0] <= '9' && len(v) <= costMax {
			return string(v)
		}
	}
	return ""
}

// ticks turns ten-billionths of a dollar into a decimal.
func ticks(raw []byte) string {
	const places = 10
	n, ok := wire.Int(raw)
	if !ok || n < 0 {
		return ""
	}
	digits := strconv.FormatInt(n, 10)
	if len(digits) <= places {
		digits = strings.Repeat("0", places+1-len(digits)) + digits
	}
	whole, part := digits[:len(digits)-places], strings.TrimRight(digits[len(digits)-places:], "0")
	if part == "" {
		return whole
	}
	return whole + "." + part
}
