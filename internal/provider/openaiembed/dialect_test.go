package openaiembed_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/embed"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaiembed"
	"tollgate/internal/provider/providertest"
)

func TestDialect(t *testing.T) { //nolint:paralleltest // its parts are parallel
	providertest.ExerciseWhole[embed.Request, embed.Response](t, openaiembed.Dialect{}, ".")
}

func TestABadRequestNamesTheField(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, field string }{
		{"no input", `{"model":"m"}`, "input"},
		{"null", `{"model":"m","input":null}`, "input"},
		{"a number", `{"model":"m","input":7}`, "input"},
		{"an empty list", `{"model":"m","input":[]}`, "input"},
		{"an empty list of tokens", `{"model":"m","input":["a",[]]}`, "input.1"},
		{"a fraction of a token", `{"model":"m","input":[[1.5]]}`, "input.0"},
		{"a boolean among texts", `{"model":"m","input":["a",true]}`, "input.1"},
		{"an object without content", `{"model":"m","input":[{}]}`, "input.0"},
		{"an unknown encoding", `{"model":"m","input":"a","encoding_format":"hex"}`, "encoding_format"},
		{"dimensions below zero", `{"model":"m","input":"a","dimensions":-1}`, "dimensions"},
		{"dimensions as text", `{"model":"m","input":"a","dimensions":"1"}`, "dimensions"},
		{"no model", `{"input":"a"}`, "model"},
	}
	for _, tt := range tests {
		_, err := openaiembed.Dialect{}.ParseRequest([]byte(tt.body))
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field != tt.field {
			t.Errorf("%s: %v, want an invalid request naming %q", tt.name, err, tt.field)
		}
	}
}

func TestASecondInputIsRefused(t *testing.T) {
	t.Parallel()
	_, err := openaiembed.Dialect{}.Probe([]byte(`{"model":"m","input":"a","input":"b"}`), provider.Line{})
	if !errors.Is(err, provider.ErrBody) {
		t.Errorf("err = %v", err)
	}
}

// What another dialect's client can say and this one cannot is refused by name, or left out where the call may lose it.
func TestWhatCannotBeSaidIsRefusedByName(t *testing.T) {
	t.Parallel()
	text := []embed.Input{{Path: "content", Text: "A"}}
	tests := []struct {
		name  string
		r     embed.Request
		field string
	}{
		{"a title", embed.Request{Inputs: text, Title: "T"}, "title"},
		{"small numbers", embed.Request{Inputs: text, Type: "int8"}, "output_dtype"},
		{"cutting", embed.Request{Inputs: text, Truncate: "end"}, "truncate"},
		{"no cutting, which is what happens here", embed.Request{Inputs: text, Truncate: "none"}, ""},
		{"what it is for", embed.Request{Inputs: text, Task: "query"}, ""},
		{"an image", embed.Request{Inputs: []embed.Input{{Parts: []chat.Part{{Kind: chat.Image, Path: "content.parts.0"}}}}}, "content.parts.0"},
		{"an unknown field", embed.Request{Inputs: text, Unmapped: map[string]json.RawMessage{"x": json.RawMessage("1")}}, "x"},
	}
	for _, tt := range tests {
		tt.r.Model, tt.r.Dialect = "m", "gemini-embed"
		_, err := openaiembed.Dialect{}.BuildRequest(tt.r)
		var f *fault.Error
		switch {
		case tt.field == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.field != "" && (!errors.As(err, &f) || f.Field != tt.field):
			t.Errorf("%s: %v, want %q named", tt.name, err, tt.field)
		}
		var dropped []string
		tt.r.How = chat.Encoding{DropUnsupported: true, Dropped: &dropped}
		if _, err := (openaiembed.Dialect{}).BuildRequest(tt.r); err != nil || strings.Join(dropped, "") != tt.field {
			t.Errorf("%s: dropped %v, %v", tt.name, dropped, err)
		}
	}
}

// A bridge answers in the form that the client asked for, whatever the provider sends.
func TestABridgeAnswersInTheFormAskedFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ request, answer, want string }{
		{`{"model":"m","input":"a","encoding_format":"base64"}`, `{"data":[{"index":0,"embedding":[1,2]}]}`, `"AACAPwAAAEA="`},
		{`{"model":"m","input":"a"}`, `{"data":[{"index":0,"embedding":"AACAPwAAAEA="}]}`, `[1,2]`},
	} {
		b, ok := provider.Join(openaiembed.Dialect{}, openaiembed.Dialect{})
		if !ok {
			t.Fatal("no bridge")
		}
		if _, err := b.Request([]byte(tt.request), provider.Head{Model: "m"}, "n", chat.Encoding{}); err != nil {
			t.Fatal(err)
		}
		a, err := b.Answer([]byte(tt.answer), provider.Known{})
		if err != nil {
			t.Fatal(err)
		}
		if out := a.Append(nil, ""); !bytes.Contains(out, []byte(tt.want)) {
			t.Errorf("no %s in %s", tt.want, out)
		}
		if _, err := b.Answer([]byte(`{"data":[{"index":0,"embedding":["a"]}]}`), provider.Known{}); tt.want[0] == '"' && !errors.Is(err, provider.ErrBadAnswer) {
			t.Errorf("a vector of words: %v", err)
		}
	}
}

func TestAbsurdUsageIsNoUsage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		raw  string
		want int64
		src  chat.Source
	}{
		{`{"prompt_tokens":-5,"total_tokens":-5}`, 0, chat.Unknown},
		{`{"prompt_tokens":9223372036854775807}`, 0, chat.Unknown},
		{`{"prompt_tokens":1e400}`, 0, chat.Unknown},
		{`{"prompt_tokens":"7"}`, 0, chat.Unknown},
		{`{"total_tokens":7.0}`, 7, chat.Reported},
		{`{"prompt_tokens":0,"total_tokens":7}`, 0, chat.Reported},
		{`{"prompt_tokens":3,"image_tokens":10}`, 3, chat.Reported},
		{`[]`, 0, chat.Unknown},
		{`{"prompt_tokens":3`, 0, chat.Unknown},
	} {
		u, _ := openaiembed.Usage([]byte(tt.raw))
		if u.Units.InputTotal() != tt.want || u.Source != tt.src {
			t.Errorf("%s: %+v", tt.raw, u)
		}
	}
}

// Whatever bytes come, nothing falls over, and what Inspect and ParseResponse both read they read alike.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"data":[{"index":0,"embedding":[1]}],"usage":{"prompt_tokens":1,"cost":{"total_cost":1}}}`))
	f.Add([]byte(`{"error":"x","data":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		seen := openaiembed.Dialect{}.Inspect(body)
		a, err := openaiembed.Dialect{}.ParseResponse(body)
		openaiembed.Dialect{}.ParseRefusal(500, nil, body)
		for c, n := range seen.Usage.Units {
			if n < 0 {
				t.Fatalf("class %d is %d", c, n)
			}
		}
		if err != nil {
			return
		}
		if _, err := (openaiembed.Dialect{}).ParseResponse(openaiembed.Dialect{}.AppendResponse(nil, a)); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}

// Whatever bytes come, a request that is read can be written and read again.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"model":"m","input":["a",[1,2],{"content":[{"type":"text","text":"x"}]}],"x":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d := openaiembed.Dialect{}
		if h, err := d.Probe(body, provider.Line{}); err == nil {
			provider.ApplyEdits(body, d.Edits(body, h, "other"))
		}
		r, err := d.ParseRequest(body)
		if err != nil {
			return
		}
		built, err := d.BuildRequest(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.ParseRequest(built); err != nil {
			t.Fatalf("%s was written as %s: %v", body, built, err)
		}
	})
}

func TestThereAreNoStreamsWhateverTheBodySays(t *testing.T) {
	t.Parallel()
	h, err := openaiembed.Dialect{}.Probe([]byte(`{"model":"m","input":"a","stream":true}`), provider.Line{})
	if err != nil || h.Stream {
		t.Errorf("%+v, %v", h, err)
	}
}
