package fault

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// Money, in nano-dollars.
const dollar = int64(1_000_000_000)

// fleet is an installation with further proxies in front of one metered provider.
type fleet struct {
	*site
	proxies []*harness.Proxy
}

// buildFleet starts an installation whose provider bills by the meter, and so many proxies.
func buildFleet(t *testing.T, proxies int, m *harness.Meter, cfg harness.ProxyConfig) *fleet {
	t.Helper()
	f := buildMetered(t, m, harness.Config{DatabaseURL: pgtest.URL(t)})
	f.proxies = f.Proxies(t, proxies, cfg)
	return f
}

// buildMetered is buildFleet without proxies of its own.
func buildMetered(t *testing.T, m *harness.Meter, cfg harness.Config) *fleet {
	t.Helper()
	provider, err := replay.Start(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	provider.Ledger.Slim()
	m.On(provider)
	cfg.Env = append(cfg.Env, "TOLLGATE_DATABASE_CONNS=6", "TOLLGATE_CONCURRENCY_MAX=10000")
	app := harness.Start(t, cfg)
	f := &fleet{site: &site{App: app, owner: app.Bootstrap(), provider: provider}}
	for _, v := range []string{"openai", "anthropic"} {
		f.owner.Connect(v, "a-secret-for-"+v, provider.Base(v))
	}
	return f
}

// purse is a key with a budget of its own.
type purse struct {
	f       *fleet
	name    string
	keyID   string
	secret  string
	budget  string
	period  string
	limit   int64
	scale   int                   // of the calls' output caps; 0: 1
	clients []*harness.Client     // one for each proxy
	next    atomic.Int64          // call
	why     atomic.Pointer[error] // the newest call that was broken off
}

// purse makes one, and waits until every proxy knows the key and the budget.
func (f *fleet) purse(t *testing.T, name string, limit int64, more map[string]any) *purse {
	t.Helper()
	p := &purse{f: f, name: name, period: "total", limit: limit}
	p.keyID, p.secret = f.owner.IssueKey(name, nil)
	p.budget = f.owner.Budget(harness.Budget{
		Name: name, On: map[string]string{"key": p.keyID}, Limits: map[string]int64{p.period: limit}, More: more,
	})
	for _, proxy := range f.proxies {
		p.clients = append(p.clients, proxy.Client(p.secret))
	}
	f.fence(t, name)
	return p
}

// fence waits until every proxy has the configuration as it is now: one that knows a key knows all that was changed before the key was.
func (f *fleet) fence(t *testing.T, name string) {
	t.Helper()
	_, marker := f.owner.IssueKey("fence of "+name, nil)
	harness.Eventually(t, 10*time.Second, func() error { return listing(t.Context(), f.Client(marker)) })
	for _, proxy := range f.proxies {
		harness.Eventually(t, 10*time.Second, func() error { return listing(t.Context(), proxy.Client(marker)) })
	}
}

// billed is what the provider has billed for calls of the purse.
func (p *purse) billed() int64 {
	sum := int64(0)
	for _, c := range p.f.provider.Ledger.Calls() {
		if owns(p.name, c.User) {
			sum += c.Bill
		}
	}
	return sum
}

// owns reports whether an end user is one of a purse's.
func owns(purse, user string) bool {
	return len(user) > len(purse) && user[:len(purse)] == purse && user[len(purse)] == '-'
}

// endings counts how calls ended.
type endings struct {
	mu     sync.Mutex
	ends   map[string]int
	lastOK time.Time
}

func (y *endings) note(end string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.ends == nil {
		y.ends = map[string]int{}
	}
	y.ends[end]++
	if end == served {
		y.lastOK = time.Now()
	}
}

func (y *endings) count(end string) int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.ends[end]
}

// String lists the ends with their counts.
func (y *endings) String() string {
	y.mu.Lock()
	defer y.mu.Unlock()
	return fmt.Sprint(maps.Clone(y.ends))
}

// unexpected are the ends that are none of those.
func (y *endings) unexpected(ends ...string) map[string]int {
	y.mu.Lock()
	defer y.mu.Unlock()
	rest := maps.Clone(y.ends)
	for _, e := range ends {
		delete(rest, e)
	}
	return rest
}

// quiet reports that calls were served once, and none for so long.
func (y *endings) quiet(for_ time.Duration) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	return !y.lastOK.IsZero() && time.Since(y.lastOK) > for_
}

