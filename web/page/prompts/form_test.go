package prompts

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tollgate/internal/account"
	"tollgate/internal/golden"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/exchange"
	"tollgate/internal/prompt/template"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/formtest"
	"tollgate/web/page/pagetest"
)

// sent is what a browser would post of the form that a page shows: line ends are CR LF.
func sent(t testing.TB, html []byte, button string) url.Values {
	t.Helper()
	form := formtest.Values(t, html)
	for _, values := range form {
		for i := range values {
			values[i] = strings.ReplaceAll(values[i], "\n", "\r\n")
		}
	}
	form.Set("do", button)
	return form
}

func TestAVersionThatNobodyChangedStaysTheSame(t *testing.T) {
	t.Parallel()
	for _, which := range []string{"prompt_reply", "prompt_bare", "prompt_tone"} {
		r := sampleRegistry()
		p := pages(r)
		params := map[string]string{"id": which}
		_, html := see(t, p.EditForm, "/prompts/"+which+"/edit", tenant.Admin, params)
		got, err := p.Edit(t.Context(), pagetest.Posted("/prompts/"+which+"/edit", tenant.Admin, sent(t, html, "save"), params))
		if err != nil || got.To != "/prompts/"+which+"?done=same" {
			t.Errorf("%s: %q, %v: %s", which, got.To, err, cmp.Diff(r.versions[r.prompts[0].ID][r.prompts[0].Latest-1].Content, last(r)))
		}
	}
}

func last(r *registry) prompt.Content {
	if len(r.saved) == 0 {
		return prompt.Content{}
	}
	return r.saved[len(r.saved)-1]
}

func TestEveryContentSurvivesItsForm(t *testing.T) {
	t.Parallel()
	word := rapid.StringMatching(`[a-zA-Z<>&"' ,.é{}\n]{0,20}`)
	name := rapid.StringMatching(`[a-z]{1,8}`)
	tb := t
	rapid.Check(t, func(t *rapid.T) {
		c := prompt.Content{Escape: rapid.SampledFrom([]template.Escape{"", template.XML, template.JSON}).Draw(t, "escape"), Alias: name.Draw(t, "alias")}
		for range rapid.IntRange(1, 3).Draw(t, "messages") {
			c.Messages = append(c.Messages, prompt.Message{Role: rapid.SampledFrom(prompt.Roles).Draw(t, "role"), Text: "x" + word.Draw(t, "text")})
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "variables") {
			v := template.Variable{Name: name.Draw(t, "name") + string(rune('a'+i)), Kind: rapid.SampledFrom(template.Kinds).Draw(t, "kind"), Description: strings.TrimSpace(strings.ReplaceAll(word.Draw(t, "about"), "\n", " ")), MaxLength: rapid.IntRange(0, 50).Draw(t, "max")}
			switch v.Kind {
			case template.Enum:
				v.Values = []string{"a" + strings.TrimSpace(name.Draw(t, "value")), "b, c"}
			case template.String:
				if d := word.Draw(t, "default"); d != "" {
					v.Default = quoted(d)
				}
			case template.Number, template.Boolean, template.List, template.Any:
			}
			v.Required = v.Default == nil && rapid.Bool().Draw(t, "required")
			c.Variables = append(c.Variables, v)
		}
		if rapid.Bool().Draw(t, "parameters") {
			c.Parameters = json.RawMessage(rapid.SampledFrom([]string{`{"top_p":1,"a":{"b":[1.0]},"temperature":0.20}`, `{"max_tokens":5}`, `{"z":1,"a":2}`}).Draw(t, "object"))
		}
		for i := range rapid.IntRange(0, 2).Draw(t, "cases") {
			c.Cases = append(c.Cases, prompt.Case{
				Name: "c" + string(rune('0'+i)), Variables: map[string]json.RawMessage{"q": quoted(word.Draw(t, "variable"))},
				Assert: []prompt.Assertion{{Kind: rapid.SampledFrom([]string{prompt.Contains, prompt.Equals}).Draw(t, "assert"), Value: word.Draw(t, "value") + "."}},
			})
		}
		roundTrip(tb, t, c)
	})
}

