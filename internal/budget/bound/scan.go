package bound

import (
	"bytes"
	"strconv"

	"tollgate/internal/budget"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// seen is what one walk of a chat request's body found. The zero seen is a body that shows everything and asks for one answer.
type seen struct {
	ask *Ask
	err error // the first thing that has no bound

	hidden   string // the first field that stands for something which the body does not show; "": there is none
	unknown  string // the first member of the body that nobody here knows
	pictures int64
	picture  string // the field of the first one
	media    int64  // bytes of pictures in the body, which are no text
	more     int64  // tokens beside the body's bytes: what counts twice, and what is sealed

	messages, tools int64
	cached, hour    bool // the provider is asked to keep a cache
	loud            bool // an answer other than text is asked for

	cap      int64 // the output cap; 0: none
	void     bool  // one that the provider may not heed is said: then there is none
	answers  int64 // n
	prompts  int64
	thinking int64 // tokens of the budget that must stay below the cap
	extra    int64 // output beyond the cap

	calls   int64 // of hosted tools, at most; 0: none are offered
	hosted  string
	fees    []fee
	allowed int64 // max_tool_calls

	turn, part int // where the walk is
}

// sealedWeight is how many tokens one byte of what only the provider can read (its own reasoning, encrypted and perhaps compressed) is
// taken for: text would have to be compressed forty times over to weigh more.
const sealedWeight = 8

// scan walks the body.
func scan(a *Ask) seen {
	s := seen{ask: a}
	w := wire.Walk(a.Body)
	for w.Next() && w.IsObject() && s.err == nil {
		if w.IsNull() {
			// A vendor that knows one name only is told the other under it, unless that one stands there too.
			s.void = s.void || a.Head.OldMaxTokens && capsOf(a.Dialect).caps(string(w.Key))
			continue
		}
		if escaped(a.Body, w.KeyFrom, w.Key) {
			s.refuse(string(w.Key), "the name of this field is written with escapes, which not everybody reads alike", "Write the name plainly")
			break
		}
		s.member(string(w.Key), w.Value())
	}
	if w.Err() != nil || !w.IsObject() {
		s.hide("the body")
	}
	if s.void {
		s.cap = 0
	}
	s.offers()
	return s
}

// member takes one member of the body.
func (s *seen) member(name string, raw []byte) {
	if s.number(name, raw) {
		return
	}
	switch name {
	case "messages", "input", "contents":
		s.turns(name, raw)
	case "prompt":
		s.prompt(raw)
	case "system", "instructions", "systemInstruction", "system_instruction":
		s.content(name, raw)
	case "tools":
		s.offered(raw)
	case "functions", "response_format", "text", "format", "output_config", "output_format", "toolConfig", "tool_config":
		s.more += weigh(raw) // a schema may be told to the model in other words
	case "prediction":
		s.extra += weigh(raw)
	case "generationConfig", "generation_config":
		s.generation(name, raw)
	case "thinking":
		s.budget(raw)
	case "modalities", "audio", "speech_config":
		s.loud = s.loud || name != "modalities" || string(bytes.Join(bytes.Fields(raw), nil)) != `["text"]`
	case "cache_control":
		s.cache(raw)
	case "service_tier", "speed", "inference_geo", "context_management":
		s.dearer(name, raw)
	case "models", "provider":
		if s.ask.Head.KeepRouting && name == "models" {
			s.refuse(name, "any of these models may answer, each at a price of its own", "Leave the list out, or give an alias these targets")
		}
	case "max_tool_calls":
		s.allowed, _ = wire.Int(raw)
	default:
		s.other(name)
	}
}

// number takes the members that say how much is written; it reports whether name is one of them.
func (s *seen) number(name string, raw []byte) bool {
	switch spell := capsOf(s.ask.Dialect); {
	case spell.caps(name):
		n := s.whole(name, raw)
		s.cap, s.void = max(s.cap, n), s.void || n < 1 // what less than one token means is the provider's business
	case spell.counts(name):
		s.answers = max(s.answers, s.whole(name, raw))
	case spell.disguised(name):
		s.refuse(name, "some providers read this field as another spelling of one that says how much is written", "Leave it out")
	default:
		return false
	}
	return true
}

// whole reads a number that must be one.
func (s *seen) whole(field string, raw []byte) int64 {
	n, ok := wire.Int(raw)
	if !ok {
		s.refuse(field, "this field is no whole number", "Write a whole number")
	}
	return max(n, 0)
}

// generation takes Gemini's settings.
func (s *seen) generation(at string, raw []byte) {
	w := wire.Walk(raw)
	for w.Next() && w.IsObject() && s.err == nil {
		name := at + "." + string(w.Key)
		switch {
		case w.IsNull():
		case escaped(raw, w.KeyFrom, w.Key):
			s.refuse(name, "the name of this field is written with escapes, which not everybody reads alike", "Write the name plainly")
		case s.number(name, w.Value()), plainSetting[string(w.Key)]:
		case string(w.Key) == "responseModalities", string(w.Key) == "response_modalities", string(w.Key) == "speechConfig", string(w.Key) == "speech_config":
			s.loud = true
		case string(w.Key) == "responseSchema", string(w.Key) == "response_schema", string(w.Key) == "responseJsonSchema", string(w.Key) == "response_json_schema":
			s.more += weigh(w.Value())
		default:
			s.hide(name)
		}
	}
	if w.Err() != nil {
		s.hide(at)
	}
}

// plainSetting are the members of Gemini's settings that cost nothing by themselves.
var plainSetting = names("temperature", "topP", "top_p", "topK", "top_k", "stopSequences", "stop_sequences", "seed", "presencePenalty",
	"presence_penalty", "frequencyPenalty", "frequency_penalty", "responseMimeType", "response_mime_type", "thinkingConfig", "thinking_config",
	"responseLogprobs", "response_logprobs", "logprobs", "imageConfig", "image_config")

// budget reads how much thinking an Anthropic call must have room for.
func (s *seen) budget(raw []byte) {
	if raw[0] != '{' {
		return
	}
	w := wire.Walk(raw)
	for w.Next() {
		if string(w.Key) == "budget_tokens" {
			n, _ := wire.Int(w.Value())
			s.thinking = max(s.thinking, n)
		}
	}
}

// cache reads a mark that asks for a cache.
func (s *seen) cache(raw []byte) {
	s.cached = true
	if raw[0] != '{' {
		return
	}
	w := wire.Walk(raw)
	for w.Next() {
		s.hour = s.hour || string(w.Key) == "ttl" && string(w.Value()) != `"5m"`
	}
}

// dearer refuses what has a price that no list tells.
func (s *seen) dearer(name string, raw []byte) {
	word, _ := wire.String(raw)
	switch name {
	case "service_tier":
		if word != "priority" {
			return
		}
	case "speed":
		if word == "standard" {
			return
		}
	case "inference_geo":
		if word == "global" || word == "not_available" {
			return
		}
	case "context_management":
		if !bytes.Contains(raw, []byte("compact")) && bytes.IndexByte(raw, '\\') < 0 {
			return
		}
	}
	s.refuse(name, "what it asks for has a price of its own, which the price list does not tell", "Leave it out")
}

// other takes a member that means nothing here, or that nobody here knows.
func (s *seen) other(name string) {
	switch {
	case plainMember[name]:
	case hostedMember(name):
		s.refuse(name, "the provider may search or run tools for it, as often as it likes, and takes a fee for each", "Leave it out")
	default:
		s.hide(name)
		if !storedMember[name] && s.unknown == "" {
			s.unknown = name
		}
	}
}

// prompt is that of completions, or one that is stored at the provider.
func (s *seen) prompt(raw []byte) {
	switch raw[0] {
	case '{':
		s.refuse("prompt", "the prompt and its tools are stored at the provider, and may be of any size", "Send the prompt in the call")
	case '[':
		w := wire.Walk(raw)
		for w.Next() {
			if v := w.Value(); v[0] == '"' || v[0] == '[' {
				s.prompts++
			}
		}
	}
}

// hide notes something that the body does not show.
func (s *seen) hide(field string) {
	if s.hidden == "" {
		s.hidden = field
	}
}

// here is a field of the part that the walk is at.
func (s *seen) here(in, field string) string {
	at := in
	if s.turn > 0 {
		at += "." + strconv.Itoa(s.turn-1)
	}
	if s.part > 0 {
		at += ".content." + strconv.Itoa(s.part-1)
	}
	return at + "." + field
}

// refuse notes that a field takes the bound away.
func (s *seen) refuse(field, why, what string) {
	if s.err == nil {
		s.err = unbounded(field, why, what)
	}
}

// unbounded is the refusal of a call by a field of it: why nothing is known, and what to do. Which budget it is for, who knows it adds.
func unbounded(field, why, what string) error {
	return budget.ErrUnbounded.Say("What this call could cost has no bound. %s: %s. %s.", clip(field), why, what).At(field)
}

// clip keeps a client's name short.
func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}

// sees reports whether the target is asked in a dialect of these.
func (a *Ask) sees(dialects ...provider.Name) bool {
	into := a.Into
	if into == "" {
		into = a.Dialect
	}
	for _, d := range dialects {
		if d == into {
			return true
		}
	}
	return false
}
