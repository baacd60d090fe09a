// Package exchange takes prompts in from elsewhere and gives them out as files.
//
// Reading is pure: bytes become Found prompts, each with what of it could not be taken over, in words. Nothing is dropped silently: what
// has no meaning here is a note, and what would mean something else here refuses its prompt with the line. Writing is canonical: the same
// prompt is the same bytes, and Read gives back exactly the content that was written.
package exchange

import (
	"slices"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/prompt"
)

// The bounds of what is taken in at once.
const (
	FilesMax     = 10_000
	FileBytesMax = 4 << 20  // of one file
	BytesMax     = 16 << 20 // of all
	PromptsMax   = 1000
)

// The failures of reading as a whole; those of one prompt are its Found.Err.
var (
	ErrUnreadable = fault.New(fault.Invalid, "prompt.import_unreadable", "This cannot be read as prompts.")
	ErrTooMuch    = fault.New(fault.TooLarge, "prompt.import_too_large", "This is more than is taken in at once: at most 10,000 files, 1,000 prompts, 4 MiB a file and 16 MiB in all.")
	ErrSource     = fault.New(fault.Invalid, "prompt.import_source", "Prompts come from auto, files, langfuse, portkey, helicone or openai.").At("source")
	ErrSkipped    = fault.New(fault.Invalid, "prompt.import_inexpressible", "This prompt says something that has no meaning here.")
)

// Source is where prompts come from.
type Source string

// The sources.
const (
	Auto     Source = "auto"     // found out from the files
	Files    Source = "files"    // Tollgate's own files, Markdown, plain text and dotprompt
	Langfuse Source = "langfuse" // what its API answers, or its export
	Portkey  Source = "portkey"
	Helicone Source = "helicone"
	OpenAI   Source = "openai" // stored prompts (pmpt_…)
)

// Sources are those that Read knows.
var Sources = []Source{Auto, Files, Langfuse, Portkey, Helicone, OpenAI}

// File is one file. Its path has slashes and starts at the folder that is taken in or given out.
type File struct {
	Path string
	Text string
}

// Found is a prompt as it was read.
type Found struct {
	prompt.Bundle
	From  string   // the file, and where in it
	Notes []string // what is lost, or is not quite as it was there
	Err   error    // why it cannot be taken; then Bundle has its name alone
}

// Which versions of a prompt that has several are taken.
type Which string

// The choices.
const (
	EachVersion Which = "all"
	Labelled    Which = "labelled" // those that a label stands on, and the newest
	Newest      Which = "latest"
)

