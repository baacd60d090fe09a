package bedrock_test

import (
	"testing"

	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
)

// How Amazon's vendor is asked, by what the client speaks and the model.
func TestTheVendorIsAskedInTheBestWay(t *testing.T) {
	t.Parallel()
	bedrock, ok := catalog.Vendor("bedrock")
	vertex, ok2 := catalog.Vendor("vertex")
	if !ok || !ok2 {
		t.Fatal("no such vendor")
	}
	for _, tt := range []struct {
		vendor provider.Vendor
		client provider.Name
		model  string
		want   provider.Name
	}{
		{bedrock, provider.AnthropicMessages, "us.anthropic.claude-opus-4-6-v1", provider.AnthropicBedrock},
		{bedrock, provider.AnthropicMessages, "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-6-v1", provider.AnthropicBedrock},
		{bedrock, provider.AnthropicMessages, "amazon.nova-lite-v1:0", provider.BedrockConverse},
		{bedrock, provider.OpenAIChat, "amazon.nova-lite-v1:0", provider.BedrockConverse},
		{bedrock, provider.AnthropicCount, "us.anthropic.claude-opus-4-6-v1", provider.BedrockCount},
		{bedrock, provider.OpenAIEmbeddings, "amazon.titan-embed-text-v2:0", provider.BedrockTitan},
		{bedrock, provider.OpenAIEmbeddings, "amazon.nova-2-multimodal-embeddings-v1:0", provider.BedrockTitan},
		{bedrock, provider.OpenAIEmbeddings, "us.cohere.embed-v4:0", provider.BedrockCohere},
		{vertex, provider.AnthropicMessages, "claude-opus-4-1@20250805", provider.AnthropicVertex},
		{vertex, provider.OpenAIChat, "claude-opus-4-1@20250805", provider.AnthropicVertex},
		{vertex, provider.AnthropicCount, "claude-opus-4-1@20250805", provider.AnthropicVertexCount},
	} {
		client, ok := catalog.Client(tt.client)
		if !ok {
			t.Fatalf("no client %s", tt.client)
		}
		_, d, ok := catalog.Choose(&tt.vendor, client, tt.model, false)
		if !ok || d.Name() != tt.want {
			t.Errorf("%s asks %s for %s: %v, want %s", tt.client, tt.vendor.ID, tt.model, d, tt.want)
		}
	}
}
