package anthropic_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
)

func TestAnotherMakersReasoningIsCutFromABodyThatPasses(t *testing.T) {
	t.Parallel()
	sealed := provider.Seal(provider.OpenAIResponses, "gAAAA")
	block := `{"type":"redacted_thinking","data":"` + sealed + `"}`
	body := `{"model":"m","max_tokens":9, "messages": [{"role":"user","content":"tollgate:x"},{"role":"assistant","content":[` + block + `, {"type":"text","text":"hi"} ,` +
		`{"type":"thinking","thinking":"t","signature":"` + sealed + `"}]},{"role":"user","content":[{"type":"text","text":"more"}]}],"stream":true,"tollgate":{"workflow":"w"}}`
	for _, d := range []provider.Target{anthropic.Dialect{}, anthropic.Vertex{}, anthropic.Bedrock{}, anthropic.Count{}, anthropic.VertexCount{}} {
		h, err := anthropic.Dialect{}.Probe([]byte(body), provider.Line{})
		if err != nil {
			t.Fatal(err)
		}
		out := string(provider.ApplyEdits([]byte(body), d.Edits([]byte(body), h, "m")))
		if !json.Valid([]byte(out)) || strings.Contains(out, sealed) {
			t.Errorf("%s: %s", d.Name(), out)
		}
		if !strings.Contains(out, `"content":[{"type":"text","text":"hi"} ]`) || !strings.Contains(out, `"content":"tollgate:x"`) {
			t.Errorf("%s: more was cut than reasoning: %s", d.Name(), out)
		}
	}
}
