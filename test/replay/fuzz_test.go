package replay

import (
	"bytes"
	"testing"
)

// Whatever comes over the wire, splitting it into events loses no byte, and reading it never fails.
func FuzzEvents(f *testing.F) {
	f.Add([]byte("event: a\ndata: {\"type\":\"message_start\"}\n\n: c\r\n\r\ndata: [DONE]"))
	f.Add([]byte("data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":-1}]}}]}\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var joined []byte
		for _, e := range Events(body) {
			joined = append(joined, e.Raw...)
		}
		if !bytes.Equal(joined, body) {
			t.Errorf("%q became %q", body, joined)
		}
		for _, dialect := range Chats() {
			for _, stream := range []bool{false, true} {
				Read(dialect, stream, body)
			}
		}
		for _, cut := range []Cutting{AtOnce, ByEvent, Odd} {
			if got := bytes.Join(Pieces(body, cut), nil); !bytes.Equal(got, body) {
				t.Errorf("cutting %q gives %q of %q", cut, got, body)
			}
		}
	})
}
