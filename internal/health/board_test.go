package health_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollgate/internal/health"
	"tollgate/internal/id"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func target(model string) health.Target {
	return health.Target{Org: "org_1", Provider: "openai", Credential: "cred_1", Model: model}
}

// site is a board with a clock.
type site struct {
	*health.Board
	now time.Time
}

func newSite() *site { return &site{health.New(0), noon} }

func (s *site) pass(d time.Duration) { s.now = s.now.Add(d) }

// call makes an attempt that takes no time.
func (s *site) call(t health.Target, v health.Verdict) string {
	f := s.Begin(t, s.now)
	return f.End(health.Result{Verdict: v}, s.now)
}

func (s *site) open(t health.Target) bool { return s.State(t, s.now).Open }

func TestWhatOpensABreaker(t *testing.T) {
	t.Parallel()
	const g, f, l, u, a, x = health.Good, health.Failing, health.Late, health.Unreachable, health.Answered, health.Unsaid
	tests := []struct {
		name  string
		calls []health.Verdict
		open  bool
		why   string
	}{
		{"no call at all", nil, false, ""},
		{"four failures are too few", []health.Verdict{f, f, f, f}, false, ""},
		{"five failures", []health.Verdict{f, f, f, f, f}, true, "5 of the last 5 calls failed"},
		{"three of five", []health.Verdict{g, f, g, f, f}, true, "3 of the last 5 calls failed"},
		{"half is not more than half", []health.Verdict{g, f, g, f, g, f}, false, ""},
		{"three time-outs in a row", []health.Verdict{g, g, g, g, l, l, l}, true, "3 calls in a row without an answer"},
		{"time-outs and lost connections add up", []health.Verdict{g, g, g, g, g, g, l, u, l}, true, "3 calls in a row without an answer"},
		{"an answer between time-outs", []health.Verdict{g, g, l, l, g, l}, false, ""},
		{"a refusal of the call is an answer", []health.Verdict{g, g, g, l, l, a, l}, false, ""},
		{"what the client did wrong is no failure", []health.Verdict{a, a, a, a, a, a, a, a, a, a}, false, ""},
		{"a client that left is no failure", []health.Verdict{x, x, x, x, x, x, x, x}, false, ""},
		{"overload counts like any failure", []health.Verdict{health.Overloaded, health.Overloaded, f, f, f}, true, "5 of the last 5 calls failed"},
		{"one rate limit", []health.Verdict{g, g, g, g, g, g, health.Limited}, true, "the rate limit is reached"},
		{"an account without money", []health.Verdict{g, g, health.Exhausted}, true, "the account has no credit or quota left"},
		{"a refused credential", []health.Verdict{g, health.Rejected}, true, "the credential was refused"},
		{"a model that the credential may not use", []health.Verdict{health.Denied}, true, "the credential may not use the model"},
		{"an unknown model", []health.Verdict{health.Unknown}, true, "the model is not known there"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite()
			var said string
			for _, v := range tt.calls {
				if why := s.call(target("m"), v); why != "" {
					said = why
				}
			}
			got := s.State(target("m"), s.now)
			if got.Open != tt.open || got.Why != tt.why || said != tt.why {
				t.Errorf("open %v, %q, said %q; want %v, %q", got.Open, got.Why, said, tt.open, tt.why)
			}
		})
	}
}

func TestABusyTargetIsEjectedForOneFailureInFive(t *testing.T) {
	t.Parallel()
	s := newSite()
	for n := 1; n <= 20; n++ {
		v := health.Good
		if n%4 == 0 {
			v = health.Failing
		}
		s.call(target("m"), v)
		if open := s.open(target("m")); open != (n == 20) {
			t.Fatalf("open %v after %d calls", open, n)
		}
	}
	s = newSite()
	for n := range 100 {
		v := health.Good
		if n%6 == 5 {
			v = health.Failing
		}
		s.call(target("m"), v)
	}
	if s.open(target("m")) {
		t.Error("one failure in six ejects")
	}
}

func TestFailuresFallOutOfTheWindow(t *testing.T) {
	t.Parallel()
	s := newSite()
	for range 4 {
		s.call(target("m"), health.Failing)
	}
	s.pass(36 * time.Second)
	for range 4 {
		s.call(target("m"), health.Failing)
	}
	if s.open(target("m")) {
		t.Error("failures of more than half a minute ago count")
	}
	s.pass(10 * time.Second)
	s.call(target("m"), health.Failing)
	if !s.open(target("m")) {
		t.Error("failures of ten seconds ago do not count")
	}
}

