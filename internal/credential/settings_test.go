package credential_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tollgate/internal/credential"
	"tollgate/internal/credential/sign"
	"tollgate/internal/egress"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/secret"
	"tollgate/internal/tenant"
)

func clouds(id string) (provider.Vendor, bool) {
	region := provider.Field{Name: "region", Label: "AWS region", Hint: "us-east-1", Required: true}
	v, ok := map[string]provider.Vendor{
		"bedrock": {Name: "Amazon Bedrock", BaseURL: "https://bedrock-runtime.{region}.amazonaws.com", Auth: "aws", Service: "bedrock", Fields: []provider.Field{region}},
		"vertex": {
			Name: "Vertex AI", BaseURL: "https://{location}-aiplatform.googleapis.com/v1/projects/{project}/locations/{location}", Auth: "google",
			Models: "/publishers/{publisher}/models",
			Fields: []provider.Field{
				{Name: "location", Label: "Location", Required: true, Default: "us-central1"},
				{Name: "project", Label: "Project", Required: true},
				{Name: "publisher", Label: "Publisher", Default: "google"},
			},
		},
		"azure": {
			Name: "Azure OpenAI", BaseURL: "https://{resource}.openai.azure.com/openai", Auth: "azure",
			Speaks: []provider.Spoken{{Path: "/deployments/{model}/chat/completions?api-version={api_version}"}},
			Fields: []provider.Field{{Name: "resource", Label: "Resource", Required: true}, {Name: "api_version", Label: "API version", Required: true}},
		},
		"mantle": {Name: "Mantle", BaseURL: "https://bedrock-mantle.{region}.api.aws", Auth: "aws", Service: "bedrock-mantle", Models: "/v1/models", Fields: []provider.Field{region}},
		"plain":  {Name: "Plain", BaseURL: "https://api.example.com/v1", Auth: "bearer", Models: "/models"},
		"query":  {Name: "Query", BaseURL: "https://api.example.com/v1", Auth: "query:key", Models: "/models"},
	}[id]
	v.ID = id
	return v, ok
}

// network answers everything and remembers it.
type network struct {
	answer func(*http.Request) (int, string)
	mu     sync.Mutex
	asked  []string
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	n.asked = append(n.asked, r.URL.String())
	n.mu.Unlock()
	status, body := n.answer(r)
	if status == 0 {
		return nil, egress.ErrBlocked
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

// testing a secret needs no storage.
func service(t *testing.T, over http.RoundTripper, change ...func(*sign.Config)) *credential.Service {
	t.Helper()
	noon := func() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }
	c := sign.Config{Transport: over, Now: noon}
	for _, f := range change {
		f(&c)
	}
	signer := sign.New(t.Context(), c)
	return credential.NewService(nil, nil, clouds, egress.New(nil), credential.NewTester(&http.Client{Transport: over}, signer, noon), noon)
}

func scope() tenant.Scope {
	return tenant.Authenticated("org_a", tenant.Actor{User: "user_a"}, tenant.Owner)
}

// A value of a setting can never lead to another host or path than the vendor's.
func TestASettingStaysInItsPlace(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"evil.com/#", "evil.com/", "evil.com#", "evil.com?x=", "evil.com:443", "a@evil.com", "x\\evil", "a b", "a\nb", "..", ".", "a..b", ".a", "a.", "-a", "a-", "_a",
		"%2e%2e", "é", "{model}", "a/b", "a,b", "a;b", strings.Repeat("a", 129), "a\x00b",
	} {
		for _, which := range []struct{ provider, field string }{{"bedrock", "region"}, {"vertex", "location"}, {"vertex", "project"}, {"azure", "resource"}} {
			over := &network{answer: func(r *http.Request) (int, string) { t.Errorf("%s was called", r.URL); return 200, "{}" }}
			n := credential.New{Provider: which.provider, Secret: secret.NewText("key-0123456789abcdef"), Settings: map[string]string{which.field: value}}
			if which.provider == "vertex" && which.field != "project" {
				n.Settings["project"] = "acme"
			}
			_, err := service(t, over).Test(t.Context(), scope(), n)
			var f *fault.Error
			if !errors.Is(err, credential.ErrInvalid) || !errors.As(err, &f) || f.Field != "settings."+which.field {
				t.Errorf("%s %s=%q: %v", which.provider, which.field, value, err)
			}
		}
	}
}

