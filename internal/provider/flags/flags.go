// Package flags decides which opt-in flags of a client's headers (anthropic-beta, openai-beta) go to which provider.
//
// The decision is data: rules by header and destination, where a destination is a vendor or a dialect. A provider's own API takes
// flags that are not known here, because its clients learn of new ones before we do. The clouds that resell its models refuse a
// call for one flag that they do not know, so they get only what they are known to take, under the name by which they know it.
// What was left out is told to the caller, who warns the client.
//
// The rules are embedded (flags.json); an operator's file may replace the rules of some destinations while the program runs.
package flags

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
)

//go:embed flags.json
var embedded []byte

// fileMax bounds an operator's file.
const fileMax = 1 << 20

// Any is the destination of a rule for every vendor and dialect without one of its own.
const Any = "*"

// Policy holds the rules. It does not change once it is made. The zero Policy passes everything.
type Policy struct {
	rules map[string]map[string]rule // header in lower case -> destination
}

// rule says what happens to the flags of one header on the way to one destination.
type rule struct {
	Source  string            `json:"source"`  // where this is known from
	Default string            `json:"default"` // for a flag that is not named here: "pass" or "drop"
	Allow   []string          `json:"allow"`
	Deny    []string          `json:"deny"`
	Rename  map[string]string `json:"rename"` // the flag's name there
	// Models narrows flags to models: patterns of the provider's names, * for any run of characters. Some clouds refuse a flag that
	// they know with a model that it means nothing to.
	Models map[string][]string `json:"models"`
}

// Destination is where a call goes.
type Destination struct {
	Vendor  string
	Dialect string // of the target
	Model   string // the provider's name of it
}

// Default is the embedded policy.
func Default() (*Policy, error) { return Load(bytes.NewReader(embedded)) }

// Load reads rules strictly: an unknown member, a default that is neither pass nor drop, or a flag that is named twice is an error.
func Load(r io.Reader) (*Policy, error) {
	raw, err := io.ReadAll(io.LimitReader(r, fileMax+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > fileMax {
		return nil, fmt.Errorf("longer than %d bytes", fileMax)
	}
	var file struct {
		Comment string                     `json:"comment"`
		Headers map[string]map[string]rule `json:"headers"`
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text behind the object")
	}
	for header, rules := range file.Headers {
		if header == "" || header != strings.ToLower(header) {
			return nil, fmt.Errorf("header %q is not in lower case", header)
		}
		for to, r := range rules {
			if err := r.check(); err != nil {
				return nil, fmt.Errorf("%s to %q: %w", header, to, err)
			}
		}
	}
	return &Policy{rules: file.Headers}, nil
}

func (r rule) check() error {
	if r.Default != "pass" && r.Default != "drop" {
		return fmt.Errorf("default is %q, not pass or drop", r.Default)
	}
	names := slices.Concat(r.Allow, r.Deny, slices.Collect(maps.Keys(r.Rename)))
	slices.Sort(names)
	for i, name := range names {
		if !sound(name) {
			return fmt.Errorf("%q is no flag", name)
		}
		if i > 0 && names[i-1] == name {
			return fmt.Errorf("%q is named twice", name)
		}
	}
	for name, there := range r.Rename {
		if !sound(there) {
			return fmt.Errorf("%q becomes %q, which is no flag", name, there)
		}
	}
	for name, patterns := range r.Models {
		for _, pattern := range patterns {
			if _, err := path.Match(pattern, ""); err != nil {
				return fmt.Errorf("models of %q: %q is no pattern", name, pattern)
			}
		}
	}
	return nil
}

// sound reports whether a flag is one that a header can carry.
func sound(flag string) bool {
	return flag != "" && !strings.ContainsFunc(flag, func(c rune) bool { return c <= ' ' || c == ',' || c == '"' || c >= 0x7f })
}

// Over gives the policy whose rules are p's, but for the destinations that other has rules for.
func (p *Policy) Over(other *Policy) *Policy {
	out := &Policy{rules: map[string]map[string]rule{}}
	for _, from := range [...]*Policy{p, other} {
		for header, rules := range from.rules {
			if out.rules[header] == nil {
				out.rules[header] = map[string]rule{}
			}
			maps.Copy(out.rules[header], rules)
		}
	}
	return out
}

// Filter sorts the flags in the values of a header (lower case) into those that go there, under its names for them, and those that
// are left out. The rule is the vendor's, else the dialect's, else that for Any; without a rule everything goes. Values may be lists
// with commas; order is kept and a flag that comes twice goes once.
func (p *Policy) Filter(header string, to Destination, values []string) (kept, dropped []string) {
	if len(values) == 0 {
		return nil, nil
	}
	r, ruled := p.find(header, to)
	for _, value := range values {
		for flag := range strings.SplitSeq(value, ",") {
			flag = strings.TrimSpace(flag)
			if flag == "" {
				continue
			}
			goes := true
			if ruled {
				flag, goes = r.judge(flag, to.Model)
			}
			into := &kept
			if !goes {
				into = &dropped
			}
			if !slices.Contains(*into, flag) {
				*into = append(*into, flag)
			}
		}
	}
	return kept, dropped
}

func (p *Policy) find(header string, to Destination) (rule, bool) {
	rules := p.rules[header]
	for _, name := range [...]string{to.Vendor, to.Dialect, Any} {
		if r, ok := rules[name]; ok {
			return r, true
		}
	}
	return rule{}, false
}

// judge gives a flag's name there and whether it goes.
func (r rule) judge(flag, model string) (string, bool) {
	if patterns, narrow := r.Models[flag]; narrow && !slices.ContainsFunc(patterns, func(p string) bool { return matches(p, model) }) {
		return flag, false
	}
	if there, ok := r.Rename[flag]; ok {
		return there, true
	}
	switch {
	case slices.Contains(r.Allow, flag):
		return flag, true
	case slices.Contains(r.Deny, flag):
		return flag, false
	}
	return flag, r.Default == "pass"
}

// matches compares a model's name, which may be a path, with a pattern.
func matches(pattern, model string) bool {
	ok, err := path.Match(pattern, strings.ReplaceAll(model, "/", ":"))
	return ok && err == nil
}

// Headers lists the headers that there are rules for.
func (p *Policy) Headers() []string { return slices.Sorted(maps.Keys(p.rules)) }
