package sign_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/credential"
	"tollgate/internal/credential/sign"
	"tollgate/internal/id"
	"tollgate/internal/secret"
)

// network is a token service without a wire: a function from a request to an answer. It counts.
type network struct {
	answer func(*http.Request) (int, string)

	mu    sync.Mutex
	asked []*http.Request
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(raw))
	}
	n.mu.Lock()
	n.asked = append(n.asked, r)
	n.mu.Unlock()
	status, body := n.answer(r)
	if status == 0 { // it never answers
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Content-Type": {"application/json"}, "Location": {"https://elsewhere.example/"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r, ContentLength: int64(len(body)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

func (n *network) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.asked)
}

// silent answers nothing and fails the test where it is asked.
func silent(t *testing.T) *network {
	return &network{answer: func(r *http.Request) (int, string) {
		t.Errorf("a request went to %s", r.URL)
		return 500, ""
	}}
}

func newSigner(t *testing.T, over http.RoundTripper, change ...func(*sign.Config)) *sign.Signer {
	t.Helper()
	c := sign.Config{Transport: over, Now: time.Now}
	for _, f := range change {
		f(&c)
	}
	return sign.New(t.Context(), c)
}

func allowAmbient(c *sign.Config) { c.Ambient = true }

// use is a stored credential of an organization.
func use(auth, text string) credential.Use {
	return credential.Use{
		Org: "org_1", Credential: "cred_1", Version: 1, Name: "Main", Auth: auth, Service: "bedrock",
		Settings: map[string]string{"region": "eu-west-1"}, Secret: secret.NewText(text),
	}
}

func of(u credential.Use, org id.Org, which id.Credential) credential.Use {
	u.Org, u.Credential = org, which
	return u
}

func post(t *testing.T, where, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, where, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	return req
}

// bearerOf signs a request and gives its token.
func bearerOf(t *testing.T, s *sign.Signer, u credential.Use) (string, error) {
	t.Helper()
	req := post(t, "https://provider.example/v1", "{}")
	err := s.Sign(t.Context(), req, []byte("{}"), u)
	token, _ := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	return token, err
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// account is a service account's key file as Google writes it.
func account(t *testing.T, key *rsa.PrivateKey, tokenURI string) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := map[string]string{
		"type": "service_account", "project_id": "acme-ai", "private_key_id": "0123456789abcdef0123456789abcdef01234567",
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"client_email": "gateway@acme-ai.iam.gserviceaccount.com", "client_id": "1", "universe_domain": "googleapis.com",
		"auth_uri": "https://accounts.google.com/o/oauth2/auth", "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
	}
	if tokenURI != "" {
		file["token_uri"] = tokenURI
	}
	out, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// The documents of tests. The values that are secret occur nowhere else, so that they can be searched for.
const (
	accessKey    = "AKIAIOSFODNN7EXAMPLE"
	secretKey    = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	clientSecret = "8Q~entra.client.secret~value"
	keysDocument = `{"access_key_id":"` + accessKey + `","secret_access_key":"` + secretKey + `"}`
	roleDocument = `{"access_key_id":"` + accessKey + `","secret_access_key":"` + secretKey + `","role_arn":"arn:aws:iam::123456789012:role/gateway","external_id":"org-7"}`
	entraApp     = `{"tenant_id":"acme.onmicrosoft.com","client_id":"11111111-2222-3333-4444-555555555555","client_secret":"` + clientSecret + `"}`
)

// roleAnswer is what STS says when a role is taken.
func roleAnswer(key string, until time.Time) string {
	return fmt.Sprintf(`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser>
		<Arn>arn:aws:sts::123456789012:assumed-role/gateway/x</Arn><AssumedRoleId>AROA:x</AssumedRoleId></AssumedRoleUser><Credentials>
		<AccessKeyId>%s</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-session</SessionToken><Expiration>%s</Expiration>
		</Credentials></AssumeRoleResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleResponse>`, key, until.UTC().Format(time.RFC3339))
}

// entra is Microsoft's identity service: the tenant's description and its token endpoint.
func entra(token func(form url.Values) (int, string)) *network {
	return &network{answer: func(r *http.Request) (int, string) {
		if strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration") {
			at := "https://" + r.URL.Host + strings.TrimSuffix(r.URL.Path, "/v2.0/.well-known/openid-configuration")
			return 200, `{"issuer":"` + at + `/v2.0","authorization_endpoint":"` + at + `/oauth2/v2.0/authorize","token_endpoint":"` + at + `/oauth2/v2.0/token"}`
		}
		raw, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(raw))
		return token(form)
	}}
}

func fixed(at time.Time) func(*sign.Config) {
	return func(c *sign.Config) { c.Now = func() time.Time { return at } }
}
