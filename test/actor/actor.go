// Package actor is a provider that exists only for tests and does what its callers tell it to. Where a recording always gives the same
// answer, an actor's answer is a function of the request as it arrived: of the system text, of the tools' schemas, of the results that the
// caller brings back, of the pixels of a picture. An answer that reads right at the client therefore proves that everything on the way there
// arrived, too.
//
// It speaks several dialects over one neutral Ask. A caller gives its orders in the user's text, behind ">>", as words name=value:
//
//	>> say=hello                         answers "You said hello."
//	>> use=lookup sku=A1 use=lookup …    calls tools with those arguments that their schemas know, then reports what they said
//	>> sku=A1 count=3                    with a schema for the answer, or a tool that must be called: an object of those members
//	>> fail=429, >> break=1              refuses with that status; breaks off in mid-stream
//	ref=…                                names the call in the ledger
//
// It shares no code with the product.
package actor

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tollgate/test/replay"
)

// Ask is a request, whichever dialect it came in.
type Ask struct {
	System string
	Turns  []Turn
	Tools  []Tool
	Force  string         // the tool that must be called; "*" is any
	Schema map[string]any // of the answer; nil is plain text
}

// Turn is what one side said. Results stand in the user's turns, Calls in the assistant's.
type Turn struct {
	Assistant bool
	Text      string
	Images    []string // fingerprints
	Calls     []Call
	Results   []Result
}

// Tool is one that the caller offers.
type Tool struct {
	Name   string
	Schema map[string]any
	Free   bool // takes any text, not an object
}

// Call is a tool call; Args are JSON text.
type Call struct{ ID, Name, Args string }

// Result is what a tool said. ID is empty where the dialect has none.
type Result struct{ ID, Name, Text string }

// Act is what the actor does.
type Act struct {
	Text  string
	Calls []Call
	Fail  int  // a status instead of an answer
	Break bool // break off in mid-stream
	Ref   string
	Usage replay.Usage
}

type word struct{ name, value string }

var (
	pair = regexp.MustCompile(`([a-z_]+)=("[^"]*"|[^\s"]+)`) //nolint:gochecknoglobals // compiled once
	sign = regexp.MustCompile(`sign=([\w-]+)`)               //nolint:gochecknoglobals // compiled once
)

// orders reads the words behind the last ">>" of a text, up to the end of its line.
func orders(text string) ([]word, bool) {
	at := strings.LastIndex(text, ">>")
	if at < 0 {
		return nil, false
	}
	line, _, _ := strings.Cut(text[at+2:], "\n")
	var words []word
	for _, m := range pair.FindAllStringSubmatch(line, -1) {
		words = append(words, word{m[1], strings.Trim(m[2], `"`)})
	}
	return words, true
}

// Fingerprint names bytes in eight letters.
func Fingerprint(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:4])
}

// Play decides what to do.
func Play(ask Ask) Act {
	at, words := -1, []word(nil)
	for i, t := range slices.Backward(ask.Turns) {
		if w, ok := orders(t.Text); ok && !t.Assistant {
			at, words = i, w
			break
		}
	}
	var act Act
	for _, w := range words {
		switch w.name {
		case "ref":
			act.Ref = w.value
		case "fail":
			act.Fail, _ = strconv.Atoi(w.value)
		case "break":
			act.Break = true
		}
	}
	switch {
	case at < 0:
		act.Text = "Nothing to do."
	case act.Fail != 0:
	case slices.ContainsFunc(ask.Turns[at:], func(t Turn) bool { return len(t.Calls)+len(t.Results) > 0 }):
		act.Text = report(ask, words, ask.Turns[at:])
	default:
		act.answer(ask, words, ask.Turns[at])
	}
	act.Usage = bill(ask, act)
	return act
}

func (act *Act) answer(ask Ask, words []word, turn Turn) {
	calls, err := wanted(ask, words)
	switch {
	case err != "":
		act.Text = err
		return
	case len(calls) > 0:
		act.Calls = calls
		return
	case ask.Schema != nil:
		act.Text = object(ask.Schema, words)
		return
	}
	for _, w := range words {
		if w.name == "say" {
			act.Text += "You said " + w.value + ". "
		}
	}
	if m := sign.FindStringSubmatch(ask.System); m != nil {
		act.Text += "Signed " + m[1] + ". "
	}
	for _, seen := range turn.Images {
		act.Text += "Saw " + seen + ". "
	}
	act.Text = strings.TrimSpace(act.Text)
	if act.Text == "" {
		act.Text = "Done."
	}
}

