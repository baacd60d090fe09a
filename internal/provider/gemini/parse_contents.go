package gemini

import (
	"encoding/json"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider/wire"
)

// system reads systemInstruction: a content, or as some clients write it a string.
func (p *parser) system() {
	raw := p.f.Take("systemInstruction")
	if raw == nil {
		return
	}
	if s, ok := wire.String(raw); ok {
		p.r.System = instruction(nil, p.f.Path("systemInstruction"), s)
		return
	}
	c := object(p.f.Path("systemInstruction"), raw)
	for i, part := range many(&c, "parts") {
		at := c.Path("parts") + "." + strconv.Itoa(i)
		w, err := readPart(at, part)
		note(&c, err)
		if w.text != nil {
			p.r.System = instruction(p.r.System, at, *w.text)
			continue
		}
		p.r.System = append(p.r.System, w.parts(at, "")...)
	}
	note(p.f, c.Err)
}

// instruction adds a text; an empty one says nothing.
func instruction(to []chat.Part, at, text string) []chat.Part {
	if text == "" {
		return to
	}
	return append(to, chat.Part{Kind: chat.Text, Path: at, Text: text})
}

// contents reads the turns. Contents of one role that follow each other are one turn: the SDKs' chat sessions keep every chunk of a
// stream as a content of its own.
func (p *parser) contents() {
	if !p.f.Has("contents") {
		p.f.Refuse("contents", "a list of contents")
		return
	}
	raw := p.f.Take("contents")
	if s, ok := wire.String(raw); ok { // what the SDKs take from their callers, sent by some as it is
		p.r.Messages = []chat.Message{{Role: chat.User, Parts: []chat.Part{{Kind: chat.Text, Path: "contents", Text: s}}}}
		return
	}
	p.f.Raw["contents"] = raw
	for i, c := range many(p.f, "contents") {
		p.content(p.f.Path("contents")+"."+strconv.Itoa(i), c)
		if p.f.Err != nil {
			return
		}
	}
	p.join()
	if len(p.r.Messages) == 0 {
		p.f.Refuse("contents", "a list with at least one part")
	}
}

func (p *parser) content(at string, raw json.RawMessage) {
	c := object(at, raw)
	var role chat.Role
	switch word := c.Text("role"); word {
	case "", "user", "function", "tool":
		role = chat.User
	case "model", "assistant":
		role = chat.Assistant
	case "system":
		role = chat.System
	default:
		c.Refuse("role", "user or model")
	}
	var parts []chat.Part
	for i, part := range many(&c, "parts") {
		path := at + ".parts." + strconv.Itoa(i)
		w, err := readPart(path, part)
		note(&c, err)
		parts = append(parts, w.parts(path, p.identify(w))...)
	}
	note(p.f, c.Err)
	if len(parts) > 0 && c.Err == nil {
		p.add(role, parts)
	}
}

// identify gives the id of a call or a result that has none, and keeps book of calls without a result. A call's is made of its place among
// the calls of the conversation, so that it is the same in every later turn; a result's is that of the oldest open call of its name.
func (p *parser) identify(w wirePart) string {
	switch {
	case w.call != nil:
		id := w.call.id
		if id == "" {
			id = "call_" + strconv.Itoa(p.calls)
		}
		p.calls++
		p.open[w.call.name] = append(p.open[w.call.name], id)
		return id
	case w.result != nil && w.result.id != "":
		p.done[w.result.id] = true
	case w.result != nil:
		queue := p.open[w.result.name]
		for len(queue) > 0 && p.done[queue[0]] {
			queue = queue[1:]
		}
		if len(queue) == 0 {
			return "call_" + w.result.name
		}
		p.open[w.result.name] = queue[1:]
		return queue[0]
	}
	return ""
}

// add puts parts behind the turn of the same role, or makes a new one. A text of the model that goes on, and a thought that goes on or
// gets its signature, is one.
func (p *parser) add(role chat.Role, parts []chat.Part) {
	n := len(p.r.Messages)
	if n == 0 || p.r.Messages[n-1].Role != role {
		p.join()
		p.r.Messages = append(p.r.Messages, chat.Message{Role: role})
		n++
	}
	m := &p.r.Messages[n-1]
	for _, part := range parts {
		if k := len(m.Parts); k > 0 && role == chat.Assistant && continues(m.Parts[k-1], part) {
			p.pieces = append(p.pieces, part.Text)
			if part.Signature != "" {
				m.Parts[k-1].Signature, m.Parts[k-1].Extra = part.Signature, part.Extra
			}
			continue
		}
		if role == chat.Assistant && part.Kind == chat.Text && part.Text == "" {
			continue // the end of a stream
		}
		p.join()
		m.Parts = append(m.Parts, part)
	}
}

// join puts the pieces that go on with the last part behind it.
func (p *parser) join() {
	if len(p.pieces) == 0 {
		return
	}
	parts := p.r.Messages[len(p.r.Messages)-1].Parts
	parts[len(parts)-1].Text += strings.Join(p.pieces, "")
	p.pieces = nil
}

func continues(last, next chat.Part) bool {
	switch {
	case last.Kind == chat.Text && next.Kind == chat.Text:
		return true
	case last.Kind == chat.Thinking && next.Kind == chat.Thinking:
		return last.Signature == ""
	}
	return false
}
