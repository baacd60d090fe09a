package client

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tollgate/internal/alias"
	"tollgate/internal/key"
	"tollgate/internal/price"
)

func noon() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

func to(name, provider, model string) alias.Alias {
	return alias.Alias{Name: name, Route: alias.Route{Targets: []alias.Target{{Provider: provider, Model: model}}}}
}

func TestSnippetsNameWhatTheKeyMayCall(t *testing.T) {
	t.Parallel()
	book := price.NewBook([]price.Record{
		{Provider: "openai", Model: "gpt-4o", ContextWindow: 128_000, MaxOutput: 16_384}, {Provider: "anthropic", Model: "claude-haiku-4-5", ContextWindow: 200_000},
	})
	some := []alias.Alias{to("a-vector", "openai", "text-embedding-3-small"), to("coder", "anthropic", "claude-haiku-4-5")}
	sandbox, coder := Model{Name: "sandbox/echo-mini"}, Model{Name: "coder", Context: 200_000}
	vector := Model{Name: "a-vector", purpose: embedding}
	for name, tt := range map[string]struct {
		k       *key.Key
		aliases []alias.Alias
		want    []Model
		chat    string
	}{
		"nothing yet":                 {nil, nil, []Model{sandbox}, "sandbox/echo-mini"},
		"an alias":                    {nil, some, []Model{vector, coder, sandbox}, "coder"},
		"a key for an alias":          {&key.Key{Aliases: []string{"fast"}}, some, []Model{{Name: "fast"}}, "fast"},
		"a key for a known one":       {&key.Key{Aliases: []string{"coder"}}, some, []Model{coder}, "coder"},
		"a key for a model":           {&key.Key{Models: []string{"openai/*", "openai/gpt-4o"}}, some, []Model{{Name: "openai/gpt-4o", Context: 128_000, MaxOutput: 16_384}}, "openai/gpt-4o"},
		"a key for all":               {&key.Key{}, some, []Model{vector, coder, sandbox}, "coder"},
		"a key for a pattern":         {&key.Key{Models: []string{"sandbox/*"}}, nil, []Model{sandbox}, "sandbox/echo-mini"},
		"a key for another pattern":   {&key.Key{Models: []string{"openai/*"}}, some, []Model{{Name: "openai/*"}}, "openai/*"},
		"a name that would break out": {&key.Key{Models: []string{`openai/"$(reboot)`}}, nil, nil, "sandbox/echo-mini"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := Callable(tt.k, tt.aliases, book, noon())
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(Model{}), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if got := New("https://g", tt.k, got).model(); got != tt.chat {
				t.Errorf("chat: %s, want %s", got, tt.chat)
			}
		})
	}
}

func TestAPurposeIsReadFromAModelsName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]purpose{
		"gpt-4o": chatting, "claude-haiku-4-5": chatting, "text-embedding-3-small": embedding, "voyage-3.5": embedding, "embed-v4.0": embedding,
		"jina-reranker-v2-base-multilingual": reranking, "omni-moderation-latest": moderating, "gpt-4o-mini-tts": speaking, "whisper-1": hearing,
		"gpt-4o-transcribe": hearing, "gpt-image-1": drawing, "DALL-E-3": drawing,
	} {
		if got := purposeOf(name); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
	for p := range reranking + 1 {
		if got := purposeOf(p.example()); got != p {
			t.Errorf("the example %s is for %d, not %d", p.example(), got, p)
		}
	}
}