// wanted is the tools that the orders call for, in order.
func wanted(ask Ask, words []word) (calls []Call, err string) {
	var names []string
	var args [][]word
	for _, w := range words {
		if w.name == "use" {
			names, args = append(names, w.value), append(args, nil)
		} else if len(args) > 0 {
			args[len(args)-1] = append(args[len(args)-1], w)
		}
	}
	if len(names) == 0 && ask.Force != "" && len(ask.Tools) > 0 {
		name := ask.Force
		if name == "*" {
			name = ask.Tools[0].Name
		}
		names, args = []string{name}, [][]word{words}
	}
	for i, name := range names {
		at := slices.IndexFunc(ask.Tools, func(t Tool) bool { return t.Name == name })
		if at < 0 {
			return nil, fmt.Sprintf("There is no tool %s among %v.", name, ask.Tools)
		}
		filled := object(ask.Tools[at].Schema, args[i])
		calls = append(calls, Call{ID: "call_" + Fingerprint(fmt.Appendf(nil, "%d %s %s", i, name, filled)), Name: name, Args: filled})
	}
	return calls, ""
}

// object fills a schema's properties with the words that bear their names. What the schema does not know is not said.
func object(schema map[string]any, words []word) string {
	properties, _ := schema["properties"].(map[string]any)
	out := map[string]any{}
	for _, w := range words {
		p, known := properties[w.name].(map[string]any)
		if !known {
			continue
		}
		out[w.name] = value(p, w.value)
	}
	b, _ := json.Marshal(out)
	return string(b)
}

func value(schema map[string]any, text string) any {
	kind, _ := schema["type"].(string)
	if list, ok := schema["type"].([]any); ok && len(list) > 0 {
		kind, _ = list[0].(string)
	}
	switch strings.ToLower(kind) { // Gemini shouts
	case "integer", "number":
		n, _ := strconv.ParseFloat(text, 64)
		return n
	case "boolean":
		return text == "true"
	case "array":
		return strings.Split(text, ",")
	}
	return text
}

// report says what the tools said, if the caller tells the conversation as it was.
func report(ask Ask, words []word, turns []Turn) string {
	want, err := wanted(ask, words)
	if err != "" {
		return err
	}
	var calls []Call
	var results []Result
	for _, t := range turns {
		calls, results = append(calls, t.Calls...), append(results, t.Results...)
	}
	if len(calls) != len(want) || len(results) != len(want) {
		return fmt.Sprintf("The conversation has %d calls and %d results, there were %d.", len(calls), len(results), len(want))
	}
	said := make([]string, len(want))
	for i, w := range want {
		if calls[i].Name != w.Name || !same(calls[i].Args, w.Args) {
			return fmt.Sprintf("Call %d was %v, the conversation has %v.", i, w, calls[i])
		}
		at := slices.IndexFunc(results, func(r Result) bool { return r.ID == calls[i].ID })
		if calls[i].ID == "" && i < len(results) { // a dialect that knows calls by name and order only
			at = i
		}
		if at < 0 {
			return fmt.Sprintf("Call %v has no result among %v.", calls[i], results)
		}
		said[i] = strings.TrimSpace(results[at].Text)
	}
	return "The tools said: " + strings.Join(said, " | ") + "."
}

func same(a, b string) bool {
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return a == b
	}
	one, _ := json.Marshal(x)
	two, _ := json.Marshal(y)
	return string(one) == string(two)
}

// bill makes a usage that differs from call to call: it counts what was said.
func bill(ask Ask, act Act) replay.Usage {
	input := int64(20 + 7*len(ask.Tools))
	for _, t := range ask.Turns {
		input += 3 + int64(len(strings.Fields(t.Text))) + 5*int64(len(t.Calls)+len(t.Results))
	}
	output := int64(len(pieces(act.Text)))
	for _, c := range act.Calls {
		output += 4 + int64(len(pieces(c.Args)))
	}
	return replay.Usage{Known: true, Input: input, CacheRead: 16, Output: output}
}

// pieces cuts a text for a stream, inside words too.
func pieces(text string) []string {
	var out []string
	for len(text) > 0 {
		n := min(len(text), 7)
		out, text = append(out, text[:n]), text[n:]
	}
	return out
}
