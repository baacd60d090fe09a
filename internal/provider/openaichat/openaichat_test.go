package openaichat_test

import (
	"bytes"
	"strings"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/providertest"
)

const (
	content    = `data: {"id":"c","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}],"usage":null}` + "\n\n"
	beside     = `data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}` + "\n\n"
	finishOnly = `data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n"
	usageOnly  = `data: {"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}` + "\n\n"
	filters    = `data: {"id":"","choices":[],"prompt_filter_results":[]}` + "\n\n"
	done       = "data: [DONE]\n\n"
)

func TestOnlyTheUsageThatWeAskedForIsHidden(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, out string
		head          provider.Head
	}{
		{"the client did not ask", content + finishOnly + usageOnly + done, content + finishOnly + done, provider.Head{Stream: true}},
		{"the client asked", content + finishOnly + usageOnly + done, content + finishOnly + usageOnly + done, provider.Head{Stream: true, IncludeUsage: true}},
		{"we did not ask", content + finishOnly + usageOnly + done, content + finishOnly + usageOnly + done, provider.Head{Stream: true, NoStreamOptions: true}},
		{"usage beside a choice stays", content + beside + done, content + beside + done, provider.Head{Stream: true}},
		{"both", content + beside + usageOnly + done, content + beside + done, provider.Head{Stream: true}},
		{"a chunk without choices and without usage stays", filters + content + finishOnly + usageOnly + done, filters + content + finishOnly + done, provider.Head{Stream: true}},
		{"comments stay", ": a\n\n" + content + ": b\n\n" + finishOnly + usageOnly + done, ": a\n\n" + content + ": b\n\n" + finishOnly + done, provider.Head{Stream: true}},
		{"at the very end", content + finishOnly + strings.TrimSpace(usageOnly), content + finishOnly, provider.Head{Stream: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for size := 1; size <= len(tt.in); size++ {
				tap := openaichat.Dialect{}.NewTap(tt.head)
				var out []byte
				for at := 0; at < len(tt.in); at += size {
					out = append(out, tap.Feed([]byte(tt.in[at:min(at+size, len(tt.in))]))...)
				}
				out = append(out, tap.Close()...)
				if string(out) != tt.out {
					t.Fatalf("chunks of %d: got\n%s\nwant\n%s", size, out, tt.out)
				}
				seen := tap.Seen()
				if !seen.Ended || seen.Usage.Units[chat.Input] != 1 || seen.Finish != chat.FinishStop || seen.OutputBytes != 2 {
					t.Fatalf("chunks of %d: saw %+v", size, seen)
				}
			}
		})
	}
}

func TestAKeyInsideTheTextIsNoKey(t *testing.T) {
	t.Parallel()
	tap := openaichat.Dialect{}.NewTap(provider.Head{Stream: true})
	in := `data: {"id":"c","choices":[{"index":0,"delta":{"content":"\"error\":{\"message\":\"x\"},\"usage\":{},\"finish_reason\":\"stop\""}}]}` + "\n\n"
	in += `data: {"id":"c","choices":[{"index":0,"delta":{"content":"error"}}]}` + "\n\n"
	if out := tap.Feed([]byte(in + in)); string(out) != in+in {
		t.Errorf("got %s", out)
	}
	if seen := tap.Seen(); seen.Ended || seen.Refusal != nil || seen.Usage.Source != chat.Unknown || seen.Finish != "" {
		t.Errorf("saw %+v", seen)
	}
}

func TestAStreamOfSeveralChoicesEndsWithTheLast(t *testing.T) {
	t.Parallel()
	tap := openaichat.Dialect{}.NewTap(provider.Head{Stream: true, Choices: 2})
	tap.Feed([]byte(content + finishOnly + finishOnly))
	if tap.Seen().Ended {
		t.Error("one of two choices has finished, and the stream is whole")
	}
	tap.Feed([]byte(strings.ReplaceAll(finishOnly, `"index":0`, `"index":1`)))
	if !tap.Seen().Ended {
		t.Error("both have finished")
	}
}

func TestAnEndMarkWithoutAnAnswerIsNoAnswer(t *testing.T) {
	t.Parallel()
	tap := openaichat.Dialect{}.NewTap(provider.Head{Stream: true})
	tap.Feed([]byte(filters + done))
	if tap.Seen().Ended {
		t.Error("the tap takes it for whole")
	}
	events, err := providertest.Read(openaichat.Dialect{}.NewReader(), []byte(done))
	if err != nil || len(events) != 1 || events[0].Kind != chat.Failure {
		t.Errorf("the reader gives %v, %v", events, err)
	}
}

func TestADeltaCostsNoAllocation(t *testing.T) { //nolint:paralleltest // counts allocations
	tap := openaichat.Dialect{}.NewTap(provider.Head{Stream: true})
	chunk := []byte(content)
	tap.Feed(chunk)
	if n := testing.AllocsPerRun(100, func() { tap.Feed(chunk) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Whatever bytes come, a body that Probe takes is spliced to a body that differs where it should only.
func FuzzSplice(f *testing.F) {
	for _, s := range []string{
		`{"model":"m","stream":true}`, `{"stream":true,"stream_options":{"include_usage":false},"model":"m","tollgate":{}}`,
		`{"tollgate":{"x":[1]},"stream":true,"model":"m","messages":[{"role":"user","content":"\"}"}]}`, `{"model":"m","stream_options":null,"stream":true}`,
		`{"model":"m","stream_options":{"x":1},"stream":true}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		h, err := openaichat.Dialect{}.Probe(body, provider.Line{})
		if err != nil || !jsonSound(body) {
			return
		}
		providertest.CheckSplice(t, openaichat.Dialect{}, body, h)
	})
}

// Whatever bytes come, reader and tap do not fall over, and the tap forwards nothing that did not come.
func FuzzStream(f *testing.F) {
	f.Add([]byte(content + finishOnly + usageOnly + done))
	f.Add([]byte(`data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{}"}}],"reasoning_details":[{"type":"x"}]}}]}` + "\r\n\r\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		if events, err := providertest.Read(openaichat.Dialect{}.NewReader(), stream); err == nil && len(events) > 0 {
			last := events[len(events)-1].Kind
			if last != chat.End && last != chat.Failure {
				t.Fatalf("the last event is of kind %d", last)
			}
		}
		tap := openaichat.Dialect{}.NewTap(provider.Head{Stream: true, IncludeUsage: true})
		out := bytes.Clone(tap.Feed(stream))
		if !bytes.HasPrefix(stream, out) {
			t.Fatalf("%q came out of %q", out, stream)
		}
		tap.Close()
		openaichat.Dialect{}.ParseRefusal(500, nil, stream)
		openaichat.Dialect{}.Inspect(stream)
	})
}
