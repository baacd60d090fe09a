package fault

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/test/harness"
	"tollgate/test/replay"
)

// route is a way in which clients of the cancel test call.
type route struct {
	name    string
	surface string // replay.Embeddings: that endpoint
	model   string
	stream  bool
}

var routes = []route{ //nolint:gochecknoglobals // a table
	{"chat", replay.OpenAI, "openai/gpt-4o-mini", false},
	{"chat stream", replay.OpenAI, "openai/gpt-4o-mini", true},
	{"responses stream", replay.Responses, "openai/gpt-4o-mini", true},
	{"messages stream", replay.Anthropic, "anthropic/claude-haiku-4-5", true},
	{"gemini stream, translated", replay.Gemini, "openai/gpt-4o-mini", true},
	{"embeddings", replay.Embeddings, "openai/text-embedding-3-small", false},
}

// request builds a call of the route.
func (r route) request(ctx context.Context, c *harness.Client, user string) (*http.Request, error) {
	path := harness.Endpoint(r.surface, r.model, r.stream)
	var body string
	switch r.surface {
	case replay.Embeddings:
		path, body = "/v1/embeddings", fmt.Sprintf(`{"model":%q,"user":%q,"input":"Say something."}`, r.model, user)
	case replay.Responses:
		body = fmt.Sprintf(`{"model":%q,"user":%q,"input":"Say something.","max_output_tokens":64,"stream":true}`, r.model, user)
	case replay.Anthropic:
		body = fmt.Sprintf(`{"model":%q,"metadata":{"user_id":%q},"max_tokens":64,"messages":[{"role":"user","content":"Say something."}],"stream":true}`, r.model, user)
	case replay.Gemini:
		body = `{"contents":[{"role":"user","parts":[{"text":"Say something."}]}],"generationConfig":{"maxOutputTokens":64}}`
	default:
		body = fmt.Sprintf(`{"model":%q,"user":%q,"max_tokens":64,"messages":[{"role":"user","content":"Say something."}],"stream":%v}`, r.model, user, r.stream)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	c.Identify(req, r.surface)
	return req, nil
}

// B6: clients leave at every stage of a call, on every kind of route. Nothing that was held for them stays held.
func TestB6CancelledCallsLeaveNothingHeld(t *testing.T) {
	total, limit := harness.Size(1_200, 40_000), harness.Size(dollar, 100*dollar)
	m := &harness.Meter{Seed: rand.Uint64(), First: 6 * time.Millisecond, Pause: 2 * time.Millisecond, Busy: 20, Reset: 20}
	f := buildFleet(t, 1, m, harness.ProxyConfig{})
	p := f.purse(t, "b6", limit, nil)
	var stages [5]atomic.Int64
	queue := make(chan int)
	var wg sync.WaitGroup
	start := time.Now()
	for range harness.Size(24, 48) {
		wg.Go(func() {
			for n := range queue {
				stages[p.leave(t.Context(), routes[n%len(routes)], n)].Add(1)
			}
		})
	}
	for n := range total {
		queue <- n
	}
	close(queue)
	wg.Wait()
	took := time.Since(start)
	// Calls without a client are read to their end by the gateway, which takes as long as the provider does.
	harness.Eventually(t, 10*time.Second, func() error {
		if open := f.proxies[0].Figures(t)["tollgate_budget_open_nano_usd"]; open != 0 {
			return errf("%.0f nano-dollars are reserved for calls that are over", open)
		}
		return nil
	})
	p.lower(t)
	s := p.f.owner.Released(p.budget, p.period, 10*time.Second)
	billed := f.provider.Ledger.Bill()
	if s.Spent < billed || s.Spent > limit {
		t.Errorf("settled %s, the provider billed %s, of %s", usd(s.Spent), usd(billed), usd(limit))
	}
	for n, count := range []int64{stages[0].Load(), stages[1].Load(), stages[2].Load(), stages[3].Load()} {
		if count == 0 {
			t.Errorf("nobody left at stage %d", n)
		}
	}
	t.Logf("B6 seed %d: %d calls on %d routes in %s: %d left while sending, %d before the head, %d in the body, %d after the last byte, %d were refused; held %d, provider %s ≤ settled %s",
		m.Seed, total, len(routes), took.Round(time.Millisecond), stages[0].Load(), stages[1].Load(), stages[2].Load(), stages[3].Load(), stages[4].Load(),
		s.Held, usd(billed), usd(s.Spent))
}

// leave makes a call and leaves it somewhere; it gives the stage: 0 while sending, 1 before the head, 2 in the body, 3 after the last
// byte, 4 refused.
func (p *purse) leave(ctx context.Context, r route, n int) int {
	client := p.clients[n%len(p.clients)]
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	req, err := r.request(ctx, client, fmt.Sprintf("%s-%d", p.name, n))
	if err != nil {
		return 4
	}
	where := rand.IntN(8)
	switch where {
	case 0:
		half(client, r, n)
		return 0
	case 1, 2:
		time.AfterFunc(rand.N(8*time.Millisecond), leave)
	}
	resp, err := client.HTTP().Do(req)
	if err != nil {
		return 1
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusBadGateway {
		_, _ = io.Copy(io.Discard, resp.Body)
		return 4
	}
	if where == 7 {
		_, _ = io.Copy(io.Discard, resp.Body)
		return 3
	}
	_, _ = io.CopyN(io.Discard, resp.Body, rand.Int64N(1500))
	return 2
}

// half sends the head of a request and half of its body.
func half(c *harness.Client, r route, n int) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.URL, "http://")) //nolint:noctx // loopback
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 200\r\n\r\n{\"model\":%q,\"user\":\"%d",
		c.Key, r.model, n)
}
