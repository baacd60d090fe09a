package fault

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// upstreams are the ways in which every chat dialect is asked: vendor and model.
func upstreams() map[string][2]string {
	return map[string][2]string{
		replay.OpenAI:    {"snowflake-cortex", "m"},
		replay.Responses: {"openai", "gpt-codex"},
		replay.Anthropic: {"anthropic", "claude-haiku-4-5"},
		replay.Vertex:    {"vertex", "claude-haiku-4-5"},
		replay.Invoke:    {"bedrock", "anthropic.claude-haiku-4-5"},
		replay.Gemini:    {"vertex", "gemini-2.5-flash"},
		replay.Converse:  {"bedrock", "amazon.nova-lite"},
		replay.Cohere:    {"cohere", "command-a"},
		replay.Ollama:    {"ollama-native", "qwen3"},
	}
}

// asked are the dialects in which a surface's calls reach a provider.
func asked(surface string) []string {
	return slices.DeleteFunc([]string{
		replay.OpenAI, replay.Responses, replay.Anthropic, replay.Vertex, replay.Invoke, replay.Gemini, replay.Converse, replay.Cohere, replay.Ollama,
	}, func(dialect string) bool {
		return dialect == replay.Invoke && surface != replay.Anthropic || dialect == replay.Cohere && surface == replay.OpenAI
	})
}

// everywhere is a site with a vendor for every dialect.
func everywhere(t *testing.T) *site {
	t.Helper()
	s := build(t, harness.Config{DatabaseURL: pgtest.URL(t)})
	aws := `{"access_key_id":"AKIAEXAMPLE000000001","secret_access_key":"a-secret-of-forty-characters-for-the-test"}`
	place := map[string]string{"project": "p", "location": "us-east5"}
	s.owner.ConnectWith("snowflake-cortex", "a-secret", s.provider.URL+"/snowflake-cortex/v1", map[string]string{"account": "a"})
	s.owner.ConnectWith("bedrock", aws, s.provider.URL+"/bedrock", map[string]string{"region": "us-east-1"})
	s.owner.ConnectWith("vertex", "a-secret", s.provider.URL+"/vertex/v1/projects/p/locations/us-east5", place)
	s.owner.ConnectWith("cohere", "a-secret", s.provider.URL+"/cohere", nil)
	s.owner.ConnectWith("ollama-native", "", s.provider.URL+"/ollama-native", nil)
	harness.Eventually(t, 10*time.Second, func() error {
		req, err := s.client.Ask(t.Context(), replay.OpenAI, "ollama-native/warm-up", false)
		if err != nil {
			return err
		}
		got, err := s.client.Do(req)
		if err != nil {
			return err
		}
		return got.Failed()
	})
	return s
}

// scene is one call and what the provider does to it.
type scene struct {
	name    string
	surface string
	dialect string
	stream  bool
	turn    replay.Turn
	whole   bool // the answer must be whole; else it may be, if all of its words have come

	key  string
	id   string // of the call
	got  *harness.Reply
	seen replay.Answer
}

func (sc *scene) String() string {
	return fmt.Sprintf("%s, %s asked in %s, stream %v", sc.name, sc.surface, sc.dialect, sc.stream)
}

// play makes all calls on a few workers.
func (s *site) play(t *testing.T, scenes []*scene) {
	t.Helper()
	var wg sync.WaitGroup
	queue := make(chan *scene)
	for range 6 {
		wg.Go(func() {
			for sc := range queue {
				if err := s.perform(t, sc); err != nil {
					t.Errorf("%s: %v", sc, err)
				}
			}
		})
	}
	for i, sc := range scenes {
		sc.key = "f" + strconv.Itoa(i)
		queue <- sc
	}
	close(queue)
	wg.Wait()
	s.rows(t, scenes)
}

func (s *site) perform(t *testing.T, sc *scene) error {
	s.provider.Play(sc.key, replay.Play{Turn: &sc.turn})
	way := upstreams()[sc.dialect]
	req, err := s.client.Ask(t.Context(), sc.surface, way[0]+"/"+way[1]+"~"+sc.key, sc.stream)
	if err != nil {
		return err
	}
	if sc.got, err = s.client.Do(req); err != nil {
		return err
	}
	sc.id = sc.got.Header.Get("X-Tollgate-Call-Id")
	call, ok := s.provider.Ledger.ByKey(sc.key)
	if !ok || replay.Wire(call.Dialect) != replay.Wire(sc.dialect) {
		return fmt.Errorf("the provider was asked in %q: %s", call.Dialect, sc.got.Body)
	}
	return sc.judge()
}

