package routing

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/alias"
	"tollgate/internal/alias/aliasfile"
	"tollgate/internal/id"
	"tollgate/internal/route/rehearse"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/page"
	"tollgate/web/page/pagetest"
)

const live = `tasks:
  classification: fast
aliases:
  coder:
    targets: [{model: openai/gpt-4o}]
  fast:
    targets:
      - {model: anthropic/claude-haiku-4-5, weight: 70}
      - {model: openai/gpt-4o-mini, weight: 30}
    fallbacks: [{model: openai/gpt-4o}]
`

// files is a routing file with two versions, in memory.
type files struct {
	now     alias.FileVersion
	applied []alias.Proposal
	wrong   []alias.Problem
}

func standing(t *testing.T) *files {
	t.Helper()
	doc, found := aliasfile.Parse([]byte(live))
	if len(found) > 0 {
		t.Fatal(found)
	}
	return &files{now: alias.FileVersion{Number: 31, File: doc.File.Normal(), Text: live, Author: "user_lena", Message: "Half of triage", CreatedAt: pagetest.Now().Add(-time.Hour)}}
}

func (f *files) Routing(context.Context, tenant.Scope) (alias.FileVersion, error) { return f.now, nil }

func (f *files) FileProblems(context.Context, tenant.Scope, alias.File) ([]alias.Problem, error) {
	return f.wrong, nil
}

func (f *files) Apply(_ context.Context, _ tenant.Scope, p alias.Proposal, check func(alias.FileVersion) error) (alias.FileVersion, error) {
	if err := check(f.now); err != nil {
		return alias.FileVersion{}, err
	}
	f.applied = append(f.applied, p)
	if p.File.Same(f.now.File) {
		return f.now, nil
	}
	return alias.FileVersion{Number: f.now.Number + 1}, nil
}

func (f *files) FileVersions(context.Context, tenant.Scope, int, int) ([]alias.FileVersion, bool, error) {
	old := alias.FileVersion{Number: 30, Message: "coder back to gpt-4o", Author: "user_tom", CreatedAt: pagetest.Now().AddDate(0, 0, -3)}
	return []alias.FileVersion{f.now, old}, true, nil
}

func (f *files) FileVersion(_ context.Context, _ tenant.Scope, n int) (alias.FileVersion, error) {
	switch n {
	case 31:
		return f.now, nil
	case 30:
		return alias.FileVersion{Number: 30, Text: strings.Replace(live, "gpt-4o-mini, weight: 30", "gpt-4o-mini, weight: 10", 1), File: f.now.File}, nil
	default:
		return alias.FileVersion{}, alias.ErrNoFileVersion
	}
}

func (f *files) RestoreFile(_ context.Context, _ tenant.Scope, _ int, _ string, check func(alias.FileVersion) error) (alias.FileVersion, error) {
	if err := check(f.now); err != nil {
		return alias.FileVersion{}, err
	}
	return alias.FileVersion{Number: 32}, nil
}

func (f *files) List(context.Context, tenant.Scope, string, string, int) ([]alias.Alias, bool, error) {
	return []alias.Alias{{ID: "alias_1", Name: "coder"}, {ID: "alias_2", Name: "fast"}}, false, nil
}

// rehearsal answers one effect.
type rehearsal struct{ asked alias.File }

func (r *rehearsal) Rehearse(_ context.Context, _ tenant.Scope, f alias.File) (rehearse.Result, error) {
	r.asked = f
	e := rehearse.Effect{Moved: 30_058, Refused: 3, Freed: 41, Unpriced: 12, Before: 102_770_000_000, After: 99_720_000_000}
	return rehearse.Result{Day: pagetest.Now().AddDate(0, 0, -1), Calls: 200_834, Looked: 20_000, Sampled: true, Effect: e, Rows: []rehearse.Row{
		{Alias: "fast", Changes: []string{"openai/gpt-4o-mini: weight 30 → 50"}, Calls: 105_820, Effect: e},
	}}, nil
}

