package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tollgate/internal/postgres/pgtest"
	"tollgate/test/harness"
	"tollgate/test/replay"
)

// A prompt is its organization's: on the path, by Langfuse's API and by MCP another one's is answered as one that is not there, whether it is
// named by its id or by its name.
func TestPromptsOfAnotherOrganizationAreNotThere(t *testing.T) {
	app := harness.Start(t, harness.Config{DatabaseURL: pgtest.URL(t)})
	owner := app.Bootstrap()
	g := &guarded{t: t, app: app, owner: owner}
	p := g.fresh()
	stranger := app.SignUp("stranger@example.test", "Globex")
	_, secret := stranger.IssueKey("theirs", nil)
	token := stranger.Do(http.MethodPost, "/tokens", map[string]any{"name": "t", "role": "owner"}).Want(http.StatusCreated).Text("secret")
	them := hand{"stranger", app.Tenant(token), nil}
	call := func(key, prompt string) (int, string) {
		got, err := app.Client(key).Chat(t.Context(), replay.OpenAI, harness.Ask("sandbox/echo-mini", "wall", false), "X-Tollgate-Prompt", prompt)
		if err != nil {
			t.Fatal(err)
		}
		return got.Status, string(got.Body)
	}
	for _, name := range []string{p.id, p.name, p.name + "@1", p.name + ":production"} {
		harness.Eventually(t, 10*time.Second, func() error { // both keys and the prompt are known by now
			if status, _ := call(owner.Key, name); status != http.StatusOK {
				return harness.ErrNotYet
			}
			if status, _ := call(secret, "nobody"); status != http.StatusNotFound {
				return harness.ErrNotYet
			}
			return nil
		})
		if status, body := call(secret, name); status != http.StatusNotFound || !strings.Contains(body, "prompt.unknown") {
			t.Errorf("on the path %s is answered with %d %s", name, status, body)
		}
	}
	for what, try := range map[string]func(*guarded, hand, target) answered{
		"Langfuse: read": langfuse(http.MethodGet, "/{name}", nil), "Langfuse: label": langfuse(http.MethodPatch, "/{name}/versions/1", map[string]any{"newLabels": []string{"x"}}),
		"Langfuse: delete": langfuse(http.MethodDelete, "/{name}", nil), "API: by name": api(http.MethodGet, "/prompts/resolve?name="+url.QueryEscape(p.name), nil),
	} {
		if got := try(g, them, p); got.status != http.StatusNotFound {
			t.Errorf("%s: %d %.300s", what, got.status, got.said)
		}
	}
	for _, named := range []string{"{id}", "{name}"} {
		for tool, more := range map[string]map[string]any{
			"get_prompt": {}, "render_prompt": {}, "list_moves": {}, "prompt_metrics": {}, "move_label": {"label": "production", "version": 1},
			"publish_version": {"content": content}, "diff_versions": {"from": 1, "to": 2}, "ask_for_move": {"label": "production", "version": 2},
		} {
			more["prompt"] = named
			if got := toolCall(tool, more)(g, them, p); !strings.Contains(got.said, "not_found") || strings.Contains(got.said, p.id+`"`) && named != "{id}" {
				t.Errorf("MCP: %s of %s: %d %.300s", tool, named, got.status, got.said)
			}
		}
	}
	if got := toolCall("list_prompts", nil)(g, them, p); got.status != http.StatusOK || strings.Contains(got.said, p.id) {
		t.Errorf("MCP: the list: %d %.300s", got.status, got.said)
	}
}
