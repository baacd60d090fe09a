package exchange_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/id"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/exchange"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
)

// world is an organization with prompts, people and a call log.
type world struct {
	t       *testing.T
	owner   tenant.Scope
	coder   tenant.Scope // may write and not release
	prompts *prompt.Service
	*exchange.Service
	calls log
}

type log map[id.Call]exchange.Kept

func (l log) Kept(_ context.Context, _ tenant.Scope, call id.Call) (exchange.Kept, error) {
	k, ok := l[call]
	if !ok {
		return exchange.Kept{}, exchange.ErrCall
	}
	return k, nil
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	w := &world{t: t, owner: tenant.Authenticated(in.Org(), tenant.Actor{User: "user_o"}, tenant.Owner), coder: tenant.Authenticated(in.Org(), tenant.Actor{User: "user_d"}, tenant.Developer), calls: log{}}
	w.prompts = prompt.NewService(promptpg.New(db), func() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) })
	w.Service = exchange.NewService(w.prompts, w.calls, http.DefaultClient)
	return w
}

// take imports files and tells what became of each prompt.
func (w *world) take(in tenant.Scope, o exchange.Order, files ...string) map[string]string {
	w.t.Helper()
	for i := 0; i < len(files); i += 2 {
		o.Files = append(o.Files, exchange.File{Path: files[i], Text: files[i+1]})
	}
	r, err := w.Import(w.t.Context(), in, o)
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]string{}
	for _, row := range r.Rows {
		code, _ := row.Why()
		out[row.Name] = strings.TrimSpace(fmt.Sprintf("%s %s", row.State, code))
		for _, h := range row.Held {
			out[row.Name] += " held:" + h.Label
		}
		for _, m := range row.Moves {
			out[row.Name] += fmt.Sprintf(" %s:%d→%d", m.Label, m.Was, m.Is)
		}
	}
	return out
}

func (w *world) wants(got, want map[string]string) {
	w.t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		w.t.Error(d)
	}
}

// state is all that there is: names, versions, labels.
func (w *world) state() string {
	w.t.Helper()
	list, _, err := w.prompts.List(w.t.Context(), w.owner, prompt.Filter{}, "", 100)
	if err != nil {
		w.t.Fatal(err)
	}
	var b strings.Builder
	for _, p := range list {
		fmt.Fprintf(&b, "%s@%d r%d %v\n", p.Name, p.Latest, p.Revision, p.Labels)
	}
	return b.String()
}

const (
	yamlA = "labels: [production]\nvariables: [name]\ntext: 'Hello {{name}}, {{> tone}}'\n"
	yamlB = "labels: [production]\ntext: be kind\n"
)

func TestAnImportIsTriedDoneAndFoundAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	files := []string{"greet.prompt.yaml", yamlA, "tone.prompt.yaml", yamlB, "bad.prompt.yaml", "text: '{{nobody}}'\n", "worse.prompt.yaml", "txt: a\n"}
	made := map[string]string{"greet": "created production:0→1", "tone": "created production:0→1", "bad": "refused prompt.invalid", "worse": "refused prompt.import_unreadable"}
	w.wants(w.take(w.owner, exchange.Order{Taking: prompt.Taking{DryRun: true}}, files...), made)
	if s := w.state(); s != "" {
		t.Fatalf("a dry run left %q", s)
	}
	w.wants(w.take(w.owner, exchange.Order{}, files...), made)
	was := w.state()
	if was != "greet@1 r2 map[production:1]\ntone@1 r2 map[production:1]\n" {
		t.Errorf("%q", was)
	}
	w.wants(w.take(w.owner, exchange.Order{Taking: prompt.Taking{Labels: prompt.AllLabels}}, files...), map[string]string{
		"greet": "unchanged", "tone": "unchanged", "bad": "refused prompt.invalid", "worse": "refused prompt.import_unreadable",
	})
	if now := w.state(); now != was {
		t.Errorf("the same import again made %q of %q", now, was)
	}
	w.wants(w.take(w.owner, exchange.Order{}, "tone.prompt.yaml", "labels: [production]\ntext: be brief\n"), map[string]string{"tone": "new_version held:production"})
	w.wants(w.take(w.owner, exchange.Order{Taking: prompt.Taking{Labels: prompt.AllLabels}}, "tone.prompt.yaml", "labels: [production]\ntext: be brief\n"), map[string]string{"tone": "changed production:1→2"})
	w.wants(w.take(w.owner, exchange.Order{Taking: prompt.Taking{Labels: prompt.AllLabels}}, "tone.prompt.yaml", yamlB), map[string]string{"tone": "changed production:2→1"})
	w.wants(w.take(w.owner, exchange.Order{}, "tone.prompt.yaml", "messages: [{role: user, text: x}]\n"), map[string]string{"tone": "refused prompt.invalid"})
}

func TestARefusedPromptLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wants(w.take(w.owner, exchange.Order{}, "p@1.prompt.yaml", "text: one\n", "p@2.prompt.yaml", "text: '{{x}}'\n", "q.prompt.yaml", "text: q\ntags: [NO]\n", "r.txt", "r"),
		map[string]string{"p": "refused prompt.invalid", "q": "refused prompt.invalid", "r": "created"})
	if s := w.state(); s != "r@1 r1 map[]\n" {
		t.Errorf("%q", s)
	}
	w.take(w.owner, exchange.Order{}, "used.prompt.yaml", "text: a\nlabels: [production]\n", "user.txt", "{{> used}}")
	was := w.state()
	w.wants(w.take(w.owner, exchange.Order{Taking: prompt.Taking{Labels: prompt.AllLabels}}, "used.prompt.yaml", "variables: [v]\nlabels: [production]\ntext: '{{v}}'\n"),
		map[string]string{"used": "refused prompt.breaks_others"})
	if now := w.state(); now != was {
		t.Errorf("%q became %q", was, now)
	}
}

func TestAProtectedLabelIsNotMovedWithoutTheRight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.prompts.Protect(t.Context(), w.owner, []string{"production"}); err != nil {
		t.Fatal(err)
	}
	file := []string{"p.prompt.yaml", "labels: [production, staging]\ntext: one\n"}
	strict := exchange.Order{Taking: prompt.Taking{Labels: prompt.AllLabels, Strict: true}}
	w.wants(w.take(w.coder, strict, file...), map[string]string{"p": "refused prompt.label_protected"})
	if s := w.state(); s != "" {
		t.Fatalf("refused, and left %q", s)
	}
	w.wants(w.take(w.coder, exchange.Order{}, file...), map[string]string{"p": "created held:production staging:0→1"})
	w.wants(w.take(w.coder, exchange.Order{Put: "production"}, file...), map[string]string{"p": "unchanged held:production"})
	if s := w.state(); !strings.HasSuffix(s, "map[staging:1]\n") {
		t.Fatal(s)
	}
	w.wants(w.take(w.owner, strict, file...), map[string]string{"p": "changed production:0→1"})
	w.wants(w.take(w.coder, strict, file[0], "labels: [staging]\ntext: two\n"), map[string]string{"p": "new_version staging:1→2"})
}

func TestVersionsThatComeBackKeepTheirOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := []string{"p@1.prompt.yaml", "text: a\n"}, []string{"p@2.prompt.yaml", "text: b\n"}
	w.wants(w.take(w.owner, exchange.Order{}, append(a, b...)...), map[string]string{"p": "created"})
	again := append(append(a, b...), "p@3.prompt.yaml", "text: a\nlabels: [staging]\n")
	w.wants(w.take(w.owner, exchange.Order{}, again...), map[string]string{"p": "new_version staging:0→3"})
	w.wants(w.take(w.owner, exchange.Order{Taking: prompt.Taking{Labels: prompt.AllLabels}}, again...), map[string]string{"p": "unchanged"})
	w.wants(w.take(w.owner, exchange.Order{Put: "canary"}, again...), map[string]string{"p": "changed canary:0→3"})
	w.wants(w.take(w.owner, exchange.Order{Put: "canary"}, "p.prompt.yaml", "text: b\nlabels: [staging]\n"), map[string]string{"p": "changed canary:3→2"})
	w.wants(w.take(w.owner, exchange.Order{Put: "canary"}, "q@1.prompt.yaml", "text: a\nlabels: [staging]\n", "q@2.prompt.yaml", "text: b\n"), map[string]string{"q": "created canary:0→2"})
	if _, err := w.Import(t.Context(), w.owner, exchange.Order{Put: "latest", Files: []exchange.File{{Path: "p.txt", Text: "b"}}}); !errors.Is(err, prompt.ErrInvalid) {
		t.Error(err)
	}
}

func TestAFileThatIsOutOfDateIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.take(w.owner, exchange.Order{}, "p.txt", "one")
	files := w.files(exchange.Selection{})
	edited := strings.Replace(files["p.prompt.yaml"], "one", "three", 1)
	w.take(w.owner, exchange.Order{}, "p.txt", "two")
	guard := exchange.Order{Taking: prompt.Taking{Guard: true}}
	w.wants(w.take(w.owner, guard, "p.prompt.yaml", files["p.prompt.yaml"]), map[string]string{"p": "unchanged"})
	w.wants(w.take(w.owner, guard, "p.prompt.yaml", edited), map[string]string{"p": "refused prompt.stale"})
	w.wants(w.take(w.owner, exchange.Order{}, "p.prompt.yaml", edited), map[string]string{"p": "new_version"})
	p, err := w.prompts.Named(t.Context(), w.owner, "p")
	if err != nil || p.Latest != 3 {
		t.Fatal(p.Latest, err)
	}
	if err := w.prompts.Archive(t.Context(), w.owner, p.ID); err != nil {
		t.Fatal(err)
	}
	w.wants(w.take(w.owner, guard, "p.prompt.yaml", edited), map[string]string{"p": "refused prompt.stale"})
	w.wants(w.take(w.owner, exchange.Order{}, "p.prompt.yaml", edited), map[string]string{"p": "created"})
}

