package aliases

import (
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/credential"
	"tollgate/internal/experiment"
	"tollgate/internal/provider"
	"tollgate/internal/usage"
	"tollgate/web/page"
	"tollgate/web/page/client"
	"tollgate/web/page/pagetest"
	"tollgate/web/ui"
)

func noon() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

func sample() (alias.Alias, names) {
	a := alias.Alias{ID: "alias_1", Name: "fast-classifier", Version: 12, Route: alias.Route{
		Targets: []alias.Target{{Provider: "anthropic", Model: "claude-haiku-4-5", Credential: "cred_eu"}, {Provider: "openai", Model: "gpt-4o-mini"}},
		Timeout: 20 * time.Second, OnDisconnect: alias.Drain,
	}}
	known := names{
		vendors:     []provider.Vendor{{ID: "anthropic", Name: "Anthropic", Auth: "bearer"}, {ID: "openai", Name: "OpenAI", Auth: "bearer"}, {ID: "sandbox", Name: "Sandbox", Auth: "none"}},
		credentials: []credential.Credential{{ID: "cred_eu", Provider: "anthropic", Name: "anthropic-eu"}},
	}
	return a, known
}

// carried is a fortnight of traffic, with an hour in which a place failed.
func carried() traffic {
	week := usage.Row{Calls: 112_380, Errors: 240, Cost: 19_280_000_000}
	strip := make([]ui.Health, stripHours)
	for i := range strip {
		strip[i] = ui.Healthy
	}
	strip[15], strip[16] = ui.Slow, ui.Failing
	return traffic{
		Week: week, Before: usage.Row{Calls: 100_000, Errors: 90, Cost: 19_000_000_000}, Calls: []int64{1, 2, 3, 4, 5, 6, 7}, Costs: []int64{7, 6, 5, 4, 3, 2, 1}, Errors: make([]int64, 7),
		FirstToken: usage.Latency{FirstByteP95: 311 * time.Millisecond}, Was: usage.Latency{FirstByteP95: 340 * time.Millisecond},
		Day:      map[place]placeDay{{"anthropic", "claude-haiku-4-5"}: {Row: usage.Row{Calls: 9_000, Errors: 40, Cost: 1_700_000_000}, Strip: strip, bad: 1, slow: 1}},
		DayCalls: 12_000, Callers: []caller{{"support-triage-prod", "/keys/key_1", week}}, UpTo: noon().Add(-11 * time.Second),
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	a, known := sample()
	f := of(a.Route)
	f.ID, f.Name, f.Version, f.Names, f.Models = a.ID, a.Name, a.Version, known, []suggestion{{"claude-haiku-4-5", "Anthropic"}}
	pagetest.Golden(t, "edit", edit(f))
	all := of(full())
	all.ID, all.Name, all.Version, all.Names = a.ID, a.Name, a.Version, known
	pagetest.Golden(t, "edit_full", edit(all))
	bad := form{Name: "Fast", Rows: []formRow{{By: "openai", Model: "gpt 4o"}, {}}, OnDisconnect: alias.Drain, Names: known}
	bad.Trouble = page.Trouble{Field: "route.targets.0.model", Message: "A model name has no spaces."}
	pagetest.Golden(t, "new_wrong", edit(bad))
	pagetest.Golden(t, "version", version(versionView{
		Alias: a, Version: alias.Version{Number: 12, Route: a.Route, CreatedAt: noon()}, Before: 11, Author: "growth-lead", Live: true, Clock: ui.Clock{Now: noon()},
		Changes: ui.Differ(known.lines(alias.Route{Targets: a.Route.Targets[:1]}), known.lines(a.Route)),
	}))
	pagetest.Golden(t, "delete", remove(deleteView{a, carried().Week, usage.Row{Calls: 12}, ""}))
	pagetest.Golden(t, "delete_used", remove(deleteView{a, carried().Week, usage.Row{Calls: 12}, "The tasks classification and triage lead to this alias."}))
}

func TestListLooksAsAccepted(t *testing.T) {
	t.Parallel()
	a, known := sample()
	week := carry{Row: carried().Week, days: []int64{3, 1, 4, 1, 5}}
	r := row(a, week)
	r.Tasks, r.Experiment = "classification", ui.Link{Text: "Prompt v5", Href: "/experiments/exp_1"}
	other := alias.Alias{ID: "alias_2", Name: "coder", Version: 1, Route: full()}
	pagetest.Golden(t, "list", list(listView{CanWrite: true, Rows: []listRow{r, row(other, carry{})}, Fresh: &ui.Freshness{Clock: ui.Clock{Now: noon()}, RolledTo: noon().Add(-time.Minute)}}))
	pagetest.Golden(t, "list_empty", list(listView{CanWrite: true, Templates: known.offered()}))
}

func TestDetailLooksAsAccepted(t *testing.T) {
	t.Parallel()
	a, known := sample()
	view := detailView{
		Alias: a, Traffic: carried(), CanWrite: true, CanTry: true, Clock: ui.Clock{Now: noon()}, Tasks: []string{"classification"},
		Versions: []versionRow{
			{12, "openai/gpt-4o-mini added", "growth-lead", noon().Add(-time.Hour), true},
			{11, "Created", "token ci", noon().AddDate(0, -1, 0), false},
		},
		Snippets: ui.SnippetChoice{ID: "snippet", Label: "Call it", Groups: client.New("https://gateway.example", nil, []client.Model{{Name: a.Name}}).Panel("snippet", "Call it").Groups[:1]},
	}
	view.Lanes, view.Settings = known.lanes(a.Route, view.Traffic), settingFacts(a.Route)
	pagetest.Golden(t, "detail", detail(view))
	view.Alias.Route, view.CanWrite, view.CanTry = full(), false, false
	view.Experiment = &experiment.Experiment{ID: "exp_1", Plan: experiment.Plan{Name: "Prompt v5"}}
	view.Lanes, view.Settings = known.lanes(full(), view.Traffic), settingFacts(full())
	pagetest.Golden(t, "detail_full", detail(view))
}

func TestYAMLLooksAsAccepted(t *testing.T) {
	t.Parallel()
	a, _ := sample()
	pagetest.Golden(t, "yaml", asYAML(yamlView{Alias: a, Version: 12, Text: routeText(a), CanWrite: true}))
	text := "aliases:\n  fast-classifier:\n    targets: [{model: nowhere/x}]\n"
	pagetest.Golden(t, "yaml_wrong", asYAML(yamlView{Alias: a, Version: 12, Text: text, CanWrite: true, Problems: ui.Problems([]ui.Problem{{Line: 3, Column: 16, Reason: "There is no provider “nowhere”."}}, text)}))
	pagetest.Golden(t, "yaml_checked", asYAML(yamlView{Alias: a, Version: 12, Text: routeText(a), CanWrite: true, Checked: true, Changes: []alias.Change{{Kind: alias.Changed, Alias: a.Name, Says: []string{"openai/gpt-4o-mini: weight 30 → 50"}}}}))
}
