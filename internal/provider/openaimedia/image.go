package openaimedia

import (
	"strconv"

	"tollgate/internal/chat"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
)

// Images is images/generations.
type Images struct{ image }

// ImageEdits is images/edits, whose body is a form or JSON.
type ImageEdits struct{ image }

var (
	_ provider.Client = Images{}
	_ provider.Target = Images{}
	_ provider.Client = ImageEdits{}
	_ provider.Target = ImageEdits{}
)

// Name is "openai-images".
func (Images) Name() provider.Name { return provider.OpenAIImages }

// Carries its own bodies.
func (Images) Carries() []provider.Name { return []provider.Name{provider.OpenAIImages} }

// Path is the endpoint below a base URL that ends in /v1.
func (Images) Path(provider.Head, string) string { return "/images/generations" }

// Name is "openai-image-edits".
func (ImageEdits) Name() provider.Name { return provider.OpenAIImageEdits }

// Carries its own bodies.
func (ImageEdits) Carries() []provider.Name { return []provider.Name{provider.OpenAIImageEdits} }

// Path is the endpoint below a base URL that ends in /v1.
func (ImageEdits) Path(provider.Head, string) string { return "/images/edits" }

type image struct{ common }

// defaultImageModel is what OpenAI takes where none is named.
const defaultImageModel = "dall-e-2"

// Operation is Image.
func (image) Operation() provider.Operation { return provider.Image }

// Probe finds the model and what the price of an image depends on.
func (image) Probe(body []byte, at provider.Line) (provider.Head, error) {
	if isForm(at) {
		return probeForm(body, at, defaultImageModel, func(h *provider.Head, name, value string) {
			switch name {
			case "size":
				h.Size = value
			case "quality":
				h.Quality = value
			case "n":
				h.Choices, _ = strconv.ParseInt(value, 10, 64) // what it means is the provider's business
			case "stream":
				h.Stream = value == "true"
			}
		})
	}
	return probe(body, at, defaultImageModel, func(h *provider.Head, name string, raw []byte) (bool, error) {
		switch name {
		case "size":
			return true, provider.Text("size", raw, &h.Size)
		case "quality":
			return true, provider.Text("quality", raw, &h.Quality)
		case "n":
			return true, provider.Whole("n", raw, &h.Choices)
		}
		return false, nil
	})
}

// Edits exchange the model.
func (image) Edits(body []byte, h provider.Head, model string) []wire.Edit {
	return edits(body, h, model)
}

// NewTap watches partial images go by.
func (image) NewTap(provider.Head) provider.Tap { return &tap{ends: imageEnds, read: imageSeen} }

func imageEnds(kind string) bool {
	return kind == "image_generation.completed" || kind == "image_edit.completed"
}

// imageSeen is the usage of the event that completes an image.
func imageSeen(data []byte, s *provider.Seen) {
	if u, ok := usageOf(member(data, "usage"), s); ok {
		s.Usage = u
		return
	}
	s.Usage.Units[chat.Images]++
	s.Usage.Source = chat.Reported
}

// Inspect counts the images, unless the provider counts tokens.
func (image) Inspect(body []byte) provider.Seen {
	var s provider.Seen
	images, ok := int64(0), false
	w := wire.Walk(body)
	for w.Next() {
		switch string(w.Key) {
		case "data":
			images, ok = entries(w.Value()), true
		case "usage":
			if u, counted := usageOf(w.Value(), &s); counted {
				s.Usage = u
			}
		case "error":
			s.Refusal = refusalOf(w.Value())
		}
	}
	s.Ended = ok && w.Err() == nil && s.Refusal == nil
	s.Started = images > 0
	if s.Ended && s.Usage.Source == chat.Unknown {
		s.Usage.Units[chat.Images], s.Usage.Source = images, chat.Reported
	}
	return s
}
