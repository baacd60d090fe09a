package web

import (
	"log/slog"
	"slices"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/alias"
	"tollgate/internal/budget"
	"tollgate/internal/calllog"
	"tollgate/internal/credential"
	"tollgate/internal/experiment"
	"tollgate/internal/issue"
	"tollgate/internal/key"
	"tollgate/internal/limit"
	"tollgate/internal/notice"
	"tollgate/internal/playground"
	"tollgate/internal/price"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/exchange"
	"tollgate/internal/prompt/promptstat"
	"tollgate/internal/route/rehearse"
	"tollgate/internal/score"
	"tollgate/internal/usage"
	"tollgate/web/page"
)

// Deps is what the dashboard stands on. All fields but the last are required.
type Deps struct {
	Accounts    *account.Service
	Keys        *key.Service
	Issue       *issue.Service // makes keys with their own budgets and limits
	Leaks       *key.Leaks
	Credentials *credential.Service
	Aliases     *alias.Service
	Prices      *price.Service
	Calls       *calllog.Queries
	Usage       *usage.Service
	Scores      *score.Service
	Experiments *experiment.Service
	Rehearse    *rehearse.Service
	Budgets     *budget.Service
	Limits      *limit.Service
	Notices     *notice.Service
	Prompts     *prompt.Service
	PromptStats *promptstat.Service
	PromptFiles *exchange.Service
	Playground  *playground.Service

	Cookies Cookies
	Now     func() time.Time
	Logger  *slog.Logger

	GatewayURL string // how applications reach the gateway, for snippets
	SiteURL    string // how browsers reach the dashboard, for clients that read prompts from it; "": not known

	Watch time.Duration // how often a live page asks whether its reader may still see it; 0: rest.WatchEvery
}

// Routes is the dashboard: every page, the permission it needs, and who answers. Tests walk it.
func Routes(d Deps) []page.Route {
	return slices.Concat(entrance(d), measure(d), keyring(d), control(d), steer(d), registry(d), bench(d), guard(d), told(d), operate(d))
}