func TestOneProbeAtATimeAndItsAnswerCloses(t *testing.T) {
	t.Parallel()
	s, m := newSite(), target("m")
	for range 5 {
		s.call(m, health.Failing)
	}
	if _, ok := s.Enter(m, s.now); ok {
		t.Fatal("an ejected target is entered")
	}
	if st := s.State(m, s.now); st.Probe || !st.Until.Equal(noon.Add(5*time.Second)) {
		t.Fatalf("%+v", st)
	}
	s.pass(5 * time.Second)
	if st := s.State(m, s.now); !st.Open || !st.Probe {
		t.Fatalf("no probe is due: %+v", st)
	}
	probe, ok := s.Enter(m, s.now)
	if !ok || !probe.Probe() {
		t.Fatal("the probe is declined")
	}
	if _, ok := s.Enter(m, s.now); ok || s.State(m, s.now).Probe {
		t.Fatal("there are two probes")
	}
	probe.End(health.Result{Verdict: health.Unsaid}, s.now)
	if !s.State(m, s.now).Probe {
		t.Fatal("a probe that told nothing is not made good")
	}
	probe, _ = s.Enter(m, s.now)
	probe.End(health.Result{Verdict: health.Good}, s.now)
	if s.open(m) {
		t.Fatal("an answer does not close")
	}
	f, ok := s.Enter(m, s.now)
	if !ok || f.Probe() {
		t.Fatal("a closed target is not entered")
	}
}

func TestEjectionsGrowWithEachFailedProbe(t *testing.T) {
	t.Parallel()
	s, m := newSite(), target("m")
	for range 5 {
		s.call(m, health.Failing)
	}
	var lasted []time.Duration
	for range 6 {
		lasted = append(lasted, s.State(m, s.now).Until.Sub(s.now))
		s.now = s.State(m, s.now).Until
		f, ok := s.Enter(m, s.now)
		if !ok {
			t.Fatal("no probe")
		}
		f.End(health.Result{Verdict: health.Failing}, s.now)
	}
	if got := fmt.Sprint(lasted); got != "[5s 10s 20s 40s 1m0s 1m0s]" {
		t.Errorf("ejected for %s", got)
	}
}

func TestATargetThatRecoveredBeginsAnew(t *testing.T) {
	t.Parallel()
	s, m := newSite(), target("m")
	fail := func() time.Duration {
		for range 5 {
			s.call(m, health.Failing)
		}
		return s.State(m, s.now).Until.Sub(s.now)
	}
	first := fail()
	s.pass(first)
	s.call(m, health.Good)
	again := fail()
	s.pass(again)
	s.call(m, health.Good)
	s.pass(2 * time.Minute)
	if late := fail(); first != 5*time.Second || again != 10*time.Second || late != first {
		t.Errorf("ejected for %v, at once again for %v, and later for %v", first, again, late)
	}
}

// After an ejection two failures suffice: a provider that is half well must not take twenty calls each time.
func TestARelapseIsNoticedSoon(t *testing.T) {
	t.Parallel()
	s, m := newSite(), target("m")
	for range 5 {
		s.call(m, health.Failing)
	}
	s.pass(5 * time.Second)
	for _, v := range []health.Verdict{health.Good, health.Good, health.Good, health.Failing, health.Good} {
		s.call(m, v)
		if s.open(m) {
			t.Fatal("open too soon")
		}
	}
	if s.call(m, health.Failing); !s.open(m) {
		t.Error("two failures of five after an ejection do not eject")
	}
}

// A caller without an elsewhere asks an ejected target all the same; its answer is as good as a probe's, its failure no news.
func TestTheLastTargetIsAskedAllTheSame(t *testing.T) {
	t.Parallel()
	s, m := newSite(), target("m")
	for range 5 {
		s.call(m, health.Failing)
	}
	until := s.State(m, s.now).Until
	s.pass(time.Second)
	s.call(m, health.Failing)
	if got := s.State(m, s.now); !got.Open || got.Until != until {
		t.Errorf("until %v, was %v", got.Until, until)
	}
	s.call(m, health.Good)
	if s.open(m) {
		t.Error("an answer does not close")
	}
}

// What was sent before a breaker opened and fails after it is the same outage, and what was answered is older than it.
func TestCallsUnderWayDoNotMoveAnEjection(t *testing.T) {
	t.Parallel()
	s, m := newSite(), target("m")
	var early [10]health.Flight
	for i := range early {
		early[i] = s.Begin(m, s.now)
	}
	for range 5 {
		s.call(m, health.Failing)
	}
	until := s.State(m, s.now).Until
	for i := range early {
		v := health.Failing
		if i == 9 {
			v = health.Good
		}
		early[i].End(health.Result{Verdict: v}, s.now.Add(time.Second))
	}
	if got := s.State(m, s.now); !got.Open || got.Until != until {
		t.Errorf("%+v, was until %v", got, until)
	}
}

