// Package sign puts an organization's secret into a request, in the form that the provider wants.
//
// How a vendor wants a secret is its Auth; what the secret is, its form says:
//
//	bearer, header:<name>, query:<name>, none   text, sent as it is
//	aws      text: an API key, sent as a bearer token; or a document: access keys, to sign with or to take a role with
//	google   text: an API key, sent as x-goog-api-key; or a document: a service account's key file, exchanged for a token
//	azure    text: an API key, sent as api-key; or a document: an application of Microsoft Entra, exchanged for a token
//
// A document is a JSON object. Alternatives are joined by |: of "google|bearer" a document is a service account, and text a bearer
// token. Documents {"ambient":true} and, for aws, {"profile":"name"} borrow the identity of the operator's machine. They work only
// where the operator allows that, since a tenant must not act as the host by itself, and only at the cloud's own hosts: at a base URL
// of the tenant's the machine's token would be the tenant's.
//
// Tokens are kept by organization, credential and version, and only for the secret and region they were made from: no two
// organizations ever share one. A token is renewed before it expires, by one request however many callers there are, and while
// the old one is still good nobody waits. A caller waits no longer than its own context; a failure is remembered for seconds, so
// that a bad secret does not become a flood. Token services are called through the guarded transport, and Google's only at known
// hosts, whatever a key file says. Errors name the credential and never quote a secret, nor the answer of a token service.
package sign

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"tollgate/internal/credential"
)

// Config is what a Signer needs.
type Config struct {
	// Transport obeys the egress policy. Token services are called through it.
	Transport http.RoundTripper
	Now       func() time.Time
	// Ambient allows secrets that borrow the identity of this machine.
	Ambient bool
	// TokenHosts are hosts (with port, where it is not 443) at which service accounts may get tokens beside Google's own.
	TokenHosts []string
}

// Signer is credential.Signer. It is safe for use by many goroutines.
type Signer struct {
	Config
	life context.Context // token requests end with it

	mu      sync.RWMutex
	sources map[sourceKey]*source
	swept   time.Time
	flights sync.WaitGroup
}

var _ credential.Signer = (*Signer)(nil)

// New makes a signer. Its token requests end with life; Wait waits for them.
func New(life context.Context, c Config) *Signer {
	return &Signer{Config: c, life: life, sources: map[sourceKey]*source{}}
}

// Wait returns when no token request is under way any more. Call it after the end of life.
func (s *Signer) Wait() { s.flights.Wait() }

// Sign implements credential.Signer. Text is sent without any look-up.
func (s *Signer) Sign(ctx context.Context, req *http.Request, body []byte, u credential.Use) error {
	text := u.Secret.Reveal()
	if text == "" {
		return nil // a server of one's own may ask for none
	}
	k, name := choose(u.Auth, isDocument(text))
	switch k {
	case none:
		return nil
	case bearer:
		req.Header["Authorization"] = []string{"Bearer " + text}
		return nil
	case header:
		req.Header.Set(name, text)
		return nil
	case query:
		at := *req.URL // addresses are shared between calls
		at.RawQuery = with(at.RawQuery, name, text)
		req.URL = &at
		return nil
	case amazon, google, azure:
		return s.document(ctx, req, body, u, k)
	}
	return unusable(u, "the release does not know how its provider wants secrets")
}

func with(query, name, value string) string {
	if query != "" {
		query += "&"
	}
	return query + url.QueryEscape(name) + "=" + url.QueryEscape(value)
}

// document signs with a secret that is a document.
func (s *Signer) document(ctx context.Context, req *http.Request, body []byte, u credential.Use, k kind) error {
	from, err := s.source(u, k)
	if err != nil {
		return err
	}
	if from.borrowed && !atHome(k, req.URL) {
		return unusable(u, string(awayFromHome))
	}
	g, err := s.grant(ctx, from)
	if err != nil {
		return err
	}
	if k == amazon {
		return s.signAmazon(ctx, req, body, u, g)
	}
	req.Header["Authorization"] = []string{"Bearer " + g.token}
	return nil
}

// kind is one way to show a secret.
type kind string

const (
	none   kind = "none"
	bearer kind = "bearer"
	header kind = "header"
	query  kind = "query"
	amazon kind = "aws"
	google kind = "google"
	azure  kind = "azure"
)

// takesDocuments reports a kind that exchanges a document for something else.
func (k kind) takesDocuments() bool { return k == amazon || k == google || k == azure }

// choose finds the alternative of auth for a secret: of a document the first that takes documents, of text the first that does
// not, or else the way in which the cloud takes API keys. A document is text to a vendor that takes none.
func choose(auth string, document bool) (kind, string) {
	text, name, cloud := kind(""), "", kind("")
	for one := range strings.SplitSeq(auth, "|") {
		word, rest, _ := strings.Cut(one, ":")
		k := kind(word)
		switch {
		case k.takesDocuments() && document:
			return k, ""
		case k.takesDocuments():
			cloud = k
		case text == "":
			text, name = k, rest
		}
	}
	switch {
	case text != "":
		return text, name
	case cloud == google:
		return header, "X-Goog-Api-Key"
	case cloud == azure:
		return header, "Api-Key"
	case cloud == amazon:
		return bearer, ""
	}
	return "", ""
}

// isDocument reports a secret that is a JSON object. No API key begins like one.
func isDocument(text string) bool { return strings.HasPrefix(text, "{") }
