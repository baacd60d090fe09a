package route_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/fault"
	"tollgate/internal/money"
	"tollgate/internal/route"
)

func TestTheProviderObjectIsReadAsOpenRoutersUsersWriteIt(t *testing.T) {
	t.Parallel()
	price := func(p money.Price) *money.Price { return &p }
	tests := []struct {
		name, raw string
		want      *route.Filter
	}{
		{"nothing", ``, nil},
		{"null", ` null `, nil},
		{"an empty object", `{}`, nil},
		{
			"names as slugs and as people write them", `{"order": ["Azure", "google-vertex", "deepinfra/turbo"], "only": ["anthropic"], "ignore": ["together", "Together"]}`,
			&route.Filter{Order: []string{"azure-openai", "vertex", "deepinfra"}, Only: []string{"anthropic"}, Ignore: []string{"together"}},
		},
		{
			"switches", `{"allow_fallbacks": false, "require_parameters": true, "data_collection": "deny"}`,
			&route.Filter{NoFallbacks: true, RequireParams: true, NoTraining: true},
		},
		{"switches at their defaults", `{"allow_fallbacks": true, "require_parameters": false, "data_collection": "allow", "zdr": false, "sort": null}`, &route.Filter{}},
		{
			"prices in dollars a million", `{"max_price": {"prompt": 1, "completion": "2.50"}}`,
			&route.Filter{MaxPrice: route.MaxPrice{Prompt: price(1_000_000), Completion: price(2_500_000)}},
		},
		{"free ones only", `{"max_price": {"prompt": 0}}`, &route.Filter{MaxPrice: route.MaxPrice{Prompt: price(0)}}},
		{"sort", `{"sort": "price"}`, &route.Filter{Sort: "price"}},
		{"sort as an object", `{"sort": {"by": "latency", "partition": "none"}}`, &route.Filter{Sort: "latency"}},
		{"what nobody here can promise", `{"zdr": true, "quantizations": ["fp8"], "max_price": {"image": 1}}`, &route.Filter{Beyond: []string{"max_price.image", "quantizations", "zdr"}}},
		{"wishes that leave nothing out", `{"preferred_min_throughput": 50, "preferred_max_latency": {"p90": 3}}`, &route.Filter{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := route.ParseFilter([]byte(tt.raw))
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestAWrongWishNamesItsField(t *testing.T) {
	t.Parallel()
	for raw, field := range map[string]string{
		`[]`:                                       "provider",
		`"openai"`:                                 "provider",
		`{"ony": ["openai"]}`:                      "provider.ony",
		`{"order": "openai"}`:                      "provider.order",
		`{"only": ["openai", ""]}`:                 "provider.only.1",
		`{"ignore": [1]}`:                          "provider.ignore",
		`{"allow_fallbacks": "no"}`:                "provider.allow_fallbacks",
		`{"data_collection": "never"}`:             "provider.data_collection",
		`{"sort": "quality"}`:                      "provider.sort",
		`{"sort": {"partition": "model"}}`:         "provider.sort.by",
		`{"sort": {"by":"price","partition":"x"}}`: "provider.sort.partition",
		`{"max_price": 1}`:                         "provider.max_price",
		`{"max_price": {"prompt": "cheap"}}`:       "provider.max_price.prompt",
		`{"max_price": {"prompt": -1}}`:            "provider.max_price.prompt",
		`{"max_price": {"tokens": 1}}`:             "provider.max_price",
		`{"quantizations": "fp8"}`:                 "provider.quantizations",
	} {
		_, err := route.ParseFilter([]byte(raw))
		var f *fault.Error
		if !errors.Is(err, route.ErrFilter) || !errors.As(err, &f) || f.Field != field {
			t.Errorf("%s: %v", raw, err)
		}
	}
	for raw, field := range map[string]string{`{}`: "models", `[1]`: "models", `["a",""]`: "models.1", `["1","2","3","4","5","6","7","8","9"]`: "models"} {
		_, err := route.ParseModels([]byte(raw))
		var f *fault.Error
		if !errors.Is(err, route.ErrFilter) || !errors.As(err, &f) || f.Field != field {
			t.Errorf("models %s: %v", raw, err)
		}
	}
	if list, err := route.ParseModels([]byte(`["a/b", "c"]`)); err != nil || len(list) != 2 {
		t.Errorf("%v %v", list, err)
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, seed := range []string{`{"order":["a"],"only":["b/c"],"max_price":{"prompt":1.5}}`, `{"sort":{"by":"price"}}`, `null`, `{"zdr":true}`, `{"max_price":{"prompt":"9223372036854775807"}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := route.ParseFilter(raw)
		if err != nil {
			var declared *fault.Error
			if !errors.As(err, &declared) || declared.Kind != fault.Invalid || !strings.HasPrefix(declared.Field, "provider") {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		if got == nil {
			return
		}
		if !json.Valid(raw) {
			t.Fatalf("%q is no JSON and was taken", raw)
		}
		for _, p := range []*money.Price{got.MaxPrice.Prompt, got.MaxPrice.Completion} {
			if p != nil && *p < 0 {
				t.Fatalf("%q: a bound of %d", raw, *p)
			}
		}
		again, err := route.ParseFilter(raw)
		if diff := cmp.Diff(got, again); err != nil || diff != "" {
			t.Fatalf("%q read twice: %v %s", raw, err, diff)
		}
	})
}
