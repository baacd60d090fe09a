package sign_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/credential"
)

func TestTextIsSentAsTheVendorWantsIt(t *testing.T) {
	t.Parallel()
	tests := []struct {
		auth, text, header, want, query string
	}{
		{"bearer", "sk-1", "Authorization", "Bearer sk-1", "a=b"},
		{"header:x-api-key", "sk-1", "X-Api-Key", "sk-1", "a=b"},
		{"query:key", "s k&1", "", "", "a=b&key=s+k%261"},
		{"none", "sk-1", "", "", "a=b"},
		{"bearer", "", "", "", "a=b"},
		{"aws", "ABSKbedrock", "Authorization", "Bearer ABSKbedrock", "a=b"},
		{"google", "AIza-1", "X-Goog-Api-Key", "AIza-1", "a=b"},
		{"azure", "0123", "Api-Key", "0123", "a=b"},
		{"google|bearer", "AIza-1", "Authorization", "Bearer AIza-1", "a=b"},
		{"bearer|azure", "0123", "Authorization", "Bearer 0123", "a=b"},
		{"bearer", `{"no":"document to this vendor"}`, "Authorization", `Bearer {"no":"document to this vendor"}`, "a=b"},
	}
	for _, tt := range tests {
		t.Run(tt.auth+" "+tt.text, func(t *testing.T) {
			t.Parallel()
			req := post(t, "https://provider.example/v1?a=b", "")
			req.Header = http.Header{}
			shared := req.URL
			before := *shared
			if err := newSigner(t, silent(t)).Sign(t.Context(), req, nil, use(tt.auth, tt.text)); err != nil {
				t.Fatal(err)
			}
			want := http.Header{}
			if tt.header != "" {
				want[tt.header] = []string{tt.want}
			}
			if diff := cmp.Diff(want, req.Header); diff != "" {
				t.Error(diff)
			}
			if req.URL.RawQuery != tt.query {
				t.Errorf("query %q, want %q", req.URL.RawQuery, tt.query)
			}
			if diff := cmp.Diff(before, *shared, cmp.AllowUnexported(url.Userinfo{})); diff != "" {
				t.Errorf("the address that calls share was changed: %s", diff)
			}
		})
	}
}

func TestAnUnknownWayIsRefused(t *testing.T) {
	t.Parallel()
	for _, auth := range []string{"", "basic", "sigv5|"} {
		err := newSigner(t, silent(t)).Sign(t.Context(), post(t, "https://provider.example/", ""), nil, use(auth, "sk-1"))
		if !errors.Is(err, credential.ErrUnusable) {
			t.Errorf("auth %q: %v", auth, err)
		}
	}
}

// Text costs what writing a header costs: the value and the slice that holds it.
func TestTextCostsNoMoreThanItsHeader(t *testing.T) { //nolint:paralleltest // it counts allocations
	s := newSigner(t, silent(t))
	for _, auth := range []string{"bearer", "header:X-Api-Key", "google", "none"} {
		u, req, ctx := use(auth, "sk-1"), post(t, "https://provider.example/", ""), t.Context()
		if n := testing.AllocsPerRun(100, func() { _ = s.Sign(ctx, req, nil, u) }); n > 2 {
			t.Errorf("%s: %v allocations", auth, n)
		}
	}
}
