package web

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/account"
	"tollgate/internal/account/accounthttp"
	"tollgate/internal/account/accountpg"
	"tollgate/internal/account/usertoken"
	"tollgate/internal/alias"
	"tollgate/internal/alias/aliaspg"
	"tollgate/internal/alias/condition"
	"tollgate/internal/budget"
	"tollgate/internal/budget/budgetpg"
	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/chat"
	"tollgate/internal/credential"
	"tollgate/internal/credential/credentialpg"
	"tollgate/internal/credential/sign"
	"tollgate/internal/credential/vault"
	"tollgate/internal/egress"
	"tollgate/internal/experiment"
	"tollgate/internal/experiment/experimentpg"
	"tollgate/internal/id"
	"tollgate/internal/issue"
	"tollgate/internal/key"
	"tollgate/internal/key/keypg"
	"tollgate/internal/limit"
	"tollgate/internal/limit/limitpg"
	"tollgate/internal/notice"
	"tollgate/internal/notice/noticepg"
	"tollgate/internal/playground"
	"tollgate/internal/playground/playgroundpg"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/price"
	"tollgate/internal/price/pricepg"
	"tollgate/internal/price/seed"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/exchange"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/prompt/promptstat"
	"tollgate/internal/prompt/promptstat/promptstatpg"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/route"
	"tollgate/internal/route/rehearse"
	"tollgate/internal/score"
	"tollgate/internal/score/scorepg"
	"tollgate/internal/secret"
	"tollgate/internal/snapshot/snapshotpg"
	"tollgate/internal/tenant"
	"tollgate/internal/usage"
	"tollgate/internal/usage/usagepg"
)

// fixture makes one thing in the visitor's organization and tells its id: what :id stands for on every page whose path starts with
// under. A new kind of thing adds a line; a page without one fails TestEveryPageHidesOtherOrganizations.
type fixture struct {
	under string
	make  func(b *browser) string
}

