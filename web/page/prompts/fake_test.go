package prompts

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/alias"
	"tollgate/internal/experiment"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/exchange"
	"tollgate/internal/prompt/promptstat"
	"tollgate/internal/prompt/template"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/page/pagetest"
)

// registry is a registry of prompts in memory, as far as pages need one. What it does not have is a nil method: a page that asks for more
// fails its test.
type registry struct {
	Service
	prompts  []prompt.Prompt
	versions map[id.Prompt][]prompt.Version // from 1
	moves    []prompt.Move
	requests []prompt.Request
	comments []prompt.Comment
	rules    prompt.Rules

	saved []prompt.Content // what was published or created
	put   []string         // labels that were put on it
	calls []string         // what else was asked for
	fails error            // what the next change answers
}

func (r *registry) at(which id.Prompt) *prompt.Prompt {
	for i := range r.prompts {
		if r.prompts[i].ID == which {
			return &r.prompts[i]
		}
	}
	return nil
}

func (r *registry) Prompt(_ context.Context, _ tenant.Scope, which id.Prompt) (prompt.Prompt, error) {
	if p := r.at(which); p != nil {
		return *p, nil
	}
	return prompt.Prompt{}, prompt.ErrNotFound
}

func (r *registry) List(_ context.Context, _ tenant.Scope, f prompt.Filter, _ string, _ int) ([]prompt.Prompt, bool, error) {
	var out []prompt.Prompt
	for _, p := range r.prompts {
		if p.ArchivedAt.IsZero() != f.Archived {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b prompt.Prompt) int { return strings.Compare(a.Name, b.Name) })
	return out, false, nil
}

func (r *registry) Versions(_ context.Context, _ tenant.Scope, which id.Prompt, before, limit int) ([]prompt.Version, bool, error) {
	out := slices.Clone(r.versions[which])
	slices.Reverse(out)
	out = slices.DeleteFunc(out, func(v prompt.Version) bool { return before != 0 && v.Number >= before })
	return out[:min(len(out), limit)], len(out) > limit, nil
}

func (r *registry) Version(_ context.Context, _ tenant.Scope, which id.Prompt, n int) (prompt.Version, error) {
	if list := r.versions[which]; n > 0 && n <= len(list) {
		return list[n-1], nil
	}
	return prompt.Version{}, prompt.ErrVersion
}

func (r *registry) Named(name string) (prompt.Prompt, bool) {
	at := slices.IndexFunc(r.prompts, func(p prompt.Prompt) bool { return p.Name == name })
	if at < 0 {
		return prompt.Prompt{}, false
	}
	return r.prompts[at], true
}

// library is the registry as prompts that take others in see it.
type library struct{ *registry }

func (l library) Prompt(which id.Prompt) (prompt.Prompt, bool) {
	p := l.at(which)
	if p == nil {
		return prompt.Prompt{}, false
	}
	return *p, true
}

func (l library) Content(which id.Prompt, n int) (prompt.Content, bool) {
	if list := l.versions[which]; n > 0 && n <= len(list) {
		return list[n-1].Content, true
	}
	return prompt.Content{}, false
}

func (r *registry) Check(_ context.Context, _ tenant.Scope, self id.Prompt, _ prompt.Kind, c prompt.Content) ([]prompt.Mistake, []prompt.Outcome, error) {
	compiled, _, mistakes := prompt.Link(library{r}, self, c)
	if compiled == nil {
		return mistakes, nil, nil
	}
	return nil, compiled.Try(c.Cases), nil
}

func (r *registry) Create(_ context.Context, _ tenant.Scope, n prompt.New) (prompt.Prompt, prompt.Version, error) {
	if r.fails != nil {
		return prompt.Prompt{}, prompt.Version{}, r.fails
	}
	r.saved, r.put = append(r.saved, n.Content), n.Labels
	return prompt.Prompt{ID: "prompt_new", Name: n.Name, Latest: 1}, prompt.Version{Number: 1}, nil
}

