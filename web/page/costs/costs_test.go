package costs_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/golden"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/page"
	"tollgate/web/page/costs"
	"tollgate/web/page/filter"
	"tollgate/web/page/pagetest"
)

func newPage(l *pagetest.Ledger) costs.Page {
	return costs.Page{Usage: l, Names: pagetest.Names()}
}

func show(t *testing.T, l *pagetest.Ledger, address string, role tenant.Role) string {
	t.Helper()
	r, err := newPage(l).Show(t.Context(), pagetest.Visit(address, role, nil))
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	return string(pagetest.HTML(t, r))
}

func TestThePageLooksAsAccepted(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{
		"team-provider.html": "/costs?range=7d&then=provider",
		"one-team.html":      "/costs?range=month&team=team_search&by=model&sort=name",
		"hours.html":         "/costs?range=24h&by=key",
		"empty.html":         "/costs?from=2026-01-01&to=2026-01-02",
		"no-match.html":      "/costs?workflow=nothing",
	} {
		golden.Equal(t, name, []byte(show(t, pagetest.Sample(), address, tenant.Admin)))
	}
	golden.Equal(t, "never.html", []byte(show(t, &pagetest.Ledger{}, "/costs", tenant.Admin)))
}

func TestOnlyUnpricedCallsAreNeverShownAsZero(t *testing.T) {
	t.Parallel()
	html := show(t, pagetest.Sample(), "/costs?range=7d&by=model&model=mystery", tenant.Admin)
	if strings.Contains(html, "$0") || !strings.Contains(html, "3 unpriced") {
		t.Errorf("an unknown cost is shown as none:\n%s", html)
	}
}

// TestWhatIsNoTokenIsToldInWords: and nothing is told of it to those who use chat alone.
func TestWhatIsNoTokenIsToldInWords(t *testing.T) {
	t.Parallel()
	if html := show(t, pagetest.Sample(), "/costs?range=7d", tenant.Admin); strings.Contains(html, "Besides tokens") {
		t.Error("a ledger of chat tells of images")
	}
	l := pagetest.Sample()
	last := &l.Spent[len(l.Spent)-1]
	last.Units[chat.Images], last.Units[chat.Pages], last.Units[chat.AudioMS], last.Units[chat.InputImage] = 1, 30, 120_000, 5
	last.Values[usage.Endpoint] = "images"
	if html := show(t, l, "/costs?range=7d&by=endpoint", tenant.Admin); !strings.Contains(html, "Besides tokens: 1 image, 30 pages, 2 min of audio.") || !strings.Contains(html, "Spend by endpoint") {
		t.Error("images and pages are not told")
	}
}

func TestRowsLeadToTheirCallsWithTheSameFilters(t *testing.T) {
	t.Parallel()
	html := show(t, pagetest.Sample(), "/costs?range=7d&then=provider&environment=production", tenant.Admin)
	want := "/requests?environment=production&amp;provider=anthropic&amp;range=7d&amp;team=team_support"
	if !strings.Contains(html, want) {
		t.Errorf("no link to %s", want)
	}
	if html := show(t, pagetest.Sample(), "/costs?then=provider", tenant.Billing); strings.Contains(html, "/requests") {
		t.Error("a role that may not read calls is led to them")
	}
}

func TestTheTableIsSortedByTheAddress(t *testing.T) {
	t.Parallel()
	order := func(sort string) bool {
		html := show(t, pagetest.Sample(), "/costs?range=7d&sort="+sort, tenant.Admin)
		body := html[strings.Index(html, "<tbody>"):]
		return strings.Index(body, ">Support<") < strings.Index(body, ">Search<")
	}
	for sort, supportFirst := range map[string]bool{
		"": true, "cost": true, "-cost": false, "name": false, "-name": true, "calls": true, "-calls": false, "thousand": true, "nonsense": true,
	} {
		if order(sort) != supportFirst {
			t.Errorf("sort=%s: Support first is %v, want %v", sort, !supportFirst, supportFirst)
		}
	}
}

func TestTheFileHasTheRowsOfThePage(t *testing.T) {
	t.Parallel()
	html := show(t, pagetest.Sample(), "/costs?from=2026-11-02&to=2026-11-03&by=team&then=provider&workflow=(none)&workflow=triage", tenant.Admin)
	want := url.Values{
		"from": {"2026-11-02T00:00:00Z"}, "to": {"2026-11-04T00:00:00Z"}, "group_by": {"team,provider"}, "workflow": {"(none)", "triage"}, "format": {"csv"},
	}
	if link := "/api/v1/costs?" + strings.ReplaceAll(want.Encode(), "&", "&amp;"); !strings.Contains(html, link) {
		t.Errorf("no link to %s", link)
	}
}

func TestWrongAddressesAreErrorsOfTheReader(t *testing.T) {
	t.Parallel()
	for address, code := range map[string]string{
		"/costs?by=colour": "usage.bad_dimension", "/costs?then=colour": "usage.bad_dimension", "/costs?range=fortnight": "page.bad_period", "/costs?from=x": "page.bad_period",
	} {
		_, err := newPage(pagetest.Sample()).Show(t.Context(), pagetest.Visit(address, tenant.Admin, nil))
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != code {
			t.Errorf("%s: %v, want %s", address, err, code)
		}
	}
}

func TestATypedFilterIsAddedToTheOthers(t *testing.T) {
	t.Parallel()
	p := newPage(pagetest.Sample())
	r, err := p.Filter(t.Context(), pagetest.Visit("/costs/filter?range=7d&workflow=a&add-name=workflow&add-value=+b+", tenant.Admin, nil))
	if err != nil || r.Kind != page.Go || r.To != "/costs?range=7d&workflow=a&workflow=b" {
		t.Errorf("leads to %q (%v)", r.To, err)
	}
	if _, err := p.Filter(t.Context(), pagetest.Visit("/costs/filter?add-name=colour&add-value=b", tenant.Admin, nil)); !errors.Is(err, usage.ErrDimension) {
		t.Errorf("%v, want ErrDimension", err)
	}
}

type broken struct{ *pagetest.Ledger }

func (broken) Costs(context.Context, tenant.Scope, usage.Query) (usage.Costs, error) {
	return usage.Costs{}, usage.ErrTooMany
}

func TestFailuresOfUsageReachTheReader(t *testing.T) {
	t.Parallel()
	p := costs.Page{Usage: broken{pagetest.Sample()}, Names: pagetest.Names()}
	if _, err := p.Show(t.Context(), pagetest.Visit("/costs", tenant.Admin, nil)); !errors.Is(err, usage.ErrTooMany) {
		t.Errorf("%v, want ErrTooMany", err)
	}
}

func TestTheBarShowsEveryTeamAndTheEnvironmentsSeen(t *testing.T) {
	t.Parallel()
	r, err := newPage(pagetest.Sample()).Show(t.Context(), pagetest.Visit("/costs?team=team_search&environment=staging", tenant.Admin, nil))
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(map[string]any{"teams": r.Frame.Teams, "environments": r.Frame.Environments, "ranges": r.Frame.Ranges, "dates": r.Frame.Custom}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, "bar.json", append(got, '\n'))
	if r.Frame.Ranges[2].Text != "Last 30 days" || !r.Frame.Ranges[2].Current {
		t.Errorf("the usual range is %+v, want %s", r.Frame.Ranges, filter.Days30)
	}
}
