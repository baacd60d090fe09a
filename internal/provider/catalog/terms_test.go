package catalog_test

import (
	"strings"
	"testing"

	"tollgate/internal/provider/catalog"
)

func TestAPromiseNotToTrainNamesWhereItIsWritten(t *testing.T) {
	t.Parallel()
	promised := 0
	for _, v := range catalog.Vendors() {
		if v.NoTraining != strings.HasPrefix(v.TermsSource, "https://") {
			t.Errorf("%s: no_training is %v, and its source %q", v.ID, v.NoTraining, v.TermsSource)
		}
		if v.NoTraining {
			promised++
		}
		if known, ok := catalog.Known(v.ID); !ok || known.ID != v.ID {
			t.Errorf("%s is not known", v.ID)
		}
	}
	if promised < 5 {
		t.Errorf("only %d vendors promise it", promised)
	}
	if _, ok := catalog.Known("nobody"); ok {
		t.Error("nobody is known")
	}
}
