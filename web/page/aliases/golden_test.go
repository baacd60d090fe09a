package aliases

import (
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/credential"
	"tollgate/internal/provider"
	"tollgate/internal/usage"
	"tollgate/web/page"
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

func TestPages(t *testing.T) {
	t.Parallel()
	a, known := sample()
	week := usage.Row{Calls: 112_380, Errors: 240, Cost: 19_280_000_000}
	clock := ui.Clock{Now: noon()}
	f := of(a.Route)
	f.ID, f.Name, f.Version, f.Names, f.Models = a.ID, a.Name, a.Version, known, []suggestion{{"claude-haiku-4-5", "Anthropic"}}
	pagetest.Golden(t, "edit", edit(f))
	bad := form{Name: "Fast", Rows: []formRow{{By: "openai", Model: "gpt 4o"}, {}}, OnDisconnect: alias.Drain, Names: known}
	bad.Trouble = page.Trouble{Field: targetField(0, "model"), Message: "A model name has no spaces."}
	pagetest.Golden(t, "new_wrong", edit(bad))
	pagetest.Golden(t, "list", list(listView{CanWrite: true, Rows: []listRow{row(a, week), row(alias.Alias{ID: "alias_2", Name: "coder", Version: 1, Route: alias.Route{Targets: a.Route.Targets[1:]}}, usage.Row{})}}))
	pagetest.Golden(t, "list_empty", list(listView{CanWrite: true}))
	view := detailView{
		Alias: a, Week: week, CanWrite: true, Clock: clock,
		Targets: []targetView{{0, "anthropic/claude-haiku-4-5", "Anthropic, by anthropic-eu", week}, {1, "openai/gpt-4o-mini", "OpenAI", usage.Row{}}},
		Versions: []versionRow{
			{12, "+ openai/gpt-4o-mini", "growth-lead", noon().Add(-time.Hour), true},
			{11, "Created", "token ci", noon().AddDate(0, -1, 0), false},
		},
		Callers: []caller{{"support-triage-prod", "/keys/key_1", week}},
	}
	pagetest.Golden(t, "detail", detail(view))
	pagetest.Golden(t, "version", version(versionView{
		Alias: a, Version: alias.Version{Number: 12, Route: a.Route, CreatedAt: noon()}, Before: 11, Author: "growth-lead", Live: true, Clock: clock,
		Changes: differ(known.lines(alias.Route{Targets: a.Route.Targets[:1]}), known.lines(a.Route)),
	}))
	pagetest.Golden(t, "delete", remove(deleteView{a, week, usage.Row{Calls: 12}}))
}
