package providertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tollgate/internal/chat"
	"tollgate/internal/fault"
	"tollgate/internal/golden"
	"tollgate/internal/provider"
)

// Source is a client's dialect whose requests a target is asked to express.
type Source struct {
	Suffix string // of the files that hold its bodies: ".openai.json"
	Reads  provider.Reads[chat.Request, chat.Response]
	How    chat.Encoding
}

// ExerciseTarget holds a chat dialect that has the provider's end only to what every target guarantees, over the files of a folder of
// testdata:
//
//	*<suffix>      a client's body, for each source
//	*.answer.json  a provider's whole answer
//	*<streams>     a provider's stream; cut-* breaks off, failed-* has an error in it
func ExerciseTarget(t *testing.T, d provider.ChatTarget, dir, streams string, sources ...Source) {
	t.Helper()
	for _, s := range sources {
		t.Run("requests"+s.Suffix, func(t *testing.T) {
			t.Parallel()
			eachIn(t, dir, s.Suffix, func(t *testing.T, n string, b []byte) { targetRequest(t, d, s, n, b) })
		})
	}
	t.Run("answers", func(t *testing.T) {
		t.Parallel()
		eachIn(t, dir, ".answer.json", func(t *testing.T, n string, b []byte) { targetAnswer(t, d, n, b) })
	})
	t.Run("streams", func(t *testing.T) {
		t.Parallel()
		eachIn(t, dir, streams, func(t *testing.T, n string, b []byte) { targetStream(t, d, n, b) })
	})
	t.Run("refusals", func(t *testing.T) { t.Parallel(); Refusals(t, d) })
}

func targetRequest(t *testing.T, d provider.ChatTarget, s Source, name string, body []byte) {
	r, err := s.Reads.ParseRequest(body)
	if err != nil {
		t.Fatal(err)
	}
	name += s.Suffix
	built, err := d.BuildRequest(r.Aimed(r.Model, r.Stream, s.How))
	var f *fault.Error
	if errors.As(err, &f) {
		golden.Equal(t, name+".golden", []byte("refused: "+f.Field+"\n"))
		var dropped []string
		lossy := s.How
		lossy.DropUnsupported, lossy.Dropped = true, &dropped
		if _, err := d.BuildRequest(r.Aimed(r.Model, r.Stream, lossy)); err == nil && len(dropped) == 0 {
			t.Error("what could be dropped was not noted")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	golden.Equal(t, name+".golden", indent(t, json.RawMessage(built)))
}

func targetAnswer(t *testing.T, d provider.ChatTarget, name string, body []byte) {
	seen := d.Inspect(body)
	r, err := d.ParseResponse(body)
	var refusal *provider.Refusal
	if errors.As(err, &refusal) {
		if seen.Refusal == nil || seen.Ended {
			t.Errorf("Inspect saw no refusal: %+v", seen)
		}
		golden.Equal(t, name+".golden", Plain(t, refusal))
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	AgreeWhole(t, d, body)
	golden.Equal(t, name+".golden", Plain(t, r))
}

// AgreeWhole holds what Inspect sees of a whole answer against what ParseResponse reads.
func AgreeWhole(t *testing.T, d provider.ChatTarget, body []byte) chat.Response {
	t.Helper()
	seen := d.Inspect(body)
	r, err := d.ParseResponse(body)
	if err != nil {
		t.Fatal(err)
	}
	if seen.Usage != r.Usage || seen.ID != r.ID || seen.Finish != r.Finish || !seen.Ended || seen.Started != (len(r.Parts) > 0) {
		t.Errorf("Inspect %+v and ParseResponse %+v differ", seen, r)
	}
	for c, n := range r.Usage.Units {
		if n < 0 {
			t.Errorf("class %d is %d", c, n)
		}
	}
	return r
}

func targetStream(t *testing.T, d provider.ChatTarget, name string, body []byte) {
	base := filepath.Base(name)
	cut, failed := strings.HasPrefix(base, "cut-"), strings.HasPrefix(base, "failed-")
	events, err := Read(d.NewReader(), body)
	if cut != errors.Is(err, provider.ErrTruncated) || (err != nil && !cut) {
		t.Fatalf("err = %v", err)
	}
	golden.Equal(t, name+".events.golden", told(t, events))
	for _, size := range []int{1, 2, 3, 17, 100} {
		if diff := cmp.Diff(string(told(t, events)), string(told(t, InChunks(t, d, body, size)))); diff != "" {
			t.Fatalf("chunks of %d give other events:\n%s", size, diff)
		}
	}
	crlf := bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n"))
	if diff := cmp.Diff(string(told(t, events)), string(told(t, InChunks(t, d, crlf, 5)))); diff != "" && !failed {
		t.Fatalf("CRLF gives other events:\n%s", diff)
	}
	seen := Followed(d, body)
	if seen.Ended != (!cut && !failed) || failed != (seen.Refusal != nil) {
		t.Errorf("the tap saw %+v", seen)
	}
	if cut || failed {
		return
	}
	AgreeStream(t, d, body)
	CutEverywhere(t, d, body)
}

// told shows events a line each, with only what is set.
func told(t *testing.T, events []chat.Event) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, e := range events {
		v, ok := plain(reflect.ValueOf(e)).(map[string]any)
		if !ok {
			t.Fatal("an event is no struct")
		}
		v["Kind"] = kinds[e.Kind]
		line, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(line)
		out.WriteByte('\n')
	}
	return out.Bytes()
}

// InChunks decodes a stream that comes in pieces of a size.
func InChunks(t *testing.T, d provider.ChatTarget, body []byte, size int) []chat.Event {
	t.Helper()
	r := d.NewReader()
	var got []chat.Event
	emit := func(e chat.Event) { got = append(got, e) }
	for at := 0; at < len(body); at += size {
		if err := r.Feed(bytes.Clone(body[at:min(at+size, len(body))]), emit); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(emit); err != nil && !errors.Is(err, provider.ErrTruncated) {
		t.Fatal(err)
	}
	return got
}

// Followed is what a tap sees of a stream.
func Followed(d provider.ChatTarget, body []byte) provider.Seen {
	tap := d.NewTap(provider.Head{Stream: true})
	tap.Feed(body)
	tap.Close()
	return tap.Seen()
}

// AgreeStream holds what a tap sees of a whole stream against what a reader reads, and gives the answer.
func AgreeStream(t *testing.T, d provider.ChatTarget, body []byte) chat.Response {
	t.Helper()
	events, err := Read(d.NewReader(), body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Fold(events)
	if err != nil {
		t.Fatal(err)
	}
	seen := Followed(d, body)
	if got.Usage != seen.Usage || got.ID != seen.ID || got.Finish != seen.Finish || !seen.Ended || seen.Started != (len(got.Parts) > 0) {
		t.Errorf("the tap saw %+v, the reader %+v", seen, got)
	}
	return got
}

// CutEverywhere cuts a stream at every byte: it is told from a whole one until its end has come, and ends with its end after that.
func CutEverywhere(t *testing.T, d provider.ChatTarget, body []byte) {
	t.Helper()
	ended := false
	for at := range body {
		events, err := Read(d.NewReader(), body[:at])
		whole := len(events) > 0 && events[len(events)-1].Kind == chat.End
		if whole == (err != nil) {
			t.Fatalf("cut at %d: whole is %v, err = %v", at, whole, err)
		}
		if ended && !whole {
			t.Fatalf("cut at %d: no longer whole", at)
		}
		ended = whole
	}
}
