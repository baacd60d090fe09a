package bedrock_test

import (
	"testing"

	"tollgate/internal/chat"
	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/bedrock"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/providertest"
)

func TestConverse(t *testing.T) { //nolint:paralleltest // its parts are parallel
	providertest.ExerciseFrames(t, bedrock.Converse{}, "converse", providertest.Events,
		providertest.Source{Suffix: ".openai.json", Reads: openaichat.Dialect{}},
		providertest.Source{Suffix: ".anthropic.json", Reads: anthropic.Dialect{}, How: chat.Encoding{Betas: []string{"context-1m-2025-08-07"}}})
}