func TestSettingsAreWhatTheVendorAsksFor(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, provider string
		settings       map[string]string
		base           string
		want           string // the field at fault
	}{
		{"a missing one", "bedrock", nil, "", "settings.region"},
		{"an empty one", "bedrock", map[string]string{"region": "  "}, "", "settings.region"},
		{"one that the vendor has not", "bedrock", map[string]string{"region": "eu-west-1", "host": "x"}, "", "settings.host"},
		{"one for a vendor that has none", "plain", map[string]string{"region": "eu-west-1"}, "", "settings.region"},
		{"a host name that is too long", "bedrock", map[string]string{"region": strings.Repeat("a", 100)}, "", "settings"},
		{"a region is for the signature too", "bedrock", nil, "https://gateway.example", "settings.region"},
		{"a path needs its settings with any host", "azure", nil, "https://gateway.example", "settings.api_version"},
		{"the vendor's host is not needed with another", "azure", map[string]string{"api_version": "2024-10-21"}, "https://gateway.example", ""},
		{"all of them", "azure", map[string]string{"resource": "acme", "api_version": "2024-10-21"}, "", ""},
		{"the vendor's defaults", "vertex", map[string]string{"project": "acme"}, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			over := &network{answer: func(*http.Request) (int, string) { return 200, "{}" }}
			_, err := service(t, over).Test(t.Context(), scope(), credential.New{
				Provider: tt.provider, Settings: tt.settings, BaseURL: tt.base, Secret: secret.NewText("key-0123456789abcdef"),
			})
			var f *fault.Error
			switch declared := errors.As(err, &f); {
			case tt.want == "" && err != nil, tt.want != "" && (!declared || f.Field != tt.want):
				t.Errorf("%v, want a fault at %q", err, tt.want)
			}
		})
	}
}

// A placeholder that ended a host would let a setting choose where secrets go: behind the last one stands a domain of the vendor's.
func TestNoVendorLetsASettingChooseItsHost(t *testing.T) {
	t.Parallel()
	addresses := func(v provider.Vendor) []string {
		out := []string{v.BaseURL}
		for _, s := range v.Speaks {
			out = append(out, s.BaseURL)
		}
		return out
	}
	for _, v := range catalog.Vendors() {
		for _, address := range addresses(v) {
			_, rest, _ := strings.Cut(address, "://")
			host, _, _ := strings.Cut(rest, "/")
			if at := strings.LastIndex(host, "}"); at >= 0 && strings.Count(strings.TrimPrefix(host[at+1:], "."), ".") < 1 {
				t.Errorf("%s: the host %s ends in a placeholder", v.ID, host)
			}
		}
	}
}

