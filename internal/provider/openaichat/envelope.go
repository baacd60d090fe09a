package openaichat

import (
	"tollgate/internal/provider"
)

// Envelope is how OpenAI's clients are told of failures and kept waiting. The clients' ends of all OpenAI dialects embed it.
type Envelope struct{}

// AppendError writes OpenAI's error envelope.
func (Envelope) AppendError(dst []byte, p provider.Problem) []byte {
	dst = append(dst, `{"error":`...)
	dst = AppendProblem(dst, p)
	return append(dst, '}')
}

// AppendStreamError writes the error as a data event. No [DONE] follows: the answer is not whole.
func (e Envelope) AppendStreamError(dst []byte, p provider.Problem) []byte {
	dst = append(dst, "data: "...)
	dst = e.AppendError(dst, p)
	return append(dst, "\n\n"...)
}

// Heartbeat is a comment with a single newline: some SDKs take a comment with a blank line for an empty event.
func (Envelope) Heartbeat() []byte { return []byte(": keep-alive\n") }

// StreamType is that of server-sent events.
func (Envelope) StreamType() string { return provider.EventStreamType }
