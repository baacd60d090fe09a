package prompt

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tollgate/internal/prompt/template"
)

// shortestLength is the length of a shortest way by the textbook's table.
func shortestLength(a, b []int) int {
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
	}
	for i := len(a); i >= 0; i-- {
		for j := len(b); j >= 0; j-- {
			switch {
			case i == len(a) || j == len(b):
				table[i][j] = len(a) - i + len(b) - j
			case a[i] == b[j]:
				table[i][j] = table[i+1][j+1]
			default:
				table[i][j] = 1 + min(table[i+1][j], table[i][j+1])
			}
		}
	}
	return table[0][0]
}

func TestAlignGoesTheShortestWay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.SliceOfN(rapid.IntRange(0, 4), 0, 30).Draw(t, "a"), rapid.SliceOfN(rapid.IntRange(0, 4), 0, 30).Draw(t, "b")
		var was, is []int
		changes := 0
		for _, e := range align(a, b) {
			switch e.kind {
			case DiffSame:
				if a[e.i] != b[e.j] || e.i != len(was) || e.j != len(is) {
					t.Fatalf("%v is not the same, or not in its place", e)
				}
				was, is = append(was, a[e.i]), append(is, b[e.j])
				continue
			case DiffRemoved:
				was = append(was, a[e.i])
			case DiffAdded:
				is = append(is, b[e.j])
			}
			changes++
		}
		if diff := cmp.Diff(append([]int{}, a...), append([]int{}, was...)); diff != "" {
			t.Fatal("what was:", diff)
		}
		if diff := cmp.Diff(append([]int{}, b...), append([]int{}, is...)); diff != "" {
			t.Fatal("what is:", diff)
		}
		if want := shortestLength(a, b); changes != want {
			t.Fatalf("%d changes, %d would do", changes, want)
		}
	})
}

func TestWhatDiffersEntirelyIsReplacedWithoutALongSearch(t *testing.T) {
	t.Parallel()
	var a, b []string
	for range 20_000 {
		a, b = append(a, "x"), append(b, "y")
	}
	if edits := align(a, b); len(edits) != 40_000 || edits[0].kind != DiffRemoved || edits[39_999].kind != DiffAdded {
		t.Error(len(edits))
	}
}

func TestTextsAreComparedByLineAndWord(t *testing.T) {
	t.Parallel()
	d := Compare(Content{Text: "Be kind.\nAnswer in {{language}}.\nEnd."}, Content{Text: "Be kind.\nAnswer briefly in {{language}}.\nEnd.\nReally."})
	want := []DiffPart{{Name: "text", Kind: DiffChanged, Lines: []DiffLine{
		{DiffSame, 1, 1, []DiffWord{{DiffSame, "Be kind."}}},
		{DiffRemoved, 2, 0, []DiffWord{{DiffSame, "Answer in {{language}}."}}},
		{DiffAdded, 0, 2, []DiffWord{{DiffSame, "Answer "}, {DiffAdded, "briefly "}, {DiffSame, "in {{language}}."}}},
		{DiffSame, 3, 3, []DiffWord{{DiffSame, "End."}}},
		{DiffAdded, 0, 4, []DiffWord{{DiffAdded, "Really."}}},
	}}}
	if diff := cmp.Diff(want, d.Parts); diff != "" || d.Same || len(d.Settings) != 0 {
		t.Error(diff)
	}
}

// Whatever two texts are, the lines of a comparison are those texts.
func TestAComparisonHoldsBothTexts(t *testing.T) {
	t.Parallel()
	words := rapid.StringOf(rapid.SampledFrom([]rune("ab {}.\n é")))
	rapid.Check(t, func(t *rapid.T) {
		was, is := words.Draw(t, "was"), words.Draw(t, "is")
		var a, b []string
		for _, l := range lines(was, is) {
			var whole strings.Builder
			for _, w := range l.Words {
				whole.WriteString(w.Text)
			}
			if l.Kind != DiffAdded {
				a = append(a, whole.String())
			}
			if l.Kind != DiffRemoved {
				b = append(b, whole.String())
			}
		}
		if strings.Join(a, "\n") != was || strings.Join(b, "\n") != is {
			t.Fatalf("%q %q", a, b)
		}
	})
}

func TestMessagesAreComparedOneByOne(t *testing.T) {
	t.Parallel()
	was := Content{Messages: []Message{{Role: "system", Text: "a"}, {Role: "user", Text: "b"}, {Placeholder: "history"}}}
	is := Content{Messages: []Message{{Role: "system", Text: "a"}, {Role: "system", Text: "new"}, {Role: "user", Text: "c"}, {Placeholder: "history"}}}
	var got []string
	for _, p := range Compare(was, is).Parts {
		got = append(got, p.Name+" "+p.Kind+" "+p.Role)
	}
	if diff := cmp.Diff([]string{"messages.1 added system", "messages.2 changed user"}, got); diff != "" {
		t.Error(diff)
	}
	got = nil
	for _, p := range Compare(is, was).Parts {
		got = append(got, p.Name+" "+p.Kind+" "+p.Role)
	}
	if diff := cmp.Diff([]string{"messages.1 removed system", "messages.1 changed user"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestSettingsAreComparedByName(t *testing.T) {
	t.Parallel()
	was := Content{
		Text: "x", Alias: "fast", Parameters: json.RawMessage(`{"temperature":0.2,"stop":["a"],"reasoning":{"effort":"low"}}`),
		Tools:     json.RawMessage(`[{"type":"function","function":{"name":"search","description":"old"}}]`),
		Schema:    json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"}}}`),
		Variables: []template.Variable{{Name: "tone", Kind: template.String}, {Name: "gone", Kind: template.String}},
	}
	is := Content{
		Text: "x", Alias: "best", Parameters: json.RawMessage(`{"reasoning": {"effort":"high"}, "stop": ["a"], "max_tokens":5}`),
		Tools:     json.RawMessage(`[{"type":"function","function":{"name":"search","description":"new"}},{"type":"web_search"}]`),
		Schema:    json.RawMessage(`{"type":"object","properties":{"city":{"type":"integer"}}}`),
		Variables: []template.Variable{{Name: "tone", Kind: template.String, Required: true}},
		Cases:     []Case{{Name: "polite"}}, Config: json.RawMessage(`{"a":1}`),
	}
	got := map[string]string{}
	for _, s := range Compare(was, is).Settings {
		got[s.Name] = s.Kind + " " + s.From + " → " + s.To
	}
	want := map[string]string{
		"alias": `changed "fast" → "best"`, "parameters.temperature": "removed 0.2 → ", "parameters.max_tokens": "added  → 5",
		"parameters.reasoning.effort": `changed "low" → "high"`, "schema.properties.city.type": `changed "string" → "integer"`,
		"tools.search":     `changed {"type":"function","function":{"name":"search","description":"old"}} → {"type":"function","function":{"name":"search","description":"new"}}`,
		"tools.web_search": `added  → {"type":"web_search"}`,
		"variables.tone":   `changed {"name":"tone","kind":"string"} → {"name":"tone","kind":"string","required":true}`,
		"variables.gone":   `removed {"name":"gone","kind":"string"} → `, "cases.polite": `added  → {"name":"polite","assert":null}`, "config.a": "added  → 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if d := Compare(is, is); !d.Same {
		t.Errorf("%+v", d)
	}
}
