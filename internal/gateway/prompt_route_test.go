package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"tollgate/internal/alias"
	"tollgate/internal/experiment"
	"tollgate/internal/prompt"
)

// TestThePromptOfAnAlias is put into calls that name none; one that the call names wins.
func TestThePromptOfAnAlias(t *testing.T) {
	t.Parallel()
	w := newPrompting(t)
	r := w.org.Aliases["fast"].Route
	r.Prompt = &alias.Prompt{ID: "prompt_g", Name: "support/greeting", Label: "staging"}
	w.alias("greeter", r)
	r.Prompt = &alias.Prompt{ID: "prompt_gone", Name: "old/name"}
	w.alias("orphan", r)
	w.org.Tasks = map[string]string{"greeting": "greeter"}
	w.org.Auto = alias.Auto{On: true, Default: "greeting"}
	w.start()
	for _, tt := range []struct {
		body    string
		headers []string
		status  int
		has     string
	}{
		{`{"model":"greeter","tollgate":{"variables":{"name":"Ada"}},` + hello + `}`, nil, 200, "Two Ada"},
		{`{"model":"claude/greeter","tollgate":{"variables":{"name":"Ada"}},` + hello + `}`, nil, 200, "Two Ada"},
		{`{"model":"task:greeting",` + hello + `}`, []string{"x-tollgate-prompt-variables", `{"name":"Ada"}`}, 200, "Two Ada"},
		{`{"model":"gpt-4o-mini",` + hello + `}`, []string{"x-tollgate-prompt-variables", `{"name":"Ada"}`, "x-tollgate-task", "greeting"}, 200, "Two Ada"},
		{`{"model":"auto","tollgate":{"variables":{"name":"Ada"}},` + hello + `}`, nil, 200, "Two Ada"},
		{`{"model":"greeter","tollgate":{"prompt":"support/greeting@1","variables":{"name":"Ada"}},` + hello + `}`, nil, 200, "One Ada"},
		{`{"model":"greeter",` + hello + `}`, nil, 400, `prompt.variable_missing`},
		{`{"model":"orphan",` + hello + `}`, nil, 404, `old/name`},
	} {
		a := w.chat(tt.body, tt.headers...)
		if a.status != tt.status || !strings.Contains(a.body+w.got(), tt.has) {
			t.Errorf("%s: %d %s: sent %s", tt.body, a.status, a.body, w.got())
		}
		w.log.last(t)
		w.mu.Lock()
		w.sent = nil
		w.mu.Unlock()
	}
}

