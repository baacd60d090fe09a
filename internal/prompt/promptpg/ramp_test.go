package promptpg_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/tenant"
)

func TestAGradualMoveGoesStepByStep(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := t.Context()
	p := h.three("a")
	if _, err := h.Ramp(ctx, h.owner, p.ID, "staging", 2, plan, "", nil); !errors.Is(err, prompt.ErrLabel) {
		t.Errorf("a label that stands nowhere: %v", err)
	}
	got, err := h.Ramp(ctx, h.owner, p.ID, "production", 2, plan, "careful", nil)
	check(t, err)
	want := prompt.Ramp{To: 2, Share: 1000, Plan: plan, NextAt: noon.Add(time.Hour), SteppedAt: noon, StartedAt: noon, By: h.owner.Actor().ID()}
	if diff := cmp.Diff(want, h.read(p.ID).Ramps["production"]); diff != "" || got.Labels["production"] != 1 {
		t.Error(diff, got.Labels)
	}
	if _, err := h.Ramp(ctx, h.owner, p.ID, "production", 3, plan, "", nil); !errors.Is(err, prompt.ErrRamping) {
		t.Errorf("another one at the same time: %v", err)
	}
	h.pass(time.Hour - time.Second)
	h.turn()
	if r := h.read(p.ID).Ramps["production"]; r.Share != 1000 {
		t.Errorf("too early: %+v", r)
	}
	h.pass(time.Second)
	h.turn()
	h.turn()
	if r := h.read(p.ID).Ramps["production"]; r.Share != 5000 || !r.NextAt.Equal(noon.Add(2*time.Hour)) {
		t.Errorf("%+v", r)
	}
	_, err = h.HoldRamp(ctx, h.owner, p.ID, "production", nil)
	check(t, err)
	h.pass(5 * time.Hour)
	h.turn()
	if r := h.read(p.ID).Ramps["production"]; r.Share != 5000 || !r.NextAt.IsZero() {
		t.Errorf("held: %+v", r)
	}
	_, err = h.ResumeRamp(ctx, h.owner, p.ID, "production", nil)
	check(t, err)
	h.pass(time.Hour)
	h.turn()
	if p := h.read(p.ID); p.Labels["production"] != 2 || len(p.Ramps) != 0 {
		t.Errorf("%+v", p)
	}
	moves, err := h.Moves(ctx, h.owner, p.ID, 10)
	check(t, err)
	var shares []int
	for _, m := range moves {
		shares = append(shares, m.Share)
	}
	if diff := cmp.Diff([]int{0, 5000, 1000, 0}, shares); diff != "" || moves[0].Is != 2 || moves[0].Was != 1 || moves[2].Why != "careful" {
		t.Error(diff, moves)
	}
}

func TestManyWorkersTakeOneStep(t *testing.T) {
	t.Parallel()
	h := open(t)
	p := h.three("a")
	_, err := h.Ramp(t.Context(), h.owner, p.ID, "production", 2, plan, "", nil)
	check(t, err)
	h.pass(time.Hour)
	found, err := promptpg.New(h.db).Due(t.Context(), h.now(), 10)
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	for range 3 { // each had found it before the first was done
		k := prompt.NewKeeper(h.Service, slow{promptpg.New(h.db), found}, h, h.tell, slog.New(slog.DiscardHandler))
		check(t, k.Turn(t.Context()))
	}
	if r := h.read(p.ID).Ramps["production"]; r.Share != 5000 {
		t.Errorf("%+v", r)
	}
}

