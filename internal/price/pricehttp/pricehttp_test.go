package pricehttp_test

import (
	"testing"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/price"
	"tollgate/internal/price/pricehttp"
	"tollgate/internal/price/pricepg"
	"tollgate/internal/rest"
	"tollgate/internal/rest/resttest"
	"tollgate/internal/tenant"
)

func serve(t *testing.T) (mine, other *resttest.Client) {
	t.Helper()
	db := pgtest.New(t)
	shipped := []price.Record{
		{Provider: "openai", Model: "gpt-4o", Rates: price.Rates{}.Set(chat.Input, 2_500_000).Set(chat.Output, 10_000_000), Source: "litellm", ContextWindow: 128_000, Input: price.Text | price.Image},
		{Provider: "ollama", Model: "*", Rates: price.Rates{}.Set(chat.Input, 0).Set(chat.Output, 0), Source: "tollgate"},
	}
	for i := range shipped {
		shipped[i] = shipped[i].Stamp()
	}
	svc := price.NewService(pricepg.New(db), shipped, time.Now)
	s := resttest.New(t,
		rest.GET("/models", tenant.ReadPrices, pricehttp.Models(svc)),
		rest.GET("/prices", tenant.ReadPrices, pricehttp.Prices(svc)),
		rest.GET("/prices/overrides", tenant.ReadPrices, pricehttp.ListOverrides(svc)),
		rest.POST("/prices/overrides", tenant.WritePrices, pricehttp.CreateOverride(svc)),
		rest.GET("/prices/overrides/{id}", tenant.ReadPrices, pricehttp.ReadOverride(svc)),
		rest.DELETE("/prices/overrides/{id}", tenant.WritePrices, pricehttp.EndOverride(svc)),
	)
	a, _ := pgtest.Org(t, db, "a")
	b, _ := pgtest.Org(t, db, "b")
	return s.As(t, a), s.As(t, b)
}

func TestAnOverrideStandsInPlaceOfTheCatalogueForItsOrganizationOnly(t *testing.T) {
	t.Parallel()
	mine, other := serve(t)
	var models rest.Page[pricehttp.Model]
	mine.Do("GET", "/models?provider=openai", "").Want(200).Into(&models)
	if len(models.Items) != 1 || models.Items[0].ID != "openai/gpt-4o" || models.Items[0].Rates["input"] != "2.50" || models.Items[0].ContextWindow != 128_000 {
		t.Fatalf("models = %+v", models.Items)
	}
	made := mine.Do("POST", "/prices/overrides", `{"provider":"OpenAI","model":"gpt-4o","rates":{"input":"1.0375","output":"8"},"tiers":[{"above_input":200000,"rates":{"input":"2","output":"16"}}]}`).Want(201)
	oid := made.Field("id")

	var prices rest.Page[pricehttp.Price]
	mine.Do("GET", "/prices?q=GPT", "").Want(200).Into(&prices)
	if len(prices.Items) != 1 || prices.Items[0].Rates["input"] != "1.0375" || prices.Items[0].Source != "override" || prices.Items[0].Tiers[0].Rates["output"] != "16.00" {
		t.Errorf("prices = %+v", prices.Items)
	}
	other.Do("GET", "/prices?q=gpt", "").Want(200).Into(&prices)
	if prices.Items[0].Rates["input"] != "2.50" {
		t.Errorf("another organization's price = %+v", prices.Items[0])
	}
	other.Do("GET", "/prices/overrides/"+oid, "").WantCode(404, "price.not_found")
	other.Do("DELETE", "/prices/overrides/"+oid, "").WantCode(404, "price.not_found")
	mine.Do("GET", "/prices/overrides/"+oid, "").Want(200)
	mine.Do("DELETE", "/prices/overrides/"+oid, "").Want(204)
	mine.Do("DELETE", "/prices/overrides/"+oid, "").WantCode(409, "price.ended")
	mine.Do("GET", "/prices?q=gpt", "").Want(200).Into(&prices)
	if prices.Items[0].Rates["input"] != "2.50" {
		t.Errorf("after its end the override still holds: %+v", prices.Items[0])
	}
}

func TestAFreeClassIsListedAndAnUnpricedOneIsNot(t *testing.T) {
	t.Parallel()
	mine, _ := serve(t)
	var prices rest.Page[pricehttp.Price]
	mine.Do("GET", "/prices?provider=ollama", "").Want(200).Into(&prices)
	rates := prices.Items[0].Rates
	if rates["input"] != "0.00" {
		t.Errorf("a free class = %q", rates["input"])
	}
	if _, ok := rates["reasoning"]; ok {
		t.Error("an unpriced class has a rate")
	}
}

func TestListsArePaged(t *testing.T) {
	t.Parallel()
	mine, _ := serve(t)
	for _, m := range []string{"a", "b", "c"} {
		mine.Do("POST", "/prices/overrides", `{"provider":"custom","model":"`+m+`","rates":{"input":"1"}}`).Want(201)
	}
	for _, path := range []string{"/prices/overrides", "/prices"} {
		seen, cursor := 0, ""
		for range 10 {
			var p rest.Page[pricehttp.Price]
			mine.Do("GET", path+"?limit=2&cursor="+cursor, "").Want(200).Into(&p)
			seen += len(p.Items)
			if cursor = p.NextCursor; cursor == "" {
				break
			}
		}
		want := map[string]int{"/prices/overrides": 3, "/prices": 5}[path]
		if seen != want {
			t.Errorf("%s: %d items over all pages, want %d", path, seen, want)
		}
	}
}

func TestAnOverrideIsRefusedByField(t *testing.T) {
	t.Parallel()
	mine, _ := serve(t)
	tests := []struct{ name, body, code, field string }{
		{"an unknown class", `{"provider":"p","model":"m","rates":{"inputs":"1"}}`, "price.invalid", "rates"},
		{"no decimal", `{"provider":"p","model":"m","rates":{"input":"1e3"}}`, "price.invalid", "rates.input"},
		{"too exact", `{"provider":"p","model":"m","rates":{"input":"0.0000001"}}`, "price.invalid", "rates.input"},
		{"a number", `{"provider":"p","model":"m","rates":{"input":1}}`, "request.invalid", "rates.input"},
		{"no rate", `{"provider":"p","model":"m","rates":{}}`, "price.invalid", "rates"},
		{"a tier's rate", `{"provider":"p","model":"m","rates":{"input":"1"},"tiers":[{"above_input":1,"rates":{"output":"x"}}]}`, "price.invalid", "tiers.0.rates.output"},
		{"in the past", `{"provider":"p","model":"m","rates":{"input":"1"},"from":"2020-01-01T00:00:00Z"}`, "price.backdated", "from"},
		{"negative", `{"provider":"p","model":"m","rates":{"input":"-1"}}`, "price.invalid", "rates.input"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := mine.For(t).Do("POST", "/prices/overrides", tt.body).WantCode(400, tt.code).Problem().Field; got != tt.field {
				t.Errorf("field = %q, want %q", got, tt.field)
			}
		})
	}
}
