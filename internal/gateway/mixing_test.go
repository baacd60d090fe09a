package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// TestCallsNeverMixTheirBytes has many calls of many sizes at once share the pools of buffers: each provider request and each answer
// must hold its own call's text, whole, and nothing else.
func TestCallsNeverMixTheirBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", func(rw http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		_, rest, _ := strings.Cut(string(b), `"content":"`)
		text, _, _ := strings.Cut(rest, `"`)
		answering(http.StatusOK, strings.Replace(whole, "Hello.", text, 1))(rw, r)
	})
	w.start()
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for n := range 30 {
				text := strings.Repeat(fmt.Sprintf("<%d-%d>", worker, n), 1+(worker*31+n*977)%9000)
				a := w.chat(`{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"` + text + `"}]}`)
				if want := strings.Replace(whole, "Hello.", text, 1); a.status != http.StatusOK || a.body != want {
					t.Errorf("worker %d, call %d of %d bytes: status %d, %d bytes of answer, want %d", worker, n, len(text), a.status, len(a.body), len(want))
				}
			}
		})
	}
	wg.Wait()
}
