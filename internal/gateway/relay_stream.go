package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"tollgate/internal/provider"
)

// pendingMax bounds what is kept of a stream that has not brought content yet. A provider that sends more before its first word is
// taken to have begun.
const pendingMax = 256 << 10

// stream is a streamed answer on its way.
type stream struct {
	g       *Gateway
	c       *Call
	t       *try
	body    io.Reader
	header  http.Header
	flow    flow
	chunk   *buffer // what is read from the provider
	pending []byte  // what came before the first content byte
	begun   bool    // the client is getting this answer: no other target any more
}

// relayStream passes a stream on, byte by byte as it comes. Up to the first content byte it is kept here, and any failure is a
// refusal that another target may make good.
func (g *Gateway) relayStream(ctx context.Context, c *Call, t *try, resp *http.Response) *provider.Refusal {
	if !t.dialect.Streams(resp.Header.Get("Content-Type")) {
		return g.wholeInsteadOfStream(ctx, c, t, resp)
	}
	s := newStream(g, c, t, resp)
	defer s.chunk.release()
	t.watch.stream()
	return s.run(ctx)
}

//go:noinline
func newStream(g *Gateway, c *Call, t *try, resp *http.Response) *stream {
	return &stream{g: g, c: c, t: t, body: resp.Body, header: resp.Header, flow: newFlow(c, t), chunk: g.bodies.chunk()}
}

// run reads the provider's stream to its end.
func (s *stream) run(ctx context.Context) *provider.Refusal {
	chunk := s.chunk.b[:cap(s.chunk.b)]
	for {
		n, err := s.read(chunk)
		if n > 0 {
			if r := s.take(s.flow.feed(chunk[:n])); r != nil {
				return s.broken(r)
			}
		}
		switch {
		case errors.Is(err, io.EOF), err != nil && s.flow.finished(): // the end was there: how the connection went is of no matter
			return s.end()
		case err != nil:
			return s.broken(s.g.lost(ctx, s.c, err))
		}
	}
}

// read waits for the provider, and counts the wait.
func (s *stream) read(chunk []byte) (int, error) {
	start := s.g.Now()
	s.t.watch.reading(start)
	n, err := s.body.Read(chunk)
	s.t.watch.read()
	s.c.Work.wait(s.g.Now().Sub(start))
	return n, err
}

func newFlow(c *Call, t *try) flow {
	if t.bridge == nil {
		return &passing{tap: t.dialect.NewTap(t.head)}
	}
	// Only chat is both streamed and translated.
	return &translating{
		id: c.Text, model: t.target.Model,
		reader: t.dialect.(provider.ChatTarget).NewReader(),                                //nolint:forcetypeassert // see Join
		writer: c.Surface.dialect.(provider.ChatClient).NewWriter(c.Ask.head.IncludeUsage), //nolint:forcetypeassert // see Join
	}
}

// take passes out on to the client, or keeps it while there is no content.
func (s *stream) take(out []byte, err error) *provider.Refusal {
	seen := s.flow.seen()
	if s.begun && (seen.Refusal != nil || err != nil) { // what stands before the failure is the client's
		s.send(out)
	}
	if seen.Refusal != nil {
		return seen.Refusal
	}
	if err != nil {
		return &provider.Refusal{Class: provider.ClassServer, Message: explain(err)}
	}
	if s.begun {
		s.send(out)
		s.hurry()
		return nil
	}
	if !seen.Started && !s.flow.finished() && len(s.pending)+len(out) <= pendingMax {
		s.pending = append(s.pending, out...)
		return nil
	}
	s.begin()
	s.send(out)
	s.hurry()
	return nil
}

// begin commits to this answer.
func (s *stream) begin() {
	now := s.g.Now()
	s.begun, s.c.Work.content = true, true
	s.t.log.FirstByte = now.Sub(s.t.started)
	s.c.Work.firstByte = now.Sub(s.c.Start)
	s.t.watch.content()
	s.c.client.begin(http.StatusOK, s.header)
	s.c.dropBody()
	if len(s.pending) > 0 {
		s.send(s.pending)
		s.pending = nil
	}
}

func (s *stream) send(out []byte) {
	if len(out) == 0 {
		return
	}
	s.c.keepPayload(out)
	s.c.keeping.keepStream(out)
	s.c.client.write(out)
}

// hurry bounds how long a provider may keep a finished stream open.
func (s *stream) hurry() {
	if s.flow.finished() && s.c.Work.hurried == nil {
		s.c.Work.hurried = time.AfterFunc(s.g.cfg.TailWait, s.c.client.drain.abandon)
	}
}

// calm stops what hurry started.
func (w *work) calm() {
	if w.hurried != nil {
		w.hurried.Stop()
	}
}

// end is the regular end of the body.
func (s *stream) end() *provider.Refusal {
	out, err := s.flow.close()
	seen := s.flow.seen()
	switch {
	case seen.Refusal != nil:
		return s.broken(seen.Refusal)
	case errors.Is(err, provider.ErrTruncated):
		return s.broken(&provider.Refusal{Class: provider.ClassConnect, Message: provider.ErrTruncated.Message})
	case err != nil:
		return s.broken(&provider.Refusal{Class: provider.ClassServer, Message: explain(err)})
	}
	if !s.begun {
		s.begin()
	}
	s.send(out)
	s.c.saw(s.t, *seen)
	s.c.Answer = answer{status: http.StatusOK, tail: s.flow}
	return nil
}

// broken is a stream that failed. What it used is kept for settling: the provider counts it.
func (s *stream) broken(r *provider.Refusal) *provider.Refusal {
	s.c.saw(s.t, *s.flow.seen())
	return r
}

// wholeInsteadOfStream handles a provider that answers a stream's request with one body: an error inside a 200, garbage, or a
// complete answer, which no client that asked for a stream can read.
func (g *Gateway) wholeInsteadOfStream(ctx context.Context, c *Call, t *try, resp *http.Response) *provider.Refusal {
	b := g.bodies.borrow(smallBuffer)
	defer b.release()
	start := g.Now()
	over, err := b.readAll(resp.Body, g.cfg.AnswerMax)
	c.Work.wait(g.Now().Sub(start))
	if err != nil {
		c.sawCut(t, b.b)
		return g.lost(ctx, c, err)
	}
	if !over {
		seen := t.inspect(b.b)
		c.saw(t, seen) // of no use to the client, but paid for
		if seen.Refusal != nil {
			return seen.Refusal
		}
	}
	return &provider.Refusal{Class: provider.ClassServer, Message: "The provider answered without a stream."}
}
