package openaichat

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// AppendProblem writes the object that stands under "error".
func AppendProblem(dst []byte, p provider.Problem) []byte {
	dst = append(dst, `{"message":`...)
	dst = wire.AppendString(dst, p.Message)
	dst = append(dst, `,"type":"`...)
	dst = append(dst, problemType(p)...)
	dst = append(dst, `","param":`...)
	dst = wire.AppendOptional(dst, p.Field)
	dst = append(dst, `,"code":`...)
	dst = wire.AppendOptional(dst, p.Code)
	dst = append(dst, `,"request_id":`...)
	dst = wire.AppendOptional(dst, p.CallID)
	dst = p.Provider.AppendMetadata(dst)
	return append(dst, '}')
}

// problemType is OpenAI's word for a failure. The status decides; where there is none the kind does.
func problemType(p provider.Problem) string {
	switch p.Status {
	case http.StatusUnauthorized:
		return "authentication_error"
	case http.StatusPaymentRequired:
		return "insufficient_quota"
	case http.StatusForbidden:
		return "permission_error"
	case http.StatusNotFound:
		return "not_found_error"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return "timeout_error"
	case http.StatusServiceUnavailable, 529:
		return "overloaded_error"
	case http.StatusBadGateway:
		return "upstream_error"
	}
	switch {
	case p.Status >= 400 && p.Status < 500:
		return "invalid_request_error"
	case p.Status == 0 && p.Kind == fault.Invalid:
		return "invalid_request_error"
	}
	return "server_error"
}

// Refusals reads OpenAI's errors, and those of the vendors that speak like it in their own ways. Targets of the family embed it.
type Refusals struct{}

// ParseRefusal classifies a non-2xx answer.
func (Refusals) ParseRefusal(status int, h http.Header, body []byte) *provider.Refusal {
	r := parseError(body)
	if r == nil {
		r = &provider.Refusal{}
	}
	r.Status = status
	if r.Message == "" {
		r.Message = plainMessage(status, h, body)
	}
	r.Class = provider.Classify(status, r.Type, r.Code, r.Message)
	r.RetryAfter = provider.RetryAfter(h)
	r.Body = append([]byte(nil), body[:min(len(body), provider.RefusalBodyMax)]...)
	return r
}

// plainMessage is what a body that is no JSON says: short plain text itself, never a page.
func plainMessage(status int, h http.Header, body []byte) string {
	text := strings.TrimSpace(string(body[:min(len(body), 500)]))
	if text == "" || strings.HasPrefix(text, "<") || strings.HasPrefix(text, "{") || strings.Contains(h.Get("Content-Type"), "html") {
		if s := http.StatusText(status); s != "" {
			return s
		}
		return "The provider gave no reason."
	}
	return text
}

// parseError reads an error body in any vendor's form: {"error":{…}}, {"error":"…"}, {"message":…}, {"detail":…}, a list
// around one of them. It is nil when there is none.
func parseError(body []byte) *provider.Refusal {
	w := wire.Walk(body)
	var r *provider.Refusal
	var plain provider.Refusal
	for w.Next() {
		if !w.IsObject() { // Google wraps its error in a list
			return parseError(w.Value())
		}
		switch string(w.Key) {
		case "error":
			if got := parseErrorValue(w.Value()); got != nil {
				r = got
			}
		case "message", "detail", "msg":
			if s, field := faults(w.Value()); s != "" {
				plain.Message, plain.Param = s, field
			} else if s := textOf(w.Value()); s != "" {
				plain.Message = s
			}
		case "type", "object":
			if plain.Type == "" {
				plain.Type = textOf(w.Value())
			}
		case "code":
			plain.Code = textOf(w.Value())
		case "param":
			if s := textOf(w.Value()); s != "" {
				plain.Param = s
			}
		}
	}
	if r == nil && plain.Message != "" {
		r = &plain
	}
	return r
}

// faults reads the list in which Mistral and other servers made with FastAPI tell what is wrong with a body, alone or under detail: a
// sentence for each, and the place of the first. It is "" for anything else.
func faults(raw []byte) (text, field string) {
	if raw[0] == '{' {
		var o struct {
			Detail json.RawMessage `json:"detail"`
		}
		if json.Unmarshal(raw, &o) != nil || !wire.Present(o.Detail) {
			return "", ""
		}
		raw = o.Detail
	}
	const most = 10
	var texts []string
	for _, f := range list[struct {
		Where []any  `json:"loc"`
		What  string `json:"msg"`
	}](raw) {
		var place []string
		for i, step := range f.Where {
			if i == 0 && step == "body" {
				continue
			}
			place = append(place, fmt.Sprint(step))
		}
		at := strings.Join(place, ".")
		if f.What == "" || len(texts) == most {
			continue
		}
		if field == "" {
			field = at
		}
		if at != "" {
			at += ": "
		}
		texts = append(texts, at+f.What)
	}
	return strings.Join(texts, "; "), field
}

// parseErrorValue reads what stands under "error"; nil for null, false and the empty.
func parseErrorValue(raw []byte) *provider.Refusal {
	switch raw[0] {
	case '"':
		s, _ := wire.String(raw)
		if s == "" {
			return nil
		}
		return &provider.Refusal{Message: s}
	case '{':
	default:
		return nil
	}
	r := &provider.Refusal{}
	w := wire.Walk(raw)
	members := 0
	for w.Next() {
		members++
		switch string(w.Key) {
		case "message":
			r.Message = textOf(w.Value())
		case "type":
			r.Type = textOf(w.Value())
		case "code":
			r.Code = textOf(w.Value())
		case "param":
			r.Param = textOf(w.Value())
		case "status": // Google's word: RESOURCE_EXHAUSTED
			if r.Type == "" && w.Value()[0] == '"' {
				r.Type = textOf(w.Value())
			}
		}
	}
	if members == 0 {
		return nil
	}
	return r
}

// textOf reads a string, or the digits of a number, or the raw text of what a vendor puts where a message belongs.
func textOf(raw []byte) string {
	if s, ok := wire.String(raw); ok {
		return s
	}
	if raw[0] == 'n' {
		return ""
	}
	return string(raw[:min(len(raw), 2000)])
}

// inStream completes an error met inside a 200 answer: its status is the numeric code, where there is one.
func inStream(r *provider.Refusal, raw []byte) *provider.Refusal {
	status := 0
	if n, ok := wire.Int([]byte(r.Code)); ok && n >= 400 && n < 600 {
		status = int(n)
	}
	r.Class = provider.Classify(status, r.Type, r.Code, r.Message)
	if status == 0 && r.Class == provider.ClassServer && strings.HasPrefix(r.Type, "invalid_request") {
		r.Class = provider.ClassInvalid
	}
	if r.Message == "" {
		r.Message = "The provider gave no reason."
	}
	r.Body = append([]byte(nil), raw[:min(len(raw), provider.RefusalBodyMax)]...)
	return r
}

// StreamRefusal reads an error met inside a 200 answer from raw, the whole event or body, in any vendor's form; nil when raw tells
// of none.
func StreamRefusal(raw []byte) *provider.Refusal {
	r := parseError(raw)
	if r == nil {
		return nil
	}
	return inStream(r, raw)
}
