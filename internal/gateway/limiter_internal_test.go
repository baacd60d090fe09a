package gateway

import (
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// fill lets n calls of an organization in, which has none under way, and tells how many were taken on.
func fill(l *limiter, p priority, n int, busy int64) (in int64) {
	for range n {
		if l.enter(p, in, busy, noon) {
			in++
		}
	}
	return in
}

func TestOneOrganizationLeavesRoomForAnother(t *testing.T) {
	t.Parallel()
	l := newLimiter(100, nil)
	if got := fill(l, normal, 1000, 1); got != 95 {
		t.Errorf("alone it has %d of 100", got)
	}
	if got := fill(l, normal, 1000, 2); got != 5 {
		t.Errorf("the second one has %d at once", got)
	}
	for range 20 { // calls of the first one end
		l.leave()
	}
	if l.enter(normal, 75, 2, noon) && l.inFlight.Load() > 95 {
		t.Error("who has more than its share gets the last places")
	}
	if !l.enter(normal, 6, 2, noon) {
		t.Error("who has less than its share gets none")
	}
}

func TestWhatNobodyWaitsForIsShedFirst(t *testing.T) {
	t.Parallel()
	for p, want := range map[priority]int64{low: 50, normal: 95, high: 97} {
		if got := fill(newLimiter(100, nil), p, 1000, 1); got != want {
			t.Errorf("priority %d: %d of 100", p, got)
		}
	}
	l := newLimiter(100, nil)
	fill(l, low, 1000, 1)
	if !l.enter(normal, 0, 2, noon) || l.enter(low, 51, 2, noon) {
		t.Error("batches take the place of people")
	}
}

func TestASmallBoundStillServes(t *testing.T) {
	t.Parallel()
	l := newLimiter(1, nil)
	if !l.enter(low, 0, 1, noon) || l.enter(high, 0, 1, noon) {
		t.Error("a bound of one is not one")
	}
	l.leave()
	if !l.enter(normal, 0, 1, noon) {
		t.Error("a place that was left is not free")
	}
}

// machine is a limiter whose waits for a processor are told by the test.
type machine struct {
	*limiter
	now time.Time
	lag time.Duration
}

func newMachine() *machine {
	m := &machine{now: noon}
	m.limiter = newLimiter(0, func() time.Duration { return m.lag })
	m.look(m.now)
	m.most = 10_000
	m.limit.Store(m.most)
	return m
}

// pass lets n looks go by with such waits.
func (m *machine) pass(n int, lag time.Duration) {
	for m.lag = lag; n > 0; n-- {
		m.now = m.now.Add(lookEvery)
		m.look(m.now)
	}
}

func TestTheBoundFollowsTheWaitForAProcessor(t *testing.T) {
	t.Parallel()
	m := newMachine()
	m.inFlight.Store(1000)
	m.pass(10, 500*time.Microsecond)
	if m.limit.Load() != m.most {
		t.Fatalf("a bound of %d without an overload", m.limit.Load())
	}
	m.pass(1, 28*time.Millisecond)
	if m.limit.Load() != m.most {
		t.Fatal("one long wait is no overload")
	}
	m.pass(1, 28*time.Millisecond)
	if m.limit.Load() != 900 {
		t.Fatalf("an overload with 1000 calls makes a bound of %d", m.limit.Load())
	}
	m.pass(10, 10*time.Millisecond)
	if got := m.limit.Load(); got < 920 || got > 1150 {
		t.Fatalf("at its best it grows slowly, to %d", got)
	}
	m.pass(10, 100*time.Microsecond)
	if m.limit.Load() != m.most {
		t.Fatalf("a second after the overload the bound is %d", m.limit.Load())
	}
}

// What an overload does not end by half of the calls may have another reason than calls.
func TestAnOverloadTakesHalfOfTheCallsAtFirst(t *testing.T) {
	t.Parallel()
	m := newMachine()
	m.inFlight.Store(1000)
	served := func() { m.inFlight.Store(min(m.inFlight.Load(), m.limit.Load())) } // those above the bound end
	for range 40 {
		m.pass(1, time.Second)
		served()
	}
	if m.limit.Load() != 500 {
		t.Fatalf("after four seconds the bound is %d", m.limit.Load())
	}
	for range 50 {
		m.pass(1, time.Second)
		served()
	}
	if m.limit.Load() != 250 {
		t.Fatalf("after nine seconds the bound is %d", m.limit.Load())
	}
	for range 1000 {
		m.pass(1, time.Second)
		served()
	}
	if m.limit.Load() != limitMin {
		t.Fatalf("the least bound is %d", m.limit.Load())
	}
}

// A slow provider makes calls pile up here, and is no overload of ours.
func TestASlowProviderShedsNothing(t *testing.T) {
	t.Parallel()
	m := newMachine()
	for n := range 5000 {
		m.now = m.now.Add(10 * time.Millisecond)
		m.lag = 300 * time.Microsecond
		if !m.enter(normal, int64(n), 1, m.now) {
			t.Fatalf("shed with %d calls under way", n)
		}
	}
}

func TestAfterAPauseTheBoundIsForgotten(t *testing.T) {
	t.Parallel()
	m := newMachine()
	m.inFlight.Store(100)
	m.pass(5, time.Second)
	m.now = m.now.Add(time.Minute)
	m.look(m.now)
	if m.limit.Load() != m.most {
		t.Errorf("a minute later the bound is %d", m.limit.Load())
	}
}

func TestTheLimiterHoldsItsBound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		bound := rapid.IntRange(1, 200).Draw(rt, "bound")
		l := newLimiter(bound, nil)
		orgs := make([]int64, 4)
		for range rapid.IntRange(1, 500).Draw(rt, "steps") {
			o := rapid.IntRange(0, 3).Draw(rt, "org")
			if rapid.IntRange(0, 2).Draw(rt, "leave") == 0 && orgs[o] > 0 {
				orgs[o]--
				l.leave()
				continue
			}
			var busy, all int64
			for _, n := range orgs {
				all += n
				busy += min(n, 1)
			}
			if l.enter(priority(rapid.IntRange(0, 2).Draw(rt, "priority")), orgs[o], busy, noon) {
				orgs[o]++
				all++
			}
			if l.inFlight.Load() != all || all > int64(bound) {
				rt.Fatalf("%d under way by our count, %d by its own, %d allowed", all, l.inFlight.Load(), bound)
			}
		}
	})
}

