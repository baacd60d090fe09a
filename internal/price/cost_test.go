package price_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tollgate/internal/chat"
	"tollgate/internal/money"
	"tollgate/internal/price"
)

// list makes rates from dollars a million units.
func list(t testing.TB, dollars map[chat.Class]string) price.Rates {
	t.Helper()
	var r price.Rates
	for c, s := range dollars {
		p, err := money.ParsePerMillion(s)
		if err != nil {
			t.Fatal(err)
		}
		r = r.Set(c, p)
	}
	return r
}

type units map[chat.Class]int64

func (u units) array() (out chat.Units) {
	for c, n := range u {
		out[c] = n
	}
	return out
}

func TestCostEqualsTheHandComputation(t *testing.T) {
	t.Parallel()
	gpt4o := price.Record{Rates: list(t, map[chat.Class]string{chat.Input: "2.5", chat.CacheRead: "1.25", chat.Output: "10"})}
	haiku := price.Record{Rates: list(t, map[chat.Class]string{
		chat.Input: "1", chat.CacheRead: "0.1", chat.CacheWrite5m: "1.25", chat.CacheWrite1h: "2", chat.Output: "5",
	})}
	long := price.Record{
		Rates: list(t, map[chat.Class]string{chat.Input: "2.5", chat.CacheRead: "0.25", chat.Output: "15"}),
		Tiers: []price.Tier{{AboveInput: 272_000, Rates: list(t, map[chat.Class]string{chat.Input: "5", chat.CacheRead: "0.5", chat.Output: "22.5"})}},
	}
	mini := price.Record{Rates: list(t, map[chat.Class]string{chat.Input: "0.15", chat.CacheRead: "0.075", chat.Output: "0.6"})}
	thinker := price.Record{Rates: list(t, map[chat.Class]string{chat.Input: "1", chat.Output: "4", chat.Reasoning: "6"})}
	free := price.Record{Rates: list(t, map[chat.Class]string{chat.Input: "0", chat.Output: "0"})}

	// Prices of single things, in dollars a million: a page of $0.004, a second of $0.0001 (so $0.0000001 a millisecond).
	gptImage := price.Record{Rates: list(t, map[chat.Class]string{chat.Input: "5", chat.CacheRead: "1.25", chat.InputImage: "10", chat.OutputImage: "40"})}
	flux := price.Record{Rates: list(t, map[chat.Class]string{chat.Images: "40000"})}
	promptAndImage := price.Record{Rates: list(t, map[chat.Class]string{chat.Input: "5", chat.Images: "40000"})}
	whisper := price.Record{Rates: list(t, map[chat.Class]string{chat.AudioMS: "0.1"})}
	transcribe := price.Record{Rates: list(t, map[chat.Class]string{chat.Input: "2.5", chat.InputAudio: "6", chat.Output: "10", chat.AudioMS: "0.1"})}
	tts := price.Record{Rates: list(t, map[chat.Class]string{chat.Characters: "15"})}
	speech := price.Record{Rates: list(t, map[chat.Class]string{chat.Input: "0.6", chat.OutputAudio: "12"})}
	rerank := price.Record{Rates: list(t, map[chat.Class]string{chat.SearchUnits: "2000"})}
	ocr := price.Record{Rates: list(t, map[chat.Class]string{chat.Pages: "4000"})}
	online := price.Record{Rates: list(t, map[chat.Class]string{chat.Input: "1", chat.Output: "1", chat.Requests: "5000"})}
	hosted := price.Record{Rates: list(t, map[chat.Class]string{chat.Input: "1", chat.Output: "1", chat.FileSearch: "2500", chat.CodeSession: "30000"})}

	for _, tt := range []struct {
		name  string
		rec   price.Record
		units units
		want  money.NanoUSD
		state price.State
	}{
		// prompt_tokens 2006 of which 1920 cached, completion 300:
		// 86 × 2500 + 1920 × 1250 + 300 × 10000 = 215 000 + 2 400 000 + 3 000 000 nano
		{"OpenAI: cached tokens are part of the prompt and cost half", gpt4o, units{chat.Input: 86, chat.CacheRead: 1920, chat.Output: 300}, 5_615_000, price.Priced},
		// 21 × 1000 + 188 086 × 100 + 1000 × 1250 + 456 × 2000 + 393 × 5000
		{"Anthropic: five-minute and one-hour cache writes have their own rates", haiku, units{chat.Input: 21, chat.CacheRead: 188_086, chat.CacheWrite5m: 1000, chat.CacheWrite1h: 456, chat.Output: 393}, 22_956_600, price.Priced},
		// (1000 + 2500) × 10 000
		{"reasoning without a rate of its own is output", gpt4o, units{chat.Output: 1000, chat.Reasoning: 2500}, 35_000_000, price.Priced},
		// 1000 × 4000 + 2500 × 6000
		{"reasoning with a rate of its own is billed at it", thinker, units{chat.Output: 1000, chat.Reasoning: 2500}, 19_000_000, price.Priced},
		// 272 000 × 2500 + 10 × 15 000
		{"at the bound the base list holds", long, units{chat.Input: 2000, chat.CacheRead: 270_000, chat.Output: 10}, 5_000_000 + 67_500_000 + 150_000, price.Priced},
		// one token more: 2001 × 5000 + 270 000 × 500 + 10 × 22 500
		{"above the bound the long-context list holds for the whole call", long, units{chat.Input: 2001, chat.CacheRead: 270_000, chat.Output: 10}, 10_005_000 + 135_000_000 + 225_000, price.Priced},
		// 1 × 150 000 + 1 × 75 000 + 1 × 600 000 pico = 825 000 pico = 825 nano
		{"prices below a nano-dollar a token add up exactly", mini, units{chat.Input: 1, chat.CacheRead: 1, chat.Output: 1}, 825, price.Priced},
		{"a cache read without a discount is input", thinker, units{chat.CacheRead: 7}, 7000, price.Priced},
		{"no units cost nothing", gpt4o, units{}, 0, price.Priced},
		{"a model listed at zero is free", free, units{chat.Input: 1000, chat.Output: 5, chat.Reasoning: 5, chat.CacheRead: 3}, 0, price.Free},
		{"cache writes without a rate are unpriced", gpt4o, units{chat.Input: 5, chat.CacheWrite5m: 1}, 0, price.Unpriced},
		{"one-hour cache writes never take the five-minute rate", price.Record{Rates: list(t, map[chat.Class]string{chat.Input: "1", chat.CacheWrite5m: "1.25"})}, units{chat.CacheWrite1h: 1}, 0, price.Unpriced},
		{"audio never takes the text rate", gpt4o, units{chat.InputAudio: 1}, 0, price.Unpriced},
		{"an unpriced class of a free model is unpriced", free, units{chat.WebSearch: 1}, 0, price.Unpriced},
		{"a record without rates prices nothing", price.Record{}, units{}, 0, price.Unpriced},
		// 50 × 5000 + 200 × 10 000 + 4160 × 40 000; the image itself is those tokens
		{"an image that is counted in tokens is billed by them", gptImage, units{chat.Input: 50, chat.InputImage: 200, chat.OutputImage: 4160, chat.Images: 1}, 250_000 + 2_000_000 + 166_400_000, price.Priced},
		{"an image without tokens has no price in a list of tokens", gptImage, units{chat.Images: 1}, 0, price.Unpriced},
		{"an image has a price of its own", flux, units{chat.Images: 3}, 120_000_000, price.Priced},
		{"a list of images bills no tokens", flux, units{chat.Images: 1, chat.Input: 20, chat.OutputImage: 4160}, 40_000_000, price.Priced},
		{"tokens alone have no price in a list of images", flux, units{chat.Input: 20}, 0, price.Unpriced},
		{"the prompt is billed beside the image where both are listed", promptAndImage, units{chat.Input: 20, chat.Images: 1, chat.OutputImage: 9}, 40_100_000, price.Priced},
		{"image tokens without a rate of their own are input", gpt4o, units{chat.Input: 10, chat.InputImage: 90}, 250_000, price.Priced},
		{"image tokens made never take the rate of text", gpt4o, units{chat.OutputImage: 1}, 0, price.Unpriced},
		{"audio is billed by the millisecond", whisper, units{chat.AudioMS: 60_000}, 6_000_000, price.Priced},
		{"audio that is counted in tokens is billed by them", transcribe, units{chat.AudioMS: 60_000, chat.InputAudio: 100, chat.Output: 10}, 600_000 + 100_000, price.Priced},
		{"audio without tokens is billed by its time", transcribe, units{chat.AudioMS: 60_000}, 6_000_000, price.Priced},
		{"speech is billed by the character", tts, units{chat.Characters: 1000}, 15_000_000, price.Priced},
		{"speech that is counted in tokens is billed by them", speech, units{chat.Characters: 1000, chat.Input: 250, chat.OutputAudio: 500}, 150_000 + 6_000_000, price.Priced},
		{"characters alone have no price in a list of tokens", speech, units{chat.Characters: 1000}, 0, price.Unpriced},
		{"a rerank is billed by the search unit", rerank, units{chat.SearchUnits: 2, chat.Input: 900}, 4_000_000, price.Priced},
		{"a page is billed by the page", ocr, units{chat.Pages: 3, chat.Input: 900, chat.Output: 40}, 12_000_000, price.Priced},
		{"a fee for each call is charged though nobody counts calls", online, units{chat.Input: 10}, 10_000 + 5_000_000, price.Priced},
		{"and charged as often as they were counted", online, units{chat.Input: 10, chat.Requests: 2}, 10_000 + 10_000_000, price.Priced},
		{"hosted tools have fees", hosted, units{chat.Input: 1000, chat.FileSearch: 2, chat.CodeSession: 1}, 1_000_000 + 5_000_000 + 30_000_000, price.Priced},
		{"a hosted tool without a fee is unpriced", gpt4o, units{chat.Input: 1, chat.FileSearch: 1}, 0, price.Unpriced},
		{"a negative count of what is not billed is no discount either", gptImage, units{chat.OutputImage: 4160, chat.Images: -1}, 0, price.Unpriced},
		{"a negative count is no discount", gpt4o, units{chat.Input: 100, chat.CacheRead: -50}, 0, price.Unpriced},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, state := price.Cost(tt.rec, tt.units.array())
			if got != tt.want || state != tt.state {
				t.Errorf("Cost = %d nano, %s; want %d, %s", got, state, tt.want, tt.state)
			}
		})
	}
}

