package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"tollgate/test/harness"
	"tollgate/test/replay"
)

// cross plays a case to a client of the other dialect: what it asks must reach the provider, and what the provider says must mean
// the same to it.
func (g *gate) cross(c *replay.Case, cut replay.Cutting) error {
	client := replay.OpenAI
	if c.Meta.Dialect == replay.OpenAI {
		client = replay.Anthropic
	}
	wire := c.Path + "~" + string(cut) + "~cross"
	asked, translated := generic(client, c.Meta.Stream), false
	if c.Request != nil {
		say := toOpenAI
		if client == replay.Anthropic {
			say = toAnthropic
		}
		if body, ok := say(c.Request); ok {
			asked, translated = body, true
		}
	}
	if client == replay.OpenAI && c.Meta.Stream && !translated {
		asked = []byte(strings.Replace(string(asked), `"stream":true`, `"stream":true,"stream_options":{"include_usage":true}`, 1))
	}
	sent, err := withModel(asked, vendor(c)+"/"+wire)
	if err != nil {
		return err
	}
	got, err := g.call(client, sent)
	if err != nil {
		return err
	}
	arrived, ok := g.provider.Ledger.Last(wire)
	if !ok {
		return fmt.Errorf("nothing reached the provider: %d %s", got.Status, clip(got.Body))
	}
	if err := heard(client, sent, arrived.Body); err != nil {
		return err
	}
	switch {
	case c.Meta.Status == http.StatusUnauthorized, c.Meta.Status == http.StatusForbidden:
		return blamed(got)
	case c.Meta.Status >= 400:
		return foreignError(c, client, got)
	case c.Has("garbage"), c.Has("error-in-200"):
		return failed(client, got)
	case c.Has("error-in-stream"), c.Has("truncated"):
		a := replay.Read(client, true, got.Body)
		if got.Status == http.StatusOK && (a.Error == "" || a.Done) {
			return fmt.Errorf("an error inside the stream became %s", clip(got.Body[max(0, len(got.Body)-400):]))
		}
		return nil
	}
	if got.Status != http.StatusOK {
		return fmt.Errorf("status %d: %s", got.Status, clip(got.Body))
	}
	if c.Meta.Stream {
		if err := wellFormed(client, got.Body); err != nil {
			return err
		}
	}
	want := replay.Read(c.Meta.Dialect, c.Meta.Stream, c.Response)
	if !want.Usage.Known && c.Meta.Dialect == replay.OpenAI && c.Meta.Stream && replay.AddsUsage(c) && replay.AsksUsage(arrived.Body) {
		want.Usage = replay.Unasked
	}
	return sameMeaning(c.Meta.Dialect, want, replay.Read(client, c.Meta.Stream, got.Body))
}

// heard compares what the client said with what the provider got.
func heard(client string, sent, arrived []byte) error {
	by, at, anthropic, openai := heardByOpenAI, heardByAnthropic, arrived, sent
	if client == replay.Anthropic {
		by, at, anthropic, openai = heardByAnthropic, heardByOpenAI, sent, arrived
	}
	want, err := by(sent)
	if err != nil {
		return err
	}
	got, err := at(arrived)
	if err != nil {
		return fmt.Errorf("the provider's body: %w", err)
	}
	if len(want) > 0 && len(got) > 0 && bytes.Contains(sent, []byte(`"json_schema"`)) && want[0].Role == "system" && got[0].Role == "system" {
		// A model without structured output is told in words what its answer must look like.
		if rest, ok := strings.CutPrefix(got[0].Data, want[0].Data); ok && (rest == "" || strings.Contains(rest, "JSON Schema")) {
			got[0].Data = want[0].Data
		}
	}
	for i := range max(len(want), len(got)) {
		if i >= len(want) || i >= len(got) || want[i] != got[i] {
			return fmt.Errorf("the conversation changed at item %d: said %s, heard %s", i, at1(want, i), at1(got, i))
		}
	}
	return sameTools(anthropic, openai)
}

func at1(items []item, i int) string {
	if i >= len(items) {
		return "nothing"
	}
	it := items[i]
	it.Data = clip([]byte(it.Data))
	return fmt.Sprintf("%+v", it)
}

// sameMeaning compares an answer with what another dialect made of it.
func sameMeaning(from string, want, got replay.Answer) error {
	var errs []error
	differ := func(what string, a, b any) {
		errs = append(errs, fmt.Errorf("%s: want %s, got %s", what, clip(fmt.Appendf(nil, "%+v", a)), clip(fmt.Appendf(nil, "%+v", b))))
	}
	if from == replay.OpenAI { // a refusal is text there
		want.Text += want.Refusal
	}
	if want.Text != got.Text {
		differ("text", want.Text, got.Text)
	}
	if want.Reasoning != got.Reasoning {
		differ("reasoning", want.Reasoning, got.Reasoning)
	}
	if from == replay.Anthropic && fmt.Sprint(want.Signs) != fmt.Sprint(got.Signs) {
		differ("signatures", want.Signs, got.Signs)
	}
	if len(want.Tools) != len(got.Tools) {
		differ("tool calls", want.Tools, got.Tools)
	} else {
		for i, w := range want.Tools {
			g := got.Tools[i]
			if w.ID == "" && g.ID != "" { // an answer without ids gets some
				w.ID = g.ID
			}
			if w.ID != g.ID || w.Name != g.Name || canonical([]byte(w.Args)) != canonical([]byte(g.Args)) {
				differ("tool call", w, g)
			}
		}
	}
	if w := finish(from, want); w != got.Finish {
		differ("finish reason", w, got.Finish)
	}
	if want.Usage.Known {
		if w := usage(from, want.Usage); w != got.Usage {
			differ("usage", w, got.Usage)
		}
	}
	if !got.Done {
		differ("end of the stream", true, false)
	}
	return errors.Join(errs...)
}

