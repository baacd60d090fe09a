package requests_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/calllog"
	"tollgate/internal/golden"
	"tollgate/internal/id"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/pagetest"
	"tollgate/web/page/requests"
)

func sample() *fake { return &fake{entries: []calllog.Entry{fallback(), unpriced(), refused()}} }

func list(t *testing.T, calls *fake, address string) page.Reply {
	t.Helper()
	r, err := newPage(t, calls).List(t.Context(), pagetest.Visit(address, tenant.Admin, nil))
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	return r
}

func TestTheListLooksAsAccepted(t *testing.T) {
	t.Parallel()
	open := callID(fallback().StartedAt, 1).String()
	for name, address := range map[string]string{
		"list.html":   "/requests",
		"drawer.html": "/requests?range=7d&workflow=draft-reply&open=" + open,
		"live.html":   "/requests?live=1&outcome=failed",
	} {
		golden.Equal(t, name, pagetest.HTML(t, list(t, sample(), address)))
	}
	golden.Equal(t, "empty.html", pagetest.HTML(t, list(t, &fake{}, "/requests?alias=coder")))
}

func TestACallLooksAsAccepted(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]calllog.Entry{"fallback.html": fallback(), "unpriced.html": unpriced(), "refused.html": refused()} {
		v := pagetest.Visit("/requests/x", tenant.Admin, map[string]string{"id": e.ID.String()})
		r, err := newPage(t, sample()).Call(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		golden.Equal(t, name, pagetest.HTML(t, r))
	}
}

// TestAnImageIsExplained: by the price of its size, beside what the provider said, with the warnings of the call.
func TestAnImageIsExplained(t *testing.T) {
	t.Parallel()
	p := newPage(t, &fake{entries: []calllog.Entry{drawn()}})
	p.Prices = prices{sized()}
	call := drawn().ID.String()
	r, err := p.Call(t.Context(), pagetest.Visit("/requests/x", tenant.Admin, map[string]string{"id": call}))
	if err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, "image.html", pagetest.HTML(t, r))
	html := string(pagetest.HTML(t, r))
	for _, want := range []string{"$0.00015 more than our cost", "2 warnings", "background was dropped", "&lt;b&gt;style&lt;/b&gt; was dropped", "$0.041925 each", "billed in the other measure", "a minute"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	opened := string(pagetest.HTML(t, list(t, &fake{entries: []calllog.Entry{drawn()}}, "/requests?range=7d&open="+call)))
	if !strings.Contains(opened, "Provider says") || !strings.Contains(opened, "background was dropped") {
		t.Error("the drawer tells neither the provider's cost nor the warnings")
	}
}

func TestACostThatWasToldInPartIsNotCompared(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*calllog.Entry)
		want   string
	}{
		"as ours":             {func(e *calllog.Entry) { e.Cost = *e.ProviderCost }, "the same as our cost"},
		"more than was told":  {func(e *calllog.Entry) { e.Cost = *e.ProviderCost + 1 }, "$0.000000001 less than our cost"},
		"ours is not known":   {func(e *calllog.Entry) { e.Price = calllog.Unpriced }, "our cost is not known"},
		"an attempt is quiet": {func(e *calllog.Entry) { e.Attempts = append(e.Attempts, calllog.Attempt{Number: 2, Usage: e.Usage}) }, "of some attempts"},
	} {
		e := drawn()
		tt.change(&e)
		r, err := newPage(t, &fake{entries: []calllog.Entry{e}}).Call(t.Context(), pagetest.Visit("/requests/x", tenant.Admin, map[string]string{"id": e.ID.String()}))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(pagetest.HTML(t, r)), tt.want) {
			t.Errorf("%s: the page does not say %q", name, tt.want)
		}
	}
}

