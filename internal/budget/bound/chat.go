package bound

import (
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/price"
	"tollgate/internal/provider"
)

// What providers put around a conversation, in tokens.
const (
	frameCall    = 256  // the template's own words: who the model is, what day it is, in which form it thinks
	frameUnknown = 2048 // … of vendors that are known to add instructions of theirs, or of whom nothing is known
	frameTurn    = 16   // the marks of a turn, its role and name
	frameTools   = 1536 // how tools are to be called; Anthropic's longest is about 1200
	frameTool    = 64   // the marks of each
)

// framed are the vendors whose calls were seen to have no more around them than frameCall.
var framed = names("openai", "azure-openai", "azure-openai-deployments", "anthropic", "google-gemini", "vertex", "vertex-global", "bedrock",
	"bedrock-mantle", "groq", "mistral", "deepseek", "cohere", "together", "fireworks", "cerebras", "sandbox")

// frame is what stands around the text that the body shows.
func (s *seen) frame() int64 {
	n := int64(frameCall)
	if !framed[s.ask.Provider] {
		n = frameUnknown
	}
	n += s.messages * frameTurn
	if s.tools > 0 {
		n += frameTools + s.tools*frameTool
	}
	return n
}

// chatMost is what a chat call weighs.
func chatMost(a *Ask, lists []price.Record) (most, error) {
	if searching(a) {
		return most{}, unbounded("model", "this model searches by itself, as often as it likes, and what it finds is billed", "Name a model that does not")
	}
	s := scan(a)
	if s.err != nil {
		return most{}, s.err
	}
	if s.unknown != "" && fees(lists) {
		return most{}, unbounded(s.unknown, "what this field asks for is not known, and "+clip(a.Model)+" can run tools that take fees", "Leave it out")
	}
	m := most{price: lists[0].ID, reads: max(s.answers, 1), answers: product(max(s.answers, 1), max(s.prompts, 1)), rounds: s.rounds(), extra: s.extra, floor: s.thinking}
	if s.thinking > 0 {
		m.floor++ // the cap must be above it
	}
	var err error
	if m.input, err = s.input(lists); err != nil {
		return most{}, err
	}
	if err := s.writes(&m, lists); err != nil {
		return most{}, err
	}
	for _, l := range lists {
		for _, r := range reach(l, product(m.read(), m.reads)) {
			one, err := s.rate(r)
			if err != nil {
				return most{}, err
			}
			m.rates = append(m.rates, one)
		}
	}
	return m, nil
}

// input is the most tokens that the call reads in one round.
func (s *seen) input(lists []price.Record) (int64, error) {
	window := s.window(lists)
	each := picture(s.ask)
	hidden := s.hidden
	if s.pictures > 0 && each == 0 && hidden == "" {
		hidden = s.picture
	}
	if s.hosted != "" && hidden == "" {
		hidden = s.hosted
	}
	if hidden != "" {
		if window == 0 {
			return 0, unbounded(hidden, "the text behind it is not in the call, and the context window of "+clip(s.ask.Model)+" is not known",
				"Send text only, or name a model whose context window is known")
		}
		return window, nil
	}
	n := sum(weigh(s.ask.Body)-s.media, sum(s.more, sum(product(s.pictures, each), s.frame())))
	if window > 0 {
		n = min(n, window)
	}
	return n, nil
}

// window is the model's context window. An opt-in to a longer one makes it unknown.
func (s *seen) window(lists []price.Record) int64 {
	for _, flag := range s.ask.Head.Betas {
		if strings.HasPrefix(flag, "context-1m") {
			return 0
		}
	}
	return window(lists)
}

// completionDefault is the output cap of completions that say none, by the API of OpenAI, whose clients rely on it.
const completionDefault = 16

// writes finds how much is written: the request's cap, or one to put in, or what no cap bounds.
func (s *seen) writes(m *most, lists []price.Record) error {
	a, window, longest := s.ask, s.window(lists), maxOutput(lists)
	if uncapped(a) || s.pictured(lists) {
		if m.fixed = max(window, longest); m.fixed == 0 {
			return unbounded("model", "the output cap does not bound everything that "+clip(a.Model)+" writes, and its context window is not known",
				"Name a model whose context window is known")
		}
	}
	if m.said = s.cap; m.said > 0 {
		if whole := max(window, longest); window > 0 && m.said > whole {
			m.said = whole // nothing writes more than there is room for
		}
		return nil
	}
	switch {
	case a.Dialect == provider.OpenAICompletions && a.sees(provider.OpenAICompletions) && strings.Contains(a.Provider, "openai"):
		m.inject = completionDefault
	case window > 0 && longest > 0:
		m.inject = min(longest, max(window-m.input, window/8, 1))
	case longest > 0:
		m.inject = longest
	case window > 0:
		m.inject = max(window-m.input, window/8, 1)
	case m.fixed == 0:
		return unbounded(capsOf(a.Dialect).cap[0], "the call has no output cap, and how much "+clip(a.Model)+" writes at most is not known",
			"Set an output cap")
	}
	m.inject = max(m.inject, m.floor)
	return nil
}