// roundTrip renders the form of content, posts it, and reads it back.
func roundTrip(tb testing.TB, t *rapid.T, c prompt.Content) {
	tb.Helper()
	f := of(prompt.Chat, c)
	f.ID, f.Version, f.Title = "prompt_x", 1, "x"
	var b bytes.Buffer
	if err := edit(f).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	form := formtest.Values(tb, b.Bytes())
	for _, values := range form {
		for i := range values {
			values[i] = strings.ReplaceAll(values[i], "\n", "\r\n")
		}
	}
	req := httptest.NewRequest(http.MethodPost, "/prompts/prompt_x/edit", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := req.ParseForm(); err != nil {
		t.Fatal(err)
	}
	back := read(page.NewVisit(req, account.Login{}, account.Visitor{}, pagetest.Now(), "req_1", func(string) string { return "" }))
	got, err := back.content()
	if err != nil {
		t.Fatal(err)
	}
	want, _ := prompt.Encode(compactly(c))
	is, _ := prompt.Encode(compactly(got))
	if !bytes.Equal(want, is) {
		t.Fatalf("changed by its form:\n%s\n%s", want, is)
	}
}

// compactly is content as it is saved: documents are compact.
func compactly(c prompt.Content) prompt.Content {
	for _, raw := range []*json.RawMessage{&c.Parameters, &c.Tools, &c.Schema, &c.Config} {
		var b bytes.Buffer
		if len(*raw) > 0 && json.Compact(&b, *raw) == nil {
			*raw = b.Bytes()
		}
	}
	return c
}

func TestAMistakeStandsAtItsLineAndNothingIsSaved(t *testing.T) {
	t.Parallel()
	r := sampleRegistry()
	p := pages(r)
	_, html := see(t, p.EditForm, "/prompts/prompt_reply/edit", tenant.Admin, reply())
	form := sent(t, html, "save")
	form.Set("text-2", "Hello\r\n{{mood}} {{#each things as x}}{{x}}{{/each}}")
	form.Set("message", "kept")
	got, err := p.Edit(t.Context(), pagetest.Posted("/prompts/prompt_reply/edit", tenant.Admin, form, reply()))
	if err != nil || got.Status != http.StatusUnprocessableEntity || len(r.saved) > 0 {
		t.Fatalf("status %d, %v, saved %d", got.Status, err, len(r.saved))
	}
	html = pagetest.HTML(t, got)
	golden.Equal(t, "edit_wrong.html", html)
	for _, want := range []string{"Message 3, line 2, column 3", "Line 2, column 3", `value="declare.mood"`, `value="declare.things"`, `value="kept"`} {
		if !bytes.Contains(html, []byte(want)) {
			t.Errorf("no %q", want)
		}
	}
	form = sent(t, html, "declare.things")
	got, err = p.Edit(t.Context(), pagetest.Posted("/prompts/prompt_reply/edit", tenant.Admin, form, reply()))
	if err != nil || got.Status != 0 {
		t.Fatal(got.Status, err)
	}
	if back := formtest.Values(t, pagetest.HTML(t, got)); back.Get("v-name-5") != "things" || back.Get("v-kind-5") != "list" || back.Get("v-required-5") != "on" {
		t.Errorf("declared as %q %q", back.Get("v-name-5"), back.Get("v-kind-5"))
	}
}

func TestWhatSomebodyElsePublishedMeanwhileIsShownAndNothingIsLost(t *testing.T) {
	t.Parallel()
	r := sampleRegistry()
	p := pages(r)
	_, html := see(t, p.EditForm, "/prompts/prompt_reply/edit", tenant.Admin, reply())
	form := sent(t, html, "save")
	form.Set("version", "2")
	form.Set("text-2", "{{question}} Mine.")
	form.Set("message", "my reason")
	form["label"] = []string{"staging"}
	got, err := p.Edit(t.Context(), pagetest.Posted("/prompts/prompt_reply/edit", tenant.Admin, form, reply()))
	if err != nil || got.Status != http.StatusConflict || len(r.saved) > 0 {
		t.Fatalf("status %d, %v, saved %d", got.Status, err, len(r.saved))
	}
	html = pagetest.HTML(t, got)
	golden.Equal(t, "edit_conflict.html", html)
	again := sent(t, html, "save")
	if again.Get("text-2") != "{{question}} Mine." || again.Get("message") != "my reason" || again.Get("version") != "3" || again.Get("label") != "staging" {
		t.Fatalf("lost: %q %q %q %q", again.Get("text-2"), again.Get("message"), again.Get("version"), again["label"])
	}
	if !bytes.Contains(html, []byte("<ins>")) || !bytes.Contains(html, []byte("v3 was published while you typed")) {
		t.Error("the page does not show the difference")
	}
	got, err = p.Edit(t.Context(), pagetest.Posted("/prompts/prompt_reply/edit", tenant.Admin, again, reply()))
	if err != nil || got.To != "/prompts/prompt_reply?done=published" || last(r).Messages[2].Text != "{{question}} Mine." {
		t.Errorf("%q %v", got.To, err)
	}
}

func TestALabelThatIsProtectedIsSaidInTheForm(t *testing.T) {
	t.Parallel()
	r := sampleRegistry()
	r.fails = prompt.ErrProtected.Say("The label %q is protected: an owner or admin must move it.", "production").At("label")
	p := pages(r)
	_, html := see(t, p.EditForm, "/prompts/prompt_reply/edit", tenant.Developer, reply())
	form := sent(t, html, "save")
	form["label"] = []string{"production"}
	got, err := p.Edit(t.Context(), pagetest.Posted("/prompts/prompt_reply/edit", tenant.Developer, form, reply()))
	if err != nil || got.Status != http.StatusForbidden || !bytes.Contains(pagetest.HTML(t, got), []byte("an owner or admin must move it")) {
		t.Errorf("status %d, %v", got.Status, err)
	}
	if r.fails = errors.New("disk full"); true {
		if _, err = p.Edit(t.Context(), pagetest.Posted("/prompts/prompt_reply/edit", tenant.Developer, form, reply())); err == nil {
			t.Error("a failure of the installation was shown in the form")
		}
	}
}

func TestButtonsOfTheRows(t *testing.T) {
	t.Parallel()
	f := form{Kind: prompt.Chat, Messages: []formMessage{{Role: "system", Text: "a"}, {Role: "user", Text: "b"}}, Variables: []formVariable{{Name: "x", Kind: "string", Required: true, Sample: "X"}}}
	for _, button := range []string{"m.up-1", "m.add", "m.place", "m.drop-2", "v.add", "v.up-1", "c.add", "c0.add", "c0.drop-0", "case.samples", "declare.y"} {
		if !f.press(button) {
			t.Errorf("%s is no button", button)
		}
	}
	for _, button := range []string{"", "save", "m.up-0", "m.drop-99", "c9.add", "cx.add", "nothing.add", "v.-1"} {
		if f.press(button) {
			t.Errorf("%q was a button", button)
		}
	}
	want := form{
		Kind:      prompt.Chat,
		Messages:  []formMessage{{Role: "user", Text: "b"}, {Role: "system", Text: "a"}, {Place: true, Name: "history"}},
		Variables: []formVariable{{Kind: "string", Required: true}, {Name: "x", Kind: "string", Required: true, Sample: "X"}, {Name: "y", Kind: "string", Required: true}},
		Cases:     []formCase{{Assert: []formAssertion{{Kind: prompt.Contains}}}, {Variables: "{\n  \"\": \"[]\",\n  \"x\": \"X\"\n}", Assert: []formAssertion{{Kind: prompt.Contains}}}},
	}
	if d := cmp.Diff(want, f, cmp.AllowUnexported(form{}, offered{})); d != "" {
		t.Error(d)
	}
	f.press("kind.text")
	if f.Kind != prompt.Text || f.Text != "b\n\na" {
		t.Errorf("as a text: %q", f.Text)
	}
	f.press("kind.chat")
	if f.Kind != prompt.Chat || len(f.Messages) != 1 || f.Messages[0].Text != "b\n\na" {
		t.Errorf("as messages: %+v", f.Messages)
	}
	if f.ID = "prompt_x"; f.press("kind.text") && f.Kind != prompt.Chat {
		t.Error("a prompt that there is was turned into another kind")
	}
}

func TestAVariableIsGuessedByWhatTheTextTakesItFor(t *testing.T) {
	t.Parallel()
	text := "{{a}} {{#each b as x}}{{x}}{{/each}} {{c.name}} {{#if d and not e}}{{/if}} {{#if f > 3}}{{/if}} {{#if g}}{{g | xml}}{{/if}}"
	for name, want := range map[string]template.Kind{
		"a": template.String, "b": template.List, "c": template.Any, "d": template.Boolean, "e": template.Boolean, "f": template.Number, "g": template.String,
	} {
		if got := guess(text, name); got != want {
			t.Errorf("%s is a %s, want %s", name, got, want)
		}
	}
}

func TestThePreviewFillsTheTextIn(t *testing.T) {
	t.Parallel()
	p := pages(sampleRegistry())
	form := url.Values{
		"kind": {"text"}, "text": {"Hi {{name}}, {{n}} {{> style/tone}}"}, "v-name-0": {"name"}, "v-kind-0": {"string"}, "v-required-0": {"on"}, "v-name-1": {"n"}, "v-kind-1": {"number"}, "v-sample-1": {"7"},
	}
	see := func() string {
		got, err := p.Preview(t.Context(), pagetest.Posted("/prompts/preview", tenant.Developer, form, nil))
		if err != nil {
			t.Fatal(err)
		}
		return string(pagetest.HTML(t, got))
	}
	if html := see(); !strings.Contains(html, "Hi [name], 7 Be plain.") || !strings.Contains(html, "Nothing is wrong") {
		t.Error(html)
	}
	form.Set("v-sample-1", "seven")
	if html := see(); !strings.Contains(html, "written as JSON") {
		t.Error(html)
	}
	form.Set("v-sample-1", "")
	form.Set("parameters", "[1]")
	if html := see(); !strings.Contains(html, "JSON object") {
		t.Error(html)
	}
}

func TestAPromptIsMadeWithItsLabels(t *testing.T) {
	t.Parallel()
	r := sampleRegistry()
	p := pages(r)
	for _, s := range starters() {
		_, html := see(t, p.NewForm, s.href(), tenant.Admin, nil)
		form := sent(t, html, "save")
		form["label"] = []string{"production", "staging"}
		form.Set("new_label", "tenant-b, staging")
		got, err := p.Create(t.Context(), pagetest.Posted("/prompts", tenant.Admin, form, nil))
		if err != nil || got.To != "/prompts/prompt_new?done=created" || !slices.Equal(r.put, []string{"production", "staging", "tenant-b"}) {
			t.Fatalf("%s: %q %v %q", s.ID, got.To, err, r.put)
		}
		if d := cmp.Diff(compactly(s.Content), compactly(last(r))); d != "" {
			t.Errorf("%s: %s", s.ID, d)
		}
	}
}

func TestAnImportIsLookedAtFirst(t *testing.T) {
	t.Parallel()
	p := pages(sampleRegistry())
	took := &files{}
	p.Exchange = took
	form := url.Values{"pasted": {`{"name": "greeting"}`}, "labels": {"new"}, "versions": {"all"}, "folder": {"in"}, "do": {"look"}}
	got, err := p.Import(t.Context(), pagetest.Posted("/prompts/import", tenant.Developer, form, nil))
	if err != nil {
		t.Fatal(err)
	}
	html := pagetest.HTML(t, got)
	golden.Equal(t, "import_look.html", html)
	if _, err = p.Import(t.Context(), pagetest.Posted("/prompts/import", tenant.Developer, sent(t, html, "import"), nil)); err != nil {
		t.Fatal(err)
	}
	if len(took.orders) != 2 || !took.orders[0].DryRun || took.orders[1].DryRun {
		t.Errorf("%+v", took.orders)
	}
	if d := cmp.Diff(took.orders[0].Files, took.orders[1].Files); d != "" || took.orders[1].Folder != "in" {
		t.Error(d, took.orders[1].Folder)
	}
	if got, err = p.Import(t.Context(), pagetest.Posted("/prompts/import", tenant.Developer, url.Values{}, nil)); err != nil || got.Status != http.StatusBadRequest {
		t.Errorf("nothing was taken in: %d %v", got.Status, err)
	}
}

func TestASecretOfALangfuseIsNotShownAgain(t *testing.T) {
	t.Parallel()
	p := pages(sampleRegistry())
	var b bytes.Buffer
	form := url.Values{"url": {"ftp://x"}, "public_key": {"pk-1"}, "secret_key": {"sk-lf-secret"}, "do": {"look"}}
	p.Exchange = refusing{}
	got, err := p.Import(t.Context(), pagetest.Posted("/prompts/import", tenant.Developer, form, nil))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(&b, bytes.NewReader(pagetest.HTML(t, got)))
	if !strings.Contains(b.String(), "pk-1") || strings.Contains(b.String(), "sk-lf-secret") {
		t.Error(b.String())
	}
}

func TestAnUploadComesBackWithTheFormUntilItIsTakenIn(t *testing.T) {
	t.Parallel()
	p := pages(sampleRegistry())
	took := &files{}
	p.Exchange = took
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile("files", "greeting.md")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write([]byte("Hi {{name}}\n"))
	_ = w.WriteField("labels", "new")
	_ = w.Close()
	r := httptest.NewRequest(http.MethodPost, "/prompts/import", &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	if err := r.ParseMultipartForm(1 << 20); err != nil {
		t.Fatal(err)
	}
	got, err := p.Import(t.Context(), page.NewVisit(r, account.Login{}, account.Visitor{}, pagetest.Now(), "req_1", func(string) string { return "" }))
	if err != nil {
		t.Fatal(err)
	}
	again := sent(t, pagetest.HTML(t, got), "import")
	again.Del("files")
	if _, err = p.Import(t.Context(), pagetest.Posted("/prompts/import", tenant.Developer, again, nil)); err != nil {
		t.Fatal(err)
	}
	want := []exchange.File{{Path: "greeting.md", Text: "Hi {{name}}\n"}}
	if len(took.orders) != 2 || !slices.Equal(took.orders[0].Files, want) || !slices.Equal(took.orders[1].Files, want) || took.orders[1].DryRun {
		t.Errorf("%+v", took.orders)
	}
}
