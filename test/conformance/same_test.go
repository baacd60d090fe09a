package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"tollgate/test/harness"
	"tollgate/test/replay"
)

// generic is the request for a recording of which only the answer was kept.
func generic(dialect string, stream bool) []byte {
	if dialect == replay.Anthropic {
		return fmt.Appendf(nil, `{"model":"m","max_tokens":1024,"messages":[{"role":"user","content":"Say something."}],"stream":%v}`, stream)
	}
	return fmt.Appendf(nil, `{"model":"m","messages":[{"role":"user","content":"Say something."}],"stream":%v}`, stream)
}

// same plays a case to a client of its own dialect: the provider gets the client's bytes but for the model, the client the provider's.
func (g *gate) same(c *replay.Case, cut replay.Cutting) error {
	wire := c.Path + "~" + string(cut) + "~same"
	recorded := c.Request
	if recorded == nil {
		recorded = generic(c.Meta.Dialect, c.Meta.Stream)
	}
	sent, err := withModel(recorded, vendor(c)+"/"+wire)
	if err != nil {
		return fmt.Errorf("the recorded request: %w", err)
	}
	got, err := g.call(c.Meta.Dialect, sent)
	if err != nil {
		return err
	}
	arrived, ok := g.provider.Ledger.Last(wire)
	if !ok {
		return fmt.Errorf("nothing reached the provider: %d %s", got.Status, clip(got.Body))
	}
	want, err := withModel(recorded, wire)
	if err != nil {
		return err
	}
	if err := sameBytes(want, arrived.Body, c.Meta.Dialect == replay.OpenAI && streams(recorded)); err != nil {
		return err
	}
	switch {
	case c.Meta.Status == http.StatusUnauthorized, c.Meta.Status == http.StatusForbidden:
		return blamed(got)
	case c.Meta.Status >= 400:
		if got.Status != c.Meta.Status || !bytes.Equal(got.Body, c.Response) {
			return fmt.Errorf("the client got %d %s, not %d %s", got.Status, clip(got.Body), c.Meta.Status, clip(c.Response))
		}
		return nil
	case c.Has("error-in-stream"), c.Has("truncated"):
		return brokenStream(c, got)
	case c.Has("garbage"), c.Has("error-in-200"):
		return failed(c.Meta.Dialect, got)
	}
	if got.Status != http.StatusOK {
		return fmt.Errorf("status %d: %s", got.Status, clip(got.Body))
	}
	if want := clientBytes(c, c.Request != nil && replay.AsksUsage(c.Request)); !bytes.Equal(got.Body, want) {
		return fmt.Errorf("the client's bytes differ: %s", firstDifference(want, got.Body))
	}
	return passedHeaders(c, got)
}

func streams(request []byte) bool {
	var r struct {
		Stream bool `json:"stream"`
	}
	return json.Unmarshal(request, &r) == nil && r.Stream
}

// passedHeaders: the provider's request id and limits reach the client, and the call can be found again.
func passedHeaders(c *replay.Case, got *harness.Reply) error {
	for _, name := range []string{"x-request-id", "request-id", "x-ratelimit-remaining-requests", "anthropic-ratelimit-requests-remaining"} {
		if want, ok := c.Header[name]; ok && got.Header.Get(name) != want {
			return fmt.Errorf("header %s is %q, not %q", name, got.Header.Get(name), want)
		}
	}
	if got.Header.Get("X-Tollgate-Call-Id") == "" || got.Header.Get("X-Tollgate-Provider") != vendor(c) {
		return fmt.Errorf("our own headers are missing: %v", got.Header)
	}
	return nil
}

// blamed: a credential that the provider rejects is nobody's virtual key. The client is told whose fault it is.
func blamed(got *harness.Reply) error {
	var body struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	_ = json.Unmarshal(got.Body, &body)
	if got.Status != http.StatusBadGateway || !bytes.Contains(got.Body, []byte("provider.credential_rejected")) ||
		!strings.Contains(body.Error.Message, "credential") || !strings.Contains(body.Error.Message, "Your virtual key is fine") {
		return fmt.Errorf("a rejected credential was answered by %d %s", got.Status, clip(got.Body))
	}
	return nil
}

// brokenStream: an error inside a 200 stream. Before content it is an answer of its own; after content the stream ends in the
// dialect's error and never looks whole.
func brokenStream(c *replay.Case, got *harness.Reply) error {
	var before []byte
	message := ""
	for _, e := range replay.Events(c.Response) {
		if a := replay.Read(c.Meta.Dialect, true, e.Raw); a.Error != "" {
			message = a.Error
			break
		}
		before = append(before, e.Raw...)
	}
	if got.Status != http.StatusOK || !replay.Read(c.Meta.Dialect, true, before).Content { // the client has seen nothing
		if got.Status < 400 || !bytes.Contains(got.Body, []byte(`"error"`)) {
			return fmt.Errorf("an error that came before the client saw content was answered by %d %s", got.Status, clip(got.Body))
		}
		return nil
	}
	if cut := bytes.LastIndexByte(before, '\n'); cut >= 0 { // half an event is not passed on
		before = bytes.TrimRight(before[:cut], "\r\n")
	}
	if !bytes.HasPrefix(got.Body, before) {
		return fmt.Errorf("the bytes before the error differ: %s", firstDifference(before, got.Body))
	}
	a := replay.Read(c.Meta.Dialect, true, got.Body)
	if a.Error == "" || a.Done || !strings.Contains(a.Error, strings.Split(message, ".")[0]) {
		return fmt.Errorf("the stream does not end in the error %q: %s", message, clip(got.Body[max(0, len(got.Body)-400):]))
	}
	return nil
}

// failed: what the provider sent with a 200 is no answer, so the client gets none.
func failed(client string, got *harness.Reply) error {
	var body struct {
		Type  string `json:"type"`
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(got.Body, &body) != nil || body.Error.Message == "" || got.Status < 500 || (client == replay.Anthropic) != (body.Type == "error") {
		return fmt.Errorf("a bad answer became %d %s", got.Status, clip(got.Body))
	}
	return nil
}

func clip(b []byte) string { return string(b[:min(len(b), 400)]) }
