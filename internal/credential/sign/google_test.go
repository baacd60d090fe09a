package sign_test

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tollgate/internal/credential"
	"tollgate/internal/credential/sign"
	"tollgate/internal/egress"
)

// tokenEndpoint is Google's: it checks the assertion as Google does and gives tokens.
func tokenEndpoint(t *testing.T, key *rsa.PrivateKey, asked chan<- error) *httptest.Server {
	server := httptest.NewTLSServer(nil)
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- checkAssertion(r, key, server.URL+"/token")
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"access_token":"ya29.granted","expires_in":3599,"token_type":"Bearer"}`)
	})
	t.Cleanup(server.Close)
	return server
}

func checkAssertion(r *http.Request, key *rsa.PrivateKey, audience string) error {
	if got := r.PostFormValue("grant_type"); got != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		return fmt.Errorf("grant_type %q", got)
	}
	var claims struct {
		jwt.RegisteredClaims
		Scope string `json:"scope"`
	}
	token, err := jwt.ParseWithClaims(r.PostFormValue("assertion"), &claims, func(*jwt.Token) (any, error) { return &key.PublicKey, nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithAudience(audience), jwt.WithIssuer("gateway@acme-ai.iam.gserviceaccount.com"), jwt.WithExpirationRequired())
	if err != nil {
		return err
	}
	if claims.Scope != "https://www.googleapis.com/auth/cloud-platform" {
		return fmt.Errorf("scope %q", claims.Scope)
	}
	if token.Header["kid"] != "0123456789abcdef0123456789abcdef01234567" {
		return fmt.Errorf("kid %v", token.Header["kid"])
	}
	return nil
}

// guarded is the egress policy's transport for a test server's certificate.
func guarded(server *httptest.Server, open ...netip.Prefix) http.RoundTripper {
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return egress.New(open).Transport(egress.Tuning{TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}})
}

func TestAServiceAccountGetsATokenWithAnAssertionThatItsKeySigned(t *testing.T) {
	t.Parallel()
	key, asked := newKey(t), make(chan error, 2)
	server := tokenEndpoint(t, key, asked)
	host := strings.TrimPrefix(server.URL, "https://")
	allow := func(c *sign.Config) { c.TokenHosts = []string{host} }

	s := newSigner(t, guarded(server, netip.MustParsePrefix("127.0.0.0/8")), allow)
	u := use("google", account(t, key, server.URL+"/token"))
	for range 2 {
		if got, err := bearerOf(t, s, u); err != nil || got != "ya29.granted" {
			t.Fatalf("token %q, %v", got, err)
		}
	}
	if err := <-asked; err != nil {
		t.Error(err)
	}
	if len(asked) != 0 {
		t.Error("a second token was asked for while the first was good")
	}

	// Which addresses may be called stays the network policy's word, also for hosts that the operator allows by name.
	s = newSigner(t, guarded(server), allow)
	_, err := bearerOf(t, s, u)
	if !errors.Is(err, credential.ErrTokenUnreachable) || !errors.Is(err, egress.ErrBlocked) {
		t.Errorf("a closed network: %v", err)
	}
	if len(asked) != 0 {
		t.Error("the policy did not hold")
	}
}

// A key file is a user's document: where it points is not where the gateway goes.
func TestAKeyFileCannotSendTheGatewayAnywhere(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	for _, at := range []string{
		"http://oauth2.googleapis.com/token", "https://169.254.169.254/token", "https://evil.example/token", "https://oauth2.googleapis.com.evil.example/token",
		"https://oauth2.googleapis.com:8443/token", "https://oauth2.googleapis.com@evil.example/token", "https://user@oauth2.googleapis.com/token",
		"https://evil.example#oauth2.googleapis.com", "//oauth2.googleapis.com/token", "https:oauth2.googleapis.com", "https://oauth2.googleapis.com/token?x=1",
		"gopher://oauth2.googleapis.com/", "https://OAUTH2.googleapis.com.:443/", "https://127.0.0.1/token", "https://[::1]/token", "x",
	} {
		s := newSigner(t, silent(t))
		if _, err := bearerOf(t, s, use("google", account(t, key, at))); !errors.Is(err, credential.ErrUnusable) {
			t.Errorf("%s: %v", at, err)
		}
		if _, _, err := s.Check("google", "https://aiplatform.googleapis.com", use("google", account(t, key, at)).Secret); !errors.Is(err, credential.ErrInvalid) {
			t.Errorf("%s was stored: %v", at, err)
		}
	}
	for _, at := range []string{"", "https://oauth2.googleapis.com/token", "https://accounts.google.com/o/oauth2/token"} {
		google := &network{answer: func(*http.Request) (int, string) { return 200, `{"access_token":"t","expires_in":3599}` }}
		if _, err := bearerOf(t, newSigner(t, google), use("google", account(t, key, at))); err != nil || google.count() != 1 {
			t.Errorf("%q: %v after %d requests", at, err, google.count())
		}
	}
}

func TestARedirectOfATokenServiceIsNotFollowed(t *testing.T) {
	t.Parallel()
	google := &network{answer: func(*http.Request) (int, string) { return 307, "" }}
	_, err := bearerOf(t, newSigner(t, google), use("google", account(t, newKey(t), "")))
	if !errors.Is(err, credential.ErrTokenUnreachable) || google.count() != 1 {
		t.Errorf("%v after %d requests", err, google.count())
	}
}

func TestOtherDocumentsOfGoogleAreRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"type":"external_account","token_url":"https://sts.googleapis.com/v1/token","credential_source":{"url":"http://169.254.169.254/"}}`,
		`{"type":"authorized_user","client_id":"x","client_secret":"y","refresh_token":"z"}`,
		`{"type":"service_account","client_email":"a@b","private_key":"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}`,
		`{"type":"service_account","client_email":"a@b"}`,
		`{"ambient":true}`, `{"ambient":true,"token_uri":"https://evil.example/"}`, `{}`,
	} {
		if _, err := bearerOf(t, newSigner(t, silent(t)), use("google", text)); !errors.Is(err, credential.ErrUnusable) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAnExpiredOrEmptyAnswerIsNoToken(t *testing.T) {
	t.Parallel()
	doc := account(t, newKey(t), "")
	for _, answer := range []string{`{"access_token":"","expires_in":3599}`, `{}`, `not json`, ``, strings.Repeat(" ", 2<<20)} {
		google := &network{answer: func(*http.Request) (int, string) { return 200, answer }}
		if _, err := bearerOf(t, newSigner(t, google), use("google", doc)); !errors.Is(err, credential.ErrTokenUnreachable) {
			t.Errorf("%.20q: %v", answer, err)
		}
	}
	past := &network{answer: func(*http.Request) (int, string) {
		return 200, roleAnswer("ASIAROLE000000000000", time.Now().Add(-time.Minute))
	}}
	if _, err := bearerOf(t, newSigner(t, past), use("aws", roleDocument)); !errors.Is(err, credential.ErrTokenUnreachable) {
		t.Errorf("keys of the past: %v", err)
	}
}

// Not parallel: Google's tools read the environment.
func TestTheMachinesGoogleIdentityIsBorrowedWhereTheOperatorAllowsIt(t *testing.T) {
	machine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `{"access_token":"ya29.machine","expires_in":3599,"token_type":"Bearer"}`)
	}))
	defer machine.Close()
	file := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(file, []byte(account(t, newKey(t), machine.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)

	s := newSigner(t, silent(t), allowAmbient)
	req := post(t, "https://us-central1-aiplatform.googleapis.com/v1", "{}")
	if err := s.Sign(t.Context(), req, []byte("{}"), use("google", `{"ambient":true}`)); err != nil || req.Header.Get("Authorization") != "Bearer ya29.machine" {
		t.Errorf("%q, %v", req.Header.Get("Authorization"), err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file+".gone")
	err := s.Sign(t.Context(), post(t, "https://us-central1-aiplatform.googleapis.com/v1", "{}"), []byte("{}"), of(use("google", `{"ambient":true}`), "org_1", "cred_2"))
	if !errors.Is(err, credential.ErrTokenRefused) || strings.Contains(err.Error(), file) {
		t.Errorf("a machine without one: %v", err)
	}
}
