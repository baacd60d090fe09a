package sign_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"tollgate/internal/credential"
)

func TestAnApplicationSignsInAtItsCloudAndNowhereElse(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, cloud, host, scope string }{
		{"public", "", "login.microsoftonline.com", "https://cognitiveservices.azure.com/.default"},
		{"government", `,"cloud":"government"`, "login.microsoftonline.us", "https://cognitiveservices.azure.us/.default"},
		{"china", `,"cloud":"china"`, "login.chinacloudapi.cn", "https://cognitiveservices.azure.cn/.default"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			forms := make(chan url.Values, 4)
			login := entra(func(form url.Values) (int, string) {
				forms <- form
				return 200, `{"access_token":"entra-token","expires_in":3599,"token_type":"Bearer"}`
			})
			s := newSigner(t, login)
			doc := strings.TrimSuffix(entraApp, "}") + tt.cloud + "}"
			for range 2 {
				if got, err := bearerOf(t, s, use("azure", doc)); err != nil || got != "entra-token" {
					t.Fatalf("token %q, %v", got, err)
				}
			}
			form := <-forms
			if form.Get("client_secret") != clientSecret || form.Get("grant_type") != "client_credentials" || !strings.Contains(form.Get("scope"), tt.scope) {
				t.Errorf("asked with %v", form)
			}
			if len(forms) != 0 {
				t.Error("a second token was asked for while the first was good")
			}
			for _, r := range login.asked {
				if r.URL.Scheme != "https" || r.URL.Host != tt.host {
					t.Errorf("a request went to %s", r.URL)
				}
			}
		})
	}
}

func TestWhatMicrosoftRefusesIsToldByItsNumber(t *testing.T) {
	t.Parallel()
	login := entra(func(url.Values) (int, string) {
		return 401, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret ` + clientSecret + `","error_codes":[7000215]}`
	})
	_, err := bearerOf(t, newSigner(t, login), use("azure", entraApp))
	if !errors.Is(err, credential.ErrTokenRefused) || !strings.Contains(err.Error(), "invalid_client, AADSTS7000215") || !strings.Contains(err.Error(), `"Main"`) {
		t.Errorf("%v", err)
	}
}