// TestAnAliasThatTheKeyMayNotCallTellsNothingOfItsPrompt.
func TestAnAliasThatTheKeyMayNotCallTellsNothingOfItsPrompt(t *testing.T) {
	t.Parallel()
	w := newPrompting(t)
	r := w.org.Aliases["fast"].Route
	r.Prompt = &alias.Prompt{ID: "prompt_g", Name: "support/greeting"}
	w.alias("secret", r)
	w.key.Aliases = []string{"fast"}
	w.start()
	if a := w.chat(`{"model":"secret",` + hello + `}`); a.status != 403 || strings.Contains(a.body, "name") && strings.Contains(a.body, "variable") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestALabelIsNotToldByTheClient: it says which versions a label served.
func TestALabelIsNotToldByTheClient(t *testing.T) {
	t.Parallel()
	w := newPrompting(t)
	w.start()
	a := w.chat(`{"model":"fast","tollgate":{"variables":{"name":"Ada"}},`+hello+`}`, "x-tollgate-prompt", "support/greeting@2", "x-tollgate-prompt-label", "production")
	if r := w.log.last(t); a.status != 200 || r.PromptLabel != "" || r.PromptVersion != 2 {
		t.Errorf("%d: %q %d", a.status, r.PromptLabel, r.PromptVersion)
	}
}

// TestAPromptIsItsOrganizationsAlone.
func TestAPromptIsItsOrganizationsAlone(t *testing.T) {
	t.Parallel()
	w := newPrompting(t)
	other := *w.org
	other.ID, other.Prompts = "org_2", nil
	w.also = append(w.also, &other)
	k, secret := w.addKey("production")
	k.Org = &other
	w.start()
	for _, name := range []string{"support/greeting", "prompt_g", "prompt_g@1"} {
		w.secret = secret
		if a := w.chat(`{"model":"fast","tollgate":{"prompt":"` + name + `","variables":{"name":"Ada"}},` + hello + `}`); a.status != 404 || a.code() != "prompt.unknown" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

// TestWhatIsKeptIsWhatTheClientSent.
func TestWhatIsKeptIsWhatTheClientSent(t *testing.T) {
	t.Parallel()
	w := newPrompting(t)
	w.key.Privacy = keyPrivacy("full")
	w.start()
	body := `{"model":"fast","tollgate":{"prompt":"support/greeting","variables":{"name":"Ada"}},` + hello + `}`
	if a := w.chat(body); a.status != 200 {
		t.Fatal(a.body)
	}
	if r := w.log.last(t); r.Payload == nil || string(r.Payload.Request) != body {
		t.Errorf("%+v", r.Payload)
	}
}

// TestABodyWithItsPromptIsBoundedToo.
func TestABodyWithItsPromptIsBoundedToo(t *testing.T) {
	t.Parallel()
	w := newPrompting(t)
	w.cfg.BodyMax = 300
	w.org.Prompts = prompt.NewShelf([]prompt.Stock{{
		Prompt:   prompt.Prompt{ID: "prompt_l", Name: "long", Kind: prompt.Text, Latest: 1, Labels: map[string]int{"production": 1}},
		Versions: []prompt.Version{{Number: 1, Content: prompt.Content{Text: strings.Repeat("x", 400)}}},
	}}, nil)
	w.start()
	if a := w.chat(`{"model":"fast","tollgate":{"prompt":"long"},` + hello + `}`); a.status != 413 || a.code() != "request.too_large" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestAnArmOfAnExperimentHasItsVersion for calls that use that prompt, and costs no call its answer.
func TestAnArmOfAnExperimentHasItsVersion(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		arm     experiment.ArmPrompt
		call    string
		text    string
		version int
		label   string
	}{
		{"its version", experiment.ArmPrompt{Prompt: "prompt_g", Version: 2}, "support/greeting", "Two Ada", 2, ""},
		{"the same version", experiment.ArmPrompt{Prompt: "prompt_g", Version: 1}, "support/greeting", "One Ada", 1, ""},
		{"another prompt", experiment.ArmPrompt{Prompt: "prompt_c", Version: 1}, "support/greeting", "One Ada", 1, "production"},
		{"more variables than were sent", experiment.ArmPrompt{Prompt: "prompt_g", Version: 3}, "support/greeting", "One Ada", 1, "production"},
		{"a version that is gone", experiment.ArmPrompt{Prompt: "prompt_g", Version: 9}, "support/greeting", "One Ada", 1, "production"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newPrompting(t)
			w.org.Experiments = map[string]*experiment.Running{"fast": {ID: "exp_1", Alias: "fast", Salt: "s", Arms: []experiment.Arm{
				{Name: "control"}, {Name: "b", Prompt: &tt.arm, Ranges: []experiment.Range{{From: 0, To: experiment.Buckets}}},
			}}}
			w.start()
			a := w.chat(`{"model":"fast","tollgate":{"prompt":"`+tt.call+`","variables":{"name":"Ada"}},`+hello+`}`, "x-tollgate-debug", "1")
			if a.status != 200 || strings.Count(w.got(), `"role":"system"`) != 1 || !strings.Contains(w.got(), tt.text) {
				t.Fatalf("%d %s: %s", a.status, a.body, w.got())
			}
			r := w.log.last(t)
			if r.Arm != "b" || r.PromptVersion != tt.version || r.PromptLabel != tt.label || a.header.Get("x-tollgate-prompt") != fmt.Sprintf("support/greeting@%d", tt.version) {
				t.Errorf("arm %s, version %d by %q", r.Arm, r.PromptVersion, r.PromptLabel)
			}
			if noted := strings.Contains(a.header.Get("x-tollgate-decision"), "the prompt of arm b"); noted != (tt.arm.Version > 2) {
				t.Errorf("decision %s", a.header.Get("x-tollgate-decision"))
			}
		})
	}
}

// TestALabelUnderWayIsDealtByUnit: each unit has one version, and about its share the new one.
func TestALabelUnderWayIsDealtByUnit(t *testing.T) {
	t.Parallel()
	w := newPrompting(t)
	w.org.Prompts = prompt.NewShelf([]prompt.Stock{{
		Prompt:   prompt.Prompt{ID: "prompt_r", Name: "r", Kind: prompt.Text, Latest: 2, Labels: map[string]int{"production": 1}, Ramps: map[string]prompt.Ramp{"production": {To: 2, Share: 5000}}},
		Versions: []prompt.Version{{Number: 1, Content: prompt.Content{Text: "old"}}, {Number: 2, Content: prompt.Content{Text: "new"}}},
	}}, nil)
	w.start()
	got := map[string]int{}
	fresh := 0
	for i := range 80 {
		unit := fmt.Sprint("session-", i%40)
		if a := w.chat(`{"model":"fast","tollgate":{"prompt":"r"},`+hello+`}`, "X-Tollgate-Session", unit); a.status != 200 {
			t.Fatal(a.body)
		}
		r := w.log.last(t)
		if was, ok := got[unit]; ok && was != r.PromptVersion {
			t.Errorf("%s had version %d and has %d", unit, was, r.PromptVersion)
		}
		got[unit] = r.PromptVersion
		fresh += r.PromptVersion - 1
	}
	if fresh < 16 || fresh > 64 {
		t.Errorf("%d of 80 calls have the new version", fresh)
	}
}
