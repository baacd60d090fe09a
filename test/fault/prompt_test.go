package fault

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// buildPrompts starts an installation with proxies in front of a provider that says what it was told.
func buildPrompts(t *testing.T, proxies int, cfg harness.Config, with harness.ProxyConfig) *fleet {
	t.Helper()
	f := buildMetered(t, &harness.Meter{}, cfg)
	harness.Marked(f.provider)
	f.proxies = f.Proxies(t, proxies, with)
	return f
}

// used is what one call through one proxy used: the version that its answer names, and the mark that the provider found.
type used struct {
	gateway      int
	began, ended time.Time
	version      int
	mark         string
	err          error
}

// byPrompt makes one call that names a prompt.
func byPrompt(ctx context.Context, c *harness.Client, prompt, model string) (u used) {
	u.began = time.Now()
	defer func() { u.ended = time.Now() }()
	got, err := c.Chat(ctx, replay.OpenAI, harness.Ask(model, "prompts", false), "X-Tollgate-Prompt", prompt)
	if err == nil {
		err = got.Failed()
	}
	if err != nil {
		u.err = err
		return u
	}
	_, number, _ := strings.Cut(got.Header.Get("X-Tollgate-Prompt"), "@")
	u.version, u.err = strconv.Atoi(number)
	u.mark = textOf(got.Body)
	return u
}

// textOf is the text of an answer in the form of OpenAI's chat.
func textOf(body []byte) string {
	var a struct {
		Choices []struct {
			Message struct{ Content string } `json:"message"`
		} `json:"choices"`
	}
	if json.Unmarshal(body, &a) != nil || len(a.Choices) == 0 {
		return ""
	}
	return a.Choices[0].Message.Content
}

// application calls without end through every gateway, and never stops for anything.
type application struct {
	clients []*harness.Client
	stop    context.CancelFunc
	group   sync.WaitGroup
	calls   atomic.Int64

	mu     sync.Mutex
	want   int           // the version that is waited for
	next   int           // … and the one that a change is about to bring
	since  time.Time     // from when on it was to be used
	found  map[int]used  // by gateway, the first call that used it
	news   chan struct{} // told when one was found
	broken []string      // what should never be
}

