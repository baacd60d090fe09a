package web

import (
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/playground"
)

// bench is the playground, and its runs over datasets.
func bench(d Deps) []page.Route {
	p := playground.Page{Bench: d.Playground, Prompts: d.Prompts, Aliases: d.Aliases, Teams: d.Accounts, Calls: d.Calls, Gateway: d.GatewayURL, Site: d.SiteURL}
	const one = playground.RunsPath + "/:id"
	return []page.Route{
		page.GET(playground.Path, tenant.UsePlayground, p.Show),
		page.POST(playground.Path, tenant.UsePlayground, p.Act),
		page.POST(playground.Path+"/before", tenant.UsePlayground, p.Before),
		page.POST(playground.Path+"/stream", tenant.UsePlayground, p.Stream),
		page.GET(playground.RunsPath, tenant.UsePlayground, p.Runs),
		page.GET(one, tenant.UsePlayground, p.Run),
		page.POST(one+"/cancel", tenant.UsePlayground, p.CancelRun),
		page.POST(one+"/resume", tenant.UsePlayground, p.ResumeRun),
	}
}
