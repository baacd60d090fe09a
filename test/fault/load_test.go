// Package fault breaks the real program and its surroundings and holds what remains against the provider's ledger.
package fault

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"tollgate/test/harness"
	"tollgate/test/replay"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// models are what the load calls: both dialects at the provider, so that translation is under load too.
var models = []string{"openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"} //nolint:gochecknoglobals // a table

// site is an installation with one organization and a provider behind it.
type site struct {
	*harness.App
	owner    *harness.Tenant
	provider *replay.Server
	client   *harness.Client
}

func build(t *testing.T, cfg harness.Config) *site {
	t.Helper()
	provider, err := replay.Start(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	app := harness.Start(t, cfg)
	s := &site{App: app, owner: app.Bootstrap(), provider: provider}
	for _, v := range []string{"openai", "anthropic"} {
		s.owner.Connect(v, "a-secret-for-"+v, provider.Base(v))
	}
	s.client = app.Client(s.owner.Key)
	for _, m := range models {
		s.reach(t, m)
	}
	return s
}

// reach waits until the data plane serves a model.
func (s *site) reach(t *testing.T, model string) {
	t.Helper()
	harness.Eventually(t, 10*time.Second, func() error {
		got, err := s.client.Chat(t.Context(), replay.OpenAI, harness.Ask(model, "warm-up", false))
		if err != nil {
			return err
		}
		return got.Failed()
	})
}

// result is what one call of a load came to.
type result struct {
	user  string
	whole bool // a good answer up to the end that its dialect has, whatever became of the connection afterwards
	code  int  // 0: none
	err   error
}

// load calls at a fixed rate, whatever becomes of the calls, until stop is called; then it waits for those under way.
type load struct {
	mu      sync.Mutex
	results []result
	cancel  context.CancelFunc
	done    chan struct{}
}

// start sends rate calls a second, each with an end user of its own: <name>-<number>.
func (s *site) start(ctx context.Context, name string, rate int) *load {
	ctx, cancel := context.WithCancel(ctx)
	l := &load{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		var wg sync.WaitGroup
		defer wg.Wait()
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			user, model, stream := fmt.Sprintf("%s-%d", name, n), models[n%2], n%3 != 0
			wg.Go(func() {
				r := s.one(context.WithoutCancel(ctx), user, model, stream)
				l.mu.Lock()
				l.results = append(l.results, r)
				l.mu.Unlock()
			})
		}
	}()
	return l
}

func (s *site) one(ctx context.Context, user, model string, stream bool) result {
	got, err := s.client.Chat(ctx, replay.OpenAI, harness.Ask(model, user, stream))
	r := result{user: user, err: err}
	if got != nil {
		r.code = got.Status
		a := replay.Read(replay.OpenAI, stream, got.Body)
		r.whole = got.Status == 200 && a.Done && a.Error == "" && a.Usage.Known
	}
	return r
}

// stop ends the load and gives what came of it.
func (l *load) stop() []result {
	l.cancel()
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.results
}

// count is the number of calls finished so far.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.results)
}

// byUser indexes the call log, and fails for a call that is in it twice.
func byUser(t *testing.T, calls []harness.Call) map[string]harness.Call {
	t.Helper()
	out := map[string]harness.Call{}
	for _, c := range calls {
		if c.EndUser == "warm-up" {
			continue
		}
		if _, twice := out[c.EndUser]; twice {
			t.Errorf("call %s is in the log twice", c.EndUser)
		}
		out[c.EndUser] = c
	}
	return out
}

// settled waits until the log holds every call that the provider has seen, and gives it.
func (s *site) settled(t *testing.T, limit time.Duration) map[string]harness.Call {
	t.Helper()
	want := map[string]bool{}
	for _, c := range s.booked() {
		want[c.User] = true
	}
	var log map[string]harness.Call
	harness.Eventually(t, limit, func() error {
		log = byUser(t, s.owner.Calls(nil))
		missing := 0
		for user := range want {
			if _, ok := log[user]; !ok {
				missing++
			}
		}
		if missing > 0 {
			return fmt.Errorf("%d of the provider's %d calls are not in the log", missing, len(want))
		}
		return nil
	})
	return log
}

// booked are the provider's calls but for those of the warm-up.
func (s *site) booked() []replay.Call {
	return s.provider.Ledger.Of(func(c replay.Call) bool { return c.User != "warm-up" })
}
