package api

import (
	"tollgate/internal/account/accounthttp"
	"tollgate/internal/alias/aliashttp"
	"tollgate/internal/batch/batchhttp"
	"tollgate/internal/budget/budgethttp"
	"tollgate/internal/calllog/callloghttp"
	"tollgate/internal/credential/credentialhttp"
	"tollgate/internal/experiment/experimenthttp"
	"tollgate/internal/key/keyhttp"
	"tollgate/internal/limit/limithttp"
	"tollgate/internal/notice/noticehttp"
	"tollgate/internal/price/pricehttp"
	"tollgate/internal/prompt/prompthttp"
	"tollgate/internal/rest"
	"tollgate/internal/score/scorehttp"
	"tollgate/internal/tenant"
	"tollgate/internal/usage/usagehttp"
)

// routes is the API: every route, the permission it needs, and who answers.
func routes(d Deps) []rest.Route {
	return []rest.Route{
		rest.PublicPOST("/organization", accounthttp.SignUp(d.Accounts)),
		rest.GET("/organization", tenant.ReadOrganization, accounthttp.ReadOrganization(d.Accounts)),
		rest.PATCH("/organization", tenant.WriteOrganization, accounthttp.UpdateOrganization(d.Accounts)),

		rest.PublicPOST("/sessions", accounthttp.LogIn(d.Accounts)),
		rest.PublicPOST("/sessions/refresh", accounthttp.Refresh(d.Accounts)),
		rest.GET("/sessions", tenant.OwnSession, accounthttp.Sessions(d.Accounts)),
		rest.DELETE("/sessions/{id}", tenant.OwnSession, accounthttp.EndSession(d.Accounts)),
		rest.GET("/sessions/current/organizations", tenant.OwnSession, accounthttp.Organizations(d.Accounts)),
		rest.PUT("/sessions/current/organization", tenant.OwnSession, accounthttp.Enter(d.Accounts)),

		rest.GET("/teams", tenant.ReadTeams, accounthttp.ListTeams(d.Accounts)),
		rest.POST("/teams", tenant.WriteTeams, accounthttp.CreateTeam(d.Accounts)),
		rest.GET("/teams/{id}", tenant.ReadTeams, accounthttp.ReadTeam(d.Accounts)),
		rest.PATCH("/teams/{id}", tenant.WriteTeams, accounthttp.UpdateTeam(d.Accounts)),

		rest.GET("/members", tenant.ReadMembers, accounthttp.ListMembers(d.Accounts)),
		rest.GET("/members/{id}", tenant.ReadMembers, accounthttp.ReadMember(d.Accounts)),
		rest.PATCH("/members/{id}", tenant.WriteMembers, accounthttp.UpdateMember(d.Accounts)),
		rest.DELETE("/members/{id}", tenant.WriteMembers, accounthttp.RemoveMember(d.Accounts)),

		rest.GET("/tokens", tenant.ReadTokens, accounthttp.ListTokens(d.Accounts)),
		rest.POST("/tokens", tenant.WriteTokens, accounthttp.IssueToken(d.Accounts)),
		rest.GET("/tokens/{id}", tenant.ReadTokens, accounthttp.ReadToken(d.Accounts)),
		rest.DELETE("/tokens/{id}", tenant.WriteTokens, accounthttp.RevokeToken(d.Accounts)),

		rest.GET("/keys", tenant.ReadKeys, keyhttp.List(d.Keys, d.Now)),
		rest.POST("/keys", tenant.WriteKeys, keyhttp.Issue(d.Issue, d.Now)),
		rest.POST("/keys/bulk", tenant.WriteKeys, keyhttp.Bulk(d.Keys)),
		rest.POST("/keys/import", tenant.GovernKeys, keyhttp.Import(d.Issue)),
		rest.POST("/keys/report", tenant.ReadKeys, keyhttp.Report(d.Leaks, d.Now)),
		rest.GET("/keys/settings", tenant.ReadKeys, keyhttp.ReadSettings(d.Leaks)),
		rest.PUT("/keys/settings", tenant.GovernKeys, keyhttp.WriteSettings(d.Leaks)),
		rest.GET("/keys/templates", tenant.ReadKeys, keyhttp.ListTemplates(d.Keys)),
		rest.POST("/keys/templates", tenant.GovernKeys, keyhttp.CreateTemplate(d.Keys)),
		rest.GET("/keys/templates/{id}", tenant.ReadKeys, keyhttp.ReadTemplate(d.Keys)),
		rest.PATCH("/keys/templates/{id}", tenant.GovernKeys, keyhttp.UpdateTemplate(d.Keys)),
		rest.DELETE("/keys/templates/{id}", tenant.GovernKeys, keyhttp.DeleteTemplate(d.Keys)),
		rest.GET("/keys/{id}", tenant.ReadKeys, keyhttp.Read(d.Keys, d.Now)),
		rest.PATCH("/keys/{id}", tenant.WriteKeys, keyhttp.Update(d.Keys, d.Now)),
		rest.GET("/keys/{id}/usage", tenant.ReadKeys, keyhttp.Usage(d.Keys)),
		rest.POST("/keys/{id}/disable", tenant.WriteKeys, keyhttp.Disable(d.Keys, d.Now)),
		rest.POST("/keys/{id}/enable", tenant.WriteKeys, keyhttp.Enable(d.Keys, d.Now)),
		rest.POST("/keys/{id}/rotate", tenant.WriteKeys, keyhttp.Rotate(d.Keys, d.Now)),
		rest.POST("/keys/{id}/rotation/cancel", tenant.WriteKeys, keyhttp.CancelRotation(d.Keys, d.Now)),
		rest.POST("/keys/{id}/revoke", tenant.WriteKeys, keyhttp.Revoke(d.Keys, d.Now)),
		rest.DELETE("/keys/{id}/secrets/{secret}", tenant.WriteKeys, keyhttp.EndSecret(d.Keys, d.Now)),

		rest.GET("/credentials", tenant.ReadCredentials, credentialhttp.List(d.Credentials)),
		rest.POST("/credentials", tenant.WriteCredentials, credentialhttp.Connect(d.Credentials)),
		rest.POST("/credentials/test", tenant.WriteCredentials, credentialhttp.Test(d.Credentials)),
		rest.GET("/credentials/{id}", tenant.ReadCredentials, credentialhttp.Read(d.Credentials)),
		rest.PATCH("/credentials/{id}", tenant.WriteCredentials, credentialhttp.Update(d.Credentials)),
		rest.DELETE("/credentials/{id}", tenant.WriteCredentials, credentialhttp.Delete(d.Credentials)),
		rest.POST("/credentials/{id}/test", tenant.WriteCredentials, credentialhttp.TestStored(d.Credentials)),

		rest.GET("/experiments", tenant.ReadExperiments, experimenthttp.List(d.Experiments)),
		rest.POST("/experiments", tenant.WriteExperiments, experimenthttp.Create(d.Experiments)),
		rest.POST("/experiments/forecast", tenant.ReadExperiments, experimenthttp.Foresee(d.Experiments)),
		rest.POST("/experiments/replay", tenant.ReadExperiments, experimenthttp.Replay(d.Experiments)),
		rest.GET("/experiments/{id}", tenant.ReadExperiments, experimenthttp.Read(d.Experiments)),
		rest.PATCH("/experiments/{id}", tenant.WriteExperiments, experimenthttp.Update(d.Experiments)),
		rest.DELETE("/experiments/{id}", tenant.WriteExperiments, experimenthttp.Delete(d.Experiments)),
		rest.POST("/experiments/{id}/start", tenant.WriteExperiments, experimenthttp.Start(d.Experiments)),
		rest.POST("/experiments/{id}/stop", tenant.WriteExperiments, experimenthttp.Stop(d.Experiments)),
		rest.POST("/experiments/{id}/promote", tenant.WriteExperiments, experimenthttp.Promote(d.Experiments)),
		rest.POST("/experiments/{id}/rollback", tenant.WriteExperiments, experimenthttp.Rollback(d.Experiments)),
		rest.GET("/experiments/{id}/readings", tenant.ReadExperiments, experimenthttp.Readings(d.Experiments)),
		rest.GET("/experiments/{id}/units", tenant.ReadExperiments, experimenthttp.Segments(d.Experiments)),
		rest.GET("/experiments/{id}/pairs", tenant.ReadCalls, experimenthttp.Pairs(d.Experiments)),

		rest.GET("/aliases", tenant.ReadAliases, aliashttp.List(d.Aliases)),
		rest.POST("/aliases", tenant.WriteAliases, aliashttp.Create(d.Aliases)),
		rest.GET("/aliases/{id}", tenant.ReadAliases, aliashttp.Read(d.Aliases)),
		rest.PATCH("/aliases/{id}", tenant.WriteAliases, aliashttp.Update(d.Aliases)),
		rest.DELETE("/aliases/{id}", tenant.WriteAliases, aliashttp.Delete(d.Aliases)),
		rest.GET("/aliases/{id}/versions", tenant.ReadAliases, aliashttp.Versions(d.Aliases)),
		rest.POST("/aliases/{id}/restore", tenant.WriteAliases, aliashttp.Restore(d.Aliases)),

		rest.GET("/routing", tenant.ReadAliases, aliashttp.ReadRouting(d.Aliases)),
		rest.PUT("/routing", tenant.WriteAliases, aliashttp.ApplyRouting(d.Aliases)),
		rest.GET("/routing/file", tenant.ReadAliases, aliashttp.ReadRoutingFile(d.Aliases)),
		rest.GET("/routing/schema", tenant.ReadAliases, aliashttp.RoutingSchema()),
		rest.POST("/routing/check", tenant.ReadAliases, aliashttp.CheckRouting(d.Aliases)),
		rest.POST("/routing/rehearse", tenant.ReadAliases, rehearseRouting(d.Aliases, d.Rehearsals)),
		rest.GET("/routing/versions", tenant.ReadAliases, aliashttp.RoutingVersions(d.Aliases)),
		rest.GET("/routing/versions/{id}", tenant.ReadAliases, aliashttp.ReadRoutingVersion(d.Aliases)),
		rest.POST("/routing/restore", tenant.WriteAliases, aliashttp.RestoreRouting(d.Aliases)),

		rest.GET("/prompts", tenant.ReadPrompts, prompthttp.List(d.Prompts)),
		rest.POST("/prompts", tenant.WritePrompts, prompthttp.Create(d.Prompts)),
		rest.GET("/prompts/resolve", tenant.ReadPrompts, prompthttp.Resolve(d.Prompts)),
		rest.POST("/prompts/check", tenant.ReadPrompts, prompthttp.Check(d.Prompts)),
		rest.GET("/prompts/protected", tenant.ReadPrompts, prompthttp.ReadProtected(d.Prompts)),
		rest.PUT("/prompts/protected", tenant.ReleasePrompts, prompthttp.Protect(d.Prompts)),
		rest.GET("/prompts/{id}", tenant.ReadPrompts, prompthttp.Read(d.Prompts)),
		rest.PATCH("/prompts/{id}", tenant.WritePrompts, prompthttp.Update(d.Prompts)),
		rest.POST("/prompts/{id}/archive", tenant.WritePrompts, prompthttp.Archive(d.Prompts)),
		rest.POST("/prompts/{id}/restore", tenant.WritePrompts, prompthttp.Restore(d.Prompts)),
		rest.POST("/prompts/{id}/duplicate", tenant.WritePrompts, prompthttp.Duplicate(d.Prompts)),
		rest.GET("/prompts/{id}/versions", tenant.ReadPrompts, prompthttp.Versions(d.Prompts)),
		rest.POST("/prompts/{id}/versions", tenant.WritePrompts, prompthttp.Publish(d.Prompts)),
		rest.GET("/prompts/{id}/versions/{number}", tenant.ReadPrompts, prompthttp.ReadVersion(d.Prompts)),
		rest.PUT("/prompts/{id}/labels/{label}", tenant.WritePrompts, prompthttp.SetLabel(d.Prompts)),
		rest.DELETE("/prompts/{id}/labels/{label}", tenant.WritePrompts, prompthttp.RemoveLabel(d.Prompts)),
		rest.GET("/prompts/{id}/moves", tenant.ReadPrompts, prompthttp.ListMoves(d.Prompts)),

		rest.GET("/limits", tenant.ReadLimits, limithttp.List(d.Limits)),
		rest.POST("/limits", tenant.WriteLimits, limithttp.Create(d.Limits)),
		rest.GET("/limits/{id}", tenant.ReadLimits, limithttp.Read(d.Limits)),
		rest.PATCH("/limits/{id}", tenant.WriteLimits, limithttp.Update(d.Limits)),
		rest.DELETE("/limits/{id}", tenant.WriteLimits, limithttp.Archive(d.Limits)),
		rest.POST("/limits/{id}/restore", tenant.WriteLimits, limithttp.Restore(d.Limits)),
		rest.GET("/notices", tenant.ReadNotices, noticehttp.List(d.Notices)),
		rest.POST("/notices/read", tenant.WriteNotices, noticehttp.MarkRead(d.Notices)),
		rest.GET("/channels", tenant.ReadChannels, noticehttp.ListChannels(d.Notices)),
		rest.POST("/channels", tenant.WriteChannels, noticehttp.CreateChannel(d.Notices)),
		rest.GET("/channels/{id}", tenant.ReadChannels, noticehttp.ReadChannel(d.Notices)),
		rest.PATCH("/channels/{id}", tenant.WriteChannels, noticehttp.UpdateChannel(d.Notices)),
		rest.DELETE("/channels/{id}", tenant.WriteChannels, noticehttp.DeleteChannel(d.Notices)),
		rest.POST("/channels/{id}/test", tenant.WriteChannels, noticehttp.TestChannel(d.Notices)),
		rest.POST("/channels/{id}/rotate", tenant.WriteChannels, noticehttp.RotateChannel(d.Notices)),
		rest.GET("/channels/{id}/deliveries", tenant.ReadChannels, noticehttp.Deliveries(d.Notices)),
		rest.POST("/deliveries/{id}/resend", tenant.WriteChannels, noticehttp.Resend(d.Notices)),

		rest.GET("/budgets", tenant.ReadBudgets, budgethttp.List(d.Budgets)),
		rest.POST("/budgets", tenant.WriteBudgets, budgethttp.Create(d.Budgets)),
		rest.GET("/budgets/tree", tenant.ReadBudgets, budgethttp.Tree(d.Budgets)),
		rest.GET("/budgets/suggestions", tenant.ReadBudgets, budgethttp.Suggest(d.Budgets)),
		rest.POST("/budgets/simulate", tenant.ReadBudgets, budgethttp.Simulate(d.Budgets)),
		rest.GET("/budgets/verify", tenant.ReadBudgets, budgethttp.Checked(d.Budgets)),
		rest.POST("/budgets/verify", tenant.ReadBudgets, budgethttp.Verify(d.Budgets)),
		rest.POST("/budgets/reconcile", tenant.WriteBudgets, budgethttp.Reconcile(d.Budgets)),
		rest.GET("/budgets/{id}", tenant.ReadBudgets, budgethttp.Read(d.Budgets)),
		rest.PATCH("/budgets/{id}", tenant.WriteBudgets, budgethttp.Update(d.Budgets)),
		rest.POST("/budgets/{id}/archive", tenant.WriteBudgets, budgethttp.Archive(d.Budgets)),
		rest.POST("/budgets/{id}/restore", tenant.WriteBudgets, budgethttp.Restore(d.Budgets)),
		rest.GET("/budgets/{id}/standing", tenant.ReadBudgets, budgethttp.Stand(d.Budgets)),
		rest.GET("/budgets/{id}/subjects", tenant.ReadBudgets, budgethttp.Subjects(d.Budgets)),
		rest.GET("/budgets/{id}/burn", tenant.ReadBudgets, budgethttp.BurnDown(d.Budgets)),
		rest.GET("/budgets/{id}/blocked", tenant.ReadCalls, budgethttp.ListBlocked(d.Budgets)),
		rest.GET("/budgets/{id}/raises", tenant.ReadBudgets, budgethttp.ListRaises(d.Budgets)),
		rest.POST("/budgets/{id}/raises", tenant.WriteBudgets, budgethttp.CreateRaise(d.Budgets)),
		rest.DELETE("/budgets/{id}/raises/{raise}", tenant.WriteBudgets, budgethttp.EndRaise(d.Budgets)),

		rest.GET("/vendors", tenant.ReadPrices, listVendors()),
		rest.GET("/models", tenant.ReadPrices, pricehttp.Models(d.Prices)),
		rest.GET("/prices", tenant.ReadPrices, pricehttp.Prices(d.Prices)),
		rest.GET("/prices/overrides", tenant.ReadPrices, pricehttp.ListOverrides(d.Prices)),
		rest.POST("/prices/overrides", tenant.WritePrices, pricehttp.CreateOverride(d.Prices)),
		rest.GET("/prices/overrides/{id}", tenant.ReadPrices, pricehttp.ReadOverride(d.Prices)),
		rest.DELETE("/prices/overrides/{id}", tenant.WritePrices, pricehttp.EndOverride(d.Prices)),

		rest.GET("/calls", tenant.ReadCalls, callloghttp.List(d.Calls)),
		rest.GET("/calls/tail", tenant.ReadCalls, callloghttp.Tail(d.Calls)),
		rest.GET("/calls/{id}", tenant.ReadCalls, callloghttp.Read(d.Calls)),
		rest.GET("/calls/{id}/scores", tenant.ReadCalls, scorehttp.List(d.Scores)),
		rest.POST("/calls/{id}/scores", tenant.WriteScores, scorehttp.Create(d.Scores)),
		rest.DELETE("/calls/{id}/scores/{score}", tenant.WriteScores, scorehttp.Delete(d.Scores)),
		rest.POST("/scores", tenant.WriteScores, scorehttp.CreateMany(d.Scores)),
		rest.GET("/batches", tenant.ReadCalls, batchhttp.List(d.Batches)),
		rest.GET("/batches/{id}", tenant.ReadCalls, batchhttp.Read(d.Batches)),
		rest.POST("/batches/{id}/cancel", tenant.WriteBatches, batchhttp.Cancel(d.Batches)),
		rest.GET("/costs", tenant.ReadCosts, usagehttp.Read(d.Usage, d.Now, "Sum up costs")),
		rest.GET("/usage", tenant.ReadCosts, usagehttp.Read(d.Usage, d.Now, "Sum up usage")),
	}
}
