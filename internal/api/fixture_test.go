package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path"
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
	"tollgate/internal/batch"
	"tollgate/internal/batch/batchpg"
	"tollgate/internal/budget"
	"tollgate/internal/budget/budgetpg"
	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
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
	"tollgate/internal/rest"
	"tollgate/internal/rest/restpg"
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

// fixture makes one thing in the client's organization and tells its id: what {id} stands for on every route whose path starts
// with under. A new resource with an id adds a line; a route without one fails TestEveryRouteHidesOtherOrganizations.
type fixture struct {
	under string
	make  func(c *client) string
}

var fixtures = []fixture{
	{"/teams/{id}", made("/teams", `{"name":"Fixture"}`)},
	{"/members/{id}", func(c *client) string { return string(c.h.members[c.role].User.ID) }},
	{"/tokens/{id}", made("/tokens", `{"name":"fixture","role":"viewer"}`)},
	{"/sessions/{id}", func(c *client) string { return string(c.session) }},
	{"/prices/overrides/{id}", made("/prices/overrides", `{"provider":"custom","model":"fixture","rates":{"input":"1"}}`)},
	{"/keys/templates/{id}", made("/keys/templates", `{"name":"fixture","policy":{"environment":"staging"}}`)},
	{"/keys/{id}", keyed},
	{"/credentials/{id}", made("/credentials", `{"provider":"custom","name":"fixture","secret":"sk-0123456789abcdef","base_url":"http://127.0.0.1:1"}`)},
	{"/aliases/{id}", made("/aliases", `{"name":"fixture","route":{"targets":[{"provider":"sandbox","model":"echo-mini"}]}}`)},
	{"/routing/versions/{id}", routed},
	{"/experiments/{id}", experimented}, // behind the routing file, which would take its alias away
	{"/limits/{id}", made("/limits", `{"name":"fixture","metric":"requests","amount":10,"per":"minute"}`)},
	{"/budgets/{id}", budgeted},
	{"/channels/{id}", made("/channels", `{"name":"fixture","medium":"webhook","target":"http://127.0.0.1:1/hook"}`)},
	{"/deliveries/{id}", delivered},
	{"/calls/{id}", called},
	{"/prompts/{id}", prompted},
	{"/playground/runs/{id}", made("/playground/runs", tried)},
	{"/batches/{id}", batched},
}