// An answer closes the ejection that it came through, and no later one.
func TestAnOldAnswerDoesNotCloseANewEjection(t *testing.T) {
	t.Parallel()
	s, m := newSite(), target("m")
	for range 5 {
		s.call(m, health.Failing)
	}
	slow := s.Begin(m, s.now)
	s.pass(5 * time.Second)
	s.call(m, health.Failing) // the probe
	until := s.State(m, s.now).Until
	slow.End(health.Result{Verdict: health.Good}, s.now)
	if got := s.State(m, s.now); !got.Open || !got.Until.Equal(until) {
		t.Errorf("%+v", got)
	}
}

func TestRetryAfterIsHowLongALimitLasts(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]time.Duration{
		0: 5 * time.Second, 300 * time.Millisecond: 300 * time.Millisecond, 30 * time.Second: 30 * time.Second, 3 * time.Hour: 5 * time.Minute,
	} {
		s := newSite()
		f := s.Begin(target("m"), s.now)
		f.End(health.Result{Verdict: health.Limited, After: after}, s.now)
		if got := s.State(target("m"), s.now).Until.Sub(s.now); got != want {
			t.Errorf("Retry-After %v ejects for %v, want %v", after, got, want)
		}
	}
}

func TestAFailureEjectsWhatItIsOf(t *testing.T) {
	t.Parallel()
	m, sibling := target("m"), target("other")
	cousin := m
	cousin.Credential = "cred_2"
	stranger := m
	stranger.Org = "org_2"
	tests := []struct {
		name                     string
		verdict                  health.Verdict
		sibling, cousin, strange bool
	}{
		{"a rate limit is the model's", health.Limited, false, false, false},
		{"a forbidden model is the model's", health.Denied, false, false, false},
		{"an unknown model is the model's", health.Unknown, false, false, false},
		{"a refused credential is all its models'", health.Rejected, true, false, false},
		{"an empty account is all its models'", health.Exhausted, true, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, asked := range []bool{false, true} { // whether the others were asked before
				s := newSite()
				if asked {
					for _, o := range []health.Target{sibling, cousin, stranger} {
						s.call(o, health.Good)
					}
				}
				s.call(m, tt.verdict)
				if !s.open(m) || s.open(sibling) != tt.sibling || s.open(cousin) != tt.cousin || s.open(stranger) != tt.strange {
					t.Errorf("asked before %v: open %v, sibling %v, cousin %v, stranger %v", asked, s.open(m), s.open(sibling), s.open(cousin), s.open(stranger))
				}
				s.pass(5 * time.Second)
				s.call(m, health.Good)
				if s.open(sibling) {
					t.Error("the probe's answer does not close for its sibling")
				}
			}
		})
	}
}

func TestAProviderThatFailsForSeveralModelsIsEjectedForAll(t *testing.T) {
	t.Parallel()
	s := newSite()
	for n := range 10 {
		s.call(target(fmt.Sprintf("m%d", n)), health.Failing)
	}
	fresh := target("fresh")
	if got := s.State(fresh, s.now); !got.Open || !strings.Contains(got.Why, "whatever the model") {
		t.Errorf("%+v", got)
	}
	elsewhere := fresh
	elsewhere.Region = "eu"
	if s.open(elsewhere) {
		t.Error("another region is ejected too")
	}
	s = newSite()
	for range 50 {
		s.call(target("m"), health.Failing)
	}
	if s.open(fresh) {
		t.Error("one model's failures eject the provider")
	}
}

func TestLatencyFollowsRecentCalls(t *testing.T) {
	t.Parallel()
	s, m := newSite(), target("m")
	take := func(d time.Duration, v health.Verdict) {
		f := s.Begin(m, s.now)
		f.End(health.Result{Verdict: v, FirstByte: d, Took: 2 * d}, s.now)
	}
	latency := func() time.Duration { return s.State(m, s.now).Latency }
	if latency() != 0 {
		t.Fatal("measured without a call")
	}
	take(100*time.Millisecond, health.Good)
	if latency() != 100*time.Millisecond {
		t.Errorf("first measurement: %v", latency())
	}
	s.pass(30 * time.Second)
	take(time.Second, health.Good)
	if got := latency(); got < 900*time.Millisecond || got > time.Second {
		t.Errorf("half a minute later one call tells nearly all: %v", got)
	}
	take(100*time.Millisecond, health.Good)
	if got := latency(); got < 600*time.Millisecond {
		t.Errorf("at once again one call tells little: %v", got)
	}
	s.pass(3 * time.Minute)
	if latency() != 0 {
		t.Errorf("an old measurement is told: %v", latency())
	}
	f := s.Begin(m, s.now)
	f.End(health.Result{Verdict: health.Late, Took: 4 * time.Second}, s.now)
	if latency() != 4*time.Second {
		t.Errorf("a time-out is measured as %v", latency())
	}
}

