package promptpg_test

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

var plan = prompt.Plan{Shares: []int{1000, 5000, prompt.ShareMax}, Pause: time.Hour}

// written is everything that is kept of prompts.
func written(t *testing.T, db *postgres.DB) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		for _, table := range []string{
			"prompts", "prompt_versions", "prompt_labels", "prompt_moves", "prompt_ramps", "prompt_protections", "prompt_settings", "prompt_environments",
			"prompt_requests", "prompt_comments", "prompt_news",
		} {
			var sum string
			if err := tx.QueryRow(t.Context(), `SELECT coalesce(md5(string_agg(x::text, '|' ORDER BY x::text)), '') FROM `+table+` x`).Scan(&sum); err != nil {
				return err
			}
			out[table] = sum
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// as is somebody of the owner's organization, with a role.
func as(owner tenant.Scope, role tenant.Role) tenant.Scope {
	return tenant.Authenticated(owner.Org(), tenant.Actor{User: id.User(id.New("user"))}, role)
}

// guarded is an organization whose label production is protected.
type guarded struct {
	*prompt.Service
	stands   prompt.Prompt // on version 1 of two
	moving   prompt.Prompt // from 1 to 2
	archived prompt.Prompt
	other    prompt.Prompt // without labels
	asked    prompt.Request
}

func guard(t *testing.T, db *postgres.DB, owner tenant.Scope) guarded {
	t.Helper()
	g := guarded{Service: service(db)}
	ctx := t.Context()
	two := func(name string) prompt.Prompt {
		p := create(t, g.Service, owner, name, text("one of "+name), "production")
		p, _, err := g.Publish(ctx, owner, p.ID, text("two of "+name), "", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	g.stands, g.moving, g.archived = two("folder/stands"), two("folder/moving"), two("archived")
	g.other = create(t, g.Service, owner, "other", text("x"))
	var err error
	if g.moving, err = g.Ramp(ctx, owner, g.moving.ID, "production", 2, plan, "", nil); err != nil {
		t.Fatal(err)
	}
	if err := g.Archive(ctx, owner, g.archived.ID); err != nil {
		t.Fatal(err)
	}
	if g.asked, err = g.Ask(ctx, as(owner, tenant.Developer), g.stands.ID, prompt.Wish{Label: "production", To: 2}); err != nil {
		t.Fatal(err)
	}
	if err := g.Protect(ctx, owner, []string{"production"}); err != nil {
		t.Fatal(err)
	}
	return g
}

// ways are all ways to change what a protected label stands on or means, by the method of prompt.Service and what is done with it.
func (g guarded) ways(t *testing.T) map[string]func(in tenant.Scope) error {
	t.Helper()
	ctx := t.Context()
	approvals, protected, environments, name := true, []string{}, map[string]string{"production": "staging"}, "folder/away"
	production, bundle := []string{"staging", "production"}, prompt.Bundle{
		Name: "folder/stands", Kind: prompt.Text, Versions: []prompt.Carried{{Content: text("taken in"), Labels: []string{"production"}}},
	}
	return map[string]func(in tenant.Scope) error{
		"Create": func(in tenant.Scope) error {
			_, _, err := g.Create(ctx, in, prompt.New{Name: "new", Kind: prompt.Text, Content: text("x"), Labels: production})
			return err
		},
		"Publish": func(in tenant.Scope) error {
			_, _, err := g.Publish(ctx, in, g.stands.ID, text("three"), "", production, nil)
			return err
		},
		"Publish what is there": func(in tenant.Scope) error {
			_, _, err := g.Publish(ctx, in, g.stands.ID, text("two of folder/stands"), "", production, nil)
			return err
		},
		"SetLabel": func(in tenant.Scope) error {
			_, err := g.SetLabel(ctx, in, g.stands.ID, "production", 2, nil)
			return err
		},
		"SetLabel off": func(in tenant.Scope) error {
			_, err := g.SetLabel(ctx, in, g.stands.ID, "production", 0, nil)
			return err
		},
		"SetLabel on other": func(in tenant.Scope) error {
			_, err := g.SetLabel(ctx, in, g.other.ID, "production", 1, nil)
			return err
		},
		"SetLabel ends ramp": func(in tenant.Scope) error {
			_, err := g.SetLabel(ctx, in, g.moving.ID, "production", 1, nil)
			return err
		},
		"SetLabels": func(in tenant.Scope) error {
			_, err := g.SetLabels(ctx, in, g.stands.ID, production, 2, nil)
			return err
		},
		"Ramp": func(in tenant.Scope) error {
			_, err := g.Ramp(ctx, in, g.stands.ID, "production", 2, plan, "", nil)
			return err
		},
		"Ramp faster": func(in tenant.Scope) error {
			_, err := g.Ramp(ctx, in, g.moving.ID, "production", 2, prompt.Plan{Shares: []int{9999, prompt.ShareMax}, Pause: time.Minute}, "", nil)
			return err
		},
		"StepRamp": func(in tenant.Scope) error { _, err := g.StepRamp(ctx, in, g.moving.ID, "production", nil); return err },
		"HoldRamp": func(in tenant.Scope) error { _, err := g.HoldRamp(ctx, in, g.moving.ID, "production", nil); return err },
		"ResumeRamp": func(in tenant.Scope) error {
			_, err := g.ResumeRamp(ctx, in, g.moving.ID, "production", nil)
			return err
		},
		"StopRamp": func(in tenant.Scope) error { _, err := g.StopRamp(ctx, in, g.moving.ID, "production", nil); return err },
		"Schedule": func(in tenant.Scope) error {
			_, err := g.Schedule(ctx, in, g.stands.ID, prompt.Wish{Label: "production", To: 2, At: noon.Add(time.Hour)})
			return err
		},
		"Schedule a gradual one": func(in tenant.Scope) error {
			_, err := g.Schedule(ctx, in, g.stands.ID, prompt.Wish{Label: "production", To: 2, Plan: &plan, At: noon.Add(time.Hour)})
			return err
		},
		"Approve":  func(in tenant.Scope) error { _, err := g.Approve(ctx, in, g.stands.ID, g.asked.ID, ""); return err },
		"Decline":  func(in tenant.Scope) error { _, err := g.Decline(ctx, in, g.stands.ID, g.asked.ID, ""); return err },
		"Withdraw": func(in tenant.Scope) error { _, err := g.Withdraw(ctx, in, g.stands.ID, g.asked.ID); return err },
		"Archive":  func(in tenant.Scope) error { return g.Archive(ctx, in, g.stands.ID) },
		"Restore":  func(in tenant.Scope) error { _, err := g.Restore(ctx, in, g.archived.ID); return err },
		"Delete":   func(in tenant.Scope) error { return g.Delete(ctx, in, g.archived.ID) },
		"Edit": func(in tenant.Scope) error {
			_, err := g.Edit(ctx, in, g.stands.ID, prompt.Edit{Name: &name}, nil)
			return err
		},
		"MoveFolder": func(in tenant.Scope) error { _, err := g.MoveFolder(ctx, in, "folder", "elsewhere"); return err },
		"Protect":    func(in tenant.Scope) error { return g.Protect(ctx, in, protected) },
		"SetRules": func(in tenant.Scope) error {
			_, err := g.SetRules(ctx, in, prompt.RulesEdit{Protected: &protected}, nil)
			return err
		},
		"SetRules approvals": func(in tenant.Scope) error {
			_, err := g.SetRules(ctx, in, prompt.RulesEdit{Approvals: &approvals}, nil)
			return err
		},
		"SetRules environment": func(in tenant.Scope) error {
			_, err := g.SetRules(ctx, in, prompt.RulesEdit{Environments: &environments}, nil)
			return err
		},
		"Take": func(in tenant.Scope) error {
			out, err := g.Take(ctx, in, []prompt.Bundle{bundle}, prompt.Taking{Labels: prompt.AllLabels, Strict: true})
			if err == nil && len(out) == 1 {
				err = out[0].Err
			}
			return err
		},
	}
}

func TestNoWayMovesAProtectedLabelWithoutTheRight(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	owner, _ := pgtest.Org(t, db, "A")
	g := guard(t, db, owner)
	before := written(t, db)
	token := tenant.Authenticated(owner.Org(), tenant.Actor{Token: id.Token(id.New("tok"))}, tenant.Developer)
	for name, way := range g.ways(t) {
		for _, in := range []tenant.Scope{as(owner, tenant.Developer), as(owner, tenant.Viewer), as(owner, tenant.Billing), as(owner, ""), token} {
			err := way(in)
			if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Kind != fault.Forbidden || !errors.Is(err, prompt.ErrProtected) && name != "Delete" {
				t.Errorf("%s as %q: %v", name, in.Role(), err)
			}
		}
		if diff := cmp.Diff(before, written(t, db)); diff != "" {
			t.Fatalf("%s was refused and wrote all the same:\n%s", name, diff)
		}
	}
}

// Whoever may release may do all of it: the table above does not refuse for another reason.
func TestEveryWayIsOpenToThoseWhoMayRelease(t *testing.T) {
	t.Parallel()
	for _, role := range []tenant.Role{tenant.Owner, tenant.Admin} {
		db := pgtest.New(t)
		for _, name := range slices.Sorted(maps.Keys(guarded{}.ways(t))) {
			fresh, _ := pgtest.Org(t, db, name)
			if err := guard(t, db, fresh).ways(t)[name](as(fresh, role)); err != nil {
				t.Errorf("%s as %s: %v", name, role, err)
			}
		}
	}
}

// harmless are the methods of prompt.Service that change nothing of where a label stands or what it means.
var harmless = strings.Fields(`Prompt Named List Versions Version Moves Resolve Rules Protected Requests Comments Comment ResolveComment ReopenComment
	DeleteComment Folders UsedBy Diff Check Duplicate Ask Compiled Find Library`)

func TestEveryMethodIsEitherInTheTableOrHarmless(t *testing.T) {
	t.Parallel()
	table := map[string]bool{}
	for name := range (guarded{}).ways(t) {
		method, _, _ := strings.Cut(name, " ")
		table[method] = true
	}
	for m := range reflect.TypeFor[*prompt.Service]().Methods() {
		if table[m.Name] == slices.Contains(harmless, m.Name) {
			t.Errorf("%s can it move a protected label? Put it in the table of ways or among the harmless ones", m.Name)
		}
	}
}

func TestAnUnprotectedLabelIsMovedByEverybodyWhoWrites(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	owner, _ := pgtest.Org(t, db, "A")
	g := guard(t, db, owner)
	developer := as(owner, tenant.Developer)
	if p, err := g.SetLabel(t.Context(), developer, g.stands.ID, "staging", 2, nil); err != nil || p.Labels["staging"] != 2 {
		t.Errorf("%v %v", p.Labels, err)
	}
	environments := map[string]string{"development": prompt.Latest, "staging": "staging"}
	if _, err := g.SetRules(t.Context(), developer, prompt.RulesEdit{Environments: &environments}, nil); !errors.Is(err, prompt.ErrProtected) {
		t.Errorf("environments that used production, by default: %v", err)
	}
	if _, err := g.SetRules(t.Context(), owner, prompt.RulesEdit{Environments: &environments}, nil); err != nil {
		t.Fatal(err)
	}
	environments["staging"] = "next"
	away := map[string]string{"development": prompt.Production, "staging": "staging"}
	if _, err := g.SetRules(t.Context(), developer, prompt.RulesEdit{Environments: &away}, nil); !errors.Is(err, prompt.ErrProtected) {
		t.Errorf("to a protected label: %v", err)
	}
	r, err := g.SetRules(t.Context(), developer, prompt.RulesEdit{Environments: &environments}, nil)
	if err != nil || r.LabelOf("staging") != "next" || r.LabelOf("development") != prompt.Latest || r.LabelOf("production") != prompt.Production {
		t.Errorf("%+v %v", r, err)
	}
}
