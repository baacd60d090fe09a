package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/calllog/calllogpg"
	"tollgate/internal/chat"
	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// The effect of a file is told from the organization's own calls of yesterday, and from nobody else's.
func TestARehearsalAsksYesterdaysCalls(t *testing.T) {
	t.Parallel()
	h := build(t)
	a, b := h.organization("a")[tenant.Owner], h.organization("b")[tenant.Owner]
	yesterday := h.deps.Now().Add(-24 * time.Hour)
	for _, c := range []*client{a, b} {
		c.do("PUT", "/routing", `{"yaml":"aliases: {fast: {targets: [sandbox/echo-mini]}}"}`, "If-Match", "*").want(t, http.StatusOK)
	}
	var records []calllog.Record
	for i := range 12 {
		r := calllog.Record{
			ID: callAt(yesterday.Add(time.Duration(i) * time.Minute)), Org: h.orgs[a], Team: "team_x", Key: "key_x", Requested: "fast", Alias: "fast",
			Provider: "sandbox", Model: "echo-mini", Endpoint: "chat", Status: 200, Outcome: calllog.OK, Price: calllog.Free,
		}
		r.Usage.Units[chat.Input] = 10
		records = append(records, r)
	}
	if d, err := calllogpg.New(h.db).Ingest(t.Context(), records, calllog.Beat{}); err != nil || len(d.Rejected) > 0 {
		t.Fatal(err, d.Rejected)
	}
	const moved = `{"yaml":"aliases: {fast: {targets: [sandbox/echo-large]}}"}`
	got := a.do("POST", "/routing/rehearse", moved).want(t, http.StatusOK)
	for _, want := range []string{`"calls":12`, `"looked_at":12`, `"moved":12`, `"before_nano_usd":"`, `"alias":"fast"`, "sandbox/echo-large added"} {
		if !strings.Contains(got.body, want) {
			t.Errorf("no %s in %s", want, got.body)
		}
	}
	if other := b.do("POST", "/routing/rehearse", moved).want(t, http.StatusOK); !strings.Contains(other.body, `"calls":0`) {
		t.Errorf("another organization's calls were counted: %s", other.body)
	}
	if bad := a.do("POST", "/routing/rehearse", `{"yaml":"aliases: {fast: {targets: [nobody/x]}}"}`); bad.status != http.StatusBadRequest || bad.code() != "routing.invalid" {
		t.Errorf("%d %s", bad.status, bad.body)
	}
	if now := a.do("GET", "/routing", "").want(t, http.StatusOK); !strings.Contains(now.body, "echo-mini") {
		t.Errorf("a rehearsal changed the file: %s", now.body)
	}
}

// A busy day is sampled evenly.
func TestASampleOfADayIsEven(t *testing.T) {
	t.Parallel()
	h := build(t)
	a := h.organization("a")[tenant.Owner]
	day := h.deps.Now().Add(-24 * time.Hour).Truncate(24 * time.Hour)
	var records []calllog.Record
	for i := range 100 {
		records = append(records, calllog.Record{
			ID: callAt(day.Add(time.Duration(i) * time.Minute)), Org: h.orgs[a], Team: "team_x", Key: "key_x", Requested: fmt.Sprint(i),
			Provider: "sandbox", Model: "echo-mini", Endpoint: "chat", Status: 200, Outcome: calllog.OK, Price: calllog.Free,
		})
	}
	s := calllogpg.New(h.db)
	if d, err := s.Ingest(t.Context(), records, calllog.Beat{}); err != nil || len(d.Rejected) > 0 {
		t.Fatal(err, d.Rejected)
	}
	in := tenant.Authenticated(h.orgs[a], tenant.Actor{User: "user_x"}, tenant.Owner)
	for most, want := range map[int]int{1000: 100, 100: 100, 99: 50, 30: 25, 10: 10, 1: 1} {
		got, total, err := s.Sample(t.Context(), in, day, day.Add(24*time.Hour), most)
		if err != nil || total != 100 || len(got) != want {
			t.Errorf("at most %d: %d of %d, %v; want %d", most, len(got), total, err, want)
			continue
		}
		for i := 1; i < len(got); i++ {
			if gap := got[i].StartedAt.Sub(got[i-1].StartedAt); gap != time.Duration(100/want)*time.Minute {
				t.Errorf("at most %d: a gap of %s", most, gap)
			}
		}
	}
	if got, total, err := s.Sample(t.Context(), in, day.Add(24*time.Hour), day.Add(48*time.Hour), 10); err != nil || total != 0 || len(got) != 0 {
		t.Errorf("the day after: %d of %d, %v", len(got), total, err)
	}
}

// callAt is a call's id whose time is known.
func callAt(at time.Time) id.Call {
	c := id.NewCall()
	ms := at.UnixMilli()
	for i := range 6 {
		c[i] = byte(ms >> (8 * (5 - i)))
	}
	return c
}
