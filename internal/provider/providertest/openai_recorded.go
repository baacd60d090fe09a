package providertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
)

// ExerciseRecorded holds a dialect with both ends to recorded exchanges: what it reads it writes so that it reads the same again,
// its two ways of looking at an answer agree, and a stream passes unchanged whatever its chunks.
func ExerciseRecorded(t *testing.T, d Both, cases []Case) {
	t.Helper()
	passed, total := map[string]int{}, map[string]int{}
	for _, c := range cases {
		total[c.Provider]++
		ok := t.Run(c.Name, func(t *testing.T) {
			if c.Request != nil && c.Status == 200 {
				recordedRequest(t, d, c)
			}
			switch {
			case c.Status >= 400:
				recordedRefusal(t, d, c)
			case c.Kind == "json":
				recordedAnswer(t, d, c)
			case c.Kind == "sse":
				recordedStream(t, d, c)
			}
		})
		if ok {
			passed[c.Provider]++
		}
	}
	for _, p := range slices.Sorted(maps.Keys(total)) {
		t.Logf("%s %s: %d/%d", d.Name(), p, passed[p], total[p])
	}
}

func recordedRequest(t *testing.T, d Both, c Case) {
	h, err := d.Probe(c.Request, provider.Line{})
	if err != nil {
		if errors.Is(err, provider.ErrBody) && !bytes.Contains(c.Request, []byte(`"model"`)) {
			return // a stored prompt that names its model, or no call at all
		}
		t.Fatal(err)
	}
	CheckSplice(t, d, c.Request, h)
	r, err := d.ParseRequest(c.Request)
	if err != nil {
		t.Fatal(err)
	}
	if r.Model != h.Model || r.Stream != h.Stream || r.MaxTokens != h.MaxTokens {
		t.Errorf("Probe %+v and ParseRequest %+v differ", h, r)
	}
	built, err := d.BuildRequest(r)
	if err != nil {
		t.Fatal(err)
	}
	again, err := d.ParseRequest(built)
	if err != nil {
		t.Fatalf("%v in\n%s", err, built)
	}
	if diff := cmp.Diff(Words(r), Words(again)); diff != "" {
		t.Errorf("the words changed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(options(t, c.Request), options(t, built)); diff != "" {
		t.Errorf("the options changed (-want +got):\n%s", diff)
	}
	twice, err := d.BuildRequest(again)
	if err != nil || !bytes.Equal(built, twice) {
		t.Errorf("a second encoding differs (%v):\n%s\n%s", err, built, twice)
	}
}

// options are the members of a request that are no conversation, without those that say nothing.
func options(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := decode(body, &v); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"input", "prompt", "messages", "instructions", "stream_options", "tollgate", "provider", "models"} {
		delete(v, name)
	}
	for name, value := range v {
		switch x := value.(type) {
		case string:
			if name == "stop" {
				v[name] = []any{x}
			}
		case bool:
			if name == "stream" && !x {
				delete(v, name)
			}
		case nil:
			delete(v, name)
		case map[string]any:
			maps.DeleteFunc(x, func(_ string, inner any) bool { return inner == nil })
			if len(x) == 0 {
				delete(v, name)
			}
		case []any:
			for _, item := range x {
				if o, ok := item.(map[string]any); ok {
					maps.DeleteFunc(o, func(_ string, inner any) bool { return inner == nil || inner == "" })
				}
			}
			if len(x) == 0 {
				delete(v, name)
			}
		}
	}
	return v
}

