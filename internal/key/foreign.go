package key

import (
	"crypto/sha256"

	"tollgate/internal/secret"
)

// The length of a secret that was made elsewhere. A shorter one could be guessed; a longer one is no key.
const (
	foreignMin = 16
	foreignMax = 256
)

// ParseForeign reads text that may be a secret made elsewhere, such as LiteLLM's "sk-…": what does not begin like ours and has the
// characters and the length of a key. ErrMalformed. It allocates nothing.
func ParseForeign(text string) (Secret, error) {
	if len(text) < foreignMin || len(text) > foreignMax || len(text) > 2 && text[:3] == "tg_" {
		return Secret{}, ErrMalformed
	}
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
		default:
			return Secret{}, ErrMalformed
		}
	}
	return Secret{secret.Token{Text: secret.NewText(text)}}, nil
}

// Plain is the SHA-256 of a secret as others keep it: the hash by which it is imported.
func Plain(s Secret) Hash { return sha256.Sum256([]byte(s.token.Reveal())) }

// Upgrade is what a proxy tells of an imported secret that was used: from now on it is found by its keyed hash. Neither can be turned
// back into the secret.
type Upgrade struct {
	Plain, Keyed Hash
}
