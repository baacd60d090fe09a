package noticepg_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollgate/internal/id"
	"tollgate/internal/notice"
	"tollgate/internal/notice/noticepg"
	"tollgate/internal/postgres"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/tenant"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// sent is a Sender that notes what it was given, and fails as it is told.
type sent struct {
	mu     sync.Mutex
	got    []notice.Message
	to     []notice.Private
	status int
	err    error
}

func (s *sent) Send(_ context.Context, to notice.Private, m notice.Message) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got, s.to = append(s.got, m), append(s.to, to)
	return s.status, s.err
}

type world struct {
	t         *testing.T
	db        *postgres.DB
	store     *noticepg.Store
	s         *notice.Service
	c         *notice.Courier
	hook      *sent
	now       time.Time
	in, other tenant.Scope
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, db: pgtest.New(t), hook: &sent{status: 200}, now: noon}
	w.store = noticepg.New(w.db)
	w.in, _ = pgtest.Org(t, w.db, "Acme")
	w.other, _ = pgtest.Org(t, w.db, "Globex")
	seal, err := notice.NewSeal(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return w.now }
	w.s = notice.NewService(w.store, seal, func(_, text string) (string, error) { return text, nil }, clock)
	w.c = &notice.Courier{
		Outbox: w.store, Seal: seal, Poster: w.store, Base: "https://tollgate.example.com", Now: clock, Logger: slog.New(slog.DiscardHandler),
		Senders: map[notice.Medium]notice.Sender{notice.Webhook: w.hook, notice.Email: &sent{err: notice.ErrKept}},
	}
	return w
}

