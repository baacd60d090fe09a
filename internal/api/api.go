// Package api is the control plane's JSON API: the list of its routes, and what they stand on.
//
// It holds no logic: an endpoint is its domain's (package <domain>http), a convention is the kit's (package rest).
package api

import (
	"log/slog"
	"net/http"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/alias"
	"tollgate/internal/batch"
	"tollgate/internal/budget"
	"tollgate/internal/calllog"
	"tollgate/internal/credential"
	"tollgate/internal/experiment"
	"tollgate/internal/fault"
	"tollgate/internal/issue"
	"tollgate/internal/key"
	"tollgate/internal/limit"
	"tollgate/internal/notice"
	"tollgate/internal/playground"
	"tollgate/internal/price"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/exchange"
	"tollgate/internal/prompt/promptstat"
	"tollgate/internal/rest"
	"tollgate/internal/route/rehearse"
	"tollgate/internal/score"
	"tollgate/internal/usage"
)

// Deps is what the API stands on. All fields are required.
type Deps struct {
	Version       string // of the program
	Authenticator rest.Authenticator
	Once          rest.Ledger
	Now           func() time.Time
	Logger        *slog.Logger

	Accounts    *account.Service
	Keys        *key.Service
	Issue       *issue.Service
	Leaks       *key.Leaks
	Credentials *credential.Service
	Aliases     *alias.Service
	Rehearsals  *rehearse.Service
	Prices      *price.Service
	Calls       *calllog.Queries
	Usage       *usage.Service
	Scores      *score.Service
	Experiments *experiment.Service
	Batches     *batch.Service
	Budgets     *budget.Service
	Limits      *limit.Service
	Notices     *notice.Service
	Prompts     *prompt.Service
	PromptFiles *exchange.Service
	Playground  *playground.Service
	PromptStats *promptstat.Service
}

// New makes the handler of everything below rest.Prefix. It fails when a route is declared wrong: then nothing starts.
func New(d Deps) (http.Handler, error) { return server(d).Handler() }

func server(d Deps) *rest.Server {
	s := rest.New(rest.Options{
		Title: "Tollgate", Version: d.Version, Authenticator: d.Authenticator, Once: d.Once, Now: d.Now, Logger: d.Logger,
		Unauthenticated: []*fault.Error{account.ErrNoCredential, account.ErrNoSession, account.ErrUserToken, account.ErrToken, account.ErrVirtualKey},
	})
	s.Mount(routes(d)...)
	return s
}
