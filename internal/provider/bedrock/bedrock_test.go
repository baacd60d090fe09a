package bedrock_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
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

var lines = []string{
	`messageStart {"role":"assistant"}`,
	`contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"Hm."}}}`,
	`contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c2ln"}}}`,
	`contentBlockStop {"contentBlockIndex":0}`,
	`contentBlockDelta {"contentBlockIndex":1,"delta":{"text":"Hello"}}`,
	`contentBlockStop {"contentBlockIndex":1}`,
	`contentBlockStart {"contentBlockIndex":2,"start":{"toolUse":{"name":"a","toolUseId":"t"}}}`,
	`contentBlockDelta {"contentBlockIndex":2,"delta":{"toolUse":{"input":"{}"}}}`,
	`contentBlockStop {"contentBlockIndex":2}`,
	`messageStop {"stopReason":"tool_use"}`,
	`metadata {"usage":{"inputTokens":10,"outputTokens":2,"totalTokens":12}}`,
}

// An exception may come at any time. What came before it is told, nothing behind it is, and the stream does not count as whole.
func TestAnExceptionAtEveryPlaceEndsTheStream(t *testing.T) {
	t.Parallel()
	for at := range lines[:len(lines)-1] {
		for _, kind := range []string{"exception", "error"} {
			body := slices.Concat(
				providertest.Events(t, lines[:at]...), providertest.Frame(t, kind, "throttlingException", `{"message":"Too fast."}`),
				providertest.Events(t, lines[at:]...),
			)
			before, _ := providertest.Read(bedrock.Converse{}.NewReader(), providertest.Events(t, lines[:at]...))
			events, err := providertest.Read(bedrock.Converse{}.NewReader(), body)
			if err != nil || len(events) < 1 {
				t.Fatalf("%s before %d: %v", kind, at, err)
			}
			last := events[len(events)-1]
			var r *provider.Refusal
			if last.Kind != chat.Failure || !errors.As(last.Err, &r) || r.Class != provider.ClassRateLimited || !strings.Contains(r.Message, "Too fast.") {
				t.Errorf("%s before %d: ends with %+v", kind, at, last)
			}
			if said := events[:len(events)-1]; at < 9 && len(said) != len(before) { // a whole stream adds its end when it is closed
				t.Errorf("%s before %d: %d events, want %d", kind, at, len(said), len(before))
			}
			if seen := providertest.Followed(bedrock.Converse{}, body); seen.Ended || seen.Refusal == nil {
				t.Errorf("%s before %d: the tap saw %+v", kind, at, seen)
			}
		}
	}
}

func TestABrokenFrameIsABadAnswer(t *testing.T) {
	t.Parallel()
	whole := providertest.Events(t, lines...)
	for at := 0; at < len(whole); at += 11 {
		bad := bytes.Clone(whole)
		bad[at] ^= 0x40
		events, err := providertest.Read(bedrock.Converse{}.NewReader(), bad)
		if err == nil {
			if last := events[len(events)-1]; last.Kind != chat.End || last.Usage.Source != chat.Unknown {
				t.Errorf("byte %d: no error", at)
			}
			continue
		}
		if !errors.Is(err, provider.ErrBadAnswer) && !errors.Is(err, provider.ErrTruncated) {
			t.Errorf("byte %d: %v", at, err)
		}
		if seen := providertest.Followed(bedrock.Converse{}, bad); seen.Ended {
			t.Errorf("byte %d: the tap saw %+v", at, seen)
		}
	}
}