// bodies are requests that would work on one's own things, for routes that need a body. {team} is the organization's first team.
var bodies = map[string]string{
	"POST /organization":                            `{"email":"new@example.com","password":"correct horse","organization":"New"}`,
	"POST /sessions":                                `{"email":"owner@a.example.com","password":"correct horse"}`,
	"POST /sessions/refresh":                        `{"refresh_token":"x"}`,
	"PATCH /organization":                           `{"name":"Renamed"}`,
	"PUT /sessions/current/organization":            `{"organization_id":"org_none"}`,
	"POST /teams":                                   `{"name":"Sales"}`,
	"PATCH /teams/{id}":                             `{"name":"Renamed"}`,
	"PATCH /members/{id}":                           `{"role":"viewer"}`,
	"POST /tokens":                                  `{"name":"t","role":"viewer"}`,
	"POST /prices/overrides":                        `{"provider":"custom","model":"m","rates":{"input":"1"}}`,
	"POST /keys":                                    `{"name":"k","team_id":"{team}"}`,
	"PATCH /keys/{id}":                              `{"name":"Renamed"}`,
	"POST /keys/bulk":                               `{"action":"disable","ids":["key_none"]}`,
	"POST /keys/import":                             `{"team_id":"{team}","keys":[]}`,
	"POST /keys/report":                             `{"secret":"tg_live_nobodys"}`,
	"PUT /keys/settings":                            `{"on_leak":"notify"}`,
	"POST /keys/templates":                          `{"name":"t","policy":{}}`,
	"PATCH /keys/templates/{id}":                    `{"name":"Renamed"}`,
	"POST /credentials":                             `{"provider":"custom","name":"c","secret":"sk-0123456789abcdef","base_url":"http://127.0.0.1:1"}`,
	"POST /credentials/test":                        `{"provider":"custom","name":"c","secret":"sk-0123456789abcdef","base_url":"http://127.0.0.1:1"}`,
	"PATCH /credentials/{id}":                       `{"name":"Renamed"}`,
	"POST /aliases":                                 `{"name":"a","route":{"targets":[{"provider":"sandbox","model":"echo-mini"}]}}`,
	"PATCH /aliases/{id}":                           `{"route":{"targets":[{"provider":"sandbox","model":"echo-large"}]}}`,
	"POST /aliases/{id}/restore":                    `{"version":1}`,
	"POST /experiments":                             planned,
	"POST /experiments/forecast":                    planned,
	"POST /experiments/replay":                      `{"plan":{"alias":"{alias}","name":"","goal":"cheaper","quality":"none","a_a":true,"variants":[]},"from":"2029-12-25T00:00:00Z","to":"2030-01-01T00:00:00Z"}`,
	"PATCH /experiments/{id}":                       planned,
	"POST /experiments/{id}/promote":                `{"arm":"large"}`,
	"PUT /routing":                                  `{"yaml":"aliases: {a: {targets: [sandbox/echo-mini]}}"}`,
	"POST /routing/check":                           `{"yaml":"aliases: {a: {targets: [sandbox/echo-mini]}}"}`,
	"POST /routing/rehearse":                        `{"yaml":"aliases: {a: {targets: [sandbox/echo-mini]}}"}`,
	"POST /routing/restore":                         `{"version":1}`,
	"POST /notices/read":                            `{}`,
	"POST /channels":                                `{"name":"c","medium":"webhook","target":"http://127.0.0.1:1/hook"}`,
	"PATCH /channels/{id}":                          `{"name":"Renamed"}`,
	"POST /limits":                                  `{"name":"l","metric":"requests","amount":10,"per":"minute"}`,
	"PATCH /limits/{id}":                            `{"amount":20}`,
	"POST /budgets":                                 `{"name":"b","limits":[{"period":"month","amount_usd":"5"}]}`,
	"POST /budgets/simulate":                        `{"name":"b","limits":[{"period":"month","amount_usd":"5"}]}`,
	"POST /budgets/reconcile":                       `{"evidence":[{"call_id":"call_00000000000000000000000000","cost_usd":"0.5"}]}`,
	"PATCH /budgets/{id}":                           `{"name":"Renamed","limits":[{"period":"month","amount_usd":"7"}]}`,
	"POST /budgets/{id}/raises":                     `{"amount_usd":"1","reason":"launch"}`,
	"POST /playground/runs":                         tried,
	"POST /playground/runs/{id}/resume":             `{}`,
	"POST /prompts":                                 `{"name":"p","kind":"text","content":{"text":"x"}}`,
	"POST /prompts/check":                           `{"kind":"text","content":{"text":"x"}}`,
	"PUT /prompts/protected":                        `{"labels":["production"]}`,
	"PATCH /prompts/{id}":                           `{"name":"renamed"}`,
	"POST /prompts/{id}/duplicate":                  `{"name":"copy"}`,
	"POST /prompts/{id}/versions":                   `{"content":{"text":"y"}}`,
	"PUT /prompts/{id}/labels/{label}":              `{"version":1}`,
	"POST /prompts/import":                          `{"files":[{"path":"tried.txt","text":"x"}]}`,
	"POST /prompts/from-call":                       `{"call_id":"call_00000000000000000000000000"}`,
	"PUT /prompts/environments":                     `{"environments":{"staging":"staging"}}`,
	"POST /prompts/folders/move":                    `{"from":"fixtures","to":"moved"}`,
	"PUT /prompts/{id}/labels/{label}/ramp":         `{"version":2}`,
	"POST /prompts/{id}/labels/{label}/ramp":        `{"action":"step"}`,
	"POST /prompts/{id}/requests":                   `{"label":"staging","version":2,"why":"better"}`,
	"POST /prompts/{id}/schedule":                   `{"label":"staging","version":2,"at":"2030-01-02T08:00:00Z"}`,
	"POST /prompts/{id}/requests/{request}/approve": `{}`,
	"POST /prompts/{id}/requests/{request}/decline": `{}`,
	"POST /prompts/{id}/experiment":                 `{"a":1,"b":2,"alias":"{alias}"}`,
	"POST /prompts/{id}/comments":                   `{"text":"why so polite?"}`,
	"POST /calls/{id}/scores":                       `{"thumb":"up"}`,
	"POST /scores":                                  `{"scores":[{"call_id":"call_00000000000000000000000000","thumb":"up"}]}`,
}

