package openairesponses

import (
	"encoding/json"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// inputParser turns items into turns: instructions at the beginning become the system text, what the assistant said, thought and called
// in a row is one turn, and so are the results of its calls.
type inputParser struct {
	f     *provider.Fields
	r     *chat.Request
	notes []chat.Part // of calls, to be given to them in the end: ID is the call's
}

func parseInput(f *provider.Fields, r *chat.Request) {
	raw := f.Take("input")
	if raw == nil {
		for _, elsewhere := range [...]string{"previous_response_id", "conversation", "prompt"} {
			if f.Has(elsewhere) {
				return
			}
		}
		f.Refuse("input", "a string or a list of items")
		return
	}
	if s, ok := wire.String(raw); ok {
		r.Messages = append(r.Messages, chat.Message{Role: chat.User, Parts: []chat.Part{{Kind: chat.Text, Path: "input", Text: s}}})
		return
	}
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		f.Refuse("input", "a string or a list of items")
		return
	}
	p := inputParser{f: f, r: r}
	for i, item := range items {
		p.item("input."+strconv.Itoa(i), item)
		if f.Err != nil {
			return
		}
	}
	p.giveNotes()
}

func (p *inputParser) item(path string, raw json.RawMessage) {
	var it wireItem
	if json.Unmarshal(raw, &it) != nil || (it.Type == "" && it.Role == "") {
		p.f.Refuse(path, "an item")
		return
	}
	switch it.Type {
	case "", "message":
		p.message(path, it)
	case "reasoning":
		p.reasoning(it, path, raw)
	case "function_call":
		part := it.call()
		part.Path = path
		if it.Namespace != "" {
			part.Extra = extra(raw)
		}
		p.add(chat.Assistant, part)
	case "custom_tool_call":
		part := it.call()
		part.Path, part.Extra = path, extra(raw)
		p.add(chat.Assistant, part)
	case "function_call_output", "custom_tool_call_output":
		p.result(path, it, raw)
	case "item_reference":
		p.r.Unmapped["item_reference"] = wire.Marshal(it.ID)
		p.add(chat.Assistant, chat.Part{Kind: chat.Opaque, Path: path, Extra: extra(raw)})
	default:
		p.opaque(path, it.Type, raw)
	}
}

// opaque keeps an item that only this dialect has: what a hosted tool did is the assistant's, what answers it the user's. A tool that ran
// at the provider left its result in the words that follow, so another provider goes on without the item, as it does without
// reasoning that it cannot read.
func (p *inputParser) opaque(path, typ string, raw json.RawMessage) {
	part := chat.Part{Kind: chat.Opaque, Path: path, Extra: extra(raw)}
	switch typ {
	case "web_search_call", "file_search_call", "code_interpreter_call", "mcp_call", "mcp_list_tools":
		part.Kind = chat.Redacted
	}
	if strings.HasSuffix(typ, "_output") || strings.HasSuffix(typ, "_response") {
		p.add(chat.User, part)
		return
	}
	p.add(chat.Assistant, part)
}

// add puts a part at the end of the assistant's turn, or in a new one.
func (p *inputParser) add(role chat.Role, parts ...chat.Part) {
	if n := len(p.r.Messages); n > 0 && role == chat.Assistant && p.r.Messages[n-1].Role == role {
		last := &p.r.Messages[n-1]
		last.Parts = append(last.Parts, parts...)
		return
	}
	p.r.Messages = append(p.r.Messages, chat.Message{Role: role, Parts: parts})
}

// result adds a tool's answer to the turn of the answers before it, so that parallel calls are answered in one turn.
func (p *inputParser) result(path string, it wireItem, raw json.RawMessage) {
	if it.CallID == "" {
		p.f.Refuse(path+".call_id", "the id of a call")
		return
	}
	parts, ok := p.content(path, path+".output", it.Output)
	if !ok {
		return
	}
	part := chat.Part{Kind: chat.ToolResult, Path: path, ID: it.CallID, Parts: parts}
	if it.Type != "function_call_output" {
		part.Extra = extra(raw)
	}
	for i := range parts { // a mark on the text of a result is a mark on the result
		if parts[i].Cache != nil {
			part.Cache, parts[i].Cache = parts[i].Cache, nil
		}
	}
	if n := len(p.r.Messages); n > 0 {
		last := &p.r.Messages[n-1]
		if last.Role == chat.User && len(last.Parts) > 0 && last.Parts[len(last.Parts)-1].Kind == chat.ToolResult {
			last.Parts = append(last.Parts, part)
			return
		}
	}
	p.add(chat.User, part)
}

func (p *inputParser) message(path string, it wireItem) {
	parts, ok := p.content(path, path+".content", it.Content)
	if !ok {
		return
	}
	switch it.Role {
	case "system", "developer":
		if len(p.r.Messages) == 0 {
			p.r.System = append(p.r.System, parts...)
			return
		}
		p.add(chat.System, parts...)
	case "user":
		p.add(chat.User, parts...)
	case "assistant":
		for i := range parts {
			if parts[i].Kind == chat.Text {
				parts[i].Extra = textExtra(it.Phase, nil)
			}
		}
		p.add(chat.Assistant, parts...)
	default:
		p.f.Refuse(path+".role", "system, developer, user or assistant")
	}
}

