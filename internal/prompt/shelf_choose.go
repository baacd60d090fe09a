package prompt

import (
	"cmp"
	"hash/fnv"
	"strconv"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/id"
)

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
	l, ok := p.versions[out.Number]
	if !ok {
		return Chosen{}, ErrVersion.Say("The prompt %q has no version %d.", fault.Clip(p.Name), out.Number).At("version")
	}
	done := s.compiled(p, l)
	switch {
	case l.bad != nil:
		return Chosen{}, ErrUnusable.Say("Version %d of the prompt %q cannot be read.", out.Number, fault.Clip(p.Name)).Because(l.bad)
	case done.compiled == nil:
		return Chosen{}, ErrUnusable.Say("Version %d of the prompt %q cannot be used: %s", out.Number, fault.Clip(p.Name), done.mistakes[0].Reason)
	}
	out.Content, out.Compiled = &l.content, done.compiled
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
	if h.Sum64()%ShareMax < uint64(r.Share) {
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

// linked is a version that names other prompts, compiled with what those said then.
type linked struct {
	compilation
	seen []sighting
}

// sighting is a question to a shelf and its answer.
type sighting struct {
	name  string
	which id.Prompt // where name is ""
	is    *shelved  // nil: there was none
}

// holds reports whether another shelf would give the same answers.
func (l *linked) holds(s *Shelf) bool {
	for _, at := range l.seen {
		is := s.ids[at.which]
		if at.name != "" {
			is = s.names[at.name]
		}
		if is != at.is {
			return false
		}
	}
	return true
}

// compiled is a version of p, ready.
func (s *Shelf) compiled(p *shelved, l *leaf) *compilation {
	l.read()
	if l.bad != nil || l.alone {
		return &l.done
	}
	if have, ok := s.linked.Load(l); ok {
		return &have.(*linked).compilation //nolint:forcetypeassert // nothing else is stored
	}
	lib := &witness{shelf: s}
	fresh := &linked{}
	fresh.compiled, _, fresh.mistakes = Link(lib, p.ID, l.content)
	fresh.seen = lib.seen
	have, _ := s.linked.LoadOrStore(l, fresh)
	return &have.(*linked).compilation //nolint:forcetypeassert // nothing else is stored
}

// witness notes what a version asks of the shelf while it is compiled.
type witness struct {
	shelf *Shelf
	seen  []sighting
}

// Named implements Library.
func (w *witness) Named(name string) (Prompt, bool) {
	w.seen = append(w.seen, sighting{name: name, is: w.shelf.names[name]})
	return w.shelf.Named(name)
}

// Prompt implements Library.
func (w *witness) Prompt(which id.Prompt) (Prompt, bool) {
	w.seen = append(w.seen, sighting{which: which, is: w.shelf.ids[which]})
	return w.shelf.Prompt(which)
}

// Content implements Library.
func (w *witness) Content(which id.Prompt, number int) (Content, bool) {
	w.seen = append(w.seen, sighting{which: which, is: w.shelf.ids[which]})
	return w.shelf.Content(which, number)
}
