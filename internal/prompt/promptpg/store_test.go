package promptpg_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/prompt/template"
	"tollgate/internal/tenant"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func service(db *postgres.DB) *prompt.Service {
	return prompt.NewService(promptpg.New(db), func() time.Time { return noon })
}

func text(s string, names ...string) prompt.Content {
	c := prompt.Content{Text: s}
	for _, n := range names {
		c.Variables = append(c.Variables, template.Variable{Name: n, Kind: template.String})
	}
	return c
}

func create(t *testing.T, s *prompt.Service, in tenant.Scope, name string, c prompt.Content, labels ...string) prompt.Prompt {
	t.Helper()
	kind := prompt.Text
	if c.Messages != nil {
		kind = prompt.Chat
	}
	p, _, err := s.Create(t.Context(), in, prompt.New{Name: name, Kind: kind, Content: c, Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAPromptIsReadBackWhole(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	c := prompt.Content{
		Messages:  []prompt.Message{{Role: "system", Text: "Hi {{name}}"}, {Placeholder: "history"}},
		Variables: []template.Variable{{Name: "name", Kind: template.String, Required: true, MaxLength: 20, Description: "who"}},
		Escape:    template.XML, Alias: "fast", Parameters: json.RawMessage(`{"temperature":0.2}`), Tools: json.RawMessage(`[{"type":"function"}]`),
		Schema: json.RawMessage(`{"type":"object"}`),
		Cases:  []prompt.Case{{Name: "greets", Variables: map[string]json.RawMessage{"name": json.RawMessage(`"<b>"`)}, Assert: []prompt.Assertion{{Kind: prompt.Contains, Value: "&lt;b&gt;"}}}},
	}
	made, v, err := s.Create(t.Context(), in, prompt.New{Name: "support/greeting", Kind: prompt.Chat, Description: "d", Tags: []string{"b", "a"}, Content: c, Message: "first", Labels: []string{"production"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Prompt(t.Context(), in, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := prompt.Prompt{ID: made.ID, Name: "support/greeting", Kind: prompt.Chat, Description: "d", Tags: []string{"a", "b"}, Latest: 1, Labels: map[string]int{"production": 1}, Revision: 1, CreatedAt: noon, UpdatedAt: noon, UpdatedBy: in.Actor().ID()}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	p, back, err := s.Resolve(t.Context(), in, "support/greeting", 0, "")
	if err != nil || p.ID != made.ID {
		t.Fatal(err)
	}
	if d := cmp.Diff(v, back); d != "" {
		t.Error(d)
	}
	if hash, _ := prompt.HashOf(back.Content); hash != back.Hash {
		t.Error("what was read back has another hash")
	}
}

func TestTheSameContentMakesNoVersion(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	p := create(t, s, in, "a", text("one"))
	_, again, err := s.Publish(t.Context(), in, p.ID, text("one"), "", []string{"staging"}, nil)
	if err != nil || again.Number != 1 {
		t.Errorf("%d %v", again.Number, err)
	}
	p, next, err := s.Publish(t.Context(), in, p.ID, text("two"), "better", nil, nil)
	if err != nil || next.Number != 2 || p.Latest != 2 || p.Labels["staging"] != 1 {
		t.Errorf("%+v %v", p, err)
	}
	if _, v, err := s.Resolve(t.Context(), in, "a", 0, prompt.Latest); err != nil || v.Content.Text != "two" {
		t.Errorf("%+v %v", v, err)
	}
}

func TestWhatIsNotThereIsSaidByName(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	p := create(t, s, in, "a", text("one"))
	if _, _, err := s.Resolve(t.Context(), in, "a", 0, ""); !errors.Is(err, prompt.ErrLabel) || !strings.Contains(err.Error(), "production") {
		t.Errorf("no production: %v", err)
	}
	if _, _, err := s.Resolve(t.Context(), in, "a", 7, ""); !errors.Is(err, prompt.ErrVersion) {
		t.Errorf("no version: %v", err)
	}
	if _, _, err := s.Resolve(t.Context(), in, "a", 1, "x"); !errors.Is(err, prompt.ErrBoth) {
		t.Errorf("both: %v", err)
	}
	if _, _, err := s.Resolve(t.Context(), in, "b", 0, ""); !errors.Is(err, prompt.ErrNotFound) {
		t.Errorf("no prompt: %v", err)
	}
	if _, err := s.SetLabel(t.Context(), in, p.ID, "x", 3, nil); !errors.Is(err, prompt.ErrVersion) {
		t.Errorf("a label on no version: %v", err)
	}
}

func TestAnotherOrganizationSeesNothing(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a, _ := pgtest.Org(t, db, "A")
	b, _ := pgtest.Org(t, db, "B")
	s := service(db)
	p := create(t, s, a, "a", text("one"), "production")
	if _, err := s.Prompt(t.Context(), b, p.ID); !errors.Is(err, prompt.ErrNotFound) {
		t.Error(err)
	}
	if _, _, err := s.Versions(t.Context(), b, p.ID, 0, 10); !errors.Is(err, prompt.ErrNotFound) {
		t.Error(err)
	}
	if _, err := s.Version(t.Context(), b, p.ID, 1); !errors.Is(err, prompt.ErrNotFound) {
		t.Error(err)
	}
	if _, _, err := s.Publish(t.Context(), b, p.ID, text("x"), "", nil, nil); !errors.Is(err, prompt.ErrNotFound) {
		t.Error(err)
	}
	if _, err := s.SetLabel(t.Context(), b, p.ID, "x", 1, nil); !errors.Is(err, prompt.ErrNotFound) {
		t.Error(err)
	}
	if err := s.Archive(t.Context(), b, p.ID); !errors.Is(err, prompt.ErrNotFound) {
		t.Error(err)
	}
	if _, _, err := s.Create(t.Context(), b, prompt.New{Name: "b", Kind: prompt.Text, Content: text("{{> a}}")}); !errors.Is(err, prompt.ErrInvalid) {
		t.Errorf("a part of another organization's: %v", err)
	}
	create(t, s, b, "a", text("mine"))
}

func TestPartsSurviveARenameAndNothingBreaksUnseen(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	tone := create(t, s, in, "tone", text("Be {{mood}}.", "mood"), "production")
	user := create(t, s, in, "answer", text("{{> tone}} Answer.", "mood"), "production")
	name := "style/tone"
	if _, err := s.Edit(t.Context(), in, tone.ID, prompt.Edit{Name: &name}, nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Publish(t.Context(), in, user.ID, text("{{> tone}} Answer well.", "mood"), "", nil, nil); !errors.Is(err, prompt.ErrInvalid) {
		t.Errorf("the old name in new words: %v", err)
	}
	if _, err := s.SetLabel(t.Context(), in, user.ID, "staging", 1, nil); err != nil {
		t.Errorf("the old version is not whole after the rename: %v", err)
	}
	if _, _, err := s.Publish(t.Context(), in, tone.ID, text("Be {{mood}} and {{more}}.", "mood", "more"), "", nil, nil); err != nil {
		t.Errorf("a version that nobody uses yet: %v", err)
	}
	if _, err := s.SetLabel(t.Context(), in, tone.ID, "production", 2, nil); !errors.Is(err, prompt.ErrBreaks) || !strings.Contains(err.Error(), "answer") {
		t.Errorf("a label that breaks another prompt: %v", err)
	}
	if got, _ := s.Prompt(t.Context(), in, tone.ID); got.Labels["production"] != 1 {
		t.Errorf("it was moved all the same: %v", got.Labels)
	}
	if err := s.Archive(t.Context(), in, tone.ID); !errors.Is(err, prompt.ErrBreaks) {
		t.Errorf("archived under its user: %v", err)
	}
	if _, _, err := s.Publish(t.Context(), in, tone.ID, text("{{> answer}}", "mood"), "", []string{"production"}, nil); !errors.Is(err, prompt.ErrInvalid) && !errors.Is(err, prompt.ErrBreaks) {
		t.Errorf("a ring: %v", err)
	}
	if _, _, err := s.Publish(t.Context(), in, tone.ID, text("{{> style/tone}}", "mood"), "", nil, nil); !errors.Is(err, prompt.ErrInvalid) {
		t.Errorf("itself: %v", err)
	}
}

func TestPromptsNestFiveDeep(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	create(t, s, in, "p0", text("end"), "production")
	for n := 1; n <= template.NestMax; n++ {
		create(t, s, in, fmt.Sprintf("p%d", n), text(fmt.Sprintf("{{> p%d}}", n-1)), "production")
	}
	if _, _, err := s.Create(t.Context(), in, prompt.New{Name: "p6", Kind: prompt.Text, Content: text("{{> p5}}")}); !errors.Is(err, prompt.ErrInvalid) || !strings.Contains(err.Error(), "deep") {
		t.Errorf("six deep: %v", err)
	}
}

func TestACaseThatFailsIsNotSaved(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	c := text("Hello {{name}}", "name")
	c.Cases = []prompt.Case{{Name: "polite", Assert: []prompt.Assertion{{Kind: prompt.Contains, Value: "please"}}}}
	if _, _, err := s.Create(t.Context(), in, prompt.New{Name: "a", Kind: prompt.Text, Content: c}); !errors.Is(err, prompt.ErrCase) || !strings.Contains(err.Error(), "polite") {
		t.Error(err)
	}
	if list, _, err := s.List(t.Context(), in, prompt.Filter{}, "", 10); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
	_, outcomes, err := s.Check(t.Context(), in, "", prompt.Text, c)
	if err != nil || len(outcomes) != 1 || outcomes[0].Failed == "" || outcomes[0].Text != "Hello " {
		t.Errorf("%+v %v", outcomes, err)
	}
}

func TestArchivingGivesTheNameFreeAndRestoringWantsIt(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	p := create(t, s, in, "a", text("one"), "production")
	if err := s.Archive(t.Context(), in, p.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Named(t.Context(), in, "a"); !errors.Is(err, prompt.ErrNotFound) {
		t.Error(err)
	}
	if _, _, err := s.Publish(t.Context(), in, p.ID, text("two"), "", nil, nil); !errors.Is(err, prompt.ErrArchived) {
		t.Error(err)
	}
	other := create(t, s, in, "a", text("other"))
	if _, err := s.Restore(t.Context(), in, p.ID); !errors.Is(err, prompt.ErrTaken) {
		t.Error(err)
	}
	if err := s.Archive(t.Context(), in, other.ID); err != nil {
		t.Fatal(err)
	}
	if back, err := s.Restore(t.Context(), in, p.ID); err != nil || back.Labels["production"] != 1 {
		t.Errorf("%+v %v", back, err)
	}
	if _, v, err := s.Duplicate(t.Context(), in, p.ID, 0, "b"); err != nil || v.Content.Text != "one" {
		t.Errorf("%+v %v", v, err)
	}
}

func TestConcurrentVersionsGetNumbersOfTheirOwn(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	p := create(t, s, in, "a", text("zero"))
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			if _, _, err := s.Publish(t.Context(), in, p.ID, text(fmt.Sprintf("text %d", n)), "", []string{"staging"}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got, _ := s.Prompt(t.Context(), in, p.ID)
	moves, err := s.Moves(t.Context(), in, p.ID, 100)
	if got.Latest != 9 || got.Labels["staging"] != 9 || err != nil || len(moves) != 8 || moves[0].Was != moves[1].Is {
		t.Errorf("%+v %+v %v", got, moves, err)
	}
}

func TestPromptsAreListedByFolderLabelAndTag(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	create(t, s, in, "support/a_b", text("x"), "production")
	create(t, s, in, "support/axb", text("x"))
	create(t, s, in, "supporter", text("x"))
	names := func(f prompt.Filter) string {
		list, _, err := s.List(t.Context(), in, f, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, p := range list {
			out = append(out, p.Name)
		}
		return strings.Join(out, " ")
	}
	if got := names(prompt.Filter{Folder: "support"}); got != "support/a_b support/axb" {
		t.Error(got)
	}
	if got := names(prompt.Filter{Text: "a_b"}); got != "support/a_b" {
		t.Error(got)
	}
	if got := names(prompt.Filter{Label: "production"}); got != "support/a_b" {
		t.Error(got)
	}
	if got := names(prompt.Filter{Archived: true}); got != "" {
		t.Error(got)
	}
}
