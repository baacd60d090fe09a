package gateway

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/wire"
	"tollgate/internal/route"
)

// adapted is the client's body with what the target's route changes in it, still in the client's dialect, and its head. Where the route
// changes nothing it is the body itself. Every dialect's encoder then sees the changed call as if the client had sent it.
func (g *Gateway) adapted(c *Call, t *route.Target) ([]byte, provider.Head, error) {
	if t.Parameters == nil || c.Surface.dialect.Operation() != provider.Chat {
		return c.Ask.body, c.Ask.head, nil
	}
	changes := settingsOf(c.Surface.dialect.Name()).changes(c, t)
	if len(changes) == 0 {
		return c.Ask.body, c.Ask.head, nil
	}
	body := wire.Apply(c.Ask.body, provider.MemberEdits(c.Ask.body, changes...))
	head, err := c.Surface.dialect.Probe(body, c.Line)
	if err != nil {
		return nil, provider.Head{}, err
	}
	return body, head, nil
}

// spelling is how a client's dialect writes settings. A name with a dot stands in an object of the body; of several names for the same
// thing the first is written and all are read.
type spelling struct {
	maxTokens   []string
	temperature []string
	topP        []string
	effort      []string
}

// settingsOf is the spelling of a chat dialect.
func settingsOf(d provider.Name) spelling {
	s := spelling{temperature: []string{"temperature"}, topP: []string{"top_p"}}
	switch d {
	case provider.OpenAIResponses, provider.OpenAICursor:
		s.maxTokens, s.effort = []string{"max_output_tokens", "max_completion_tokens", "max_tokens"}, []string{"reasoning.effort", "reasoning_effort"}
	case provider.AnthropicMessages:
		s.maxTokens, s.effort = []string{"max_tokens"}, []string{"output_config.effort"}
	case provider.Gemini, provider.GeminiArray:
		s.maxTokens = []string{"generationConfig.maxOutputTokens", "generationConfig.max_output_tokens"}
		s.temperature = []string{"generationConfig.temperature"}
		s.topP = []string{"generationConfig.topP", "generationConfig.top_p"}
		s.effort = []string{"generationConfig.thinkingConfig"}
	case provider.OpenAICompletions:
		s.maxTokens = []string{"max_tokens"}
	default:
		s.maxTokens, s.effort = []string{"max_completion_tokens", "max_tokens"}, []string{"reasoning_effort", "reasoning.effort"}
	}
	return s
}

// changes are the edits of the body's members that bring the route's parameters in.
func (s spelling) changes(c *Call, t *route.Target) []provider.Change {
	e := editor{body: c.Ask.body, has: s.read(c.Ask.body)}
	p := t.Parameters
	e.number(s.maxTokens, whole64(p.Defaults.MaxTokens), whole64(p.Caps.MaxTokens), whole64(p.Overrides.MaxTokens), true)
	e.number(s.temperature, p.Defaults.Temperature, p.Caps.Temperature, p.Overrides.Temperature, false)
	e.number(s.topP, p.Defaults.TopP, p.Caps.TopP, p.Overrides.TopP, false)
	if effort, forced := cmp.Or(p.Overrides.Effort, p.Defaults.Effort), p.Overrides.Effort != ""; effort != "" && len(s.effort) > 0 {
		if forced || !e.says(s.effort...) && !e.says("thinking", "reasoning") {
			e.effort(c, t, s, effort)
		}
	}
	return e.out()
}

func whole64(v *int64) *float64 {
	if v == nil {
		return nil
	}
	f := float64(*v)
	return &f
}

// read finds the members that settings stand in, in one walk of the body.
func (s spelling) read(body []byte) map[string][]byte {
	has := map[string][]byte{"thinking": nil, "reasoning": nil, "tool_choice": nil, geminiConfigOld: nil}
	for _, names := range [...][]string{s.maxTokens, s.temperature, s.topP, s.effort} {
		for _, name := range names {
			root, _, _ := strings.Cut(name, ".")
			has[root] = nil
		}
	}
	if w := wire.Walk(body); w.IsObject() {
		for w.Next() {
			if _, wanted := has[string(w.Key)]; wanted && !w.IsNull() {
				has[string(w.Key)] = w.Value()
			}
		}
	}
	if raw := has[geminiConfigOld]; raw != nil && has[geminiConfig] == nil { // read and written under the name that the client uses
		has[geminiConfig] = raw
	}
	return has
}

// editor collects changes to a body.
type editor struct {
	body    []byte
	has     map[string][]byte          // members by name, nil where absent
	changed map[string]provider.Change // of the body, by name
	inner   map[string][]provider.Change
}

// raw is the value at a name, which may have a dot; nil where there is none.
func (e *editor) raw(name string) []byte {
	root, rest, nested := strings.Cut(name, ".")
	raw := e.has[root]
	if !nested || raw == nil {
		return raw
	}
	w := wire.Walk(raw)
	for w.Next() && w.IsObject() {
		if string(w.Key) == rest && !w.IsNull() {
			return w.Value()
		}
	}
	return nil
}

