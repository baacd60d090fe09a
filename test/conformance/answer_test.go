package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"tollgate/test/harness"
	"tollgate/test/replay"
)

// planAnswers plays a recorded answer to a client of each chat surface.
func planAnswers(g *gate, c *replay.Case) []*run {
	if !slices.Contains(replay.Chats(), c.Meta.Dialect) {
		return nil
	}
	var out []*run
	for _, s := range surfaces() {
		w, ok := g.wayTo(c, s)
		if !ok {
			continue
		}
		r := run{kind: "answer", surface: s, c: c, way: w, do: (*gate).answer}
		if c.Meta.Stream && c.Meta.Status == http.StatusOK {
			byEvent, odd := r, r
			byEvent.cut, odd.cut = replay.ByEvent, replay.Odd
			out = append(out, &byEvent, &odd)
			continue
		}
		out = append(out, &r)
	}
	return out
}

// wayTo is a way in which a client of the surface has a provider asked in the recording's dialect: its own vendor, or, where the gateway
// would ask that in the client's own dialect, another one that speaks the recording's only.
func (g *gate) wayTo(c *replay.Case, surface string) (way, bool) {
	w := way{natural(c), c.Meta.Dialect, c.Meta.Model}
	own := map[string][]string{
		replay.OpenAI: {"openai-chat"}, replay.Responses: {"openai-responses"}, replay.Gemini: {"gemini"},
		replay.Anthropic: {"anthropic-messages"},
	}[surface]
	if replay.Wire(c.Meta.Dialect) == surface {
		return w, true
	}
	switch c.Meta.Dialect {
	case replay.OpenAI, replay.Writer:
		first := g.speaks[w.vendor][0] == "openai-chat"
		if !first || g.knows(w.vendor, own...) {
			w.vendor = "snowflake-cortex"
		}
	case replay.Responses:
		w.vendor, w.model = "openai", "gpt-codex"
	case replay.Anthropic:
		if g.knows(w.vendor, own...) {
			w.vendor = "custom-anthropic"
		}
	case replay.Gemini:
		w.vendor = "vertex"
		if !strings.HasPrefix(w.model, "gemini-") {
			w.model = "gemini-" + strings.ReplaceAll(w.model, "/", "-")
		}
	case replay.Invoke: // InvokeModel is for the maker's own clients
		return w, false
	case replay.Converse:
		if surface == replay.Anthropic {
			w.model = "amazon.nova-lite-v1:0"
		}
	}
	return w, true
}

// answer: what the provider says means the same to the client.
func (g *gate) answer(r *run) error {
	c := r.c
	body := generic(r.surface, c.Meta.Stream)
	if r.surface == replay.OpenAI && c.Meta.Stream {
		body = []byte(strings.Replace(string(body), `"stream":true`, `"stream":true,"stream_options":{"include_usage":true}`, 1))
	}
	a := ask{surface: r.surface, model: r.model(), body: body, stream: c.Meta.Stream}
	if r.surface != replay.Gemini {
		var err error
		if a.body, err = withModel(body, a.model); err != nil {
			return err
		}
	}
	// An array comes back as one; server-sent events as such.
	a.array = c.Meta.Dialect == replay.Gemini && bytes.HasPrefix(bytes.TrimSpace(c.Response), []byte("["))
	got, err := g.send(r, a)
	if err != nil {
		return err
	}
	if _, err := g.arrived(r, got); err != nil {
		return err
	}
	carried := replay.Wire(c.Meta.Dialect) == r.surface
	want := replay.Read(c.Meta.Dialect, c.Meta.Stream, c.Response)
	switch {
	case rejected(c):
		return blamed(got)
	case c.Meta.Status >= 400:
		return foreignError(r, got)
	case c.Has("garbage"), c.Has("error-in-200"):
		return failed(r.surface, got)
	case c.Has("error-in-stream"), c.Has("truncated"), want.Error != "":
		a := replay.Read(r.surface, true, got.Body)
		if got.Status == http.StatusOK && (a.Error == "" || a.Done) {
			return fmt.Errorf("an error inside the stream became %s", clip(got.Body[max(0, len(got.Body)-400):]))
		}
		if got.Status != http.StatusOK {
			return envelope(r.surface, got)
		}
		return nil
	}
	if got.Status != http.StatusOK {
		return fmt.Errorf("status %d: %s", got.Status, clip(got.Body))
	}
	g.expect(r)
	want.Usage = r.used
	if !r.used.Known {
		want.Usage = replay.Usage{}
	}
	if c.Meta.Stream && !carried {
		if err := wellFormed(r.surface, got.Body); err != nil {
			return err
		}
	}
	return sameMeaning(r, want, replay.Read(r.surface, c.Meta.Stream, got.Body))
}

