package gateway_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/budget"
	"tollgate/internal/budget/lease"
	"tollgate/internal/budget/lease/leasetest"
	"tollgate/internal/calllog"
	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

const (
	dollar = money.NanoUSD(1_000_000_000)
	// wholeCost is what the answer whole costs: 800, 200 cached and 10 tokens.
	wholeCost = money.NanoUSD(141_000)
	// askCapped may cost at most about 600 times 10 tokens and its own bytes.
	askCapped = `{"model":"gpt-4o-mini","max_tokens":1000,"messages":[{"role":"user","content":"hi"}]}`
)

// budget adds a budget to the organization: one that blocks, of so much in all.
func (w *world) budget(limit money.NanoUSD, change func(*budget.Budget)) *budget.Budget {
	w.t.Helper()
	if w.book == nil {
		w.auth = leasetest.New(time.Now)
		w.book = lease.New(lease.Deps{
			Authority: w.auth, Holder: lease.Holder{ID: id.NewHolder(), Proxy: "prx", Boot: "b"}, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		}, lease.Config{})
	}
	b := budget.Budget{
		ID: id.Budget(id.New("bud")), Name: "Team research", Mode: budget.Block, Wait: -1, Limits: []budget.Limit{{Period: budget.Total, Amount: limit}},
	}
	if change != nil {
		change(&b)
	}
	w.auth.Add(&b)
	w.org.Budgets = append(w.org.Budgets, b)
	return &b
}

// idle fails the test unless nothing is open, and gives what was spent.
func (w *world) idle() money.NanoUSD {
	w.t.Helper()
	until := time.Now().Add(10 * time.Second)
	for {
		_, open := w.book.Held()
		if open == 0 {
			return w.book.Spent()
		}
		if time.Now().After(until) {
			w.t.Fatalf("%d is still held", open)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (l *memoryLog) announced() []calllog.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]calllog.Record(nil), l.intents...)
}

func TestACallIsHeldAtItsBoundAndChargedWhatItCost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.DashboardURL = "https://tollgate.example"
	w.connect("openai", answering(200, whole))
	b := w.budget(dollar, nil)
	w.start()
	if a := w.chat(askCapped); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	r := w.log.last(t)
	said := w.log.announced()
	if len(said) != 1 || len(said[0].Charges) != 1 || said[0].Charges[0].Amount < 600_000 || said[0].Charges[0].Amount > 700_000 {
		t.Errorf("announced %+v, want about a thousand tokens' price", said[0].Charges)
	}
	if len(r.Charges) != 1 || r.Charges[0].Amount != wholeCost || r.Charges[0].Budget != b.ID || r.Charges[0].Holder == (id.Holder{}) || r.Cost != wholeCost {
		t.Errorf("charged %+v, cost %d", r.Charges, r.Cost)
	}
	if spent := w.idle(); spent != wholeCost {
		t.Errorf("spent %d", spent)
	}
}