func (r *registry) Publish(_ context.Context, _ tenant.Scope, which id.Prompt, c prompt.Content, _ string, labels []string, check func(prompt.Prompt) error) (prompt.Prompt, prompt.Version, error) {
	p := *r.at(which)
	if err := check(p); err != nil {
		return p, prompt.Version{}, err
	}
	if r.fails != nil {
		return p, prompt.Version{}, r.fails
	}
	r.saved, r.put = append(r.saved, c), labels
	was, _ := prompt.HashOf(r.versions[which][p.Latest-1].Content)
	if is, _ := prompt.HashOf(c); is == was {
		return p, prompt.Version{Number: p.Latest}, nil
	}
	p.Latest++
	return p, prompt.Version{Number: p.Latest}, nil
}

func (r *registry) Rules(context.Context, tenant.Scope) (prompt.Rules, error) { return r.rules, nil }

func (r *registry) Moves(context.Context, tenant.Scope, id.Prompt, int) ([]prompt.Move, error) {
	return r.moves, nil
}

func (r *registry) Requests(context.Context, tenant.Scope, prompt.RequestFilter, id.PromptRequest, int) ([]prompt.Request, bool, error) {
	return r.requests, false, nil
}

func (r *registry) Comments(context.Context, tenant.Scope, id.Prompt, id.PromptComment, int) ([]prompt.Comment, bool, error) {
	return r.comments, false, nil
}

func (r *registry) UsedBy(context.Context, tenant.Scope, id.Prompt) ([]prompt.User, error) {
	return []prompt.User{{Use: prompt.Use{Prompt: "prompt_tone", Number: 2}, Name: "style/letter"}}, nil
}

func (r *registry) SetLabel(_ context.Context, _ tenant.Scope, which id.Prompt, label string, n int, check func(prompt.Prompt) error) (prompt.Prompt, error) {
	p := *r.at(which)
	if err := check(p); err != nil {
		return p, err
	}
	r.calls = append(r.calls, label+" to "+versionText(n))
	return p, r.fails
}

func (r *registry) Ramp(_ context.Context, _ tenant.Scope, _ id.Prompt, label string, to int, plan prompt.Plan, _ string, _ func(prompt.Prompt) error) (prompt.Prompt, error) {
	shares := ""
	for _, s := range plan.Shares {
		shares += " " + percent(s)
	}
	r.calls = append(r.calls, "ramp "+label+" to "+versionText(to)+shares+" every "+plan.Pause.String())
	return prompt.Prompt{}, r.fails
}

func (r *registry) Ask(_ context.Context, _ tenant.Scope, _ id.Prompt, w prompt.Wish) (prompt.Request, error) {
	r.calls = append(r.calls, "ask "+w.Label+" to "+versionText(w.To))
	return prompt.Request{}, r.fails
}

func (r *registry) Schedule(_ context.Context, _ tenant.Scope, _ id.Prompt, w prompt.Wish) (prompt.Request, error) {
	r.calls = append(r.calls, "plan "+w.Label+" at "+w.At.Format(time.RFC3339))
	return prompt.Request{}, r.fails
}

type bound []alias.Alias

func (b bound) List(context.Context, tenant.Scope, string, string, int) ([]alias.Alias, bool, error) {
	return b, false, nil
}

type untried struct{}

func (untried) List(context.Context, tenant.Scope, experiment.Filter, id.Experiment, int) ([]experiment.Experiment, bool, error) {
	return nil, false, nil
}

type crew struct{}

func (crew) Members(_ context.Context, _ tenant.Scope, after id.User, _ int) ([]account.Member, error) {
	if after != "" {
		return nil, nil
	}
	return []account.Member{{User: account.User{ID: "user_lena", Name: "Lena"}}, {User: account.User{ID: "user_max", Name: "Max"}}}, nil
}

func (crew) Tokens(context.Context, tenant.Scope, id.Token, int) ([]account.Token, error) {
	return nil, nil
}