// routed is the number of the newest version of the routing file: one that another organization, which has saved less, does not have.
func routed(c *client) string {
	for i := range 20 {
		c.do("PUT", "/routing", fmt.Sprintf(`{"yaml":"aliases: {routed: {targets: [sandbox/echo-%d]}, fixture: {targets: [sandbox/echo-mini]}}"}`, i), "If-Match", "*").want(c.t, http.StatusOK)
	}
	return fmt.Sprint(int(c.do("GET", "/routing", "").want(c.t, http.StatusOK).object(c.t)["version"].(float64)))
}

// experimented plans an experiment on an alias of its own.
func experimented(c *client) string {
	c.h.alias = made("/aliases", `{"name":"`+strings.ToLower(id.New("tested"))+`","route":{"targets":[{"provider":"sandbox","model":"echo-mini"}]}}`)(c)
	return made("/experiments", planned)(c)
}

// planned is a plan on the alias {alias}.
const planned = `{"alias":"{alias}","name":"Large","goal":"cheaper","quality":"no_retry","variants":[{"name":"control"},{"name":"large","target":{"provider":"sandbox","model":"echo-large"}}]}`

// called puts one call into the log, as the shipper does, and judges it.
func called(c *client) string {
	r := calllog.Record{
		ID: id.NewCall(), Org: c.h.orgs[c], Team: "team_x", Key: "key_x", Provider: "openai", Model: "gpt", Status: 200, Outcome: calllog.OK,
		Price: calllog.Free,
	}
	if d, err := calllogpg.New(c.h.db).Ingest(c.t.Context(), []calllog.Record{r}, calllog.Beat{}); err != nil || len(d.Rejected) > 0 {
		c.t.Fatalf("Ingest: %v, %v", err, d.Rejected)
	}
	c.h.score = c.do("POST", "/calls/"+r.ID.String()+"/scores", `{"thumb":"up","name":"fixture"}`).want(c.t, http.StatusOK).field(c.t, "id")
	return r.ID.String()
}

// prompted makes a prompt with two versions, whose label {label} is on its way from the first to the second, with a request {request} for each answer
// and a comment {comment}.
func prompted(c *client) string {
	made := c.do("POST", "/prompts", `{"name":"fixtures/`+id.New("fixture")+`","kind":"text","content":{"text":"x"},"labels":["staging"]}`).want(c.t, http.StatusCreated).object(c.t)
	which := fmt.Sprint(made["prompt"].(map[string]any)["id"])
	c.do("POST", "/prompts/"+which+"/versions", `{"content":{"text":"y"}}`).want(c.t, http.StatusCreated)
	c.do("PUT", "/prompts/"+which+"/labels/staging/ramp", `{"version":2}`).want(c.t, http.StatusOK)
	somebody := tenant.Authenticated(c.h.orgs[c], tenant.Actor{User: "user_somebody"}, tenant.Developer)
	for _, answer := range []string{"approve", "decline", "withdraw"} {
		r, err := c.h.deps.Prompts.Ask(c.t.Context(), somebody, id.Prompt(which), prompt.Wish{Label: answer, To: 1})
		if err != nil {
			c.t.Fatal(err)
		}
		c.h.requests[answer] = string(r.ID)
	}
	c.h.comment = c.do("POST", "/prompts/"+which+"/comments", `{"text":"fixture"}`).want(c.t, http.StatusCreated).field(c.t, "id")
	return which
}

// tried is a run of a dataset in the playground.
const tried = `{"name":"fixture","setup":{"columns":[{"model":"sandbox/echo-mini"}],"message":"hi"},"dataset":"name\nAda"}`

// keyed makes a key, and rotates it.
func keyed(c *client) string {
	which := made("/keys", `{"name":"fixture","team_id":"{team}"}`)(c)
	turned := c.do("POST", "/keys/"+which+"/rotate", `{"overlap_seconds":0}`).want(c.t, http.StatusOK).object(c.t)
	c.h.secret = turned["secrets"].([]any)[1].(map[string]any)["id"].(string)
	return which
}

// budgeted makes a budget, and raises it.
func budgeted(c *client) string {
	which := made("/budgets", `{"name":"`+id.New("fixture")+`","limits":[{"period":"month","amount_usd":"5"}]}`)(c)
	c.h.raise = c.do("POST", "/budgets/"+which+"/raises", `{"amount_usd":"1","reason":"fixture"}`).want(c.t, http.StatusCreated).field(c.t, "id")
	return which
}

