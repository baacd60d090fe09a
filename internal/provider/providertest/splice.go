package providertest

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/provider"
)

// spliceModel is a name with characters that need care in JSON.
const spliceModel = `other "model"\é`

func splice(d provider.Target, body []byte, h provider.Head, model string) []byte {
	return provider.ApplyEdits(body, d.Edits(body, h, model))
}

// CheckSplice holds a spliced body against the original: decoded, they differ in the model, the tollgate member and the request for
// usage, and in nothing else; and what stands before and behind the changed places is the same to the byte.
func CheckSplice(t testing.TB, d provider.Target, body []byte, h provider.Head) {
	t.Helper()
	before := bytes.Clone(body)
	out := splice(d, body, h, spliceModel)
	if !bytes.Equal(before, body) {
		t.Fatal("Splice changed its input")
	}
	var want, got map[string]any
	if err := decode(body, &want); err != nil {
		t.Fatal(err)
	}
	if err := decode(out, &got); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	if want["model"] != h.Model {
		t.Errorf("model = %q, want %v", h.Model, want["model"])
	}
	stream, _ := want["stream"].(bool)
	if stream != h.Stream {
		t.Errorf("stream = %v, want %v", h.Stream, stream)
	}
	want["model"] = spliceModel
	for _, ours := range [...]string{"tollgate", "provider", "models"} {
		delete(want, ours)
	}
	if asksForUsage(d.Name()) && h.Stream {
		options, _ := want["stream_options"].(map[string]any)
		if options == nil {
			options = map[string]any{}
		}
		options["include_usage"] = true
		want["stream_options"] = options
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the body changed (-want +got):\n%s", diff)
	}
	if head := body[:h.Spans.Open]; !bytes.HasPrefix(out, head) {
		t.Error("the head of the body changed")
	}
	tail := body[max(h.Spans.Model.To, h.Spans.Tollgate.To, h.Spans.StreamOptions.To, h.Spans.Ours[0].To, h.Spans.Ours[1].To, h.Spans.Ours[2].To):]
	if !bytes.HasSuffix(out, tail) {
		t.Error("the tail of the body changed")
	}
	if same := splice(d, body, provider.Head{Model: h.Model, Spans: provider.Spans{Model: h.Spans.Model}}, h.Model); !bytes.Equal(same, body) {
		t.Error("a splice of nothing changed the body")
	}
}

func decode(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d.Decode(v)
}
