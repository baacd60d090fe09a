package providertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/golden"
	"tollgate/internal/provider"
)

// line is an event as a golden file shows it.
type line struct {
	Kind    string            `json:"kind"`
	Index   int               `json:"index,omitempty"`
	Part    *chat.Part        `json:"part,omitempty"`
	Text    string            `json:"text,omitempty"`
	Reason  chat.FinishReason `json:"reason,omitempty"`
	Usage   map[string]int64  `json:"usage,omitempty"`
	Extra   any               `json:"extra,omitempty"`
	Refusal *provider.Refusal `json:"refusal,omitempty"`
	ID      string            `json:"id,omitempty"`
}

var kinds = map[chat.EventKind]string{
	chat.Start: "start", chat.BlockStart: "block", chat.TextDelta: "text", chat.ArgsDelta: "args", chat.SignDelta: "sign",
	chat.ExtraDelta: "extra", chat.BlockStop: "stop", chat.Finish: "finish", chat.UsageEvent: "usage", chat.Ping: "ping",
	chat.End: "end", chat.Failure: "failure",
}

func show(t *testing.T, events []chat.Event) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, e := range events {
		l := line{Kind: kinds[e.Kind], Index: e.Index, Text: e.Text, Reason: e.Reason, ID: e.ID}
		if e.Kind == chat.BlockStart {
			l.Part = &e.Part
		}
		if e.Usage.Source != chat.Unknown {
			l.Usage = map[string]int64{}
			for c := range chat.Classes {
				if n := e.Usage.Units[c]; n != 0 {
					l.Usage[c.String()] = n
				}
			}
		}
		if e.Extra != nil {
			l.Extra = e.Extra
		}
		errors.As(e.Err, &l.Refusal)
		b, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
		out.WriteByte('\n')
	}
	return out.Bytes()
}

func stream(t *testing.T, d Both, name string, body []byte) {
	cut, failed := strings.HasPrefix(name, "cut-"), strings.HasPrefix(name, "failed-")
	events, err := Read(d.NewReader(), body)
	if cut != errors.Is(err, provider.ErrTruncated) || (err != nil && !cut) {
		t.Fatalf("err = %v", err)
	}
	golden.Equal(t, name+".events.golden", show(t, events))
	everyChunking(t, d, body, events)

	tap := d.NewTap(provider.Head{Stream: true, IncludeUsage: true})
	out := bytes.Clone(tap.Feed(body))
	out = append(out, tap.Close()...)
	seen := tap.Seen()
	if !cut && !bytes.Equal(out, body) && !failed {
		t.Errorf("the tap changed the stream to\n%s", out)
	}
	if seen.Ended != (!cut && !failed) || failed != (seen.Refusal != nil) {
		t.Errorf("the tap saw %+v", seen)
	}
	if cut || failed {
		return
	}
	got, err := Fold(events)
	if err != nil {
		t.Fatal(err)
	}
	if got.Usage != seen.Usage || got.ID != seen.ID || !seen.Started {
		t.Errorf("the tap saw %+v, the reader %+v", seen, got)
	}
	w := d.NewWriter(true)
	var wire []byte
	for _, e := range events {
		wire = w.Append(wire, e)
	}
	golden.Equal(t, name+".written.golden", wire)
	again, err := Read(d.NewReader(), wire)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Fold(again)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, d, got, back)
	neverWholeWhenCut(t, d, body)
}

// everyChunking: where the wire was cut into chunks changes nothing.
func everyChunking(t *testing.T, d Both, body []byte, want []chat.Event) {
	t.Helper()
	for _, size := range []int{1, 2, 3, 17, 100} {
		r := d.NewReader()
		var got []chat.Event
		emit := func(e chat.Event) { got = append(got, e) }
		for at := 0; at < len(body); at += size {
			if err := r.Feed(body[at:min(at+size, len(body))], emit); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Close(emit); err != nil && !errors.Is(err, provider.ErrTruncated) {
			t.Fatal(err)
		}
		if diff := cmp.Diff(show(t, want), show(t, got)); diff != "" {
			t.Fatalf("chunks of %d give other events:\n%s", size, diff)
		}
	}
}

// neverWholeWhenCut: a stream cut before its reason to finish is told from a whole one, and forwards no half event.
func neverWholeWhenCut(t *testing.T, d Both, body []byte) {
	t.Helper()
	end, mark := lastWord(d.Name(), body)
	if end < 0 {
		t.Fatal("no reason to finish")
	}
	for at := range end {
		tap := d.NewTap(provider.Head{Stream: true})
		out := bytes.Clone(tap.Feed(body[:at]))
		out = append(out, tap.Close()...)
		if tap.Seen().Ended && !bytes.Contains(body[:at], mark) {
			t.Fatalf("cut at %d, and whole", at)
		}
		if len(out) > 0 && !bytes.HasSuffix(out, []byte("\n")) {
			t.Fatalf("cut at %d, and half an event went out: %q", at, out)
		}
	}
}