// How calls end.
const (
	served   = "served"
	broken   = "broken off" // by the provider, or with the proxy
	exceeded = "402 budget.exceeded"
	away     = "503 budget.authority_unavailable"
)

// spend makes one call with a client of the purse, and says how it ended. Its number decides its size.
func (p *purse) spend(ctx context.Context, client *harness.Client) string {
	n := int(p.next.Add(1))
	user := fmt.Sprintf("%s-%d", p.name, n)
	got, err := client.Chat(ctx, replay.OpenAI, sized(user, n, max(p.scale, 1)))
	switch {
	case err != nil:
		p.why.Store(&err)
		return broken
	case got.Status != 200:
		return fmt.Sprintf("%d %s", got.Status, codeOf(got.Body))
	case n%3 == 0 && !replay.Read(replay.OpenAI, true, got.Body).Done:
		return broken
	}
	return served
}

// sized is a call whose length and output cap depend on its number. Every third is a stream.
func sized(user string, n, scale int) []byte {
	prompt := make([]byte, 40+n%7*60)
	for i := range prompt {
		prompt[i] = "abcdefgh "[(i+n)%9]
	}
	return fmt.Appendf(nil, `{"model":"openai/gpt-4o-mini","user":%q,"stream":%v,"max_tokens":%d,"messages":[{"role":"user","content":%q}]}`,
		user, n%3 == 0, (64+n%5*48)*scale, prompt)
}

// codeOf is the stable code of an error in any dialect.
func codeOf(body []byte) string {
	var e struct {
		Error struct {
			Code any `json:"code"`
			Type string
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &e)
	if code, ok := e.Error.Code.(string); ok {
		return code
	}
	return e.Error.Type
}

// burst makes n calls at once, spread over the proxies, and waits for all of them.
func (p *purse) burst(ctx context.Context, n int) *endings {
	y := &endings{}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { y.note(p.spend(ctx, p.clients[i%len(p.clients)])) })
	}
	wg.Wait()
	return y
}

// pause is before a worker's next call after one that was not served.
const pause = 20 * time.Millisecond

// loop makes calls on each of so many workers, one after the other, until over says so.
func (p *purse) loop(ctx context.Context, workers int, over func(*endings) bool) *endings {
	y := &endings{}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for !over(y) && ctx.Err() == nil {
				end := p.spend(ctx, p.clients[w%len(p.clients)])
				y.note(end)
				if end != served {
					time.Sleep(pause)
				}
			}
		})
	}
	wg.Wait()
	return y
}

// holds is the promise: the provider billed no more than the limit, what was settled is no less, and nothing stays held.
func (p *purse) holds(t *testing.T, within time.Duration) harness.Standing {
	t.Helper()
	billed := p.billed()
	if billed > p.limit {
		t.Errorf("%s: the provider billed %d nano-dollars; the limit is %d", p.name, billed, p.limit)
	}
	s := p.f.owner.Released(p.budget, p.period, within)
	if s.Spent < billed || s.Spent > p.limit || s.Limit != p.limit {
		t.Errorf("%s: the ledger says %d nano-dollars spent, the provider %d, of %d (%d)", p.name, s.Spent, billed, p.limit, s.Limit)
	}
	return s
}

// lower sets the limit to next to nothing and makes a call that comes short, so that all proxies are asked for what they have idle: what is
// held afterwards is held for calls.
func (p *purse) lower(t *testing.T) {
	t.Helper()
	path := "/budgets/" + p.budget
	tag := p.f.owner.Do(http.MethodGet, path, nil).Want(http.StatusOK).Header.Get("ETag")
	p.f.owner.Do(http.MethodPatch, path, map[string]any{"limits": []map[string]string{{"period": p.period, "amount_nano_usd": "1"}}}, "If-Match", tag).Want(http.StatusOK)
	if end := p.spend(t.Context(), p.f.Client(p.secret)); end != exceeded {
		t.Errorf("%s: with a limit of nothing a call ended with %s", p.name, end)
	}
}

// usd writes nano-dollars.
func usd(nano int64) string { return fmt.Sprintf("$%d.%09d", nano/dollar, nano%dollar) }

// reason is why the newest call that was broken off was.
func (p *purse) reason() error {
	if err := p.why.Load(); err != nil {
		return *err
	}
	return nil
}
