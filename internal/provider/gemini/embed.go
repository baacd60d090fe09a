package gemini

import (
	"encoding/json"
	"strconv"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/embed"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// Embed is embedContent: one input. As a target it is for models that have no batch (Vertex AI's gemini-embedding-2).
type Embed struct{ plainAnswer }

var (
	_ provider.Client                               = Embed{}
	_ provider.Target                               = Embed{}
	_ provider.Codec[embed.Request, embed.Response] = Embed{}
)

// Name is "gemini-embed".
func (Embed) Name() provider.Name { return provider.GeminiEmbed }

// Operation is embeddings.
func (Embed) Operation() provider.Operation { return provider.Embed }

// Carries its own bodies.
func (Embed) Carries() []provider.Name { return []provider.Name{provider.GeminiEmbed} }

// Path is the endpoint below the base URLs of Dialect.Path.
func (Embed) Path(_ provider.Head, model string) string {
	return "/" + resource(model) + ":embedContent"
}

// Probe scans a request body once. The model is the path's.
func (Embed) Probe(body []byte, at provider.Line) (provider.Head, error) { return probe(body, at) }

// Edits cut the tollgate member out and exchange the model's name where the body repeats it.
func (Embed) Edits(_ []byte, h provider.Head, model string) []wire.Edit {
	return provider.SpliceEdits(h, h.Model, modelEdit(h, model)...)
}

// tasks are Google's words for what vectors are for, with the neutral ones.
var tasks = [...]struct{ google, neutral string }{
	{"RETRIEVAL_QUERY", "query"},
	{"RETRIEVAL_DOCUMENT", "document"},
	{"SEMANTIC_SIMILARITY", "similarity"},
	{"CLASSIFICATION", "classification"},
	{"CLUSTERING", "clustering"},
	{"QUESTION_ANSWERING", "question_answering"},
	{"FACT_VERIFICATION", "fact_verification"},
	{"CODE_RETRIEVAL_QUERY", "code_query"},
}

func neutralTask(word string) string {
	if word == "TASK_TYPE_UNSPECIFIED" || word == "UNSPECIFIED" {
		return ""
	}
	for _, t := range tasks {
		if t.google == word {
			return t.neutral
		}
	}
	return strings.ToLower(word)
}

// googleTask is Google's word; false for one that it has none for.
func googleTask(word string) (string, bool) {
	for _, t := range tasks {
		if t.neutral == word || strings.EqualFold(t.google, word) {
			return t.google, true
		}
	}
	return "", word == ""
}

// ParseRequest decodes a client's body.
func (Embed) ParseRequest(body []byte) (embed.Request, error) {
	r := embed.Request{Dialect: string(provider.GeminiEmbed)}
	f := object("", body)
	f.TakeOurs()
	readInput(&f, &r)
	r.Unmapped = f.Rest()
	return r, f.Err
}

// readInput adds one input, and what it asks for. Vertex has the options in an object of their own too.
func readInput(f *provider.Fields, r *embed.Request) {
	f.Take("model")
	in := embed.Input{Path: f.Path("content")}
	if c, ok := child(f, "content"); ok {
		c.Take("role")
		for i, raw := range many(&c, "parts") {
			at := c.Path("parts") + "." + strconv.Itoa(i)
			p, err := readPart(at, raw)
			note(&c, err)
			in.Parts = append(in.Parts, p.parts(at, "")...)
		}
		note(f, c.Err)
	}
	if len(in.Parts) == 0 {
		f.Refuse("content", "a content with parts")
	}
	if len(in.Parts) == 1 && in.Parts[0].Kind == chat.Text {
		in.Text, in.Path, in.Parts = in.Parts[0].Text, in.Parts[0].Path, nil
	}
	r.Inputs = append(r.Inputs, in)
	if c, ok := child(f, "embedContentConfig"); ok {
		readOptions(&c, r)
		note(f, c.Err)
	}
	readOptions(f, r)
}

func readOptions(f *provider.Fields, r *embed.Request) {
	if word := neutralTask(f.Text("taskType")); word != "" {
		r.Task = word
	}
	if title := f.Text("title"); title != "" {
		r.Title = title
	}
	if n := f.Whole("outputDimensionality"); n > 0 {
		r.Dimensions = n
	}
	if cut := f.OptionalFlag("autoTruncate"); cut != nil {
		r.Truncate = "none"
		if *cut {
			r.Truncate = "end"
		}
	}
}

// outEmbed is one request.
type outEmbed struct {
	Model      string     `json:"model,omitempty"`
	Content    outContent `json:"content"`
	Task       string     `json:"taskType,omitempty"`
	Title      string     `json:"title,omitempty"`
	Dimensions int64      `json:"outputDimensionality,omitempty"`
}

// BuildRequest encodes a call with one input; more are refused.
func (Embed) BuildRequest(r embed.Request) ([]byte, error) {
	if len(r.Inputs) > 1 {
		return nil, provider.ErrUnsupported.Say("The target model takes one input at a time.").At(r.Inputs[1].Path)
	}
	all, err := embedRequests(r, r.Dialect == string(provider.GeminiEmbed))
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, provider.ErrBody.Say("There is nothing to embed.").At("input")
	}
	all[0].Model = "" // the path's
	raw := wire.Marshal(all[0])
	if r.Dialect == string(provider.GeminiEmbed) {
		raw = provider.AddFields(raw, r.Unmapped)
	}
	return raw, nil
}

