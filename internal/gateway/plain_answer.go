package gateway

import (
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"strings"
)

// The failures of reading an answer's frame. To a client they are a connection that failed.
var (
	errHeadTooLarge = errors.New("the head of the answer is too large")
	errHead         = errors.New("the head of the answer is malformed")
	errChunk        = errors.New("the chunked coding of the answer is malformed")
)

// plainAnswer is an answer and its body in one piece.
type plainAnswer struct {
	resp http.Response
	body plainBody
}

// receive reads the head. A provider may refuse a body before it has read it all, and close: its answer is worth more than the failed
// write, which is reported only when there is none.
func (a *plainAnswer) receive(sendErr error) error {
	b := &a.body
	b.buf = b.pool.buffers.chunk()
	for at := 0; ; {
		end, err := b.head(at)
		if err != nil {
			b.drop()
			if sendErr != nil {
				return sendErr
			}
			return err
		}
		h, err := parseHead(string(b.buf.b[at:end]))
		if err != nil {
			b.drop()
			return err
		}
		if h.status < 200 && h.status != http.StatusSwitchingProtocols { // the answer proper follows
			at = end
			continue
		}
		a.resp = http.Response{
			StatusCode: h.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: h.header, ContentLength: h.length, Close: h.close, Body: b,
		}
		b.start(h, b.buf.b[end:], sendErr == nil)
		return nil
	}
}

// head reads until a head that begins at from is whole, and gives its end.
func (b *plainBody) head(from int) (int, error) {
	for look := from; ; {
		end := headEnd(b.buf.b, look)
		switch {
		case end > plainHeadMax, end < 0 && len(b.buf.b) > plainHeadMax:
			return 0, errHeadTooLarge
		case end > 0:
			return end, nil
		}
		look = max(from, len(b.buf.b)-3) // the end may lie across two reads
		if len(b.buf.b) == cap(b.buf.b) {
			b.grow()
		}
		n, err := b.conn.Read(b.buf.b[len(b.buf.b):cap(b.buf.b)])
		b.buf.b = b.buf.b[:len(b.buf.b)+n]
		switch {
		case n > 0:
		case errors.Is(err, io.EOF):
			return 0, io.ErrUnexpectedEOF
		case err != nil:
			return 0, err
		}
	}
}

// grow moves a head that is larger than most into a larger buffer of the pool's sizes.
func (b *plainBody) grow() {
	more := b.pool.buffers.borrow(2 * cap(b.buf.b))
	more.b = append(more.b, b.buf.b...)
	b.buf.release()
	b.buf = more
}

// headEnd is the index behind the first empty line from i on, or -1.
func headEnd(b []byte, i int) int {
	for ; i < len(b); i++ {
		if b[i] != '\n' {
			continue
		}
		switch rest := b[i+1:]; {
		case len(rest) > 0 && rest[0] == '\n':
			return i + 2
		case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			return i + 3
		}
	}
	return -1
}

// answerHead is what the head of an answer says.
type answerHead struct {
	status  int
	header  http.Header
	length  int64 // of the body; -1: not said
	chunked bool
	close   bool // the connection serves no other call
}

// parseHead reads a status line and headers up to the empty line. It is stricter than it need be, because a model server that speaks
// HTTP wrongly is not to be guessed at: no folded lines, no two lengths, no other transfer coding than chunked.
func parseHead(text string) (answerHead, error) {
	line, rest := cutLine(text)
	h := answerHead{length: -1}
	if len(line) < 12 || line[:7] != "HTTP/1." || (line[7] != '0' && line[7] != '1') || line[8] != ' ' || (len(line) > 12 && line[12] != ' ') {
		return h, errHead
	}
	for _, c := range []byte(line[9:12]) {
		if c < '0' || c > '9' {
			return h, errHead
		}
		h.status = h.status*10 + int(c-'0')
	}
	if h.status < 100 {
		return h, errHead
	}
	n := strings.Count(rest, "\n")
	h.header = make(http.Header, n)
	values := make([]string, 0, n) // backs the values of all headers
	for rest != "" {
		if line, rest = cutLine(rest); line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if !ok || !isToken(name) || !isValue(value) {
			return h, errHead
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		if have := h.header[name]; have != nil {
			h.header[name] = append(have, value)
			continue
		}
		values = append(values, value)
		h.header[name] = values[len(values)-1 : len(values) : len(values)]
	}
	return h, h.frame(text[7] == '0')
}

// frame finds out how the body is delimited. old: the answer is HTTP/1.0, whose connections are not kept.
func (h *answerHead) frame(old bool) error {
	h.close = old || hasToken(h.header["Connection"], "close")
	lengths, codings := h.header["Content-Length"], h.header["Transfer-Encoding"]
	for i, v := range lengths {
		n, ok := digits(v)
		if !ok || (i > 0 && n != h.length) {
			return errHead
		}
		h.length = n
	}
	if len(codings) > 0 {
		if old || len(codings) > 1 || !strings.EqualFold(codings[0], "chunked") {
			return errHead
		}
		h.close = h.close || len(lengths) > 0 // two opinions on where it ends: the next answer's begin is not to be trusted
		h.chunked, h.length = true, -1
		delete(h.header, "Content-Length")
		delete(h.header, "Transfer-Encoding")
	}
	if h.status < 200 || h.status == http.StatusNoContent || h.status == http.StatusNotModified {
		h.close = h.close || h.chunked || h.status < 200
		h.chunked, h.length = false, 0
	}
	h.close = h.close || (!h.chunked && h.length < 0)
	return nil
}

func cutLine(s string) (line, rest string) {
	line, rest, _ = strings.Cut(s, "\n")
	return strings.TrimSuffix(line, "\r"), rest
}

func hasToken(values []string, token string) bool {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(textproto.TrimString(part), token) {
				return true
			}
		}
	}
	return false
}

// digits reads a length: digits only, no sign, no space.
func digits(s string) (int64, bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	var n int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

// isToken reports a header's name.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

func isValue(s string) bool {
	for i := range len(s) {
		if (s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f {
			return false
		}
	}
	return true
}
