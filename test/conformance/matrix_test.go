package conformance

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tollgate/test/replay"
)

var update = flag.Bool("update", false, "write the matrix into docs/compatibility.md") //nolint:gochecknoglobals // a flag

// tally is how many cases of a cell passed.
type tally struct{ passed, total, refused int }

func (n tally) String() string {
	switch {
	case n.total == 0 && n.refused == 0:
		return ""
	case n.refused > 0:
		return fmt.Sprintf("%d/%d (+%d)", n.passed, n.total, n.refused)
	}
	return fmt.Sprintf("%d/%d", n.passed, n.total)
}

// score is what came of all cases.
type score struct {
	same    map[[2]string]*tally // dialect, provider
	answers map[[3]string]*tally // dialect, provider, surface
	asks    map[[2]string]*tally // surface, target
	turns   map[[2]string]*tally // dialect, surface
	plain   map[[2]string]*tally // surface, dialect
	reasons map[[3]string]int    // surface, target, field -> cases
	known   map[string]string    // cases that cannot pass -> why
	all     tally
}

func count[K comparable](m map[K]*tally, k K) *tally {
	if m[k] == nil {
		m[k] = &tally{}
	}
	return m[k]
}

// judge fails for each run that should have passed and for each listed one that did. A case is the same in all its cuttings.
func judge(t *testing.T, runs []*run, known map[string]string) *score {
	t.Helper()
	s := &score{map[[2]string]*tally{}, map[[3]string]*tally{}, map[[2]string]*tally{}, map[[2]string]*tally{}, map[[2]string]*tally{}, map[[3]string]int{}, maps.Clone(known), tally{}}
	byName := map[string][]*run{}
	for _, r := range runs {
		byName[r.name()] = append(byName[r.name()], r)
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		all := byName[name]
		r := all[0]
		for _, other := range all {
			if other.err != nil {
				r = other
			}
		}
		reason := known[name]
		delete(known, name)
		switch {
		case r.err == nil && reason != "":
			t.Errorf("%s passes: take it out of known.txt", name)
		case r.err != nil && reason == "":
			t.Errorf("%s: %v", name, r.err)
		}
		s.add(r)
	}
	if os.Getenv("TOLLGATE_FIXTURES") == "" && len(byName) > 2000 {
		for name := range known {
			t.Errorf("%s is in known.txt and is no case", name)
		}
	}
	return s
}

func (s *score) add(r *run) {
	provider, _, _ := strings.Cut(r.c.Path, "/")
	var cell *tally
	switch r.kind {
	case "same":
		cell = count(s.same, [2]string{r.c.Meta.Dialect, provider})
	case "answer":
		cell = count(s.answers, [3]string{r.c.Meta.Dialect, provider, r.surface})
	case "ask":
		cell = count(s.asks, [2]string{r.surface, r.way.target()})
	case "turn":
		cell = count(s.turns, [2]string{r.c.Meta.Dialect, r.surface})
	default:
		cell = count(s.plain, [2]string{r.surface, r.way.dialect})
	}
	if r.refused != "" {
		cell.refused++
		s.all.refused++
		s.reasons[[3]string{r.surface, cmp.Or(r.way.target(), r.way.dialect), anyIndex(r.refused)}]++
		return
	}
	cell.total++
	s.all.total++
	if r.err == nil {
		cell.passed++
		s.all.passed++
	}
}

// anyIndex takes the numbers out of a field's path: messages.3.content.0 and messages.1.content.2 are one reason.
func anyIndex(field string) string {
	parts := strings.Split(field, ".")
	for i, p := range parts {
		if strings.Trim(p, "0123456789") == "" {
			parts[i] = "*"
		}
	}
	return strings.Join(parts, ".")
}

func (s *score) print(t *testing.T) {
	t.Helper()
	t.Logf("all: %d/%d, and %d that the pair cannot express\n%s", s.all.passed, s.all.total, s.all.refused, s.render())
	if s.all.total > 0 && s.all.passed*100 < s.all.total*97 {
		t.Errorf("%d of %d cases pass: less than 97 %%", s.all.passed, s.all.total)
	}
}

