package price_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/price"
)

func TestTheNamesOfAnImagesPrice(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, size, quality string
		want                []string
	}{
		{"quality and size", "1024x1536", "HD", []string{"hd/1024-x-1536/m", "1024-x-1536/m", "m"}},
		{"as the list writes it", "1024-x-1536", "low", []string{"low/1024-x-1536/m", "1024-x-1536/m", "m"}},
		{"no quality", "512x512", "", []string{"512-x-512/m", "m"}},
		{"any quality", "512x512", "auto", []string{"512-x-512/m", "m"}},
		{"no size", "", "hd", []string{"m"}},
		{"any size", "auto", "hd", []string{"m"}},
		{"no numbers", "axb", "hd", []string{"m"}},
		{"numbers without bound", "1000000000000000000000x1", "hd", []string{"m"}},
		{"a path in the size", "../x/1024", "hd", []string{"m"}},
	} {
		if diff := cmp.Diff(tt.want, price.ImageModels("m", tt.size, tt.quality)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestAnImageIsPricedByWhatIsKnownOfIt(t *testing.T) {
	t.Parallel()
	tokens := list(t, map[chat.Class]string{chat.Input: "5", chat.OutputImage: "40"})
	each := func(dollars string) price.Rates { return list(t, map[chat.Class]string{chat.Images: dollars}) }
	book := price.NewBook([]price.Record{
		{Provider: "openai", Model: "gpt-image", Rates: tokens},
		{Provider: "openai", Model: "high/1024-x-1024/gpt-image", Rates: each("167000")},
		{Provider: "openai", Model: "1024-x-1024/gpt-image", Rates: each("11000")},
		{Provider: "fal", Model: "flux", Rates: each("40000")},
		{Provider: "fal", Model: "draw", Rates: each("145000")},
		{Provider: "fal", Model: "low/1024-x-768/draw", Rates: each("5000")},
	})
	one, counted := chat.Units{chat.Images: 1}, chat.Units{chat.Images: 1, chat.Input: 9, chat.OutputImage: 1000}
	for _, tt := range []struct {
		name, provider, model, size, quality string
		units                                chat.Units
		want                                 string // the model whose record it is; empty: unpriced
	}{
		{"by its tokens where they are counted", "openai", "gpt-image", "1024x1024", "high", counted, "gpt-image"},
		{"by quality and size where they are not", "openai", "gpt-image", "1024x1024", "high", one, "high/1024-x-1024/gpt-image"},
		{"by size alone where the quality is not listed", "openai", "gpt-image", "1024x1024", "medium", one, "1024-x-1024/gpt-image"},
		{"by the model where it has one price", "fal", "flux", "2048x2048", "high", one, "flux"},
		{"by the model where nothing is known of the image", "fal", "draw", "", "", one, "draw"},
		{"not by another size's price", "fal", "draw", "3840x2160", "high", one, ""},
		{"not at all where nobody lists it", "fal", "paint", "1024x1024", "", one, ""},
	} {
		r, ok := book.Image(tt.provider, tt.model, tt.size, tt.quality, tt.units, noon)
		if ok != (tt.want != "") || r.Model != tt.want {
			t.Errorf("%s: %q, %v, want %q", tt.name, r.Model, ok, tt.want)
		}
	}
	for _, r := range book.Models("", noon) {
		if r.Model != "gpt-image" && r.Model != "flux" && r.Model != "draw" {
			t.Errorf("%s is among the models", r.Model)
		}
	}
	own := book.With([]price.Record{{Provider: "fal", Model: "draw", Rates: each("1")}})
	if r, ok := own.Image("fal", "draw", "1024x768", "low", one, noon); !ok || r.Model != "draw" || r.Rates != each("1") {
		t.Errorf("an organization's own price: %q %v, %v", r.Model, r.Rates, ok)
	}
	dated := price.NewBook([]price.Record{{Provider: "fal", Model: "ink-2026-01-01", Rates: each("7")}}).With([]price.Record{{Provider: "fal", Model: "ink", Rates: each("1")}})
	if r, ok := dated.Image("fal", "ink-2026-01-01", "", "", one, noon); !ok || r.Rates != each("7") {
		t.Errorf("an override speaks for another model: %q %v, %v", r.Model, r.Rates, ok)
	}
	other := book.With([]price.Record{{Provider: "fal", Model: "flux", Rates: each("1")}})
	if r, ok := other.Image("fal", "draw", "1024x768", "low", one, noon); !ok || r.Model != "low/1024-x-768/draw" {
		t.Errorf("a view knows its base's sizes: %q, %v", r.Model, ok)
	}
	sized, _ := book.Image("openai", "gpt-image", "1024x1024", "high", one, noon)
	sized = sized.Stamp()
	if r, ok := price.NewBook([]price.Record{sized}).With([]price.Record{{ID: "price_own", Provider: "a", Model: "b"}}).ByID(sized.ID); !ok || r.Model != sized.Model {
		t.Errorf("by its id: %q, %v", r.Model, ok)
	}
	if _, ok := book.ByID("price_nothing"); ok {
		t.Error("an id of nothing was found")
	}
	if got := book.Similar("fal/draw2"); len(got) != 1 || got[0] != "fal/draw" {
		t.Errorf("similar names: %q", got)
	}
}

func FuzzImageModels(f *testing.F) {
	f.Add("gpt-image-1", "1024x1024", "high")
	f.Add("a/b", "x-x-x", "/")
	f.Fuzz(func(t *testing.T, model, size, quality string) {
		names := price.ImageModels(model, size, quality)
		if len(names) == 0 || len(names) > 3 || names[len(names)-1] != model {
			t.Errorf("%q", names)
		}
	})
}
