package openaichat_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/providertest"
)

// mixed is a stream whose first call never ends while pieces of another one come.
func mixed(n int) []byte {
	var b bytes.Buffer
	piece := func(call int, args string) {
		fmt.Fprintf(&b, "data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":%d,\"id\":\"c%d\","+
			"\"function\":{\"name\":\"f\",\"arguments\":%q}}]}}]}\n\n", call, call, args)
	}
	piece(0, `{"a":"`+strings.Repeat("x", 100*n))
	for range n {
		piece(1, "y")
	}
	return b.Bytes()
}

func TestCallsThatWaitAreNotReadAnewForEachPiece(t *testing.T) { //nolint:paralleltest // it measures time
	providertest.Linear(t, 500, func(n int) func() {
		stream := mixed(n)
		return func() {
			if err := (openaichat.Dialect{}).NewReader().Feed(stream, func(chat.Event) {}); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestWhatWaitsInAStreamIsBounded(t *testing.T) {
	t.Parallel()
	var failed error
	err := (openaichat.Dialect{}).NewReader().Feed(mixed(50_000), func(e chat.Event) {
		if e.Kind == chat.Failure {
			failed = e.Err
		}
	})
	if r := (*provider.Refusal)(nil); err != nil || !errors.As(failed, &r) || r.Class != provider.ClassServer {
		t.Errorf("%v, %v", err, failed)
	}
}

func TestAnAnswerOfManyPiecesIsWrittenInOnePass(t *testing.T) { //nolint:paralleltest // it measures time
	providertest.Linear(t, 1500, func(n int) func() {
		r := chat.Response{ID: "x", Model: "m"}
		for range n {
			r.Parts = append(r.Parts, chat.Part{Kind: chat.Text, Text: "twenty bytes of text"})
		}
		return func() { (openaichat.Dialect{}).AppendResponse(nil, r) }
	})
}
