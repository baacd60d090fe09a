package providertest_test

import (
	"encoding/json"
	"errors"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
)

// Every client of embeddings and of reranking can ask every provider of them. The bodies are the plainest that each client can send.
func TestEveryClientReachesEveryProviderOfVectors(t *testing.T) {
	t.Parallel()
	bodies := map[provider.Name]string{
		provider.OpenAIEmbeddings: `{"model":"m","input":"a text","encoding_format":"base64"}`,
		provider.GeminiEmbed:      `{"content":{"parts":[{"text":"a text"}]}}`,
		provider.GeminiEmbedBatch: `{"requests":[{"model":"models/m","content":{"parts":[{"text":"a text"}]}}]}`,
		provider.CohereRerank:     `{"model":"m","query":"q","documents":["a","b"],"top_n":1}`,
	}
	pairs := 0
	for _, from := range catalog.Dialects() {
		client, ok := from.(provider.Client)
		if !ok || (from.Operation() != provider.Embed && from.Operation() != provider.Rerank) {
			continue
		}
		body, ok := bodies[from.Name()]
		if !ok {
			t.Errorf("no body for %s", from.Name())
			continue
		}
		for _, to := range catalog.Dialects() {
			target, ok := to.(provider.Target)
			if !ok || to.Operation() != from.Operation() {
				continue
			}
			pairs++
			b, ok := provider.Join(client, target)
			if !ok {
				if !provider.Carries(target, from.Name()) {
					t.Errorf("no bridge from %s to %s", from.Name(), to.Name())
				}
				continue
			}
			out, err := b.Request([]byte(body), provider.Head{Model: "m"}, "other", chat.Encoding{})
			var f *fault.Error
			if err != nil && !errors.As(err, &f) {
				t.Errorf("%s to %s: %v", from.Name(), to.Name(), err)
			}
			if err != nil || !json.Valid(out) {
				t.Errorf("%s to %s: %v, %s", from.Name(), to.Name(), err, out)
			}
		}
	}
	t.Logf("%d pairs", pairs)
}
