package replay

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// usageOf gives a call a usage of its own, so that sums show a call that is missing or counted twice.
func usageOf(n int) Usage {
	return Usage{Known: true, Input: 900 + int64(n%97), CacheRead: int64(n%5) * 64, Output: 40 + int64(n%11)}
}

// generate makes a good answer with a unique id and a usage that the ledger books.
func generate(t Turn, call *Call, model string, stream, asked bool, started time.Time) (Turn, string) {
	u := t.Usage
	if !u.Known {
		u = usageOf(call.N)
	}
	words := t.Words
	if words == 0 {
		words = 8
	}
	said := make([]string, words)
	for i := range said {
		said[i] = fmt.Sprintf("word%d ", i+1)
	}
	id := fmt.Sprintf("%x-%06d", started.UnixMilli(), call.N)
	if t.Cutting == AtOnce && stream {
		t.Cutting = ByEvent
	}
	id, t.Body = speak(call.Dialect, stream, answerWords{id, model, said, u, asked})
	t.Usage = u
	return t, id
}

// answerWords is what an answer says.
type answerWords struct {
	id, model string
	said      []string
	usage     Usage
	asked     bool // usage in the stream
}

func (w answerWords) text() string { return strings.Join(w.said, "") }

// speak says it in a dialect. Dialects without an answer of words get the smallest that is one.
func speak(dialect string, stream bool, w answerWords) (id string, body []byte) {
	switch Wire(dialect) {
	case Anthropic:
		w.id = "msg_" + w.id
		if !stream {
			return w.id, fmt.Appendf(nil, `{"id":%q,"type":"message","role":"assistant","model":%s,"content":[{"type":"text","text":%s}],`+
				`"stop_reason":"end_turn","stop_sequence":null,"usage":%s}`, w.id, quoted(w.model), quoted(w.text()), anthropicUsage(w.usage, w.usage.OutputTotal()))
		}
		body = anthropicEvents(w.id, w.model, w.said, w.usage)
		if dialect == Invoke {
			body = wrapInvoke(body)
		}
		return w.id, body
	case Responses:
		w.id = "resp_" + w.id
		return w.id, responsesAnswer(w, stream)
	case Gemini:
		return w.id, geminiAnswer(w, stream)
	case Converse:
		return "", converseAnswer(w, stream)
	case Cohere:
		return w.id, cohereAnswer(w, stream)
	case Ollama:
		return "", ollamaAnswer(w, stream)
	case OpenAI:
		w.id = "chatcmpl-" + w.id
		if stream {
			return w.id, openAIEvents(w.id, w.model, w.said, w.usage, w.asked)
		}
		return w.id, fmt.Appendf(nil, `{"id":%q,"object":"chat.completion","created":1700000000,"model":%s,"choices":[{"index":0,`+
			`"message":{"role":"assistant","content":%s,"refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":%s}`,
			w.id, quoted(w.model), quoted(w.text()), openAIUsage(w.usage))
	}
	return w.id, []byte(`{}`)
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func openAIUsage(u Usage) string {
	return fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,"prompt_tokens_details":{"cached_tokens":%d},`+
		`"completion_tokens_details":{"reasoning_tokens":%d}}`, u.InputTotal(), u.OutputTotal(), u.InputTotal()+u.OutputTotal(), u.CacheRead, u.Reasoning)
}

func anthropicUsage(u Usage, output int64) string {
	return fmt.Sprintf(`{"input_tokens":%d,"cache_creation_input_tokens":%d,"cache_read_input_tokens":%d,"cache_creation":`+
		`{"ephemeral_5m_input_tokens":%d,"ephemeral_1h_input_tokens":%d},"output_tokens":%d}`,
		u.Input, u.CacheWrite5m+u.CacheWrite1h, u.CacheRead, u.CacheWrite5m, u.CacheWrite1h, output)
}

func openAIEvents(id, model string, said []string, u Usage, asked bool) []byte {
	var b strings.Builder
	chunk := func(choices, more string) {
		fmt.Fprintf(&b, `data: {"id":%q,"object":"chat.completion.chunk","created":1700000000,"model":%s,"choices":%s%s}`+"\n\n", id, quoted(model), choices, more)
	}
	chunk(`[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]`, "")
	for _, w := range said {
		chunk(fmt.Sprintf(`[{"index":0,"delta":{"content":%s},"finish_reason":null}]`, quoted(w)), "")
	}
	chunk(`[{"index":0,"delta":{},"finish_reason":"stop"}]`, "")
	if asked {
		chunk(`[]`, `,"usage":`+openAIUsage(u))
	}
	b.WriteString("data: [DONE]\n\n")
	return []byte(b.String())
}

func anthropicEvents(id, model string, said []string, u Usage) []byte {
	var b strings.Builder
	event := func(name, data string) { fmt.Fprintf(&b, "event: %s\ndata: %s\n\n", name, data) }
	event("message_start", fmt.Sprintf(`{"type":"message_start","message":{"id":%q,"type":"message","role":"assistant","model":%s,"content":[],`+
		`"stop_reason":null,"stop_sequence":null,"usage":%s}}`, id, quoted(model), anthropicUsage(u, 1)))
	event("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`)
	event("ping", `{"type": "ping"}`)
	for _, w := range said {
		event("content_block_delta", fmt.Sprintf(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":%s}}`, quoted(w)))
	}
	event("content_block_stop", `{"type":"content_block_stop","index":0}`)
	event("message_delta", fmt.Sprintf(`{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":%s}`, anthropicUsage(u, u.OutputTotal())))
	event("message_stop", `{"type":"message_stop"}`)
	return []byte(b.String())
}

// Speak is the body of a small good answer of eight words.
func Speak(dialect string, stream bool) []byte {
	said := make([]string, 8)
	for i := range said {
		said[i] = fmt.Sprintf("word%d ", i+1)
	}
	_, body := speak(dialect, stream, answerWords{"1", "m", said, Usage{Known: true, Input: 900, Output: 40}, true})
	return body
}
