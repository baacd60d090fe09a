package gemini_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/embed"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
	"tollgate/internal/provider/gemini"
	"tollgate/internal/provider/openaiembed"
	"tollgate/internal/provider/providertest"
)

func TestEmbeddingRequestsAreRead(t *testing.T) {
	t.Parallel()
	one := embed.Request{
		Dialect: "gemini-embed", Task: "document", Title: "T", Dimensions: 768, Truncate: "none",
		Inputs: []embed.Input{{Path: "content.parts.0", Text: "Hi"}},
	}
	for _, body := range []string{
		`{"model":"models/m","content":{"role":"user","parts":[{"text":"Hi"}]},"taskType":"RETRIEVAL_DOCUMENT","title":"T","outputDimensionality":768,"autoTruncate":false,"tollgate":{}}`,
		`{"content":{"parts":{"text":"Hi"}},"embedContentConfig":{"task_type":"RETRIEVAL_DOCUMENT","title":"T","output_dimensionality":768,"autoTruncate":false}}`,
	} {
		got, err := gemini.Embed{}.ParseRequest([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(one, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
	got, err := gemini.EmbedBatch{}.ParseRequest([]byte(`{"requests":[{"model":"models/m","content":{"parts":[{"text":"a"}]},"taskType":"CLUSTERING"},` +
		`{"content":{"parts":[{"text":"b"},{"inlineData":{"mimeType":"image/png","data":"AA=="}}]},"taskType":"CLUSTERING","x":1}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := embed.Request{
		Dialect: "gemini-embed-batch", Task: "clustering", Unmapped: map[string]json.RawMessage{"requests.1.x": json.RawMessage("1")},
		Inputs: []embed.Input{
			{Path: "requests.0.content.parts.0", Text: "a"},
			{Path: "requests.1.content", Parts: []chat.Part{
				{Kind: chat.Text, Path: "requests.1.content.parts.0", Text: "b"},
				{Kind: chat.Image, Path: "requests.1.content.parts.1", MediaType: "image/png", Data: "AA=="},
			}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBadEmbeddingRequestsNameTheField(t *testing.T) {
	t.Parallel()
	for body, field := range map[string]string{
		`{}`:                                 "content",
		`{"content":{"parts":[]}}`:           "content",
		`{"content":{"parts":[{"text":1}]}}`: "content.parts.0.text",
		`{"content":{"parts":[{"text":"x"}]},"outputDimensionality":"y"}`: "outputDimensionality",
	} {
		_, err := gemini.Embed{}.ParseRequest([]byte(body))
		var f *fault.Error
		if !errors.As(err, &f) || f.Field != field {
			t.Errorf("%s: %v, want %s", body, err, field)
		}
	}
	for body, field := range map[string]string{
		`{}`:                "requests",
		`{"requests":[]}`:   "requests",
		`{"requests":[{}]}`: "requests.0.content",
		`{"requests":[{"content":{"parts":[{"text":"x"}]}},{"content":{"parts":[{"text":"x"}]},"title":7}]}`: "requests.1.title",
	} {
		_, err := gemini.EmbedBatch{}.ParseRequest([]byte(body))
		var f *fault.Error
		if !errors.As(err, &f) || f.Field != field {
			t.Errorf("%s: %v, want %s", body, err, field)
		}
	}
}

// What OpenAI's clients ask, in each of the three forms of Google's.
func TestEmbeddingsOfOpenAIsClients(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, one, batch, predict string }{ // "!field": refused by that name
		{
			"a text", `{"model":"m","input":"Hi","dimensions":256,"input_type":"query","encoding_format":"base64","user":"u"}`,
			`{"content":{"parts":[{"text":"Hi"}]},"taskType":"RETRIEVAL_QUERY","outputDimensionality":256}`,
			`{"requests":[{"model":"models/text-embedding-005","content":{"parts":[{"text":"Hi"}]},"taskType":"RETRIEVAL_QUERY","outputDimensionality":256}]}`,
			`{"instances":[{"content":"Hi","task_type":"RETRIEVAL_QUERY"}],"parameters":{"outputDimensionality":256}}`,
		},
		{
			"two texts", `{"model":"m","input":["a","b"]}`, "!input.1",
			`{"requests":[{"model":"models/text-embedding-005","content":{"parts":[{"text":"a"}]}},{"model":"models/text-embedding-005","content":{"parts":[{"text":"b"}]}}]}`,
			`{"instances":[{"content":"a"},{"content":"b"}]}`,
		},
		{"token ids", `{"model":"m","input":[1,2]}`, "!input", "!input", "!input"},
		{"a task without a word", `{"model":"m","input":"a","input_type":"poetry"}`, "!input_type", "!input_type", "!input_type"},
		{"small numbers", `{"model":"m","input":"a","output_dtype":"int8"}`, "!output_dtype", "!output_dtype", "!output_dtype"},
		{"a field that nobody knows", `{"model":"m","input":"a","x":1}`, "!x", "!x", "!x"},
		{
			"an image", `{"model":"m","input":[{"content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}]}`,
			`{"content":{"parts":[{"text":"a"},{"inlineData":{"mimeType":"image/png","data":"AA=="}}]}}`,
			`{"requests":[{"model":"models/text-embedding-005","content":{"parts":[{"text":"a"},{"inlineData":{"mimeType":"image/png","data":"AA=="}}]}}]}`,
			"!input.0.content.1",
		},
	}
	for _, tt := range tests {
		q, err := openaiembed.Dialect{}.ParseRequest([]byte(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		q = q.Aimed("text-embedding-005", false, chat.Encoding{})
		for _, to := range []struct {
			d interface {
				provider.Dialect
				provider.Writes[embed.Request, embed.Response]
			}
			want string
		}{{gemini.Embed{}, tt.one}, {gemini.EmbedBatch{}, tt.batch}, {gemini.Predict{}, tt.predict}} {
			got, err := to.d.BuildRequest(q)
			field, refused := strings.CutPrefix(to.want, "!")
			var f *fault.Error
			switch {
			case refused && (!errors.As(err, &f) || f.Field != field):
				t.Errorf("%s to %s: %v, want %s refused", tt.name, to.d.Name(), err, field)
			case !refused && (err != nil || string(got) != to.want):
				t.Errorf("%s to %s: %v\n got %s\nwant %s", tt.name, to.d.Name(), err, got, to.want)
			}
		}
	}
	two := embed.Request{Model: "gemini-embedding-001", Inputs: []embed.Input{{Text: "a"}, {Path: "input.1", Text: "b"}}}
	if _, err := (gemini.Predict{}).BuildRequest(two); !errors.Is(err, provider.ErrUnsupported) {
		t.Errorf("two texts for a model that takes one: %v", err)
	}
	cut := embed.Request{Inputs: []embed.Input{{Text: "a"}}, Truncate: "end", Title: "T"}
	if got, err := (gemini.Predict{}).BuildRequest(cut); err != nil || string(got) != `{"instances":[{"content":"a","title":"T"}],"parameters":{"autoTruncate":true}}` {
		t.Errorf("%s, %v", got, err)
	}
}

func TestTheModelIsExchangedInEveryRequestOfABatch(t *testing.T) {
	t.Parallel()
	body := []byte(`{"tollgate":{},"requests":[ {"model":"models/m","content":{"model":"no"}},{"content":{}, "model" : "models/m"},7 ]}`)
	h, err := gemini.EmbedBatch{}.Probe(body, provider.Line{Model: "alias"})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"requests":[ {"model":"models/n","content":{"model":"no"}},{"content":{}, "model" : "models/n"},7 ]}`
	if got := provider.ApplyEdits(body, gemini.EmbedBatch{}.Edits(body, h, "n")); string(got) != want {
		t.Errorf("%s", got)
	}
	if _, err := (gemini.EmbedBatch{}).Probe([]byte(`{"requests":[],"requests":[]}`), provider.Line{Model: "m"}); !errors.Is(err, provider.ErrBody) {
		t.Errorf("two lists: %v", err)
	}
	one := []byte(`{"model":"models/m","content":{}}`)
	h, err = gemini.Embed{}.Probe(one, provider.Line{Model: "alias"})
	if err != nil {
		t.Fatal(err)
	}
	if got := provider.ApplyEdits(one, gemini.Embed{}.Edits(one, h, "n")); string(got) != `{"model":"models/n","content":{}}` {
		t.Errorf("%s", got)
	}
}

// Vectors are read from all three forms and written in the two that clients speak. Usage that is not told is not zero.
func TestVectorsAreReadAndWritten(t *testing.T) {
	t.Parallel()
	type reads interface {
		provider.Target
		provider.Writes[embed.Request, embed.Response]
	}
	tests := []struct {
		d       reads
		body    string
		vectors int
		tokens  int64 // -1: not told
	}{
		{gemini.Embed{}, `{"embedding":{"values":[0.5,-1]}}`, 1, -1},
		{gemini.Embed{}, `{"embedding":{"values":[0.5]},"usageMetadata":{"promptTokenCount":11,"totalTokenCount":11}}`, 1, 11},
		{gemini.EmbedBatch{}, `{"embeddings":[{"values":[0.5]},{"values":[1]}],"usageMetadata":{"promptTokenCount":4,"promptTokenDetails":[{"modality":"TEXT","tokenCount":4}]}}`, 2, 4},
		{gemini.EmbedBatch{}, `{"embeddings":[]}`, 0, -1},
		{gemini.Predict{}, `{"predictions":[{"embeddings":{"statistics":{"token_count":3},"values":[1]}},{"embeddings":{"statistics":{"token_count":4},"values":[1]}}]}`, 2, 7},
		{gemini.Predict{}, `{"predictions":[{"embeddings":{"values":[1]}}]}`, 1, -1},
	}
	for _, tt := range tests {
		got, err := tt.d.ParseResponse([]byte(tt.body))
		if err != nil {
			t.Fatalf("%s: %v", tt.body, err)
		}
		told := int64(-1)
		if got.Usage.Source == chat.Reported {
			told = got.Usage.Units[chat.Input]
		}
		if len(got.Vectors) != tt.vectors || told != tt.tokens {
			t.Errorf("%s: %d vectors, %d tokens", tt.body, len(got.Vectors), told)
		}
		if seen := tt.d.Inspect([]byte(tt.body)); seen.Usage != got.Usage || !seen.Ended {
			t.Errorf("%s: saw %+v", tt.body, seen)
		}
		got.Cost = "0.000125"
		for _, client := range []provider.Codec[embed.Request, embed.Response]{gemini.Embed{}, gemini.EmbedBatch{}} {
			out := client.AppendResponse(nil, got)
			again, err := client.ParseResponse(out)
			if err != nil || again.Usage != got.Usage || (tt.vectors > 0 && string(again.Vectors[0].List) != string(got.Vectors[0].List)) {
				t.Errorf("%s became %s (%v)", tt.body, out, err)
			}
			if strings.Contains(string(out), `"cost":0.000125`) != (tt.tokens >= 0) {
				t.Errorf("the cost in %s", out)
			}
		}
	}
	packed, _ := embed.Vector{List: json.RawMessage("[0.5,2]")}.Packed()
	if out := (gemini.Embed{}).AppendResponse(nil, embed.Response{Vectors: []embed.Vector{packed}}); string(out) != `{"embedding":{"values":[0.5,2]}}` {
		t.Errorf("a packed vector became %s", out)
	}
	for _, d := range []reads{gemini.Embed{}, gemini.EmbedBatch{}, gemini.Predict{}} {
		for _, body := range []string{`{}`, `[]`, `null`, `{"embed`, `{"embedding":{}}`, `{"embeddings":[{"values":7}]}`, `{"predictions":[{}]}`} {
			if _, err := d.ParseResponse([]byte(body)); !errors.Is(err, provider.ErrBadAnswer) {
				t.Errorf("%s: %s: %v", d.Name(), body, err)
			}
		}
		var refusal *provider.Refusal
		body := []byte(`{"error":{"code":429,"message":"Slow."}}`)
		if _, err := d.ParseResponse(body); !errors.As(err, &refusal) || refusal.Class != provider.ClassRateLimited {
			t.Errorf("%s: %v", d.Name(), err)
		}
		if seen := d.Inspect(body); seen.Refusal == nil || seen.Ended {
			t.Errorf("%s: saw %+v", d.Name(), seen)
		}
		providertest.Refusals(t, d)
	}
}

func TestRecordedEmbeddings(t *testing.T) {
	t.Parallel()
	for _, c := range append(providertest.Recorded(t, "gemini-embed"), providertest.Recorded(t, "vertex-predict")...) {
		var d interface {
			provider.Target
			provider.Writes[embed.Request, embed.Response]
		} = gemini.Predict{}
		switch {
		case strings.HasSuffix(c.Path, ":embedContent"):
			d = gemini.Embed{}
		case strings.HasSuffix(c.Path, ":batchEmbedContents"):
			d = gemini.EmbedBatch{}
		}
		if path := d.Path(provider.Head{}, line(c).Model); !strings.HasSuffix(c.Path, path) {
			t.Errorf("%s: path %s, want %s", c.Name, path, c.Path)
		}
		if reads, ok := d.(provider.Reads[embed.Request, embed.Response]); ok {
			q, err := reads.ParseRequest(c.Request)
			if err != nil {
				t.Fatal(err)
			}
			built, err := d.BuildRequest(q.Aimed(line(c).Model, false, chat.Encoding{}))
			if err != nil {
				t.Fatal(err)
			}
			if want, got := compactJSON(c.Request), compactJSON(built); want != got && !strings.Contains(want, `"role"`) {
				t.Errorf("%s became\n%s", want, got)
			}
		}
		if c.Status != 200 {
			continue
		}
		got, err := d.ParseResponse(c.Response)
		if err != nil || len(got.Vectors) != 1 {
			t.Errorf("%s: %d vectors, %v", c.Name, len(got.Vectors), err)
			continue
		}
		if seen := d.Inspect(c.Response); seen.Usage != got.Usage || !seen.Ended {
			t.Errorf("%s: saw %+v", c.Name, seen)
		}
		if told := got.Usage.Source == chat.Reported; told != (c.Has("usage") || strings.Contains(string(c.Response), "token_count")) {
			t.Errorf("%s: usage %+v", c.Name, got.Usage)
		}
		if packed, err := got.Vectors[0].Packed(); err != nil || packed.Base64 == "" {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}
