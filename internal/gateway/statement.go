package gateway

import (
	"strings"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/provider"
)

// statement is what an answer says: its text and its tool calls.
type statement struct {
	text    string
	calls   []chat.Part
	refused bool
}

func (s *statement) refusal() calllog.Signals {
	if s.refused {
		return calllog.Refusal
	}
	return 0
}

// hearing reads what the client got, in the client's own dialect, whole or as a stream; false when it cannot be read.
func hearing(client provider.Client, w *witness) (statement, bool) {
	target, ok := client.(provider.ChatTarget)
	if !ok {
		return statement{}, false
	}
	if w.stream {
		return hearStream(target.NewReader(), w.heard)
	}
	answer, err := target.ParseResponse(w.heard)
	if err != nil {
		return statement{}, false
	}
	var s statement
	var text strings.Builder
	for _, part := range answer.Parts {
		s.add(part, &text)
	}
	s.text = text.String()
	return s, true
}

func (s *statement) add(part chat.Part, text *strings.Builder) {
	switch part.Kind {
	case chat.Text:
		text.WriteString(part.Text)
	case chat.ToolCall:
		s.calls = append(s.calls, part)
	case chat.Refusal:
		s.refused = true
	case chat.Image, chat.Document, chat.Audio, chat.ToolResult, chat.Thinking, chat.Redacted, chat.Opaque: // not what is judged
	}
}

func hearStream(r provider.Reader, heard []byte) (statement, bool) {
	var s statement
	var text, args strings.Builder
	var block chat.PartKind
	failed := false
	take := func(e chat.Event) {
		switch e.Kind {
		case chat.BlockStart:
			block = e.Part.Kind
			if block == chat.ToolCall || block == chat.Refusal {
				s.add(e.Part, &text)
			}
			args.Reset()
		case chat.TextDelta:
			if block == chat.Text {
				text.WriteString(e.Text)
			}
		case chat.ArgsDelta:
			args.WriteString(e.Text)
		case chat.BlockStop:
			if block == chat.ToolCall && args.Len() > 0 {
				s.calls[len(s.calls)-1].Args = []byte(args.String())
			}
			block = 0
		case chat.Failure:
			failed = true
		case chat.Start, chat.SignDelta, chat.ExtraDelta, chat.Finish, chat.UsageEvent, chat.Ping, chat.End: // nothing that is judged
		}
	}
	err := r.Feed(heard, take)
	if err == nil {
		err = r.Close(take)
	}
	s.text = text.String()
	return s, err == nil && !failed
}
