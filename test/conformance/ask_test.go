package conformance

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"tollgate/test/replay"
)

// targets are the ways in which a client of a surface has every chat dialect asked.
func targets(surface string) []way {
	all := []way{
		{"snowflake-cortex", replay.OpenAI, "m"},
		{"mistral", replay.Mistral, "mistral-large-latest"},
		{"openai", replay.Responses, "gpt-codex"},
		{"custom-anthropic", replay.Anthropic, "claude-sonnet-4-5-20250929"},
		{"vertex", replay.Vertex, "claude-sonnet-4-5-20250929"},
		{"vertex", replay.Gemini, "gemini-2.5-pro"},
		{"bedrock", replay.Converse, "us.anthropic.claude-sonnet-4-5-20250929-v1:0"},
		{"cohere", replay.Cohere, "command-a-03-2025"},
		{"ollama-native", replay.Ollama, "qwen3"},
	}
	return slices.DeleteFunc(all, func(w way) bool {
		switch w.dialect {
		case surface: // passes as bytes
			return true
		case replay.Mistral:
			return surface == replay.OpenAI
		case replay.Converse, replay.Vertex:
			return surface == replay.Anthropic // see planAsks, and same
		}
		return false
	})
}

// planAsks sends a recorded request to providers of all dialects.
func planAsks(_ *gate, c *replay.Case) []*run {
	surface := replay.Wire(c.Meta.Dialect)
	if c.Request == nil || c.Meta.Status != http.StatusOK || !slices.Contains(surfaces(), surface) {
		return nil
	}
	ways := targets(surface)
	if surface == replay.Anthropic {
		ways = append(ways, way{"bedrock", replay.Converse, "amazon.nova-pro-v1:0"})
	}
	var out []*run
	for _, w := range ways {
		out = append(out, &run{kind: "ask", surface: surface, c: c, way: w, do: (*gate).askAcross})
	}
	return out
}

// askAcross: what the client says means the same to the provider.
func (g *gate) askAcross(r *run) error {
	g.provider.Play(r.key(), replay.Play{Turn: &replay.Turn{}})
	a, _, err := r.sent()
	if err != nil {
		return err
	}
	got, err := g.send(r, a)
	if err != nil {
		return err
	}
	if field, ok := unsupported(got); ok {
		r.refused = field
		return stands(a.body, field)
	}
	call, err := g.arrived(r, got)
	if err != nil {
		return err
	}
	if got.Status != http.StatusOK {
		return fmt.Errorf("status %d: %s", got.Status, clip(got.Body))
	}
	if answer := replay.Read(r.surface, a.stream, got.Body); !answer.Done || !strings.HasPrefix(answer.Text, "word1 word2") {
		return fmt.Errorf("the answer became %+v", answer)
	}
	want, err := replay.ReadAsk(r.surface, a.body)
	if err != nil {
		return err
	}
	heard, err := replay.ReadAsk(call.Dialect, call.Body)
	if err != nil {
		return fmt.Errorf("the provider's body: %w", err)
	}
	want.Stream, heard.Stream = a.stream, call.Stream
	return sameAsk(want, heard)
}

// stands: the field that a refusal names is in the client's body.
func stands(body []byte, field string) error {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return err
	}
	for _, name := range strings.Split(field, ".") {
		switch x := v.(type) {
		case map[string]any:
			next, ok := x[name]
			if !ok { // Google takes both spellings of a name
				next, ok = x[underscored(name)]
			}
			if !ok {
				return fmt.Errorf("the refusal names %s, and the request has no such field", field)
			}
			v = next
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(x) {
				return fmt.Errorf("the refusal names %s, and the request has no such field", field)
			}
			v = x[i]
		default: // a value that the path says more about
			return nil
		}
	}
	return nil
}