// files are an export, by paths.
func (w *world) files(sel exchange.Selection) map[string]string {
	w.t.Helper()
	var b bytes.Buffer
	if err := w.WriteZip(w.t.Context(), w.owner, sel, &b); err != nil {
		w.t.Fatal(err)
	}
	list, err := exchange.Unzip(b.Bytes())
	if err != nil {
		w.t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range list {
		out[f.Path] = f.Text
	}
	return out
}

// contents are all versions of all prompts, by name and number, without what ids are in them.
func (w *world) contents() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	list, _, err := w.prompts.List(w.t.Context(), w.owner, prompt.Filter{}, "", 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range list {
		versions, _, err := w.prompts.Versions(w.t.Context(), w.owner, p.ID, 0, 100)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, v := range versions {
			v.Content.Refs = nil
			raw, err := prompt.Encode(v.Content)
			if err != nil {
				w.t.Fatal(err)
			}
			out[fmt.Sprintf("%s@%d", p.Name, v.Number)] = fmt.Sprintf("%s %s %q %v %v", p.Kind, raw, v.Message, p.Tags, p.LabelsOf(v.Number))
		}
	}
	return out
}

func TestAnExportIsTakenInElsewhereAsItWas(t *testing.T) {
	t.Parallel()
	w, other := newWorld(t), newWorld(t)
	text, err := os.ReadFile("testdata/in/langfuse_export.json")
	if err != nil {
		t.Fatal(err)
	}
	w.take(w.owner, exchange.Order{}, "langfuse_export.json", string(text), "a/b.txt", "{{> tone}} {{mood}}", "a/b@9.txt", "{{> tone}} again {{mood}}", "chat.prompt.yaml", yamlA[:0]+"messages: [{placeholder: history}]\nmessage: hi\n")
	tone, err := w.prompts.Named(t.Context(), w.owner, "tone")
	if err != nil {
		t.Fatal(err)
	}
	renamed := "voice/tone"
	if _, err := w.prompts.Edit(t.Context(), w.owner, tone.ID, prompt.Edit{Name: &renamed}, nil); err != nil {
		t.Fatal(err)
	}
	var list []string
	for path, text := range w.files(exchange.Selection{Which: exchange.EachVersion}) {
		list = append(list, path, text)
	}
	for name, state := range other.take(other.owner, exchange.Order{}, list...) {
		if !strings.HasPrefix(state, "created") {
			t.Errorf("%s: %s", name, state)
		}
	}
	if d := cmp.Diff(w.contents(), other.contents()); d != "" {
		t.Error(d)
	}
	for name, state := range w.take(w.owner, exchange.Order{Taking: prompt.Taking{Labels: prompt.AllLabels, Guard: true}}, list...) {
		if state != "unchanged" {
			t.Errorf("taken in where it came from, %s is %s", name, state)
		}
	}
	if got := w.files(exchange.Selection{Folder: "support"}); len(got) != 1 || !strings.Contains(got["support/greeting.prompt.yaml"], `"tone:production": voice/tone`) {
		t.Errorf("%v", got)
	}
	if got := w.files(exchange.Selection{Label: "tenant-a"}); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

func TestFixedVersionsKeepTheirMeaningUnderOtherNumbers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	say := func(name string, version int, text string) string {
		raw, err := json.Marshal(map[string]any{"name": name, "version": version, "prompt": text, "type": "text"})
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	pin := func(n int) string { return fmt.Sprintf("@@@langfusePrompt:name=tone|version=%d@@@", n) }
	page := "[" + strings.Join([]string{say("tone", 2, "two"), say("tone", 3, "three"), say("user", 1, pin(3)+pin(2)), say("lost", 1, pin(1))}, ",") + "]"
	want := map[string]string{"in/tone": "created", "in/user": "created", "in/lost": "refused prompt.invalid"}
	w.wants(w.take(w.owner, exchange.Order{Folder: "in"}, "page.json", page), want)
	_, v, err := w.prompts.Resolve(t.Context(), w.owner, "in/user", 1, "")
	if err != nil || v.Content.Text != "{{> tone@2}}{{> tone@1}}" {
		t.Errorf("%q %v", v.Content.Text, err)
	}
	w.wants(w.take(w.owner, exchange.Order{Folder: "in"}, "page.json", page), map[string]string{"in/tone": "unchanged", "in/user": "unchanged", "in/lost": "refused prompt.invalid"})
}

// langfuseServer answers as Langfuse does.
func langfuseServer(t *testing.T, asked *atomic.Int32) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/public/v2/prompts", func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if user, pass, _ := r.BasicAuth(); user != "pk" || pass != "sk-secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.URL.Query().Get("page") == "1" {
			_, _ = w.Write([]byte(`{"data":[{"name":"support/greet","versions":[1,2],"labels":["production","latest"]}],"meta":{"totalPages":2}}`))
			return
		}
		_, _ = w.Write([]byte(`{"data":[{"name":"tone","versions":[1],"labels":["production"]}],"meta":{"totalPages":2}}`))
	})
	mux.HandleFunc("GET /api/public/v2/prompts/{name}", func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		q := r.URL.Query()
		name, version, labels := r.PathValue("name"), q.Get("version"), "[]"
		if q.Get("resolve") != "false" {
			http.Error(w, "resolved", http.StatusTeapot)
			return
		}
		if q.Get("label") != "" {
			version = map[string]string{"tone": "1", "support/greet": "2"}[name]
		}
		text := "Be kind."
		if name == "support/greet" {
			text = "@@@langfusePrompt:name=tone|label=production@@@ v" + version
		}
		if version != "1" || name == "tone" {
			labels = `["production"]`
		}
		_, _ = fmt.Fprintf(w, `{"name":%q,"version":%s,"type":"text","prompt":%q,"config":{},"labels":%s,"tags":[]}`, name, version, text, labels)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestLangfuseIsReadWhereItAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked atomic.Int32
	s := langfuseServer(t, &asked)
	from := exchange.Address{URL: s.URL + "/", PublicKey: "pk", SecretKey: secret.NewText("sk-secret")}
	w.wants(w.take(w.owner, exchange.Order{Langfuse: &from}), map[string]string{"tone": "created production:0→1", "support/greet": "created production:0→2"})
	if n := asked.Load(); n != 5 {
		t.Errorf("%d questions for two pages and three versions", n)
	}
	w.wants(w.take(w.owner, exchange.Order{Langfuse: &from, Which: exchange.Newest, Taking: prompt.Taking{Labels: prompt.AllLabels}}), map[string]string{"tone": "unchanged", "support/greet": "unchanged"})
	wrong := from
	wrong.SecretKey = secret.NewText("sk-other")
	_, err := w.Import(t.Context(), w.owner, exchange.Order{Langfuse: &wrong})
	if !errors.Is(err, exchange.ErrRemote) || strings.Contains(err.Error(), "sk-other") {
		t.Error(err)
	}
	for _, u := range []string{"", "ftp://x", "https://u:p@x", "https://x?a=b", "x"} {
		if _, err := w.Import(t.Context(), w.owner, exchange.Order{Langfuse: &exchange.Address{URL: u}}); !errors.Is(err, exchange.ErrAddress) {
			t.Errorf("%q: %v", u, err)
		}
	}
}

