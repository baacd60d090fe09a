package providertest_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"tollgate/internal/fault"
	"tollgate/internal/provider"
)

// Whatever a client sends is refused as invalid or becomes a body that is JSON, in either dialect.
func FuzzRequests(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("..", "*", "testdata", "*.request.json"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no requests (%v)", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, from := range dialects {
			r, err := from.ParseRequest(body)
			if err != nil {
				invalid(t, err)
				continue
			}
			for _, to := range dialects {
				r.Encoding.DropUnsupported = len(body)%2 == 0
				built, err := to.BuildRequest(r)
				if err != nil {
					invalid(t, err)
				} else if !json.Valid(built) {
					t.Fatalf("%s → %s: not JSON: %s", from.Name(), to.Name(), built)
				}
			}
		}
	})
}

func invalid(t *testing.T, err error) {
	t.Helper()
	var declared *fault.Error
	if !errors.As(err, &declared) || declared.Kind != fault.Invalid {
		t.Fatalf("err = %v, want an invalid request", err)
	}
}

// Whatever a provider answers is a bad answer, its refusal, or an answer that every dialect writes as JSON and reads back.
func FuzzAnswers(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("..", "*", "testdata", "*.answer.json"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no answers (%v)", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, from := range dialects {
			r, err := from.ParseResponse(body)
			var refusal *provider.Refusal
			if err != nil {
				if !errors.Is(err, provider.ErrBadAnswer) && !errors.As(err, &refusal) {
					t.Fatal(err)
				}
				continue
			}
			for _, to := range dialects {
				wire := to.AppendResponse(nil, r)
				if _, err := to.ParseResponse(wire); err != nil {
					t.Fatalf("%s → %s: %v in %s", from.Name(), to.Name(), err, wire)
				}
			}
		}
	})
}
