package anthropic

import (
	"net/http"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// AppendError writes Anthropic's error envelope. The SDKs read error.type and error.message; code and param are ours.
func (Dialect) AppendError(dst []byte, p provider.Problem) []byte {
	dst = append(dst, `{"type":"error","error":{"type":"`...)
	dst = append(dst, problemType(p)...)
	dst = append(dst, `","message":`...)
	dst = wire.AppendString(dst, p.Message)
	if p.Code != "" {
		dst = append(dst, `,"code":`...)
		dst = wire.AppendString(dst, p.Code)
	}
	if p.Field != "" {
		dst = append(dst, `,"param":`...)
		dst = wire.AppendString(dst, p.Field)
	}
	dst = p.Provider.AppendMetadata(dst)
	dst = append(dst, `},"request_id":`...)
	dst = wire.AppendOptional(dst, p.CallID)
	return append(dst, '}')
}

// AppendStreamError writes the error event. No message_stop follows.
func (d Dialect) AppendStreamError(dst []byte, p provider.Problem) []byte {
	dst = append(dst, "event: error\ndata: "...)
	dst = d.AppendError(dst, p)
	return append(dst, "\n\n"...)
}

// problemType is Anthropic's word for a failure. The status decides; where there is none the kind does.
func problemType(p provider.Problem) string {
	switch p.Status {
	case http.StatusUnauthorized:
		return "authentication_error"
	case http.StatusPaymentRequired:
		return "billing_error"
	case http.StatusForbidden:
		return "permission_error"
	case http.StatusNotFound:
		return "not_found_error"
	case http.StatusRequestEntityTooLarge:
		return "request_too_large"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return "timeout_error"
	case http.StatusServiceUnavailable, 529:
		return "overloaded_error"
	}
	switch {
	case p.Status >= 400 && p.Status < 500:
		return "invalid_request_error"
	case p.Status == 0 && p.Kind == fault.Invalid:
		return "invalid_request_error"
	}
	return "api_error"
}

// ParseRefusal classifies a non-2xx answer.
func (Dialect) ParseRefusal(status int, h http.Header, body []byte) *provider.Refusal {
	r := &provider.Refusal{}
	w := wire.Walk(body)
	for w.Next() && w.IsObject() {
		switch string(w.Key) {
		case "error":
			readError(r, w.Value())
		case "message":
			if r.Message == "" {
				r.Message, _ = wire.String(w.Value())
			}
		}
	}
	r.Status = status
	if r.Message == "" {
		r.Message = plainMessage(status, body)
	}
	r.Class = provider.Classify(status, wordOf(r), r.Code, r.Message)
	r.RetryAfter = provider.RetryAfter(h)
	r.Body = append([]byte(nil), body[:min(len(body), provider.RefusalBodyMax)]...)
	return r
}

// wordOf leaves out the type that says no more than the status does.
func wordOf(r *provider.Refusal) string {
	if r.Type == "invalid_request_error" || r.Type == "api_error" {
		return ""
	}
	return r.Type
}

func readError(r *provider.Refusal, raw []byte) {
	if s, ok := wire.String(raw); ok {
		r.Message = s
		return
	}
	if raw[0] != '{' {
		return
	}
	w := wire.Walk(raw)
	for w.Next() {
		switch string(w.Key) {
		case "type":
			r.Type, _ = wire.String(w.Value())
		case "message":
			r.Message, _ = wire.String(w.Value())
		case "code":
			r.Code, _ = wire.String(w.Value())
		}
	}
}

func plainMessage(status int, body []byte) string {
	text := strings.TrimSpace(string(body[:min(len(body), 500)]))
	if text == "" || strings.HasPrefix(text, "<") || strings.HasPrefix(text, "{") {
		if s := http.StatusText(status); s != "" {
			return s
		}
		return "The provider gave no reason."
	}
	return text
}

// streamRefusal reads an `error` event, or an error in a 200 body. Its status is what the type has outside of streams.
func streamRefusal(data, raw []byte) *provider.Refusal {
	r := &provider.Refusal{}
	readError(r, raw)
	if r.Message == "" {
		r.Message = "The provider gave no reason."
	}
	r.Class = provider.Classify(typeStatus(r.Type), wordOf(r), r.Code, r.Message)
	r.Body = append([]byte(nil), data[:min(len(data), provider.RefusalBodyMax)]...)
	return r
}

func typeStatus(typ string) int {
	switch typ {
	case "invalid_request_error":
		return http.StatusBadRequest
	case "not_found_error":
		return http.StatusNotFound
	case "request_too_large":
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusInternalServerError
}
