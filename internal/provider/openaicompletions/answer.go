package openaicompletions

import (
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/wire"
)

// ParseResponse decodes a whole answer: its first choice.
func (Dialect) ParseResponse(body []byte) (chat.Response, error) {
	return openaichat.Dialect{}.ParseResponse(body)
}

// answerID gives an id in this API's form that still shows the provider's own.
func answerID(id string) string {
	for _, prefix := range [...]string{"msg_", "chatcmpl-", "resp_", "cmpl-"} {
		if rest, ok := strings.CutPrefix(id, prefix); ok {
			return "cmpl-" + rest
		}
	}
	if id == "" {
		return "cmpl-unknown"
	}
	return id
}

// finishWord is what clients of this API know: three words.
func finishWord(r chat.FinishReason) string {
	switch r {
	case chat.FinishLength, chat.FinishContext:
		return "length"
	case chat.FinishFilter, chat.FinishRefusal:
		return "content_filter"
	case chat.FinishStop, chat.FinishStopSeq, chat.FinishTools, chat.FinishPause, chat.FinishOther, chat.FinishNotGiven:
	}
	return "stop"
}

func appendHead(dst []byte, id, model string, created int64) []byte {
	dst = append(dst, `{"id":`...)
	dst = wire.AppendString(dst, answerID(id))
	dst = append(dst, `,"object":"text_completion","created":`...)
	dst = strconv.AppendInt(dst, created, 10)
	dst = append(dst, `,"model":`...)
	return wire.AppendString(dst, model)
}

func appendChoice(dst []byte, text, finish string) []byte {
	dst = append(dst, `,"choices":[{"text":`...)
	dst = wire.AppendString(dst, text)
	dst = append(dst, `,"index":0,"logprobs":null,"finish_reason":`...)
	dst = wire.AppendOptional(dst, finish)
	return append(dst, "}]"...)
}

// AppendResponse writes a whole answer. What is no text has no place here: a client of this API offers no tools.
func (Dialect) AppendResponse(dst []byte, r chat.Response) []byte {
	var text strings.Builder
	for _, p := range r.Parts {
		if p.Kind == chat.Text || p.Kind == chat.Refusal {
			text.WriteString(p.Text)
		}
	}
	dst = appendHead(dst, r.ID, r.Model, r.Created)
	dst = appendChoice(dst, text.String(), finishWord(r.Finish))
	if r.Usage.Source != chat.Unknown {
		dst = append(dst, `,"usage":`...)
		dst = openaichat.AppendUsage(dst, r.Usage.Units, r.Cost)
	}
	return append(dst, '}')
}

// NewWriter writes a streamed answer.
func (Dialect) NewWriter(includeUsage bool) provider.Writer { return &writer{usage: includeUsage} }

// writer makes a chunk of each piece of text, then the reason to finish, usage when asked for, and the end mark. A failure writes
// nothing: its event is AppendStreamError's, and no mark follows it.
type writer struct {
	usage bool
	head  []byte
	said  bool // the open block is text
}

func (w *writer) Append(dst []byte, e chat.Event) []byte {
	switch e.Kind {
	case chat.Start:
		w.head = appendHead([]byte("data: "), e.ID, e.Model, e.Created)
	case chat.BlockStart:
		w.said = e.Part.Kind == chat.Text || e.Part.Kind == chat.Refusal
	case chat.TextDelta:
		if w.said && e.Text != "" {
			return w.chunk(dst, e.Text, "")
		}
	case chat.Finish:
		return w.chunk(dst, "", finishWord(e.Reason))
	case chat.UsageEvent:
		if !w.usage {
			return dst
		}
		dst = append(dst, w.head...)
		dst = append(dst, `,"choices":[],"usage":`...)
		dst = openaichat.AppendUsage(dst, e.Usage.Units, e.Cost)
		return append(dst, "}\n\n"...)
	case chat.Ping:
		return append(dst, Dialect{}.Heartbeat()...)
	case chat.End:
		return append(dst, "data: [DONE]\n\n"...)
	case chat.ArgsDelta, chat.SignDelta, chat.ExtraDelta, chat.BlockStop, chat.Failure:
	}
	return dst
}

func (w *writer) chunk(dst []byte, text, finish string) []byte {
	dst = append(dst, w.head...)
	dst = appendChoice(dst, text, finish)
	return append(dst, "}\n\n"...)
}
