package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/calllog"
	"tollgate/internal/experiment"
)

// tried is a gateway whose alias "fast" is compared with itself: every unit is in the arm "b", which OpenAI answers too.
func tried(t *testing.T, r alias.Route, content string) *world {
	t.Helper()
	text, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	chunk := strings.ReplaceAll(helloChunk, `"Hello"`, string(text))
	stream, plain := streaming(roleChunk, chunk, finishChunk, usageChunk, doneChunk), answering(200, strings.ReplaceAll(whole, `"Hello."`, string(text)))
	w.connect("openai", func(rw http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if strings.Contains(string(b), `"stream":true`) {
			stream(rw, r)
			return
		}
		plain(rw, r)
	})
	r.Targets = []alias.Target{{Provider: "openai", Model: "gpt-4o-mini"}}
	w.alias("fast", r)
	w.org.Experiments = map[string]*experiment.Running{"fast": {
		ID: "exp_1", Alias: "fast", Salt: "s", Arms: []experiment.Arm{{Name: "control"}, {
			Name: "b", Target: &alias.Target{Provider: "openai", Model: "gpt-4o-mini"}, Ranges: []experiment.Range{{From: 0, To: experiment.Buckets}},
		}},
	}}
	return w
}

const demanding = `,"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}}}}`

// TestACallOfAnExperimentIsRecordedWithItsArmAndSignals, whole and streamed.
func TestACallOfAnExperimentIsRecordedWithItsArmAndSignals(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		for content, want := range map[string]calllog.Signals{`{"n":1}`: calllog.SchemaAsked | calllog.SchemaValid, `{"n":"one"}`: calllog.SchemaAsked} {
			t.Run(fmt.Sprint(stream, content), func(t *testing.T) {
				t.Parallel()
				w := tried(t, alias.Route{}, content).start()
				body := strings.TrimSuffix(fast(stream), "}") + demanding
				var prints []uint64
				for range 2 {
					if a := w.chat(body, "X-Tollgate-Session", "chat-7"); a.status != 200 {
						t.Fatalf("%d %s", a.status, a.body)
					}
					r := w.log.last(t)
					if r.Experiment != "exp_1" || r.Arm != "b" || r.ArmServed != "b" || r.UnitBy != "session" || r.Unit != experiment.Unit("s", "chat-7") {
						t.Errorf("%s arm %s served %s, unit %d by %s", r.Experiment, r.Arm, r.ArmServed, r.Unit, r.UnitBy)
					}
					if r.Signals != want {
						t.Errorf("signals %v, want %v", r.Signals.Names(), want.Names())
					}
					if r.Decision == nil || len(r.Words()) < 3 {
						t.Errorf("no reason: %q", r.Words())
					}
					prints = append(prints, r.Fingerprint)
				}
				if prints[0] == 0 || prints[0] != prints[1] {
					t.Errorf("a repeat is not seen: %v", prints)
				}
				if raw, err := json.Marshal(w.log.finals); err != nil || strings.Contains(string(raw), "chat-7") {
					t.Errorf("the unit's own name is in the log (%v)", err)
				}
			})
		}
	}
}

// TestAnAnswerFromTheCacheSaysWhatItSaidBefore, and is known as the same request.
func TestAnAnswerFromTheCacheSaysWhatItSaidBefore(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		w := tried(t, alias.Route{Cache: alias.Cache{Mode: alias.CacheExact, TTL: time.Minute}}, `{"n":1}`).start()
		body := strings.TrimSuffix(fast(stream), "}") + demanding
		var records []calllog.Record
		for range 2 {
			if a := w.chat(body); a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			records = append(records, w.log.last(t))
		}
		first, second := records[0], records[1]
		if len(first.Attempts) != 1 || len(second.Attempts) != 0 {
			t.Fatalf("stream %v: %d and %d attempts", stream, len(first.Attempts), len(second.Attempts))
		}
		if want := calllog.SchemaAsked | calllog.SchemaValid; first.Signals != want || second.Signals != want || first.Fingerprint != second.Fingerprint {
			t.Errorf("stream %v: %v and %v, %d and %d", stream, first.Signals.Names(), second.Signals.Names(), first.Fingerprint, second.Fingerprint)
		}
	}
}

// TestACallWithoutAnAnswerSaysNothingOfItsForm: its failure is counted as such.
func TestACallWithoutAnAnswerSaysNothingOfItsForm(t *testing.T) {
	t.Parallel()
	w := tried(t, alias.Route{Attempts: 1}, "")
	w.connect("anthropic", answering(500, `{}`))
	w.org.Experiments["fast"].Arms[1].Target = &alias.Target{Provider: "anthropic", Model: "claude-haiku-4-5"}
	w.start()
	if a := w.chat(strings.TrimSuffix(fast(false), "}") + demanding); a.status == 200 {
		t.Fatal(a.body)
	}
	if r := w.log.last(t); r.Outcome != calllog.Failed || r.Signals != 0 || r.Fingerprint == 0 || r.Arm != "b" {
		t.Errorf("%s: %v, fingerprint %d, arm %q", r.Outcome, r.Signals.Names(), r.Fingerprint, r.Arm)
	}
}

// TestARouteNarrowsWhatAKeyKeeps, and never widens it.
func TestARouteNarrowsWhatAKeyKeeps(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		key, route    string
		bodies, users bool
	}{
		{"full", "", true, true},
		{"full", "full", true, true},
		{"full", "metadata", false, true},
		{"full", "none", false, false},
		{"metadata", "", false, true},
		{"metadata", "full", false, true},
		{"metadata", "none", false, false},
		{"none", "full", false, false},
	} {
		t.Run(tt.key+" and "+tt.route, func(t *testing.T) {
			t.Parallel()
			w := tried(t, alias.Route{Privacy: alias.Privacy{Payload: tt.route}}, "Hello.")
			w.key.Privacy = keyPrivacy(tt.key)
			w.start()
			if a := w.chat(strings.TrimSuffix(fast(false), "}") + `,"user":"ada"}`); a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			r := w.log.last(t)
			if (r.Payload != nil) != tt.bodies || (r.EndUser == "ada") != tt.users || !tt.users && r.EndUser != "" {
				t.Errorf("bodies %v, end user %q", r.Payload != nil, r.EndUser)
			}
			for _, intent := range w.log.intents {
				if !tt.users && intent.EndUser != "" {
					t.Errorf("the intent names the end user %q", intent.EndUser)
				}
			}
		})
	}
}
