package catalog_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
)

// shared gives the path of a file of facts that other projects have published. Where there is none the test has nothing to hold the
// vendors to; in continuous integration that is a failure.
func shared(t *testing.T, name ...string) (string, bool) {
	t.Helper()
	root := os.Getenv("TOLLGATE_FIXTURES")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "fixtures")
	}
	path := filepath.Join(append([]string{root}, name...)...)
	_, err := os.Stat(path)
	switch {
	case err == nil:
		return path, true
	case errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") != "true":
		t.Logf("%s is not here: left out", path)
		return "", false
	}
	t.Fatal(err)
	return "", false
}

// row is a provider of the collected list.
type row struct{ id, base string }

func rows(t *testing.T) []row {
	t.Helper()
	path, ok := shared(t, "..", "catalog", "providers.csv")
	if !ok {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil || len(lines) < 200 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	var out []row
	for _, line := range lines[1:] {
		out = append(out, row{line[0], line[2]})
	}
	return out
}

func TestEveryListedProviderIsAVendorOrHasAReason(t *testing.T) {
	t.Parallel()
	folded := map[string]string{ // names of the list for a vendor that has another id, or that has several APIs
		"together-ai": "together", "fireworks-ai": "fireworks", "minimax-anthropic": "minimax", "vertex-openapi": "vertex",
	}
	left := map[string]string{
		"gigachat": "its key has to be exchanged for a token every half hour, at a server with a certificate of its own authority",
	}
	for _, r := range rows(t) {
		id := r.id
		if to, ok := folded[id]; ok {
			id = to
		}
		_, there := catalog.Vendor(id)
		if reason := left[id]; there == (reason != "") {
			t.Errorf("%s: a vendor: %v; a reason for leaving it out: %q", r.id, there, reason)
		}
	}
}

// An address of the list is one that the vendor's file gives, or stands here with what it is instead.
func TestAddressesAreThoseOfTheList(t *testing.T) {
	t.Parallel()
	other := map[string]string{
		"cohere":    "the native API; the list has the compatible one, of another host name",
		"datarobot": "the list leaves the path to its client",
		"helicone":  "the list's other address, with the version",
		"novita-ai": "the list's other address, the newer one",
		"ollama":    "an IPv4 address, so that no IPv6 answer is waited for",
	}
	for _, r := range rows(t) {
		v, ok := catalog.Vendor(r.id)
		if !ok || strings.Contains(r.base, "${") || v.BaseURL == "" {
			continue
		}
		var have []string
		for _, way := range v.Speaks {
			base := v.BaseURL
			if way.BaseURL != "" {
				base = way.BaseURL
			}
			have = append(have, base, base+way.Prefix)
		}
		if equal := slices.Contains(have, strings.TrimRight(r.base, "/")); equal == (other[r.id] != "") {
			t.Errorf("%s is at %s in the list, at %q here; a reason: %q", r.id, r.base, slices.Compact(have), other[r.id])
		}
	}
}

// Two files with one address are one vendor, unless one is a part of the other, or they are asked differently.
func TestNoAddressIsThereTwice(t *testing.T) {
	t.Parallel()
	same := map[string]string{
		"cloudflare-workers-ai": "Cloudflare serves its own models and, through its gateway, those of others at one address; they are billed apart",
	}
	at := map[string]provider.Vendor{}
	for _, v := range catalog.Vendors() {
		if v.BaseURL == "" {
			continue
		}
		was, taken := at[v.BaseURL]
		at[v.BaseURL] = v
		if taken && was.ID != v.Of && v.ID != was.Of && same[v.ID] == "" {
			t.Errorf("%s and %s are both at %s", was.ID, v.ID, v.BaseURL)
		}
	}
}

func TestEveryVendorSaysWhoConfirmsIt(t *testing.T) {
	t.Parallel()
	known := []string{"litellm", "models.dev", "catwalk", "portkey", "vercel-ai", "vendor docs", "recordings"}
	own := []string{"custom", "custom-anthropic", "sandbox"}
	for _, v := range catalog.Vendors() {
		if (len(v.Sources) == 0) != slices.Contains(own, v.ID) {
			t.Errorf("%s: sources %q", v.ID, v.Sources)
		}
		for _, s := range v.Sources {
			if !slices.Contains(known, s) {
				t.Errorf("%s: source %q", v.ID, s)
			}
		}
		if v.Docs == "" && !slices.Contains(own, v.ID) {
			t.Errorf("%s has no link to its documentation", v.ID)
		}
		if strings.HasSuffix(v.Notes, " ") || v.Notes != "" && !strings.HasSuffix(v.Notes, ".") {
			t.Errorf("%s: the note is no sentence: %q", v.ID, v.Notes)
		}
	}
}

// A vendor that says that models.dev confirms it is there under the same address.
func TestAddressesAreThoseOfModelsDev(t *testing.T) {
	t.Parallel()
	path, ok := shared(t, "catalog", "models.dev.json")
	if !ok {
		return
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]struct{ API string }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	addresses := map[string]bool{}
	checked := 0
	for _, v := range catalog.Vendors() {
		for _, way := range v.Speaks {
			addresses[v.BaseURL+way.Prefix], addresses[way.BaseURL] = true, true
		}
	}
	elsewhere := map[string]string{
		"bailing":    "models.dev has the whole path",
		"databricks": "serving endpoints; models.dev has the AI gateway of the same workspace",
		"neon":       "the base URL is the project's",
	}
	for id, p := range file {
		if p.API == "" {
			continue
		}
		checked++
		want := strings.NewReplacer("${CLOUDFLARE_ACCOUNT_ID}", "{account_id}", "${SNOWFLAKE_ACCOUNT}", "{account}").Replace(strings.TrimRight(p.API, "/"))
		if addresses[want] == (elsewhere[id] != "") {
			t.Errorf("models.dev: %s at %s: here: %v, a reason: %q", id, want, addresses[want], elsewhere[id])
		}
	}
	if checked < 100 {
		t.Errorf("only %d addresses were compared", checked)
	}
}
