package openairesponses_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openairesponses"
	"tollgate/internal/provider/providertest"
)

// Whatever the pieces, and wherever the stream is cut, the tap sees what there is and takes no part for a whole.
func TestTheTapSeesTheSameInEveryChunking(t *testing.T) {
	t.Parallel()
	stream, err := os.ReadFile(filepath.Join("testdata", "text.sse"))
	if err != nil {
		t.Fatal(err)
	}
	for size := 1; size <= len(stream); size++ {
		tap := openairesponses.Dialect{}.NewTap(provider.Head{Stream: true})
		var out []byte
		for at := 0; at < len(stream); at += size {
			out = append(out, tap.Feed(stream[at:min(at+size, len(stream))])...)
		}
		out = append(out, tap.Close()...)
		seen := tap.Seen()
		if !bytes.Equal(out, stream) || !seen.Ended || seen.Finish != chat.FinishStop || seen.OutputBytes != int64(len(`Hello \"you\"\n`)) || seen.Usage.Units[chat.Reasoning] != 32 {
			t.Fatalf("chunks of %d: %+v", size, seen)
		}
	}
}

// An error is told by the gateway in its own words: nothing from its event on is forwarded.
func TestTheTapHoldsBackFromAnErrorOn(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"failed-event", "failed-flat", "failed-response"} {
		stream, err := os.ReadFile(filepath.Join("testdata", name+".sse"))
		if err != nil {
			t.Fatal(err)
		}
		at := min(mark(stream, "event: error"), mark(stream, "event: response.failed"))
		for size := 1; size <= len(stream); size++ {
			tap := openairesponses.Dialect{}.NewTap(provider.Head{Stream: true})
			var out []byte
			for from := 0; from < len(stream); from += size {
				out = append(out, tap.Feed(stream[from:min(from+size, len(stream))])...)
			}
			out = append(out, tap.Close()...)
			if !bytes.Equal(out, stream[:at]) || tap.Seen().Refusal == nil || tap.Seen().Ended {
				t.Fatalf("%s in chunks of %d: %d bytes went out of %d before the error", name, size, len(out), at)
			}
		}
	}
}

func mark(stream []byte, what string) int {
	if i := bytes.Index(stream, []byte(what)); i >= 0 {
		return i
	}
	return len(stream)
}

