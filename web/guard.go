package web

import (
	"tollgate/internal/provider/catalog"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/budgets"
	"tollgate/web/page/limits"
)

// guard is what keeps calls within bounds: budgets and rate limits.
func guard(d Deps) []page.Route {
	b := budgets.Budgets{
		Budgets: d.Budgets, Accounts: d.Accounts, Aliases: d.Aliases, Keys: d.Keys, Vendors: catalog.Vendor, Offered: catalog.Vendors(),
	}
	l := limits.Limits{Limits: d.Limits, Teams: d.Accounts, Aliases: d.Aliases, Keys: d.Keys, Vendors: catalog.Vendor, Offered: catalog.Vendors()}
	return []page.Route{
		page.GET(budgets.Path, tenant.ReadBudgets, b.List),
		page.POST(budgets.Path, tenant.WriteBudgets, b.Create),
		page.GET(budgets.Path+"/new", tenant.WriteBudgets, b.NewForm),
		page.POST(budgets.Path+"/words", tenant.WriteBudgets, b.Words),
		page.GET(budgets.Path+"/:id", tenant.ReadBudgets, b.Detail),
		page.GET(budgets.Path+"/:id/edit", tenant.WriteBudgets, b.EditForm),
		page.POST(budgets.Path+"/:id/edit", tenant.WriteBudgets, b.Edit),
		page.POST(budgets.Path+"/:id/archive", tenant.WriteBudgets, b.Archive),
		page.POST(budgets.Path+"/:id/restore", tenant.WriteBudgets, b.Restore),
		page.POST(budgets.Path+"/:id/raises", tenant.WriteBudgets, b.Raise),
		page.POST(budgets.Path+"/:id/raises/:raise/end", tenant.WriteBudgets, b.EndRaise),

		page.GET(limits.Path, tenant.ReadLimits, l.List),
		page.POST(limits.Path, tenant.WriteLimits, l.Create),
		page.GET(limits.Path+"/new", tenant.WriteLimits, l.NewForm),
		page.GET(limits.Path+"/:id/edit", tenant.WriteLimits, l.EditForm),
		page.POST(limits.Path+"/:id/edit", tenant.WriteLimits, l.Edit),
		page.POST(limits.Path+"/:id/archive", tenant.WriteLimits, l.Archive),
		page.POST(limits.Path+"/:id/restore", tenant.WriteLimits, l.Restore),
	}
}
