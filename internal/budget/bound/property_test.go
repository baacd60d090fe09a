package bound_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollgate/internal/budget/bound"
	"tollgate/internal/chat"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
)

// drawn is a call that somebody made, and the usage of the worst provider: every byte of text a token of the dearest class that the call
// admits, every answer as long as its cap.
type drawn struct {
	dialect provider.Name
	body    map[string]any
	text    int64
	cap, n  int64
	marked  bool
}

func draw(t *rapid.T) drawn {
	d := drawn{
		dialect: rapid.SampledFrom([]provider.Name{provider.OpenAIChat, provider.AnthropicMessages, provider.OpenAIResponses, provider.Gemini}).Draw(t, "dialect"),
		body:    map[string]any{}, cap: rapid.Int64Range(1, 5000).Draw(t, "cap"), n: 1,
	}
	var turns []any
	for range rapid.IntRange(0, 4).Draw(t, "turns") {
		s := rapid.String().Draw(t, "text")
		d.text += int64(len(s)) + 8 // and the marks of the turn
		switch d.dialect {
		case provider.Gemini:
			turns = append(turns, map[string]any{"role": "user", "parts": []any{map[string]any{"text": s}}})
		case provider.AnthropicMessages:
			part := map[string]any{"type": "text", "text": s}
			if rapid.Bool().Draw(t, "marked") {
				part["cache_control"] = map[string]any{"type": "ephemeral", "ttl": rapid.SampledFrom([]string{"5m", "1h"}).Draw(t, "ttl")}
				d.marked = true
			}
			turns = append(turns, map[string]any{"role": "user", "content": []any{part}})
		default:
			turns = append(turns, map[string]any{"role": "user", "content": s})
		}
	}
	d.n = rapid.Int64Range(1, 4).Draw(t, "n")
	switch d.dialect {
	case provider.OpenAIChat:
		d.body["messages"], d.body["max_tokens"], d.body["n"] = turns, d.cap, d.n
	case provider.AnthropicMessages:
		d.body["messages"], d.body["max_tokens"], d.n = turns, d.cap, 1
	case provider.OpenAIResponses:
		d.body["input"], d.body["max_output_tokens"], d.n = turns, d.cap, 1
	case provider.Gemini:
		d.body["contents"], d.body["generationConfig"] = turns, map[string]any{"maxOutputTokens": d.cap, "candidateCount": d.n}
	}
	return d
}

// list draws a price list. Text in and out always have a price.
func list(t *rapid.T, at time.Time, to time.Time) price.Record {
	one := func(classes ...chat.Class) price.Rates {
		var r price.Rates
		for _, c := range classes {
			r = r.Set(c, money.Price(rapid.Int64Range(0, 100_000_000).Draw(t, c.String())))
		}
		return r
	}
	all := []chat.Class{chat.Input, chat.Output, chat.CacheRead, chat.CacheWrite5m, chat.CacheWrite1h, chat.Reasoning, chat.Requests}
	r := price.Record{Provider: "openai", Model: "m", Rates: one(all...), From: at, To: to, ContextWindow: 1 << 20, MaxOutput: 1 << 16}
	if rapid.Bool().Draw(t, "tier") {
		r.Tiers = []price.Tier{{AboveInput: rapid.Int64Range(1, 500).Draw(t, "above"), Rates: one(all...)}}
	}
	return r.Stamp()
}

func TestNoUsageWithinTheCapsCostsMoreThanTheBound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		turn := noon.Add(time.Minute)
		book := price.NewBook([]price.Record{list(t, time.Time{}, turn), list(t, turn, time.Time{})})
		raw, err := json.Marshal(d.body)
		if err != nil {
			t.Fatal(err)
		}
		if d.dialect != provider.Gemini {
			raw = append([]byte(`{"model":"m",`), raw[1:]...)
		}
		client, _ := catalog.Client(d.dialect)
		head, err := client.Probe(raw, provider.Line{Model: map[bool]string{true: "m"}[d.dialect == provider.Gemini]})
		if err != nil {
			t.Fatal(err)
		}
		b, err := bound.Of(book, bound.Ask{
			Provider: "openai", Model: "m", Operation: provider.Chat, Body: raw, Head: head, Dialect: d.dialect, From: noon, For: time.Hour,
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []time.Time{noon, noon.Add(2 * time.Minute)} {
			rec, _ := book.Lookup("openai", "m", at)
			if cost, _ := price.Cost(rec, worst(t, d)); cost > b.Cost {
				t.Fatalf("cost %d, bound %d (%d in, %d out) of %s", cost, b.Cost, b.Input, b.Output, raw)
			}
		}
	})
}

