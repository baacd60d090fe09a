package web

import (
	"tollgate/internal/provider/catalog"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/aliases"
	"tollgate/web/page/door"
	"tollgate/web/page/experiments"
	"tollgate/web/page/jump"
	"tollgate/web/page/models"
	"tollgate/web/page/providers"
	"tollgate/web/page/routing"
	"tollgate/web/page/settings"
	"tollgate/web/page/start"
	"tollgate/web/page/vendors"
)

// entrance is sign-up, log-in and the checklist of a newcomer.
func entrance(d Deps) []page.Route {
	at := door.Door{Accounts: d.Accounts, Cookies: d.Cookies, Gateway: d.GatewayURL}
	begin := start.Start{Credentials: d.Credentials, Keys: d.Keys, Aliases: d.Aliases, Prices: d.Prices, Calls: d.Calls, Vendors: catalog.Vendor, Gateway: d.GatewayURL}
	return []page.Route{
		page.PublicGET("/", at.Home),
		page.PublicGET("/signup", at.SignUpForm),
		page.PublicPOST("/signup", at.SignUp),
		page.PublicGET("/login", at.LogInForm),
		page.PublicPOST("/login", at.LogIn),
		page.PublicPOST("/logout", at.LogOut),
		page.POST("/enter", tenant.OwnSession, at.Enter),
		page.GET("/palette", tenant.ReadKeys, jump.To{Keys: d.Keys, Aliases: d.Aliases, Experiments: d.Experiments, Prompts: d.Prompts}.Entries),
		page.GET("/get-started", tenant.ReadKeys, begin.Checklist),
		page.GET("/get-started/events", tenant.ReadCalls, begin.Events),
	}
}

// control is what is set: aliases, providers, prices.
func control(d Deps) []page.Route {
	a := aliases.Aliases{
		Aliases: d.Aliases, Routing: d.Aliases, Experiments: d.Experiments, Credentials: d.Credentials, Usage: d.Usage, People: d.Accounts, Prices: d.Prices,
		Vendors: catalog.Vendors(), Gateway: d.GatewayURL,
	}
	p := providers.Providers{Credentials: d.Credentials, Usage: d.Usage, Vendors: catalog.Vendors()}
	all := vendors.Page{Credentials: d.Credentials, Prices: d.Prices, Vendors: catalog.Vendors()}
	m := models.Models{Prices: d.Prices, Credentials: d.Credentials, Vendors: catalog.Vendors()}
	return []page.Route{
		page.GET("/aliases", tenant.ReadAliases, a.List),
		page.POST("/aliases", tenant.WriteAliases, a.Create),
		page.GET("/aliases/new", tenant.WriteAliases, a.NewForm),
		page.GET("/aliases/:id", tenant.ReadAliases, a.Detail),
		page.GET("/aliases/:id/versions/:version", tenant.ReadAliases, a.Version),
		page.GET("/aliases/:id/edit", tenant.WriteAliases, a.EditForm),
		page.POST("/aliases/:id/edit", tenant.WriteAliases, a.Edit),
		page.POST("/aliases/:id/restore", tenant.WriteAliases, a.Restore),
		page.GET("/aliases/:id/delete", tenant.WriteAliases, a.DeleteForm),
		page.POST("/aliases/:id/delete", tenant.WriteAliases, a.Delete),
		page.GET("/aliases/:id/yaml", tenant.ReadAliases, a.YAML),
		page.POST("/aliases/:id/yaml", tenant.WriteAliases, a.SaveYAML),

		page.GET("/providers", tenant.ReadCredentials, p.List),
		page.GET(vendors.Path, tenant.ReadCredentials, all.List),
		page.GET("/providers/connect", tenant.WriteCredentials, p.ConnectForm),
		page.POST("/providers/connect", tenant.WriteCredentials, p.Connect),
		page.GET("/providers/:id", tenant.ReadCredentials, p.Detail),
		page.POST("/providers/:id", tenant.WriteCredentials, p.Save),
		page.POST("/providers/:id/test", tenant.WriteCredentials, p.Test),
		page.POST("/providers/:id/default", tenant.WriteCredentials, p.MakeDefault),
		page.GET("/providers/:id/delete", tenant.WriteCredentials, p.DeleteForm),
		page.POST("/providers/:id/delete", tenant.WriteCredentials, p.Delete),

		page.GET(models.Path, tenant.ReadPrices, m.List),
		page.GET(models.Path+"/detail", tenant.ReadPrices, m.Detail),
		page.POST(models.Path+"/override", tenant.WritePrices, m.Override),
		page.POST(models.Path+"/overrides/:id/end", tenant.WritePrices, m.End),
	}
}

