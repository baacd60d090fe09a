package gateway_test

import (
	"errors"
	"strings"
	"testing"

	"tollgate/internal/alias"
	"tollgate/internal/budget"
	"tollgate/internal/calllog"
)

// TestAUseThatHasNoPriceIsChargedAtItsBound: the provider reports what no list has a rate for; that it cost nothing is no evidence.
func TestAUseThatHasNoPriceIsChargedAtItsBound(t *testing.T) {
	t.Parallel()
	spoken := strings.Replace(whole, `"prompt_tokens_details"`, `"completion_tokens_details":{"audio_tokens":7},"prompt_tokens_details"`, 1)
	w := newWorld(t)
	w.connect("openai", answering(200, spoken))
	w.budget(dollar, nil)
	w.start()
	w.chat(askCapped)
	r, said := w.log.last(t), w.log.announced()
	if r.Price != calllog.Unpriced {
		t.Fatalf("the answer is %q: %+v", r.Price, r.Usage)
	}
	if spent := w.idle(); len(r.Charges) != 1 || r.Charges[0].Amount != said[0].Charges[0].Amount || spent != said[0].Charges[0].Amount {
		t.Errorf("charged %+v and spent %d, announced %+v", r.Charges, spent, said[0].Charges)
	}
}

// TestACallThatCannotBeAnnouncedIsNotMadeAndCostsNothing: the provider is not called, and nothing stays held for it.
func TestACallThatCannotBeAnnouncedIsNotMadeAndCostsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.budget(dollar, nil)
	w.start()
	w.log.unable = errors.New("disk")
	if a := w.chat(askCapped); a.status != 503 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if spent := w.idle(); spent != 0 {
		t.Errorf("spent %d by a call that was not made", spent)
	}
}

// TestABudgetMovesACallOnceAndThenRefuses: the alias to which it is moved falls under the same budget.
func TestABudgetMovesACallOnceAndThenRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	b := w.budget(1, func(b *budget.Budget) { b.Action, b.MoveTo = budget.Move, "cheap" })
	w.alias("cheap", alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o-mini"}}})
	w.start()
	if a := w.chat(askCapped); a.status != 402 || a.code() != "budget.exceeded" {
		t.Errorf("%d %s", a.status, a.body)
	}
	r := w.log.last(t)
	var did []calllog.Did
	for _, k := range r.Checks {
		if k.By == string(b.ID) {
			did = append(did, k.Did)
		}
	}
	if len(did) != 2 || did[0] != calllog.DidMove || did[1] != calllog.DidRefuse {
		t.Errorf("it did %v, want that it moved the call, and then refused it", did)
	}
}
