package replay

import (
	"encoding/json"
	"fmt"
	"strings"
)

// ErrorBody is a dialect's error envelope.
func ErrorBody(dialect, kind, message string) []byte {
	text, _ := json.Marshal(message)
	switch {
	case Wire(dialect) == Anthropic && dialect != Invoke, dialect == CountAnthropic:
		return fmt.Appendf(nil, `{"type":"error","error":{"type":%q,"message":%s},"request_id":"req_replay"}`, kind, text)
	case strings.HasPrefix(dialect, "gemini"):
		return fmt.Appendf(nil, `{"error":{"code":503,"message":%s,"status":"UNAVAILABLE"}}`, text)
	case dialect == Converse, dialect == Invoke, dialect == CountBedrock, dialect == TitanEmbed:
		return fmt.Appendf(nil, `{"message":%s}`, text)
	case strings.HasPrefix(dialect, "cohere"):
		return fmt.Appendf(nil, `{"id":"replay","message":%s}`, text)
	case dialect == Ollama:
		return fmt.Appendf(nil, `{"error":%s}`, text)
	}
	return fmt.Appendf(nil, `{"error":{"message":%s,"type":%q,"param":null,"code":null}}`, text, kind)
}

// StreamError is what a provider sends when it gives up in mid-stream.
func StreamError(dialect string) string {
	switch dialect {
	case Anthropic, Vertex:
		return "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n"
	case Responses:
		return "event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"The server had an error while processing your request.\",\"param\":null,\"sequence_number\":9}\n\n"
	case Gemini:
		return "data: {\"error\":{\"code\":503,\"message\":\"The model is overloaded. Please try again later.\",\"status\":\"UNAVAILABLE\"}}\r\n\r\n"
	case Converse, Invoke:
		return string(AWSFrame("exception", "modelStreamErrorException", []byte(`{"message":"The model is overloaded.","originalStatusCode":424}`)))
	case Cohere:
		return "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"ERROR\",\"error\":\"The server had an error while generating.\"}}\n\n"
	case Ollama:
		return "{\"error\":\"an error was encountered while running the model\"}\n"
	}
	return "data: {\"error\":{\"message\":\"The server had an error while processing your request.\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n"
}
