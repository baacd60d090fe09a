package gemini

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// emptySchema is what a function without arguments takes.
const emptySchema = `{"type":"object","properties":{}}`

// ParseRequest decodes a client's body. Fields without a neutral form are Unmapped under their full names: "generationConfig.topA".
func (Dialect) ParseRequest(body []byte) (chat.Request, error) { return parseRequest("", body) }

// ParseRequest is that of Dialect.
func (Array) ParseRequest(body []byte) (chat.Request, error) { return parseRequest("", body) }

// parseRequest reads a request that stands at a place of the body.
func parseRequest(at string, body []byte) (chat.Request, error) {
	f := object(at, body)
	r := chat.Request{Dialect: dialectName, IncludeUsage: true} // streams of this dialect always have it
	f.Take("model")                                             // the path's counts
	f.TakeOurs()
	r.ServiceTier = strings.ToLower(f.Text("serviceTier"))
	p := parser{f: &f, r: &r, left: map[string]json.RawMessage{}, open: map[string][]string{}, done: map[string]bool{}}
	p.config()
	p.tools()
	p.system()
	p.contents()
	for name, raw := range f.Raw {
		if wire.Present(raw) {
			p.left[f.Path(name)] = raw
		}
	}
	if len(p.left) > 0 {
		r.Unmapped = p.left
	}
	return r, f.Err
}

type parser struct {
	f    *provider.Fields
	r    *chat.Request
	left map[string]json.RawMessage // Unmapped

	calls  int                 // function calls so far
	open   map[string][]string // name -> ids of its calls without a result yet, the oldest first
	done   map[string]bool     // ids that results named
	pieces []string            // of the text that the last part goes on with
}

// keep notes what nobody took of an object.
func (p *parser) keep(name string, c provider.Fields) {
	note(p.f, c.Err)
	for k, raw := range c.Raw {
		if wire.Present(raw) {
			p.left[name+"."+k] = raw
		}
	}
}

func (p *parser) config() {
	c, ok := child(p.f, "generationConfig")
	if !ok {
		return
	}
	r := p.r
	r.MaxTokens = max(0, c.Whole("maxOutputTokens"))
	r.Temperature, r.TopP, r.TopK = c.Number("temperature"), c.Number("topP"), c.Number("topK")
	r.Seed = c.Number("seed")
	c.Into("stopSequences", "a list of strings", &r.Stop)
	for i, name := range [...]string{"frequencyPenalty", "presencePenalty"} { // under these names they travel between dialects
		if n := c.Number(name); n != "" {
			p.left[penalties[i]] = json.RawMessage(n)
		}
	}
	p.format(&c)
	p.thinking(&c)
	p.keep(c.At, c)
}

// format reads the media type and the schema of the answer. The schema has three names, of which a client uses one.
func (p *parser) format(c *provider.Fields) {
	mediaType := c.Text("responseMimeType")
	schema := c.Take("responseJsonSchema")
	if schema == nil {
		schema = c.Take("_responseJsonSchema")
	}
	if own := c.Take("responseSchema"); schema == nil && own != nil {
		schema = schemaFromGoogle(own)
	}
	switch {
	case mediaType == "" || mediaType == "text/plain":
	case mediaType != "application/json":
		c.Raw["responseMimeType"] = wire.Marshal(mediaType)
		if schema != nil {
			c.Raw["responseJsonSchema"] = schema
		}
	case schema != nil:
		p.r.Format = &chat.Format{Type: "json_schema", Schema: schema}
	default:
		p.r.Format = &chat.Format{Type: "json_object"}
	}
}

func (p *parser) thinking(c *provider.Fields) {
	t, ok := child(c, "thinkingConfig")
	if !ok {
		return
	}
	budget, given := int64(0), t.Has("thinkingBudget")
	if given {
		budget = t.Whole("thinkingBudget")
	}
	level := strings.ToLower(t.Text("thinkingLevel"))
	shown := t.Flag("includeThoughts")
	switch {
	case level != "" && level != "thinking_level_unspecified":
		p.r.Reasoning = &chat.ReasoningOptions{Effort: level}
	case given && budget == 0:
		p.r.Reasoning = &chat.ReasoningOptions{Disabled: true}
	case given && budget > 0:
		p.r.Reasoning = &chat.ReasoningOptions{Budget: budget}
	case given || shown: // -1, and thoughts to be shown: as much as the model wants
		p.r.Reasoning = &chat.ReasoningOptions{Adaptive: true}
	}
	p.keep(t.At, t)
}

// tools reads functions; each of the tools that Google runs itself is a tool of its own.
func (p *parser) tools() {
	for i, raw := range many(p.f, "tools") {
		at := p.f.Path("tools") + "." + strconv.Itoa(i)
		t := object(at, raw)
		note(p.f, t.Err)
		if t.Err != nil {
			return
		}
		for j, fn := range many(&t, "functionDeclarations") {
			p.function(at+".functionDeclarations."+strconv.Itoa(j), fn)
		}
		note(p.f, t.Err)
		names := make([]string, 0, len(t.Raw))
		for name := range t.Raw {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if wire.Present(t.Raw[name]) {
				hosted := wire.Marshal(map[string]json.RawMessage{name: t.Raw[name]})
				p.r.Tools = append(p.r.Tools, chat.Tool{Path: at + "." + name, Name: name, Extra: extra(hosted)})
			}
		}
	}
	p.choice()
}

func (p *parser) function(at string, raw json.RawMessage) {
	f := object(at, raw)
	t := chat.Tool{Path: at, Name: f.Text("name"), Description: f.Text("description")}
	t.Schema = f.Take("parametersJsonSchema")
	if own := f.Take("parameters"); t.Schema == nil && own != nil {
		t.Schema = schemaFromGoogle(own)
	}
	if t.Schema == nil {
		t.Schema = json.RawMessage(emptySchema)
	}
	note(p.f, f.Err)
	p.r.Tools = append(p.r.Tools, t)
}

func (p *parser) choice() {
	c, ok := child(p.f, "toolConfig")
	if !ok {
		return
	}
	if fc, ok := child(&c, "functionCallingConfig"); ok {
		var names []string
		fc.Into("allowedFunctionNames", "a list of strings", &names)
		switch mode := strings.ToUpper(fc.Text("mode")); mode {
		case "", "MODE_UNSPECIFIED":
		case "AUTO", "VALIDATED":
			p.r.Choice.Mode = "auto"
		case "NONE":
			p.r.Choice.Mode = "none"
		case "ANY":
			p.r.Choice.Mode = "required"
			if len(names) == 1 {
				p.r.Choice, names = chat.ToolChoice{Mode: "tool", Name: names[0]}, nil
			}
		default:
			fc.Refuse("mode", "AUTO, ANY, VALIDATED or NONE")
		}
		if len(names) > 0 && !p.all(names) {
			fc.Raw["allowedFunctionNames"] = wire.Marshal(names)
		}
		p.keep(fc.At, fc)
	}
	p.keep(c.At, c)
}

// all reports whether names are those of all functions.
func (p *parser) all(names []string) bool {
	named := make(map[string]bool, len(names))
	for _, name := range names {
		named[name] = true
	}
	return !slices.ContainsFunc(p.r.Tools, func(t chat.Tool) bool { return t.Schema != nil && !named[t.Name] })
}
