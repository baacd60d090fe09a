package openaichat

import (
	"strconv"
	"strings"

	"tollgate/internal/chat"
)

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

// finish reads the reasons of all vendors of the dialect. "" and null are not given.
func finish(reason string) chat.FinishReason {
	switch strings.ToLower(reason) {
	case "":
		return chat.FinishNotGiven
	case "stop", "eos", "eos_token", "end_turn", "complete", "done":
		return chat.FinishStop
	case "stop_sequence":
		return chat.FinishStopSeq
	case "length", "max_tokens", "model_length", "max_length":
		return chat.FinishLength
	case "tool_calls", "function_call", "tool_use", "tool_call":
		return chat.FinishTools
	case "content_filter", "safety", "content_filtered":
		return chat.FinishFilter
	case "refusal":
		return chat.FinishRefusal
	case "pause_turn":
		return chat.FinishPause
	case "model_context_window_exceeded":
		return chat.FinishContext
	}
	return chat.FinishOther
}

// finishWord is what OpenAI's clients know: five words. A pause is a stop for a client that cannot continue it.
func finishWord(r chat.FinishReason) string {
	switch r {
	case chat.FinishLength, chat.FinishContext:
		return "length"
	case chat.FinishTools:
		return "tool_calls"
	case chat.FinishFilter, chat.FinishRefusal:
		return "content_filter"
	case chat.FinishStop, chat.FinishStopSeq, chat.FinishPause, chat.FinishOther, chat.FinishNotGiven:
	}
	return "stop"
}