func TestInFlightIsCounted(t *testing.T) {
	t.Parallel()
	s, m := newSite(), target("m")
	a, b := s.Begin(m, s.now), s.Begin(m, s.now)
	if n := s.State(m, s.now).InFlight; n != 2 {
		t.Errorf("%d in flight", n)
	}
	a.End(health.Result{}, s.now)
	a.End(health.Result{}, s.now) // a second end is none
	b.End(health.Result{}, s.now)
	if n := s.State(m, s.now).InFlight; n != 0 {
		t.Errorf("%d in flight", n)
	}
	var none health.Flight
	none.End(health.Result{Verdict: health.Good}, s.now)
}

func TestHeadroomIsTheTightestLimit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		headers []string
		room    health.Room
	}{
		{"nothing", nil, health.Room{}},
		{"OpenAI", []string{
			"x-ratelimit-remaining-requests", "90", "x-ratelimit-limit-requests", "100", "x-ratelimit-reset-requests", "8.64s",
			"x-ratelimit-remaining-tokens", "1000", "x-ratelimit-limit-tokens", "4000", "x-ratelimit-reset-tokens", "6m0s",
		}, health.Room{Known: true, Share: 0.25, Reset: 6 * time.Minute}},
		{"Anthropic", []string{
			"anthropic-ratelimit-requests-remaining", "10", "anthropic-ratelimit-requests-limit", "1000", "anthropic-ratelimit-requests-reset", "2030-01-01T12:00:30Z",
		}, health.Room{Known: true, Share: 0.01, Reset: 30 * time.Second}},
		{"a reset as a moment", []string{"x-ratelimit-remaining", "5", "x-ratelimit-limit", "10", "x-ratelimit-reset", "1893499260"}, health.Room{Known: true, Share: 0.5, Reset: time.Minute}},
		{"a reset as a moment in milliseconds", []string{"x-ratelimit-remaining", "5", "x-ratelimit-limit", "10", "x-ratelimit-reset", "1893499260000"}, health.Room{Known: true, Share: 0.5, Reset: time.Minute}},
		{"with windows", []string{"ratelimit-remaining", "5", "ratelimit-limit", "10, 10;w=60", "ratelimit-reset", "20"}, health.Room{Known: true, Share: 0.5, Reset: 20 * time.Second}},
		{"no limit beside it", []string{"x-ratelimit-remaining-requests", "9"}, health.Room{}},
		{"garbage", []string{"x-ratelimit-remaining-requests", "many", "x-ratelimit-limit-requests", "NaN"}, health.Room{}},
		{"no numbers", []string{"x-ratelimit-remaining-requests", "-4", "x-ratelimit-limit-requests", "Inf"}, health.Room{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			for i := 0; i < len(tt.headers); i += 2 {
				h.Set(tt.headers[i], tt.headers[i+1])
			}
			if got := health.Limits(h, noon); got != tt.room {
				t.Errorf("%+v, want %+v", got, tt.room)
			}
		})
	}
	s, m := newSite(), target("m")
	f := s.Begin(m, s.now)
	f.End(health.Result{Verdict: health.Good, Room: health.Room{Known: true, Share: 0.25, Reset: 10 * time.Second}}, s.now)
	if got := s.State(m, s.now).Headroom; got != 0.25 {
		t.Errorf("headroom %v", got)
	}
	s.pass(10 * time.Second)
	if got := s.State(m, s.now).Headroom; got >= 0 {
		t.Errorf("headroom %v behind its reset", got)
	}
	if got := s.State(target("unknown"), s.now).Headroom; got >= 0 {
		t.Errorf("headroom %v of a target that was never asked", got)
	}
}

func TestTheBoardIsBounded(t *testing.T) {
	t.Parallel()
	b := health.New(640)
	now := noon
	held := b.Begin(target("held"), now) // under way: not forgotten
	for n := range 10_000 {
		now = now.Add(time.Millisecond)
		f := b.Begin(target(fmt.Sprintf("model-%d", n)), now)
		f.End(health.Result{Verdict: health.Good, FirstByte: time.Second}, now)
	}
	if got := len(b.List("org_1", now)); got > 640 || got < 300 {
		t.Errorf("%d targets are kept", got)
	}
	if b.State(target("held"), now).InFlight != 1 {
		t.Error("a target with a call under way was forgotten")
	}
	held.End(health.Result{Verdict: health.Good}, now)
	b.Sweep(now.Add(time.Hour))
	if got := len(b.List("org_1", now)); got != 0 {
		t.Errorf("%d targets are kept that nobody asks", got)
	}
}

