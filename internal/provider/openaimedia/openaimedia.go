// Package openaimedia holds OpenAI's dialects that are not chat and not embeddings: images, speech, transcriptions, translations,
// moderations and files. Nobody translates them; a vendor either speaks one or does not, and bytes pass. What is read on the way
// is what the call costs: images, tokens, characters, milliseconds of audio.
package openaimedia

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"tollgate/internal/provider"
	"tollgate/internal/provider/form"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/wire"
)

// common is what all of them share.
type common struct {
	openaichat.Envelope
	openaichat.Refusals
	provider.EventStream
}

// fielder takes one more field of a JSON body; it reports whether it knows the name.
type fielder func(h *provider.Head, name string, raw []byte) (bool, error)

// probe scans a JSON body. model is what the endpoint takes where none is named.
func probe(body []byte, at provider.Line, model string, field fielder) (provider.Head, error) {
	return provider.ScanNamed(body, at, model, func(s *provider.HeadScan, name, raw []byte, _ provider.Span) (bool, error) {
		if string(name) == "user" {
			return true, provider.Text("user", raw, &s.Head.User)
		}
		return field(&s.Head, string(name), raw)
	})
}

func nothing(*provider.Head, string, []byte) (bool, error) { return false, nil }

// probeForm scans a multipart body. take gets the plain fields but model, user and tollgate.
func probeForm(body []byte, at provider.Line, model string, take func(h *provider.Head, name, value string)) (provider.Head, error) {
	h := provider.Head{Line: at}
	parts, err := form.Scan(at.ContentType, body)
	if err != nil {
		return h, err
	}
	if len(parts) == 0 {
		return h, form.ErrForm.Say("The form has no part.")
	}
	h.Spans.Open = parts[0].Start
	for i, p := range parts {
		if twice := slices.ContainsFunc(parts[:i], func(o form.Part) bool { return o.Name == p.Name }); twice && known(p.Name) {
			return h, provider.ErrBody.Say("The form has the field %q twice.", p.Name).At(p.Name)
		}
		if p.File != "" {
			h.Bytes += int64(p.To - p.From)
			continue
		}
		switch value := string(body[p.From:p.To]); p.Name {
		case "model":
			h.Model, h.Spans.Model = value, provider.Span{From: p.From, To: p.To}
		case "user":
			h.User = value
		case "tollgate":
			h.Tollgate, h.Spans.Tollgate = body[p.From:p.To], provider.Span{From: p.Start, To: p.End}
		default:
			take(&h, p.Name, value)
		}
	}
	h.Model = cmp.Or(h.Model, model)
	if h.Model == "" {
		return h, provider.ErrBody.Say("The form has no field model.").At("model")
	}
	return h, nil
}

// known are the fields of forms of which a second one could be believed by the provider.
func known(name string) bool {
	return name == "model" || name == "tollgate" || name == "stream" || name == "n"
}

// isForm reports whether a request's body is a form.
func isForm(at provider.Line) bool { return strings.HasPrefix(at.ContentType, "multipart/") }

// edits exchange the model; one that was not named is put in.
func edits(body []byte, h provider.Head, model string) []wire.Edit {
	switch {
	case isForm(h.Line):
		return formEdits(body, h, model)
	case h.Spans.Model.To == 0 && model != h.Model:
		at, text := bytes.IndexByte(body, '{')+1, `"model":`+string(wire.AppendString(nil, model))
		if others(body) {
			text += ","
		}
		return provider.SpliceEdits(h, h.Model, wire.Edit{From: at, To: at, With: text})
	}
	return provider.SpliceEdits(h, model)
}

// others reports whether an object has a member that stays.
func others(body []byte) bool {
	w := wire.Walk(body)
	for w.Next() {
		if string(w.Key) != "tollgate" {
			return true
		}
	}
	return false
}

func formEdits(body []byte, h provider.Head, model string) []wire.Edit {
	var out []wire.Edit
	if t := h.Spans.Tollgate; t.To > 0 {
		out = append(out, wire.Edit{From: t.From, To: t.To})
	}
	m := h.Spans.Model
	switch {
	case model == h.Model:
	case m.To > 0:
		out = append(out, wire.Edit{From: m.From, To: m.To, With: plain(model)})
	default:
		at := h.Spans.Open // the form was scanned: its first boundary stands here
		delimiter, _, _ := bytes.Cut(body[at:], []byte("\r\n"))
		part := string(delimiter) + "\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n" + plain(model) + "\r\n"
		out = append(out, wire.Edit{From: at, To: at, With: part})
	}
	slices.SortFunc(out, func(a, b wire.Edit) int { return cmp.Or(a.From-b.From, a.To-b.To) })
	return out
}

// plain is a model's name that cannot end a form's part: names come from the organization's own aliases.
func plain(model string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, model)
}
