package promptpg_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/promptpg"
	"tollgate/internal/tenant"
)

func TestALookChangesNothing(t *testing.T) {
	t.Parallel()
	h := open(t)
	p := h.three("a")
	err := promptpg.New(h.db).Read(t.Context(), h.owner, func(d prompt.Desk) error { return d.Delete(p.ID) })
	if err == nil || h.read(p.ID).ID != p.ID {
		t.Error(err)
	}
}

func TestMovesAtOnceComeOneByOne(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := t.Context()
	p := h.three("a")
	var wg sync.WaitGroup
	for n := range 9 {
		wg.Go(func() {
			if n == 4 {
				if err := h.Archive(ctx, h.owner, p.ID); err != nil {
					t.Error(err)
				}
				return
			}
			if _, err := h.SetLabel(ctx, h.owner, p.ID, "production", n%3+1, nil); err != nil && !errors.Is(err, prompt.ErrArchived) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	moves, err := h.Moves(ctx, h.owner, p.ID, 100)
	check(t, err)
	for i := 1; i < len(moves); i++ {
		if moves[i-1].Was != moves[i].Is {
			t.Errorf("a gap: %+v %+v", moves[i], moves[i-1])
		}
	}
	got := h.read(p.ID)
	if got.ArchivedAt.IsZero() || got.Labels["production"] != moves[0].Is {
		t.Errorf("%+v", got)
	}
	// Of two that read the same state, one is told.
	stale := func(was int) func(prompt.Prompt) error {
		return func(now prompt.Prompt) error {
			if now.Labels["production"] != was {
				return prompt.ErrStale
			}
			return nil
		}
	}
	q := h.three("b")
	var ok, refused int
	var mu sync.Mutex
	for _, to := range []int{2, 3} {
		wg.Go(func() {
			_, err := h.SetLabel(ctx, h.owner, q.ID, "production", to, stale(1))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				ok++
			} else if errors.Is(err, prompt.ErrStale) {
				refused++
			}
		})
	}
	wg.Wait()
	if ok != 1 || refused != 1 {
		t.Errorf("%d moved, %d refused", ok, refused)
	}
}

func TestFoldersAreMovedInOneChange(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := t.Context()
	for _, name := range []string{"support/mail/greeting", "support/chat", "supporter", "sales/chat"} {
		create(t, h.Service, h.owner, name, text("x"))
	}
	folders, err := h.Folders(ctx, h.owner)
	if diff := cmp.Diff([]prompt.Folder{{Name: "sales", Prompts: 1}, {Name: "support", Prompts: 2}, {Name: "support/mail", Prompts: 1}}, folders); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := h.MoveFolder(ctx, h.owner, "support", "sales"); !errors.Is(err, prompt.ErrTaken) || !strings.Contains(err.Error(), "sales/chat") {
		t.Errorf("onto another prompt's name: %v", err)
	}
	if _, err := h.Named(ctx, h.owner, "support/mail/greeting"); err != nil {
		t.Errorf("half of it was moved: %v", err)
	}
	if _, err := h.MoveFolder(ctx, h.owner, "support", "support/old"); !errors.Is(err, prompt.ErrInvalid) {
		t.Errorf("into itself: %v", err)
	}
	if _, err := h.MoveFolder(ctx, h.owner, "none", "some"); !errors.Is(err, prompt.ErrNotFound) {
		t.Error(err)
	}
	n, err := h.MoveFolder(ctx, h.owner, "support", "help/desk")
	if err != nil || n != 2 {
		t.Fatal(n, err)
	}
	if n, err := h.MoveFolder(ctx, h.owner, "help", ""); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	for _, name := range []string{"desk/mail/greeting", "desk/chat", "supporter"} {
		if _, err := h.Named(ctx, h.owner, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatIsUsedIsNeitherArchivedNorDeleted(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx := t.Context()
	used := ""
	s := prompt.NewService(promptpg.New(h.db), h.now, func(context.Context, tenant.Scope, id.Prompt) (string, error) { return used, nil })
	p := h.three("a")
	if err := s.Delete(ctx, h.owner, p.ID); !errors.Is(err, prompt.ErrKept) {
		t.Errorf("deleted without having been archived: %v", err)
	}
	used = "the alias support"
	if err := s.Archive(ctx, h.owner, p.ID); !errors.Is(err, prompt.ErrUsed) || !strings.Contains(err.Error(), used) {
		t.Error(err)
	}
	used = ""
	check(t, s.Archive(ctx, h.owner, p.ID))
	used = "the experiment x"
	if err := s.Delete(ctx, h.owner, p.ID); !errors.Is(err, prompt.ErrUsed) {
		t.Error(err)
	}
	used = ""
	check(t, s.Delete(ctx, h.owner, p.ID))
	if _, err := s.Prompt(ctx, h.owner, p.ID); !errors.Is(err, prompt.ErrNotFound) {
		t.Error(err)
	}
	part := create(t, s, h.owner, "part", text("x"), "production")
	user := create(t, s, h.owner, "user", text("{{> part@1}}"))
	_, _, err := s.Publish(ctx, h.owner, user.ID, text("alone"), "", nil, nil)
	check(t, err)
	check(t, s.Archive(ctx, h.owner, part.ID)) // only an old version without a label names it
	if err := s.Delete(ctx, h.owner, part.ID); !errors.Is(err, prompt.ErrBreaks) {
		t.Errorf("a version that can still be named uses it: %v", err)
	}
	if uses, err := s.UsedBy(ctx, h.owner, part.ID); err != nil || len(uses) != 0 {
		t.Errorf("%v %v", uses, err)
	}
}

func TestUsersAreNamed(t *testing.T) {
	t.Parallel()
	h := open(t)
	part := create(t, h.Service, h.owner, "part", text("x"), "production")
	user := create(t, h.Service, h.owner, "user", text("{{> part}}"), "production")
	uses, err := h.UsedBy(t.Context(), h.owner, part.ID)
	if diff := cmp.Diff([]prompt.User{{Use: prompt.Use{Prompt: user.ID, Number: 1}, Name: "user"}}, uses); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
