package client

import (
	"regexp"
	"strings"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/key"
	"tollgate/internal/price"
)

// Model is a name that a key may call, and what is known of the model behind it.
type Model struct {
	Name      string
	Context   int64 // tokens; 0: not known
	MaxOutput int64 // tokens; 0: not known
	purpose   purpose
}

// purpose is what a model is asked for. Catalogues do not say it for every model, so it is read from the model's name; a name that says
// nothing is a chat model's.
type purpose uint8

const (
	chatting purpose = iota
	embedding
	drawing
	speaking
	hearing
	moderating
	reranking
)

func purposeOf(model string) purpose {
	model = strings.ToLower(model)
	has := func(part string) bool { return strings.Contains(model, part) }
	switch {
	case has("rerank"):
		return reranking
	case has("embed"), has("voyage-"):
		return embedding
	case has("moderation"):
		return moderating
	case has("tts"):
		return speaking
	case has("whisper"), has("transcribe"):
		return hearing
	case has("image"), has("dall-e"):
		return drawing
	}
	return chatting
}

// example is a model for a purpose where the key names none. Those of the sandbox answer before a provider is connected.
func (p purpose) example() string {
	switch p {
	case embedding:
		return "sandbox/embed-mini"
	case drawing:
		return "openai/gpt-image-1"
	case speaking:
		return "openai/gpt-4o-mini-tts"
	case hearing:
		return "openai/gpt-4o-transcribe"
	case moderating:
		return "openai/omni-moderation-latest"
	case reranking:
		return "cohere/rerank-v3.5"
	case chatting:
	}
	return sandboxModel
}

const sandboxModel = "sandbox/echo-mini"

// plain are names that mean themselves in every language of the snippets.
var plain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$`)

// Callable lists what a key may call by name: its aliases, then the models that it names, then the sandbox's where it may call that. A
// nil key stands for one without bounds. aliases are the organization's, as far as they are known. A key that has only patterns which the
// sandbox does not fit has its first pattern, for the reader to complete.
func Callable(k *key.Key, aliases []alias.Alias, book *price.Book, now time.Time) []Model {
	if k == nil {
		k = &key.Key{}
	}
	known := map[string]alias.Target{}
	var names []string
	for _, a := range aliases {
		if len(a.Route.Targets) > 0 {
			known[a.Name] = a.Route.Targets[0]
		}
		if len(k.Aliases) == 0 && k.AllowAlias(a.Name) == nil {
			names = append(names, a.Name)
		}
	}
	names = append(names, k.Aliases...)
	for _, m := range k.Models {
		if !strings.Contains(m, "*") {
			names = append(names, m)
		}
	}
	if k.AllowModel("sandbox", "echo-mini") == nil {
		names = append(names, sandboxModel)
	}
	var out []Model
	for _, n := range names {
		if !plain.MatchString(n) {
			continue
		}
		target, ok := known[n]
		if !ok {
			target.Provider, target.Model, _ = strings.Cut(n, "/")
		}
		m := Model{Name: n, purpose: purposeOf(n + " " + target.Model)}
		if rec, ok := book.Lookup(target.Provider, target.Model, now); ok {
			m.Context, m.MaxOutput = rec.ContextWindow, rec.MaxOutput
		}
		out = append(out, m)
	}
	if len(out) == 0 && len(k.Models) > 0 && plain.MatchString(strings.ReplaceAll(k.Models[0], "*", "x")) {
		out = append(out, Model{Name: k.Models[0]})
	}
	return out
}

// named is the first model for a purpose that the key names.
func (c Caller) named(p purpose) (Model, bool) {
	for _, m := range c.Models {
		if m.purpose == p {
			return m, true
		}
	}
	return Model{}, false
}

// model is the chat model that stands in snippets.
func (c Caller) model() string {
	if m, ok := c.named(chatting); ok {
		return m.Name
	}
	return sandboxModel
}

// AliasesMax is how many of the organization's aliases are worth asking for: more names fit into no file.
const AliasesMax = 100

// listMax bounds the lists of models in files: a picker with more is none.
const listMax = 8

// chats are the chat models for lists in files, never none.
func (c Caller) chats() []Model {
	var out []Model
	for _, m := range c.Models {
		if m.purpose == chatting && len(out) < listMax {
			out = append(out, m)
		}
	}
	if len(out) == 0 {
		return []Model{{Name: c.model()}}
	}
	return out
}
