package aliasfile_test

import (
	"os"
	"strings"
	"testing"

	"tollgate/internal/alias"
	"tollgate/internal/alias/aliasfile"
	"tollgate/internal/alias/condition"
	"tollgate/internal/provider/catalog"
)

// Every example of the reference is valid as it stands, with the vendors that there are.
func TestTheReferencesExamplesAreValid(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/routing.md")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(page), "```yaml\n")[1:]
	known := alias.Words{Vendors: catalog.Vendor, Condition: condition.Check}
	seen := 0
	for _, part := range parts {
		text, _, _ := strings.Cut(part, "```")
		switch {
		case strings.HasPrefix(text, "# yaml-language-server"):
			continue
		case !strings.HasPrefix(text, "tasks:"): // a part of an alias
			text = "aliases:\n  example:\n    targets: [sandbox/echo-mini]\n    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ") + "\n"
		}
		seen++
		d, problems := aliasfile.Parse([]byte(text))
		if all := d.Problems(problems, d.File.Problems(known)); len(all) > 0 {
			t.Errorf("%s\n%s", told(all), text)
		}
	}
	if seen != 3 {
		t.Errorf("%d examples, want 3", seen)
	}
}

// The reference names every key that the schema has.
func TestTheReferenceNamesEveryKey(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/routing.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{
		"tasks", "auto", "aliases", "targets", "strategy", "when", "fallbacks", "retry", "attempts", "timeouts", "sticky", "parameters", "cache", "privacy",
		"on_disconnect", "drop_unsupported", "model", "weight", "order", "credential", "via", "off", "environment", "task", "tag", "input_over", "if",
	} {
		if !strings.Contains(string(page), "`"+key+"`") || !strings.Contains(string(aliasfile.Schema()), `"`+key+`"`) {
			t.Errorf("%s is not in the reference, or not in the schema", key)
		}
	}
}