func TestEventsOutOfOrderAreABadAnswer(t *testing.T) {
	t.Parallel()
	for name, l := range map[string][]string{
		"no start":                   {`contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"a"}}`},
		"two starts":                 {lines[0], lines[0]},
		"a call without its start":   {lines[0], `contentBlockDelta {"contentBlockIndex":0,"delta":{"toolUse":{"input":"{}"}}}`},
		"text in a call":             {lines[0], lines[6], `contentBlockDelta {"contentBlockIndex":2,"delta":{"text":"a"}}`},
		"content behind the stop":    {lines[0], lines[9], lines[4]},
		"no JSON":                    {`messageStart {`},
		"opaque reasoning no base64": {lines[0], `contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"redactedContent":"!"}}}`},
	} {
		if _, err := providertest.Read(bedrock.Converse{}.NewReader(), providertest.Events(t, l...)); !errors.Is(err, provider.ErrBadAnswer) {
			t.Errorf("%s: err = %v", name, err)
		}
	}
}

func TestAClientOfEachDialectGetsTheStream(t *testing.T) {
	t.Parallel()
	events, err := providertest.Read(bedrock.Converse{}.NewReader(), providertest.Events(t, lines...))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []providertest.Both{openaichat.Dialect{}, anthropic.Dialect{}} {
		var out []byte
		w := d.NewWriter(true)
		for _, e := range events {
			out = w.Append(out, e)
		}
		again, err := providertest.Read(d.NewReader(), out)
		if err != nil {
			t.Fatal(err)
		}
		r, err := providertest.Fold(again)
		if err != nil || len(r.Parts) != 3 || r.Parts[1].Text != "Hello" || r.Parts[2].Name != "a" || r.Parts[2].ID != "t" || r.Finish != chat.FinishTools {
			t.Errorf("%s: %v in\n%s", d.Name(), err, out)
		}
		if r.Usage.Units.InputTotal() != 10 || r.Usage.Units.OutputTotal() != 2 {
			t.Errorf("%s: usage %+v", d.Name(), r.Usage)
		}
	}
}

func TestTheStopSequenceOfAStreamIsTold(t *testing.T) {
	t.Parallel()
	events, err := providertest.Read(bedrock.Converse{}.NewReader(), providertest.Events(t,
		lines[0], `messageStop {"stopReason":"stop_sequence","additionalModelResponseFields":{"delta":{"stop_sequence":"END"}}}`, lines[10]))
	if err != nil {
		t.Fatal(err)
	}
	r, err := providertest.Fold(events)
	if err != nil || r.StopSequence != "END" || r.Finish != chat.FinishStopSeq {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestPathsEscapeTheModel(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:bedrock:us-east-1:1:application-inference-profile/x"
	for _, tt := range []struct {
		d     provider.Target
		h     provider.Head
		model string
		want  string
	}{
		{bedrock.Converse{}, provider.Head{}, "amazon.nova-lite-v1:0", "/model/amazon.nova-lite-v1%3A0/converse"},
		{bedrock.Converse{}, provider.Head{Stream: true}, arn, "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fx/converse-stream"},
		{bedrock.Titan{}, provider.Head{}, "amazon.titan-embed-text-v2:0", "/model/amazon.titan-embed-text-v2%3A0/invoke"},
		{bedrock.Cohere{}, provider.Head{}, "cohere.embed-v4:0", "/model/cohere.embed-v4%3A0/invoke"},
		{bedrock.Count{}, provider.Head{}, "us.anthropic.claude-sonnet-4-20250514-v1:0", "/model/anthropic.claude-sonnet-4-20250514-v1%3A0/count-tokens"},
		{bedrock.Count{}, provider.Head{}, arn, "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fx/count-tokens"},
	} {
		if got := tt.d.Path(tt.h, tt.model); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.d.Name(), got, tt.want)
		}
	}
}

