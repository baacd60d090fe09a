package gateway

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/route"
)

const (
	moodSchema = `{"type":"object","properties":{"mood":{"type":"string","enum":["good","bad"]},"why":{"type":"array","items":{"$ref":"#/$defs/reason"}}},` +
		`"required":["mood","why"],"additionalProperties":false,"$defs":{"reason":{"type":"string"}}}`
	argsSchema = `{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}`
)

// judged runs a call of an experiment past a witness, in one of the client's dialects.
func judged(t *testing.T, g *Gateway, name provider.Name, asked chat.Request, said chat.Response, stream bool) calllog.Signals {
	t.Helper()
	client, _ := catalog.Client(name)
	asked.Model, asked.MaxTokens, asked.Stream = "claude-haiku-4-5", 100, stream // Anthropic’s dialect has schemas for models that know them
	asked.Messages = []chat.Message{{Role: chat.User, Parts: []chat.Part{{Kind: chat.Text, Text: "How is it?"}}}}
	body, err := client.(provider.ChatTarget).BuildRequest(asked)
	if err != nil {
		t.Fatal(err)
	}
	c := &Call{Surface: &surface{dialect: client}, Plan: plan{Plan: route.Plan{Experiment: "exp_1"}}, Ask: ask{body: body, head: provider.Head{Stream: stream}}}
	c.attend()
	said.ID, said.Model = "x", "m"
	c.Work.finish, c.Outcome.how = said.Finish, calllog.OK
	if stream {
		for _, part := range streamed(client.(provider.ChatClient), said) {
			c.keepPayload(part)
		}
	} else {
		c.keepPayload(client.(provider.ChatClient).AppendResponse(nil, said))
	}
	return g.signals(c)
}

// streamed is an answer as a stream, in pieces that end anywhere.
func streamed(client provider.ChatClient, a chat.Response) [][]byte {
	w := client.NewWriter(true)
	out := w.Append(nil, chat.Event{Kind: chat.Start, ID: a.ID, Model: a.Model})
	for i, p := range a.Parts {
		empty := p
		empty.Text, empty.Args = "", nil
		out = w.Append(out, chat.Event{Kind: chat.BlockStart, Index: i, Part: empty})
		half := len(p.Text) / 2
		for _, text := range []string{p.Text[:half], p.Text[half:]} {
			if text != "" {
				out = w.Append(out, chat.Event{Kind: chat.TextDelta, Index: i, Text: text})
			}
		}
		half = len(p.Args) / 2
		for _, args := range []string{string(p.Args[:half]), string(p.Args[half:])} {
			if args != "" {
				out = w.Append(out, chat.Event{Kind: chat.ArgsDelta, Index: i, Text: args})
			}
		}
		out = w.Append(out, chat.Event{Kind: chat.BlockStop, Index: i})
	}
	out = w.Append(out, chat.Event{Kind: chat.Finish, Reason: a.Finish})
	out = w.Append(out, chat.Event{Kind: chat.UsageEvent, Usage: chat.Usage{Source: chat.Reported}})
	out = w.Append(out, chat.Event{Kind: chat.End})
	var pieces [][]byte
	for len(out) > 0 {
		n := min(7, len(out))
		pieces, out = append(pieces, out[:n]), out[n:]
	}
	return pieces
}

func words(s string) []chat.Part { return []chat.Part{{Kind: chat.Text, Text: s}} }

func use(name, args string) []chat.Part {
	return []chat.Part{{Kind: chat.ToolCall, ID: "call_1", Name: name, Args: json.RawMessage(args)}}
}

// TestSignalsOfEveryDialect: the same answer says the same of itself in every client's dialect, whole and as a stream.
func TestSignalsOfEveryDialect(t *testing.T) {
	t.Parallel()
	strict := true
	schema := chat.Request{Format: &chat.Format{Type: "json_schema", Name: "mood", Schema: json.RawMessage(moodSchema), Strict: &strict}}
	tools := chat.Request{Tools: []chat.Tool{{Name: "weather", Description: "Tells it.", Schema: json.RawMessage(argsSchema)}}}
	const asked, offered = calllog.SchemaAsked, calllog.ToolsOffered
	for _, tt := range []struct {
		name string
		req  chat.Request
		said chat.Response
		want calllog.Signals
	}{
		{"nothing demanded", chat.Request{}, chat.Response{Parts: words("Fine."), Finish: chat.FinishStop}, 0},
		{"what the schema takes", schema, chat.Response{Parts: words(` {"mood":"good","why":["sun"]} `), Finish: chat.FinishStop}, asked | calllog.SchemaValid},
		{"a word that it does not know", schema, chat.Response{Parts: words(`{"mood":"odd","why":[]}`), Finish: chat.FinishStop}, asked},
		{"a wrong part behind a reference", schema, chat.Response{Parts: words(`{"mood":"bad","why":[1]}`), Finish: chat.FinishStop}, asked},
		{"JSON in a fence", schema, chat.Response{Parts: words("```json\n{}\n```"), Finish: chat.FinishStop}, asked},
		{"cut short", schema, chat.Response{Parts: words(`{"mood":"go`), Finish: chat.FinishLength}, asked | calllog.CutShort},
		{"no tool called", tools, chat.Response{Parts: words("No idea."), Finish: chat.FinishStop}, offered},
		{"a tool called well", tools, chat.Response{Parts: use("weather", `{"city":"Ulm"}`), Finish: chat.FinishTools}, offered | calllog.ToolCalled | calllog.ToolValid},
		{"with wrong arguments", tools, chat.Response{Parts: use("weather", `{"town":"Ulm"}`), Finish: chat.FinishTools}, offered | calllog.ToolCalled},
		{"one that is not on offer", tools, chat.Response{Parts: use("whether", `{"city":"Ulm"}`), Finish: chat.FinishTools}, offered | calllog.ToolCalled},
	} {
		for _, name := range []provider.Name{provider.OpenAIChat, provider.OpenAIResponses, provider.AnthropicMessages, provider.Gemini} {
			for _, stream := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/%v", tt.name, name, stream), func(t *testing.T) {
					t.Parallel()
					if got := judged(t, &Gateway{}, name, tt.req, tt.said, stream); got != tt.want {
						t.Errorf("%v, want %v", got.Names(), tt.want.Names())
					}
				})
			}
		}
	}
}