func fixtures() []fixture {
	return []fixture{
		{"/keys/:id", func(b *browser) string {
			k, _, err := b.h.deps.Keys.Issue(b.h.t.Context(), b.scope, key.New{Team: b.team, Name: "fixture " + id.New("x"), Environment: "production"})
			return string(must(b.h.t, k, err).ID)
		}},
		{"/aliases/:id", func(b *browser) string {
			route := alias.Route{Targets: []alias.Target{{Provider: "sandbox", Model: "echo-mini"}}}
			a, err := b.h.deps.Aliases.Create(b.h.t.Context(), b.scope, "fixture-"+strings.ReplaceAll(id.New("x"), "_", "-"), route, "")
			return string(must(b.h.t, a, err).ID)
		}},
		{"/providers/:id", func(b *browser) string {
			n := credential.New{Provider: "custom", Name: "fixture " + id.New("x"), BaseURL: "http://127.0.0.1:1", Secret: secret.NewText("sk-0123456789abcdef")}
			c, err := b.h.deps.Credentials.Connect(b.h.t.Context(), b.scope, n)
			return string(must(b.h.t, c, err).ID)
		}},
		{"/models/overrides/:id", func(b *browser) string {
			n := price.NewOverride{Provider: "openai", Model: "fixture-" + id.New("x"), Rates: price.Rates{}.Set(chat.Input, 1_000_000)}
			o, err := b.h.deps.Prices.Override(b.h.t.Context(), b.scope, n)
			return string(must(b.h.t, o, err).ID)
		}},
		{"/experiments/:id", func(b *browser) string {
			a := fixtures()[1].make(b)
			p := experiment.Plan{
				Alias: id.Alias(a), Name: "fixture", Goal: experiment.Cheaper, Quality: experiment.Scores,
				Variants: []experiment.Variant{{Name: "control"}, {Name: "b", Target: &alias.Target{Provider: "sandbox", Model: "echo-large"}}},
			}
			e, err := b.h.deps.Experiments.Create(b.h.t.Context(), b.scope, p)
			return string(must(b.h.t, e, err).ID)
		}},
		{"/keys/templates/:id", func(b *browser) string {
			t, err := b.h.deps.Keys.CreateTemplate(b.h.t.Context(), b.scope, key.Template{Name: "fixture " + id.New("x")})
			return string(must(b.h.t, t, err).ID)
		}},
		{"/budgets/:id", func(b *browser) string {
			n := budget.Budget{Name: "fixture " + id.New("x"), Limits: []budget.Limit{{Period: budget.Month, Amount: 5_000_000_000}}, Mode: budget.Block}
			got, err := b.h.deps.Budgets.Create(b.h.t.Context(), b.scope, n)
			return string(must(b.h.t, got, err).ID)
		}},
		{"/limits/:id", func(b *browser) string {
			n := limit.New{Name: "fixture " + id.New("x"), Metric: limit.Requests, Amount: 60, Per: time.Minute}
			got, err := b.h.deps.Limits.Create(b.h.t.Context(), b.scope, n)
			return string(must(b.h.t, got, err).ID)
		}},
		{"/alerts/channels/:id", func(b *browser) string {
			n := notice.NewChannel{Name: "fixture " + id.New("x"), Medium: notice.Webhook, Target: "http://127.0.0.1:1/hook"}
			c, _, err := b.h.deps.Notices.Create(b.h.t.Context(), b.scope, n)
			return string(must(b.h.t, c, err).ID)
		}},
		{"/alerts/deliveries/:id", func(b *browser) string {
			c, _, err := b.h.deps.Notices.Create(b.h.t.Context(), b.scope, notice.NewChannel{Name: "fixture " + id.New("x"), Medium: notice.Email, Target: "ops@example.com"})
			d, err2 := b.h.deps.Notices.Try(b.h.t.Context(), b.scope, must(b.h.t, c, err).ID)
			return string(must(b.h.t, d, err2).ID)
		}},
		{"/prompts/:id", func(b *browser) string {
			n := prompt.New{Name: "fixture/" + id.New("x"), Kind: prompt.Text, Content: prompt.Content{Text: "Be plain."}, Labels: []string{prompt.Production}}
			p, _, err := b.h.deps.Prompts.Create(b.h.t.Context(), b.scope, n)
			return string(must(b.h.t, p, err).ID)
		}},
		{"/playground/runs/:id", func(b *browser) string {
			n := playground.NewRun{Name: "fixture", Setup: playground.Setup{Columns: []playground.Column{{Model: "sandbox/echo-mini"}}, Message: "hi"}, Dataset: []byte("name\nAda")}
			r, err := b.h.deps.Playground.Start(b.h.t.Context(), b.scope, n)
			return string(must(b.h.t, r, err).ID)
		}},
		{"/requests/:id", func(b *browser) string { return b.h.called(b.scope.Org()).String() }},
		{"/settings/teams/:id", func(b *browser) string { return string(b.team) }},
		{"/settings/members/:id", func(b *browser) string { return string(b.user) }},
		{"/settings/tokens/:id", func(b *browser) string {
			t, _, err := b.h.deps.Accounts.IssueToken(b.h.t.Context(), b.scope, account.NewToken{Name: "fixture", Role: tenant.Viewer})
			return string(must(b.h.t, t, err).ID)
		}},
		{"/settings/sessions/:id", func(b *browser) string { return string(b.session) }},
	}
}