// batched makes a batch, as an application does with a key.
func batched(c *client) string {
	in := tenant.Authenticated(c.h.orgs[c], tenant.Actor{Key: "key_x"}, "")
	b, err := c.h.deps.Batches.CreateMessages(c.t.Context(), batch.Caller{Scope: in, Team: c.h.teams[c], Key: "key_x"}, nil,
		[]batch.Line{{CustomID: "one", Body: []byte(`{"model":"sandbox/echo-mini"}`)}})
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b.ID)
}

// delivered is a test that was sent through a channel.
func delivered(c *client) string {
	channel := made("/channels", `{"name":"`+id.New("tried")+`","medium":"email","target":"ops@example.com"}`)(c)
	return c.do("POST", "/channels/"+channel+"/test", "").want(c.t, http.StatusOK).field(c.t, "id")
}

// made posts a body and takes the id of the answer.
func made(path, body string) func(c *client) string {
	return func(c *client) string { return c.do("POST", path, body).want(c.t, http.StatusCreated).field(c.t, "id") }
}

// house is a whole API over a database of its own. Its clock stands still.
type house struct {
	t        *testing.T
	db       *postgres.DB
	handler  http.Handler
	routes   []rest.Route
	deps     Deps
	members  map[tenant.Role]account.Member // of organization a
	orgs     map[*client]id.Org
	teams    map[*client]id.Team
	score    string            // of the fixture of calls: what {score} stands for
	alias    string            // of the fixture of experiments: what {alias} stands for
	secret   string            // of the fixture of keys: what {secret} stands for
	raise    string            // of the fixture of budgets: what {raise} stands for
	requests map[string]string // of the fixture of prompts: what {request} stands for, by the end of the path
	comment  string            // of the same: what {comment} stands for
}

const goodPassword = "correct horse"

// plainPasswords stands in for argon2id, which has tests of its own and costs 40 ms a log-in.
type plainPasswords struct{}

func (plainPasswords) Hash(_ context.Context, plain string) (account.PasswordHash, error) {
	return account.PasswordHash("plain " + plain), nil
}

func (plainPasswords) Match(_ context.Context, plain string, hash account.PasswordHash) (bool, bool, error) {
	return string(hash) == "plain "+plain, false, nil
}

