package web

import (
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/keys"
)

// keyring is the keys that applications send, and their whole life.
func keyring(d Deps) []page.Route {
	k := keys.Keys{
		Keys: d.Keys, Issuer: d.Issue, Leaks: d.Leaks, Budgets: d.Budgets, Limits: d.Limits, Accounts: d.Accounts, Aliases: d.Aliases, Prices: d.Prices, Usage: d.Usage,
		Calls: d.Calls, Gateway: d.GatewayURL,
	}
	return []page.Route{
		page.GET("/keys", tenant.ReadKeys, k.List),
		page.POST("/keys", tenant.WriteKeys, k.Create),
		page.GET("/keys/new", tenant.WriteKeys, k.NewForm),
		page.POST("/keys/words", tenant.WriteKeys, k.Words),
		page.POST("/keys/bulk", tenant.WriteKeys, k.Bulk),
		page.GET("/keys/import", tenant.WriteTeams, k.TakeoverForm),
		page.POST("/keys/import", tenant.WriteTeams, k.Takeover),
		page.GET("/keys/report", tenant.WriteKeys, k.ReportForm),
		page.POST("/keys/report", tenant.WriteKeys, k.Report),
		page.POST("/keys/report/policy", tenant.WriteTeams, k.SetLeakPolicy),

		page.GET(keys.TemplatesPath, tenant.ReadKeys, k.Templates),
		page.POST(keys.TemplatesPath, tenant.WriteTeams, k.CreateTemplate),
		page.GET(keys.TemplatesPath+"/new", tenant.WriteTeams, k.NewTemplate),
		page.GET(keys.TemplatesPath+"/:id/edit", tenant.WriteTeams, k.EditTemplateForm),
		page.POST(keys.TemplatesPath+"/:id/edit", tenant.WriteTeams, k.EditTemplate),
		page.POST(keys.TemplatesPath+"/:id/delete", tenant.WriteTeams, k.DeleteTemplate),

		page.GET("/keys/:id", tenant.ReadKeys, k.Detail),
		page.GET("/keys/:id/events", tenant.ReadCalls, k.Events),
		page.GET("/keys/:id/edit", tenant.WriteKeys, k.EditForm),
		page.POST("/keys/:id/edit", tenant.WriteKeys, k.Edit),
		page.GET("/keys/:id/rotate", tenant.WriteKeys, k.RotateForm),
		page.POST("/keys/:id/rotate", tenant.WriteKeys, k.Rotate),
		page.POST("/keys/:id/rotate/cancel", tenant.WriteKeys, k.CancelRotation),
		page.POST("/keys/:id/secrets/:secret/end", tenant.WriteKeys, k.EndSecret),
		page.GET("/keys/:id/disable", tenant.WriteKeys, k.DisableForm),
		page.POST("/keys/:id/disable", tenant.WriteKeys, k.Disable),
		page.POST("/keys/:id/enable", tenant.WriteKeys, k.Enable),
		page.GET("/keys/:id/revoke", tenant.WriteKeys, k.RevokeForm),
		page.POST("/keys/:id/revoke", tenant.WriteKeys, k.Revoke),
	}
}
