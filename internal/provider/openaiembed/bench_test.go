package openaiembed_test

import (
	"strings"
	"testing"

	"tollgate/internal/provider/openaiembed"
)

func BenchmarkInspect(b *testing.B) {
	floats := "[" + strings.TrimSuffix(strings.Repeat("-0.012345678,", 3072), ",") + "]"
	packed := `"` + strings.Repeat("AAAA", 4096) + `"`
	for name, vector := range map[string]string{"floats": floats, "base64": packed} {
		item := `{"object":"embedding","index":0,"embedding":` + vector + `},`
		body := []byte(`{"object":"list","data":[` + strings.TrimSuffix(strings.Repeat(item, 100), ",") + `],"model":"m","usage":{"prompt_tokens":8,"total_tokens":8}}`)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if seen := (openaiembed.Dialect{}).Inspect(body); !seen.Ended {
					b.Fatal("not read")
				}
			}
		})
	}
}
