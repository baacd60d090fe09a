package seed_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/id"
	"tollgate/internal/money"
	"tollgate/internal/price"
	"tollgate/internal/price/seed"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func shipped(t testing.TB) []price.Record {
	t.Helper()
	records, err := seed.Records()
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func TestTheShippedFileIsExactlyWhatWriteMakesOfIt(t *testing.T) {
	t.Parallel()
	onDisk, err := os.ReadFile("prices.tsv")
	if err != nil {
		t.Fatal(err)
	}
	if len(onDisk) > 1<<20 {
		t.Errorf("%d bytes, more than 1 MiB", len(onDisk))
	}
	var again bytes.Buffer
	if err := seed.Write(&again, shipped(t)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(onDisk), "\n"), strings.Split(again.String(), "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestEveryShippedRecordHasAnIDOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[id.PriceRecord]string{}
	for _, r := range shipped(t) {
		name := r.Provider + "/" + r.Model
		if other, twice := seen[r.ID]; twice || r.ID == "" {
			t.Errorf("%s and %s have the id %q", other, name, r.ID)
		}
		seen[r.ID] = name
	}
}

func TestNoTwoShippedRecordsHoldAtOnce(t *testing.T) {
	t.Parallel()
	type key struct{ provider, model string }
	rows := map[key][]price.Record{}
	for _, r := range shipped(t) {
		k := key{r.Provider, strings.ToLower(r.Model)}
		for _, o := range rows[k] {
			if (o.To.IsZero() || r.From.Before(o.To)) && (r.To.IsZero() || o.From.Before(r.To)) {
				t.Errorf("%s/%s is listed twice", r.Provider, r.Model)
			}
		}
		rows[k] = append(rows[k], r)
	}
}

// The vendors that a newcomer connects first, and the sandbox's figures, which documentation and tests quote.
func TestTheVendorsHavePrices(t *testing.T) {
	t.Parallel()
	records := shipped(t)
	count := map[string]int{}
	for _, r := range records {
		count[r.Provider]++
	}
	for _, p := range []string{"openai", "anthropic", "mistral", "groq", "deepseek", "xai", "openrouter", "together", "fireworks", "ollama"} {
		if count[p] == 0 {
			t.Errorf("%s has no prices", p)
		}
	}
	book := price.NewBook(records)
	per := func(c map[chat.Class]string) (r price.Rates) {
		for class, s := range c {
			p, err := money.ParsePerMillion(s)
			if err != nil {
				t.Fatal(err)
			}
			r = r.Set(class, p)
		}
		return r
	}
	for model, want := range map[string]price.Rates{
		"echo-mini":  per(map[chat.Class]string{chat.Input: "0.10", chat.Output: "0.40", chat.CacheRead: "0.025"}),
		"echo-large": per(map[chat.Class]string{chat.Input: "2.50", chat.Output: "10.00", chat.CacheRead: "1.25", chat.CacheWrite5m: "3.125"}),
		"reasoner":   per(map[chat.Class]string{chat.Input: "1.00", chat.Output: "4.00", chat.Reasoning: "4.00"}),
	} {
		got, ok := book.Lookup("sandbox", model, noon)
		if !ok || got.Rates != want {
			t.Errorf("sandbox/%s = %v, %v", model, got.Rates, ok)
		}
	}
	for _, m := range []struct{ provider, model string }{
		{"openai", "gpt-4o"}, {"openai", "gpt-4o-mini-2024-07-18"}, {"anthropic", "claude-haiku-4-5"}, {"anthropic", "claude-sonnet-4-5-20250929"},
	} {
		r, ok := book.Lookup(m.provider, m.model, noon)
		if _, state := price.Cost(r, chat.Units{chat.Input: 1, chat.Output: 1}); !ok || state != price.Priced {
			t.Errorf("%s/%s is %s", m.provider, m.model, state)
		}
	}
	r, _ := book.Lookup("ollama", "anything:8b", noon)
	if _, state := price.Cost(r, chat.Units{chat.Input: 1, chat.Output: 1}); state != price.Free {
		t.Errorf("a local model is %s", state)
	}
}

// A call of every surface finds its price in what is shipped.
func TestTheCataloguePricesEverySurface(t *testing.T) {
	t.Parallel()
	all, err := seed.Records()
	if err != nil {
		t.Fatal(err)
	}
	book := price.NewBook(all)
	for _, tt := range []struct {
		name, provider, model string
		units                 chat.Units
		want                  money.NanoUSD
		state                 price.State
	}{
		{"embeddings", "openai", "text-embedding-3-small", chat.Units{chat.Input: 1_000_000}, 20_000_000, price.Priced},
		{"an image in tokens", "openai", "gpt-image-1", chat.Units{chat.Input: 100, chat.OutputImage: 1000, chat.Images: 1}, 500_000 + 40_000_000, price.Priced},
		{"an image of Gemini's", "google-gemini", "gemini-2.5-flash-image", chat.Units{chat.Input: 100, chat.InputImage: 258, chat.OutputImage: 1290}, 30_000 + 77_400 + 38_700_000, price.Priced},
		{"speech by the character", "openai", "tts-1", chat.Units{chat.Characters: 1_000_000}, 15_000_000_000, price.Priced},
		{"a transcription by its time", "openai", "whisper-1", chat.Units{chat.AudioMS: 60_000}, 6_000_000, price.Priced},
		{"a transcription in tokens", "openai", "gpt-4o-transcribe", chat.Units{chat.InputAudio: 1000, chat.Output: 100}, 2_500_000 + 1_000_000, price.Priced},
		{"a rerank", "cohere", "rerank-v3.5", chat.Units{chat.SearchUnits: 1}, 2_000_000, price.Priced},
		{"pages", "mistral", "mistral-ocr-latest", chat.Units{chat.Pages: 2}, 8_000_000, price.Priced},
		{"a moderation", "openai", "omni-moderation-latest", chat.Units{chat.Input: 9}, 0, price.Free},
		{"hosted tools", "openai", "gpt-4o", chat.Units{chat.FileSearch: 1, chat.CodeSession: 1}, 2_500_000 + 30_000_000, price.Priced},
	} {
		r, ok := book.Lookup(tt.provider, tt.model, noon)
		if got, state := price.Cost(r, tt.units); !ok || got != tt.want || state != tt.state {
			t.Errorf("%s: %d nano, %s, want %d, %s (%v)", tt.name, got, state, tt.want, tt.state, r.Rates)
		}
	}
	one := chat.Units{chat.Images: 1}
	r, ok := book.Image("azure-openai", "gpt-image-1", "1024x1024", "high", one, noon)
	if got, state := price.Cost(r, one); !ok || got != 167_000_000 || state != price.Priced {
		t.Errorf("an image by size and quality: %d nano, %s", got, state)
	}
}

// The id of a list is made of what it says, so calls of earlier releases keep their price. These were made by the first release.
func TestAListThatSaysTheSameKeepsItsID(t *testing.T) {
	t.Parallel()
	all, err := seed.Records()
	if err != nil {
		t.Fatal(err)
	}
	book := price.NewBook(all)
	for model, want := range map[[2]string]string{
		{"anthropic", "claude-haiku-4-5"}:    "price_7xrtab4sn5ayw9gp4z4ch7gfv8",
		{"openai", "text-embedding-3-small"}: "price_s4zr11hgt8s9chmkbtq24ymsag",
		{"sandbox", "echo-mini"}:             "price_wptn4wt4ewdt3m5jtzb8aq28z0",
	} {
		if r, ok := book.Lookup(model[0], model[1], noon); !ok || string(r.ID) != want {
			t.Errorf("%s/%s has the id %s, want %s", model[0], model[1], r.ID, want)
		}
	}
}

func TestReadRefusesWhatIsNotOfTheFormat(t *testing.T) {
	t.Parallel()
	const good = "acme\towl\t2026-01-01\t2026-02-01\t1000\t100\ttext,image>text\tinput=1 output=2.5\t500:input=2,output=5\tlitellm"
	got, err := seed.Read(strings.NewReader("# comment\n\n" + good + "\n"))
	if err != nil || len(got) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	want := price.Record{
		Provider: "acme", Model: "owl", Source: "litellm", ContextWindow: 1000, MaxOutput: 100,
		From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC),
		Input: price.Text | price.Image, Output: price.Text,
		Rates: price.Rates{}.Set(chat.Input, 1_000_000).Set(chat.Output, 2_500_000),
		Tiers: []price.Tier{{AboveInput: 500, Rates: price.Rates{}.Set(chat.Input, 2_000_000).Set(chat.Output, 5_000_000)}},
	}.Stamp()
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
	for name, line := range map[string]string{
		"a field too few":        strings.Replace(good, "\tlitellm", "", 1),
		"an unknown class":       strings.Replace(good, "input=1 ", "inptu=1 ", 1),
		"a class twice":          strings.Replace(good, "input=1 ", "input=1 input=1 ", 1),
		"a rate finer than pico": strings.Replace(good, "2.5\t", "2.50000001\t", 1),
		"a negative rate":        strings.Replace(good, "output=2.5\t", "output=-2.5\t", 1),
		"no rates":               strings.Replace(good, "input=1 output=2.5", "-", 1),
		"a day that is none":     strings.Replace(good, "2026-01-01", "2026-13-01", 1),
		"ends before it starts":  strings.Replace(good, "2026-02-01", "2025-02-01", 1),
		"a count that is none":   strings.Replace(good, "\t1000\t", "\t1e3\t", 1),
		"an unknown modality":    strings.Replace(good, "image", "smell", 1),
		"a tier without bound":   strings.Replace(good, "500:", ":", 1),
	} {
		if got, err := seed.Read(strings.NewReader(line)); err == nil {
			t.Errorf("%s was read as %v", name, got)
		}
	}
}

func FuzzWhatReadAcceptsRoundTrips(f *testing.F) {
	f.Add("acme\towl\t2026-01-01\t-\t1000\t-\ttext>text\tinput=1 output=0\t500:input=2,output=5;600:input=3\tlitellm\n")
	f.Add("ollama\t*\t-\t-\t-\t-\t-\tinput=0.000001\t-\t-\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := seed.Read(strings.NewReader(text))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := seed.Write(&out, got); err != nil {
			t.Fatal(err)
		}
		again, err := seed.Read(&out)
		if err != nil {
			t.Fatal(err)
		}
		price.Sort(got)
		if diff := cmp.Diff(got, again); diff != "" {
			t.Error(diff)
		}
	})
}

func BenchmarkRecordsAndBook(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		records, err := seed.Records()
		if err != nil {
			b.Fatal(err)
		}
		price.NewBook(records)
	}
}

func BenchmarkSimilarAmongAllModels(b *testing.B) {
	book := price.NewBook(shipped(b))
	for b.Loop() {
		book.Similar("claude-sonet-4-5-20250929")
	}
}
