package sign_test

import (
	"errors"
	"strings"
	"testing"

	"tollgate/internal/credential"
	"tollgate/internal/credential/sign"
	"tollgate/internal/fault"
	"tollgate/internal/secret"
)

func TestCheckKeepsDocumentsInOneFormAndShowsTheirPublicEnd(t *testing.T) {
	t.Parallel()
	key := account(t, newKey(t), "")
	tests := []struct{ name, auth, text, hint, kept string }{
		{"text is left alone", "aws", "ABSKbedrock", "", "ABSKbedrock"},
		{"a document is text to a vendor of texts", "bearer", `{ "a": 1 }`, "", `{ "a": 1 }`},
		{"access keys", "aws", "{\n \"access_key_id\": \"" + accessKey + "\",\n \"secret_access_key\": \"" + secretKey + "\"}", "MPLE", keysDocument},
		{"a role", "aws", roleDocument, "MPLE", roleDocument},
		{"an application", "azure", entraApp, "5555", entraApp},
		{"a key file", "google|bearer", key, "4567", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			kept, hint, err := newSigner(t, silent(t)).Check(tt.auth, "https://provider.example", secret.NewText(tt.text))
			if err != nil || hint != tt.hint {
				t.Fatalf("hint %q, %v; want %q", hint, err, tt.hint)
			}
			if tt.kept != "" && kept.Reveal() != tt.kept {
				t.Errorf("kept as %s", kept.Reveal())
			}
			if strings.ContainsAny(kept.Reveal(), "\n\r\t") {
				t.Error("kept on several lines")
			}
		})
	}
}

func TestCheckRefusesWhatCannotWorkAndSaysWhy(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, auth, text, want string }{
		{"half a document", "aws", `{"access_key_id":"`, "copy it whole"},
		{"text behind it", "aws", keysDocument + `x`, "copy it whole"},
		{"a member that is not known", "aws", `{"access_key_id":"` + accessKey + `","secret":"x"}`, "form"},
		{"no secret", "aws", `{"access_key_id":"` + accessKey + `"}`, "secret_access_key"},
		{"no id", "aws", `{"secret_access_key":"` + secretKey + `"}`, "access_key_id"},
		{"a line break in a key", "aws", `{"access_key_id":"` + accessKey + `","secret_access_key":"a\nb"}`, "secret_access_key"},
		{"a role that is none", "aws", strings.Replace(roleDocument, ":role/", ":user/", 1), "role_arn"},
		{"a role at another host", "aws", strings.Replace(roleDocument, "arn:aws:", "arn:aws.evil.example:", 1), "role_arn"},
		{"an external id without a role", "aws", strings.TrimSuffix(keysDocument, "}") + `,"external_id":"x1"}`, "external_id"},
		{"keys and a profile", "aws", strings.TrimSuffix(keysDocument, "}") + `,"profile":"x"}`, "one of them"},
		{"a role by the machine", "aws", `{"ambient":true,"role_arn":"arn:aws:iam::123456789012:role/x"}`, "one of them"},
		{"a profile that is a path", "aws", `{"profile":"../x"}`, "profile"},
		{"the machine's own AWS identity", "aws", `{"ambient":true}`, "TOLLGATE_AMBIENT_CREDENTIALS"},
		{"a profile of the machine", "aws", `{"profile":"x"}`, "TOLLGATE_AMBIENT_CREDENTIALS"},
		{"the machine's own Google identity", "google", `{"ambient":true}`, "TOLLGATE_AMBIENT_CREDENTIALS"},
		{"an application without a tenant", "azure", `{"client_id":"x","client_secret":"y"}`, "tenant_id"},
		{"a tenant that is a path", "azure", `{"tenant_id":"a/../b","client_id":"x","client_secret":"y"}`, "tenant_id"},
		{"an authority of its own", "azure", `{"tenant_id":"a","client_id":"x","client_secret":"y","authority_host":"https://evil.example"}`, "form"},
		{"a cloud of its own", "azure", `{"tenant_id":"a","client_id":"x","client_secret":"y","cloud":"https://evil.example"}`, "cloud"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSigner(t, silent(t))
			_, _, err := s.Check(tt.auth, "https://provider.example", secret.NewText(tt.text))
			var f *fault.Error
			if !errors.Is(err, credential.ErrInvalid) || !errors.As(err, &f) || f.Field != "secret" || !strings.Contains(f.Message, tt.want) {
				t.Errorf("Check = %v, want %q at secret", err, tt.want)
			}
			// The same holds for one that is stored, by another release or another operator's word.
			if _, err := bearerOf(t, s, use(tt.auth, tt.text)); !errors.Is(err, credential.ErrUnusable) {
				t.Errorf("Sign = %v", err)
			}
		})
	}
}

