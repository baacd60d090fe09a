package playground

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"tollgate/internal/fault"
)

// The bounds of a dataset.
const (
	DatasetMax = 1 << 20 // bytes
	RowsMax    = 1000
	fieldsMax  = 50
)

// The fields of a dataset that are no variables.
const (
	expectedField = "expected" // what the answer is held against
	messageField  = "message"  // takes the place of the setup's message
)

// Row is one line of a dataset.
type Row struct {
	Number    int // from 1
	Variables map[string]json.RawMessage
	Message   string // "": the setup's
	Expected  string
}

var fieldForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

// ParseDataset reads rows: CSV whose first line names the variables, or JSON objects, one a line. ErrData says in which line what is wrong.
func ParseDataset(data []byte) ([]Row, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	switch {
	case len(data) > DatasetMax:
		return nil, bad(0, "A dataset has at most 1 MiB.")
	case !utf8.Valid(data) || bytes.ContainsRune(data, 0):
		return nil, bad(0, "A dataset is text in UTF-8.")
	case len(bytes.TrimSpace(data)) == 0:
		return nil, bad(0, "The dataset is empty.")
	}
	if bytes.TrimSpace(data)[0] == '{' {
		return parseLines(data)
	}
	return parseCSV(data)
}

func bad(line int, format string, args ...any) error {
	if line > 0 {
		return ErrData.Say("Line %d: "+format, append([]any{line}, args...)...).At("dataset")
	}
	return ErrData.Say(format, args...).At("dataset")
}

func parseCSV(data []byte) ([]Row, error) {
	r := csv.NewReader(bytes.NewReader(data))
	names, err := r.Read()
	if err != nil {
		return nil, unread(err)
	}
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	if err := fields(1, names); err != nil {
		return nil, err
	}
	var out []Row
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return counted(out)
		}
		if err != nil {
			return nil, unread(err)
		}
		line, _ := r.FieldPos(0)
		if len(out) == RowsMax {
			return nil, bad(line, "A dataset has at most %d rows.", RowsMax)
		}
		row := Row{Number: len(out) + 1, Variables: map[string]json.RawMessage{}}
		for i, text := range record {
			row.set(names[i], text, must(text))
		}
		out = append(out, row)
	}
}

// set takes a field. A CSV's are texts; what the prompt declares to be of another kind is read as that when the row is asked.
func (r *Row) set(name, text string, raw json.RawMessage) {
	switch name {
	case expectedField:
		r.Expected = text
	case messageField:
		r.Message = text
	default:
		r.Variables[name] = raw
	}
}

func counted(out []Row) ([]Row, error) {
	if len(out) == 0 {
		return nil, bad(0, "The dataset has no rows below its first line.")
	}
	return out, nil
}

// unread is what the reader of CSV says, with the line.
func unread(err error) error {
	var at *csv.ParseError
	switch {
	case !errors.As(err, &at):
		return bad(0, "This is no CSV.")
	case errors.Is(err, csv.ErrFieldCount):
		return bad(at.Line, "It has another number of fields than the first line.")
	}
	return bad(at.Line, "A quote stands where none can: put texts that hold quotes, commas or line ends between quotes, and write quotes in them twice.")
}

// fields refuses names that no variable can have.
func fields(line int, names []string) error {
	if len(names) > fieldsMax {
		return bad(line, "A dataset has at most %d fields.", fieldsMax)
	}
	for i, name := range names {
		if !fieldForm.MatchString(name) {
			return bad(line, "%q is no name of a variable: write letters, digits and underscores.", fault.Clip(name))
		}
		if slices.Contains(names[:i], name) {
			return bad(line, "The field %q stands there twice.", fault.Clip(name))
		}
	}
	return nil
}

func parseLines(data []byte) ([]Row, error) {
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, DatasetMax+1)
	var out []Row
	for line := 1; s.Scan(); line++ {
		text := bytes.TrimSpace(s.Bytes())
		if len(text) == 0 {
			continue
		}
		if len(out) == RowsMax {
			return nil, bad(line, "A dataset has at most %d rows.", RowsMax)
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(text, &object) != nil || object == nil {
			return nil, bad(line, "This is no JSON object.")
		}
		row := Row{Number: len(out) + 1, Variables: map[string]json.RawMessage{}}
		names := make([]string, 0, len(object))
		for name, raw := range object {
			names = append(names, name)
			row.set(name, plainText(raw), raw)
		}
		slices.Sort(names)
		if err := fields(line, names); err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return counted(out)
}

// plainText is a JSON string's text, or the document itself.
func plainText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}
