package bound

import (
	"bytes"
	"cmp"

	"tollgate/internal/provider/wire"
)

// turns walks a conversation: a text, one turn, or a list of either.
func (s *seen) turns(at string, raw []byte) {
	switch raw[0] {
	case '"':
		s.messages++
		return
	case '{':
		s.takeTurn(at, raw)
		return
	case '[':
	default:
		s.hide(at)
		return
	}
	w := wire.Walk(raw)
	for w.Next() && s.err == nil {
		s.turn++
		switch v := w.Value(); v[0] {
		case '{':
			s.takeTurn(at, v)
		case '"':
			s.messages++
		default:
			s.hide(at)
		}
	}
	if w.Err() != nil {
		s.hide(at)
	}
	s.turn = 0
}

// plainTurn are the members of a message, or of an item of the Responses API, that are text or about it.
var plainTurn = names("role", "name", "tool_call_id", "call_id", "id", "status", "refusal", "reasoning_content", "reasoning", "thinking", "phase",
	"function_call", "arguments", "input", "action", "prefix", "weight", "tool_plan", "citations", "annotations", "namespace",
	"is_error", "tool_name", "logprobs", "index", "caller", "acknowledged_safety_checks", "execution", "result", "error")

// plainItem are the kinds of turns all of which the body shows.
var plainItem = names("message", "function_call", "function_call_output", "reasoning", "custom_tool_call", "custom_tool_call_output",
	"computer_call", "computer_call_output", "local_shell_call", "local_shell_call_output", "apply_patch_call", "apply_patch_call_output")

// takeTurn takes one message, or one item.
func (s *seen) takeTurn(at string, raw []byte) {
	s.messages++
	w := wire.Walk(raw)
	for w.Next() && w.IsObject() && s.err == nil {
		if w.IsNull() {
			continue
		}
		switch name := string(w.Key); name {
		case "content", "parts", "output", "summary":
			s.content(at, w.Value())
		case "type":
			s.kind(at, w.Value(), plainItem)
		case "encrypted_content", "reasoning_details", "reasoning_signature", "signature", "extra_content":
			s.more += product(sealedWeight, weigh(w.Value()))
		case "tool_calls":
			if bytes.Contains(w.Value(), []byte("ignature")) || bytes.Contains(w.Value(), []byte(`\u`)) { // what Google signs
				s.more = sum(s.more, product(sealedWeight, weigh(w.Value())))
			}
		case "cache_control":
			s.cache(w.Value())
		default:
			if !plainTurn[name] {
				s.hide(s.here(at, name))
			}
		}
	}
	if w.Err() != nil {
		s.hide(s.here(at, ""))
	}
}

// kind reads a type, and notes one whose meaning is not on the list.
func (s *seen) kind(at string, raw []byte, plain map[string]bool) {
	if raw[0] == '"' && plain[string(raw[1:len(raw)-1])] {
		return
	}
	if word, ok := wire.String(raw); !ok || !plain[word] {
		s.hide(s.here(at, "type"))
	}
}

// content takes what a turn, an instruction or a tool's result says: a text, one part, or a list of either.
func (s *seen) content(at string, raw []byte) {
	switch raw[0] {
	case '"':
	case '{':
		s.takePart(at, raw, 0)
	case '[':
		s.parts(at, raw, 0)
	default:
		s.hide(s.here(at, "content"))
	}
}

// nestedMax bounds how deep parts stand in parts: a tool's result holds some, and nothing is deeper.
const nestedMax = 4

func (s *seen) parts(at string, raw []byte, depth int) {
	w := wire.Walk(raw)
	n := 0
	for w.Next() && s.err == nil {
		n++
		if depth == 0 {
			s.part = n
		}
		switch v := w.Value(); v[0] {
		case '{':
			s.takePart(at, v, depth)
		case '"':
		default:
			s.hide(s.here(at, "content"))
		}
	}
	if w.Err() != nil {
		s.hide(s.here(at, "content"))
	}
	if depth == 0 {
		s.part = 0
	}
}

// plainPart are the kinds of parts that are text, or calls and results of the client's own tools.
var plainPart = names("text", "input_text", "output_text", "refusal", "thinking", "redacted_thinking", "reasoning", "summary_text",
	"reasoning_text", "tool_use", "tool_result", "function", "tool_call", "tool_reference")

// pictureKind are the kinds of parts that are pictures.
var pictureKind = names("image", "image_url", "input_image", "computer_screenshot")

