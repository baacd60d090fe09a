// Package conformance holds the gateway against recorded traffic of real providers and against the project's own cases for what was
// never recorded. Each case goes through the real program twice: to a client of the provider's dialect, and to one of the other.
package conformance

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

func TestMain(m *testing.M) { os.Exit(harness.Main(m)) }

// vendors are those whose recordings go through their own entry of the catalogue; all others are custom base URLs.
var vendors = []string{"openai", "anthropic", "groq", "deepseek", "xai", "openrouter", "together", "ollama", "custom", "custom-anthropic"} //nolint:gochecknoglobals // a table

func vendor(c *replay.Case) string {
	provider := c.Meta.Provider
	if (c.Meta.Dialect == replay.Anthropic) == (provider == "anthropic") && slices.Contains(vendors, provider) {
		return provider
	}
	if c.Meta.Dialect == replay.Anthropic {
		return "custom-anthropic"
	}
	return "custom"
}

// gate is a client of the gateway under test, and the provider behind it.
type gate struct {
	*harness.Client
	owner    *harness.Tenant
	provider *replay.Server
}

// call sends one chat call as a client of the dialect does.
func (g *gate) call(dialect string, body []byte) (*harness.Reply, error) {
	return g.Chat(context.Background(), dialect, body)
}

// corpus is the project's own cases and, where they are found, the recorded ones.
func corpus(t *testing.T) []*replay.Case {
	t.Helper()
	cases, err := replay.Load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	own := len(cases)
	if own == 0 {
		t.Fatal("the project's own cases are missing")
	}
	for _, c := range cases {
		c.Path = "own/" + c.Path
	}
	dir, err := replay.Fixtures()
	if err != nil {
		t.Fatal(err)
	}
	if dir == "" {
		t.Logf("no recorded traffic here: only the project's own %d cases run", own)
		return cases
	}
	recorded, err := replay.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(recorded) == 0 {
		t.Fatalf("no chat cases in %s", dir)
	}
	return append(cases, recorded...)
}

// run is one way in which a case goes through the gateway.
type run struct {
	kind string // "same" or "cross"
	c    *replay.Case
	cut  replay.Cutting
}

// wire is the model that the provider is asked for.
func (r run) wire() string { return r.c.Path + "~" + string(r.cut) + "~" + r.kind }

func (r run) name() string { return r.kind + " " + r.c.Path }

func TestEveryCasePassesTheGateway(t *testing.T) {
	t.Parallel()
	cases := corpus(t)
	g := open(t, cases)
	var runs []run
	for _, c := range cases {
		runs = append(runs, run{"same", c, replay.AtOnce}, run{"cross", c, replay.AtOnce})
		if c.Meta.Stream && c.Meta.Status == http.StatusOK {
			runs = append(runs, run{"same", c, replay.ByEvent}, run{"same", c, replay.Odd}, run{"cross", c, replay.Odd})
		}
	}
	failures := perform(g, runs)
	g.accounted(t, runs, failures)
	judge(t, runs, failures, known(t))
}

// accounted: what the call log says a call used is what the recording says, by class.
func (g *gate) accounted(t *testing.T, runs []run, failures map[string]error) {
	t.Helper()
	var log map[string]harness.Call
	harness.Eventually(t, 30*time.Second, func() error {
		log = map[string]harness.Call{}
		for _, c := range g.owner.Calls(nil) {
			log[c.Model] = c
		}
		for _, r := range runs {
			if _, ok := log[r.wire()]; !ok {
				return fmt.Errorf("%s is not in the call log", r.wire())
			}
		}
		return nil
	})
	for _, r := range runs {
		if failures[r.name()] != nil || r.c.Meta.Status != http.StatusOK || r.c.Has("error-in-stream") || r.c.Has("truncated") || r.c.Has("garbage") {
			continue
		}
		used := replay.Read(r.c.Meta.Dialect, r.c.Meta.Stream, r.c.Response).Usage
		if arrived, _ := g.provider.Ledger.Last(r.wire()); !used.Known && r.c.Meta.Stream && replay.AddsUsage(r.c) && replay.AsksUsage(arrived.Body) {
			used = replay.Unasked
		}
		if !used.Known {
			continue
		}
		want := map[string]int64{
			"input": used.Input, "cache_read": used.CacheRead, "cache_write_5m": used.CacheWrite5m, "cache_write_1h": used.CacheWrite1h,
			"output": used.Output, "reasoning": used.Reasoning, "input_audio": used.InputAudio, "output_audio": used.OutputAudio, "web_search": used.WebSearch,
		}
		maps.DeleteFunc(want, func(_ string, n int64) bool { return n == 0 })
		if c := log[r.wire()]; !maps.Equal(want, c.Units) || c.UsageSource != "reported" || c.Outcome != "ok" {
			failures[r.name()] = fmt.Errorf("the call log says %s, %s usage %v; the recording %v", c.Outcome, c.UsageSource, c.Units, want)
		}
	}
}

