package bedrock_test

import (
	"encoding/json"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/embed"
	"tollgate/internal/provider/bedrock"
	"tollgate/internal/provider/providertest"
)

func TestTitan(t *testing.T) { //nolint:paralleltest // its parts are parallel
	a := []embed.Input{{Path: "input", Text: "A"}}
	picture := chat.Part{Kind: chat.Image, Path: "input.0.image", MediaType: "image/webp", Data: "AAAA"}
	both := []embed.Input{{Path: "input.0", Parts: []chat.Part{{Kind: chat.Text, Text: "A cat", Path: "input.0.text"}, picture}}}
	providertest.ExerciseWriting[embed.Request, embed.Response](t, bedrock.Titan{}, "titan", map[string]embed.Request{
		"v2":                  {Model: "amazon.titan-embed-text-v2:0", Inputs: a, Dimensions: 256, Encoding: "base64", User: "u", Task: "query"},
		"v1":                  {Model: "amazon.titan-embed-text-v1", Inputs: a},
		"v1-dimensions":       {Model: "amazon.titan-embed-text-v1", Inputs: a, Dimensions: 256},
		"v2-image":            {Model: "amazon.titan-embed-text-v2:0", Inputs: both},
		"image":               {Model: "amazon.titan-embed-image-v1", Inputs: both, Dimensions: 384},
		"image-alone":         {Model: "amazon.titan-embed-image-v1", Inputs: []embed.Input{{Path: "input.0", Parts: []chat.Part{picture}}}},
		"image-by-url":        {Model: "amazon.titan-embed-image-v1", Inputs: []embed.Input{{Path: "input.0", Parts: []chat.Part{{Kind: chat.Image, URL: "https://x", Path: "input.0.image"}}}}},
		"several":             {Model: "amazon.titan-embed-text-v2:0", Inputs: append(a, a...)},
		"tokens":              {Model: "amazon.titan-embed-text-v2:0", Inputs: []embed.Input{{Path: "input", Tokens: []int64{1}}}},
		"small-numbers":       {Model: "amazon.titan-embed-text-v2:0", Inputs: a, Type: "int8"},
		"unknown-field":       {Model: "amazon.titan-embed-text-v2:0", Inputs: a, Unmapped: map[string]json.RawMessage{"x": json.RawMessage("1")}},
		"nova":                {Model: "amazon.nova-2-multimodal-embeddings-v1:0", Inputs: a, Dimensions: 256, Task: "query"},
		"nova-image":          {Model: "amazon.nova-2-multimodal-embeddings-v1:0", Inputs: []embed.Input{{Path: "input.0", Parts: []chat.Part{picture}}}, Truncate: "none"},
		"nova-text-and-image": {Model: "amazon.nova-2-multimodal-embeddings-v1:0", Inputs: both},
	})
}

func TestCohere(t *testing.T) { //nolint:paralleltest // its parts are parallel
	a := []embed.Input{{Path: "input.0", Text: "A"}, {Path: "input.1", Text: "B"}}
	picture := []embed.Input{{Path: "input.0", Parts: []chat.Part{{Kind: chat.Image, Path: "input.0.image", MediaType: "image/png", Data: "AAAA"}}}}
	providertest.ExerciseWriting[embed.Request, embed.Response](t, bedrock.Cohere{}, "cohere", map[string]embed.Request{
		"v3":            {Model: "cohere.embed-english-v3", Inputs: a, Task: "query", Truncate: "end"},
		"v3-dimensions": {Model: "cohere.embed-english-v3", Inputs: a, Dimensions: 256},
		"v3-image":      {Model: "cohere.embed-english-v3", Inputs: picture},
		"v4":            {Model: "us.cohere.embed-v4:0", Inputs: a, Dimensions: 256, Type: "int8"},
		"v4-image":      {Model: "us.cohere.embed-v4:0", Inputs: picture},
	})
}

func TestCount(t *testing.T) { //nolint:paralleltest // its parts are parallel
	user := []chat.Message{{Role: chat.User, Parts: []chat.Part{{Kind: chat.Text, Text: "Hi"}}}}
	providertest.ExerciseWriting[chat.Request, chat.Count](t, bedrock.Count{}, "count", map[string]chat.Request{
		"claude": {Model: "anthropic.claude-sonnet-4-20250514-v1:0", Messages: user},
		"other":  {Model: "amazon.nova-lite-v1:0", Messages: user, System: []chat.Part{{Kind: chat.Text, Text: "S"}}, MaxTokens: 5, TopK: "3", Tools: []chat.Tool{{Name: "a"}}},
	})
}

// Whatever bytes come, nothing falls over and no count is below nothing.
func FuzzEmbed(f *testing.F) {
	f.Add([]byte(`{"embedding":[0.1],"inputTextTokenCount":3}`))
	f.Add([]byte(`{"embeddings":[{"embedding":[1]}]}`))
	f.Add([]byte(`{"inputTokens":-1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := bedrock.Titan{}.ParseResponse(body)
		seen := bedrock.Titan{}.Inspect(body)
		if err == nil && (!seen.Ended || seen.Usage != a.Usage) {
			t.Fatalf("read %+v, saw %+v", a, seen)
		}
		for _, u := range []chat.Usage{seen.Usage, bedrock.Cohere{}.Inspect(body).Usage} {
			for _, n := range u.Units {
				if n < 0 {
					t.Fatalf("%+v", u)
				}
			}
		}
		if n, err := (bedrock.Count{}).ParseResponse(body); err == nil && n.Input < 0 {
			t.Fatal(n)
		}
	})
}
