package bedrock

import (
	"encoding/json"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/aws"
	"tollgate/internal/provider/wire"
)

// answer is a whole answer. It has no id and does not name its model.
type answer struct {
	Output struct {
		Message *struct {
			Content []contentBlock `json:"content"`
		} `json:"message"`
	} `json:"output"`
	StopReason string          `json:"stopReason"`
	Usage      json.RawMessage `json:"usage"`
	Fields     json.RawMessage `json:"additionalModelResponseFields"`
	Trace      json.RawMessage `json:"trace"`
	Tier       typed           `json:"serviceTier"`
	Message    string          `json:"message"` // of an error
}

// contentBlock is a block of an answer: one of its members is set.
type contentBlock struct {
	Text      *string        `json:"text"`
	ToolUse   *toolUse       `json:"toolUse"`
	Reasoning *reasoning     `json:"reasoningContent"`
	Citations *citationsText `json:"citationsContent"`
	Image     *struct {
		Format string `json:"format"`
		Source struct {
			Bytes string `json:"bytes"`
		} `json:"source"`
	} `json:"image"`
}

type toolUse struct {
	ID    string          `json:"toolUseId"`
	Name  string          `json:"name"`
	Input json.RawMessage `json:"input"`
	Type  string          `json:"type"`
}

type reasoning struct {
	Text *struct {
		Text      string `json:"text"`
		Signature string `json:"signature"`
	} `json:"reasoningText"`
	Redacted string `json:"redactedContent"`
}

type citationsText struct {
	Content   []piece    `json:"content"`
	Citations []citation `json:"citations"`
}

// ParseResponse decodes a whole answer. What the provider's own tools did is left out: no client could read it.
func (Converse) ParseResponse(body []byte) (chat.Response, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return chat.Response{}, provider.ErrBadAnswer.Because(err)
	}
	if a.Output.Message == nil {
		if a.Message != "" {
			r := aws.ParseRefusal(0, nil, body)
			r.Class = provider.ClassServer
			return chat.Response{}, r
		}
		return chat.Response{}, provider.ErrBadAnswer
	}
	out := chat.Response{
		Model: routedTo(a.Trace), Finish: finish(a.StopReason), StopSequence: stopSequence(a.Fields),
		Usage: readUsage(a.Usage), ServiceTier: a.Tier.Type,
	}
	for _, block := range a.Output.Message.Content {
		out.Parts = block.appendTo(out.Parts)
	}
	if out.Finish == chat.FinishNotGiven {
		out.Finish = chat.FinishStop
	}
	if wire.Present(a.Trace) {
		out.Extra = map[string]json.RawMessage{string(provider.BedrockConverse): a.Trace}
	}
	return out, nil
}

// routedTo is the model that a prompt router chose; "" when there was none.
func routedTo(trace json.RawMessage) string {
	var t struct {
		Router struct {
			Model string `json:"invokedModelId"`
		} `json:"promptRouter"`
	}
	if len(trace) == 0 || json.Unmarshal(trace, &t) != nil {
		return ""
	}
	return t.Router.Model
}

// appendTo adds the block's part. Sources that stand in a block of their own belong to the text before them.
func (c contentBlock) appendTo(parts []chat.Part) []chat.Part {
	switch {
	case c.Text != nil:
		return append(parts, chat.Part{Kind: chat.Text, Text: *c.Text})
	case c.ToolUse != nil && c.ToolUse.Type == "":
		args := c.ToolUse.Input
		if !wire.Present(args) {
			args = json.RawMessage("{}")
		}
		return append(parts, chat.Part{Kind: chat.ToolCall, ID: c.ToolUse.ID, Name: c.ToolUse.Name, Args: args})
	case c.Reasoning != nil && c.Reasoning.Text != nil:
		return append(parts, chat.Part{Kind: chat.Thinking, Text: c.Reasoning.Text.Text, Signature: c.Reasoning.Text.Signature})
	case c.Reasoning != nil && c.Reasoning.Redacted != "":
		return append(parts, chat.Part{Kind: chat.Redacted, Data: fromBlob(c.Reasoning.Redacted)})
	case c.Image != nil && c.Image.Source.Bytes != "":
		return append(parts, chat.Part{Kind: chat.Image, MediaType: "image/" + c.Image.Format, Data: c.Image.Source.Bytes})
	case c.Citations != nil:
		text, n := textOf(c.Citations.Content), len(parts)
		if text != "" || n == 0 || parts[n-1].Kind != chat.Text {
			parts, n = append(parts, chat.Part{Kind: chat.Text, Text: text}), n+1
		}
		parts[n-1].Extra = addCitations(parts[n-1].Extra, c.Citations.Citations)
	}
	return parts
}
