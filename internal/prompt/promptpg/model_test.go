package promptpg_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tollgate/internal/fault"
	"tollgate/internal/postgres/pgtest"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

// model is what a prompt should be.
type model struct {
	name     string
	texts    []string // by number, from 1
	labels   map[string]int
	ramps    map[string]prompt.Ramp // To and Share
	archived bool
	revision int
}

// machine does the same to a model and to the store.
type machine struct {
	*rapid.T
	s       *prompt.Service
	in      tenant.Scope
	prompts []prompt.Prompt
	models  []*model
}

var (
	words  = rapid.SampledFrom([]string{"one", "two", "three", "four"})
	labels = rapid.SampledFrom([]string{"production", "staging", "next"})
	paths  = rapid.SampledFrom([]string{"a", "b", "folder/a", "folder/b", "folder/deep/a"})
)

func (m *machine) pick() (*model, prompt.Prompt) {
	i := rapid.IntRange(0, len(m.models)-1).Draw(m.T, "prompt")
	return m.models[i], m.prompts[i]
}

// agree holds what happened against what should have.
func (m *machine) agree(err error, want error) bool {
	if !errors.Is(err, want) || want == nil && err != nil {
		m.Fatalf("%v, want %v", err, want)
	}
	return want == nil
}

func (m *machine) taken(name string, but *model) bool {
	for _, o := range m.models {
		if o != but && !o.archived && o.name == name {
			return true
		}
	}
	return false
}

func (m *machine) create(*rapid.T) {
	if len(m.models) >= 4 {
		return
	}
	name, says := paths.Draw(m.T, "name"), words.Draw(m.T, "text")
	p, _, err := m.s.Create(m.Context(), m.in, prompt.New{Name: name, Kind: prompt.Text, Content: text(says)})
	var want error
	if m.taken(name, nil) {
		want = prompt.ErrTaken
	}
	if m.agree(err, want) {
		m.prompts, m.models = append(m.prompts, p), append(m.models, &model{name: name, texts: []string{says}, labels: map[string]int{}, ramps: map[string]prompt.Ramp{}, revision: 1})
	}
}

func (m *machine) publish(*rapid.T) {
	o, p := m.pick()
	says, label := words.Draw(m.T, "text"), rapid.SliceOfN(labels, 0, 2).Draw(m.T, "labels")
	_, v, err := m.s.Publish(m.Context(), m.in, p.ID, text(says), "", label, nil)
	var want error
	if o.archived {
		want = prompt.ErrArchived
	}
	if !m.agree(err, want) {
		return
	}
	fresh := o.texts[len(o.texts)-1] != says
	if fresh {
		o.texts = append(o.texts, says)
	}
	if v.Number != len(o.texts) {
		m.Fatalf("version %d, want %d", v.Number, len(o.texts))
	}
	if o.set(label, len(o.texts)) || fresh {
		o.revision++
	}
}

// set puts labels on a version and reports whether that changed anything.
func (o *model) set(labels []string, number int) bool {
	changed := false
	for _, label := range labels {
		_, moving := o.ramps[label]
		if o.labels[label] == number && !moving {
			continue
		}
		changed = true
		delete(o.ramps, label)
		if o.labels[label] = number; number == 0 {
			delete(o.labels, label)
		}
	}
	return changed
}

func (m *machine) label(*rapid.T) {
	o, p := m.pick()
	label, number := labels.Draw(m.T, "label"), rapid.IntRange(0, 5).Draw(m.T, "version")
	_, err := m.s.SetLabel(m.Context(), m.in, p.ID, label, number, nil)
	var want error
	switch {
	case o.archived:
		want = prompt.ErrArchived
	case number > len(o.texts):
		want = prompt.ErrVersion
	}
	if m.agree(err, want) && o.set([]string{label}, number) {
		o.revision++
	}
}

func (m *machine) ramp(*rapid.T) {
	o, p := m.pick()
	label, number := labels.Draw(m.T, "label"), rapid.IntRange(1, 5).Draw(m.T, "version")
	_, err := m.s.Ramp(m.Context(), m.in, p.ID, label, number, plan, "", nil)
	had, moving := o.ramps[label]
	var want error
	switch {
	case o.archived:
		want = prompt.ErrArchived
	case o.labels[label] == 0:
		want = prompt.ErrLabel
	case o.labels[label] == number:
		want = prompt.ErrInvalid
	case moving && had.To != number:
		want = prompt.ErrRamping
	case number > len(o.texts):
		want = prompt.ErrVersion
	}
	if m.agree(err, want) {
		o.revision++
		if !moving {
			o.ramps[label] = prompt.Ramp{To: number, Share: plan.Shares[0]}
		}
	}
}