// plainField are the members of parts that are text or about it.
var plainField = names("text", "thinking", "refusal", "reasoning", "id", "name", "input", "arguments", "tool_use_id", "tool_call_id", "is_error",
	"annotations", "logprobs", "citations", "title", "context", "thought", "functionCall", "function_call", "detail", "caller", "index", "status",
	"executableCode", "executable_code", "codeExecutionResult", "code_execution_result", "tool_name", "strict")

// takePart takes one part of what is said.
func (s *seen) takePart(at string, raw []byte, depth int) {
	if depth > nestedMax {
		s.hide(s.here(at, "content"))
		return
	}
	picture, picked, either, document := "", int64(0), "", false
	w := wire.Walk(raw)
	for w.Next() && w.IsObject() && s.err == nil {
		v, name := w.Value(), string(w.Key)
		switch {
		case w.IsNull(), plainField[name]:
		case name == "type":
			if pictureKind[string(v[1:max(len(v)-1, 1)])] {
				picture = "type"
				continue
			}
			document = s.document(at, v, raw) || document
		case name == "image_url", name == "source", name == "image", name == "inlineData", name == "inline_data":
			switch pictured, byType := s.shows(at, name, v); {
			case byType:
				either = name
			case pictured:
				picture, picked = name, sum(picked, int64(len(v)))
			}
		case name == "file_id":
			picture = name
		case name == "content", name == "parts", name == "output":
			s.nested(at, v, depth)
		case name == "functionResponse", name == "function_response":
			s.response(at, v, depth)
		case name == "cache_control":
			s.cache(v)
		case name == "signature", name == "data", name == "thoughtSignature", name == "thought_signature", name == "encrypted_content":
			s.more += product(sealedWeight, weigh(v))
		default:
			s.hide(s.here(at, name))
		}
	}
	if w.Err() != nil || either != "" && (picture == "" || document) {
		s.hide(s.here(at, cmp.Or(either, "content")))
	}
	if picture != "" {
		s.pictures++
		s.media = sum(s.media, picked)
		if s.picture == "" {
			s.picture = s.here(at, picture)
		}
	}
}

// document takes the type of a part that is no picture, and reports whether it is a document.
func (s *seen) document(at string, kind, part []byte) bool {
	if string(kind) == `"document"` {
		s.more = sum(s.more, weigh(part)) // its text may be told in numbered pieces
		return true
	}
	s.kind(at, kind, plainPart)
	return false
}

// shows takes where a part's data come from, and reports whether they are a picture, or whether the part's type says so. A text that
// stands there is seen, and nothing else is.
func (s *seen) shows(at, name string, raw []byte) (pictured, byType bool) {
	if raw[0] == '"' { // an address, or data
		return true, false
	}
	kind, media := "", ""
	w := wire.Walk(raw)
	for w.Next() && w.IsObject() {
		switch string(w.Key) {
		case "type":
			kind, _ = wire.String(w.Value())
		case "media_type", "mimeType", "mime_type":
			media, _ = wire.String(w.Value())
		case "url", "data", "detail", "file_id":
		case "content":
			if kind == "content" || kind == "" {
				s.nested(at, w.Value(), 1)
				continue
			}
			s.hide(s.here(at, name))
		default:
			s.hide(s.here(at, name+"."+string(w.Key)))
		}
	}
	switch {
	case w.Err() != nil:
		s.hide(s.here(at, name))
	case kind == "text" && media == "text/plain", kind == "content":
	case name == "image_url", name == "image", len(media) > 6 && media[:6] == "image/":
		return true, false
	case name == "source" && (kind == "url" || kind == "file") && media == "":
		return false, true
	default:
		s.hide(s.here(at, name))
	}
	return false, false
}

// nested takes what stands in a part.
func (s *seen) nested(at string, raw []byte, depth int) {
	switch raw[0] {
	case '"':
	case '{':
		s.takePart(at, raw, depth+1)
	case '[':
		s.parts(at, raw, depth+1)
	default:
		s.hide(s.here(at, "content"))
	}
}

// response takes what Gemini's functions answer: an object that is read as text, and parts beside it.
func (s *seen) response(at string, raw []byte, depth int) {
	w := wire.Walk(raw)
	for w.Next() && w.IsObject() {
		switch string(w.Key) {
		case "id", "name", "response", "willContinue", "will_continue", "scheduling":
		case "parts":
			s.nested(at, w.Value(), depth)
		default:
			s.hide(s.here(at, "functionResponse."+string(w.Key)))
		}
	}
}
