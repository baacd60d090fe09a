package openaichat

import (
	"fmt"
	"strings"
	"testing"

	"tollgate/internal/provider"
)

const ordinaryChunk = `data: {"id":"chatcmpl-BxQ1a2b3c4d5e6f7g8h9","object":"chat.completion.chunk","created":1755000000,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"abcdef"}` + "\n\n"

func BenchmarkTapOrdinaryChunk(b *testing.B) {
	tap := Dialect{}.NewTap(provider.Head{Stream: true})
	chunk := []byte(ordinaryChunk)
	tap.Feed(chunk)
	b.ReportAllocs()
	for b.Loop() {
		tap.Feed(chunk)
	}
}

func BenchmarkProbeAndSplice(b *testing.B) {
	for _, size := range []int{1 << 10, 200 << 10} {
		body := []byte(`{"model":"fast","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"` +
			strings.Repeat(`All work and no play makes a dull \"day\".\n`, size/44) + `"}],"stream":true,"temperature":0.2}`)
		b.Run(fmt.Sprintf("%dKB", size>>10), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				h, err := Dialect{}.Probe(body, provider.Line{})
				if err != nil {
					b.Fatal(err)
				}
				provider.ApplyEdits(body, Dialect{}.Edits(body, h, "gpt-4o-mini"))
			}
		})
	}
}
