package insert

import (
	"slices"
	"strconv"

	"tollgate/internal/prompt"
	"tollgate/internal/provider/wire"
)

// Messages that a call sends for a placeholder come in the form of its client's dialect, or in that of OpenAI's chat as far as that is
// text. What would be refused by the provider, or would mean something else there, is refused here, by the name of the placeholder.

// sentRole is the role of a message that was sent; "": it has none.
func sentRole(m *prompt.Rendered) string {
	text, _ := wire.String(member(m.Sent, "role"))
	return text
}

// member is the value of an object's member; nil where there is none, or null.
func member(raw []byte, name string) []byte {
	for w := wire.Walk(raw); w.Next() && w.IsObject(); {
		if string(w.Key) == name && !w.IsNull() {
			return w.Value()
		}
	}
	return nil
}

// refuse notes the first message that has no place in the body.
func (w *writer) refuse(m *prompt.Rendered, what string) {
	if w.err == nil {
		w.err = prompt.ErrFill.Say("Message %d of %q %s", m.Index, m.From, what).At("variables." + m.From + "." + strconv.Itoa(m.Index))
	}
}

// speaks refuses a message whose role the dialect does not have.
func (w *writer) speaks(m *prompt.Rendered, roles ...string) bool {
	role := sentRole(m)
	if slices.Contains(roles, role) {
		return true
	}
	switch role {
	case "":
		w.refuse(m, "has no role.")
	case "system", "developer":
		w.refuse(m, "is one of "+role+", which this endpoint does not have among its messages. Instructions stand in the prompt, or in the call's own.")
	default:
		w.refuse(m, "is one of "+strconv.Quote(role)+", which this endpoint does not have.")
	}
	return false
}

// chatForms are parts of messages that only OpenAI's chat knows.
var chatForms = []string{"image_url", "input_audio", "file", "refusal"}

// foreign refuses what only OpenAI's chat can say, for dialects that have another form for it.
func (w *writer) foreign(m *prompt.Rendered) bool {
	if member(m.Sent, "tool_calls") != nil || member(m.Sent, "tool_call_id") != nil || member(m.Sent, "function_call") != nil {
		w.refuse(m, "has the tools of OpenAI's chat. Send it in the form of this endpoint.")
		return true
	}
	content := member(m.Sent, "content")
	if len(content) == 0 || content[0] != '[' {
		return false
	}
	for parts := wire.Walk(content); parts.Next(); {
		if kind, _ := wire.String(member(parts.Value(), "type")); slices.Contains(chatForms, kind) {
			w.refuse(m, "has a part of OpenAI's chat ("+kind+"). Send it in the form of this endpoint.")
			return true
		}
	}
	return false
}

// sentResponses is an item of the Responses API. Parts of a message are called otherwise there than in chat.
func (w *writer) sentResponses(m *prompt.Rendered) []byte {
	role, kind := sentRole(m), member(m.Sent, "type")
	if role == "" && kind != nil || w.speaks(m, "user", "assistant", "system", "developer") && !w.foreign(m) {
		return respelt(m.Sent, role)
	}
	return nil
}

// respelt is a message with its text parts as the Responses API calls them.
func respelt(raw []byte, role string) []byte {
	content := member(raw, "content")
	if len(content) == 0 || content[0] != '[' {
		return raw
	}
	name := "input_text"
	if role == "assistant" {
		name = "output_text"
	}
	var parts [][]byte
	changed := false
	for w := wire.Walk(content); w.Next(); {
		if kind, _ := wire.String(member(w.Value(), "type")); kind == "text" {
			parts = append(parts, object(nil).str("type", name).raw("text", member(w.Value(), "text")).end())
			changed = true
			continue
		}
		parts = append(parts, w.Value())
	}
	if !changed {
		return raw
	}
	return with(raw, "content", list(parts, nil))
}

// with is an object with another value of one member.
func with(raw []byte, name string, value []byte) []byte {
	out := object(nil)
	for w := wire.Walk(raw); w.Next() && w.IsObject(); {
		v := w.Value()
		if string(w.Key) == name {
			v = value
		}
		out = out.raw(string(w.Key), v)
	}
	return out.end()
}

// sentAnthropic is a message of Anthropic's API, which takes the texts of OpenAI's chat as they are.
func (w *writer) sentAnthropic(m *prompt.Rendered) []byte {
	if !w.speaks(m, "user", "assistant") || w.foreign(m) {
		return nil
	}
	return m.Sent
}

// sentGemini is a content of Gemini's API.
func (w *writer) sentGemini(m *prompt.Rendered) []byte {
	if !w.speaks(m, "user", "model", "assistant", "function") {
		return nil
	}
	if member(m.Sent, "parts") != nil {
		return m.Sent
	}
	if w.foreign(m) {
		return nil
	}
	var texts [][]byte
	content := member(m.Sent, "content")
	if _, ok := wire.String(content); ok {
		texts = append(texts, object(nil).raw("text", content).end())
	} else {
		for parts := wire.Walk(content); parts.Next(); {
			kind, _ := wire.String(member(parts.Value(), "type"))
			text := member(parts.Value(), "text")
			if kind != "text" || text == nil {
				w.refuse(m, "has a part that is no text. Send it in the form of this endpoint.")
				return nil
			}
			texts = append(texts, object(nil).raw("text", text).end())
		}
	}
	if len(texts) == 0 {
		w.refuse(m, "says nothing.")
		return nil
	}
	who := "user"
	if role := sentRole(m); role != "user" {
		who = "model"
	}
	return object(nil).str("role", who).raw("parts", list(texts, nil)).end()
}