// reasoning adds the assistant's reasoning, or gives a note back to the part that it belongs to.
func (p *inputParser) reasoning(it wireItem, path string, raw json.RawMessage) {
	part, callID, ok := it.reasoning()
	part.Path = path
	switch {
	case !ok && strings.HasPrefix(it.Encrypted, notePrefix): // a note of a later version
	case part.Kind == chat.ToolCall:
		part.ID = callID
		p.notes = append(p.notes, part)
	case part.Kind == chat.Text:
		if last := p.lastText(); last != nil {
			last.Signature, last.Extra = part.Signature, part.Extra
		}
	default:
		if !ok { // only its id: the item itself is at the provider
			part = chat.Part{Kind: chat.Redacted, Path: path}
		}
		if _, noted := readNote(it.Encrypted); !noted {
			own := ownMark(it.ID)
			own[dialectName] = raw
			part.Extra = own
		}
		p.add(chat.Assistant, part)
	}
}

func (p *inputParser) lastText() *chat.Part {
	n := len(p.r.Messages)
	if n == 0 || p.r.Messages[n-1].Role != chat.Assistant {
		return nil
	}
	parts := p.r.Messages[n-1].Parts
	for i := len(parts) - 1; i >= 0; i-- {
		if parts[i].Kind == chat.Text {
			return &parts[i]
		}
	}
	return nil
}

// giveNotes gives each call what its note keeps for it.
func (p *inputParser) giveNotes() {
	if len(p.notes) == 0 {
		return
	}
	calls := map[string]*chat.Part{}
	for i := range p.r.Messages {
		parts := p.r.Messages[i].Parts
		for j := range parts {
			if parts[j].Kind == chat.ToolCall {
				calls[parts[j].ID] = &parts[j]
			}
		}
	}
	for _, n := range p.notes {
		if call := calls[n.ID]; call != nil {
			call.Signature, call.Extra = n.Signature, n.Extra
		}
	}
}

// content reads a string or a list of parts. Null is no part.
func (p *inputParser) content(path, field string, raw json.RawMessage) ([]chat.Part, bool) {
	if !wire.Present(raw) {
		return nil, true
	}
	if s, ok := wire.String(raw); ok {
		return []chat.Part{{Kind: chat.Text, Path: path, Text: s}}, true
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		p.f.Refuse(field, "a string or a list of parts")
		return nil, false
	}
	parts := make([]chat.Part, 0, len(list))
	for i, item := range list {
		at := field + "." + strconv.Itoa(i)
		part, ok := toPart(at, item)
		if !ok {
			p.f.Refuse(at, "a content part")
			return nil, false
		}
		parts = append(parts, part)
	}
	return parts, true
}

func toPart(path string, raw json.RawMessage) (chat.Part, bool) {
	if s, ok := wire.String(raw); ok {
		return chat.Part{Kind: chat.Text, Path: path, Text: s}, true
	}
	var w wirePart
	if json.Unmarshal(raw, &w) != nil || w.Type == "" {
		return chat.Part{}, false
	}
	p := chat.Part{Path: path, Cache: present(w.Cache)}
	switch {
	case w.Type == "input_text" || w.Type == "output_text" || w.Type == "text" || w.Type == "summary_text":
		p.Kind, p.Text = chat.Text, w.Text
	case w.Type == "refusal":
		p.Kind, p.Text = chat.Refusal, w.Refusal
	case w.Type == "input_image" || w.Type == "image_url":
		return p, image(&p, w)
	case w.Type == "input_file":
		return p, file(&p, w)
	case w.Type == "input_audio" && w.Audio != nil:
		p.Kind, p.Data, p.MediaType = chat.Audio, w.Audio.Data, "audio/"+w.Audio.Format
	default:
		p.Kind, p.Extra = chat.Opaque, extra(raw)
	}
	return p, true
}

// image reads an image: its address, its data, or the id of a file.
func image(p *chat.Part, w wirePart) bool {
	p.Kind, p.Detail, p.FileID = chat.Image, w.Detail, w.FileID
	if !wire.Present(w.ImageURL) {
		return p.FileID != ""
	}
	var o struct { // as in chat completions
		URL    string `json:"url"`
		Detail string `json:"detail"`
	}
	if s, ok := wire.String(w.ImageURL); ok {
		o.URL = s
	} else if json.Unmarshal(w.ImageURL, &o) != nil {
		return false
	}
	if o.Detail != "" {
		p.Detail = o.Detail
	}
	source(p, o.URL)
	return true
}

// file reads a file: its data, its address, or its id.
func file(p *chat.Part, w wirePart) bool {
	p.Kind, p.Name, p.FileID = chat.Document, w.Filename, w.FileID
	switch {
	case w.FileData != "":
		source(p, w.FileData)
	case w.FileURL != "":
		source(p, w.FileURL)
	default:
		return w.FileID != ""
	}
	return true
}

// source sets what a URL says: an address, or data. Bare base64 of a file is a PDF.
func source(p *chat.Part, url string) {
	if mediaType, data, ok := splitDataURL(url); ok {
		p.MediaType, p.Data = mediaType, data
		return
	}
	if p.Kind == chat.Document && !strings.Contains(url, "://") {
		p.MediaType, p.Data = "application/pdf", url
		return
	}
	p.URL = url
}

// splitDataURL takes data:image/png;base64,AAAA apart.
func splitDataURL(url string) (mediaType, data string, ok bool) {
	rest, ok := strings.CutPrefix(url, "data:")
	if !ok {
		return "", "", false
	}
	head, data, ok := strings.Cut(rest, ",")
	if !ok {
		return "", "", false
	}
	mediaType, ok = strings.CutSuffix(head, ";base64")
	if !ok {
		return "", "", false
	}
	mediaType, _, _ = strings.Cut(mediaType, ";")
	return mediaType, data, true
}