// spentBy is what the prompts of the sample carried: the reply writer at $0.0066 a call, dearer than in the month before.
type spentBy struct{}

func (spentBy) Costs(_ context.Context, _ tenant.Scope, q usage.Query) (usage.Costs, error) {
	row := func(which string, calls int64, each money.NanoUSD) usage.Row {
		return usage.Row{Values: map[usage.Dimension]string{usage.Prompt: which}, Calls: calls, Errors: calls / 100, Cost: each * money.NanoUSD(calls)}
	}
	rows := []usage.Row{row("prompt_reply", 1000, 6_644_000), row("prompt_tone", 200, 1_000_000), row("", 500, 2_000_000)}
	if q.To.Before(pagetest.Now()) {
		rows = []usage.Row{row("prompt_reply", 900, 5_000_000)}
	}
	out := usage.Costs{UpTo: pagetest.Now().Add(-11 * time.Second), Rows: rows}
	for _, r := range rows {
		out.Total.Calls += r.Calls
		out.Total.Cost += r.Cost
	}
	return out, nil
}

type measuredBy struct{}

func (measuredBy) Metrics(_ context.Context, _ tenant.Scope, q promptstat.Query) (promptstat.Metrics, error) {
	day := pagetest.Now().UTC().Truncate(24 * time.Hour)
	sum := func(calls int64, each money.NanoUSD) promptstat.Figures {
		f := promptstat.Figures{Calls: calls, Errors: calls / 100, Cost: each * money.NanoUSD(calls), Input: calls * 1200, Output: calls * 150, Cached: calls * 500}
		f.Scores = map[string]promptstat.Score{"accepted": {N: calls / 2, Sum: float64(calls) * 0.4}}
		return f
	}
	if q.Prompt != "prompt_reply" {
		return promptstat.Metrics{}, nil
	}
	out := promptstat.Metrics{All: sum(1000, 6_644_000)}
	if q.By == promptstat.ByLabel {
		out.Rows = []promptstat.Row{{Label: "production", Versions: []int{1, 2}, Figures: sum(1000, 6_644_000)}}
		return out, nil
	}
	out.Rows = []promptstat.Row{
		{Version: 3, Figures: sum(100, 4_000_000), Days: []promptstat.Day{{At: day, Calls: 100}}},
		{Version: 2, Figures: sum(900, 6_940_000), Days: []promptstat.Day{{At: day.AddDate(0, 0, -1), Calls: 500}, {At: day, Calls: 400}}},
	}
	return out, nil
}

func (measuredBy) Compare(_ context.Context, _ tenant.Scope, q promptstat.Pair) (promptstat.Comparison, error) {
	return promptstat.Comparison{
		A: promptstat.Side{Version: q.A, Calls: 900, Units: 900}, B: promptstat.Side{Version: q.B, Calls: 100, Units: 100}, Words: "Seen in traffic, not dealt at random: what called them may differ too.",
		Lines: []promptstat.Line{
			{Metric: "cost_per_call", Unit: "usd", A: 0.00694, B: 0.004, UnitsA: 900, UnitsB: 100, Known: true, Mean: -0.424, Low: -0.46, High: -0.38, Relative: true, Verdict: promptstat.Lower, Words: "42.4% less, between 46.0% and 38.0%."},
			{Metric: "error_rate", Unit: "share", A: 0.01, B: 0.02, UnitsA: 900, UnitsB: 100, Known: true, Mean: 0.01, Low: -0.02, High: 0.04, Verdict: promptstat.Similar, Words: "No difference can be seen."},
			{Metric: "score:accepted", Unit: "score", A: 0.8, B: 0.82, UnitsA: 450, UnitsB: 12, Verdict: promptstat.TooFew, Words: "Too few to say."},
		},
	}, nil
}

func (measuredBy) Scores(context.Context, tenant.Scope, time.Time, time.Time) (map[id.Prompt]map[string]promptstat.Score, error) {
	return map[id.Prompt]map[string]promptstat.Score{"prompt_reply": {"accepted": {N: 500, Sum: 400}}}, nil
}

