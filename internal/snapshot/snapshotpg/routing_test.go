package snapshotpg_test

import (
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/alias/condition"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/snapshot"
)

// A task, auto and a rule reach proxies by themselves: a change of tasks alone is a change.
func TestTheRoutingFileArrives(t *testing.T) {
	t.Parallel()
	h := build(t)
	in, team := pgtest.Org(t, h.db, "A")
	other, otherTeam := pgtest.Org(t, h.db, "B")
	_, hash := h.issue(in, team, "one")
	_, otherHash := h.issue(other, otherTeam, "one")
	to := alias.Route{
		Targets: []alias.Target{{Provider: "openai", Model: "gpt", Weight: 3}},
		Rules:   []alias.Rule{{If: "input_tokens > 10", Targets: []alias.Target{{Provider: "anthropic", Model: "claude"}}}},
	}
	f, _ := h.follow(h.deps(h.source()))
	await(t, f, "the keys", func(s *snapshot.Snapshot) bool { return s.Keys() == 2 })
	org := func(s *snapshot.Snapshot) *snapshot.Org {
		k, ok := s.Key(hash)
		if !ok {
			t.Fatal("the key has gone")
		}
		return k.Org
	}
	apply := func(file alias.File, is func(*snapshot.Org) bool, what string) {
		t.Helper()
		if _, err := h.aliases.Apply(t.Context(), in, alias.Proposal{File: file}, nil); err != nil {
			t.Fatal(err)
		}
		took := await(t, f, what, func(s *snapshot.Snapshot) bool { return is(org(s)) })
		if took > 5*time.Second {
			t.Errorf("%s took %s", what, took)
		}
	}
	file := alias.File{Tasks: map[string]string{"classification": "fast"}, Aliases: map[string]alias.Route{"fast": to, "smart": to}}
	apply(file, func(o *snapshot.Org) bool { return o.Tasks["classification"] == "fast" && o.Aliases["fast"] != nil }, "the first file")
	held := org(f.Snapshot()).Aliases["fast"]
	if held.Route.Strategy != alias.Weighted || len(held.Rules) != 1 {
		t.Fatalf("%+v", held)
	}
	if long, err := held.Rules[0].Holds(&condition.Facts{InputTokens: 11}); !long || err != nil {
		t.Errorf("the rule does not hold: %v", err)
	}
	file.Tasks = map[string]string{"classification": "smart"}
	apply(file, func(o *snapshot.Org) bool { return o.Tasks["classification"] == "smart" }, "a change of a task alone")
	file.Auto = alias.Auto{On: true, Default: "classification"}
	apply(file, func(o *snapshot.Org) bool { return o.Auto.On && o.Auto.Default == "classification" }, "a change of auto alone")
	if _, err := h.aliases.RestoreFile(t.Context(), in, 1, "", nil); err != nil {
		t.Fatal(err)
	}
	await(t, f, "going back", func(s *snapshot.Snapshot) bool { return org(s).Tasks["classification"] == "fast" && !org(s).Auto.On })
	if k, ok := f.Snapshot().Key(otherHash); !ok || len(k.Org.Tasks)+len(k.Org.Aliases) != 0 || k.Org.Auto.On {
		t.Errorf("another organization has %+v", k)
	}
}
