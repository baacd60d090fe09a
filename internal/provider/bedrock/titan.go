package bedrock

import (
	"bytes"
	"encoding/json"
	"strings"

	"tollgate/internal/chat"
	"tollgate/internal/embed"
	"tollgate/internal/provider"
	"tollgate/internal/provider/openaiembed"
	"tollgate/internal/provider/wire"
)

// Titan is the dialect of Amazon's own embedding models: Titan's of texts, its first and second version, and of images, and Nova's.
// Each call embeds one thing.
type Titan struct{ invoke }

var (
	_ provider.Target                                = Titan{}
	_ provider.Writes[embed.Request, embed.Response] = Titan{}
)

// Name is "bedrock-titan-embed".
func (Titan) Name() provider.Name { return provider.BedrockTitan }

type titanRequest struct {
	Text       string       `json:"inputText,omitempty"`
	Image      string       `json:"inputImage,omitempty"`
	Dimensions int64        `json:"dimensions,omitempty"`
	Config     *titanLength `json:"embeddingConfig,omitempty"`
}

type titanLength struct {
	Length int64 `json:"outputEmbeddingLength"`
}

// BuildRequest encodes a call. Several inputs are refused, not sent one by one: a call is one call.
func (Titan) BuildRequest(r embed.Request) ([]byte, error) {
	if len(r.Inputs) != 1 {
		return nil, provider.ErrUnsupported.
			Say("This model embeds one input a call. Send a call for each, or use a model that takes lists.").At("input")
	}
	if r.Type != "" && r.Type != "float" {
		if err := provider.Refuse(r.How, "output_dtype"); err != nil {
			return nil, err
		}
	}
	if err := provider.CheckLeft(r.How, r.Unmapped); err != nil {
		return nil, err
	}
	text, image, err := content(r)
	if err != nil {
		return nil, err
	}
	if strings.Contains(r.Model, "nova") {
		return novaRequest(r, text, image)
	}
	out := titanRequest{Text: text, Image: image}
	switch pictures := strings.Contains(r.Model, "image"); {
	case image != "" && !pictures:
		return nil, provider.ErrUnsupported.Say("This model embeds texts only.").At(r.Inputs[0].Path)
	case r.Dimensions == 0:
	case pictures:
		out.Config = &titanLength{r.Dimensions}
	case strings.Contains(r.Model, "v1"), strings.Contains(r.Model, "g1"):
		if err := provider.Refuse(r.How, "dimensions"); err != nil {
			return nil, err
		}
	default:
		out.Dimensions = r.Dimensions
	}
	return wire.Marshal(out), nil
}

// content takes a text, an image or both out of the one input.
func content(r embed.Request) (text, image string, err error) {
	in := r.Inputs[0]
	var texts []chat.Part
	for _, p := range in.Parts {
		if p.Kind != chat.Image || image != "" {
			texts = append(texts, p)
			continue
		}
		if p.Data == "" {
			return "", "", provider.ErrUnsupported.Say("The target model's API takes images as base64 only.").At(p.Path)
		}
		image = p.Data
	}
	if image != "" && len(texts) == 0 {
		return "", image, nil
	}
	in.Parts = texts
	text, err = openaiembed.PlainText(r.How, in)
	return text, image, err
}

// novaRequest is the body of Nova's model, which wants to know what a vector is for.
func novaRequest(r embed.Request, text, image string) ([]byte, error) {
	purpose := map[string]string{"query": "GENERIC_RETRIEVAL", "classification": "CLASSIFICATION", "clustering": "CLUSTERING"}[r.Task]
	if purpose == "" {
		purpose = "GENERIC_INDEX"
	}
	params := map[string]any{"embeddingPurpose": purpose}
	if r.Dimensions > 0 {
		params["embeddingDimension"] = r.Dimensions
	}
	switch {
	case text != "" && image != "":
		return nil, provider.ErrUnsupported.Say("This model embeds a text or an image, not both.").At(r.Inputs[0].Path)
	case image != "":
		params["image"] = map[string]any{"format": novaFormat(r.Inputs[0]), "source": map[string]string{"bytes": image}}
	default:
		cut := strings.ToUpper(r.Truncate)
		if cut == "" {
			cut = "END"
		}
		params["text"] = map[string]string{"truncationMode": cut, "value": text}
	}
	return wire.Marshal(map[string]any{"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": params}), nil
}

func novaFormat(in embed.Input) string {
	for _, p := range in.Parts {
		if p.Kind == chat.Image {
			if word := format(imageFormats, p); word != "" {
				return word
			}
		}
	}
	return "png"
}

// titanAnswer is an answer of either: Titan has one vector, Nova a list of one.
type titanAnswer struct {
	vector  []byte
	usage   chat.Usage
	message string // what went wrong, in an answer that is none
	whole   bool
}

// readTitan walks an answer, without looking into the vector.
func readTitan(body []byte) (a titanAnswer) {
	w := wire.Walk(body)
	for w.Next() && w.IsObject() {
		switch v := w.Value(); string(w.Key) {
		case "embedding":
			a.vector = v
		case "embeddings":
			a.vector = onlyVector(v)
		case "inputTextTokenCount":
			a.usage = titanUsage(v)
		case "message":
			a.message, _ = wire.String(v)
		}
	}
	a.whole = w.IsObject() && w.Err() == nil && len(a.vector) > 0 && a.vector[0] == '['
	return a
}

// onlyVector finds the vector in a list of one.
func onlyVector(raw []byte) []byte {
	list := wire.Walk(raw)
	if list.IsObject() || !list.Next() || list.Value()[0] != '{' {
		return nil
	}
	in := wire.Walk(list.Value())
	for in.Next() {
		if string(in.Key) == "embedding" {
			return in.Value()
		}
	}
	return nil
}

func titanUsage(raw []byte) chat.Usage {
	var n wire.Count
	n.Read(raw)
	if !n.Known {
		return chat.Usage{}
	}
	return chat.Usage{Units: chat.Units{chat.Input: n.N}, Source: chat.Reported}
}

func (a titanAnswer) refusal() *provider.Refusal {
	return &provider.Refusal{Class: provider.ClassServer, Message: a.message}
}

// ParseResponse decodes a whole answer.
func (Titan) ParseResponse(body []byte) (embed.Response, error) {
	switch a := readTitan(body); {
	case a.whole && json.Valid(a.vector):
		return embed.Response{Vectors: []embed.Vector{{List: bytes.Clone(a.vector)}}, Usage: a.usage}, nil
	case !a.whole && a.message != "":
		return embed.Response{}, a.refusal()
	}
	return embed.Response{}, provider.ErrBadAnswer
}

// Inspect reads what settling needs.
func (Titan) Inspect(body []byte) provider.Seen {
	switch a := readTitan(body); {
	case a.whole:
		return provider.Seen{Usage: a.usage, Finish: chat.FinishStop, Started: true, Ended: true}
	case a.message != "":
		return provider.Seen{Refusal: a.refusal()}
	}
	return provider.Seen{}
}
