package openairesponses

import (
	"encoding/json"

	"tollgate/internal/chat"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/wire"
)

// wireUsage is usage in the words of all vendors of this dialect.
type wireUsage struct {
	input, output, total                        wire.Count
	cached, write, inputAudio, inputImage       wire.Count
	reasoning, outputAudio, outputImage         wire.Count
	webSearch, xSearch, fileSearch, codeSession wire.Count
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
		case "total_tokens":
			u.total.Read(v)
		case "input_tokens_details", "output_tokens_details", "server_side_tool_usage_details":
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
	case "input_tokens_details":
		switch string(name) {
		case "cached_tokens":
			return &u.cached
		case "cache_write_tokens":
			return &u.write
		case "audio_tokens":
			return &u.inputAudio
		case "image_tokens":
			return &u.inputImage
		}
	case "output_tokens_details":
		switch string(name) {
		case "reasoning_tokens":
			return &u.reasoning
		case "audio_tokens":
			return &u.outputAudio
		case "image_tokens":
			return &u.outputImage
		}
	case "server_side_tool_usage_details": // xAI
		switch string(name) {
		case "web_search_calls":
			return &u.webSearch
		case "x_search_calls":
			return &u.xSearch
		case "file_search_calls":
			return &u.fileSearch
		case "code_interpreter_calls":
			return &u.codeSession
		}
	}
	return nil
}

// hosted counts what hosted tools did, from the items of an answer.
type hosted struct {
	searches, files int64
	code            int64
	containers      []string // sessions that the code ran in
}

// containersMax bounds what is remembered; an answer runs its code in one session, or a few.
const containersMax = 64

// item counts one item.
func (h *hosted) item(raw []byte) {
	if len(raw) == 0 || raw[0] != '{' {
		return
	}
	var typ, container, action string
	m := wire.Walk(raw)
	for m.Next() {
		switch string(m.Key) {
		case "type":
			typ, _ = wire.String(m.Value())
		case "container_id":
			container, _ = wire.String(m.Value())
		case "action":
			if m.Value()[0] == '{' {
				action = typeOf(m.Value())
			}
		}
	}
	switch typ {
	case "web_search_call":
		if action == "" || action == "search" { // opening a page found before costs nothing
			h.searches++
		}
	case "file_search_call":
		h.files++
	case "code_interpreter_call":
		for _, have := range h.containers {
			if have == container {
				return
			}
		}
		h.code++
		if len(h.containers) < containersMax {
			h.containers = append(h.containers, container)
		}
	}
}

// typeOf gives the type member of an object.
func typeOf(raw []byte) string {
	m := wire.Walk(raw)
	for m.Next() {
		if string(m.Key) == "type" {
			s, _ := wire.String(m.Value())
			return s
		}
	}
	return ""
}

// parseUsage turns a usage object and what hosted tools did into disjoint classes, and gives the cost that the provider states. A
// raw value that names no token count is unknown usage, not zero.
//
// Cached, written, audio and image tokens are parts of input_tokens, reasoning and the like of output_tokens. What a vendor states
// beyond its own totals is cut to them, so that no class is negative and the classes sum to the total. Where total_tokens is more
// than both sides, the rest is reasoning that output_tokens leaves out.
func parseUsage(raw []byte, h hosted) (chat.Usage, string) {
	var u wireUsage
	if len(raw) == 0 || raw[0] != '{' || !u.read(raw) || (!u.input.Known && !u.output.Known) {
		return chat.Usage{}, ""
	}
	var units chat.Units
	input, output, reasoning := u.input.N, u.output.N, u.reasoning.N
	if u.total.Known {
		if apart := u.total.N - input - output; apart > 0 {
			output += apart
			reasoning = max(reasoning, apart)
		}
	}
	units[chat.CacheRead] = take(&input, u.cached.N)
	units[chat.CacheWrite5m] = take(&input, u.write.N)
	units[chat.InputAudio] = take(&input, u.inputAudio.N)
	units[chat.InputImage] = take(&input, u.inputImage.N)
	units[chat.Input] = input
	units[chat.Reasoning] = take(&output, reasoning)
	units[chat.OutputAudio] = take(&output, u.outputAudio.N)
	units[chat.OutputImage] = take(&output, u.outputImage.N)
	units[chat.Output] = output
	units[chat.WebSearch] = told(u.webSearch.N+u.xSearch.N, u.webSearch.Known || u.xSearch.Known, h.searches)
	units[chat.FileSearch] = told(u.fileSearch.N, u.fileSearch.Known, h.files)
	units[chat.CodeSession] = told(u.codeSession.N, u.codeSession.Known, h.code)
	return chat.Usage{Units: units, Source: chat.Reported}, openaichat.Cost(raw)
}

// told is the provider's own count where it gives one, else ours of its items.
func told(n int64, known bool, counted int64) int64 {
	if known {
		return n
	}
	return counted
}

// take moves up to n from the pool.
func take(pool *int64, n int64) int64 {
	n = max(0, min(n, *pool))
	*pool -= n
	return n
}

// appendUsage writes usage with the totals derived from the classes. cost is a decimal number of dollars, "" to leave it out.
func appendUsage(dst []byte, u chat.Units, cost string) []byte {
	dst = append(dst, `{"input_tokens":`...)
	dst = appendInt(dst, u.InputTotal())
	dst = append(dst, `,"input_tokens_details":{"cached_tokens":`...)
	dst = appendInt(dst, u[chat.CacheRead])
	dst = append(dst, `,"cache_write_tokens":`...)
	dst = appendInt(dst, u[chat.CacheWrite5m]+u[chat.CacheWrite1h])
	dst = appendCount(dst, "audio_tokens", u[chat.InputAudio])
	dst = appendCount(dst, "image_tokens", u[chat.InputImage])
	dst = append(dst, `},"output_tokens":`...)
	dst = appendInt(dst, u.OutputTotal())
	dst = append(dst, `,"output_tokens_details":{"reasoning_tokens":`...)
	dst = appendInt(dst, u[chat.Reasoning])
	dst = appendCount(dst, "audio_tokens", u[chat.OutputAudio])
	dst = appendCount(dst, "image_tokens", u[chat.OutputImage])
	dst = append(dst, `},"total_tokens":`...)
	dst = appendInt(dst, u.InputTotal()+u.OutputTotal())
	if u[chat.WebSearch] > 0 || u[chat.FileSearch] > 0 || u[chat.CodeSession] > 0 {
		dst = append(dst, `,"server_side_tool_usage_details":{"web_search_calls":`...)
		dst = appendInt(dst, u[chat.WebSearch])
		dst = append(dst, `,"file_search_calls":`...)
		dst = appendInt(dst, u[chat.FileSearch])
		dst = append(dst, `,"code_interpreter_calls":`...)
		dst = append(appendInt(dst, u[chat.CodeSession]), '}')
	}
	if cost != "" && json.Valid([]byte(cost)) {
		dst = append(dst, `,"cost":`...)
		dst = append(dst, cost...)
	}
	return append(dst, '}')
}

// appendCount writes a member that most answers do not have.
func appendCount(dst []byte, name string, n int64) []byte {
	if n == 0 {
		return dst
	}
	dst = append(dst, `,"`...)
	dst = append(dst, name...)
	dst = append(dst, `":`...)
	return appendInt(dst, n)
}
