package chat

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Quirks are the ways of one vendor that speaks a dialect (openai-chat, so far) otherwise than its inventor. They are data: a vendor's
// file names those that it has. They change how a translated request is written, never what passes as bytes.
type Quirks struct {
	// RandomSeed: the seed is called random_seed (Mistral).
	RandomSeed bool `json:"random_seed,omitempty"`
	// ShortToolIDs: ids of tool calls must be nine letters and digits (Mistral). Others are mapped to that form, always to the same.
	ShortToolIDs bool `json:"short_tool_ids,omitempty"`
	// PrefixTurn: a last turn of the assistant, which the model shall go on with, must say prefix (Mistral).
	PrefixTurn bool `json:"prefix_turn,omitempty"`
	// StoreFalse: the vendor demands store to be false.
	StoreFalse bool `json:"store_false,omitempty"`
	// TemperatureMax is the highest temperature that the vendor takes; a higher one becomes this. "": no limit.
	TemperatureMax json.Number `json:"temperature_max,omitempty"`
	// TextContent: content must be a text; lists of parts are refused, so that several texts become one.
	TextContent bool `json:"text_content,omitempty"`
	// NoStrict: strict is rejected, and left out: what it promises, the model tries.
	NoStrict bool `json:"no_strict,omitempty"`
	// NoParallelTools: parallel_tool_calls is rejected.
	NoParallelTools bool `json:"no_parallel_tool_calls,omitempty"`
	// TopK: the vendor takes top_k, which is not OpenAI's.
	TopK bool `json:"top_k,omitempty"`
	// CacheControl: the vendor takes Anthropic's cache marks on content parts.
	CacheControl bool `json:"cache_control,omitempty"`
	// ReasoningField is where reasoning of earlier turns is put, for vendors that take it back: "reasoning", "reasoning_content", or
	// "content" for a part of the content (Mistral). "": reasoning_content, with reasoning_details beside it.
	ReasoningField string `json:"reasoning_field,omitempty"`
}

// Check reports a value that means nothing.
func (q Quirks) Check() error {
	switch q.ReasoningField {
	case "", "reasoning", "reasoning_content", "content":
	default:
		return fmt.Errorf("unknown reasoning_field %q", q.ReasoningField)
	}
	if q.TemperatureMax != "" {
		if t, err := strconv.ParseFloat(string(q.TemperatureMax), 64); err != nil || t <= 0 {
			return fmt.Errorf("temperature_max %q is no temperature", q.TemperatureMax)
		}
	}
	return nil
}
