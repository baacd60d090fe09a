package aws

import (
	"bytes"
	"net/http"
	"strings"

	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// ParseRefusal classifies a non-2xx answer. The exception's name stands in a header, in some answers in the body.
func ParseRefusal(status int, h http.Header, body []byte) *provider.Refusal {
	r := read(body)
	r.Status = status
	if name, _, _ := strings.Cut(h.Get("X-Amzn-Errortype"), ":"); name != "" {
		r.Type = name
	}
	if r.Message == "" {
		r.Message = plain(status, body)
	}
	r.Class = classify(status, r)
	r.RetryAfter = provider.RetryAfter(h)
	return r.Refusal
}

// StreamRefusal is the failure that a frame tells.
func StreamRefusal(f Frame) *provider.Refusal {
	r := read(f.Payload)
	r.Type = f.Name
	if r.Message == "" {
		r.Message = f.Message
	}
	if r.Message == "" {
		r.Message = "The provider gave no reason."
	}
	r.Class = classify(http.StatusInternalServerError, r)
	return r.Refusal
}

// Broken is the refusal for a stream whose bytes cannot be read.
func Broken(err error) *provider.Refusal {
	return &provider.Refusal{Class: provider.ClassServer, Message: err.Error()}
}

// exception is a refusal with what only Amazon tells: the status that the model's own server gave.
type exception struct {
	*provider.Refusal
	original int
}

func read(body []byte) exception {
	r := exception{Refusal: &provider.Refusal{Body: bytes.Clone(body[:min(len(body), provider.RefusalBodyMax)])}}
	w := wire.Walk(body)
	for w.Next() && w.IsObject() {
		switch v := w.Value(); string(w.Key) {
		case "message", "Message", "originalMessage":
			if s, ok := wire.String(v); ok && (r.Message == "" || string(w.Key) == "originalMessage") {
				r.Message = s
			}
		case "__type":
			if s, ok := wire.String(v); ok {
				r.Type = s[strings.LastIndexByte(s, '#')+1:]
			}
		case "originalStatusCode":
			if n, ok := wire.Int(v); ok && n >= 400 && n < 600 {
				r.original = int(n)
			}
		}
	}
	return r
}

// classify goes by the exception's name; it starts with a small letter in streams.
func classify(status int, r exception) provider.Class {
	text := strings.ToLower(r.Message)
	switch strings.ToLower(r.Type) {
	case "throttlingexception", "toomanyrequestsexception":
		return provider.ClassRateLimited
	case "servicequotaexceededexception":
		return provider.ClassQuota
	case "modelnotreadyexception", "serviceunavailableexception":
		return provider.ClassOverloaded
	case "modeltimeoutexception":
		return provider.ClassTimeout
	case "internalserverexception", "internalfailure":
		return provider.ClassServer
	case "modelerrorexception", "modelstreamerrorexception":
		if r.original > 0 && r.original != http.StatusFailedDependency { // 424 is Amazon's own status for it
			return provider.Classify(r.original, "", "", r.Message)
		}
		return provider.ClassServer
	case "resourcenotfoundexception":
		return provider.ClassNotFound
	case "accessdeniedexception":
		if strings.Contains(text, "access to the model") || strings.Contains(text, "model access") {
			return provider.ClassNotFound // the account has not enabled it; the key is good
		}
		return provider.ClassCredential
	case "expiredtokenexception", "unrecognizedclientexception", "invalidsignatureexception", "missingauthenticationtokenexception",
		"incompletesignatureexception", "invalidclienttokenid", "signaturedoesnotmatch":
		return provider.ClassCredential
	case "validationexception":
		return invalid(text, r.Message)
	}
	if status == http.StatusBadRequest {
		return invalid(text, r.Message)
	}
	return provider.Classify(status, "", "", r.Message)
}

// invalid tells apart what Amazon calls a request that is not valid.
func invalid(text, message string) provider.Class {
	switch {
	case strings.Contains(text, "model identifier is invalid"), strings.Contains(text, "on-demand throughput isn"),
		strings.Contains(text, "end of its life"):
		return provider.ClassNotFound
	case strings.Contains(text, "input tokens exceeded"), strings.Contains(text, "exceeds maximum length"):
		return provider.ClassContext
	}
	return provider.Classify(http.StatusBadRequest, "", "", message)
}

func plain(status int, body []byte) string {
	text := strings.TrimSpace(string(body[:min(len(body), 500)]))
	if text == "" || strings.ContainsAny(text[:1], "<{[") || text == "null" {
		if s := http.StatusText(status); s != "" {
			return s
		}
		return "The provider gave no reason."
	}
	return text
}
