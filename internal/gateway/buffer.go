package gateway

import (
	"io"
	"slices"
	"sync"
)

// buffer is a borrowed byte slice. A nil buffer may be released.
type buffer struct {
	b    []byte
	from *buffers
}

// release ends the borrowing; the bytes must not be used afterwards.
func (b *buffer) release() {
	if b != nil {
		b.from.giveBack(b)
	}
}

// keepMax is the largest buffer that goes back to the pool; larger ones are rare and would be hoarded.
const keepMax = 1 << 20

// buffers lends byte slices of about the size asked for, in two pools, so that a small call never holds a large slice.
type buffers struct{ stream, small, large sync.Pool }

// The sizes: of a read from a stream, which is held as long as the stream is open and so weighs, and of most bodies.
const (
	streamBuffer = 2 << 10
	smallBuffer  = 8 << 10
	largeStep    = 16 << 10
)

// chunk is a buffer for reading a stream.
func (p *buffers) chunk() *buffer {
	if b, ok := p.stream.Get().(*buffer); ok {
		return b
	}
	return &buffer{b: make([]byte, 0, streamBuffer), from: p}
}

func (p *buffers) borrow(size int) *buffer {
	pool := &p.small
	if size > smallBuffer {
		pool = &p.large
	}
	if b, ok := pool.Get().(*buffer); ok {
		if cap(b.b) >= size {
			return b
		}
		pool.Put(b) // left for a smaller body
	}
	if size > smallBuffer { // in steps, so that a body and its spliced copy, a few bytes longer, fit in each other's buffers
		size = (size + largeStep - 1) / largeStep * largeStep
	}
	return &buffer{b: make([]byte, 0, max(size, smallBuffer)), from: p}
}

func (p *buffers) giveBack(b *buffer) {
	switch {
	case cap(b.b) > keepMax:
	case cap(b.b) > smallBuffer:
		b.b = b.b[:0]
		p.large.Put(b)
	case cap(b.b) <= streamBuffer:
		b.b = b.b[:0]
		p.stream.Put(b)
	default:
		b.b = b.b[:0]
		p.small.Put(b)
	}
}

// promised is the room for a body of a declared length: all of it and one more, to see the end without growing. A long one gets the
// rest when it has come so far, because to declare a length costs nothing, and a few hundred who do would take all memory.
func promised(length int64) int { return int(min(length, keepMax-1)) + 1 }

// readAll reads r to its end into b, at most limit bytes; over reports that there was more.
func (b *buffer) readAll(r io.Reader, limit int64) (over bool, err error) {
	for {
		if int64(len(b.b)) > limit {
			return true, nil
		}
		if len(b.b) == cap(b.b) {
			b.b = slices.Grow(b.b, max(len(b.b), 1)) // double, so that a long body is copied once on average
		}
		room := b.b[len(b.b):cap(b.b)]
		if rest := limit + 1 - int64(len(b.b)); int64(len(room)) > rest {
			room = room[:rest]
		}
		n, err := r.Read(room)
		b.b = b.b[:len(b.b)+n]
		if err == io.EOF {
			return int64(len(b.b)) > limit, nil
		}
		if err != nil {
			return false, err
		}
	}
}
