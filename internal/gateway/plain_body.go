package gateway

import (
	"errors"
	"io"
)

// plainBody reads an answer's body and gives the connection back at its end; it closes the connection when the answer is left before.
type plainBody struct {
	pool *plain
	conn *plainConn
	stop func() bool

	buf     *buffer // what came with the head; nil once it is used up
	rest    []byte  // of it, still to be read
	left    int64   // of a body of known length
	chunks  dechunker
	framing framing
	keep    bool
	done    bool
	err     error // every Read after the end
}

// framing is how the end of a body is known.
type framing uint8

const (
	byLength framing = iota
	byChunks
	byClose
)

func (b *plainBody) start(h answerHead, rest []byte, keep bool) {
	b.rest, b.keep = rest, keep && !h.close
	switch {
	case h.chunked:
		b.framing = byChunks
	case h.length >= 0:
		b.framing, b.left = byLength, h.length
	default:
		b.framing = byClose
	}
	if len(rest) == 0 {
		b.drop()
	}
	if b.framing == byLength && b.left == 0 {
		b.end(len(rest) == 0, io.EOF)
	}
}

// drop gives the buffer back.
func (b *plainBody) drop() {
	b.buf.release()
	b.buf, b.rest = nil, nil
}

// Read reads straight into p: chunks are taken out of their coding where they lie.
func (b *plainBody) Read(p []byte) (int, error) {
	if b.framing == byLength && int64(len(p)) > b.left {
		p = p[:b.left]
	}
	for !b.done {
		n, err := b.fill(p)
		switch b.framing {
		case byLength:
			if b.left -= int64(n); b.left == 0 {
				b.end(len(b.rest) == 0, io.EOF)
				return n, io.EOF
			}
		case byChunks:
			var used int
			raw := n
			n, used, b.err = b.chunks.decode(p[:raw])
			switch {
			case b.err != nil:
				b.end(false, b.err)
				return n, b.err
			case b.chunks.over():
				b.end(used == raw && len(b.rest) == 0, io.EOF)
				return n, io.EOF
			}
		case byClose:
		}
		if err != nil {
			if errors.Is(err, io.EOF) && b.framing != byClose {
				err = io.ErrUnexpectedEOF
			}
			b.end(false, err)
			return n, err
		}
		if n > 0 || len(p) == 0 {
			return n, nil
		}
	}
	return 0, b.err
}

// fill gives the bytes that came with the head, then those that come.
func (b *plainBody) fill(p []byte) (int, error) {
	if len(b.rest) == 0 {
		return b.conn.Read(p)
	}
	n := copy(p, b.rest)
	if b.rest = b.rest[n:]; len(b.rest) == 0 {
		b.drop()
	}
	return n, nil
}

// Close ends the reading. It may be called again.
func (b *plainBody) Close() error {
	if !b.done {
		b.end(false, io.ErrClosedPipe)
	}
	return nil
}

// end is called once. clean: no byte has come behind the answer.
func (b *plainBody) end(clean bool, err error) {
	b.done, b.err = true, err
	b.drop()
	if undisturbed := b.stop(); clean && b.keep && undisturbed && b.pool.put(b.conn) {
		return
	}
	_ = b.conn.Close()
}

// dechunker takes the chunked coding off, a byte at a time where it must and a chunk at a time where it can. The zero value is ready.
type dechunker struct {
	state  chunkState
	left   int64 // of the chunk
	digits int   // of its size
	extra  int   // bytes of extensions and trailers so far
}

type chunkState uint8

const (
	chunkSize chunkState = iota
	chunkExtension
	chunkSizeEnd
	chunkData
	chunkDataCR
	chunkDataLF
	chunkTrailer
	chunkTrailerLine
	chunkTrailerEnd
	chunkOver
)

// chunkExtraMax bounds what an answer may carry besides its bytes, so that no coding is without end.
const chunkExtraMax = 16 << 10

func (d *dechunker) over() bool { return d.state == chunkOver }

// decode leaves the data in b[:n] and says how many bytes it took; fewer than all only behind the end.
func (d *dechunker) decode(b []byte) (n, used int, err error) {
	for used < len(b) && d.state != chunkOver {
		if d.state == chunkData {
			size := int(min(int64(len(b)-used), d.left))
			n += copy(b[n:], b[used:used+size])
			used += size
			if d.left -= int64(size); d.left == 0 {
				d.state = chunkDataCR
			}
			continue
		}
		if !d.step(b[used]) {
			return n, used, errChunk
		}
		used++
	}
	return n, used, nil
}

// step takes one byte of the coding; false: it does not belong there.
func (d *dechunker) step(c byte) bool {
	switch d.state {
	case chunkSize:
		return d.size(c)
	case chunkExtension:
		if c == '\r' {
			d.state = chunkSizeEnd
		}
		d.extra++
		return c != '\n' && d.extra < chunkExtraMax
	case chunkSizeEnd:
		if d.state = chunkData; d.left == 0 {
			d.state = chunkTrailer
		}
		d.digits = 0
		return c == '\n'
	case chunkDataCR:
		d.state = chunkDataLF
		return c == '\r'
	case chunkDataLF:
		d.state = chunkSize
		return c == '\n'
	case chunkTrailer:
		if d.state = chunkTrailerLine; c == '\r' {
			d.state = chunkTrailerEnd
		}
		d.extra++
		return c != '\n'
	case chunkTrailerLine:
		if c == '\n' {
			d.state = chunkTrailer
		}
		d.extra++
		return d.extra < chunkExtraMax
	case chunkTrailerEnd:
		d.state = chunkOver
		return c == '\n'
	case chunkData, chunkOver:
	}
	return false
}

// size takes a byte of a chunk's size: hexadecimal digits, then an extension or the end of the line.
func (d *dechunker) size(c byte) bool {
	switch {
	case c >= '0' && c <= '9':
		c -= '0'
	case c >= 'a' && c <= 'f':
		c -= 'a' - 10
	case c >= 'A' && c <= 'F':
		c -= 'A' - 10
	case c == '\r' && d.digits > 0:
		d.state = chunkSizeEnd
		return true
	case (c == ';' || c == ' ' || c == '\t') && d.digits > 0:
		d.state = chunkExtension
		return true
	default:
		return false
	}
	d.left = d.left<<4 | int64(c)
	d.digits++
	return d.digits <= 15
}
