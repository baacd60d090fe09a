package aliaspg_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"tollgate/internal/alias"
	"tollgate/internal/alias/aliastest"
	"tollgate/internal/credential"
	"tollgate/internal/credential/credentialpg"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/tenant"
)

func file(tasks map[string]string, aliases map[string]alias.Route) alias.File {
	return alias.File{Tasks: tasks, Aliases: aliases}
}

func apply(t *testing.T, s *alias.Service, in tenant.Scope, f alias.File) alias.FileVersion {
	t.Helper()
	v, err := s.Apply(t.Context(), in, alias.Proposal{File: f}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// standing is the alias's version by name.
func standing(t *testing.T, s *alias.Service, in tenant.Scope) map[string]string {
	t.Helper()
	list, _, err := s.List(t.Context(), in, "", "", 100)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, a := range list {
		out[a.Name] = fmt.Sprintf("v%d %s", a.Version, a.Route.Targets[0].Model)
	}
	return out
}

func TestApplyingAFileMovesWhatItChangesAndNothingElse(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	if v, err := s.Routing(t.Context(), in); err != nil || v.Number != 0 || len(v.File.Aliases) != 0 {
		t.Fatalf("before the first save: %+v, %v", v, err)
	}
	v := apply(t, s, in, file(map[string]string{"classification": "fast"}, map[string]alias.Route{"fast": to("openai/one"), "smart": to("openai/big"), "old": to("openai/x")}))
	if v.Number != 1 || v.Message != "task classification added; fast added; old added; smart added" || v.Author != in.Actor().ID() || !v.CreatedAt.Equal(noon) {
		t.Errorf("%+v", v)
	}
	if again := apply(t, s, in, v.File); again.Number != 1 {
		t.Errorf("the same file made version %d", again.Number)
	}
	before, err := s.Alias(t.Context(), in, named(t, s, in, "fast").ID)
	if err != nil {
		t.Fatal(err)
	}
	v = apply(t, s, in, file(map[string]string{"classification": "fast"}, map[string]alias.Route{"fast": to("openai/two"), "smart": to("openai/big"), "new": to("openai/n")}))
	if want := "fast: target openai/one removed, target openai/two added; new added; old removed"; v.Number != 2 || v.Message != want {
		t.Errorf("%d %q, want %q", v.Number, v.Message, want)
	}
	want := map[string]string{"fast": "v2 two", "smart": "v1 big", "new": "v1 n"}
	if got := standing(t, s, in); !cmp.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if after, err := s.Alias(t.Context(), in, before.ID); err != nil || after.Version != 2 {
		t.Errorf("%+v, %v: a changed alias is the same alias", after, err)
	}
	now, err := s.Routing(t.Context(), in)
	if err != nil || !now.File.Same(v.File) || now.Number != 2 {
		t.Errorf("%+v, %v", now, err)
	}
}

func named(t *testing.T, s *alias.Service, in tenant.Scope, name string) alias.Alias {
	t.Helper()
	list, _, err := s.List(t.Context(), in, name, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if a.Name == name {
			return a
		}
	}
	t.Fatalf("no alias %s", name)
	return alias.Alias{}
}

// Whatever changes an alias is a version of the file.
func TestEveryChangeOfAnAliasIsAVersionOfTheFile(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	a, err := s.Create(t.Context(), in, "fast", to("openai/one"), "for triage")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(t.Context(), in, a.ID, to("openai/two"), "", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(t.Context(), in, a.ID, to("openai/two"), "nothing new", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Restore(t.Context(), in, a.ID, 1, "", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), in, a.ID); err != nil {
		t.Fatal(err)
	}
	list, more, err := s.FileVersions(t.Context(), in, 0, 10)
	if err != nil || more {
		t.Fatal(more, err)
	}
	var told []string
	for _, v := range list {
		told = append(told, fmt.Sprint(v.Number, " ", v.Message))
	}
	want := []string{"4 fast removed", "3 Restored version 1", "2 fast: target openai/one removed, target openai/two added", "1 for triage"}
	if !cmp.Equal(told, want) {
		t.Errorf("%q, want %q", told, want)
	}
	page, more, err := s.FileVersions(t.Context(), in, 3, 1)
	if err != nil || !more || len(page) != 1 || page[0].Number != 2 {
		t.Errorf("%+v, %v, %v", page, more, err)
	}
	if v, err := s.FileVersion(t.Context(), in, 2); err != nil || v.File.Aliases["fast"].Targets[0].Model != "two" {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := s.FileVersion(t.Context(), in, 9); !errors.Is(err, alias.ErrNoFileVersion) {
		t.Errorf("%v, want ErrNoFileVersion", err)
	}
	err = db.InTenant(t.Context(), in, func(tx *gorm.DB) error { return tx.Exec(`UPDATE routing_versions SET message = 'forged'`).Error })
	if err == nil {
		t.Error("a version was changed")
	}
}

func TestAnAliasThatTheFileUsesIsNotDeleted(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	f := file(map[string]string{"classification": "fast", "triage": "fast"}, map[string]alias.Route{"fast": to("openai/one")})
	f.Auto = alias.Auto{On: true, Classifier: "fast"}
	apply(t, s, in, f)
	err := s.Delete(t.Context(), in, named(t, s, in, "fast").ID)
	if !errors.Is(err, alias.ErrUsed) || !strings.Contains(err.Error(), "task classification, task triage, auto's classifier") {
		t.Errorf("%v, want ErrUsed naming both tasks and auto", err)
	}
}

func TestABadFileChangesNothing(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a, _ := pgtest.Org(t, db, "A")
	b, _ := pgtest.Org(t, db, "B")
	s := service(db)
	good := apply(t, s, a, file(nil, map[string]alias.Route{"fast": to("openai/one")}))
	foreign := to("openai/two")
	foreign.Fallbacks = []alias.Fallback{{Target: alias.Target{Provider: "openai", Model: "x", Credential: connect(t, db, b, "openai")}}}
	rule := to("openai/two")
	rule.Rules = []alias.Rule{{If: "input_tokens / messages > 1", Targets: to("openai/x").Targets}}
	for field, f := range map[string]alias.File{
		"tasks.x":                                 file(map[string]string{"x": "nowhere"}, map[string]alias.Route{"fast": to("openai/two")}),
		"aliases.fast.targets.0.provider":         file(nil, map[string]alias.Route{"fast": to("nobody/two")}),
		"aliases.fast.rules.0.if":                 file(nil, map[string]alias.Route{"fast": rule}),
		"aliases.fast.fallbacks.0.credential":     file(nil, map[string]alias.Route{"fast": foreign}),
		"aliases.auto":                            file(nil, map[string]alias.Route{"fast": to("openai/two"), "auto": to("openai/two")}),
		"auto.classifier":                         {Auto: alias.Auto{On: true, Classifier: "x"}, Aliases: map[string]alias.Route{"fast": to("openai/two")}},
		"aliases.fast.targets":                    file(nil, map[string]alias.Route{"fast": {}}),
		"aliases.fast.rules.0.targets.0.provider": file(nil, map[string]alias.Route{"fast": {Targets: to("openai/x").Targets, Rules: []alias.Rule{{If: "tools", Targets: to("nobody/x").Targets}}}}),
	} {
		_, err := s.Apply(t.Context(), a, alias.Proposal{File: f}, nil)
		var e *fault.Error
		if !errors.As(err, &e) || !errors.Is(err, alias.ErrFile) || e.Field != field {
			t.Errorf("%s: %v", field, err)
		}
		found, err := s.FileProblems(t.Context(), a, f)
		if err != nil || len(found) == 0 || found[0].Field() != field {
			t.Errorf("%s: %v, %v", field, found, err)
		}
	}
	if _, err := s.Apply(t.Context(), a, alias.Proposal{File: good.File, Message: "two\nlines"}, nil); !errors.Is(err, alias.ErrInvalid) {
		t.Errorf("%v, want ErrInvalid for the message", err)
	}
	if now, err := s.Routing(t.Context(), a); err != nil || now.Number != 1 || standing(t, s, a)["fast"] != "v1 one" {
		t.Errorf("%+v, %v", now, err)
	}
}

func TestNobodysChangeIsOverwritten(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	apply(t, s, in, file(nil, map[string]alias.Route{"fast": to("openai/one")}))
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			f := file(nil, map[string]alias.Route{"fast": to("openai/" + strings.Repeat("m", i+1))})
			_, errs[i] = s.Apply(t.Context(), in, alias.Proposal{File: f}, func(now alias.FileVersion) error {
				if now.Number != 1 {
					return alias.ErrFileStale
				}
				return nil
			})
		})
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else if !errors.Is(err, alias.ErrFileStale) {
			t.Error(err)
		}
	}
	if now, err := s.Routing(t.Context(), in); err != nil || made != 1 || now.Number != 2 {
		t.Errorf("%d made, version %d, %v", made, now.Number, err)
	}
}

// The first save of an organization is under the same lock as all others.
func TestFirstSavesDoNotMeet(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		wg.Go(func() { _, errs[i] = s.Create(t.Context(), in, fmt.Sprintf("a%d", i), to("openai/one"), "") })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if now, err := s.Routing(t.Context(), in); err != nil || now.Number != 6 || len(now.File.Aliases) != 6 {
		t.Errorf("%+v, %v", now, err)
	}
	last, err := s.FileVersion(t.Context(), in, 6)
	if err != nil || len(last.File.Aliases) != 6 {
		t.Errorf("the last version holds %d aliases, %v", len(last.File.Aliases), err)
	}
}

func TestTheTextIsKeptAsItWasWritten(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	f := file(nil, map[string]alias.Route{"fast": to("openai/one")})
	put := func(f alias.File, text string) alias.FileVersion {
		t.Helper()
		v, err := s.Apply(t.Context(), in, alias.Proposal{File: f, Text: text}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	put(f, "# first\n")
	if v := put(f, "# better said\n"); v.Number != 2 || v.Text != "# better said\n" {
		t.Errorf("%+v: other words are a version", v)
	}
	if v := put(f, ""); v.Number != 2 {
		t.Errorf("%+v: no words change nothing", v)
	}
	put(file(nil, map[string]alias.Route{"fast": to("openai/two")}), "")
	if now, err := s.Routing(t.Context(), in); err != nil || now.Text != "" {
		t.Errorf("%q stands for a version that was made otherwise, %v", now.Text, err)
	}
	v, err := s.RestoreFile(t.Context(), in, 1, "", nil)
	if err != nil || v.Number != 4 || v.Text != "# first\n" || v.Message != "Went back to version 1" || standing(t, s, in)["fast"] != "v3 one" {
		t.Errorf("%+v, %v", v, err)
	}
}

// After any sequence of changes, going back to a version makes the file what it was then.
func TestGoingBackIsExact(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for seed := range uint64(3) {
		in, _ := pgtest.Org(t, db, fmt.Sprint("org", seed))
		goBack(t, db, in, seed)
	}
}

func goBack(t *testing.T, db *postgres.DB, in tenant.Scope, seed uint64) {
	t.Helper()
	s := service(db)
	m := aliastest.Maker{
		Rand: rand.New(rand.NewPCG(seed, 1)), Models: []string{"openai/a", "openai/b", "anthropic/c", "sandbox/d"},
		Split:       func(s string) (string, string) { p, m, _ := strings.Cut(s, "/"); return p, m },
		Credentials: map[id.Credential]string{connect(t, db, in, "openai"): "openai", connect(t, db, in, "anthropic"): "anthropic"},
	}
	saved := map[int]alias.File{}
	for range 25 {
		switch m.IntN(4) {
		case 0:
			_, _ = s.Create(t.Context(), in, []string{"fast", "coder", "x1", "x2"}[m.IntN(4)], m.Route(), "")
		case 1:
			if list, _, err := s.List(t.Context(), in, "", "", 20); err == nil && len(list) > 0 {
				_, _ = s.Update(t.Context(), in, list[m.IntN(len(list))].ID, m.Route(), "", nil)
			}
		case 2:
			if list, _, err := s.List(t.Context(), in, "", "", 20); err == nil && len(list) > 0 {
				_ = s.Delete(t.Context(), in, list[m.IntN(len(list))].ID)
			}
		default:
			apply(t, s, in, m.File())
		}
		now, err := s.Routing(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if old, ok := saved[now.Number]; ok && !old.Same(now.File) {
			t.Fatalf("seed %d: version %d changed", seed, now.Number)
		}
		saved[now.Number] = now.File
	}
	delete(saved, 0)
	for number, want := range saved {
		if _, err := s.RestoreFile(t.Context(), in, number, "", nil); err != nil {
			t.Fatalf("seed %d: back to %d: %v", seed, number, err)
		}
		now, err := s.Routing(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Normal(), now.File.Normal()); diff != "" {
			t.Fatalf("seed %d: back to %d (-want +got):\n%s", seed, number, diff)
		}
	}
}

// A credential that any part of a route names is kept, and a version that named one which has gone cannot come back.
func TestACredentialIsKeptWhereverItIsNamed(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s, credentials := service(db), credentialpg.New(db)
	c := connect(t, db, in, "openai")
	by := alias.Target{Provider: "openai", Model: "x", Credential: c}
	fallback, rule := to("openai/one"), to("openai/one")
	fallback.Fallbacks = []alias.Fallback{{Target: by}}
	rule.Rules = []alias.Rule{{If: "tools", Targets: []alias.Target{by}}}
	for _, r := range []alias.Route{fallback, rule} {
		apply(t, s, in, file(nil, map[string]alias.Route{"x": r}))
		if err := credentials.Delete(t.Context(), in, c); !errors.Is(err, credential.ErrUsed) {
			t.Errorf("%v, want ErrUsed for %+v", err, r)
		}
	}
	apply(t, s, in, file(nil, map[string]alias.Route{"x": to("openai/one")}))
	if err := credentials.Delete(t.Context(), in, c); err != nil {
		t.Fatal(err)
	}
	_, err := s.RestoreFile(t.Context(), in, 1, "", nil)
	var e *fault.Error
	if !errors.As(err, &e) || e.Field != "aliases.x.fallbacks.0.credential" {
		t.Errorf("%v: back to a credential that has gone", err)
	}
}

func TestAnotherOrganizationsFileIsItsOwn(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a, _ := pgtest.Org(t, db, "A")
	b, _ := pgtest.Org(t, db, "B")
	s := service(db)
	apply(t, s, a, file(map[string]string{"t": "fast"}, map[string]alias.Route{"fast": to("openai/one")}))
	if v, err := s.Routing(t.Context(), b); err != nil || v.Number != 0 || len(v.File.Aliases)+len(v.File.Tasks) != 0 {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := s.FileVersion(t.Context(), b, 1); !errors.Is(err, alias.ErrNoFileVersion) {
		t.Errorf("%v, want ErrNoFileVersion", err)
	}
	if _, err := s.RestoreFile(t.Context(), b, 1, "", nil); !errors.Is(err, alias.ErrNoFileVersion) {
		t.Errorf("%v, want ErrNoFileVersion", err)
	}
	if list, _, err := s.FileVersions(t.Context(), b, 0, 10); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}

// The largest file is applied, changed and taken away again, each in one go.
func TestAFileOfFiveHundredAliases(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	all := func(model string) alias.File {
		f := file(nil, map[string]alias.Route{})
		for i := range 500 {
			f.Aliases[fmt.Sprintf("a%03d", i)] = to("openai/"+model, "anthropic/x")
		}
		return f
	}
	for i, model := range []string{"one", "two"} {
		if v := apply(t, s, in, all(model)); v.Number != i+1 || len([]rune(v.Message)) > 500 {
			t.Errorf("%d %q", v.Number, v.Message)
		}
	}
	if got := standing(t, s, in); len(got) != 100 || got["a042"] != "v2 two" { // a page of them
		t.Errorf("%d, %s", len(got), got["a042"])
	}
	if _, err := s.Create(t.Context(), in, "more", to("openai/x"), ""); !errors.Is(err, alias.ErrInvalid) {
		t.Errorf("%v, want ErrInvalid for the 501st", err)
	}
	apply(t, s, in, alias.File{})
	if got := standing(t, s, in); len(got) != 0 {
		t.Errorf("%d are left", len(got))
	}
}
