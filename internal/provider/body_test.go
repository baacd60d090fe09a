package provider_test

import (
	"encoding/json"
	"testing"

	"tollgate/internal/provider"
)

func TestFieldsAreAddedBehindTheOthers(t *testing.T) {
	t.Parallel()
	fields := map[string]json.RawMessage{"b": json.RawMessage(`[1,2]`), "c": json.RawMessage(`"<x>"`)}
	for object, want := range map[string]string{
		`{}`:      `{"b":[1,2],"c":"<x>"}`,
		`{"a":1}`: `{"a":1,"b":[1,2],"c":"<x>"}`,
	} {
		if got := string(provider.AddFields([]byte(object), fields)); got != want {
			t.Errorf("%s became %s, want %s", object, got, want)
		}
		if got := string(provider.AddFields([]byte(object), nil)); got != object {
			t.Errorf("%s became %s", object, got)
		}
	}
}