// forms are what a page's form would send, for POST routes that need one to get past their own checks.
func forms() map[string]url.Values {
	return map[string]url.Values{
		"/keys/:id/rotate":               {"overlap": {"24h"}},
		"/keys/templates/:id/edit":       {"name": {"x"}, "scope": {"any"}, "reach": {"any"}, "revision": {"1"}},
		"/keys/:id/edit":                 {"name": {"x"}, "team_id": {"team_x"}, "environment": {"production"}, "scope": {"any"}, "reach": {"any"}, "privacy": {"metadata"}},
		"/aliases/:id/edit":              {"by-0": {"sandbox"}, "model-0": {"echo-large"}, "on_disconnect": {"drain"}, "version": {"1"}, "do": {"save"}},
		"/aliases/:id/yaml":              {"yaml": {"aliases: {x: {targets: [sandbox/echo-large]}}"}, "version": {"1"}, "do": {"save"}},
		"/experiments/:id/edit":          {"name": {"x"}, "goal": {"faster"}, "quality": {"none"}, "margin": {"2"}, "days": {"7"}, "arm-0": {"control"}, "arm-1": {"b"}, "by-1": {"sandbox"}, "model-1": {"echo-mini"}, "revision": {"1"}, "do": {"draft"}},
		"/aliases/:id/restore":           {"version": {"1"}, "current": {"1"}},
		"/providers/:id":                 {"name": {"x"}, "revision": {"1"}},
		"/models/override":               {"provider": {"openai"}, "model": {"gpt-4o"}, "rates.input": {"2.25"}, "rates.output": {"9"}},
		"/budgets/:id/edit":              {"name": {"x"}, "limit_month": {"5"}, "mode": {"watch"}, "revision": {"1"}},
		"/budgets/:id/raises":            {"period": {"month"}, "amount": {"5"}, "for": {"24h"}, "reason": {"x"}},
		"/limits/:id/edit":               {"name": {"x"}, "metric": {"requests"}, "amount": {"5"}, "per": {"minute"}, "watch": {"refuse"}, "revision": {"1"}},
		"/playground/stream":             {"column": {"0"}, "model-0": {"sandbox/echo-mini"}, "message": {"hi"}},
		"/prompts":                       {"kind": {"text"}, "name": {"a"}, "text": {"x"}, "do": {"save"}},
		"/prompts/folder":                {"from": {"fixture"}, "to": {"other"}},
		"/prompts/rules":                 {"protected": {"x"}, "revision": {"0"}},
		"/prompts/:id/edit":              {"kind": {"text"}, "text": {"x"}, "version": {"1"}, "do": {"save"}},
		"/prompts/:id/settings":          {"name": {"x"}, "revision": {"1"}, "do": {"save"}},
		"/prompts/:id/move":              {"label": {"x"}, "to": {"1"}, "how": {"now"}},
		"/prompts/:id/rollback":          {"label": {"x"}, "to": {"1"}},
		"/prompts/:id/ramp":              {"label": {"production"}, "do": {"stop"}},
		"/prompts/:id/comments":          {"text": {"x"}},
		"/prompts/:id/requests/:request": {"do": {"approve"}},
		"/alerts/channels/:id":           {"name": {"x"}, "on": {"1"}, "revision": {"1"}},
		"/alerts/channels":               {"name": {"x"}, "medium": {"email"}, "target": {"ops@example.com"}},
		"/settings/teams/:id":            {"name": {"x"}, "was": {"Default"}},
		"/settings/members/:id":          {"role": {"viewer"}, "was": {"owner"}},
		"/settings/organization":         {"name": {"x"}, "was": {"nobody"}},
		"/settings/teams":                {"new": {"Sales"}},
		"/enter":                         {"organization": {"org_x"}},
		"/settings/tokens":               {"name": {"t"}, "role": {"viewer"}},
	}
}

// asked are query strings without which a page has nothing to answer.
func asked() map[string]string {
	return map[string]string{"/providers/connect": "?provider=anthropic", "/models/detail": "?provider=openai&model=gpt-4o"}
}

func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// plainPasswords stands in for argon2id, which has tests of its own and costs 40 ms a log-in.
type plainPasswords struct{}

func (plainPasswords) Hash(_ context.Context, plain string) (account.PasswordHash, error) {
	return account.PasswordHash("plain " + plain), nil
}

func (plainPasswords) Match(_ context.Context, plain string, hash account.PasswordHash) (bool, bool, error) {
	return string(hash) == "plain "+plain, false, nil
}

// house is the whole dashboard over a database of its own. Its clock stands still.
type house struct {
	t       *testing.T
	db      *postgres.DB
	deps    Deps
	handler http.Handler
}

func noon() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }

