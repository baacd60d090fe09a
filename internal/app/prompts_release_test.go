package app

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/alias"
	"tollgate/internal/alias/aliaspg"
	"tollgate/internal/experiment"
	"tollgate/internal/experiment/experimentpg"
	"tollgate/internal/notice"
	"tollgate/internal/notice/noticepg"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/provider/catalog"
)

func TestAPromptThatIsUsedIsNotArchived(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	ctx := t.Context()
	now := func() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }
	aliases := alias.NewService(aliaspg.New(db), alias.Words{Vendors: catalog.Vendor}, now)
	experiments := experiment.NewService(experiment.Deps{Store: experimentpg.New(db), Aliases: aliases, Now: now})
	s := prompt.NewService(promptpg.New(db), now,
		holdsOfAliases(func() *alias.Service { return aliases }), holdsOfExperiments(func() *experiment.Service { return experiments }))
	p, _, err := s.Create(ctx, in, prompt.New{Name: "greeting", Kind: prompt.Text, Content: prompt.Content{Text: "x"}, Labels: []string{"production"}})
	if err != nil {
		t.Fatal(err)
	}
	route := alias.Route{Targets: []alias.Target{{Provider: "sandbox", Model: "echo-mini"}}}
	route.Prompt = &alias.Prompt{ID: p.ID, Name: "greeting"}
	a, err := aliases.Create(ctx, in, "support", route, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Archive(ctx, in, p.ID); !errors.Is(err, prompt.ErrUsed) || !strings.Contains(err.Error(), "the alias support") {
		t.Errorf("bound to an alias: %v", err)
	}
	route.Prompt = nil
	if _, err := aliases.Update(ctx, in, a.ID, route, "", nil); err != nil {
		t.Fatal(err)
	}
	run := func(live bool) {
		t.Helper()
		err := db.InSystemPgx(ctx, "test", func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO experiments (org_id, id, name, alias_id, alias_name, status, live, plan, salt, arms, revision, created_at, created_by, acted_by)
				VALUES ($1, 'exp_1', 'Shorter', $2, 'support', 'running', $3, '{"name":"Shorter"}', 's', $4, 1, now(), '', '')
				ON CONFLICT (org_id, id) DO UPDATE SET live = excluded.live`,
				string(in.Org()), string(a.ID), live, `[{"name":"b","prompt":{"prompt":"`+string(p.ID)+`","version":1}}]`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	run(true)
	if err := s.Archive(ctx, in, p.ID); !errors.Is(err, prompt.ErrUsed) || !strings.Contains(err.Error(), "the experiment Shorter") {
		t.Errorf("in an experiment: %v", err)
	}
	run(false)
	if err := s.Archive(ctx, in, p.ID); err != nil {
		t.Errorf("used by nothing: %v", err)
	}
}

func TestChangesOfPromptsBecomeNotices(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{prompt.NewsCreated, prompt.NewsMoved, prompt.NewsDeleted, prompt.NewsAsked, prompt.NewsFailed} {
		if !slices.Contains(notice.Kinds, notice.Kind(kind)) {
			t.Errorf("%s is no kind of notice", kind)
		}
	}
	db := pgtest.New(t)
	in, _ := pgtest.Org(t, db, "A")
	now := func() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }
	s, notices := prompt.NewService(promptpg.New(db), now), noticepg.New(db)
	p, _, err := s.Create(t.Context(), in, prompt.New{Name: "greeting", Kind: prompt.Text, Content: prompt.Content{Text: "x"}, Labels: []string{"production"}})
	if err != nil {
		t.Fatal(err)
	}
	again, err := promptpg.New(db).News(t.Context(), 10) // as a worker has it that dies before it forgets
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := prompt.NewKeeper(s, promptpg.New(db), nil, tellOfPrompts(notices), slog.New(slog.DiscardHandler)).Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, u := range again {
		if err := tellOfPrompts(notices)(t.Context(), u.Org, prompt.Once(u), u.News); err != nil {
			t.Fatal(err)
		}
	}
	list, err := notices.Notices(t.Context(), in, notice.Filter{}, "", 10)
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v %v", list, err)
	}
	for _, n := range list {
		if n.About != string(p.ID) || n.Path != "/prompts/"+string(p.ID) || n.Data["name"] != "greeting" {
			t.Errorf("%+v", n)
		}
	}
}