type nobody struct{}

func (nobody) Members(context.Context, tenant.Scope, id.User, int) ([]account.Member, error) {
	return nil, nil
}

func (nobody) Tokens(context.Context, tenant.Scope, id.Token, int) ([]account.Token, error) {
	return nil, nil
}

func pageOf(f *files) (Page, *rehearsal) {
	r := &rehearsal{}
	yesterday := pagetest.Now().AddDate(0, 0, -1)
	l := &pagetest.Ledger{Spent: []pagetest.Spent{{At: yesterday, Values: map[usage.Dimension]string{usage.Alias: "fast"}, Row: usage.Row{Calls: 105_820}}}}
	return Page{Routing: f, Usage: l, Rehearse: r, People: nobody{}}, r
}

func post(t *testing.T, values url.Values, role tenant.Role) *page.Visit {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, Path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := r.ParseForm(); err != nil {
		t.Fatal(err)
	}
	login := account.Login{Scope: tenant.Authenticated("org_a", tenant.Actor{User: "user_lena"}, role)}
	return page.NewVisit(r, login, account.Visitor{}, pagetest.Now(), "req_1", func(string) string { return "" })
}

func must(t *testing.T) func(page.Reply, error) page.Reply {
	return func(r page.Reply, err error) page.Reply {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

func TestPagesLookAsAccepted(t *testing.T) {
	t.Parallel()
	f := standing(t)
	p, _ := pageOf(f)
	shown := must(t)(p.Show(t.Context(), pagetest.Visit(Path, tenant.Developer, nil)))
	pagetest.Golden(t, "file", shown.Body)
	pagetest.Golden(t, "file_viewer", must(t)(p.Show(t.Context(), pagetest.Visit(Path, tenant.Viewer, nil))).Body)
	pagetest.Golden(t, "version", must(t)(p.Version(t.Context(), pagetest.Visit(Path+"/versions/31", tenant.Developer, map[string]string{"version": "31"}))).Body)
	edited := strings.NewReplacer("weight: 70", "weight: 50", "weight: 30", "weight: 50").Replace(live)
	tried := must(t)(p.Save(t.Context(), post(t, url.Values{"yaml": {edited}, "version": {"31"}, "do": {"rehearse"}}, tenant.Developer)))
	pagetest.Golden(t, "rehearsed", tried.Body)
	none, _ := pageOf(&files{})
	pagetest.Golden(t, "empty", must(t)(none.Show(t.Context(), pagetest.Visit(Path, tenant.Developer, nil))).Body)
}

func TestEveryMistakeStandsAtItsLine(t *testing.T) {
	t.Parallel()
	f := standing(t)
	p, _ := pageOf(f)
	text := "tasks:\n  classification: fast\nalias:\n  fast:\n    targets: [{model: openai/x, wieght: 3}]\n"
	r := must(t)(p.Save(t.Context(), post(t, url.Values{"yaml": {text}, "version": {"31"}, "do": {"apply"}}, tenant.Developer)))
	if r.Status != http.StatusUnprocessableEntity || len(f.applied) > 0 {
		t.Errorf("status %d, applied %v", r.Status, f.applied)
	}
	pagetest.Golden(t, "wrong", r.Body)
	f.wrong = []alias.Problem{{Path: []string{"aliases", "coder", "targets", "0", "model"}, Reason: "There is no such model."}}
	r = must(t)(p.Save(t.Context(), post(t, url.Values{"yaml": {live}, "version": {"31"}, "do": {"check"}}, tenant.Developer)))
	if html := string(pagetest.HTML(t, r)); !strings.Contains(html, "Line 5, column") || !strings.Contains(html, "There is no such model.") {
		t.Errorf("a problem found by the rules has no line: %.300s", html[strings.Index(html, "problems"):])
	}
}

func TestWhatIsTypedIsAppliedAsItWasTyped(t *testing.T) {
	t.Parallel()
	f := standing(t)
	p, tried := pageOf(f)
	text := "# mine\n" + strings.Replace(live, "weight: 70", "weight: 60", 1)
	windows := strings.ReplaceAll(text, "\n", "\r\n") // as browsers send it
	r := must(t)(p.Save(t.Context(), post(t, url.Values{"yaml": {windows}, "version": {"31"}, "message": {" less Haiku "}, "do": {"apply"}}, tenant.Developer)))
	if r.Kind != page.Go || !strings.HasSuffix(r.To, "done=applied") {
		t.Errorf("%+v", r)
	}
	if len(f.applied) != 1 || f.applied[0].Text != text || f.applied[0].Message != "less Haiku" || f.applied[0].File.Aliases["fast"].Targets[0].Weight != 60 {
		t.Errorf("applied %+v", f.applied)
	}
	must(t)(p.Save(t.Context(), post(t, url.Values{"yaml": {text}, "version": {"31"}, "do": {"rehearse"}}, tenant.Developer)))
	if tried.asked.Aliases["fast"].Targets[0].Weight != 60 || len(f.applied) != 1 {
		t.Errorf("tried %+v, applied %d times", tried.asked, len(f.applied))
	}
}

func TestNobodysChangeIsOverwritten(t *testing.T) {
	t.Parallel()
	f := standing(t)
	p, _ := pageOf(f)
	text := strings.Replace(live, "weight: 70", "weight: 60", 1)
	for _, version := range []string{"30", "", "x"} {
		r := must(t)(p.Save(t.Context(), post(t, url.Values{"yaml": {text}, "version": {version}, "do": {"apply"}}, tenant.Developer)))
		html := string(pagetest.HTML(t, r))
		if r.Status != http.StatusPreconditionFailed || len(f.applied) > 0 || !strings.Contains(html, "version 31 came first") || !strings.Contains(html, "weight: 60") {
			t.Errorf("version %q: status %d, applied %d times: %.200s", version, r.Status, len(f.applied), html)
		}
		r = must(t)(p.Restore(t.Context(), post(t, url.Values{"version": {"30"}, "current": {version}}, tenant.Developer)))
		if r.Kind == page.Go {
			t.Errorf("restored over version %q: %+v", version, r)
		}
	}
	if r := must(t)(p.Restore(t.Context(), post(t, url.Values{"version": {"30"}, "current": {"31"}}, tenant.Developer))); r.Kind != page.Go {
		t.Errorf("%+v", r)
	}
}

func TestAnAliasThatIsCalledGoesOnlyWhenSomebodyIsSure(t *testing.T) {
	t.Parallel()
	f := standing(t)
	p, _ := pageOf(f)
	values := url.Values{"yaml": {"aliases:\n  coder:\n    targets: [{model: openai/gpt-4o}]\n"}, "version": {"31"}, "do": {"apply"}}
	r := must(t)(p.Save(t.Context(), post(t, values, tenant.Developer)))
	if r.Status != http.StatusConflict || len(f.applied) > 0 {
		t.Errorf("status %d, applied %d times", r.Status, len(f.applied))
	}
	pagetest.Golden(t, "lost", r.Body)
	values.Set("sure", "yes")
	if r = must(t)(p.Save(t.Context(), post(t, values, tenant.Developer))); r.Kind != page.Go || len(f.applied) != 1 {
		t.Errorf("%+v, applied %d times", r, len(f.applied))
	}
	// One that nobody calls goes at once.
	f.applied = nil
	values = url.Values{"yaml": {strings.Replace(live, "  coder:\n    targets: [{model: openai/gpt-4o}]\n", "", 1)}, "version": {"31"}, "do": {"apply"}}
	if r = must(t)(p.Save(t.Context(), post(t, values, tenant.Developer))); r.Kind != page.Go || len(f.applied) != 1 {
		t.Errorf("%+v, applied %d times", r, len(f.applied))
	}
}
