package compile_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/price"
	"tollgate/internal/price/compile"
)

const (
	liteFile = "litellm-model_prices_and_context_window.json"
	devFile  = "models.dev.json"
)

// recorded gives the path of a published price list. Where there is none the test's own part is all there is, but for
// continuous integration, where a missing list is a failure.
func recorded(t *testing.T, file string) (string, bool) {
	t.Helper()
	root := os.Getenv("TOLLGATE_FIXTURES")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "fixtures")
	}
	path := filepath.Join(root, "catalog", file)
	_, err := os.Stat(path)
	switch {
	case err == nil:
		return path, true
	case errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") != "true":
		t.Logf("%s is not here: left out", path)
		return "", false
	}
	t.Fatal(err)
	return "", false
}

// Every rate of every row that was taken from the real file is its decimal text × 10^12, but for the rows that the report
// names: those are off by float noise, or up by less than a pico-dollar.
func TestEveryRateOfTheRealLiteLLMFileIsExact(t *testing.T) {
	t.Parallel()
	path, ok := recorded(t, liteFile)
	if !ok {
		return
	}
	p := parse(t, path, compile.FromLiteLLM)
	if p.Rows < 4000 || len(p.Taken) < 3000 {
		t.Fatalf("%d rows, %d taken", p.Rows, len(p.Taken))
	}
	noted := map[string]bool{}
	for _, n := range p.Notes {
		if n.Reason == compile.Snapped || n.Reason == compile.Raised {
			noted[n.Row] = true
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var file map[string]map[string]any
	if err := d.Decode(&file); err != nil {
		t.Fatal(err)
	}
	fields := map[chat.Class]string{
		chat.Input: "input_cost_per_token", chat.Output: "output_cost_per_token", chat.CacheRead: "cache_read_input_token_cost",
		chat.CacheWrite5m: "cache_creation_input_token_cost", chat.CacheWrite1h: "cache_creation_input_token_cost_above_1hr",
		chat.Reasoning: "output_cost_per_reasoning_token", chat.InputAudio: "input_cost_per_audio_token", chat.OutputAudio: "output_cost_per_audio_token",
		chat.InputImage: "input_cost_per_image_token", chat.OutputImage: "output_cost_per_image_token", chat.Requests: "input_cost_per_request",
	}
	checked := 0
	for _, x := range p.Taken {
		row := file[x.Row]
		if _, ranged := row["tiered_pricing"]; ranged {
			continue
		}
		for c, field := range fields {
			rate := x.Record.Rates[c]
			value, listed := row[field].(json.Number)
			if !listed {
				if rate.Listed && (c != chat.CacheRead || row["input_cost_per_token_cache_hit"] == nil) {
					t.Errorf("%s: a rate for %s that the file does not list", x.Row, c)
				}
				continue
			}
			want, _ := new(big.Rat).SetString(value.String())
			want.Mul(want, big.NewRat(1_000_000_000_000, 1))
			if want.Sign() == 0 && !rate.Listed {
				continue // a zero that is not believed
			}
			if !rate.Listed {
				t.Errorf("%s: %s = %s was lost", x.Row, field, value)
				continue
			}
			off := new(big.Rat).Sub(big.NewRat(int64(rate.Price), 1), want)
			if off.Sign() != 0 && (!noted[x.Row] || off.Cmp(big.NewRat(1, 1)) >= 0 || off.Cmp(big.NewRat(-1, 1000)) < 0) {
				t.Errorf("%s: %s = %s became %d pico-dollars", x.Row, field, value, rate.Price)
			}
			checked++
		}
		if !x.Record.Rates.Free() {
			for c, rate := range x.Record.Rates {
				if rate.Listed && rate.Price == 0 {
					t.Errorf("%s: %s is free beside prices", x.Row, chat.Class(c))
				}
			}
		}
	}
	if checked < 9000 {
		t.Errorf("only %d rates were compared", checked)
	}
	t.Logf("%d rates compared, %d rows noted", checked, len(noted))
}

// Every row of the real file that prices things by the piece was read as that, to the last digit, or is named in the report.
func TestEveryPriceOfAThingInTheRealLiteLLMFileIsExact(t *testing.T) {
	t.Parallel()
	path, ok := recorded(t, liteFile)
	if !ok {
		return
	}
	p := parse(t, path, compile.FromLiteLLM)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var file map[string]map[string]any
	if err := d.Decode(&file); err != nil {
		t.Fatal(err)
	}
	checked := map[chat.Class]int{}
	for _, x := range p.Taken {
		row := file[x.Row]
		for _, of := range []struct {
			class  chat.Class
			mode   string
			fields []string // the first above zero
			parts  int64    // our units in one of the file's
		}{
			{chat.SearchUnits, "rerank", []string{"input_cost_per_query"}, 1},
			{chat.AudioMS, "audio_transcription", []string{"input_cost_per_second", "output_cost_per_second"}, 1000},
			{chat.Characters, "audio_speech", []string{"input_cost_per_character"}, 1},
			{chat.Pages, "ocr", []string{"ocr_cost_per_page"}, 1},
			{chat.Images, "image_generation", []string{"output_cost_per_image", "input_cost_per_image"}, 1},
			{chat.Images, "image_edit", []string{"output_cost_per_image"}, 1},
		} {
			if row["mode"] != of.mode || of.class == chat.Images && x.Record.Rates[chat.OutputImage].Listed {
				continue
			}
			for _, field := range of.fields {
				value, _ := row[field].(json.Number)
				want, ok := new(big.Rat).SetString(value.String())
				if !ok || want.Sign() == 0 {
					continue
				}
				want.Mul(want, big.NewRat(1_000_000_000_000, of.parts))
				rate := x.Record.Rates[of.class]
				if off := new(big.Rat).Sub(big.NewRat(int64(rate.Price), 1), want); !rate.Listed || off.Sign() < 0 || off.Cmp(big.NewRat(1, 1)) >= 0 {
					t.Errorf("%s: %s = %s became %+v", x.Row, field, value, rate)
				}
				checked[of.class]++
				break
			}
		}
	}
	for class, least := range map[chat.Class]int{chat.SearchUnits: 15, chat.AudioMS: 80, chat.Characters: 30, chat.Pages: 15, chat.Images: 250} {
		if checked[class] < least {
			t.Errorf("only %d prices of class %s were compared", checked[class], class)
		}
	}
}

func TestTheRealModelsDevFileIsAccountedFor(t *testing.T) {
	t.Parallel()
	path, ok := recorded(t, devFile)
	if !ok {
		return
	}
	p := parse(t, path, compile.FromModelsDev)
	if p.Rows < 5000 || len(p.Taken) < 4000 {
		t.Errorf("%d rows, %d taken", p.Rows, len(p.Taken))
	}
	for _, r := range p.Ignored {
		if r.Reason == compile.Malformed {
			t.Errorf("%s: %s", r.Row, r.Detail)
		}
	}
}

// The catalogue in the tree is made by the command in the tree: succeeded by the same lists, it does not change. So nobody
// edited a price by hand, and no change of the compiler went without a new catalogue.
func TestTheShippedCatalogueIsWhatTheCompilerMakes(t *testing.T) {
	t.Parallel()
	lite, ok1 := recorded(t, liteFile)
	dev, ok2 := recorded(t, devFile)
	if !ok1 || !ok2 {
		return
	}
	want, err := os.ReadFile(filepath.Join("..", "seed", "prices.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "prices.tsv")
	if err := os.WriteFile(out, want, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := compile.Run([]string{"--litellm", lite, "--models-dev", dev, "--out", out, "--effective", "2099-01-01"}, io.Discard); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	a, b := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			t.Fatalf("line %d: the compiler makes\n%s\nthe tree has\n%s", i+1, a[i], b[i])
		}
	}
	t.Fatalf("the compiler makes %d lines, the tree has %d", len(a), len(b))
}

// A real call, priced by the shipped catalogue as its users would find it.
func TestRealModelsAreFoundByTheNamesThatCallsUse(t *testing.T) {
	t.Parallel()
	lite, ok := recorded(t, liteFile)
	if !ok {
		return
	}
	book := price.NewBook(parse(t, lite, compile.FromLiteLLM).Records())
	for _, m := range [][2]string{
		{"openai", "gpt-4o-2024-08-06"},
		{"openai", "gpt-4o-mini"},
		{"openai", "o4-mini-2025-04-16"},
		{"anthropic", "claude-haiku-4-5-20251001"},
		{"anthropic", "claude-sonnet-4-5"},
		{"mistral", "mistral-large-latest"},
		{"deepseek", "deepseek-chat"},
		{"xai", "grok-4.3"},
		{"together", "meta-llama/Llama-3.3-70B-Instruct-Turbo"},
		{"fireworks", "accounts/fireworks/models/deepseek-v3"},
		{"google-gemini", "models/gemini-2.5-pro"},
	} {
		if r, ok := book.Lookup(m[0], m[1], noon); !ok || r.Rates.Free() {
			t.Errorf("%s/%s is not priced", m[0], m[1])
		}
	}
}
