package openaicompletions_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/openaicompletions"
	"tollgate/internal/provider/providertest"
)

func TestDialect(t *testing.T) { //nolint:paralleltest // its parts are parallel
	providertest.Exercise(t, openaicompletions.Dialect{})
}

func TestEachPromptOfAListHasItsAnswers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int64{
		`{"model":"m","prompt":"a"}`:                   0,
		`{"model":"m","prompt":["a","b","c"]}`:         3,
		`{"model":"m","prompt":["a","b"],"n":2}`:       4,
		`{"model":"m","prompt":[1,2,3]}`:               0,
		`{"model":"m","prompt":[[1],[2,3]],"n":1}`:     2,
		`{"model":"m","prompt":"a","best_of":3,"n":1}`: 3,
	} {
		h, err := openaicompletions.Dialect{}.Probe([]byte(body), provider.Line{})
		if err != nil || h.Choices != want {
			t.Errorf("%s: %d answers, %v; want %d", body, h.Choices, err, want)
		}
	}
}

func TestAPromptIsAQuestionToAChatModel(t *testing.T) {
	t.Parallel()
	r, err := openaicompletions.Dialect{}.ParseRequest([]byte(`{"model":"m","prompt":["Hi"],"max_tokens":5,"stop":".","echo":false,"best_of":1}`))
	if err != nil {
		t.Fatal(err)
	}
	delete(r.Unmapped, "best_of")
	out, err := openaichat.Dialect{}.BuildRequest(r)
	if want := `{"model":"m","messages":[{"role":"user","content":"Hi"}],"max_completion_tokens":5,"stop":["."]}`; err != nil || string(out) != want {
		t.Errorf("%s, %v", out, err)
	}
}

func TestWhatAChatModelCannotDoIsRefusedByName(t *testing.T) {
	t.Parallel()
	for body, field := range map[string]string{
		`{"model":"m","prompt":["a","b"]}`:            "prompt",
		`{"model":"m","prompt":[1,2]}`:                "prompt",
		`{"model":"m","prompt":"a","suffix":"end"}`:   "suffix",
		`{"model":"m","prompt":"a","echo":true}`:      "echo",
		`{"model":"m","prompt":"a","logprobs":2}`:     "logprobs",
		`{"model":"m","prompt":"a","n":2}`:            "n",
		`{"model":"m","prompt":"a","best_of":2}`:      "best_of",
		`{"model":"m"}`:                               "prompt",
		`{"model":"m","prompt":7}`:                    "prompt",
		`{"model":"m","prompt":[]}`:                   "prompt",
		`{"model":"m","prompt":"a","stop":{"a":"b"}}`: "stop",
	} {
		r, err := openaicompletions.Dialect{}.ParseRequest([]byte(body))
		if err == nil {
			_, err = openaichat.Dialect{}.BuildRequest(r)
		}
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field != field {
			t.Errorf("%s: %v, want a refusal of %s", body, err, field)
		}
	}
}

func TestOnlyOneQuestionInWordsBecomesAPrompt(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"model":"m","messages":[{"role":"user","content":"Q"}],"max_tokens":4}`:                                                   `"prompt":"Q"`,
		`{"model":"m","messages":[{"role":"system","content":"S"},{"role":"user","content":"Q"}]}`:                                  `"prompt":"S\n\nQ"`,
		`{"model":"m","messages":[{"role":"user","content":"Q"},{"role":"assistant","content":"A"},{"role":"user","content":"R"}]}`: "!messages",
		`{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}]}`:         "!messages",
		`{"model":"m","tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"Q"}]}`:            "!tools",
		`{"model":"m","response_format":{"type":"json_object"},"messages":[{"role":"user","content":"Q"}]}`:                         "!response_format",
	} {
		r, err := openaichat.Dialect{}.ParseRequest([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		out, err := openaicompletions.Dialect{}.BuildRequest(r)
		if field, refused := strings.CutPrefix(want, "!"); refused {
			var f *fault.Error
			if !errors.As(err, &f) || !errors.Is(err, provider.ErrUnsupported) || f.Field != field {
				t.Errorf("%s: %v, want a refusal of %s", body, err, field)
			}
			continue
		}
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %s, %v", body, out, err)
		}
	}
}

func TestRecordings(t *testing.T) { //nolint:paralleltest // its parts are parallel
	cases := slices.DeleteFunc(providertest.Recorded(t, "openai-completions"), func(c providertest.Case) bool {
		return c.Provider == "writer" && c.Stream // events of a kind of its own, {"value":…}, without any end: another protocol
	})
	providertest.ExerciseRecorded(t, openaicompletions.Dialect{}, cases)
}

// Whatever bytes come, a request is refused as invalid or becomes JSON, and reading answers and streams does not fall over.
func FuzzCompletions(f *testing.F) {
	f.Add([]byte(`{"model":"m","prompt":["a"],"stream":true}`))
	f.Add([]byte(`{"id":"c","choices":[{"text":"a","finish_reason":"stop"}],"usage":{"prompt_tokens":1}}`))
	f.Add([]byte("data: {\"choices\":[{\"text\":\"a\"}]}\n\ndata: [DONE]\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		d := openaicompletions.Dialect{}
		if r, err := d.ParseRequest(body); err == nil {
			if built, err := d.BuildRequest(r); err == nil && !json.Valid(built) {
				t.Fatalf("not JSON: %s", built)
			}
		}
		if a, err := d.ParseResponse(body); err == nil && !json.Valid(d.AppendResponse(nil, a)) {
			t.Fatal("not JSON")
		}
		if events, err := providertest.Read(d.NewReader(), body); err == nil && len(events) > 0 {
			w := d.NewWriter(true)
			for _, e := range events {
				if e.Kind != chat.Failure {
					w.Append(nil, e)
				}
			}
		}
	})
}
