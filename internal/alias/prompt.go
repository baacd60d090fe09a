package alias

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/id"
)

// Prompt is the prompt of an alias: calls that name no other get it, and send variables only. It is kept by its id, so that a rename of
// the prompt changes nothing; people write and read its name.
type Prompt struct {
	ID      id.Prompt `json:"id,omitempty"`      // "": not found yet, see Service.Apply
	Name    string    `json:"name,omitempty"`    // "support/greeting": as it is called now, or as it was when a version was made
	Version int       `json:"version,omitempty"` // 0: by the label
	Label   string    `json:"label,omitempty"`   // "": that of the key's environment
}

// promptForm is a name, and @ with a version or : with a label behind it. What names and labels are is package prompt's business: here
// they are only told apart.
var promptForm = regexp.MustCompile(`^([^@:|{}?#%\\\x00-\x1f]{1,255})(?:@([1-9][0-9]{0,8})|:([a-z0-9][a-z0-9._-]{0,35}))?$`)

// ParsePrompt reads "support/greeting", "support/greeting@7" or "support/greeting:staging".
func ParsePrompt(text string) (Prompt, bool) {
	m := promptForm.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return Prompt{}, false
	}
	version, err := strconv.Atoi(m[2])
	return Prompt{Name: strings.TrimSpace(m[1]), Version: version, Label: m[3]}, err == nil || m[2] == ""
}

// String is what ParsePrompt reads.
func (p Prompt) String() string {
	name := p.Name
	if name == "" {
		name = string(p.ID)
	}
	switch {
	case p.Version > 0:
		return name + "@" + strconv.Itoa(p.Version)
	case p.Label != "":
		return name + ":" + p.Label
	}
	return name
}

// text is String; "" for none.
func (p *Prompt) text() string {
	if p == nil {
		return ""
	}
	return p.String()
}

// same reports whether two uses are of the same prompt. Where one of them is not found yet, names tell.
func (p *Prompt) same(o *Prompt) bool {
	if p == nil || o == nil {
		return p == o
	}
	alike := p.Name == o.Name
	if p.ID != "" && o.ID != "" {
		alike = p.ID == o.ID
	}
	return alike && p.Version == o.Version && p.Label == o.Label
}

// prompt refuses a use that names nothing, or too much.
func (c *checker) prompt(p *Prompt) {
	switch {
	case p == nil:
	case p.ID == "" && p.Name == "":
		c.say("Name the prompt, and @ with a version or : with a label behind it: support/greeting:production.", "prompt")
	case p.Version != 0 && p.Label != "":
		c.say("Name a version or a label of the prompt, not both.", "prompt")
	case p.Version < 0:
		c.say("A version is a number from 1.", "prompt")
	}
}

// Shelved is what routing needs to know of a prompt.
type Shelved struct {
	Name     string
	Latest   int            // the newest version
	Labels   map[string]int // version by label, without latest
	Archived bool           // calls that use it are refused; its name may be another's
}

// lacks says what of a use the prompt does not have; "": nothing.
func (s Shelved) lacks(p *Prompt) string {
	if p.Version > s.Latest {
		return fmt.Sprintf("The prompt %q has no version %d; its newest is %d.", fault.Clip(s.Name), p.Version, s.Latest)
	}
	return ""
}

// Warns says what of the prompt is missing that may come later: a label that stands nowhere. Until it does, calls of the alias are
// refused. "": nothing.
func (s Shelved) Warns(p *Prompt) string {
	if s.Archived {
		return fmt.Sprintf("The prompt %q is archived: calls of this alias are refused until it is restored.", fault.Clip(s.Name))
	}
	if _, stands := s.Labels[p.Label]; p.Version == 0 && p.Label != "" && p.Label != "latest" && !stands {
		return fmt.Sprintf("The prompt %q has no version with the label %q yet: calls of this alias are refused until it has.", fault.Clip(s.Name), p.Label)
	}
	return ""
}

// bind finds the prompts that a file names. stands is the file before it: a name that was bound there and is not known any more is still
// the prompt that it was, which has been renamed since.
func (f File) bind(stands File, have map[id.Prompt]Shelved) (File, []Problem) {
	var c checker
	byName := make(map[string]id.Prompt, len(have))
	for which, s := range have {
		if !s.Archived {
			byName[s.Name] = which
		}
	}
	out := f
	out.Aliases = maps.Clone(f.Aliases)
	for _, name := range slices.Sorted(maps.Keys(f.Aliases)) {
		r := f.Aliases[name]
		if r.Prompt == nil {
			continue
		}
		use := *r.Prompt
		r.Prompt = &use
		if reason := use.bind(byName, have, stands.Aliases[name].Prompt); reason != "" {
			c.say(reason, "aliases", name, "prompt")
		}
		out.Aliases[name] = r
	}
	return out, c.found
}

// bind finds the prompt of a use, and says why it cannot.
func (p *Prompt) bind(byName map[string]id.Prompt, have map[id.Prompt]Shelved, was *Prompt) string {
	which, known := byName[p.Name]
	switch {
	case have[p.ID].Name != "": // an old version of the file, which knows it
	case known:
		p.ID = which
	case have[id.Prompt(p.Name)].Name != "": // named by its id
		p.ID = id.Prompt(p.Name)
	case was != nil && was.Name == p.Name:
		p.ID = was.ID
	}
	s, there := have[p.ID]
	switch {
	case !there:
		return fmt.Sprintf("There is no prompt %q.", fault.Clip(p.String()))
	case s.Archived && (was == nil || was.ID != p.ID): // what the alias has already may stay: nobody wants every change refused for it
		return fmt.Sprintf("The prompt %q is archived. Restore it first, or name another.", fault.Clip(s.Name))
	}
	p.Name = s.Name
	return s.lacks(p)
}

// warnings are what the prompts of a file, which were found, lack.
func (f File) warnings(have map[id.Prompt]Shelved) []Problem {
	var c checker
	for _, name := range slices.Sorted(maps.Keys(f.Aliases)) {
		use := f.Aliases[name].Prompt
		if use == nil {
			continue
		}
		s, there := have[use.ID]
		if reason := s.Warns(use); there && reason != "" {
			c.say(reason, "aliases", name, "prompt")
		}
	}
	return c.found
}
