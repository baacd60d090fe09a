package providertest

import (
	"bytes"

	"tollgate/internal/provider"
)

// What Exercise has to know of OpenAI's dialects.

// limitField is what a dialect calls the cap of an answer.
func limitField(name provider.Name) string {
	if name == provider.OpenAIResponses {
		return "max_output_tokens"
	}
	return "max_tokens"
}

// asksForUsage reports whether streams of a dialect tell usage only when asked, with stream_options.
func asksForUsage(name provider.Name) bool {
	return name == provider.OpenAIChat || name == provider.OpenAICompletions
}

// fewReasons reports whether a dialect has OpenAI's words for the end of an answer and no more.
func fewReasons(name provider.Name) bool {
	return asksForUsage(name) || name == provider.OpenAIResponses
}

// lastWord is where the part of a stream begins that tells why the answer ended, -1 for nowhere, and what marks it.
func lastWord(name provider.Name, stream []byte) (int, []byte) {
	mark := []byte(`_reason":"`) // finish_reason, stop_reason
	if name == provider.OpenAIResponses {
		mark = []byte(`"type":"response.completed"`)
		if !bytes.Contains(stream, mark) {
			mark = []byte(`"type":"response.incomplete"`)
		}
	}
	return bytes.LastIndex(stream, mark), mark
}
