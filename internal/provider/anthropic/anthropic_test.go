package anthropic_test

import (
	"bytes"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/providertest"
)

func TestADeltaCostsNoAllocation(t *testing.T) { //nolint:paralleltest // counts allocations
	tap := anthropic.Dialect{}.NewTap(provider.Head{Stream: true})
	chunk := []byte("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hi\"}}\n\n")
	if n := testing.AllocsPerRun(100, func() { tap.Feed(chunk) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if seen := tap.Seen(); !seen.Started || seen.OutputBytes < 200 {
		t.Errorf("saw %+v", seen)
	}
}

func TestTheEndUserIsFoundInMetadata(t *testing.T) {
	t.Parallel()
	h, err := anthropic.Dialect{}.Probe([]byte(`{"model":"m","max_tokens":100.0,"metadata":{"user_id":"u-1","x":2}}`), provider.Line{})
	if err != nil || h.User != "u-1" || h.MaxTokens != 100 {
		t.Errorf("head = %+v, %v", h, err)
	}
}

func TestRefusalsInAnthropicsWords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status int
		body   string
		want   provider.Class
	}{
		{400, `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}`, provider.ClassContext},
		{400, `{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}`, provider.ClassQuota},
		{401, `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}`, provider.ClassCredential},
		{404, `{"type":"error","error":{"type":"not_found_error","message":"model: claude-9"}}`, provider.ClassNotFound},
		{413, `{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}`, provider.ClassContext},
		{429, `{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your rate limit"}}`, provider.ClassRateLimited},
		{500, `{"type":"error","error":{"type":"api_error","message":"Internal server error"}}`, provider.ClassServer},
		{529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, provider.ClassOverloaded},
	}
	for _, tt := range tests {
		if r := (anthropic.Dialect{}).ParseRefusal(tt.status, nil, []byte(tt.body)); r.Class != tt.want {
			t.Errorf("%d %s: %s, want %s", tt.status, r.Message, r.Class, tt.want)
		}
	}
}

// Whatever bytes come, reader and tap do not fall over, and the tap forwards nothing that did not come.
func FuzzStream(f *testing.F) {
	f.Add([]byte("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"usage\":{\"input_tokens\":1}}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"))
	f.Add([]byte("data: {\"type\":\"error\",\"error\":null}\n\n"))
	f.Add([]byte("data: {\"type\":\"message_start\",\"message\":{}}\n\ndata: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"tool_use\"}}\n\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		if events, err := providertest.Read(anthropic.Dialect{}.NewReader(), stream); err == nil {
			if last := events[len(events)-1].Kind; last != chat.End && last != chat.Failure {
				t.Fatalf("the last event is of kind %d", last)
			}
		}
		tap := anthropic.Dialect{}.NewTap(provider.Head{Stream: true})
		out := bytes.Clone(tap.Feed(stream))
		if !bytes.HasPrefix(stream, out) {
			t.Fatalf("%q came out of %q", out, stream)
		}
		tap.Close()
		anthropic.Dialect{}.ParseRefusal(500, nil, stream)
		anthropic.Dialect{}.Inspect(stream)
	})
}