func build(t *testing.T) *house {
	t.Helper()
	db := pgtest.New(t)
	accounts := account.NewService(account.Deps{
		Store: accountpg.New(db), Passwords: plainPasswords{}, Signer: usertoken.New(make([]byte, 32)),
		SessionPepper: []byte("s"), TokenPepper: []byte("t"), Now: noon,
	})
	shipped := must2(t, seed.Records)
	ring, err := secret.ParseKeyring(base64.StdEncoding.EncodeToString(make([]byte, 32)))
	must(t, ring, err)
	kms, err := vault.NewLocal(ring)
	must(t, kms, err)
	open, err := egress.ParseOpen("127.0.0.0/8")
	policy := egress.New(must(t, open, err))
	d := Deps{
		Accounts: accounts, Keys: key.NewService(keypg.New(db), key.NewHasher(ring), noon),
		Credentials: credential.NewService(credentialpg.New(db), vault.New(kms), catalog.Vendor, policy, credential.NewTester(policy.Client(), sign.New(t.Context(), sign.Config{Transport: policy.Client().Transport, Now: noon}), noon), noon),
		Aliases:     alias.NewService(aliaspg.New(db), alias.Words{Vendors: catalog.Vendor, Condition: condition.Check}, noon), Prices: price.NewService(pricepg.New(db), shipped, noon),
		Calls: calllog.NewQueries(calllogpg.New(db)), Usage: usage.NewService(usagepg.New(db)), Scores: score.NewService(scorepg.New(db), time.Now),
		Cookies: accounthttp.Cookie{}, Now: noon, Logger: slog.New(slog.DiscardHandler), GatewayURL: "https://gateway.example",
		Watch: 10 * time.Millisecond,
	}
	d.Prompts = prompt.NewService(promptpg.New(db), noon)
	d.PromptStats = promptstat.NewService(promptstatpg.New(db))
	d.PromptFiles = exchange.NewService(d.Prompts, nil, policy.Client())
	d.Limits = limit.NewService(limitpg.New(db), noon)
	seal, err := notice.NewSeal(make([]byte, 32))
	d.Notices = notice.NewService(noticepg.New(db), must(t, seal, err), policy.CheckHook, noon)
	d.Budgets = budget.NewService(budget.Deps{Store: budgetpg.NewStore(db), Organizations: accounts, Costs: d.Usage, Vendors: catalog.Vendor, Now: noon})
	d.Issue = issue.New(d.Keys, d.Budgets, d.Limits)
	d.Leaks = key.NewLeaks(d.Keys, keypg.New(db), func(context.Context, id.Org, key.Notice) error { return nil }, d.Logger)
	d.Rehearse = rehearse.New(rehearse.Deps{
		Calls: calllogpg.New(db), Config: snapshotpg.New(db, pricepg.New(db)), Prices: d.Prices, Vendors: catalog.Vendor,
		Router: route.Router{Vendors: catalog.Known}, Now: noon,
	})
	d.Experiments = experiment.NewService(experiment.Deps{
		Store: experimentpg.New(db), Aliases: d.Aliases, Credentials: d.Credentials, Keys: d.Keys, Prompts: d.Prompts,
		Prices: experiment.PriceList{Service: d.Prices, Now: noon}, Vendors: catalog.Vendor, Now: noon,
	})
	d.Playground = playground.NewService(playground.Deps{
		Store: playgroundpg.New(db), Prompts: d.Prompts, Aliases: d.Aliases, Prices: experiment.PriceList{Service: d.Prices, Now: noon}, Teams: accounts,
		Issuer: d.Issue, Keys: d.Keys, Budgets: d.Budgets, Calls: d.Calls, Now: noon, Caller: nowhere{},
	})
	handler, err := New(d)
	return &house{t: t, db: db, deps: d, handler: must(t, handler, err)}
}

// nowhere is a process without a data plane.
type nowhere struct{}

func (nowhere) Call(context.Context, playground.Outgoing, http.ResponseWriter) error {
	return playground.ErrNoPlane
}

func must2[T any](t *testing.T, f func() (T, error)) T {
	t.Helper()
	v, err := f()
	return must(t, v, err)
}

// called puts one call into the log, as the shipper does.
func (h *house) called(org id.Org) id.Call {
	h.t.Helper()
	r := calllog.Record{ID: id.NewCall(), Org: org, Team: "team_x", Key: "key_x", Provider: "openai", Model: "gpt", Status: 200, Outcome: calllog.OK, Price: calllog.Free}
	if d, err := calllogpg.New(h.db).Ingest(h.t.Context(), []calllog.Record{r}, calllog.Beat{}); err != nil || len(d.Rejected) > 0 {
		h.t.Fatalf("Ingest: %v, %v", err, d.Rejected)
	}
	return r.ID
}

