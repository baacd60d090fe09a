package promptpg_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/tenant"
)

func TestAScheduledMoveIsMadeAtItsTimeOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := t.Context()
	p := h.three("a")
	r, err := h.Schedule(ctx, h.owner, p.ID, prompt.Wish{Label: "production", To: 2, At: noon.Add(time.Hour), Why: "launch"})
	if err != nil || r.State != prompt.Planned {
		t.Fatal(r, err)
	}
	h.pass(time.Hour - time.Second)
	h.turn()
	if got := h.read(p.ID); got.Labels["production"] != 1 {
		t.Fatalf("before its time: %v", got.Labels)
	}
	h.pass(time.Second)
	var wg sync.WaitGroup
	for range 4 { // workers
		wg.Go(func() {
			if err := h.keep().Turn(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	moves, err := h.Moves(ctx, h.owner, p.ID, 10)
	if err != nil || len(moves) != 2 || moves[0].Is != 2 || moves[0].Why != "launch" || moves[0].By != h.owner.Actor().ID() {
		t.Errorf("%+v %v", moves, err)
	}
	if got := h.request(p.ID, r.ID); got.State != prompt.Done || got.Reason != "" {
		t.Errorf("%+v", got)
	}
}

func TestAScheduledMoveAfterItsTimeSaysSo(t *testing.T) {
	t.Parallel()
	h := open(t)
	p := h.three("a")
	r, err := h.Schedule(t.Context(), h.owner, p.ID, prompt.Wish{Label: "production", To: 2, At: noon.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	h.pass(3 * time.Hour)
	h.turn()
	if got := h.request(p.ID, r.ID); got.State != prompt.Done || !strings.Contains(got.Reason, "2h0m0s after") {
		t.Errorf("%+v", got)
	}
}

func TestAScheduledMoveThatMayNotBeMadeIsTold(t *testing.T) {
	t.Parallel()
	at := noon.Add(time.Hour)
	for name, tt := range map[string]struct {
		before func(h *house, p prompt.Prompt, by tenant.Scope)
		reason string
	}{
		"the label moved": {func(h *house, p prompt.Prompt, _ tenant.Scope) {
			_, err := h.SetLabel(h.t.Context(), h.owner, p.ID, "production", 3, nil)
			check(h.t, err)
		}, "stands on version 3 now"},
		"it was protected since": {func(h *house, _ prompt.Prompt, _ tenant.Scope) {
			check(h.t, h.Protect(h.t.Context(), h.owner, []string{"production"}))
		}, "protected"},
		"its author writes no more": {func(h *house, _ prompt.Prompt, by tenant.Scope) {
			h.exec(`UPDATE members SET role = 'viewer' WHERE user_id = $1`, by.Actor().ID())
		}, "may not change prompts"},
		"its author has gone": {func(h *house, _ prompt.Prompt, by tenant.Scope) {
			h.exec(`DELETE FROM members WHERE user_id = $1`, by.Actor().ID())
		}, "may not change prompts"},
		"the prompt is archived": {func(h *house, p prompt.Prompt, _ tenant.Scope) {
			check(h.t, h.Archive(h.t.Context(), h.owner, p.ID))
		}, "archived"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			p, by := h.three("a"), h.member(tenant.Developer)
			r, err := h.Schedule(t.Context(), by, p.ID, prompt.Wish{Label: "production", To: 2, At: at})
			check(t, err)
			tt.before(h, p, by)
			stood := h.read(p.ID).Labels["production"]
			h.pass(time.Hour)
			h.turn()
			if got := h.request(p.ID, r.ID); got.State != prompt.Failed || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("%s: %q", got.State, got.Reason)
			}
			if got := h.read(p.ID).Labels["production"]; got != stood {
				t.Errorf("it was moved to %d", got)
			}
			if last := h.told[len(h.told)-1]; last.Kind != prompt.NewsFailed || !strings.Contains(last.Text, tt.reason) {
				t.Errorf("told: %+v", last)
			}
			n := len(h.told)
			h.turn()
			if len(h.told) != n {
				t.Error("it was tried again")
			}
		})
	}
}

func TestAScheduledMoveGoesByTheRulesOfItsTime(t *testing.T) {
	t.Parallel()
	h := open(t)
	p := h.three("a")
	r, err := h.Schedule(t.Context(), h.owner, p.ID, prompt.Wish{Label: "production", To: 2, At: noon.Add(time.Hour)})
	check(t, err)
	h.approvals()
	h.pass(time.Hour)
	h.turn()
	if got := h.request(p.ID, r.ID); got.State != prompt.Failed || !strings.Contains(got.Reason, "approval") || h.read(p.ID).Labels["production"] != 1 {
		t.Errorf("%+v", got)
	}
}

func TestATokenThatHasEndedMovesNothing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		end   string
		moves bool
	}{
		"live":    {`UPDATE tokens SET expires_at = $1`, true},
		"expired": {`UPDATE tokens SET expires_at = $1::timestamptz - interval '2 hours'`, false},
		"revoked": {`UPDATE tokens SET revoked_at = $1`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			p := h.three("a")
			token := h.token(tenant.Developer)
			_, err := h.Schedule(t.Context(), token, p.ID, prompt.Wish{Label: "production", To: 2, At: noon.Add(time.Hour)})
			check(t, err)
			h.exec(tt.end, noon.Add(2*time.Hour))
			h.pass(time.Hour)
			h.turn()
			if got := h.read(p.ID).Labels["production"]; (got == 2) != tt.moves {
				t.Errorf("it stands on %d", got)
			}
		})
	}
}

