package playground

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/money"
)

// Answer is what became of a column's call.
type Answer struct {
	Call      id.Call // of the call log; zero: none was made
	Status    int     // HTTP status; 0: no call was made
	Text      string
	Reasoning string
	Tools     []ToolCall
	Finish    string // "stop", "length", "tool_calls", "content_filter"; "" where the answer broke off
	Provider  string
	Model     string // the provider's
	Prompt    string // "name@7", as the gateway says it; "": none
	Input     int64  // tokens
	Output    int64
	Cost      money.NanoUSD // -1: not known
	First     time.Duration // to the first of the answer; 0: nothing came
	Took      time.Duration
	Error     string // in words; "": it answered
	Code      string // stable code of the error
	Cut       bool   // the text was longer than is shown
}

// ToolCall is a tool that the model wants called.
type ToolCall struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// OK reports an answer without an error.
func (a *Answer) OK() bool { return a.Error == "" && a.Status == http.StatusOK }

// Refused reports that a budget did not let the call through.
func (a *Answer) Refused() bool { return a.Status == http.StatusPaymentRequired }

// What is kept of an answer.
const (
	answerMax = 1 << 20 // bytes of text, and of a body that is no stream
	toolsMax  = 64
	lineMax   = 4 << 20
)

// Piece is a part of an answer as it comes.
type Piece struct {
	Text      string `json:"text,omitempty"`
	Reasoning string `json:"reasoning,omitempty"`
}

// listener is the client of a call: it reads the answer, whole or streamed, in the form of OpenAI's chat completions.
type listener struct {
	now    func() time.Time
	begun  time.Time
	got    func(Piece)
	header http.Header
	out    Answer
	line   []byte // that is not whole yet
	body   []byte // of what is no stream
}

func newListener(now func() time.Time, got func(Piece)) *listener {
	if got == nil {
		got = func(Piece) {}
	}
	return &listener{now: now, begun: now(), got: got, header: http.Header{}, out: Answer{Cost: -1}}
}

// Header implements http.ResponseWriter.
func (l *listener) Header() http.Header { return l.header }

// WriteHeader implements http.ResponseWriter.
func (l *listener) WriteHeader(status int) {
	if l.out.Status == 0 {
		l.out.Status = status
	}
}

// Write implements http.ResponseWriter.
func (l *listener) Write(p []byte) (int, error) {
	l.WriteHeader(http.StatusOK)
	if !strings.HasPrefix(l.header.Get("Content-Type"), "text/event-stream") {
		l.body = append(l.body, p[:min(len(p), max(0, lineMax-len(l.body)))]...)
		return len(p), nil
	}
	l.line = append(l.line, p...)
	for {
		line, rest, whole := bytes.Cut(l.line, []byte("\n"))
		if !whole {
			break
		}
		if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			l.event(bytes.TrimSpace(data))
		}
		l.line = rest
	}
	if len(l.line) > lineMax {
		l.line = nil
	}
	return len(p), nil
}

// Flush implements http.Flusher.
func (l *listener) Flush() {}

// chunk is an answer, or a part of one.
type chunk struct {
	Choices []struct {
		Delta   said   `json:"delta"`
		Message said   `json:"message"`
		Finish  string `json:"finish_reason"`
	} `json:"choices"`
	Usage *struct {
		Input  int64       `json:"prompt_tokens"`
		Output int64       `json:"completion_tokens"`
		Cost   json.Number `json:"cost"`
	} `json:"usage"`
	Error *struct {
		Message string `json:"message"`
		Code    any    `json:"code"`
	} `json:"error"`
}

type said struct {
	Content   string `json:"content"`
	Reasoning string `json:"reasoning_content"`
	Refusal   string `json:"refusal"`
	Tools     []struct {
		Index    int `json:"index"`
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
}

func (l *listener) event(data []byte) {
	var c chunk
	if len(data) == 0 || data[0] != '{' || json.Unmarshal(data, &c) != nil {
		return // [DONE], a comment
	}
	l.take(&c)
}

func (l *listener) take(c *chunk) {
	if len(c.Choices) > 0 {
		one := &c.Choices[0]
		l.hear(&one.Delta)
		l.hear(&one.Message)
		if one.Finish != "" {
			l.out.Finish = one.Finish
		}
	}
	if u := c.Usage; u != nil {
		l.out.Input, l.out.Output = u.Input, u.Output
		if cost, err := money.ParseUSD(string(u.Cost)); err == nil {
			l.out.Cost = cost
		}
	}
	if c.Error != nil {
		l.out.Error = c.Error.Message
		if code, ok := c.Error.Code.(string); ok {
			l.out.Code = code
		}
	}
}

func (l *listener) hear(s *said) {
	if s.Content == "" && s.Reasoning == "" && s.Refusal == "" && len(s.Tools) == 0 {
		return
	}
	if l.out.First == 0 {
		l.out.First = l.now().Sub(l.begun)
	}
	text := s.Content + s.Refusal
	if len(l.out.Text)+len(l.out.Reasoning)+len(text)+len(s.Reasoning) > answerMax {
		l.out.Cut = true
	} else {
		l.out.Text += text
		l.out.Reasoning += s.Reasoning
		if text+s.Reasoning != "" {
			l.got(Piece{Text: text, Reasoning: s.Reasoning})
		}
	}
	for _, t := range s.Tools {
		for len(l.out.Tools) <= t.Index && len(l.out.Tools) < toolsMax {
			l.out.Tools = append(l.out.Tools, ToolCall{})
		}
		if t.Index < 0 || t.Index >= len(l.out.Tools) || len(l.out.Tools[t.Index].Arguments)+len(t.Function.Arguments) > documentMax {
			l.out.Cut = true
			continue
		}
		l.out.Tools[t.Index].Name += t.Function.Name
		l.out.Tools[t.Index].Arguments += t.Function.Arguments
	}
}

// end is the whole answer, once the call has ended.
func (l *listener) end() Answer {
	if len(l.body) > 0 {
		l.event(bytes.TrimSpace(l.body))
	}
	a := l.out
	a.Took = l.now().Sub(l.begun)
	a.Provider, a.Model, a.Prompt = l.header.Get("X-Tollgate-Provider"), l.header.Get("X-Tollgate-Model"), l.header.Get("X-Tollgate-Prompt")
	for _, name := range []string{"X-Tollgate-Cost-Usd", http.TrailerPrefix + "X-Tollgate-Cost-Usd"} {
		if v := l.header[name]; len(v) == 1 {
			if cost, err := money.ParseUSD(v[0]); err == nil {
				a.Cost = cost
			}
		}
	}
	if a.Error == "" && a.Status != http.StatusOK {
		a.Error = "The call was answered with status " + http.StatusText(a.Status) + "."
	}
	if a.Error == "" && a.Finish == "" {
		a.Error = "The answer broke off."
	}
	return a
}
