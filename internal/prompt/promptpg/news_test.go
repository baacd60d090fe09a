package promptpg_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/tenant"
)

func TestEveryChangeIsToldOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := t.Context()
	p := h.three("a")
	_, err := h.SetLabel(ctx, h.owner, p.ID, "production", 2, nil)
	check(t, err)
	if _, err := h.SetLabel(ctx, h.owner, p.ID, "production", 9, nil); err == nil {
		t.Fatal("on no version")
	}
	check(t, h.Archive(ctx, h.owner, p.ID))
	h.fails = errors.New("no database")
	if err := h.keep().Turn(ctx); err == nil {
		t.Error("a failure was not said")
	}
	h.fails = nil
	for range 3 {
		h.turn()
	}
	if list, err := promptpg.New(h.db).News(ctx, 10); err != nil || len(list) != 0 {
		t.Errorf("what was told is kept: %v %v", list, err)
	}
	var kinds []string
	for _, n := range h.told {
		kinds = append(kinds, n.Kind)
	}
	want := []string{prompt.NewsCreated, prompt.NewsMoved, prompt.NewsCreated, prompt.NewsCreated, prompt.NewsMoved, prompt.NewsDeleted}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Fatal(diff)
	}
	one, two := hash(t, text("one")), hash(t, text("two"))
	data := h.told[4].Data
	wanted := map[string]any{
		"prompt_id": string(p.ID), "name": "a", "kind": "text", "label": "production", "from": 1.0, "to": 2.0, "version": 2.0, "from_hash": one, "to_hash": two,
		"by": h.owner.Actor().ID(), "why": "",
	}
	if diff := cmp.Diff(wanted, data); diff != "" {
		t.Error(diff)
	}
	if d := h.told[1].Data; d["from"] != nil || d["to"] != 1.0 {
		t.Errorf("a label that stood nowhere: %v", d)
	}
	if d := h.told[2].Data; d["version"] != 2.0 || d["hash"] != two {
		t.Errorf("%v", d)
	}
}

func TestCommentsAreOfTheirAuthor(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := t.Context()
	p, other := h.three("a"), h.three("b")
	developer := h.member(tenant.Developer)
	c, err := h.Comment(ctx, developer, p.ID, 2, " Why so polite? ")
	check(t, err)
	if _, err := h.Comment(ctx, developer, p.ID, 9, "x"); !errors.Is(err, prompt.ErrVersion) {
		t.Error(err)
	}
	if _, err := h.ResolveComment(ctx, developer, other.ID, c.ID); !errors.Is(err, prompt.ErrComment) {
		t.Errorf("of another prompt: %v", err)
	}
	if got, err := h.ResolveComment(ctx, h.owner, p.ID, c.ID); err != nil || got.ResolvedBy != h.owner.Actor().ID() {
		t.Errorf("%+v %v", got, err)
	}
	list, more, err := h.Comments(ctx, h.owner, p.ID, "", 10)
	if err != nil || more || len(list) != 1 || list[0].Text != "Why so polite?" || list[0].Version != 2 || list[0].ResolvedAt.IsZero() {
		t.Errorf("%+v %v", list, err)
	}
	if got, err := h.ReopenComment(ctx, h.owner, p.ID, c.ID); err != nil || !got.ResolvedAt.IsZero() {
		t.Errorf("%+v %v", got, err)
	}
	if err := h.DeleteComment(ctx, h.member(tenant.Developer), p.ID, c.ID); !errors.Is(err, prompt.ErrNotAuthor) {
		t.Errorf("another's: %v", err)
	}
	check(t, h.DeleteComment(ctx, developer, p.ID, c.ID))
	stranger, _ := pgtest.Org(t, h.db, "B")
	if _, _, err := h.Comments(ctx, stranger, p.ID, "", 10); !errors.Is(err, prompt.ErrNotFound) {
		t.Error(err)
	}
}

func TestRequestsAndRulesStayInTheirOrganization(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := t.Context()
	p := h.three("a")
	r, err := h.Ask(ctx, h.owner, p.ID, prompt.Wish{Label: "production", To: 2})
	check(t, err)
	h.approvals()
	stranger, _ := pgtest.Org(t, h.db, "B")
	if rules, err := h.Rules(ctx, stranger); err != nil || rules.Approvals || len(rules.Protected) != 0 || rules.Revision != 0 {
		t.Errorf("%+v %v", rules, err)
	}
	if list, _, err := h.Requests(ctx, stranger, prompt.RequestFilter{}, "", 10); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
	for name, err := range map[string]error{
		"requests": second(h.requestsOf(stranger, p.ID)),
		"approve":  second(h.Approve(ctx, stranger, p.ID, r.ID, "")),
		"withdraw": second(h.Withdraw(ctx, stranger, p.ID, r.ID)),
		"ask":      second(h.Ask(ctx, stranger, p.ID, prompt.Wish{Label: "x", To: 1})),
		"ramp":     second(h.Ramp(ctx, stranger, p.ID, "production", 2, plan, "", nil)),
		"stop":     second(h.StopRamp(ctx, stranger, p.ID, "production", nil)),
		"diff":     second(h.Diff(ctx, stranger, p.ID, 1, 2)),
		"delete":   h.Delete(ctx, stranger, p.ID),
		"used by":  second(h.UsedBy(ctx, stranger, p.ID)),
	} {
		if !errors.Is(err, prompt.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
