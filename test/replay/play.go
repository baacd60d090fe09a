package replay

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"time"
)

// Cutting says in which pieces a body goes over the wire.
type Cutting string

// The cuttings.
const (
	AtOnce  Cutting = ""      // one piece
	ByEvent Cutting = "event" // an event each
	Odd     Cutting = "odd"   // pieces of changing small sizes, through lines, characters and numbers
)

// Turn is the answer to one request and how it goes wrong. The zero Turn is a good generated answer.
type Turn struct {
	Status  int // 0: 200
	Header  map[string]string
	Body    []byte // nil: generated
	Cutting Cutting

	Words int           // of a generated answer; 0: 8
	Bill  int64         // nano-dollars, for the ledger; whatever becomes of the answer
	Usage Usage         // of a generated answer; not Known: a different one for each call
	First time.Duration // before the headers
	Pause time.Duration // between the pieces
	Hang  bool          // never answer: wait until the caller has gone

	// Break ends the body after so many pieces (0: it does not), as How says.
	Break int
	How   Breakage
}

// Breakage is how a body ends too early.
type Breakage string

// The breakages.
const (
	Reset   Breakage = "reset"   // a TCP reset
	Closed  Breakage = "closed"  // the connection closes in mid-body
	Ended   Breakage = "ended"   // the body ends as HTTP demands, but not as the dialect does
	Stalled Breakage = "stalled" // nothing comes any more
	Errored Breakage = "errored" // the dialect's in-stream error
)

// contentType guesses what the provider would have said.
func contentType(body []byte) string {
	b := bytes.TrimSpace(body)
	switch {
	case bytes.HasPrefix(b, []byte("{")), bytes.HasPrefix(b, []byte("[")):
		return "application/json"
	case bytes.HasPrefix(body, []byte{0, 0}) && bytes.Contains(body[:min(len(body), 200)], []byte("-type")):
		return "application/vnd.amazon.eventstream"
	case bytes.HasPrefix(b, []byte("<")):
		return "text/html"
	case bytes.HasPrefix(b, []byte("data:")), bytes.HasPrefix(b, []byte("event:")), bytes.HasPrefix(b, []byte(":")):
		return "text/event-stream"
	}
	return "text/plain"
}

// play sends a turn and closes the call's entry.
func (s *Server) play(w http.ResponseWriter, r *http.Request, call *Call, t Turn) {
	end := s.send(w, r, call, t)
	s.Ledger.close(call, func(c *Call) {
		c.End = end
		if end == Whole && c.Status == http.StatusOK && !c.Billed.Known {
			a := Read(c.Dialect, c.Stream, t.Body)
			c.Billed = a.Usage
			if c.ID == "" {
				c.ID = a.ID
			}
		}
	})
}

func (s *Server) send(w http.ResponseWriter, r *http.Request, call *Call, t Turn) End {
	if t.Hang {
		<-r.Context().Done()
		return CutByClient
	}
	if !wait(r, t.First) {
		return CutByClient
	}
	status := t.Status
	if status == 0 {
		status = http.StatusOK
	}
	h := w.Header()
	h.Set("Content-Type", contentType(t.Body))
	for name, value := range t.Header {
		switch name {
		case "content-length", "transfer-encoding", "content-encoding", "connection":
		default:
			h.Set(name, value)
		}
	}
	s.Ledger.note(call, func(c *Call) { c.Status = status })
	out := http.NewResponseController(w)
	if t.Break == 0 && t.Pause == 0 && t.Cutting == AtOnce {
		w.WriteHeader(status)
		n, err := w.Write(t.Body)
		if err == nil {
			err = out.Flush()
		}
		s.Ledger.note(call, func(c *Call) { c.Sent = int64(n) })
		if err != nil {
			return CutByClient
		}
		return Whole
	}
	w.WriteHeader(status)
	_ = out.Flush()
	list := Pieces(t.Body, t.Cutting)
	if t.Break > 0 && len(list) == 1 { // a body of one piece breaks in its middle
		half := len(t.Body) / 2
		list = [][]byte{t.Body[:half], t.Body[half:]}
	}
	for i, piece := range list {
		if t.Break > 0 && i >= min(t.Break, len(list)-1) {
			return breakOff(w, r, call, t.How)
		}
		if i > 0 && !wait(r, t.Pause) {
			return CutByClient
		}
		n, err := w.Write(piece)
		if err == nil {
			err = out.Flush()
		}
		s.Ledger.note(call, func(c *Call) { c.Sent += int64(n) })
		if err != nil {
			return CutByClient
		}
	}
	if r.Context().Err() != nil {
		return CutByClient
	}
	return Whole
}