// expect notes what the call log must say.
func (g *gate) expect(r *run) {
	a := replay.Read(r.c.Meta.Dialect, r.c.Meta.Stream, r.c.Response)
	switch r.used = a.Usage; replay.Wire(r.c.Meta.Dialect) {
	case replay.OpenAI, replay.Responses, replay.Gemini: // the others have no place for it
		r.told = a.Told
	}
	arrived, _ := g.provider.Ledger.ByKey(r.key())
	if !r.used.Known && replay.Wire(r.c.Meta.Dialect) == replay.OpenAI && r.c.Meta.Stream && replay.AddsUsage(r.c) && replay.AsksUsage(arrived.Body) {
		r.used = replay.Unasked
	}
}

// sameMeaning compares an answer with what the client of another dialect reads.
func sameMeaning(r *run, want, got replay.Answer) error {
	var errs []error
	differ := func(what string, a, b any) {
		errs = append(errs, fmt.Errorf("%s: want %s, got %s", what, clip(fmt.Appendf(nil, "%+v", a)), clip(fmt.Appendf(nil, "%+v", b))))
	}
	if a, b := want.Text+want.Refusal, got.Text+got.Refusal; a != b { // not every dialect has a word for refusals
		differ("text", a, b)
	}
	if a, b := spaceless(want.Reasoning), spaceless(got.Reasoning); a != b {
		differ("reasoning", a, b)
	}
	if len(want.Tools) != len(got.Tools) {
		differ("tool calls", want.Tools, got.Tools)
	} else {
		for i, w := range want.Tools {
			g := got.Tools[i]
			if w.ID == "" { // an answer without ids gets some, where the client needs them
				w.ID = g.ID
			}
			if w.ID != g.ID || w.Name != g.Name || replay.Canonical([]byte(w.Args)) != replay.Canonical([]byte(g.Args)) {
				differ("tool call", w, g)
			}
		}
	}
	if want.Why != got.Why && want.Why != "" && want.Why != "other" {
		differ("finish reason", want.Why, got.Why)
	}
	if w := readable(r.surface, want.Usage); want.Usage.Known && w != readable(r.surface, got.Usage) {
		differ("usage", w, got.Usage)
	}
	if carried := replay.Wire(r.c.Meta.Dialect) == r.surface; got.Done != (want.Done || !carried) { // some vendors end without a mark
		differ("end of the stream", true, false)
	}
	return errors.Join(errs...)
}

func spaceless(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

// readable is what a client of a surface can be told of a usage.
func readable(surface string, u replay.Usage) replay.Usage {
	u.SearchUnits = 0
	u.Input, u.InputImage = u.Input+u.InputImage, 0
	u.Output, u.OutputImage = u.Output+u.OutputImage, 0
	if surface != replay.OpenAI {
		u.Input, u.InputAudio = u.Input+u.InputAudio, 0
		u.Output, u.OutputAudio = u.Output+u.OutputAudio, 0
	}
	if surface != replay.Anthropic {
		u.CacheWrite5m, u.CacheWrite1h = u.CacheWrite5m+u.CacheWrite1h, 0
	}
	if surface == replay.Gemini {
		u.Input, u.CacheWrite5m = u.Input+u.CacheWrite5m, 0
	}
	if surface == replay.Responses || surface == replay.Gemini {
		u.WebSearch = 0
	}
	return u
}

// foreignError: a provider's refusal in the client's own envelope, with a status of the same kind and the provider's words.
func foreignError(r *run, got *harness.Reply) error {
	if replay.Wire(r.c.Meta.Dialect) == r.surface && bytes.Equal(got.Body, r.c.Response) {
		return nil
	}
	if err := envelope(r.surface, got); err != nil {
		return err
	}
	if got.Status/100 != r.c.Meta.Status/100 {
		return fmt.Errorf("status %d became %d: %s", r.c.Meta.Status, got.Status, clip(got.Body))
	}
	said := replay.Read(r.c.Meta.Dialect, false, r.c.Response).Error
	var v any
	_ = json.Unmarshal(got.Body, &v)
	if said != "no JSON" && !strings.HasPrefix(said, "{") && !strings.Contains(find(v, "message"), strings.Fields(said)[0]) {
		return fmt.Errorf("the provider's words %q are lost: %s", said, clip(got.Body))
	}
	return nil
}
