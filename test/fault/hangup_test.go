package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"tollgate/test/harness"
	"tollgate/test/replay"
)

// stage is where a client hangs up. The provider goes on, at its own pace.
type stage struct {
	name   string
	stream bool
	turn   replay.Turn
	events int  // of its stream that the client reads before it leaves; -1: it leaves before the answer's head
	early  bool // before the provider has the whole request
}

func stages() []stage {
	slow := replay.Turn{Pause: 15 * time.Millisecond}
	late := replay.Turn{First: 150 * time.Millisecond}
	return []stage{
		{name: "while it sends its body", early: true},
		{name: "while it sends its body, of a stream", early: true, stream: true},
		{name: "before the provider answers", turn: late, events: -1},
		{name: "before the provider answers with a stream", stream: true, turn: late, events: -1},
		{name: "in the middle of a whole answer", turn: replay.Turn{Cutting: replay.Odd, Pause: 5 * time.Millisecond}, events: -1},
		{name: "after the head", stream: true, turn: slow, events: 0},
		{name: "after the first content", stream: true, turn: slow, events: 1},
		{name: "in the middle", stream: true, turn: slow, events: 5},
		{name: "after the last word", stream: true, turn: slow, events: 8},
		{name: "at the end", stream: true, turn: replay.Turn{Pause: 30 * time.Millisecond}, events: 9},
	}
}

// hangup is one call of a client that leaves, made with a key of its own.
type hangup struct {
	stage
	surface string
	dialect string
	keyID   string
	client  *harness.Client
	key     string // of the play
}

func (h *hangup) String() string {
	return fmt.Sprintf("%s, %s asked in %s", h.name, h.surface, h.dialect)
}

func TestAClientThatHangsUpLeavesOneRow(t *testing.T) {
	t.Parallel()
	s := everywhere(t)
	var all []*hangup
	for i, surface := range harness.Surfaces() {
		other := []string{replay.Anthropic, replay.Gemini, replay.Converse, replay.OpenAI}[i]
		for _, dialect := range []string{surface, other} {
			for _, st := range stages() {
				if st.early && dialect == other { // nobody has been chosen yet
					continue
				}
				all = append(all, &hangup{stage: st, surface: surface, dialect: dialect})
			}
		}
	}
	var newest *harness.Client
	for i, h := range all {
		id, secret := s.owner.IssueKey("hangup "+strconv.Itoa(i), nil)
		h.keyID, h.client, h.key = id, s.Client(secret), "h"+strconv.Itoa(i)
		newest = h.client
	}
	harness.Eventually(t, 10*time.Second, func() error { return listing(t.Context(), newest) })
	var wg sync.WaitGroup
	limit := make(chan struct{}, 8)
	for _, h := range all {
		limit <- struct{}{}
		wg.Go(func() {
			defer func() { <-limit }()
			if err := s.leave(t, h); err != nil {
				t.Errorf("%s: %v", h, err)
			}
		})
	}
	wg.Wait()
	ends := map[string]int{}
	for _, h := range all {
		ends[s.oneRow(t, h)]++
	}
	t.Logf("%d calls: %v", len(all), ends)
}

// listing reports whether the data plane knows a client's key, by a request that is no call.
func listing(ctx context.Context, c *harness.Client) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+"/v1/models", nil)
	if err != nil {
		return err
	}
	c.Identify(req, replay.OpenAI)
	got, err := c.Do(req)
	if err != nil {
		return err
	}
	return got.Failed()
}

// leave makes the call and hangs up at its stage.
func (s *site) leave(t *testing.T, h *hangup) error {
	s.provider.Play(h.key, replay.Play{Turn: &h.turn})
	way := upstreams()[h.dialect]
	model := way[0] + "/" + way[1] + "~" + h.key
	if h.early {
		return h.half(model)
	}
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	req, err := h.client.Ask(ctx, h.surface, model, h.stream)
	if err != nil {
		return err
	}
	if h.events < 0 {
		time.AfterFunc(75*time.Millisecond, leave)
	}
	resp, err := h.client.HTTP().Do(req)
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	}
	defer resp.Body.Close()
	if h.events < 0 { // the whole answer was too quick, or its head came early
		_, _ = io.Copy(io.Discard, resp.Body)
		return nil
	}
	var got []byte
	chunk := make([]byte, 256)
	for {
		n, err := resp.Body.Read(chunk)
		got = append(got, chunk[:n]...)
		a := replay.Read(h.surface, true, got)
		if seen := len(a.Text) / len("word1 "); seen >= min(h.events, 8) && (h.events < 9 || a.Finish != "") {
			return nil
		}
		if err != nil {
			return nil //nolint:nilerr // it ended before the client left: that is a whole call
		}
	}
}

// half sends the head of a request and half of its body.
func (h *hangup) half(model string) error {
	u, err := url.Parse(h.client.URL)
	if err != nil {
		return err
	}
	body := harness.Say(h.surface, model, h.stream)
	conn, err := net.Dial("tcp", u.Host) //nolint:noctx // loopback
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		harness.Endpoint(h.surface, model, h.stream), u.Host, h.client.Key, len(body), body[:len(body)/2])
	return err
}

// oneRow: the call is in the log once. Its usage is what the provider billed, where the gateway read the answer to its end; else an
// estimate. A call that never reached a provider used nothing. It gives what the log says.
func (s *site) oneRow(t *testing.T, h *hangup) string {
	t.Helper()
	var rows []harness.Call
	harness.Eventually(t, 20*time.Second, func() error {
		rows = s.owner.Calls(url.Values{"key": {h.keyID}})
		rows = deleteListing(rows)
		if len(rows) == 0 {
			return errf("%s: not in the log", h)
		}
		return nil
	})
	if len(rows) != 1 {
		t.Errorf("%s: %d rows", h, len(rows))
		return ""
	}
	row := rows[0]
	call, reached := s.provider.Ledger.ByKey(h.key)
	switch {
	case h.early:
		if reached || len(row.Units) != 0 || row.Cost() != 0 || row.Outcome == "ok" {
			t.Errorf("%s: reached %v, logged as %s with %v", h, reached, row.Outcome, row.Units)
		}
	case !reached:
		t.Errorf("%s: the provider was not asked", h)
	case call.End == replay.Whole:
		want := map[string]int64{"input": call.Billed.Input, "cache_read": call.Billed.CacheRead, "output": call.Billed.Output}
		for class, n := range want {
			if row.Units[class] != n && row.UsageSource == "reported" {
				t.Errorf("%s: %s is %d in the log, %d at the provider", h, class, row.Units[class], n)
			}
		}
		if row.UsageSource != "reported" || row.Outcome != "client_gone" && row.Outcome != "ok" {
			t.Errorf("%s: the provider told its usage; logged as %s, %s", h, row.Outcome, row.UsageSource)
		}
	default:
		if row.UsageSource != "estimated" || row.Units["input"] == 0 || row.Outcome != "client_gone" {
			t.Errorf("%s: logged as %s, %s usage %v", h, row.Outcome, row.UsageSource, row.Units)
		}
	}
	return row.Outcome + ", " + row.UsageSource
}

// deleteListing takes out what was no call.
func deleteListing(rows []harness.Call) []harness.Call {
	var out []harness.Call
	for _, r := range rows {
		if r.Endpoint != "models" {
			out = append(out, r)
		}
	}
	return out
}
