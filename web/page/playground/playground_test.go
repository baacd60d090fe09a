package playground

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/alias"
	"tollgate/internal/budget"
	"tollgate/internal/calllog"
	"tollgate/internal/golden"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/money"
	"tollgate/internal/playground"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/template"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/pagetest"
)

// world is everything that the page asks, of one organization.
type world struct {
	*playground.Service
	asked   []playground.Setup
	answers []playground.Answer
	run     playground.Run
	lines   []playground.Line
	made    playground.NewRun
	saved   prompt.Content
	labels  []string
	call    calllog.Entry
}

func (w *world) Prompt(_ context.Context, _ tenant.Scope, which id.Prompt) (prompt.Prompt, error) {
	if which != "prompt_reply" {
		return prompt.Prompt{}, prompt.ErrNotFound
	}
	return prompt.Prompt{ID: which, Name: "reply-writer", Kind: prompt.Chat, Latest: 2, Labels: map[string]int{"production": 1, "staging": 2}}, nil
}

func (w *world) Named(context.Context, tenant.Scope, string) (prompt.Prompt, error) {
	return prompt.Prompt{}, prompt.ErrNotFound
}

func (w *world) Version(_ context.Context, _ tenant.Scope, which id.Prompt, number int) (prompt.Version, error) {
	if which != "prompt_reply" || number > 2 {
		return prompt.Version{}, prompt.ErrVersion
	}
	return prompt.Version{Number: number, Content: prompt.Content{
		Messages: []prompt.Message{{Role: "system", Text: "You answer for {{product}} in {{sentences}} sentences."}}, Alias: "support",
		Variables: []template.Variable{{Name: "product", Kind: template.String, Required: true}, {Name: "sentences", Kind: template.Number}},
	}}, nil
}

// registry is the prompts as the page lists and saves them.
type registry struct{ *world }

func (r registry) List(ctx context.Context, in tenant.Scope, _ prompt.Filter, _ string, _ int) ([]prompt.Prompt, bool, error) {
	p, err := r.Prompt(ctx, in, "prompt_reply")
	return []prompt.Prompt{p}, false, err
}

func (r registry) Create(_ context.Context, _ tenant.Scope, n prompt.New) (prompt.Prompt, prompt.Version, error) {
	if n.Name == "" {
		return prompt.Prompt{}, prompt.Version{}, prompt.ErrInvalid.Say("A prompt has a name.").At("name")
	}
	r.saved, r.labels = n.Content, n.Labels
	return prompt.Prompt{ID: "prompt_reply", Name: n.Name}, prompt.Version{Number: 1}, nil
}

func (r registry) Publish(_ context.Context, _ tenant.Scope, which id.Prompt, c prompt.Content, _ string, labels []string, _ func(prompt.Prompt) error) (prompt.Prompt, prompt.Version, error) {
	r.saved, r.labels = c, labels
	return prompt.Prompt{ID: which, Name: "reply-writer"}, prompt.Version{Number: 2}, nil
}

type aliases struct{}

