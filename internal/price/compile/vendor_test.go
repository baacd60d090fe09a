package compile_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"tollgate/internal/price"
	"tollgate/internal/price/compile"
	"tollgate/internal/price/seed"
	"tollgate/internal/provider/catalog"
)

// withoutVendor are the providers of the price list that cannot be connected, with the reason.
func withoutVendor() map[string]string {
	const own = "an API of its own kind"
	return map[string]string{
		"aws-polly":             own + ": speech, signed for another service",
		"black-forest-labs":     own + ": images by polling",
		"deepgram":              own + ": audio",
		"elevenlabs":            own + ": audio",
		"fal-ai":                own + ": a queue for each model",
		"gigachat":              "its key has to be exchanged for a token every half hour, at a server with a certificate of its own authority",
		"gitlab":                own + ", behind a token of its own",
		"microsoft-365-copilot": own + ", on behalf of a user",
		"nlp-cloud":             own,
		"qwen-ai-platform":      "LiteLLM's newer name of Alibaba's Chinese cloud, alibaba-cn, at the prices of the international one",
		"recraft":               own + ": images with styles",
		"replicate":             own + ": predictions by version and polling",
		"runwayml":              own + ": tasks by polling",
		"sagemaker":             "an endpoint speaks what its owner put there",
		"sap-ai-core":           "deployments behind OAuth client credentials",
		"scaledown":             own + " for compressing prompts",
		"soniox":                own + ": audio",
		"stability":             own + ": images by forms",
		"transcribe":            own + ": Amazon Transcribe's jobs",
		"watsonx":               own + ", with keys that have to be exchanged for tokens",
	}
}

// Models and prices join vendors by id: a price that no vendor can use is a slip of a name, or has a reason.
func TestEveryPricedProviderIsAVendorOrHasAReason(t *testing.T) {
	t.Parallel()
	records, err := seed.Records()
	if err != nil {
		t.Fatal(err)
	}
	models := map[string]int{}
	for _, r := range records {
		models[r.Provider]++
	}
	reasons := withoutVendor()
	for _, id := range slices.Sorted(maps.Keys(models)) {
		_, there := catalog.Vendor(id)
		if there == (reasons[id] != "") {
			t.Errorf("%s has %d prices; a vendor: %v; a reason for none: %q", id, models[id], there, reasons[id])
		}
		delete(reasons, id)
	}
	for id := range reasons {
		t.Errorf("%s has a reason and no price", id)
	}
	var unpriced []string
	for _, v := range catalog.Vendors() {
		if models[v.ID] == 0 {
			unpriced = append(unpriced, v.ID)
		}
	}
	t.Logf("%d priced providers, %d of them without a vendor; %d vendors without any price: %s",
		len(models), len(withoutVendor()), len(unpriced), strings.Join(unpriced, " "))
	if priced := len(catalog.Vendors()) - len(unpriced); priced < 150 {
		t.Errorf("only %d vendors have prices", priced)
	}
}

// An imported list prices the second address too, and under no id of the first.
func TestAPriceOfAVendorIsReadForItsTwin(t *testing.T) {
	t.Parallel()
	const file = `{"voyage/voyage-3": {"litellm_provider": "voyage", "mode": "embedding", "input_cost_per_token": 6e-08}}`
	p, err := compile.FromLiteLLM(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range p.Records() {
		got = append(got, r.Provider+"/"+r.Model)
	}
	if want := []string{"voyage/voyage-3", "voyage-mongodb/voyage-3"}; !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}

// A second address of a vendor has its prices: else the same call would be unpriced there.
func TestTwinsHaveThePricesOfTheirVendor(t *testing.T) {
	t.Parallel()
	records, err := seed.Records()
	if err != nil {
		t.Fatal(err)
	}
	lists := map[string]map[string]price.Record{}
	for _, r := range records {
		if lists[r.Provider] == nil {
			lists[r.Provider] = map[string]price.Record{}
		}
		lists[r.Provider][r.Model+r.From.String()] = r
	}
	for twin, of := range map[string]string{"azure-openai-deployments": "azure-openai", "vertex-global": "vertex", "voyage-mongodb": "voyage"} {
		if v, ok := catalog.Vendor(twin); !ok || v.Of != of {
			t.Errorf("%s is of %q, not %s", twin, v.Of, of)
		}
		if len(lists[twin]) == 0 || len(lists[twin]) != len(lists[of]) {
			t.Errorf("%s has %d prices, %s has %d", twin, len(lists[twin]), of, len(lists[of]))
		}
		for name, r := range lists[of] {
			if got := lists[twin][name]; !got.SamePrice(r) || got.ID == r.ID {
				t.Errorf("%s at %s: %v, at %s: %v", name, of, r.Rates, twin, got.Rates)
			}
		}
	}
}
