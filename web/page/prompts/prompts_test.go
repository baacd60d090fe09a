package prompts

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"tollgate/internal/golden"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/pagetest"
)

// see asks for a page and renders it.
func see(t *testing.T, do page.Func, address string, role tenant.Role, params map[string]string) (page.Reply, []byte) {
	t.Helper()
	r, err := do(t.Context(), pagetest.Visit(address, role, params))
	if err != nil {
		t.Fatal(err)
	}
	return r, pagetest.HTML(t, r)
}

func TestPages(t *testing.T) {
	t.Parallel()
	p := pages(sampleRegistry())
	empty := pages(&registry{})
	for name, one := range map[string]struct {
		do      page.Func
		address string
		role    tenant.Role
		params  map[string]string
	}{
		"list":          {p.List, "/prompts", tenant.Admin, nil},
		"list_viewer":   {p.List, "/prompts?sort=spend&label=production", tenant.Viewer, nil},
		"list_folder":   {p.List, "/prompts?folder=support", tenant.Developer, nil},
		"list_archived": {p.List, "/prompts?archived=yes&sort=newest", tenant.Admin, nil},
		"list_empty":    {empty.List, "/prompts", tenant.Developer, nil},
		"new":           {p.NewForm, "/prompts/new?folder=support", tenant.Developer, nil},
		"new_starter":   {p.NewForm, "/prompts/new?starter=reply", tenant.Admin, nil},
		"new_call":      {p.NewForm, "/prompts/new?call=" + id.Call{}.String(), tenant.Admin, nil},
		"edit":          {p.EditForm, "/prompts/prompt_reply/edit", tenant.Developer, reply()},
		"detail":        {p.Detail, "/prompts/prompt_reply", tenant.Admin, reply()},
		"detail_viewer": {p.Detail, "/prompts/prompt_reply?from=1&to=2", tenant.Viewer, reply()},
		"detail_one":    {p.Detail, "/prompts/prompt_bare", tenant.Developer, map[string]string{"id": "prompt_bare"}},
		"detail_old":    {p.Detail, "/prompts/prompt_old", tenant.Developer, map[string]string{"id": "prompt_old"}},
		"version":       {p.Version, "/prompts/prompt_reply/versions/3", tenant.Developer, map[string]string{"id": "prompt_reply", "version": "3"}},
		"figures":       {p.Figures, "/prompts/prompt_reply/figures?days=7", tenant.Admin, reply()},
		"figures_label": {p.Figures, "/prompts/prompt_reply/figures?by=label&days=1", tenant.Viewer, reply()},
		"figures_none":  {p.Figures, "/prompts/prompt_bare/figures", tenant.Viewer, map[string]string{"id": "prompt_bare"}},
		"use":           {p.Use, "/prompts/prompt_reply/use", tenant.Viewer, reply()},
		"use_no_label":  {p.Use, "/prompts/prompt_bare/use", tenant.Viewer, map[string]string{"id": "prompt_bare"}},
		"move":          {p.MoveForm, "/prompts/prompt_reply/move?label=staging&to=2", tenant.Developer, reply()},
		"move_asking":   {p.MoveForm, "/prompts/prompt_reply/move?label=production", tenant.Developer, reply()},
		"settings":      {p.Settings, "/prompts/prompt_reply/settings", tenant.Admin, reply()},
		"settings_view": {p.Settings, "/prompts/prompt_reply/settings", tenant.Viewer, reply()},
		"settings_old":  {p.Settings, "/prompts/prompt_old/settings", tenant.Owner, map[string]string{"id": "prompt_old"}},
		"rules":         {p.Rules, "/prompts/rules", tenant.Owner, nil},
		"rules_viewer":  {p.Rules, "/prompts/rules", tenant.Viewer, nil},
		"import":        {p.ImportForm, "/prompts/import", tenant.Developer, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, html := see(t, one.do, one.address, one.role, one.params)
			golden.Equal(t, name+".html", html)
		})
	}
}