func build(t *testing.T) *house {
	t.Helper()
	db := pgtest.New(t)
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	now := func() time.Time { return noon }
	accounts := account.NewService(account.Deps{
		Store: accountpg.New(db), Passwords: plainPasswords{}, Signer: usertoken.New(make([]byte, 32)),
		SessionPepper: []byte("s"), TokenPepper: []byte("t"), Now: now,
	})
	shipped, err := seed.Records()
	if err != nil {
		t.Fatal(err)
	}
	ring, err := secret.ParseKeyring(base64.StdEncoding.EncodeToString(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	kms, err := vault.NewLocal(ring)
	if err != nil {
		t.Fatal(err)
	}
	open, err := egress.ParseOpen("127.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	policy := egress.New(open)
	seal, err := notice.NewSeal(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	d := Deps{
		Version: "test", Authenticator: accounthttp.NewAuthenticator(accounts, accounthttp.Cookie{}), Once: restpg.New(db), Now: now,
		Logger: slog.New(slog.DiscardHandler), Accounts: accounts, Prices: price.NewService(pricepg.New(db), shipped, now),
		Keys:        key.NewService(keypg.New(db), key.NewHasher(ring), now),
		Credentials: credential.NewService(credentialpg.New(db), vault.New(kms), catalog.Vendor, policy, credential.NewTester(policy.Client(), sign.New(t.Context(), sign.Config{Transport: policy.Client().Transport, Now: now}), now), now),
		Aliases:     alias.NewService(aliaspg.New(db), alias.Words{Vendors: catalog.Vendor, Condition: condition.Check}, now),
		Rehearsals: rehearse.New(rehearse.Deps{
			Calls: calllogpg.New(db), Config: snapshotpg.New(db, nil), Prices: price.NewService(pricepg.New(db), shipped, now), Vendors: catalog.Vendor,
			Router: route.Router{Vendors: catalog.Known}, Now: now,
		}),
		Calls: calllog.NewQueries(calllogpg.New(db)), Usage: usage.NewService(usagepg.New(db)),
		Scores: score.NewService(scorepg.New(db), now), Batches: batch.NewService(batchpg.New(db), now),
		Limits: limit.NewService(limitpg.New(db), now), Notices: notice.NewService(noticepg.New(db), seal, policy.CheckURL, now),
	}
	d.Budgets = budget.NewService(budget.Deps{
		Store: budgetpg.NewStore(db), Organizations: accounts, Costs: d.Usage, Books: budgetpg.NewLedger(db, d.Logger), Vendors: catalog.Vendor, Now: now,
	})
	d.Prompts = prompt.NewService(promptpg.New(db), now)
	d.PromptFiles = exchange.NewService(d.Prompts, keptCalls{d.Calls}, policy.Client())
	d.PromptStats = promptstat.NewService(promptstatpg.New(db))
	d.Issue = issue.New(d.Keys, d.Budgets, d.Limits)
	d.Leaks = key.NewLeaks(d.Keys, keypg.New(db), func(context.Context, id.Org, key.Notice) error { return nil }, d.Logger)
	d.Experiments = experiment.NewService(experiment.Deps{
		Store: experimentpg.New(db), Aliases: d.Aliases, Credentials: d.Credentials, Keys: d.Keys, Prompts: d.Prompts, Vendors: catalog.Vendor, Now: now,
		Prices: experiment.PriceList{Service: d.Prices, Now: now},
	})
	d.Playground = playground.NewService(playground.Deps{
		Store: playgroundpg.New(db), Prompts: d.Prompts, Aliases: d.Aliases, Prices: experiment.PriceList{Service: d.Prices, Now: now}, Teams: accounts,
		Issuer: d.Issue, Keys: d.Keys, Budgets: d.Budgets, Calls: d.Calls, Now: now,
	})
	s := server(d)
	handler, err := s.Handler()
	if err != nil {
		t.Fatalf("routes: %v", err)
	}
	return &house{t: t, db: db, handler: handler, routes: s.Routes(), deps: d, orgs: map[*client]id.Org{}, teams: map[*client]id.Team{}, score: "nothing", alias: "nothing", raise: "nothing", secret: "nothing", comment: "nothing", requests: map[string]string{}}
}

// organization signs an organization up and fills it with a member of each role.
func (h *house) organization(name string) map[tenant.Role]*client {
	h.t.Helper()
	from := account.Visitor{IP: netip.MustParseAddr("192.0.2.1")}
	first, err := h.deps.Accounts.SignUp(h.t.Context(), account.SignUp{Email: "owner@" + name + ".example.com", Password: goodPassword, Organization: name}, from)
	if err != nil {
		h.t.Fatal(err)
	}
	hash := account.PasswordHash(h.one(`SELECT password_hash FROM users WHERE id = $1`, first.User.ID))
	out := map[tenant.Role]*client{}
	h.members = map[tenant.Role]account.Member{}
	for _, role := range tenant.Roles {
		entry := first.Entry
		if role != tenant.Owner {
			user := id.User(id.New("user"))
			email := string(role) + "@" + name + ".example.com"
			h.exec(`INSERT INTO users (id, email, password_hash) VALUES ($1, $2, $3)`, user, email, string(hash))
			h.exec(`INSERT INTO members (org_id, user_id, role) VALUES ($1, $2, $3)`, first.Organization.ID, user, role)
			if entry, err = h.deps.Accounts.LogIn(h.t.Context(), email, goodPassword, from); err != nil {
				h.t.Fatal(err)
			}
		}
		h.members[role] = account.Member{User: entry.User, Role: role}
		out[role] = &client{t: h.t, h: h, role: role, session: entry.Session.ID, cookie: entry.Value.Reveal()}
		h.orgs[out[role]], h.teams[out[role]] = first.Organization.ID, first.Team.ID
	}
	return out
}

func (h *house) exec(sql string, args ...any) {
	h.t.Helper()
	err := h.db.InSystemPgx(h.t.Context(), "test", func(tx pgx.Tx) error {
		_, err := tx.Exec(h.t.Context(), sql, args...)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) one(sql string, args ...any) (s string) {
	h.t.Helper()
	err := h.db.InSystemPgx(h.t.Context(), "test", func(tx pgx.Tx) error { return tx.QueryRow(h.t.Context(), sql, args...).Scan(&s) })
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

// fingerprint tells every table's content apart: two equal ones mean that nothing was changed.
func (h *house) fingerprint() map[string]string {
	h.t.Helper()
	out := map[string]string{}
	err := h.db.InSystemPgx(h.t.Context(), "test", func(tx pgx.Tx) error {
		rows, err := tx.Query(h.t.Context(), `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND has_table_privilege(c.oid, 'SELECT')`)
		if err != nil {
			return err
		}
		tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, table := range tables {
			var sum *string
			q := fmt.Sprintf(`SELECT md5(string_agg(x::text, '|' ORDER BY x::text)) FROM %s x`, pgx.Identifier{table}.Sanitize())
			if err := tx.QueryRow(h.t.Context(), q).Scan(&sum); err != nil {
				return err
			}
			if sum != nil {
				out[table] = *sum
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// client is one logged-in browser.
type client struct {
	t       *testing.T
	h       *house
	role    tenant.Role
	session id.Session
	cookie  string
}

type reply struct {
	status int
	header http.Header
	body   string
}

func (c *client) do(method, path, body string, headers ...string) reply {
	return c.send(c.t.Context(), method, path, body, headers...)
}

func (c *client) send(ctx context.Context, method, path, body string, headers ...string) reply {
	body = strings.NewReplacer("{team}", string(c.h.teams[c]), "{alias}", c.h.alias).Replace(body)
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req := httptest.NewRequest(method, rest.Prefix+path, r).WithContext(ctx)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.cookie != "" {
		req.AddCookie(&http.Cookie{Name: accounthttp.Cookie{}.Name(), Value: c.cookie})
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	leave, _ := ctx.Value(leaving{}).(context.CancelFunc)
	c.h.handler.ServeHTTP(departing{w, leave}, req)
	return reply{w.Code, w.Header(), w.Body.String()}
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

// call sends what the route needs to work, with {id} replaced.
func (c *client) call(r rest.Route, with string, headers ...string) reply {
	ctx := c.t.Context()
	if r.Streams() { // it would go on until the client leaves
		var leave context.CancelFunc
		ctx, leave = context.WithTimeout(ctx, 20*time.Second)
		defer leave()
		ctx = context.WithValue(ctx, leaving{}, leave)
	}
	return c.send(ctx, r.Method, strings.NewReplacer("{id}", with, "{score}", c.h.score, "{raise}", c.h.raise, "{secret}", c.h.secret, "{request}", cmp.Or(c.h.requests[path.Base(r.Path)], "nothing"), "{comment}", c.h.comment, "{number}", "1", "{label}", "staging").Replace(r.Path), bodies[r.Method+" "+r.Path], append([]string{"If-Match", "*"}, headers...)...)
}

func (r reply) want(t *testing.T, status int) reply {
	t.Helper()
	if r.status != status {
		t.Fatalf("status = %d, want %d: %s", r.status, status, r.body)
	}
	return r
}

func (r reply) field(t *testing.T, name string) string {
	t.Helper()
	s, ok := r.object(t)[name].(string)
	if !ok {
		t.Fatalf("no text field %q: %s", name, r.body)
	}
	return s
}

func (r reply) object(t *testing.T) map[string]any {
	t.Helper()
	m := map[string]any{}
	if err := json.Unmarshal([]byte(r.body), &m); err != nil {
		t.Fatalf("no JSON object: %v: %q", err, r.body)
	}
	return m
}

// code is the problem's code; empty when the answer is none.
func (r reply) code() string {
	var p rest.Problem
	_ = json.Unmarshal([]byte(r.body), &p)
	return p.Code
}

// likeness is the answer without what differs between any two requests.
func (r reply) likeness(t *testing.T) string {
	t.Helper()
	m := r.object(t)
	delete(m, "request_id")
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(r.status, " ", string(b))
}

// strange is an id of the same form that nothing has.
func strange(real string) string {
	prefix, rest, _ := strings.Cut(real, "_")
	sum := sha256.Sum256([]byte(rest))
	fresh := hex.EncodeToString(sum[:])
	return prefix + "_" + fresh[:min(len(rest), len(fresh))]
}

// keptCalls is the call log, as exchange reads it: one call of id zero that everybody has, and those of the log.
type keptCalls struct{ calls *calllog.Queries }

func (k keptCalls) Kept(ctx context.Context, in tenant.Scope, call id.Call) (exchange.Kept, error) {
	if _, err := k.calls.Call(ctx, in, call); err != nil && call != (id.Call{}) {
		return exchange.Kept{}, exchange.ErrCall
	}
	return exchange.Kept{Dialect: "openai-chat", Body: []byte(`{"model":"m","messages":[{"role":"user","content":"x"}]}`)}, nil
}
