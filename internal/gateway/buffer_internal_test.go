package gateway

import (
	"bytes"
	"testing"
)

// TestADeclaredLengthTakesNoMemory: room for a long body is made as it comes, not when it is promised.
func TestADeclaredLengthTakesNoMemory(t *testing.T) {
	t.Parallel()
	var pool buffers
	for _, length := range []int{1, 200 << 10, keepMax, keepMax + 1, 5 << 20} {
		b := pool.borrow(promised(int64(length)))
		if cap(b.b) > keepMax+largeStep {
			t.Errorf("a promise of %d bytes takes %d", length, cap(b.b))
		}
		if length <= keepMax-1 && cap(b.b) <= length {
			t.Errorf("%d bytes do not fit in %d: the buffer has to grow to see their end", length, cap(b.b))
		}
		body := bytes.Repeat([]byte("x"), length)
		if over, err := b.readAll(bytes.NewReader(body), 32<<20); over || err != nil || !bytes.Equal(b.b, body) {
			t.Errorf("%d bytes: read %d, over %v, %v", length, len(b.b), over, err)
		}
		if cap(b.b) > 2*length+keepMax {
			t.Errorf("%d bytes are held in %d", length, cap(b.b))
		}
		b.release()
	}
}
