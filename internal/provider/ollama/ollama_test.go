package ollama_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/embed"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/ndjson"
	"tollgate/internal/provider/ollama"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/providertest"
)

func TestChat(t *testing.T) { //nolint:paralleltest // its parts are parallel
	providertest.ExerciseTarget(t, ollama.Chat{}, "chat", ".ndjson",
		providertest.Source{Suffix: ".openai.json", Reads: openaichat.Dialect{}},
		providertest.Source{Suffix: ".anthropic.json", Reads: anthropic.Dialect{}})
}

func TestEmbed(t *testing.T) { //nolint:paralleltest // its parts are parallel
	a := []embed.Input{{Path: "input", Text: "A"}, {Path: "input", Text: "B"}}
	providertest.ExerciseWriting[embed.Request, embed.Response](t, ollama.Embed{}, "embed", map[string]embed.Request{
		"everything":    {Model: "m", Inputs: a, Task: "query", Dimensions: 256, Truncate: "none", Encoding: "base64", User: "u"},
		"cut-at-start":  {Model: "m", Inputs: a, Truncate: "start"},
		"title":         {Model: "m", Inputs: a, Title: "T"},
		"small-numbers": {Model: "m", Inputs: a, Type: "int8"},
		"tokens":        {Model: "m", Inputs: []embed.Input{{Path: "input", Tokens: []int64{1}}}},
	})
}

// Two calls that say the same have ids of their own, and the same ids each time that the answer is read.
func TestCallsWithoutIDsGetTheirOwn(t *testing.T) {
	t.Parallel()
	const line = `{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"tool_calls":[{"function":{"name":"f","arguments":{}}},{"function":{"name":"f","arguments":{}}}]},"done":true}`
	r, err := ollama.Chat{}.ParseResponse([]byte(line))
	if err != nil || len(r.Parts) != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	again := providertest.AgreeStream(t, ollama.Chat{}, []byte(line+"\n"))
	if r.Parts[0].ID == r.Parts[1].ID || r.Parts[0].ID == "" || r.Parts[0].ID != again.Parts[0].ID || r.Parts[1].ID != again.Parts[1].ID {
		t.Errorf("ids %q, %q and then %q, %q", r.Parts[0].ID, r.Parts[1].ID, again.Parts[0].ID, again.Parts[1].ID)
	}
	other := strings.Replace(line, "00:00Z", "00:01Z", 1)
	if o, err := (ollama.Chat{}).ParseResponse([]byte(other)); err != nil || o.Parts[0].ID == r.Parts[0].ID || o.ID == r.ID {
		t.Errorf("another answer has the same ids: %+v, %v", o, err)
	}
}

func TestALineOf64MiBEndsTheStream(t *testing.T) {
	t.Parallel()
	r := ollama.Chat{}.NewReader()
	chunk := bytes.Repeat([]byte{'x'}, 1<<20)
	var err error
	for range 64 {
		if err = r.Feed(chunk, func(chat.Event) {}); err != nil {
			break
		}
	}
	if !errors.Is(err, ndjson.ErrTooLong) {
		t.Errorf("err = %v", err)
	}
	tap := ollama.Chat{}.NewTap(provider.Head{})
	for range 64 {
		tap.Feed(chunk)
	}
	tap.Close()
	if seen := tap.Seen(); seen.Refusal == nil || seen.Ended {
		t.Errorf("saw %+v", seen)
	}
}

func TestRecordedChats(t *testing.T) {
	t.Parallel()
	d := ollama.Chat{}
	for _, c := range providertest.Recorded(t, "ollama-chat") {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			if c.Status != 200 {
				if r := d.ParseRefusal(c.Status, nil, c.Response); r.Class != provider.ClassNotFound || !strings.Contains(r.Message, "not found") {
					t.Errorf("%+v", r)
				}
				return
			}
			var text, thinking, args string
			for line := range bytes.Lines(c.Response) {
				var o struct {
					Message struct {
						Content, Thinking string
						Calls             []struct {
							Function struct{ Arguments json.RawMessage }
						} `json:"tool_calls"`
					}
				}
				if err := json.Unmarshal(line, &o); err != nil {
					t.Fatal(err)
				}
				text, thinking = text+o.Message.Content, thinking+o.Message.Thinking
				for _, tc := range o.Message.Calls {
					args += string(tc.Function.Arguments)
				}
			}
			var got chat.Response
			if c.Kind == "json" {
				got = providertest.AgreeWhole(t, d, c.Response)
			} else {
				got = providertest.AgreeStream(t, d, c.Response)
			}
			for _, p := range got.Parts {
				switch p.Kind {
				case chat.Text:
					text = strings.TrimPrefix(text, p.Text)
				case chat.Thinking:
					thinking = strings.TrimPrefix(thinking, p.Text)
				case chat.ToolCall:
					args = strings.TrimPrefix(args, string(p.Args))
				}
			}
			if text+thinking+args != "" {
				t.Errorf("lost: %q %q %q", text, thinking, args)
			}
			if (got.Usage.Source == chat.Reported) != c.Has("usage") || got.Created == 0 || got.Model == "" {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestRecordedEmbeddings(t *testing.T) {
	t.Parallel()
	for _, c := range providertest.Recorded(t, "ollama-embeddings") {
		a, err := ollama.Embed{}.ParseResponse(c.Response)
		if err != nil || len(a.Vectors) != 1 || a.Usage.Source != chat.Unknown {
			t.Fatalf("%s: %v, %+v", c.Name, err, a.Usage)
		}
		if packed, err := a.Vectors[0].Packed(); err != nil || packed.Base64 == "" {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

// Whatever bytes come, nothing falls over, and a stream ends in one way only.
func FuzzChat(f *testing.F) {
	f.Add([]byte(`{"model":"m","created_at":"2026-08-07T06:08:24Z","message":{"content":"a","thinking":"b","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]},"done":true,"eval_count":1,"prompt_eval_count":2}` + "\n"))
	f.Add([]byte("{\"embeddings\":[[1]],\"prompt_eval_count\":1}\r\n{\"error\":\"x\"}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		d := ollama.Chat{}
		d.Inspect(body)
		_, _ = d.ParseResponse(body)
		_, _ = ollama.Embed{}.ParseResponse(body)
		ollama.Embed{}.Inspect(body)
		providertest.Followed(d, body)
		events, err := providertest.Read(d.NewReader(), body)
		if err != nil {
			return
		}
		last := events[len(events)-1].Kind
		if last != chat.End && last != chat.Failure {
			t.Fatalf("the last event is of kind %d", last)
		}
		if _, err := providertest.Fold(events); err != nil && last == chat.End {
			t.Fatal(err)
		}
	})
}
