package openaiembed_test

import (
	"encoding/json"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaiembed"
	"tollgate/internal/provider/providertest"
)

// What providers of this dialect have been recorded to say is understood: requests keep their meaning, answers tell what a plain
// decoding finds, and errors have a class.
func TestRecordedExchanges(t *testing.T) {
	t.Parallel()
	d := openaiembed.Dialect{}
	for _, c := range providertest.Recorded(t, "openai-embeddings") {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if c.Request != nil {
				providertest.KeepsMeaning(t, d, c.Request)
			}
			if c.Status != 200 {
				if r := d.ParseRefusal(c.Status, nil, c.Response); r.Message == "" || r.Class == provider.ClassServer || r.Class == provider.ClassInvalid {
					t.Errorf("refusal %+v", r)
				}
				return
			}
			var plain struct {
				ID    string
				Model string
				Data  []json.RawMessage
				Usage struct {
					Prompt int64 `json:"prompt_tokens"`
					Cost   any   `json:"cost"`
				}
			}
			if err := json.Unmarshal(c.Response, &plain); err != nil {
				t.Fatal(err)
			}
			seen := d.Inspect(c.Response)
			if !seen.Ended || seen.ID != plain.ID || seen.Model != plain.Model || seen.Usage.Units[chat.Input] != plain.Usage.Prompt {
				t.Errorf("saw %+v", seen)
			}
			if c.Has("provider-cost") != (seen.Cost != "") && plain.Usage.Cost == nil {
				t.Errorf("cost %q", seen.Cost)
			}
			a, err := d.ParseResponse(c.Response)
			if err != nil || len(a.Vectors) != len(plain.Data) || a.Usage != seen.Usage || a.Reported != seen.Cost {
				t.Fatalf("%v, %d vectors of %d, %+v", err, len(a.Vectors), len(plain.Data), a.Usage)
			}
			for _, v := range a.Vectors {
				if _, err := v.Listed(); err != nil && v.List != nil {
					t.Error(err)
				}
			}
		})
	}
}
