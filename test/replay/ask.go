package replay

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Ask is what a request means, whichever dialect said it.
type Ask struct {
	Items  []Item
	Tools  []Offer
	Choice string // "", auto, none, required, tool:<name>
	Single bool   // one tool call at a time

	Max         string // numbers as text, "" when not given
	Temperature string
	TopP        string
	Stop        []string
	Format      string // "", json, or the schema
	Stream      bool
}

// Item is one thing that was said.
type Item struct {
	Role string // user, assistant, system
	Kind string // text, image, document, audio, tool_use, tool_result
	ID   string // of a tool call; of a result the id of its call
	Name string
	Data string // text, canonical JSON of arguments, or the bytes of a medium: "data:<type>;base64,<data>", or its address
	Fail bool   // a tool's result that is an error
}

// Offer is a tool that the model may call. Hosted ones have no schema.
type Offer struct {
	Name   string
	About  string
	Schema string // canonical
	Hosted bool
}

// ReadAsk works out what a request body means.
func ReadAsk(dialect string, body []byte) (Ask, error) {
	var a Ask
	var err error
	switch Wire(dialect) {
	case OpenAI:
		err = a.openAI(body)
	case Anthropic:
		err = a.anthropic(body)
	case Responses:
		err = a.responses(body)
	case Gemini:
		err = a.gemini(body)
	case Converse:
		err = a.converse(body)
	case Cohere:
		err = a.cohere(body)
	case Ollama:
		err = a.ollama(body)
	default:
		err = fmt.Errorf("no reader for requests of %s", dialect)
	}
	a.Items = Settle(a.Items)
	return a, err
}

func (a *Ask) say(role, kind, data string) {
	a.Items = append(a.Items, Item{Role: role, Kind: kind, Data: data})
}

// kinds gives the order within one role's run, because some dialects have no order between text and tool calls.
var kinds = []string{"tool_result", "text", "image", "document", "audio", "tool_use"}

// Settle brings a conversation into one form: system text first, within a run of one role ordered by kind, neighbouring texts joined,
// calls of tools numbered in their order.
func Settle(items []Item) []Item {
	system := slices.DeleteFunc(slices.Clone(items), func(it Item) bool { return it.Role != "system" })
	items = slices.DeleteFunc(slices.Clone(items), func(it Item) bool { return it.Role == "system" })
	items = slices.DeleteFunc(items, func(it Item) bool { return it.Kind == "text" && strings.TrimSpace(it.Data) == "" })
	items = slices.DeleteFunc(append(system, items...), func(it Item) bool { // where a result's media stand behind it, a line says whose they are
		return it.Kind == "text" && it.Role == "user" &&
			(strings.HasPrefix(it.Data, "Content of the result of tool call ") || strings.HasPrefix(it.Data, "Images of the result of tool call "))
	})
	var out []Item
	for len(items) > 0 {
		n := 1
		for n < len(items) && items[n].Role == items[0].Role {
			n++
		}
		run := slices.Clone(items[:n])
		items = items[n:]
		slices.SortStableFunc(run, func(a, b Item) int { return cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)) })
		for _, it := range run {
			last := len(out) - 1
			if it.Kind == "text" && last >= 0 && out[last].Kind == "text" && out[last].Role == it.Role {
				out[last].Data += "\n" + it.Data
				continue
			}
			out = append(out, it)
		}
	}
	return number(out)
}

// number gives the calls of tools their place as an id, and their results the place of the call that they belong to: by id, or, where
// the dialect has none, by the tool's name and the order.
func number(items []Item) []Item {
	type call struct{ id, name, place string }
	var open []call
	n := 0
	for i := range items {
		it := &items[i]
		switch it.Kind {
		case "tool_use":
			n++
			place := fmt.Sprintf("call %d", n)
			open = append(open, call{it.ID, it.Name, place})
			it.ID = place
		case "tool_result":
			if strings.HasPrefix(strings.TrimSpace(it.Data), "{") {
				it.Data = Canonical([]byte(it.Data))
			}
			at := -1
			for j, c := range open {
				if it.ID != "" && c.id == it.ID || it.ID == "" && (c.name == it.Name || it.Name == "") {
					at = j
					break
				}
			}
			if at < 0 {
				it.ID, it.Name = "no call", ""
				continue
			}
			it.ID, it.Name = open[at].place, ""
			open = slices.Delete(open, at, at+1)
		}
	}
	// Results of one turn stand in any order.
	for i := 0; i < len(items); {
		j := i
		for j < len(items) && items[j].Kind == "tool_result" {
			j++
		}
		slices.SortStableFunc(items[i:j], func(a, b Item) int { return cmp.Compare(len(a.ID)*1000, len(b.ID)*1000) + cmp.Compare(a.ID, b.ID) })
		i = max(j, i+1)
	}
	return items
}

// Canonical is JSON in one form: keys in order, numbers as written.
func Canonical(raw []byte) string {
	if b := bytes.TrimSpace(raw); len(b) == 0 || string(b) == "null" {
		return "{}"
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return string(raw)
	}
	out, _ := json.Marshal(v)
	return string(out)
}

// schema is Canonical, with nothing for nothing.
func schema(raw json.RawMessage) string {
	if !present(raw) {
		return ""
	}
	return Canonical(raw)
}

// list reads a value that is one thing or a list of them.
func list[T any](raw json.RawMessage, single func(T) T) []T {
	var many []T
	if json.Unmarshal(raw, &many) == nil {
		return many
	}
	var one T
	if json.Unmarshal(raw, &one) != nil {
		return nil
	}
	return []T{single(one)}
}

func stops(raw json.RawMessage) []string {
	return list(raw, func(s string) string { return s })
}

func data(mediaType, base64 string) string { return "data:" + mediaType + ";base64," + base64 }
