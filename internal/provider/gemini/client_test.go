package gemini_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/golden"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/gemini"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/providertest"
)

// shown are the streams of which a golden file shows what becomes of them.
func shown(name string) bool {
	return slices.Contains([]string{
		"openaichat-tools-interleaved", "openaichat-reasoning-details", "openaichat-refusal",
		"anthropic-thinking", "anthropic-server-tool", "anthropic-tools",
	}, name)
}

// The hand-written streams of other dialects as clients of this one get them: as events and as an array.
func TestStreamsOfOtherProvidersForGooglesClients(t *testing.T) {
	t.Parallel()
	for dir, from := range map[string]provider.ChatTarget{"openaichat": openaichat.Dialect{}, "anthropic": anthropic.Dialect{}} {
		files, err := filepath.Glob(filepath.Join("..", dir, "testdata", "*.sse"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no streams of %s (%v)", dir, err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".sse")
			if strings.HasPrefix(name, "cut-") || strings.HasPrefix(name, "failed-") {
				continue
			}
			t.Run(dir+"/"+name, func(t *testing.T) {
				t.Parallel()
				body, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				events, err := providertest.Read(from.NewReader(), body)
				if err != nil {
					t.Fatal(err)
				}
				want, err := providertest.Fold(events)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range []provider.ChatClient{gemini.Dialect{}, gemini.Array{}} {
					w := d.NewWriter(true)
					var wire []byte
					for _, e := range events {
						if e.Kind == chat.UsageEvent {
							e.Cost = "0.000125"
						}
						wire = w.Append(wire, e)
					}
					if d.Name() == provider.Gemini && shown(dir+"-"+name) {
						golden.Equal(t, "written/"+dir+"-"+name+".golden", wire)
					}
					if d.Name() == provider.GeminiArray && !json.Valid(wire) {
						t.Errorf("no JSON: %s", wire)
					}
					again, err := providertest.Read(gemini.Dialect{}.NewReader(), wire)
					if err != nil {
						t.Fatalf("%v in\n%s", err, wire)
					}
					got, err := providertest.Fold(again)
					if err != nil {
						t.Fatalf("%v in\n%s", err, wire)
					}
					if w, g := saidOf(want), saidOf(got); w.Text != g.Text || w.Reasoning != g.Reasoning || len(w.Calls) != len(g.Calls) {
						t.Errorf("%s: %+v became %+v", d.Name(), w, g)
					}
					if want.Usage.Source == chat.Reported && !bytes.Contains(wire, []byte(`"cost":0.000125`)) {
						t.Errorf("no cost in\n%s", wire)
					}
				}
			})
		}
	}
}

func problems() []provider.Problem {
	return []provider.Problem{
		{Status: 400, Kind: fault.Invalid, Code: "request.invalid_body", Message: "A \"bad\" body.", Field: "contents.0", CallID: "call_1"},
		{Kind: fault.Invalid, Code: "request.invalid_body", Message: "No status."},
		{Status: 401, Kind: fault.Unauthenticated, Code: "key.unknown", Message: "No such key."},
		{Status: 402, Kind: fault.PaymentRequired, Code: "budget.exhausted", Message: "No money left."},
		{Status: 403, Kind: fault.Forbidden, Code: "key.no_alias", Message: "Not yours."},
		{Status: 404, Kind: fault.NotFound, Code: "model.unknown", Message: "No such model.", Field: "model"},
		{Status: 413, Kind: fault.TooLarge, Code: "request.too_large", Message: "Too large."},
		{Status: 429, Kind: fault.RateLimited, Code: "limit.requests", Message: "Too fast."},
		{Status: 500, Kind: fault.Internal, Code: "internal", Message: "Ours."},
		{Status: 502, Kind: fault.Upstream, Code: "provider.failed", Message: "Theirs.", Provider: &provider.ProviderProblem{Name: "acme", Status: 500, Type: "t", Code: "c", Message: "m"}},
		{Status: 503, Kind: fault.Unavailable, Code: "unavailable", Message: "Later."},
		{Status: 504, Kind: fault.Timeout, Code: "provider.timeout", Message: "Too slow."},
		{Status: 529, Kind: fault.Upstream, Code: "provider.overloaded", Message: "Full."},
	}
}

// A failure is told in Google's envelope, whole or at the end of a stream of either form, and read back as what it says.
func TestFailuresAreToldInGooglesEnvelope(t *testing.T) {
	t.Parallel()
	var all bytes.Buffer
	for _, p := range problems() {
		body := gemini.Dialect{}.AppendError(nil, p)
		if !json.Valid(body) {
			t.Fatalf("not JSON: %s", body)
		}
		all.Write(body)
		all.WriteByte('\n')
		if r := (gemini.Dialect{}).ParseRefusal(p.Status, nil, body); r.Message != p.Message || r.Code != p.Code {
			t.Errorf("read back as %+v", r)
		}
		const chunk = `{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}`
		for _, form := range []struct {
			client provider.ChatClient
			head   provider.Head
			before string
		}{
			{gemini.Dialect{}, provider.Head{Stream: true}, "data: " + chunk + "\r\n\r\n"},
			{gemini.Array{}, provider.Head{Stream: true, Array: true}, "[" + chunk},
		} {
			stream := form.client.AppendStreamError([]byte(form.before), p)
			events, err := providertest.Read(gemini.Dialect{}.NewReader(), stream)
			if err != nil || events[len(events)-1].Kind != chat.Failure {
				t.Errorf("in a stream of %s: %v, %v", form.client.Name(), events, err)
			}
			for _, size := range []int{1, 3, 1000} {
				out, seen := tapped(form.head, stream, size)
				if seen.Refusal == nil || seen.Ended || seen.Refusal.Message != p.Message || string(out) != form.before {
					t.Errorf("%s: the tap saw %+v and forwarded %q", form.client.Name(), seen, out)
				}
			}
			if form.head.Array && !json.Valid(stream) {
				t.Errorf("no JSON: %s", stream)
			}
		}
	}
	golden.Equal(t, "errors.golden", all.Bytes())
}

func TestRefusalsInGooglesWords(t *testing.T) {
	t.Parallel()
	detail := func(message, status, detail string) string {
		return `{"error":{"message":"` + message + `","status":"` + status + `","details":[` + detail + `]}}`
	}
	const minute = `{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel"}]}`
	const day = `{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}`
	const retry = `{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"16s"}`
	tests := []struct {
		status int
		body   string
		want   provider.Class
		after  time.Duration
	}{
		{429, detail("You exceeded your current quota", "RESOURCE_EXHAUSTED", minute+","+retry), provider.ClassRateLimited, 16 * time.Second},
		{429, detail("You exceeded your current quota", "RESOURCE_EXHAUSTED", day+","+retry), provider.ClassQuota, 16 * time.Second},
		{429, detail("You exceeded your current quota, please check your plan and billing details.", "RESOURCE_EXHAUSTED", ""), provider.ClassQuota, 0},
		{429, detail("Resource exhausted. Please try again later.", "RESOURCE_EXHAUSTED", ""), provider.ClassRateLimited, 0},
		{429, detail("Your prepayment credits are depleted.", "RESOURCE_EXHAUSTED", retry), provider.ClassQuota, 16 * time.Second},
		{400, detail("API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT", `{"reason":"API_KEY_INVALID"}`), provider.ClassCredential, 0},
		{400, detail("API key expired. Please renew the API key.", "INVALID_ARGUMENT", ""), provider.ClassCredential, 0},
		{400, detail("User location is not supported for the API use.", "FAILED_PRECONDITION", ""), provider.ClassCredential, 0},
		{400, detail("The input token count (1200000) exceeds the maximum number of tokens allowed (1048575).", "INVALID_ARGUMENT", ""), provider.ClassContext, 0},
		{400, detail("Invalid JSON payload received.", "INVALID_ARGUMENT", ""), provider.ClassInvalid, 0},
		{403, detail("Permission denied on resource project x.", "PERMISSION_DENIED", ""), provider.ClassCredential, 0},
		{403, detail("Gemini API has not been used in project 1 before or it is disabled.", "PERMISSION_DENIED", `{"reason":"SERVICE_DISABLED"}`), provider.ClassCredential, 0},
		{403, detail("This API method requires billing to be enabled.", "PERMISSION_DENIED", `{"reason":"BILLING_DISABLED"}`), provider.ClassQuota, 0},
		{404, detail("models/x is not found", "NOT_FOUND", ""), provider.ClassNotFound, 0},
		{500, detail("Internal error encountered.", "INTERNAL", ""), provider.ClassServer, 0},
		{503, detail("The model is overloaded.", "UNAVAILABLE", ""), provider.ClassOverloaded, 0},
		{504, detail("Deadline expired before operation could complete.", "DEADLINE_EXCEEDED", ""), provider.ClassTimeout, 0},
		{503, `[` + detail("The model is overloaded.", "UNAVAILABLE", "") + `]`, provider.ClassOverloaded, 0},
		{429, detail("x", "RESOURCE_EXHAUSTED", `{"retryDelay":"99999h"}`), provider.ClassRateLimited, 24 * time.Hour},
	}
	for _, tt := range tests {
		r := gemini.Dialect{}.ParseRefusal(tt.status, nil, []byte(tt.body))
		if r.Class != tt.want || r.RetryAfter != tt.after {
			t.Errorf("%d %s: %s after %s, want %s after %s", tt.status, tt.body, r.Class, r.RetryAfter, tt.want, tt.after)
		}
	}
}

// A whole stream is an array of chunks for a client without alt=sse, wherever the network cuts it; half of one is told from a whole.
func TestAnArrayIsWatchedElementByElement(t *testing.T) {
	t.Parallel()
	stream := "[{\n \"candidates\": [{\"content\": {\"parts\": [{\"text\": \"a]}\\\"[{\"}]}}]\n}\n,\r\n{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"b\"}]},\"finishReason\":\"STOP\"}]," +
		"\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":2}}\n]\n"
	h := provider.Head{Stream: true, Array: true}
	for size := 1; size <= len(stream); size++ {
		out, seen := tapped(h, []byte(stream), size)
		if string(out) != stream || !seen.Ended || !seen.Started || seen.Usage.Units[chat.Input] != 3 {
			t.Fatalf("chunks of %d: %q, %+v", size, out, seen)
		}
	}
	closing := strings.LastIndexByte(stream, ']')
	for cut := range closing + 1 {
		out, seen := tapped(h, []byte(stream[:cut]), 1000)
		if seen.Ended {
			t.Fatalf("cut at %d, and whole", cut)
		}
		if len(out) > 0 && !json.Valid(append(bytes.Clone(out), ']')) {
			t.Fatalf("cut at %d, and half an element went out: %q", cut, out)
		}
		if _, err := providertest.Read(gemini.Dialect{}.NewReader(), []byte(stream[:cut])); err == nil {
			t.Fatalf("cut at %d, and read as a whole", cut)
		}
	}
}

