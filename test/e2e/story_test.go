package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tollgate/test/harness"
	"tollgate/test/replay"
)

const (
	email    = "ada@acme.example"
	password = "correct horse battery staple"
)

// The story: a team signs up in the browser, connects two providers, gets a scoped key, calls models through one URL with the official
// SDKs, and reads on its dashboard, to the nano-dollar, what each workflow cost. Nobody else sees any of it.
func TestTheStory(t *testing.T) {
	provider, err := replay.Start(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	app := harness.Start(t, harness.Config{})
	b := openBrowser(t, app.API)

	signUp(b)
	connect(b, "openai", provider.Base("openai"))
	connect(b, "anthropic", provider.Base("anthropic"))
	team(b, "Support")
	alias(b)
	key := issue(b)

	firstCall(b, func() {
		got := sdks(t, "python", app.Gateway, key, "fast-classifier")
		got.check(t, "python", provider.Ledger.Calls(), "claude-haiku-4-5", "fast-classifier")
	})
	before := provider.Ledger.Len()
	sdks(t, "node", app.Gateway, key, "fast-classifier").check(t, "node", provider.Ledger.Calls()[before:], "claude-haiku-4-5", "fast-classifier")
	// The primary is at its limit: the client sees only good answers.
	provider.Script("claude-haiku-4-5", replay.Turn{
		Status: http.StatusTooManyRequests, Header: map[string]string{"retry-after": "60"},
		Body: replay.ErrorBody(replay.Anthropic, "rate_limit_error", "This request would exceed your organization's rate limit."),
	})
	for _, language := range []string{"python", "node"} {
		before := provider.Ledger.Len()
		sdks(t, language, app.Gateway, key, "fast-classifier").check(t, language+", the primary at its limit", provider.Ledger.Calls()[before:], "gpt-4o-mini", "fast-classifier")
	}

	owner, session := tokenOf(t, app)
	costs(b, owner, provider)
	draft(owner)
	enqueue(t, app, key)
	theirs := collect(t, owner)
	theirs["sessions"] = session
	stranger := app.SignUp("eve@other.example", "Other")
	seesNothing(t, app, stranger, theirs)
	pagesSeeNothing(t, app, "eve@other.example", "correct horse battery", theirs)
	gallery(b, theirs)
	if os.Getenv("UPDATE_PICTURES") == "1" {
		cover(b, app, owner, provider)
	}
}

func signUp(b *browser) {
	b.open("/signup")
	b.fill(map[string]string{"organization": "Acme", "email": email, "password": "short"})
	if status := b.press("Create account"); status < 400 || status >= 500 {
		b.t.Errorf("a short password was answered by %d", status)
	}
	b.fill(map[string]string{"organization": "Acme", "email": email, "password": password})
	b.press("Create account")
	if at := b.path(); at != "/get-started" {
		b.t.Fatalf("sign-up ends at %s\n%s", at, b.state())
	}
	b.forget() // the refused form was a 4xx, which Chromium reports
}

// connect stores a provider's credential by the page: tested first, then saved.
func connect(b *browser, vendor, base string) {
	b.open("/providers/connect?provider=" + vendor)
	b.fill(map[string]string{"secret": "sk-story-" + vendor, "base_url": base})
	b.click("Test")
	b.says("accepted this key", 10*time.Second)
	b.press("Connect")
	if at := b.path(); strings.HasPrefix(at, "/providers/connect") {
		b.t.Fatalf("%s is not connected\n%s", vendor, b.state())
	}
	if strings.Contains(b.text("body"), "sk-story-"+vendor) {
		b.t.Errorf("the page shows the secret of %s", vendor)
	}
}

func team(b *browser, name string) {
	b.open("/settings")
	b.fill(map[string]string{"new": name})
	b.press("Create team")
}

func alias(b *browser) {
	b.open("/aliases/new")
	b.fill(map[string]string{"name": "fast-classifier", "by-0": "anthropic", "model-0": "claude-haiku-4-5"})
	b.click("Add a fallback")
	b.field("f.by-0")
	b.fill(map[string]string{"f.by-0": "openai", "f.model-0": "gpt-4o-mini"})
	b.press("Create alias")
	if text := b.text("main"); !strings.Contains(text, "fast-classifier") || strings.Contains(b.path(), "new") {
		b.t.Fatalf("no alias was made\n%s", b.state())
	}
}

// issue makes the key and reads its secret, which is shown this once.
func issue(b *browser) string {
	b.open("/keys/new")
	b.fill(map[string]string{
		"name": "support-triage-prod", "team_id": "Support", "environment": "production", "workflow": "triage",
		"scope": "chosen", "aliases": "fast-classifier",
	})
	b.press("Create key")
	secret := b.text("#secret")
	if !strings.HasPrefix(secret, "tg_") {
		b.t.Fatalf("no secret is shown\n%s", b.state())
	}
	b.open("/keys")
	if strings.Contains(b.text("body"), secret) {
		b.t.Error("the secret is shown again")
	}
	return secret
}

// firstCall: the checklist's last step turns green by itself.
func firstCall(b *browser, call func()) {
	b.open("/get-started")
	b.says("Waiting for your first request", 5*time.Second)
	call()
	b.says("First request received", 10*time.Second)
	if at := b.path(); at != "/get-started" {
		b.t.Errorf("the page went to %s", at)
	}
	b.content("the story so far")
}

// tokenOf is the owner with a token for the API, and the id of the owner's session.
func tokenOf(t *testing.T, app *harness.App) (*harness.Tenant, string) {
	t.Helper()
	nobody := app.Tenant("")
	got := nobody.Do(http.MethodPost, "/sessions", map[string]string{"email": email, "password": password}).Want(http.StatusCreated)
	user := app.Tenant(got.Text("token"))
	issued := user.Do(http.MethodPost, "/tokens", map[string]any{"name": "story", "role": "owner"}).Want(http.StatusCreated)
	owner := app.Tenant(issued.Text("secret"))
	// Something of every kind, so that there is something to hide.
	owner.Do(http.MethodPost, "/prices/overrides", map[string]any{
		"provider": "openai", "model": "gpt-4o-mini-of-ours",
		"rates": map[string]string{"input": "0.15", "output": "0.60"},
	}).Want(http.StatusCreated)
	return owner, got.Text("id")
}

// draft makes a budget, and plans an experiment on the first alias.
func draft(owner *harness.Tenant) {
	var page struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	owner.Do(http.MethodGet, "/aliases", nil).Want(http.StatusOK).Into(&page)
	owner.Do(http.MethodPost, "/limits", map[string]any{"name": "Fair use", "metric": "requests", "amount": 100_000, "per": "minute", "each": "key"}).Want(http.StatusCreated)
	owner.Do(http.MethodPost, "/channels", map[string]any{"name": "On-call", "medium": "email", "target": "ops@example.com"}).Want(http.StatusCreated)
	owner.Do(http.MethodPost, "/budgets", map[string]any{
		"name": "Everything", "limits": []map[string]string{{"period": "month", "amount_usd": "1000"}},
	}).Want(http.StatusCreated)
	owner.Do(http.MethodPost, "/experiments", map[string]any{
		"alias": page.Items[0].ID, "name": "A smaller model", "goal": "cheaper", "quality": "scores", "days": 7, "share": 100,
		"variants": []map[string]any{
			{"name": "control", "weight": 50},
			{"name": "mini", "weight": 50, "target": map[string]string{"provider": "openai", "model": "gpt-4o-mini"}},
		},
	}).Want(http.StatusCreated)
}

// enqueue makes a batch of one line, as OpenAI's clients do.
func enqueue(t *testing.T, app *harness.App, key string) {
	t.Helper()
	client := app.Client(key)
	send := func(path, kind string, body []byte) string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, app.Gateway+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", kind)
		got, err := client.Do(req)
		if err != nil || got.Failed() != nil {
			t.Fatalf("%s: %v %v", path, err, got.Failed())
		}
		var made struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(got.Body, &made); err != nil || made.ID == "" {
			t.Fatalf("%s: %s", path, got.Body)
		}
		return made.ID
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	_ = w.WriteField("purpose", "batch")
	f, err := w.CreateFormFile("file", "lines.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Fprintln(f, `{"custom_id":"one","method":"POST","url":"/v1/chat/completions","body":{"model":"fast-classifier","messages":[{"role":"user","content":"Hi"}]}}`)
	_ = w.Close()
	file := send("/v1/files", w.FormDataContentType(), form.Bytes())
	send("/v1/batches", "application/json", fmt.Appendf(nil, `{"input_file_id":%q,"endpoint":"/v1/chat/completions","completion_window":"24h"}`, file))
}

// byHand computes each provider's spend from its ledger and the price constants.
func byHand(t *testing.T, provider *replay.Server) (nano map[string]int64, calls int64) {
	t.Helper()
	nano = map[string]int64{}
	for _, c := range provider.Ledger.Calls() {
		if c.Status != http.StatusOK {
			continue
		}
		rate, ok := harness.Rates(c.Model)
		if !ok {
			t.Fatalf("no price constant for %s", c.Model)
		}
		nano[c.Vendor] += rate.Nano(c.Billed)
		calls++
	}
	return nano, calls
}

// costs holds the cost page, its CSV and the API against the hand computation.
func costs(b *browser, owner *harness.Tenant, provider *replay.Server) {
	t := b.t
	want, calls := byHand(t, provider)
	if len(want) != 2 || want["anthropic"] == 0 || want["openai"] == 0 {
		t.Fatalf("the providers' spend is %v", want)
	}
	total := want["anthropic"] + want["openai"]
	harness.Eventually(t, 20*time.Second, func() error {
		if got := owner.Costs("provider").Total; got.Calls < calls || got.Nano != strconv.FormatInt(total, 10) {
			return fmt.Errorf("the API says %d calls for %s nano-dollars, by hand %d for %d", got.Calls, got.Nano, calls, total)
		}
		return nil
	})
	rows := owner.Costs("team,workflow,environment,alias,provider").Rows
	for _, r := range rows {
		if r.Nano == "0" {
			continue
		}
		if r.Names["team"] != "Support" || r.Values["workflow"] != "triage" || r.Values["environment"] != "production" || r.Values["alias"] != "fast-classifier" ||
			r.Nano != strconv.FormatInt(want[r.Values["provider"]], 10) {
			t.Errorf("a row of the API: %+v", r)
		}
	}
	for _, tt := range []struct {
		query string
		want  map[string]int64
	}{
		{"by=team&then=workflow", map[string]int64{"Support": total, "triage": total}},
		{"by=workflow&then=provider", map[string]int64{"triage": total, "Anthropic": want["anthropic"], "OpenAI": want["openai"]}},
		{"by=provider&then=model", map[string]int64{"Anthropic": want["anthropic"], "OpenAI": want["openai"], "claude-haiku-4-5": want["anthropic"], "gpt-4o-mini": want["openai"]}},
		{"by=key", map[string]int64{"support-triage-prod": total}},
	} {
		b.open("/costs?" + tt.query)
		got := table(b)
		for name, nano := range tt.want {
			if got[strings.ToLower(name)] != nano {
				t.Errorf("/costs?%s shows %d nano-dollars for %s, by hand %d; the table is %v", tt.query, got[strings.ToLower(name)], name, nano, got)
			}
		}
	}
	b.content("the cost page")
}

// table reads the cost page's table: the exact amounts of its rows by their names in lower case.
func table(b *browser) map[string]int64 {
	cells := do(b, "read the table", chromedp.Evaluate[[][]string](`[...document.querySelectorAll("main table.table tbody tr")].map((r) =>
		[r.querySelector("th")?.innerText.trim() ?? "", r.querySelector("td data")?.value ?? ""])`))
	out := map[string]int64{}
	for _, c := range cells {
		out[strings.ToLower(c[0])] += nano(b.t, c[1])
	}
	return out
}

// nano reads a decimal dollar amount exactly.
func nano(t *testing.T, usd string) int64 {
	t.Helper()
	if usd == "" {
		return 0
	}
	r, ok := new(big.Rat).SetString(usd)
	if !ok {
		t.Fatalf("%q is no amount", usd)
	}
	r.Mul(r, big.NewRat(1_000_000_000, 1))
	if !r.IsInt() || !r.Num().IsInt64() {
		t.Fatalf("%q has more than nine decimals", usd)
	}
	return r.Num().Int64()
}

// gallery looks at every page in light, dark and on a phone: nothing serious for axe-core, no sideways scrolling, no complaints. The
// pictures are for people.
func gallery(b *browser, own belongings) {
	t := b.t
	dir, err := os.MkdirTemp("", "tollgate-pictures-")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("pictures of the pages: %s", dir)
	pages := map[string]string{
		"overview": "/overview", "costs": "/costs?by=team&then=workflow", "costs-by-provider": "/costs?by=provider&then=model",
		"requests": "/requests", "request": "/requests/" + own["calls"], "keys": "/keys", "key": "/keys/" + own["keys"], "key-new": "/keys/new",
		"key-rotate": "/keys/" + own["keys"] + "/rotate", "key-revoke": "/keys/" + own["keys"] + "/revoke", "key-templates": "/keys/templates", "key-template-new": "/keys/templates/new",
		"key-import": "/keys/import", "key-report": "/keys/report", "budgets": "/budgets", "budget": "/budgets/" + own["budgets"], "budget-new": "/budgets/new?mode=block&limit_month=5",
		"budget-edit": "/budgets/" + own["budgets"] + "/edit", "limits": "/limits", "limit-new": "/limits/new",
		"aliases": "/aliases", "alias": "/aliases/" + own["aliases"], "alias-new": "/aliases/new?template=chat-fast", "providers": "/providers",
		"alias-edit": "/aliases/" + own["aliases"] + "/edit", "alias-yaml": "/aliases/" + own["aliases"] + "/yaml", "routing": "/routing",
		"routing-version": "/routing/versions/1", "experiments": "/experiments", "experiment-new": "/experiments/new?alias=" + own["aliases"],
		"experiment-sample": "/experiments/sample", "experiment-method": "/experiments/method",
		"provider": "/providers/" + own["credentials"], "provider-connect": "/providers/connect?provider=mistral",
		"provider-catalogue": "/providers/catalogue", "models": "/models?q=claude", "model": "/models/detail?provider=anthropic&model=claude-sonnet-4-5",
		"prompts": "/prompts", "prompt-new": "/prompts/new?starter=reply", "prompt-import": "/prompts/import", "prompt-rules": "/prompts/rules",
		"prompt": "/prompts/" + own["prompts"], "prompt-edit": "/prompts/" + own["prompts"] + "/edit", "prompt-version": "/prompts/" + own["prompts"] + "/versions/1",
		"prompt-figures": "/prompts/" + own["prompts"] + "/figures", "prompt-use": "/prompts/" + own["prompts"] + "/use", "prompt-move": "/prompts/" + own["prompts"] + "/move?label=staging",
		"prompt-settings": "/prompts/" + own["prompts"] + "/settings",
		"playground":      "/playground?prompt=" + own["prompts"] + "&version=1", "playground-empty": "/playground", "playground-runs": "/playground/runs",
		"get-started": "/get-started", "settings": "/settings", "not-found": "/nothing-here",
	}
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		for n, l := range looks {
			b.look(n)
			if status := b.open(pages[name]); (name == "not-found") != (status == http.StatusNotFound) || (status != http.StatusOK && name != "not-found") {
				t.Errorf("page %s: status %d", name, status)
				break
			}
			b.picture(filepath.Join(dir, name+"-"+l.name+".png"))
			for _, finding := range b.axe() {
				t.Errorf("page %s, %s: %s", name, l.name, finding)
			}
			if l.width < 500 && b.overflow() {
				t.Errorf("page %s, %s: wider than the window", name, l.name)
			}
			if name == "not-found" {
				b.forget()
			}
		}
		b.content("page " + name)
	}
}

// cover makes the picture of the README: the cost page of an organization with a few teams at work.
func cover(b *browser, app *harness.App, owner *harness.Tenant, provider *replay.Server) {
	t := b.t
	provider.Script("claude-haiku-4-5")
	for _, work := range []struct {
		team, workflow, model string
		calls                 int
		usage                 replay.Usage
	}{
		{"Support", "triage", "anthropic/claude-haiku-4-5", 40, replay.Usage{Known: true, Input: 210_000, CacheRead: 640_000, Output: 42_000}},
		{"Support", "reply-draft", "anthropic/claude-haiku-4-5", 24, replay.Usage{Known: true, Input: 340_000, Output: 96_000}},
		{"Search", "query-rewrite", "openai/gpt-4o-mini", 60, replay.Usage{Known: true, Input: 480_000, CacheRead: 120_000, Output: 90_000}},
		{"Search", "rerank", "openai/gpt-4o-mini", 90, replay.Usage{Known: true, Input: 610_000, Output: 31_000}},
		{"Research", "summaries", "anthropic/claude-haiku-4-5", 12, replay.Usage{Known: true, Input: 810_000, Output: 150_000}},
	} {
		provider.Script(strings.SplitN(work.model, "/", 2)[1], replay.Turn{Usage: work.usage})
		made := owner.Do(http.MethodPost, "/teams", map[string]any{"name": work.team})
		teamID := ""
		if made.Status == http.StatusCreated {
			teamID = made.Text("id")
		} else {
			var page struct {
				Items []struct{ ID, Name string } `json:"items"`
			}
			owner.Do(http.MethodGet, "/teams", nil).Want(http.StatusOK).Into(&page)
			for _, team := range page.Items {
				if team.Name == work.team {
					teamID = team.ID
				}
			}
		}
		_, secret := owner.IssueKey(work.workflow, map[string]any{"team_id": teamID, "workflow": work.workflow})
		client := app.Client(secret)
		harness.Eventually(t, 5*time.Second, func() error {
			got, err := client.Chat(t.Context(), replay.OpenAI, harness.Ask(work.model, "cover", false))
			if err != nil {
				return err
			}
			return got.Failed()
		})
		for range work.calls {
			if _, err := client.Chat(t.Context(), replay.OpenAI, harness.Ask(work.model, "cover", false)); err != nil {
				t.Fatal(err)
			}
		}
	}
	root, err := replay.Root()
	if err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, 20*time.Second, func() error {
		if owner.Costs("team").Total.Calls < 240 {
			return harness.ErrNotYet
		}
		return nil
	})
	b.look(0)
	b.open("/costs?" + url.Values{"by": {"team"}, "then": {"workflow"}}.Encode())
	b.picture(filepath.Join(root, "docs", "images", "costs.png"))
}