func underscored(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// sameAsk compares what was said with what was heard.
func sameAsk(want, got replay.Ask) error {
	allow(&want, &got)
	var errs []error
	differ := func(what string, a, b any) {
		if fmt.Sprint(a) != fmt.Sprint(b) {
			errs = append(errs, fmt.Errorf("%s: said %s, heard %s", what, clip(fmt.Appendf(nil, "%+v", a)), clip(fmt.Appendf(nil, "%+v", b))))
		}
	}
	for i := range max(len(want.Items), len(got.Items)) {
		if a, b := itemAt(want.Items, i), itemAt(got.Items, i); a != b {
			differ(fmt.Sprintf("item %d", i), a, b)
			break
		}
	}
	differ("tools", want.Tools, got.Tools)
	differ("choice", want.Choice, got.Choice)
	differ("one tool at a time", want.Single, got.Single)
	differ("max tokens", want.Max, got.Max)
	differ("temperature", want.Temperature, got.Temperature)
	differ("top p", want.TopP, got.TopP)
	differ("stop", want.Stop, got.Stop)
	differ("format", want.Format, got.Format)
	differ("stream", want.Stream, got.Stream)
	return errors.Join(errs...)
}

// allow takes out what may differ because the target has no word for it, and what is said in another way there.
func allow(want, got *replay.Ask) {
	if want.Max == "" { // some dialects demand a cap
		got.Max = ""
	}
	if want.Choice == "auto" { // the default everywhere
		want.Choice = ""
	}
	if got.Choice == "auto" {
		got.Choice = ""
	}
	if want.Choice == "none" && got.Choice == "" && len(got.Tools) == 0 { // no tools may be called where none are offered
		want.Choice, want.Tools = "", nil
	}
	if len(want.Tools) == 0 { // Converse wants a tool for every call of the conversation
		got.Tools = slices.DeleteFunc(got.Tools, func(o replay.Offer) bool {
			return slices.ContainsFunc(want.Items, func(it replay.Item) bool { return it.Kind == "tool_use" && it.Name == o.Name })
		})
	}
	if name, ok := strings.CutPrefix(want.Choice, "tool:"); ok && got.Choice == "required" && len(got.Tools) == 1 && got.Tools[0].Name == name {
		want.Choice = "required" // no other tool is offered
		want.Tools = slices.DeleteFunc(want.Tools, func(o replay.Offer) bool { return o.Name != name })
	}
	if system := func(it replay.Item) bool { return it.Role == "system" }; !slices.ContainsFunc(want.Items, func(it replay.Item) bool { return !system(it) }) {
		for i := range got.Items { // a conversation begins with the user
			if got.Items[i].Role == "user" {
				got.Items[i].Role = "system"
			}
		}
	}
	textDocuments(want, got)
	inWords(want, got)
	for i := range got.Items {
		if i >= len(want.Items) {
			break
		}
		w, g := &want.Items[i], &got.Items[i]
		if w.Fail && !g.Fail && g.Data == "Error: "+w.Data { // no word for a tool that failed
			g.Data, g.Fail = w.Data, true
		}
		if _, bare, ok := strings.Cut(w.Data, ";base64,"); ok && w.Kind == g.Kind && g.Data == bare { // Ollama's images have no type
			g.Data = w.Data
		}
	}
}

// textDocuments: a target without documents gets those that are text as text.
func textDocuments(want, got *replay.Ask) {
	if slices.ContainsFunc(got.Items, func(it replay.Item) bool { return it.Kind == "document" }) {
		return
	}
	for i := range want.Items {
		it := &want.Items[i]
		kind, raw, ok := strings.Cut(it.Data, ";base64,")
		if text, err := base64.StdEncoding.DecodeString(raw); ok && err == nil && it.Kind == "document" && strings.HasPrefix(kind, "data:text/") {
			it.Kind, it.Data = "text", string(text)
		}
	}
	want.Items = replay.Settle(want.Items)
}

// inWords: a target without structured output is told in the system text what its answer must look like.
func inWords(want, got *replay.Ask) {
	const schema, plain = "It must be valid against this JSON Schema:", "Answer with one valid JSON object and nothing else"
	if want.Format == "" || got.Format != "" || len(got.Items) == 0 || got.Items[0].Role != "system" {
		return
	}
	system := &got.Items[0]
	at := strings.Index(system.Data, "Answer with one ")
	if at < 0 {
		return
	}
	words := system.Data[at:]
	_, raw, ok := strings.Cut(words, schema)
	switch {
	case want.Format == "json" && strings.HasPrefix(words, plain):
		got.Format = "json"
	case ok:
		got.Format = replay.Canonical([]byte(raw))
	}
	system.Data = strings.TrimSpace(system.Data[:at])
	if system.Data == "" {
		got.Items = got.Items[1:]
	}
}

// itemAt is an item with its text in one form: dialects join paragraphs in their own ways.
func itemAt(items []replay.Item, i int) replay.Item {
	if i >= len(items) {
		return replay.Item{Kind: "nothing"}
	}
	it := items[i]
	if it.Kind == "text" || it.Kind == "tool_result" {
		it.Data = spaceless(it.Data)
	}
	return it
}