func TestWhatClientsSaidIsEscaped(t *testing.T) {
	t.Parallel()
	for _, e := range []calllog.Entry{unpriced(), fallback()} {
		r, err := newPage(t, sample()).Call(t.Context(), pagetest.Visit("/requests/x", tenant.Admin, map[string]string{"id": e.ID.String()}))
		if err != nil {
			t.Fatal(err)
		}
		if html := string(pagetest.HTML(t, r)); strings.Contains(html, "<script") || strings.Contains(html, "<acme") {
			t.Error("text of a client became markup")
		}
	}
}

func TestAnotherOrganizationsCallIsNotFound(t *testing.T) {
	t.Parallel()
	foreign := fallback()
	foreign.Org = "org_b"
	calls := &fake{entries: []calllog.Entry{foreign}}
	for _, text := range []string{foreign.ID.String(), callID(time.UnixMilli(1), 9).String(), "nonsense"} {
		_, err := newPage(t, calls).Call(t.Context(), pagetest.Visit("/requests/x", tenant.Admin, map[string]string{"id": text}))
		if !errors.Is(err, calllog.ErrNotFound) {
			t.Errorf("page of %s: %v, want ErrNotFound", text, err)
		}
		_, err = newPage(t, calls).List(t.Context(), pagetest.Visit("/requests?open="+text, tenant.Admin, nil))
		if !errors.Is(err, calllog.ErrNotFound) {
			t.Errorf("drawer of %s: %v, want ErrNotFound", text, err)
		}
	}
}

func TestTheAddressChoosesTheCalls(t *testing.T) {
	t.Parallel()
	calls := sample()
	list(t, calls, "/requests?from=2026-11-02&to=2026-11-03&team=team_support&workflow=(none)&outcome=failed&status=4xx&status=502&tag=a%3Db&error_code=x&end_user=u")
	want := calllog.Filter{
		From: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 4, 0, 0, 0, 0, time.UTC), Teams: []id.Team{"team_support"},
		Workflows: []string{""}, Outcomes: []calllog.Outcome{calllog.Failed}, Statuses: []int{4, 502}, Tags: map[string]string{"a": "b"}, ErrorCode: "x", EndUser: "u",
	}
	if diff := cmp.Diff(want, calls.filter); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	list(t, calls, "/requests?range=30d")
	if !calls.filter.To.IsZero() {
		t.Errorf("a range up to now ends at %v: newer calls would be missing", calls.filter.To)
	}
	for _, query := range []string{"outcome=fine", "status=9xx", "tag=a", "before=%21", "range=x"} {
		if _, err := newPage(t, calls).List(t.Context(), pagetest.Visit("/requests?"+query, tenant.Admin, nil)); err == nil {
			t.Errorf("%s was taken", query)
		}
	}
}

func TestPagesLeadToEachOther(t *testing.T) {
	t.Parallel()
	older, newer := calllog.Cursor{At: pagetest.Now(), ID: callID(pagetest.Now(), 7)}, calllog.Cursor{At: pagetest.Now(), ID: callID(pagetest.Now(), 8)}
	calls := &fake{page: calllog.Page{Calls: []calllog.Entry{fallback()}, Older: &older, Newer: &newer}}
	html := string(pagetest.HTML(t, list(t, calls, "/requests?workflow=draft-reply")))
	for _, want := range []string{
		"/requests?before=" + url.QueryEscape(rest.EncodeCursor(&older)) + "&amp;workflow=draft-reply",
		"/requests?after=" + url.QueryEscape(rest.EncodeCursor(&newer)) + "&amp;workflow=draft-reply",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("no link to %s", want)
		}
	}
	list(t, calls, "/requests?before="+url.QueryEscape(rest.EncodeCursor(&older)))
	if diff := cmp.Diff(&older, calls.turn.Before); diff != "" {
		t.Errorf("the place (-want +got)\n%s", diff)
	}
}