func TestADeltaCostsNoAllocation(t *testing.T) { //nolint:paralleltest // counts allocations
	tap := openairesponses.Dialect{}.NewTap(provider.Head{Stream: true})
	chunk := []byte("event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":4,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"word\"}\n\n")
	tap.Feed(chunk)
	if n := testing.AllocsPerRun(100, func() { tap.Feed(chunk) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A provider's total rules over its details, however absurd those are.
func TestAbsurdUsageStaysWithinItsTotals(t *testing.T) {
	t.Parallel()
	for _, usage := range []string{
		`{"input_tokens":10,"input_tokens_details":{"cached_tokens":99,"cache_write_tokens":99,"audio_tokens":5},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":99},"total_tokens":15}`,
		`{"input_tokens":10,"output_tokens":5,"total_tokens":3}`,
		`{"input_tokens":-10,"output_tokens":5,"input_tokens_details":{"cached_tokens":-4}}`,
		`{"input_tokens":1e300,"output_tokens":5}`,
		`{"input_tokens":10,"input_tokens_details":[],"output_tokens":5,"output_tokens_details":null}`,
	} {
		seen := openairesponses.Dialect{}.Inspect([]byte(`{"id":"r","status":"completed","output":[{"type":"message"}],"usage":` + usage + `}`))
		sum := int64(0)
		for _, n := range seen.Usage.Units {
			if n < 0 {
				t.Errorf("%s: %v", usage, seen.Usage)
			}
			sum += n
		}
		if sum > 15 {
			t.Errorf("%s: %v", usage, seen.Usage)
		}
	}
	if seen := (openairesponses.Dialect{}).Inspect([]byte(`{"id":"r","status":"completed","output":[],"usage":null}`)); seen.Usage.Source != chat.Unknown {
		t.Error("no usage is known usage")
	}
}

func seeds(f *testing.F, pattern string) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		f.Fatalf("no %s (%v)", pattern, err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
}

// Whatever a client sends is refused as invalid or becomes a body that is JSON, in this dialect and the others.
func FuzzRequests(f *testing.F) {
	seeds(f, "*.request.json")
	own := openairesponses.Dialect{}
	f.Fuzz(func(t *testing.T, body []byte) {
		openairesponses.IsCursor(body)
		if h, err := own.Probe(body, provider.Line{}); err == nil && json.Valid(body) {
			if out := provider.ApplyEdits(body, own.Edits(body, h, "other")); !json.Valid(out) {
				t.Fatalf("spliced to %s", out)
			}
		}
		for _, parse := range []func([]byte) (chat.Request, error){own.ParseRequest, openairesponses.Cursor{}.ParseRequest, openairesponses.Count{}.ParseRequest} {
			r, err := parse(body)
			if err != nil {
				var declared *fault.Error
				if !errors.As(err, &declared) || declared.Kind != fault.Invalid {
					t.Fatalf("err = %v, want an invalid request", err)
				}
				continue
			}
			for _, build := range []func(chat.Request) ([]byte, error){own.BuildRequest, openairesponses.Count{}.BuildRequest, others[0].BuildRequest, others[1].BuildRequest} {
				r.Encoding.DropUnsupported = len(body)%2 == 0
				if built, err := build(r); err == nil && !json.Valid(built) {
					t.Fatalf("not JSON: %s", built)
				}
			}
		}
	})
}

// Whatever a provider answers is a bad answer, its refusal, or an answer that is written as JSON and read back.
func FuzzAnswers(f *testing.F) {
	seeds(f, "*.answer.json")
	d := openairesponses.Dialect{}
	f.Fuzz(func(t *testing.T, body []byte) {
		d.Inspect(body)
		d.ParseRefusal(500, nil, body)
		_, _ = openairesponses.Count{}.ParseResponse(body) // any error will do
		r, err := d.ParseResponse(body)
		if err != nil {
			var refusal *provider.Refusal
			if !errors.Is(err, provider.ErrBadAnswer) && !errors.As(err, &refusal) {
				t.Fatal(err)
			}
			return
		}
		for _, to := range append([]providertest.Both{d}, others...) {
			wire := to.AppendResponse(nil, r)
			if _, err := to.ParseResponse(wire); err != nil {
				t.Fatalf("%s: %v in %s", to.Name(), err, wire)
			}
		}
	})
}

// Whatever bytes come, reader and tap do not fall over, the tap forwards nothing that did not come, and what the reader makes of
// them is written as a stream that a strict client takes.
func FuzzStream(f *testing.F) {
	seeds(f, "*.sse")
	d := openairesponses.Dialect{}
	f.Fuzz(func(t *testing.T, stream []byte) {
		tap := d.NewTap(provider.Head{Stream: true})
		if out := bytes.Clone(tap.Feed(stream)); !bytes.HasPrefix(stream, out) {
			t.Fatalf("%q came out of %q", out, stream)
		}
		tap.Close()
		events, err := providertest.Read(d.NewReader(), stream)
		if err != nil || len(events) == 0 {
			return
		}
		if last := events[len(events)-1].Kind; last != chat.End && last != chat.Failure {
			t.Fatalf("the last event is of kind %d", last)
		}
		if _, err := providertest.Fold(events); err != nil {
			var refusal *provider.Refusal
			if !errors.As(err, &refusal) {
				t.Fatal(err)
			}
			return
		}
		var wire []byte
		w := d.NewWriter(true)
		for _, e := range events {
			wire = w.Append(wire, e)
		}
		if strings.Contains(string(stream), "rs_") || bytes.Contains(stream, []byte(`_call"`)) {
			return // ids that the stream chose itself, perhaps twice
		}
		if err := checkStream(wire); err != nil {
			t.Fatalf("%v in\n%s", err, wire)
		}
	})
}