// The body that is counted is the one that the call would have.
func TestClaudeIsCountedByTheBodyOfItsOwnCall(t *testing.T) {
	t.Parallel()
	b, ok := provider.Join(anthropic.Count{}, bedrock.Count{})
	if !ok {
		t.Fatal("no bridge")
	}
	how := chat.Encoding{Betas: []string{"context-1m-2025-08-07"}}
	built, err := b.Request([]byte(`{"model":"m","messages":[{"role":"user","content":"Hi"}],"tools":[{"type":"bash_20250124","name":"bash"}]}`),
		provider.Head{Model: "m"}, "us.anthropic.claude-sonnet-4-20250514-v1:0", how)
	if err != nil {
		t.Fatal(err)
	}
	var out struct {
		Input struct {
			Invoke struct{ Body string } `json:"invokeModel"`
		}
	}
	if err := json.Unmarshal(built, &out); err != nil {
		t.Fatal(err)
	}
	body, err := base64.StdEncoding.DecodeString(out.Input.Invoke.Body)
	want := `{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["context-1m-2025-08-07"],"max_tokens":4096,` +
		`"messages":[{"role":"user","content":[{"text":"Hi","type":"text"}]}],"tools":[{"type":"bash_20250124","name":"bash"}]}`
	if err != nil || string(body) != want {
		t.Errorf("built %s, %v\nwant  %s", body, err, want)
	}
	a, err := b.Answer([]byte(`{"inputTokens":375}`), provider.Known{})
	if err != nil || string(a.Append(nil, "")) != `{"input_tokens":375}` {
		t.Errorf("%v, %v", a, err)
	}
}

func TestHeadersTellWhatTheBodyDoesNot(t *testing.T) {
	t.Parallel()
	h := http.Header{}
	h.Set("X-Amzn-Requestid", "r1")
	h.Set("X-Amzn-Bedrock-Input-Token-Count", "10")
	var s provider.Seen
	bedrock.Cohere{}.Headers(h, &s)
	if s.ID != "r1" || s.Usage.Source != chat.Reported || s.Usage.Units[chat.Input] != 10 {
		t.Errorf("%+v", s)
	}
	s = bedrock.Titan{}.Inspect([]byte(`{"embedding":[1],"inputTextTokenCount":3}`))
	bedrock.Titan{}.Headers(h, &s)
	if s.Usage.Units[chat.Input] != 3 {
		t.Errorf("the body comes first: %+v", s)
	}
	s = provider.Seen{}
	h.Set("X-Amzn-Bedrock-Input-Token-Count", "-9000000000000000000")
	if bedrock.Cohere.Headers(bedrock.Cohere{}, h, &s); s.Usage.Source != chat.Unknown {
		t.Errorf("nonsense is a count: %+v", s)
	}
}

func TestOpaqueReasoningComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for _, blob := range []string{"RXRrRQ==", "AAEC/w==", "YmxvYjp4"} {
		r, err := bedrock.Converse{}.ParseResponse([]byte(`{"output":{"message":{"content":[{"reasoningContent":{"redactedContent":"` + blob + `"}}]}}}`))
		if err != nil {
			t.Fatal(err)
		}
		built, err := bedrock.Converse{}.BuildRequest(chat.Request{
			Model: "anthropic.claude-sonnet-4-5-20250929-v1:0", Messages: []chat.Message{{Role: chat.Assistant, Parts: r.Parts}},
		})
		if err != nil || !bytes.Contains(built, []byte(`{"redactedContent":"`+blob+`"}`)) {
			t.Errorf("%s: %s, %v", blob, built, err)
		}
	}
}

// Reasoning that another maker sealed never goes to Claude, and a turn that holds it is taken all the same.
func TestForeignReasoningIsLeftOut(t *testing.T) {
	t.Parallel()
	built, err := bedrock.Converse{}.BuildRequest(chat.Request{
		Model: "anthropic.claude-sonnet-4-5-20250929-v1:0",
		Messages: []chat.Message{{Role: chat.Assistant, Parts: []chat.Part{
			{Kind: chat.Thinking, Text: "T", Signature: provider.Seal(provider.Gemini, "x")},
			{Kind: chat.Redacted, Data: provider.Seal(provider.OpenAIResponses, "y")},
			{Kind: chat.Text, Text: "Hi"},
		}}},
	})
	if want := `{"messages":[{"role":"assistant","content":[{"text":"Hi"}]}]}`; err != nil || string(built) != want {
		t.Errorf("built %s, %v", built, err)
	}
}

