package bound

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestNoCharacterIsLongerNormalizedThanItWeighs(t *testing.T) {
	t.Parallel()
	for r := rune(0x80); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		s := string(r)
		for _, f := range [...]norm.Form{norm.NFC, norm.NFKC} {
			if n := len(f.String(s)); int64(n) > weight(r) {
				t.Errorf("%U weighs %d, and has %d bytes in form %d", r, weight(r), n, f)
			}
		}
		if n := len(strings.ToLower(s)); int64(n) > weight(r) {
			t.Errorf("%U weighs %d, and has %d bytes in lower case", r, weight(r), n)
		}
	}
}