func (f *fleet) application(t *testing.T, prompt, model string, clients []*harness.Client) *application {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	a := &application{clients: clients, stop: stop, news: make(chan struct{}, 1), found: map[int]used{}}
	for i, c := range a.clients {
		a.group.Go(func() {
			for ctx.Err() == nil {
				u := byPrompt(ctx, c, prompt, model)
				if ctx.Err() == nil {
					u.gateway = i
					a.note(u)
				}
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	t.Cleanup(func() { stop(); a.group.Wait() })
	return a
}

// note takes a call into account: its answer must name the version that the provider was told, and none goes back once a change was used.
func (a *application) note(u used) {
	a.calls.Add(1)
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case u.err != nil:
		a.broken = append(a.broken, u.err.Error())
	case u.mark != strconv.Itoa(u.version):
		a.broken = append(a.broken, fmt.Sprintf("the answer names version %d, and the provider was told that of %q", u.version, u.mark))
	}
	first, have := a.found[u.gateway]
	switch {
	case u.began.Before(a.since) || u.err != nil:
	case u.version == a.want && !have:
		a.found[u.gateway] = u
		select {
		case a.news <- struct{}{}:
		default:
		}
	case u.version != a.want && u.version != a.next && have && u.began.After(first.ended):
		a.broken = append(a.broken, fmt.Sprintf("gateway %d went back to version %d after it had used %d", u.gateway, u.version, a.want))
	}
}

// expects says that a change to a version is about to be made.
func (a *application) expects(version int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next = version
}

// follows waits until calls on every gateway use a version, and gives how long each took, from the answer that said so to the end of its first
// call with it.
func (a *application) follows(t *testing.T, version int) []time.Duration {
	t.Helper()
	now := time.Now()
	a.mu.Lock()
	a.want, a.since = version, now
	clear(a.found)
	a.mu.Unlock()
	late := time.After(15 * time.Second)
	for {
		select {
		case <-a.news:
		case <-late:
			a.mu.Lock()
			defer a.mu.Unlock()
			t.Fatalf("version %d is used by %d of %d gateways after 15 s: %v", version, len(a.found), len(a.clients), a.broken)
		}
		a.mu.Lock()
		var took []time.Duration
		for _, u := range a.found {
			took = append(took, u.ended.Sub(now))
		}
		a.mu.Unlock()
		if len(took) == len(a.clients) {
			return took
		}
	}
}

// fine fails the test for what should never be.
func (a *application) fine(t *testing.T) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.broken) > 0 {
		t.Errorf("%d of %d calls were not as they should be; the first: %s", len(a.broken), a.calls.Load(), a.broken[0])
	}
}

// gateways are clients of the installation's own gateway and of all proxies.
func (f *fleet) gateways() []*harness.Client {
	all := []*harness.Client{f.Client(f.owner.Key)}
	for _, p := range f.proxies {
		all = append(all, p.Client(f.owner.Key))
	}
	return all
}

// routing is the routing file as it stands: its version, its bytes, and how many versions there are.
func (f *fleet) routing(t *testing.T) string {
	t.Helper()
	var r struct {
		Version int
		YAML    string
	}
	f.owner.Do(http.MethodGet, "/routing", nil).Want(http.StatusOK).Into(&r)
	file := f.owner.Do(http.MethodGet, "/routing/file", nil).Want(http.StatusOK)
	versions := f.owner.Do(http.MethodGet, "/routing/versions?limit=200", nil).Want(http.StatusOK)
	return fmt.Sprintf("version %d\n%s\n%s\n%s", r.Version, r.YAML, file.Body, versions.Body)
}

// prompt is all that the control plane says of a prompt: itself, its versions, the moves of its labels.
func (f *fleet) prompt(t *testing.T, id string) string {
	t.Helper()
	one := f.owner.Do(http.MethodGet, "/prompts/"+id, nil).Want(http.StatusOK)
	versions := f.owner.Do(http.MethodGet, "/prompts/"+id+"/versions?limit=200", nil).Want(http.StatusOK)
	moves := f.owner.Do(http.MethodGet, "/prompts/"+id+"/moves", nil).Want(http.StatusOK)
	return fmt.Sprintf("%s\n%s\n%s\n%s", one.Header.Get("ETag"), one.Body, versions.Body, moves.Body)
}

const promptRouting = `aliases:
  support:
    targets: [{model: openai/gpt-4o-mini}]
`

// P1: prompts and routing are changed each without the other. A move of a label, an edit with a label and a roll-back are each used by the
// next call on every proxy, and the routing file is the same to the byte; a change of the routing file leaves prompts as they are. The
// application never restarts and sends the same all the time.
func TestP1PromptsAndRoutingChangeEachWithoutTheOther(t *testing.T) {
	rounds := harness.Size(20, 100)
	f := buildPrompts(t, 3, harness.Config{DatabaseURL: pgtest.URL(t)}, harness.ProxyConfig{})
	f.owner.Do(http.MethodPut, "/routing", map[string]any{"yaml": promptRouting}, "If-Match", "*").Want(http.StatusOK)
	id := f.owner.Prompt("support/greeting", harness.Mark(1), "production")
	f.fence(t, "p1")
	app := f.application(t, "support/greeting", "support", f.gateways())
	app.follows(t, 1)
	routing, processes := f.routing(t), f.processes()
	took := map[string][]time.Duration{}
	for n := range rounds {
		app.expects(n + 2)
		version := f.owner.Publish(id, harness.Mark(n+2), "production")
		took["edit and label"] = append(took["edit and label"], app.follows(t, version)...)
		app.expects(version - 1)
		f.owner.Label(id, "production", version-1)
		took["roll-back"] = append(took["roll-back"], app.follows(t, version-1)...)
		app.expects(version)
		f.owner.Label(id, "production", version)
		took["label move"] = append(took["label move"], app.follows(t, version)...)
	}
	if now := f.routing(t); now != routing {
		t.Errorf("the routing file has changed with the prompt:\nwas %s\nis  %s", routing, now)
	}
	prompts := f.prompt(t, id)
	f.owner.Do(http.MethodPut, "/routing", map[string]any{"yaml": strings.Replace(promptRouting, "openai/gpt-4o-mini", "anthropic/claude-haiku-4-5", 1)}, "If-Match", "*").Want(http.StatusOK)
	for i, c := range app.clients {
		harness.Eventually(t, 10*time.Second, func() error {
			got, err := c.Chat(t.Context(), replay.OpenAI, harness.Ask("support", "routing", false), "X-Tollgate-Prompt", "support/greeting")
			if err != nil || got.Header.Get("X-Tollgate-Provider") != "anthropic" || textOf(got.Body) != strconv.Itoa(rounds+1) {
				return fmt.Errorf("gateway %d: %+v %w", i, got, err)
			}
			return nil
		})
	}
	if now := f.prompt(t, id); now != prompts {
		t.Errorf("the prompt has changed with the routing file:\nwas %s\nis  %s", prompts, now)
	}
	app.follows(t, rounds+1)
	app.stop()
	app.group.Wait()
	app.fine(t)
	if now := f.processes(); !slices.Equal(now, processes) {
		t.Errorf("processes were restarted: %v, %v", processes, now)
	}
	f.swift(t, "P1", took, app.calls.Load())
}

// swift reports how fast changes were used, and demands a second of 99 of a hundred.
func (f *fleet) swift(t *testing.T, name string, took map[string][]time.Duration, calls int64) {
	t.Helper()
	for _, what := range []string{"edit and label", "roll-back", "label move"} {
		all := took[what]
		slices.Sort(all)
		p50, p99, most := all[len(all)/2], all[len(all)*99/100], all[len(all)-1]
		t.Logf("%s %s: used by the next call on each of %d gateways after p50 %s, p99 %s, at most %s (%d changes)", name, what, len(f.proxies)+1,
			p50.Round(time.Millisecond), p99.Round(time.Millisecond), most.Round(time.Millisecond), len(all)/(len(f.proxies)+1))
		if p99 > time.Second {
			t.Errorf("%s: p99 is %s, more than a second", what, p99)
		}
	}
	t.Logf("%s: %d calls meanwhile, each with the version that its answer names", name, calls)
}

// processes are the ids of all processes of the installation.
func (f *fleet) processes() []int {
	all := []int{f.PID()}
	for _, p := range f.proxies {
		all = append(all, p.PID())
	}
	return all
}
