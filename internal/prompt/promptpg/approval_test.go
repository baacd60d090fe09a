package promptpg_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

func TestApprovalsTakeAnotherPerson(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := t.Context()
	p := h.three("a")
	h.approvals()
	admin, developer := h.member(tenant.Admin), h.member(tenant.Developer)
	for name, do := range map[string]func() error{
		"moved":   func() error { _, err := h.SetLabel(ctx, h.owner, p.ID, "production", 2, nil); return err },
		"removed": func() error { _, err := h.SetLabel(ctx, h.owner, p.ID, "production", 0, nil); return err },
		"ramped":  func() error { _, err := h.Ramp(ctx, h.owner, p.ID, "production", 2, plan, "", nil); return err },
		"published": func() error {
			_, _, err := h.Publish(ctx, h.owner, p.ID, text("four"), "", []string{"production"}, nil)
			return err
		},
		"planned": func() error {
			_, err := h.Schedule(ctx, h.owner, p.ID, prompt.Wish{Label: "production", To: 2, At: noon.Add(time.Hour)})
			return err
		},
	} {
		if err := do(); !errors.Is(err, prompt.ErrApproval) {
			t.Errorf("%s by the owner alone: %v", name, err)
		}
	}
	if got, err := h.SetLabel(ctx, developer, p.ID, "staging", 2, nil); err != nil || got.Labels["staging"] != 2 {
		t.Errorf("a label that is not protected: %v %v", got.Labels, err)
	}
	r, err := h.Ask(ctx, h.owner, p.ID, prompt.Wish{Label: "production", To: 2, Why: "It is shorter."})
	if err != nil || r.State != prompt.Waiting || r.From != 1 {
		t.Fatal(r, err)
	}
	if _, err := h.Approve(ctx, h.owner, p.ID, r.ID, ""); !errors.Is(err, prompt.ErrOwn) {
		t.Errorf("by oneself: %v", err)
	}
	if _, err := h.Approve(ctx, developer, p.ID, r.ID, ""); !errors.Is(err, prompt.ErrProtected) {
		t.Errorf("by somebody without the right: %v", err)
	}
	token := tenant.Authenticated(h.owner.Org(), tenant.Actor{Token: id.Token(id.New("tok"))}, tenant.Owner)
	if _, err := h.Approve(ctx, token, p.ID, r.ID, ""); !errors.Is(err, prompt.ErrPerson) {
		t.Errorf("by a token: %v", err)
	}
	if got := h.read(p.ID); got.Labels["production"] != 1 {
		t.Fatalf("it moved: %v", got.Labels)
	}
	done, err := h.Approve(ctx, admin, p.ID, r.ID, "Go.")
	if err != nil || done.State != prompt.Done || done.AnsweredBy != admin.Actor().ID() || done.Answer != "Go." {
		t.Fatal(done, err)
	}
	if got := h.read(p.ID); got.Labels["production"] != 2 || got.UpdatedBy != admin.Actor().ID() {
		t.Errorf("%+v", got)
	}
	if moves, err := h.Moves(ctx, h.owner, p.ID, 1); err != nil || moves[0].Why != "It is shorter." || moves[0].Is != 2 {
		t.Errorf("%+v %v", moves, err)
	}
	if _, err := h.Approve(ctx, admin, p.ID, r.ID, ""); !errors.Is(err, prompt.ErrAnswered) {
		t.Errorf("twice: %v", err)
	}
	if _, err := h.Withdraw(ctx, h.owner, p.ID, r.ID); !errors.Is(err, prompt.ErrAnswered) {
		t.Errorf("withdrawn when it was done: %v", err)
	}
}

func TestATokenAsksForWhoMadeIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	p := h.three("a")
	h.approvals()
	token := h.token(tenant.Developer)
	r, err := h.Ask(t.Context(), token, p.ID, prompt.Wish{Label: "production", To: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Approve(t.Context(), h.owner, p.ID, r.ID, ""); !errors.Is(err, prompt.ErrOwn) {
		t.Errorf("by who made the token: %v", err)
	}
	if _, err := h.Approve(t.Context(), h.member(tenant.Admin), p.ID, r.ID, ""); err != nil {
		t.Error(err)
	}
}

func TestARollBackWaitsForNobody(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := t.Context()
	p := h.three("a")
	if _, err := h.SetLabel(ctx, h.owner, p.ID, "production", 2, nil); err != nil {
		t.Fatal(err)
	}
	h.approvals()
	if _, err := h.SetLabel(ctx, h.owner, p.ID, "production", 3, nil); !errors.Is(err, prompt.ErrApproval) {
		t.Errorf("to a version that was never there: %v", err)
	}
	if _, err := h.SetLabel(ctx, h.member(tenant.Developer), p.ID, "production", 1, nil); !errors.Is(err, prompt.ErrProtected) {
		t.Errorf("without the right: %v", err)
	}
	if got, err := h.SetLabel(ctx, h.owner, p.ID, "production", 1, nil); err != nil || got.Labels["production"] != 1 {
		t.Errorf("back: %v %v", got.Labels, err)
	}
	// A gradual move that was stopped was never a whole one: it opens no way to its version.
	r, err := h.Ask(ctx, h.member(tenant.Developer), p.ID, prompt.Wish{Label: "production", To: 3, Plan: &plan})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Approve(ctx, h.owner, p.ID, r.ID, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := h.StopRamp(ctx, h.owner, p.ID, "production", nil); err != nil {
		t.Errorf("stopping wants nobody's leave: %v", err)
	}
	if _, err := h.SetLabel(ctx, h.owner, p.ID, "production", 3, nil); !errors.Is(err, prompt.ErrApproval) {
		t.Errorf("to where a stopped move went: %v", err)
	}
	if got, err := h.SetLabel(ctx, h.owner, p.ID, "production", 2, nil); err != nil || got.Labels["production"] != 2 {
		t.Errorf("to where it stood before its last whole move: %v %v", got.Labels, err)
	}
}

func TestAnApprovalIsForWhatWasAsked(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := t.Context()
	p := h.three("a")
	developer := h.member(tenant.Developer)
	r, err := h.Ask(ctx, developer, p.ID, prompt.Wish{Label: "production", To: 2})
	if err != nil {
		t.Fatal(err)
	}
	declined, err := h.Ask(ctx, developer, p.ID, prompt.Wish{Label: "production", To: 3})
	if err != nil {
		t.Fatal(err)
	}
	if d, err := h.Decline(ctx, h.owner, p.ID, declined.ID, "Not now."); err != nil || d.State != prompt.Declined || d.EndedAt.IsZero() {
		t.Errorf("%+v %v", d, err)
	}
	if _, err := h.Approve(ctx, h.owner, p.ID, declined.ID, ""); !errors.Is(err, prompt.ErrAnswered) {
		t.Errorf("approved when it was declined: %v", err)
	}
	if _, err := h.SetLabel(ctx, h.owner, p.ID, "production", 3, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Approve(ctx, h.owner, p.ID, r.ID, ""); !errors.Is(err, prompt.ErrMoved) {
		t.Errorf("the label moved since: %v", err)
	}
	if got := h.request(p.ID, r.ID); got.State != prompt.Failed || !strings.Contains(got.Reason, "version 3") {
		t.Errorf("%+v", got)
	}
	if got := h.read(p.ID); got.Labels["production"] != 3 {
		t.Errorf("%v", got.Labels)
	}
	open, _, err := h.Requests(ctx, h.owner, prompt.RequestFilter{Open: true}, "", 10)
	if err != nil || len(open) != 0 {
		t.Errorf("%v %v", open, err)
	}
	for name, w := range map[string]prompt.Wish{
		"to where it stands": {Label: "production", To: 3}, "to no version": {Label: "production", To: 9}, "to latest": {Label: "latest", To: 1},
		"in the past": {Label: "production", To: 1, At: noon.Add(-time.Minute)}, "in two years": {Label: "production", To: 1, At: noon.Add(2 * 365 * 24 * time.Hour)},
		"with two lines": {Label: "production", To: 1, Why: "a\nb"},
	} {
		if _, err := h.Ask(ctx, developer, p.ID, w); err == nil {
			t.Errorf("asked %s", name)
		}
	}
}