func TestTheOperatorsWordLetsTheMachineBeBorrowed(t *testing.T) {
	t.Parallel()
	s := newSigner(t, silent(t), allowAmbient)
	home := map[string]string{"aws": "https://bedrock-runtime.eu-west-1.amazonaws.com", "google": "https://us-central1-aiplatform.googleapis.com/v1", "aws|bearer": "https://bedrock-mantle.eu-west-1.api.aws"}
	for auth, text := range map[string]string{"aws": `{"ambient":true}`, "google": `{"ambient":true}`, "aws|bearer": `{"profile":"gateway"}`} {
		if _, hint, err := s.Check(auth, home[auth], secret.NewText(text)); err != nil || hint != "…" {
			t.Errorf("%s %s: hint %q, %v", auth, text, hint, err)
		}
	}
}

// With a base URL of the tenant's own, the machine's token would be the tenant's.
func TestABorrowedIdentityIsShownToItsCloudOnly(t *testing.T) {
	t.Parallel()
	for _, at := range []string{
		"https://evil.example", "https://evilgoogleapis.com", "https://googleapis.com.evil.example", "http://aiplatform.googleapis.com", "https://evil.example/.googleapis.com",
		"https://evil.example#.amazonaws.com", "https://x.amazonaws.com@evil.example", "https://127.0.0.1", "",
	} {
		for auth, text := range map[string]string{"aws": `{"ambient":true}`, "google": `{"ambient":true}`, "aws|none": `{"profile":"gateway"}`} {
			s := newSigner(t, silent(t), allowAmbient)
			var f *fault.Error
			if _, _, err := s.Check(auth, at, secret.NewText(text)); !errors.Is(err, credential.ErrInvalid) || !errors.As(err, &f) || f.Field != "base_url" {
				t.Errorf("%s at %q: %v", auth, at, err)
			}
			req := post(t, at, "")
			if err := s.Sign(t.Context(), req, nil, use(auth, text)); !errors.Is(err, credential.ErrUnusable) || req.Header.Get("Authorization") != "" {
				t.Errorf("%s was sent to %q: %v", auth, at, err)
			}
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, text := range []string{keysDocument, roleDocument, entraApp, `{"ambient":true}`, `{"type":"service_account","private_key":"x"}`, "{", `{"a":{}}`} {
		for _, auth := range []string{"aws", "google", "azure", "google|bearer", "bearer|none", "|:|"} {
			f.Add(auth, text)
		}
	}
	f.Fuzz(func(t *testing.T, auth, text string) {
		s := sign.New(t.Context(), sign.Config{})
		kept, hint, err := s.Check(auth, "https://provider.example", secret.NewText(text))
		if err != nil {
			if !errors.Is(err, credential.ErrInvalid) {
				t.Errorf("an undeclared error: %v", err)
			}
			return
		}
		if len([]rune(hint)) > 4 {
			t.Errorf("hint %q", hint)
		}
		again, _, err := s.Check(auth, "https://provider.example", kept)
		if err != nil || again.Reveal() != kept.Reveal() {
			t.Errorf("what was kept is not accepted again: %v", err)
		}
	})
}
