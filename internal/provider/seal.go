package provider

import (
	"bytes"
	"strings"
)

// sealMark begins every sealed text. No maker's own signatures, which are base64, begin like this.
const sealMark = "tollgate:"

// Seal names the maker of what only its maker can read: a signature, encrypted reasoning. A client keeps the sealed text as one
// opaque value and sends it back in its next turn, in whatever dialect it speaks; Unseal tells then whose it is. So a maker gets
// back what it made, and never what another one did.
func Seal(maker Name, text string) string {
	if text == "" {
		return ""
	}
	return sealMark + string(maker) + ":" + text
}

// HasSeal reports whether a body may hold something sealed; false is certain.
func HasSeal(body []byte) bool { return bytes.Contains(body, []byte(sealMark)) }

// Sealed reports whether a JSON string is sealed.
func Sealed(raw []byte) bool { return bytes.HasPrefix(raw, []byte(`"`+sealMark)) }

// Unseal opens what Seal closed. A text without a seal is given as it is, of no known maker: what is signed without a seal was
// signed by Anthropic, whose clients check nothing and whose API takes nothing else.
func Unseal(text string) (maker Name, plain string) {
	rest, ok := strings.CutPrefix(text, sealMark)
	if !ok {
		return "", text
	}
	name, plain, ok := strings.Cut(rest, ":")
	if !ok {
		return "", text
	}
	return Name(name), plain
}
