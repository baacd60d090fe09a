package aliaspg_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/alias/aliasfile"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptpg"
)

const withPrompt = `# who greets
aliases:
  greeter:
    targets: [sandbox/echo] # cheap
    prompt: support/greeting:staging # moves by itself
  other: {targets: [sandbox/echo], prompt: 'support/greeting@1'}
`

// TestThePromptOfAnAliasIsKeptByItsID: names may be exchanged as they like, and the file shows those of now.
func TestThePromptOfAnAliasIsKeptByItsID(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	other, _ := pgtest.Org(t, db, "B")
	s := service(db)
	prompts := prompt.NewService(promptpg.New(db), time.Now)
	create := func(name string) prompt.Prompt {
		t.Helper()
		p, _, err := prompts.Create(t.Context(), in, prompt.New{Name: name, Kind: prompt.Text, Content: prompt.Content{Text: "x"}, Labels: []string{"production"}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	rename := func(which id.Prompt, name string) {
		t.Helper()
		if _, err := prompts.Edit(t.Context(), in, which, prompt.Edit{Name: &name}, nil); err != nil {
			t.Fatal(err)
		}
	}
	read := func(text string) alias.File {
		t.Helper()
		d, problems := aliasfile.Parse([]byte(text))
		if len(problems) > 0 {
			t.Fatalf("%+v", problems)
		}
		return d.File
	}
	send := func(text string) (alias.FileVersion, error) {
		return s.Apply(t.Context(), in, alias.Proposal{File: read(text), Text: text}, nil)
	}
	now := func() alias.FileVersion {
		t.Helper()
		v, err := s.Routing(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}

	var f *fault.Error
	if _, err := send(withPrompt); !errors.As(err, &f) || !strings.Contains(f.Message, `"support/greeting`) || f.Field != "aliases.greeter.prompt" {
		t.Errorf("a prompt that is not there: %v", err)
	}
	greeting := create("support/greeting")
	if _, err := s.Apply(t.Context(), other, alias.Proposal{File: read(withPrompt)}, nil); !errors.Is(err, alias.ErrFile) {
		t.Errorf("another organization's prompt: %v", err)
	}
	if _, err := send(strings.Replace(withPrompt, "@1", "@2", 1)); !errors.Is(err, alias.ErrFile) {
		t.Errorf("a version that is not there: %v", err)
	}
	if _, err := send(withPrompt); err != nil {
		t.Fatal(err)
	}
	if w, err := s.FileWarnings(t.Context(), in, read(withPrompt)); err != nil || len(w) != 1 || w[0].Field() != "aliases.greeter.prompt" || !strings.Contains(w[0].Reason, "staging") {
		t.Errorf("%+v, %v", w, err)
	}
	first := now()
	if use := first.File.Aliases["greeter"].Prompt; use == nil || use.ID != greeting.ID || use.Label != "staging" || first.File.Aliases["other"].Prompt.Version != 1 {
		t.Fatalf("%+v", first.File.Aliases)
	}

	rename(greeting.ID, "support/hello")
	renamed := now()
	want := strings.ReplaceAll(strings.Replace(withPrompt, "'support/greeting@1'", "support/hello@1", 1), "support/greeting", "support/hello")
	if text := aliasfile.Text(renamed); renamed.Number != first.Number || text != want {
		t.Errorf("version %d after %d, and the file says\n%s", renamed.Number, first.Number, text)
	}
	if v, err := send(aliasfile.Text(renamed)); err != nil || v.File.Aliases["greeter"].Prompt.ID != greeting.ID {
		t.Errorf("what was pulled cannot be applied: %+v, %v", v, err)
	}
	// An old copy of the file still means the prompt that it meant; a new prompt of that name is another one.
	if _, err := send(withPrompt); !errors.Is(err, alias.ErrFile) {
		t.Errorf("a name that nobody has: %v", err)
	}
	second := create("support/greeting")
	if v, err := send(withPrompt); err != nil || v.File.Aliases["greeter"].Prompt.ID != second.ID {
		t.Errorf("%+v, %v", v, err)
	}
	if v, err := s.RestoreFile(t.Context(), in, first.Number, "", nil); err != nil || v.File.Aliases["greeter"].Prompt.ID != greeting.ID {
		t.Errorf("going back: %+v, %v", v, err)
	}
	if v := now(); v.File.Aliases["greeter"].Prompt.Name != "support/hello" {
		t.Errorf("%+v", v.File.Aliases["greeter"].Prompt)
	}
}

// TestTheRouteOfOneAliasNamesAPrompt, by the API and by pages; archived prompts stay where they are and come nowhere else.
func TestTheRouteOfOneAliasNamesAPrompt(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	prompts := prompt.NewService(promptpg.New(db), time.Now)
	p, _, err := prompts.Create(t.Context(), in, prompt.New{Name: "p", Kind: prompt.Text, Content: prompt.Content{Text: "x"}, Labels: []string{"production"}})
	if err != nil {
		t.Fatal(err)
	}
	r := to("openai/one")
	r.Prompt = &alias.Prompt{Name: "nobody"}
	var f *fault.Error
	if _, err := s.Create(t.Context(), in, "fast", r, ""); !errors.As(err, &f) || f.Field != "route.prompt" {
		t.Errorf("%v", err)
	}
	for _, bad := range []alias.Prompt{{}, {Name: "p", Version: 1, Label: "x"}, {Name: "p", Version: -1}} {
		r.Prompt = &bad
		if _, err := s.Create(t.Context(), in, "fast", r, ""); !errors.As(err, &f) || f.Field != "route.prompt" {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	r.Prompt = &alias.Prompt{Name: string(p.ID), Label: "production"}
	a, err := s.Create(t.Context(), in, "fast", r, "")
	if err != nil || a.Route.Prompt.ID != p.ID || a.Route.Prompt.Name != "p" {
		t.Fatalf("%+v, %v", a, err)
	}
	r.Prompt = &alias.Prompt{Name: "p", Label: "production"}
	if same, err := s.Update(t.Context(), in, a.ID, r, "", nil); err != nil || same.Version != 1 {
		t.Errorf("the same prompt by its name made version %d (%v)", same.Version, err)
	}
	if err := prompts.Archive(t.Context(), in, p.ID); err != nil {
		t.Fatal(err)
	}
	more := to("openai/two")
	more.Prompt = r.Prompt
	if b, err := s.Update(t.Context(), in, a.ID, more, "", nil); err != nil || b.Route.Prompt.ID != p.ID {
		t.Errorf("another change of the alias: %+v, %v", b, err)
	}
	for _, name := range []string{"p", string(p.ID)} {
		more.Prompt = &alias.Prompt{Name: name}
		if _, err := s.Create(t.Context(), in, "second", more, ""); !errors.Is(err, alias.ErrInvalid) {
			t.Errorf("an archived prompt in another alias, by %q: %v", name, err)
		}
	}
	second, _, err := prompts.Create(t.Context(), in, prompt.New{Name: "p", Kind: prompt.Text, Content: prompt.Content{Text: "y"}, Labels: []string{"production"}})
	if err != nil {
		t.Fatal(err)
	}
	more.Prompt = &alias.Prompt{Name: "p", Label: "production"}
	if b, err := s.Update(t.Context(), in, a.ID, more, "", nil); err != nil || b.Route.Prompt.ID != second.ID {
		t.Errorf("another prompt of the same name: %+v, %v", b.Route.Prompt, err)
	}
}
