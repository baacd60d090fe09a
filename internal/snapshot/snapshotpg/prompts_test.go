package snapshotpg_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/alias"
	"tollgate/internal/id"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/snapshot"
	"tollgate/internal/tenant"
)

// says is what a prompt of an organization renders to; "": it cannot be used.
func says(s *snapshot.Snapshot, in tenant.Scope, w prompt.Wanted) string {
	o, ok := s.Org(in.Org())
	if !ok {
		return ""
	}
	c, err := o.Prompts.Choose(w)
	if err != nil {
		return ""
	}
	got, err := c.Render(nil)
	if err != nil {
		return ""
	}
	return got[0].Text
}

// TestEveryChangeOfAPromptArrives: versions, labels, names, gradual moves and environments, of this organization alone.
func TestEveryChangeOfAPromptArrives(t *testing.T) {
	t.Parallel()
	h := build(t)
	in, _ := pgtest.Org(t, h.db, "A")
	other, _ := pgtest.Org(t, h.db, "B")
	prompts := prompt.NewService(promptpg.New(h.db), time.Now)
	f, _ := h.follow(h.deps(h.source()))
	<-f.Loaded()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	is := func(what string, w prompt.Wanted, want string) {
		t.Helper()
		await(t, f, what, func(s *snapshot.Snapshot) bool { return says(s, in, w) == want })
	}
	text := func(s string) prompt.Content { return prompt.Content{Text: s} }

	part, _, err := prompts.Create(t.Context(), in, prompt.New{Name: "part", Kind: prompt.Text, Content: text("P1"), Labels: []string{"production"}})
	must(err)
	p, _, err := prompts.Create(t.Context(), in, prompt.New{Name: "support/greeting", Kind: prompt.Text, Content: text("One {{> part}}"), Labels: []string{"production"}})
	must(err)
	is("a new prompt", prompt.Wanted{Name: "support/greeting"}, "One P1")
	_, _, err = prompts.Publish(t.Context(), in, p.ID, text("Two {{> part}}"), "", nil, nil)
	must(err)
	is("a version by its number", prompt.Wanted{Name: "support/greeting", Version: 2}, "Two P1")
	is("the first still", prompt.Wanted{Name: "support/greeting"}, "One P1")
	_, err = prompts.SetLabel(t.Context(), in, p.ID, "production", 2, nil)
	must(err)
	is("a moved label", prompt.Wanted{Name: "support/greeting"}, "Two P1")
	is("a version that was there before", prompt.Wanted{Name: string(p.ID), Version: 1}, "One P1")
	_, _, err = prompts.Publish(t.Context(), in, part.ID, text("P2"), "", []string{"production"}, nil)
	must(err)
	is("a part that changed", prompt.Wanted{Name: "support/greeting"}, "Two P2")

	if o, ok := f.Snapshot().Org(other.Org()); !ok || o.Prompts != nil {
		t.Error("another organization has prompts")
	}
	name := "support/hello"
	_, err = prompts.Edit(t.Context(), in, p.ID, prompt.Edit{Name: &name}, nil)
	must(err)
	is("a new name", prompt.Wanted{Name: "support/hello"}, "Two P2")
	if says(f.Snapshot(), in, prompt.Wanted{Name: "support/greeting"}) != "" {
		t.Error("the old name is still known")
	}

	exec := func(sql string, args ...any) {
		t.Helper()
		must(h.db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error { _, err := tx.Exec(t.Context(), sql, args...); return err }))
	}
	exec(`INSERT INTO prompt_environments (org_id, environment, label) VALUES ($1, 'staging', 'latest')`, string(in.Org()))
	_, _, err = prompts.Publish(t.Context(), in, p.ID, text("Three"), "", nil, nil)
	must(err)
	is("an environment's label", prompt.Wanted{Name: "support/hello", Environment: "staging"}, "Three")
	is("that of others", prompt.Wanted{Name: "support/hello", Environment: "production"}, "Two P2")
	exec(`INSERT INTO prompt_ramps (org_id, prompt_id, label, to_version, share, shares, pause, stepped_at, started_at)
		VALUES ($1, $2, 'production', 3, 9999, '[9999,10000]', interval '1 hour', now(), now())`, string(in.Org()), string(p.ID))
	is("a gradual move", prompt.Wanted{Name: "support/hello", Unit: "u"}, "Three")
	must(prompts.Archive(t.Context(), in, p.ID))
	is("an archived prompt", prompt.Wanted{Name: "support/hello"}, "")
	_, err = prompts.Restore(t.Context(), in, p.ID)
	must(err)
	is("a restored one, whole", prompt.Wanted{Name: "support/hello", Version: 1}, "One P2")
	if bad := f.Status().Bad; len(bad) > 0 {
		t.Errorf("%+v", bad)
	}
}

// counting counts what loads read of prompts.
type counting struct {
	snapshot.Source
	deltas chan snapshot.Delta
}

func (c counting) Since(ctx context.Context, rev int64) (snapshot.Delta, error) {
	d, err := c.Source.Since(ctx, rev)
	c.deltas <- d
	return d, err
}