const words = "word1 word2 word3 word4 word5 word6 word7 word8"

// judge: the client gets an answer that is whole, or its own dialect's error; never one that only looks whole.
func (sc *scene) judge() error {
	body := sc.got.Body
	tail := string(body[max(0, len(body)-300):])
	if sc.got.Status != http.StatusOK {
		if sc.whole || sc.got.Status < 500 || !inDialect(sc.surface, body) {
			return fmt.Errorf("status %d: %s", sc.got.Status, tail)
		}
		return nil
	}
	sc.seen = replay.Read(sc.surface, sc.stream, body)
	if sc.surface == replay.OpenAI && sc.dialect == replay.OpenAI && sc.seen.Finish != "" {
		sc.seen.Done = true // some vendors send no mark behind the reason to finish, so its absence is no failure
	}
	switch {
	case sc.seen.Done && sc.seen.Error == "":
		if strings.TrimSpace(sc.seen.Text) != words {
			return fmt.Errorf("a piece of an answer looks whole: %q …%s", sc.seen.Text, tail)
		}
	case sc.whole:
		return fmt.Errorf("a good answer ended in %q: %s", sc.seen.Error, tail)
	case sc.seen.Error == "", sc.seen.Done:
		return fmt.Errorf("no error at the end: %s", tail)
	case !strings.HasPrefix(words+" ", sc.seen.Text):
		return fmt.Errorf("what came before the error changed: %q", sc.seen.Text)
	}
	return nil
}

// inDialect reports whether a body is an error in the envelope of a surface.
func inDialect(surface string, body []byte) bool {
	e := errorOf(body)
	switch surface {
	case replay.Anthropic:
		return e.Type == "error" && e.Error.Type != "" && e.Error.Message != ""
	case replay.Gemini:
		return bytes.HasPrefix(body, []byte(`{"error":{"code":5`)) && bytes.Contains(body, []byte(`"status":"`))
	}
	return e.Type != "error" && e.Error.Type != "" && e.Error.Message != ""
}

// rows: one row for each call. A whole answer's usage is the provider's own; one that broke off has what was reported or an estimate.
func (s *site) rows(t *testing.T, scenes []*scene) {
	t.Helper()
	rows := map[string]harness.Call{}
	harness.Eventually(t, 30*time.Second, func() error {
		clear(rows)
		for _, c := range s.owner.Calls(nil) {
			if _, twice := rows[c.ID]; twice {
				t.Fatalf("call %s is in the log twice", c.ID)
			}
			rows[c.ID] = c
		}
		for _, sc := range scenes {
			if _, ok := rows[sc.id]; !ok {
				return errf("%s (%s) is not in the log", sc, sc.id)
			}
		}
		return nil
	})
	for _, sc := range scenes {
		row := rows[sc.id]
		switch {
		case sc.got == nil:
		case sc.got.Status != http.StatusOK:
			if row.Outcome != "failed" {
				t.Errorf("%s: logged as %s", sc, row.Outcome)
			}
		case sc.seen.Done && sc.seen.Error == "":
			if row.Outcome != "ok" || row.Units["output"] == 0 {
				t.Errorf("%s: logged as %s with %v", sc, row.Outcome, row.Units)
			}
		default:
			if row.Outcome != "broken" || row.UsageSource == "" || row.Units["input"] == 0 || sc.seen.Text != "" && row.Units["output"] == 0 {
				t.Errorf("%s: logged as %s, %s usage %v", sc, row.Outcome, row.UsageSource, row.Units)
			}
		}
	}
}

// everyPair makes scenes for each surface and each dialect that it is served by.
func everyPair(make func(surface, dialect string) []scene) []*scene {
	var all []*scene
	for _, surface := range harness.Surfaces() {
		for _, dialect := range asked(surface) {
			for _, sc := range make(surface, dialect) {
				sc.surface, sc.dialect = surface, dialect
				all = append(all, &sc)
			}
		}
	}
	return all
}

// events is how many pieces a streamed answer of the dialect has.
func events(dialect string) int {
	return len(replay.Pieces(replay.Speak(dialect, true), replay.ByEvent))
}