func TestSignalsOfJSONWithoutASchemaAndOfRefusals(t *testing.T) {
	t.Parallel()
	object := chat.Request{Format: &chat.Format{Type: "json_object"}}
	for _, stream := range []bool{false, true} {
		if got := judged(t, &Gateway{}, provider.OpenAIChat, object, chat.Response{Parts: words(`{"a":1}`), Finish: chat.FinishStop}, stream); got != calllog.SchemaAsked|calllog.SchemaValid {
			t.Errorf("an object: %v", got.Names())
		}
		if got := judged(t, &Gateway{}, provider.OpenAIChat, object, chat.Response{Parts: words(`Sure!`), Finish: chat.FinishStop}, stream); got != calllog.SchemaAsked {
			t.Errorf("chatter: %v", got.Names())
		}
		refusal := chat.Response{Parts: []chat.Part{{Kind: chat.Refusal, Text: "No."}}, Finish: chat.FinishRefusal}
		if got := judged(t, &Gateway{}, provider.OpenAIChat, chat.Request{}, refusal, stream); got != calllog.Refusal {
			t.Errorf("a refusal: %v", got.Names())
		}
	}
}

// TestWhatCannotBeLookedAtSaysNothing: it counts neither as valid nor as invalid.
func TestWhatCannotBeLookedAtSaysNothing(t *testing.T) {
	t.Parallel()
	schema := func(s string) chat.Request {
		return chat.Request{Format: &chat.Format{Type: "json_schema", Name: "x", Schema: json.RawMessage(s)}}
	}
	long := words(`{"a":"` + strings.Repeat("x", heardMax) + `"}`)
	for name, tt := range map[string]struct {
		req  chat.Request
		said []chat.Part
	}{
		"a long answer":             {schema(`{"type":"object"}`), long},
		"a reference to elsewhere":  {schema(`{"$ref":"http://127.0.0.1:1/x.json"}`), words("{}")},
		"a reference to a file":     {schema(`{"$ref":"file:///etc/passwd"}`), words("{}")},
		"another meta-schema":       {schema(`{"$schema":"http://127.0.0.1:1/x.json"}`), words("{}")},
		"a schema that is none":     {schema(`{"type":"cat"}`), words("{}")},
		"a huge schema":             {schema(`{"description":"` + strings.Repeat("x", schemaMax) + `"}`), words("{}")},
		"a pattern that is none":    {schema(`{"pattern":"("}`), words(`"x"`)},
		"a reference to no part":    {schema(`{"x":{"type":"object"},"$ref":"#/x"}`), words("{}")},
		"a reference to an anchor":  {schema(`{"$ref":"#a","$defs":{"a":{"$anchor":"a"}}}`), words("{}")},
		"a schema of endless depth": {schema(strings.Repeat(`{"not":`, 500) + `{}` + strings.Repeat(`}`, 500)), words("{}")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := judged(t, &Gateway{}, provider.OpenAIChat, tt.req, chat.Response{Parts: tt.said, Finish: chat.FinishStop}, false); got != 0 {
				t.Errorf("%v", got.Names())
			}
		})
	}
}

