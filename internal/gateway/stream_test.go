package gateway_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/calllog"
	"tollgate/internal/chat"
)

func TestAStreamThatBreaksAfterContentEndsInAnErrorAndNeverLooksWhole(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]http.HandlerFunc{
		"reset":             resetting(roleChunk, helloChunk, pause),
		"ended early":       streaming(roleChunk, helloChunk, pause),
		"error event":       streaming(roleChunk, helloChunk, pause, errorChunk),
		"error then [DONE]": streaming(roleChunk, helloChunk, pause, errorChunk+doneChunk),
		"half an event":     streaming(roleChunk, helloChunk, pause, `data: {"id":"chatcmpl-1","cho`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := pair(t, first, streaming(roleChunk, helloChunk, finishChunk, doneChunk), alias.Route{}).start()
			a := w.chat(fast(true))
			if a.status != 200 || a.err != nil || !strings.HasPrefix(a.body, roleChunk+helloChunk) {
				t.Fatalf("%d %v %q", a.status, a.err, a.body)
			}
			rest := strings.TrimPrefix(a.body, roleChunk+helloChunk)
			if strings.Contains(rest, "[DONE]") || strings.Count(rest, `data: {"error":`) != 1 || !strings.HasSuffix(rest, "}\n\n") {
				t.Errorf("the end: %q", rest)
			}
			r := w.log.last(t)
			if r.Outcome != calllog.Broken || r.Status != 200 || len(r.Attempts) != 1 || !r.Estimated || r.Usage.Units[chat.Output] == 0 || r.Cost == 0 {
				t.Errorf("recorded %+v", r)
			}
		})
	}
}

func TestTheLogHasTheEndBeforeTheClient(t *testing.T) {
	t.Parallel()
	for _, stream := range []bool{false, true} {
		w := newWorld(t)
		w.connect("openai", answering(200, whole))
		if stream {
			w.connect("groq", streaming(roleChunk, helloChunk, pause, finishChunk, usageChunk, doneChunk))
		}
		reached, release := make(chan struct{}), make(chan struct{})
		w.log.onFinal = func() { close(reached); <-release }
		w.start()
		body := ask
		if stream {
			body = strings.Replace(askStream, "gpt-4o-mini", "groq/x", 1)
		}
		got := make(chan string, 1)
		var early strings.Builder
		first := make(chan struct{})
		go func() {
			resp, err := http.DefaultClient.Do(w.request("/v1/chat/completions", body))
			if err != nil {
				got <- err.Error()
				return
			}
			defer resp.Body.Close()
			br := bufio.NewReader(resp.Body)
			if stream { // the content comes at once
				for range 4 {
					line, _ := br.ReadString('\n')
					early.WriteString(line)
				}
				close(first)
			}
			rest, _ := io.ReadAll(br)
			got <- string(rest)
		}()
		<-reached
		if stream {
			<-first
			if early.String() != roleChunk+helloChunk {
				t.Errorf("content before the record: %q", early.String())
			}
		}
		select {
		case rest := <-got:
			t.Errorf("stream=%v: the client saw the end before the log: %q", stream, rest)
		case <-time.After(100 * time.Millisecond):
		}
		close(release)
		want := whole
		if stream {
			want = finishChunk + doneChunk
		}
		if rest := <-got; rest != want {
			t.Errorf("stream=%v: end %q", stream, rest)
		}
	}
}

// leaving calls the gateway and hangs up after the first content.
func leaving(t *testing.T, w *world, body string, after func(*http.Response)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	resp, err := client.Do(w.request("/v1/chat/completions", body).WithContext(ctx))
	if err == nil {
		after(resp)
		cancel()
		_ = resp.Body.Close()
	}
	cancel()
}

// patient streams the first word, waits until the client has left, then goes on; aborted is closed when it is cut off itself.
func patient(left <-chan struct{}, aborted chan<- struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		streaming(roleChunk, helloChunk)(w, r)
		select {
		case <-left:
		case <-r.Context().Done():
			close(aborted)
			return
		}
		for range 20 {
			select {
			case <-r.Context().Done():
				close(aborted)
				return
			case <-time.After(5 * time.Millisecond):
				_, _ = io.WriteString(w, helloChunk)
				_ = http.NewResponseController(w).Flush()
			}
		}
		_, _ = io.WriteString(w, finishChunk+usageChunk+doneChunk)
	}
}

func readWord(resp *http.Response) {
	br := bufio.NewReader(resp.Body)
	for range 4 {
		_, _ = br.ReadString('\n')
	}
}

func TestAClientThatLeavesIsDrainedToItsRealUsage(t *testing.T) {
	t.Parallel()
	left, aborted := make(chan struct{}), make(chan struct{})
	w := newWorld(t)
	w.connect("openai", patient(left, aborted))
	w.start()
	leaving(t, w, askStream, readWord)
	close(left)
	r := w.log.last(t)
	if r.Outcome != calllog.ClientGone || r.Estimated || r.Cost != 156_000 || r.Usage.Source != chat.Reported {
		t.Errorf("recorded %+v", r)
	}
	select {
	case <-aborted:
		t.Error("the provider was cut off")
	default:
	}
}

func TestAClientThatLeavesAbortsWhereTheAliasSaysSo(t *testing.T) {
	t.Parallel()
	left, aborted := make(chan struct{}), make(chan struct{})
	w := newWorld(t)
	w.connect("openai", patient(left, aborted))
	w.alias("fast", alias.Route{Targets: []alias.Target{{Provider: "openai", Model: "gpt-4o-mini"}}, OnDisconnect: "abort"})
	w.start()
	leaving(t, w, fast(true), readWord)
	r := w.log.last(t)
	if r.Outcome != calllog.ClientGone || !r.Estimated || r.Usage.Source != chat.Estimated || r.Cost == 0 {
		t.Errorf("recorded %+v", r)
	}
	select {
	case <-aborted:
	case <-time.After(10 * time.Second):
		t.Error("the provider runs on")
	}
}

