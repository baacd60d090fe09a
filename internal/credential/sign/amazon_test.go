package sign_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tollgate/internal/credential"
)

// verify recomputes an AWS signature (version 4) from what arrived, after AWS's own description and with none of the signer's code.
func verify(r *http.Request, body []byte, secretKey string) error {
	auth := r.Header.Get("Authorization")
	var scope, names, signature string
	for part := range strings.SplitSeq(strings.TrimPrefix(auth, "AWS4-HMAC-SHA256 "), ", ") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "Credential":
			_, scope, _ = strings.Cut(value, "/")
		case "SignedHeaders":
			names = value
		case "Signature":
			signature = value
		}
	}
	var headers strings.Builder
	for name := range strings.SplitSeq(names, ";") {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.Join(strings.Fields(value), " "))
	}
	path := encode(r.URL.EscapedPath()) // services but S3 encode the path a second time
	if strings.Contains(scope, "/s3/") {
		path = r.URL.EscapedPath()
		if told := sha256.Sum256(body); r.Header.Get("X-Amz-Content-Sha256") != hex.EncodeToString(told[:]) {
			return errors.New("S3 is not told the body's sum")
		}
	}
	query := strings.Split(r.URL.RawQuery, "&")
	slices.Sort(query)
	bodySum := sha256.Sum256(body)
	canonical := strings.Join([]string{r.Method, path, strings.Join(query, "&"), headers.String(), names, hex.EncodeToString(bodySum[:])}, "\n")
	sum := sha256.Sum256([]byte(canonical))
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", r.Header.Get("X-Amz-Date"), scope, hex.EncodeToString(sum[:])}, "\n")
	key := []byte("AWS4" + secretKey)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	if want := hex.EncodeToString(mac(key, toSign)); want != signature || signature == "" {
		return fmt.Errorf("signature %s, want %s over\n%s", signature, want, canonical)
	}
	return nil
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func encode(path string) string {
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if c == '/' || c == '-' || c == '_' || c == '.' || c == '~' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// What AWS would check holds of what arrives, over a real connection.
func TestASignedRequestArrivesAsItWasSigned(t *testing.T) {
	t.Parallel()
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	tests := []struct{ name, service, path, body, document, session string }{
		{"a plain path", "bedrock", "/model/amazon.nova-lite/converse", `{"messages":[]}`, keysDocument, ""},
		{"an escaped colon", "bedrock", "/model/anthropic.claude-v1%3A0/invoke", `{}`, keysDocument, ""},
		{"an escaped ARN", "bedrock", "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2Fx/converse", `{}`, keysDocument, ""},
		{"an empty body and a query", "bedrock", "/models?byProvider=anthropic&a=b", "", keysDocument, ""},
		{"a file of S3", "s3", "/acme-batches/tollgate/parcel_1/input%20file.jsonl", "{}\n", keysDocument, ""},
		{"a list of S3", "s3", "/acme-batches?list-type=2&prefix=tollgate%2Fparcel_1%2F", "", keysDocument, ""},
		{"a session", "bedrock", "/model/x/converse", `{"é":"ü"}`, `{"access_key_id":"` + accessKey + `","secret_access_key":"` + secretKey + `","session_token":"sess/ion=="}`, "sess/ion=="},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			arrived := make(chan error, 1)
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				err := verify(r, body, secretKey)
				if want := "Credential=" + accessKey + "/20300101/eu-west-1/" + tt.service + "/aws4_request"; !strings.Contains(r.Header.Get("Authorization"), want) {
					err = errors.Join(err, fmt.Errorf("the scope of %s is not %s", r.Header.Get("Authorization"), want))
				}
				if got := r.Header.Get("X-Amz-Security-Token"); got != tt.session {
					err = errors.Join(err, fmt.Errorf("session %q", got))
				}
				if verify(r, append(body, ' '), secretKey) == nil {
					err = errors.Join(err, errors.New("the signature does not cover the body"))
				}
				arrived <- err
			}))
			defer server.Close()
			req := post(t, server.URL+tt.path, tt.body)
			req.Header.Set("X-Amz-Security-Token", "a client's own")
			req.Header.Set("X-Amz-Date", "20010101T000000Z")
			s := newSigner(t, silent(t), fixed(noon))
			u := use("aws", tt.document)
			u.Service = tt.service
			if err := s.Sign(t.Context(), req, []byte(tt.body), u); err != nil {
				t.Fatal(err)
			}
			resp, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if err := <-arrived; err != nil {
				t.Error(err)
			}
		})
	}
}

// The verifier is itself held to AWS's published example (test suite, get-vanilla).
func TestTheVerifierAgreesWithAWSsExample(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "https://example.amazonaws.com/", http.NoBody)
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")
	if err := verify(r, nil, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"); err != nil {
		t.Error(err)
	}
	if verify(r, nil, "another") == nil {
		t.Error("a wrong key was accepted")
	}
}

