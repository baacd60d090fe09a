package gemini

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/fault"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// envelope is how every dialect of this family tells failures.
type envelope struct{}

// AppendError writes Google's error object. Its ErrorInfo holds our code as the reason, and beside it the field, the call's id and
// the provider's own words.
func (envelope) AppendError(dst []byte, p provider.Problem) []byte {
	dst = append(dst, `{"error":`...)
	dst = appendProblem(dst, p)
	return append(dst, '}')
}

// AppendStreamError writes the error twice: bare, as Google does and the SDK for Go reads it, and as an event, which is the only
// form that the SDK for JavaScript finds wherever the network cuts the stream. Each client stops at the first that it understands.
func (e envelope) AppendStreamError(dst []byte, p provider.Problem) []byte {
	from := len(dst)
	dst = e.AppendError(dst, p)
	object := string(dst[from:])
	dst = append(dst, "\r\n\r\ndata: "...)
	dst = append(dst, object...)
	return append(dst, "\r\n\r\n"...)
}

func appendProblem(dst []byte, p provider.Problem) []byte {
	status := p.Status
	if status == 0 {
		status = http.StatusInternalServerError
		if p.Kind == fault.Invalid {
			status = http.StatusBadRequest
		}
	}
	dst = append(dst, `{"code":`...)
	dst = appendInt(dst, int64(status))
	dst = append(dst, `,"message":`...)
	dst = wire.AppendString(dst, p.Message)
	dst = append(dst, `,"status":"`...)
	dst = append(dst, statusWord(status)...)
	dst = append(dst, `","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":`...)
	dst = wire.AppendString(dst, p.Code)
	dst = append(dst, `,"domain":"tollgate","metadata":{`...)
	dst = appendMetadata(dst, p)
	return append(dst, "}}]}"...)
}

// appendMetadata writes members that are strings: Google's SDKs take nothing else there.
func appendMetadata(dst []byte, p provider.Problem) []byte {
	pairs := [...][2]string{{"call_id", p.CallID}, {"field", p.Field}, {}, {}, {}, {}, {}}
	if u := p.Provider; u != nil {
		status := ""
		if u.Status != 0 {
			status = strconv.Itoa(u.Status)
		}
		copy(pairs[2:], [][2]string{
			{"provider", u.Name}, {"provider_status", status}, {"provider_type", u.Type}, {"provider_code", u.Code}, {"provider_message", u.Message},
		})
	}
	first := true
	for _, pair := range pairs {
		if pair[1] == "" {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = wire.AppendString(dst, pair[0])
		dst = append(dst, ':')
		dst = wire.AppendString(dst, pair[1])
	}
	return dst
}

// statusWord is Google's word for an HTTP status.
func statusWord(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case http.StatusPaymentRequired:
		return "FAILED_PRECONDITION"
	case http.StatusForbidden:
		return "PERMISSION_DENIED"
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusConflict:
		return "ABORTED"
	case http.StatusTooManyRequests:
		return "RESOURCE_EXHAUSTED"
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return "DEADLINE_EXCEEDED"
	case http.StatusNotImplemented:
		return "UNIMPLEMENTED"
	case http.StatusBadGateway, http.StatusServiceUnavailable, 529:
		return "UNAVAILABLE"
	}
	if status >= 400 && status < 500 {
		return "INVALID_ARGUMENT"
	}
	return "INTERNAL"
}

// ParseRefusal classifies a non-2xx answer.
func (envelope) ParseRefusal(status int, h http.Header, body []byte) *provider.Refusal {
	r, more := readError(body)
	r.Status = status
	if r.Message == "" {
		r.Message = plainMessage(status, body)
	}
	r.Class = classify(status, r, more)
	r.RetryAfter = max(provider.RetryAfter(h), more.retry)
	r.Body = append([]byte(nil), body[:min(len(body), provider.RefusalBodyMax)]...)
	return r
}

// refusalIn reads an error inside a 200 answer: its status is its own code.
func refusalIn(body []byte) *provider.Refusal {
	r, more := readError(body)
	status := http.StatusInternalServerError
	if n, err := strconv.Atoi(more.code); err == nil && n >= 400 && n < 600 {
		status = n
	}
	if r.Message == "" {
		r.Message = "The provider gave no reason."
	}
	r.Class = classify(status, r, more)
	r.RetryAfter = more.retry
	r.Body = append([]byte(nil), body[:min(len(body), provider.RefusalBodyMax)]...)
	return r
}

