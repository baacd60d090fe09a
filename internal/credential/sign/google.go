package sign

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/url"
	"slices"
	"time"

	"golang.org/x/oauth2"
	oauthgoogle "golang.org/x/oauth2/google"
	"golang.org/x/oauth2/jwt"

	"tollgate/internal/credential"
)

// googleScope covers Vertex AI and the Gemini API.
const googleScope = "https://www.googleapis.com/auth/cloud-platform"

// googleHosts are where Google's key files point. A key file is a user's: followed anywhere, it would make the gateway call and
// tell whoever the user likes.
func googleHosts() []string {
	return []string{"oauth2.googleapis.com", "accounts.google.com", "www.googleapis.com"}
}

// googleDocument is a service account's key file; what else it holds is not used.
type googleDocument struct {
	Type         string `json:"type"`
	ClientEmail  string `json:"client_email"`
	PrivateKeyID string `json:"private_key_id"`
	PrivateKey   string `json:"private_key"`
	TokenURI     string `json:"token_uri"`
	Ambient      bool   `json:"ambient"`
}

func (s *Signer) readGoogle(text string) (googleDocument, error) {
	var d googleDocument
	if err := decode(text, false, &d); err != nil {
		return d, err
	}
	if d.Ambient {
		if err := decode(text, true, &struct {
			Ambient bool `json:"ambient"`
		}{}); err != nil {
			return d, malformed("beside the machine's own identity it names something else")
		}
		if !s.Ambient {
			return d, ambientOff
		}
		return d, nil
	}
	switch {
	case d.Type != "service_account":
		return d, malformed("it is not the key file of a service account (its type is not service_account)")
	case !isPrintable(d.ClientEmail):
		return d, malformed("its client_email is missing or is no address")
	case d.PrivateKeyID != "" && !isPrintable(d.PrivateKeyID):
		return d, malformed("its private_key_id holds characters that none has")
	case !isRSAKey(d.PrivateKey):
		return d, malformed("its private_key is missing or is no RSA key")
	case d.TokenURI != "" && !s.mayAskAt(d.TokenURI):
		return d, malformed("its token_uri is not one of Google's")
	}
	return d, nil
}

// isRSAKey accepts what x/oauth2 can sign with.
func isRSAKey(text string) bool {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return false
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
		return err == nil && key != nil
	}
	_, ok := parsed.(*rsa.PrivateKey)
	return ok
}

// mayAskAt reports whether tokens may be asked for at an address of a key file.
func (s *Signer) mayAskAt(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Opaque != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return slices.Contains(googleHosts(), u.Host) || slices.Contains(s.TokenHosts, u.Host)
}

func (s *Signer) fromGoogle(u credential.Use) (*source, error) {
	d, err := s.readGoogle(u.Secret.Reveal())
	if err != nil {
		return nil, err
	}
	from := &source{who: "Google"}
	if d.Ambient {
		from.mint, from.borrowed = s.borrowGoogle, true
		return from, nil
	}
	account := jwt.Config{
		Email: d.ClientEmail, PrivateKey: []byte(d.PrivateKey), PrivateKeyID: d.PrivateKeyID, Scopes: []string{googleScope}, TokenURL: d.TokenURI,
	}
	if account.TokenURL == "" {
		account.TokenURL = oauthgoogle.JWTTokenURL
	}
	from.mint = func(ctx context.Context, u credential.Use, w *wire) (grant, error) {
		got, err := account.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, w.client())).Token()
		return s.fromOAuth(u, got, err)
	}
	return from, nil
}

// borrowGoogle finds the machine's own identity as Google's tools do (application default credentials). It comes from the machine
// and not from a user's address, so the guarded transport, which reaches no metadata service, is not used.
func (s *Signer) borrowGoogle(ctx context.Context, u credential.Use, _ *wire) (grant, error) {
	found, err := oauthgoogle.FindDefaultCredentials(ctx, googleScope)
	var got *oauth2.Token
	if err == nil {
		got, err = found.TokenSource.Token()
	}
	if err != nil {
		return grant{}, credential.ErrTokenRefused.Say("The machine that Tollgate runs on has no Google identity that the credential %q could borrow.", u.Name)
	}
	return s.fromOAuth(u, got, nil)
}

// fromOAuth reads a token. Its life is counted by our clock.
func (s *Signer) fromOAuth(u credential.Use, got *oauth2.Token, err error) (grant, error) {
	if err != nil {
		return grant{}, err
	}
	if got.AccessToken == "" {
		return grant{}, credential.ErrTokenUnreachable.Say("Google gave no token for the credential %q: its answer holds none.", u.Name)
	}
	until := s.Now().Add(5 * time.Minute) // one that does not say when it expires
	switch seconds, _ := got.Extra("expires_in").(float64); {
	case seconds > 0:
		until = s.Now().Add(time.Duration(min(seconds, 86_400)) * time.Second)
	case !got.Expiry.IsZero():
		until = got.Expiry
	}
	return grant{token: got.AccessToken, until: until}, nil
}
