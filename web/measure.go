package web

import (
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/costs"
)

// measure are the pages of figures and calls.
func measure(d Deps) []page.Route {
	c := costs.Page{Usage: d.Usage, Teams: d.Accounts, Keys: d.Keys}
	return []page.Route{
		page.GET(costs.Path, tenant.ReadCosts, c.Show),
		page.GET(costs.Path+"/filter", tenant.ReadCosts, c.Filter),
	}
}