// steer is where calls go, and which way is better: the routing file, and experiments.
func steer(d Deps) []page.Route {
	r := routing.Page{Routing: d.Aliases, Usage: d.Usage, Rehearse: d.Rehearse, People: d.Accounts}
	e := experiments.Experiments{
		Experiments: d.Experiments, Aliases: d.Aliases, Credentials: d.Credentials, Keys: d.Keys, Prices: d.Prices, Usage: d.Usage, Prompts: d.Prompts, People: d.Accounts,
		Vendors: catalog.Vendors(),
	}
	return []page.Route{
		page.GET(routing.Path, tenant.ReadAliases, r.Show),
		page.POST(routing.Path, tenant.WriteAliases, r.Save),
		page.GET(routing.Path+"/versions/:version", tenant.ReadAliases, r.Version),
		page.POST(routing.Path+"/restore", tenant.WriteAliases, r.Restore),

		page.GET(experiments.Path, tenant.ReadExperiments, e.List),
		page.POST(experiments.Path, tenant.WriteExperiments, e.Create),
		page.GET(experiments.Path+"/new", tenant.WriteExperiments, e.NewForm),
		page.GET(experiments.Path+"/method", tenant.ReadExperiments, e.Method),
		page.GET(experiments.Path+"/sample", tenant.ReadExperiments, e.Sample),
		page.GET(experiments.Path+"/:id", tenant.ReadExperiments, e.Result),
		page.GET(experiments.Path+"/:id/edit", tenant.WriteExperiments, e.EditForm),
		page.POST(experiments.Path+"/:id/edit", tenant.WriteExperiments, e.Edit),
		page.POST(experiments.Path+"/:id/start", tenant.WriteExperiments, e.Start),
		page.GET(experiments.Path+"/:id/stop", tenant.WriteExperiments, e.AskStop),
		page.POST(experiments.Path+"/:id/stop", tenant.WriteExperiments, e.Stop),
		page.GET(experiments.Path+"/:id/promote", tenant.WriteExperiments, e.AskPromote),
		page.POST(experiments.Path+"/:id/promote", tenant.WriteExperiments, e.Promote),
		page.GET(experiments.Path+"/:id/rollback", tenant.WriteExperiments, e.AskRollback),
		page.POST(experiments.Path+"/:id/rollback", tenant.WriteExperiments, e.Rollback),
		page.GET(experiments.Path+"/:id/delete", tenant.WriteExperiments, e.AskDelete),
		page.POST(experiments.Path+"/:id/delete", tenant.WriteExperiments, e.Delete),
	}
}

// operate is the organization itself.
func operate(d Deps) []page.Route {
	s := settings.Settings{Accounts: d.Accounts}
	return []page.Route{
		page.GET("/settings", tenant.ReadOrganization, s.Page),
		page.POST("/settings/organization", tenant.WriteOrganization, s.RenameOrganization),
		page.POST("/settings/calendar", tenant.WriteOrganization, s.SetCalendar),
		page.POST("/settings/teams", tenant.WriteTeams, s.CreateTeam),
		page.POST("/settings/teams/:id", tenant.WriteTeams, s.RenameTeam),
		page.POST("/settings/members/:id", tenant.WriteMembers, s.ChangeRole),
		page.GET("/settings/members/:id/remove", tenant.WriteMembers, s.RemoveForm),
		page.POST("/settings/members/:id/remove", tenant.WriteMembers, s.Remove),
		page.POST("/settings/tokens", tenant.WriteTokens, s.IssueToken),
		page.POST("/settings/tokens/:id/revoke", tenant.WriteTokens, s.RevokeToken),
		page.POST("/settings/sessions/:id/end", tenant.OwnSession, s.EndSession),
		page.POST("/settings/sessions/end-others", tenant.OwnSession, s.EndOtherSessions),
	}
}
