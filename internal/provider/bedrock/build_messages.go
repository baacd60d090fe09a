package bedrock

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/wire"
)

type message struct {
	Role    string `json:"role"`
	Content []any  `json:"content"`
}

func textBlock(text string) any { return map[string]string{"text": text} }

// blank reports a text that the API refuses: nothing, or nothing but space.
func blank(text string) bool { return strings.TrimSpace(text) == "" }

// marked gives a block with the cache point that belongs behind it.
func (b *builder) marked(block any, cache json.RawMessage) []any {
	if cache == nil || !caches(b.maker, b.r.Model) {
		return []any{block}
	}
	return []any{block, b.cachePoint(cache)}
}

func (b *builder) cachePoint(cache json.RawMessage) any {
	point := map[string]string{"type": "default"}
	var c struct {
		TTL string `json:"ttl"`
	}
	if json.Unmarshal(cache, &c) == nil && c.TTL != "" && cachesLong(b.maker, b.r.Model) {
		point["ttl"] = c.TTL
	}
	return map[string]any{"cachePoint": point}
}

func (b *builder) system(parts []chat.Part) []any {
	var out []any
	for _, p := range parts {
		switch {
		case p.Kind != chat.Text:
			b.refuse(p.Path)
		case !blank(p.Text):
			out = append(out, b.marked(textBlock(p.Text), p.Cache)...)
		}
	}
	return out
}

// messages writes the turns. Turns of one role that follow each other become one, with the answers of tools first. A call that has
// only instructions is made a question: the API demands one.
func (b *builder) messages(system *[]any) []message {
	out := []message{}
	lead := 0 // how many blocks of the last turn are the answers of tools that it begins with
	for _, m := range b.r.Messages {
		if m.Role == chat.System {
			*system = append(*system, b.system(m.Parts)...)
			continue
		}
		results, others := b.blocks(m)
		if len(results)+len(others) == 0 {
			continue
		}
		if n := len(out); n > 0 && out[n-1].Role == string(m.Role) {
			if len(results) > 0 { // in their place, which is at the end as long as nothing else came
				out[n-1].Content = slices.Insert(out[n-1].Content, lead, results...)
				lead += len(results)
			}
			out[n-1].Content = append(out[n-1].Content, others...)
			continue
		}
		out = append(out, message{Role: string(m.Role), Content: append(results, others...)})
		lead = len(results)
	}
	if len(out) == 0 && len(*system) > 0 {
		out = append(out, message{Role: string(chat.User), Content: *system})
		*system = nil
	}
	return out
}

// blocks writes a turn's parts, results of tools apart.
func (b *builder) blocks(m chat.Message) (results, others []any) {
	for _, p := range m.Parts {
		if p.Kind == chat.ToolResult {
			results = append(results, b.marked(b.result(p), p.Cache)...)
			continue
		}
		if block := b.block(p); block != nil {
			others = append(others, b.marked(block, p.Cache)...)
		}
	}
	return results, others
}

// nothing stands for a result without content, which the API refuses.
const nothing = "(no output)"

func (b *builder) result(p chat.Part) any {
	content := []any{}
	for _, part := range p.Parts {
		switch part.Kind {
		case chat.Text, chat.Image, chat.Document:
			if block := b.block(part); block != nil {
				content = append(content, block)
			}
		default:
			b.refuse(part.Path)
		}
	}
	if len(content) == 0 {
		content = append(content, textBlock(nothing))
	}
	out := map[string]any{"toolUseId": callID(p.ID), "content": content}
	if p.IsError {
		out["status"] = "error" // only some makers' models know the field; to say success is not worth a refusal
	}
	return map[string]any{"toolResult": out}
}

// block writes one part; nil for one that says nothing or must not be sent.
func (b *builder) block(p chat.Part) any {
	switch p.Kind {
	case chat.Text, chat.Refusal:
		if blank(p.Text) {
			return nil
		}
		return textBlock(p.Text)
	case chat.Image:
		return b.media("image", imageFormats, p)
	case chat.Audio:
		return b.media("audio", audioFormats, p)
	case chat.Document:
		if strings.HasPrefix(p.MediaType, "video/") {
			return b.media("video", videoFormats, p)
		}
		return b.document(p)
	case chat.ToolCall:
		return map[string]any{"toolUse": map[string]any{"toolUseId": callID(p.ID), "name": p.Name, "input": input(p.Args)}}
	case chat.Thinking, chat.Redacted:
		return b.thinking(p)
	case chat.Opaque, chat.ToolResult:
	}
	b.refuse(p.Path)
	return nil
}

// thinking gives reasoning back to Claude, where it is its own. For other models it is not needed, and refused by some.
func (b *builder) thinking(p chat.Part) any {
	if b.maker != claude {
		return nil
	}
	if p.Kind == chat.Redacted {
		if blob := toBlob(p); blob != "" {
			return map[string]any{"reasoningContent": map[string]string{"redactedContent": blob}}
		}
		return nil
	}
	if !anthropic.Sendable(p) {
		return nil
	}
	return map[string]any{"reasoningContent": map[string]any{"reasoningText": map[string]string{"text": p.Text, "signature": p.Signature}}}
}

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