func TestDrainingIsBoundedInTime(t *testing.T) {
	t.Parallel()
	left, aborted := make(chan struct{}), make(chan struct{})
	w := newWorld(t)
	w.cfg.DrainTime = 50 * time.Millisecond
	w.connect("openai", patient(left, aborted)) // never told that the client left: it would wait for ever
	w.start()
	leaving(t, w, askStream, readWord)
	if r := w.log.last(t); r.Outcome != calllog.ClientGone || !r.Estimated {
		t.Errorf("recorded %+v", r)
	}
	<-aborted
}

func TestAClientThatLeavesAWholeAnswerIsDrainedToo(t *testing.T) {
	t.Parallel()
	asked, left := make(chan struct{}), make(chan struct{})
	w := newWorld(t)
	w.connect("openai", func(rw http.ResponseWriter, r *http.Request) {
		close(asked)
		<-left
		answering(200, whole)(rw, r)
	})
	w.start()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		client := &http.Client{Transport: &http.Transport{}}
		_, _ = client.Do(w.request("/v1/chat/completions", ask).WithContext(ctx))
	}()
	<-asked
	cancel()
	<-done
	// The server notices the closed connection on its own; only then may the answer come.
	waitFor(t, func() bool { return strings.Contains(scrape(w), "tollgate_drains 1") })
	close(left)
	if r := w.log.last(t); r.Outcome != calllog.ClientGone || r.Status != 499 || r.Estimated || r.Cost != 141_000 {
		t.Errorf("recorded %+v", r)
	}
}

func TestIdleStreamsAreKeptOpenAndMayStillFallBack(t *testing.T) {
	t.Parallel()
	slow := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			select {
			case <-time.After(250 * time.Millisecond):
			case <-r.Context().Done():
			}
			answering(status, body)(w, r)
		}
	}
	good := streaming(roleChunk, helloChunk, finishChunk, doneChunk)
	w := pair(t, slow(429, limited), good, alias.Route{})
	w.cfg.Heartbeat = 50 * time.Millisecond
	w.start()
	a := w.chat(fast(true))
	if a.status != 200 || !strings.HasPrefix(a.body, ": ") || !strings.HasSuffix(a.body, roleChunk+helloChunk+finishChunk+doneChunk) {
		t.Errorf("%d %q", a.status, a.body)
	}
	// Everything fails after the first heartbeat: the status is out, so the error is an event.
	w = pair(t, slow(429, limited), slow(429, limited), alias.Route{Attempts: 2})
	w.cfg.Heartbeat = 50 * time.Millisecond
	w.start()
	a = w.chat(fast(true))
	if a.status != 200 || !strings.Contains(a.body, `data: {"error":`) || strings.Contains(a.body, "[DONE]") {
		t.Errorf("%d %q", a.status, a.body)
	}
	if r := w.log.last(t); r.Outcome != calllog.Failed || r.Status != 200 || r.Price != calllog.NoCharge {
		t.Errorf("recorded %+v", r)
	}
	// Between two words, too.
	w = newWorld(t)
	w.cfg.Heartbeat = 50 * time.Millisecond
	w.connect("openai", func(rw http.ResponseWriter, r *http.Request) {
		streaming(roleChunk, helloChunk)(rw, r)
		select {
		case <-time.After(250 * time.Millisecond):
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(rw, finishChunk+doneChunk)
	})
	w.start()
	if a := w.chat(askStream); !strings.Contains(a.body, helloChunk+": ") || !strings.HasSuffix(a.body, finishChunk+doneChunk) {
		t.Errorf("%q", a.body)
	}
}

func TestAFinishedStreamThatIsKeptOpenEndsAllTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.TailWait = 50 * time.Millisecond
	w.connect("openai", func(rw http.ResponseWriter, r *http.Request) {
		streaming(roleChunk, helloChunk, finishChunk, usageChunk, doneChunk)(rw, r)
		<-r.Context().Done()
	})
	w.start()
	if a := w.chat(askStream); a.body != roleChunk+helloChunk+finishChunk+doneChunk {
		t.Errorf("%q", a.body)
	}
	if r := w.log.last(t); r.Outcome != calllog.OK || r.Cost != 156_000 {
		t.Errorf("recorded %+v", r)
	}
}

// scrape is the metrics page.
func scrape(w *world) string {
	rec := httptest.NewRecorder()
	r, _ := http.NewRequest(http.MethodGet, "/metrics", nil)
	w.gw.Metrics().ServeHTTP(rec, r)
	return rec.Body.String()
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if ok() {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Fatal("it did not happen")
}

func TestMetricsNameNoTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect("openai", answering(200, whole))
	w.start()
	w.chat(ask)
	w.log.last(t)
	waitFor(t, func() bool {
		return strings.Contains(scrape(w), `tollgate_calls_total{outcome="ok",provider="openai"} 1`)
	})
	page := scrape(w)
	if strings.Contains(page, "org_1") || strings.Contains(page, string(w.key.ID)) || strings.Contains(page, "gpt-4o") {
		t.Errorf("%s", page)
	}
	for _, name := range []string{"tollgate_attempts_total", "tollgate_overhead_seconds_bucket", "tollgate_open_streams 0", "tollgate_ready 1"} {
		if !strings.Contains(page, name) {
			t.Errorf("no %s", name)
		}
	}
}