// TestAHostileSchemaTakesBoundedTime: each takes hours, or all memory, where steps are not counted.
func TestAHostileSchemaTakesBoundedTime(t *testing.T) {
	t.Parallel()
	branch := `{"required":["y"],"properties":{"x":{"$ref":"#/$defs/a"}}}`
	deep := strings.Repeat(`{"x":`, 60) + `{}` + strings.Repeat(`}`, 60)
	bomb := `{"$ref":"#/$defs/a0","$defs":{"a40":{"type":"object"}`
	for i := range 40 {
		bomb += fmt.Sprintf(`,"a%d":{"allOf":[{"$ref":"#/$defs/a%d"},{"$ref":"#/$defs/a%d"}]}`, i, i+1, i+1)
	}
	wide := `{"type":"array","items":{"enum":[` + strings.Repeat(`"abcdefgh",`, 5000) + `1]}}`
	for name, tt := range map[string]struct{ schema, value string }{
		"recursion in branches": {`{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[` + strings.Repeat(branch+",", 9) + branch + `]}}}`, deep},
		"a bomb of references":  {bomb + `}}`, `{}`},
		"a wide enumeration":    {wide, `[` + strings.Repeat(`"abcdefgi",`, 20000) + `1]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var v any
			if err := json.Unmarshal([]byte(tt.value), &v); err != nil {
				t.Fatal(err)
			}
			var s schemas
			began := time.Now()
			ok, err := s.check([]byte(tt.schema), v)
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("took %s", took)
			}
			if ok || err == nil {
				t.Errorf("%v, %v: want that nobody can tell", ok, err)
			}
			if ok, err := s.check([]byte(`{"type":"object"}`), map[string]any{}); !ok || err != nil {
				t.Errorf("afterwards: %v, %v", ok, err)
			}
		})
	}
}

// TestFewSchemasAreKept, whatever passes by.
func TestFewSchemasAreKept(t *testing.T) {
	t.Parallel()
	var s schemas
	for i := range 3 * schemasKept {
		source := fmt.Sprintf(`{"type":"object","description":"%d %s"}`, i, strings.Repeat("x", 30_000))
		if ok, err := s.check([]byte(source), map[string]any{}); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if len(s.kept) > schemasKept || s.bytes > schemaBytes {
		t.Errorf("%d schemas of %d bytes", len(s.kept), s.bytes)
	}
	sum := 0
	for _, one := range s.kept {
		sum += one.size
	}
	if sum != s.bytes {
		t.Errorf("%d bytes are counted as %d", sum, s.bytes)
	}
}

func TestACallOfNoExperimentHasNoWitness(t *testing.T) {
	t.Parallel()
	client, _ := catalog.Client(provider.OpenAIChat)
	c := &Call{Surface: &surface{dialect: client}, Ask: ask{body: []byte(`{"model":"m","response_format":{"type":"json_object"}}`)}}
	c.attend()
	c.keepPayload([]byte("x"))
	if c.witness != nil || c.Record.Fingerprint != 0 || (&Gateway{}).signals(c) != 0 {
		t.Error("a call of no experiment is looked at")
	}
}

func TestFingerprintsTellBodiesApart(t *testing.T) {
	t.Parallel()
	seen := map[uint64]bool{0: true}
	body := []byte(strings.Repeat("a", 20_000))
	for i := 0; i < len(body); i += 37 {
		body[i]++
		f := fingerprint(body)
		if seen[f] || f != fingerprint(append([]byte(nil), body...)) {
			t.Fatalf("at %d", i)
		}
		seen[f] = true
	}
}

func FuzzDemand(f *testing.F) {
	f.Add([]byte(`{"model":"m","messages":[],"tools":[{}],"response_format":{"type":"json_schema"}}`), []byte(`data: {}`), byte(0))
	f.Add([]byte(`{"generationConfig":{"responseSchema":{"type":"OBJECT"}}}`), []byte(`{"candidates":[]}`), byte(6))
	names := []provider.Name{provider.OpenAIChat, provider.OpenAIResponses, provider.AnthropicMessages, provider.Gemini}
	f.Fuzz(func(t *testing.T, body, heard []byte, which byte) {
		client, _ := catalog.Client(names[int(which)/2%len(names)])
		c := &Call{
			Surface: &surface{dialect: client}, Plan: plan{Plan: route.Plan{Experiment: "exp_1"}},
			Ask: ask{body: body, head: provider.Head{Stream: which%2 == 1}},
		}
		c.attend()
		c.keepPayload(heard)
		g := &Gateway{}
		s := g.signals(c)
		if s.Has(calllog.SchemaValid) && !s.Has(calllog.SchemaAsked) || s.Has(calllog.ToolValid) && !s.Has(calllog.ToolCalled|calllog.ToolsOffered) {
			t.Fatalf("%v", s.Names())
		}
	})
}

func BenchmarkSignals(b *testing.B) {
	client, _ := catalog.Client(provider.OpenAIChat)
	body := []byte(`{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("word ", 800) + `"}],"response_format":{"type":"json_schema","json_schema":{"name":"mood","schema":` + moodSchema + `}}}`)
	answer := client.(provider.ChatClient).AppendResponse(nil, chat.Response{Parts: words(`{"mood":"good","why":["sun"]}`), Finish: chat.FinishStop})
	g := &Gateway{}
	for b.Loop() {
		c := &Call{Surface: &surface{dialect: client}, Plan: plan{Plan: route.Plan{Experiment: "exp_1"}}, Ask: ask{body: body}}
		c.attend()
		c.keepPayload(answer)
		if !g.signals(c).Has(calllog.SchemaValid) {
			b.Fatal("not valid")
		}
	}
}