// formats turn a media type into a word of this API.
var (
	imageFormats = map[string]string{
		"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp",
	}
	audioFormats = map[string]string{
		"audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav", "audio/flac": "flac", "audio/ogg": "ogg",
		"audio/opus": "opus", "audio/aac": "aac", "audio/mp4": "mp4", "audio/m4a": "m4a", "audio/webm": "webm", "audio/pcm": "pcm", "audio/l16": "pcm",
	}
	videoFormats = map[string]string{
		"video/mp4": "mp4", "video/quicktime": "mov", "video/x-matroska": "mkv", "video/webm": "webm", "video/x-flv": "flv", "video/mpeg": "mpeg",
		"video/mpg": "mpg", "video/x-ms-wmv": "wmv", "video/wmv": "wmv", "video/3gpp": "three_gp",
	}
	documentFormats = map[string]string{
		"application/pdf": "pdf", "text/csv": "csv", "application/msword": "doc", "text/html": "html", "text/plain": "txt", "application/json": "txt",
		"text/markdown": "md", "text/x-markdown": "md", "application/vnd.ms-excel": "xls",
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":       "xlsx",
	}
	// byEnding are the same for what comes by address only.
	byEnding = map[string]string{
		"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp", "mp3": "audio/mpeg", "wav": "audio/wav",
		"pdf": "application/pdf", "csv": "text/csv", "txt": "text/plain", "md": "text/markdown", "html": "text/html", "mp4": "video/mp4",
	}
)

// format finds the API's word for what p is; "" when it has none.
func format(words map[string]string, p chat.Part) string {
	mediaType, _, _ := strings.Cut(p.MediaType, ";")
	if mediaType == "" && p.URL != "" {
		mediaType = byEnding[strings.ToLower(p.URL[strings.LastIndexByte(p.URL, '.')+1:])]
	}
	return words[strings.ToLower(strings.TrimSpace(mediaType))]
}

// source says where content comes from: the call itself or Amazon's own storage. Other addresses it does not fetch.
func source(p chat.Part) any {
	switch {
	case strings.HasPrefix(p.URL, "s3://"):
		return map[string]any{"s3Location": map[string]string{"uri": p.URL}}
	case p.URL == "" && p.Data != "":
		return map[string]string{"bytes": p.Data}
	}
	return nil
}

func (b *builder) media(kind string, words map[string]string, p chat.Part) any {
	word, from := format(words, p), source(p)
	if word == "" || from == nil {
		b.refuse(p.Path)
		return nil
	}
	return map[string]any{kind: map[string]any{"format": word, "source": from}}
}

// document writes a document block. Plain text goes as a text file. Any other text is one too.
func (b *builder) document(p chat.Part) any {
	if p.Text != "" {
		p.Data, p.MediaType, p.URL = base64.StdEncoding.EncodeToString([]byte(p.Text)), "text/plain", ""
	}
	word, from := format(documentFormats, p), source(p)
	if word == "" && strings.HasPrefix(p.MediaType, "text/") {
		word = "txt"
	}
	if word == "" || from == nil {
		b.refuse(p.Path)
		return nil
	}
	return map[string]any{"document": map[string]any{"format": word, "name": b.documentName(p.Name), "source": from}}
}

// documentNameMax is how long a document's name may be, with room for a number.
const documentNameMax = 190

// documentName makes a name that the API takes: letters, digits, single spaces, hyphens and brackets, and none twice.
func (b *builder) documentName(name string) string {
	clean := strings.Map(func(c rune) rune {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.ContainsRune("-()[]", c):
			return c
		}
		return ' '
	}, name)
	clean = strings.Join(strings.Fields(clean), " ")
	clean = strings.TrimSpace(clean[:min(len(clean), documentNameMax)])
	if clean == "" {
		clean = "Document"
	}
	if b.documents == nil {
		b.documents = map[string]int{}
	}
	unique := clean
	for b.documents[unique] > 0 {
		b.documents[clean]++
		unique = clean + " " + strconv.Itoa(b.documents[clean])
	}
	b.documents[unique] = 1
	return unique
}

// fromBlob opens what the API gives as bytes: Claude's opaque reasoning is text, the same that it is at its maker's. Other bytes are
// sealed: nobody else could read them.
func fromBlob(blob string) string {
	raw, err := base64.StdEncoding.DecodeString(blob)
	if err != nil || len(raw) == 0 || bytes.ContainsFunc(raw, func(c rune) bool { return c <= ' ' || c > '~' || c == ':' }) {
		return provider.Seal(provider.BedrockConverse, blob)
	}
	return string(raw)
}

// toBlob is the way back; "" for what is another's.
func toBlob(p chat.Part) string {
	if maker, blob := provider.Unseal(p.Data); maker == provider.BedrockConverse {
		return blob
	}
	if !anthropic.Sendable(p) {
		return ""
	}
	return base64.StdEncoding.EncodeToString([]byte(p.Data))
}
