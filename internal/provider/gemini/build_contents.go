package gemini

import (
	"bytes"
	"encoding/json"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

type outContent struct {
	Role  string `json:"role,omitempty"`
	Parts []any  `json:"parts"`
}

type outPart struct {
	Text      *string    `json:"text,omitempty"`
	Thought   bool       `json:"thought,omitempty"`
	Call      *outCall   `json:"functionCall,omitempty"`
	Result    *outResult `json:"functionResponse,omitempty"`
	Inline    *outBlob   `json:"inlineData,omitempty"`
	File      *outFile   `json:"fileData,omitempty"`
	Signature string     `json:"thoughtSignature,omitempty"`
}

type outCall struct {
	ID   string          `json:"id,omitempty"`
	Name string          `json:"name"`
	Args json.RawMessage `json:"args"`
}

type outResult struct {
	ID       string          `json:"id,omitempty"`
	Name     string          `json:"name"`
	Response json.RawMessage `json:"response"`
	Parts    []outPart       `json:"parts,omitempty"`
}

type outBlob struct {
	MediaType string `json:"mimeType"`
	Data      string `json:"data"`
	Name      string `json:"displayName,omitempty"`
}

type outFile struct {
	MediaType string `json:"mimeType,omitempty"`
	URI       string `json:"fileUri"`
}

func textPart(text string) *outPart { return &outPart{Text: &text} }

// input makes arguments an object: the API takes nothing else. What a model wrote that is no JSON is kept under a name that says so.
func input(args json.RawMessage) json.RawMessage {
	args = bytes.TrimSpace(args)
	switch {
	case len(args) == 0:
		return json.RawMessage("{}")
	case args[0] == '{' && json.Valid(args):
		return args
	}
	return wire.Marshal(map[string]string{"invalid_json": string(args)})
}

func (b *builder) system(parts []chat.Part) []any {
	var out []any
	for _, p := range parts {
		switch {
		case p.Kind != chat.Text:
			b.refuse(p.Path)
		case p.Text != "":
			out = append(out, textPart(p.Text))
		}
	}
	return out
}

// contents writes the turns. A call that has only instructions is made a question.
func (b *builder) contents(system *[]any) []outContent {
	var out []outContent
	for _, m := range b.r.Messages {
		switch m.Role {
		case chat.System:
			*system = append(*system, b.system(m.Parts)...)
		case chat.Assistant:
			if parts := b.model(m); len(parts) > 0 {
				out = append(out, outContent{"model", parts})
			}
		case chat.User:
			out = append(out, b.user(m)...)
		}
	}
	if len(*system) > 0 && (len(out) == 0 || !b.gen.system) {
		if len(out) > 0 && out[0].Role == "user" {
			out[0].Parts = append(append([]any(nil), *system...), out[0].Parts...)
		} else {
			out = append([]outContent{{"user", *system}}, out...)
		}
		*system = nil
	}
	return out
}

// user writes a user's turn: the results of tools first and by themselves, as Vertex demands, then the rest.
func (b *builder) user(m chat.Message) []outContent {
	var results, others []any
	for _, p := range m.Parts {
		if p.Kind != chat.ToolResult {
			others = append(others, b.part(p)...)
			continue
		}
		result, media := b.result(p)
		results = append(results, result)
		for _, part := range media {
			others = append(others, part)
		}
	}
	var out []outContent
	if len(results) > 0 {
		out = append(out, outContent{"user", results})
	}
	if len(others) > 0 {
		out = append(out, outContent{"user", others})
	}
	return out
}

// model writes the model's turn, with each signature at the part that it belongs to. One that stands at the end keeps its place, unless the
// client put it before everything else, as OpenAI's do: then it stands behind the text.
func (b *builder) model(m chat.Message) []any {
	s := signed{calls: signatures(m.Parts)}
	var out []any
	said, called := false, false
	for _, p := range m.Parts {
		if at, signature, ok := carried(p); ok {
			switch {
			case at == onNext:
				s.next = signature
			case at == onEnd && said:
				out = append(out, &outPart{Text: new(string), Signature: signature})
			case at == onEnd:
				s.end = signature
			}
			continue
		}
		if p.Kind == chat.ToolCall {
			out = s.flush(out)
		}
		said = said || p.Kind != chat.Thinking
		for _, part := range b.part(p) {
			if o, ok := part.(*outPart); ok {
				b.sign(o, &s, !called)
				called = called || o.Call != nil
			}
			out = append(out, part)
		}
	}
	return s.flush(out)
}

// signed is what carriers of one turn hold.
type signed struct {
	calls map[string]string // call id -> signature
	next  string
	end   string
}

// flush writes the signature behind the text.
func (s *signed) flush(out []any) []any {
	if s.end == "" {
		return out
	}
	out = append(out, &outPart{Text: new(string), Signature: s.end})
	s.end = ""
	return out
}

// signatures are those of calls, by id.
func signatures(parts []chat.Part) map[string]string {
	calls := map[string]string{}
	for _, p := range parts {
		if at, signature, ok := carried(p); ok {
			if id, call := strings.CutPrefix(string(at), "call:"); call {
				calls[id] = signature
			}
		}
	}
	return calls
}

// sign gives a part its signature. The first call of a turn has to have one for Gemini 3.
func (b *builder) sign(o *outPart, s *signed, first bool) {
	switch {
	case o.Thought:
	case o.Call != nil && s.calls[o.Call.ID] != "":
		o.Signature = s.calls[o.Call.ID]
	case s.next != "":
		o.Signature, s.next = s.next, ""
	case o.Call != nil && first && b.gen.levels:
		o.Signature = unsigned
	}
}

// part writes one part; nothing for one that says nothing or must not be sent.
func (b *builder) part(p chat.Part) []any {
	switch p.Kind {
	case chat.Text, chat.Refusal:
		if p.Text == "" {
			return nil // refused as an empty part
		}
		return []any{textPart(p.Text)}
	case chat.Image, chat.Audio, chat.Document:
		if o := b.media(p); o != nil {
			return []any{o}
		}
	case chat.ToolCall:
		return []any{&outPart{Call: &outCall{ID: p.ID, Name: p.Name, Args: input(p.Args)}}}
	case chat.Thinking:
		return b.thought(p)
	case chat.Redacted:
		return nil // carriers are read beforehand; what else there is means nothing here
	case chat.Opaque:
		if raw, ok := p.Extra[dialectName]; ok && b.own {
			return []any{raw}
		}
	case chat.ToolResult:
		result, _ := b.result(p)
		return []any{result}
	}
	b.refuse(p.Path)
	return nil
}

// thought sends reasoning back that Google signed. What it did not sign it does not want back, and other makers' it cannot read.
func (b *builder) thought(p chat.Part) []any {
	maker, signature := provider.Unseal(p.Signature)
	if maker != provider.Gemini && (!b.own || signature != "") {
		return nil
	}
	o := textPart(p.Text)
	o.Thought, o.Signature = true, signature
	return []any{o}
}

// media writes an image, a recording or a document. Text goes as text.
func (b *builder) media(p chat.Part) *outPart {
	switch {
	case p.Kind == chat.Document && p.Text != "":
		return textPart(p.Text)
	case p.Data != "":
		mediaType := p.MediaType
		switch {
		case mediaType == "image/jpg": // common, and refused
			mediaType = "image/jpeg"
		case mediaType == "" && p.Kind == chat.Document:
			mediaType = "application/pdf"
		}
		return &outPart{Inline: &outBlob{MediaType: mediaType, Data: p.Data}}
	case p.URL != "":
		return &outPart{File: &outFile{MediaType: b.typeOf(p), URI: p.URL}}
	case p.FileID != "" && (b.own || strings.Contains(p.FileID, "://")):
		return &outPart{File: &outFile{MediaType: p.MediaType, URI: p.FileID}}
	}
	return nil
}

// typeOf is the media type of what stands at an address, which Vertex demands. Where nothing shows it, it is the commonest.
func (b *builder) typeOf(p chat.Part) string {
	switch {
	case p.MediaType != "":
		return p.MediaType
	case typeOf(p.URL) != "":
		return typeOf(p.URL)
	case b.own:
		return ""
	case p.Kind == chat.Image:
		return "image/jpeg"
	case p.Kind == chat.Document:
		return "application/pdf"
	}
	return ""
}

// result writes a tool's result: its text under output or error, or as it is when it is an object already. Images and documents stand in
// it for models that take them there, else they follow as the user's.
func (b *builder) result(p chat.Part) (result any, media []*outPart) {
	if raw, ok := p.Extra[dialectName]; ok && b.own {
		return identified(raw, p.ID), nil
	}
	name := b.names[p.ID]
	if name == "" {
		name = p.Name
	}
	if name == "" {
		name = "unknown"
	}
	out := &outResult{ID: p.ID, Name: name}
	var texts []string
	for _, part := range p.Parts {
		switch part.Kind {
		case chat.Text:
			texts = append(texts, part.Text)
		case chat.Image, chat.Document, chat.Audio:
			if o := b.media(part); o == nil {
				b.refuse(part.Path)
			} else if b.gen.images && o.Text == nil {
				out.Parts = append(out.Parts, *o)
			} else {
				media = append(media, o)
			}
		default:
			b.refuse(part.Path)
		}
	}
	text := strings.Join(texts, "\n")
	switch {
	case p.IsError:
		out.Response = wire.Marshal(map[string]string{"error": text})
	case len(texts) == 1 && isObject(text):
		out.Response = json.RawMessage(text)
	case text == "" && len(media) > 0:
		out.Response = json.RawMessage(`{"output":"See the next message."}`)
	default:
		out.Response = wire.Marshal(map[string]string{"output": text})
	}
	return &outPart{Result: out}, media
}

// identified is a client's own functionResponse with the id that its call has been given.
func identified(raw json.RawMessage, id string) json.RawMessage {
	part := object("", raw)
	result, ok := child(&part, "functionResponse")
	if !ok {
		return raw
	}
	result.Raw["id"] = wire.Marshal(id)
	part.Raw["functionResponse"] = wire.Marshal(result.Raw)
	return wire.Marshal(part.Raw)
}

func isObject(text string) bool {
	trimmed := strings.TrimSpace(text)
	return strings.HasPrefix(trimmed, "{") && json.Valid([]byte(trimmed))
}
