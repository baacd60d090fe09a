package harness

import (
	"net/http"
	"net/url"
	"strconv"
)

// Call is one line of the call log as GET /calls shows it.
type Call struct {
	ID          string            `json:"id"`
	TeamID      string            `json:"team_id"`
	Workflow    string            `json:"workflow"`
	Environment string            `json:"environment"`
	EndUser     string            `json:"end_user"`
	Tags        map[string]string `json:"tags"`
	Alias       string            `json:"alias"`
	Provider    string            `json:"provider"`
	Model       string            `json:"model"`
	Status      int               `json:"status"`
	Outcome     string            `json:"outcome"`
	ErrorCode   string            `json:"error_code"`
	Units       map[string]int64  `json:"units"`
	UsageSource string            `json:"usage_source"`
	CostNanoUSD string            `json:"cost_nano_usd"`
	PriceState  string            `json:"price_state"`
	Endpoint    string            `json:"endpoint"`
	Told        *string           `json:"provider_cost_nano_usd"`
	Warnings    []string          `json:"warnings"`
	Estimated   bool              `json:"estimated"`
	Attempts    int               `json:"attempt_count"`

	Prompt        string `json:"prompt_id"`
	PromptVersion int    `json:"prompt_version"`
	PromptLabel   string `json:"prompt_label"`
}

// Cost is the call's cost in nano-dollars.
func (c Call) Cost() int64 {
	n, _ := strconv.ParseInt(c.CostNanoUSD, 10, 64)
	return n
}

// Calls reads the whole call log through all of its pages, newest first.
func (o *Tenant) Calls(filter url.Values) []Call {
	o.app.t.Helper()
	var all []Call
	q := url.Values{"limit": {"200"}}
	for k, v := range filter {
		q[k] = v
	}
	for {
		var page struct {
			Items []Call `json:"items"`
			Next  string `json:"next_cursor"`
		}
		o.Do(http.MethodGet, "/calls?"+q.Encode(), nil).Want(http.StatusOK).Into(&page)
		all = append(all, page.Items...)
		if page.Next == "" {
			return all
		}
		q.Set("cursor", page.Next)
	}
}

// Costs is GET /costs.
type Costs struct {
	Rows []struct {
		Values map[string]string `json:"values"`
		Names  map[string]string `json:"names"`
		Calls  int64             `json:"calls"`
		Nano   string            `json:"cost_nano_usd"`
	} `json:"rows"`
	Total struct {
		Calls     int64  `json:"calls"`
		Nano      string `json:"cost_nano_usd"`
		Unpriced  int64  `json:"unpriced_calls"`
		Estimated int64  `json:"estimated_calls"`
	} `json:"total"`
}

// Costs sums up by dimensions ("team,workflow").
func (o *Tenant) Costs(groupBy string) Costs {
	o.app.t.Helper()
	var c Costs
	o.Do(http.MethodGet, "/costs?group_by="+url.QueryEscape(groupBy), nil).Want(http.StatusOK).Into(&c)
	return c
}
