package gateway

import (
	"net/http"
	"testing"

	"tollgate/internal/provider"
	"tollgate/internal/provider/openairesponses"
	"tollgate/internal/route"
)

func TestTheUnitIsTheFirstThatIsThere(t *testing.T) {
	t.Parallel()
	all := func() *Call {
		return &Call{Text: "call_1", req: &http.Request{Header: http.Header{
			"X-Tollgate-Unit": {"unit-1"}, "X-Tollgate-Session": {"session-1"}, "X-Claude-Code-Session-Id": {"claude-1"}, "Session_id": {"codex-1"},
		}}, Ask: ask{
			endUser: "ana", tags: map[string]string{"workflow_run": "run-1"},
			head: provider.Head{User: "user_ab_account_cd_session_5e", Session: "cache-1"},
		}}
	}
	c := all()
	drop := func(name string) func() { return func() { delete(c.req.Header, name) } }
	for _, step := range []struct {
		want route.Unit
		drop func()
	}{
		{route.Unit{Value: "unit-1", By: route.UnitHeader}, drop("X-Tollgate-Unit")},
		{route.Unit{Value: "session-1", By: route.UnitSession}, drop("X-Tollgate-Session")},
		{route.Unit{Value: "claude-1", By: route.UnitSession}, drop("X-Claude-Code-Session-Id")},
		{route.Unit{Value: "codex-1", By: route.UnitSession}, drop("Session_id")},
		{route.Unit{Value: "5e", By: route.UnitSession}, func() { c.Ask.head.User = `{"device_id":"d","session_id":"5f"}` }},
		{route.Unit{Value: "5f", By: route.UnitSession}, func() { c.Ask.head.User = "ana" }},
		{route.Unit{Value: "cache-1", By: route.UnitSession}, func() { c.Ask.head.Session = "" }},
		{route.Unit{Value: "ana", By: route.UnitUser}, func() { c.Ask.endUser = "" }},
		{route.Unit{Value: "run-1", By: route.UnitWorkflowRun}, func() { c.Ask.tags = nil }},
		{route.Unit{Value: "call_1", By: route.UnitCall}, func() {}},
	} {
		if got := c.unit(); got != step.want {
			t.Errorf("%+v, want %+v", got, step.want)
		}
		step.drop()
	}
}

func TestTheBodyNamesTheConversation(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"model":"m","input":"x","conversation":"conv_1","prompt_cache_key":"k"}`:        "conv_1",
		`{"model":"m","prompt_cache_key":"k","conversation":{"a":1,"id":"conv_2"},"x":1}`: "conv_2",
		`{"model":"m","prompt_cache_key":"k","session_id":"s"}`:                           "s",
		`{"model":"m","prompt_cache_key":"k"}`:                                            "k",
		`{"model":"m","previous_response_id":"resp_1","conversation":null}`:               "",
	} {
		h, err := openairesponses.Dialect{}.Probe([]byte(body), provider.Line{})
		if err != nil || h.Session != want {
			t.Errorf("%s: %q, %v", body, h.Session, err)
		}
	}
}

func TestATaskIsReadOutOfAnAnswer(t *testing.T) {
	t.Parallel()
	tasks := []string{"classification", "code-generation"}
	for content, want := range map[string]string{
		"classification": "classification", " `Code-Generation`. ": "code-generation", "The task is classification.": "classification",
		"classification or code-generation": "", "translation": "", "": "",
	} {
		body := `{"choices":[{"message":{"content":"` + content + `"}}]}`
		if got := taskIn([]byte(body), tasks); got != want {
			t.Errorf("%q is %q", content, got)
		}
	}
	if taskIn([]byte(`{"choices":[]}`), tasks) != "" || taskIn([]byte("garbage"), tasks) != "" {
		t.Error("a task out of nothing")
	}
}

func TestAHeaderHoldsPlainCharacters(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"plain": "plain", "é…": `\u00e9\u2026`, "a\nb": "a?b", "😀": "?"} {
		if got := ascii(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}