func TestViewersSeeNothingToPress(t *testing.T) {
	t.Parallel()
	p := pages(sampleRegistry())
	for address, do := range map[string]page.Func{
		"/prompts/prompt_reply": p.Detail, "/prompts/prompt_reply/settings": p.Settings, "/prompts/prompt_reply/use": p.Use, "/prompts/prompt_reply/figures": p.Figures,
	} {
		if _, html := see(t, do, address, tenant.Viewer, reply()); bytes.Contains(html, []byte(`method="post"`)) {
			t.Errorf("%s has a form for a viewer", address)
		}
	}
}

func TestPromptsOfOthersAreNotThere(t *testing.T) {
	t.Parallel()
	p := pages(sampleRegistry())
	for name, do := range map[string]page.Func{
		"detail": p.Detail, "edit": p.EditForm, "publish": p.Edit, "version": p.Version, "figures": p.Figures, "use": p.Use, "move form": p.MoveForm, "move": p.Move, "settings": p.Settings, "save": p.SaveSettings,
	} {
		v := pagetest.Posted("/prompts/prompt_theirs", tenant.Owner, map[string][]string{"to": {"1"}}, map[string]string{"id": "prompt_theirs", "version": "1"})
		if _, err := do(context.WithoutCancel(t.Context()), v); !isNotFound(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func isNotFound(err error) bool { f := faultOf(err); return f != nil && f.Code == "prompt.not_found" }

func TestTheListIsFilteredAndSorted(t *testing.T) {
	t.Parallel()
	p := pages(sampleRegistry())
	for address, want := range map[string]string{
		"/prompts":                        "draft tone reply",
		"/prompts?q=CUSTOMERS":            "reply",
		"/prompts?folder=style":           "tone",
		"/prompts?folder=sty":             "",
		"/prompts?label=staging":          "reply",
		"/prompts?label=none":             "draft",
		"/prompts?tag=mail":               "reply",
		"/prompts?sort=spend":             "reply tone draft",
		"/prompts?sort=newest":            "support/reply draft style/tone",
		"/prompts?archived=yes":           "old",
		"/prompts?label=production&tag=x": "",
	} {
		_, html := see(t, p.List, address, tenant.Viewer, nil)
		var got []string
		for _, row := range strings.Split(string(html), "<tr data-row>")[1:] {
			_, rest, _ := strings.Cut(row, `<a href="`)
			_, rest, _ = strings.Cut(rest, ">")
			name, _, _ := strings.Cut(rest, "<")
			got = append(got, name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s lists %q, want %q", address, strings.Join(got, " "), want)
		}
	}
}

func TestLongListsArePaged(t *testing.T) {
	t.Parallel()
	r := &registry{}
	for i := range 120 {
		r.prompts = append(r.prompts, prompt.Prompt{ID: "prompt_x", Name: "p" + strings.Repeat("x", i+1), Latest: 1})
	}
	p := pages(r)
	_, html := see(t, p.List, "/prompts?q=p&from=50", tenant.Viewer, nil)
	if n := strings.Count(string(html), "<tr data-row>"); n != 50 {
		t.Errorf("%d rows", n)
	}
	for _, want := range []string{"51 to 100 of 120", "from=100", `href="/prompts?q=p"`} {
		if !strings.Contains(string(html), want) {
			t.Errorf("no %q", want)
		}
	}
	if _, html = see(t, p.List, "/prompts?from=9999", tenant.Viewer, nil); !strings.Contains(string(html), "from=70") {
		t.Error("no way back from behind the end")
	}
}

func TestLabelsMove(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		form map[string][]string
		want string
		to   string
	}{
		"at once":   {map[string][]string{"label": {"staging"}, "to": {"2"}, "how": {"now"}, "standing": {"3"}}, "staging to v2", "moved"},
		"by and by": {map[string][]string{"label": {"staging"}, "to": {"2"}, "how": {"ramp"}, "shares": {"2.5, 50%, 100"}, "pause": {"90"}, "stop_over": {"1.25"}}, "ramp staging to v2 2.5% 50% 100% every 1h30m0s", "ramped"},
		"at a time": {map[string][]string{"label": {"staging"}, "to": {"2"}, "how": {"at"}, "when": {"2026-11-25T10:00"}}, "plan staging at 2026-11-25T10:00:00Z", "planned"},
		"asked for": {map[string][]string{"label": {"production"}, "to": {"3"}, "how": {"ask"}, "why": {"x"}}, "ask production to v3", "asked"},
		"taken off": {map[string][]string{"label": {"staging"}, "how": {"off"}, "standing": {"3"}}, "staging to no version", "off"},
	} {
		r := sampleRegistry()
		got, err := pages(r).Move(t.Context(), pagetest.Posted("/prompts/prompt_reply/move", tenant.Admin, one.form, reply()))
		if err != nil || strings.Join(r.calls, "; ") != one.want || got.To != "/prompts/prompt_reply?done="+one.to {
			t.Errorf("%s: %q, %q, %v", name, r.calls, got.To, err)
		}
	}
}

func TestAMoveThatCannotBeMadeIsSaidAtItsField(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		form  map[string][]string
		fails error
		want  string
	}{
		"no version":    {map[string][]string{"label": {"staging"}, "how": {"now"}}, nil, "Choose a version."},
		"no time":       {map[string][]string{"label": {"staging"}, "to": {"2"}, "how": {"at"}, "when": {"tomorrow"}}, nil, "Write the time as"},
		"no share":      {map[string][]string{"label": {"staging"}, "to": {"2"}, "how": {"ramp"}, "shares": {"1.234"}}, nil, "Write the steps in per cent"},
		"no pause":      {map[string][]string{"label": {"staging"}, "to": {"2"}, "how": {"ramp"}, "shares": {"1"}, "pause": {"soon"}}, nil, "whole number of minutes"},
		"moved since":   {map[string][]string{"label": {"staging"}, "to": {"1"}, "how": {"now"}, "standing": {"2"}}, nil, "staging stands on v3 by now"},
		"no right":      {map[string][]string{"label": {"production"}, "to": {"3"}, "how": {"now"}}, prompt.ErrProtected.At("label"), "You can ask for the move."},
		"must be asked": {map[string][]string{"label": {"production"}, "to": {"3"}, "how": {"now"}}, prompt.ErrApproval.At("label"), "You can ask for the move."},
	} {
		r := sampleRegistry()
		r.fails = one.fails
		got, err := pages(r).Move(t.Context(), pagetest.Posted("/prompts/prompt_reply/move", tenant.Admin, one.form, reply()))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if html := string(pagetest.HTML(t, got)); got.Status < http.StatusBadRequest || !strings.Contains(html, one.want) {
			t.Errorf("%s: status %d without %q", name, got.Status, one.want)
		}
	}
}

func TestRollingBackPutsTheLabelWhereItStood(t *testing.T) {
	t.Parallel()
	r := sampleRegistry()
	r.prompts[0].Ramps = nil
	_, html := see(t, pages(r).Detail, "/prompts/prompt_reply", tenant.Admin, reply())
	if !strings.Contains(string(html), `<input type="hidden" name="to" value="1">`) {
		t.Error("no way back to v1")
	}
	got, err := pages(r).RollBack(t.Context(), pagetest.Posted("/prompts/prompt_reply/rollback", tenant.Admin, map[string][]string{"label": {"production"}, "at": {"2"}, "to": {"1"}}, reply()))
	if err != nil || got.To != "/prompts/prompt_reply?done=back" || strings.Join(r.calls, "") != "production to v1" {
		t.Errorf("%q %q %v", got.To, r.calls, err)
	}
	got, err = pages(r).RollBack(t.Context(), pagetest.Posted("/prompts/prompt_reply/rollback", tenant.Admin, map[string][]string{"label": {"production"}, "at": {"3"}, "to": {"1"}}, reply()))
	if err != nil || got.Status != http.StatusPreconditionFailed || len(r.calls) != 1 {
		t.Errorf("a label that stands elsewhere was moved: %d %v %q", got.Status, err, r.calls)
	}
}
