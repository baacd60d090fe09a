package replay

import (
	"bytes"
	"encoding/json"
)

// converseBlock is a block of a Converse message.
type converseBlock struct {
	Text string `json:"text"`
	Tool *struct {
		ID    string          `json:"toolUseId"`
		Name  string          `json:"name"`
		Input json.RawMessage `json:"input"`
		Type  string          `json:"type"`
	} `json:"toolUse"`
	Reasoning *struct {
		Text struct {
			Text      string `json:"text"`
			Signature string `json:"signature"`
		} `json:"reasoningText"`
		Redacted string `json:"redactedContent"`
	} `json:"reasoningContent"`
	Cited *struct {
		Content []struct {
			Text string `json:"text"`
		} `json:"content"`
	} `json:"citationsContent"`
}

func converseWhole(body []byte) Answer {
	var a Answer
	var c struct {
		Output struct {
			Message struct {
				Content []converseBlock `json:"content"`
			} `json:"message"`
		} `json:"output"`
		Stop    string          `json:"stopReason"`
		Usage   json.RawMessage `json:"usage"`
		Message string          `json:"message"`
		Upper   string          `json:"Message"`
	}
	if json.Unmarshal(body, &c) != nil {
		a.Error = "no JSON"
		return a
	}
	if c.Stop == "" {
		if a.Error = c.Message + c.Upper; a.Error == "" {
			a.Error = string(body)
		}
		return a
	}
	for _, b := range c.Output.Message.Content {
		a.Text += b.Text
		if b.Tool != nil && b.Tool.Type != "server_tool_use" {
			a.Tools = append(a.Tools, Tool{ID: b.Tool.ID, Name: b.Tool.Name, Args: string(b.Tool.Input)})
		}
		if b.Reasoning != nil {
			a.Reasoning += b.Reasoning.Text.Text
			a.sign(b.Reasoning.Text.Signature)
			a.sign(b.Reasoning.Redacted)
		}
		if b.Cited != nil {
			for _, t := range b.Cited.Content {
				a.Text += t.Text
			}
		}
	}
	a.Finish, a.Done, a.Usage = c.Stop, true, ConverseUsage(c.Usage)
	return a
}

func converseStream(body []byte) Answer {
	var a Answer
	tools, signs := map[int]int{}, map[int]string{}
	frames, _ := awsFrames(body)
	stopped := false
	for _, f := range frames {
		if f.headers[":message-type"] != "event" {
			a.Error = problem(json.RawMessage(awsProblem(f)))
			break
		}
		var e struct {
			Index int `json:"contentBlockIndex"`
			Start struct {
				Tool *struct {
					ID   string `json:"toolUseId"`
					Name string `json:"name"`
					Type string `json:"type"`
				} `json:"toolUse"`
			} `json:"start"`
			Delta struct {
				Text string `json:"text"`
				Tool struct {
					Input string `json:"input"`
				} `json:"toolUse"`
				Reasoning struct {
					Text      string `json:"text"`
					Signature string `json:"signature"`
					Redacted  string `json:"redactedContent"`
				} `json:"reasoningContent"`
			} `json:"delta"`
			Stop  string          `json:"stopReason"`
			Usage json.RawMessage `json:"usage"`
		}
		if json.Unmarshal(f.payload, &e) != nil {
			continue
		}
		switch f.headers[":event-type"] {
		case "contentBlockStart":
			if e.Start.Tool != nil && e.Start.Tool.Type != "server_tool_use" {
				tools[e.Index] = len(a.Tools)
				a.Tools = append(a.Tools, Tool{ID: e.Start.Tool.ID, Name: e.Start.Tool.Name})
			}
		case "contentBlockDelta":
			a.Text += e.Delta.Text
			a.Reasoning += e.Delta.Reasoning.Text
			signs[e.Index] += e.Delta.Reasoning.Signature + e.Delta.Reasoning.Redacted
			if i, ok := tools[e.Index]; ok {
				a.Tools[i].Args += e.Delta.Tool.Input
			}
		case "contentBlockStop":
			a.sign(signs[e.Index])
			delete(signs, e.Index)
		case "messageStop":
			a.Finish, stopped = e.Stop, true
		case "metadata":
			a.Usage, a.Done = ConverseUsage(e.Usage), stopped
		}
	}
	return a
}

// ConverseUsage reads TokenUsage: cached tokens stand beside inputTokens.
func ConverseUsage(raw json.RawMessage) Usage {
	var o object
	if json.Unmarshal(raw, &o) != nil || o == nil {
		return Usage{}
	}
	in, hasIn := o.at("inputTokens")
	out, hasOut := o.at("outputTokens")
	u := Usage{Known: hasIn || hasOut, Input: in, Output: out}
	u.CacheRead = o.most(path("cacheReadInputTokens"), path("cacheReadInputTokenCount"))
	u.CacheWrite5m = o.most(path("cacheWriteInputTokens"), path("cacheWriteInputTokenCount"))
	return u
}

type cohereCall struct {
	ID       string `json:"id"`
	Function struct {
		Name string `json:"name"`
		Args string `json:"arguments"`
	} `json:"function"`
}

type cohereContent struct {
	Text     string `json:"text"`
	Thinking string `json:"thinking"`
}

