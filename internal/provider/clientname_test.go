package provider_test

import (
	"errors"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
)

func TestARefusalNamesTheFieldAsTheClientWroteIt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		client provider.Name
		field  string
		want   string
	}{
		{provider.Gemini, "top_k", "generationConfig.topK"},
		{provider.GeminiArray, "stop", "generationConfig.stopSequences"},
		{provider.AnthropicMessages, "parallel_tool_calls", "tool_choice.disable_parallel_tool_use"},
		{provider.OpenAIResponses, "response_format", "text.format"},
		{provider.OpenAIChat, "response_format", "response_format"},
		{provider.Gemini, "contents.0.parts.1", "contents.0.parts.1"},
	} {
		err := provider.Unsupported(chat.Request{Dialect: string(tt.client)}, tt.field)
		var f *fault.Error
		if !errors.As(err, &f) || f.Field != tt.want {
			t.Errorf("%s, %s: %+v, want %s", tt.client, tt.field, f, tt.want)
		}
		var dropped []string
		lossy := chat.Request{Dialect: string(tt.client), Encoding: chat.Encoding{DropUnsupported: true, Dropped: &dropped}}
		if err := provider.Unsupported(lossy, tt.field); err != nil || len(dropped) != 1 || dropped[0] != tt.want {
			t.Errorf("%s, %s: %v, dropped %v", tt.client, tt.field, err, dropped)
		}
	}
}
