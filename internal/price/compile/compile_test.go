package compile_test

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/price/compile"
)

// parse reads a file of testdata.
func parse(t testing.TB, file string, read func(io.Reader) (compile.Parsed, error)) compile.Parsed {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := read(f)
	if err != nil {
		t.Fatal(err)
	}
	accounted(t, p)
	return p
}

// accounted holds the promise that nothing is dropped in silence.
func accounted(t testing.TB, p compile.Parsed) {
	t.Helper()
	if len(p.Taken)+len(p.Ignored) != p.Rows {
		t.Errorf("%d taken and %d ignored of %d rows", len(p.Taken), len(p.Ignored), p.Rows)
	}
}

func taken(p compile.Parsed) map[string]price.Record {
	out := map[string]price.Record{}
	for _, x := range p.Taken {
		out[x.Row] = x.Record
	}
	return out
}

func reasons(list []compile.Remark) map[string]compile.Reason {
	out := map[string]compile.Reason{}
	for _, r := range list {
		out[r.Row] = r.Reason
	}
	return out
}

func rates(of map[chat.Class]int64) (r price.Rates) {
	for c, p := range of {
		r = r.Set(c, money.Price(p))
	}
	return r
}

func TestLiteLLMRowsBecomeRecordsOrReasons(t *testing.T) {
	t.Parallel()
	p := parse(t, "testdata/litellm.json", compile.FromLiteLLM)
	want := map[string]price.Record{
		"owl-2": {
			Provider: "openai", Model: "owl-2", Source: "litellm", ContextWindow: 128_000, MaxOutput: 16_384,
			Input: price.Text | price.Image | price.PDF, Output: price.Text,
			Rates: rates(map[chat.Class]int64{
				chat.Input: 3_000_000, chat.Output: 15_000_000, chat.CacheRead: 300_000,
				chat.CacheWrite5m: 3_750_000, chat.CacheWrite1h: 6_000_000, chat.WebSearch: 10_000_000_000,
				chat.FileSearch: 2_500_000_000, chat.CodeSession: 30_000_000_000, // of the vendor's hosted tools
			}),
		},
		"owl-2-long": { // searches priced by size stay unpriced; the tier keeps the cache's base rate, as the file means it
			Provider: "openai", Model: "owl-2-long", Source: "litellm", Input: price.Text, Output: price.Text,
			Rates: rates(map[chat.Class]int64{chat.Input: 1_000_000, chat.Output: 2_000_000, chat.CacheRead: 100_000, chat.FileSearch: 2_500_000_000, chat.CodeSession: 30_000_000_000}),
			Tiers: []price.Tier{{AboveInput: 200_000, Rates: rates(map[chat.Class]int64{
				chat.Input: 2_000_000, chat.Output: 4_000_000, chat.CacheRead: 100_000, chat.FileSearch: 2_500_000_000, chat.CodeSession: 30_000_000_000,
			})}},
		},
		"dashscope/owl-range": {
			Provider: "alibaba", Model: "owl-range", Source: "litellm", Input: price.Text, Output: price.Text,
			Rates: rates(map[chat.Class]int64{chat.Input: 1_200_000, chat.Output: 6_000_000}),
			Tiers: []price.Tier{{AboveInput: 32_000, Rates: rates(map[chat.Class]int64{chat.Input: 2_400_000, chat.Output: 12_000_000})}},
		},
		"deepseek/owl-noise": { // a zero beside prices is no rate
			Provider: "deepseek", Model: "owl-noise", Source: "litellm", Input: price.Text, Output: price.Text,
			Rates: rates(map[chat.Class]int64{chat.Input: 300_000, chat.Output: 420_000, chat.CacheRead: 28_000}),
		},
		"zhipu/owl-fine": {
			Provider: "zhipuai", Model: "zhipu/owl-fine", Source: "litellm", Input: price.Text, Output: price.Text,
			Rates: rates(map[chat.Class]int64{chat.Input: 1_142_858, chat.Output: 4_000_000}),
		},
		"groq/openai/owl-oss": {
			Provider: "groq", Model: "openai/owl-oss", Source: "litellm", Input: price.Text, Output: price.Text,
			Rates: rates(map[chat.Class]int64{chat.Input: 100_000, chat.Output: 500_000}),
		},
		"owl-embed": {Provider: "openai", Model: "owl-embed", Source: "litellm", Rates: rates(map[chat.Class]int64{chat.Input: 20_000})},
		"ollama/owl": {
			Provider: "ollama", Model: "owl", Source: "litellm", Input: price.Text, Output: price.Text,
			Rates: rates(map[chat.Class]int64{chat.Input: 0, chat.Output: 0}),
		},
		"cohere/owl-rerank": {Provider: "cohere", Model: "owl-rerank", Source: "litellm", Rates: rates(map[chat.Class]int64{chat.SearchUnits: 2_000_000_000})},
		"owl-seconds":       {Provider: "openai", Model: "owl-seconds", Source: "litellm", Rates: rates(map[chat.Class]int64{chat.AudioMS: 100_000})},
		"owl-draw":          {Provider: "openai", Model: "owl-draw", Source: "litellm", Rates: rates(map[chat.Class]int64{chat.Input: 5_000_000, chat.Images: 40_000_000_000})},
		"perplexity/owl-online": {
			Provider: "perplexity", Model: "owl-online", Source: "litellm", Input: price.Text, Output: price.Text,
			Rates: rates(map[chat.Class]int64{chat.Input: 1_000_000, chat.Output: 1_000_000, chat.Requests: 5_000_000_000}),
		},
		// tokens are what is billed: the price of an image stands for those of one size
		"owl-image":                           azureAI("owl-image", map[chat.Class]int64{chat.Input: 5_000_000, chat.InputImage: 10_000_000, chat.OutputImage: 40_000_000}),
		"azure_ai/high/1024-x-1536/owl-image": azureAI("high/1024-x-1536/owl-image", map[chat.Class]int64{chat.Images: 250_000_000_000}),
		"azure_ai/low/1024-x-1024/owl-image":  azureAI("low/1024-x-1024/owl-image", map[chat.Class]int64{chat.Images: 11_000_000_000}), // of a pixel, times the pixels
		"azure_ai/owl-edit":                   azureAI("owl-edit", map[chat.Class]int64{chat.Images: 5_000_000_000}),
		"azure_ai/owl-hears":                  azureAI("owl-hears", map[chat.Class]int64{chat.AudioMS: 27_778}),
		"azure_ai/owl-speaks":                 azureAI("owl-speaks", map[chat.Class]int64{chat.Characters: 15_000_000}),
		"azure_ai/owl-reads":                  azureAI("owl-reads", map[chat.Class]int64{chat.Pages: 4_000_000_000}),
		"azure_ai/owl-ranks-for-free":         azureAI("owl-ranks-for-free", map[chat.Class]int64{chat.Input: 0, chat.SearchUnits: 0}),
	}
	if diff := cmp.Diff(want, taken(p)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]compile.Reason{
		"sample_spec": compile.NotAModel, "together-ai-4.1b-8b": compile.NotAModel,
		"owl-noise": compile.Conflicting, "ollama/owl:120b-cloud": compile.Dynamic, "owl-negative": compile.Dynamic,
		"openai/container": compile.NoRate, "azure_ai/owl-sizes": compile.NoRate, "azure_ai/owl-pixels": compile.NoRate, "azure_ai/owl-song": compile.NoRate,
		"azure_ai/owl-credit": compile.Surcharge, "azure_ai/owl-embeds-by-query": compile.Surcharge, "azure_ai/owl-film": compile.Mode, "sandbox/owl": compile.Reserved, "owl-words": compile.Malformed, "owl-list": compile.Malformed,
	}, reasons(p.Ignored)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[compile.Reason]int{
		compile.Snapped: 1, compile.Raised: 2, compile.SearchBySize: 1, compile.TierFilled: 1, compile.TimeOfDay: 1, compile.PerPixel: 1, compile.Unread: 1,
	}, counted(p.Notes)); diff != "" {
		t.Error(diff)
	}
}

