package provider

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	"tollgate/internal/provider/wire"
)

// HeadScan is the one scan of a request body that Probe is made of. A dialect says what its own fields mean; model, stream and
// tollgate mean the same in all of them.
type HeadScan struct {
	Head  Head
	taken [][]byte // the names of known members so far
	cut   cutter
}

// ScanHead walks the top-level members of body and gives each that the dialect knows to field, at most once: a second member of
// the same name is refused, because the provider may believe the other one. field reports whether it knows the name. Where the
// path names the model, the body's model and stream mean nothing.
func ScanHead(body []byte, at Line, field func(s *HeadScan, name, raw []byte, at Span) (known bool, err error)) (Head, error) {
	return ScanNamed(body, at, "", field)
}

// ScanNamed is ScanHead for an endpoint that has a model of its own where the body names none.
func ScanNamed(body []byte, at Line, model string, field func(s *HeadScan, name, raw []byte, at Span) (known bool, err error)) (Head, error) {
	var names [16][]byte // more than any dialect knows
	s := &HeadScan{Head: Head{Line: at, Model: at.Model, Stream: at.Stream}, taken: names[:0]}
	w := wire.Walk(body)
	if w.Err() == nil && !w.IsObject() {
		return Head{}, ErrBody.Say("The request body is not a JSON object.")
	}
	afterTollgate := false // the tollgate member is first: the comma behind it goes with it
	for w.Next() {
		if s.Head.Spans.Open == 0 {
			s.Head.Spans.Open = open(body)
		}
		if afterTollgate {
			s.Head.Spans.Tollgate.To = w.Comma + 1
			afterTollgate = false
		}
		at := Span{w.From, w.To}
		known, err := s.common(&w, at)
		if err == nil && !known {
			known, err = field(s, w.Key, w.Value(), at)
		}
		if err == nil && !known {
			err = disguised(w.Key)
		}
		if err != nil {
			return Head{}, err
		}
		s.cut.step(&w, ours(w.Key))
		if known {
			if err := s.once(w.Key); err != nil {
				return Head{}, err
			}
			afterTollgate = w.Comma < 0 && string(w.Key) == "tollgate"
		}
	}
	if err := w.Err(); err != nil {
		return Head{}, ErrBody.Say("The request body is not valid JSON: %s.", describe(err)).Because(err)
	}
	s.routing()
	if s.Head.Model == "" && s.cut.kept {
		s.Head.Model = firstOf(body[s.Head.Spans.Models.From:s.Head.Spans.Models.To])
	}
	if s.Head.Model == "" {
		s.Head.Model = model
	}
	if s.Head.Model == "" && !at.Nameless {
		return Head{}, ErrNoModel
	}
	return s.Head, nil
}

// disguised refuses another spelling of model or stream. Most providers pass it over, but those that read names in any case (all that
// are written in Go) would take it for the field itself: then the call would go to a model that nobody resolved, allowed or priced.
func disguised(name []byte) error {
	switch {
	case bytes.EqualFold(name, []byte("model")):
		return ErrBody.Say("The field %q must be spelt model.", name).At("model")
	case bytes.EqualFold(name, []byte("stream")):
		return ErrBody.Say("The field %q must be spelt stream.", name).At("stream")
	}
	return nil
}

func open(body []byte) int {
	for i, c := range body {
		if c == '{' {
			return i + 1
		}
	}
	return 0
}

func describe(err error) string {
	var syntax *wire.SyntaxError
	if errors.As(err, &syntax) {
		return syntax.Error()
	}
	return "it cannot be read"
}

func (s *HeadScan) once(name []byte) error {
	for _, have := range s.taken {
		if bytes.Equal(have, name) {
			return ErrBody.Say("The request body has the field %q twice.", name).At(string(name))
		}
	}
	s.taken = append(s.taken, name)
	return nil
}

func (s *HeadScan) common(w *wire.Walker, at Span) (bool, error) {
	raw := w.Value()
	switch string(w.Key) {
	case "model":
		s.Head.Spans.Model = at
		if w.IsNull() || s.Head.Line.Model != "" {
			return true, nil
		}
		return true, Text("model", raw, &s.Head.Model)
	case "stream":
		if s.Head.Line.Model != "" {
			return true, nil
		}
		return true, Flag("stream", raw, &s.Head.Stream)
	case "tollgate":
		if raw[0] != '{' {
			return true, ErrBody.Say("tollgate must be an object.").At("tollgate")
		}
		s.Head.Tollgate = raw
		from := w.Comma
		if from < 0 {
			from = w.KeyFrom
		}
		s.Head.Spans.Tollgate = Span{from, w.To}
		return true, nil
	case "provider", "models":
		return true, s.wish(w, at)
	}
	s.session(w)
	return false, nil
}

// Text reads a string or null.
func Text(field string, raw []byte, into *string) error {
	if raw[0] == 'n' {
		return nil
	}
	v, ok := wire.String(raw)
	if !ok {
		return ErrBody.Say("%s must be a string.", field).At(field)
	}
	*into = v
	return nil
}

// Flag reads true, false or null.
func Flag(field string, raw []byte, into *bool) error {
	if raw[0] == 'n' {
		return nil
	}
	v, ok := wire.Bool(raw)
	if !ok {
		return ErrBody.Say("%s must be true or false.", field).At(field)
	}
	*into = v
	return nil
}

// Whole reads a whole number or null. Numbers below one count as not given: what they mean is the provider's business.
func Whole(field string, raw []byte, into *int64) error {
	if raw[0] == 'n' {
		return nil
	}
	v, ok := wire.Int(raw)
	if !ok {
		return ErrBody.Say("%s must be a whole number.", field).At(field)
	}
	*into = max(v, 0)
	return nil
}

// Strings reads an object or null and keeps its members that are strings.
func Strings(field string, raw []byte) (map[string]string, error) {
	if raw[0] == 'n' {
		return nil, nil
	}
	if raw[0] != '{' {
		return nil, ErrBody.Say("%s must be an object.", field).At(field)
	}
	var out map[string]string
	w := wire.Walk(raw)
	for w.Next() {
		if v, ok := wire.String(w.Value()); ok {
			if out == nil {
				out = make(map[string]string)
			}
			out[string(w.Key)] = v
		}
	}
	if w.Err() != nil {
		return nil, ErrBody.Say("%s is not a valid object.", field).At(field).Because(w.Err())
	}
	return out, nil
}

// SpliceEdits gives the edits that every dialect's Splice makes: another model, no tollgate member; and more of the dialect's own.
func SpliceEdits(h Head, model string, more ...wire.Edit) []wire.Edit {
	edits := make([]wire.Edit, 0, 2+len(more))
	switch at := h.Spans.Model; {
	case at.To == 0 && h.Spans.Models.To > 0 && h.Line.Model == "": // the list alone named the model
		edits = append(edits, wire.Edit{From: h.Spans.Open, To: h.Spans.Open, With: `"model":` + string(wire.AppendString(nil, model)) + ","})
	case model != h.Model:
		edits = append(edits, wire.Edit{From: h.Spans.Model.From, To: h.Spans.Model.To, With: string(wire.AppendString(nil, model))})
	}
	edits = append(edits, h.cuts()...)
	edits = append(edits, more...)
	slices.SortFunc(edits, func(a, b wire.Edit) int { // what is put in before what is cut out at the same place
		return cmp.Or(a.From-b.From, a.To-b.To)
	})
	return edits
}

// ApplyEdits applies edits; with none it gives body itself.
func ApplyEdits(body []byte, edits []wire.Edit) []byte {
	if len(edits) == 0 {
		return body
	}
	return wire.Apply(body, edits)
}