// says reports whether one of the names is there.
func (e *editor) says(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return e.raw(name) != nil })
}

// set writes a value; "" takes the member out.
func (e *editor) set(name, value string) {
	root, rest, nested := strings.Cut(name, ".")
	if nested {
		if e.inner == nil {
			e.inner = map[string][]provider.Change{}
		}
		e.inner[root] = append(e.inner[root], provider.Change{Name: rest, Value: value})
		return
	}
	if e.changed == nil {
		e.changed = map[string]provider.Change{}
	}
	e.changed[root] = provider.Change{Name: root, Value: value}
}

// number brings one number in: what the route overrides, else what the call says, else the default; at most the cap. An absent number
// takes the cap itself where that bounds cost.
func (e *editor) number(names []string, def, most, over *float64, bounds bool) {
	if def == nil && most == nil && over == nil {
		return
	}
	var said []string
	for _, name := range names {
		if e.raw(name) != nil {
			said = append(said, name)
		}
	}
	if len(said) == 0 {
		v := cmp.Or(over, def)
		if v == nil && bounds {
			v = most
		}
		if v != nil {
			e.set(names[0], written(capped(*v, most)))
		}
		return
	}
	for _, name := range said {
		now, err := strconv.ParseFloat(string(e.raw(name)), 64)
		v := now
		switch {
		case over != nil:
			v = *over
		case err != nil:
			continue // no number: the provider says so
		}
		if v = capped(v, most); v != now || err != nil {
			e.set(name, written(v))
		}
	}
}

func capped(v float64, most *float64) float64 {
	if most != nil {
		return min(v, *most)
	}
	return v
}

func written(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// effort writes how much a model shall think, in the dialect's own form and in the one that the target's model knows.
func (e *editor) effort(c *Call, t *route.Target, s spelling, word string) {
	quoted := string(wire.AppendString(nil, word))
	switch c.Surface.dialect.Name() {
	case provider.AnthropicMessages:
		e.anthropic(c, t, word)
	case provider.Gemini, provider.GeminiArray:
		level := `{"thinkingLevel":` + quoted + `}`
		if strings.Contains(t.Model, "gemini-2") {
			level = `{"thinkingBudget":` + strconv.FormatInt((&chat.ReasoningOptions{Effort: word}).Tokens(), 10) + `}`
		}
		e.set(s.effort[0], level)
	default:
		name := s.effort[0]
		if name == "reasoning_effort" && e.says("reasoning.effort") { // the client says it in OpenRouter's form
			name = "reasoning.effort"
		}
		e.set(name, quoted)
	}
}

// anthropic writes the effort for the models that know one, and for targets of other dialects; a thinking budget for older models, where
// the call leaves room for it.
func (e *editor) anthropic(c *Call, t *route.Target, word string) {
	if word == "minimal" {
		word = "low" // the least that this dialect has
	}
	if anthropic.Adaptive(t.Model) || !strings.Contains(t.Model, "claude") {
		e.set("output_config.effort", string(wire.AppendString(nil, word)))
		if e.raw("thinking") == nil && strings.Contains(t.Model, "claude") {
			e.set("thinking", `{"type":"adaptive"}`)
		}
		return
	}
	most := float64(c.Ask.head.MaxTokens)
	if ch, ok := e.changed["max_tokens"]; ok {
		most, _ = strconv.ParseFloat(ch.Value, 64)
	}
	budget := min((&chat.ReasoningOptions{Effort: word}).Tokens(), int64(most)/2)
	if budget < anthropicBudgetMin || e.says("temperature", "tool_choice") || e.changed["temperature"].Value != "" {
		c.warn("left out the route's effort " + word + ": this call of " + clip(t.Model) + " has no room for thinking")
		return
	}
	e.set("thinking", `{"type":"enabled","budget_tokens":`+strconv.FormatInt(budget, 10)+`}`)
}

// anthropicBudgetMin is the smallest thinking budget that Anthropic's API takes.
const anthropicBudgetMin = 1024

const (
	geminiConfig    = "generationConfig"
	geminiConfigOld = "generation_config"
)

// out gives the changes of the body's own members, nested ones put together.
func (e *editor) out() []provider.Change {
	var out []provider.Change
	for _, root := range slices.Sorted(maps.Keys(e.inner)) {
		object := e.has[root]
		if len(object) == 0 || object[0] != '{' {
			object = []byte("{}")
		}
		object = wire.Apply(object, provider.MemberEdits(object, e.inner[root]...))
		name := root
		if root == geminiConfig && e.has[geminiConfigOld] != nil {
			name = geminiConfigOld
		}
		out = append(out, provider.Change{Name: name, Value: string(object)})
	}
	for _, name := range slices.Sorted(maps.Keys(e.changed)) {
		out = append(out, e.changed[name])
	}
	return out
}
