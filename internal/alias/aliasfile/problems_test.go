package aliasfile_test

import (
	"os"
	"strings"
	"testing"

	"tollgate/internal/alias/aliasfile"
	"tollgate/internal/golden"
)

// Every mistake of a file is told at once, with its place and what to do.
func TestEveryMistakeIsToldWithItsPlace(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/mistakes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d, problems := aliasfile.Parse(text)
	golden.Equal(t, "mistakes.read.txt", []byte(told(problems)))
	golden.Equal(t, "mistakes.all.txt", []byte(told(d.Problems(problems, d.File.Problems(words)))))
}

func TestWhatIsNoRoutingFileIsRefused(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for _, c := range "bcdefghi" {
		bomb += string(c) + ": &" + string(c) + " [*" + strings.Repeat(string(c-1)+", *", 8) + string(c-1) + "]\n"
	}
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":             {"", "1:1 : The file is empty"},
		"comments only":       {"# later\n", "1:1 : The file is empty"},
		"null":                {"null\n", "1:1 : The file is empty"},
		"a list":              {"- a\n", "1:1 : Here stands a list where keys with values are expected."},
		"a text":              {"hello\n", "1:1 : Here stands a text"},
		"two documents":       {"aliases: {}\n---\naliases: {}\n", "2:1 : A routing file is one document."},
		"no YAML":             {"aliases:\n  a: [1\n  b: 2\n", "3:4 : This is not YAML: "},
		"a tab":               {"aliases:\n\ta: 1\n", "2:1 : This is not YAML: found character that cannot start any token. Indent with spaces"},
		"no UTF-8":            {"aliases: \xff\n", "1:1 : This is not YAML: "},
		"depth":               {strings.Repeat("[", 100_000), "1:10001 : This is not YAML: exceeded max depth"},
		"deep mappings":       {strings.Repeat("{a: ", 9_000) + strings.Repeat("}", 9_000), "1:2 a: There is no key"},
		"a megabyte and more": {"# " + strings.Repeat("x", 1<<20), "0:0 : The file is larger than 1 MiB."},
		"an anchor":           {"aliases: &x {}\n", "1:10 aliases: References (& and *) are not used"},
		"a merge":             {"aliases:\n  <<: {}\n", "2:3 aliases: Merging (<<) is not used"},
		"a type":              {"tasks: {a: !!str b}\n", "1:12 tasks.a: Types (!!str) are not written"},
		"a type on a key":     {"!!str tasks: {}\n", "1:1 : Types"},
		"a bomb":              {bomb, "1:1 a: There is no key"},
		"an octal number":     {"aliases: {a: {targets: [sandbox/a], attempts: 010}}\n", "1:47 aliases.a.attempts: Write the number in digits"},
		"a key of a list":     {"? [a]\n: b\n", "1:3 : A key is a text."},
		"a number as a key":   {"aliases: {1: {}}\n", "1:11 aliases: A key is a text. Put it in quotes."},
	} {
		_, problems := aliasfile.Parse([]byte(tt.text))
		if got := told(problems); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: %s\nwant %s", name, got, tt.want)
		}
	}
}

// The place of a mistake inside a condition is the place in the file, however the condition is written.
func TestAMistakeInAConditionIsFound(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ rule, want string }{
		"plain":              {"{if: tools && strem, use: sandbox/a}", "4:23"},
		"in single quotes":   {"{if: 'tools && strem', use: sandbox/a}", "4:24"},
		"in double quotes":   {`{if: "tools && strem", use: sandbox/a}`, "4:24"},
		"with a shorthand":   {"{if: tools && strem, task: x, use: sandbox/a}", "4:23"},
		"in a block":         {"{}\n      - if: |\n          tools &&\n            strem\n        use: sandbox/a", "7:13"},
		"in a block, line 1": {"{}\n      - if: |\n          strem &&\n            tools\n        use: sandbox/a", "6:11"},
		"folded":             {"{}\n      - if: >\n          tools &&\n          strem\n        use: sandbox/a", "5:13"},
	} {
		text := "aliases:\n  a:\n    when:\n      - " + tt.rule + "\n    targets: [sandbox/a]\n"
		d, _ := aliasfile.Parse([]byte(text))
		if got := told(d.Locate(d.File.Problems(words))); !strings.Contains(got, tt.want+" aliases.a.when[") || !strings.Contains(got, "Did you mean stream?") {
			t.Errorf("%s: %s\nwant %s\n%s", name, got, tt.want, text)
		}
	}
}

// What stands beside a condition narrows it; a condition that would escape from its parentheses is refused.
func TestAShorthandIsNeverLost(t *testing.T) {
	t.Parallel()
	d, problems := aliasfile.Parse([]byte("aliases: {a: {when: [{if: 'tools) || (json', task: x, use: sandbox/a}], targets: [sandbox/a]}}"))
	if len(problems) > 0 || len(d.File.Problems(words)) == 0 {
		t.Errorf("accepted as %q", d.File.Aliases["a"].Rules[0].If)
	}
	f := parse(t, "aliases: {a: {when: [{if: 'tools || json // why', task: x, use: sandbox/a}], targets: [sandbox/a]}}")
	if found := f.Problems(words); len(found) > 0 || f.Aliases["a"].Rules[0].If != "(tools || json // why\n) && task == \"x\"" {
		t.Errorf("%q: %v", f.Aliases["a"].Rules[0].If, found)
	}
}