// uncapped reports vendors that let reasoning stand outside the output cap.
func uncapped(a *Ask) bool { return a.Provider == "xai" }

// pictured reports that the answer may hold pictures or sound, which no cap of tokens ends.
func (s *seen) pictured(lists []price.Record) bool {
	for _, l := range lists {
		for _, r := range reach(l, 1<<62) {
			if r[chat.OutputImage].Price > 0 || r[chat.OutputAudio].Price > 0 && (s.loud || s.hidden != "" || s.ask.Dialect != provider.OpenAIChat) {
				return true
			}
		}
	}
	return false
}

// rate is the dearest of what a list bills this call by.
func (s *seen) rate(r price.Rates) (rate, error) {
	in := []chat.Class{chat.Input, chat.CacheRead}
	if s.caches() {
		in = append(in, chat.CacheWrite5m)
		if s.hour || s.hidden != "" {
			in = append(in, chat.CacheWrite1h)
		}
	}
	if s.pictures > 0 || s.hidden != "" {
		in = append(in, chat.InputImage)
	}
	if s.hidden != "" {
		in = append(in, chat.InputAudio)
		for _, c := range [...]chat.Class{chat.AudioMS, chat.Pages} {
			if r[c].Price > 0 {
				return rate{}, unbounded(s.hidden, "it is billed by its length, which is not in the call", "Send text only")
			}
		}
	}
	dear, listed := dearest(r, in...)
	if !listed {
		return rate{}, unlisted(s.ask, chat.Input)
	}
	if !r[chat.Output].Listed {
		return rate{}, unlisted(s.ask, chat.Output)
	}
	one := rate{in: dear, fee: feeOf(r)}
	one.out, _ = dearest(r, chat.Output, chat.Reasoning, chat.OutputImage, chat.OutputAudio)
	return one, s.charge(r, &one)
}

// caches reports whether the provider may write a cache for this call: where it is asked to, and where it does so unasked.
func (s *seen) caches() bool {
	if s.cached || s.hidden != "" {
		return true
	}
	claude := s.ask.sees(provider.AnthropicMessages, provider.AnthropicVertex, provider.AnthropicBedrock, provider.BedrockConverse)
	return !claude // Anthropic's models, and Bedrock, cache what is marked
}

// picture is the most tokens that one picture weighs, whatever its size; 0: not known.
//
// Anthropic scales pictures down to at most 2576 pixels at the longer edge, which are 4784 tokens, for its models up to the fourth
// generation; what later ones see is not known. OpenAI's tiles are at most eight after
// scaling: 85 + 8×170 tokens for gpt-4o and gpt-4.1, 2833 + 8×5667 for gpt-4o-mini, the most of all.
func picture(a *Ask) int64 {
	model := a.Model
	switch {
	case a.sees(provider.AnthropicMessages, provider.AnthropicVertex, provider.AnthropicBedrock), a.sees(provider.BedrockConverse) && strings.Contains(model, "claude"):
		if clauded(model) {
			return 5000
		}
	case a.Provider == "openai":
		if strings.HasPrefix(model, "gpt-4o-mini") {
			return 50_000
		}
		if strings.HasPrefix(model, "gpt-4o") || model == "gpt-4.1" || strings.HasPrefix(model, "gpt-4.1-2025") || strings.HasPrefix(model, "gpt-4-turbo") {
			return 2000
		}
	}
	return 0
}

// clauded reports a model of Anthropic's third or fourth generation: claude-3-5-haiku, claude-opus-4-1-20250805.
func clauded(model string) bool {
	_, name, ok := strings.Cut(model, "claude-")
	for _, family := range [...]string{"3-", "opus-4", "sonnet-4", "haiku-4"} {
		if ok && strings.HasPrefix(name, family) {
			return true
		}
	}
	return false
}