func TestManyDocumentsOfOneNameGetNamesInReasonableTime(t *testing.T) {
	t.Parallel()
	parts := slices.Repeat([]chat.Part{{Kind: chat.Document, Text: "x", Name: "a"}}, 20000)
	built, err := bedrock.Converse{}.BuildRequest(chat.Request{Model: "m", Messages: []chat.Message{{Role: chat.User, Parts: parts}}})
	if err != nil || !bytes.Contains(built, []byte(`"a 20000"`)) {
		t.Errorf("%d bytes, %v", len(built), err)
	}
}

// An id is the same for a call and its result, is one that the API takes, and stays another than any other.
func TestIDsOfCallsAreMadeFit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 70)
	seen := map[string]string{}
	for _, id := range []string{"", "tooluse_a", "call_1.x:y-z", "a b", "a_b", "a/b", long, long + "b", strings.Repeat("a", 64), "é", "e\u0301"} {
		built, err := bedrock.Converse{}.BuildRequest(chat.Request{Model: "m", Messages: []chat.Message{
			{Role: chat.Assistant, Parts: []chat.Part{{Kind: chat.ToolCall, ID: id, Name: "a"}}},
			{Role: chat.User, Parts: []chat.Part{{Kind: chat.ToolResult, ID: id}}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`"toolUseId":"([^"]*)"`).FindAllSubmatch(built, -1)
		if len(found) != 2 || !bytes.Equal(found[0][1], found[1][1]) {
			t.Fatalf("%q: %s", id, built)
		}
		made := string(found[0][1])
		if !regexp.MustCompile(`^[a-zA-Z0-9_.:-]{1,64}$`).MatchString(made) {
			t.Errorf("%q became %q", id, made)
		}
		if other, taken := seen[made]; taken {
			t.Errorf("%q and %q became %q", id, other, made)
		}
		seen[made] = id
	}
}

func TestResultsStandBeforeWhatElseIsInATurnInTheirOrder(t *testing.T) {
	t.Parallel()
	user := func(parts ...chat.Part) chat.Message { return chat.Message{Role: chat.User, Parts: parts} }
	text := func(s string) chat.Part { return chat.Part{Kind: chat.Text, Text: s} }
	result := func(id string) chat.Part {
		return chat.Part{Kind: chat.ToolResult, ID: id, Parts: []chat.Part{text(id)}}
	}
	built, err := bedrock.Converse{}.BuildRequest(chat.Request{Model: "m", Messages: []chat.Message{
		user(text("A"), result("1")), user(result("2")), user(text("B")), user(result("3"), text("C")),
	}})
	var got []string
	for _, m := range regexp.MustCompile(`"text":"(\w)"`).FindAllSubmatch(built, -1) {
		got = append(got, string(m[1]))
	}
	if want := []string{"1", "2", "3", "A", "B", "C"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v in %s", got, err, built)
	}
}

func TestReasoningGoesBackToClaudeOnly(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]bool{"anthropic.claude-opus-4-6-v1": true, "amazon.nova-2-lite-v1:0": false, "m": false} {
		built, err := bedrock.Converse{}.BuildRequest(chat.Request{Model: model, Messages: []chat.Message{{Role: chat.Assistant, Parts: []chat.Part{
			{Kind: chat.Thinking, Text: "T", Signature: "c2ln"}, {Kind: chat.Redacted, Data: "EtkE"}, {Kind: chat.Text, Text: "Hi"},
		}}}})
		if err != nil || strings.Count(string(built), "reasoningContent") != map[bool]int{true: 2}[want] {
			t.Errorf("%s: %s, %v", model, built, err)
		}
	}
}
