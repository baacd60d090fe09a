package gemini

import (
	"bytes"
	"encoding/json"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// object reads an object whose members have Google's names, in either spelling.
func object(at string, raw []byte) provider.Fields {
	f := provider.ParseFields(at, raw)
	for name, v := range f.Raw {
		if camel := camelCase(name); camel != name {
			delete(f.Raw, name)
			if _, both := f.Raw[camel]; both && f.Err == nil {
				f.Err = twice(f.Path(camel))
			}
			f.Raw[camel] = v
		}
	}
	return f
}

// camelCase makes max_output_tokens maxOutputTokens.
func camelCase(name string) string {
	if !strings.Contains(name, "_") {
		return name
	}
	var b strings.Builder
	upper := false
	for _, c := range name {
		switch {
		case c == '_':
			upper = b.Len() > 0
		case upper:
			b.WriteString(strings.ToUpper(string(c)))
			upper = false
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// child takes a member that is an object.
func child(f *provider.Fields, name string) (provider.Fields, bool) {
	raw := f.Take(name)
	if raw == nil {
		return provider.Fields{}, false
	}
	c := object(f.Path(name), raw)
	note(f, c.Err)
	return c, c.Err == nil
}

// many takes a list; one object stands for a list of one.
func many(f *provider.Fields, name string) []json.RawMessage {
	raw := f.Take(name)
	switch {
	case raw == nil:
		return nil
	case raw[0] == '{':
		return []json.RawMessage{raw}
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		f.Refuse(name, "a list")
	}
	return list
}

func note(f *provider.Fields, err error) {
	if f.Err == nil {
		f.Err = err
	}
}

// wirePart is one part of a content.
type wirePart struct {
	raw       json.RawMessage
	text      *string
	thought   bool
	signature string
	call      *wireCall
	result    *wireResult
	media     *chat.Part // inlineData or fileData
	more      bool       // it says more than the fields above hold
}

type wireCall struct {
	id, name string
	args     json.RawMessage
}

type wireResult struct {
	id, name string
	parts    []chat.Part
	failed   bool
}

func readPart(at string, raw json.RawMessage) (wirePart, error) {
	f := object(at, raw)
	p := wirePart{raw: raw, thought: f.Flag("thought"), signature: f.Text("thoughtSignature")}
	if f.Has("text") {
		s := f.Text("text")
		p.text = &s
	}
	if c, ok := child(&f, "functionCall"); ok {
		p.call = &wireCall{id: c.Text("id"), name: c.Text("name"), args: c.Take("args")}
		note(&f, c.Err)
	}
	if c, ok := child(&f, "functionResponse"); ok {
		p.result = readResult(&c)
		note(&f, c.Err)
	}
	if c, ok := child(&f, "inlineData"); ok {
		p.media = &chat.Part{MediaType: c.Text("mimeType"), Data: standardBase64(c.Text("data")), Name: c.Text("displayName")}
		note(&f, c.Err)
	}
	if c, ok := child(&f, "fileData"); ok {
		p.media = &chat.Part{MediaType: c.Text("mimeType"), Name: c.Text("displayName")}
		locate(p.media, c.Text("fileUri"))
		note(&f, c.Err)
	}
	delete(f.Raw, "partMetadata") // a note that clients keep for themselves
	for name, v := range f.Raw {
		p.more = p.more || (wire.Present(v) && name != "mediaResolution")
	}
	return p, f.Err
}

// locate sets where a file is: an address that anybody can read, or one that only Google can.
func locate(p *chat.Part, uri string) {
	public := strings.HasPrefix(uri, "http://") || strings.HasPrefix(uri, "https://")
	if public && !strings.Contains(uri, "generativelanguage.googleapis.com/") {
		p.URL = uri
		return
	}
	p.FileID = uri
}

// kindOf says what kind of content a media type is; 0 for what the neutral model has no name for, like video.
func kindOf(p *chat.Part) chat.PartKind {
	mediaType := p.MediaType
	if mediaType == "" {
		mediaType = typeOf(p.URL)
	}
	switch kind, _, _ := strings.Cut(mediaType, "/"); kind {
	case "image":
		return chat.Image
	case "audio":
		if p.Data != "" {
			return chat.Audio
		}
	case "text", "application", "":
		if !strings.Contains(p.URL, "youtube.com/") && !strings.Contains(p.URL, "youtu.be/") {
			return chat.Document
		}
	}
	return 0
}

// typeOf guesses a media type from an address; "" when it does not show one.
func typeOf(address string) string {
	address, _, _ = strings.Cut(strings.ToLower(address), "?")
	switch address[strings.LastIndexByte(address, '.')+1:] {
	case "png":
		return "image/png"
	case "jpg", "jpeg":
		return "image/jpeg"
	case "webp":
		return "image/webp"
	case "gif":
		return "image/gif"
	case "heic":
		return "image/heic"
	case "pdf":
		return "application/pdf"
	case "txt":
		return "text/plain"
	case "mp3":
		return "audio/mp3"
	case "wav":
		return "audio/wav"
	case "mp4":
		return "video/mp4"
	}
	return ""
}

// readResult reads a tool's result. What Google's documentation calls output and error, and the many who write result, is the text
// itself; any other object is its text.
func readResult(f *provider.Fields) *wireResult {
	r := &wireResult{id: f.Text("id"), name: f.Text("name")}
	response := f.Take("response")
	var compact bytes.Buffer
	_ = json.Compact(&compact, response) // it was decoded before
	text := compact.String()
	switch {
	case response == nil:
	case response[0] != '{':
		f.Refuse("response", "an object")
	default:
		var members map[string]json.RawMessage
		if json.Unmarshal(response, &members) != nil {
			break
		}
		// The Vercel AI SDK says the tool's name once more.
		if own, ok := wire.String(members["name"]); ok && own == r.name && len(members) == 2 && wire.Present(members["content"]) {
			text = plainText(members["content"])
		}
		if len(members) == 1 {
			for name, v := range members {
				switch name {
				case "error":
					r.failed = true
					text = plainText(v)
				case "output", "result":
					text = plainText(v)
				}
			}
		}
	}
	if text != "" {
		r.parts = append(r.parts, chat.Part{Kind: chat.Text, Path: f.Path("response"), Text: text})
	}
	for _, raw := range many(f, "parts") {
		inner, err := readPart(f.Path("parts"), raw)
		note(f, err)
		if inner.media != nil {
			part := *inner.media
			if part.Kind = kindOf(&part); part.Kind == 0 {
				part.Kind, part.Extra = chat.Opaque, extra(raw)
			}
			part.Path = f.Path("parts")
			r.parts = append(r.parts, part)
		}
	}
	return r
}

// plainText is a string's text, and any other value as it is written.
func plainText(raw json.RawMessage) string {
	if s, ok := wire.String(raw); ok {
		return s
	}
	return string(raw)
}

// parts gives the neutral form of a part: one, or with a signature two. id is what a call or a result without an id is given.
func (p wirePart) parts(at, id string) []chat.Part {
	var out chat.Part
	switch {
	case p.more:
		return []chat.Part{{Kind: chat.Opaque, Path: at, Extra: extra(p.raw)}} // with its signature in it
	case p.call != nil:
		out = chat.Part{Kind: chat.ToolCall, ID: p.call.id, Name: p.call.name, Args: p.call.args}
		if out.ID == "" {
			out.ID = id
		}
		if out.Args == nil {
			out.Args = json.RawMessage("{}")
		}
	case p.result != nil:
		out = chat.Part{Kind: chat.ToolResult, ID: p.result.id, Name: p.result.name, Parts: p.result.parts, IsError: p.result.failed, Extra: extra(p.raw)}
		if out.ID == "" {
			out.ID = id
		}
	case p.media != nil:
		out = *p.media
		if out.Kind = kindOf(&out); out.Kind == 0 {
			out = chat.Part{Kind: chat.Opaque, Extra: extra(p.raw)}
		}
	case p.thought:
		return []chat.Part{p.thinking(at)}
	case p.text != nil && (*p.text != "" || p.signature == ""):
		out = chat.Part{Kind: chat.Text, Text: *p.text}
	case p.signature != "":
		return []chat.Part{carrier(onEnd, p.signature, at)}
	default:
		return nil // {}
	}
	out.Path = at
	switch {
	case p.signature == "" || out.Kind == chat.Opaque:
		return []chat.Part{out}
	case out.Kind == chat.ToolCall:
		return []chat.Part{carrier(onCall(out.ID), p.signature, at), out}
	}
	return []chat.Part{carrier(onNext, p.signature, at), out}
}

// thinking reads a thought: Google's, or another maker's that was packed for this client.
func (p wirePart) thinking(at string) chat.Part {
	out := chat.Part{Kind: chat.Thinking, Path: at}
	if p.text != nil {
		out.Text = *p.text
	}
	f, foreign := unpackSignature(p.signature)
	switch {
	case foreign && f.Kind == "redacted":
		return chat.Part{Kind: chat.Redacted, Path: at, Data: f.Data, Extra: f.Extra}
	case foreign:
		out.Signature, out.Extra = f.Signature, f.Extra
	default:
		return googleThought(out, p.signature)
	}
	return out
}

func extra(raw json.RawMessage) map[string]json.RawMessage {
	return map[string]json.RawMessage{dialectName: raw}
}
