package fault

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"tollgate/test/harness"
	"tollgate/test/replay"
)

// corner is a call whose cost is hard to bound.
type corner struct {
	name string
	path string // empty: chat completions
	body string
	want string // code of the refusal; "": served; "either": the product may prove a bound or refuse
}

func corners() []corner {
	chat := func(fields string) string {
		return `{"model":"openai/gpt-4o-mini","user":"%s","messages":[{"role":"user","content":"Say something."}]` + fields + `}`
	}
	said := func(content string) string {
		return `{"model":"openai/gpt-4o-mini","user":"%s","max_tokens":16,"messages":[{"role":"user","content":` + content + `}]}`
	}
	claude := func(fields, content string) string {
		return `{"model":"anthropic/claude-haiku-4-5","metadata":{"user_id":"%s"},"messages":[{"role":"user","content":` + content + `}]` + fields + `}`
	}
	responses := func(fields string) string {
		return `{"model":"openai/gpt-4o-mini","user":"%s","input":"Say something."` + fields + `}`
	}
	long := strings.Repeat("ünïcödé ", 2000)
	return []corner{
		{name: "no cap", body: chat("")},
		{name: "no cap, stream", body: chat(`,"stream":true`)},
		{name: "eight answers", body: chat(`,"n":8,"max_tokens":50`)},
		{name: "eight answers without a cap", body: chat(`,"n":8`)},
		{name: "two caps", body: chat(`,"max_tokens":1,"max_completion_tokens":4000`), want: either},
		{name: "a cap of null", body: chat(`,"max_tokens":null`)},
		{name: "a cap that is text", body: chat(`,"max_tokens":"16"`), want: either},
		{name: "a cap under a name that is escaped", body: chat(`,"max\u005ftokens":16`), want: either},
		{name: "two caps of one name", body: chat(`,"max_tokens":1,"max_tokens":9000`), want: either},
		{name: "n twice", body: chat(`,"max_tokens":10,"n":1,"n":64`), want: either},
		{name: "a long prompt", body: said(`"` + long + `"`)},
		{name: "a prompt of escapes", body: said(`"` + strings.Repeat(`\u00e9`, 3000) + `"`)},
		{name: "tools", body: chat(`,"max_tokens":9,"tools":[{"type":"function","function":{"name":"f","description":"` + strings.Repeat("d", 3000) + `","parameters":{"type":"object"}}}]`)},
		{name: "an image by address", body: said(`[{"type":"image_url","image_url":{"url":"https://example.test/a.png"}}]`), want: either},
		{name: "an image under an escaped name", body: said(`[{"type":"\u0069mage_url","\u0069mage_url":{"url":"https://example.test/a.png"}}]`), want: either},
		{name: "a file by id", body: said(`[{"type":"file","file":{"file_id":"file-1"}}]`), want: either},
		{name: "a hosted search", body: chat(`,"web_search_options":{}`), want: either},
		{name: "responses", path: "/v1/responses", body: responses("")},
		{name: "an earlier answer", path: "/v1/responses", body: responses(`,"previous_response_id":"resp_1"`), want: either},
		{name: "a stored prompt", path: "/v1/responses", body: responses(`,"prompt":{"id":"pmpt_1"}`), want: either},
		{name: "a hosted tool", path: "/v1/responses", body: responses(`,"tools":[{"type":"web_search_preview"}]`), want: "budget.unbounded"},
		{name: "a code interpreter", path: "/v1/responses", body: responses(`,"tools":[{"type":"code_interpreter","container":{"type":"auto"}}]`), want: "budget.unbounded"},
		{name: "messages", path: "/v1/messages", body: claude(`,"max_tokens":32`, `"Say something."`)},
		{name: "a prompt that is cached", path: "/v1/messages", body: claude(`,"max_tokens":32`, `[{"type":"text","text":"`+long+`","cache_control":{"type":"ephemeral"}}]`)},
		{name: "a prompt that is cached for an hour", path: "/v1/messages", body: claude(`,"max_tokens":32`, `[{"type":"text","text":"`+long+`","cache_control":{"type":"ephemeral","ttl":"1h"}}]`)},
		{name: "a search without an end", path: "/v1/messages", body: claude(`,"max_tokens":32,"tools":[{"type":"web_search_20250305","name":"web_search"}]`, `"Say something."`), want: "budget.unbounded"},
		{name: "embeddings", path: "/v1/embeddings", body: `{"model":"openai/text-embedding-3-small","user":"%s","input":["one","two","` + strings.Repeat("x", 500) + `"]}`},
		{name: "no price", body: `{"model":"openai/model-without-a-price","user":"%s","max_tokens":1,"messages":[{"role":"user","content":"Say something."}]}`, want: "budget.unpriced"},
	}
}

