package promptpg_test

import (
	"errors"
	"testing"
	"time"

	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

// What a protected label says does not change without the right to move it, also where its words stand in another prompt: of any depth, by
// whatever label that is named, and however that comes to stand elsewhere.
func TestAProtectedLabelProtectsItsParts(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx, dev := t.Context(), h.member(tenant.Developer)
	tone := create(t, h.Service, h.owner, "tone", text("kind"), "draft")
	part := create(t, h.Service, h.owner, "part", text("Be {{> tone:draft}}."), "staging")
	whole := create(t, h.Service, h.owner, "whole", text("{{> part:staging}} Now."), "production")
	free := create(t, h.Service, h.owner, "free", text("{{> tone:latest}}"), "staging")
	pinned := create(t, h.Service, h.owner, "pinned", text("{{> tone@1}}"), "production")
	if err := h.Protect(ctx, h.owner, []string{"production"}); err != nil {
		t.Fatal(err)
	}
	publish := func(in tenant.Scope, words string, labels ...string) error {
		_, _, err := h.Publish(ctx, in, tone.ID, text(words), "", labels, nil)
		return err
	}
	if err := publish(dev, "curt"); err != nil {
		t.Errorf("latest is named by no protected label's prompt: %v", err)
	}
	if err := publish(dev, "rude", "draft"); !errors.Is(err, prompt.ErrProtected) {
		t.Errorf("two prompts further down: %v", err)
	}
	if _, err := h.SetLabel(ctx, dev, tone.ID, "draft", 2, nil); !errors.Is(err, prompt.ErrProtected) {
		t.Errorf("a label: %v", err)
	}
	if _, err := h.Ramp(ctx, dev, tone.ID, "draft", 2, prompt.Plan{Shares: prompt.DefaultShares, Pause: time.Hour}, "", nil); !errors.Is(err, prompt.ErrProtected) {
		t.Errorf("by and by: %v", err)
	}
	if _, _, err := h.Publish(ctx, dev, part.ID, text("Be gone."), "", []string{"staging"}, nil); !errors.Is(err, prompt.ErrProtected) {
		t.Errorf("the part itself: %v", err)
	}
	if got, err := h.Prompt(ctx, h.owner, tone.ID); err != nil || got.Latest != 2 || got.Labels["draft"] != 1 || len(got.Ramps) != 0 {
		t.Errorf("written although refused: %+v %v", got, err)
	}
	if err := publish(h.owner, "brief", "draft"); err != nil {
		t.Errorf("with the right: %v", err)
	}
	for _, p := range []prompt.Prompt{whole, free, pinned} {
		if now, err := h.Prompt(ctx, h.owner, p.ID); err != nil || now.Revision != p.Revision {
			t.Errorf("%s was changed: %+v %v", p.Name, now, err)
		}
	}
	yes := true
	if _, err := h.SetRules(ctx, h.owner, prompt.RulesEdit{Approvals: &yes}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := h.SetLabel(ctx, h.owner, tone.ID, "draft", 2, nil); !errors.Is(err, prompt.ErrApproval) {
		t.Errorf("without another person: %v", err)
	}
}