func (aliases) List(context.Context, tenant.Scope, string, string, int) ([]alias.Alias, bool, error) {
	return []alias.Alias{{Name: "support", Route: alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o"}}}}}, false, nil
}

type prices struct{}

func (prices) Cost(_ context.Context, _ tenant.Scope, _, _ string, input, output int64) (money.NanoUSD, bool, error) {
	return money.NanoUSD(1000*input + 4000*output), true, nil
}

type teams struct{}

func (teams) Teams(context.Context, tenant.Scope, id.Team, int) ([]account.Team, error) {
	return []account.Team{{ID: "team_support", Name: "Support"}, {ID: "team_search", Name: "Search"}}, nil
}

func (w *world) Call(context.Context, tenant.Scope, id.Call) (calllog.Entry, error) {
	return w.call, nil
}

func (w *world) Peek(context.Context, tenant.Scope, id.Team) (playground.Till, bool, error) {
	st := budget.Standing{Meters: []budget.Meter{{Period: budget.Month, Limit: 5_000_000_000, Spent: 1_250_000_000}}}
	return playground.Till{Team: account.Team{ID: "team_support", Name: "Support"}, Key: key.Key{ID: "key_play", Name: "playground of Support"}, Budget: "bud_play", Left: &st}, true, nil
}

func (w *world) Ask(_ context.Context, _ tenant.Scope, _ id.Team, set playground.Setup, column int, got func(playground.Piece)) (playground.Answer, error) {
	w.asked = append(w.asked, set)
	if got != nil {
		got(playground.Piece{Text: "Hel"})
	}
	return w.answers[column], nil
}

func (w *world) Start(_ context.Context, _ tenant.Scope, n playground.NewRun) (playground.Run, error) {
	w.made = n
	return playground.Run{ID: "prun_new"}, nil
}

func (w *world) Run(context.Context, tenant.Scope, id.PlaygroundRun) (playground.Run, error) {
	return w.run, nil
}

func (w *world) Runs(context.Context, tenant.Scope, id.PlaygroundRun, int) ([]playground.Run, bool, error) {
	if w.run.ID == "" {
		return nil, false, nil
	}
	return []playground.Run{w.run}, true, nil
}

func (w *world) Lines(context.Context, tenant.Scope, id.PlaygroundRun, int, int) ([]playground.Line, bool, error) {
	return w.lines, true, nil
}

func (w *world) Totals(context.Context, tenant.Scope, *playground.Run) ([]playground.Total, error) {
	return []playground.Total{{OK: 1, Failed: 1, Cost: 2_000, Median: 1200 * time.Millisecond, Input: 12, Output: 4, Passed: []int{1}, Scored: 1, MeanScore: 0.5, Unpriced: 1}}, nil
}

func open() (*world, Page) {
	w := &world{}
	w.Service = playground.NewService(playground.Deps{Prompts: w, Aliases: aliases{}, Prices: prices{}, Now: pagetest.Now})
	call, _ := id.ParseCall("call_06h0c6dffnt5hczxfzq8kbmh1r")
	w.answers = []playground.Answer{
		{Call: call, Status: 200, Text: "First <b>.\n\nSecond.", Finish: "stop", Provider: "openai", Model: "gpt-4o", Prompt: "reply-writer@1", Input: 1204, Output: 33, Cost: 8_682_000, First: 512 * time.Millisecond, Took: 3210 * time.Millisecond},
		{Call: call, Status: 200, Tools: []playground.ToolCall{{Name: "look", Arguments: `{"a":1}`}}, Finish: "tool_calls", Provider: "sandbox", Model: "echo-mini", Cost: 4_980_000, First: time.Millisecond, Took: time.Second},
		{Call: call, Status: 402, Error: "The budget is spent until 1 December.", Code: "budget.exceeded", Cost: -1},
	}
	return w, Page{Bench: w, Prompts: registry{w}, Aliases: aliases{}, Teams: teams{}, Calls: w, Gateway: "https://gateway.example", Site: "https://site.example"}
}

// post is a visit by a form.
func post(form url.Values) *page.Visit {
	r := httptest.NewRequest("POST", Path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_ = r.ParseForm() // it was encoded here
	login := account.Login{Scope: tenant.Authenticated("org_a", tenant.Actor{User: "user_lena"}, tenant.Developer)}
	return page.NewVisit(r, login, account.Visitor{}, pagetest.Now(), "req_1", func(string) string { return "prun_1" })
}

func three(more ...string) url.Values {
	q := url.Values{
		"message": {"I was charged twice."}, "v-product": {"Fernhill"}, "v-sentences": {"3"}, "team": {"team_support"},
		"model-0": {""}, "prompt-0": {"prompt_reply:production"}, "base-0": {"prompt_reply:production"},
		"model-1": {"sandbox/echo-mini"}, "temperature-1": {"0.2"}, "max_tokens-1": {"600"}, "model-2": {"support"}, "prompt-2": {"prompt_reply@2"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return q
}

func TestThePageIsWhatItWas(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]func(w *world, p Page) (page.Reply, error){
		"empty": func(_ *world, p Page) (page.Reply, error) {
			return p.Show(t.Context(), pagetest.Visit(Path, tenant.Developer, nil))
		},
		"answers": func(_ *world, p Page) (page.Reply, error) { return p.Act(t.Context(), post(three("do", "run"))) },
		"runs": func(w *world, p Page) (page.Reply, error) {
			w.run = playground.Run{ID: "prun_1", Name: "Refunds", Status: playground.Running, Rows: 12, Asked: 5, Failed: 1, Setup: playground.Setup{Columns: make([]playground.Column, 2)}, CreatedAt: pagetest.Now()}
			return p.Runs(t.Context(), pagetest.Visit(RunsPath, tenant.Developer, nil))
		},
		"run": func(w *world, p Page) (page.Reply, error) {
			score := 0.5
			w.run = playground.Run{
				ID: "prun_1", Name: "Refunds", Status: playground.Paused, Reason: "The budget is spent until 1 December.", Rows: 3, Asked: 2, Failed: 1,
				Setup: playground.Setup{Columns: []playground.Column{{Prompt: "prompt_reply", Version: 2}}}, Checks: []playground.Check{{Kind: playground.Contains}},
			}
			w.lines = []playground.Line{
				{Row: playground.Row{Number: 1, Variables: map[string]json.RawMessage{"product": []byte(`"<i>"`)}, Expected: "yes"}, Results: []playground.Result{{Answer: w.answers[0], Verdicts: []playground.Verdict{{Kind: playground.Contains, OK: true}}, Score: &score, Note: "short"}}},
				{Row: playground.Row{Number: 2}, Results: []playground.Result{{Answer: w.answers[2], Verdicts: []playground.Verdict{{Kind: playground.Contains}}}}},
				{Row: playground.Row{Number: 3}, Results: []playground.Result{{Pending: true}}},
			}
			return p.Run(t.Context(), pagetest.Visit(RunsPath+"/prun_1", tenant.Developer, map[string]string{"id": "prun_1"}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, p := open()
			r, err := reply(w, p)
			if err != nil {
				t.Fatal(err)
			}
			golden.Equal(t, name+".html", pagetest.HTML(t, r))
		})
	}
}

func TestColumnsComeAndGo(t *testing.T) {
	t.Parallel()
	_, p := open()
	for do, want := range map[string]int{"add": 3, "drop.2": 2, "drop.0": 2, "update": 3, "drop.9": 3} {
		r, err := p.Act(t.Context(), post(three("do", do)))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(pagetest.HTML(t, r)), "data-column="); n != want {
			t.Errorf("%s leaves %d columns, want %d", do, n, want)
		}
	}
}

func TestVariablesAreSentAsThePromptDeclaresThem(t *testing.T) {
	t.Parallel()
	w, p := open()
	if _, err := p.Act(t.Context(), post(three("do", "run.0", "v-extra", ""))); err != nil {
		t.Fatal(err)
	}
	if len(w.asked) != 1 {
		t.Fatalf("%d columns were asked", len(w.asked))
	}
	got := w.asked[0].Variables
	if string(got["sentences"]) != "3" || string(got["product"]) != `"Fernhill"` || len(got) != 2 {
		t.Errorf("variables = %s", got)
	}
}

func TestADraftOfAnotherPromptIsLeftOut(t *testing.T) {
	t.Parallel()
	w, p := open()
	form := three("do", "run.0", "draft-0", "system:\nNew text", "base-0", "prompt_reply@2")
	if _, err := p.Act(t.Context(), post(form)); err != nil || w.asked[0].Columns[0].Draft != "" {
		t.Errorf("the text of v2 went with production: %+v, %v", w.asked, err)
	}
	form.Set("base-0", "prompt_reply:production")
	if _, err := p.Act(t.Context(), post(form)); err != nil || w.asked[1].Columns[0].Draft == "" {
		t.Errorf("the edited text was lost: %v", err)
	}
}

func TestAStreamTellsPiecesAndThenTheResult(t *testing.T) {
	t.Parallel()
	_, p := open()
	r, err := p.Stream(t.Context(), post(three("column", "0")))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := r.Events(t.Context(), func(event, data string) error {
		got = append(got, event+" "+data)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0] != `piece {"text":"Hel"}` || !strings.HasPrefix(got[1], "done ") || !strings.Contains(got[1], "First &lt;b&gt;.") {
		t.Errorf("events = %q", got)
	}
	if _, err := p.Stream(t.Context(), post(three("column", "7"))); !errors.Is(err, errColumn) {
		t.Errorf("a column that is not there: %v", err)
	}
}

func TestAColumnIsSavedWithItsSettings(t *testing.T) {
	t.Parallel()
	w, p := open()
	form := three("do", "save", "save_column", "2", "save_label", "staging", "keep_case", "on", "draft-2", "system:\nShorter, for {{product}}, in {{tone}}.", "base-2", "prompt_reply@2", "temperature-2", "0.1", "v-tone", "calm")
	r, err := p.Act(t.Context(), post(form))
	if err != nil || r.Status != 201 {
		t.Fatalf("save = %d, %v", r.Status, err)
	}
	c := w.saved
	if len(c.Messages) != 1 || c.Messages[0].Text != "Shorter, for {{product}}, in {{tone}}." || string(c.Parameters) != `{"temperature":0.1}` || c.Alias != "support" {
		t.Errorf("content = %+v", c)
	}
	if n := len(c.Variables); n != 3 || c.Variables[2].Name != "tone" || !c.Variables[2].Required {
		t.Errorf("variables = %+v", c.Variables)
	}
	if len(c.Cases) != 1 || string(c.Cases[0].Variables["sentences"]) != "3" || len(w.labels) != 1 {
		t.Errorf("cases = %+v, labels = %v", c.Cases, w.labels)
	}
	if r, err := p.Act(t.Context(), post(three("do", "save", "save_column", "1", "draft-1", "Be plain."))); err != nil || r.Status != 400 {
		t.Errorf("a new prompt without a name = %d, %v", r.Status, err)
	}
}

func TestALoggedCallIsOpenedAsFarAsItIsKnown(t *testing.T) {
	t.Parallel()
	w, p := open()
	w.call = calllog.Entry{Record: calllog.Record{Alias: "support", Team: "team_support", Payload: &calllog.Payload{Request: []byte(
		`{"model":"support","temperature":0.7,"messages":[{"role":"system","content":"Use {{braces}}."},{"role":"user","content":[{"type":"text","text":"Hello?"}]}],"tools":[{"type":"function","function":{"name":"look"}}]}`)}}}
	v := pagetest.Visit(Path+"?call=call_06h0c6dffnt5hczxfzq8kbmh1r", tenant.Developer, nil)
	f, err := p.opened(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	c := f.Columns[0]
	if f.Message != "Hello?" || c.Model != "support" || c.Temperature != "0.7" || c.Draft != "system:\nUse \\{{braces}}.\n" || !strings.Contains(f.Tools, "look") {
		t.Errorf("form = %+v", f)
	}
	w.call.Payload, w.call.Prompt, w.call.PromptVersion = nil, "prompt_reply", 2
	if f, err = p.opened(t.Context(), v); err != nil || f.Columns[0].Prompt != "prompt_reply@2" || f.Message != "" {
		t.Errorf("a call whose body was not kept = %+v, %v", f, err)
	}
	if _, err := p.opened(t.Context(), pagetest.Visit(Path+"?call=call_x", tenant.Developer, nil)); !errors.Is(err, calllog.ErrNotFound) {
		t.Errorf("no call: %v", err)
	}
	billing := pagetest.Visit(Path+"?call=call_06h0c6dffnt5hczxfzq8kbmh1r", tenant.Billing, nil)
	if _, err := p.opened(t.Context(), billing); !errors.Is(err, tenant.ErrForbidden) {
		t.Errorf("somebody who may not read calls: %v", err)
	}
}

func TestADatasetStartsARun(t *testing.T) {
	t.Parallel()
	w, p := open()
	form := three("do", "dataset", "run_name", "Refunds", "rows", "product\nx", "check_matches", `^\d+$`, "judge", "support", "rubric", "short")
	form["check"] = []string{"contains", "matches"}
	r, err := p.Act(t.Context(), post(form))
	if err != nil || r.To != RunsPath+"/prun_new" {
		t.Fatalf("%+v, %v", r, err)
	}
	n := w.made
	if n.Name != "Refunds" || string(n.Dataset) != "product\nx" || len(n.Checks) != 2 || n.Checks[1].Value != `^\d+$` || n.Judge == nil || len(n.Setup.Columns) != 3 {
		t.Errorf("run = %+v", n)
	}
	form.Del("rows")
	if r, err := p.Act(t.Context(), post(form)); err != nil || r.Status != 400 {
		t.Errorf("a run without rows = %d, %v", r.Status, err)
	}
}
