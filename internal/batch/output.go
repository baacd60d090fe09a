package batch

import (
	"encoding/json"
	"strings"
)

// outputLine is a line of a file of answers, as OpenAI writes it.
type outputLine struct {
	ID       string          `json:"id"`
	CustomID string          `json:"custom_id"`
	Response *outputResponse `json:"response"`
	Error    *outputError    `json:"error"`
}

type outputResponse struct {
	Status    int             `json:"status_code"`
	RequestID string          `json:"request_id"` // the id of the call in the log
	Body      json.RawMessage `json:"body"`
}

type outputError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// AppendOutput appends a line of the file of answers, or of the file of errors; good says which.
func AppendOutput(dst []byte, l *Line) (out []byte, good bool) {
	o := outputLine{ID: "batch_req_" + strings.TrimPrefix(l.Call.String(), "call_"), CustomID: l.CustomID}
	switch {
	case l.End.Status > 0:
		o.Response = &outputResponse{l.End.Status, l.Call.String(), body(l.End.Answer)}
	default:
		code, message := l.Trouble()
		o.Error = &outputError{code, message}
	}
	b, err := json.Marshal(o)
	if err != nil { // body has seen to it that it is JSON
		return dst, false
	}
	return append(append(dst, b...), '\n'), l.State == LineDone
}

// body is an answer as JSON: what is none is quoted.
func body(b []byte) json.RawMessage {
	if json.Valid(b) {
		return b
	}
	quoted, err := json.Marshal(string(b))
	if err != nil {
		return json.RawMessage("null")
	}
	return quoted
}

// Trouble is why a line has no answer.
func (l *Line) Trouble() (code, message string) {
	switch l.State {
	case LineExpired:
		return "batch_expired", "This request was not answered before the batch's window ended."
	case LineCancelled:
		return "batch_cancelled", "The batch was cancelled before this request was answered."
	case LineWaiting, LinePlanned, LineDone, LineFailed:
	}
	return l.End.Error, l.End.Message
}
