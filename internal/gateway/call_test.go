package gateway_test

import (
	"testing"

	"tollgate/internal/calllog"
)

func TestAnAnswerOfTheSameDialectPassesUnchanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole, "X-Request-Id", "req_9", "Set-Cookie", "a=b", "X-Ratelimit-Remaining-Requests", "7"))
	w.start()
	a := w.chat(ask)
	if a.status != 200 || a.body != whole {
		t.Fatalf("%d %s", a.status, a.body)
	}
	r := w.log.last(t)
	for name, want := range map[string]string{
		"x-tollgate-call-id": r.ID.String(), "x-tollgate-model": "gpt-4o-mini", "x-tollgate-provider": "openai",
		"x-tollgate-attempts": "1", "x-tollgate-cost-usd": "0.000141", "x-request-id": "req_9", "x-ratelimit-remaining-requests": "7",
		"set-cookie": "", "x-tollgate-alias": "",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	// 800 uncached × 0.15 + 200 cached × 0.075 + 10 × 0.60 dollars a million = 141 µ$
	if r.Cost != 141_000 || r.Price != calllog.Priced || r.Outcome != calllog.OK || r.Status != 200 {
		t.Errorf("recorded %+v", r)
	}
	if len(r.Attempts) != 1 || r.Attempts[0].PriceID != "price_mini" || r.Attempts[0].UpstreamID != "chatcmpl-1" {
		t.Errorf("attempts %+v", r.Attempts)
	}
	if w.log.intended() != 1 {
		t.Errorf("intents: %d", w.log.intended())
	}
}

func TestAStreamOfTheSameDialectPassesUnchangedButForTheUsageNobodyAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", streaming(roleChunk, helloChunk, finishChunk, usageChunk, doneChunk))
	w.start()
	a := w.chat(askStream)
	if want := roleChunk + helloChunk + finishChunk + doneChunk; a.body != want || a.status != 200 {
		t.Errorf("%d\n%s", a.status, a.body)
	}
	if got := a.trailer.Get("x-tollgate-cost-usd"); got != "0.000156" {
		t.Errorf("cost trailer %q", got)
	}
	if r := w.log.last(t); r.Cost != 156_000 || r.Outcome != calllog.OK || !r.Stream || r.FirstByte == 0 {
		t.Errorf("recorded %+v", r)
	}
	asked := w.chat(`{"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true},"messages":[]}`)
	if want := roleChunk + helloChunk + finishChunk + usageChunk + doneChunk; asked.body != want {
		t.Errorf("with usage asked for:\n%s", asked.body)
	}
}
