package openaiembed

import (
	"tollgate/internal/chat"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/wire"
)

// Usage reads the usage object of embeddings and reranks in the words of all vendors that have one like OpenAI's, and what the provider
// says the call cost, as it wrote it. A raw value without any count is unknown usage, not zero.
//
// Where a vendor tells prompt_tokens and total_tokens the former count, and the latter where it tells nothing else (Voyage). Image and
// audio tokens are parts of the prompt's.
func Usage(raw []byte) (chat.Usage, string) {
	var prompt, total, image, audio, units wire.Count
	m := wire.Walk(raw)
	for m.Next() && m.IsObject() {
		v := m.Value()
		switch string(m.Key) {
		case "prompt_tokens", "input_tokens":
			prompt.Read(v)
		case "total_tokens":
			total.Read(v)
		case "image_tokens":
			image.Read(v)
		case "audio_tokens":
			audio.Read(v)
		case "search_units": // OpenRouter's reranks of Cohere's models
			units.Read(v)
		case "prompt_tokens_details":
			readDetails(v, &image, &audio)
		}
	}
	if m.Err() != nil {
		return chat.Usage{}, ""
	}
	cost := openaichat.Cost(raw)
	if !prompt.Known {
		prompt = total
	}
	if !prompt.Known && !units.Known {
		return chat.Usage{}, cost
	}
	var u chat.Units
	rest := prompt.N
	u[chat.InputImage] = take(&rest, image.N)
	u[chat.InputAudio] = take(&rest, audio.N)
	u[chat.Input] = rest
	u[chat.SearchUnits] = units.N
	return chat.Usage{Units: u, Source: chat.Reported}, cost
}

func readDetails(raw []byte, image, audio *wire.Count) {
	if raw[0] != '{' {
		return
	}
	m := wire.Walk(raw)
	for m.Next() {
		switch string(m.Key) {
		case "image_tokens":
			image.Read(m.Value())
		case "audio_tokens":
			audio.Read(m.Value())
		}
	}
}

// take moves up to n from the pool.
func take(pool *int64, n int64) int64 {
	n = min(n, *pool)
	*pool -= n
	return n
}