func TestAListShowsOneOrganization(t *testing.T) {
	t.Parallel()
	s := newSite()
	s.call(target("b"), health.Failing)
	s.call(target("a"), health.Good)
	stranger := target("c")
	stranger.Org = "org_2"
	s.call(stranger, health.Good)
	got := s.List("org_1", s.now)
	if len(got) != 2 || got[0].Model != "a" || got[1].Model != "b" || got[1].Calls != 1 || got[1].Failed != 1 || got[0].Failed != 0 {
		t.Errorf("%+v", got)
	}
}

// Whatever happens in whatever order: nothing stays in flight, an ejection ends, and there is at most one probe.
func TestTheBoardHoldsItsRules(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := newSite()
		models := []string{"a", "b", "c"}
		var flights []health.Flight
		for range rapid.IntRange(1, 200).Draw(rt, "steps") {
			s.pass(time.Duration(rapid.IntRange(0, 8000).Draw(rt, "ms")) * time.Millisecond)
			m := target(rapid.SampledFrom(models).Draw(rt, "model"))
			if rapid.Bool().Draw(rt, "begin") || len(flights) == 0 {
				was := s.State(m, s.now)
				f, ok := s.Enter(m, s.now)
				if ok != (!was.Open || was.Probe) {
					rt.Fatalf("entered %v in the state %+v", ok, was)
				}
				if ok {
					flights = append(flights, f)
				}
				continue
			}
			i := rapid.IntRange(0, len(flights)-1).Draw(rt, "flight")
			flights[i].End(health.Result{
				Verdict: health.Verdict(rapid.IntRange(0, int(health.Unknown)).Draw(rt, "verdict")),
				After:   time.Duration(rapid.IntRange(0, 100).Draw(rt, "after")) * time.Second,
			}, s.now)
			flights = append(flights[:i], flights[i+1:]...)
		}
		for i := range flights {
			flights[i].End(health.Result{}, s.now)
		}
		s.pass(time.Hour)
		for _, name := range models {
			st := s.State(target(name), s.now)
			if st.InFlight != 0 || st.Open && !st.Probe {
				rt.Fatalf("%s: %+v", name, st)
			}
		}
	})
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	b := health.New(128)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			now := noon
			for n := range 2000 {
				now = now.Add(10 * time.Millisecond)
				m := health.Target{Org: id.Org(fmt.Sprintf("org_%d", n%5)), Provider: "openai", Credential: id.Credential(fmt.Sprint(n % 7)), Model: fmt.Sprint(n % 300)}
				_ = b.State(m, now)
				if f, ok := b.Enter(m, now); ok {
					f.End(health.Result{Verdict: health.Verdict((n*7 + g) % 12), FirstByte: time.Millisecond}, now)
				}
				if n%500 == 0 {
					b.Sweep(now)
				}
			}
		})
	}
	wg.Wait()
	for _, s := range b.List("org_1", noon) {
		if s.InFlight != 0 {
			t.Errorf("%+v", s)
		}
	}
}

func BenchmarkState(b *testing.B) {
	board := health.New(0)
	for n := range 1000 {
		f := board.Begin(target(fmt.Sprintf("gpt-4o-mini-%d", n)), noon)
		f.End(health.Result{Verdict: health.Good, FirstByte: time.Second}, noon)
	}
	m := target("gpt-4o-mini-500")
	b.ReportAllocs()
	for b.Loop() {
		if board.State(m, noon).Open {
			b.Fatal("open")
		}
	}
}

func BenchmarkFlight(b *testing.B) {
	board, m := health.New(0), target("gpt-4o-mini")
	b.ReportAllocs()
	for b.Loop() {
		f, _ := board.Enter(m, noon)
		f.End(health.Result{Verdict: health.Good, FirstByte: time.Second, Took: time.Second}, noon)
	}
}

func BenchmarkLimits(b *testing.B) {
	h := http.Header{}
	for i := range 20 {
		h.Set(fmt.Sprintf("X-Other-%d", i), "x")
	}
	h.Set("x-ratelimit-remaining-requests", "90")
	h.Set("x-ratelimit-limit-requests", "100")
	h.Set("x-ratelimit-reset-requests", "6m0s")
	b.ReportAllocs()
	for b.Loop() {
		_ = health.Limits(h, noon)
	}
}
