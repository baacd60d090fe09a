package replay

import (
	"fmt"
	"strings"
)

func responsesUsageOf(u Usage) string {
	return fmt.Sprintf(`{"input_tokens":%d,"input_tokens_details":{"cached_tokens":%d},"output_tokens":%d,"output_tokens_details":{"reasoning_tokens":%d},"total_tokens":%d}`,
		u.InputTotal(), u.CacheRead, u.OutputTotal(), u.Reasoning, u.InputTotal()+u.OutputTotal())
}

func responsesAnswer(w answerWords, stream bool) []byte {
	item := func(status, content string) string {
		return fmt.Sprintf(`{"id":"msg_1","type":"message","status":%q,"role":"assistant","content":[%s]}`, status, content)
	}
	part := func(text string) string {
		return fmt.Sprintf(`{"type":"output_text","annotations":[],"logprobs":[],"text":%s}`, quoted(text))
	}
	object := func(status, output, usage string) string {
		return fmt.Sprintf(`{"id":%q,"object":"response","created_at":1700000000,"status":%q,"error":null,"incomplete_details":null,"instructions":null,`+
			`"metadata":{},"model":%s,"output":[%s],"parallel_tool_calls":true,"temperature":1,"tool_choice":"auto","tools":[],"top_p":1,"usage":%s}`,
			w.id, status, quoted(w.model), output, usage)
	}
	whole := object("completed", item("completed", part(w.text())), responsesUsageOf(w.usage))
	if !stream {
		return []byte(whole)
	}
	var b strings.Builder
	n := 0
	event := func(kind, rest string) {
		fmt.Fprintf(&b, "event: %s\ndata: {\"type\":%q,\"sequence_number\":%d,%s}\n\n", kind, kind, n, rest)
		n++
	}
	event("response.created", `"response":`+object("in_progress", "", "null"))
	event("response.output_item.added", `"output_index":0,"item":`+item("in_progress", ""))
	event("response.content_part.added", `"item_id":"msg_1","output_index":0,"content_index":0,"part":`+part(""))
	for _, word := range w.said {
		event("response.output_text.delta", `"item_id":"msg_1","output_index":0,"content_index":0,"logprobs":[],"delta":`+quoted(word))
	}
	event("response.output_text.done", `"item_id":"msg_1","output_index":0,"content_index":0,"logprobs":[],"text":`+quoted(w.text()))
	event("response.content_part.done", `"item_id":"msg_1","output_index":0,"content_index":0,"part":`+part(w.text()))
	event("response.output_item.done", `"output_index":0,"item":`+item("completed", part(w.text())))
	event("response.completed", `"response":`+whole)
	return []byte(b.String())
}

func geminiAnswer(w answerWords, stream bool) []byte {
	object := func(text, more string) string {
		return fmt.Sprintf(`{"candidates":[{"content":{"parts":[{"text":%s}],"role":"model"}%s,"modelVersion":%s,"responseId":%q}`, quoted(text), more, quoted(w.model), w.id)
	}
	usage := fmt.Sprintf(`,"usageMetadata":{"promptTokenCount":%d,"candidatesTokenCount":%d,"thoughtsTokenCount":%d,"cachedContentTokenCount":%d,"totalTokenCount":%d}`,
		w.usage.InputTotal(), w.usage.Output, w.usage.Reasoning, w.usage.CacheRead, w.usage.InputTotal()+w.usage.OutputTotal())
	end := `,"finishReason":"STOP","index":0}]` + usage
	if !stream {
		return []byte(object(w.text(), end))
	}
	var b strings.Builder
	for i, word := range w.said {
		more := `,"index":0}]` + usage
		if i == len(w.said)-1 {
			more = end
		}
		b.WriteString("data: " + object(word, more) + "\r\n\r\n")
	}
	return []byte(b.String())
}

func converseAnswer(w answerWords, stream bool) []byte {
	usage := fmt.Sprintf(`{"inputTokens":%d,"outputTokens":%d,"totalTokens":%d,"cacheReadInputTokens":%d}`,
		w.usage.Input, w.usage.OutputTotal(), w.usage.InputTotal()+w.usage.OutputTotal(), w.usage.CacheRead)
	if !stream {
		return fmt.Appendf(nil, `{"metrics":{"latencyMs":1},"output":{"message":{"content":[{"text":%s}],"role":"assistant"}},"stopReason":"end_turn","usage":%s}`, quoted(w.text()), usage)
	}
	var out []byte
	event := func(name, payload string) { out = append(out, AWSFrame("event", name, []byte(payload))...) }
	event("messageStart", `{"role":"assistant"}`)
	for _, word := range w.said {
		event("contentBlockDelta", fmt.Sprintf(`{"contentBlockIndex":0,"delta":{"text":%s}}`, quoted(word)))
	}
	event("contentBlockStop", `{"contentBlockIndex":0}`)
	event("messageStop", `{"stopReason":"end_turn"}`)
	event("metadata", `{"metrics":{"latencyMs":1},"usage":`+usage+`}`)
	return out
}

func cohereAnswer(w answerWords, stream bool) []byte {
	usage := fmt.Sprintf(`{"billed_units":{"input_tokens":%d,"output_tokens":%d},"tokens":{"input_tokens":%d,"output_tokens":%d},"cached_tokens":%d}`,
		w.usage.InputTotal(), w.usage.OutputTotal(), w.usage.InputTotal(), w.usage.OutputTotal(), w.usage.CacheRead)
	if !stream {
		return fmt.Appendf(nil, `{"id":%q,"message":{"role":"assistant","content":[{"type":"text","text":%s}]},"finish_reason":"COMPLETE","usage":%s}`, w.id, quoted(w.text()), usage)
	}
	var b strings.Builder
	event := func(kind, rest string) { fmt.Fprintf(&b, "event: %s\ndata: {%s\"type\":%q}\n\n", kind, rest, kind) }
	event("message-start", fmt.Sprintf(`"id":%q,"delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}},`, w.id))
	event("content-start", `"index":0,"delta":{"message":{"content":{"type":"text","text":""}}},`)
	for _, word := range w.said {
		event("content-delta", fmt.Sprintf(`"index":0,"delta":{"message":{"content":{"text":%s}}},`, quoted(word)))
	}
	event("content-end", `"index":0,`)
	event("message-end", fmt.Sprintf(`"delta":{"finish_reason":"COMPLETE","usage":%s},`, usage))
	b.WriteString("data: [DONE]\n\n")
	return []byte(b.String())
}

func ollamaAnswer(w answerWords, stream bool) []byte {
	line := func(text, rest string) string {
		return fmt.Sprintf(`{"model":%s,"created_at":"2024-11-30T03:33:54.119582Z","message":{"role":"assistant","content":%s}%s}`+"\n", quoted(w.model), quoted(text), rest)
	}
	end := fmt.Sprintf(`,"done_reason":"stop","done":true,"total_duration":1,"prompt_eval_count":%d,"eval_count":%d`, w.usage.InputTotal(), w.usage.OutputTotal())
	if !stream {
		return []byte(line(w.text(), end))
	}
	var b strings.Builder
	for _, word := range w.said {
		b.WriteString(line(word, `,"done":false`))
	}
	b.WriteString(line("", end))
	return []byte(b.String())
}
