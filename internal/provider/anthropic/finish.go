package anthropic

import "tollgate/internal/chat"

func finish(reason string) chat.FinishReason {
	switch reason {
	case "":
		return chat.FinishNotGiven
	case "end_turn":
		return chat.FinishStop
	case "stop_sequence":
		return chat.FinishStopSeq
	case "max_tokens":
		return chat.FinishLength
	case "tool_use":
		return chat.FinishTools
	case "pause_turn":
		return chat.FinishPause
	case "refusal":
		return chat.FinishRefusal
	case "model_context_window_exceeded":
		return chat.FinishContext
	}
	return chat.FinishOther
}

func finishWord(r chat.FinishReason) string {
	switch r {
	case chat.FinishStopSeq:
		return "stop_sequence"
	case chat.FinishLength:
		return "max_tokens"
	case chat.FinishTools:
		return "tool_use"
	case chat.FinishFilter, chat.FinishRefusal:
		return "refusal"
	case chat.FinishPause:
		return "pause_turn"
	case chat.FinishContext:
		return "model_context_window_exceeded"
	case chat.FinishStop, chat.FinishOther, chat.FinishNotGiven:
	}
	return "end_turn"
}