// TestARefusalByABudgetSaysAllThatItTakes: which budget, how much is left, what the call could cost, and what to do; in each dialect's way.
func TestARefusalByABudgetSaysAllThatItTakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.DashboardURL = "https://tollgate.example"
	var reached atomic.Int32
	w.connect("openai", func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	b := w.budget(500_000, func(b *budget.Budget) { b.Limits[0].Period = budget.Day })
	w.start()
	a := w.chat(askCapped)
	if a.status != 402 || a.code() != "budget.exceeded" || a.header.Get("X-Should-Retry") != "false" || a.header.Get("Retry-After") == "" ||
		!strings.Contains(a.body, `"type":"insufficient_quota"`) {
		t.Errorf("%d %v %s", a.status, a.header, a.body)
	}
	for _, part := range []string{`Team research`, "$0.0005 a day", "$0.0005 is left", "could cost up to $0.0006", "It starts anew on ", "max_tokens", "https://tollgate.example/budgets/" + string(b.ID)} {
		if !strings.Contains(a.body, part) {
			t.Errorf("the refusal does not say %q: %s", part, a.body)
		}
	}
	r := w.log.last(t)
	if r.Outcome != calllog.Refused || len(r.Checks) != 1 || r.Checks[0].By != string(b.ID) || r.Checks[0].Did != calllog.DidRefuse ||
		r.Checks[0].Period != "day" || r.Checks[0].Short < 100_000 || len(r.Charges) != 0 || len(w.log.announced()) != 0 {
		t.Errorf("recorded %+v", r)
	}
	a = w.post("/v1/messages", `{"model":"openai/gpt-4o-mini","max_tokens":1000,"messages":[{"role":"user","content":"hi"}]}`, "Anthropic-Version", "2023-06-01")
	if a.status != 402 || !strings.Contains(a.body, `"billing_error"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	_ = w.log.last(t)
	w.key.BudgetStatus = 429
	if a = w.chat(askCapped); a.status != 429 || a.header.Get("X-Should-Retry") != "false" {
		t.Errorf("%d %v", a.status, a.header)
	}
	if reached.Load() != 0 || w.idle() != 0 {
		t.Error("a refused call reached the provider, or was charged")
	}
}

func TestWhatHasNoPriceOrNoBoundIsRefusedUnderABudgetThatMustHold(t *testing.T) {
	t.Parallel()
	for mode, status := range map[budget.Mode]int{budget.Block: 402, budget.Watch: 200} {
		w := newWorld(t)
		w.connect("openai", answering(200, whole))
		b := w.budget(dollar, func(b *budget.Budget) { b.Mode = mode })
		w.start()
		a := w.chat(strings.Replace(askCapped, "gpt-4o-mini", "openai/gpt-unheard-of", 1))
		r := w.log.last(t)
		if a.status != status || len(r.Checks) != 1 || r.Checks[0].By != string(b.ID) {
			t.Errorf("%s: %d %s, checks %+v", mode, a.status, a.body, r.Checks)
		}
		if status == 402 && a.code() != "budget.unpriced" {
			t.Errorf("%s", a.body)
		}
		w.idle()
	}
}

func TestAWarningBudgetTellsTheClientAndLetsTheCallPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.budget(200_000, func(b *budget.Budget) { b.Mode = budget.Warn })
	w.start()
	defer runBook(t, w.book)()
	said := ""
	for range 40 {
		a := w.chat(askCapped)
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if r := w.log.last(t); len(r.Charges) != 1 || r.Charges[0].Amount != wholeCost {
			t.Fatalf("charges %+v", r.Charges)
		}
		if said = a.header.Get("X-Tollgate-Budget-Warning"); said != "" {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if !strings.Contains(said, "Team research") {
		t.Errorf("never warned: %q", said)
	}
}

func runBook(t *testing.T, b *lease.Book) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = b.Run(ctx) }()
	return func() { cancel(); <-done }
}

// TestAProvidersBudgetPassesItsTargetsOver: another target serves the call; where there is none, the refusal names the budget.
func TestAProvidersBudgetPassesItsTargetsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.connect("anthropic", answering(200, `{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":5}}`))
	b := w.budget(1000, func(b *budget.Budget) {
		b.Selector = dimension.Selector{{Dimension: dimension.Provider, Value: "openai"}}
	})
	w.alias("two", alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o-mini"}, {Provider: "anthropic", Model: "claude-haiku-4-5"}}})
	w.start()
	a := w.chat(strings.Replace(askCapped, "gpt-4o-mini", "two", 1))
	r := w.log.last(t)
	if a.status != 200 || r.Provider != "anthropic" || len(r.Checks) != 1 || r.Checks[0].Did != calllog.DidMove || len(r.Charges) != 0 {
		t.Errorf("%d %s: %s, %+v", a.status, a.body, r.Provider, r.Checks)
	}
	a = w.chat(askCapped)
	if r = w.log.last(t); a.status != 402 || a.code() != "budget.exceeded" || len(r.Checks) != 1 || r.Checks[0].Did != calllog.DidRefuse || r.Checks[0].By != string(b.ID) {
		t.Errorf("%d %s, %+v", a.status, a.body, r.Checks)
	}
	w.idle()
}

func TestABudgetMovesACallToItsAlias(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.connect("anthropic", answering(500, `{}`))
	b := w.budget(dollar/1000, func(b *budget.Budget) { b.Action, b.MoveTo = budget.Move, "cheap" })
	w.alias("dear", alias.Route{Targets: []alias.Target{{Provider: "anthropic", Model: "claude-haiku-4-5"}}})
	w.alias("cheap", alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o-mini"}}})
	w.start()
	a := w.chat(strings.Replace(askCapped, "gpt-4o-mini", "dear", 1))
	r := w.log.last(t)
	if a.status != 200 || r.Alias != "cheap" || r.Provider != "openai" || a.header.Get("X-Tollgate-Moved") != "cheap" || r.Requested != "dear" {
		t.Fatalf("%d %s %v: %+v", a.status, a.body, a.header, r)
	}
	if len(r.Checks) != 1 || r.Checks[0].Did != calllog.DidMove || r.Checks[0].By != string(b.ID) || len(r.Charges) != 1 || r.Charges[0].Amount != wholeCost {
		t.Errorf("checks %+v, charges %+v", r.Checks, r.Charges)
	}
	a = w.chat(strings.Replace(strings.Replace(askCapped, "gpt-4o-mini", "dear", 1), "1000", "100000", 1))
	if r = w.log.last(t); a.status != 402 || len(r.Attempts) != 0 {
		t.Errorf("there is no room at the other alias either: %d %s", a.status, a.body)
	}
	w.idle()
}

func TestABudgetClampsTheOutputToWhatIsLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var sent atomic.Value
	w.connect("openai", func(rw http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		sent.Store(string(raw))
		answering(200, whole)(rw, r)
	})
	b := w.budget(300_000, func(b *budget.Budget) { b.Action, b.Floor = budget.Clamp, 200 })
	w.start()
	a := w.chat(askCapped)
	r := w.log.last(t)
	if a.status != 200 || a.header.Get("X-Tollgate-Clamped") == "" || len(r.Checks) != 1 || r.Checks[0].Did != calllog.DidClamp || r.Checks[0].By != string(b.ID) {
		t.Fatalf("%d %s %v, %+v", a.status, a.body, a.header, r.Checks)
	}
	if body, _ := sent.Load().(string); !strings.Contains(body, `:`+a.header.Get("X-Tollgate-Clamped")) {
		t.Errorf("sent %s, clamped to %s", body, a.header.Get("X-Tollgate-Clamped"))
	}
	if a = w.chat(askCapped); a.status != 402 {
		t.Errorf("less than the floor is left: %d %s", a.status, a.body)
	}
	w.idle()
}

// TestOnlyEvidenceIsLessThanTheBound: what the provider did is charged at its bound unless somebody who must know says otherwise.
func TestOnlyEvidenceIsLessThanTheBound(t *testing.T) {
	t.Parallel()
	silent := strings.Replace(whole, `,"usage":{"prompt_tokens":1000,"completion_tokens":10,"total_tokens":1010,"prompt_tokens_details":{"cached_tokens":200}}`, "", 1)
	none := strings.Replace(whole, `"prompt_tokens":1000,"completion_tokens":10,"total_tokens":1010,"prompt_tokens_details":{"cached_tokens":200}`, `"prompt_tokens":0,"completion_tokens":0`, 1)
	const most = -1
	for name, tt := range map[string]struct {
		provider http.HandlerFunc
		body     string
		charge   money.NanoUSD // most: the bound
	}{
		"it reports what was used":             {answering(200, whole), askCapped, wholeCost},
		"it reports it at the end of a stream": {streaming(roleChunk, helloChunk, finishChunk, usageChunk, doneChunk), strings.Replace(askCapped, `{`, `{"stream":true,`, 1), 156_000},
		"it does not say":                      {answering(200, silent), askCapped, most},
		"it says that nothing was used":        {answering(200, none), askCapped, most},
		"its stream breaks off":                {resetting(roleChunk, helloChunk), strings.Replace(askCapped, `{`, `{"stream":true,`, 1), most},
		"its answer breaks off":                {resetting(whole[:80]), askCapped, most},
		"it refuses":                           {answering(400, `{"error":{"message":"no","type":"invalid_request_error"}}`), askCapped, 0},
		"it answers nonsense":                  {answering(200, `{}`), askCapped, most},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.connect("openai", tt.provider)
			w.alias("once", alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o-mini"}}, Retry: alias.Retry{Attempts: 1}})
			w.budget(dollar, nil)
			w.start()
			w.chat(strings.Replace(tt.body, "gpt-4o-mini", "once", 1))
			r := w.log.last(t)
			want := tt.charge
			if said := w.log.announced(); want == most {
				want = said[len(said)-1].Charges[0].Amount
			}
			var got money.NanoUSD
			for _, c := range r.Charges {
				got += c.Amount
			}
			if len(r.Attempts) != 1 || got != want || w.idle() != want {
				t.Errorf("charged %d (%d attempts), spent %d, want %d", got, len(r.Attempts), w.idle(), want)
			}
		})
	}
	t.Run("it was never reached", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.connectURL("openai", "http://127.0.0.1:1")
		w.budget(dollar, nil)
		w.start()
		w.chat(askCapped)
		if r := w.log.last(t); len(r.Charges) != 0 || w.idle() != 0 || len(r.Attempts) == 0 {
			t.Errorf("%+v", r.Charges)
		}
	})
}

// TestEachAttemptIsAnnouncedWithWhatWentBefore: a crash leaves the call charged with all that it may have cost.
func TestEachAttemptIsAnnouncedWithWhatWentBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", resetting(whole[:80]))
	w.connect("anthropic", answering(200, `{"id":"msg_1","type":"message","role":"assistant","model":"claude-haiku-4-5","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":5}}`))
	w.alias("two", alias.Route{
		Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o-mini"}}, Fallbacks: []alias.Fallback{{Target: alias.Target{Provider: "anthropic", Model: "claude-haiku-4-5"}}},
	})
	w.budget(dollar, nil)
	w.start()
	if a := w.chat(strings.Replace(askCapped, "gpt-4o-mini", "two", 1)); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	r, said := w.log.last(t), w.log.announced()
	if len(said) != 2 || said[1].Charges[0].Amount <= said[0].Charges[0].Amount+5_000_000-1000 {
		t.Fatalf("announced %+v", said)
	}
	if want := said[0].Charges[0].Amount + 35_000; len(r.Charges) != 1 || r.Charges[0].Amount != want || w.idle() != want {
		t.Errorf("charged %+v, want the first attempt's bound and the second's cost, %d", r.Charges, want)
	}
}