// details are what an error says beside its message.
type details struct {
	code  string        // the number
	retry time.Duration // RetryInfo
	quota string        // the ids of the quotas that are used up
}

// readError reads {"error":{…}}, also in a list, as streams that are arrays have it.
func readError(body []byte) (*provider.Refusal, details) {
	r := &provider.Refusal{}
	var d details
	w := wire.Walk(body)
	for w.Next() {
		v := w.Value()
		if !w.IsObject() {
			if v[0] == '{' {
				return readError(v)
			}
			continue
		}
		switch {
		case string(w.Key) == "error" && v[0] == '{':
			readStatus(r, &d, v)
		case string(w.Key) == "error", string(w.Key) == "message":
			if s, ok := wire.String(v); ok && r.Message == "" {
				r.Message = s
			}
		}
	}
	return r, d
}

func readStatus(r *provider.Refusal, d *details, raw []byte) {
	w := wire.Walk(raw)
	for w.Next() {
		v := w.Value()
		switch string(w.Key) {
		case "message":
			r.Message, _ = wire.String(v)
		case "status":
			r.Type, _ = wire.String(v)
		case "code":
			if n, ok := wire.Int(v); ok {
				d.code = strconv.FormatInt(n, 10)
			}
		case "details":
			if v[0] == '[' {
				for list := wire.Walk(v); list.Next(); {
					if list.Value()[0] == '{' {
						readDetail(r, d, list.Value())
					}
				}
			}
		}
	}
}

func readDetail(r *provider.Refusal, d *details, raw []byte) {
	w := wire.Walk(raw)
	for w.Next() {
		v := w.Value()
		switch string(w.Key) {
		case "reason":
			r.Code, _ = wire.String(v)
		case "retryDelay":
			s, _ := wire.String(v)
			if wait, err := time.ParseDuration(s); err == nil && wait > 0 {
				d.retry = min(wait, 24*time.Hour)
			}
		case "violations":
			d.quota += string(v[:min(len(v), 4096)])
		}
	}
}

// classify tells apart what Google gives one status for. A quota by the minute passes, a quota by the day or of nothing does not; a
// key that is not valid is a 400 here.
func classify(status int, r *provider.Refusal, d details) provider.Class {
	text := strings.ToLower(r.Message)
	switch r.Code {
	case "API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED", "SERVICE_DISABLED", "CONSUMER_INVALID", "ACCESS_TOKEN_EXPIRED":
		return provider.ClassCredential
	case "BILLING_DISABLED":
		return provider.ClassQuota
	}
	switch {
	case r.Type == "RESOURCE_EXHAUSTED" || status == http.StatusTooManyRequests:
		if strings.Contains(d.quota, "PerDay") || contains(text, "limit: 0", "credits are depleted", "credit balance", "billing account") {
			return provider.ClassQuota
		}
		if d.retry > 0 || d.quota != "" {
			return provider.ClassRateLimited
		}
		return provider.Classify(status, "", "", r.Message)
	case status == http.StatusBadRequest && contains(text, "api key not valid", "api key not found", "api key expired", "location is not supported"):
		return provider.ClassCredential
	case status == http.StatusBadRequest && contains(text, "input token count", "request payload size exceeds"):
		return provider.ClassContext
	case r.Type == "UNAVAILABLE":
		return provider.ClassOverloaded
	case r.Type == "DEADLINE_EXCEEDED":
		return provider.ClassTimeout
	}
	return provider.Classify(status, r.Type, "", r.Message)
}

func contains(text string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// plainMessage is what a body that is no error object says: short plain text itself, never a page.
func plainMessage(status int, body []byte) string {
	text := strings.TrimSpace(string(body[:min(len(body), 500)]))
	if text == "" || strings.ContainsAny(text[:1], "<{[") {
		if s := http.StatusText(status); s != "" {
			return s
		}
		return "The provider gave no reason."
	}
	return text
}
