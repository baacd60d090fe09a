package usagehttp_test

import (
	"context"
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/rest"
	"tollgate/internal/rest/resttest"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/internal/usage/usagehttp"
)

var noon = time.Date(2030, 3, 2, 12, 0, 0, 0, time.UTC)

// store gives fixed rows and remembers the question.
type store struct {
	asked usage.Asked
	org   string
	units chat.Units // beyond those of chat
}

func (s *store) Costs(_ context.Context, in tenant.Scope, q usage.Asked, _ int) ([]usage.Row, error) {
	s.asked, s.org = q, string(in.Org())
	return []usage.Row{{
		At: noon, Values: map[usage.Dimension]string{usage.Team: "team_1", usage.Workflow: "=1+1"}, Names: map[usage.Dimension]string{usage.Team: "Support"},
		Calls: 3, Errors: 1, Cost: 9_007_199_254_740_993, Units: s.units.Add(chat.Units{chat.Input: 5, chat.CacheRead: 2, chat.Output: 4}), Unpriced: 1, Estimated: 2,
	}}, nil
}
func (s *store) UpTo(context.Context, tenant.Scope) (time.Time, error) { return noon, nil }
func (s *store) Latency(context.Context, tenant.Scope, usage.Query, int) (usage.Latency, error) {
	return usage.Latency{}, nil
}

func (s *store) LastHour(context.Context, tenant.Scope, time.Time) (time.Time, error) {
	return noon, nil
}

func serve(t *testing.T) (*store, *resttest.Server) {
	t.Helper()
	s := &store{}
	now := func() time.Time { return noon }
	return s, resttest.New(t, rest.GET("/costs", tenant.ReadCosts, usagehttp.Read(usage.NewService(s), now, "Sum up costs")))
}

func viewer() tenant.Scope {
	return tenant.Authenticated("org_a", tenant.Actor{User: "user_a"}, tenant.Billing)
}

func TestCostsAreExactText(t *testing.T) {
	t.Parallel()
	s, server := serve(t)
	var got usagehttp.Costs
	server.As(t, viewer()).Do("GET", "/costs?from=2030-03-01&to=2030-03-03&time_zone=Europe/Berlin&bucket=day&group_by=team,workflow&team=team_1&workflow=(none)&workflow=a,b", "").
		Want(200).Into(&got)
	if s.org != "org_a" || !s.asked.From.Equal(time.Date(2030, 2, 28, 23, 0, 0, 0, time.UTC)) || len(s.asked.Starts) != 2 {
		t.Errorf("asked %+v of %s", s.asked, s.org)
	}
	if d := cmp.Diff(map[usage.Dimension][]string{usage.Team: {"team_1"}, usage.Workflow: {"", "a,b"}}, s.asked.Filter); d != "" {
		t.Errorf("filter (-want +got):\n%s", d)
	}
	r := got.Rows[0]
	if r.CostNanoUSD != "9007199254740993" || r.CostUSD != "9007199.254740993" || r.Names["team"] != "Support" || r.InputTokens != 7 || got.Total.CostNanoUSD != r.CostNanoUSD {
		t.Errorf("row: %+v", r)
	}
	if got.UpTo == nil || !got.UpTo.Equal(noon) {
		t.Errorf("up to %v", got.UpTo)
	}
}

func TestCostsAsATable(t *testing.T) {
	t.Parallel()
	_, server := serve(t)
	for _, headers := range [][]string{{"Accept", "text/csv"}, nil} {
		path := "/costs?group_by=team,workflow"
		if headers == nil {
			path += "&format=csv"
		}
		lines, err := csv.NewReader(strings.NewReader(server.As(t, viewer()).Do("GET", path, "", headers...).Want(200).Body)).ReadAll()
		want := [][]string{
			{
				"team", "team_name", "workflow", "calls", "errors", "input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning", "input_audio",
				"output_audio", "web_search", "cost_usd", "cost_nano_usd", "unpriced_calls", "estimated_calls",
			},
			{"team_1", "Support", "'=1+1", "3", "1", "5", "2", "0", "0", "4", "0", "0", "0", "0", "9007199.254740993", "9007199254740993", "1", "2"},
		}
		if d := cmp.Diff(want, lines); err != nil || d != "" {
			t.Errorf("%v (-want +got):\n%s", err, d)
		}
	}
}

func TestUnitsThatNoChatHasStandBehindTheOthers(t *testing.T) {
	t.Parallel()
	s, server := serve(t)
	s.units = chat.Units{chat.Images: 2, chat.Pages: 9}
	lines, err := csv.NewReader(strings.NewReader(server.As(t, viewer()).Do("GET", "/costs?format=csv&group_by=endpoint&endpoint=images&endpoint=chat", "").Want(200).Body)).ReadAll()
	want := [][]string{
		{
			"endpoint", "calls", "errors", "input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning", "input_audio",
			"output_audio", "web_search", "cost_usd", "cost_nano_usd", "unpriced_calls", "estimated_calls", "image", "page",
		},
		{"", "3", "1", "5", "2", "0", "0", "4", "0", "0", "0", "0", "9007199.254740993", "9007199254740993", "1", "2", "2", "9"},
	}
	if d := cmp.Diff(want, lines); err != nil || d != "" {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	if d := cmp.Diff(map[usage.Dimension][]string{usage.Endpoint: {"images", "chat"}}, s.asked.Filter); d != "" {
		t.Errorf("filter (-want +got):\n%s", d)
	}
}

func TestCostsRefusals(t *testing.T) {
	t.Parallel()
	_, server := serve(t)
	c := server.As(t, viewer())
	for query, code := range map[string]string{
		"from=yesterday": "usage.bad_time", "to=2030-13-01": "usage.bad_time", "time_zone=Mars/Olympus": "usage.bad_time_zone", "time_zone=Local": "usage.bad_time_zone",
		"group_by=org": "usage.bad_dimension", "from=2030-03-03&to=2030-03-01": "usage.bad_range", "from=2020-01-01": "usage.range_too_long",
	} {
		c.Do("GET", "/costs?"+query, "").WantCode(400, code)
	}
	c.Do("GET", "/costs?bucket=week", "").Want(400)
	c.Do("GET", "/costs?teams=x", "").Want(400)
	server.As(t, tenant.Scope{}).Do("GET", "/costs", "").Want(401)
	server.As(t, tenant.Authenticated("org_a", tenant.Actor{User: "user_n"}, "nobody")).Do("GET", "/costs", "").Want(403)
}
