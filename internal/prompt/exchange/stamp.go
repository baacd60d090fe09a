package exchange

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Stamp says which state of a prompt a file was made from. It is the file's first line, a comment.
type Stamp struct {
	Version  int    // of the prompt; 0: there is no stamp
	Revision int    // of the prompt, labels included
	sum      string // of the rest of the file, as it was then
}

var stampForm = regexp.MustCompile(`^# version: ([1-9][0-9]{0,8}) revision: ([1-9][0-9]{0,8}) sum: ([0-9a-f]{16})[ \t\r]*$`)

// StampOf reads a file's stamp.
func StampOf(text string) Stamp {
	first, _, _ := strings.Cut(text, "\n")
	m := stampForm.FindStringSubmatch(first)
	if m == nil {
		return Stamp{}
	}
	version, _ := strconv.Atoi(m[1])
	revision, _ := strconv.Atoi(m[2])
	return Stamp{Version: version, Revision: revision, sum: m[3]}
}

// Edited reports a file that is not as it was when it got its stamp, or has none.
func Edited(text string) bool {
	s := StampOf(text)
	return s.Version == 0 || s.sum != sum(Unstamped(text))
}

// Unstamped is a text without its stamp.
func Unstamped(text string) string {
	if StampOf(text).Version == 0 {
		return text
	}
	_, rest, _ := strings.Cut(text, "\n")
	return rest
}

// Stamped is a text that says which state of a prompt it is.
func Stamped(text string, version, revision int) string {
	text = Unstamped(text)
	return fmt.Sprintf("# version: %d revision: %d sum: %s\n%s", version, revision, sum(text), text)
}

// sum does not see how lines end: a checkout may change that.
func sum(text string) string {
	h := sha256.Sum256([]byte(strings.ReplaceAll(text, "\r\n", "\n")))
	return hex.EncodeToString(h[:8])
}