func TestPlansAreChecked(t *testing.T) {
	t.Parallel()
	h := open(t)
	p := h.three("a")
	for name, bad := range map[string]prompt.Plan{
		"one step":              {Shares: []int{prompt.ShareMax}, Pause: time.Hour},
		"no end":                {Shares: []int{100, 200}, Pause: time.Hour},
		"shares that shrink":    {Shares: []int{200, 100, prompt.ShareMax}, Pause: time.Hour},
		"nobody":                {Shares: []int{0, prompt.ShareMax}, Pause: time.Hour},
		"no pause":              {Shares: prompt.DefaultShares, Pause: time.Second},
		"more than all failing": {Shares: prompt.DefaultShares, Pause: time.Hour, StopOver: prompt.ShareMax + 1},
	} {
		if _, err := h.Ramp(t.Context(), h.owner, p.ID, "production", 2, bad, "", nil); !errors.Is(err, prompt.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := h.Ramp(t.Context(), h.owner, p.ID, "production", 2, prompt.Plan{Shares: prompt.DefaultShares, Pause: time.Minute}, "", nil)
	check(t, err)
}

func TestAGradualMoveIsTakenBackAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := t.Context()
	for name, stop := range map[string]func(p prompt.Prompt) error{
		"stopped": func(p prompt.Prompt) error { _, err := h.StopRamp(ctx, h.owner, p.ID, "production", nil); return err },
		"put back": func(p prompt.Prompt) error {
			_, err := h.SetLabel(ctx, h.owner, p.ID, "production", 1, nil)
			return err
		},
		"put elsewhere": func(p prompt.Prompt) error {
			_, err := h.SetLabel(ctx, h.owner, p.ID, "production", 3, nil)
			return err
		},
		"taken off": func(p prompt.Prompt) error {
			_, err := h.SetLabel(ctx, h.owner, p.ID, "production", 0, nil)
			return err
		},
		"archived": func(p prompt.Prompt) error { return h.Archive(ctx, h.owner, p.ID) },
	} {
		p := h.three(name)
		_, err := h.Ramp(ctx, h.owner, p.ID, "production", 2, plan, "", nil)
		check(t, err)
		check(t, stop(p))
		if got := h.read(p.ID); len(got.Ramps) != 0 || got.Labels["production"] == 2 {
			t.Errorf("%s: %+v", name, got)
		}
		if moves, err := h.Moves(ctx, h.owner, p.ID, 1); name == "stopped" && (err != nil || moves[0].Was != 1 || moves[0].Is != 1 || !strings.Contains(moves[0].Why, "10 %")) {
			t.Errorf("%s: %+v %v", name, moves, err)
		}
	}
	h.pass(24 * time.Hour)
	h.turn()
	if p, err := h.Named(ctx, h.owner, "stopped"); err != nil || p.Labels["production"] != 1 {
		t.Errorf("it went on: %+v %v", p, err)
	}
}

func TestAGradualMoveThatDoesHarmStopsByItself(t *testing.T) {
	t.Parallel()
	watched := plan
	watched.StopOver = 500
	for name, tt := range map[string]struct {
		was, is prompt.Vital
		stops   bool
	}{
		"both are well":                 {prompt.Vital{Calls: 1000, Failed: 10}, prompt.Vital{Calls: 100, Failed: 3}, false},
		"just at the bound":             {prompt.Vital{Calls: 1000, Failed: 10}, prompt.Vital{Calls: 100, Failed: 6}, false},
		"over the bound":                {prompt.Vital{Calls: 1000, Failed: 10}, prompt.Vital{Calls: 100, Failed: 7}, true},
		"both are ill":                  {prompt.Vital{Calls: 1000, Failed: 300}, prompt.Vital{Calls: 100, Failed: 30}, false},
		"too few calls to say anything": {prompt.Vital{Calls: 1000}, prompt.Vital{Calls: 29, Failed: 29}, false},
		"too few failures to say so":    {prompt.Vital{Calls: 1000}, prompt.Vital{Calls: 30, Failed: 2}, false},
		"nothing to compare with":       {prompt.Vital{}, prompt.Vital{Calls: 30, Failed: 3}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			p := h.three("a")
			_, err := h.Ramp(t.Context(), h.owner, p.ID, "production", 2, watched, "", nil)
			check(t, err)
			h.vital = map[int]prompt.Vital{1: tt.was, 2: tt.is}
			h.turn() // not at a step: harm does not wait
			got := h.read(p.ID)
			if stopped := len(got.Ramps) == 0; stopped != tt.stops || got.Labels["production"] != 1 {
				t.Errorf("stopped = %v: %+v", stopped, got)
			}
			if r := got.Ramps["production"]; !tt.stops && r.Share != watched.Shares[0] {
				t.Errorf("looking at it took a step: %+v", r)
			}
			if last := h.told[len(h.told)-1]; tt.stops && (last.Kind != prompt.NewsFailed || !strings.Contains(last.Text, "5 % worse")) {
				t.Errorf("%+v", last)
			}
		})
	}
}

func TestAGradualMoveIsHeldWhenItsAuthorMayNotGoOn(t *testing.T) {
	t.Parallel()
	h := open(t)
	p, developer := h.three("a"), h.member(tenant.Developer)
	_, err := h.Ramp(t.Context(), developer, p.ID, "production", 2, plan, "", nil)
	check(t, err)
	check(t, h.Protect(t.Context(), h.owner, []string{"production"}))
	h.pass(time.Hour)
	h.turn()
	if r := h.read(p.ID).Ramps["production"]; r.Share != 1000 || !r.NextAt.IsZero() {
		t.Errorf("%+v", r)
	}
	if last := h.told[len(h.told)-1]; last.Kind != prompt.NewsFailed || !strings.Contains(last.Title, "held") {
		t.Errorf("%+v", last)
	}
	if _, err := h.StepRamp(t.Context(), h.owner, p.ID, "production", nil); err != nil {
		t.Error(err)
	}
}

func TestAGradualMoveThatWouldBreakOthersIsRefused(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := t.Context()
	tone := create(t, h.Service, h.owner, "tone", text("Be {{mood}}.", "mood"), "production")
	create(t, h.Service, h.owner, "answer", text("{{> tone}}", "mood"), "production")
	_, _, err := h.Publish(ctx, h.owner, tone.ID, text("Be {{mood}} and {{more}}.", "mood", "more"), "", nil, nil)
	check(t, err)
	if _, err := h.Ramp(ctx, h.owner, tone.ID, "production", 2, plan, "", nil); !errors.Is(err, prompt.ErrBreaks) {
		t.Error(err)
	}
	if p := h.read(tone.ID); len(p.Ramps) != 0 {
		t.Errorf("%+v", p)
	}
}

func TestWhatAGradualMoveLeadsToKeepsItsParts(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := t.Context()
	part := create(t, h.Service, h.owner, "part", text("x"), "production")
	user := create(t, h.Service, h.owner, "user", text("alone"), "production")
	for _, words := range []string{"{{> part}}", "alone again"} {
		_, _, err := h.Publish(ctx, h.owner, user.ID, text(words), "", nil, nil)
		check(t, err)
	}
	_, err := h.Ramp(ctx, h.owner, user.ID, "production", 2, plan, "", nil)
	check(t, err)
	if err := h.Archive(ctx, h.owner, part.ID); !errors.Is(err, prompt.ErrBreaks) {
		t.Error(err)
	}
	_, err = h.StopRamp(ctx, h.owner, user.ID, "production", nil)
	check(t, err)
	check(t, h.Archive(ctx, h.owner, part.ID))
}
