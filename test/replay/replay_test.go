package replay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func start(t *testing.T, cases ...*Case) *Server {
	t.Helper()
	s, err := Start(t.Context(), cases)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func post(ctx context.Context, t *testing.T, url, body string, header ...string) (*http.Response, []byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	return resp, got, err
}

func TestARecordingIsPlayedByteByByteInEveryCutting(t *testing.T) {
	t.Parallel()
	body := []byte("event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_é\"}}\r\n\r\n: hold\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")
	c := &Case{Path: "anthropic/a", Response: body, Header: map[string]string{"request-id": "req_1"}}
	c.Meta.Dialect, c.Meta.Status, c.Meta.Stream = Anthropic, http.StatusOK, true
	s := start(t, c)
	for _, cut := range []Cutting{AtOnce, ByEvent, Odd} {
		resp, got, err := post(t.Context(), t, s.Base("anthropic")+"/messages", `{"model":"anthropic/a~`+string(cut)+`","stream":true}`, "X-Api-Key", "k")
		if err != nil || !bytes.Equal(got, body) {
			t.Errorf("cutting %q: %q, %v", cut, got, err)
		}
		if resp.Header.Get("Request-Id") != "req_1" || resp.Header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("cutting %q: headers %v", cut, resp.Header)
		}
	}
	for _, call := range s.Ledger.Calls() {
		if call.Case != c.Path || call.End != Whole || call.Secret != "k" {
			t.Errorf("ledger: %+v", call)
		}
	}
}

func TestTheLedgerBillsGeneratedAnswersOnceAndReadsThemBack(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, at := range []string{"openai/v1/chat/completions", "anthropic/v1/messages"} {
		for _, stream := range []bool{false, true} {
			body := `{"model":"m","user":"u-1"}`
			if stream {
				body = `{"model":"m","stream":true,"stream_options":{"include_usage":true},"user":"u-1"}`
			}
			_, got, err := post(t.Context(), t, s.URL+"/"+at, body)
			if err != nil {
				t.Fatal(err)
			}
			call, ok := s.Ledger.Last("m")
			a := Read(call.Dialect, stream, got)
			if !ok || call.User != "u-1" || call.ID != a.ID || call.Billed != a.Usage || !a.Done || a.Text == "" {
				t.Errorf("%s stream=%v: ledger %+v, answer %+v", at, stream, call, a)
			}
		}
	}
	ids := map[string]bool{}
	for _, c := range s.Ledger.Calls() {
		ids[c.ID] = true
	}
	if len(ids) != 4 {
		t.Errorf("answers share ids: %v", ids)
	}
}

func TestScriptsAreTakenInTurnAndTheLastStays(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.Script("m", Turn{Status: 429, Header: map[string]string{"retry-after": "2"}, Body: ErrorBody(OpenAI, "rate_limit_error", "slow")}, Turn{})
	var got []int
	for range 3 {
		resp, _, err := post(t.Context(), t, s.Base("openai")+"/chat/completions", `{"model":"m"}`)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, resp.StatusCode)
	}
	if !slices.Equal(got, []int{429, 200, 200}) {
		t.Errorf("statuses %v", got)
	}
}

func TestABrokenStreamBreaksAsScripted(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, how := range []Breakage{Reset, Closed, Ended, Errored} {
		s.Script("m", Turn{Break: 4, How: how})
		_, got, err := post(t.Context(), t, s.Base("openai")+"/chat/completions", `{"model":"m","stream":true}`)
		a := Read(OpenAI, true, got)
		if a.Done || a.Text == "" {
			t.Errorf("%s: %+v", how, a)
		}
		if clean := how == Ended || how == Errored; clean != (err == nil) {
			t.Errorf("%s: error %v", how, err)
		}
		if (how == Errored) != (a.Error != "") {
			t.Errorf("%s: in-stream error %q", how, a.Error)
		}
	}
}

func TestTheLedgerKnowsWhenTheCallerLeft(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, turn := range []Turn{{Hang: true}, {Words: 1000, Pause: 5 * time.Millisecond}, {Break: 3, How: Stalled}} {
		s.Script("m", turn)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, _, err := post(ctx, t, s.Base("openai")+"/chat/completions", `{"model":"m","stream":true}`)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("%+v: %v", turn, err)
		}
		deadline := time.Now().Add(5 * time.Second)
		for call, _ := s.Ledger.Last("m"); call.End != CutByClient; call, _ = s.Ledger.Last("m") {
			if time.Now().After(deadline) {
				t.Fatalf("%+v: end %q", turn, call.End)
			}
			time.Sleep(time.Millisecond)
		}
	}
}

func TestABadCredentialIsRejectedInTheVendorsDialect(t *testing.T) {
	t.Parallel()
	s := start(t)
	resp, got, err := post(t.Context(), t, s.Base("anthropic")+"/messages", `{"model":"m"}`, "X-Api-Key", BadSecret)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || !bytes.HasPrefix(got, []byte(`{"type":"error"`)) {
		t.Errorf("%v %s %v", resp, got, err)
	}
}

