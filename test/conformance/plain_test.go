package conformance

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"

	"tollgate/test/harness"
	"tollgate/test/replay"
)

// planPlain plays what is no chat across dialects: vectors, orders of documents, numbers of tokens.
func planPlain(_ *gate, c *replay.Case) []*run {
	if c.Meta.Status != http.StatusOK {
		return nil
	}
	r := run{kind: "plain", c: c, way: way{natural(c), c.Meta.Dialect, c.Meta.Model}}
	var to []string
	switch c.Meta.Dialect {
	case replay.Embeddings:
		to, r.do = []string{replay.GeminiEmbed}, (*gate).embed
		if c.Meta.Provider == "perplexity" { // vectors of bytes, which no other dialect has
			return nil
		}
	case replay.GeminiEmbed, replay.PredictEmbed:
		if c.Meta.Dialect == replay.GeminiEmbed && !strings.HasPrefix(c.Meta.Model, "gemini-embedding-2") {
			r.way.model = "gemini-embedding-2-was-" + c.Meta.Model
		}
		to, r.do, r.way.vendor = []string{replay.Embeddings}, (*gate).embed, "vertex"
	case replay.VoyageEmbed:
		to, r.do = []string{replay.Embeddings, replay.GeminiEmbed}, (*gate).embed
	case replay.CohereEmbed:
		if c.Meta.Path != "/v2/embed" { // an older version
			return nil
		}
		to, r.do = []string{replay.GeminiEmbed}, (*gate).embed // clients of openai-embeddings it answers itself
	case replay.Rerank, replay.VoyageRerank, replay.JinaRerank:
		to, r.do = []string{replay.Rerank}, (*gate).rerank
	case replay.CountAnthropic, replay.CountGemini, replay.CountResponses, replay.CountBedrock:
		to, r.do = []string{replay.CountAnthropic, replay.CountGemini, replay.CountResponses}, (*gate).count
		if c.Meta.Dialect == replay.CountGemini {
			r.way.vendor = "google-gemini"
		}
	}
	var out []*run
	for _, surface := range to {
		if surface == c.Meta.Dialect && r.way.dialect != replay.Rerank { // see same
			continue
		}
		one := r
		one.surface = surface
		out = append(out, &one)
	}
	return out
}

// embed: the texts reach the provider, and its vectors the client.
func (g *gate) embed(r *run) error {
	want, err := vectors(r.c.Response)
	if err != nil {
		return err
	}
	texts := make([]string, len(want))
	for i := range texts {
		texts[i] = fmt.Sprintf("text %d", i+1)
	}
	a := ask{surface: r.surface, model: r.model()}
	if r.surface == replay.Embeddings {
		a.body, _ = json.Marshal(map[string]any{"model": a.model, "input": texts})
	} else {
		var list []any
		for _, text := range texts {
			list = append(list, map[string]any{"model": "models/" + a.model, "content": map[string]any{"parts": []any{map[string]any{"text": text}}}})
		}
		a.body, _ = json.Marshal(map[string]any{"requests": list})
	}
	got, err := g.send(r, a)
	if err != nil {
		return err
	}
	call, err := g.arrived(r, got)
	if err != nil {
		return err
	}
	for _, text := range texts {
		if !strings.Contains(string(call.Body), `"`+text+`"`) {
			return fmt.Errorf("%q did not arrive: %s", text, clip(call.Body))
		}
	}
	if got.Status != http.StatusOK {
		return fmt.Errorf("status %d: %s", got.Status, clip(got.Body))
	}
	have, err := vectors(got.Body)
	if err != nil {
		return err
	}
	return sameVectors(want, have)
}

func sameVectors(want, got [][]float64) error {
	if len(want) != len(got) {
		return fmt.Errorf("%d vectors became %d", len(want), len(got))
	}
	for i := range want {
		if len(want[i]) != len(got[i]) {
			return fmt.Errorf("vector %d of %d numbers has %d", i, len(want[i]), len(got[i]))
		}
		for j := range want[i] {
			if math.Abs(want[i][j]-got[i][j]) > 1e-6*math.Max(1, math.Abs(want[i][j])) {
				return fmt.Errorf("number %d of vector %d is %v, not %v", j, i, got[i][j], want[i][j])
			}
		}
	}
	return nil
}