// organization signs an organization up and gives it a member of each role.
func (h *house) organization(name string) map[tenant.Role]*browser {
	h.t.Helper()
	from := account.Visitor{IP: netip.MustParseAddr("192.0.2.1")}
	first, err := h.deps.Accounts.SignUp(h.t.Context(), account.SignUp{Email: "owner@" + name + ".example.com", Password: goodPassword, Organization: name}, from)
	must(h.t, first, err)
	out := map[tenant.Role]*browser{}
	for _, role := range tenant.Roles {
		entry := first.Entry
		if role != tenant.Owner {
			user, email := id.User(id.New("user")), string(role)+"@"+name+".example.com"
			h.exec(`INSERT INTO users (id, email, password_hash) VALUES ($1, $2, $3)`, user, email, "plain "+goodPassword)
			h.exec(`INSERT INTO members (org_id, user_id, role) VALUES ($1, $2, $3)`, first.Organization.ID, user, role)
			entry, err = h.deps.Accounts.LogIn(h.t.Context(), email, goodPassword, from)
			must(h.t, entry, err)
		}
		login, err := h.deps.Accounts.Session(h.t.Context(), entry.Value.Reveal())
		must(h.t, login, err)
		out[role] = &browser{h: h, scope: login.Scope, team: first.Team.ID, user: entry.User.ID, session: entry.Session.ID, cookie: entry.Value.Reveal()}
	}
	return out
}

const goodPassword = "correct horse"

func (h *house) exec(sql string, args ...any) {
	h.t.Helper()
	if err := h.db.InSystemPgx(h.t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(h.t.Context(), sql, args...)
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
}

// fingerprint tells the content of tables apart: two equal ones mean that nothing was changed.
func (h *house) fingerprint() string {
	h.t.Helper()
	var out strings.Builder
	if err := h.db.InSystemPgx(h.t.Context(), "test", func(tx pgx.Tx) error {
		for _, table := range []string{"orgs", "teams", "members", "tokens", "sessions", "keys", "credentials", "aliases", "alias_versions", "routing", "routing_versions", "experiments", "budgets", "budget_limits", "budget_raises", "limits", "key_secrets", "key_templates", "prompts", "prompt_versions", "prompt_labels", "prompt_moves", "prompt_requests", "prompt_comments", "prompt_ramps"} {
			var sum *string
			q := fmt.Sprintf(`SELECT md5(string_agg(x::text, '|' ORDER BY x::text)) FROM %s x`, pgx.Identifier{table}.Sanitize())
			if err := tx.QueryRow(h.t.Context(), q).Scan(&sum); err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
			if sum != nil {
				out.WriteString(table + " " + *sum + "\n")
			}
		}
		return nil
	}); err != nil {
		h.t.Fatal(err)
	}
	return out.String()
}

// browser is somebody who is signed in; one without a cookie is not.
type browser struct {
	h       *house
	scope   tenant.Scope
	team    id.Team
	user    id.User
	session id.Session
	cookie  string
}

type answer struct {
	status int
	header http.Header
	body   string
}

// in tells the test of which failures are said.
func (b *browser) in(t *testing.T) *browser {
	c, h := *b, *b.h
	h.t = t
	c.h = &h
	return &c
}

func (b *browser) get(path string, headers ...string) answer {
	return b.do(b.h.t.Context(), http.MethodGet, path, nil, headers...)
}

func (b *browser) post(path string, form url.Values, headers ...string) answer {
	return b.do(b.h.t.Context(), http.MethodPost, path, form, headers...)
}

func (b *browser) do(ctx context.Context, method, path string, form url.Values, headers ...string) answer {
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, path, body).WithContext(ctx)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if b.cookie != "" {
		r.AddCookie(&http.Cookie{Name: accounthttp.Cookie{}.Name(), Value: b.cookie})
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	leave, _ := ctx.Value(leaving{}).(context.CancelFunc)
	b.h.handler.ServeHTTP(departing{w, leave}, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

// leaving keys the way out of an answer without an end.
type leaving struct{}

// departing is a client of a stream: it leaves when the answer has begun.
type departing struct {
	*httptest.ResponseRecorder
	leave context.CancelFunc // nil: it stays
}

func (d departing) Flush() {
	d.ResponseRecorder.Flush()
	if d.leave != nil {
		d.leave()
	}
}

func (a answer) want(t *testing.T, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %.600s", a.status, status, a.body)
	}
	return a
}

// holds fails unless the page has the text.
func (a answer) holds(t *testing.T, texts ...string) answer {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("the page does not hold %q: %.1500s", text, a.body[max(0, strings.Index(a.body, "<main")):])
		}
	}
	return a
}
