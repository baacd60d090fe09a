package provider

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RefusalBodyMax bounds what is read and kept of a provider's error body.
const RefusalBodyMax = 64 << 10

// Classify says what a provider's status and words mean. Words win over the status where providers use one status for several
// things: a 429 for an empty account, a 400 for a prompt that is too long, a 404 that is a malformed request.
func Classify(status int, typ, code, message string) Class {
	if c, ok := byWord(typ, code); ok {
		return c
	}
	text := strings.ToLower(message)
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return byText(text)
	case http.StatusUnauthorized:
		return ClassCredential
	case http.StatusPaymentRequired:
		return ClassQuota
	case http.StatusForbidden:
		if hasAny(text, "moderation", "content policy", "flagged", "safety") {
			return ClassContent
		}
		return ClassCredential
	case http.StatusNotFound:
		return ClassNotFound
	case http.StatusRequestTimeout, http.StatusGatewayTimeout, 524, 522:
		return ClassTimeout
	case http.StatusTooManyRequests:
		if hasAny(text, "exceeded your current quota", "insufficient", "billing", "credit balance") {
			return ClassQuota
		}
		return ClassRateLimited
	case http.StatusServiceUnavailable, 498, 529: // 498: Groq's flex tier is full
		return ClassOverloaded
	}
	if status >= 400 && status < 500 {
		return byText(text)
	}
	return ClassServer
}

// byWord reads the machine-readable words of all vendors; they do not contradict each other.
func byWord(typ, code string) (Class, bool) {
	for _, word := range [...]string{code, typ} {
		switch strings.ToLower(word) {
		case "context_length_exceeded", "too_many_prompt_tokens", "string_above_max_length", "request_too_large":
			return ClassContext, true
		case "insufficient_quota", "billing_error", "billing_not_active", "billing_hard_limit_reached", "insufficient_credits",
			"insufficient_balance", "insufficient_user_quota", "quota_exceeded", "exceeded_current_quota_error":
			return ClassQuota, true
		case "content_filter", "content_policy_violation", "content_policy", "responsibleaipolicyviolation", "data_inspection_failed",
			"moderation_blocked", "cyber_policy_violation":
			return ClassContent, true
		case "model_not_found", "deploymentnotfound", "model_not_available", "unknown_model", "invalid_model":
			return ClassNotFound, true
		case "authentication_error", "invalid_api_key", "permission_error", "permission_denied", "unauthenticated", "invalid_authentication_error",
			"incorrect_api_key":
			return ClassCredential, true
		case "rate_limit_error", "rate_limit_exceeded", "rate_limited", "rate_limit_reached_error", "too_many_requests", "tokens", "requests":
			return ClassRateLimited, true
		case "overloaded_error", "overloaded", "engine_overloaded_error", "capacity_exceeded", "service_unavailable", "service_unavailable_error":
			return ClassOverloaded, true
		case "timeout_error", "timeout":
			return ClassTimeout, true
		}
	}
	return 0, false
}

// byText tells the 4xx apart that have no word of their own.
func byText(text string) Class {
	switch {
	case hasAny(text, "context length", "context window", "maximum context", "prompt is too long", "too many tokens", "input is too long",
		"maximum prompt length", "exceeds the maximum number of tokens", "reduce the length"):
		return ClassContext
	case hasAny(text, "credit balance is too low", "insufficient balance", "insufficient credits"):
		return ClassQuota
	case hasAny(text, "api key not valid", "incorrect api key", "invalid api key"):
		return ClassCredential
	case hasAny(text, "content management policy", "content policy", "content filter"):
		return ClassContent
	case hasAny(text, "model not found", "model does not exist", "unknown model", "invalid model", "no such model", "not a valid model"):
		return ClassNotFound
	}
	return ClassInvalid
}

func hasAny(text string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// retryAfterMax bounds what a provider may ask for: more is a mistake or a quota, not a pause.
const retryAfterMax = 24 * time.Hour

// RetryAfter reads how long the provider asks to wait; 0 when it does not say. A date is taken against the answer's own Date.
func RetryAfter(h http.Header) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		return bounded(ms / 1000)
	}
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseFloat(v, 64); err == nil {
		return bounded(s)
	}
	until, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return bounded(until.Sub(now).Seconds())
}

func bounded(seconds float64) time.Duration {
	if !(seconds > 0) { // also not a number
		return 0
	}
	if seconds > retryAfterMax.Seconds() {
		return retryAfterMax
	}
	return time.Duration(seconds * float64(time.Second))
}
