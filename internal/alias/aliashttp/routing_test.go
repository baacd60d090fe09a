package aliashttp_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tollgate/internal/alias/aliashttp"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// body makes a request of a YAML text.
func body(t *testing.T, yaml string) string {
	t.Helper()
	b, err := json.Marshal(map[string]string{"yaml": yaml})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const routingText = `# who answers what
tasks: {classification: fast}
aliases:
  fast:
    targets: [{model: anthropic/claude-haiku-4-5, weight: 70}, {model: openai/gpt-4o-mini, weight: 30}]
    when: [{input_over: 60000, use: sandbox/echo-mini}]
    fallbacks: [{model: openai/gpt-4o, on: [context_window]}]
    retry: {attempts: 2}
    timeouts: {connect: 2s, first_token: 3s, idle: 4s, total: 1m}
    parameters: {caps: {max_tokens: 100}}
    cache: {ttl: 10m}
    privacy: {no_training: true}
    sticky: off
`

func TestTheRoutingFileIsAppliedReadAndRestored(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.As(t, d.a)
	var r aliashttp.Routing
	empty := c.Do("GET", "/routing", "").Want(200)
	if empty.Into(&r); r.Version != 0 || r.YAML != "aliases: {}\n" || r.CreatedAt != nil || empty.Header.Get("ETag") != `"0"` {
		t.Errorf("%s", empty.Body)
	}
	c.Do("PUT", "/routing", body(t, routingText)).Want(428)
	first := c.Do("PUT", "/routing", body(t, routingText), "If-Match", `"0"`).Want(200)
	first.Into(&r)
	if r.Version != 1 || r.YAML != routingText || r.Message != "task classification added; fast added" || r.Author != string(d.a.Actor().User) {
		t.Errorf("%s", first.Body)
	}
	c.Do("PUT", "/routing", body(t, routingText), "If-Match", `"0"`).Want(412)

	var doc struct {
		Document aliashttp.Document `json:"document"`
	}
	c.Do("GET", "/routing", "").Want(200).Into(&doc)
	same, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	c.Do("PUT", "/routing", string(same), "If-Match", `"1"`).Want(200).Into(&r)
	if r.Version != 1 {
		t.Errorf("the document that was read made version %d: %s", r.Version, same)
	}
	fast := doc.Document.Aliases["fast"]
	fast.Targets[0].Weight = 50
	changed, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	c.Do("PUT", "/routing", string(changed), "If-Match", `"1"`).Want(200).Into(&r)
	if r.Version != 2 || r.Message != "fast: anthropic/claude-haiku-4-5: weight 70 → 50" || !strings.Contains(r.YAML, "weight: 50") || strings.Contains(r.YAML, "#") {
		t.Errorf("%+v", r)
	}
	if got := c.Do("GET", "/routing/file", "").Want(200); !strings.HasPrefix(got.Body, "# version: 2\ntasks:\n") || got.Header.Get("Content-Type") != "application/yaml" {
		t.Errorf("%s", got.Body)
	}
	c.Do("POST", "/routing/restore", `{"version":1,"expected_version":1}`).WantCode(412, "routing.stale")
	c.Do("POST", "/routing/restore", `{"version":1,"expected_version":2}`).Want(200).Into(&r)
	if r.Version != 3 || r.YAML != routingText {
		t.Errorf("%+v", r)
	}
	c.Do("POST", "/routing/restore", `{"version":8}`).WantCode(404, "routing.version_not_found")
	var page rest.Page[aliashttp.RoutingVersion]
	c.Do("GET", "/routing/versions?limit=2", "").Want(200).Into(&page)
	if len(page.Items) != 2 || page.Items[0].Message != "Went back to version 1" || page.NextCursor == "" {
		t.Errorf("%+v", page)
	}
	var last rest.Page[aliashttp.RoutingVersion]
	c.Do("GET", "/routing/versions?limit=2&cursor="+page.NextCursor, "").Want(200).Into(&last)
	if len(last.Items) != 1 || last.Items[0].Number != 1 || last.NextCursor != "" {
		t.Errorf("%+v", last)
	}
	c.Do("GET", "/routing/versions/2", "").Want(200).Into(&r)
	if r.Version != 2 || r.Document.Aliases["fast"].Targets[0].Weight != 50 {
		t.Errorf("%+v", r)
	}
	c.Do("GET", "/routing/versions/two", "").WantCode(404, "routing.version_not_found")
	which := c.Do("GET", "/aliases", "").Want(200)
	if !strings.Contains(which.Body, `"version":3`) || !strings.Contains(which.Body, `"if":"input_tokens \u003e 60000"`) && !strings.Contains(which.Body, `"if":"input_tokens > 60000"`) {
		t.Errorf("%s", which.Body)
	}
}

func TestABadRoutingFileIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.As(t, d.a)
	bad := "aliases:\n  fast:\n    targets: [gpt-4o]\n    when: [{if: enviromment == \"x\", use: sandbox/echo-mini}]\n    attempts: many\n    fallbacks: [{model: openai/x, credential: cred_none}]\n"
	p := c.Do("PUT", "/routing", body(t, bad), "If-Match", "*").WantCode(400, "routing.invalid").Problem()
	want := "Line 3, column 15: aliases.fast.targets[0]: Write the model as provider/model, such as openai/gpt-4o."
	if !strings.HasPrefix(p.Detail, want) || p.Field != "aliases.fast.targets[0]" {
		t.Errorf("%+v", p)
	}
	var v aliashttp.RoutingVerdict
	c.Do("POST", "/routing/check", body(t, bad)).Want(200).Into(&v)
	var told []string
	for _, p := range v.Problems {
		told = append(told, p.Path)
	}
	if got := strings.Join(told, " "); v.Valid || got != "aliases.fast.targets[0] aliases.fast.when[0].if aliases.fast.attempts aliases.fast.fallbacks[0].credential" {
		t.Errorf("%s", got)
	}
	if v.Problems[1].Line != 4 || v.Problems[1].Column != 17 {
		t.Errorf("%+v", v.Problems[1])
	}
	c.Do("PUT", "/routing", `{"yaml":"aliases: {}","document":{}}`, "If-Match", "*").WantCode(400, "routing.invalid")
	c.Do("PUT", "/routing", `{}`, "If-Match", "*").WantCode(400, "routing.invalid")
	c.Do("PUT", "/routing", `{"document":{"tasks":{"x":"y"}}}`, "If-Match", "*").WantCode(400, "routing.invalid")
	c.Do("POST", "/routing/check", body(t, routingText)).Want(200).Into(&v)
	if !v.Valid || len(v.Changes) != 2 || v.Changes[1].Alias != "fast" || !strings.Contains(v.Diff, "+    retry: {attempts: 2}\n") {
		t.Errorf("%+v", v)
	}
	if c.Do("GET", "/routing", "").Want(200).Header.Get("ETag") != `"0"` {
		t.Error("a check or a refusal changed the file")
	}
}

