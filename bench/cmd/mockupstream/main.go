// Command mockupstream is a cheap fake of an LLM provider for benchmarks:
// OpenAI chat completions and embeddings and Anthropic messages, streamed or
// not, with set latencies and faults. Loopback only; it checks no credentials.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"tollgate/bench/internal/h1"
)

// opts are the knobs of one answer. They come from the flags, and may be
// overridden per request: by a path prefix (/m/k=v,k=v/v1/...), by the X-Mock
// header (k=v,k=v), or by the text [[mock k=v,k=v]] anywhere in the body, which
// survives gateways that forward neither paths nor headers.
type opts struct {
	latency    time.Duration // before the first byte
	chunks     int           // content chunks of a stream
	chunkDelay time.Duration // between chunks
	chunkBytes int           // text bytes a chunk
	respBytes  int           // text bytes of a non-streamed answer
	fault      string        // "", 429, 500, 503, 529, hang, reset, resetmid, badjson
	faultRate  float64       // share of requests that get the fault
	retryAfter string
	coalesce   bool // write a whole stream in one write
}

func (o *opts) set(list []byte) error {
	for len(list) > 0 {
		var kv []byte
		if i := bytes.IndexAny(list, ", "); i >= 0 {
			kv, list = list[:i], list[i+1:]
		} else {
			kv, list = list, nil
		}
		if len(kv) == 0 {
			continue
		}
		k, v, _ := strings.Cut(string(kv), "=")
		var err error
		switch k {
		case "latency":
			o.latency, err = time.ParseDuration(v)
		case "chunks":
			o.chunks, err = strconv.Atoi(v)
		case "delay":
			o.chunkDelay, err = time.ParseDuration(v)
		case "chunkbytes":
			o.chunkBytes, err = strconv.Atoi(v)
		case "bytes":
			o.respBytes, err = strconv.Atoi(v)
		case "fault":
			o.fault = v
		case "rate":
			o.faultRate, err = strconv.ParseFloat(v, 64)
		case "retryafter":
			o.retryAfter = v
		case "coalesce":
			o.coalesce = v == "1" || v == "true"
		default:
			err = errors.New("unknown option")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", kv, err)
		}
	}
	if o.chunks > 100000 || o.respBytes > 16<<20 || o.chunkBytes > 1<<20 {
		return errors.New("option too large")
	}
	return nil
}

type server struct {
	def      opts
	requests atomic.Int64
	streams  atomic.Int64
	faults   atomic.Int64
	aborted  atomic.Int64 // the peer went away before the answer was written
	conns    atomic.Int64
	open     atomic.Int64
	inflight atomic.Int64
	emb      []byte
}

const tsLen = 19 // digits of UnixNano, stamped into every piece of text

