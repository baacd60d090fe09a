// Package pagetest drives pages in tests: it makes visits, renders replies, and stands in for usage.
package pagetest

import (
	"bytes"
	"context"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/provider"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/web/page"
	"tollgate/web/page/filter"
)

// Now is the moment of every visit: a Friday afternoon.
func Now() time.Time { return time.Date(2026, 11, 20, 14, 2, 11, 482e6, time.UTC) }

// Visit asks for an address as somebody with a role.
func Visit(address string, role tenant.Role, params map[string]string) *page.Visit {
	login := account.Login{Scope: tenant.Authenticated("org_a", tenant.Actor{User: "user_lena"}, role)}
	r := httptest.NewRequest("GET", address, nil)
	return page.NewVisit(r, login, account.Visitor{}, Now(), "req_1", func(name string) string { return params[name] })
}

// HTML renders a reply’s body, a tag a line so that a difference is readable.
func HTML(t testing.TB, r page.Reply) []byte {
	t.Helper()
	if r.Body == nil {
		t.Fatalf("the reply has no body: %+v", r)
	}
	var b bytes.Buffer
	if err := r.Body.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return []byte(strings.ReplaceAll(b.String(), "><", ">\n<") + "\n")
}

// Names knows two teams and one key.
func Names() filter.Source {
	return filter.Source{Teams: teams{}, Keys: keys{}, Vendors: func(id string) (provider.Vendor, bool) {
		name, ok := map[string]string{"openai": "OpenAI", "anthropic": "Anthropic"}[id]
		return provider.Vendor{ID: id, Name: name}, ok
	}}
}

type teams struct{}

func (teams) Teams(_ context.Context, _ tenant.Scope, after id.Team, _ int) ([]account.Team, error) {
	if after != "" {
		return nil, nil
	}
	return []account.Team{{ID: "team_support", Name: "Support", ColorStep: 0}, {ID: "team_search", Name: "Search", ColorStep: 1}}, nil
}

type keys struct{}

func (keys) Key(_ context.Context, _ tenant.Scope, which id.Key) (key.Key, error) {
	if which != "key_prod" {
		return key.Key{}, key.ErrNotFound
	}
	return key.Key{ID: which, Name: "support-prod", Privacy: key.PrivacyMetadata}, nil
}

// Spent is what was spent in one hour.
type Spent struct {
	At     time.Time
	Values map[usage.Dimension]string
	usage.Row
}

// Ledger answers questions about usage from a list, by the rules of usage.Service.
type Ledger struct {
	Spent []Spent
	Asked []usage.Query // what it was asked, in order
	Timed []usage.Query // the ranges whose latency it was asked for
}

// Costs sums up.
func (l *Ledger) Costs(_ context.Context, _ tenant.Scope, q usage.Query) (usage.Costs, error) {
	l.Asked = append(l.Asked, q)
	if !q.From.Before(q.To) {
		return usage.Costs{}, usage.ErrRange
	}
	rows := map[string]*usage.Row{}
	out := usage.Costs{UpTo: Now().Add(-11 * time.Second)}
	for _, s := range l.Spent {
		if s.At.Before(q.From.Truncate(time.Hour)) || !s.At.Before(q.To) || !matches(s, q.Filter) {
			continue
		}
		row := usage.Row{Values: map[usage.Dimension]string{}, At: bucket(s.At, q)}
		name := row.At.String()
		for _, d := range q.GroupBy {
			row.Values[d] = s.Values[d]
			name += strconv.Quote(s.Values[d])
		}
		if rows[name] == nil {
			rows[name] = &row
		}
		add(rows[name], s.Row)
		add(&out.Total, s.Row)
	}
	for _, r := range rows {
		out.Rows = append(out.Rows, *r)
	}
	slices.SortFunc(out.Rows, func(a, b usage.Row) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		if a.Cost != b.Cost {
			return int(max(min(b.Cost-a.Cost, 1), -1))
		}
		for _, d := range q.GroupBy {
			if c := strings.Compare(a.Values[d], b.Values[d]); c != 0 {
				return c
			}
		}
		return 0
	})
	return out, nil
}

func matches(s Spent, f map[usage.Dimension][]string) bool {
	for d, values := range f {
		if !slices.Contains(values, s.Values[d]) {
			return false
		}
	}
	return true
}

func bucket(at time.Time, q usage.Query) time.Time {
	switch q.Bucket {
	case usage.Hourly:
		return at.Truncate(time.Hour)
	case usage.Daily:
		return at.Truncate(24 * time.Hour)
	case usage.Whole:
		return time.Time{}
	default:
		return time.Time{}
	}
}

func add(to *usage.Row, r usage.Row) {
	to.Calls += r.Calls
	to.Errors += r.Errors
	to.Units = to.Units.Add(r.Units)
	to.Cost += r.Cost
	to.Unpriced += r.Unpriced
	to.Estimated += r.Estimated
}

// LastData is the newest hour with anything.
func (l *Ledger) LastData(context.Context, tenant.Scope, time.Time) (time.Time, error) {
	var last time.Time
	for _, s := range l.Spent {
		if s.At.After(last) {
			last = s.At
		}
	}
	return last, nil
}

// Latency tells latencies that are made up: faster now than in any range that has ended.
func (l *Ledger) Latency(_ context.Context, _ tenant.Scope, q usage.Query) (usage.Latency, error) {
	l.Timed = append(l.Timed, q)
	if q.To.Before(Now()) {
		return usage.Latency{P95: 4500 * time.Millisecond, FirstByteP95: 720 * time.Millisecond, Calls: 1}, nil
	}
	return usage.Latency{P95: 4920 * time.Millisecond, FirstByteP95: 684 * time.Millisecond, Calls: 1}, nil
}

// Posted sends a form as somebody with a role.
func Posted(address string, role tenant.Role, form url.Values, params map[string]string) *page.Visit {
	login := account.Login{Scope: tenant.Authenticated("org_a", tenant.Actor{User: "user_lena"}, role)}
	r := httptest.NewRequest("POST", address, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := r.ParseForm(); err != nil {
		panic(err) // a form that a test encoded
	}
	return page.NewVisit(r, login, account.Visitor{}, Now(), "req_1", func(name string) string { return params[name] })
}
