package web

import (
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/prompts"
)

// registry is the prompts: their list, editor, versions and labels.
func registry(d Deps) []page.Route {
	p := prompts.Prompts{
		Prompts: d.Prompts, Aliases: d.Aliases, Experiments: d.Experiments, Usage: d.Usage, Stats: d.PromptStats, Exchange: d.PromptFiles, People: d.Accounts, Gateway: d.GatewayURL,
	}
	const one = prompts.Path + "/:id"
	return []page.Route{
		page.GET(prompts.Path, tenant.ReadPrompts, p.List),
		page.POST(prompts.Path, tenant.WritePrompts, p.Create),
		page.GET(prompts.Path+"/new", tenant.WritePrompts, p.NewForm),
		page.POST(prompts.Path+"/preview", tenant.WritePrompts, p.Preview),
		page.POST(prompts.Path+"/folder", tenant.WritePrompts, p.MoveFolder),
		page.GET(prompts.Path+"/import", tenant.WritePrompts, p.ImportForm),
		page.POST(prompts.Path+"/import", tenant.WritePrompts, p.Import),
		page.GET(prompts.Path+"/rules", tenant.ReadPrompts, p.Rules),
		page.POST(prompts.Path+"/rules", tenant.WritePrompts, p.SaveRules),

		page.GET(one, tenant.ReadPrompts, p.Detail),
		page.GET(one+"/edit", tenant.WritePrompts, p.EditForm),
		page.POST(one+"/edit", tenant.WritePrompts, p.Edit),
		page.GET(one+"/versions/:version", tenant.ReadPrompts, p.Version),
		page.GET(one+"/figures", tenant.ReadPrompts, p.Figures),
		page.GET(one+"/use", tenant.ReadPrompts, p.Use),
		page.GET(one+"/settings", tenant.ReadPrompts, p.Settings),
		page.POST(one+"/settings", tenant.WritePrompts, p.SaveSettings),
		page.GET(one+"/move", tenant.WritePrompts, p.MoveForm),
		page.POST(one+"/move", tenant.WritePrompts, p.Move),
		page.POST(one+"/rollback", tenant.WritePrompts, p.RollBack),
		page.POST(one+"/ramp", tenant.WritePrompts, p.Ramp),
		page.POST(one+"/requests/:request", tenant.WritePrompts, p.Answer),
		page.POST(one+"/comments", tenant.WritePrompts, p.Comment),
		page.POST(one+"/comments/:comment/:what", tenant.WritePrompts, p.ChangeComment),
		page.POST(one+"/archive", tenant.WritePrompts, p.Archive),
		page.POST(one+"/restore", tenant.WritePrompts, p.Restore),
	}
}