func (w *world) channel(n notice.NewChannel) notice.Channel {
	w.t.Helper()
	c, _, err := w.s.Create(w.t.Context(), w.in, n)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) post(kind notice.Kind, once string) bool {
	w.t.Helper()
	fresh, err := w.store.Post(w.t.Context(), w.in.Org(), notice.New{
		Kind: kind, About: "bud_1", Once: once, Title: "A budget is at 90 %", Text: "Raise it.", Path: "/budgets/bud_1", At: w.now, Data: map[string]any{"mark": 90},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return fresh
}

func (w *world) turn() {
	w.t.Helper()
	if err := w.c.Turn(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) deliveries(of id.Channel) []notice.Delivery {
	w.t.Helper()
	list, _, err := w.s.Deliveries(w.t.Context(), w.in, of, "", "", 100)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// What people did themselves is no alarm: it is kept as read, and is a letter to nobody who did not ask for it.
func TestNewsIsNoAlarm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	letters := w.channel(notice.NewChannel{Name: "letters", Medium: notice.Email, Target: "ops@example.com"})
	asked := w.channel(notice.NewChannel{Name: "asked", Medium: notice.Email, Target: "words@example.com", Kinds: []notice.Kind{notice.PromptMoved}})
	hook := w.channel(notice.NewChannel{Name: "hook", Medium: notice.Webhook, Target: "https://a.example.com"})
	for _, kind := range notice.Kinds {
		w.post(kind, "1")
	}
	unread, err := w.s.Unread(t.Context(), w.in)
	if err != nil || unread != len(notice.Kinds)-3 {
		t.Errorf("%d unread of %d, %v", unread, len(notice.Kinds), err)
	}
	for which, want := range map[id.Channel]int{letters.ID: len(notice.Kinds) - 3, asked.ID: 1, hook.ID: len(notice.Kinds)} {
		if got := len(w.deliveries(which)); got != want {
			t.Errorf("%s: %d deliveries, want %d", which, got, want)
		}
	}
}

func TestANoticeIsToldOnceAndGoesWhereItIsWanted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.channel(notice.NewChannel{Name: "all", Medium: notice.Webhook, Target: "https://a.example.com/secret"})
	leaks := w.channel(notice.NewChannel{Name: "leaks", Medium: notice.Webhook, Target: "https://b.example.com", Kinds: []notice.Kind{notice.KeyLeaked}})
	post := w.channel(notice.NewChannel{Name: "mail", Medium: notice.Email, Target: "ops@example.com"})
	if all.Hint != "a.example.com" {
		t.Errorf("an address that may be secret is shown: %q", all.Hint)
	}
	if !w.post(notice.BudgetMark, "2030-01 90") || w.post(notice.BudgetMark, "2030-01 90") || !w.post(notice.BudgetMark, "2030-02 90") {
		t.Error("told twice, or not at all")
	}
	w.turn()
	if len(w.hook.got) != 2 || w.hook.to[0].Target != "https://a.example.com/secret" || !strings.HasPrefix(w.hook.to[0].Secrets[0], "whsec_") ||
		w.hook.got[0].Link != "https://tollgate.example.com/budgets/bud_1" || w.hook.got[0].Org != "Acme" {
		t.Errorf("%+v", w.hook.got)
	}
	w.turn()
	if len(w.hook.got) != 2 {
		t.Error("it is sent again")
	}
	if d := w.deliveries(all.ID); len(d) != 2 || d[0].State != notice.Sent || d[0].Status != 200 || d[0].EndedAt.IsZero() {
		t.Errorf("%+v", d)
	}
	if d := w.deliveries(leaks.ID); len(d) != 0 {
		t.Errorf("it goes where it is not wanted: %+v", d)
	}
	if d := w.deliveries(post.ID); len(d) != 2 || d[0].State != notice.Kept || d[0].Notice.Text != "Raise it." {
		t.Errorf("%+v", d)
	}
	n, err := w.s.Unread(t.Context(), w.in)
	if err != nil || n != 2 {
		t.Errorf("%d unread, %v", n, err)
	}
	if n, err = w.s.Unread(t.Context(), w.other); err != nil || n != 0 {
		t.Errorf("another organization has %d unread, %v", n, err)
	}
	list, _, err := w.s.List(t.Context(), w.in, notice.Filter{}, "", 10)
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v %v", list, err)
	}
	if n, _ := w.s.MarkRead(t.Context(), w.other, nil); n != 0 {
		t.Errorf("another organization marks %d", n)
	}
	if n, _ := w.s.MarkRead(t.Context(), w.in, []id.Notice{list[0].ID}); n != 1 {
		t.Errorf("%d marked, of one", n)
	}
	if n, _ := w.s.MarkRead(t.Context(), w.in, nil); n != 1 {
		t.Errorf("%d marked, of the rest", n)
	}
}

func TestAFailedDeliveryIsTriedAgainAndThenGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hook.status, w.hook.err = 503, errors.New("no")
	c := w.channel(notice.NewChannel{Name: "all", Medium: notice.Webhook, Target: "https://a.example.com"})
	w.post(notice.KeyLeaked, "")
	for n := 1; n <= 8; n++ {
		w.turn()
		if len(w.hook.got) != n {
			t.Fatalf("attempt %d: %d were made", n, len(w.hook.got))
		}
		w.turn() // not before its time
		if len(w.hook.got) != n {
			t.Fatalf("attempt %d is repeated at once", n)
		}
		d := w.deliveries(c.ID)[0]
		if n < 8 {
			if d.State != notice.Pending || d.Status != 503 || !d.NextAt.After(w.now) {
				t.Fatalf("after attempt %d: %+v", n, d)
			}
			w.now = d.NextAt
		} else if d.State != notice.Failed {
			t.Fatalf("after the last: %+v", d)
		}
	}
	if since := w.now.Sub(noon); since < 20*time.Hour || since > 30*time.Hour {
		t.Errorf("given up after %v", since)
	}
	if got, err := w.s.Channel(t.Context(), w.in, c.ID); err != nil || got.Off || got.Failures != 1 {
		t.Errorf("%+v %v", got, err)
	}
	w.hook.status, w.hook.err = 200, nil
	d, err := w.s.Resend(t.Context(), w.in, w.deliveries(c.ID)[0].ID)
	if err != nil || d.State != notice.Pending {
		t.Fatalf("%+v %v", d, err)
	}
	if _, err := w.s.Resend(t.Context(), w.other, d.ID); !errors.Is(err, notice.ErrNoDelivery) {
		t.Errorf("another organization sends it: %v", err)
	}
	w.turn()
	if got, _ := w.s.Channel(t.Context(), w.in, c.ID); w.deliveries(c.ID)[0].State != notice.Sent || got.Failures != 0 || !got.SentAt.Equal(w.now) {
		t.Errorf("%+v", got)
	}
}

func TestAChannelThatIsGoneIsTurnedOffAndSaidSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hook.status, w.hook.err = 410, &notice.Lasting{Err: errors.New("gone"), Off: true}
	c := w.channel(notice.NewChannel{Name: "all", Medium: notice.Webhook, Target: "https://a.example.com"})
	w.post(notice.KeyLeaked, "")
	w.turn()
	got, err := w.s.Channel(t.Context(), w.in, c.ID)
	if err != nil || !got.Off || !strings.Contains(got.OffReason, "410") {
		t.Fatalf("%+v %v", got, err)
	}
	list, _, _ := w.s.List(t.Context(), w.in, notice.Filter{Kind: notice.ChannelOff}, "", 10)
	if len(list) != 1 || list[0].About != string(c.ID) {
		t.Errorf("nobody is told: %+v", list)
	}
	w.post(notice.KeyLeaked, "")
	w.turn()
	if len(w.hook.got) != 1 {
		t.Error("it goes on")
	}
	if _, err := w.s.Try(t.Context(), w.in, c.ID); err != nil {
		t.Errorf("a channel that is off cannot be tried: %v", err)
	}
	if _, err := w.s.Try(t.Context(), w.in, c.ID); !errors.Is(err, notice.ErrTooSoon) {
		t.Errorf("tried twice at once: %v", err)
	}
	on := false
	if got, err = w.s.Update(t.Context(), w.in, c.ID, notice.ChannelChange{Off: &on}, nil); err != nil || got.Off || got.OffReason != "" {
		t.Errorf("%+v %v", got, err)
	}
}

