package app

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tollgate/internal/account"
	"tollgate/internal/account/accounthttp"
	"tollgate/internal/account/accountpg"
	"tollgate/internal/account/password"
	"tollgate/internal/account/usertoken"
	"tollgate/internal/alias"
	"tollgate/internal/alias/aliaspg"
	"tollgate/internal/alias/condition"
	"tollgate/internal/api"
	"tollgate/internal/batch"
	"tollgate/internal/batch/batchpg"
	"tollgate/internal/budget"
	"tollgate/internal/budget/budgetpg"
	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/credential"
	"tollgate/internal/credential/credentialpg"
	"tollgate/internal/credential/vault"
	"tollgate/internal/egress"
	"tollgate/internal/experiment"
	"tollgate/internal/experiment/experimentpg"
	"tollgate/internal/issue"
	"tollgate/internal/key"
	"tollgate/internal/key/keypg"
	"tollgate/internal/key/leak"
	"tollgate/internal/limit"
	"tollgate/internal/limit/limitpg"
	"tollgate/internal/mcp"
	"tollgate/internal/notice"
	"tollgate/internal/notice/noticepg"
	"tollgate/internal/price"
	"tollgate/internal/price/pricepg"
	"tollgate/internal/price/seed"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/exchange"
	"tollgate/internal/prompt/langfusehttp"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/prompt/promptstat"
	"tollgate/internal/prompt/promptstat/promptstatpg"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/rest"
	"tollgate/internal/rest/restpg"
	"tollgate/internal/route"
	"tollgate/internal/route/rehearse"
	"tollgate/internal/score"
	"tollgate/internal/score/scorepg"
	"tollgate/internal/snapshot/snapshotpg"
	"tollgate/internal/usage"
	"tollgate/internal/usage/usagepg"
	"tollgate/internal/visitor"
	"tollgate/web"
)

// API is the control plane: the JSON API and the dashboard.
var API = Part{name: "api", build: buildAPI}

// services are the domains as the control plane uses them; the API and the pages stand on the same ones.
type services struct {
	accounts    *account.Service
	keys        *key.Service
	issue       *issue.Service
	leaks       *key.Leaks
	credentials *credential.Service
	aliases     *alias.Service
	rehearsals  *rehearse.Service
	prices      *price.Service
	calls       *calllog.Queries
	usage       *usage.Service
	scores      *score.Service
	experiments *experiment.Service
	prompts     *prompt.Service
	promptStats *promptstat.Service
	promptFiles *exchange.Service
	budgets     *budget.Service
	limits      *limit.Service
	notices     notice.Poster // nil: nobody is told
	told        *notice.Service
}

func (h *house) services(ctx context.Context) (services, error) {
	shipped, err := seed.Records()
	if err != nil {
		return services{}, err
	}
	sealed, err := h.vault()
	if err != nil {
		return services{}, err
	}
	policy := egress.New(h.cfg.EgressAllow)
	s := services{
		accounts: h.accounts(),
		keys:     key.NewService(keypg.New(h.db), h.hasher, h.now),
		credentials: credential.NewService(credentialpg.New(h.db), sealed, catalog.Vendor, policy,
			credential.NewTester(policy.Client(), h.signer(ctx), h.now), h.now),
		aliases: alias.NewService(aliaspg.New(h.db), alias.Words{Vendors: catalog.Vendor, Condition: condition.Check}, h.now),
		prices:  price.NewService(pricepg.New(h.db), shipped, h.now),
		calls:   calllog.NewQueries(calllogpg.New(h.db)),
		usage:   usage.NewService(usagepg.New(h.db)),
		scores:  score.NewService(scorepg.New(h.db), h.now),
		limits:  limit.NewService(limitpg.New(h.db), h.now),
		notices: noticepg.New(h.db),
	}
	if s.told, err = h.noticeService(); err != nil {
		return services{}, err
	}
	s.prompts = prompt.NewService(promptpg.New(h.db), h.now,
		holdsOfAliases(func() *alias.Service { return s.aliases }), holdsOfExperiments(func() *experiment.Service { return s.experiments }))
	s.promptFiles = exchange.NewService(s.prompts, keptCalls{s.calls}, policy.Client())
	s.promptStats = promptstat.NewService(promptstatpg.New(h.db))
	s.rehearsals = rehearse.New(rehearse.Deps{
		Calls: calllogpg.New(h.db), Config: snapshotpg.New(h.db, pricepg.New(h.db)), Prices: s.prices, Vendors: catalog.Vendor,
		Router: route.Router{Vendors: catalog.Known}, Now: h.now,
	})
	s.experiments = experiment.NewService(experiment.Deps{
		Store: experimentpg.New(h.db), Aliases: s.aliases, Credentials: s.credentials, Keys: s.keys, Prompts: s.prompts,
		Prices: experiment.PriceList{Service: s.prices, Now: h.now}, Vendors: catalog.Vendor, Now: h.now,
	})
	s.budgets = budget.NewService(budget.Deps{
		Store: budgetpg.NewStore(h.db), Organizations: s.accounts, Costs: s.usage, Books: budgetpg.NewLedger(h.db, h.log), Vendors: catalog.Vendor, Now: h.now,
	})
	s.issue = issue.New(s.keys, s.budgets, s.limits)
	s.leaks = key.NewLeaks(s.keys, keypg.New(h.db), tellOfKeys(s.notices), h.log)
	return s, nil
}

