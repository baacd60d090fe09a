// Package filter is the part of an address that says what a page of figures or calls is about: a range of time, and filters on the
// dimensions of a call.
//
// The address is the whole state of such a page: everything that can be chosen is a link to another address. Parameters have the
// names that the API gives them, so a filter reads the same in both.
package filter

import (
	"maps"
	"net/url"
	"slices"

	"tollgate/web/ui"
)

// Address is a page's path and parameters. It is never changed: the methods give new ones.
type Address struct {
	path   string
	values url.Values
}

// At is the address of a page.
func At(path string, values url.Values) Address {
	return Address{path: path, values: values}
}

// Get is the first value of a parameter.
func (a Address) Get(name string) string { return a.values.Get(name) }

// All is every value of a parameter.
func (a Address) All(name string) []string { return a.values[name] }

// With sets a parameter to values; none removes it.
func (a Address) With(name string, values ...string) Address {
	next := maps.Clone(a.values)
	if next == nil {
		next = url.Values{}
	}
	if len(values) == 0 {
		delete(next, name)
	} else {
		next[name] = slices.Clone(values)
	}
	return Address{path: a.path, values: next}
}

// Without removes parameters.
func (a Address) Without(names ...string) Address {
	for _, name := range names {
		a = a.With(name)
	}
	return a
}

// Only keeps the parameters of these names.
func (a Address) Only(names ...string) Address {
	next := url.Values{}
	for _, name := range names {
		if v, ok := a.values[name]; ok {
			next[name] = v
		}
	}
	return Address{path: a.path, values: next}
}

// To is the same state on another page.
func (a Address) To(path string) Address { return Address{path: path, values: a.values} }

// String is the address as a link.
func (a Address) String() string {
	if len(a.values) == 0 {
		return a.path
	}
	return a.path + "?" + a.values.Encode()
}

// Hidden is the state as fields of a form, but for the parameters that the form itself sends.
func (a Address) Hidden(but ...string) []ui.Param {
	var out []ui.Param
	for _, name := range slices.Sorted(maps.Keys(a.values)) {
		if slices.Contains(but, name) {
			continue
		}
		for _, v := range a.values[name] {
			out = append(out, ui.Param{Name: name, Value: v})
		}
	}
	return out
}
