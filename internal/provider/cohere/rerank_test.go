package cohere_test

import (
	"encoding/json"
	"errors"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
	"tollgate/internal/provider/cohere"
	"tollgate/internal/provider/providertest"
	"tollgate/internal/rerank"
)

func fields(name, raw string) map[string]json.RawMessage {
	return map[string]json.RawMessage{name: json.RawMessage(raw)}
}

func TestRerank(t *testing.T) { //nolint:paralleltest // its parts are parallel
	providertest.ExerciseWhole[rerank.Request, rerank.Response](t, cohere.Rerank{}, "rerank")
}

func TestABadRerankNamesTheField(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, field string }{
		{"no query", `{"model":"m","documents":["a"]}`, "query"},
		{"a query that is no text", `{"model":"m","query":1,"documents":["a"]}`, "query"},
		{"no documents", `{"model":"m","query":"q"}`, "documents"},
		{"an empty list", `{"model":"m","query":"q","documents":[]}`, "documents"},
		{"a text for a list", `{"model":"m","query":"q","documents":"a"}`, "documents"},
		{"a number among texts", `{"model":"m","query":"q","documents":["a",1]}`, "documents.1"},
		{"a fraction of results", `{"model":"m","query":"q","documents":["a"],"top_n":1.5}`, "top_n"},
		{"less than no results", `{"model":"m","query":"q","documents":["a"],"top_n":-1}`, "top_n"},
		{"no model", `{"query":"q","documents":["a"]}`, "model"},
	}
	for _, tt := range tests {
		_, err := cohere.Rerank{}.ParseRequest([]byte(tt.body))
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field != tt.field {
			t.Errorf("%s: %v, want an invalid request naming %q", tt.name, err, tt.field)
		}
	}
}

func TestRecordedReranks(t *testing.T) {
	t.Parallel()
	d := cohere.Rerank{}
	cases := append(providertest.Recorded(t, "cohere-rerank"), providertest.Recorded(t, "openrouter-rerank")...)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			providertest.KeepsMeaning(t, d, c.Request)
			seen := d.Inspect(c.Response)
			a, err := d.ParseResponse(c.Response)
			if err != nil || len(a.Results) == 0 || a.Usage != seen.Usage || a.ID == "" || !seen.Ended {
				t.Fatalf("%v, %+v, saw %+v", err, a, seen)
			}
			want := chat.Units{chat.SearchUnits: 1}
			if c.Provider == "openrouter" {
				want = chat.Units{chat.Input: 17}
			}
			if seen.Usage.Units != want || (seen.Cost != "") != c.Has("provider-cost") {
				t.Errorf("saw %+v", seen)
			}
		})
	}
}

// Whatever bytes come, nothing falls over, and what is read can be written and read again.
func FuzzRerank(f *testing.F) {
	f.Add([]byte(`{"id":"r","results":[{"index":1,"relevance_score":0.7,"document":{"text":"x"}}],"meta":{"billed_units":{"search_units":1}}}`))
	f.Add([]byte(`{"model":"m","query":"q","documents":["a",{"text":"b"}],"x":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d := cohere.Rerank{}
		d.Inspect(body)
		if a, err := d.ParseResponse(body); err == nil {
			if _, err := d.ParseResponse(d.AppendResponse(nil, a)); err != nil {
				t.Fatal(err)
			}
		}
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
			t.Fatalf("written as %s: %v", built, err)
		}
	})
}