func main() {
	log.SetFlags(0)
	var s server
	addr := flag.String("addr", "127.0.0.1:9001", "listen address (loopback)")
	flag.DurationVar(&s.def.latency, "latency", 0, "delay before the first byte")
	flag.IntVar(&s.def.chunks, "chunks", 100, "content chunks of a stream")
	flag.DurationVar(&s.def.chunkDelay, "chunk-delay", 0, "delay between chunks")
	flag.IntVar(&s.def.chunkBytes, "chunk-bytes", 24, "text bytes of a chunk")
	flag.IntVar(&s.def.respBytes, "resp-bytes", 560, "text bytes of a non-streamed answer (560 makes about 1 KB of JSON)")
	flag.StringVar(&s.def.fault, "fault", "", "429, 500, 503, 529, hang, reset, resetmid or badjson")
	flag.Float64Var(&s.def.faultRate, "fault-rate", 1, "share of requests that get the fault")
	flag.StringVar(&s.def.retryAfter, "retry-after", "1", "Retry-After of 429, 503 and 529")
	flag.BoolVar(&s.def.coalesce, "coalesce", false, "write a stream with no delay in one write")
	dims := flag.Int("dims", 1536, "embedding dimensions")
	flag.Parse()

	host, _, err := net.SplitHostPort(*addr)
	if err != nil {
		log.Fatal(err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		log.Fatalf("refusing to listen on %q: not a loopback address", host)
	}
	s.emb = embedding(*dims)
	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(os.Stderr, "mockupstream: pid %d on %s\n", os.Getpid(), ln.Addr())
	for {
		c, err := ln.Accept()
		if err != nil {
			log.Print(err)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		go s.serve(c.(*net.TCPConn))
	}
}

func embedding(dims int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"object":"list","data":[{"object":"embedding","index":0,"embedding":[`)
	for i := 0; i < dims; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%.8f", float64((i*7919)%2000-1000)/31623)
	}
	b.WriteString(`]}],"model":"mock-embedding","usage":{"prompt_tokens":8,"total_tokens":8}}`)
	return b.Bytes()
}

// conn is one client connection with its reusable buffers.
type conn struct {
	s   *server
	c   *net.TCPConn
	br  *bufio.Reader
	req h1.Request
	out []byte
}

var errAbort = errors.New("connection given up on purpose")

func (s *server) serve(tc *net.TCPConn) {
	s.conns.Add(1)
	s.open.Add(1)
	defer s.open.Add(-1)
	defer tc.Close()
	c := &conn{s: s, c: tc, br: bufio.NewReaderSize(tc, 16<<10)}
	for {
		err := h1.ReadRequest(c.br, &c.req, func() error {
			_, err := tc.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
			return err
		})
		if err != nil {
			return
		}
		if bytes.Equal(c.req.Method, []byte("POST")) {
			s.inflight.Add(1)
			err = c.answer()
			s.inflight.Add(-1)
		} else {
			err = c.answer()
		}
		if err != nil {
			if !errors.Is(err, errAbort) {
				s.aborted.Add(1)
			}
			return
		}
		if c.req.Close {
			return
		}
	}
}

func (c *conn) answer() error {
	o := c.s.def
	path := c.req.Target
	if i := bytes.IndexByte(path, '?'); i >= 0 {
		path = path[:i]
	}
	var bad error
	if bytes.HasPrefix(path, []byte("/m/")) {
		rest := path[3:]
		i := bytes.IndexByte(rest, '/')
		if i < 0 {
			return c.plain(404, "application/json", []byte(`{"error":{"message":"no route"}}`))
		}
		bad = o.set(rest[:i])
		path = rest[i:]
	}
	if bytes.Equal(c.req.Method, []byte("GET")) || bytes.Equal(c.req.Method, []byte("HEAD")) {
		return c.get(path)
	}
	if i := bytes.Index(c.req.Body, []byte("[[mock ")); i >= 0 {
		v := c.req.Body[i+7:]
		if j := bytes.Index(v, []byte("]]")); j >= 0 {
			bad = errors.Join(bad, o.set(v[:j]))
		}
	}
	if len(c.req.Mock) > 0 {
		bad = errors.Join(bad, o.set(c.req.Mock))
	}
	if bad != nil {
		msg, _ := json.Marshal(map[string]any{"error": map[string]string{"message": bad.Error(), "type": "mock_option"}})
		return c.plain(400, "application/json", msg)
	}
	n := c.s.requests.Add(1)
	fault := ""
	if o.fault != "" && (o.faultRate >= 1 || float64((uint64(n)*0x9E3779B97F4A7C15)>>11)/(1<<53) < o.faultRate) {
		fault = o.fault
		c.s.faults.Add(1)
	}
	if o.latency > 0 {
		time.Sleep(o.latency)
	}
	switch fault {
	case "429":
		return c.fail(429, o.retryAfter, "rate_limit_exceeded", "Rate limit reached (mock)")
	case "500":
		return c.fail(500, "", "server_error", "The server had an error (mock)")
	case "503":
		return c.fail(503, o.retryAfter, "server_error", "Overloaded (mock)")
	case "529":
		return c.fail(529, o.retryAfter, "overloaded_error", "Overloaded (mock)")
	case "hang":
		// Hold the request until the peer gives up (or 10 minutes pass).
		c.c.SetReadDeadline(time.Now().Add(10 * time.Minute))
		c.br.Peek(1)
		return errAbort
	case "reset":
		return c.reset()
	}
	stream := flagged(c.req.Body, `"stream"`)
	if stream {
		c.s.streams.Add(1)
	}
	switch {
	case bytes.HasSuffix(path, []byte("/chat/completions")):
		if stream {
			return c.openaiStream(&o, fault, flagged(c.req.Body, `"include_usage"`))
		}
		return c.openaiPlain(&o, fault)
	case bytes.HasSuffix(path, []byte("/messages")):
		if stream {
			return c.anthropicStream(&o, fault)
		}
		return c.anthropicPlain(&o, fault)
	case bytes.HasSuffix(path, []byte("/embeddings")):
		return c.plain(200, "application/json", c.s.emb)
	}
	return c.plain(404, "application/json", []byte(`{"error":{"message":"no route","type":"invalid_request_error"}}`))
}

// flagged says whether the body has the key with the value true, whatever the
// white space between them.
func flagged(body []byte, key string) bool {
	for {
		i := bytes.Index(body, []byte(key))
		if i < 0 {
			return false
		}
		body = body[i+len(key):]
		v := bytes.TrimLeft(body, " \t\r\n")
		if len(v) > 0 && v[0] == ':' {
			return bytes.HasPrefix(bytes.TrimLeft(v[1:], " \t\r\n"), []byte("true"))
		}
	}
}

func (c *conn) get(path []byte) error {
	switch {
	case bytes.Equal(path, []byte("/stats")):
		b, _ := json.Marshal(map[string]int64{
			"requests": c.s.requests.Load(), "streams": c.s.streams.Load(), "faults": c.s.faults.Load(),
			"aborted": c.s.aborted.Load(), "connections": c.s.conns.Load(), "open": c.s.open.Load(),
			"inflight": c.s.inflight.Load(),
		})
		return c.plain(200, "application/json", b)
	case bytes.HasSuffix(path, []byte("/models")):
		return c.plain(200, "application/json", []byte(`{"object":"list","data":[{"id":"mock-model","object":"model","created":1700000000,"owned_by":"mock"}]}`))
	case bytes.Equal(path, []byte("/healthz")), bytes.Equal(path, []byte("/")):
		return c.plain(200, "text/plain", []byte("ok\n"))
	}
	return c.plain(404, "application/json", []byte(`{"error":{"message":"no route"}}`))
}

func (c *conn) head(status int, ctype, extra string, length int) {
	b := append(c.out[:0], "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, " Mock\r\nContent-Type: "...)
	b = append(b, ctype...)
	b = append(b, "\r\nx-request-id: req_mock\r\n"...)
	b = append(b, extra...)
	if length >= 0 {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, int64(length), 10)
		b = append(b, "\r\n\r\n"...)
	} else {
		b = append(b, "Transfer-Encoding: chunked\r\n\r\n"...)
	}
	c.out = b
}

func (c *conn) plain(status int, ctype string, body []byte) error {
	c.head(status, ctype, "", len(body))
	c.out = append(c.out, body...)
	_, err := c.c.Write(c.out)
	return err
}

func (c *conn) fail(status int, retryAfter, typ, msg string) error {
	body := fmt.Sprintf(`{"type":"error","error":{"message":%q,"type":%q,"param":null,"code":%q}}`, msg, typ, typ)
	extra := ""
	if retryAfter != "" {
		extra = "Retry-After: " + retryAfter + "\r\n"
	}
	c.head(status, "application/json", extra, len(body))
	c.out = append(c.out, body...)
	_, err := c.c.Write(c.out)
	return err
}

func (c *conn) reset() error {
	c.c.SetLinger(0)
	return errAbort
}

func stamp(b []byte) []byte {
	b = append(b, '@')
	b = strconv.AppendInt(b, time.Now().UnixNano(), 10)
	return append(b, ' ')
}

const filler = "The quick brown fox jumps over the lazy dog and keeps running through the benchmark. "

func text(b []byte, n int) []byte {
	b = stamp(b)
	for n -= tsLen + 2; n > 0; n -= len(filler) {
		if n < len(filler) {
			return append(b, filler[:n]...)
		}
		b = append(b, filler...)
	}
	return b
}

func (c *conn) tokens() int { return len(c.req.Body)/4 + 1 }

// finish sends a JSON body whose head comes with it, and breaks it off on a fault.
func (c *conn) finish(body []byte, fault string) error {
	if fault == "badjson" {
		body = body[:len(body)/2]
	}
	c.head(200, "application/json", "", len(body))
	if fault == "resetmid" {
		c.out = append(c.out, body[:len(body)/2]...)
		c.c.Write(c.out)
		time.Sleep(20 * time.Millisecond) // let it be read before the reset discards it
		return c.reset()
	}
	c.out = append(c.out, body...)
	_, err := c.c.Write(c.out)
	return err
}

func (c *conn) openaiPlain(o *opts, fault string) error {
	b := make([]byte, 0, 512+o.respBytes)
	b = append(b, `{"id":"chatcmpl-mock0123456789abcdefghijkl","object":"chat.completion","created":1700000000,"model":"mock-model","choices":[{"index":0,"message":{"role":"assistant","content":"`...)
	b = text(b, o.respBytes)
	b = append(b, `","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":`...)
	in, out := c.tokens(), o.respBytes/4
	b = strconv.AppendInt(b, int64(in), 10)
	b = append(b, `,"completion_tokens":`...)
	b = strconv.AppendInt(b, int64(out), 10)
	b = append(b, `,"total_tokens":`...)
	b = strconv.AppendInt(b, int64(in+out), 10)
	b = append(b, `,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}},"system_fingerprint":"fp_mock"}`...)
	return c.finish(b, fault)
}

func (c *conn) anthropicPlain(o *opts, fault string) error {
	b := make([]byte, 0, 512+o.respBytes)
	b = append(b, `{"id":"msg_mock0123456789","type":"message","role":"assistant","model":"mock-model","content":[{"type":"text","text":"`...)
	b = text(b, o.respBytes)
	b = append(b, `"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":`...)
	b = strconv.AppendInt(b, int64(c.tokens()), 10)
	b = append(b, `,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":`...)
	b = strconv.AppendInt(b, int64(o.respBytes/4), 10)
	b = append(b, `}}`...)
	return c.finish(b, fault)
}

// stream writes one chunked-encoding chunk an event, paced against the clock so
// that delays do not add up.
type stream struct {
	c     *conn
	o     *opts
	fault string
	ev    []byte
	hold  bool
	start time.Time
}

func (c *conn) begin(o *opts, fault string) *stream {
	c.head(200, "text/event-stream; charset=utf-8", "Cache-Control: no-cache\r\n", -1)
	return &stream{c: c, o: o, fault: fault, ev: make([]byte, 0, 1024), hold: o.coalesce && o.chunkDelay == 0, start: time.Now()}
}

func (s *stream) send(flush bool) error {
	b := s.c.out
	b = strconv.AppendInt(b, int64(len(s.ev)), 16)
	b = append(b, "\r\n"...)
	b = append(b, s.ev...)
	b = append(b, "\r\n"...)
	s.c.out = b
	s.ev = s.ev[:0]
	if !flush || s.hold {
		return nil
	}
	_, err := s.c.c.Write(b)
	s.c.out = b[:0]
	return err
}

// pace waits until content chunk i is due, and says whether to break off here.
func (s *stream) pace(i int) bool {
	if s.fault == "resetmid" && i == s.o.chunks/2 {
		time.Sleep(20 * time.Millisecond)
		return false
	}
	if s.o.chunkDelay > 0 {
		if d := time.Until(s.start.Add(time.Duration(i) * s.o.chunkDelay)); d > 0 {
			time.Sleep(d)
		}
	}
	return true
}

func (s *stream) end() error {
	s.c.out = append(s.c.out, "0\r\n\r\n"...)
	_, err := s.c.c.Write(s.c.out)
	return err
}

const oaHead = `data: {"id":"chatcmpl-mock0123456789abcdefghijkl","object":"chat.completion.chunk","created":1700000000,"model":"mock-model","system_fingerprint":"fp_mock","choices":[`

func (c *conn) openaiStream(o *opts, fault string, usage bool) error {
	s := c.begin(o, fault)
	tail := "}\n\n"
	if usage {
		tail = `,"usage":null}` + "\n\n"
	}
	s.ev = append(s.ev, oaHead+`{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]`+tail...)
	if err := s.send(true); err != nil {
		return err
	}
	for i := 0; i < o.chunks; i++ {
		if !s.pace(i) {
			return c.reset()
		}
		s.ev = append(s.ev, oaHead+`{"index":0,"delta":{"content":"`...)
		s.ev = text(s.ev, o.chunkBytes)
		s.ev = append(s.ev, `"},"logprobs":null,"finish_reason":null}]`+tail...)
		if err := s.send(true); err != nil {
			return err
		}
	}
	s.ev = append(s.ev, oaHead+`{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]`+tail...)
	if err := s.send(false); err != nil {
		return err
	}
	if usage {
		in := c.tokens()
		s.ev = append(s.ev, oaHead+`],"usage":{"prompt_tokens":`...)
		s.ev = strconv.AppendInt(s.ev, int64(in), 10)
		s.ev = append(s.ev, `,"completion_tokens":`...)
		s.ev = strconv.AppendInt(s.ev, int64(o.chunks), 10)
		s.ev = append(s.ev, `,"total_tokens":`...)
		s.ev = strconv.AppendInt(s.ev, int64(in+o.chunks), 10)
		s.ev = append(s.ev, "}}\n\n"...)
		if err := s.send(false); err != nil {
			return err
		}
	}
	s.ev = append(s.ev, "data: [DONE]\n\n"...)
	if err := s.send(false); err != nil {
		return err
	}
	return s.end()
}

func (c *conn) anthropicStream(o *opts, fault string) error {
	s := c.begin(o, fault)
	s.ev = append(s.ev, "event: message_start\ndata: "+`{"type":"message_start","message":{"id":"msg_mock0123456789","type":"message","role":"assistant","model":"mock-model","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":`...)
	s.ev = strconv.AppendInt(s.ev, int64(c.tokens()), 10)
	s.ev = append(s.ev, `,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}}`+"\n\nevent: content_block_start\ndata: "+`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`+"\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n"...)
	if err := s.send(true); err != nil {
		return err
	}
	for i := 0; i < o.chunks; i++ {
		if !s.pace(i) {
			return c.reset()
		}
		s.ev = append(s.ev, "event: content_block_delta\ndata: "+`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"`...)
		s.ev = text(s.ev, o.chunkBytes)
		s.ev = append(s.ev, "\"}}\n\n"...)
		if err := s.send(true); err != nil {
			return err
		}
	}
	s.ev = append(s.ev, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: "+`{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":`...)
	s.ev = strconv.AppendInt(s.ev, int64(o.chunks), 10)
	s.ev = append(s.ev, "}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"...)
	if err := s.send(false); err != nil {
		return err
	}
	return s.end()
}