// An error in place of a stream, or of an array, is seen as one, and nothing of it is forwarded.
func TestAnErrorInPlaceOfAStreamIsSeen(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"error":{"code":503,"message":"Full.","status":"UNAVAILABLE"}}`,
		"[{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"Full.\"\n  }\n}\n]\n",
	} {
		for _, array := range []bool{false, true} {
			out, seen := tapped(provider.Head{Stream: true, Array: array}, []byte(body), 7)
			if seen.Refusal == nil || seen.Refusal.Class != provider.ClassOverloaded || seen.Ended || len(bytes.Trim(out, "[")) > 0 {
				t.Errorf("array %v: %q was forwarded, saw %+v", array, out, seen)
			}
		}
	}
}

// With several candidates an answer is whole when each has its reason.
func TestEveryCandidateHasToFinish(t *testing.T) {
	t.Parallel()
	tap := gemini.Dialect{}.NewTap(provider.Head{Stream: true, Choices: 2})
	tap.Feed([]byte("data: {\"candidates\":[{\"index\":0,\"finishReason\":\"STOP\"},{\"index\":1,\"content\":{\"parts\":[{\"text\":\"x\"}]}}]}\r\n\r\n"))
	if tap.Seen().Ended {
		t.Error("whole after one of two")
	}
	tap.Feed([]byte("data: {\"candidates\":[{\"index\":1,\"finishReason\":\"MAX_TOKENS\"}]}\r\n\r\n"))
	if seen := tap.Seen(); !seen.Ended || seen.Finish != chat.FinishStop {
		t.Errorf("saw %+v", seen)
	}
}

func TestADeltaCostsNoAllocation(t *testing.T) { //nolint:paralleltest // counts allocations
	tap := gemini.Dialect{}.NewTap(provider.Head{Stream: true})
	chunk := []byte("data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"hi\"}],\"role\": \"model\"},\"index\": 0}]," +
		"\"usageMetadata\": {\"promptTokenCount\": 4,\"totalTokenCount\": 4,\"promptTokensDetails\": [{\"modality\": \"TEXT\",\"tokenCount\": 4}]},\"modelVersion\": \"m\",\"responseId\": \"r\"}\r\n\r\n")
	tap.Feed(chunk)
	if n := testing.AllocsPerRun(100, func() { tap.Feed(chunk) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if seen := tap.Seen(); !seen.Started || seen.OutputBytes < 200 {
		t.Errorf("saw %+v", seen)
	}
}

// Searches are billed by the query for Gemini 3, and by the prompt before.
func TestSearchesAreCountedAsGoogleBillsThem(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]int64{"gemini-3-flash-preview": 3, "gemini-2.5-pro": 1, "gemini-2.0-flash-001": 1, "some-tune": 3} {
		body := `{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP","groundingMetadata":{"webSearchQueries":["a","b","c"]}}],` +
			`"usageMetadata":{"promptTokenCount":1},"modelVersion":"` + model + `"}`
		if got := (gemini.Dialect{}).Inspect([]byte(body)).Usage.Units[chat.WebSearch]; got != want {
			t.Errorf("%s: %d searches, want %d", model, got, want)
		}
	}
}

