package gemini

import "tollgate/internal/provider"

// Name is "gemini-array".
func (Array) Name() provider.Name { return provider.GeminiArray }

// Operation is chat.
func (Array) Operation() provider.Operation { return provider.Chat }

// StreamType is that of a whole answer.
func (Array) StreamType() string { return "application/json; charset=UTF-8" }

// Heartbeat is white space, which may stand between any two elements.
func (Array) Heartbeat() []byte { return []byte("\n") }

// AppendStreamError writes the error as the array's last element, and closes the array. Something stands before it always: a failure
// before the first element is no failure in a stream.
func (a Array) AppendStreamError(dst []byte, p provider.Problem) []byte {
	dst = append(dst, ",\r\n"...)
	dst = a.AppendError(dst, p)
	return append(dst, ']')
}
