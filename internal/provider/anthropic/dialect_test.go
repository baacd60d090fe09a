package anthropic_test

import (
	"testing"

	"tollgate/internal/provider/anthropic"
	"tollgate/internal/provider/providertest"
)

func TestDialect(t *testing.T) { //nolint:paralleltest // its parts are parallel
	providertest.Exercise(t, anthropic.Dialect{})
}