func TestAbsurdUsageIsNoUsage(t *testing.T) {
	t.Parallel()
	for usage, want := range map[string]chat.Units{
		`{"promptTokenCount":10,"cachedContentTokenCount":99,"candidatesTokenCount":5,"totalTokenCount":15}`:                                    {chat.CacheRead: 10, chat.Output: 5},
		`{"promptTokenCount":10,"candidatesTokenCount":9000000000000000000}`:                                                                    {chat.Input: 10},
		`{"promptTokenCount":10,"candidatesTokenCount":-5,"thoughtsTokenCount":1.5}`:                                                            {chat.Input: 10},
		`{"promptTokenCount":10,"promptTokensDetails":[{"modality":"IMAGE","tokenCount":99}],"totalTokenCount":10}`:                             {chat.InputImage: 10},
		`{"promptTokenCount":10,"candidatesTokenCount":8,"thoughtsTokenCount":3,"totalTokenCount":18}`:                                          {chat.Input: 10, chat.Output: 5, chat.Reasoning: 3},
		`{"promptTokenCount":10,"candidatesTokenCount":8,"thoughtsTokenCount":3,"totalTokenCount":30}`:                                          {chat.Input: 10, chat.Output: 17, chat.Reasoning: 3},
		`{"promptTokenCount":10,"candidatesTokenCount":8,"candidatesTokensDetails":[{"modality":"AUDIO","tokenCount":6}],"totalTokenCount":18}`: {chat.Input: 10, chat.Output: 2, chat.OutputAudio: 6},
		`{"promptTokenCount":10,"candidatesTokenCount":8,"candidatesTokensDetails":[{"tokenCount":6,"modality":2},7,{"modality":"IMAGE"}]}`:     {chat.Input: 10, chat.Output: 8},
		`{"promptTokenCount":10,"candidatesTokenCount":8,"candidatesTokensDetails":[{"tokenCount":6,"modality":2}]}`:                            {chat.Input: 10, chat.Output: 2, chat.OutputImage: 6},
	} {
		got := gemini.Dialect{}.Inspect([]byte(`{"candidates":[{}],"usageMetadata":` + usage + `}`)).Usage
		if got.Units != want || got.Source != chat.Reported {
			t.Errorf("%s: %+v, want %v", usage, got, want)
		}
	}
	later := "data: {\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":7,\"serviceTier\":\"flex\"}}\n\ndata: {\"usageMetadata\":{\"trafficType\":\"ON_DEMAND\"}}\n\n"
	if _, seen := tapped(provider.Head{Stream: true}, []byte(later), 1000); seen.Usage.Units[chat.Input] != 7 {
		t.Errorf("usage without a count took the place of one with: %+v", seen.Usage)
	}
	if got := (gemini.Dialect{}).Inspect([]byte(`{"candidates":[{}],"usageMetadata":{"trafficType":"ON_DEMAND"}}`)).Usage; got != (chat.Usage{}) {
		t.Errorf("usage without a count is %+v", got)
	}
}