func azureAI(model string, of map[chat.Class]int64) price.Record {
	return price.Record{Provider: "azure-ai", Model: model, Source: "litellm", Rates: rates(of)}
}

func counted(list []compile.Remark) map[compile.Reason]int {
	out := map[compile.Reason]int{}
	for _, r := range list {
		out[r.Reason]++
	}
	return out
}

func TestModelsDevRowsBecomeRecordsOrReasons(t *testing.T) {
	t.Parallel()
	p := parse(t, "testdata/modelsdev.json", compile.FromModelsDev)
	want := map[string]price.Record{
		"togetherai/acme/Owl-2": {
			Provider: "together", Model: "acme/Owl-2", Source: "models.dev", ContextWindow: 131_072, MaxOutput: 8192,
			Input: price.Text | price.Image, Output: price.Text,
			Rates: rates(map[chat.Class]int64{chat.Input: 880_000, chat.Output: 880_000, chat.CacheRead: 88_000}),
		},
		"togetherai/acme/owl-gift": {
			Provider: "together", Model: "acme/owl-gift", Source: "models.dev", ContextWindow: 1, MaxOutput: 1, Input: price.Text, Output: price.Text,
			Rates: rates(map[chat.Class]int64{chat.Input: 0, chat.Output: 0}),
		},
		"google/owl-pro": {
			Provider: "google-gemini", Model: "owl-pro", Source: "models.dev", ContextWindow: 1_048_576, MaxOutput: 65_536,
			Input: price.Text | price.Audio, Output: price.Text,
			Rates: rates(map[chat.Class]int64{chat.Input: 1_250_000, chat.Output: 10_000_000, chat.CacheRead: 125_000, chat.InputAudio: 2_500_000}),
			Tiers: []price.Tier{{AboveInput: 200_000, Rates: rates(map[chat.Class]int64{
				chat.Input: 2_500_000, chat.Output: 15_000_000, chat.CacheRead: 250_000, chat.InputAudio: 2_500_000,
			})}},
		},
	}
	if diff := cmp.Diff(want, taken(p)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]compile.Reason{
		"togetherai/acme/owl-unknown": compile.NoRate, "perplexity/owl-deep": compile.Surcharge,
	}, reasons(p.Ignored)); diff != "" {
		t.Error(diff)
	}
}