func TestAChannelThatKeepsFailingIsTurnedOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hook.err = &notice.Lasting{Err: errors.New("no")}
	c := w.channel(notice.NewChannel{Name: "all", Medium: notice.Webhook, Target: "https://a.example.com"})
	for i := range notice.FailuresMax {
		if got, _ := w.s.Channel(t.Context(), w.in, c.ID); got.Off {
			t.Fatalf("off after %d", i)
		}
		w.post(notice.KeyLeaked, "")
		w.turn()
	}
	if got, _ := w.s.Channel(t.Context(), w.in, c.ID); !got.Off {
		t.Error("it is still on")
	}
}

// TestTwoCouriersSendNothingTwice.
func TestTwoCouriersSendNothingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.channel(notice.NewChannel{Name: "all", Medium: notice.Webhook, Target: "https://a.example.com"})
	for range 30 {
		w.post(notice.KeyLeaked, "")
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(w.turn)
	}
	wg.Wait()
	seen := map[id.Notice]int{}
	for _, m := range w.hook.got {
		seen[m.ID]++
	}
	if len(seen) != 30 || len(w.hook.got) != 30 {
		t.Errorf("%d sent, of %d notices", len(w.hook.got), len(seen))
	}
}

// TestARotatedSecretSignsBesideTheNewOne, and no secret stands in the database in plain words.
func TestARotatedSecretSignsBesideTheNewOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, first, err := w.s.Create(t.Context(), w.in, notice.NewChannel{Name: "all", Medium: notice.Webhook, Target: "https://a.example.com/confidential"})
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := w.s.Rotate(t.Context(), w.in, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.post(notice.KeyLeaked, "")
	w.turn()
	if got := w.hook.to[0].Secrets; len(got) != 2 || got[0] != second || got[1] != first {
		t.Errorf("signed with %d secrets", len(got))
	}
	if _, _, err := w.s.Rotate(t.Context(), w.in, c.ID); err != nil {
		t.Fatal(err)
	}
	w.post(notice.KeyLeaked, "")
	w.turn()
	if got := w.hook.to[1].Secrets; len(got) != 2 || got[1] != second {
		t.Errorf("the first is still good: %d secrets", len(got))
	}
	mail := w.channel(notice.NewChannel{Name: "mail", Medium: notice.Email, Target: "ops@example.com"})
	if _, _, err := w.s.Rotate(t.Context(), w.in, mail.ID); !errors.Is(err, notice.ErrNoSecret) {
		t.Errorf("%v", err)
	}
	var dump string
	err = w.db.InSystemPgx(t.Context(), "test", func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT string_agg(encode(sealed, 'escape') || x::text, '') FROM notice_channels x`).Scan(&dump)
	})
	if err != nil || len(dump) < 100 || (strings.Contains(dump, "confidential") || strings.Contains(dump, "whsec_")) {
		t.Error("a secret stands in the database")
	}
}

func TestAnotherOrganizationsChannelIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.channel(notice.NewChannel{Name: "all", Medium: notice.Webhook, Target: "https://a.example.com"})
	ctx := t.Context()
	_, e1 := w.s.Channel(ctx, w.other, c.ID)
	_, e2 := w.s.Update(ctx, w.other, c.ID, notice.ChannelChange{}, nil)
	_, e3 := w.s.Try(ctx, w.other, c.ID)
	_, _, e4 := w.s.Rotate(ctx, w.other, c.ID)
	_, _, e5 := w.s.Deliveries(ctx, w.other, c.ID, "", "", 1)
	for i, err := range []error{e1, e2, e3, e4, e5, w.s.Delete(ctx, w.other, c.ID)} {
		if !errors.Is(err, notice.ErrNoChannel) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if _, _, err := w.s.Create(ctx, w.in, notice.NewChannel{Name: "all", Medium: notice.Email, Target: "a@example.com"}); !errors.Is(err, notice.ErrTaken) {
		t.Errorf("two of one name: %v", err)
	}
	for _, bad := range []notice.NewChannel{
		{Name: "", Medium: notice.Email, Target: "a@example.com"},
		{Name: "x", Medium: notice.Email, Target: "A <a@example.com>"},
		{Name: "x", Medium: notice.Email, Target: "a@example.com, b@example.com"},
		{Name: "x", Medium: "pigeon", Target: "a"},
		{Name: "x", Medium: notice.Email, Target: "a@example.com\r\nBcc: b@example.com"},
		{Name: "x", Medium: notice.Email, Target: "a@example.com", Kinds: []notice.Kind{"weather"}},
	} {
		if _, _, err := w.s.Create(ctx, w.in, bad); !errors.Is(err, notice.ErrInvalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if err := w.s.Delete(ctx, w.in, c.ID); err != nil {
		t.Error(err)
	}
}
