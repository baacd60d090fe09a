package ollama

import (
	"encoding/json"
	"strconv"
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/wire"
)

// wireAnswer is a whole answer, and a line of a stream.
type wireAnswer struct {
	Model   string `json:"model"`
	Created string `json:"created_at"`
	Message *struct {
		Content   string     `json:"content"`
		Thinking  string     `json:"thinking"`
		ToolCalls []wireCall `json:"tool_calls"`
	} `json:"message"`
	Done   bool            `json:"done"`
	Reason string          `json:"done_reason"`
	Prompt json.RawMessage `json:"prompt_eval_count"`
	Answer json.RawMessage `json:"eval_count"`
	Error  json.RawMessage `json:"error"`
}

type wireCall struct {
	ID       string `json:"id"`
	Function struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	} `json:"function"`
}

func (a wireAnswer) usage() chat.Usage {
	var prompt, answer wire.Count
	prompt.Read(a.Prompt)
	answer.Read(a.Answer)
	return counted(prompt, answer)
}

// created is the time of the answer, 0 when it cannot be read.
func (a wireAnswer) created() int64 {
	at, err := time.Parse(time.RFC3339Nano, a.Created)
	if err != nil || at.Unix() < 0 {
		return 0
	}
	return at.Unix()
}

// part makes a call, n-th of its answer.
func (c wireCall) part(n int, created string) chat.Part {
	args := c.Function.Arguments
	if s, ok := wire.String(args); ok {
		args = json.RawMessage(s)
	}
	if !wire.Present(args) {
		args = nil
	}
	p := chat.Part{Kind: chat.ToolCall, ID: c.ID, Name: c.Function.Name, Args: args}
	if p.ID == "" {
		p.ID = mark("call_", created, strconv.Itoa(n), p.Name, string(args))
	}
	return p
}

// ParseResponse decodes a whole answer.
func (Chat) ParseResponse(body []byte) (chat.Response, error) {
	var a wireAnswer
	if err := json.Unmarshal(body, &a); err != nil {
		return chat.Response{}, provider.ErrBadAnswer.Because(err)
	}
	if wire.Present(a.Error) {
		return chat.Response{}, failed(body)
	}
	if a.Message == nil {
		return chat.Response{}, provider.ErrBadAnswer
	}
	out := chat.Response{ID: answerID(a.Model, a.Created), Model: a.Model, Created: a.created(), Usage: a.usage()}
	if a.Message.Thinking != "" {
		out.Parts = append(out.Parts, chat.Part{Kind: chat.Thinking, Text: a.Message.Thinking})
	}
	if a.Message.Content != "" {
		out.Parts = append(out.Parts, chat.Part{Kind: chat.Text, Text: a.Message.Content})
	}
	for i, c := range a.Message.ToolCalls {
		out.Parts = append(out.Parts, c.part(i, a.Created))
	}
	out.Finish = finish(a.Reason, len(a.Message.ToolCalls) > 0)
	return out, nil
}

// failed reads an error inside a 200 answer.
func failed(raw []byte) *provider.Refusal {
	r := openaichat.Refusals{}.ParseRefusal(0, nil, raw)
	r.Status = 0
	return r
}

// Inspect reads what settling needs from a whole answer.
func (Chat) Inspect(body []byte) provider.Seen {
	var seen provider.Seen
	var created, reason string
	var prompt, answer wire.Count
	var tools bool
	w := wire.Walk(body)
	for w.Next() && w.IsObject() {
		switch v := w.Value(); string(w.Key) {
		case "model":
			seen.Model, _ = wire.String(v)
		case "created_at":
			created, _ = wire.String(v)
		case "done_reason":
			reason, _ = wire.String(v)
		case "prompt_eval_count":
			prompt.Read(v)
		case "eval_count":
			answer.Read(v)
		case "message":
			if v[0] == '{' {
				seen.Ended = true
				tools = measure(&seen, v)
			}
		case "error":
			if wire.Present(v) {
				seen.Refusal = failed(body)
			}
		}
	}
	seen.Usage = counted(prompt, answer)
	seen.Ended = seen.Ended && seen.Refusal == nil && w.Err() == nil
	if seen.Ended {
		seen.ID, seen.Finish = answerID(seen.Model, created), finish(reason, tools)
	}
	return seen
}

// measure counts the bytes of a message and reports whether it calls tools.
func measure(seen *provider.Seen, message []byte) (tools bool) {
	m := wire.Walk(message)
	for m.Next() {
		v := m.Value()
		switch string(m.Key) {
		case "content", "thinking", "tool_calls":
		default:
			continue
		}
		if len(v) > 2 && (v[0] == '"' || v[0] == '[') {
			tools = tools || string(m.Key) == "tool_calls"
			seen.Started = true
			seen.OutputBytes += int64(len(v) - 2)
		}
	}
	return tools
}
