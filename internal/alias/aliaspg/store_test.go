package aliaspg_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"tollgate/internal/alias"
	"tollgate/internal/alias/aliaspg"
	"tollgate/internal/alias/condition"
	"tollgate/internal/credential"
	"tollgate/internal/credential/credentialpg"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/provider"
	"tollgate/internal/tenant"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func vendors(id string) (provider.Vendor, bool) {
	v, ok := map[string]provider.Vendor{"openai": {BaseURL: "https://x"}, "anthropic": {BaseURL: "https://y"}, "sandbox": {Name: "Sandbox", BaseURL: "sandbox:"}}[id]
	return v, ok
}

func service(db *postgres.DB) *alias.Service {
	return alias.NewService(aliaspg.New(db), alias.Words{Vendors: vendors, Condition: condition.Check}, func() time.Time { return noon })
}

func to(models ...string) alias.Route {
	r := alias.Route{Strategy: alias.Ordered}
	for _, m := range models {
		p, name, _ := strings.Cut(m, "/")
		r.Targets = append(r.Targets, alias.Target{Provider: p, Model: name})
	}
	return r
}

// connect stores a credential without its service: what is in it does not matter here.
func connect(t *testing.T, db *postgres.DB, in tenant.Scope, vendor string) id.Credential {
	t.Helper()
	s := credentialpg.New(db)
	d, err := s.DEK(t.Context(), in, func() (credential.DEK, error) {
		return credential.DEK{ID: id.New("dek"), KEK: "k", Wrapped: []byte{1}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c := credential.Credential{ID: id.Credential(id.New("cred")), Provider: vendor, Name: id.New("name"), Version: 1, Revision: 1, CreatedAt: noon, UpdatedAt: noon}
	if _, err := s.Insert(t.Context(), in, c, credential.Sealed{DEK: d, Ciphertext: []byte{1}}); err != nil {
		t.Fatal(err)
	}
	return c.ID
}

func TestAnAliasIsReadBackWhole(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	r := to("anthropic/claude-haiku-4-5", "openai/gpt-4o-mini")
	r.Targets[1].Credential = connect(t, db, in, "openai")
	r.Timeout, r.FirstByte, r.Attempts, r.OnDisconnect, r.DropUnsupported = time.Minute, 2500*time.Millisecond, 3, alias.Abort, true
	made, err := s.Create(t.Context(), in, "fast-classifier", r, "first")
	if err != nil {
		t.Fatal(err)
	}
	want := alias.Alias{ID: made.ID, Name: "fast-classifier", Version: 1, Route: r, CreatedAt: noon, UpdatedAt: noon}
	got, err := s.Alias(t.Context(), in, made.ID)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	versions, _, err := s.Versions(t.Context(), in, made.ID, 0, 10)
	if diff := cmp.Diff([]alias.Version{{Number: 1, Route: r, Author: string(in.Actor().User), Message: "first", CreatedAt: noon}}, versions); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestVersionsAreAddedNeverChanged(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	a, err := s.Create(t.Context(), in, "x", to("openai/one"), "")
	if err != nil {
		t.Fatal(err)
	}
	if a, err = s.Update(t.Context(), in, a.ID, to("openai/two"), "second", nil); err != nil || a.Version != 2 || a.Route.Targets[0].Model != "two" {
		t.Fatalf("%+v, %v", a, err)
	}
	if a, err = s.Update(t.Context(), in, a.ID, to("openai/two"), "again", nil); err != nil || a.Version != 2 {
		t.Errorf("the same route made a version: %+v, %v", a, err)
	}
	lenient := to("openai/two")
	lenient.DropUnsupported = true
	if b, err := s.Create(t.Context(), in, "y", to("openai/two"), ""); err != nil {
		t.Fatal(err)
	} else if b, err = s.Update(t.Context(), in, b.ID, lenient, "", nil); err != nil || b.Version != 2 || !b.Route.DropUnsupported {
		t.Errorf("a route that drops more is the same: %+v, %v", b, err)
	}
	if a, err = s.Restore(t.Context(), in, a.ID, 1, "", nil); err != nil || a.Version != 3 || a.Route.Targets[0].Model != "one" {
		t.Fatalf("%+v, %v", a, err)
	}
	if _, err := s.Restore(t.Context(), in, a.ID, 9, "", nil); !errors.Is(err, alias.ErrNoVersion) {
		t.Errorf("%v, want ErrNoVersion", err)
	}
	var told []string
	versions, more, err := s.Versions(t.Context(), in, a.ID, 0, 2)
	if err != nil || !more {
		t.Fatal(more, err)
	}
	rest, more, err := s.Versions(t.Context(), in, a.ID, versions[1].Number, 2)
	if err != nil || more {
		t.Fatal(more, err)
	}
	for _, v := range append(versions, rest...) {
		told = append(told, v.Route.Targets[0].Model+" "+v.Message)
	}
	if want := []string{"one Restored version 1", "two second", "one "}; !cmp.Equal(told, want) {
		t.Errorf("%q, want %q", told, want)
	}
	err = db.InTenant(t.Context(), in, func(tx *gorm.DB) error { return tx.Exec(`UPDATE alias_versions SET message = 'forged'`).Error })
	if err == nil {
		t.Error("a version was changed")
	}
	if err := s.Delete(t.Context(), in, a.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Alias(t.Context(), in, a.ID); !errors.Is(err, alias.ErrNotFound) {
		t.Errorf("%v, want ErrNotFound", err)
	}
}

func TestOfSimultaneousUpdatesOneIsMade(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	a, err := s.Create(t.Context(), in, "x", to("openai/one"), "")
	if err != nil {
		t.Fatal(err)
	}
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = s.Update(t.Context(), in, a.ID, to("openai/"+strings.Repeat("m", i+1)), "", func(now alias.Alias) error {
				if now.Version != 1 {
					return alias.ErrStale
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
		} else if !errors.Is(err, alias.ErrStale) {
			t.Error(err)
		}
	}
	if a, err = s.Alias(t.Context(), in, a.ID); err != nil || made != 1 || a.Version != 2 {
		t.Errorf("%d made, version %d, %v", made, a.Version, err)
	}
}

func TestValidationNamesTheField(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a, _ := pgtest.Org(t, db, "A")
	b, _ := pgtest.Org(t, db, "B")
	mine, foreign := connect(t, db, a, "openai"), connect(t, db, b, "openai")
	s := service(db)
	tests := []struct {
		field, name string
		spoil       func(*alias.Route)
	}{
		{"name", "Fast", nil},
		{"name", "openai/x", nil},
		{"name", "", nil},
		{"name", strings.Repeat("a", 65), nil},
		{"route.targets", "x", func(r *alias.Route) { r.Targets = nil }},
		{"route.targets", "x", func(r *alias.Route) {
			r.Targets = to(strings.Split(strings.Repeat("openai/m,", 33), ",")[:33]...).Targets
		}},
		{"route.targets.1", "x", func(r *alias.Route) { r.Targets = append(r.Targets, r.Targets[0]) }},
		{"route.targets.0.provider", "x", func(r *alias.Route) { r.Targets[0].Provider = "nobody" }},
		{"route.targets.0.model", "x", func(r *alias.Route) { r.Targets[0].Model = "" }},
		{"route.targets.0.model", "x", func(r *alias.Route) { r.Targets[0].Model = "a b" }},
		{"route.targets.0.credential", "x", func(r *alias.Route) { r.Targets[0].Credential = "cred_none" }},
		{"route.targets.0.credential", "x", func(r *alias.Route) { r.Targets[0].Credential = foreign }},
		{"route.targets.0.credential", "x", func(r *alias.Route) { r.Targets[0] = alias.Target{Provider: "anthropic", Model: "m", Credential: mine} }},
		{"route.targets.0.credential", "x", func(r *alias.Route) { r.Targets[0] = alias.Target{Provider: "sandbox", Model: "m", Credential: mine} }},
		{"route.timeout_ms", "x", func(r *alias.Route) { r.Timeout = time.Hour }},
		{"route.timeout_ms", "x", func(r *alias.Route) { r.Timeout = -1 }},
		{"route.first_byte_ms", "x", func(r *alias.Route) { r.Timeout, r.FirstByte = time.Second, 2*time.Second }},
		{"route.attempts", "x", func(r *alias.Route) { r.Attempts = 11 }},
		{"route.on_disconnect", "x", func(r *alias.Route) { r.OnDisconnect = "panic" }},
	}
	for _, tt := range tests {
		r := to("openai/gpt-4o")
		if tt.spoil != nil {
			tt.spoil(&r)
		}
		_, err := s.Create(t.Context(), a, tt.name, r, "")
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Field != tt.field {
			t.Errorf("%s: %v", tt.field, err)
		}
	}
	if list, _, err := s.List(t.Context(), a, "", "", 10); err != nil || len(list) != 0 {
		t.Errorf("%d were made, %v", len(list), err)
	}
}

func TestAnotherOrganizationsAliasIsNotFound(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a, _ := pgtest.Org(t, db, "A")
	b, _ := pgtest.Org(t, db, "B")
	s := service(db)
	x, err := s.Create(t.Context(), a, "x", to("openai/one"), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"read":     func() error { _, err := s.Alias(t.Context(), b, x.ID); return err },
		"versions": func() error { _, _, err := s.Versions(t.Context(), b, x.ID, 0, 5); return err },
		"update":   func() error { _, err := s.Update(t.Context(), b, x.ID, to("openai/two"), "", nil); return err },
		"restore":  func() error { _, err := s.Restore(t.Context(), b, x.ID, 1, "", nil); return err },
		"delete":   func() error { return s.Delete(t.Context(), b, x.ID) },
	} {
		if err := call(); !errors.Is(err, alias.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Create(t.Context(), b, "x", to("openai/one"), ""); err != nil {
		t.Errorf("A's name is taken for B: %v", err)
	}
	if _, err := s.Create(t.Context(), a, "x", to("openai/one"), ""); !errors.Is(err, alias.ErrTaken) {
		t.Errorf("%v, want ErrTaken", err)
	}
	if got, err := s.Alias(t.Context(), a, x.ID); err != nil || got.Version != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestACredentialThatAnAliasUsesIsKept(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s, credentials := service(db), credentialpg.New(db)
	c := connect(t, db, in, "openai")
	r := to("openai/one")
	r.Targets[0].Credential = c
	x, err := s.Create(t.Context(), in, "x", r, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := credentials.Delete(t.Context(), in, c); !errors.Is(err, credential.ErrUsed) || !strings.Contains(err.Error(), ": x.") {
		t.Fatalf("%v, want ErrUsed naming x", err)
	}
	if _, err := s.Update(t.Context(), in, x.ID, to("openai/one"), "", nil); err != nil {
		t.Fatal(err)
	}
	if err := credentials.Delete(t.Context(), in, c); err != nil {
		t.Errorf("an old version keeps it: %v", err)
	}
	if _, err := s.Restore(t.Context(), in, x.ID, 1, "", nil); !errors.Is(err, alias.ErrNoCredential) {
		t.Errorf("restored a route to a credential that has gone: %v", err)
	}
}

// Whatever the order, a credential is never gone while an alias names it.
func TestDeletingACredentialRacesWithNamingIt(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s, credentials := service(db), credentialpg.New(db)
	for i := range 20 {
		c := connect(t, db, in, "openai")
		r := to("openai/one")
		r.Targets[0].Credential = c
		var made, gone error
		var wg sync.WaitGroup
		wg.Go(func() { _, made = s.Create(t.Context(), in, "x"+strings.Repeat("x", i), r, "") })
		wg.Go(func() { gone = credentials.Delete(t.Context(), in, c) })
		wg.Wait()
		switch {
		case made == nil && errors.Is(gone, credential.ErrUsed), gone == nil && errors.Is(made, alias.ErrNoCredential):
		default:
			t.Fatalf("round %d: made %v, deleted %v", i, made, gone)
		}
	}
}

func TestListPagesByName(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	s := service(db)
	for _, name := range []string{"b_1", "a.2", "a-1", "c"} {
		if _, err := s.Create(t.Context(), in, name, to("openai/one"), ""); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for after, more := "", true; more; {
		var list []alias.Alias
		var err error
		if list, more, err = s.List(t.Context(), in, "", after, 3); err != nil {
			t.Fatal(err)
		}
		for _, a := range list {
			names = append(names, a.Name)
			after = a.Name
		}
	}
	if want := []string{"a-1", "a.2", "b_1", "c"}; !cmp.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	if list, _, err := s.List(t.Context(), in, "_", "", 3); err != nil || len(list) != 1 || list[0].Name != "b_1" {
		t.Errorf("%v, %v", list, err)
	}
}
