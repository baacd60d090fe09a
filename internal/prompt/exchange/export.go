package exchange

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/tenant"
)

// Selection is what is given out.
type Selection struct {
	Folder string // what is below it; "": all
	Label  string // the version on which it stands, of prompts that have it
	Which  Which  // where no label is named; "": Newest
}

// exportBytesMax bounds what one export gives out.
const exportBytesMax = 512 << 20

var errExport = errors.New("exchange: this export is larger than 512 MiB")

const pageSize = 100

// Export gives prompts as files, by name. Where several versions of a prompt are wanted each has a file of its own, NAME@NUMBER.
func (s *Service) Export(ctx context.Context, in tenant.Scope, sel Selection) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		names := map[id.Prompt]string{}
		name := func(r prompt.Ref) (string, bool) {
			n, ok := names[r.Prompt]
			if !ok {
				p, err := s.prompts.Prompt(ctx, in, r.Prompt)
				if err != nil {
					return "", false
				}
				n, names[r.Prompt] = p.Name, p.Name
			}
			return n, true
		}
		for after := ""; ; {
			list, more, err := s.prompts.List(ctx, in, prompt.Filter{Folder: sel.Folder}, after, pageSize)
			if err != nil {
				yield(File{}, err)
				return
			}
			for i := range list {
				names[list[i].ID], after = list[i].Name, list[i].Name
				if !s.exportOne(ctx, in, &list[i], sel, name, yield) {
					return
				}
			}
			if !more || len(list) == 0 {
				return
			}
		}
	}
}

// exportOne yields one prompt's files; false: there is nobody who takes more.
func (s *Service) exportOne(ctx context.Context, in tenant.Scope, p *prompt.Prompt, sel Selection, name func(prompt.Ref) (string, bool), yield func(File, error) bool) bool {
	numbers := sel.numbers(p)
	for _, n := range numbers {
		v, err := s.prompts.Version(ctx, in, p.ID, n)
		if errors.Is(err, prompt.ErrVersion) || errors.Is(err, prompt.ErrNotFound) {
			continue // it went while we read
		}
		if err != nil {
			yield(File{}, err)
			return false
		}
		if !sel.several() { // what was said of a version is not said of the next one, which is made from this file
			v.Message = ""
		}
		f := Write(p, &v, name)
		if sel.several() {
			f.Path = strings.TrimSuffix(f.Path, Suffix) + "@" + strconv.Itoa(n) + Suffix
		}
		if !yield(f, nil) {
			return false
		}
	}
	return true
}

func (s Selection) several() bool {
	return s.Label == "" && (s.Which == EachVersion || s.Which == Labelled)
}

// numbers are the versions of a prompt that are wanted, in their order.
func (s Selection) numbers(p *prompt.Prompt) []int {
	switch {
	case s.Label != "":
		if n := p.At(s.Label); n > 0 {
			return []int{n}
		}
		return nil
	case s.Which == EachVersion:
		out := make([]int, p.Latest)
		for i := range out {
			out[i] = i + 1
		}
		return out
	case s.Which == Labelled:
		out := []int{p.Latest}
		for _, n := range p.Labels {
			out = append(out, n)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	return []int{p.Latest}
}

// WriteZip writes an export as a zip. One that failed has no end, so that nobody takes it for whole.
func (s *Service) WriteZip(ctx context.Context, in tenant.Scope, sel Selection, w io.Writer) error {
	z := zip.NewWriter(w)
	total := 0
	for f, err := range s.Export(ctx, in, sel) {
		if err != nil {
			return err
		}
		if total += len(f.Text); total > exportBytesMax {
			return errExport
		}
		into, err := z.CreateHeader(&zip.FileHeader{Name: f.Path, Method: zip.Deflate})
		if err == nil {
			_, err = io.WriteString(into, f.Text)
		}
		if err != nil {
			return err
		}
	}
	return z.Close()
}

// Unzip reads the files of an export, or of any folder that was packed.
func Unzip(data []byte) ([]File, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, ErrUnreadable.Say("This is no zip file.").Because(err)
	}
	if len(z.File) > FilesMax {
		return nil, ErrTooMuch
	}
	var out []File
	left := int64(BytesMax)
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if !fault.OneLine(f.Name, 4096) || strings.Contains(f.Name, `\`) || strings.HasPrefix(f.Name, "/") || slices.Contains(strings.Split(f.Name, "/"), "..") {
			return nil, ErrUnreadable.Say("The zip file has a path that leads out of it: %s.", fault.Clip(f.Name))
		}
		text, err := unpacked(f, min(left, FileBytesMax))
		if err != nil {
			return nil, err
		}
		left -= int64(len(text))
		out = append(out, File{Path: f.Name, Text: string(text)})
	}
	return out, nil
}

func unpacked(f *zip.File, most int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, ErrUnreadable.Say("The zip file cannot be unpacked.").Because(err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	switch {
	case err != nil:
		return nil, ErrUnreadable.Say("The zip file cannot be unpacked.").Because(err)
	case int64(len(text)) > most:
		return nil, ErrTooMuch
	}
	return text, nil
}
