package alias

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/id"
)

// File is an organization's routing file: what its tasks mean, and every alias. It holds no secret and no id but credentials'.
type File struct {
	Tasks   map[string]string `json:"tasks,omitempty"` // task -> alias
	Auto    Auto              `json:"auto,omitzero"`
	Aliases map[string]Route  `json:"aliases,omitempty"` // by name
}

// Auto says what the model name "auto" means.
type Auto struct {
	On         bool   `json:"on,omitempty"`
	Classifier string `json:"classifier,omitempty"` // alias that is asked for the task where the local classifier is not sure; "": none
	Default    string `json:"default,omitempty"`    // task of calls that fit none; "" refuses them
}

// FileVersion is one immutable state of the file. Every change of a task or an alias makes one, however it was made.
type FileVersion struct {
	Number    int    // from 1; 0: the file as it stands was never saved
	File      File   // empty in lists
	Text      string // the YAML that was applied, with its comments; "": the version was made otherwise. Empty in lists
	Author    string // id of the user or token
	Message   string
	CreatedAt time.Time
}

// The bounds of a file.
const (
	aliasesMax = 500
	tasksMax   = 200
)

// ReservedAuto is the model name that asks for the task's classification; no alias takes it.
const ReservedAuto = "auto"

var taskForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// Same reports whether two files say the same.
func (f File) Same(o File) bool {
	a, b := f.Normal(), o.Normal()
	return maps.Equal(a.Tasks, b.Tasks) && a.Auto == b.Auto && maps.EqualFunc(a.Aliases, b.Aliases, Route.Same)
}

// Normal makes files that say the same equal. Maps are never nil.
func (f File) Normal() File {
	out := File{Tasks: maps.Clone(f.Tasks), Auto: f.Auto, Aliases: make(map[string]Route, len(f.Aliases))}
	if out.Tasks == nil {
		out.Tasks = map[string]string{}
	}
	if !f.Auto.On {
		out.Auto = Auto{}
	}
	for name, r := range f.Aliases {
		out.Aliases[name] = r.normal()
	}
	return out
}

// Problems are all reasons to refuse a file, but for credentials that do not exist; see Missing.
func (f File) Problems(w Words) []Problem {
	c := checker{words: w}
	if len(f.Aliases) > aliasesMax {
		c.say(fmt.Sprintf("A file has at most %d aliases.", aliasesMax), "aliases")
	}
	if len(f.Tasks) > tasksMax {
		c.say(fmt.Sprintf("A file has at most %d tasks.", tasksMax), "tasks")
	}
	for _, task := range slices.Sorted(maps.Keys(f.Tasks)) {
		if !taskForm.MatchString(task) {
			c.say("A task has 1 to 64 lower-case letters, digits, hyphens or underscores, and starts with a letter or digit.", "tasks", task)
		}
		if name := f.Tasks[task]; !f.has(name) {
			c.say(fmt.Sprintf("There is no alias %q in this file. Add it under aliases, or name another.", fault.Clip(name)), "tasks", task)
		}
	}
	if a := f.Auto; a.On {
		if _, ok := f.Tasks[a.Default]; a.Default != "" && !ok {
			c.say(fmt.Sprintf("There is no task %q in this file.", fault.Clip(a.Default)), "auto", "default")
		}
		if a.Classifier != "" && !f.has(a.Classifier) {
			c.say(fmt.Sprintf("There is no alias %q in this file.", fault.Clip(a.Classifier)), "auto", "classifier")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Aliases)) {
		if reason := badName(name); reason != "" {
			c.say(reason, "aliases", name)
		}
		c.below(f.Aliases[name].Problems(w), "aliases", name)
	}
	return c.found
}

func (f File) has(name string) bool {
	_, ok := f.Aliases[name]
	return ok
}

// below takes over the problems of a part.
func (c *checker) below(of []Problem, at ...string) {
	for _, p := range of {
		p.Path = append(slices.Clone(at), p.Path...)
		c.found = append(c.found, p)
	}
}

// Missing are the problems with the credentials that a file names. have gives the provider of each that the organization has.
func (f File) Missing(have map[id.Credential]string) []Problem {
	var c checker
	for _, name := range slices.Sorted(maps.Keys(f.Aliases)) {
		c.below(f.Aliases[name].missing(have), "aliases", name)
	}
	return c.found
}

// uses tells what in the file stands for an alias: "task classification". Empty: nothing.
func (f File) uses(name string) []string {
	var out []string
	for _, task := range slices.Sorted(maps.Keys(f.Tasks)) {
		if f.Tasks[task] == name {
			out = append(out, "task "+task)
		}
	}
	if f.Auto.On && f.Auto.Classifier == name {
		out = append(out, "auto's classifier")
	}
	return out
}
