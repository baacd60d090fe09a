package provider

import (
	"bytes"
	"encoding/json"
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

	"include":                    "more to be told of what hosted tools did; the tools themselves are refused where there are none",
	"max_tool_calls":             "bounds hosted tools, as above",
	"truncation":                 "what the provider may do with an input that is too long; another says that it is too long",
	"client_metadata":            "labels",
	"prompt_cache_options":       "where the provider caches",
	"stream_options":             "padding against eavesdroppers",
	"text.verbosity":             "a hint",
	"reasoning.summary":          "how reasoning is told; another provider tells it in its own way",
	"reasoning.generate_summary": "the same under its old name",
	"reasoning.context":          "which earlier reasoning is kept",

	"labels":                           "Google: labels for the provider's own bills; ours are read before",
	"generationConfig.mediaResolution": "Google: a hint, as OpenAI's image detail is",
}

// kept are fields that stand for something that only the provider of one dialect keeps, with what the client can do instead. A call
// without it would be another call, so they are refused even where the client takes losses.
var kept = map[string]string{
	"previous_response_id": "The target model's API does not keep answers: send the whole conversation as input instead of previous_response_id.",
	"conversation":         "The target model's API does not keep conversations: send the whole conversation as input instead of conversation.",
	"item_reference":       "The target model's API does not keep items: send the items themselves as input instead of an item_reference.",
	"prompt":               "The target model's API does not keep prompts: send its text as instructions and input instead of prompt.",
	"background":           "The target model's API has no background mode: send the call without background and wait for its answer or stream it.",
}

// offers are what clients offer in every call, asked for or not: left out where there is no such thing, and noted.
var offers = map[string]string{
	"tools.web_search": "OpenAI: the hosted search in the form in which Codex offers it always",
}

// Harmless reports whether a field without a neutral form may be left out silently.
func Harmless(field string) bool { _, ok := harmless[field]; return ok }

// CheckUnmapped refuses the first of r's unmapped fields that matters, unless the call may lose it.
func CheckUnmapped(r chat.Request) error { return CheckLeft(r.Encoding, r.Unmapped) }

// CheckLeft is CheckUnmapped for the fields of any request.
func CheckLeft(how chat.Encoding, left map[string]json.RawMessage) error {
	for _, name := range slices.Sorted(maps.Keys(left)) {
		if Harmless(name) || noop(name, left[name]) {
			continue
		}
		if advice, ok := kept[name]; ok {
			return ErrUnsupported.Say("%s", advice).At(name)
		}
		lenient := how
		if _, ok := offers[name]; ok {
			lenient.DropUnsupported = true
		}
		if err := Refuse(lenient, name); err != nil {
			return err
		}
	}
	return nil
}

// Unsupported is ErrUnsupported for a field, or nil when the call may lose it.
func Unsupported(r chat.Request, field string) error { return Refuse(r.Encoding, clientName(r, field)) }

// TopK refuses top_k for a target without it. Google's own value, which Gemini's command line sends with every call, asks for nothing:
// it is left out and noted.
func TopK(r chat.Request) error {
	if r.TopK == "" {
		return nil
	}
	if from := Name(r.Dialect); (from == Gemini || from == GeminiArray) && r.TopK == "64" {
		r.Encoding.DropUnsupported = true
	}
	return Unsupported(r, "top_k")
}

// OneCallOnly refuses the demand for at most one tool call, for a target that cannot be told so. Where the choice is of one
// tool the demand is left out and noted: that is how clients ask for one structured answer, and how they get it.
func OneCallOnly(r chat.Request) error {
	if r.ParallelTools == nil || *r.ParallelTools || len(r.Tools) == 0 || r.Choice.Mode == "none" {
		return nil
	}
	if r.Choice.Mode == "tool" || r.Choice.Mode == "required" && len(r.Tools) == 1 {
		r.Encoding.DropUnsupported = true
	}
	return Unsupported(r, "parallel_tool_calls")
}

// Refuse is Unsupported for a request of any operation. What is lost is noted in how.Dropped.
func Refuse(how chat.Encoding, field string) error {
	if how.DropUnsupported {
		if how.Dropped != nil && !slices.Contains(*how.Dropped, field) {
			*how.Dropped = append(*how.Dropped, field)
		}
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
		return name == "n" || name == "generationConfig.candidateCount"
	case `["text"]`:
		return name == "modalities"
	case `["TEXT"]`:
		return name == "generationConfig.responseModalities"
	}
	return name == "safetySettings" && lenient(raw)
}

// lenient reports whether Google's safety settings switch filters off and none on: another provider has none of these filters.
func lenient(raw []byte) bool {
	var list []struct {
		Threshold string `json:"threshold"`
	}
	if json.Unmarshal(raw, &list) != nil {
		return false
	}
	for _, s := range list {
		if s.Threshold != "BLOCK_NONE" && s.Threshold != "OFF" {
			return false
		}
	}
	return true
}
