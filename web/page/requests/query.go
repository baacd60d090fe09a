package requests

import (
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/calllog"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/web/page/filter"
)

// errQuery is for text in the query box that is none of the words below; its message says which.
var errQuery = fault.New(fault.Invalid, "page.bad_query", "The query can’t be read.").At("q")

// names are the words before a colon, with the parameter that each stands for.
func names() map[string]string {
	return map[string]string{
		"status": "status", "outcome": "outcome", "error": "error_code", "workflow": "workflow", "environment": "environment", "env": "environment",
		"endpoint": "endpoint", "alias": "alias", "model": "model", "provider": "provider", "key": "key", "team": "team", "user": "end_user", "tag": "tag",
		"task": "task", "experiment": "experiment", "arm": "arm", "variant": "arm", "batch": "batch", "prompt": "prompt", "prompt_version": "prompt_version",
	}
}

// single are the parameters that have one value.
func single() []string { return []string{"error_code", "end_user"} }

// bad are the outcomes that status:error stands for.
func bad() []string {
	return []string{string(calllog.Refused), string(calllog.Failed), string(calllog.Broken), string(calllog.Interrupted)}
}

// term is one name:value of a query; a word without a name has none.
type term struct{ name, value string }

// split cuts a query into terms at white space. A value in double quotes may hold spaces.
func split(text string) []term {
	var out []term
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" {
			return out
		}
		var t term
		end := strings.IndexAny(text, " \t\r\n\"")
		if end < 0 {
			end = len(text)
		}
		if colon := strings.IndexByte(text[:end], ':'); colon > 0 {
			t.name, text = strings.ToLower(text[:colon]), text[colon+1:]
		}
		t.value, text = word(text)
		out = append(out, t)
	}
}

// word takes a value off the beginning: in quotes, or up to white space.
func word(text string) (value, rest string) {
	if strings.HasPrefix(text, `"`) {
		if value, rest, closed := strings.Cut(text[1:], `"`); closed {
			return value, rest
		}
		return text[1:], ""
	}
	if end := strings.IndexAny(text, " \t\r\n"); end >= 0 {
		return text[:end], text[end:]
	}
	return text, ""
}

// typed is what a query says: filters for the address, or one call to open.
type typed struct {
	at   filter.Address
	call id.Call // zero: none
}

// parse adds what a query says to the filters of an address. Values separated by commas are alternatives.
func parse(text string, at filter.Address) (typed, error) {
	for _, t := range split(text) {
		if t.name == "" {
			call, err := id.ParseCall(t.value)
			if err != nil {
				return typed{}, errQuery.Say("“%s” is neither a call id nor name:value. Try status:error or workflow:triage.", clip(t.value))
			}
			return typed{at: at, call: call}, nil
		}
		param, known := names()[t.name]
		if !known {
			return typed{}, errQuery.Say("There is no filter “%s”. There are status, outcome, error, workflow, env, endpoint, alias, model, provider, key, team, user, tag, task, prompt, prompt_version, experiment, arm and batch.", clip(t.name))
		}
		if t.value == "" {
			return typed{}, errQuery.Say("“%s:” lacks its value.", clip(t.name))
		}
		if param == "status" && t.value == "error" {
			at = at.With("outcome", bad()...)
			continue
		}
		if slices.Contains(single(), param) || param == "tag" {
			at = add(at, param, t.value)
			continue
		}
		for value := range strings.SplitSeq(t.value, ",") {
			if value != "" {
				at = add(at, param, value)
			}
		}
	}
	if _, err := readFilter(at); err != nil { // the sentence of the wrong value belongs to the box
		return typed{}, err
	}
	return typed{at: at}, nil
}

func add(at filter.Address, param, value string) filter.Address {
	have := at.All(param)
	switch {
	case slices.Contains(single(), param):
		return at.With(param, value)
	case slices.Contains(have, value):
		return at
	default:
		return at.With(param, append(slices.Clone(have), value)...)
	}
}

// clip keeps a word from filling the page.
func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// readFilter reads the filters of an address, but for the range.
func readFilter(at filter.Address) (calllog.Filter, error) {
	f := calllog.Filter{
		Teams: values[id.Team](at, "team"), Keys: values[id.Key](at, "key"), Aliases: values[string](at, "alias"), Models: values[string](at, "model"),
		Providers: values[string](at, "provider"), Workflows: values[string](at, "workflow"), Environments: values[string](at, "environment"), Endpoints: values[string](at, "endpoint"),
		Outcomes: values[calllog.Outcome](at, "outcome"), EndUser: at.Get("end_user"), ErrorCode: at.Get("error_code"),
		Tasks: values[string](at, "task"), Experiments: values[id.Experiment](at, "experiment"), Arms: values[string](at, "arm"), Batches: values[id.Batch](at, "batch"), Prompts: values[id.Prompt](at, "prompt"),
	}
	for _, o := range f.Outcomes {
		if _, known := outcomes()[o]; !known {
			return calllog.Filter{}, calllog.ErrFilter.Say("An outcome is ok, refused, failed, broken, client_gone or interrupted.").At("outcome")
		}
	}
	for _, s := range values[string](at, "prompt_version") {
		v, ok := calllog.ParsePromptVersion(s)
		if !ok {
			return calllog.Filter{}, calllog.ErrFilter.Say("A version of a prompt looks like prompt_…@7.").At("prompt_version")
		}
		f.PromptVersions = append(f.PromptVersions, v)
	}
	for _, s := range at.All("status") {
		n, err := status(s)
		if err != nil {
			return calllog.Filter{}, err
		}
		f.Statuses = append(f.Statuses, n)
	}
	for _, tag := range at.All("tag") {
		name, value, ok := strings.Cut(tag, "=")
		if !ok || name == "" {
			return calllog.Filter{}, calllog.ErrFilter.Say("A tag filter looks like tag:name=value.").At("tag")
		}
		if f.Tags == nil {
			f.Tags = map[string]string{}
		}
		f.Tags[name] = value
	}
	return f, nil
}

func values[T ~string](at filter.Address, name string) []T {
	var out []T
	for _, v := range at.All(name) {
		if v != "" {
			out = append(out, T(filter.Value(v)))
		}
	}
	return out
}

// status reads 404 as itself and 4xx as 4.
func status(s string) (int, error) {
	if class, ok := strings.CutSuffix(strings.ToLower(s), "xx"); ok && len(class) == 1 && class >= "1" && class <= "5" {
		return int(class[0] - '0'), nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 100 || n > 599 {
		return 0, calllog.ErrFilter.Say("A status is a number from 100 to 599, or 2xx, 4xx, 5xx, or error.").At("status")
	}
	return n, nil
}

// outcomes are the words for how a call ended.
func outcomes() map[calllog.Outcome]string {
	return map[calllog.Outcome]string{
		calllog.OK: "answered", calllog.Refused: "refused", calllog.Failed: "failed", calllog.Broken: "broke off",
		calllog.ClientGone: "client left", calllog.Interrupted: "interrupted",
	}
}
