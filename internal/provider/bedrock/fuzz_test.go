package bedrock_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/bedrock"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/providertest"
)

// FuzzConverse: whatever bytes come, whole or streamed: no panic, events in order, no count below nothing, and nothing told behind the end.
func FuzzConverse(f *testing.F) {
	f.Add(strings.Join(lines, "\n"), []byte(`{"output":{"message":{"content":[{"text":"a"}]}},"usage":{"inputTokens":1,"outputTokens":2}}`))
	f.Add(lines[0]+"\nthrottlingException {\"message\":\"m\"}", []byte(`{"message":"m"}`))
	f.Add(strings.Join([]string{lines[0], `contentBlockStart {}`, `contentBlockDelta {"delta":{"citation":{}}}`, lines[9]}, "\n"), []byte(`{}`))
	f.Fuzz(func(t *testing.T, text string, body []byte) {
		list := strings.Split(text, "\n")
		if slices.ContainsFunc(list, func(l string) bool { name, _, _ := strings.Cut(l, " "); return len(name) > 1000 }) {
			return // no header is that long
		}
		stream := providertest.Events(t, list...)
		events, err := providertest.Read(bedrock.Converse{}.NewReader(), stream)
		if err == nil {
			if last := events[len(events)-1].Kind; last != chat.End && last != chat.Failure {
				t.Fatalf("the last event is of kind %d", last)
			}
			if _, err := providertest.Fold(events); err != nil && events[len(events)-1].Kind == chat.End {
				t.Fatal(err)
			}
		}
		r, err := bedrock.Converse{}.ParseResponse(body)
		seen := bedrock.Converse{}.Inspect(body)
		if err == nil && (seen.Usage != r.Usage || !seen.Ended) {
			t.Fatalf("saw %+v of %+v", seen, r)
		}
		for _, n := range r.Usage.Units {
			if n < 0 {
				t.Fatalf("%+v", r.Usage)
			}
		}
		for _, d := range []provider.Reads[chat.Request, chat.Response]{openaichat.Dialect{}, anthropic.Dialect{}} {
			if err == nil && !json.Valid(d.AppendResponse(nil, r)) {
				t.Fatal("no JSON")
			}
			if q, err := d.ParseRequest(body); err == nil {
				q.Encoding.DropUnsupported = true
				if built, err := (bedrock.Converse{}).BuildRequest(q); err == nil && !json.Valid(built) {
					t.Fatalf("no JSON: %s", built)
				}
			}
		}
	})
}