// embedRequests gives a request for each input. own: the client spoke this dialect.
func embedRequests(r embed.Request, own bool) ([]outEmbed, error) {
	task, err := checkEmbed(r, own)
	if err != nil {
		return nil, err
	}
	b := newBuilder(chat.Request{Model: r.Model, Encoding: r.How, Dialect: r.Dialect})
	b.own = own
	out := make([]outEmbed, 0, len(r.Inputs))
	for _, in := range r.Inputs {
		e := outEmbed{Model: resource(r.Model), Task: task, Title: r.Title, Dimensions: r.Dimensions}
		switch {
		case in.Tokens != nil:
			return nil, provider.ErrUnsupported.Say("The target model's API takes texts, no token ids.").At(in.Path)
		case in.Parts == nil:
			e.Content.Parts = []any{textPart(in.Text)}
		}
		for _, p := range in.Parts {
			e.Content.Parts = append(e.Content.Parts, b.part(p)...)
		}
		if e.Content.Parts == nil {
			e.Content.Parts = []any{textPart("")}
		}
		out = append(out, e)
	}
	return out, b.err
}

// checkEmbed refuses what this dialect has no word for, and gives Google's word for the task. Vectors are floats here.
func checkEmbed(r embed.Request, own bool) (task string, err error) {
	task, known := googleTask(r.Task)
	for _, f := range [...]struct {
		name string
		said bool
	}{
		{"input_type", !known},
		{"output_dtype", r.Type != "" && r.Type != "float"},
		{"truncate", r.Truncate == "start"}, // too long is cut at its end here
	} {
		if !f.said {
			continue
		}
		if err := provider.Refuse(r.How, f.name); err != nil {
			return "", err
		}
	}
	if own {
		return task, nil
	}
	return task, provider.CheckLeft(r.How, r.Unmapped)
}

// wireVectors is an answer of either form.
type wireVectors struct {
	One   *wireValues     `json:"embedding"`
	Many  []wireValues    `json:"embeddings"`
	Usage json.RawMessage `json:"usageMetadata"`
}

type wireValues struct {
	Values json.RawMessage `json:"values"`
}

// ParseResponse decodes a whole answer. Older models do not say what it used: that is not known, and not zero.
func (Embed) ParseResponse(body []byte) (embed.Response, error) { return parseVectors(body) }

func parseVectors(body []byte) (embed.Response, error) {
	var a wireVectors
	if err := json.Unmarshal(body, &a); err != nil {
		return embed.Response{}, provider.ErrBadAnswer.Because(err)
	}
	if a.One != nil {
		a.Many = []wireValues{*a.One}
	}
	if a.Many == nil {
		return embed.Response{}, noVectors(body)
	}
	var out embed.Response
	for _, v := range a.Many {
		if len(v.Values) == 0 || v.Values[0] != '[' {
			return embed.Response{}, provider.ErrBadAnswer
		}
		out.Vectors = append(out.Vectors, embed.Vector{List: v.Values})
	}
	if wire.Present(a.Usage) {
		var u wireUsage
		u.read(a.Usage)
		out.Usage, out.Reported = u.usage(), u.cost
	}
	return out, nil
}

// noVectors says what an answer without vectors is.
func noVectors(body []byte) error {
	if r, d := readError(body); r.Message != "" || d.code != "" {
		return refusalIn(body)
	}
	return provider.ErrBadAnswer
}

// AppendResponse writes a whole answer: the first vector.
func (Embed) AppendResponse(dst []byte, r embed.Response) []byte {
	dst = append(dst, `{"embedding":`...)
	if len(r.Vectors) > 0 {
		dst = appendValues(dst, r.Vectors[0])
	} else {
		dst = append(dst, `{"values":[]}`...)
	}
	return append(appendEmbedUsage(dst, r), '}')
}

func appendValues(dst []byte, v embed.Vector) []byte {
	dst = append(dst, `{"values":`...)
	if listed, err := v.Listed(); err == nil {
		dst = append(dst, listed.List...)
	} else {
		dst = append(dst, "[]"...)
	}
	return append(dst, '}')
}

func appendEmbedUsage(dst []byte, r embed.Response) []byte {
	if r.Usage.Source == chat.Unknown {
		return dst
	}
	n := r.Usage.Units.InputTotal()
	dst = append(dst, `,"usageMetadata":{"promptTokenCount":`...)
	dst = appendInt(dst, n)
	dst = append(dst, `,"totalTokenCount":`...)
	dst = appendInt(dst, n)
	if r.Cost != "" && json.Valid([]byte(r.Cost)) {
		dst = append(dst, `,"cost":`...)
		dst = append(dst, r.Cost...)
	}
	return append(dst, '}')
}

// Inspect reads what settling needs from a whole answer, without looking into its vectors.
func (Embed) Inspect(body []byte) provider.Seen { return inspectVectors(body) }

func inspectVectors(body []byte) provider.Seen {
	var seen provider.Seen
	w := wire.Walk(body)
	for w.Next() && w.IsObject() {
		v := w.Value()
		switch string(w.Key) {
		case "embedding", "embeddings", "predictions":
			seen.Started = v[0] == '{' || v[0] == '['
		case "usageMetadata":
			var u wireUsage
			u.read(v)
			seen.Usage, seen.Cost = u.usage(), u.cost
		case "error":
			if wire.Present(v) {
				seen.Refusal = refusalIn(body)
			}
		}
	}
	seen.Ended = seen.Started && seen.Refusal == nil && w.Err() == nil
	if seen.Ended {
		seen.Finish = chat.FinishStop
	}
	return seen
}
