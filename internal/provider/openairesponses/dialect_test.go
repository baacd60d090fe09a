package openairesponses_test

import (
	"testing"

	"tollgate/internal/provider/openairesponses"
	"tollgate/internal/provider/providertest"
)

func TestDialect(t *testing.T) { //nolint:paralleltest // its parts are parallel
	providertest.Exercise(t, openairesponses.Dialect{})
}

func TestRecordings(t *testing.T) { //nolint:paralleltest // its parts are parallel
	providertest.ExerciseRecorded(t, openairesponses.Dialect{}, providertest.Recorded(t, "openai-responses"))
}