// finish is the word of the other dialect.
func finish(from string, a replay.Answer) string {
	if from == replay.Anthropic {
		switch a.Finish {
		case "max_tokens", "model_context_window_exceeded":
			return "length"
		case "tool_use":
			return "tool_calls"
		case "refusal":
			return "content_filter"
		}
		return "stop"
	}
	switch strings.ToLower(a.Finish) {
	case "length", "max_tokens":
		return "max_tokens"
	case "content_filter":
		return "refusal"
	case "tool_calls", "function_call":
		return "tool_use"
	}
	switch { // some vendors call a tool and say "stop"
	case len(a.Tools) > 0:
		return "tool_use"
	case a.Refusal != "":
		return "refusal"
	}
	return "end_turn"
}

// usage is what the other dialect can say of it: openai-chat has one number for writes to caches, anthropic-messages none for audio.
func usage(from string, u replay.Usage) replay.Usage {
	if from == replay.Anthropic {
		u.CacheWrite5m += u.CacheWrite1h
		u.CacheWrite1h = 0
		return u
	}
	u.Input += u.InputAudio
	u.Output += u.OutputAudio
	u.InputAudio, u.OutputAudio = 0, 0
	return u
}

// foreignError: a provider's refusal in the client's own envelope, with a status of the same kind and the provider's words.
func foreignError(c *replay.Case, client string, got *harness.Reply) error {
	var body struct {
		Type  string `json:"type"`
		Error struct {
			Type    string `json:"type"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(got.Body, &body); err != nil || body.Error.Message == "" || body.Error.Type == "" {
		return fmt.Errorf("no error envelope: %d %s", got.Status, clip(got.Body))
	}
	if (client == replay.Anthropic) != (body.Type == "error") {
		return fmt.Errorf("an envelope of another dialect: %s", clip(got.Body))
	}
	if got.Status/100 != c.Meta.Status/100 {
		return fmt.Errorf("status %d became %d: %s", c.Meta.Status, got.Status, clip(got.Body))
	}
	said := replay.Read(c.Meta.Dialect, false, c.Response).Error
	if said != "no JSON" && !strings.HasPrefix(said, "{") && !strings.Contains(body.Error.Message, strings.Fields(said)[0]) {
		return fmt.Errorf("the provider's words %q are lost: %s", said, clip(got.Body))
	}
	return nil
}

// wellFormed holds a stream to what the official SDKs demand of it.
func wellFormed(dialect string, body []byte) error {
	if dialect == replay.Anthropic {
		return wellFormedAnthropic(body)
	}
	id, roles, done := "", 0, false
	for _, e := range replay.Events(body) {
		if e.Data == "" {
			continue
		}
		if done {
			return fmt.Errorf("something follows [DONE]: %s", e.Raw)
		}
		if e.Name != "" {
			return fmt.Errorf("an event has a name: %s", e.Raw)
		}
		if e.Data == "[DONE]" {
			done = true
			continue
		}
		var chunk struct {
			ID      string `json:"id"`
			Object  string `json:"object"`
			Choices []struct {
				Delta struct {
					Role string `json:"role"`
				} `json:"delta"`
			} `json:"choices"`
		}
		if err := json.Unmarshal([]byte(e.Data), &chunk); err != nil || chunk.Object != "chat.completion.chunk" || chunk.ID == "" {
			return fmt.Errorf("a chunk is none: %s", e.Raw)
		}
		if id == "" {
			id = chunk.ID
		}
		if chunk.ID != id {
			return fmt.Errorf("the id changes from %s to %s", id, chunk.ID)
		}
		for _, choice := range chunk.Choices {
			if choice.Delta.Role != "" {
				roles++
			}
		}
	}
	if !done || roles != 1 {
		return fmt.Errorf("[DONE] seen: %v, role given %d times", done, roles)
	}
	return nil
}

func wellFormedAnthropic(body []byte) error {
	state, open, next := "start", -1, 0
	for _, e := range replay.Events(body) {
		if e.Data == "" {
			continue
		}
		var v struct {
			Type  string `json:"type"`
			Index int    `json:"index"`
		}
		if err := json.Unmarshal([]byte(e.Data), &v); err != nil || v.Type != e.Name {
			return fmt.Errorf("event %q holds %s", e.Name, e.Data)
		}
		wrong := func() error {
			return fmt.Errorf("%s at a wrong place (%s, block %d open): %s", v.Type, state, open, e.Data)
		}
		switch v.Type {
		case "ping":
		case "message_start":
			if state != "start" {
				return wrong()
			}
			state = "content"
		case "content_block_start":
			if state != "content" || open >= 0 || v.Index != next {
				return wrong()
			}
			open, next = v.Index, next+1
		case "content_block_delta":
			if state != "content" || open != v.Index {
				return wrong()
			}
		case "content_block_stop":
			if open != v.Index {
				return wrong()
			}
			open = -1
		case "message_delta":
			if state != "content" || open >= 0 {
				return wrong()
			}
			state = "delta"
		case "message_stop":
			if state != "delta" {
				return wrong()
			}
			state = "stop"
		default:
			return wrong()
		}
	}
	if state != "stop" {
		return fmt.Errorf("the stream ends in state %s", state)
	}
	return nil
}
