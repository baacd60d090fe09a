package gemini

import (
	"bytes"

	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// Probe scans a request body once. The model is the path's.
func (Dialect) Probe(body []byte, at provider.Line) (provider.Head, error) { return probe(body, at) }

// Probe is that of Dialect; a stream will be an array.
func (Array) Probe(body []byte, at provider.Line) (provider.Head, error) {
	h, err := probe(body, at)
	h.Array = h.Stream
	return h, err
}

func probe(body []byte, at provider.Line) (provider.Head, error) {
	config := false
	return provider.ScanHead(body, at, func(s *provider.HeadScan, name, raw []byte, _ provider.Span) (bool, error) {
		switch string(name) {
		case "generationConfig", "generation_config":
			if config { // under its other name
				return true, twice("generationConfig")
			}
			config = true
			return true, probeConfig(raw, &s.Head)
		case "labels":
			m, err := provider.Strings("labels", raw)
			s.Head.Metadata = m
			return true, err
		}
		return false, nil
	})
}

func twice(field string) error {
	return provider.ErrBody.Say("The request body has the field %q twice.", field).At(field)
}

// probeConfig finds what decides about cost: how much and how often.
func probeConfig(raw []byte, h *provider.Head) error {
	if raw[0] == 'n' {
		return nil
	}
	if raw[0] != '{' {
		return provider.ErrBody.Say("generationConfig must be an object.").At("generationConfig")
	}
	var tokens, choices bool
	w := wire.Walk(raw)
	for w.Next() {
		switch string(w.Key) {
		case "maxOutputTokens", "max_output_tokens":
			if tokens {
				return twice("generationConfig.maxOutputTokens")
			}
			tokens = true
			if err := provider.Whole("generationConfig.maxOutputTokens", w.Value(), &h.MaxTokens); err != nil {
				return err
			}
		case "candidateCount", "candidate_count":
			if choices {
				return twice("generationConfig.candidateCount")
			}
			choices = true
			if err := provider.Whole("generationConfig.candidateCount", w.Value(), &h.Choices); err != nil {
				return err
			}
		}
	}
	if w.Err() != nil {
		return provider.ErrBody.Say("generationConfig is not a valid object.").At("generationConfig").Because(w.Err())
	}
	return nil
}

// Edits cut the tollgate member out, exchange the model where the body repeats it, and take out signatures of other makers, which a
// conversation brings along that was answered by another provider before.
func (Dialect) Edits(body []byte, h provider.Head, model string) []wire.Edit {
	return provider.SpliceEdits(h, h.Model, append(foreignSignatures(body, h.Spans), modelEdit(h, model)...)...)
}

// modelEdit exchanges the body's model. The path's decides; two that differ are refused by Google.
func modelEdit(h provider.Head, model string) []wire.Edit {
	if at := h.Spans.Model; at.To > 0 {
		return []wire.Edit{{From: at.From, To: at.To, With: string(wire.AppendString(nil, resource(model)))}}
	}
	return nil
}

// foreignSignatures replaces what packSignature made by the word with which Google lets a part pass unsigned. The spans of but have
// edits of their own.
func foreignSignatures(body []byte, but provider.Spans) []wire.Edit {
	var edits []wire.Edit
	mark := []byte(`"` + packed)
	for at := 0; ; {
		i := bytes.Index(body[at:], mark)
		if i < 0 {
			return edits
		}
		from := at + i
		end := bytes.IndexByte(body[from+1:], '"')
		if end < 0 {
			return edits
		}
		at = from + end + 2
		if inside(from, but.Tollgate) || inside(from, but.Model) {
			continue
		}
		edits = append(edits, wire.Edit{From: from, To: at, With: `"` + unsigned + `"`})
	}
}

func inside(at int, s provider.Span) bool { return at >= s.From && at < s.To }