// wait reports whether the caller is still there after d.
func wait(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func breakOff(w http.ResponseWriter, r *http.Request, call *Call, how Breakage) End {
	switch how {
	case Ended:
		return CutByScript
	case Stalled:
		<-r.Context().Done()
		return CutByClient
	case Errored:
		_, _ = io.WriteString(w, StreamError(call.Dialect))
		return CutByScript
	case Reset, Closed:
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok && how == Reset {
		_ = tcp.SetLinger(0)
	}
	if err := conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return CutByClient
	}
	return CutByScript
}

// Pieces cuts a body. The seed is fixed: a failure repeats.
func Pieces(body []byte, how Cutting) [][]byte {
	switch how {
	case ByEvent:
		var out [][]byte
		if frames, rest := awsFrames(body); len(frames) > 0 {
			for _, f := range frames {
				out = append(out, f.raw)
			}
			if len(rest) > 0 {
				out = append(out, rest)
			}
			return out
		}
		if len(body) > 0 && (body[0] == '{' || body[0] == '[') { // lines, or the lines of an array
			for line := range bytes.Lines(body) {
				out = append(out, line)
			}
			return out
		}
		for _, e := range Events(body) {
			out = append(out, e.Raw)
		}
		return out
	case Odd:
		random := rand.New(rand.NewPCG(uint64(len(body)), 7))
		var out [][]byte
		for len(body) > 0 {
			n := min(len(body), 1+random.IntN(97))
			if random.IntN(8) == 0 {
				n = min(len(body), 1+random.IntN(4000))
			}
			out, body = append(out, body[:n]), body[n:]
		}
		return out
	case AtOnce:
	}
	return [][]byte{body}
}

// caseTurn plays a recording. A provider that is asked for usage gives it: where the recorded client did not ask, and the caller now
// does, the chunk that the real one would have sent stands before the end.
func caseTurn(c *Case, how Cutting, asked bool) Turn {
	t := Turn{Status: c.Meta.Status, Header: c.Header, Body: c.Response, Cutting: how}
	if c.Header["content-type"] == "" && c.Meta.ContentType != "" {
		t.Header = map[string]string{"content-type": c.Meta.ContentType}
		maps.Copy(t.Header, c.Header)
	}
	if Wire(c.Meta.Dialect) == OpenAI && c.Meta.Stream && asked && AddsUsage(c) {
		t.Body = withUsage(c.Response)
	}
	return t
}

// Unasked is the usage that the server adds to recordings without one.
var Unasked = Usage{Known: true, Input: 11, Output: 7}

const unasked = `data: {"id":"chatcmpl-replay","object":"chat.completion.chunk","created":1,"model":"m","choices":[],` +
	`"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}` + "\n\n"

// AddsUsage reports whether the server adds a usage chunk to a recorded stream when it is asked for one.
func AddsUsage(c *Case) bool {
	return c.Meta.Status == http.StatusOK && !AsksUsage(c.Request) && !Read(OpenAI, true, c.Response).Usage.Known &&
		bytes.Contains(c.Response, []byte("data: [DONE]"))
}

// AsksUsage reports whether an openai-chat request asks for usage in the stream.
func AsksUsage(request []byte) bool {
	var ask struct {
		Opts struct {
			Include bool `json:"include_usage"`
		} `json:"stream_options"`
	}
	return json.Unmarshal(request, &ask) == nil && ask.Opts.Include
}

func withUsage(body []byte) []byte {
	at := bytes.LastIndex(body, []byte("data: [DONE]"))
	return bytes.Join([][]byte{body[:at], []byte(unasked), body[at:]}, nil)
}
