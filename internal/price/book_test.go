package price_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/money"
	"tollgate/internal/price"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// rec is a record that can be told by its input rate.
func rec(provider, model string, input money.Price) price.Record {
	return price.Record{Provider: provider, Model: model, Rates: price.Rates{}.Set(chat.Input, input)}
}

func from(r price.Record, t time.Time) price.Record  { r.From = t; return r }
func until(r price.Record, t time.Time) price.Record { r.To = t; return r }

func catalogue() *price.Book {
	return price.NewBook([]price.Record{
		rec("openai", "gpt-4o", 25), rec("openai", "gpt-4o-2024-05-13", 50), rec("openai", "gpt-4o-2024-08-06", 25),
		rec("openai", "gpt-4o-mini", 15), rec("openai", "ft:gpt-4o-2024-08-06", 37), rec("openai", "gpt-4", 300),
		rec("openai", "chatgpt-4o-latest", 51),
		rec("anthropic", "claude-haiku-4-5", 10), rec("anthropic", "claude-haiku-4-5-20251001", 10),
		rec("anthropic", "claude-3-5-haiku-20241022", 8),
		rec("anthropic", "claude-x-20250101", 1), rec("anthropic", "claude-x-20250601", 2),
		rec("vertex", "claude-haiku-4-5", 11),
		rec("openrouter", "anthropic/claude-haiku-4.5", 12), rec("openrouter", "acme/owl:free", 0),
		rec("together", "meta-llama/Llama-3.3-70B-Instruct-Turbo", 88),
		rec("fireworks", "accounts/fireworks/models/deepseek-v3", 90), rec("fireworks", "short", 91),
		rec("groq", "openai/gpt-oss-120b", 7), rec("google-gemini", "gemini-2.5-pro", 125),
		rec("ollama", price.AnyModel, 0), rec("ollama", "llama3", 3),
	})
}

func TestLookupFollowsTheRulesAndNeverGuesses(t *testing.T) {
	t.Parallel()
	const none = -1
	for _, tt := range []struct {
		name            string
		provider, model string
		want            money.Price
	}{
		{"the very name", "openai", "gpt-4o", 25},
		{"in any case", "Together", "META-LLAMA/llama-3.3-70b-instruct-turbo", 88},
		{"a dated snapshot with a price of its own", "openai", "gpt-4o-2024-05-13", 50},
		{"a dated snapshot that is not listed, by its undated name", "openai", "gpt-4o-2024-11-20", 25},
		{"a compact date", "anthropic", "claude-haiku-4-5-20260101", 10},
		{"Vertex's date", "vertex", "claude-haiku-4-5@20251001", 11},
		{"latest, by the undated name", "openai", "gpt-4o-latest", 25},
		{"latest with a price of its own", "openai", "chatgpt-4o-latest", 51},
		{"an undated name, by its only snapshot", "anthropic", "claude-3-5-haiku", 8},
		{"latest, by the only snapshot", "anthropic", "claude-3-5-haiku-latest", 8},
		{"an undated name whose snapshots differ", "anthropic", "claude-x", none},
		{"another date's snapshot", "anthropic", "claude-x-20251231", none},
		{"the provider's own id before the name", "openai", "openai/gpt-4o-mini", 15},
		{"another maker's id before the name", "openai", "anthropic/claude-haiku-4-5", none},
		{"a maker's name that is part of the model", "groq", "openai/gpt-oss-120b", 7},
		{"the provider before a maker's name", "groq", "groq/openai/gpt-oss-120b", 7},
		{"an aggregator's name", "openrouter", "anthropic/claude-haiku-4.5", 12},
		{"an aggregator's variant is another price", "openrouter", "anthropic/claude-haiku-4.5:nitro", none},
		{"a free variant does not make the model free", "openrouter", "acme/owl", none},
		{"a short Fireworks name", "fireworks", "deepseek-v3", 90},
		{"a short Fireworks name with the provider", "fireworks", "fireworks/deepseek-v3", 90},
		{"a long Fireworks name", "fireworks", "accounts/fireworks/models/short", 91},
		{"a Fireworks deployment of one's own", "fireworks", "accounts/me/models/deepseek-v3", none},
		{"a Gemini resource name", "google-gemini", "models/gemini-2.5-pro", 125},
		{"a fine-tuned model, by the tuned rate of its base", "openai", "ft:gpt-4o-2024-08-06:acme::abc123", 37},
		{"a fine-tuned model whose base has no tuned rate", "openai", "ft:gpt-4o-mini:acme::abc123", none},
		{"a longer name of the family", "openai", "gpt-4o-turbo", none},
		{"a name that is a prefix", "openai", "gpt", none},
		{"four digits are no date", "openai", "gpt-4-0613", none},
		{"the 13th month is no date", "openai", "gpt-4o-2024-13-01", none},
		{"a dot is no dash", "anthropic", "claude-haiku-4.5", none},
		{"another provider", "mistral", "gpt-4o", none},
		{"a model of a local server", "ollama", "whatever:7b", 0},
		{"a model of a local server with the default tag", "ollama", "llama3:latest", 3},
		{"what a local server passes on to its paid cloud", "ollama", "gpt-oss:120b-cloud", none},
		{"nothing", "", "", none},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := catalogue().Lookup(tt.provider, tt.model, noon)
			if ok != (tt.want != none) {
				t.Fatalf("Lookup(%s, %s) = %s, %v", tt.provider, tt.model, got.Model, ok)
			}
			if ok && got.Rates[chat.Input].Price != tt.want {
				t.Errorf("Lookup(%s, %s) = %s at %d, want %d", tt.provider, tt.model, got.Model, got.Rates[chat.Input].Price, tt.want)
			}
		})
	}
}