func TestACallWhoseEndIsNotWrittenStaysChargedAsAnnounced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.budget(dollar, nil)
	w.start()
	w.log.refuses = errors.New("disk")
	w.chat(askCapped)
	if spent, said := w.idle(), w.log.announced(); spent != said[0].Charges[0].Amount {
		t.Errorf("spent %d, announced %d", spent, said[0].Charges[0].Amount)
	}
}

func TestWithoutLeasesABudgetThatMustHoldRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.budget(dollar, nil)
	w.book = nil
	w.start()
	if a := w.chat(askCapped); a.status != 503 || a.code() != "budget.authority_unavailable" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestNoHoldOutlivesItsCall: clients leave at any moment, on several routes, and nothing stays held.
func TestNoHoldOutlivesItsCall(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.DrainTime = 20 * time.Millisecond
	slow := func(next http.HandlerFunc) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Duration(time.Now().UnixNano()%7) * time.Millisecond)
			next(rw, r)
		}
	}
	w.connect("openai", slow(streaming(roleChunk, helloChunk, finishChunk, usageChunk, doneChunk)))
	w.connect("anthropic", slow(resetting("x")))
	w.alias("two", alias.Route{
		Targets: []alias.Target{{Provider: "anthropic", Model: "claude-haiku-4-5"}}, Fallbacks: []alias.Fallback{{Target: alias.Target{Provider: "openai", Model: "gpt-4o-mini"}}},
	})
	w.alias("abort", alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o-mini"}}, OnDisconnect: alias.Abort})
	w.budget(dollar/20, func(b *budget.Budget) { b.Wait = 3 * time.Millisecond })
	w.budget(dollar, func(b *budget.Budget) {
		b.Selector = dimension.Selector{{Dimension: dimension.Provider, Value: "openai"}}
	})
	w.budget(dollar/1000, func(b *budget.Budget) { b.Mode = budget.Watch })
	w.start()
	defer runBook(t, w.book)()
	var group sync.WaitGroup
	for n := range 600 {
		group.Go(func() {
			body := strings.Replace(strings.Replace(askCapped, `{`, `{"stream":true,`, 1), "gpt-4o-mini", []string{"gpt-4o-mini", "two", "abort"}[n%3], 1)
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n%23)*700*time.Microsecond)
			defer cancel()
			resp, err := http.DefaultClient.Do(w.request("/v1/chat/completions", body).WithContext(ctx))
			if err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
		if n%20 == 0 {
			time.Sleep(5 * time.Millisecond)
		}
	}
	group.Wait()
	w.idle()
}
