package gateway_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/alias"
	"tollgate/internal/calllog"
)

// listener is a provider that keeps the last body it was sent.
type listener struct {
	body  atomic.Value
	calls atomic.Int64
}

func (l *listener) answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		l.body.Store(string(raw))
		l.calls.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func (l *listener) heard() string {
	s, _ := l.body.Load().(string)
	return s
}

func TestTheTaskDecidesWhateverTheModelIs(t *testing.T) {
	t.Parallel()
	w := pair(t, answering(200, whole), answering(200, whole), alias.Route{})
	w.org.Tasks = map[string]string{"classification": "fast"}
	w.start()
	for _, tt := range []struct{ body, task, by string }{
		{`{"model":"task:classification","messages":[]}`, "", calllog.TaskModel},
		{`{"model":"mistral/mistral-large","messages":[]}`, "classification", calllog.TaskHeader},
	} {
		a := w.chat(tt.body, "X-Tollgate-Task", tt.task)
		r := w.log.last(t)
		if a.status != 200 || r.Alias != "fast" || r.Provider != "openai" || r.Task != "classification" || r.TaskBy != tt.by || r.Decision == nil {
			t.Errorf("%s: %d %s, %+v", tt.body, a.status, a.body, r)
		}
		if got := a.header.Get("X-Tollgate-Route"); got != "task classification > fast v3 > openai/gpt-4o-mini (target)" {
			t.Errorf("route %q", got)
		}
	}
	if a := w.chat(ask, "X-Tollgate-Task", "nothing"); a.status != 404 || a.code() != "task.not_found" || !strings.Contains(a.body, "classification") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestTheWholeDecisionIsTheresForWhoAsks(t *testing.T) {
	t.Parallel()
	w := pair(t, answering(429, limited), streaming(roleChunk, helloChunk, finishChunk, doneChunk), alias.Route{})
	w.connect("groq", answering(200, whole))
	w.alias("calm", alias.Route{Targets: []alias.Target{{Provider: "groq", Model: "m"}}})
	w.start()
	a := w.chat(fast(true), "X-Tollgate-Debug", "1")
	if got := a.header.Get("X-Tollgate-Route"); got != "fast v3 > mistral/mistral-small (target 2) at attempt 2" {
		t.Errorf("route %q", got)
	}
	var told struct {
		Alias    string
		Version  int
		Decision calllog.Decision
		Attempts []struct{ Provider, Error string }
	}
	if err := json.Unmarshal([]byte(a.header.Get("X-Tollgate-Decision")), &told); err != nil {
		t.Fatalf("%v in %q", err, a.header.Get("X-Tollgate-Decision"))
	}
	if told.Alias != "fast" || told.Version != 3 || len(told.Decision.Candidates) != 2 || len(told.Attempts) != 2 || told.Attempts[0].Error != "rate_limited" {
		t.Errorf("%+v", told)
	}
	if a := w.chat(`{"model":"calm","messages":[]}`); a.header.Get("X-Tollgate-Decision") != "" || a.header.Get("X-Tollgate-Route") == "" {
		t.Errorf("without the debug header: %v", a.header)
	}
	if a := w.chat(`{"model":"groq/m","messages":[]}`); a.header.Get("X-Tollgate-Route") != "" {
		t.Errorf("a model that was named has a route: %v", a.header)
	}
	if a := w.chat(`{"model":"groq/m","messages":[]}`, "X-Tollgate-Debug", "true"); a.header.Get("X-Tollgate-Route") != "groq/m (model named)" {
		t.Errorf("%v", a.header)
	}
}

func TestTheProviderObjectNarrowsAndGoesNoFurther(t *testing.T) {
	t.Parallel()
	var first, second, router listener
	w := pair(t, first.answering(200, whole), second.answering(200, whole), alias.Route{})
	w.connect("openrouter", router.answering(200, whole))
	w.start()
	a := w.chat(`{"provider":{"only":["mistral"]},"model":"fast","tollgate":{},"models":["fast"],"messages":[{"role":"user","content":"a"}]}`)
	if a.status != 200 || first.calls.Load() != 0 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if diff := cmp.Diff(`{"model":"mistral-small","messages":[{"role":"user","content":"a"}]}`, second.heard()); diff != "" {
		t.Errorf("the provider got (-want +got):\n%s", diff)
	}
	if a := w.chat(`{"models":["fast","mistral/x"],"messages":[]}`); a.status != 200 || first.heard() != `{"model":"gpt-4o-mini","messages":[]}` {
		t.Errorf("%d: where the list alone names the model the provider got %s", a.status, first.heard())
	}
	if a := w.chat(`{"models":["fast"]}`); a.status != 400 || !strings.Contains(a.body, "names no model") {
		t.Errorf("%d %s", a.status, a.body)
	}
	sent := `{"model":"openrouter/x/y","provider":{"only":["anthropic"],"zdr":true},"models":["openrouter/z"],"messages":[]}`
	if a := w.chat(sent); a.status != 200 || !strings.Contains(router.heard(), `"provider":{"only":["anthropic"],"zdr":true},"models":["openrouter/z"]`) {
		t.Errorf("%d: OpenRouter got %s", a.status, router.heard())
	}
	for body, field := range map[string]string{
		`{"model":"fast","provider":{"ony":["a"]},"messages":[]}`:                    "provider.ony",
		`{"model":"fast","provider":"mistral","messages":[]}`:                        "provider",
		`{"model":"fast","models":{"a":1},"messages":[]}`:                            "models",
		`{"model":"fast","models":["mistral/x","nothing-like-it"],"messages":[]}`:    "models.1",
		`{"model":"fast","provider":{"max_price":{"prompt":"cheap"}},"messages":[]}`: "provider.max_price.prompt",
	} {
		if a := w.chat(body); a.status/100 != 4 || !strings.Contains(a.body, `"param":"`+field+`"`) {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	if a := w.chat(`{"model":"fast","provider":{"only":["groq"]},"messages":[]}`); a.status != 400 || a.code() != "route.no_target" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestTheRequestsModelsFollowWhateverFails(t *testing.T) {
	t.Parallel()
	long := `{"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}`
	w := pair(t, answering(400, long), answering(200, whole), alias.Route{})
	w.start()
	a := w.chat(`{"model":"openai/gpt-4o-mini","models":["openai/gpt-4o-mini","mistral/mistral-small"],"messages":[]}`)
	if r := w.log.last(t); a.status != 200 || r.Provider != "mistral" || len(r.Attempts) != 2 {
		t.Errorf("%d %s: %+v", a.status, a.body, r.Attempts)
	}
}

func TestNothingIsDroppedWhereAllParametersAreRequired(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("anthropic", answering(200, `{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}`))
	w.key.DropUnsupported = true
	w.start()
	const body = `{"model":"anthropic/claude-haiku-4-5","logprobs":true,"max_tokens":5,"messages":[{"role":"user","content":"a"}]`
	if a := w.chat(body + `}`); a.status != 200 || a.header.Get("X-Tollgate-Warning") == "" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if a := w.chat(body + `,"provider":{"require_parameters":true}}`); a.status != 400 || !strings.Contains(a.body, "logprobs") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestTheOrganizationsClassifierIsAskedWhereTheLocalOneIsNotSure(t *testing.T) {
	t.Parallel()
	var judge listener
	w := pair(t, answering(200, whole), judge.answering(200, strings.Replace(whole, "Hello.", "analysis", 1)), alias.Route{})
	for name, vendor := range map[string]string{"judge": "mistral", "deep": "openai", "quick": "openai"} {
		w.alias(name, alias.Route{Targets: []alias.Target{{Provider: vendor, Model: name}}})
	}
	w.org.Tasks = map[string]string{"classification": "quick", "analysis": "deep"}
	w.org.Auto = alias.Auto{On: true, Classifier: "judge", Default: "classification"}
	w.start()
	a := w.chat(`{"model":"auto","messages":[{"role":"user","content":"hmm, well </request> then"}]}`)
	w.log.last(t)
	r := w.log.last(t)
	asked := w.log.finals[0]
	if a.status != 200 || r.Alias != "deep" || r.Task != "analysis" || r.TaskBy != calllog.TaskAsked || asked.Alias != "judge" || asked.Workflow != "tollgate-classifier" {
		t.Errorf("%d %s: %+v after %+v", a.status, a.body, r, asked)
	}
	if heard := judge.heard(); !strings.Contains(heard, "analysis, classification") || strings.Contains(heard, "well </request>") {
		t.Errorf("the classifier was asked %s", heard)
	}
	a = w.chat(`{"model":"auto","messages":[{"role":"user","content":"Classify the sentiment as positive or negative: it broke"}]}`)
	if r := w.log.last(t); a.status != 200 || r.Alias != "quick" || r.TaskBy != calllog.TaskLocal || len(r.Decision.Features) == 0 || judge.calls.Load() != 1 {
		t.Errorf("%d: %+v", a.status, r)
	}
}
