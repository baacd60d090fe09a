package providertest_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/cohere"
	"tollgate/internal/provider/ollama"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/providertest"
)

// What a provider of a dialect that no client speaks has been recorded to say is the same answer for every client.
func TestRecordedAnswersOfCohereAndOllamaCross(t *testing.T) {
	t.Parallel()
	for name, from := range map[string]provider.ChatTarget{"cohere-chat-v2": cohere.Chat{}, "ollama-chat": ollama.Chat{}} {
		for _, to := range dialects {
			s := score{}
			for _, c := range providertest.Recorded(t, name) {
				if c.Status != 200 || strings.Contains(string(c.Response), `"finish_reason":"ERROR"`) {
					continue
				}
				s.run(t, c, func(t *testing.T) { crossesOneEnded(t, from, to, c) })
			}
			s.print(t, name+" → "+string(to.Name()))
		}
	}
}

func crossesOneEnded(t *testing.T, from provider.ChatTarget, to providertest.Both, c providertest.Case) {
	var want, got chat.Response
	if c.Kind == "json" {
		var err error
		if want, err = from.ParseResponse(c.Response); err != nil {
			t.Fatal(err)
		}
		out := to.AppendResponse(nil, want)
		if !json.Valid(out) {
			t.Fatalf("not JSON: %s", out)
		}
		if got, err = to.ParseResponse(out); err != nil {
			t.Fatal(err)
		}
	} else {
		events, err := feed(from.NewReader(), c.Response, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if want, err = providertest.Fold(events); err != nil {
			t.Fatal(err)
		}
		w := to.NewWriter(true)
		var out []byte
		for _, e := range events {
			out = w.Append(out, e)
		}
		if got, err = providertest.Fold(mustRead(t, to, out)); err != nil {
			t.Fatalf("%v in\n%s", err, out)
		}
	}
	if diff := cmp.Diff(saidOf(want), saidOf(got)); diff != "" {
		t.Errorf("the answer changed (-want +got):\n%s", diff)
	}
	if want.Usage.Units.InputTotal() != got.Usage.Units.InputTotal() || want.Usage.Units.OutputTotal() != got.Usage.Units.OutputTotal() {
		t.Errorf("usage %+v became %+v", want.Usage, got.Usage)
	}
	if w, g := plainFinish(want.Finish), plainFinish(got.Finish); w != g {
		t.Errorf("finish = %q, want %q", g, w)
	}
}

func mustRead(t *testing.T, d provider.ChatTarget, stream []byte) []chat.Event {
	t.Helper()
	events, err := feed(d.NewReader(), stream, 1<<20)
	if err != nil {
		t.Fatalf("%v in\n%s", err, stream)
	}
	return events
}

// What clients of Mistral, Writer and Hugging Face have been recorded to ask can be asked of other providers, but for what those cannot
// do, and that is named.
func TestRecordedRequestsOfOpenAIsFollowersCross(t *testing.T) {
	t.Parallel()
	refused := map[provider.Name][]string{
		provider.AnthropicMessages: {"n"},
		provider.CohereChat:        {"n"},
		provider.OllamaChat:        {"n", "tool_choice", "content"}, // content: an image by its address
	}
	for _, to := range []provider.ChatTarget{anthropic.Dialect{}, cohere.Chat{}, ollama.Chat{}} {
		s := score{}
		for _, name := range []string{"mistral-chat", "writer-chat", "openai-chat"} {
			for _, c := range providertest.Recorded(t, name) {
				if c.Request == nil || (name == "openai-chat" && c.Provider != "huggingface") {
					continue
				}
				s.run(t, c, func(t *testing.T) {
					r, err := openaichat.Dialect{}.ParseRequest(c.Request)
					if err != nil {
						t.Fatal(err)
					}
					_, err = to.BuildRequest(r.Aimed("m", r.Stream, chat.Encoding{}))
					var f *fault.Error
					if err == nil {
						return
					}
					known := false
					for _, field := range refused[to.Name()] {
						known = known || errors.As(err, &f) && strings.Contains(f.Field, field)
					}
					if !known {
						t.Error(err)
					}
				})
			}
		}
		s.print(t, "followers' requests → "+string(to.Name()))
	}
}
