package provider

import (
	"bytes"
	"maps"
	"slices"

	"tollgate/internal/chat"
)

// harmless are top-level request fields without a neutral form that another dialect may leave out: they change neither what the
// model is asked nor what the answer means. Everything else that a target cannot express is refused by name.
var harmless = map[string]string{
	"store":                  "keeps the answer at the provider",
	"metadata":               "labels for the provider's own logs; ours are read before",
	"seed":                   "best effort only, promised by nobody",
	"prediction":             "speed only",
	"verbosity":              "a hint",
	"prompt_cache_key":       "where the provider caches",
	"prompt_cache_retention": "how long the provider caches",
	"cache_control":          "where the provider caches",
	"safety_identifier":      "the end user, sent as user where there is one",
	"usage":                  "OpenRouter: usage in the answer, which we always ask for",
	"include_reasoning":      "OpenRouter: reasoning in the answer, which is always there",
	"context_management":     "Anthropic: clears old tool results to save room",
	"inference_geo":          "Anthropic: the provider's region; another provider has its own",
}

// Harmless reports whether a field without a neutral form may be left out silently.
func Harmless(field string) bool { _, ok := harmless[field]; return ok }

// CheckUnmapped refuses the first of r's unmapped fields that matters, unless the call may lose it.
func CheckUnmapped(r chat.Request) error {
	if r.Encoding.DropUnsupported {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(r.Unmapped)) {
		if !Harmless(name) && !noop(name, r.Unmapped[name]) {
			return Unsupported(r, name)
		}
	}
	return nil
}

// Unsupported is ErrUnsupported for a field, or nil when the call may lose it.
func Unsupported(r chat.Request, field string) error {
	if r.Encoding.DropUnsupported {
		return nil
	}
	return ErrUnsupported.Say("The target model's API cannot express %q.", field).At(field)
}

// noop reports whether a value asks for nothing.
func noop(name string, raw []byte) bool {
	switch string(bytes.TrimSpace(raw)) {
	case "null", "false", "[]", "{}", `""`, "0", "0.0":
		return true
	case "1":
		return name == "n"
	case `["text"]`:
		return name == "modalities"
	}
	return false
}