func TestTheZeroBookPricesNothing(t *testing.T) {
	t.Parallel()
	var b price.Book
	if _, ok := b.Lookup("openai", "gpt-4o", noon); ok {
		t.Error("priced")
	}
	if got := b.Similar("gpt-4o"); got != nil {
		t.Error(got)
	}
}

func TestARecordHoldsFromItsFirstInstantUntilItsEnd(t *testing.T) {
	t.Parallel()
	b := price.NewBook([]price.Record{
		until(rec("acme", "owl", 1), noon), from(rec("acme", "owl", 2), noon),
		until(from(rec("acme", "gone", 3), noon), noon.Add(time.Hour)),
		rec("acme", "shipped", 4), from(rec("acme", "shipped", 5), noon),
	})
	for _, tt := range []struct {
		model string
		at    time.Time
		want  money.Price
		ok    bool
	}{
		{"owl", noon.Add(-1), 1, true},
		{"owl", noon, 2, true},
		{"gone", noon.Add(-1), 0, false},
		{"gone", noon, 3, true},
		{"gone", noon.Add(time.Hour), 0, false},
		{"shipped", noon.Add(-1), 4, true},
		{"shipped", noon, 5, true}, // an import stands before the shipped row without ending it
	} {
		got, ok := b.Lookup("acme", tt.model, tt.at)
		if ok != tt.ok || got.Rates[chat.Input].Price != tt.want {
			t.Errorf("%s at %s = %d, %v; want %d, %v", tt.model, tt.at, got.Rates[chat.Input].Price, ok, tt.want, tt.ok)
		}
	}
}

func TestOverridesStandBeforeTheCatalogue(t *testing.T) {
	t.Parallel()
	base := catalogue()
	view := base.With([]price.Record{
		rec("openai", "gpt-4o", 1000), rec("anthropic", "claude-haiku-4-5", 1001), rec("openai", price.AnyModel, 1002),
		until(rec("groq", "openai/gpt-oss-120b", 1003), noon), rec("acme", "own-model", 1004),
	})
	for _, tt := range []struct {
		name, provider, model string
		want                  money.Price
	}{
		{"the model that was overridden", "openai", "gpt-4o", 1000},
		{"its snapshot that the catalogue prices alike", "openai", "gpt-4o-2024-08-06", 1000},
		{"its snapshot that the catalogue prices otherwise", "openai", "gpt-4o-2024-05-13", 50},
		{"its snapshot that nobody lists", "openai", "gpt-4o-2029-01-01", 1000},
		{"the snapshot behind an alias", "anthropic", "claude-haiku-4-5-20251001", 1001},
		{"a listed model beside a general price", "openai", "gpt-4o-mini", 15},
		{"an unlisted model under a general price", "openai", "gpt-99", 1002},
		{"an override that has ended", "groq", "openai/gpt-oss-120b", 7},
		{"a model that only the organization knows", "acme", "own-model", 1004},
		{"a model of another provider", "vertex", "claude-haiku-4-5", 11},
	} {
		got, ok := view.Lookup(tt.provider, tt.model, noon)
		if !ok || got.Rates[chat.Input].Price != tt.want {
			t.Errorf("%s: %d, %v; want %d", tt.name, got.Rates[chat.Input].Price, ok, tt.want)
		}
	}
	if got, _ := base.Lookup("openai", "gpt-4o", noon); got.Rates[chat.Input].Price != 25 {
		t.Error("an override changed the shared catalogue")
	}
}

