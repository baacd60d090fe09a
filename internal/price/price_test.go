package price_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/price"
)

func TestRatesKeepUnpricedApartFromFreeInJSON(t *testing.T) {
	t.Parallel()
	in := price.Rates{}.Set(chat.Input, 2_500_000).Set(chat.Output, 0)
	b, err := json.Marshal(in)
	if err != nil || string(b) != `{"input":2500000,"output":0}` {
		t.Fatalf("%s, %v", b, err)
	}
	var out price.Rates
	if err := json.Unmarshal(b, &out); err != nil || out != in {
		t.Errorf("%v -> %v, %v", in, out, err)
	}
	for _, bad := range []string{`{"inptu":1}`, `{"input":-1}`, `{"input":1.5}`, `[]`} {
		if err := json.Unmarshal([]byte(bad), &out); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func TestAnIDChangesWithThePriceAndWithNothingElse(t *testing.T) {
	t.Parallel()
	base := price.Record{Provider: "acme", Model: "owl", Rates: list(t, map[chat.Class]string{chat.Input: "1", chat.Output: "2"})}
	id := base.Stamp().ID
	if id != "price_mcwtrsc3r1wsg6g3zsk365j1t8" {
		t.Errorf("the id is %s: ids of shipped prices must not change between releases", id)
	}
	same := base
	same.ContextWindow, same.Source, same.To = 5, "elsewhere", time.Unix(9, 0)
	if same.Stamp().ID != id {
		t.Error("what is no price changed the id")
	}
	for name, change := range map[string]func(*price.Record){
		"provider":   func(r *price.Record) { r.Provider = "acm"; r.Model = "eowl" },
		"rate":       func(r *price.Record) { r.Rates = r.Rates.Set(chat.Input, 1_000_001) },
		"free class": func(r *price.Record) { r.Rates = r.Rates.Set(chat.CacheRead, 0) },
		"start":      func(r *price.Record) { r.From = time.Unix(9, 0) },
		"tier":       func(r *price.Record) { r.Tiers = []price.Tier{{AboveInput: 1, Rates: r.Rates}} },
	} {
		r := base
		change(&r)
		if r.Stamp().ID == id {
			t.Errorf("another %s has the same id", name)
		}
	}
}

func TestCheckRefusesWhatIsNoPriceList(t *testing.T) {
	t.Parallel()
	good := price.Record{Provider: "acme", Model: "owl", Rates: list(t, map[chat.Class]string{chat.Input: "1"})}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	day := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, change := range map[string]func(*price.Record){
		"no provider":           func(r *price.Record) { r.Provider = " " },
		"no model":              func(r *price.Record) { r.Model = "" },
		"a tab in the name":     func(r *price.Record) { r.Model = "a\tb" },
		"no rates":              func(r *price.Record) { r.Rates = price.Rates{} },
		"a negative rate":       func(r *price.Record) { r.Rates = r.Rates.Set(chat.Output, -1) },
		"a slipped point":       func(r *price.Record) { r.Rates = r.Rates.Set(chat.Output, 1e15) },
		"ends before it starts": func(r *price.Record) { r.From, r.To = day, day },
		"tiers that go down": func(r *price.Record) {
			r.Tiers = []price.Tier{{AboveInput: 9, Rates: r.Rates}, {AboveInput: 5, Rates: r.Rates}}
		},
		"a tier without rates": func(r *price.Record) { r.Tiers = []price.Tier{{AboveInput: 9}} },
	} {
		r := good
		change(&r)
		if err := r.Check(); !errors.Is(err, price.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestModalitiesHaveNames(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff("text,pdf", (price.Text | price.PDF).String()); diff != "" {
		t.Error(diff)
	}
	if _, ok := price.ParseModality("smell"); ok {
		t.Error("smell was accepted")
	}
}