// Words are all words of a request, in their order: text, calls, results.
func Words(r chat.Request) string {
	var b strings.Builder
	var walk func(parts []chat.Part)
	walk = func(parts []chat.Part) {
		for _, p := range parts {
			switch p.Kind {
			case chat.Text, chat.Refusal:
				b.WriteString(" " + p.Text)
			case chat.Thinking, chat.Redacted:
				fmt.Fprintf(&b, "\n[reasoning %s %s%s]", p.Text, p.Signature, p.Data)
			case chat.ToolCall:
				fmt.Fprintf(&b, "\n[call %s %s %s]", p.ID, p.Name, compact(p.Args))
			case chat.ToolResult:
				fmt.Fprintf(&b, "\n[result %s]", p.ID)
				walk(p.Parts)
			case chat.Image, chat.Document, chat.Audio:
				fmt.Fprintf(&b, "\n[file %s %s %s %s %s]", p.URL, p.MediaType, p.Data, p.FileID, p.Name)
			case chat.Opaque:
				for _, raw := range p.Extra {
					b.Write(raw)
				}
			}
		}
	}
	walk(r.System)
	for _, m := range r.Messages {
		walk(m.Parts)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func recordedRefusal(t *testing.T, d Both, c Case) {
	r := d.ParseRefusal(c.Status, nil, c.Response)
	if r.Message == "" || r.Status != c.Status || (c.Status < 500 && r.Class == provider.ClassServer) {
		t.Errorf("refusal = %+v", r)
	}
	t.Logf("%d %s: %s", c.Status, r.Class, r.Message)
}

func recordedAnswer(t *testing.T, d Both, c Case) {
	seen := d.Inspect(c.Response)
	r, err := d.ParseResponse(c.Response)
	if err != nil {
		t.Fatal(err)
	}
	agree(t, seen, r)
	checkTotals(t, c.Response, r.Usage)
	again, err := d.ParseResponse(d.AppendResponse(nil, r))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, d, r, again)
}

// agree holds what was seen of an answer against the answer.
func agree(t *testing.T, seen provider.Seen, r chat.Response) {
	t.Helper()
	if seen.Usage != r.Usage || seen.ID != r.ID || seen.Finish != r.Finish || seen.Model != r.Model || seen.Cost != r.Reported || !seen.Ended {
		t.Errorf("seen %+v, and the answer is %+v", seen, r)
	}
	for class, n := range seen.Usage.Units {
		if n < 0 {
			t.Errorf("class %d is %d", class, n)
		}
	}
}

// checkTotals: the classes sum to the total that the recording states.
func checkTotals(t *testing.T, body []byte, u chat.Usage) {
	t.Helper()
	var o struct {
		Usage *struct {
			Total int64 `json:"total_tokens"`
		}
	}
	if json.Unmarshal(body, &o) != nil || (o.Usage != nil) != (u.Source == chat.Reported) {
		t.Errorf("usage = %+v", u)
		return
	}
	if o.Usage != nil && o.Usage.Total != u.Units.InputTotal()+u.Units.OutputTotal() {
		t.Errorf("usage = %+v, and the total is %d", u, o.Usage.Total)
	}
}

func recordedStream(t *testing.T, d Both, c Case) {
	events, err := Read(d.NewReader(), c.Response)
	if err != nil {
		t.Fatal(err)
	}
	everyChunking(t, d, c.Response, events)
	got, err := Fold(events)
	for _, size := range []int{1 << 20, 700, 7} {
		tap := d.NewTap(provider.Head{Stream: true, IncludeUsage: true})
		var out []byte
		for at := 0; at < len(c.Response); at += size {
			out = append(out, tap.Feed(c.Response[at:min(at+size, len(c.Response))])...)
		}
		out = append(out, tap.Close()...)
		seen := tap.Seen()
		if c.Has("error-in-stream") {
			var refusal *provider.Refusal
			if !errors.As(err, &refusal) || refusal.Message == "" || seen.Refusal == nil || seen.Ended || !bytes.HasPrefix(c.Response, out) ||
				bytes.Contains(out, []byte(refusal.Message)) {
				t.Fatalf("err = %v, seen %+v", err, seen)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out, c.Response) {
			t.Fatalf("chunks of %d: %d bytes of %d came out", size, len(out), len(c.Response))
		}
		agree(t, seen, got)
	}
	if err != nil {
		return
	}
	w := d.NewWriter(true)
	var wire []byte
	for _, e := range events {
		wire = w.Append(wire, e)
	}
	again, err := Read(d.NewReader(), wire)
	if err != nil {
		t.Fatalf("%v in\n%s", err, wire)
	}
	back, err := Fold(again)
	if err != nil {
		t.Fatalf("%v in\n%s", err, wire)
	}
	compare(t, d, got, back)
}