// Read reads prompts. The error means that there is nothing to take at all.
func Read(from Source, files []File) ([]Found, error) {
	if from != "" && !slices.Contains(Sources, from) {
		return nil, ErrSource
	}
	total := 0
	for _, f := range files {
		if total += len(f.Text); len(f.Text) > FileBytesMax || total > BytesMax {
			return nil, ErrTooMuch
		}
	}
	if len(files) > FilesMax {
		return nil, ErrTooMuch
	}
	var out []Found
	for _, f := range files {
		if ignored(f.Path) {
			continue
		}
		found, err := readFile(from, f)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	if len(out) == 0 {
		return nil, ErrUnreadable.Say("There is no prompt in what was sent. Files end in .prompt.yaml, .md, .txt, .prompt or .json.")
	}
	out = gather(out)
	if len(out) > PromptsMax {
		return nil, ErrTooMuch
	}
	return ordered(out), nil
}

// ignored reports what lies beside prompts in a folder.
func ignored(path string) bool {
	return slices.ContainsFunc(strings.Split(path, "/"), func(part string) bool { return strings.HasPrefix(part, ".") }) ||
		strings.EqualFold(base(path), "README.md")
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// readFile reads one file by what its name, or the source, says it is.
func readFile(from Source, f File) ([]Found, error) {
	switch {
	case strings.HasSuffix(f.Path, ".json") || strings.HasSuffix(f.Path, ".jsonl") || from != Auto && from != "" && from != Files:
		return readJSON(from, f)
	case strings.HasSuffix(f.Path, ".prompt.yaml"), strings.HasSuffix(f.Path, ".prompt.yml"), strings.HasSuffix(f.Path, ".yaml"), strings.HasSuffix(f.Path, ".yml"):
		return []Found{readYAML(f)}, nil
	case strings.HasSuffix(f.Path, ".md"), strings.HasSuffix(f.Path, ".txt"):
		return []Found{readText(f)}, nil
	case strings.HasSuffix(f.Path, ".prompt"):
		return []Found{readDotprompt(f)}, nil
	}
	return nil, nil
}

// gather puts versions of one prompt that came one by one into one bundle, in the order of their numbers.
func gather(in []Found) []Found {
	at := map[string]int{}
	var out []Found
	for _, f := range in {
		i, had := at[f.Name]
		switch {
		case !had || f.Name == "":
			at[f.Name] = len(out)
			out = append(out, f)
		case out[i].Err != nil:
		case f.Err != nil:
			out[i] = f
		case f.Kind != out[i].Kind:
			out[i].Err = ErrUnreadable.Say("%q is a text prompt in one place and a chat prompt in another (%s, %s).", fault.Clip(f.Name), out[i].From, f.From)
		default:
			out[i].Versions = append(out[i].Versions, f.Versions...)
			for _, n := range f.Notes {
				if len(out[i].Notes) < notesMax && !slices.Contains(out[i].Notes, n) {
					out[i].Notes = append(out[i].Notes, n)
				}
			}
			out[i].Revision = max(out[i].Revision, f.Revision)
			if out[i].Description == "" {
				out[i].Description = f.Description
			}
			if out[i].Tags == nil {
				out[i].Tags = f.Tags
			}
		}
	}
	for i := range out {
		slices.SortStableFunc(out[i].Versions, func(a, b prompt.Carried) int { return a.Number - b.Number })
	}
	return out
}

// Choose keeps the versions that are wanted; "" is EachVersion.
func (f *Found) Choose(w Which) {
	if len(f.Versions) == 0 || w == EachVersion || w == "" {
		return
	}
	last := len(f.Versions) - 1
	kept := f.Versions[:0:0]
	for i, v := range f.Versions {
		if i == last || w != Newest && len(v.Labels) > 0 {
			kept = append(kept, v)
		}
	}
	f.Versions = kept
}

// put makes a label of the newest version the only one.
func (f *Found) put(label string) {
	for i := range f.Versions {
		f.Versions[i].Labels = nil
		if i == len(f.Versions)-1 {
			f.Versions[i].Labels = []string{label}
		}
	}
}

// Bundles are the prompts that can be taken, with the index of each in found, put below a folder ("": where they are).
func Bundles(found []Found, folder string) (out []prompt.Bundle, index []int) {
	folder = strings.Trim(folder, "/")
	for i := range found {
		if found[i].Err != nil {
			continue
		}
		b := found[i].Bundle
		if folder != "" {
			b = below(b, folder, found)
		}
		out, index = append(out, b), append(index, i)
	}
	return out, index
}

// below moves a prompt into a folder. What it names goes with it: the words in its braces mean the prompt there.
func below(b prompt.Bundle, folder string, found []Found) prompt.Bundle {
	moved := func(name string) bool {
		return slices.ContainsFunc(found, func(f Found) bool { return f.Err == nil && f.Name == name })
	}
	b.Name = folder + "/" + b.Name
	b.Versions = slices.Clone(b.Versions)
	for i := range b.Versions {
		v := &b.Versions[i]
		names := map[string]string{}
		for _, text := range mentioned(v.Content) {
			target := text
			if said, ok := v.Names[text]; ok {
				target = said
			}
			if name, _, _, ok := prompt.ParseRef(target); ok && moved(name) {
				names[text] = folder + "/" + target
			} else if target != text {
				names[text] = target
			}
		}
		v.Names = names
		v.Pins = slices.Clone(v.Pins)
		for j := range v.Pins {
			v.Pins[j].Folder = folder
		}
	}
	return b
}
