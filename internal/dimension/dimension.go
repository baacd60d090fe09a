// Package dimension says along which lines calls are told apart, and selects calls by them: budgets and limits hold for the calls
// that their Selector selects.
package dimension

import (
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/fault"
)

// Name is one line along which calls are told apart. The zero Name is none.
type Name string

// The dimensions. A metadata tag is one too: TagPrefix and the tag's key.
const (
	Team          Name = "team"        // id
	Key           Name = "key"         // id
	Environment   Name = "environment" // word
	Workflow      Name = "workflow"
	EndUser       Name = "end_user"
	Alias         Name = "alias"          // name; "": a model was named directly
	Prompt        Name = "prompt"         // id; "": the call uses none of the registry
	PromptVersion Name = "prompt_version" // "prompt_…@7"
	Provider      Name = "provider"       // vendor id, of an attempt
	Model         Name = "model"          // provider/model, of an attempt
	TagPrefix          = "tag:"
)

// Names are all dimensions but tags, from the widest to the narrowest, in the order in which a tree shows them.
var Names = []Name{Team, Provider, Model, Alias, Prompt, PromptVersion, Environment, Workflow, Key, EndUser}

// Tag is the dimension of a tag.
func Tag(key string) Name { return TagPrefix + Name(key) }

// TagKey is the tag's key; false for the other dimensions.
func (n Name) TagKey() (string, bool) { return strings.CutPrefix(string(n), TagPrefix) }

// Known reports whether n is one of Names, or a tag with a key.
func (n Name) Known() bool {
	key, tag := n.TagKey()
	return slices.Contains(Names, n) || tag && key != "" && len(key) <= valueMax
}

// Upstream reports that n is known only once a target was chosen.
func (n Name) Upstream() bool { return n == Provider || n == Model }

// Call is where one call stands on every line. Provider and Model are those of the attempt, "" before there is one.
type Call struct {
	Team, Key, Environment, Workflow, EndUser, Alias string
	Prompt                                           string // id
	PromptNumber                                     int    // of its version; 0: none
	Provider, Model                                  string // Model is provider/model
	Tags                                             map[string]string
}

// Value is where the call stands on one line; "" where it stands nowhere.
func (c *Call) Value(n Name) string {
	switch n {
	case Team:
		return c.Team
	case Key:
		return c.Key
	case Environment:
		return c.Environment
	case Workflow:
		return c.Workflow
	case EndUser:
		return c.EndUser
	case Alias:
		return c.Alias
	case Prompt:
		return c.Prompt
	case PromptVersion:
		if c.Prompt == "" {
			return ""
		}
		return c.Prompt + "@" + strconv.Itoa(c.PromptNumber)
	case Provider:
		return c.Provider
	case Model:
		return c.Model
	}
	if key, ok := n.TagKey(); ok {
		return c.Tags[key]
	}
	return ""
}

// Match is one condition: the call's value is exactly this one.
type Match struct {
	Dimension Name
	Value     string
}

// Selector selects the calls that meet every one of its conditions. The zero Selector selects all. It is sorted by dimension, and
// has each at most once (see Normal).
type Selector []Match

// Selects reports whether the call is one of those.
func (s Selector) Selects(c *Call) bool {
	for _, m := range s {
		if c.Value(m.Dimension) != m.Value {
			return false
		}
	}
	return true
}

// Upstream reports that the selector can be asked only once a target was chosen.
func (s Selector) Upstream() bool {
	return slices.ContainsFunc(s, func(m Match) bool { return m.Dimension.Upstream() })
}

// Of is the value of a dimension that the selector asks for; false where it does not ask for one.
func (s Selector) Of(n Name) (string, bool) {
	for _, m := range s {
		if m.Dimension == n {
			return m.Value, true
		}
	}
	return "", false
}

// Within reports that every call that s selects is selected by wide as well.
func (s Selector) Within(wide Selector) bool {
	for _, m := range wide {
		if v, ok := s.Of(m.Dimension); !ok || v != m.Value {
			return false
		}
	}
	return true
}

// Normal is the selector in its one form: sorted by dimension.
func (s Selector) Normal() Selector {
	out := slices.Clone(s)
	slices.SortFunc(out, func(a, b Match) int { return strings.Compare(string(a.Dimension), string(b.Dimension)) })
	return out
}

const (
	matchesMax = 8
	valueMax   = 256
)

// ErrInvalid is for a selector that selects nothing that can be.
var ErrInvalid = fault.New(fault.Invalid, "dimension.invalid", "This selection of calls is not valid.")

// Check refuses what is no selector: unknown or repeated dimensions, empty or overlong values. The error is ErrInvalid at
// field.N.
func (s Selector) Check(field string) error {
	if len(s) > matchesMax {
		return ErrInvalid.Say("At most %d conditions.", matchesMax).At(field)
	}
	for i, m := range s {
		at := field + "." + string(rune('0'+i))
		switch {
		case !m.Dimension.Known():
			return ErrInvalid.Say("%q is no dimension: write team, key, environment, workflow, end_user, alias, prompt, prompt_version, provider, model or tag:NAME.",
				fault.Clip(string(m.Dimension))).At(at)
		case m.Value == "" || len(m.Value) > valueMax:
			return ErrInvalid.Say("The value of %s has 1 to %d bytes.", m.Dimension, valueMax).At(at)
		case slices.ContainsFunc(s[:i], func(o Match) bool { return o.Dimension == m.Dimension }):
			return ErrInvalid.Say("%s is named twice.", m.Dimension).At(at)
		}
	}
	return nil
}
