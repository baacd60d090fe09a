package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/test/actor"
	"tollgate/test/harness"
)

func texts() []string { return []string{"the first text", "another text, flag=true"} }

// check holds one step against what the provider did.
func (s *scene) check(t *testing.T, c client, saw seenStep) {
	t.Helper()
	if at, ok := strings.CutSuffix(saw.Face, recordedFace); ok {
		s.checkRecorded(t, at, saw)
		return
	}
	f := c.faces[saw.Face]
	where := saw.Face + " " + saw.Model + " " + saw.Step
	if saw.Saw.Raised != "" {
		t.Errorf("%s: %s", where, saw.Saw.Raised)
		return
	}
	if want, fails := f.errors[saw.Step]; fails {
		checkError(t, where, want, saw)
		return
	}
	if saw.Saw.Error != nil {
		t.Errorf("%s: caught %+v", where, *saw.Saw.Error)
		return
	}
	if want := expected(saw.Step); want != "" && saw.Saw.Text != want {
		t.Errorf("%s: the application read %q, want %q", where, saw.Saw.Text, want)
	}
	s.checkChat(t, where, f, saw)
	checkRest(t, where, saw)
}

// expected is the text of a step's answer; "" where the answer is no text.
func expected(step string) string {
	switch strings.TrimSuffix(step, "-stream") {
	case "whole", "stream", "by-bearer", "beta":
		return "You said hello. Signed Ada."
	case "image":
		return "You said hello. Saw " + actor.Fingerprint(picture) + "."
	case "tools", "automatic":
		return "The tools said: 5 of A1 in Basel | 4 of B2 in Bern."
	case "completion":
		return "after " + texts()[0]
	case "generate":
		return "picture of " + texts()[0]
	case "edit":
		return "picture of " + texts()[0] + " from " + actor.Fingerprint(picture)
	case "speech":
		return "ID3 alloy says " + texts()[0]
	case "transcription":
		return "transcriptions of " + actor.Fingerprint(picture)
	case "translation":
		return "translations of " + actor.Fingerprint(picture)
	case "files":
		return texts()[0]
	}
	return ""
}

func checkError(t *testing.T, where string, want class, saw seenStep) {
	t.Helper()
	got := saw.Saw.Error
	if got == nil {
		t.Errorf("%s: no error was caught, the application read %q", where, saw.Saw.Text)
		return
	}
	status := ""
	if want.status != 0 {
		status = fmt.Sprint(want.status)
	}
	if got.Class != want.name || (status != "" && fmt.Sprint(got.Status) != status) {
		t.Errorf("%s: caught %s with status %v (%s), want %s with %s", where, got.Class, got.Status, got.Message, want.name, status)
	}
	if want.call && !strings.HasPrefix(got.Call, "call_") {
		t.Errorf("%s: the error does not tell the call: %+v", where, *got)
	}
	if got.Message == "" {
		t.Errorf("%s: the error says nothing", where)
	}
}

func (s *scene) checkChat(t *testing.T, where string, f face, saw seenStep) {
	t.Helper()
	kind := strings.TrimSuffix(saw.Step, "-stream")
	if saw.Saw.Finish != "" && f.finish != "" && saw.Saw.Finish != f.finish && kind != "completion" {
		t.Errorf("%s: finished by %q, want %q", where, saw.Saw.Finish, f.finish)
	}
	if saw.Saw.First != "" && f.first != "" && saw.Saw.First != f.first {
		t.Errorf("%s: the tool calls finished by %q, want %q", where, saw.Saw.First, f.first)
	}
	if n := saw.Saw.Pieces; n != nil && *n < 2 && (saw.Face != "gemini" || kind != "tools") { // Gemini gives calls whole
		t.Errorf("%s: the stream came in %d pieces", where, *n)
	}
	if kind == "tools" {
		want := []call{{"stock", map[string]string{"sku": "A1", "depot": "Basel"}}, {"stock", map[string]string{"sku": "B2", "depot": "Bern"}}}
		if diff := cmp.Diff(want, saw.Saw.Calls); diff != "" {
			t.Errorf("%s: tool calls (-want +got)\n%s", where, diff)
		}
	}
	if strings.HasPrefix(kind, "structured") {
		var got any
		_ = json.Unmarshal(saw.Saw.Parsed, &got)
		if diff := cmp.Diff(map[string]any{"sku": "AX-17", "count": float64(3), "urgent": true}, got); diff != "" {
			t.Errorf("%s: the answer's object (-want +got)\n%s", where, diff)
		}
	}
	back, ok := backs()[saw.Model]
	if !ok || !chats(saw.Face) {
		return
	}
	entry, ok := s.actor.Of(saw.Ref)
	if kind == "bad-key" || kind == "bad-model" {
		if ok {
			t.Errorf("%s: the provider was called", where)
		}
		return
	}
	if !ok {
		t.Errorf("%s: the provider knows nothing of it", where)
		return
	}
	if want := back.spoken(saw.Face); entry.Dialect != want {
		t.Errorf("%s: the provider was asked in %s, want %s", where, entry.Dialect, want)
	}
	if strings.Contains(fmt.Sprint(entry.Header), s.key) {
		t.Errorf("%s: the provider was told the virtual key", where)
	}
	u := entry.Act.Usage
	if f.miscounts != "" && strings.HasSuffix(saw.Step, "stream") {
		return
	}
	if saw.Saw.Input != nil && *saw.Saw.Input != u.InputTotal() || saw.Saw.Output != nil && *saw.Saw.Output != u.OutputTotal() {
		t.Errorf("%s: the application read %d tokens in and %d out, the provider billed %d and %d", where,
			orZero(saw.Saw.Input), orZero(saw.Saw.Output), u.InputTotal(), u.OutputTotal())
	}
	if saw.Step == "headers" && (saw.Saw.Headers["x-tollgate-alias"] != saw.Model || saw.Saw.Headers["x-tollgate-cost-usd"] == "" ||
		!strings.HasPrefix(saw.Saw.Headers["x-tollgate-call-id"], "call_")) {
		t.Errorf("%s: our headers are %v", where, saw.Saw.Headers)
	}
}