func TestACostIsRoundedUpOnce(t *testing.T) {
	t.Parallel()
	rec := price.Record{Rates: price.Rates{}.Set(chat.Input, 1).Set(chat.CacheRead, 1).Set(chat.Output, 1)}
	if got, _ := price.Cost(rec, units{chat.Input: 1, chat.CacheRead: 1, chat.Output: 1}.array()); got != 1 {
		t.Errorf("three pico-dollars = %d nano, want 1", got)
	}
	if got, _ := price.Cost(rec, units{chat.Input: 999, chat.CacheRead: 1, chat.Output: 1}.array()); got != 2 {
		t.Errorf("1001 pico-dollars = %d nano, want 2", got)
	}
}

func TestTheLinesOfABreakdownAddUpToTheCost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rates := func(label string) (r price.Rates) {
			for c := range r {
				if rapid.Bool().Draw(t, label) {
					r[c] = price.Rate{Price: money.Price(rapid.Int64Range(0, 1_000_000_000).Draw(t, label)), Listed: true}
				}
			}
			return r
		}
		rec := price.Record{Rates: rates("rate")}
		if rapid.Bool().Draw(t, "tiered") {
			rec.Tiers = []price.Tier{{AboveInput: rapid.Int64Range(1, 1_000_000).Draw(t, "above"), Rates: rates("tier rate")}}
		}
		var u chat.Units
		for c := range u {
			u[c] = rapid.Int64Range(0, 100_000_000).Draw(t, "units")
		}
		b := price.Explain(rec, u)
		cost, state := price.Cost(rec, u)
		if b.Total != cost || b.State != state {
			t.Fatalf("Explain = %d %s, Cost = %d %s", b.Total, b.State, cost, state)
		}
		missing, sum := false, int64(0)
		for _, l := range b.Lines {
			if l.Counted && (l.Listed || l.Pico != 0) {
				t.Fatalf("line %+v", l)
			}
			if l.Listed {
				if l.Pico != l.Units*int64(l.Rate) {
					t.Fatalf("line %+v", l)
				}
				sum += l.Pico
			}
			missing = missing || !l.Listed && !l.Counted
		}
		if sum != b.Pico {
			t.Fatalf("lines add up to %d, the breakdown says %d", sum, b.Pico)
		}
		switch {
		case missing && (state != price.Unpriced || cost != 0):
			t.Fatalf("a class has no rate, yet the call is %s at %d", state, cost)
		case state != price.Unpriced && int64(cost) != (sum+999)/1000:
			t.Fatalf("lines add up to %d pico, the cost is %d nano", sum, cost)
		case state == price.Free && cost != 0:
			t.Fatalf("free, and costs %d", cost)
		}
	})
}

