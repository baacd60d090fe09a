package limitpg_test

import (
	"strings"
	"testing"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/limit"
	"tollgate/internal/limit/limitpg"
	"tollgate/internal/notice"
	"tollgate/internal/notice/noticepg"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/tenant"
)

// TestWhoeverIsHeldBackIsToldOnceADay: by calls of the organization itself, by limits that stand, and never by calls that only waited.
func TestWhoeverIsHeldBackIsToldOnceADay(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	in, team := pgtest.Org(t, db, "Acme")
	other, theirs := pgtest.Org(t, db, "Globex")
	now := noon
	s := limit.NewService(limitpg.New(db), func() time.Time { return now })
	log := calllogpg.New(db)
	if _, err := log.MakeDays(t.Context(), noon); err != nil {
		t.Fatal(err)
	}
	create := func(in tenant.Scope, n limit.New) id.Limit {
		t.Helper()
		l, err := s.Create(t.Context(), in, n)
		if err != nil {
			t.Fatal(err)
		}
		return l.ID
	}
	hard := create(in, limit.New{Name: "rpm", Each: dimension.Key, Metric: limit.Requests, Amount: 60, Per: time.Minute})
	watch := create(in, limit.New{Name: "trial", Metric: limit.Concurrency, Amount: 3, Watch: true})
	quiet := create(in, limit.New{Name: "quiet", Metric: limit.Tokens, Amount: 3, Per: time.Hour})
	gone := create(in, limit.New{Name: "gone", Metric: limit.Tokens, Amount: 3, Per: time.Hour})
	if _, err := s.Archive(t.Context(), in, gone); err != nil {
		t.Fatal(err)
	}
	called := func(org id.Org, team id.Team, checks ...calllog.Check) {
		t.Helper()
		r := calllog.Record{ID: callAt(now), Org: org, Team: team, Key: "key_x", Proxy: "prx_1", Endpoint: "chat", Dialect: "openai-chat", Status: 429, Outcome: calllog.Refused, Checks: checks}
		if _, err := log.Ingest(t.Context(), []calllog.Record{r}, calllog.Beat{}); err != nil {
			t.Fatal(err)
		}
	}
	check := func(by id.Limit, did calllog.Did, of string) calllog.Check {
		return calllog.Check{By: string(by), Did: did, Subject: of, Short: 1}
	}
	called(in.Org(), team, check(hard, calllog.DidRefuse, "key_a"), check(watch, calllog.WouldRefuse, ""))
	called(in.Org(), team, check(hard, calllog.DidMove, "key_b"), check(hard, calllog.DidMove, "key_b"), check(gone, calllog.DidRefuse, ""))
	called(in.Org(), team, check(quiet, calllog.DidWait, ""))
	called(other.Org(), theirs, check(hard, calllog.DidRefuse, "key_c")) // another's call says it: it is not theirs to count

	notices := noticepg.New(db)
	alerts := limit.NewAlerter(limitpg.New(db), notices, func() time.Time { return now })
	told := func(in tenant.Scope) (all []string) {
		t.Helper()
		list, err := notices.Notices(t.Context(), in, notice.Filter{}, "", 50)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range list {
			all = append(all, n.Title)
		}
		return all
	}
	for range 2 {
		now = now.Add(time.Minute)
		if err := alerts.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	all := strings.Join(told(in), "\n")
	if got := told(in); len(got) != 2 || !strings.Contains(all, `The limit "rpm" refused or moved 2 calls`) || !strings.Contains(all, `The limit "trial" would have refused 1 call`) {
		t.Errorf("told %q", got)
	}
	if got := told(other); len(got) != 0 {
		t.Errorf("the other organization is told %q", got)
	}
	now = noon.Add(20 * time.Hour)
	if _, err := log.MakeDays(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	called(in.Org(), team, check(hard, calllog.DidRefuse, "key_a"))
	now = now.Add(time.Minute)
	if err := alerts.Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := told(in); len(got) != 3 {
		t.Errorf("on the next day: %q", got)
	}
}

// callAt is a new id of a call at a time.
func callAt(at time.Time) id.Call {
	c := id.NewCall()
	ms := at.UnixMilli()
	for i := range 6 {
		c[i] = byte(ms >> (8 * (5 - i)))
	}
	return c
}