func orZero(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// checkRest is for the steps of surfaces that are no chat.
func checkRest(t *testing.T, where string, saw seenStep) {
	t.Helper()
	switch saw.Step {
	case "embed", "embed-floats":
		want := [][]float64{actor.Vector(texts()[0]), actor.Vector(texts()[1])}
		if diff := cmp.Diff(want[:max(1, min(2, len(saw.Saw.Vectors)))], saw.Saw.Vectors); diff != "" || saw.Step == "embed" && len(saw.Saw.Vectors) != 2 {
			t.Errorf("%s: vectors (-want +got)\n%s", where, diff)
		}
	case "count":
		if orZero(saw.Saw.Input) < 1000 {
			t.Errorf("%s: %d tokens; the provider counts from 1000", where, orZero(saw.Saw.Input))
		}
	case "moderation":
		if !slices.Equal(saw.Saw.Flags, []bool{false, true}) {
			t.Errorf("%s: flagged are %v", where, saw.Saw.Flags)
		}
	case "files":
		if !slices.Equal(saw.Saw.Flags, []bool{true, true}) {
			t.Errorf("%s: found and deleted are %v", where, saw.Saw.Flags)
		}
	case "models":
		want := saw.Model
		if want == "*" {
			want = "by-anthropic"
		}
		if !slices.ContainsFunc(saw.Saw.Names, func(n string) bool { return strings.TrimPrefix(n, "models/") == want }) {
			t.Errorf("%s: %s is not among %v", where, want, saw.Saw.Names)
		}
	}
}

// settled: one ledger for all clients and surfaces, and its sum is what the provider billed.
func (s *scene) settled(t *testing.T) {
	t.Helper()
	var want, calls int64
	for _, e := range s.actor.Book() {
		if e.Status != 200 || e.Act.Break || !e.Act.Usage.Known {
			continue
		}
		rate, ok := rates(e.Model)
		if !ok {
			t.Fatalf("no price constant for %s", e.Model)
		}
		want += rate.Nano(e.Act.Usage)
		calls++
	}
	if calls < 100 {
		t.Errorf("only %d calls reached the provider", calls)
	}
	harness.Eventually(t, 20*time.Second, func() error {
		var got, n int64
		for _, c := range s.owner.Calls(nil) {
			if c.Status == 200 && !c.Estimated && c.Outcome == "ok" && chatModel(c.Model) && c.Cost() > 0 { // counting tokens is free
				got += c.Cost()
				n++
			}
		}
		if got != want || n != calls {
			return fmt.Errorf("the call log has %d good calls for %d nano-dollars, the provider %d for %d", n, got, calls, want)
		}
		return nil
	})
}

// rates are the providers' price pages in pico-dollars a token.
func rates(model string) (harness.Rate, bool) {
	switch model {
	case "gpt-5-codex": // $1.25, cached $0.125, $10
		return harness.Rate{Input: 1_250_000, CacheRead: 125_000, Output: 10_000_000}, true
	case "gemini-2.5-flash": // $0.30, cached $0.03, $2.50
		return harness.Rate{Input: 300_000, CacheRead: 30_000, Output: 2_500_000}, true
	}
	return harness.Rates(model)
}

func chatModel(name string) bool {
	rate, ok := rates(name)
	return ok && rate.Output > 0 // embeddings have none
}
