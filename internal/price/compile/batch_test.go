package compile

import (
	"strings"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/money"
)

func TestBatchPricesAreKeptWhereTheySayMoreThanTheGeneralDiscount(t *testing.T) {
	t.Parallel()
	parsed, err := FromLiteLLM(strings.NewReader(`{
		"same": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2e-6, "output_cost_per_token": 8e-6,
			"input_cost_per_token_batches": 1e-6, "output_cost_per_token_batches": 4e-6},
		"dearer": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2e-6, "output_cost_per_token": 8e-6,
			"cache_read_input_token_cost": 1e-6, "input_cost_per_token_batches": 2e-6, "output_cost_per_token_batches": 4e-6},
		"cached": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2e-6, "output_cost_per_token": 8e-6,
			"cache_read_input_token_cost": 1e-6, "cache_read_input_token_cost_batches": 1e-6,
			"input_cost_per_token_batches": 1e-6, "output_cost_per_token_batches": 4e-6},
		"elsewhere": {"litellm_provider": "xai", "mode": "chat", "input_cost_per_token": 2e-6, "output_cost_per_token": 8e-6,
			"input_cost_per_token_batches": 1.6e-6, "output_cost_per_token_batches": 6.4e-6}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][3]money.Price{}
	for _, r := range parsed.Batch {
		got[r.Provider+" "+r.Model] = [3]money.Price{r.Rates[chat.Input].Price, r.Rates[chat.Output].Price, r.Rates[chat.CacheRead].Price}
	}
	want := map[string][3]money.Price{
		"openai batch/dearer": {2_000_000, 4_000_000, 1_000_000}, // the input is not discounted: nor is the cache
		"openai batch/cached": {1_000_000, 4_000_000, 1_000_000},
	}
	for name, w := range want {
		if got[name] != w {
			t.Errorf("%s = %v, want %v", name, got[name], w)
		}
	}
	if len(got) != len(want) || parsed.Rows != 4 || len(parsed.Taken) != 4 {
		t.Errorf("got %v of %d rows, %d taken", got, parsed.Rows, len(parsed.Taken))
	}
}
