package gateway

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pieces is a connection on which an answer arrives in parts of a size.
type pieces struct {
	net.Conn
	b    []byte
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.b[:min(p.size, len(p.b))])
	p.b = p.b[n:]
	return n, nil
}

func (*pieces) Close() error { return nil }

// received is an answer as the plain client reads it from a connection.
func received(b []byte, size int) (head *http.Response, body []byte, err error) {
	pool := &plain{}
	a := &plainAnswer{body: plainBody{pool: pool, conn: &plainConn{Conn: &pieces{b: b, size: size}}, stop: func() bool { return true }}}
	if err := a.receive(nil); err != nil {
		return nil, nil, err
	}
	body, err = io.ReadAll(a.resp.Body)
	return &a.resp, body, err
}

func FuzzPlainAnswer(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.0 200\r\n\r\nto the end",
		"HTTP/1.1 200 OK\nContent-Type: a\nx: 1\nX: 2\n\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n00a\r\n0123456789\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\nContent-Length: 3\r\n\r\n1 \r\nx\r\n0\r\nTrailer: y\r\n\r\nrest",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
		"HTTP/1.1 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nab",
	} {
		f.Add([]byte(s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		got, body, err := received(b, int(size)+1)
		_, whole, wholeErr := received(b, len(b)+1)
		if !bytes.Equal(body, whole) || (err == nil) != (wholeErr == nil) {
			t.Fatalf("in pieces: %q %v\nat once:   %q %v", body, err, whole, wholeErr)
		}
		if got == nil {
			return
		}
		br := bufio.NewReader(bytes.NewReader(b))
		var want *http.Response
		for want == nil || (want.StatusCode < 200 && want.StatusCode != http.StatusSwitchingProtocols) {
			var err error
			if want, err = http.ReadResponse(br, nil); err != nil {
				t.Fatalf("net/http does not read this answer: %v", err)
			}
		}
		if got.StatusCode == http.StatusSwitchingProtocols {
			return // the connection is closed: it speaks HTTP no more
		}
		if got.StatusCode != want.StatusCode {
			t.Fatalf("status %d, want %d", got.StatusCode, want.StatusCode)
		}
		for _, name := range []string{"Connection", "Content-Length", "Transfer-Encoding", "Trailer"} { // the frame: spoken of by its effect below
			want.Header.Del(name)
			got.Header.Del(name)
		}
		if d := cmp.Diff(want.Header, got.Header); d != "" {
			t.Fatalf("header (-want +got):\n%s", d)
		}
		if wantBody, wantErr := io.ReadAll(want.Body); err == nil && !bytes.Equal(body, wantBody) {
			t.Fatalf("body %q, want %q, %v", body, wantBody, wantErr)
		}
	})
}

func TestAnAnswersBodyEndsWhereItsFrameSays(t *testing.T) {
	t.Parallel()
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, tt := range []struct {
		name, answer, body string
		fails              bool
	}{
		{"by its length", ok + "Content-Length: 5\r\n\r\nhello world", "hello", false},
		{"by the connection", ok + "\r\nhello", "hello", false},
		{"by its last chunk", ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nX: y\r\n\r\nmore", "hello", false},
		{"chunks win over a length", ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello", false},
		{"behind a long head", ok + "X: " + strings.Repeat("x", 9000) + "\r\nContent-Length: 5\r\n\r\nhello", "hello", false},
		{"an empty one at once", ok + "Content-Length: 0\r\n\r\n", "", false},
		{"none where none may be", "HTTP/1.1 204 No Content\r\n\r\nhello", "", false},
		{"cut in its length", ok + "Content-Length: 50\r\n\r\nhello", "hello", true},
		{"cut in a chunk", ok + "Transfer-Encoding: chunked\r\n\r\nff\r\nhello", "hello", true},
		{"cut before the last chunk", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "hello", true},
		{"cut in the trailer", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y", "hello", true},
		{"a chunk without a size", ok + "Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n", "", true},
		{"a chunk longer than it says", ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n", "hel", true},
		{"a size beyond all measure", ok + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("f", 16) + "\r\nhello\r\n", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{1, 2, 7, 4096} {
				_, body, err := received([]byte(tt.answer), size)
				if string(body) != tt.body || (err != nil) != tt.fails {
					t.Errorf("in pieces of %d: %q, %v", size, body, err)
				}
			}
		})
	}
}

func TestAHeadThatCanBeReadTwoWaysIsRefused(t *testing.T) {
	t.Parallel()
	for _, head := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX: a\r\n Content-Length: 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX:\ra\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/2.0 200 OK\r\n\r\n",
		"\r\nHTTP/1.1 200 OK\r\n\r\n",
	} {
		if h, err := parseHead(head); err == nil {
			t.Errorf("%q: %+v", head, h)
		}
	}
}
