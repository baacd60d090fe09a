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