func TestATestSignsAsCallsDo(t *testing.T) {
	t.Parallel()
	keys := `{"access_key_id":"AKIAIOSFODNN7EXAMPLE","secret_access_key":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}`
	app := `{"tenant_id":"acme","client_id":"1111","client_secret":"entra-secret-0123"}`
	region := map[string]string{"region": "eu-west-1"}
	tests := []struct {
		name, provider, secret string
		settings               map[string]string
		status                 int
		want                   credential.Verdict
		url                    string // of the last request
	}{
		{"a key in the address", "query", "key-0123456789abcdef", nil, 200, credential.OK, "https://api.example.com/v1/models?key=key-0123456789abcdef"},
		{"placeholders are filled", "vertex", "key-0123456789abcdef", map[string]string{"project": "acme"}, 200, credential.OK, "https://us-central1-aiplatform.googleapis.com/v1/projects/acme/locations/us-central1/publishers/google/models"},
		{"AWS keys are asked who they are", "bedrock", keys, region, 200, credential.OK, "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15"},
		{"AWS keys are used where the service has a list", "mantle", keys, region, 200, credential.OK, "https://bedrock-mantle.eu-west-1.api.aws/v1/models"},
		{"in China too", "bedrock", keys, map[string]string{"region": "cn-north-1"}, 200, credential.OK, "https://sts.cn-north-1.amazonaws.com.cn/?Action=GetCallerIdentity&Version=2011-06-15"},
		{"wrong AWS keys", "bedrock", keys, region, 403, credential.Rejected, "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15"},
		{"an API key of AWS cannot be tried", "bedrock", "ABSKbedrock-0123456789", region, 200, credential.Untestable, ""},
		{"an application that may not sign in", "azure", app, map[string]string{"resource": "acme", "api_version": "1"}, 401, credential.Rejected, "https://login.microsoftonline.com/acme/v2.0/.well-known/openid-configuration"},
		{"a token service with a fault", "azure", app, map[string]string{"resource": "acme", "api_version": "1"}, 503, credential.Unreachable, "https://login.microsoftonline.com/acme/v2.0/.well-known/openid-configuration"},
		{"a token service out of reach", "azure", app, map[string]string{"resource": "acme", "api_version": "1"}, 0, credential.Blocked, "https://login.microsoftonline.com/acme/v2.0/.well-known/openid-configuration"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			over := &network{answer: func(r *http.Request) (int, string) {
				if strings.HasPrefix(r.URL.Host, "sts.") && (!strings.Contains(r.Header.Get("Authorization"), "/sts/aws4_request") || r.Header.Get("Accept") != "application/json") {
					t.Errorf("asked with %v", r.Header)
				}
				return tt.status, "{}"
			}}
			got, err := service(t, over).Test(t.Context(), scope(), credential.New{Provider: tt.provider, Settings: tt.settings, Secret: secret.NewText(tt.secret)})
			if err != nil || got.Verdict != tt.want {
				t.Errorf("%+v, %v; want %s", got, err, tt.want)
			}
			last := "" // without the mark of an empty query that some libraries write
			if len(over.asked) > 0 {
				last = strings.TrimSuffix(over.asked[len(over.asked)-1], "?")
			}
			if last != tt.url {
				t.Errorf("asked %q", last)
			}
			for _, part := range []string{"wJalrXUtnFEMI", "entra-secret-0123", "key-0123456789abcdef"} {
				if strings.Contains(got.Message, part) {
					t.Errorf("the message quotes the secret: %s", got.Message)
				}
			}
		})
	}
}

// A vendor's own address takes the machine's identity where the operator allows it; a tenant's takes it never.
func TestABaseURLOfOnesOwnIsNoPlaceForTheMachinesIdentity(t *testing.T) {
	t.Parallel()
	s := service(t, &network{answer: func(*http.Request) (int, string) { return 200, "{}" }}, func(c *sign.Config) { c.Ambient = true })
	n := credential.New{Provider: "vertex", Settings: map[string]string{"project": "acme"}, Secret: secret.NewText(`{"ambient":true}`), BaseURL: "https://evil.example"}
	var f *fault.Error
	if _, err := s.Test(t.Context(), scope(), n); !errors.As(err, &f) || f.Field != "base_url" {
		t.Errorf("at another host: %v", err)
	}
}

func TestTheAddressOfACredentialIsItsOwnOrTheVendorsFilledIn(t *testing.T) {
	t.Parallel()
	v, _ := clouds("vertex")
	c := credential.Credential{Settings: map[string]string{"location": "europe-west4", "project": "acme"}}
	if got := c.Address(v); got != "https://europe-west4-aiplatform.googleapis.com/v1/projects/acme/locations/europe-west4" {
		t.Errorf("%s", got)
	}
	c.BaseURL = "https://gateway.example"
	if got := c.Address(v); got != c.BaseURL {
		t.Errorf("%s", got)
	}
}

// Whatever a setting holds, the address keeps the vendor's host around the placeholder, or it is refused.
func FuzzASettingStaysInItsPlace(f *testing.F) {
	for _, v := range []string{"eu-west-1", "evil.com/#", "a@b", "..", "é", ""} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, which := range []struct{ provider, field, host string }{
			{"bedrock", "region", "bedrock-runtime.%.amazonaws.com"}, {"vertex", "location", "%-aiplatform.googleapis.com"}, {"azure", "resource", "%.openai.azure.com"},
		} {
			kept, err := credential.CheckSettings(which.provider, clouds, map[string]string{which.field: value, "project": "p", "api_version": "1"})
			if err != nil {
				continue
			}
			v, _ := clouds(which.provider)
			c := credential.Credential{Settings: kept}
			u, err := url.Parse(c.Address(v))
			if err != nil || u.Host != strings.Replace(which.host, "%", kept[which.field], 1) || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
				t.Errorf("%q gives %s: %v", value, c.Address(v), err)
			}
		}
	})
}