// vectors reads the answers of all dialects of embeddings.
func vectors(body []byte) ([][]float64, error) {
	var v struct {
		Data []struct {
			Embedding json.RawMessage `json:"embedding"`
		} `json:"data"`
		Embeddings json.RawMessage `json:"embeddings"`
		Embedding  struct {
			Values []float64 `json:"values"`
		} `json:"embedding"`
		Predictions []struct {
			Embeddings struct {
				Values []float64 `json:"values"`
			} `json:"embeddings"`
		} `json:"predictions"`
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return nil, err
	}
	var out [][]float64
	for _, d := range v.Data {
		var text string
		if json.Unmarshal(d.Embedding, &text) == nil {
			out = append(out, floats(text))
			continue
		}
		var numbers []float64
		if err := json.Unmarshal(d.Embedding, &numbers); err != nil {
			return nil, err
		}
		out = append(out, numbers)
	}
	for _, p := range v.Predictions {
		out = append(out, p.Embeddings.Values)
	}
	if len(v.Embedding.Values) > 0 {
		out = append(out, v.Embedding.Values)
	}
	var google []struct {
		Values []float64 `json:"values"`
	}
	var cohere struct {
		Float [][]float64 `json:"float"`
	}
	if json.Unmarshal(v.Embeddings, &google) == nil {
		for _, e := range google {
			out = append(out, e.Values)
		}
	} else if json.Unmarshal(v.Embeddings, &cohere) == nil {
		out = append(out, cohere.Float...)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no vectors in %s", clip(body))
	}
	return out, nil
}

// floats reads base64 of little-endian numbers of 32 bits.
func floats(text string) []float64 {
	raw, _ := base64.StdEncoding.DecodeString(text)
	var out []float64
	for ; len(raw) >= 4; raw = raw[4:] {
		out = append(out, float64(math.Float32frombits(binary.LittleEndian.Uint32(raw))))
	}
	return out
}

// order is a rerank's answer: places and scores.
type order struct {
	Index int     `json:"index"`
	Score float64 `json:"relevance_score"`
}

func orders(body []byte) []order {
	var v struct {
		Results []order `json:"results"`
		Data    []order `json:"data"`
	}
	_ = json.Unmarshal(body, &v)
	return append(v.Results, v.Data...)
}

// rerank: query and documents reach the provider, and its order the client.
func (g *gate) rerank(r *run) error {
	var said map[string]json.RawMessage
	if err := json.Unmarshal(r.c.Request, &said); err != nil {
		return err
	}
	if k, ok := said["top_k"]; ok { // Voyage's word
		said["top_n"] = k
		delete(said, "top_k")
	}
	a := ask{surface: replay.Rerank}
	said["model"], _ = json.Marshal(r.model())
	a.body, _ = json.Marshal(said)
	got, err := g.send(r, a)
	if err != nil {
		return err
	}
	call, err := g.arrived(r, got)
	if err != nil {
		return err
	}
	var heard map[string]json.RawMessage
	if err := json.Unmarshal(call.Body, &heard); err != nil {
		return err
	}
	for _, name := range []string{"query", "documents"} {
		if replay.Canonical(heard[name]) != replay.Canonical(said[name]) {
			return fmt.Errorf("%s %s became %s", name, clip(said[name]), clip(heard[name]))
		}
	}
	if got.Status != http.StatusOK {
		return fmt.Errorf("status %d: %s", got.Status, clip(got.Body))
	}
	if want, have := orders(r.c.Response), orders(got.Body); len(want) == 0 || fmt.Sprint(want) != fmt.Sprint(have) {
		return fmt.Errorf("the order %v became %v", want, have)
	}
	if r.way.dialect == replay.Rerank && string(got.Body) != string(r.c.Response) {
		return fmt.Errorf("the client's bytes differ: %s", firstDifference(r.c.Response, got.Body))
	}
	return nil
}

// count: the number of tokens that the provider counts is what the client is told.
func (g *gate) count(r *run) error {
	a := ask{surface: r.surface, model: r.model()}
	switch r.surface {
	case replay.CountAnthropic:
		a.body, _ = withModel([]byte(`{"messages":[{"role":"user","content":"Count this."}]}`), a.model)
	case replay.CountResponses:
		a.body, _ = withModel([]byte(`{"input":"Count this."}`), a.model)
	default:
		a.body = []byte(`{"contents":[{"role":"user","parts":[{"text":"Count this."}]}]}`)
	}
	got, err := g.send(r, a)
	if err != nil {
		return err
	}
	call, err := g.arrived(r, got)
	if err != nil {
		return err
	}
	if !said(call.Body, "Count this.") {
		return fmt.Errorf("the text did not arrive: %s", clip(call.Body))
	}
	return counted(r, got)
}

// said finds a text in a body, and in a body inside it (InvokeModel's).
func said(body []byte, text string) bool {
	var v struct {
		Input struct {
			Invoke struct {
				Body []byte `json:"body"`
			} `json:"invokeModel"`
		} `json:"input"`
	}
	_ = json.Unmarshal(body, &v)
	return strings.Contains(string(body), text) || strings.Contains(string(v.Input.Invoke.Body), text)
}

func counted(r *run, got *harness.Reply) error {
	number := func(body []byte) int64 {
		var v struct {
			Input  int64 `json:"input_tokens"`
			Camel  int64 `json:"inputTokens"`
			Google int64 `json:"totalTokens"`
		}
		_ = json.Unmarshal(body, &v)
		return v.Input + v.Camel + v.Google
	}
	if want, have := number(r.c.Response), number(got.Body); got.Status != http.StatusOK || want != have || want == 0 {
		return fmt.Errorf("%d tokens became %d: %d %s", want, have, got.Status, clip(got.Body))
	}
	return nil
}