func TestAQueryBecomesFiltersOfTheAddress(t *testing.T) {
	t.Parallel()
	call := callID(pagetest.Now(), 5).String()
	for query, want := range map[string]string{
		"workflow:triage":                   "/requests?range=7d&workflow=triage",
		"status:error model:gpt-4o":         "/requests?model=gpt-4o&outcome=refused&outcome=failed&outcome=broken&outcome=interrupted&range=7d",
		"env:production,staging":            "/requests?environment=production&environment=staging&range=7d",
		`workflow:"draft reply" key:(none)`: "/requests?key=%28none%29&range=7d&workflow=draft+reply",
		"  Status:429  tag:a=b,c ":          "/requests?range=7d&status=429&tag=a%3Db%2Cc",
		call:                                "/requests/" + call,
	} {
		r := list(t, sample(), "/requests?range=7d&before=x&q="+url.QueryEscape(query))
		if r.Kind != page.Go || r.To != want {
			t.Errorf("%s leads to %q, want %q", query, r.To, want)
		}
	}
}

func TestAQueryThatCannotBeReadStaysInTheBox(t *testing.T) {
	t.Parallel()
	for query, says := range map[string]string{"colour:red": "colour", "hello": "call id", "workflow:": "lacks", "status:abc": "100 to 599", "outcome:fine": "interrupted"} {
		r := list(t, sample(), "/requests?q="+url.QueryEscape(query))
		html := string(pagetest.HTML(t, r))
		if r.Status != 400 || !strings.Contains(html, `value="`+query+`"`) || !strings.Contains(html, says) {
			t.Errorf("%s: status %d, and the page does not say %q beside what was typed", query, r.Status, says)
		}
	}
}

func TestTheTailSendsTheNewestRowsWhole(t *testing.T) {
	t.Parallel()
	calls := sample()
	calls.steps = []calllog.Tailed{{}, {Calls: []calllog.Entry{fallback()}}}
	r, err := newPage(t, calls).Tail(t.Context(), pagetest.Visit("/requests/tail?live=1&workflow=draft-reply", tenant.Admin, nil))
	if err != nil || r.Kind != page.Live {
		t.Fatalf("%+v %v", r, err)
	}
	var got []string
	if err := r.Events(t.Context(), func(event, data string) error {
		if event != "rows" {
			t.Errorf("event %q", event)
		}
		got = append(got, data)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || strings.Count(got[1], "<tr") != 3 || !strings.Contains(got[1], "/requests?live=1&amp;open="+fallback().ID.String()) {
		t.Errorf("%d events, the last: %s", len(got), got[len(got)-1])
	}
	if diff := cmp.Diff([]string{"draft-reply"}, calls.filter.Workflows); diff != "" {
		t.Errorf("the tail lost its filter (-want +got)\n%s", diff)
	}
	gone := errors.New("the browser has left")
	if err := r.Events(t.Context(), func(string, string) error { return gone }); !errors.Is(err, gone) {
		t.Errorf("%v, want the error of the connection", err)
	}
}

func TestAListThatIsOverDoesNotFollow(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"/requests?live=1&from=2026-11-02&to=2026-11-03", "/requests"} {
		r := list(t, sample(), address)
		if html := string(pagetest.HTML(t, r)); r.Frame.Stream || strings.Contains(html, "sse-connect") {
			t.Errorf("%s follows", address)
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{"status:error", `workflow:"a b"`, `"`, "a:b:c", ":", "tag:=", "x", "status:4xx,5xx env:(none)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.TrimSpace(s) == "" {
			return
		}
		p := requests.Page{Calls: &fake{}, Usage: &pagetest.Ledger{}, Names: pagetest.Names()}
		r, err := p.List(t.Context(), pagetest.Visit("/requests?q="+url.QueryEscape(s), tenant.Admin, nil))
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if r.Kind != page.Go {
			return
		}
		// What a query leads to can be asked for, and leads nowhere else.
		if strings.HasPrefix(r.To, "/requests/call_") {
			return
		}
		again, err := p.List(t.Context(), pagetest.Visit(r.To, tenant.Admin, nil))
		if err != nil || again.Kind != page.Framed {
			t.Fatalf("%q leads to %s, which answers %v", s, r.To, err)
		}
	})
}