func TestAnOverrideTakesLimitsButNoPricesFromTheCatalogue(t *testing.T) {
	t.Parallel()
	listed := rec("openai", "gpt-4o", 25)
	listed.Rates = listed.Rates.Set(chat.Output, 100)
	listed.ContextWindow, listed.MaxOutput, listed.Input = 128_000, 16_384, price.Text|price.Image
	own := rec("openai", "gpt-4o", 1)
	got, _ := price.NewBook([]price.Record{listed}).With([]price.Record{own}).Lookup("openai", "gpt-4o", noon)
	want := own
	want.ContextWindow, want.MaxOutput, want.Input = 128_000, 16_384, price.Text|price.Image
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, state := price.Cost(got, units{chat.Input: 1, chat.Output: 1}.array()); state != price.Unpriced {
		t.Errorf("a class that the override leaves out is %s", state)
	}
}

func TestModelsListsEachModelOnceWithThePriceInForce(t *testing.T) {
	t.Parallel()
	b := price.NewBook([]price.Record{
		rec("acme", "Owl", 1), from(rec("acme", "owl", 2), noon), rec("acme", "bat", 3), rec("zoo", "ape", 4),
		until(rec("acme", "gone", 5), noon),
	}).With([]price.Record{rec("acme", "bat", 6)})
	var got []string
	for _, r := range b.Models("acme", noon) {
		got = append(got, r.Model+"="+r.Rates[chat.Input].Price.PerMillion())
	}
	if diff := cmp.Diff([]string{"bat=0.000006", "owl=0.000002"}, got); diff != "" {
		t.Error(diff)
	}
	if n := len(b.Models("", noon)); n != 3 {
		t.Errorf("all providers: %d models, want 3", n)
	}
}

func TestSimilarOffersAtMostThreeCloseNames(t *testing.T) {
	t.Parallel()
	b := catalogue()
	for _, tt := range []struct {
		name string
		want []string
	}{
		{"gpt-4o-mnii", []string{"gpt-4o-mini"}},
		{"openai/gpt4o", []string{"openai/gpt-4o"}},
		{"claude-haiku-4-6", []string{"claude-haiku-4-5"}},
		{"zzzzzzzz", nil},
		{"", nil},
		{strings.Repeat("a", 5000), nil},
	} {
		got := b.Similar(tt.name)
		if len(got) > 3 {
			t.Errorf("%d names", len(got))
		}
		if len(tt.want) > 0 && (len(got) < len(tt.want) || !cmp.Equal(got[:len(tt.want)], tt.want)) || len(tt.want) == 0 && got != nil {
			t.Errorf("Similar(%.20q) = %q, want %q first", tt.name, got, tt.want)
		}
	}
}

func FuzzLookupPricesOnlyAModelOfThatProvider(f *testing.F) {
	for _, s := range []string{"gpt-4o-2024-08-06", "ft:gpt-4o:a::b", "-20251001", "@20251001", "openai/", "-latest", ":latest", "models/", "2024-08-06"} {
		f.Add("openai", s)
		f.Add("ollama", s)
		f.Add("fireworks", s)
	}
	b := catalogue()
	f.Fuzz(func(t *testing.T, provider, model string) {
		got, ok := b.Lookup(provider, model, noon)
		if !ok {
			return
		}
		if !strings.EqualFold(got.Provider, strings.TrimSpace(provider)) {
			t.Errorf("%q/%q was priced by %s/%s", provider, model, got.Provider, got.Model)
		}
		b.Similar(model)
	})
}

func BenchmarkLookup(b *testing.B) {
	book := catalogue().With([]price.Record{rec("openai", "gpt-4o", 1000)})
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := book.Lookup("anthropic", "claude-haiku-4-5-20251001", noon); !ok {
			b.Fatal("unpriced")
		}
	}
}
