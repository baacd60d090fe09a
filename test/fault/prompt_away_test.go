package fault

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// P2: the control plane is killed and its database cannot be reached. Prompts are served as they stood last, also by a proxy that is started
// meanwhile; what changes afterwards is followed as ever.
func TestP2PromptsAreServedWithoutTheControlPlane(t *testing.T) {
	database := pgtest.URL(t)
	link, through := harness.LinkURL(t, database)
	f := buildPrompts(t, 3, harness.Config{DatabaseURL: database}, harness.ProxyConfig{DatabaseURL: through})
	id := f.owner.Prompt("support/greeting", harness.Mark(1), "production")
	f.owner.Publish(id, harness.Mark(2), "production")
	f.fence(t, "p2")
	clients := f.gateways()[1:]
	uses := func(version, calls int) error {
		for n := range calls {
			u := byPrompt(t.Context(), clients[n%len(clients)], "support/greeting", "openai/gpt-4o-mini")
			if u.err != nil || u.version != version || u.mark != strconv.Itoa(version) {
				return fmt.Errorf("call %d on proxy %d: %+v, want version %d", n, n%len(clients), u, version)
			}
		}
		return nil
	}
	harness.Eventually(t, 10*time.Second, func() error { return uses(2, len(clients)) })
	time.Sleep(3 * time.Second) // what a proxy knows is on its disk by then
	link.Cut()
	f.Kill()
	if err := uses(2, harness.Size(300, 3000)); err != nil {
		t.Errorf("without the control plane: %v", err)
	}
	f.proxies[0].Kill()
	f.proxies[0].Launch()
	if err := f.proxies[0].Ready(60 * time.Second); err != nil {
		t.Fatal(err)
	}
	if err := uses(2, harness.Size(60, 600)); err != nil {
		t.Errorf("after a proxy was started without the control plane: %v", err)
	}
	for path, want := range map[string]string{"support/greeting:nowhere": "prompt.unknown_label", "support/greeting@9": "prompt.unknown_version", "nobody": "prompt.unknown"} {
		if got := refused(t, clients[0], path); got != want {
			t.Errorf("%s is answered with %s, want %s", path, got, want)
		}
	}
	link.Heal()
	f.Launch()
	f.WaitReady(60 * time.Second)
	f.owner.Label(id, "production", 1)
	harness.Eventually(t, 30*time.Second, func() error { return uses(1, len(clients)) })
}

// refused is the code of a call's refusal.
func refused(t *testing.T, c *harness.Client, prompt string) string {
	t.Helper()
	got, err := c.Chat(t.Context(), replay.OpenAI, harness.Ask("openai/gpt-4o-mini", "refused", false), "X-Tollgate-Prompt", prompt)
	if err != nil {
		return err.Error()
	}
	return codeOf(got.Body)
}

