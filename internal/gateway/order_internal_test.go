package gateway

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollgate/internal/alias"
	"tollgate/internal/health"
	"tollgate/internal/provider"
	"tollgate/internal/route"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// planned makes a plan from words: "a", "b" are targets, "f:rate_limit+timeout" a fallback for these causes, "f" one for the usual.
func planned(attempts int, retry alias.Retry, words ...string) *route.Plan {
	p := &route.Plan{Attempts: attempts, Retry: retry}
	// the first letter is the provider
	for _, w := range words {
		name, on, _ := strings.Cut(w, ":")
		t := route.Target{Model: name, Fallback: name[0] == 'f', Health: health.Target{Org: "org_1", Provider: name[:1], Model: name}}
		for _, c := range strings.FieldsFunc(on, func(r rune) bool { return r == '+' }) {
			t.On = append(t.On, alias.Cause(c))
		}
		p.Targets = append(p.Targets, t)
	}
	return p
}

// play runs an order in which every attempt fails by the next class, and tells who was asked.
func play(p *route.Plan, b *health.Board, classes ...provider.Class) string {
	o, now := newOrder(p), noon
	var asked []string
	for n := range p.Attempts {
		s := o.next(b, now)
		if s.target < 0 {
			break
		}
		now = now.Add(s.wait)
		asked = append(asked, p.Targets[s.target].Model)
		if n >= len(classes) || !o.failed(s.target, &provider.Refusal{Class: classes[n]}, now) {
			break
		}
	}
	return strings.Join(asked, " ")
}

const (
	limited   = provider.ClassRateLimited
	busy      = provider.ClassOverloaded
	silent    = provider.ClassTimeout
	failed    = provider.ClassServer
	long      = provider.ClassContext
	forbidden = provider.ClassContent
	wrong     = provider.ClassInvalid
	unknown   = provider.ClassNotFound
	unpaid    = provider.ClassQuota
	refusing  = provider.ClassCredential
)

func TestWhoIsAskedAfterAFailure(t *testing.T) {
	t.Parallel()
	none := alias.Retry{}
	once, twice := alias.Retry{Attempts: 1}, alias.Retry{Attempts: 2}
	type fails = []provider.Class
	tests := []struct {
		name  string
		plan  *route.Plan
		fails fails
		asked string
	}{
		{"the first one, if it answers", planned(3, none, "a", "b"), nil, "a"},
		{"the next one", planned(3, none, "a", "b"), fails{failed}, "a b"},
		{"the next one after a refused credential", planned(3, none, "a", "b"), fails{refusing}, "a b"},
		{"the next one where the model is unknown", planned(3, none, "a", "b"), fails{unknown}, "a b"},
		{"nobody after a wrong request", planned(3, none, "a", "b", "f"), fails{wrong}, "a"},
		{"nobody after a long prompt", planned(3, none, "a", "b", "f"), fails{long}, "a"},
		{"a fallback for long prompts", planned(3, none, "a", "b", "f:context_window"), fails{long}, "a f"},
		{"a fallback for content", planned(3, none, "a", "f1:context_window", "f2:content_policy"), fails{forbidden}, "a f2"},
		{"no fallback that is for something else", planned(2, none, "a", "f:context_window"), fails{limited}, "a a"},
		{"a fallback for the usual causes", planned(3, none, "a", "f"), fails{busy}, "a f"},
		{"all targets before a fallback", planned(4, none, "a", "f", "b"), fails{failed, failed}, "a b f"},
		{"a fallback's own failure decides on the next fallback", planned(4, none, "a", "f1:rate_limit", "f2:context_window"), fails{limited, long}, "a f1 f2"},
		{"one attempt", planned(1, none, "a", "b"), fails{failed, failed}, "a"},
		{"others first, then the same again", planned(2, none, "a"), fails{failed, failed}, "a a"},
		{"another provider first", planned(3, none, "a1", "a2", "b"), fails{failed, failed}, "a1 b a2"},
		{"another credential first, where the account is at fault", planned(3, none, "a1", "a2", "b"), fails{limited, limited}, "a1 a2 b"},
		{"never the same again, where the route says so", planned(5, once, "a", "b"), fails{failed, failed, failed}, "a b"},
		{"the same again first, where the route says so", planned(5, twice, "a", "b"), fails{failed, failed, failed, failed}, "a a b b"},
		{"not for a cause that the route leaves out", planned(5, alias.Retry{Attempts: 2, On: []alias.Cause{alias.RateLimit}}, "a", "b"), fails{failed, failed}, "a b"},
		{"not at a refused credential", planned(5, twice, "a"), fails{refusing, refusing}, "a"},
		{"not at an empty account", planned(5, twice, "a"), fails{unpaid, unpaid}, "a"},
		{"not at an unknown model", planned(5, none, "a"), fails{unknown, unknown}, "a"},
		{"a long prompt is not repeated", planned(5, alias.Retry{On: alias.Causes}, "a"), fails{wrong}, "a"},
		{"time-outs may be", planned(3, none, "a"), fails{silent, silent, silent}, "a a a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := play(tt.plan, health.New(0), tt.fails...); got != tt.asked {
				t.Errorf("asked %s, want %s", got, tt.asked)
			}
		})
	}
}

// eject opens the breaker of a plan's targets.
func eject(b *health.Board, p *route.Plan, v health.Verdict, names ...string) {
	for i := range p.Targets {
		for _, n := range names {
			if p.Targets[i].Model != n {
				continue
			}
			for range 5 {
				f := b.Begin(p.Targets[i].Health, noon)
				f.End(health.Result{Verdict: v, After: time.Minute}, noon)
			}
		}
	}
}

