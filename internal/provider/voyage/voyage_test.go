package voyage_test

import (
	"encoding/json"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/embed"
	"tollgate/internal/provider"
	"tollgate/internal/provider/cohere"
	"tollgate/internal/provider/openaiembed"
	"tollgate/internal/provider/providertest"
	"tollgate/internal/provider/voyage"
	"tollgate/internal/rerank"
)

func TestEmbed(t *testing.T) { //nolint:paralleltest // its parts are parallel
	a := []embed.Input{{Path: "input", Text: "A"}}
	picture := []embed.Input{{Parts: []chat.Part{{Kind: chat.Image, Path: "input.0.image", URL: "https://x.example/a.png"}}}}
	providertest.ExerciseWriting[embed.Request, embed.Response](t, voyage.Embed{}, "embed", map[string]embed.Request{
		"plain":         {Model: "voyage-4", Inputs: a},
		"everything":    {Model: "voyage-4", Inputs: a, Task: "query", Dimensions: 256, Truncate: "none", Encoding: "base64", Type: "int8", User: "u"},
		"other-task":    {Model: "voyage-4", Inputs: a, Task: "clustering", Truncate: "end", Type: "float", Encoding: "float"},
		"question":      {Model: "voyage-4", Inputs: a, Task: "question_answering"},
		"cut-at-start":  {Model: "voyage-4", Inputs: a, Truncate: "start"},
		"title":         {Model: "voyage-4", Inputs: a, Title: "T"},
		"tokens":        {Model: "voyage-4", Inputs: []embed.Input{{Path: "input", Tokens: []int64{1}}}},
		"image":         {Model: "voyage-4", Inputs: picture},
		"unknown-field": {Model: "voyage-4", Inputs: a, Unmapped: map[string]json.RawMessage{"x": json.RawMessage("1")}},
	})
}

func TestRerank(t *testing.T) { //nolint:paralleltest // its parts are parallel
	yes := true
	docs := []rerank.Document{{Text: "a"}, {Object: json.RawMessage(`{"text":"b","title":"T"}`)}}
	providertest.ExerciseWriting[rerank.Request, rerank.Response](t, voyage.Rerank{}, "rerank", map[string]rerank.Request{
		"everything":       {Model: "rerank-2.5", Query: "q", Documents: docs, TopN: 2, Return: &yes, Truncate: &yes},
		"document-no-text": {Model: "m", Query: "q", Documents: []rerank.Document{{Text: "a"}, {Object: json.RawMessage(`{"title":"T"}`)}}},
		"max-tokens":       {Model: "m", Query: "q", Documents: docs, MaxTokens: 100},
		"unknown-field":    {Model: "m", Query: "q", Documents: docs, Unmapped: map[string]json.RawMessage{"rank_fields": json.RawMessage(`["title"]`)}},
	})
}

func TestRecordedEmbeddings(t *testing.T) {
	t.Parallel()
	for _, c := range providertest.Recorded(t, "voyage-embeddings") {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			d := voyage.Embed{}
			if c.Status != 200 {
				if r := d.ParseRefusal(c.Status, nil, c.Response); r.Class != provider.ClassInvalid || r.Message == "" {
					t.Errorf("%+v", r)
				}
				return
			}
			a, err := d.ParseResponse(c.Response)
			if seen := d.Inspect(c.Response); err != nil || a.Usage != seen.Usage || seen.Usage.Units[chat.Input] == 0 || !seen.Ended {
				t.Fatalf("%v, saw %+v", err, seen)
			}
			for _, v := range a.Vectors {
				if _, err := v.Listed(); err != nil {
					t.Error(err)
				}
			}
			q, err := openaiembed.Dialect{}.ParseRequest(c.Request) // near enough to be read
			if err != nil || len(q.Inputs) != len(a.Vectors) {
				t.Errorf("%d inputs, %d vectors, %v", len(q.Inputs), len(a.Vectors), err)
			}
		})
	}
}

// A client of Cohere's reranks with Voyage, and gets the answer that Voyage gave.
func TestRecordedRerankCrosses(t *testing.T) {
	t.Parallel()
	for _, c := range providertest.Recorded(t, "voyage-rerank") {
		b, ok := provider.Join(cohere.Rerank{}, voyage.Rerank{})
		if !ok {
			t.Fatal("no bridge")
		}
		body := `{"model":"m","query":"q","documents":["a","b","c"],"return_documents":true}`
		if _, err := b.Request([]byte(body), provider.Head{}, "rerank-2-lite", chat.Encoding{}); err != nil {
			t.Fatal(err)
		}
		a, err := b.Answer(c.Response, provider.Known{})
		if err != nil || a.Usage().Units != (chat.Units{chat.Input: 43}) {
			t.Fatalf("%v, %+v", err, a)
		}
		want := `{"model":"rerank-2-lite","results":[{"index":0,"relevance_score":0.69140625,"document":{"text":"a"}},` +
			`{"index":2,"relevance_score":0.494140625,"document":{"text":"c"}}],"meta":{"api_version":{"version":"2"}},"usage":{"total_tokens":43}}`
		if got := string(a.Append(nil, "")); got != want {
			t.Errorf("got %s", got)
		}
	}
}

// Whatever bytes come, nothing falls over.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"data":[{"relevance_score":0.5,"index":0,"document":"x","embedding":[1]}],"usage":{"total_tokens":1}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = voyage.Rerank{}.ParseResponse(body)
		_, _ = voyage.Embed{}.ParseResponse(body)
		for c, n := range (voyage.Rerank{}).Inspect(body).Usage.Units {
			if n < 0 {
				t.Fatalf("class %d is %d", c, n)
			}
		}
	})
}
