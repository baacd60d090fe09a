package provider_test

import (
	"net/http"
	"testing"
	"time"

	"tollgate/internal/provider"
)

func TestClassifyReadsTheProvidersWords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status             int
		typ, code, message string
		want               provider.Class
	}{
		{429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota", provider.ClassQuota},
		{429, "tokens", "rate_limit_exceeded", "Rate limit reached", provider.ClassRateLimited},
		{400, "invalid_request_error", "context_length_exceeded", "This model's maximum context length is 8192 tokens", provider.ClassContext},
		{400, "", "3", "Prompt contains 300000 tokens, too large for model with 32768 maximum context length", provider.ClassContext},
		{400, "invalid_request_error", "content_filter", "filtered", provider.ClassContent},
		{404, "invalid_request_error", "model_not_found", "The model `x` does not exist", provider.ClassNotFound},
		{400, "invalid_request_error", "", "Incorrect API key provided", provider.ClassCredential},
		{400, "invalid_request_error", "", "Unknown parameter: x", provider.ClassInvalid},
		{403, "", "403", "Your input was flagged by moderation", provider.ClassContent},
		{402, "", "402", "Insufficient credits", provider.ClassQuota},
		{498, "", "capacity_exceeded", "Flex tier is full", provider.ClassOverloaded},
		{524, "", "", "", provider.ClassTimeout},
		{418, "", "", "teapot", provider.ClassInvalid},
		{599, "", "", "", provider.ClassServer},
		{0, "", "", "Upstream error", provider.ClassServer},
	}
	for _, tt := range tests {
		if got := provider.Classify(tt.status, tt.typ, tt.code, tt.message); got != tt.want {
			t.Errorf("%d %s %s %q: %s, want %s", tt.status, tt.typ, tt.code, tt.message, got, tt.want)
		}
	}
}

func TestRetryAfterInAllItsForms(t *testing.T) {
	t.Parallel()
	tests := []struct {
		header http.Header
		want   time.Duration
	}{
		{http.Header{}, 0},
		{http.Header{"Retry-After": {"7"}}, 7 * time.Second},
		{http.Header{"Retry-After": {"0.5"}}, 500 * time.Millisecond},
		{http.Header{"Retry-After": {"7"}, "Retry-After-Ms": {"1500"}}, 1500 * time.Millisecond},
		{http.Header{"Retry-After": {"Wed, 01 Jan 2030 00:00:30 GMT"}, "Date": {"Wed, 01 Jan 2030 00:00:00 GMT"}}, 30 * time.Second},
		{http.Header{"Retry-After": {"Wed, 01 Jan 2030 00:00:30 GMT"}}, 0},
		{http.Header{"Retry-After": {"-5"}}, 0},
		{http.Header{"Retry-After": {"NaN"}}, 0},
		{http.Header{"Retry-After": {"soon"}}, 0},
		{http.Header{"Retry-After": {"1e300"}}, 24 * time.Hour},
	}
	for _, tt := range tests {
		if got := provider.RetryAfter(tt.header); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.header, got, tt.want)
		}
	}
}