// A class is left out of the bill only because another one stands for it there.
func TestWhatIsNotBilledIsBilledInAnotherMeasure(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var rec price.Record
		var u chat.Units
		for c := range u {
			if rapid.Bool().Draw(t, "listed") {
				rec.Rates = rec.Rates.Set(chat.Class(c), 1_000_000)
			}
			if rapid.Bool().Draw(t, "used") {
				u[c] = 1
			}
		}
		b := price.Explain(rec, u)
		counted, billed := 0, 0
		for _, l := range b.Lines {
			if l.Counted {
				counted++
			}
			if l.Listed {
				billed++
			}
		}
		if counted > 0 && billed == 0 && b.State != price.Unpriced {
			t.Fatalf("nothing is billed: %+v", b)
		}
	})
}

func TestHugeCountsSaturateInsteadOfWrapping(t *testing.T) {
	t.Parallel()
	rec := price.Record{Rates: price.Rates{}.Set(chat.Input, 1_000_000).Set(chat.Output, 1_000_000)}
	u := units{chat.Input: math.MaxInt64, chat.Output: math.MaxInt64}.array()
	b := price.Explain(rec, u)
	if b.Pico != math.MaxInt64 || b.Total <= 0 || b.State != price.Priced {
		t.Errorf("breakdown = %+v", b)
	}
}

func TestABreakdownNamesTheRateThatWasUsed(t *testing.T) {
	t.Parallel()
	rec := price.Record{Rates: list(t, map[chat.Class]string{chat.Input: "1", chat.Output: "4"})}
	got := price.Explain(rec, units{chat.CacheRead: 10, chat.Reasoning: 3, chat.WebSearch: 1}.array())
	want := price.Breakdown{
		Lines: []price.Line{
			{Class: chat.CacheRead, As: chat.Input, Units: 10, Rate: 1_000_000, Listed: true, Pico: 10_000_000},
			{Class: chat.Reasoning, As: chat.Output, Units: 3, Rate: 4_000_000, Listed: true, Pico: 12_000_000},
			{Class: chat.WebSearch, As: chat.WebSearch, Units: 1},
		},
		Pico: 22_000_000, State: price.Unpriced,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