func open(t *testing.T, cases []*replay.Case) *gate {
	t.Helper()
	provider, err := replay.Start(t.Context(), cases)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.Close)
	app := harness.Start(t, harness.Config{DatabaseURL: pgtest.URL(t)})
	owner := app.Bootstrap()
	for _, v := range vendors {
		owner.Connect(v, "a-secret-for-"+v, provider.Base(v))
	}
	g := &gate{app.Client(owner.Key), owner, provider}
	harness.Eventually(t, 10*time.Second, func() error { // the credentials reach the data plane
		got, err := g.call(replay.OpenAI, []byte(`{"model":"`+vendors[len(vendors)-1]+`/warm-up","messages":[{"role":"user","content":"hi"}]}`))
		if err != nil {
			return err
		}
		return got.Failed()
	})
	return g
}

// perform runs everything on a few workers and gives the failures by run.
func perform(g *gate, runs []run) map[string]error {
	failures := map[string]error{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	queue := make(chan run)
	for range 6 {
		wg.Go(func() {
			for r := range queue {
				do := g.same
				if r.kind == "cross" {
					do = g.cross
				}
				if err := do(r.c, r.cut); err != nil {
					mu.Lock()
					failures[r.name()] = fmt.Errorf("(cutting %q) %w", r.cut, err)
					mu.Unlock()
				}
			}
		})
	}
	for _, r := range runs {
		queue <- r
	}
	close(queue)
	wg.Wait()
	return failures
}

// judge fails for each run that should have passed and for each listed one that did, and prints the score.
func judge(t *testing.T, runs []run, failures map[string]error, known map[string]string) {
	t.Helper()
	passed, total := map[string]int{}, map[string]int{}
	counted := map[string]bool{}
	for _, r := range runs {
		name := r.name()
		if counted[name] {
			continue
		}
		counted[name] = true
		provider, _, _ := strings.Cut(r.c.Path, "/")
		line := fmt.Sprintf("%-5s %-18s %s", r.kind, r.c.Meta.Dialect, provider)
		total[line]++
		err, reason := failures[name], known[name]
		switch {
		case err == nil && reason != "":
			t.Errorf("%s passes: take it out of known.txt", name)
		case err == nil:
		case reason == "":
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			passed[line]++
		}
	}
	for name := range known {
		if !counted[name] && os.Getenv("TOLLGATE_FIXTURES") == "" && len(counted) > 200 {
			t.Errorf("%s is in known.txt and is no case", name)
		}
	}
	p, n := 0, 0
	for _, line := range slices.Sorted(maps.Keys(total)) {
		t.Logf("%s: %d/%d", line, passed[line], total[line])
		p, n = p+passed[line], n+total[line]
	}
	t.Logf("all: %d/%d", p, n)
}

// known reads known.txt: the cases that cannot pass, each with its reason.
func known(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open("known.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]string{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, ok := strings.Cut(line, ": ")
		if !ok || strings.TrimSpace(reason) == "" {
			t.Errorf("known.txt: %q has no reason", line)
		}
		out[name] = reason
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}
