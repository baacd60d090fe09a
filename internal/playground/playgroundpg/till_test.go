package playgroundpg_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/playground"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
	"tollgate/internal/tenant"
)

func TestATeamHasOneKeyWithItsOwnBudget(t *testing.T) {
	t.Parallel()
	d := open(t)
	if _, there, err := d.Peek(t.Context(), d.in, d.team); err != nil || there {
		t.Fatalf("Peek before the first use = %v, %v", there, err)
	}
	var mu sync.Mutex
	keys := map[id.Key]bool{}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			till, err := d.Till(t.Context(), d.in, "")
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			keys[till.Key.ID] = true
		})
	}
	group.Wait()
	if len(keys) != 1 {
		t.Fatalf("%d keys were made for one team", len(keys))
	}
	live, _, err := d.keys.List(t.Context(), d.in, key.Filter{State: key.Usable}, "", 50)
	if err != nil || len(live) != 1 {
		t.Fatalf("%d live keys, %v: those that lost are not ended", len(live), err)
	}
	k := live[0]
	if k.Kind != key.PlaygroundKey || k.Environment != playground.Environment || k.Team != d.team {
		t.Errorf("key = %+v", k)
	}
	till, err := d.Till(t.Context(), d.in, d.team)
	if err != nil || till.Left == nil || till.Left.Meters[0].Limit != playground.DefaultBudget || till.Left.Budget.Selector[0].Value != string(k.ID) {
		t.Errorf("till = %+v, %v", till, err)
	}
	if _, _, err := d.keys.Rotate(t.Context(), d.in, k.ID, 0, key.Finish); !errors.Is(err, key.ErrInside) {
		t.Errorf("Rotate = %v: a secret of the playground's key was shown", err)
	}
}

func TestADisabledKeyTurnsThePlaygroundOffAndARevokedOneIsReplaced(t *testing.T) {
	t.Parallel()
	d := open(t)
	first, err := d.Till(t.Context(), d.in, d.team)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.keys.Disable(t.Context(), d.in, first.Key.ID, key.Finish); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Till(t.Context(), d.in, d.team); !errors.Is(err, playground.ErrOff) {
		t.Errorf("Till of a disabled key = %v", err)
	}
	if _, err := d.keys.Revoke(t.Context(), d.in, first.Key.ID, key.Finish); err != nil {
		t.Fatal(err)
	}
	next, err := d.Till(t.Context(), d.in, d.team)
	if err != nil || next.Key.ID == first.Key.ID {
		t.Errorf("Till after a revocation = %v, %v", next.Key.ID, err)
	}
}

