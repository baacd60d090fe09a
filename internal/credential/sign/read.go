package sign

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"

	"tollgate/internal/credential"
	"tollgate/internal/secret"
)

// malformed says what is wrong with a document, as the end of a sentence. It quotes nothing of it.
type malformed string

// Error implements error.
func (m malformed) Error() string { return string(m) }

const noDocuments = malformed("its provider takes no documents")

// ambientOff is said where a document borrows the machine's identity and the operator does not allow that.
const ambientOff = malformed("it borrows the identity of the machine that Tollgate runs on, which the operator has not allowed (TOLLGATE_AMBIENT_CREDENTIALS)")

const awayFromHome = malformed("it borrows the identity of the machine that Tollgate runs on, which is shown to no host but the cloud's own")

// atHome reports an address of the cloud itself.
func atHome(k kind, at *url.URL) bool {
	domains := map[kind][]string{google: {".googleapis.com"}, amazon: {".amazonaws.com", ".amazonaws.com.cn", ".api.aws"}}
	return at.Scheme == "https" && slices.ContainsFunc(domains[k], func(d string) bool { return strings.HasSuffix(at.Hostname(), d) })
}

// Check implements credential.Signer.
func (s *Signer) Check(auth, baseURL string, text secret.Text) (secret.Text, string, error) {
	raw := text.Reveal()
	k, _ := choose(auth, isDocument(raw))
	if !k.takesDocuments() {
		return text, "", nil
	}
	refuse := func(why error) (secret.Text, string, error) {
		return secret.Text{}, "", credential.ErrInvalid.Say("This secret cannot be used: %s.", why.Error()).At("secret")
	}
	var compact bytes.Buffer
	if json.Compact(&compact, []byte(raw)) != nil {
		return refuse(malformed("it begins like a JSON document and is none; copy it whole"))
	}
	hint, borrows, err := s.inspect(k, compact.String())
	if err != nil {
		return refuse(err)
	}
	if at, err := url.Parse(baseURL); borrows && (err != nil || !atHome(k, at)) {
		return secret.Text{}, "", credential.ErrInvalid.Say("This secret cannot be used here: %s.", awayFromHome).At("base_url")
	}
	return secret.NewText(compact.String()), hint, nil
}

// inspect reads a document and gives the end of its public part (an access key's id, a key's id, an application's), and whether it
// borrows the machine's identity.
func (s *Signer) inspect(k kind, text string) (hint string, borrows bool, err error) {
	switch k {
	case amazon:
		d, err := s.readAmazon(text)
		return last4(d.AccessKeyID), d.borrows(), err
	case google:
		d, err := s.readGoogle(text)
		return last4(d.PrivateKeyID), d.Ambient, err
	case azure:
		d, err := readAzure(text)
		return last4(d.ClientID), false, err
	default:
		return "", false, noDocuments
	}
}

// last4 is the hint; a document whose public part is short, or that has none, shows a dot.
func last4(s string) string {
	if len(s) < 16 {
		return "…"
	}
	return s[len(s)-4:]
}

// read makes the source of a document's grants.
func (s *Signer) read(u credential.Use, k kind) (*source, error) {
	var from *source
	var err error
	switch k {
	case amazon:
		from, err = s.fromAmazon(u)
	case google:
		from, err = s.fromGoogle(u)
	case azure:
		from, err = fromAzure(u)
	default:
		err = noDocuments
	}
	var bad malformed
	if errors.As(err, &bad) {
		return nil, unusable(u, string(bad))
	}
	return from, err
}

// decode reads one JSON object. strict refuses members that are not known.
func decode(text string, strict bool, into any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	if strict {
		d.DisallowUnknownFields()
	}
	if err := d.Decode(into); err != nil {
		return malformed("its JSON document is not of the form that its provider's secrets have")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return malformed("there is text behind its JSON document")
	}
	return nil
}

// consists reports least to most letters, digits and characters of beside.
func consists(s string, least, most int, beside string) bool {
	return len(s) >= least && len(s) <= most && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(beside, r)
	})
}

// isPrintable reports one to 4096 characters of ASCII without spaces.
func isPrintable(s string) bool {
	return s != "" && len(s) <= 4096 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
