package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tollgate/internal/snapshot"
)

// Limits of what a call may be labelled with.
const (
	tagsMax     = 32
	tagKeyMax   = 64
	tagValueMax = 256
)

// The headers that label a call. Those of other gateways are taken too, so that moving is a change of base URL and key.
const (
	metadataHeader = "X-Tollgate-Metadata"
	workflowHeader = "X-Tollgate-Workflow"
	portkeyHeader  = "X-Portkey-Metadata"
	heliconePrefix = "Helicone-Property-"
	heliconeUser   = "Helicone-User-Id"
)

// extension is the `tollgate` object of a body, which no provider sees.
type extension struct {
	Workflow string          `json:"workflow"`
	Tags     json.RawMessage `json:"tags"`
}

// label merges what a call is labelled with. The stronger source wins tag by tag:
//
//  1. the headers x-tollgate-workflow and x-tollgate-metadata (then those of other gateways)
//  2. the body's `tollgate` object: workflow, tags
//  3. the body's `metadata`
//  4. the key's defaults
//
// A tag named "workflow" in any of them is the workflow. The environment is the key's and cannot be changed by a call.
func (a *ask) label(h http.Header, k *snapshot.Key) error {
	m := merger{key: k}
	if err := m.headers(h); err != nil {
		return err
	}
	if err := m.extension(a.head.Tollgate); err != nil {
		return err
	}
	for _, name := range sortedKeys(a.head.Metadata) {
		if v := a.head.Metadata[name]; name != "user_id" || v != a.head.User { // Anthropic's end user is no tag
			m.add("metadata", name, v)
		}
	}
	if m.err != nil {
		return m.err
	}
	a.endUser = clean(a.head.User, tagValueMax)
	if a.endUser == "" {
		a.endUser = clean(h.Get(heliconeUser), tagValueMax)
	}
	return m.into(a)
}

// merger collects tags from the strongest source to the weakest.
type merger struct {
	key      *snapshot.Key
	workflow string
	tags     map[string]string // nil until a call brings tags of its own
	err      error
}

func (m *merger) headers(h http.Header) error {
	m.add(workflowHeader, "workflow", h.Get(workflowHeader))
	for _, name := range [...]string{metadataHeader, portkeyHeader} {
		text := h.Get(name)
		if text == "" {
			continue
		}
		tags, err := parseMetadata(text)
		if err != nil {
			return ErrMetadata.At(strings.ToLower(name)).Because(err)
		}
		for _, t := range tags {
			m.add(strings.ToLower(name), t.name, t.value)
		}
	}
	for name, values := range h {
		if tag, ok := strings.CutPrefix(name, heliconePrefix); ok && len(values) > 0 {
			m.add(strings.ToLower(name), strings.ToLower(tag), values[0])
		}
	}
	return m.err
}

func (m *merger) extension(raw []byte) error {
	if len(raw) == 0 {
		return m.err
	}
	var e extension
	if err := json.Unmarshal(raw, &e); err != nil {
		return ErrMetadata.Say("tollgate must be an object of workflow and tags.").At("tollgate").Because(err)
	}
	m.add("tollgate", "workflow", e.Workflow)
	if len(e.Tags) > 0 && !bytes.Equal(e.Tags, []byte("null")) {
		tags, err := parseObject(e.Tags)
		if err != nil {
			return ErrMetadata.At("tollgate.tags").Because(err)
		}
		for _, t := range tags {
			m.add("tollgate.tags", t.name, t.value)
		}
	}
	return m.err
}

// add takes a tag unless a stronger source has brought it; source is where the client can look when it is wrong.
func (m *merger) add(source, name, value string) {
	if value == "" || m.err != nil {
		return
	}
	if m.err = checkTag(source, name, value); m.err != nil {
		return
	}
	if name == "workflow" {
		if m.workflow == "" {
			m.workflow = value
		}
		return
	}
	if _, have := m.tags[name]; have {
		return
	}
	if m.tags == nil {
		m.tags = make(map[string]string, 8)
	}
	m.tags[name] = value
	if len(m.tags) > tagsMax {
		m.err = ErrTag.Say("A call has at most %d tags; %q is one too many.", tagsMax, name).At(name)
	}
}

// into adds the key's defaults, which yield to everything.
func (m *merger) into(a *ask) error {
	defaults := m.key.Tags
	a.workflow = m.workflow
	if a.workflow == "" {
		a.workflow = m.key.Workflow
	}
	if a.workflow == "" {
		a.workflow = defaults["workflow"]
	}
	if len(m.tags) == 0 {
		a.tags = defaults
		return nil
	}
	for _, name := range sortedKeys(defaults) {
		if name != "workflow" {
			if _, have := m.tags[name]; !have {
				m.add("the key's defaults", name, defaults[name])
			}
		}
	}
	a.tags = m.tags
	return m.err
}

func checkTag(source, name, value string) error {
	switch {
	case name == "" || len(name) > tagKeyMax:
		return ErrTag.Say("The name of tag %q in %s is empty or longer than %d bytes.", clip(name), source, tagKeyMax).At(clip(name))
	case len(value) > tagValueMax:
		return ErrTag.Say("The value of tag %q in %s is longer than %d bytes.", name, source, tagValueMax).At(name)
	case !printable(name) || !printable(value):
		return ErrTag.Say("Tag %q in %s holds control characters or is not valid UTF-8.", clip(name), source).At(clip(name))
	}
	return nil
}

type tag struct{ name, value string }

// parseMetadata reads a metadata header: a JSON object of scalars, or key=value pairs separated by commas.
func parseMetadata(text string) ([]tag, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") {
		return parseObject([]byte(text))
	}
	var tags []tag
	for pair := range strings.SplitSeq(text, ",") {
		pair = strings.TrimSpace(pair)
		if pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, fmt.Errorf("no key=value pair: %q", clip(pair))
		}
		if len(tags) >= 4*tagsMax {
			return nil, fmt.Errorf("too many pairs")
		}
		tags = append(tags, tag{name, strings.TrimSpace(value)})
	}
	return tags, nil
}

// parseObject reads a JSON object of strings, numbers and booleans, in order of name.
func parseObject(raw []byte) ([]tag, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	tags := make([]tag, 0, min(len(members), 4*tagsMax))
	for _, name := range sortedKeys(members) {
		v := bytes.TrimSpace(members[name])
		var s string
		switch {
		case len(v) == 0 || v[0] == '{' || v[0] == '[':
			return nil, fmt.Errorf("the value of %q is no string", clip(name))
		case v[0] == 'n':
			continue
		case v[0] == '"':
			if err := json.Unmarshal(v, &s); err != nil {
				return nil, err
			}
		default:
			s = string(v)
		}
		tags = append(tags, tag{name, s})
	}
	return tags, nil
}

func sortedKeys[V any](m map[string]V) []string {
	if len(m) == 0 {
		return nil
	}
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// printable reports text that every store takes: valid UTF-8 without control characters.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
		}
	}
	return true
}

// clean makes text from outside fit for the log: printable, and at most limit bytes.
func clean(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
	}
	if printable(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// clip bounds what a client sent before it is said back.
func clip(s string) string {
	const most = 100
	if len(s) <= most {
		return clean(s, most)
	}
	return clean(s, most) + "…"
}