// The readers are the oracle of every other test, so they are held against what the recordings say of themselves.
func TestTheReadersUnderstandEveryRecording(t *testing.T) {
	t.Parallel()
	dir, err := Fixtures()
	if err != nil {
		t.Fatal(err)
	}
	if dir == "" {
		t.Log("no recorded traffic here: only the project's own cases were used")
		return
	}
	cases, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if !slices.Contains(Chats(), c.Meta.Dialect) {
			continue
		}
		a := Read(c.Meta.Dialect, c.Meta.Stream, c.Response)
		switch {
		case c.Meta.Status >= 400 || c.Has("error-in-stream") || strings.Contains(string(c.Response), `"finish_reason":"ERROR"`):
			if a.Error == "" {
				t.Errorf("%s: no error found", c.Path)
			}
			continue
		case a.Error != "":
			t.Errorf("%s: error %q", c.Path, a.Error)
		case !a.Content && a.Finish == "":
			t.Errorf("%s: nothing found", c.Path)
		}
		if c.Has("usage") && !a.Usage.Known && !c.Has("no-usage") && a.Usage == (Usage{}) && a.Done {
			t.Errorf("%s: no usage found", c.Path)
		}
		if c.Has("tool-call") && len(a.Tools) == 0 && !strings.Contains(string(c.Response), `"server_tool_use"`) && !c.Has("legacy-functions") {
			t.Errorf("%s: no tool call found", c.Path)
		}
		if c.Has("reasoning-content") && a.Reasoning == "" && len(a.Signs) == 0 && !strings.Contains(a.Text, "<think>") &&
			!strings.Contains(string(c.Response), `"thought_signature"`) && !strings.Contains(string(c.Response), `"summary"`) {
			t.Errorf("%s: no reasoning found", c.Path)
		}
		if c.Has("reasoning-tokens") && a.Usage.Reasoning == 0 && a.Usage.OutputAudio == 0 && a.Done {
			t.Errorf("%s: no reasoning tokens found", c.Path)
		}
		if c.Has("cache-read-usage") && a.Usage.CacheRead == 0 && c.Meta.Dialect != Cohere {
			t.Errorf("%s: no cached tokens found", c.Path)
		}
	}
	t.Logf("%d recordings read", len(cases))
}

// Every recorded request of a chat says something, and calls and results of tools belong together.
func TestTheReadersUnderstandEveryRecordedRequest(t *testing.T) {
	t.Parallel()
	dir, err := Fixtures()
	if err != nil {
		t.Fatal(err)
	}
	if dir == "" {
		t.Log("no recorded traffic here")
		return
	}
	cases, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range cases {
		if !slices.Contains(Chats(), c.Meta.Dialect) || c.Request == nil || c.Meta.Status != http.StatusOK {
			continue
		}
		n++
		a, err := ReadAsk(c.Meta.Dialect, c.Request)
		said := slices.ContainsFunc(a.Items, func(it Item) bool { return it.Role != "system" })
		kept := strings.Contains(string(c.Request), `"prompt":{"id"`) // what is said is kept at the provider
		if err != nil || len(a.Items) == 0 && !kept || !said && len(a.Items) > 1 {
			t.Errorf("%s: %v, %+v", c.Path, err, a.Items)
		}
		if c.Has("tools") && len(a.Tools) == 0 && !strings.Contains(string(c.Request), `"tools":[]`) && !strings.Contains(string(c.Request), `"tools": []`) {
			t.Errorf("%s: no tools found", c.Path)
		}
		for _, it := range a.Items {
			if it.Kind == "tool_result" && it.ID == "no call" && !strings.Contains(string(c.Request), "previous_response_id") && c.Path != "anthropic/anthropic-messages-stream-claude-3-opus-20240229-7b9f15" { // its client made the id up
				t.Errorf("%s: a result of no call", c.Path)
			}
		}
	}
	t.Logf("%d requests read", n)
}

// What this provider says by itself is what its readers find in it.
func TestEveryDialectSpeaksAndIsRead(t *testing.T) {
	t.Parallel()
	for _, dialect := range Chats() {
		for _, stream := range []bool{false, true} {
			a := Read(dialect, stream, Speak(dialect, stream))
			if strings.TrimSpace(a.Text) != "word1 word2 word3 word4 word5 word6 word7 word8" || !a.Done || a.Why != "stop" || a.Usage.Input != 900 || a.Usage.Output != 40 {
				t.Errorf("%s, stream %v: %+v", dialect, stream, a)
			}
			if e := Read(dialect, stream, append(Pieces(Speak(dialect, true), ByEvent)[0], StreamError(dialect)...)); stream && (e.Error == "" || e.Done) {
				t.Errorf("%s: its error is read as %+v", dialect, e)
			}
		}
	}
}