// render writes the tables. The provider "own" is the project's own cases, made by hand for what was never recorded.
func (s *score) render() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Passed / total. %d of %d; another %d cannot be expressed and are refused by name. \"own\" are hand-made cases of what was never recorded.\n\n", s.all.passed, s.all.total, s.all.refused)
	b.WriteString("### Recorded traffic, same dialect and across\n\nEach recorded answer is played to a client of its own dialect (bytes compared) and to one of each chat surface (meaning, usage and cost compared).\n\n")
	b.WriteString("| dialect | provider | same | openai-chat | openai-responses | anthropic-messages | gemini |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	rows := map[[2]string]bool{}
	for k := range s.same {
		rows[k] = true
	}
	for k := range s.answers {
		rows[[2]string{k[0], k[1]}] = true
	}
	for _, k := range slices.SortedFunc(maps.Keys(rows), func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }) {
		fmt.Fprintf(&b, "| %s | %s | %s |", k[0], k[1], at(s.same, k))
		for _, surface := range surfaces() {
			fmt.Fprintf(&b, " %s |", at(s.answers, [3]string{k[0], k[1], surface}))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n### Recorded requests, sent to providers of other dialects\n\nRows are what the client speaks, columns what the provider is asked in. In brackets: refused, see below.\n\n")
	table(&b, "surface", s.asks)
	b.WriteString("\n### The turn after a call of tools\n\nRows are the dialect of the recorded answer, columns what the client speaks. Ids, names, arguments and results of tools match again.\n\n")
	table(&b, "dialect", s.turns)
	b.WriteString("\n### Embeddings, reranking, counting\n\n")
	table(&b, "surface", s.plain)
	b.WriteString("\n### What a pair cannot express\n\nThe 400 names the field, in the client's words.\n\n| surface | field | cases | of providers asked in |\n| --- | --- | --- | --- |\n")
	cases, targets := map[[2]string]int{}, map[[2]string][]string{}
	for k, n := range s.reasons {
		at := [2]string{k[0], k[2]}
		cases[at] += n
		targets[at] = append(targets[at], k[1])
	}
	for _, k := range slices.SortedFunc(maps.Keys(cases), func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }) {
		slices.Sort(targets[k])
		fmt.Fprintf(&b, "| %s | `%s` | %d | %s |\n", k[0], k[1], cases[k], strings.Join(targets[k], ", "))
	}
	b.WriteString("\n### What cannot pass\n\n")
	for _, name := range slices.Sorted(maps.Keys(s.known)) {
		fmt.Fprintf(&b, "- `%s`: %s.\n", name, s.known[name])
	}
	return b.String()
}

func at[K comparable](m map[K]*tally, k K) string {
	if m[k] == nil {
		return ""
	}
	return m[k].String()
}

func table(b *strings.Builder, corner string, cells map[[2]string]*tally) {
	rows, columns := map[string]bool{}, map[string]bool{}
	for k := range cells {
		rows[k[0]], columns[k[1]] = true, true
	}
	heads := slices.Sorted(maps.Keys(columns))
	fmt.Fprintf(b, "| %s | %s |\n|%s\n", corner, strings.Join(heads, " | "), strings.Repeat(" --- |", len(heads)+1))
	for _, row := range slices.Sorted(maps.Keys(rows)) {
		fmt.Fprintf(b, "| %s |", row)
		for _, h := range heads {
			fmt.Fprintf(b, " %s |", at(cells, [2]string{row, h}))
		}
		b.WriteString("\n")
	}
}

const (
	matrixFrom = "<!-- matrix: written by test/conformance with -update -->\n"
	matrixTo   = "<!-- end of the matrix -->\n"
)

// write puts the matrix into the document, or holds the one that stands there against it.
func (s *score) write(t *testing.T) {
	t.Helper()
	root, err := replay.Root()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(root, "docs", "compatibility.md")
	raw, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	doc, matrix := string(raw), s.render()
	before, rest, ok := strings.Cut(doc, matrixFrom)
	written, after, closed := strings.Cut(rest, matrixTo)
	if !*update {
		if !ok || !closed || written != matrix {
			t.Errorf("the matrix in docs/compatibility.md is not the one of this run: go test ./test/conformance -run EveryCase -update")
		}
		return
	}
	if !ok {
		before, after = strings.TrimRight(doc, "\n")+"\n\n## Matrix\n\n", ""
		if doc == "" {
			before = "# Compatibility\n\n## Matrix\n\n"
		}
	}
	if err := os.WriteFile(name, []byte(before+matrixFrom+matrix+matrixTo+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
