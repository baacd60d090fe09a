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
	"tollgate/internal/provider/bedrock"
	"tollgate/internal/provider/cohere"
	"tollgate/internal/provider/gemini"
	"tollgate/internal/provider/jina"
	"tollgate/internal/provider/ollama"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/openaicompletions"
	"tollgate/internal/provider/openaiembed"
	"tollgate/internal/provider/openaimedia"
	"tollgate/internal/provider/openairesponses"
	"tollgate/internal/provider/vendors"
	"tollgate/internal/provider/voyage"
)

// Sandbox is the base URL of the built-in provider: it is served in the process, by package sandbox.
const Sandbox = "sandbox:"

// Dialects are all dialects. A new one is a folder and a line here.
func Dialects() []provider.Dialect {
	return []provider.Dialect{
		openaichat.Dialect{},
		openairesponses.Dialect{},
		openairesponses.Cursor{},
		openairesponses.Count{},
		openaicompletions.Dialect{},
		openaiembed.Dialect{},
		openaimedia.Images{},
		openaimedia.ImageEdits{},
		openaimedia.Speech{},
		openaimedia.Transcriptions{},
		openaimedia.Translations{},
		openaimedia.Moderations{},
		openaimedia.Files{},
		anthropic.Dialect{},
		gemini.Dialect{},
		gemini.Array{},
		gemini.Count{},
		gemini.Count{Vertex: true},
		gemini.Embed{},
		gemini.EmbedBatch{},
		gemini.Predict{},
		anthropic.Vertex{},
		anthropic.Bedrock{},
		anthropic.Count{},
		anthropic.VertexCount{},
		bedrock.Converse{},
		bedrock.Count{},
		bedrock.Titan{},
		bedrock.Cohere{},
		cohere.Chat{},
		cohere.Embed{},
		cohere.Rerank{},
		voyage.Embed{},
		voyage.Rerank{},
		jina.Rerank{},
		ollama.Chat{},
		ollama.Embed{},
	}
}

// byName is looked into for every call.
var byName = sync.OnceValue(func() map[provider.Name]provider.Dialect {
	all := make(map[provider.Name]provider.Dialect)
	for _, d := range Dialects() {
		all[d.Name()] = d
	}
	return all
})

// Dialect finds a dialect by name.
func Dialect(name provider.Name) (provider.Dialect, bool) {
	d, ok := byName()[name]
	return d, ok
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

// Known finds a vendor by id. What it points at is everybody's, and is not written to.
func Known(id string) (*provider.Vendor, bool) {
	all, _ := embedded() // Check has reported it
	i, ok := slices.BinarySearchFunc(all, id, func(v provider.Vendor, id string) int { return strings.Compare(v.ID, id) })
	if !ok {
		return nil, false
	}
	return &all[i], true
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
	return all, checkKin(all)
}

// checkKin holds the vendors that are a part of another to one that exists and is no part itself.
func checkKin(all []provider.Vendor) error {
	for _, v := range all {
		if v.Of == "" {
			continue
		}
		i := slices.IndexFunc(all, func(w provider.Vendor) bool { return w.ID == v.Of })
		if i < 0 || all[i].Of != "" {
			return fmt.Errorf("vendor file %s.json: of %q, which is no vendor of its own", v.ID, v.Of)
		}
	}
	return nil
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
	if err := checkAuth(v.Auth); err != nil {
		return err
	}
	if err := checkSpeaks(v); err != nil {
		return err
	}
	if err := checkFields(v); err != nil {
		return err
	}
	if err := v.Quirks.Check(); err != nil {
		return err
	}
	if v.Batch != nil {
		for _, name := range v.Batch.Needs {
			if !slices.ContainsFunc(v.Fields, func(f provider.Field) bool { return f.Name == name }) {
				return fmt.Errorf("batch needs %q, which is no field", name)
			}
		}
	}
	if v.Models != "" && !strings.HasPrefix(v.Models, "/") {
		return fmt.Errorf("models_path %q does not begin with a slash", v.Models)
	}
	for _, h := range v.Forward {
		if h != strings.ToLower(h) {
			return fmt.Errorf("forwarded header %q is not in lower case", h)
		}
	}
	if v.Docs != "" && !strings.HasPrefix(v.Docs, "https://") {
		return fmt.Errorf("docs %q is not an https address", v.Docs)
	}
	for _, name := range v.Env {
		if name == "" || name != strings.ToUpper(name) || strings.ContainsAny(name, " $={}") {
			return fmt.Errorf("%q is no name of an environment variable", name)
		}
	}
	if v.BaseURL == "" || v.BaseURL == Sandbox {
		return nil
	}
	return checkBase(v.BaseURL, v)
}

// checkBase judges an address with its placeholders filled by something harmless.
func checkBase(base string, v provider.Vendor) error {
	sample := make(map[string]string, len(v.Fields))
	for _, f := range v.Fields {
		sample[f.Name] = "x"
	}
	filled := (&provider.Vendor{BaseURL: base}).Base(sample)
	u, err := url.Parse(filled)
	if err != nil {
		return err
	}
	if u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || strings.HasSuffix(base, "/") {
		return fmt.Errorf("base_url %q is not a plain address", base)
	}
	if u.Scheme != "https" && !v.Local {
		return fmt.Errorf("base_url %q is not https", base)
	}
	return nil
}