func TestARoleIsTakenOnceAndSignsWithItsOwnKeys(t *testing.T) {
	t.Parallel()
	noon := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	asked := make(chan error, 10)
	sts := &network{answer: func(r *http.Request) (int, string) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		r.Host = r.URL.Host
		err := verify(r, body, secretKey)
		for name, want := range map[string]string{
			"Action": "AssumeRole", "RoleArn": "arn:aws:iam::123456789012:role/gateway", "ExternalId": "org-7", "RoleSessionName": "tollgate-cred_1",
		} {
			if form.Get(name) != want {
				err = errors.Join(err, fmt.Errorf("%s is %q", name, form.Get(name)))
			}
		}
		if r.URL.Scheme+"://"+r.URL.Host != "https://sts.eu-west-1.amazonaws.com" {
			err = errors.Join(err, fmt.Errorf("asked at %s", r.URL))
		}
		asked <- err
		return 200, roleAnswer("ASIAROLE000000000000", noon.Add(time.Hour))
	}}
	s := newSigner(t, sts, fixed(noon))
	for range 3 {
		req := post(t, "https://bedrock-runtime.eu-west-1.amazonaws.com/model/x/converse", "{}")
		if err := s.Sign(t.Context(), req, []byte("{}"), use("aws", roleDocument)); err != nil {
			t.Fatal(err)
		}
		req.Host = req.URL.Host
		if err := verify(req, []byte("{}"), "role-secret"); err != nil {
			t.Error(err)
		}
		if got := req.Header.Get("Authorization") + req.Header.Get("X-Amz-Security-Token"); !strings.Contains(got, "Credential=ASIAROLE000000000000/") || !strings.HasSuffix(got, "role-session") {
			t.Errorf("signed as %s", got)
		}
	}
	if err := <-asked; err != nil {
		t.Error(err)
	}
	if n := sts.count(); n != 1 {
		t.Errorf("the role was taken %d times", n)
	}
}

// An access key's id is no secret. Who knows another organization's signs with the secret that it brought itself, and so with nothing.
func TestAnotherOrganizationsAccessKeyIDGivesNothing(t *testing.T) {
	t.Parallel()
	s := newSigner(t, silent(t))
	for _, u := range []credential.Use{use("aws", keysDocument), of(use("aws", strings.Replace(keysDocument, secretKey, "guessed", 1)), "org_2", "cred_2")} {
		req := post(t, "https://bedrock-runtime.eu-west-1.amazonaws.com/model/x/converse", "{}")
		if err := s.Sign(t.Context(), req, []byte("{}"), u); err != nil {
			t.Fatal(err)
		}
		req.Host = req.URL.Host
		if err := verify(req, []byte("{}"), secretKey); (err == nil) != (u.Org == "org_1") {
			t.Errorf("%s: %v", u.Org, err)
		}
	}
}

func TestKeysWithoutARegionAreOfNoUse(t *testing.T) {
	t.Parallel()
	u := use("aws", keysDocument)
	for _, region := range []string{"", "eu-west-1/x", "EU WEST"} {
		u.Settings = map[string]string{"region": region}
		err := newSigner(t, silent(t)).Sign(t.Context(), post(t, "https://provider.example/", ""), nil, u)
		if !errors.Is(err, credential.ErrUnusable) || !strings.Contains(err.Error(), `"Main"`) || !strings.Contains(err.Error(), "region") {
			t.Errorf("region %q: %v", region, err)
		}
	}
}

// Not parallel: the tools of AWS read the environment.
func TestAProfileIsReadFromTheMachineWhereTheOperatorAllowsIt(t *testing.T) {
	files := t.TempDir()
	text := "[profile gateway]\naws_access_key_id = " + accessKey + "\naws_secret_access_key = " + secretKey + "\n"
	if err := os.WriteFile(filepath.Join(files, "config"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(files, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(files, "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")

	u := use("aws", `{"profile":"gateway"}`)
	req := post(t, "https://bedrock-runtime.eu-west-1.amazonaws.com/model/x/converse", "{}")
	if err := newSigner(t, silent(t)).Sign(t.Context(), req, []byte("{}"), u); !errors.Is(err, credential.ErrUnusable) {
		t.Errorf("without the operator's word: %v", err)
	}
	s := newSigner(t, silent(t), allowAmbient)
	if err := s.Sign(t.Context(), req, []byte("{}"), u); err != nil {
		t.Fatal(err)
	}
	req.Host = req.URL.Host
	if err := verify(req, []byte("{}"), secretKey); err != nil {
		t.Error(err)
	}
	u = use("aws", `{"profile":"absent"}`)
	u.Credential = "cred_2"
	if err := s.Sign(t.Context(), req, []byte("{}"), u); !errors.Is(err, credential.ErrTokenRefused) || !strings.Contains(err.Error(), `"Main"`) {
		t.Errorf("an absent profile: %v", err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", accessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secretKey)
	req = post(t, "https://bedrock-runtime.eu-west-1.amazonaws.com/model/x/converse", "{}")
	if err := s.Sign(t.Context(), req, []byte("{}"), of(use("aws", `{"ambient":true}`), "org_1", "cred_3")); err != nil {
		t.Fatal(err)
	}
	req.Host = req.URL.Host
	if err := verify(req, bytes.NewBufferString("{}").Bytes(), secretKey); err != nil {
		t.Error(err)
	}
}