func (m *machine) step(*rapid.T) {
	o, p := m.pick()
	label := labels.Draw(m.T, "label")
	_, err := m.s.StepRamp(m.Context(), m.in, p.ID, label, nil)
	r, moving := o.ramps[label]
	if !moving {
		m.agree(err, prompt.ErrNoRamp)
		return
	}
	m.agree(err, nil)
	o.revision++
	if r.Share == plan.Shares[1] {
		delete(o.ramps, label)
		o.labels[label] = r.To
		return
	}
	o.ramps[label] = prompt.Ramp{To: r.To, Share: plan.Shares[1]}
}

func (m *machine) stop(*rapid.T) {
	o, p := m.pick()
	label := labels.Draw(m.T, "label")
	_, err := m.s.StopRamp(m.Context(), m.in, p.ID, label, nil)
	m.agree(err, nil)
	if _, moving := o.ramps[label]; moving {
		delete(o.ramps, label)
		o.revision++
	}
}

func (m *machine) archive(*rapid.T) {
	o, p := m.pick()
	m.agree(m.s.Archive(m.Context(), m.in, p.ID), nil)
	if !o.archived {
		o.archived, o.ramps = true, map[string]prompt.Ramp{}
		o.revision++
	}
}

func (m *machine) restore(*rapid.T) {
	o, p := m.pick()
	_, err := m.s.Restore(m.Context(), m.in, p.ID)
	var want error
	if o.archived && m.taken(o.name, o) {
		want = prompt.ErrTaken
	}
	if m.agree(err, want) && o.archived {
		o.archived = false
		o.revision++
	}
}

func (m *machine) rename(*rapid.T) {
	o, p := m.pick()
	name := paths.Draw(m.T, "name")
	_, err := m.s.Edit(m.Context(), m.in, p.ID, prompt.Edit{Name: &name}, nil)
	var want error
	switch {
	case o.archived:
		want = prompt.ErrArchived
	case m.taken(name, o):
		want = prompt.ErrTaken
	}
	if m.agree(err, want) {
		o.name = name
		o.revision++
	}
}

func (m *machine) folder(*rapid.T) {
	n, err := m.s.MoveFolder(m.Context(), m.in, "folder", "moved")
	back := err != nil
	if back {
		n, err = m.s.MoveFolder(m.Context(), m.in, "moved", "folder")
	}
	if f := (*fault.Error)(nil); err != nil && !errors.As(err, &f) {
		m.Fatal(err)
	}
	if err != nil {
		return
	}
	from, to := "folder/", "moved/"
	if back {
		from, to = to, from
	}
	for _, o := range m.models {
		if rest, in := strings.CutPrefix(o.name, from); in && !o.archived {
			o.name = to + rest
			o.revision++
			n--
		}
	}
	if n != 0 {
		m.Fatalf("%d prompts too many or too few were renamed", n)
	}
}

// whole compares everything, and plays the history of labels again.
func (m *machine) whole(*rapid.T) {
	for i, o := range m.models {
		p, err := m.s.Prompt(m.Context(), m.in, m.prompts[i].ID)
		if err != nil {
			m.Fatal(err)
		}
		ramps := map[string]prompt.Ramp{}
		for label, r := range p.Ramps {
			ramps[label] = prompt.Ramp{To: r.To, Share: r.Share}
		}
		if p.Labels == nil {
			p.Labels = map[string]int{}
		}
		got := &model{p.Name, nil, p.Labels, ramps, !p.ArchivedAt.IsZero(), p.Revision}
		want := &model{o.name, nil, o.labels, o.ramps, o.archived, o.revision}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(model{})); diff != "" || p.Latest != len(o.texts) {
			m.Fatal(p.Latest, diff)
		}
		moves, err := m.s.Moves(m.Context(), m.in, p.ID, 1000)
		if err != nil {
			m.Fatal(err)
		}
		stands := map[string]int{}
		for n := len(moves) - 1; n >= 0; n-- {
			mv := moves[n]
			if stands[mv.Label] != mv.Was {
				m.Fatalf("a move from %d when it stood on %d", mv.Was, stands[mv.Label])
			}
			if mv.Share > 0 {
				continue
			}
			if stands[mv.Label] = mv.Is; mv.Is == 0 {
				delete(stands, mv.Label)
			}
		}
		if !maps.Equal(stands, o.labels) {
			m.Fatalf("the history ends at %v, the labels stand at %v", stands, o.labels)
		}
	}
}

func TestTheStoreDoesWhatAModelDoes(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	// Each check is some thirty transactions: fewer checks than rapid makes of what is cheap, unless more are asked for.
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("30"); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		in, _ := pgtest.Org(t, db, fmt.Sprint("org ", n))
		m := &machine{T: r, s: service(db), in: in}
		m.create(r)
		r.Repeat(map[string]func(*rapid.T){
			"create": m.create, "publish": m.publish, "label": m.label, "ramp": m.ramp, "step": m.step, "stop": m.stop, "archive": m.archive,
			"restore": m.restore, "rename": m.rename, "folder": m.folder, "": m.whole,
		})
	})
}
