package bound_test

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/budget"
	"tollgate/internal/budget/bound"
	"tollgate/internal/chat"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/price/seed"
	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
	"tollgate/test/replay"
)

// noon is when everything here is asked.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// vendorOf is the vendor of a recording where its name differs.
func vendorOf(recorded string) string {
	other := map[string]string{"google-ai": "google-gemini", "azure": "azure-openai", "vercel-gateway": "vercel-ai-gateway", "snowflake": "snowflake-cortex"}
	return cmp.Or(other[recorded], recorded)
}

// dialectOf is the dialect in which a client could have sent a recorded request; false where no client speaks it.
func dialectOf(c *replay.Case) (provider.Client, provider.Target, bool) {
	name := map[string]provider.Name{
		replay.OpenAI: provider.OpenAIChat, replay.Responses: provider.OpenAIResponses, replay.Completions: provider.OpenAICompletions,
		replay.Anthropic: provider.AnthropicMessages, replay.Gemini: provider.Gemini, replay.Embeddings: provider.OpenAIEmbeddings,
		replay.GeminiEmbed: provider.GeminiEmbed, replay.Rerank: provider.CohereRerank, replay.Images: provider.OpenAIImages,
	}[replay.Wire(c.Meta.Dialect)]
	client, ok := catalog.Client(name)
	if !ok {
		return nil, nil, false
	}
	target, ok := catalog.Target(name)
	return client, target, ok
}

// used is what the product reads of an answer.
func used(t provider.Target, h provider.Head, c *replay.Case) chat.Usage {
	if !c.Meta.Stream {
		return t.Inspect(c.Response).Usage
	}
	tap := t.NewTap(h)
	tap.Feed(c.Response)
	tap.Close()
	return tap.Seen().Usage
}

// stand is a price list for models that the catalogue does not know: the tokens are bounded all the same.
func stand(vendor, model string) price.Record {
	var r price.Rates
	for c, p := range map[chat.Class]money.Price{
		chat.Input: 1_000_000, chat.CacheRead: 100_000, chat.CacheWrite5m: 1_250_000, chat.CacheWrite1h: 2_000_000, chat.Output: 5_000_000,
		chat.InputImage: 1_000_000, chat.InputAudio: 3_000_000, chat.SearchUnits: 2_000_000_000, chat.Images: 40_000_000_000,
	} {
		r = r.Set(c, p)
	}
	return price.Record{Provider: vendor, Model: model, Rates: r, ContextWindow: 1_000_000, MaxOutput: 128_000}
}

// Every recorded exchange whose usage is known cost at most its bound, or is refused with a sentence.
func TestB9RecordedCallsCostAtMostTheirBound(t *testing.T) {
	t.Parallel()
	root, err := replay.Fixtures()
	if err != nil {
		t.Fatal(err)
	}
	if root == "" {
		t.Log("no recorded exchanges: only our own cases run")
		return
	}
	cases, err := replay.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	records, err := seed.Records()
	if err != nil {
		t.Fatal(err)
	}
	book := price.NewBook(records)
	var ratios, capped []float64 // of bound and cost: a statistic, no money
	refused, broken := map[string]int{}, 0
	for _, c := range cases {
		client, target, ok := dialectOf(c)
		if !ok || c.Meta.Status != 200 || c.Request == nil || c.Has("truncated") {
			continue
		}
		head, err := client.Probe(c.Request, provider.Line{Model: pathModel(c), Stream: c.Meta.Stream})
		if err != nil {
			continue
		}
		u := used(target, head, c)
		if u.Source != chat.Reported {
			continue
		}
		vendor, prices := vendorOf(c.Meta.Provider), book
		rec, ok := book.Lookup(vendor, head.Model, noon)
		if !ok {
			rec = stand(vendor, head.Model)
			prices = price.NewBook([]price.Record{rec})
		}
		cost, state := price.Cost(rec, u.Units)
		if state == price.Unpriced {
			rec = stand(vendor, head.Model)
			prices = price.NewBook([]price.Record{rec})
			if cost, state = price.Cost(rec, u.Units); state == price.Unpriced {
				continue
			}
		}
		b, err := bound.Of(prices, bound.Ask{
			Provider: vendor, Model: head.Model, Operation: client.Operation(), Body: c.Request, Head: head, Dialect: client.Name(), From: noon, For: time.Hour,
		})
		if err != nil {
			if !errors.Is(err, budget.ErrUnbounded) && !errors.Is(err, budget.ErrUnpriced) {
				t.Errorf("%s: %v", c.Path, err)
			}
			refused[field(err)]++
			continue
		}
		if cost > b.Cost || u.Units.InputTotal() > b.Input && b.Input > 0 {
			broken++
			t.Errorf("%s: cost %s of %v, bound %s of %d in and %d out; reported %v", c.Path, cost.USD(), state, b.Cost.USD(), b.Input, b.Output, u.Units)
		}
		if cost > 0 {
			ratios = append(ratios, float64(b.Cost)/float64(cost))
			if head.MaxTokens > 0 {
				capped = append(capped, float64(b.Cost)/float64(cost))
			}
		}
	}
	slices.Sort(ratios)
	slices.Sort(capped)
	total := 0
	for _, n := range refused {
		total += n
	}
	if len(ratios) < 300 {
		t.Fatalf("%d recorded exchanges were bounded", len(ratios))
	}
	t.Logf("B9: %d recorded exchanges bounded, %d refused, %d above their bound; bound/cost median %.0f, %.1f of those that say a cap", len(ratios), total, broken,
		ratios[len(ratios)/2], capped[len(capped)/2])
	for _, f := range slices.Sorted(maps.Keys(refused)) {
		t.Logf("refused %d× for %s", refused[f], f)
	}
}

// pathModel is the model that a Gemini call names in its path.
func pathModel(c *replay.Case) string {
	if replay.Wire(c.Meta.Dialect) == replay.Gemini || c.Meta.Dialect == replay.GeminiEmbed {
		return strings.TrimPrefix(c.Meta.Model, "models/")
	}
	return ""
}