func TestAnEjectedTargetIsPassedOverWhileThereIsAnother(t *testing.T) {
	t.Parallel()
	none := alias.Retry{}
	type fails = []provider.Class
	tests := []struct {
		name    string
		plan    *route.Plan
		of      health.Verdict
		ejected []string
		fails   fails
		asked   string
	}{
		{"for the next", planned(3, none, "a", "b"), health.Failing, []string{"a"}, nil, "b"},
		{"for a fallback", planned(3, none, "a", "f"), health.Failing, []string{"a"}, nil, "f"},
		{"for a fallback that answers to the ejection", planned(3, none, "a", "f1:context_window", "f2:rate_limit"), health.Limited, []string{"a"}, nil, "f2"},
		{"not for a fallback that does not", planned(3, none, "a", "f:context_window"), health.Limited, []string{"a"}, nil, "a"},
		{"not if it is the last", planned(3, none, "a"), health.Failing, []string{"a"}, nil, "a"},
		{"not if all are", planned(2, none, "a", "b", "f"), health.Failing, []string{"a", "b", "f"}, fails{failed}, "a b"},
		{"and asked when the other fails", planned(3, none, "a", "b"), health.Failing, []string{"a"}, fails{failed}, "b a"},
		{"but not where it would refuse by rule", planned(3, none, "a", "b"), health.Limited, []string{"a"}, fails{failed, failed}, "b b b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := health.New(0)
			eject(b, tt.plan, tt.of, tt.ejected...)
			if got := play(tt.plan, b, tt.fails...); got != tt.asked {
				t.Errorf("asked %s, want %s", got, tt.asked)
			}
		})
	}
}

// A repeat that the route asks for does not keep a call at a target that was ejected meanwhile, or that asks for a long wait.
func TestARoutesOwnRepeatsAreForTargetsThatCanAnswer(t *testing.T) {
	t.Parallel()
	b, p := health.New(0), planned(4, alias.Retry{Attempts: 2}, "a", "b")
	o := newOrder(p)
	s := o.next(b, noon)
	s.flight.End(health.Result{Verdict: health.Limited, After: 30 * time.Second}, noon)
	o.failed(s.target, &provider.Refusal{Class: limited, RetryAfter: 30 * time.Second}, noon)
	if s = o.next(b, noon); p.Targets[s.target].Model != "b" {
		t.Errorf("asked %s again", p.Targets[s.target].Model)
	}
	o.failed(s.target, &provider.Refusal{Class: busy, RetryAfter: 3 * time.Second}, noon)
	if s = o.next(nil, noon); p.Targets[s.target].Model != "b" || s.wait < 3*time.Second || !s.repeat {
		t.Errorf("%+v", s)
	}
}

// Whatever fails how: no target that may not answer is asked, none more often than the route allows, and the first is always asked.
func TestTheOrderHoldsItsRules(t *testing.T) {
	t.Parallel()
	causesOf := rapid.SliceOfNDistinct(rapid.SampledFrom(alias.Causes), 0, 6, func(c alias.Cause) alias.Cause { return c })
	rapid.Check(t, func(rt *rapid.T) {
		p := &route.Plan{Attempts: rapid.IntRange(1, 10).Draw(rt, "attempts"), Retry: alias.Retry{
			Attempts: rapid.IntRange(0, 3).Draw(rt, "retries"), On: causesOf.Draw(rt, "retry on"),
		}}
		b := health.New(0)
		var ejected causes // for which targets that are no fallback are ejected
		for i := range rapid.IntRange(1, 6).Draw(rt, "targets") {
			t := route.Target{Fallback: i > 0 && rapid.Bool().Draw(rt, "fallback"), Health: health.Target{Org: "o", Provider: fmt.Sprint(i)}}
			if t.Fallback {
				t.On = causesOf.Draw(rt, "on")
			}
			p.Targets = append(p.Targets, t)
			if rapid.Bool().Draw(rt, "ejected") {
				of := rapid.SampledFrom([]health.Verdict{health.Limited, health.Unknown, health.Denied}).Draw(rt, "of")
				f := b.Begin(t.Health, noon)
				f.End(health.Result{Verdict: of, After: time.Hour}, noon)
				if !t.Fallback {
					ejected |= cause(ejections[of])
				}
			}
		}
		o, now, tried := newOrder(p), noon, map[int]int{}
		var last alias.Cause
		for n := range p.Attempts {
			s := o.next(b, now)
			if s.target < 0 {
				if n == 0 {
					rt.Fatal("nobody was asked")
				}
				return
			}
			target := &p.Targets[s.target]
			if n > 0 && tried[s.target] == 0 && target.Fallback && !(ejected | cause(last)).answered(target.On) {
				rt.Fatalf("a fallback on %v is asked after %q", target.On, last)
			}
			if tried[s.target] > 0 && (!s.repeat || !p.Retry.Answers(last) && len(p.Targets) == 1) {
				rt.Fatalf("asked again after %q, which is repeated on %v", last, p.Retry.On)
			}
			tried[s.target]++
			if most := p.Retry.Attempts; most > 0 && tried[s.target] > most {
				rt.Fatalf("asked %d times, at most %d are allowed", tried[s.target], most)
			}
			now = now.Add(s.wait)
			r := &provider.Refusal{Class: provider.Class(rapid.IntRange(0, int(provider.ClassConnect)).Draw(rt, "class"))}
			s.flight.End(health.Result{Verdict: follows(r).verdict}, now)
			last = follows(r).cause
			if !target.Fallback { // it may have been ejected just now
				ejected |= cause(ejections[follows(r).verdict])
			}
			if !o.failed(s.target, r, now) {
				return
			}
		}
	})
}
