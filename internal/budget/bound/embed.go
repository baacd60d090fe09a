package bound

import (
	"tollgate/internal/chat"
	"tollgate/internal/price"
	"tollgate/internal/provider/wire"
)

// frameText is what stands around each text that becomes a vector or is ranked: marks, and a word on what it is for.
const frameText = 64

// embedMost is what making vectors weighs. The texts of a call have a window each, so that none bounds their sum.
func embedMost(a *Ask, lists []price.Record) (most, error) {
	t := texts{ask: a}
	t.walk("", a.Body, 0)
	m := most{price: lists[0].ID, input: sum(weigh(a.Body), product(frameText, sum(t.count, 1)))}
	if t.hidden != "" {
		w := window(lists)
		if w == 0 || t.count > countMax {
			return most{}, unbounded(t.hidden, "what it points at is not in the call, and the context window of "+clip(a.Model)+" is not known",
				"Send text only, or name a model whose context window is known")
		}
		m.input = max(m.input, product(w, sum(t.count, 1)))
	}
	classes := []chat.Class{chat.Input, chat.CacheRead}
	if t.hidden != "" {
		classes = append(classes, chat.InputImage, chat.InputAudio)
	}
	return tokensMost(a, m, lists, classes...)
}

const countMax = 1 << 20

// tokensMost prices what is billed by what is read alone.
func tokensMost(a *Ask, m most, lists []price.Record, classes ...chat.Class) (most, error) {
	for _, l := range lists {
		for _, r := range reach(l, m.input) {
			in, ok := dearest(r, classes...)
			if !ok {
				return most{}, unlisted(a, classes[0])
			}
			m.rates = append(m.rates, rate{in: in, fee: feeOf(r)})
		}
	}
	return m, nil
}

// texts counts the texts of a call, and notes what is none.
type texts struct {
	ask    *Ask
	count  int64
	hidden string
}

// textField are the members, at any depth, of requests for vectors that are text, or say how the vectors are wanted.
var textField = names("model", "input", "texts", "content", "contents", "parts", "text", "requests", "title", "role", "user", "dimensions",
	"encoding_format", "taskType", "task_type", "outputDimensionality", "output_dimensionality", "input_type", "truncate", "truncation",
	"output_dimension", "output_dtype", "embedding_types", "tollgate", "normalized", "task", "late_chunking", "embedding_type", "metadata",
	"embedContentConfig", "autoTruncate", "type", "prompt", "provider", "store")

func (t *texts) walk(at string, raw []byte, depth int) {
	switch raw[0] {
	case '"':
		t.count++
		return
	case '{', '[':
	default:
		return
	}
	if depth > nestedMax+2 {
		t.hide(at)
		return
	}
	w := wire.Walk(raw)
	for w.Next() {
		if !w.IsObject() {
			t.walk(at, w.Value(), depth+1)
			continue
		}
		name := string(w.Key)
		switch {
		case w.IsNull():
		case !textField[name], name == "type" && string(w.Value()) != `"text"`:
			t.hide(name)
			t.walk(name, w.Value(), depth+1)
		case name == "provider", name == "tollgate", name == "metadata":
		default:
			t.walk(name, w.Value(), depth+1)
		}
	}
	if w.Err() != nil {
		t.hide(at)
	}
}

func (t *texts) hide(field string) {
	if t.hidden == "" {
		t.hidden = field
	}
}
