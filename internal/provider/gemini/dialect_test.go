package gemini_test

import (
	"testing"

	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/gemini"
	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/providertest"
)

func TestDialect(t *testing.T) { //nolint:paralleltest // its parts are parallel
	providertest.ExerciseTarget(t, gemini.Dialect{}, "chat", ".sse",
		providertest.Source{Suffix: ".openai.json", Reads: openaichat.Dialect{}},
		providertest.Source{Suffix: ".anthropic.json", Reads: anthropic.Dialect{}})
}
