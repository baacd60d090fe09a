package credential

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/provider"
)

// settingBytesMax bounds the value of a setting.
const settingBytesMax = 128

// checkSettings gives what is kept of the settings that a user gave for a vendor: trimmed, without empty ones, with the vendor's
// defaults. moved: the credential has a base URL of its own.
func checkSettings(v provider.Vendor, given map[string]string, moved bool) (map[string]string, error) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.ContainsFunc(v.Fields, func(f provider.Field) bool { return f.Name == name }) {
			return nil, ErrInvalid.Say("%s has no setting %q.", v.Name, fault.Clip(name)).At("settings." + fault.Clip(name))
		}
	}
	kept := map[string]string{}
	for _, f := range v.Fields {
		value := cmp.Or(strings.TrimSpace(given[f.Name]), f.Default)
		switch {
		case value == "" && f.Required && wanted(v, f, moved):
			return nil, ErrInvalid.Say("%s needs a value here: %s.", v.Name, f.Label).At("settings." + f.Name)
		case value == "":
			continue
		case !isSetting(value):
			return nil, ErrInvalid.Say("%s: at most %d letters, digits, hyphens, underscores and single dots, with a letter or digit at both ends.", f.Label, settingBytesMax).At("settings." + f.Name)
		}
		kept[f.Name] = value
	}
	if len(kept) == 0 {
		return nil, nil
	}
	return kept, nil
}

// isSetting accepts what stays where a placeholder stands, in a host as in a path: no separator of either, no dot segment, no empty
// label.
func isSetting(s string) bool {
	if s == "" || len(s) > settingBytesMax || strings.Contains(s, "..") {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		inside := i > 0 && i < len(s)-1 && (c == '-' || c == '.' || c == '_')
		if !alphanumeric && !inside {
			return false
		}
	}
	return true
}

// wanted reports whether a required setting is required indeed: one that only says where the vendor's own host is does not matter
// to a credential that names a host.
func wanted(v provider.Vendor, f provider.Field, moved bool) bool {
	place := "{" + f.Name + "}"
	if !moved || !strings.Contains(v.BaseURL, place) {
		return true
	}
	if f.Name == "region" && (strings.Contains(v.Auth, "aws") || slices.ContainsFunc(v.Speaks, func(s provider.Spoken) bool { return strings.Contains(s.Auth, "aws") })) {
		return true // a signature is for a region
	}
	return strings.Contains(v.Models, place) ||
		slices.ContainsFunc(v.Speaks, func(s provider.Spoken) bool { return strings.Contains(s.Prefix+s.Path, place) })
}

// declared leaves out the settings that the vendor no longer has.
func declared(v provider.Vendor, have map[string]string) map[string]string {
	out := map[string]string{}
	for _, f := range v.Fields {
		if value, ok := have[f.Name]; ok {
			out[f.Name] = value
		}
	}
	return out
}

// canonical writes settings in the one way that a sealed secret is bound to; no settings are the empty text.
func canonical(settings map[string]string) string {
	if len(settings) == 0 {
		return ""
	}
	out, err := json.Marshal(settings) // sorted by name
	if err != nil {
		return "unreadable" // cannot be: names and values are text
	}
	return string(out)
}

// Address is the base URL that a credential of a vendor is used with: its own, or the vendor's with the settings filled in.
func (c *Credential) Address(v provider.Vendor) string {
	if c.BaseURL != "" {
		return c.BaseURL
	}
	return v.Base(c.Settings)
}
