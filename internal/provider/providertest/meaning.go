package providertest

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/provider"
)

// KeepsMeaning holds a request that is read and written again against itself: decoded, nothing is missing and nothing has changed but
// what says the same in another way: nulls, a list of one, white space.
func KeepsMeaning[Q, A any](t *testing.T, d Whole[Q, A], body []byte) {
	t.Helper()
	h, err := d.Probe(body, provider.Line{})
	if err != nil {
		t.Fatal(err)
	}
	CheckSplice(t, d, body, h)
	q, err := d.ParseRequest(body)
	if err != nil {
		t.Fatal(err)
	}
	built, err := d.BuildRequest(q)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(meaning(t, body), meaning(t, built)); diff != "" {
		t.Errorf("the request changed (-want +got):\n%s", diff)
	}
}

func meaning(t *testing.T, body []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	for k, member := range v {
		if list, ok := member.([]any); ok && len(list) == 1 {
			if text, ok := list[0].(string); ok {
				v[k] = text
			}
		}
		if member == nil {
			delete(v, k)
		}
	}
	return v
}
