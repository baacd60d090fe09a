package gemini

import (
	"strconv"

	"tollgate/internal/chat"
	"tollgate/internal/provider/wire"
)

// finishWords are the reasons by their number, which some clients of Vertex see instead of the word.
var finishWords = [...]string{
	"", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL",
}

// finish reads a candidate's reason, a word or a number. "" and null are not given.
func finish(raw []byte) chat.FinishReason {
	word, ok := wire.String(raw)
	if n, isNumber := wire.Int(raw); !ok && isNumber && n >= 0 {
		word = "FINISH_REASON_" + strconv.FormatInt(n, 10)
		if n < int64(len(finishWords)) {
			word = finishWords[n]
		}
	}
	switch word {
	case "":
		return chat.FinishNotGiven
	case "STOP":
		return chat.FinishStop
	case "MAX_TOKENS":
		return chat.FinishLength
	case "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR",
		"IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION":
		return chat.FinishFilter
	case "CONTINUATION":
		return chat.FinishPause
	}
	return chat.FinishOther // OTHER, LANGUAGE, MALFORMED_FUNCTION_CALL, UNEXPECTED_TOOL_CALL, NO_IMAGE, …
}

// settle names the reason of an answer that calls tools, which is STOP here.
func settle(r chat.FinishReason, tools bool) chat.FinishReason {
	if tools && r == chat.FinishStop {
		return chat.FinishTools
	}
	return r
}

// finishWord is a word that every version of the SDKs knows.
func finishWord(r chat.FinishReason) string {
	switch r {
	case chat.FinishLength, chat.FinishContext:
		return "MAX_TOKENS"
	case chat.FinishFilter, chat.FinishRefusal:
		return "SAFETY"
	case chat.FinishOther, chat.FinishPause:
		return "OTHER"
	case chat.FinishStop, chat.FinishStopSeq, chat.FinishTools, chat.FinishNotGiven:
	}
	return "STOP"
}