const either = "either"

// B9: a provider that takes all that a request allows is never paid more than was held for it; what has no bound never reaches it.
func TestB9NoCallCostsMoreThanItsBound(t *testing.T) {
	m := &harness.Meter{Seed: rand.Uint64(), Costs: harness.Most}
	f := buildFleet(t, 1, m, harness.ProxyConfig{})
	p := f.purse(t, "b9", 1000*dollar, nil)
	client := p.clients[0]
	reached, refused, overruns := 0, 0, 0.0
	for n, c := range corners() {
		user := fmt.Sprintf("corner-%d", n)
		before := f.provider.Ledger.Len()
		end := p.ask(t, client, c, user)
		if over := f.proxies[0].Figures(t)["tollgate_budget_overruns_total"]; over > overruns {
			t.Errorf("%s cost more than its bound", c.name)
			overruns = over
		}
		asked := f.provider.Ledger.Len() - before
		switch {
		case asked == 0:
			refused++
			if c.want == "" || !strings.HasPrefix(end, "4") || c.want != either && !strings.Contains(end, c.want) {
				t.Errorf("%s: %s, want %q", c.name, end, c.want)
			}
		case c.want != "" && c.want != either:
			t.Errorf("%s reached the provider; want %s", c.name, c.want)
		default:
			reached++
		}
	}
	p.lower(t)
	s := p.f.owner.Released(p.budget, p.period, 10*time.Second)
	billed := f.provider.Ledger.Bill()
	if s.Spent < billed {
		t.Errorf("settled %s, the provider billed %s", usd(s.Spent), usd(billed))
	}
	bills := map[string]int64{}
	for _, l := range f.provider.Ledger.Calls() {
		bills[l.User] += l.Bill
	}
	for _, c := range f.owner.Calls(map[string][]string{"key": {p.keyID}}) {
		if bill := bills[c.EndUser]; c.UsageSource == "reported" && c.Cost() != bill {
			t.Errorf("%s (%s): logged at %s, billed at %s", c.EndUser, c.Model, usd(c.Cost()), usd(bill))
		}
	}
	t.Logf("B9: %d calls bounded, %d refused; 0 cost more than was held; provider %s ≤ settled %s", reached, refused, usd(billed), usd(s.Spent))
}

// ask sends a corner and says how it ended: "200 ", "402 budget.unpriced".
func (p *purse) ask(t *testing.T, client *harness.Client, c corner, user string) string {
	t.Helper()
	path, surface := c.path, replay.OpenAI
	if path == "" {
		path = "/v1/chat/completions"
	}
	if path == "/v1/messages" {
		surface = replay.Anthropic
	}
	body := strings.Replace(c.body, "%s", user, 1)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, client.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	client.Identify(req, surface)
	got, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	code := codeOf(got.Body)
	if at := bytes.Index(got.Body, []byte("budget.")); surface == replay.Anthropic && at >= 0 {
		code, _, _ = strings.Cut(string(got.Body[at:]), `"`)
	}
	return fmt.Sprintf("%d %s", got.Status, code)
}
