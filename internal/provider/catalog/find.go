package catalog

import (
	"slices"
	"strings"

	"tollgate/internal/provider"
)

// Filter picks vendors. Its zero value picks all.
type Filter struct {
	Text      string             // every word of it stands in the name, the id, a dialect or the name of the key variable
	Operation provider.Operation // 0: any
}

// Find keeps the order of all.
func Find(all []provider.Vendor, f Filter) []provider.Vendor {
	words := strings.Fields(strings.ToLower(f.Text))
	var out []provider.Vendor
	for i := range all {
		if v := &all[i]; f.takes(v, words) {
			out = append(out, *v)
		}
	}
	return out
}

func (f Filter) takes(v *provider.Vendor, words []string) bool {
	if f.Operation != 0 && !slices.Contains(Operations(v), f.Operation) {
		return false
	}
	if len(words) == 0 {
		return true
	}
	text := strings.ToLower(strings.Join(slices.Concat([]string{v.ID, v.Name, v.Region}, v.Env, spoken(v)), " "))
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
}

func spoken(v *provider.Vendor) []string {
	var out []string
	for _, name := range Spoken(v) {
		out = append(out, string(name))
	}
	return out
}

// Spoken lists the dialects of a vendor, each once, the preferred first.
func Spoken(v *provider.Vendor) []provider.Name {
	var out []provider.Name
	for _, way := range v.Speaks {
		if !slices.Contains(out, way.Dialect) {
			out = append(out, way.Dialect)
		}
	}
	return out
}

// ParseOperation reads the word of an operation ("embeddings"); false for one that there is not.
func ParseOperation(word string) (provider.Operation, bool) {
	for o := provider.Chat; o <= provider.Files; o++ {
		if o.String() == word {
			return o, true
		}
	}
	return 0, false
}

// Company reports whether a vendor counts as one of its own: not a region, a plan or a second API of another, not a server of one's
// own that has no name, and not the sandbox.
func Company(v *provider.Vendor) bool {
	return v.Of == "" && !v.Plan && v.BaseURL != Sandbox && len(v.Sources) > 0
}

// Count is how many vendors there are by that rule.
func Count(all []provider.Vendor) int {
	n := 0
	for i := range all {
		if Company(&all[i]) {
			n++
		}
	}
	return n
}
