package compile_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/price"
	"tollgate/internal/price/compile"
	"tollgate/internal/price/seed"
)

var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func rec(model, source string, of map[chat.Class]int64) price.Record {
	return price.Record{Provider: "acme", Model: model, Source: source, Rates: rates(of)}
}

func TestMergePrefersTheFirstFileAndReportsDisagreement(t *testing.T) {
	t.Parallel()
	first := []price.Record{
		rec("both", "a", map[chat.Class]int64{chat.Input: 1, chat.Output: 2}),
		rec("differ", "a", map[chat.Class]int64{chat.Input: 1, chat.Output: 2}),
		rec("zero", "a", map[chat.Class]int64{chat.Input: 0, chat.Output: 0}),
	}
	second := []price.Record{
		rec("BOTH", "b", map[chat.Class]int64{chat.Input: 1, chat.Output: 2, chat.CacheRead: 3}),
		rec("differ", "b", map[chat.Class]int64{chat.Input: 9, chat.Output: 2, chat.CacheRead: 3}),
		rec("zero", "b", map[chat.Class]int64{chat.Input: 7, chat.Output: 8}),
		rec("new", "b", map[chat.Class]int64{chat.Input: 5}),
	}
	second[1].ContextWindow = 1000
	got, differ := compile.Merge(first, second)
	filled := first[0]
	filled.Rates = second[0].Rates // the same list, so the second completes it
	limits := first[1]
	limits.ContextWindow = 1000 // another list: no rate is mixed in
	if diff := cmp.Diff([]price.Record{filled, limits, second[2], second[3]}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]compile.Difference{{Taken: first[1], Other: second[1]}, {Taken: second[2], Other: first[2]}}, differ); diff != "" {
		t.Error(diff)
	}
}

func TestANewCatalogueKeepsThePricesOfTheOldForCallsAlreadyMade(t *testing.T) {
	t.Parallel()
	day := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	old := []price.Record{
		rec("same", "a", map[chat.Class]int64{chat.Input: 1}), rec("raised", "a", map[chat.Class]int64{chat.Input: 2}),
		rec("dropped", "a", map[chat.Class]int64{chat.Input: 3}),
	}
	next := []price.Record{
		rec("same", "a", map[chat.Class]int64{chat.Input: 1}), rec("raised", "a", map[chat.Class]int64{chat.Input: 20}),
		rec("new", "a", map[chat.Class]int64{chat.Input: 4}),
	}
	got := compile.Succeed(old, next, day)
	book := price.NewBook(got)
	for _, tt := range []struct {
		model string
		at    time.Time
		want  int64
	}{
		{"same", day, 1},
		{"raised", day.Add(-1), 2},
		{"raised", day, 20},
		{"dropped", day, 3},
		{"new", day, 4},
	} {
		r, ok := book.Lookup("acme", tt.model, tt.at)
		if !ok || int64(r.Rates[chat.Input].Price) != tt.want {
			t.Errorf("%s at %s = %d, %v; want %d", tt.model, tt.at, r.Rates[chat.Input].Price, ok, tt.want)
		}
	}
	if again := compile.Succeed(got, next, day); !cmp.Equal(got, again) {
		t.Error("made twice on one day, the catalogue differs: " + cmp.Diff(got, again))
	}
	if kept, _ := book.Lookup("acme", "same", day); kept.Stamp().ID != old[0].Stamp().ID {
		t.Error("a price that did not change has another id")
	}
}

func TestRunWritesACatalogueAndAReport(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "prices.tsv")
	args := []string{"--litellm", "testdata/litellm.json", "--models-dev", "testdata/modelsdev.json", "--out", out, "--verbose"}
	var report strings.Builder
	if err := compile.Run(args, &report); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"LiteLLM: 35 rows, 20 taken, 15 ignored", "  ignored dynamic: 2", "    ollama/owl:120b-cloud  runs on Ollama's cloud, by subscription",
		"models.dev: 5 rows, 3 taken, 2 ignored", "the files disagree on 0 models",
	} {
		if !strings.Contains(report.String(), line+"\n") {
			t.Errorf("the report lacks %q:\n%s", line, report.String())
		}
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, err := seed.Read(f)
	if err != nil || len(records) != 20+3+len(compile.Builtin()) {
		t.Errorf("%d records, %v", len(records), err)
	}
	if err := compile.Run(append(args, "--effective", "2030-01-01"), &report); err != nil {
		t.Error(err)
	}
	for name, bad := range map[string][]string{
		"no files": nil, "a missing file": {"--litellm", "nowhere", "--models-dev", "nowhere", "--out", out},
		"a day that is none": append(args, "--effective", "tomorrow"), "an unknown flag": {"--frobnicate"},
	} {
		if err := compile.Run(bad, &report); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// importer takes note of what it is given.
type importer struct {
	got  []price.Record
	mode price.Mode
}

func (i *importer) Import(_ context.Context, records []price.Record, mode price.Mode) (price.Imported, error) {
	i.got, i.mode = records, mode
	return price.Imported{
		Added:     records[1:],
		Changed:   []price.Change{{Old: rec("owl", "a", map[chat.Class]int64{chat.Input: 1_000_000}), New: records[0]}},
		Unchanged: 7,
	}, nil
}

func TestImportReportsTakenChangedAndIgnored(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/openrouter.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var into importer
	var report strings.Builder
	if err := compile.Import(t.Context(), "openrouter", f, &into, compile.Options{Mode: price.DryRun, Verbose: true}, &report); err != nil {
		t.Fatal(err)
	}
	if len(into.got) != 5 || into.mode != price.DryRun {
		t.Errorf("imported %d records, mode %d", len(into.got), into.mode)
	}
	for _, part := range []string{
		"openrouter: 8 rows, 5 taken, 3 ignored", "ignored dynamic: 1", "openrouter/auto", "4 new, 1 changed, 7 unchanged",
		"acme/owl-2  input 1.00 → input 1.10, cache_read 0.11", "above 127999: input 2.20", "dry run: nothing was changed",
	} {
		if !strings.Contains(report.String(), part) {
			t.Errorf("the report lacks %q:\n%s", part, report.String())
		}
	}
	if err := compile.Import(t.Context(), "csv", f, &into, compile.Options{}, &report); !errors.Is(err, compile.ErrSource) {
		t.Errorf("an unknown format: %v", err)
	}
}

func TestAReportCannotActOnATerminal(t *testing.T) {
	t.Parallel()
	var into importer
	var report strings.Builder
	file := `{"data":[{"id":"a\u001b[2Jb","pricing":{"prompt":"-1"}},{"id":"ok","pricing":{"prompt":"0.000001"}}]}`
	if err := compile.Import(t.Context(), "openrouter", strings.NewReader(file), &into, compile.Options{Verbose: true}, &report); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsRune(report.String(), 0x1b) {
		t.Errorf("%q", report.String())
	}
}
