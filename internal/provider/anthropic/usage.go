package anthropic

import (
	"encoding/json"
	"strconv"

	"tollgate/internal/chat"
	"tollgate/internal/provider/wire"
)

// wireUsage is usage as Anthropic writes it: input_tokens leaves cached tokens out, output_tokens holds the thinking.
type wireUsage struct {
	Input         wire.Count `json:"input_tokens"`
	Output        wire.Count `json:"output_tokens"`
	CacheRead     wire.Count `json:"cache_read_input_tokens"`
	CacheWrite    wire.Count `json:"cache_creation_input_tokens"`
	CacheCreation struct {
		FiveMinutes wire.Count `json:"ephemeral_5m_input_tokens"`
		Hour        wire.Count `json:"ephemeral_1h_input_tokens"`
	} `json:"cache_creation"`
	OutputDetails struct {
		Thinking wire.Count `json:"thinking_tokens"`
	} `json:"output_tokens_details"`
	ServerTools struct {
		WebSearch wire.Count `json:"web_search_requests"`
	} `json:"server_tool_use"`
}

// tally adds up the usage objects of one answer. Each is cumulative: what a later one states replaces, what it leaves out stays.
type tally struct {
	u     wireUsage
	known bool
}

// add takes one usage object in.
func (t *tally) add(raw []byte) {
	var u wireUsage
	if len(raw) == 0 || raw[0] != '{' || json.Unmarshal(raw, &u) != nil {
		return
	}
	replace(&t.u.Input, u.Input)
	replace(&t.u.Output, u.Output)
	replace(&t.u.CacheRead, u.CacheRead)
	replace(&t.u.CacheWrite, u.CacheWrite)
	replace(&t.u.CacheCreation.FiveMinutes, u.CacheCreation.FiveMinutes)
	replace(&t.u.CacheCreation.Hour, u.CacheCreation.Hour)
	replace(&t.u.OutputDetails.Thinking, u.OutputDetails.Thinking)
	replace(&t.u.ServerTools.WebSearch, u.ServerTools.WebSearch)
	t.known = t.known || u.Input.Known || u.Output.Known
}

func replace(old *wire.Count, now wire.Count) {
	if now.Known {
		*old = now
	}
}

// usage gives the disjoint classes. Writes to the cache that no life is stated for count as five-minute ones.
func (t *tally) usage() chat.Usage {
	if !t.known {
		return chat.Usage{}
	}
	u := t.u
	hour, five := u.CacheCreation.Hour.N, u.CacheCreation.FiveMinutes.N
	if u.CacheWrite.Known {
		hour = min(hour, u.CacheWrite.N)
		five = u.CacheWrite.N - hour
	}
	thinking := min(u.OutputDetails.Thinking.N, u.Output.N)
	var units chat.Units
	units[chat.Input] = u.Input.N
	units[chat.CacheRead] = u.CacheRead.N
	units[chat.CacheWrite5m] = five
	units[chat.CacheWrite1h] = hour
	units[chat.Reasoning] = thinking
	units[chat.Output] = u.Output.N - thinking
	units[chat.WebSearch] = u.ServerTools.WebSearch.N
	return chat.Usage{Units: units, Source: chat.Reported}
}

// appendUsage writes usage from the classes. Audio has no field of its own here and counts as what it is: input or output.
func appendUsage(dst []byte, u chat.Units, cost string) []byte {
	dst = append(dst, `{"input_tokens":`...)
	dst = appendInt(dst, u[chat.Input]+u[chat.InputAudio])
	dst = append(dst, `,"cache_creation_input_tokens":`...)
	dst = appendInt(dst, u[chat.CacheWrite5m]+u[chat.CacheWrite1h])
	dst = append(dst, `,"cache_read_input_tokens":`...)
	dst = appendInt(dst, u[chat.CacheRead])
	dst = append(dst, `,"cache_creation":{"ephemeral_5m_input_tokens":`...)
	dst = appendInt(dst, u[chat.CacheWrite5m])
	dst = append(dst, `,"ephemeral_1h_input_tokens":`...)
	dst = appendInt(dst, u[chat.CacheWrite1h])
	dst = append(dst, `},"output_tokens":`...)
	dst = appendInt(dst, u.OutputTotal())
	if n := u[chat.Reasoning]; n > 0 {
		dst = append(dst, `,"output_tokens_details":{"thinking_tokens":`...)
		dst = append(appendInt(dst, n), '}')
	}
	if n := u[chat.WebSearch]; n > 0 {
		dst = append(dst, `,"server_tool_use":{"web_search_requests":`...)
		dst = append(appendInt(dst, n), '}')
	}
	if cost != "" && json.Valid([]byte(cost)) {
		dst = append(dst, `,"cost":`...)
		dst = append(dst, cost...)
	}
	return append(dst, '}')
}

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }
