package cohere_test

import (
	"errors"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/embed"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
	"tollgate/internal/provider/cohere"
	"tollgate/internal/provider/openaiembed"
	"tollgate/internal/provider/providertest"
)

func TestEmbed(t *testing.T) { //nolint:paralleltest // its parts are parallel
	a := []embed.Input{{Path: "input", Text: "A"}}
	picture := chat.Part{Kind: chat.Image, Path: "input.0.content.1", MediaType: "image/png", Data: "AAAA"}
	text := chat.Part{Kind: chat.Text, Path: "input.0.content.0", Text: "A cat"}
	providertest.ExerciseWriting[embed.Request, embed.Response](t, cohere.Embed{}, "embed", map[string]embed.Request{
		"plain":         {Model: "embed-v4.0", Inputs: a},
		"everything":    {Model: "embed-v4.0", Inputs: a, Task: "query", Dimensions: 256, Truncate: "none", Encoding: "base64", User: "u", Type: "int8"},
		"several-parts": {Model: "m", Inputs: []embed.Input{{Parts: []chat.Part{text, text}}, a[0]}, Task: "clustering"},
		"question":      {Model: "m", Inputs: a, Task: "code_query"},
		"images":        {Model: "m", Inputs: []embed.Input{{Parts: []chat.Part{text, picture}}, a[0]}},
		"tokens":        {Model: "m", Inputs: []embed.Input{{Path: "input.0", Tokens: []int64{1}}}},
		"title":         {Model: "m", Inputs: a, Title: "T"},
		"unknown-field": {Model: "m", Inputs: a, Unmapped: fields("x", "1")},
	})
}

// The body is the one that OpenAI's SDK sends, and the answer the one that it unpacks.
func TestAnOpenAIClientEmbedsWithCohere(t *testing.T) {
	t.Parallel()
	b, ok := provider.Join(openaiembed.Dialect{}, cohere.Embed{})
	if !ok {
		t.Fatal("no bridge")
	}
	built, err := b.Request([]byte(`{"input":["a","b"],"model":"x","encoding_format":"base64"}`), provider.Head{Model: "x"}, "embed-v4.0", chat.Encoding{})
	if want := `{"model":"embed-v4.0","input_type":"search_document","texts":["a","b"],"embedding_types":["float"]}`; err != nil || string(built) != want {
		t.Errorf("built %s, %v", built, err)
	}
	a, err := b.Answer([]byte(`{"id":"e","embeddings":{"float":[[1,2],[3]]},"meta":{"billed_units":{"input_tokens":2}}}`), provider.Known{Model: "embed-v4.0"})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AACAPwAAAEA="},{"object":"embedding","index":1,"embedding":"AABAQA=="}],` +
		`"model":"embed-v4.0","id":"e","usage":{"prompt_tokens":2,"total_tokens":2,"cost":0.0001}}`
	if out := a.Append(nil, "0.0001"); string(out) != want {
		t.Errorf("answered %s", out)
	}
}

func TestRecordedEmbeddings(t *testing.T) {
	t.Parallel()
	for _, c := range providertest.Recorded(t, "cohere-embed") {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			d := cohere.Embed{}
			if c.Status != 200 {
				if r := d.ParseRefusal(c.Status, nil, c.Response); r.Class != provider.ClassNotFound || r.Message == "" {
					t.Errorf("%+v", r)
				}
				return
			}
			seen := d.Inspect(c.Response)
			a, err := d.ParseResponse(c.Response)
			if err != nil || len(a.Vectors) == 0 || a.Usage != seen.Usage || a.ID != seen.ID || !seen.Ended || seen.Usage.Units[chat.Input] == 0 {
				t.Fatalf("%v, %d vectors, saw %+v", err, len(a.Vectors), seen)
			}
			for _, v := range a.Vectors {
				if packed, err := v.Packed(); err != nil || packed.Base64 == "" {
					t.Error(err)
				}
			}
		})
	}
}

// Whatever bytes come, nothing falls over.
func FuzzEmbed(f *testing.F) {
	f.Add([]byte(`{"id":"e","embeddings":{"float":[[1]]},"meta":{"billed_units":{"input_tokens":1}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for c, n := range (cohere.Embed{}).Inspect(body).Usage.Units {
			if n < 0 {
				t.Fatalf("class %d is %d", c, n)
			}
		}
		_, err := cohere.ParseEmbed(body)
		cohere.Embed{}.ParseRefusal(498, nil, body)
		var f *fault.Error
		if err != nil && !errors.As(err, &f) {
			t.Fatalf("an undeclared error: %v", err)
		}
	})
}
