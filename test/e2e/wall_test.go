package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/test/harness"
	"tollgate/web"
)

// belongings are the ids of one organization by the resource they belong to: what stands before {id} in a path.
type belongings map[string]string

// collect reads one id of everything that an organization has.
func collect(t *testing.T, o *harness.Tenant) belongings {
	t.Helper()
	own := belongings{}
	o.Do(http.MethodPost, "/keys/templates", map[string]any{"name": "Tried", "policy": map[string]any{"environment": "staging"}}).Want(http.StatusCreated)
	o.Do(http.MethodPost, "/prompts", map[string]any{"name": "tried", "kind": "text", "content": map[string]any{"text": "x"}}).Want(http.StatusCreated)
	o.Do(http.MethodPost, "/playground/runs", map[string]any{
		"name": "Tried", "dataset": "a\n1", "setup": map[string]any{"message": "hi", "columns": []map[string]any{{"model": "sandbox/echo-mini"}}},
	}).Want(http.StatusCreated)
	for _, resource := range []string{"teams", "members", "tokens", "keys", "keys/templates", "credentials", "aliases", "calls", "prices/overrides", "experiments", "batches", "budgets", "limits", "channels", "prompts", "routing/versions", "playground/runs"} {
		var page struct {
			Items []map[string]any `json:"items"`
		}
		o.Do(http.MethodGet, "/"+resource, nil).Want(http.StatusOK).Into(&page)
		for _, item := range page.Items {
			for _, name := range []string{"id", "user_id", "number"} {
				if id, ok := item[name]; ok && own[resource] == "" {
					own[resource] = fmt.Sprint(id)
				}
			}
		}
		if own[resource] == "" {
			t.Errorf("the first organization has nothing under %s to try", resource)
		}
	}
	var sent struct {
		Items []struct{ ID string } `json:"items"`
	}
	o.Do(http.MethodPost, "/channels/"+own["channels"]+"/test", nil).Want(http.StatusOK)
	o.Do(http.MethodGet, "/channels/"+own["channels"]+"/deliveries", nil).Want(http.StatusOK).Into(&sent)
	if len(sent.Items) == 0 {
		t.Fatal("a test of a channel left no delivery")
	}
	own["deliveries"] = sent.Items[0].ID
	return own
}

// seesNothing tries every route of the API with the ids of another organization, and reads every list for one of them.
func seesNothing(t *testing.T, app *harness.App, stranger *harness.Tenant, theirs belongings) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	nobody := app.Tenant("")
	nobody.Do(http.MethodGet, "/openapi.json", nil).Want(http.StatusOK).Into(&doc)
	tried := 0
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		short := strings.TrimPrefix(path, "/api/v1")
		for method := range doc.Paths[path] {
			method = strings.ToUpper(method)
			resource, rest, hasID := strings.Cut(strings.TrimPrefix(short, "/"), "/{id}")
			switch {
			case hasID:
				id, ok := theirs[resource]
				if !ok {
					t.Errorf("no id to try for %s", path)
					continue
				}
				got := stranger.Do(method, "/"+resource+"/"+id+strings.NewReplacer("{number}", "1", "{label}", "production").Replace(rest), bodyFor(method, resource, rest), "If-Match", `"1"`)
				if got.Status != http.StatusNotFound || named(id) && strings.Contains(string(got.Body), id) {
					t.Errorf("%s %s with another organization's id: %d %s", method, path, got.Status, got.Body)
				}
				tried++
			case method == http.MethodGet && !strings.Contains(short, "tail"):
				got := stranger.Do(method, short, nil)
				for what, id := range theirs {
					if named(id) && strings.Contains(string(got.Body), id) {
						t.Errorf("%s shows %s of another organization", path, what)
					}
				}
				tried++
			}
		}
	}
	if tried < 30 {
		t.Errorf("only %d routes were tried", tried)
	}
	t.Logf("%d routes of the API tried with another organization's ids", tried)
	for _, dimension := range []string{"team", "key"} { // filters are no way in either
		id := theirs[dimension+"s"]
		for _, list := range []string{"/calls", "/costs", "/usage"} {
			got := stranger.Do(http.MethodGet, list+"?"+dimension+"="+url.QueryEscape(id), nil)
			if strings.Contains(string(got.Body), `"calls":0`) || strings.Contains(string(got.Body), `"items":[]`) || got.Status == http.StatusNotFound {
				continue
			}
			t.Errorf("%s by another organization's %s: %d %s", list, dimension, got.Status, got.Body)
		}
	}
}

// named reports whether an id is one that stands for one thing only: versions are numbers, which everyone has.
func named(id string) bool { return len(id) > 8 }

