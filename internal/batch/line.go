package batch

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"tollgate/internal/id"
)

// The bounds of a batch.
const (
	LinesMax     = 50_000
	LineBytesMax = 16 << 20
	customIDMax  = 512
	problemsMax  = 100
	// PageBytesMax is about how many bytes of lines are handled at a time, beside the number of lines: of 200 short ones it says nothing,
	// and of long ones a page holds few.
	PageBytesMax = 8 << 20
)

// Endpoints are the paths that the lines of a batch may name.
var Endpoints = []string{"/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions", "/v1/moderations"}

// MessagesEndpoint is the path of the lines of a batch in Anthropic's shape.
const MessagesEndpoint = "/v1/messages"

// inputLine is a line of an uploaded file.
type inputLine struct {
	CustomID *string         `json:"custom_id"`
	Method   string          `json:"method"`
	URL      string          `json:"url"`
	Body     json.RawMessage `json:"body"`
}

// reading reads an uploaded file line by line, and collects what is wrong with it.
type reading struct {
	endpoint string
	seen     map[string]int // custom id -> line
	problems []Problem
	number   int
}

// full reports that enough has been found.
func (r *reading) full() bool { return len(r.problems) >= problemsMax }

func (r *reading) wrong(code, param, format string, args ...any) {
	if !r.full() {
		r.problems = append(r.problems, Problem{Code: code, Message: fmt.Sprintf(format, args...), Param: param, Line: r.number})
	}
}

// line reads one line; false: it is wrong.
func (r *reading) line(raw []byte) (Line, bool) {
	var in inputLine
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if err := decoder.Decode(&in); err != nil {
		r.wrong("invalid_json_line", "", "This line is not parseable as valid JSON.")
		return Line{}, false
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) || !utf8.Valid(raw) {
		r.wrong("invalid_json_line", "", "This line holds more than one JSON object, or bytes that are no UTF-8.")
		return Line{}, false
	}
	body := bytes.TrimSpace(in.Body)
	before := len(r.problems)
	switch {
	case in.CustomID == nil || *in.CustomID == "":
		r.wrong("missing_required_parameter", "custom_id", "Missing required parameter: 'custom_id'.")
	case len(*in.CustomID) > customIDMax || strings.ContainsRune(*in.CustomID, 0):
		r.wrong("invalid_value", "custom_id", "custom_id is longer than %d bytes, or holds a zero byte.", customIDMax)
	case r.seen[*in.CustomID] > 0:
		r.wrong("duplicate_custom_id", "custom_id", "The custom_id of this line is that of line %d too.", r.seen[*in.CustomID])
	default:
		r.seen[*in.CustomID] = r.number
	}
	if !strings.EqualFold(in.Method, "POST") {
		r.wrong("invalid_method", "method", "method must be POST.")
	}
	if in.URL != r.endpoint {
		r.wrong("mismatched_endpoint", "url", "url must be the batch's endpoint, %s.", r.endpoint)
	}
	r.body(body)
	if len(r.problems) > before || r.full() {
		return Line{}, false
	}
	return Line{Number: r.number, CustomID: *in.CustomID, Body: bytes.Clone(body), State: LineWaiting}, true
}

// body looks at the call itself: what else is wrong with it is found when it is planned.
func (r *reading) body(body []byte) {
	if len(body) == 0 || body[0] != '{' {
		r.wrong("invalid_value", "body", "body must be an object.")
		return
	}
	var head struct {
		Model  json.RawMessage `json:"model"`
		Stream json.RawMessage `json:"stream"`
	}
	if json.Unmarshal(body, &head) != nil || len(head.Model) < 2 || head.Model[0] != '"' {
		r.wrong("missing_required_parameter", "body.model", "Missing required parameter: 'body.model'.")
	}
	if string(head.Stream) == "true" {
		r.wrong("invalid_value", "body.stream", "A line of a batch cannot be streamed.")
	}
}

// lines reads a whole file and gives its lines, page by page, until something is wrong; then it goes on to find what else is.
func (r *reading) lines(in io.Reader, page int, give func([]Line) error) error {
	reader := bufio.NewReaderSize(in, 64<<10)
	var got []Line
	size := 0
	for !r.full() {
		raw, err := readLine(reader)
		if errors.Is(err, errLongLine) {
			r.number++
			r.wrong("line_too_long", "", "This line is longer than %d MiB.", LineBytesMax>>20)
			break
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		r.number++
		if len(bytes.TrimSpace(raw)) > 0 {
			if len(r.seen) >= LinesMax {
				r.wrong("too_many_lines", "", "A batch has at most %d lines.", LinesMax)
				break
			}
			if l, ok := r.line(raw); ok {
				got = append(got, l)
				size += len(l.Body)
			}
		}
		if len(r.problems) > 0 {
			got = nil
		}
		if last := err != nil; last || len(got) >= page || size >= PageBytesMax {
			if len(got) > 0 {
				if err := give(got); err != nil {
					return err
				}
				got, size = nil, 0
			}
			if last {
				break
			}
		}
	}
	if len(r.seen) == 0 && len(r.problems) == 0 {
		r.problems = append(r.problems, Problem{Code: "empty_file", Message: "The input file is empty. A batch has at least one line."})
	}
	return nil
}

var errLongLine = errors.New("batch: the line is too long")

// readLine is a line without its end; io.EOF comes with the last.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > LineBytesMax:
			return nil, errLongLine
		case errors.Is(err, bufio.ErrBufferFull):
		default:
			return bytes.TrimRight(line, "\r\n"), err
		}
	}
}

// validate reads the file of a batch. A worker that died in the middle left lines behind, which stay as they are.
func (r *Runner) validate(ctx context.Context, t Taken) error {
	file, err := r.Work.Input(ctx, t.Batch)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	mint := id.NewMint()
	in := &reading{endpoint: t.Batch.Endpoint, seen: map[string]int{}}
	err = in.lines(file, r.Config.Page, func(lines []Line) error {
		now := r.Now()
		for i := range lines {
			lines[i].Call = mint.Call(now)
		}
		return r.Work.AddLines(ctx, t, lines)
	})
	if err != nil {
		return err
	}
	if err := r.Work.Start(ctx, t, in.problems, r.Now()); err != nil {
		return err
	}
	if len(in.problems) > 0 {
		return nil
	}
	return errBusy
}
