package bound

import (
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/price"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// fee is what a hosted tool takes for each use.
type fee struct {
	class chat.Class
	uses  int64 // 0: as many as s.calls
}

// plainTool are the members of a tool that the client runs.
var plainTool = names("type", "name", "description", "parameters", "strict", "input_schema", "function", "eager_input_streaming", "defer_loading",
	"input_examples", "allowed_callers", "format", "custom", "display_width_px", "display_height_px", "display_number", "enable_zoom",
	"display_width", "display_height", "environment", "max_characters", "output_schema")

// offered walks the tools. Those that the client runs are text; those that the provider runs cost fees, and bring in what nobody sees.
func (s *seen) offered(raw []byte) {
	s.more = sum(s.more, weigh(raw)) // they may be told to the model in other words
	if raw[0] != '[' {
		s.hide("tools")
		return
	}
	w := wire.Walk(raw)
	for i := 0; w.Next() && s.err == nil; i++ {
		s.tools++
		s.tool("tools."+strconv.Itoa(i), w.Value())
	}
	if w.Err() != nil {
		s.hide("tools")
	}
}

// tool takes one.
func (s *seen) tool(at string, raw []byte) {
	kind, uses, gemini, other := "", int64(0), false, ""
	w := wire.Walk(raw)
	for w.Next() && w.IsObject() {
		switch name := string(w.Key); {
		case w.IsNull():
		case name == "type":
			kind, _ = wire.String(w.Value())
			if kind == "" {
				kind = "?"
			}
		case name == "max_uses":
			uses = s.whole(at+".max_uses", w.Value())
		case name == "cache_control":
			s.cache(w.Value())
		case name == "functionDeclarations", name == "function_declarations":
			gemini = true
			s.tools += elements(w.Value())
		case !plainTool[name]:
			other = name
		}
	}
	switch {
	case w.Err() != nil || !w.IsObject():
		s.hide(at)
	case s.own(kind):
		if other != "" && (gemini || kind == "") { // Google's tools are told by the names of their members
			s.refuse(at+"."+other, "the provider runs this tool by itself, as often as it likes", "Leave it out")
		} else if other != "" {
			s.hide(at + "." + other)
		}
	default:
		s.hostedTool(at, kind, uses)
	}
}

// own reports whether the client runs tools of a kind.
func (s *seen) own(kind string) bool {
	switch kind {
	case "", "function", "custom", "computer_use_preview", "computer", "local_shell", "apply_patch":
		return true
	}
	for _, family := range [...]string{"bash_", "text_editor_", "computer_", "memory_"} { // Anthropic's, with a date behind
		if strings.HasPrefix(kind, family) {
			s.tools++
			return true
		}
	}
	return false
}

// hostedTool takes a tool that the provider runs: it has a bound where the request says how often, to a provider that heeds it.
func (s *seen) hostedTool(at, kind string, uses int64) {
	claude := s.ask.Dialect == provider.AnthropicMessages && s.ask.sees(provider.AnthropicMessages, provider.AnthropicVertex, provider.AnthropicBedrock)
	switch {
	case claude && (strings.HasPrefix(kind, "web_search_") || strings.HasPrefix(kind, "web_fetch_")):
		if uses < 1 {
			s.refuse(at+".max_uses", "the provider runs "+clip(kind)+" as often as it likes, and takes a fee for each search", "Set max_uses")
			return
		}
		s.calls = sum(s.calls, uses)
		if strings.HasPrefix(kind, "web_search_") {
			s.fees = append(s.fees, fee{chat.WebSearch, uses})
		}
	case s.ask.Dialect == provider.OpenAIResponses && s.ask.sees(provider.OpenAIResponses) && heedsCalls[s.ask.Provider] && hostedClass[kind] != 0:
		s.fees = append(s.fees, fee{class: hostedClass[kind]})
	default:
		s.refuse(at+".type", "the provider runs "+clip(kind)+" by itself, as often as it likes", "Leave this tool out")
		return
	}
	if s.hosted == "" {
		s.hosted = at
	}
}

// heedsCalls are the vendors that hold to max_tool_calls, and hostedClass what their tools are billed as.
var (
	heedsCalls  = names("openai", "azure-openai")
	hostedClass = map[string]chat.Class{
		"web_search": chat.WebSearch, "web_search_preview": chat.WebSearch, "web_search_2025_08_26": chat.WebSearch,
		"web_search_preview_2025_03_11": chat.WebSearch, "file_search": chat.FileSearch, "code_interpreter": chat.CodeSession,
	}
)

// offers settles how often hosted tools run, once the whole body was seen.
func (s *seen) offers() {
	if s.hosted == "" || s.ask.Dialect != provider.OpenAIResponses {
		return
	}
	if s.allowed < 1 {
		s.refuse("max_tool_calls", "the provider runs its tools as often as it likes, and takes a fee for each use", "Set max_tool_calls")
		return
	}
	s.calls = s.allowed
}

// roundsMin is how often a provider goes on by itself where its tools run, whatever each may be used: Anthropic's loop ends after ten.
const roundsMin = 10

// rounds is how often the model is asked within the call.
func (s *seen) rounds() int64 {
	if s.hosted == "" {
		return 1
	}
	return sum(max(s.calls, roundsMin), 1)
}

// charge adds the fees of hosted tools, and refuses one that is not listed.
func (s *seen) charge(r price.Rates, to *rate) error {
	for _, f := range s.fees {
		uses := f.uses
		if uses == 0 {
			uses = s.calls
		}
		if !r[f.class].Listed {
			return unlisted(s.ask, f.class)
		}
		to.fee.Add(uses, r[f.class].Price)
	}
	return nil
}

// fees reports a list by which the provider's own tools take fees.
func fees(lists []price.Record) bool {
	for _, l := range lists {
		for _, r := range reach(l, 1<<62) {
			if most, _ := dearest(r, chat.WebSearch, chat.FileSearch, chat.CodeSession); most > 0 {
				return true
			}
		}
	}
	return false
}

// searching reports a model that looks things up by itself, as often as it likes.
func searching(a *Ask) bool {
	model := strings.ToLower(a.Model)
	for _, word := range [...]string{"search", "sonar", "online", "compound", "multi-agent", "fugu"} {
		if strings.Contains(model, word) {
			return true
		}
	}
	return strings.HasPrefix(a.Provider, "perplexity")
}

func elements(raw []byte) (n int64) {
	if raw[0] != '[' {
		return 1
	}
	w := wire.Walk(raw)
	for w.Next() {
		n++
	}
	return n
}
