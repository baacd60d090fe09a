package traits

import (
	"bytes"

	"tollgate/internal/provider/wire"
)

// Scan reads a request's body of any chat dialect.
func Scan(body []byte) Traits {
	var s scan
	w := wire.Walk(body)
	for w.Next() && w.IsObject() {
		s.member(string(w.Key), w.Value())
	}
	s.Text = s.newest()
	return s.Traits
}

// scan is a scan under way.
type scan struct {
	Traits
	last  []byte // raw value with the text of the newest turn of the user
	plain bool   // last is one text, not a list of parts
}

func (s *scan) member(name string, raw []byte) {
	switch name {
	case "messages", "input", "contents": // OpenAI, Anthropic, Cohere, Ollama; Responses; Gemini
		s.turns(raw)
	case "prompt":
		s.prompt(raw)
	case "system", "instructions", "systemInstruction", "system_instruction":
		s.instructions(raw)
	case "tools", "functions":
		s.offered(raw)
	case "documents":
		s.Documents += count(raw)
		s.TextBytes += int64(len(raw))
	case "response_format", "text", "format", "output_config", "output_format", "generationConfig", "generation_config":
		s.form(raw)
	}
}

// prompt is that of completions: a text or a list of texts.
func (s *scan) prompt(raw []byte) {
	s.Messages = max(s.Messages, 1)
	s.TextBytes += int64(len(raw))
	if raw[0] == '"' {
		s.last, s.plain = raw, true
		return
	}
	if raw[0] != '[' {
		return
	}
	w := wire.Walk(raw)
	for w.Next() {
		if v := w.Value(); v[0] == '"' {
			s.last, s.plain = v, true
		}
	}
}

// turns walks the conversation.
func (s *scan) turns(raw []byte) {
	switch raw[0] {
	case '"':
		s.prompt(raw)
		return
	case '{': // Gemini takes one content without a list
		s.turn(raw)
		return
	case '[':
	default:
		return
	}
	w := wire.Walk(raw)
	for w.Next() {
		switch v := w.Value(); v[0] {
		case '{':
			s.turn(v)
		case '"': // embeddings: a list of texts
			s.prompt(v)
		}
	}
}

// turn is one message, or one item of the Responses API.
func (s *scan) turn(raw []byte) {
	s.Messages++
	role, content := "", []byte(nil)
	w := wire.Walk(raw)
	for w.Next() {
		v := w.Value()
		switch string(w.Key) {
		case "role":
			role, _ = wire.String(v)
		case "content", "parts":
			content = v
		case "type", "id", "status", "name", "tool_call_id", "call_id":
		default: // tool calls, their arguments and results, reasoning
			s.TextBytes += int64(len(v))
		}
	}
	if content == nil {
		return
	}
	switch role {
	case "system", "developer":
		s.instructions(content)
	case "user", "":
		if s.content(content) {
			s.last, s.plain = content, content[0] == '"'
		}
	default:
		s.content(content)
	}
}

// content notes what stands in a message's content and reports whether there is text of its author in it.
func (s *scan) content(raw []byte) (text bool) {
	switch raw[0] {
	case '"':
		s.TextBytes += int64(len(raw)) - 2
		return len(raw) > 2
	case '{':
		return s.part(raw)
	case '[':
		w := wire.Walk(raw)
		for w.Next() {
			v := w.Value()
			if v[0] == '{' && s.part(v) {
				text = true
			}
		}
	}
	return text
}

// part notes one block of content and reports whether it is text.
func (s *scan) part(raw []byte) bool {
	var kind, words, nested []byte
	w := wire.Walk(raw)
	for w.Next() {
		v := w.Value()
		switch string(w.Key) {
		case "type":
			kind = v
		case "text":
			words = v
		case "content", "output":
			nested = v
		case "inlineData", "inline_data", "fileData", "file_data":
			s.media(v)
		case "functionCall", "functionResponse", "function_call", "function_response", "input", "arguments":
			s.TextBytes += int64(len(v))
		}
	}
	switch string(bytes.Trim(kind, `"`)) {
	case "image", "image_url", "input_image":
		s.Images = true
		return false
	case "input_audio", "audio":
		s.Audio = true
		return false
	case "document", "file", "input_file":
		s.Documents++
		return false
	case "tool_result", "function_call_output":
		if len(nested) > 0 {
			s.content(nested) // what a tool found is no wish of the user
		}
		return false
	}
	if len(words) > 2 && words[0] == '"' {
		s.TextBytes += int64(len(words)) - 2
		return true
	}
	return false
}

// media reads the type of Gemini's inline and referred data.
func (s *scan) media(raw []byte) {
	if raw[0] != '{' {
		return
	}
	w := wire.Walk(raw)
	for w.Next() {
		if k := string(w.Key); k != "mimeType" && k != "mime_type" {
			continue
		}
		switch kind := bytes.Trim(w.Value(), `"`); {
		case bytes.HasPrefix(kind, []byte("image/")):
			s.Images = true
		case bytes.HasPrefix(kind, []byte("audio/")):
			s.Audio = true
		case bytes.HasPrefix(kind, []byte("application/")), bytes.HasPrefix(kind, []byte("text/")):
			s.Documents++
		}
	}
}

// instructions notes system text and keeps its beginning.
func (s *scan) instructions(raw []byte) {
	s.content(raw)
	if len(s.System) < SystemMax {
		s.System = string(words([]byte(s.System), raw, SystemMax))
	}
}

// offered counts tools. Gemini groups its functions.
func (s *scan) offered(raw []byte) {
	s.TextBytes += int64(len(raw))
	if raw[0] != '[' {
		return
	}
	w := wire.Walk(raw)
	for w.Next() {
		n := int64(1)
		for _, group := range [...]string{"functionDeclarations", "function_declarations"} {
			if list := field(w.Value(), group); list != nil {
				n = count(list)
			}
		}
		s.Tools += n
	}
}

// form reads in which form the answer is wanted.
func (s *scan) form(raw []byte) {
	switch raw[0] {
	case '"': // Ollama: "json"
		if string(raw) == `"json"` {
			s.JSON = true
		}
		return
	case '{':
	default:
		return
	}
	s.schema(raw)
	if inner := field(raw, "format"); inner != nil && inner[0] == '{' { // text.format, output_config.format
		s.schema(inner)
	}
}

func (s *scan) schema(raw []byte) {
	w := wire.Walk(raw)
	for w.Next() {
		v := w.Value()
		switch string(w.Key) {
		case "type":
			if k := string(v); k == `"json_object"` || k == `"json_schema"` || k == `"object"` {
				s.JSON = true
			}
		case "responseMimeType", "response_mime_type":
			s.JSON = s.JSON || string(v) == `"application/json"`
		case "json_schema", "schema", "responseSchema", "response_schema", "responseJsonSchema", "properties":
			if v[0] == '{' {
				s.JSON = true
				s.Enum = s.Enum || bytes.Contains(v, []byte(`"enum"`))
				s.Fields += int64(bytes.Count(v, []byte(`"type"`)))
			}
		}
	}
}

func count(raw []byte) (n int64) {
	if raw[0] != '[' {
		return 0
	}
	w := wire.Walk(raw)
	for w.Next() {
		n++
	}
	return n
}

// field is a member of an object; nil where there is none.
func field(raw []byte, name string) []byte {
	if raw[0] != '{' {
		return nil
	}
	w := wire.Walk(raw)
	for w.Next() {
		if string(w.Key) == name {
			return w.Value()
		}
	}
	return nil
}
