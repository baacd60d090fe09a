package route

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"tollgate/internal/provider/traits"
)

// labelled reads testdata/prompts.txt: a task, a bar, and the prompt on one line; \n stands for a line's end.
func labelled(t testing.TB) (out []struct{ task, text string }) {
	t.Helper()
	f, err := os.Open("testdata/prompts.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		task, text, ok := strings.Cut(line, " | ")
		if !ok {
			t.Fatalf("no label: %s", line)
		}
		out = append(out, struct{ task, text string }{task, strings.ReplaceAll(text, `\n`, "\n")})
	}
	return out
}

// usual is how organizations name such tasks.
var usual = []string{"chat", "classification", "code-generation", "complex-analysis", "copywriting", "extraction", "summarization", "translation"}

func TestTheClassifierIsRightWhereItIsSure(t *testing.T) {
	t.Parallel()
	var sure, right, best, all int
	confused := map[string]int{}
	for _, p := range labelled(t) {
		v := classify(&traits.Traits{Text: p.text, Messages: 1}, usual)
		all++
		if v.task == p.task {
			best++
		}
		if !v.sure {
			continue
		}
		sure++
		if v.task == p.task {
			right++
			continue
		}
		confused[p.task+" taken for "+v.task]++
		t.Logf("%s taken for %s: %.70s %v", p.task, v.task, p.text, v.features)
	}
	t.Logf("%d prompts: sure of %d (%d %%), right in %d of those (%.1f %%); the best guess is right in %d (%.1f %%)",
		all, sure, 100*sure/all, right, 100*float64(right)/float64(sure), best, 100*float64(best)/float64(all))
	if all < 60 {
		t.Errorf("only %d labelled prompts", all)
	}
	if 100*right < 90*sure || 100*sure < 60*all {
		t.Errorf("sure of %d of %d, right in %d: %v", sure, all, right, confused)
	}
}

func TestTheClassifierIsNotSureOfWorkThatNoTaskIsFor(t *testing.T) {
	t.Parallel()
	v := classify(&traits.Traits{Text: "Translate the following paragraph into German: The weather was mild."}, []string{"code-generation", "classification"})
	if v.sure {
		t.Errorf("sure that a translation is %s", v.task)
	}
	if v := classify(&traits.Traits{}, usual); v.sure {
		t.Errorf("sure that nothing is %s", v.task)
	}
	if v := classify(&traits.Traits{Text: "Translate this into French: hello"}, nil); v.sure || v.task != "" {
		t.Errorf("without tasks: %+v", v)
	}
}

func TestTasksOfOneSortAreToldApartByTheirNames(t *testing.T) {
	t.Parallel()
	tasks := []string{"code-generation", "code-review"}
	v := classify(&traits.Traits{Text: "Please review this Python function for bugs:\n```python\ndef f(x): return x\n```"}, tasks)
	if v.task != "code-review" || !v.sure {
		t.Errorf("%+v", v)
	}
}

func TestTaskNamesStandForSortsOfWork(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]work{
		"classification": classification, "ticket_triage": classification, "complex-analysis": analysis, "code-generation": code,
		"batch-processing": none, "invoice-extraction": extraction, "zusammenfassung": summary, "translate-docs": translation,
		"customer-chat": talk, "nightly": none, "sentiment": classification, "": none,
	} {
		if got := workOf(name); got != want {
			t.Errorf("%q is %s, want %s", name, got, want)
		}
	}
}

func TestWhatWasCountedIsListedByItsWeight(t *testing.T) {
	t.Parallel()
	v := classify(&traits.Traits{Text: "Classify this review as positive or negative.", Enum: true, JSON: true}, usual)
	if !v.sure || v.task != "classification" || len(v.features) < 3 || v.features[0].Name != "says_classify" && v.features[0].Name != "demands_choice" {
		t.Errorf("%+v", v)
	}
	for i := 1; i < len(v.features); i++ {
		a, b := v.features[i-1], v.features[i]
		if a.Value*a.Weight < b.Value*b.Weight {
			t.Errorf("%v before %v", a, b)
		}
	}
}

func FuzzClassifyIsTotalAndSteady(f *testing.F) {
	f.Add("Übersetze", "tu ", true)
	f.Add("```go\nfunc main() {}\n```", "", false)
	f.Fuzz(func(t *testing.T, text, system string, json bool) {
		p := traits.Traits{Text: text, System: system, JSON: json}
		a, b := classify(&p, usual), classify(&p, usual)
		if a.task != b.task || a.sure != b.sure || len(a.features) != len(b.features) {
			t.Errorf("%+v and then %+v", a, b)
		}
	})
}

func BenchmarkClassify(b *testing.B) {
	text := strings.Repeat("The quarterly report lists revenue by region and explains why the northern market fell behind its plan. ", 40)[:4000]
	p := traits.Traits{Text: "Summarize the following report for the board.\n" + text, System: "You are a careful assistant."}
	b.SetBytes(int64(len(p.Text)))
	b.ReportAllocs()
	for b.Loop() {
		classify(&p, usual)
	}
}