// bodyFor is a body that would be good if the thing were one's own, so that only the wall can refuse it.
func bodyFor(method, resource, rest string) any {
	switch {
	case method == http.MethodGet, method == http.MethodDelete:
		return nil
	case resource == "members":
		return map[string]any{"role": "viewer"}
	case resource == "calls":
		return map[string]any{"value": 1}
	case resource == "experiments" && method == http.MethodPatch:
		return map[string]any{
			"alias": "alias_x", "name": "mine now", "goal": "cheaper", "quality": "none", "days": 7, "share": 100,
			"variants": []map[string]any{{"name": "control", "weight": 50}, {"name": "b", "weight": 50, "target": map[string]string{"provider": "sandbox", "model": "echo-mini"}}},
		}
	case resource == "experiments" && rest == "/promote":
		return map[string]any{"arm": "mini"}
	case resource == "budgets" && rest == "/raises":
		return map[string]any{"amount_usd": "1", "reason": "mine now"}
	case resource == "prompts" && rest == "/duplicate":
		return map[string]any{"name": "mine now"}
	case resource == "prompts" && rest == "/versions":
		return map[string]any{"content": map[string]any{"text": "mine now"}}
	case resource == "prompts" && (rest == "/schedule" || rest == "/requests"):
		return map[string]any{"label": "production", "version": 1, "at": time.Now().Add(time.Hour)}
	case resource == "prompts" && rest == "/experiment":
		return map[string]any{"a": 1, "b": 2}
	case resource == "prompts" && rest == "/comments":
		return map[string]any{"text": "mine now"}
	case resource == "prompts" && strings.HasSuffix(rest, "/ramp") && method == http.MethodPost:
		return map[string]any{"action": "step"}
	case resource == "prompts" && method == http.MethodPut:
		return map[string]any{"version": 1}
	case resource == "aliases" && rest == "/restore":
		return map[string]any{"version": 1}
	case resource == "aliases":
		return map[string]any{"route": map[string]any{"targets": []map[string]string{{"provider": "sandbox", "model": "echo-mini"}}}}
	case method == http.MethodPatch:
		return map[string]any{"name": "mine now"}
	}
	return map[string]any{}
}

var parameter = regexp.MustCompile(`:[a-z_]+|\{[a-z_]+\}`)

// pagesSeeNothing tries every page with the ids of another organization, signed in as somebody else.
func pagesSeeNothing(t *testing.T, app *harness.App, email, password string, theirs belongings) {
	t.Helper()
	client := logIn(t, app, email, password)
	tried := 0
	for _, r := range web.Routes(web.Deps{}) {
		if !parameter.MatchString(r.Path) {
			if r.Method != http.MethodGet || r.Public || strings.Contains(r.Path, "tail") || strings.Contains(r.Path, "events") {
				continue
			}
			_, body := visit(t, client, r.Method, app.API+r.Path)
			for what, id := range theirs {
				if named(id) && strings.Contains(body, id) {
					t.Errorf("page %s shows %s of another organization", r.Path, what)
				}
			}
			tried++
			continue
		}
		area, _, _ := strings.Cut(strings.TrimPrefix(parameter.ReplaceAllString(r.Path, "?"), "/"), "/?")
		id := theirs[map[string]string{
			"requests": "calls", "providers": "credentials", "settings/teams": "teams", "settings/members": "members",
			"settings/tokens": "tokens",
		}[area]]
		if id == "" {
			id = theirs[area]
		}
		if id == "" {
			for _, id = range theirs { // whatever it takes, it is not theirs
				break
			}
		}
		status, body := visit(t, client, r.Method, app.API+parameter.ReplaceAllString(r.Path, id))
		if status != http.StatusNotFound {
			t.Errorf("%s %s with another organization's id: %d %.300s", r.Method, r.Path, status, body)
		}
		tried++
	}
	if tried < 10 {
		t.Errorf("only %d pages were tried", tried)
	}
	t.Logf("%d pages tried with another organization's ids", tried)
}

// logIn signs in by the form, as a browser without scripts does.
func logIn(t *testing.T, app *harness.App, email, password string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	resp, err := client.PostForm(app.API+"/login", url.Values{"email": {email}, "password": {password}}) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if strings.Contains(resp.Request.URL.Path, "login") {
		t.Fatalf("log-in ended at %s with %d", resp.Request.URL, resp.StatusCode)
	}
	return client
}

func visit(t *testing.T, client *http.Client, method, at string) (int, string) {
	t.Helper()
	// A form that would be good if the thing were one's own, so that only the wall can refuse it.
	form := url.Values{"name": {"Mine now"}, "was": {"Theirs"}, "role": {"viewer"}, "version": {"1"}, "revision": {"1"}, "do": {"save"}}
	var content io.Reader
	if method == http.MethodPost {
		content = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(t.Context(), method, at, content)
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}
