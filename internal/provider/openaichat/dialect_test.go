package openaichat_test

import (
	"testing"

	"tollgate/internal/provider/openaichat"
	"tollgate/internal/provider/providertest"
)

func TestDialect(t *testing.T) { //nolint:paralleltest // its parts are parallel
	providertest.Exercise(t, openaichat.Dialect{})
}
