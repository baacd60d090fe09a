package experiment

import (
	"bytes"
	"encoding/json"
	"strings"
)

// saidMax bounds what is taken out of a body.
const saidMax = 16 << 10

// asked is what a request's body asks, in words: its last message of a person, or what takes a message's place. "" where nothing is found.
func asked(body []byte) string {
	var doc map[string]any
	if json.Unmarshal(body, &doc) != nil {
		return ""
	}
	for _, field := range []string{"messages", "contents", "input"} {
		list, ok := doc[field].([]any)
		if !ok {
			continue
		}
		for i := len(list) - 1; i >= 0; i-- {
			m, _ := list[i].(map[string]any)
			if role, _ := m["role"].(string); role != "" && role != "user" {
				continue
			}
			if s := words(list[i]); s != "" {
				return cutText(s)
			}
		}
	}
	return cutText(words(doc["input"]) + words(doc["prompt"]))
}

// answered is what an answer's body says, in words, whole or streamed, of any dialect. "" where nothing is found.
func answered(body []byte) string {
	var doc any
	if json.Unmarshal(body, &doc) == nil {
		return cutText(words(answer(doc)))
	}
	var b strings.Builder
	for line := range bytes.Lines(body) {
		data, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("data:"))
		var event map[string]any
		if !ok || json.Unmarshal(data, &event) != nil || b.Len() > saidMax {
			continue
		}
		if kind, _ := event["type"].(string); strings.HasSuffix(kind, ".done") || kind == "response.completed" {
			continue // says again what came in parts
		}
		b.WriteString(words(answer(event)))
	}
	return cutText(b.String())
}

// answer is the part of an answer, or of an event, in which its words are.
func answer(doc any) any {
	m, ok := doc.(map[string]any)
	if !ok {
		return doc
	}
	for _, field := range []string{"choices", "candidates", "output", "content", "delta", "message"} {
		if v, ok := m[field]; ok && v != nil {
			return v
		}
	}
	return nil
}

// words are the texts below a message, in order. Names of roles, tools and types are none.
func words(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var b strings.Builder
		for _, part := range v {
			b.WriteString(words(part))
		}
		return b.String()
	case map[string]any:
		for _, field := range []string{"message", "delta", "content", "parts", "text", "arguments", "input"} {
			if s := words(v[field]); s != "" {
				return s
			}
		}
		return words(v["tool_calls"]) + words(v["function"])
	}
	return ""
}

func cutText(s string) string {
	if len(s) <= saidMax {
		return s
	}
	return strings.ToValidUTF8(s[:saidMax], "") + "…"
}
