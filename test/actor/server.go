package actor

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"tollgate/test/replay"
)

// The dialects that the actor speaks for chat calls.
const (
	Chat      = "openai-chat"
	Messages  = "anthropic-messages"
	Responses = "openai-responses"
	Gemini    = "gemini"
)

// Entry is one call in the actor's book.
type Entry struct {
	Dialect string // or the path's last part, for what is no chat call
	Model   string
	Stream  bool
	Status  int
	Act     Act
	Header  http.Header
	Body    []byte
}

// Server is the actor on a loopback port: <URL>/<vendor>/v1. Models with a slash in their name are recordings, which a replay.Server plays.
type Server struct {
	URL string

	http   *http.Server
	played http.Handler

	mu    sync.Mutex
	book  []Entry
	files map[string][]byte
}

const bodyMax = 64 << 20

// pause stands before the event that breaks a stream off, so that what was said before it has reached the client.
const pause = 200 * time.Millisecond

// Start listens. recordings may be nil. Close ends it.
func Start(ctx context.Context, recordings *replay.Server) (*Server, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "http://" + l.Addr().String(), files: map[string][]byte{}, played: http.NotFoundHandler()}
	if recordings != nil {
		target, err := url.Parse(recordings.URL)
		if err != nil {
			return nil, err
		}
		s.played = &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	}
	s.http = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.http.Serve(l) }()
	return s, nil
}

// Close cuts every connection.
func (s *Server) Close() { _ = s.http.Close() }

// Base is the base URL of a vendor.
func (s *Server) Base(vendor string) string {
	if vendor == "gemini" {
		return s.URL + "/" + vendor + "/v1beta"
	}
	return s.URL + "/" + vendor + "/v1"
}

// Of is the good answer to the call that bears a ref; the newest, where there are several.
func (s *Server) Of(ref string) (Entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.book) - 1; i >= 0; i-- {
		if s.book[i].Act.Ref == ref && s.book[i].Status == http.StatusOK {
			return s.book[i], true
		}
	}
	return Entry{}, false
}

// Book copies the actor's book.
func (s *Server) Book() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Entry(nil), s.book...)
}

func (s *Server) note(e Entry) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book = append(s.book, e)
	return len(s.book)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
	if err != nil {
		return
	}
	model := modelOf(r.URL.Path, body)
	if strings.Contains(model, "/") {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(string(body))), int64(len(body))
		s.played.ServeHTTP(w, r)
		return
	}
	if dialect := dialectOf(r.URL.Path); dialect != "" && r.Method == http.MethodPost {
		s.chat(w, r, dialect, model, body)
		return
	}
	s.other(w, r, model, body)
}

// dialectOf tells a chat call by its path.
func dialectOf(path string) string {
	switch {
	case strings.HasSuffix(path, "/chat/completions"):
		return Chat
	case strings.HasSuffix(path, "/messages"):
		return Messages
	case strings.HasSuffix(path, "/responses"):
		return Responses
	case strings.HasSuffix(path, ":generateContent"), strings.HasSuffix(path, ":streamGenerateContent"):
		return Gemini
	}
	return ""
}

func modelOf(path string, body []byte) string {
	if _, after, ok := strings.Cut(path, "/models/"); ok {
		name, _, _ := strings.Cut(after, ":")
		return name
	}
	var in struct{ Model string }
	_ = json.Unmarshal(body, &in)
	return in.Model
}

func (s *Server) chat(w http.ResponseWriter, r *http.Request, dialect, model string, body []byte) {
	var in struct {
		Stream  bool
		Options struct {
			Usage bool `json:"include_usage"`
		} `json:"stream_options"`
	}
	_ = json.Unmarshal(body, &in)
	in.Stream = in.Stream || strings.HasSuffix(r.URL.Path, ":streamGenerateContent")
	ask, err := map[string]func([]byte) (Ask, error){Chat: readChat, Messages: readMessages, Responses: readResponses, Gemini: readGemini}[dialect](body)
	act := Act{Fail: http.StatusBadRequest}
	if err == nil {
		act = Play(ask)
	}
	id := fmt.Sprintf("%06d", s.note(Entry{
		Dialect: dialect, Model: model, Stream: in.Stream, Act: act, Status: cmp.Or(act.Fail, http.StatusOK), Header: r.Header.Clone(), Body: body,
	}))
	if act.Fail != 0 {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Retry-After", "60") // longer than the gateway waits
		w.WriteHeader(act.Fail)
		_, _ = io.WriteString(w, failure(dialect, act.Fail))
		return
	}
	if !in.Stream {
		w.Header().Set("Content-Type", "application/json")
		whole := map[string]func(id, model string, act Act) string{Chat: chatWhole, Messages: messagesWhole, Responses: responsesWhole, Gemini: geminiWhole}
		_, _ = io.WriteString(w, whole[dialect](id, model, act))
		return
	}
	var events []string
	switch dialect {
	case Chat:
		events = chatStream(id, model, act, in.Options.Usage)
	case Messages:
		events = messagesStream(id, model, act)
	case Responses:
		events = responsesStream(id, model, act)
	case Gemini:
		events = geminiStream(id, model, act)
	}
	send(w, dialect, act, events)
}

// send writes a stream, an event a flush.
func send(w http.ResponseWriter, dialect string, act Act, events []string) {
	w.Header().Set("Content-Type", "text/event-stream")
	if act.Break {
		events = append(events[:len(events)*2/3:len(events)*2/3], broken(dialect))
	}
	for i, e := range events {
		if act.Break && i == len(events)-1 {
			time.Sleep(pause)
		}
		if _, err := io.WriteString(w, e); err != nil {
			return
		}
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
	}
}

// broken is the event with which a provider gives up.
func broken(dialect string) string {
	switch dialect {
	case Responses:
		return "event: error\ndata: " + `{"type":"error","code":"server_error","message":"The actor broke off.","param":null,"sequence_number":99}` + "\n\n"
	case Gemini:
		return `data: {"error":{"code":503,"message":"The actor broke off.","status":"UNAVAILABLE"}}` + "\n\n"
	}
	return replay.StreamError(dialect)
}