// files takes one prompt in and refuses another.
type files struct{ orders []exchange.Order }

func (f *files) Import(_ context.Context, _ tenant.Scope, o exchange.Order) (exchange.Report, error) {
	f.orders = append(f.orders, o)
	return exchange.Report{DryRun: o.DryRun, Rows: []exchange.Row{
		{Name: "support/greeting", From: o.Files[0].Path, State: exchange.Created, Notes: []string{"temperature_decay means nothing here."}},
		{Name: "support/broken", From: o.Files[0].Path, State: exchange.Refused, Err: exchange.ErrSkipped.Say("Line 3: a macro has no meaning here.")},
	}}, nil
}

func (*files) FromCall(context.Context, tenant.Scope, id.Call) (exchange.Draft, error) {
	return exchange.Draft{Kind: prompt.Chat, Content: prompt.Content{Messages: []prompt.Message{{Role: "user", Text: "Hello"}}}, Notes: []string{"An image was left out."}}, nil
}

func text(raw string) json.RawMessage { return json.RawMessage(`"` + raw + `"`) }

// full is content with everything that a version can say.
func full() prompt.Content {
	return prompt.Content{
		Messages: []prompt.Message{
			{Role: "system", Text: "\nYou answer customers of {{product}}.\n{{#each articles as a, i}}\n- {{a | xml}} <b>\n{{/each}}\n"},
			{Placeholder: "history"},
			{Role: "user", Text: "{{question}} & {{user.city}}"},
		},
		Variables: []template.Variable{
			{Name: "product", Kind: template.Enum, Values: []string{"Lamp", "Sofa, red"}, Default: text("Lamp"), Description: "What it is about"},
			{Name: "articles", Kind: template.List, Default: json.RawMessage(`["a", "b"]`), MaxLength: 9},
			{Name: "question", Kind: template.String, Required: true, MaxLength: 400},
			{Name: "user", Kind: template.Any},
			{Name: "strict", Kind: template.Boolean, Default: json.RawMessage("true")},
			{Name: "n", Kind: template.Number, Default: json.RawMessage("4.50")},
		},
		Escape: template.Line, Alias: "support-reply", Parameters: json.RawMessage(`{"stop":["END"],"temperature":0.30,"max_tokens":800,"seed":7}`),
		Tools: json.RawMessage(`[{"type":"function","function":{"name":"look","parameters":{}}}]`), Schema: json.RawMessage(`{"type":"object"}`), Config: json.RawMessage(`{"ui":"blue"}`),
		Refs: map[string]prompt.Ref{"style/tone": {Prompt: "prompt_tone", Label: "production"}},
		Cases: []prompt.Case{
			{Name: "polite", Variables: map[string]json.RawMessage{"question": text("Why?")}, Assert: []prompt.Assertion{{Kind: prompt.Contains, Value: "Why?"}, {Kind: prompt.AtMost, Value: "5000"}}},
			{Name: "lines", Variables: map[string]json.RawMessage{"question": text("Who?")}, Assert: []prompt.Assertion{{Kind: prompt.Lacks, Value: "two\nlines"}}},
		},
	}
}

