// Package limittest is the suite that every limit.Meter passes.
package limittest

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/limit"
)

// Bench is one meter, and a way to let time pass for it.
type Bench struct {
	Meter limit.Meter
	Pass  func(time.Duration)
	// Settled waits until what was returned counts.
	Settled func()
}

// Exercise runs the suite; fresh makes an empty Bench.
func Exercise(t *testing.T, fresh func(t *testing.T) Bench) {
	t.Helper()
	for _, tt := range []struct {
		name string
		test func(t *testing.T, b Bench)
	}{
		{"the amount passes and one more does not", amount},
		{"what all let pass or one refuses", allOrNothing},
		{"a limit that watches refuses nobody, and counts what it would have let in", watching},
		{"subjects and organizations count by themselves", apart},
		{"tokens are corrected, both ways", corrected},
		{"places are given back", places},
		{"a call that never fits is told so", never},
		{"many at once take exactly the amount", crowd},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.test(t, fresh(t))
		})
	}
}

// New is a limit for tests.
func New(m limit.Metric, amount int64, per time.Duration) *limit.Limit {
	return &limit.Limit{ID: id.Limit(id.New("lim")), Name: "test", Metric: m, Amount: amount, Per: per}
}

// Org is an organization of its own.
func Org() id.Org { return id.Org(id.New("org")) }

// Take asks for one call.
func Take(t testing.TB, m limit.Meter, org id.Org, call id.Call, asks ...limit.Ask) ([]limit.State, bool) {
	t.Helper()
	states := make([]limit.State, len(asks))
	if _, err := m.Take(t.Context(), org, call, asks, states); err != nil {
		t.Fatal(err)
	}
	for i := range asks {
		if states[i].Refused && !asks[i].Limit.Watch {
			return states, false
		}
	}
	return states, true
}

func amount(t *testing.T, b Bench) {
	l, org := New(limit.Requests, 5, time.Minute), Org()
	for i := range 5 {
		s, ok := Take(t, b.Meter, org, id.NewCall(), limit.Ask{Limit: l, N: 1})
		if !ok || s[0].Left != int64(4-i) || s[0].Reset <= 0 || s[0].Reset > time.Minute+time.Minute/limit.Slots {
			t.Fatalf("call %d: %v %+v", i, ok, s)
		}
	}
	s, ok := Take(t, b.Meter, org, id.NewCall(), limit.Ask{Limit: l, N: 1})
	if ok || s[0].Left != 0 || s[0].Wait <= 0 || s[0].Wait > time.Minute+time.Minute/limit.Slots {
		t.Fatalf("one more: %v %+v", ok, s)
	}
	short, quick := New(limit.Requests, 1, time.Second), limit.Ask{N: 1}
	quick.Limit = short
	if _, ok := Take(t, b.Meter, org, id.NewCall(), quick); !ok {
		t.Fatal("another limit of the organization is used up")
	}
	b.Pass(time.Second + 2*time.Second/limit.Slots)
	if _, ok := Take(t, b.Meter, org, id.NewCall(), quick); !ok {
		t.Error("a period later there is no room")
	}
}

func allOrNothing(t *testing.T, b Bench) {
	wide, tight, org := New(limit.Requests, 3, time.Minute), New(limit.Requests, 1, time.Minute), Org()
	both := []limit.Ask{{Limit: wide, N: 1}, {Limit: tight, N: 1}}
	if _, ok := Take(t, b.Meter, org, id.NewCall(), both...); !ok {
		t.Fatal("the first is refused")
	}
	for range 5 {
		if s, ok := Take(t, b.Meter, org, id.NewCall(), both...); ok || s[0].Refused || !s[1].Refused {
			t.Fatalf("the tight one lets pass: %+v", s)
		}
	}
	if s, ok := Take(t, b.Meter, org, id.NewCall(), both[0]); !ok || s[0].Left != 1 {
		t.Errorf("calls that were refused count: %+v", s)
	}
}

func watching(t *testing.T, b Bench) {
	l, org := New(limit.Requests, 2, time.Minute), Org()
	l.Watch = true
	refusals := 0
	for range 5 {
		s, ok := Take(t, b.Meter, org, id.NewCall(), limit.Ask{Limit: l, N: 1})
		if !ok {
			t.Fatal("it refuses")
		}
		if s[0].Refused {
			refusals++
		}
	}
	if refusals != 3 {
		t.Errorf("it would have refused %d of 5, with room for 2", refusals)
	}
}

