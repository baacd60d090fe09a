package catalog

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"tollgate/internal/provider"
)

// Choose picks the way in which a vendor is asked: the first of what it speaks that carries the client's dialect for this model, so
// that bytes pass; else the first of the same operation, into which the call is translated. own: the credential has a base URL of
// its own, so that ways with another host are not offered.
func Choose(v *provider.Vendor, client provider.Client, model string, own bool) (*provider.Spoken, provider.Target, bool) {
	var second *provider.Spoken
	var into provider.Target
	for i := range v.Speaks {
		way := &v.Speaks[i]
		if own && way.BaseURL != "" || !way.Serves(model) {
			continue
		}
		t, ok := Target(way.Dialect)
		if !ok || t.Operation() != client.Operation() {
			continue
		}
		if provider.Carries(t, client.Name()) {
			return way, t, true
		}
		if second != nil {
			continue
		}
		if _, ok := provider.Join(client, t); ok {
			second, into = way, t
		}
	}
	return second, into, second != nil
}

// Target finds a dialect's end towards providers by name.
func Target(name provider.Name) (provider.Target, bool) {
	d, ok := Dialect(name)
	if !ok {
		return nil, false
	}
	t, ok := d.(provider.Target)
	return t, ok
}

// Client finds a dialect's end towards clients by name.
func Client(name provider.Name) (provider.Client, bool) {
	d, ok := Dialect(name)
	if !ok {
		return nil, false
	}
	c, ok := d.(provider.Client)
	return c, ok
}

// Operations lists what a vendor can be asked for.
func Operations(v *provider.Vendor) []provider.Operation {
	var ops []provider.Operation
	for _, way := range v.Speaks {
		if t, ok := Target(way.Dialect); ok && !slices.Contains(ops, t.Operation()) {
			ops = append(ops, t.Operation())
		}
	}
	slices.Sort(ops)
	return ops
}

func checkSpeaks(v provider.Vendor) error {
	if len(v.Speaks) == 0 {
		return errors.New("speaks nothing")
	}
	for _, way := range v.Speaks {
		if _, ok := Target(way.Dialect); !ok {
			return fmt.Errorf("unknown dialect %q", way.Dialect)
		}
		for _, p := range slices.Concat(way.Models, way.Except) {
			if _, err := path.Match(p, ""); err != nil || strings.Contains(p, "/") {
				return fmt.Errorf("pattern %q is none; a slash of a model's name is written as a colon", p)
			}
		}
		for _, p := range [...]string{way.Prefix, way.Path} {
			if p != "" && (!strings.HasPrefix(p, "/") || strings.HasSuffix(p, "/")) {
				return fmt.Errorf("path %q is not one that begins with a slash and ends without", p)
			}
		}
		if way.Auth != "" {
			if err := checkAuth(way.Auth); err != nil {
				return err
			}
		}
		if way.BaseURL != "" {
			if err := checkBase(way.BaseURL, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkAuth judges one way to show a secret, or alternatives of which the secret's form decides: "google|bearer".
func checkAuth(auth string) error {
	for one := range strings.SplitSeq(auth, "|") {
		if err := checkOneAuth(one); err != nil {
			return err
		}
	}
	return nil
}

func checkOneAuth(auth string) error {
	for _, kind := range [...]string{"header:", "query:"} {
		if name, ok := strings.CutPrefix(auth, kind); ok && name != "" {
			return nil
		}
	}
	if slices.Contains(provider.Auths(), auth) {
		return nil
	}
	return fmt.Errorf("unknown auth %q", auth)
}

// checkFields holds the placeholders of a vendor's addresses to its fields.
func checkFields(v provider.Vendor) error {
	known := []string{"model"}
	for _, f := range v.Fields {
		if f.Name == "" || f.Label == "" || strings.ToLower(f.Name) != f.Name {
			return fmt.Errorf("field %q needs a name in lower case and a label", f.Name)
		}
		known = append(known, f.Name)
	}
	texts := []string{v.BaseURL}
	for _, way := range v.Speaks {
		texts = append(texts, way.BaseURL, way.Prefix, way.Path)
	}
	for _, text := range texts {
		for rest := text; ; {
			_, after, ok := strings.Cut(rest, "{")
			if !ok {
				break
			}
			name, more, closed := strings.Cut(after, "}")
			if !closed || !slices.Contains(known, name) {
				return fmt.Errorf("%q has a placeholder %q that is no field", text, name)
			}
			rest = more
		}
	}
	return nil
}