// worst draws a usage that the call admits.
func worst(t *rapid.T, d drawn) chat.Units {
	var u chat.Units
	in := []chat.Class{chat.Input, chat.CacheRead}
	if d.marked || d.dialect != provider.AnthropicMessages {
		in = append(in, chat.CacheWrite5m)
	}
	left := d.text
	for _, c := range in {
		u[c] = rapid.Int64Range(0, left).Draw(t, "of input")
		left -= u[c]
	}
	u[rapid.SampledFrom(in).Draw(t, "rest")] += left
	u[chat.Reasoning] = rapid.Int64Range(0, d.cap*d.n).Draw(t, "reasoning")
	u[chat.Output] = d.cap*d.n - u[chat.Reasoning]
	return u
}

// Whatever a body holds, there is a bound or a refusal; and a body with more text in it is not bounded by less.
func FuzzOf(f *testing.F) {
	for _, s := range []string{
		`{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"max_tokens":10}`,
		`{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}],"max_tokens":10,"n":2}`,
		`{"model":"gpt-4o","input":[{"type":"reasoning","encrypted_content":"x","summary":[]}],"tools":[{"type":"web_search"}],"max_tool_calls":3}`,
		`{"model":"gpt-4o","messages":[{"role":"user","content":"\u00e9\ufdfa\ud800 ﷺ"}],"tools":[{"functionDeclarations":[{}]}],"cache_control":null}`,
		`{"model":"gpt-4o","contents":{"parts":[{"inlineData":{"mimeType":"image/png","data":"AA"}}]},"generationConfig":{"maxOutputTokens":3}}`,
		`{"model":"gpt-4o","query":"q","documents":["a",{"text":"b"}],"prompt":["a",[1]],"input":[[1,2],{"x":[]}],"size":"1x1"}`,
	} {
		f.Add([]byte(s), uint8(3))
	}
	book := prices()
	dialects := catalog.Dialects()
	f.Fuzz(func(t *testing.T, body []byte, which uint8) {
		client, ok := dialects[int(which)%len(dialects)].(provider.Client)
		if !ok {
			return
		}
		head, err := client.Probe(body, provider.Line{ContentType: "application/json"})
		if err != nil {
			return
		}
		a := bound.Ask{Provider: "openai", Model: "gpt-4o", Operation: client.Operation(), Body: body, Head: head, Dialect: client.Name(), From: noon}
		b, err := bound.Of(book, a)
		if err != nil {
			return
		}
		if b.Cost < 0 || b.Input < 0 || b.Output < 0 || b.Cap < 0 {
			t.Fatalf("%+v", b)
		}
		if fit, ok := bound.Fit(book, a, b.Cost/2, 1); ok && (fit.Cost > b.Cost/2 || fit.Cap < 1 || fit.Cap > b.Output) {
			t.Fatalf("half of %+v is %+v", b, fit)
		}
		open := head.Spans.Open
		if b.Cap != 0 || open == 0 || client.Operation() != provider.Chat {
			return // the cap that is put in gives way to more input
		}
		a.Body = []byte(string(body[:open]) + `"stop":"` + strings.Repeat("z", 100) + `",` + string(body[open:]))
		if a.Head, err = client.Probe(a.Body, head.Line); err != nil {
			return
		}
		if more, err := bound.Of(book, a); err == nil && more.Cost < b.Cost {
			t.Fatalf("%s with more text is bounded by less: %d, not %d", body, more.Cost, b.Cost)
		}
	})
}
