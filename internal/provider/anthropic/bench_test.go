package anthropic

import (
	"testing"

	"tollgate/internal/provider"
)

func BenchmarkTapOrdinaryChunk(b *testing.B) {
	tap := Dialect{}.NewTap(provider.Head{Stream: true})
	chunk := []byte("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\" some words of text\"}     }\n\n")
	b.ReportAllocs()
	for b.Loop() {
		tap.Feed(chunk)
	}
}
