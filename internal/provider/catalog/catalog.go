// Package catalog is the list of what the product can talk to: the dialects, one line each, and the vendors, one file each.
package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"

	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/vendors"
)

// Sandbox is the base URL of the built-in provider: it is served in the process, by package sandbox.
const Sandbox = "sandbox:"

// Dialects are all dialects. A new one is a folder and a line here.
func Dialects() []provider.Dialect {
	return []provider.Dialect{
		openaichat.Dialect{},
		anthropic.Dialect{},
	}
}

// Dialect finds a dialect by name.
func Dialect(name provider.Name) (provider.Dialect, bool) {
	for _, d := range Dialects() {
		if d.Name() == name {
			return d, true
		}
	}
	return nil, false
}

// embedded reads the vendors once. A bad file is a bug of the build, found by the first test.
var embedded = sync.OnceValues(func() ([]provider.Vendor, error) { return Load(vendors.Files) })

// Check reports what is wrong with the embedded vendors; a program calls it at its start.
func Check() error {
	_, err := embedded()
	return err
}

// Vendors are all vendors, by id.
func Vendors() []provider.Vendor {
	all, _ := embedded() // Check has reported it
	return slices.Clone(all)
}

// Vendor finds a vendor by id.
func Vendor(id string) (provider.Vendor, bool) {
	all, _ := embedded() // Check has reported it
	i, ok := slices.BinarySearchFunc(all, id, func(v provider.Vendor, id string) int { return strings.Compare(v.ID, id) })
	if !ok {
		return provider.Vendor{}, false
	}
	return all[i], true
}

// Load reads the *.json files of a folder strictly: an unknown field, an unknown dialect or a bad address is an error.
func Load(files fs.FS) ([]provider.Vendor, error) {
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		return nil, err
	}
	var all []provider.Vendor
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		v, err := parse(raw)
		if err != nil {
			return nil, fmt.Errorf("vendor file %s: %w", name, err)
		}
		v.ID = strings.TrimSuffix(path.Base(name), ".json")
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b provider.Vendor) int { return strings.Compare(a.ID, b.ID) })
	return all, nil
}

func parse(raw []byte) (provider.Vendor, error) {
	var v provider.Vendor
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return v, errors.New("text behind the object")
	}
	return v, check(v)
}

func check(v provider.Vendor) error {
	if v.Name == "" {
		return errors.New("no name")
	}
	if _, ok := Dialect(v.Dialect); !ok {
		return fmt.Errorf("unknown dialect %q", v.Dialect)
	}
	if header, ok := strings.CutPrefix(v.Auth, "header:"); v.Auth != "bearer" && v.Auth != "none" && (!ok || header == "") {
		return fmt.Errorf("unknown auth %q", v.Auth)
	}
	if v.Models != "" && !strings.HasPrefix(v.Models, "/") {
		return fmt.Errorf("models_path %q does not begin with a slash", v.Models)
	}
	for _, h := range v.Forward {
		if h != strings.ToLower(h) {
			return fmt.Errorf("forwarded header %q is not in lower case", h)
		}
	}
	if v.BaseURL == "" || v.BaseURL == Sandbox {
		return nil
	}
	u, err := url.Parse(v.BaseURL)
	if err != nil {
		return err
	}
	if u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || strings.HasSuffix(v.BaseURL, "/") {
		return fmt.Errorf("base_url %q is not a plain address", v.BaseURL)
	}
	if u.Scheme != "https" && !v.Local {
		return fmt.Errorf("base_url %q is not https", v.BaseURL)
	}
	return nil
}
