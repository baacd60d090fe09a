package secret

import (
	"crypto/rand"
	"errors"
	"hash/crc32"
)

// Kind is what a token is for; it is readable in the token itself. Every kind has four letters, so that every token has the same length.
type Kind string

// The kinds.
const (
	Live       Kind = "live" // a virtual key for the data plane
	Test       Kind = "test" // a virtual key of an environment that is not production
	Management Kind = "mgmt" // a management token for the control plane
)

// The parts of a token: "tg_live_", 43 characters that carry 256 bits, 6 characters of checksum over all before them.
const (
	tokenHead   = 8
	tokenRandom = 43
	tokenSum    = 6
	tokenLen    = tokenHead + tokenRandom + tokenSum
	// PrefixLen is how much of a token may be shown so that people recognise it: the head and four characters.
	PrefixLen = tokenHead + 4
)

// ErrToken is returned for text that is no token: wrong length, character, kind or checksum.
var ErrToken = errors.New("not a token")

// Token is a well-formed token. The zero Token is none. It prints as a mask, like Text.
type Token struct {
	Text
	kind Kind
}

// Kind says what the token is for.
func (t Token) Kind() Kind { return t.kind }

// Prefix is the part that may be stored and shown: "tg_live_AbCd". 5.95 bits a character leave more than 230 unknown.
func (t Token) Prefix() string { return t.value[:PrefixLen] }

// Last4 is the end of the token, for people to recognise it.
func (t Token) Last4() string { return t.value[tokenLen-4:] }

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// NewToken makes a token with 256 random bits. It panics only when the system has no randomness.
func NewToken(kind Kind) Token {
	b := make([]byte, 0, tokenLen)
	b = append(b, "tg_"...)
	b = append(b, kind...)
	b = append(b, '_')
	b = appendRandom(b, tokenRandom)
	b = appendSum(b, checksum(string(b)))
	return Token{Text: Text{string(b)}, kind: kind}
}

// appendRandom appends n uniform characters: 43 of 62 are 256.03 bits. Bytes from 248 up are thrown away, so that no
// character is likelier than another.
func appendRandom(b []byte, n int) []byte {
	var pool [64]byte
	for {
		_, _ = rand.Read(pool[:]) // never fails: the runtime stops the program instead
		for _, c := range pool {
			if n == 0 {
				return b
			}
			if c < 248 {
				b = append(b, base62[c%62])
				n--
			}
		}
	}
}

// checksum is crc32.ChecksumIEEE for a string, which that package would have copied to the heap.
func checksum(s string) uint32 {
	sum := ^uint32(0)
	for i := range len(s) {
		sum = crc32.IEEETable[byte(sum)^s[i]] ^ sum>>8
	}
	return ^sum
}

// appendSum appends a CRC-32 in six characters, most significant first.
func appendSum(b []byte, sum uint32) []byte {
	var digits [tokenSum]byte
	for i := tokenSum - 1; i >= 0; i-- {
		digits[i] = base62[sum%62]
		sum /= 62
	}
	return append(b, digits[:]...)
}

// ParseToken checks form and checksum, so that junk costs no lookup. It allocates nothing.
func ParseToken(text string) (Token, error) {
	if len(text) != tokenLen || text[:3] != "tg_" || text[tokenHead-1] != '_' {
		return Token{}, ErrToken
	}
	var kind Kind
	switch k := Kind(text[3 : tokenHead-1]); k {
	case Live, Test, Management:
		kind = k
	default:
		return Token{}, ErrToken
	}
	for i := tokenHead; i < tokenLen; i++ {
		if !alphanumeric(text[i]) {
			return Token{}, ErrToken
		}
	}
	sum := checksum(text[:tokenLen-tokenSum])
	for i := tokenLen - 1; i >= tokenLen-tokenSum; i-- {
		if text[i] != base62[sum%62] {
			return Token{}, ErrToken
		}
		sum /= 62
	}
	return Token{Text: Text{text}, kind: kind}, nil
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