// P3: labels move a thousand times while calls come. Of each call the provider was told one version, whole, and it is the version that its
// answer and its record name.
func TestP3NoCallMixesVersions(t *testing.T) {
	moves, versions := harness.Size(200, 1000), 6
	f := buildPrompts(t, 2, harness.Config{DatabaseURL: pgtest.URL(t)}, harness.ProxyConfig{})
	id := f.owner.Prompt("whole", harness.Mark(1), "production", "staging")
	for n := 2; n <= versions; n++ {
		f.owner.Publish(id, harness.Mark(n))
	}
	f.fence(t, "p3")
	clients := f.gateways()
	var over atomic.Bool
	var movers, callers sync.WaitGroup
	for w := range 4 {
		movers.Go(func() {
			for n := range moves / 4 {
				label := []string{"production", "staging"}[(n+w)%2]
				got := f.owner.Do(http.MethodPut, "/prompts/"+id+"/labels/"+label, map[string]any{"version": 1 + (n*7+w)%versions})
				if got.Status != http.StatusOK {
					t.Errorf("move %d: %d %s", n, got.Status, got.Body)
				}
			}
		})
	}
	var mu sync.Mutex
	said := map[string]int{} // version by end user
	for w := range 12 {
		callers.Go(func() {
			for n := 0; !over.Load(); n++ {
				user, wants := fmt.Sprintf("p3-%d-%d", w, n), []string{"whole", "whole:staging", id + ":production"}[n%3]
				got, err := clients[(w+n)%len(clients)].Chat(t.Context(), replay.OpenAI, harness.Ask("openai/gpt-4o-mini", user, false), "X-Tollgate-Prompt", wants)
				if err == nil {
					err = got.Failed()
				}
				if err != nil {
					t.Error(err)
					continue
				}
				mark := textOf(got.Body)
				if names := got.Header.Get("X-Tollgate-Prompt"); names != "whole@"+mark {
					t.Errorf("%s: the answer names %s, and the provider was told %q", user, names, mark)
				}
				number, _ := strconv.Atoi(mark)
				mu.Lock()
				said[user] = number
				mu.Unlock()
				time.Sleep(30 * time.Millisecond) // calls are to be mixed with moves, not to fill the machine
			}
		})
	}
	movers.Wait()
	over.Store(true)
	callers.Wait()
	counts := map[int]int{}
	harness.Eventually(t, 60*time.Second, func() error {
		seen := 0
		clear(counts)
		for _, c := range f.owner.Calls(url.Values{"prompt": {id}}) {
			want, ours := said[c.EndUser]
			if !ours {
				continue
			}
			seen++
			counts[want]++
			if c.Prompt != id || c.PromptVersion != want || c.PromptLabel == "" {
				t.Errorf("%s: the record says %s@%d (%s), the provider was told version %d", c.EndUser, c.Prompt, c.PromptVersion, c.PromptLabel, want)
			}
		}
		if seen != len(said) {
			return fmt.Errorf("%d of %d calls are in the log", seen, len(said))
		}
		return nil
	})
	if len(counts) < 3 {
		t.Errorf("calls used versions %v: too few to tell", counts)
	}
	t.Logf("P3: %d calls during %d moves of two labels; calls by version %v", len(said), moves, counts)
}

// P4: a provider that fails is passed over, and the next is told the same prompt; the call has one version.
func TestP4TheNextProviderIsToldTheSamePrompt(t *testing.T) {
	f := buildPrompts(t, 1, harness.Config{DatabaseURL: pgtest.URL(t)}, harness.ProxyConfig{})
	told := map[string][]string{} // marks by vendor
	var mu sync.Mutex
	f.provider.Answer(func(c *replay.Call) replay.Turn {
		mu.Lock()
		told[c.Vendor] = append(told[c.Vendor], harness.MarkIn(c.Body))
		mu.Unlock()
		if c.Vendor == "openai" {
			return replay.Turn{Status: http.StatusServiceUnavailable, Body: replay.ErrorBody(c.Dialect, "server_error", "Not now.")}
		}
		return replay.Turn{}
	})
	f.owner.Do(http.MethodPut, "/routing", map[string]any{"yaml": `aliases:
  support:
    targets: [{model: openai/gpt-4o-mini}]
    fallbacks: [{model: anthropic/claude-haiku-4-5}]
`}, "If-Match", "*").Want(http.StatusOK)
	id := f.owner.Prompt("greeting", harness.Mark("nobody"), "production")
	f.owner.Do(http.MethodPost, "/prompts/"+id+"/versions", map[string]any{"labels": []string{"production"}, "content": map[string]any{
		"text": "Help " + harness.Mark("{{who}}") + ".", "variables": []map[string]any{{"name": "who", "kind": "string", "required": true}},
	}}).Want(http.StatusCreated)
	f.fence(t, "p4")
	got, err := f.proxies[0].Client(f.owner.Key).Chat(t.Context(), replay.OpenAI, harness.Ask("support", "p4", false),
		"X-Tollgate-Prompt", "greeting", "X-Tollgate-Prompt-Variables", `{"who":"ann"}`)
	if err != nil || got.Failed() != nil || got.Header.Get("X-Tollgate-Prompt") != "greeting@2" || got.Header.Get("X-Tollgate-Provider") != "anthropic" {
		t.Fatalf("%v %v: %+v", err, got.Failed(), got.Header)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(told["openai"]) == 0 || len(told["anthropic"]) != 1 {
		t.Fatalf("told %v", told)
	}
	for vendor, marks := range told {
		for _, m := range marks {
			if m != "ann" {
				t.Errorf("%s was told %q", vendor, m)
			}
		}
	}
	harness.Eventually(t, 20*time.Second, func() error {
		for _, c := range f.owner.Calls(nil) {
			if c.EndUser == "p4" && c.PromptVersion == 2 && c.Prompt == id && c.Attempts > 1 {
				return nil
			}
		}
		return harness.ErrNotYet
	})
}
