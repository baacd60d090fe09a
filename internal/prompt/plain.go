package prompt

import "tollgate/internal/prompt/template"

// PlainMessage is one message of a prompt without logic, or the place of messages that the application sends.
type PlainMessage struct {
	Role        string           // empty for the text of a text prompt
	Pieces      []template.Piece // text and holes
	Placeholder string           // Role and Pieces are then empty
}

// Plain is the version for template engines that do no more than put values into text: those of foreign SDKs. reason says what else the
// version does; then there are no messages.
func (c *Compiled) Plain() (messages []PlainMessage, reason string) {
	for i := range c.messages {
		m := &c.messages[i]
		if m.placeholder != "" {
			messages = append(messages, PlainMessage{Placeholder: m.placeholder})
			continue
		}
		pieces, reason := m.text.Plain()
		if reason != "" {
			return nil, reason
		}
		messages = append(messages, PlainMessage{Role: m.role, Pieces: pieces})
	}
	return messages, ""
}
