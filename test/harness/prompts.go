package harness

import (
	"fmt"
	"net/http"
	"regexp"

	"tollgate/test/replay"
)

// Prompt makes a text prompt with its first version, on which it puts labels, and returns its id.
func (o *Tenant) Prompt(name, text string, labels ...string) string {
	o.app.t.Helper()
	var made struct {
		Prompt struct{ ID string } `json:"prompt"`
	}
	o.Do(http.MethodPost, "/prompts", map[string]any{"name": name, "kind": "text", "content": map[string]any{"text": text}, "labels": labels}).
		Want(http.StatusCreated).Into(&made)
	return made.Prompt.ID
}

// Publish makes the next version of a text prompt, puts labels on it, and returns its number.
func (o *Tenant) Publish(prompt, text string, labels ...string) int {
	o.app.t.Helper()
	var made struct {
		Version struct{ Number int } `json:"version"`
	}
	o.Do(http.MethodPost, "/prompts/"+prompt+"/versions", map[string]any{"content": map[string]any{"text": text}, "labels": labels}).
		Want(http.StatusCreated).Into(&made)
	return made.Version.Number
}

// Label moves a label of a prompt.
func (o *Tenant) Label(prompt, label string, version int) {
	o.app.t.Helper()
	o.Do(http.MethodPut, "/prompts/"+prompt+"/labels/"+label, map[string]any{"version": version}).Want(http.StatusOK)
}

// Mark is a text that the provider of Marked finds again.
func Mark(what any) string { return fmt.Sprintf("<mark %v>", what) }

var marked = regexp.MustCompile(`mark ([0-9A-Za-z_@.-]+)\\?[u>]`) // JSON may write > as an escape

// MarkIn is the mark in a request's body; "" for none, "several" for more than one.
func MarkIn(body []byte) string {
	all := marked.FindAllSubmatch(body, 2)
	switch len(all) {
	case 0:
		return ""
	case 1:
		return string(all[0][1])
	}
	return "several"
}

// Marked makes a provider answer with what it was told: the text of every answer is the request's mark. Streams are generated as ever.
func Marked(s *replay.Server) {
	s.Answer(func(c *replay.Call) replay.Turn {
		mark := MarkIn(c.Body)
		switch {
		case c.Stream:
			return replay.Turn{}
		case c.Dialect == replay.OpenAI:
			return replay.Turn{Body: fmt.Appendf(nil, `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":%q,"choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}}`, c.Model, mark)}
		case c.Dialect == replay.Anthropic:
			return replay.Turn{Body: fmt.Appendf(nil, `{"id":"msg_1","type":"message","role":"assistant","model":%q,"content":[{"type":"text","text":%q}],"stop_reason":"end_turn","usage":{"input_tokens":9,"output_tokens":3}}`, c.Model, mark)}
		}
		return replay.Turn{}
	})
}