func (h *house) accounts() *account.Service {
	return account.NewService(account.Deps{
		Store: accountpg.New(h.db), Passwords: password.New(), Signer: usertoken.New(h.ring.Derive("user token")),
		SessionPepper: h.ring.Derive("session pepper"), TokenPepper: h.ring.Derive("management token pepper"), Now: h.now,
	})
}

// vault seals and opens provider credentials under the root key.
func (h *house) vault() (*vault.Vault, error) {
	kms, err := vault.NewLocal(h.ring)
	if err != nil {
		return nil, err
	}
	return vault.New(kms), nil
}

func buildAPI(ctx context.Context, h *house) ([]service, error) {
	log := h.log.With("part", "api")
	s, err := h.services(ctx)
	if err != nil {
		return nil, err
	}
	h.asks = true
	cookie := accounthttp.Cookie{Secure: strings.HasPrefix(h.cfg.PublicURL, "https://")}
	json, err := api.New(api.Deps{
		Version: version, Authenticator: accounthttp.NewAuthenticator(s.accounts, cookie), Once: restpg.New(h.db), Now: h.now, Logger: log,
		Accounts: s.accounts, Keys: s.keys, Issue: s.issue, Leaks: s.leaks, Credentials: s.credentials, Aliases: s.aliases, Rehearsals: s.rehearsals, Prices: s.prices, Calls: s.calls, Usage: s.usage, Scores: s.scores,
		Experiments: s.experiments, Batches: batch.NewService(batchpg.New(h.db), h.now),
		Limits: s.limits, Budgets: s.budgets, Notices: s.told,
		Prompts: s.prompts, PromptFiles: s.promptFiles, PromptStats: s.promptStats, Playground: h.playground(&s),
	})
	if err != nil {
		return nil, err
	}
	pages, err := web.New(web.Deps{
		Cookies: cookie, Now: h.now, Logger: log, GatewayURL: h.cfg.GatewayURL,
		Accounts: s.accounts, Keys: s.keys, Credentials: s.credentials, Aliases: s.aliases, Prices: s.prices, Calls: s.calls, Usage: s.usage, Scores: s.scores,
		Experiments: s.experiments, Rehearse: s.rehearsals, Notices: s.told, Budgets: s.budgets, Limits: s.limits, Issue: s.issue, Leaks: s.leaks,
		Prompts: s.prompts, PromptStats: s.promptStats, PromptFiles: s.promptFiles,
		Playground: h.playground(&s), SiteURL: h.cfg.PublicURL,
	})
	if err != nil {
		return nil, err
	}
	readers := map[string]http.Handler{
		langfusehttp.Prefix: langfusehttp.New(langfusehttp.Deps{Version: version, Prompts: s.prompts, Tokens: s.accounts, Now: h.now, Logger: log}),
		mcp.Path:            mcp.New(mcp.Deps{Version: version, Prompts: s.prompts, Metrics: s.promptStats, Tokens: s.accounts, Now: h.now, Logger: log}),
	}
	l, err := h.listen(ctx, "the dashboard", h.cfg.Addr, "--addr or TOLLGATE_ADDR")
	if err != nil {
		return nil, err
	}
	h.onWeb = append(h.onWeb, fmt.Sprintf("dashboard  %s", h.cfg.PublicURL))
	h.hint = "Open the dashboard and sign up; its first page leads to your first call."
	srv := &http.Server{
		Handler:           visitor.Believe(h.cfg.TrustedProxies, h.controlPlane(json, pages, h.leakIntake(s.leaks, log), readers)),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	return []service{{"dashboard", edge, serve(l, srv, log, controlDrain, nil)}}, nil
}

// controlDrain bounds the end of the control plane: live pages are cut then, and browsers come back by themselves.
const controlDrain = 3 * time.Second

// controlPlane is everything on the dashboard's address; by, what clients of other products and protocols ask for, by its path.
func (h *house) controlPlane(json, pages, leaks http.Handler, by map[string]http.Handler) http.Handler {
	mux := http.NewServeMux()
	for path, handler := range by {
		mux.Handle(path, handler)
	}
	mux.Handle(rest.Prefix+"/", json)
	mux.Handle(leak.SignedPath, leaks)
	mux.Handle(leak.GitHubPath, leaks)
	mux.Handle("/", pages)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		limited, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := h.db.Ping(limited); err != nil {
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	})
	return mux
}