func sampleRegistry() *registry {
	at := func(days int) time.Time { return pagetest.Now().AddDate(0, 0, -days) }
	second := full()
	second.Messages = slices.Clone(second.Messages)
	second.Messages[0].Text = "\nYou answer customers of {{product}} and guess.\n{{#each articles as a, i}}\n- {{a | xml}} <b>\n{{/each}}\n"
	second.Parameters = json.RawMessage(`{"stop":["END"],"temperature":0.2,"max_tokens":800,"seed":7}`)
	second.Variables = second.Variables[:5]
	return &registry{
		prompts: []prompt.Prompt{
			{
				ID: "prompt_reply", Name: "support/reply", Kind: prompt.Chat, Description: "Answers customers.", Tags: []string{"mail"}, Latest: 3, Labels: map[string]int{"production": 2, "staging": 3},
				Ramps: map[string]prompt.Ramp{"production": {To: 3, Share: 1000, NextAt: pagetest.Now().Add(30 * time.Minute)}}, Revision: 7, CreatedAt: at(40), UpdatedAt: at(1), UpdatedBy: "user_max",
			},
			{ID: "prompt_tone", Name: "style/tone", Kind: prompt.Text, Latest: 1, Labels: map[string]int{"production": 1}, Revision: 1, CreatedAt: at(30), UpdatedAt: at(30), UpdatedBy: "user_lena"},
			{ID: "prompt_bare", Name: "draft", Kind: prompt.Text, Latest: 1, Labels: map[string]int{}, Revision: 1, CreatedAt: at(3), UpdatedAt: at(3), UpdatedBy: "user_lena"},
			{ID: "prompt_old", Name: "old", Kind: prompt.Text, Latest: 1, Labels: map[string]int{}, Revision: 2, CreatedAt: at(60), UpdatedAt: at(50), ArchivedAt: at(50), UpdatedBy: "user_lena"},
		},
		versions: map[id.Prompt][]prompt.Version{
			"prompt_reply": {
				{Number: 1, Content: full(), Author: "user_lena", Message: "First", CreatedAt: at(40)},
				{Number: 2, Content: full(), Author: "user_lena", Message: "Only the knowledge base", CreatedAt: at(20)},
				{Number: 3, Content: second, Author: "user_max", CreatedAt: at(1), Hash: "ab12"},
			},
			"prompt_tone": {{Number: 1, Content: prompt.Content{Text: "Be plain."}, Author: "user_lena", CreatedAt: at(30)}},
			"prompt_bare": {{Number: 1, Content: prompt.Content{Text: "Be {{mood}}.", Variables: []template.Variable{{Name: "mood", Kind: template.String, Required: true}}}, Author: "user_lena", CreatedAt: at(3)}},
			"prompt_old":  {{Number: 1, Content: prompt.Content{Text: "Gone."}, Author: "user_lena", CreatedAt: at(60)}},
		},
		moves: []prompt.Move{
			{Label: "production", Was: 2, Is: 3, Share: 1000, At: at(0).Add(-time.Hour), By: "user_max"},
			{Label: "staging", Is: 3, At: at(1), By: "user_max"},
			{Label: "production", Was: 1, Is: 2, At: at(19), By: "user_lena", Why: "Half the input"},
		},
		requests: []prompt.Request{{
			ID: "preq_1", Prompt: "prompt_reply", Name: "support/reply", From: 3, Wish: prompt.Wish{Label: "staging", To: 2, Why: "It guesses"}, State: prompt.Waiting, AskedBy: "user_max", AskedAt: at(0).Add(-2 * time.Hour),
		}},
		comments: []prompt.Comment{{ID: "pcom_1", Prompt: "prompt_reply", Version: 3, Text: "Does it guess now?\nI think so.", Author: "user_lena", CreatedAt: at(1)}},
		rules:    prompt.Rules{Protected: []string{"production"}, Environments: map[string]string{"staging": "staging"}, Revision: 2},
	}
}

func pages(r *registry) Prompts {
	return Prompts{
		Prompts: r, Aliases: bound{{ID: "alias_reply", Name: "support-reply", Route: alias.Route{Prompt: &alias.Prompt{ID: "prompt_reply"}}}}, Experiments: untried{}, Usage: spentBy{}, Stats: measuredBy{},
		Exchange: &files{}, People: crew{}, Gateway: "https://gateway.example",
	}
}

func reply() map[string]string { return map[string]string{"id": "prompt_reply"} }

// refusing is an exchange that reaches nobody.
type refusing struct{ Exchange }

func (refusing) Import(context.Context, tenant.Scope, exchange.Order) (exchange.Report, error) {
	return exchange.Report{}, exchange.ErrAddress
}