// TestAMovedLabelBringsNoContent: nor does what has nothing to do with prompts, and what was compiled stays so.
func TestAMovedLabelBringsNoContent(t *testing.T) {
	t.Parallel()
	h := build(t)
	in, team := pgtest.Org(t, h.db, "A")
	prompts := prompt.NewService(promptpg.New(h.db), time.Now)
	var ids []id.Prompt
	for _, name := range []string{"a", "b"} {
		p, _, err := prompts.Create(t.Context(), in, prompt.New{Name: name, Kind: prompt.Text, Content: prompt.Content{Text: name + "1"}, Labels: []string{"production"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := prompts.Publish(t.Context(), in, p.ID, prompt.Content{Text: name + "2"}, "", nil, nil); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, p.ID)
	}
	src := counting{h.source(), make(chan snapshot.Delta, 100)}
	f, _ := h.follow(h.deps(src))
	await(t, f, "the prompts", func(s *snapshot.Snapshot) bool { return says(s, in, prompt.Wanted{Name: "a"}) == "a1" })
	compiled := func(w prompt.Wanted) *prompt.Compiled {
		o, _ := f.Snapshot().Org(in.Org())
		c, err := o.Prompts.Choose(w)
		if err != nil {
			t.Fatal(err)
		}
		return c.Compiled
	}
	a1, b1 := compiled(prompt.Wanted{Name: "a"}), compiled(prompt.Wanted{Name: "b"})

	if _, err := prompts.SetLabel(t.Context(), in, ids[0], "production", 2, nil); err != nil {
		t.Fatal(err)
	}
	await(t, f, "the label", func(s *snapshot.Snapshot) bool { return says(s, in, prompt.Wanted{Name: "a"}) == "a2" })
	delta := (<-src.deltas).Prompts[in.Org()]
	if len(delta) != 1 || delta[ids[0]] == nil || delta[ids[0]].Versions != nil {
		t.Errorf("a moved label brought %+v", delta)
	}
	h.issue(in, team, "one")
	await(t, f, "the key", func(s *snapshot.Snapshot) bool { return s.Keys() == 1 })
	if d := <-src.deltas; len(d.Prompts) != 0 {
		t.Errorf("a key brought %+v", d.Prompts)
	}
	if compiled(prompt.Wanted{Name: "a", Version: 1}) != a1 || compiled(prompt.Wanted{Name: "b"}) != b1 {
		t.Error("what did not change was compiled anew")
	}
}

// TestMovesOfLabelsArriveWithinASecond, while nothing of the routing file moves, and changes of that leave the prompts alone.
func TestMovesOfLabelsArriveWithinASecond(t *testing.T) {
	t.Parallel()
	h := build(t)
	in, _ := pgtest.Org(t, h.db, "A")
	prompts := prompt.NewService(promptpg.New(h.db), time.Now)
	p, _, err := prompts.Create(t.Context(), in, prompt.New{Name: "p", Kind: prompt.Text, Content: prompt.Content{Text: "1"}, Labels: []string{"production"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := prompts.Publish(t.Context(), in, p.ID, prompt.Content{Text: "2"}, "", nil, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := h.aliases.Create(t.Context(), in, "fast", alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "gpt"}}}, ""); err != nil {
		t.Fatal(err)
	}
	f, _ := h.follow(h.deps(h.source()))
	await(t, f, "the prompt", func(s *snapshot.Snapshot) bool { return says(s, in, prompt.Wanted{Name: "p"}) == "1" })
	before, err := h.aliases.Routing(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	took := make([]time.Duration, 100)
	for i := range took {
		to := 2 - i%2
		start := time.Now()
		if _, err := prompts.SetLabel(t.Context(), in, p.ID, "production", to, nil); err != nil {
			t.Fatal(err)
		}
		want := string(rune('0' + to))
		await(t, f, "the label", func(s *snapshot.Snapshot) bool { return says(s, in, prompt.Wanted{Name: "p"}) == want })
		took[i] = time.Since(start)
	}
	if got := p99(took); got > time.Second {
		t.Errorf("p99 %s", got)
	} else {
		t.Logf("p99 %s, median %s", got, took[50])
	}
	after, err := h.aliases.Routing(t.Context(), in)
	if err != nil || after.Number != before.Number {
		t.Errorf("the routing file is at %d, and was at %d (%v)", after.Number, before.Number, err)
	}
}

// TestContentIsReadAsItWasWritten: documents keep the order of their members.
func TestContentIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	h := build(t)
	in, _ := pgtest.Org(t, h.db, "A")
	prompts := prompt.NewService(promptpg.New(h.db), time.Now)
	schema := json.RawMessage(`{"z":1,"a":{"type":"object"}}`)
	p, v, err := prompts.Create(t.Context(), in, prompt.New{Name: "p", Kind: prompt.Text, Content: prompt.Content{Text: "x", Schema: schema}, Labels: []string{"production"}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := h.source().Full(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := c.Orgs[in.Org()].Prompts
	if len(got) != 1 || got[0].Prompt.ID != p.ID || len(got[0].Versions) != 1 || got[0].Versions[0].Hash != v.Hash {
		t.Fatalf("%+v", got)
	}
	var content prompt.Content
	if err := json.Unmarshal(got[0].Versions[0].Content, &content); err != nil {
		t.Fatal(err)
	}
	if hash, err := prompt.HashOf(content); err != nil || hash != v.Hash || string(content.Schema) != string(schema) {
		t.Errorf("%s %v: %s", hash, err, content.Schema)
	}
}
