package sandbox

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"tollgate/internal/chat"
	"tollgate/internal/provider/wire"
)

// respond makes the answer to a call.
func respond(m model, r chat.Request) chat.Response {
	res := chat.Response{Model: m.name, Finish: chat.FinishStop}
	question, fromTool := lastWords(r)
	if m.thinks && (r.Reasoning == nil || !r.Reasoning.Disabled) {
		res.Parts = append(res.Parts, chat.Part{Kind: chat.Thinking, Text: "The user wrote " + strconv.Itoa(len(question)) + " bytes. I will say them back."})
	}
	if tool, ok := chosenTool(r, lastText(r), fromTool); ok {
		res.Parts = append(res.Parts, chat.Part{Kind: chat.ToolCall, ID: "call_sandbox_" + strconv.Itoa(len(r.Messages)), Name: tool.Name, Args: wire.Marshal(instance(tool.Schema))})
		res.Finish = chat.FinishTools
	} else {
		text, finish := limit(r, answerText(m, r, question, fromTool))
		res.Parts = append(res.Parts, chat.Part{Kind: chat.Text, Text: text})
		res.Finish = finish
	}
	res.Usage = chat.Usage{Units: count(r, res.Parts), Source: chat.Reported}
	return res
}

func answerText(m model, r chat.Request, question string, fromTool bool) string {
	if r.Format != nil {
		switch r.Format.Type {
		case "json_schema":
			return string(wire.Marshal(instance(r.Format.Schema)))
		case "json_object":
			return string(wire.Marshal(map[string]string{"answer": question}))
		}
	}
	text := "This is the Tollgate sandbox: no model was called and nothing was paid. You said: " + question
	if fromTool {
		text = "The tool answered: " + question
	}
	if m.wordy {
		text += fmt.Sprintf("\n\nThe conversation has %d messages, and %d tools are offered. Connect a provider to get real answers from the same URL with the same key.",
			len(r.Messages), len(r.Tools))
	}
	return text
}

// lastWords gives the text of the last turn, and whether it is a tool's answer.
func lastWords(r chat.Request) (text string, fromTool bool) {
	if len(r.Messages) == 0 {
		return "", false
	}
	for _, p := range r.Messages[len(r.Messages)-1].Parts {
		switch p.Kind {
		case chat.Text:
			text = join(text, p.Text)
		case chat.ToolResult:
			fromTool = true
			for _, inner := range p.Parts {
				text = join(text, inner.Text)
			}
		case chat.Image:
			text = join(text, "[image]")
		case chat.Document:
			text = join(text, "[document]")
		case chat.Audio:
			text = join(text, "[audio]")
		case chat.ToolCall, chat.Thinking, chat.Redacted, chat.Refusal, chat.Opaque:
		}
	}
	return text, fromTool
}

// lastText is the last text of the last turn. Agents put reminders before it that name all of their tools.
func lastText(r chat.Request) (text string) {
	if len(r.Messages) == 0 {
		return ""
	}
	for _, p := range r.Messages[len(r.Messages)-1].Parts {
		if p.Kind == chat.Text {
			text = p.Text
		}
	}
	return text
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " " + b
}

// chosenTool is the tool that the call forces, or that the question mentions: "get_weather" or "get weather".
func chosenTool(r chat.Request, question string, fromTool bool) (chat.Tool, bool) {
	question = strings.ToLower(question)
	for _, t := range r.Tools {
		switch r.Choice.Mode {
		case "none":
			return chat.Tool{}, false
		case "required":
			return t, true
		case "tool":
			if t.Name == r.Choice.Name {
				return t, true
			}
		default:
			name := strings.ToLower(t.Name)
			if !fromTool && name != "" && (strings.Contains(question, name) || strings.Contains(question, strings.ReplaceAll(name, "_", " "))) {
				return t, true
			}
		}
	}
	return chat.Tool{}, false
}

// limit keeps the output cap and the stop sequences.
func limit(r chat.Request, text string) (string, chat.FinishReason) {
	for _, stop := range r.Stop {
		if i := strings.Index(text, stop); i >= 0 && stop != "" {
			text = text[:i]
		}
	}
	if r.MaxTokens <= 0 || tokens(text) <= r.MaxTokens {
		return text, chat.FinishStop
	}
	end := int(r.MaxTokens) * 4
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end], chat.FinishLength
}

// tokens counts a token for every four bytes, a begun one included.
func tokens(text string) int64 { return int64(len(text)+3) / 4 }

const imageTokens = 85

func count(r chat.Request, answer []chat.Part) chat.Units {
	var u chat.Units
	u[chat.Input] = countParts(r.System)
	for _, m := range r.Messages {
		u[chat.Input] += countParts(m.Parts)
	}
	for _, t := range r.Tools {
		u[chat.Input] += tokens(t.Name) + tokens(t.Description) + tokens(string(t.Schema))
	}
	for _, p := range answer {
		if p.Kind == chat.Thinking {
			u[chat.Reasoning] += tokens(p.Text)
			continue
		}
		u[chat.Output] += countParts([]chat.Part{p})
	}
	return u
}

func countParts(parts []chat.Part) (n int64) {
	for _, p := range parts {
		n += tokens(p.Text) + tokens(string(p.Args)) + countParts(p.Parts)
		if p.Kind == chat.Image {
			n += imageTokens
		}
	}
	return n
}
