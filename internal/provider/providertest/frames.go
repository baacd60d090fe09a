package providertest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/google/go-cmp/cmp"

	"tollgate/internal/golden"
	"tollgate/internal/provider"
)

// Frame writes one frame of an Amazon event stream. kind is "event", "exception" or "error"; name is what the frame's own header of
// that kind says.
func Frame(t testing.TB, kind, name, payload string) []byte {
	t.Helper()
	header := map[string]string{"event": ":event-type", "exception": ":exception-type", "error": ":error-code"}[kind]
	m := eventstream.Message{Payload: []byte(payload)}
	m.Headers.Set(":message-type", eventstream.StringValue(kind))
	m.Headers.Set(header, eventstream.StringValue(name))
	m.Headers.Set(":content-type", eventstream.StringValue("application/json"))
	if kind == "error" {
		m.Payload = nil
		m.Headers.Set(":error-message", eventstream.StringValue(payload))
	}
	var buf bytes.Buffer
	if err := eventstream.NewEncoder().Encode(&buf, m); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// Chunks writes events as InvokeModelWithResponseStream does: a frame each, with padding.
func Chunks(t testing.TB, events ...string) []byte {
	t.Helper()
	var out []byte
	for i, e := range events {
		body, err := json.Marshal(map[string]string{"bytes": base64.StdEncoding.EncodeToString([]byte(e)), "p": "abcdefghij"[:i%10]})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, Frame(t, "event", "chunk", string(body))...)
	}
	return out
}

// Events writes the frames of a ConverseStream from lines of a name and a payload: "messageStart {…}".
func Events(t testing.TB, lines ...string) []byte {
	t.Helper()
	var out []byte
	for _, line := range lines {
		name, payload, _ := bytes.Cut([]byte(line), []byte(" "))
		kind := "event"
		if bytes.HasSuffix(name, []byte("Exception")) {
			kind = "exception"
		}
		out = append(out, Frame(t, kind, string(name), string(payload))...)
	}
	return out
}

// ExerciseFrames is ExerciseTarget for a dialect whose streams are frames. *.frames hold one frame a line, which encode makes the bytes of.
func ExerciseFrames(t *testing.T, d provider.ChatTarget, dir string, encode func(t testing.TB, lines ...string) []byte, sources ...Source) {
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
		eachIn(t, dir, ".frames", func(t *testing.T, n string, b []byte) {
			framedStream(t, d, n, encode(t, strings.Split(strings.TrimSpace(string(b)), "\n")...))
		})
	})
	t.Run("refusals", func(t *testing.T) { t.Parallel(); Refusals(t, d) })
}

func framedStream(t *testing.T, d provider.ChatTarget, name string, body []byte) {
	base := filepath.Base(name)
	cut, failed := strings.HasPrefix(base, "cut-"), strings.HasPrefix(base, "failed-")
	events, err := Read(d.NewReader(), body)
	if cut != errors.Is(err, provider.ErrTruncated) || (err != nil && !cut) {
		t.Fatalf("err = %v", err)
	}
	golden.Equal(t, name+".events.golden", show(t, events))
	for size := 1; size < len(body); size += 1 + size/3 {
		if diff := cmp.Diff(string(show(t, events)), string(show(t, InChunks(t, d, body, size)))); diff != "" {
			t.Fatalf("chunks of %d give other events:\n%s", size, diff)
		}
	}
	if seen := Followed(d, body); seen.Ended != (!cut && !failed) || failed != (seen.Refusal != nil) {
		t.Errorf("the tap saw %+v", seen)
	}
	if cut || failed {
		return
	}
	AgreeStream(t, d, body)
	CutEverywhere(t, d, body)
}