func TestOnlyThoseWhoMayMakeCalls(t *testing.T) {
	t.Parallel()
	d := open(t)
	if _, err := d.Till(t.Context(), d.in, d.team); err != nil { // the key is there
		t.Fatal(err)
	}
	viewer := tenant.Authenticated(d.in.Org(), d.in.Actor(), tenant.Viewer)
	set := playground.Setup{Columns: []playground.Column{{Model: "sandbox/echo-mini"}}, Message: "hi"}
	if _, err := d.Ask(t.Context(), viewer, d.team, set, 0, nil); !errors.Is(err, tenant.ErrForbidden) {
		t.Errorf("Ask by a viewer = %v", err)
	}
	if _, err := d.Start(t.Context(), viewer, playground.NewRun{Name: "x", Setup: set, Dataset: []byte("a\n1")}); !errors.Is(err, tenant.ErrForbidden) {
		t.Errorf("Start by a viewer = %v", err)
	}
	if n := len(d.plane.calls()); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestAVersionIsNamedAndADraftIsFilledInHere(t *testing.T) {
	t.Parallel()
	d := open(t)
	p, _, err := d.prompts.Create(t.Context(), d.in, prompt.New{Name: "greeter", Kind: prompt.Text, Labels: []string{"production"}, Content: prompt.Content{
		Text: "Greet {{name}}.", Variables: []template.Variable{{Name: "name", Kind: template.String, Required: true}}, Alias: "sandbox/echo-mini",
		Parameters: json.RawMessage(`{"temperature":0.2,"max_tokens":50}`),
	}})
	if err != nil {
		t.Fatal(err)
	}
	set := playground.Setup{Columns: []playground.Column{{Prompt: p.ID}}, Variables: map[string]json.RawMessage{"name": json.RawMessage(`"Ada"`)}}
	saved, err := d.Request(t.Context(), d.in, &set, &set.Columns[0], true)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"model":"sandbox/echo-mini","messages":[],"stream":true,"stream_options":{"include_usage":true},"tollgate":{"prompt":{"id":"` + string(p.ID) + `","label":"production"},"variables":{"name":"Ada"}}}`
	if string(saved.Body) != want || saved.Most != 50 || saved.Rendered[0].Text != "Greet Ada." {
		t.Errorf("body of a version = %s (at most %d)", saved.Body, saved.Most)
	}
	set.Columns[0].Draft = "Greet {{name}} in {{language}}."
	set.Variables["language"] = json.RawMessage(`"Welsh"`)
	edited, err := d.Request(t.Context(), d.in, &set, &set.Columns[0], false)
	if err != nil {
		t.Fatal(err)
	}
	if body := string(edited.Body); !strings.Contains(body, "Greet Ada in Welsh.") || strings.Contains(body, `"tollgate"`) || !strings.Contains(body, `"temperature":0.2`) {
		t.Errorf("body of a draft = %s", body)
	}
	set.Variables = nil
	if _, err := d.Request(t.Context(), d.in, &set, &playground.Column{Prompt: p.ID}, false); !errors.Is(err, template.ErrMissing) {
		t.Errorf("a variable that is missing = %v", err)
	}
}

func TestAnAnswerIsToldAsItComes(t *testing.T) {
	t.Parallel()
	d := open(t)
	d.plane.answer = func(_ context.Context, _ playground.Outgoing, w http.ResponseWriter) error {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("X-Tollgate-Model", "m-1")
		w.WriteHeader(http.StatusOK)
		for _, part := range []string{
			": wait\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\nda", "ta: {\"choices\":[{\"delta\":{\"content\":\"lo\"}}]}\r\n\r\n",
			`data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"look","arguments":"{\"a\""}}]}}]}` + "\n\n",
			`data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]},"finish_reason":"tool_calls"}]}` + "\n\n",
			`data: {"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":4,"cost":0.000123}}` + "\n\ndata: [DONE]\n\n",
		} {
			d.later(100 * time.Millisecond)
			if _, err := w.Write([]byte(part)); err != nil {
				return err
			}
		}
		return nil
	}
	var pieces []string
	set := playground.Setup{Columns: []playground.Column{{Model: "sandbox/echo-mini"}}, Message: "hi"}
	a, err := d.Ask(t.Context(), d.in, d.team, set, 0, func(p playground.Piece) { pieces = append(pieces, p.Text) })
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(pieces, "|") != "Hel|lo" || a.Text != "Hello" || !a.OK() || a.Cost != 123_000 || a.Input != 12 || a.Output != 4 || a.Model != "m-1" {
		t.Errorf("pieces %q, answer %+v", pieces, a)
	}
	if len(a.Tools) != 1 || a.Tools[0] != (playground.ToolCall{Name: "look", Arguments: `{"a":1}`}) {
		t.Errorf("tools = %+v", a.Tools)
	}
	if a.First != 100*time.Millisecond || a.Took != 500*time.Millisecond {
		t.Errorf("first after %s, whole after %s", a.First, a.Took)
	}
}

func TestAnErrorIsToldInWords(t *testing.T) {
	t.Parallel()
	d := open(t)
	d.plane.answer = refused
	set := playground.Setup{Columns: []playground.Column{{Model: "sandbox/echo-mini"}}, Message: "hi"}
	a, err := d.Ask(t.Context(), d.in, d.team, set, 0, nil)
	if err != nil || !a.Refused() || a.Error != "The budget is spent until 1 December." || a.Code != "budget.exceeded" || a.OK() {
		t.Errorf("Ask = %+v, %v", a, err)
	}
}

func TestAnEstimateSaysWhatItBounds(t *testing.T) {
	t.Parallel()
	d := open(t)
	set := playground.Setup{Columns: []playground.Column{{Model: "openai/gpt-4o-mini", MaxTokens: 1000}, {Model: "openai/gpt-4o-mini"}, {Model: "nobody/knows"}}, Message: strings.Repeat("word ", 400)}
	var got [3]playground.Estimate
	for i := range got {
		r, err := d.Request(t.Context(), d.in, &set, &set.Columns[i], true)
		if err != nil {
			t.Fatal(err)
		}
		if got[i], err = d.Estimate(t.Context(), d.in, &r, &set); err != nil {
			t.Fatal(err)
		}
	}
	capped, open, unknown := got[0], got[1], got[2]
	if !capped.Known || !capped.Bound || capped.About <= 0 || capped.Most <= capped.About {
		t.Errorf("with a cap: %+v", capped)
	}
	if !open.Known || open.Bound {
		t.Errorf("without a cap nothing is bounded: %+v", open)
	}
	if unknown.Known || unknown.About != 0 {
		t.Errorf("of a model that is not known: %+v", unknown)
	}
}
