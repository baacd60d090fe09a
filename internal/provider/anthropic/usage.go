package anthropic

import (
	"encoding/json"
	"strconv"

	"tollgate/internal/chat"
	"tollgate/internal/provider/wire"
)

// wireUsage is usage as Anthropic writes it: input_tokens leaves cached tokens out, output_tokens holds the thinking.
type wireUsage struct {
	input, output, cacheRead, cacheWrite wire.Count
	fiveMinutes, hour/* of cache_creation */ wire.Count
	thinking, webSearch wire.Count
}

// read reports whether raw is an object that could be read to its end.
func (u *wireUsage) read(raw []byte) bool {
	m := wire.Walk(raw)
	for m.Next() {
		v := m.Value()
		switch string(m.Key) {
		case "input_tokens":
			u.input.Read(v)
		case "output_tokens":
			u.output.Read(v)
		case "cache_read_input_tokens":
			u.cacheRead.Read(v)
		case "cache_creation_input_tokens":
			u.cacheWrite.Read(v)
		case "cache_creation", "output_tokens_details", "server_tool_use":
			if v[0] == '{' && !u.readDetails(v) {
				return false
			}
		}
	}
	return m.IsObject() && m.Err() == nil
}

// readDetails reads a nested object. Their members' names differ, so it does not matter which it is.
func (u *wireUsage) readDetails(raw []byte) bool {
	m := wire.Walk(raw)
	for m.Next() {
		switch string(m.Key) {
		case "ephemeral_5m_input_tokens":
			u.fiveMinutes.Read(m.Value())
		case "ephemeral_1h_input_tokens":
			u.hour.Read(m.Value())
		case "thinking_tokens":
			u.thinking.Read(m.Value())
		case "web_search_requests":
			u.webSearch.Read(m.Value())
		}
	}
	return m.Err() == nil
}

// tally adds up the usage objects of one answer. Each is cumulative: what a later one states replaces, what it leaves out stays.
type tally struct {
	u     wireUsage
	known bool
}

// add takes one usage object in.
func (t *tally) add(raw []byte) {
	var u wireUsage
	if !u.read(raw) {
		return
	}
	replace(&t.u.input, u.input)
	replace(&t.u.output, u.output)
	replace(&t.u.cacheRead, u.cacheRead)
	replace(&t.u.cacheWrite, u.cacheWrite)
	replace(&t.u.fiveMinutes, u.fiveMinutes)
	replace(&t.u.hour, u.hour)
	replace(&t.u.thinking, u.thinking)
	replace(&t.u.webSearch, u.webSearch)
	t.known = t.known || u.input.Known || u.output.Known
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
	hour, five := u.hour.N, u.fiveMinutes.N
	if u.cacheWrite.Known {
		hour = min(hour, u.cacheWrite.N)
		five = u.cacheWrite.N - hour
	}
	thinking := min(u.thinking.N, u.output.N)
	var units chat.Units
	units[chat.Input] = u.input.N
	units[chat.CacheRead] = u.cacheRead.N
	units[chat.CacheWrite5m] = five
	units[chat.CacheWrite1h] = hour
	units[chat.Reasoning] = thinking
	units[chat.Output] = u.output.N - thinking
	units[chat.WebSearch] = u.webSearch.N
	return chat.Usage{Units: units, Source: chat.Reported}
}

// appendUsage writes usage from the classes. Audio has no field of its own here and counts as what it is: input or output.
func appendUsage(dst []byte, u chat.Units, cost string) []byte {
	dst = append(dst, `{"input_tokens":`...)
	dst = appendInt(dst, u[chat.Input]+u[chat.InputAudio]+u[chat.InputImage])
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
