package gateway

import (
	"encoding/json"
	"hash/crc32"
	"slices"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// Calls of experiments are looked at: what their answers say of their own quality is stored as signals. What cannot be looked at (an
// answer that is too long, a schema that nobody can check, a dialect that is not read back) says nothing at all: a call without
// SchemaAsked counts neither as valid nor as invalid.

// What is kept of a call to look at, until it is recorded.
const (
	demandMax = 256 << 10 // of the request: its schema and tools
	heardMax  = 256 << 10 // of the answer
)

// witness sees a call of an experiment go by. nil sees nothing.
type witness struct {
	demand []byte // the request without its conversation; nil: it is too long
	heard  []byte // the answer as the client gets it
	deaf   bool   // the answer is longer than heardMax
	stream bool
}

// attend begins to look at a call of an experiment, while its body is here.
func (c *Call) attend() {
	if c.Plan.Experiment == "" || c.witness != nil {
		return
	}
	c.witness = &witness{stream: c.Ask.head.Stream}
	if c.Surface.dialect.Operation() == provider.Chat {
		c.witness.demand = demand(c.Surface.dialect.Name(), c.Ask.body)
	}
	c.Record.Fingerprint = fingerprint(c.Ask.body)
}

// hear takes a part of the answer.
func (w *witness) hear(out []byte) {
	if w == nil || w.deaf || w.demand == nil {
		return
	}
	if len(w.heard)+len(out) > heardMax {
		w.heard, w.deaf = nil, true
		return
	}
	w.heard = append(w.heard, out...)
}

var (
	koopman    = crc32.MakeTable(crc32.Koopman)
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// fingerprint tells request bodies apart: two checksums of 32 bits. It finds repeats and guards nothing. 0 stands for none.
func fingerprint(body []byte) uint64 {
	low := crc32.Checksum(body, castagnoli)
	return max(uint64(crc32.Update(low, koopman, edges(body)))<<32|uint64(low), 1)
}

// edges are the parts of a body that differ most: the slower checksum need not see all of it.
func edges(body []byte) []byte {
	const edge = 4 << 10
	if len(body) <= 2*edge {
		return body
	}
	return slices.Concat(body[:edge], body[len(body)-edge:])
}

// stubs are the shortest requests that each dialect reads; what a call demands is put before their end.
func stub(dialect provider.Name) string {
	switch dialect {
	case provider.OpenAIChat:
		return `{"model":"m","messages":[{"role":"user","content":"x"}]`
	case provider.OpenAIResponses:
		return `{"model":"m","input":"x"`
	case provider.AnthropicMessages:
		return `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}]`
	case provider.Gemini:
		return `{"contents":[{"role":"user","parts":[{"text":"x"}]}]`
	default: // the answer is not read back: nothing can be said of it
		return ""
	}
}

// demand is a request of the dialect that demands what body demands of the answer's form, without its conversation; nil when that is
// too long, or the dialect has no such request.
func demand(dialect provider.Name, body []byte) []byte {
	out := []byte(stub(dialect))
	if len(out) == 0 {
		return nil
	}
	w := wire.Walk(body)
	for w.Next() {
		switch string(w.Key) {
		case "response_format", "text", "output_format", "output_config", "generationConfig", "generation_config", "tools", "tool_choice", "toolConfig",
			"tool_config", "functions", "function_call":
		default:
			continue
		}
		value := body[w.From:w.To]
		if len(out)+len(value) > demandMax {
			return nil
		}
		out = append(out, `,"`...)
		out = append(append(out, w.Key...), `":`...)
		out = append(out, value...)
	}
	if w.Err() != nil {
		return nil
	}
	return append(out, '}')
}

// signals looks at a call that has ended.
func (g *Gateway) signals(c *Call) calllog.Signals {
	if c.witness == nil && c.Ask.body != nil { // no provider was asked: the answer is an old one, or there is none
		c.attend()
		c.witness.hear(c.Answer.last)
	}
	w := c.witness
	if w == nil {
		return 0
	}
	var s calllog.Signals
	switch c.Work.finish {
	case chat.FinishLength:
		s |= calllog.CutShort
	case chat.FinishRefusal:
		s |= calllog.Refusal
	case chat.FinishStop, chat.FinishStopSeq, chat.FinishTools, chat.FinishFilter, chat.FinishPause, chat.FinishContext, chat.FinishOther, chat.FinishNotGiven:
	}
	if w.demand == nil || w.deaf {
		return s
	}
	return s | g.compare(c, w)
}

// compare holds the answer against what the request demands.
func (g *Gateway) compare(c *Call, w *witness) (s calllog.Signals) {
	defer func() {
		if recover() != nil { // a parser's fault must not be the call's
			s = 0
		}
	}()
	client, ok := c.Surface.dialect.(provider.ChatClient)
	if !ok {
		return 0
	}
	asked, err := client.ParseRequest(w.demand)
	if err != nil {
		return 0
	}
	said, readable := hearing(c.Surface.dialect, w)
	switch {
	case c.Outcome.how == calllog.OK && readable:
	case c.Outcome.how == calllog.Broken: // what was said is all there will be
	default:
		return 0 // there is no answer, or it was not understood: nothing can be said of it
	}
	return said.refusal() | g.form(asked.Format, &said) | g.calls(&asked, &said)
}

// form says whether the answer has the form that was demanded. An answer that calls tools is not yet the one that was asked for.
func (g *Gateway) form(f *chat.Format, said *statement) calllog.Signals {
	if f == nil || f.Type != "json_object" && f.Type != "json_schema" || len(said.calls) > 0 {
		return 0
	}
	var v any
	if json.Unmarshal([]byte(said.text), &v) != nil {
		return calllog.SchemaAsked
	}
	if len(f.Schema) == 0 {
		return calllog.SchemaAsked | calllog.SchemaValid
	}
	switch valid, err := g.schemas.check(f.Schema, v); {
	case err != nil:
		return 0
	case valid:
		return calllog.SchemaAsked | calllog.SchemaValid
	}
	return calllog.SchemaAsked
}

// calls says whether the tools that the answer calls are on offer, with arguments that they take.
func (g *Gateway) calls(asked *chat.Request, said *statement) calllog.Signals {
	if len(asked.Tools) == 0 || asked.Choice.Mode == "none" {
		return 0
	}
	if len(said.calls) == 0 {
		return calllog.ToolsOffered
	}
	s := calllog.ToolsOffered | calllog.ToolCalled
	for _, call := range said.calls {
		i := slices.IndexFunc(asked.Tools, func(t chat.Tool) bool { return t.Name == call.Name })
		if i < 0 {
			return s
		}
		switch valid, err := g.takes(&asked.Tools[i], call.Args); {
		case err != nil:
			return 0
		case !valid:
			return s
		}
	}
	return s | calllog.ToolValid
}

// takes reports whether a tool takes arguments.
func (g *Gateway) takes(t *chat.Tool, args []byte) (bool, error) {
	if len(t.Schema) == 0 && len(t.Extra) > 0 {
		return true, nil // a tool of the dialect's own, which takes free text
	}
	var v any
	if len(args) == 0 {
		v = map[string]any{} // called without arguments
	} else if json.Unmarshal(args, &v) != nil {
		return false, nil
	}
	if _, object := v.(map[string]any); !object {
		return false, nil
	}
	if len(t.Schema) == 0 {
		return true, nil
	}
	return g.schemas.check(t.Schema, v)
}