func TestManyEnterAtOnce(t *testing.T) {
	t.Parallel()
	l := newLimiter(10, nil)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 200 {
				if l.enter(normal, 0, 1, noon) {
					if n := l.inFlight.Load(); n > 10+50 { // those that are just being turned away count for a moment
						t.Errorf("%d under way", n)
					}
					l.leave()
				}
			}
		})
	}
	wg.Wait()
	if l.inFlight.Load() != 0 {
		t.Errorf("%d are under way at the end", l.inFlight.Load())
	}
}

func TestTheWaitForAProcessorIsMeasured(t *testing.T) {
	t.Parallel()
	s := newScheduling()
	if got := s.lag(); got >= 0 {
		t.Errorf("measured %v before there was a beginning", got)
	}
	var wg sync.WaitGroup
	for range 1000 {
		wg.Go(func() { time.Sleep(time.Millisecond) })
	}
	wg.Wait()
	if got := s.lag(); got < 0 || got > time.Second {
		t.Errorf("measured %v", got)
	}
}

func TestRepeatsAreAFifthOfTheCalls(t *testing.T) {
	t.Parallel()
	var all loads
	o, now := all.of("org_1", noon), noon
	repeats := 0
	for range 1000 { // an outage: every call would be repeated
		all.begin(o)
		o.earn(now)
		if o.repeat(now) {
			repeats++
			o.repeated()
		}
		all.end(o)
		now = now.Add(time.Millisecond)
	}
	if repeats < 190 || repeats > 212 {
		t.Errorf("%d repeats of 1000 calls", repeats)
	}
}

func TestRepeatsUnderWayAreAFifthOfTheCallsUnderWay(t *testing.T) {
	t.Parallel()
	var all loads
	o := all.of("org_1", noon)
	count := func() (n int) {
		for o.repeat(noon) {
			n++
		}
		for range n {
			o.repeated()
		}
		return n
	}
	for range 10 {
		all.begin(o)
	}
	if n := count(); n != 3 {
		t.Errorf("%d repeats at once of 10 calls", n)
	}
	for range 290 {
		all.begin(o)
		o.earn(noon)
	}
	if n := count(); n < 50 || n > 60 {
		t.Errorf("%d repeats at once of 300 calls", n)
	}
}

func TestACallThatMovedLeavesFewerRepeats(t *testing.T) {
	t.Parallel()
	var all loads
	o := all.of("org_1", noon)
	for range 50 {
		o.moved(noon)
	}
	if o.repeat(noon) {
		t.Error("the allowance is not spent")
	}
	if !o.repeat(noon.Add(time.Second)) {
		t.Error("a second later there is none either")
	}
	if all.of("org_1", noon) != o || !all.of("org_2", noon).repeat(noon) {
		t.Error("organizations share an allowance")
	}
}