func apart(t *testing.T, b Bench) {
	l, org := New(limit.Requests, 1, time.Minute), Org()
	l.Each = dimension.Key
	for _, who := range []string{"key_a", "key_b"} {
		if _, ok := Take(t, b.Meter, org, id.NewCall(), limit.Ask{Limit: l, Subject: who, N: 1}); !ok {
			t.Errorf("%s pays for another's calls", who)
		}
		if _, ok := Take(t, b.Meter, org, id.NewCall(), limit.Ask{Limit: l, Subject: who, N: 1}); ok {
			t.Errorf("%s is not limited", who)
		}
	}
	if _, ok := Take(t, b.Meter, Org(), id.NewCall(), limit.Ask{Limit: l, Subject: "key_a", N: 1}); !ok {
		t.Error("an organization pays for another's calls")
	}
}

func corrected(t *testing.T, b Bench) {
	l, org, call := New(limit.Tokens, 1000, time.Hour), Org(), id.NewCall()
	ask := limit.Ask{Limit: l, N: 900}
	s, ok := Take(t, b.Meter, org, call, ask)
	if !ok {
		t.Fatal("refused")
	}
	r, ok := ask.Correct(&s[0], limit.Need{Input: 50, Output: 50})
	if !ok || r.N != -800 {
		t.Fatalf("%+v", r)
	}
	b.Meter.Return(org, call, []limit.Return{r})
	b.Settled()
	ask.N = 100
	if s, ok = Take(t, b.Meter, org, call, ask); !ok || s[0].Left != 800 {
		t.Fatalf("after the refund: %+v", s)
	}
	r, _ = ask.Correct(&s[0], limit.Need{Input: 300, Output: 300})
	b.Meter.Return(org, call, []limit.Return{r})
	b.Settled()
	ask.N = 301
	if s, ok = Take(t, b.Meter, org, call, ask); ok || s[0].Left != 300 {
		t.Errorf("after the debt: %+v", s)
	}
	if r, ok := ask.Void(&s[0]); ok {
		t.Errorf("what was refused is given back: %+v", r)
	}
}

func places(t *testing.T, b Bench) {
	l, org := New(limit.Concurrency, 2, 0), Org()
	ask := limit.Ask{Limit: l, N: 1}
	calls := []id.Call{id.NewCall(), id.NewCall(), id.NewCall()}
	var held []limit.State
	for i, call := range calls {
		s, ok := Take(t, b.Meter, org, call, ask)
		if ok != (i < 2) {
			t.Fatalf("call %d: %v %+v", i, ok, s)
		}
		held = append(held, s[0])
	}
	if held[2].Wait <= 0 {
		t.Errorf("told to wait %v", held[2].Wait)
	}
	r, ok := ask.Correct(&held[0], limit.Need{})
	if !ok {
		t.Fatal("its place is not given back")
	}
	b.Meter.Return(org, calls[0], []limit.Return{r})
	b.Settled()
	if _, ok := Take(t, b.Meter, org, calls[2], ask); !ok {
		t.Error("the place is still taken")
	}
	if _, ok := Take(t, b.Meter, org, id.NewCall(), ask); ok {
		t.Error("one place too many")
	}
}

func never(t *testing.T, b Bench) {
	l, org := New(limit.Tokens, 100, time.Minute), Org()
	if s, ok := Take(t, b.Meter, org, id.NewCall(), limit.Ask{Limit: l, N: 101}); ok || s[0].Wait != limit.Never {
		t.Errorf("%v %+v", ok, s)
	}
}

func crowd(t *testing.T, b Bench) {
	l, org := New(limit.Tokens, 5000, time.Hour), Org()
	var in atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			states := make([]limit.State, 1)
			for range 100 {
				n := rand.Int64N(20) + 1
				_, err := b.Meter.Take(t.Context(), org, id.NewCall(), []limit.Ask{{Limit: l, N: n}}, states)
				if err != nil {
					t.Error(err)
				} else if !states[0].Refused {
					in.Add(n)
				}
			}
		})
	}
	wg.Wait()
	if got := in.Load(); got > l.Amount || got < l.Amount-20 {
		t.Errorf("%d of %d were let in", got, l.Amount)
	}
}