func TestALoggedCallMakesADraft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	chat, claude, cut, plain, image := id.NewCall(), id.NewCall(), id.NewCall(), id.NewCall(), id.NewCall()
	w.calls[chat] = exchange.Kept{Dialect: "openai-chat", Body: []byte(`{"model":"fast","messages":[{"role":"system","content":"Say {{hi}} & <b>"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"https://e.com/i.png"}}]}],"temperature":0.20,"max_tokens":9,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}},"stream":true}`)}
	w.calls[claude] = exchange.Kept{Dialect: "anthropic-messages", Body: []byte(`{"model":"claude","max_tokens":5,"system":"Be kind.","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}`)}
	w.calls[cut] = exchange.Kept{Dialect: "openai-chat", Body: []byte(`{"model`), Cut: true}
	w.calls[plain] = exchange.Kept{Dialect: "openai-chat"}
	w.calls[image] = exchange.Kept{Dialect: "openai-images", Body: []byte(`{}`)}
	d, err := w.FromCall(t.Context(), w.coder, chat)
	if err != nil {
		t.Fatal(err)
	}
	want := prompt.Content{
		Messages: []prompt.Message{{Role: "system", Text: `Say \{{hi}} & <b>`}, {Role: "user", Text: "a"}}, Alias: "fast",
		Parameters: json.RawMessage(`{"max_tokens":9,"temperature":0.20}`), Tools: json.RawMessage(`[{"function":{"name":"f","parameters":{"type":"object"}},"type":"function"}]`),
		Schema: json.RawMessage(`{"type":"object"}`),
	}
	if diff := cmp.Diff(want, d.Content); diff != "" || len(d.Notes) != 1 {
		t.Error(diff, d.Notes)
	}
	if _, _, err := w.prompts.Create(t.Context(), w.coder, prompt.New{Name: "drafted", Kind: d.Kind, Content: d.Content}); err != nil {
		t.Errorf("the draft cannot be saved: %v", err)
	}
	if d, err = w.FromCall(t.Context(), w.coder, claude); err != nil || len(d.Content.Messages) != 3 || d.Content.Messages[0] != (prompt.Message{Role: "system", Text: "Be kind."}) {
		t.Error(d, err)
	}
	billing := tenant.Authenticated(w.owner.Org(), tenant.Actor{User: "user_b"}, tenant.Billing)
	for _, tt := range []struct {
		in   tenant.Scope
		call id.Call
		want error
	}{
		{w.coder, cut, exchange.ErrNotKept}, {w.coder, plain, exchange.ErrNotKept}, {w.coder, image, exchange.ErrNotChat}, {w.coder, id.NewCall(), exchange.ErrCall}, {billing, chat, tenant.ErrForbidden},
	} {
		if _, err := w.FromCall(t.Context(), tt.in, tt.call); !errors.Is(err, tt.want) {
			t.Errorf("%v, want %v", err, tt.want)
		}
	}
}

func TestAZipThatIsNoneOfOursIsRefused(t *testing.T) {
	t.Parallel()
	packed := func(name string, n int) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		into, err := z.Create(name)
		if err == nil {
			_, err = into.Write(bytes.Repeat([]byte("a"), n))
		}
		if err != nil || z.Close() != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for _, name := range []string{"../a.txt", "/a.txt", "a/../../b.txt", `a\b.txt`} {
		if _, err := exchange.Unzip(packed(name, 1)); !errors.Is(err, exchange.ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := exchange.Unzip(packed("a.txt", exchange.FileBytesMax+1)); !errors.Is(err, exchange.ErrTooMuch) {
		t.Errorf("a file that grows beyond its bound: %v", err)
	}
	if _, err := exchange.Unzip([]byte("PK")); !errors.Is(err, exchange.ErrUnreadable) {
		t.Error(err)
	}
	if f, err := exchange.Unzip(packed("a/b.txt", 3)); err != nil || len(f) != 1 || f[0] != (exchange.File{Path: "a/b.txt", Text: "aaa"}) {
		t.Error(f, err)
	}
}

func TestTheFilesOfSourcesAreTakenIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	paths, err := filepath.Glob("testdata/in/*")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if base := filepath.Base(path); base != "portkey_versions.json" { // its tone is another one
			list = append(list, base, string(text))
		}
	}
	list = append(list, "pp-tone-77.prompt.yaml", "labels: [production]\ntext: kind\n")
	for name, state := range w.take(w.owner, exchange.Order{}, list...) {
		refused := name == "logic" || name == "a" || name == "Partial" || name == "refused" || name == "wrong"
		if strings.HasPrefix(state, "refused") != refused {
			t.Errorf("%s: %s", name, state)
		}
	}
}
