package web

import (
	"tollgate/internal/provider/catalog"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/costs"
	"tollgate/web/page/filter"
	"tollgate/web/page/overview"
	"tollgate/web/page/requests"
)

// measure are the pages of figures and calls.
func measure(d Deps) []page.Route {
	names := filter.Source{Teams: d.Accounts, Keys: d.Keys, Prompts: d.Prompts, Vendors: catalog.Vendor}
	c := costs.Page{Usage: d.Usage, Names: names}
	r := requests.Page{Calls: d.Calls, Usage: d.Usage, Prices: d.Prices, Credentials: d.Credentials, Names: names, Scores: d.Scores, Budgets: d.Budgets, Limits: d.Limits}
	o := overview.Page{Budgets: d.Budgets, Usage: d.Usage, Calls: d.Calls, Experiments: d.Experiments, Names: names}
	return []page.Route{
		page.GET(overview.Path, tenant.ReadCosts, o.Show),
		page.GET(costs.Path, tenant.ReadCosts, c.Show),
		page.GET(costs.Path+"/filter", tenant.ReadCosts, c.Filter),
		page.GET(requests.Path, tenant.ReadCalls, r.List),
		page.GET(requests.Path+"/tail", tenant.ReadCalls, r.Tail),
		page.GET(requests.Path+"/:id", tenant.ReadCalls, r.Call),
		page.POST(requests.Path+"/:id/scores", tenant.WriteScores, r.Judge),
		page.POST(requests.Path+"/:id/scores/delete", tenant.WriteScores, r.Unjudge),
	}
}