// The pages that another provider's answer rests on are Google's grounding for a client of this dialect, whole and streamed.
func TestSourcesOfOtherProvidersAreGrounding(t *testing.T) {
	t.Parallel()
	const want = `"groundingMetadata":{"groundingChunks":[{"web":{"uri":"https://a.example","title":"A"}}],"groundingSupports":[` +
		`{"groundingChunkIndices":[0],"segment":{"endIndex":8,"startIndex":3}},{"groundingChunkIndices":[0],"segment":{"endIndex":8,"startIndex":3}}]}`
	const claude = `{"type":"web_search_result_location","url":"https://a.example","title":"A","cited_text":"x","encrypted_index":"e"}`
	const openai = `{"type":"url_citation","url_citation":{"url":"https://a.example","title":"A","start_index":0,"end_index":5}}`
	for dialect, list := range map[provider.Name]string{
		provider.AnthropicMessages: `[` + claude + `,` + claude + `]`, provider.OpenAIChat: `[` + openai + `,` + openai + `]`,
	} {
		extra := map[string]json.RawMessage{string(dialect): json.RawMessage(list)}
		whole := gemini.Dialect{}.AppendResponse(nil, chat.Response{Parts: []chat.Part{{Kind: chat.Text, Text: "Hi."}, {Kind: chat.Text, Text: "Paris", Extra: extra}}})
		w := gemini.Dialect{}.NewWriter(true)
		var stream []byte
		for _, e := range []chat.Event{
			{Kind: chat.Start},
			{Kind: chat.BlockStart, Part: chat.Part{Kind: chat.Text}},
			{Kind: chat.TextDelta, Text: "Hi."},
			{Kind: chat.BlockStop},
			{Kind: chat.BlockStart, Index: 1, Part: chat.Part{Kind: chat.Text}},
			{Kind: chat.TextDelta, Index: 1, Text: "Paris"},
			{Kind: chat.ExtraDelta, Index: 1, Extra: extra},
			{Kind: chat.BlockStop, Index: 1},
			{Kind: chat.Finish, Reason: chat.FinishStop},
			{Kind: chat.End},
		} {
			stream = w.Append(stream, e)
		}
		for _, got := range [][]byte{whole, stream} {
			if !bytes.Contains(got, []byte(want)) {
				t.Errorf("%s: no %s in\n%s", dialect, want, got)
			}
		}
	}
}

func TestTheListOfModelsIsGoogles(t *testing.T) {
	t.Parallel()
	got := gemini.AppendModels(nil, []gemini.Model{
		{Name: "fast", InputTokens: 1000, OutputTokens: 100, Methods: []string{"generateContent"}},
		{Name: "a/b", DisplayName: "A \"b\"", Description: "D"},
	}, "tok")
	golden.Equal(t, "models.golden", pretty(t, got))
	if last := gemini.AppendModels(nil, nil, ""); string(last) != `{"models":[]}` {
		t.Errorf("an empty list is %s", last)
	}
}