func TestAScheduleIsCancelledByWhoMayMoveTheLabel(t *testing.T) {
	t.Parallel()
	h := open(t)
	p := h.three("a")
	check(t, h.Protect(t.Context(), h.owner, []string{"production"}))
	r, err := h.Schedule(t.Context(), h.owner, p.ID, prompt.Wish{Label: "production", To: 2, At: noon.Add(time.Hour)})
	check(t, err)
	if _, err := h.Withdraw(t.Context(), h.member(tenant.Developer), p.ID, r.ID); !errors.Is(err, prompt.ErrProtected) {
		t.Errorf("by somebody without the right: %v", err)
	}
	if got, err := h.Withdraw(t.Context(), h.member(tenant.Admin), p.ID, r.ID); err != nil || got.State != prompt.Withdrawn {
		t.Errorf("%+v %v", got, err)
	}
	h.pass(2 * time.Hour)
	h.turn()
	if got := h.read(p.ID); got.Labels["production"] != 1 {
		t.Errorf("%v", got.Labels)
	}
}

func TestAnApprovedMoveWaitsForItsTimeAndForTheRightOfWhoApproved(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]bool{"still there": false, "gone": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			p := h.three("a")
			h.approvals()
			admin := h.member(tenant.Admin)
			r, err := h.Ask(t.Context(), h.member(tenant.Developer), p.ID, prompt.Wish{Label: "production", To: 2, At: noon.Add(time.Hour)})
			check(t, err)
			if r, err = h.Approve(t.Context(), admin, p.ID, r.ID, ""); err != nil || r.State != prompt.Planned {
				t.Fatal(r, err)
			}
			if gone {
				h.exec(`UPDATE members SET role = 'developer' WHERE user_id = $1`, admin.Actor().ID())
			}
			h.pass(time.Hour)
			h.turn()
			got, state := h.read(p.ID).Labels["production"], h.request(p.ID, r.ID).State
			if gone && (got != 1 || state != prompt.Failed) || !gone && (got != 2 || state != prompt.Done) {
				t.Errorf("on %d, %s", got, state)
			}
		})
	}
}

// slow is a worker that found what was due a while ago.
type slow struct {
	*promptpg.Store
	found []prompt.Due
}

func (s slow) Due(context.Context, time.Time, int) ([]prompt.Due, error) { return s.found, nil }

func TestAWithdrawnMoveIsNotMadeByAWorkerThatHadFoundIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	p := h.three("a")
	r, err := h.Schedule(t.Context(), h.owner, p.ID, prompt.Wish{Label: "production", To: 2, At: noon.Add(time.Hour)})
	check(t, err)
	h.pass(time.Hour)
	found, err := promptpg.New(h.db).Due(t.Context(), h.now(), 10)
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	_, err = h.Withdraw(t.Context(), h.owner, p.ID, r.ID)
	check(t, err)
	k := prompt.NewKeeper(h.Service, slow{promptpg.New(h.db), found}, h, h.tell, slog.New(slog.DiscardHandler))
	check(t, k.Turn(t.Context()))
	if got := h.request(p.ID, r.ID); got.State != prompt.Withdrawn || h.read(p.ID).Labels["production"] != 1 {
		t.Errorf("%+v", got)
	}
}
