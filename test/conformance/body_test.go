package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"tollgate/test/replay"
)

// member is one top-level member of a JSON object and where its value stands.
type member struct {
	name     string
	from, to int
}

// members lists the top-level members of body in their order.
func members(body []byte) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("no JSON object: %w", err)
	}
	var out []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, err
		}
		to := int(d.InputOffset())
		out = append(out, member{name.(string), to - len(raw), to})
	}
	return out, nil
}

// withModel gives the body another model and changes nothing else. A body without one (some APIs have it in the path) gets it in front.
func withModel(body []byte, model string) ([]byte, error) {
	list, err := members(body)
	if err != nil {
		return nil, err
	}
	value, err := json.Marshal(model)
	if err != nil {
		return nil, err
	}
	for _, m := range list {
		if m.name == "model" {
			return slices.Concat(body[:m.from], value, body[m.to:]), nil
		}
	}
	open := bytes.IndexByte(body, '{') + 1
	sep := ","
	if len(list) == 0 {
		sep = ""
	}
	return slices.Concat(body[:open], []byte(`"model":`), value, []byte(sep), body[open:]), nil
}

// sameBytes says how the provider's body differs from what was sent beyond the model. Streams of openai-chat may ask for usage.
func sameBytes(sent, got []byte, mayAsk bool) error {
	if bytes.Equal(sent, got) {
		return nil
	}
	if !mayAsk {
		return fmt.Errorf("the provider's body differs: %s", firstDifference(sent, got))
	}
	a, err := members(sent)
	if err != nil {
		return err
	}
	b, err := members(got)
	if err != nil {
		return fmt.Errorf("the provider's body: %w", err)
	}
	options := func(list []member, body []byte) (map[string]any, []member) {
		var v map[string]any
		rest := slices.DeleteFunc(slices.Clone(list), func(m member) bool {
			if m.name != "stream_options" {
				return false
			}
			_ = json.Unmarshal(body[m.from:m.to], &v)
			return true
		})
		return v, rest
	}
	before, a := options(a, sent)
	after, b := options(b, got)
	if len(a) != len(b) {
		return fmt.Errorf("the provider's body has %d members, not %d", len(b), len(a))
	}
	for i := range a {
		if a[i].name != b[i].name || !bytes.Equal(sent[a[i].from:a[i].to], got[b[i].from:b[i].to]) {
			return fmt.Errorf("member %q of the provider's body differs: %s", a[i].name, firstDifference(sent[a[i].from:a[i].to], got[b[i].from:b[i].to]))
		}
	}
	if before == nil {
		before = map[string]any{}
	}
	before["include_usage"] = true
	if !jsonEqual(before, after) {
		return fmt.Errorf("stream_options is %v, not %v", after, before)
	}
	return nil
}

func jsonEqual(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

func firstDifference(want, got []byte) string {
	i := 0
	for i < len(want) && i < len(got) && want[i] == got[i] {
		i++
	}
	around := func(b []byte) []byte { return b[max(0, min(i, len(b))-60):min(len(b), i+120)] }
	return fmt.Sprintf("at byte %d of %d/%d: want …%q, got …%q", i, len(want), len(got), around(want), around(got))
}

// clientBytes is what the client must see of a recorded good answer: the recording, without what only our asking for usage brought.
// Mistral is not asked: it tells by itself.
func clientBytes(c *replay.Case, asked bool) []byte {
	if c.Meta.Dialect == replay.Mistral || replay.Wire(c.Meta.Dialect) != replay.OpenAI || !c.Meta.Stream || asked {
		return c.Response
	}
	var out []byte
	for _, e := range replay.Events(c.Response) {
		if !onlyUsage(e.Data) {
			out = append(out, e.Raw...)
		}
	}
	return out
}

func onlyUsage(data string) bool {
	var chunk struct {
		Choices []json.RawMessage `json:"choices"`
		Usage   map[string]any    `json:"usage"`
	}
	return json.Unmarshal([]byte(data), &chunk) == nil && len(chunk.Choices) == 0 && chunk.Usage != nil
}