func TestWhoMayChangeTheRoutingFile(t *testing.T) {
	t.Parallel()
	d := open(t)
	d.As(t, d.a).Do("PUT", "/routing", body(t, routingText), "If-Match", "*").Want(200)
	viewer := d.As(t, tenant.Authenticated(d.a.Org(), d.a.Actor(), tenant.Viewer))
	viewer.Do("PUT", "/routing", body(t, routingText), "If-Match", "*").WantCode(403, "role.forbidden")
	viewer.Do("POST", "/routing/restore", `{"version":1}`).WantCode(403, "role.forbidden")
	viewer.Do("GET", "/routing", "").Want(200)
	viewer.Do("POST", "/routing/check", body(t, routingText)).Want(200)
	other := d.As(t, d.b)
	other.Do("GET", "/routing/versions/1", "").WantCode(404, "routing.version_not_found")
	other.Do("POST", "/routing/restore", `{"version":1}`).WantCode(404, "routing.version_not_found")
	if got := other.Do("GET", "/routing", "").Want(200); strings.Contains(got.Body, "fast") {
		t.Errorf("%s", got.Body)
	}
	if got := viewer.Do("GET", "/routing/schema", "").Want(200); !strings.Contains(got.Body, "https://json-schema.org/draft/2020-12/schema") {
		t.Errorf("%.80s", got.Body)
	}
}

// An alias that the routing file uses is not deleted behind its back.
func TestDeletingAnAliasThatATaskNamesIsRefused(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.As(t, d.a)
	c.Do("PUT", "/routing", body(t, routingText), "If-Match", "*").Want(200)
	var page rest.Page[aliashttp.Alias]
	c.Do("GET", "/aliases", "").Want(200).Into(&page)
	p := c.Do("DELETE", "/aliases/"+page.Items[0].ID, "").WantCode(409, "alias.used").Problem()
	if !strings.Contains(p.Detail, "task classification") {
		t.Errorf("%+v", p)
	}
}