func cohereWhole(body []byte) Answer {
	var a Answer
	var c struct {
		ID      string          `json:"id"`
		Message json.RawMessage `json:"message"`
		Finish  string          `json:"finish_reason"`
		Usage   json.RawMessage `json:"usage"`
	}
	if json.Unmarshal(body, &c) != nil {
		a.Error = "no JSON"
		return a
	}
	var m struct {
		Content []cohereContent `json:"content"`
		Plan    string          `json:"tool_plan"`
		Calls   []cohereCall    `json:"tool_calls"`
	}
	if json.Unmarshal(c.Message, &m) != nil {
		a.Error = text(c.Message)
		return a
	}
	a.ID, a.Finish, a.Usage, a.Done = c.ID, c.Finish, CohereUsage(c.Usage), true
	a.Reasoning = m.Plan
	for _, p := range m.Content {
		a.Text += p.Text
		a.Reasoning += p.Thinking
	}
	for _, t := range m.Calls {
		a.Tools = append(a.Tools, Tool{ID: t.ID, Name: t.Function.Name, Args: t.Function.Args})
	}
	return a
}

func cohereStream(body []byte) Answer {
	var a Answer
	for _, ev := range Events(body) {
		var e struct {
			ID    string `json:"id"`
			Type  string `json:"type"`
			Delta struct {
				Message struct {
					Content json.RawMessage `json:"content"`
					Plan    string          `json:"tool_plan"`
					Call    json.RawMessage `json:"tool_calls"`
				} `json:"message"`
				Finish string          `json:"finish_reason"`
				Usage  json.RawMessage `json:"usage"`
				Error  string          `json:"error"`
			} `json:"delta"`
		}
		if ev.Data == "" || json.Unmarshal([]byte(ev.Data), &e) != nil {
			continue
		}
		switch e.Type {
		case "message-start":
			a.ID = e.ID
		case "content-start", "content-delta":
			var c cohereContent
			_ = json.Unmarshal(e.Delta.Message.Content, &c)
			a.Text += c.Text
			a.Reasoning += c.Thinking
		case "tool-plan-delta":
			a.Reasoning += e.Delta.Message.Plan
		case "tool-call-start", "tool-call-delta":
			var c cohereCall
			_ = json.Unmarshal(e.Delta.Message.Call, &c)
			if e.Type == "tool-call-start" {
				a.Tools = append(a.Tools, Tool{ID: c.ID, Name: c.Function.Name})
			}
			if n := len(a.Tools); n > 0 {
				a.Tools[n-1].Args += c.Function.Args
			}
		case "message-end":
			a.Finish, a.Usage, a.Done = e.Delta.Finish, CohereUsage(e.Delta.Usage), true
			if a.Error = e.Delta.Error; a.Error != "" {
				a.Done = false
			}
		}
	}
	return a
}

// CohereUsage reads what was billed, which is less than what the model saw: cached tokens are of the latter. Where nothing says what
// was billed, what was seen counts.
func CohereUsage(raw json.RawMessage) Usage {
	var o object
	if json.Unmarshal(raw, &o) != nil || o == nil {
		return Usage{}
	}
	in, hasIn := o.at("billed_units", "input_tokens")
	out, hasOut := o.at("billed_units", "output_tokens")
	var cached int64
	if !hasIn && !hasOut {
		in, hasIn = o.at("tokens", "input_tokens")
		out, hasOut = o.at("tokens", "output_tokens")
		cached, _ = o.at("cached_tokens")
	}
	u := Usage{Known: hasIn || hasOut, Input: in, Output: out}
	thought, _ := o.at("tokens", "reasoning_tokens")
	u.Reasoning = min(thought, out)
	u.Output -= u.Reasoning
	u.CacheRead = min(cached, in)
	u.Input -= u.CacheRead
	u.InputImage = min(o.most(path("tokens", "image_tokens"), path("billed_units", "image_tokens")), u.Input)
	u.Input -= u.InputImage
	return u
}

type ollamaLine struct {
	Model   string `json:"model"`
	Message struct {
		Content  string `json:"content"`
		Thinking string `json:"thinking"`
		Calls    []struct {
			ID       string `json:"id"`
			Function struct {
				Name string          `json:"name"`
				Args json.RawMessage `json:"arguments"`
			} `json:"function"`
		} `json:"tool_calls"`
	} `json:"message"`
	Done   bool            `json:"done"`
	Reason string          `json:"done_reason"`
	Error  json.RawMessage `json:"error"`
}

func (a *Answer) ollama(line []byte) {
	var l ollamaLine
	if json.Unmarshal(line, &l) != nil {
		return
	}
	if present(l.Error) {
		a.Error = text(l.Error)
		return
	}
	a.Model = l.Model
	a.Text += l.Message.Content
	a.Reasoning += l.Message.Thinking
	for _, c := range l.Message.Calls {
		a.Tools = append(a.Tools, Tool{ID: c.ID, Name: c.Function.Name, Args: string(c.Function.Args)})
	}
	if l.Done {
		a.Done = true
		if a.Finish = l.Reason; a.Finish == "" {
			a.Finish = "stop"
		}
		var o object
		_ = json.Unmarshal(line, &o)
		in, hasIn := o.at("prompt_eval_count")
		out, hasOut := o.at("eval_count")
		a.Usage = Usage{Known: hasIn && hasOut, Input: in, Output: out} // one alone is no whole count
	}
}

func ollamaWhole(body []byte) Answer {
	var a Answer
	if !json.Valid(body) {
		a.Error = "no JSON"
		return a
	}
	a.ollama(body)
	return a
}

func ollamaStream(body []byte) Answer {
	var a Answer
	for line := range bytes.Lines(body) {
		a.ollama(bytes.TrimSpace(line))
	}
	return a
}