func TestWhateverAProviderDoesTheClientIsToldInItsOwnDialect(t *testing.T) {
	t.Parallel()
	s := everywhere(t)
	before := s.memory(t)
	s.play(t, everyPair(func(surface, dialect string) []scene {
		list := []scene{
			{name: "a good answer", whole: true},
			{name: "a good stream", stream: true, whole: true},
			{name: "an error in mid-stream", stream: true, turn: replay.Turn{Break: events(dialect) / 2, How: replay.Errored, Pause: 3 * time.Millisecond}},
			{name: "an error before any content", stream: true, turn: replay.Turn{Body: []byte(replay.StreamError(dialect))}},
			{name: "garbage for a stream", stream: true, turn: replay.Turn{Body: []byte("\x00\x01\x02 no stream at all")}},
		}
		for _, status := range []int{500, 502, 503, 529} {
			body := replay.ErrorBody(dialect, "overloaded_error", "Overloaded, says the provider")
			list = append(list, scene{name: strconv.Itoa(status), turn: replay.Turn{Status: status, Body: body}},
				scene{name: strconv.Itoa(status), stream: true, turn: replay.Turn{Status: status, Body: body}})
		}
		for k := 1; k < events(dialect); k++ {
			list = append(list, scene{name: fmt.Sprintf("cut before event %d", k), stream: true, turn: replay.Turn{Break: k, How: replay.Ended}})
		}
		for _, how := range []replay.Breakage{replay.Reset, replay.Closed} {
			list = append(list, scene{name: "the connection: " + string(how), stream: true, turn: replay.Turn{Break: events(dialect) / 2, How: how, Pause: time.Millisecond}})
		}
		for name, body := range padded(dialect) {
			list = append(list, scene{name: name, stream: true, whole: true, turn: replay.Turn{Body: body, Cutting: replay.Odd}})
		}
		return list
	}))
	t.Run("a line of 64 MiB", func(t *testing.T) {
		for _, sc := range everyPair(func(surface, dialect string) []scene {
			if surface != replay.OpenAI && surface != replay.Wire(dialect) { // once as bytes, once translated
				return nil
			}
			return []scene{{name: "a line of 64 MiB", stream: true, turn: replay.Turn{Body: oneLine(dialect)}}}
		}) {
			s.play(t, []*scene{sc})
		}
	})
	if grown := s.memory(t) - before; grown > 700<<20 {
		t.Errorf("the program grew by %d MiB", grown>>20)
	}
}

// padded are streams with white space, comments and line ends wherever a framing allows them.
func padded(dialect string) map[string][]byte {
	body := replay.Speak(dialect, true)
	switch dialect {
	case replay.Converse, replay.Invoke: // frames have no such places
		return nil
	case replay.Ollama:
		return map[string][]byte{"CRLF": bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n")), "blank lines": bytes.ReplaceAll(body, []byte("\n"), []byte("\n\n"))}
	}
	lf := bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n"))
	out := map[string][]byte{
		"LF":   lf,
		"CRLF": bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\n")),
	}
	lines := bytes.SplitAfter(lf, []byte("\n"))
	var everywhere []byte
	for i, line := range lines {
		everywhere = append(append(everywhere, ": a comment\n"...), line...)
		if i%3 == 0 && i < 60 { // one at a time, in every third place
			at := slices.Concat(bytes.Join(lines[:i], nil), []byte(": keep-alive\r\n"), bytes.Join(lines[i:], nil))
			out["a comment before line "+strconv.Itoa(i)] = at
		}
	}
	out["comments before every line"] = everywhere
	return out
}

// oneLine is a stream whose first piece never ends.
func oneLine(dialect string) []byte {
	junk := bytes.Repeat([]byte("x"), 64<<20)
	switch dialect {
	case replay.Ollama:
		return slices.Concat([]byte(`{"message":{"role":"assistant","content":"`), junk, []byte("\"}}\n"))
	case replay.Converse, replay.Invoke:
		return replay.AWSFrame("event", "contentBlockDelta", slices.Concat([]byte(`{"contentBlockIndex":0,"delta":{"text":"`), junk, []byte(`"}}`)))
	}
	return slices.Concat([]byte(`data: {"a":"`), junk, []byte("\"}\n\n"))
}

// memory is what the program holds, in bytes.
func (s *site) memory(t *testing.T) int64 {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", s.PID()))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(raw))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
