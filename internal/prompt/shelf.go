package prompt

import (
	"cmp"
	"hash/fnv"
	"strconv"
	"strings"
	"sync"

	"tollgate/internal/fault"
	"tollgate/internal/id"
)

// Stock is a prompt with its versions: what is stored.
type Stock struct {
	Prompt   Prompt
	Versions []Version
}

// Shelf is an organization's prompts as calls use them: in memory, compiled when first asked for. It is immutable and safe for use by
// many goroutines.
type Shelf struct {
	names    map[string]*shelved // that are not archived
	ids      map[id.Prompt]*shelved
	defaults map[string]string // label by environment
}

type shelved struct {
	Prompt
	versions map[int]*compiledOnce
}

// compiledOnce is one version, compiled once.
type compiledOnce struct {
	content  Content
	once     sync.Once
	compiled *Compiled
	mistakes []Mistake
}

// NewShelf makes a shelf of what is stored. The zero Shelf and nil hold nothing.
// defaults are labels by environment, of calls that name none.
func NewShelf(stock []Stock, defaults map[string]string) *Shelf {
	s := &Shelf{names: make(map[string]*shelved, len(stock)), ids: make(map[id.Prompt]*shelved, len(stock)), defaults: defaults}
	for _, one := range stock {
		p := &shelved{Prompt: one.Prompt, versions: make(map[int]*compiledOnce, len(one.Versions))}
		for _, v := range one.Versions {
			p.versions[v.Number] = &compiledOnce{content: v.Content}
		}
		s.ids[p.ID] = p
		if p.ArchivedAt.IsZero() {
			s.names[p.Name] = p
		}
	}
	return s
}

// Named implements Library.
func (s *Shelf) Named(name string) (Prompt, bool) {
	p, ok := s.names[name]
	if !ok {
		return Prompt{}, false
	}
	return p.Prompt, true
}

// Prompt implements Library.
func (s *Shelf) Prompt(which id.Prompt) (Prompt, bool) {
	p, ok := s.ids[which]
	if !ok {
		return Prompt{}, false
	}
	return p.Prompt, true
}

// Content implements Library.
func (s *Shelf) Content(which id.Prompt, number int) (Content, bool) {
	if p, ok := s.ids[which]; ok {
		if v, ok := p.versions[number]; ok {
			return v.content, true
		}
	}
	return Content{}, false
}

// Wanted is how a call names a prompt.
type Wanted struct {
	Name        string // its name or its id
	Version     int    // 0: by the label
	Label       string // "": that of the environment
	Environment string // of the key; where the organization gives it no label of its own, it is production
	Unit        string // what sticks to one version while a label moves by and by; "": nothing does
}

// Chosen is the version that a call uses.
type Chosen struct {
	Prompt  *Prompt
	Number  int
	Label   string // by which it was found; "": by its number
	Content *Content
	*Compiled
}

// Choose finds what a call names. ErrUnknown, ErrLabel, ErrVersion, ErrBoth, ErrUnusable; each names what it did not find.
func (s *Shelf) Choose(w Wanted) (Chosen, error) {
	if w.Version != 0 && w.Label != "" {
		return Chosen{}, ErrBoth
	}
	p := s.find(w.Name)
	if p == nil {
		return Chosen{}, ErrUnknown.Say("There is no prompt %q.", fault.Clip(w.Name))
	}
	out := Chosen{Prompt: &p.Prompt, Number: w.Version}
	if out.Number == 0 {
		out.Label = cmp.Or(w.Label, s.defaults[w.Environment], Production)
		if out.Number = p.drawn(out.Label, w.Unit); out.Number == 0 {
			return Chosen{}, NoLabel(p.Name, out.Label)
		}
	}
	v, ok := p.versions[out.Number]
	if !ok {
		return Chosen{}, ErrVersion.Say("The prompt %q has no version %d.", fault.Clip(p.Name), out.Number)
	}
	v.once.Do(func() { v.compiled, _, v.mistakes = Link(s, p.ID, v.content) })
	if v.compiled == nil {
		m := v.mistakes[0]
		return Chosen{}, ErrUnusable.Say("Version %d of the prompt %q cannot be used: %s", out.Number, fault.Clip(p.Name), m.Reason)
	}
	out.Content, out.Compiled = &v.content, v.compiled
	return out, nil
}

// drawn is the version that a unit gets by a label, always the same one for a share, and no version back while the share grows.
func (p *Prompt) drawn(label, unit string) int {
	r, moving := p.Ramps[label]
	if !moving || p.At(label) == 0 {
		return p.At(label)
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(string(p.ID) + "\x00" + label + "\x00" + strconv.Itoa(r.To) + "\x00" + unit))
	if h.Sum64()%ShareMax < uint64(r.Share) { //nolint:gosec // from 0 to ShareMax
		return r.To
	}
	return p.At(label)
}

func (s *Shelf) find(name string) *shelved {
	if s == nil {
		return nil
	}
	if strings.HasPrefix(name, "prompt_") {
		if p, ok := s.ids[id.Prompt(name)]; ok && p.ArchivedAt.IsZero() {
			return p
		}
	}
	return s.names[name]
}
