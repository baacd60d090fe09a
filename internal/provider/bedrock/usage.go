package bedrock

import (
	"tollgate/internal/chat"
	"tollgate/internal/provider/wire"
)

// readUsage gives the disjoint classes of a TokenUsage: inputTokens leaves cached tokens out, outputTokens holds the reasoning, of which
// nothing more is told. Writes to the cache are of five minutes where cacheDetails do not say otherwise.
func readUsage(raw []byte) chat.Usage {
	if len(raw) == 0 || raw[0] != '{' {
		return chat.Usage{}
	}
	var in, out, read, write, hour wire.Count
	m := wire.Walk(raw)
	for m.Next() {
		v := m.Value()
		switch string(m.Key) {
		case "inputTokens":
			in.Read(v)
		case "outputTokens":
			out.Read(v)
		case "cacheReadInputTokens", "cacheReadInputTokenCount": // the latter is the older name, often beside the other
			read.Read(v)
		case "cacheWriteInputTokens", "cacheWriteInputTokenCount":
			write.Read(v)
		case "cacheDetails":
			hour = readHour(v)
		}
	}
	if m.Err() != nil || (!in.Known && !out.Known) {
		return chat.Usage{}
	}
	long := min(hour.N, write.N)
	return chat.Usage{Source: chat.Reported, Units: chat.Units{
		chat.Input: in.N, chat.Output: out.N, chat.CacheRead: read.N, chat.CacheWrite5m: write.N - long, chat.CacheWrite1h: long,
	}}
}

// readHour finds how much was written to a cache of an hour.
func readHour(raw []byte) (hour wire.Count) {
	if len(raw) == 0 || raw[0] != '[' {
		return hour
	}
	list := wire.Walk(raw)
	for list.Next() {
		if list.Value()[0] != '{' {
			continue
		}
		var n wire.Count
		ttl := ""
		m := wire.Walk(list.Value())
		for m.Next() {
			switch string(m.Key) {
			case "ttl":
				ttl, _ = wire.String(m.Value())
			case "inputTokens":
				n.Read(m.Value())
			}
		}
		if ttl == "1h" && n.Known {
			hour.N += n.N
			hour.Known = true
		}
	}
	return hour
}

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
	case "guardrail_intervened", "content_filtered":
		return chat.FinishFilter
	case "model_context_window_exceeded":
		return chat.FinishContext
	case "refusal": // Claude's own word, passed on
		return chat.FinishRefusal
	}
	return chat.FinishOther // malformed_model_output, malformed_tool_use, and what is new
}

// stopSequence finds which sequence ended an answer, among the fields of the model that were asked for.
func stopSequence(raw []byte) string {
	if len(raw) == 0 || raw[0] != '{' {
		return ""
	}
	m := wire.Walk(raw)
	for m.Next() {
		switch v := m.Value(); string(m.Key) {
		case "stop_sequence":
			if s, ok := wire.String(v); ok && s != "" {
				return s
			}
		case "delta":
			if s := stopSequence(v); s != "" {
				return s
			}
		}
	}
	return ""
}