func TestOpenRouterRowsBecomeRecordsOrReasons(t *testing.T) {
	t.Parallel()
	p := parse(t, "testdata/openrouter.json", compile.FromOpenRouter)
	base := rates(map[chat.Class]int64{
		chat.Input: 1_100_000, chat.Output: 5_500_000, chat.CacheRead: 110_000,
		chat.CacheWrite5m: 1_375_000, chat.CacheWrite1h: 2_200_000, chat.WebSearch: 10_000_000_000,
	})
	want := map[string]price.Record{
		"acme/owl-2": { // from 128 000 tokens on, so above 127 999
			Provider: "openrouter", Model: "acme/owl-2", Source: "openrouter", ContextWindow: 200_000, MaxOutput: 32_000,
			Input: price.Text | price.Image | price.PDF, Output: price.Text,
			Rates: base,
			Tiers: []price.Tier{{AboveInput: 127_999, Rates: base.Set(chat.Input, 2_200_000).Set(chat.Output, 11_000_000)}},
		},
		"acme/owl-2:free": {
			Provider: "openrouter", Model: "acme/owl-2:free", Source: "openrouter", ContextWindow: 8192,
			Rates: rates(map[chat.Class]int64{chat.Input: 0, chat.Output: 0}),
		},
		"acme/owl-search": {
			Provider: "openrouter", Model: "acme/owl-search", Source: "openrouter",
			Rates: rates(map[chat.Class]int64{chat.Input: 1_000_000, chat.Output: 1_000_000, chat.Requests: 5_000_000_000}),
		},
		"acme/owl-paint": {
			Provider: "openrouter", Model: "acme/owl-paint", Source: "openrouter",
			Rates: rates(map[chat.Class]int64{chat.Input: 300_000, chat.Output: 2_500_000, chat.InputImage: 300_000, chat.OutputImage: 30_000_000}),
		},
		"acme/owl-night": {
			Provider: "openrouter", Model: "acme/owl-night", Source: "openrouter",
			Rates: rates(map[chat.Class]int64{chat.Input: 2_000_000, chat.Output: 4_000_000}),
		},
	}
	if diff := cmp.Diff(want, taken(p)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]compile.Reason{
		"openrouter/auto": compile.Dynamic, "acme/owl-draw": compile.NoRate, "": compile.NotAModel,
	}, reasons(p.Ignored)); diff != "" {
		t.Error(diff)
	}
}

func TestAFileThatIsNoPriceListIsRefused(t *testing.T) {
	t.Parallel()
	for name, read := range compile.Formats() {
		for _, bad := range []string{"", "[]", "null null", "{", `"x"`, "<html>"} {
			p, err := read(strings.NewReader(bad))
			if err == nil && p.Rows > 0 {
				t.Errorf("%s: %q gave %d rows", name, bad, p.Rows)
			}
			if bad == "{" && err == nil {
				t.Errorf("%s: a cut file was accepted", name)
			}
		}
	}
}

func FuzzEveryRowIsAccountedFor(f *testing.F) {
	formats := []string{"litellm", "modelsdev", "openrouter"}
	f.Add(uint8(0), `{"a/b":{"litellm_provider":"a","input_cost_per_token":3e-06,"input_cost_per_token_above_2k_tokens":"4e-6"}}`)
	f.Add(uint8(0), `{"b":{"litellm_provider":"a","tiered_pricing":[{"range":[0,9],"output_cost_per_token":1}]},"c":[]}`)
	f.Add(uint8(1), `{"p":{"models":{"m":{"cost":{"input":1.5,"tiers":[{"output":2,"tier":{"size":9}}]}}}}}`)
	f.Add(uint8(2), `{"data":[{"id":"a","pricing":{"prompt":"0.1","overrides":[{"min_prompt_tokens":9,"prompt":"-1"}]}}]}`)
	f.Fuzz(func(t *testing.T, format uint8, text string) {
		p, err := compile.Formats()[formats[int(format)%len(formats)]](strings.NewReader(text))
		if err != nil {
			return
		}
		accounted(t, p)
		for _, r := range p.Records() {
			if err := r.Check(); err != nil {
				t.Errorf("%s/%s: %v", r.Provider, r.Model, err)
			}
		}
	})
}
