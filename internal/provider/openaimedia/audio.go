package openaimedia

import (
	"strings"
	"unicode/utf8"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// Speech is audio/speech: text to audio, passed on as it comes.
type Speech struct{ common }

// Transcriptions is audio/transcriptions.
type Transcriptions struct{ listen }

// Translations is audio/translations.
type Translations struct{ listen }

var (
	_ provider.Client = Speech{}
	_ provider.Target = Speech{}
	_ provider.Client = Transcriptions{}
	_ provider.Target = Transcriptions{}
	_ provider.Client = Translations{}
	_ provider.Target = Translations{}
)

// Name is "openai-speech".
func (Speech) Name() provider.Name { return provider.OpenAISpeech }

// Operation is Speech.
func (Speech) Operation() provider.Operation { return provider.Speech }

// Carries its own bodies.
func (Speech) Carries() []provider.Name { return []provider.Name{provider.OpenAISpeech} }

// Path is the endpoint below a base URL that ends in /v1.
func (Speech) Path(provider.Head, string) string { return "/audio/speech" }

// Heartbeat is none: every byte of the answer is audio.
func (Speech) Heartbeat() []byte { return nil }

// StreamType is the provider's own.
func (Speech) StreamType() string { return "" }

// Streams takes audio, events, and the JSON in which some vendors wrap audio.
func (Speech) Streams(contentType string) bool { return !strings.HasPrefix(contentType, "text/html") }

// AppendStreamError writes nothing into audio: the answer is cut, which every player and client notices.
func (Speech) AppendStreamError(dst []byte, _ provider.Problem) []byte { return dst }

// Probe counts the characters, by which most voices are billed. Every answer is passed on as a stream.
func (Speech) Probe(body []byte, at provider.Line) (provider.Head, error) {
	h, err := probe(body, at, "", func(h *provider.Head, name string, raw []byte) (bool, error) {
		if name != "input" {
			return false, nil
		}
		var text string
		err := provider.Text("input", raw, &text)
		h.Characters = int64(utf8.RuneCountInString(text))
		return true, err
	})
	h.Stream = true
	return h, err
}

// Edits exchange the model.
func (Speech) Edits(body []byte, h provider.Head, model string) []wire.Edit {
	return edits(body, h, model)
}

// NewTap lets audio pass.
func (Speech) NewTap(h provider.Head) provider.Tap { return &voice{characters: h.Characters} }

// Inspect is for a body that was no stream: it is none of this dialect.
func (Speech) Inspect([]byte) provider.Seen { return provider.Seen{} }

// voice passes audio on. Where it comes as events the last one counts tokens; else the characters of the request are what is billed.
type voice struct {
	characters int64
	events     *tap // nil: raw audio
	seen       provider.Seen
}

// Feed passes chunk on.
func (v *voice) Feed(chunk []byte) []byte {
	if !v.seen.Started && v.events == nil && (strings.HasPrefix(string(chunk[:min(len(chunk), 6)]), "data:") || strings.HasPrefix(string(chunk[:min(len(chunk), 6)]), "event:")) {
		v.events = &tap{ends: func(kind string) bool { return kind == "speech.audio.done" }, read: usageSeen}
	}
	if v.events != nil {
		return v.events.Feed(chunk)
	}
	v.seen.Started = v.seen.Started || len(chunk) > 0
	v.seen.OutputBytes += int64(len(chunk))
	return chunk
}

// Close ends the stream. Raw audio has no mark of its end: how the connection ended tells.
func (v *voice) Close() []byte {
	if v.events != nil {
		return v.events.Close()
	}
	v.seen.Ended = v.seen.Started
	return nil
}

// Seen is what has gone by.
func (v *voice) Seen() provider.Seen {
	if v.events != nil {
		return v.events.Seen()
	}
	s := v.seen
	if s.Started {
		s.Usage.Units[chat.Characters], s.Usage.Source = v.characters, chat.Reported
	}
	return s
}

// listen is what transcriptions and translations share.
type listen struct{ common }

// Name is "openai-transcriptions".
func (Transcriptions) Name() provider.Name { return provider.OpenAITranscriptions }

// Carries its own bodies.
func (Transcriptions) Carries() []provider.Name {
	return []provider.Name{provider.OpenAITranscriptions}
}

// Path is the endpoint below a base URL that ends in /v1.
func (Transcriptions) Path(provider.Head, string) string { return "/audio/transcriptions" }

// Name is "openai-translations".
func (Translations) Name() provider.Name { return provider.OpenAITranslations }

// Carries its own bodies.
func (Translations) Carries() []provider.Name { return []provider.Name{provider.OpenAITranslations} }

// Path is the endpoint below a base URL that ends in /v1.
func (Translations) Path(provider.Head, string) string { return "/audio/translations" }

// Operation is Transcribe.
func (listen) Operation() provider.Operation { return provider.Transcribe }

// Probe scans the form.
func (listen) Probe(body []byte, at provider.Line) (provider.Head, error) {
	return probeForm(body, at, "", func(h *provider.Head, name, value string) {
		if name == "stream" {
			h.Stream = value == "true"
		}
	})
}

// Edits exchange the model.
func (listen) Edits(body []byte, h provider.Head, model string) []wire.Edit {
	return edits(body, h, model)
}

// NewTap watches a transcript go by.
func (listen) NewTap(provider.Head) provider.Tap {
	return &tap{ends: func(kind string) bool { return kind == "transcript.text.done" }, read: usageSeen}
}

// Inspect reads the usage: tokens, or the length of the audio. Answers that are plain text or subtitles tell none.
func (listen) Inspect(body []byte) provider.Seen {
	s := provider.Seen{Ended: true, Started: true}
	w := wire.Walk(body)
	if !w.IsObject() {
		return s
	}
	for w.Next() {
		switch string(w.Key) {
		case "usage":
			if u, ok := usageOf(w.Value(), &s); ok {
				s.Usage = u
			}
		case "duration": // verbose_json of models that tell no usage
			if ms, ok := milliseconds(w.Value()); ok && s.Usage.Source == chat.Unknown {
				s.Usage.Units[chat.AudioMS], s.Usage.Source = ms, chat.Reported
			}
		case "error":
			s.Refusal = refusalOf(w.Value())
		}
	}
	s.Ended = w.Err() == nil && s.Refusal == nil
	return s
}
