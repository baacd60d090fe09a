package aliasfile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"tollgate/internal/alias"
)

// stamp is the line in front of a file that was downloaded: it says what it was made from.
var stamp = regexp.MustCompile(`\A# version: (\d{1,9})\r?\n`)

// Text is a version as YAML: as it was applied, but for the names of prompts, which are those of now; otherwise in canonical form.
func Text(v alias.FileVersion) string {
	if v.Text != "" {
		if text := renamed(v.Text, v.File); text != "" {
			return text
		}
	}
	return string(Format(v.File))
}

// Stamped is a text with the number of its version before it.
func Stamped(text string, version int) string {
	return fmt.Sprintf("# version: %d\n%s", version, Unstamped(text))
}

// Stamp reads the number before a text; false: there is none.
func Stamp(text string) (int, bool) {
	m := stamp.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	n, err := strconv.Atoi(m[1])
	return n, err == nil
}

// Unstamped is a text without the number before it.
func Unstamped(text string) string { return stamp.ReplaceAllLiteralString(text, "") }

// Patch is the difference of two texts as people read it: three lines around each change, + and - before the lines. Equal texts have
// none.
func Patch(old, is string) string {
	var b strings.Builder
	for _, l := range Unified(old, is, 3) {
		if l.Kind == '@' {
			fmt.Fprintf(&b, "@@ %s @@\n", l.Text)
			continue
		}
		fmt.Fprintf(&b, "%c%s\n", l.Kind, l.Text)
	}
	return b.String()
}
