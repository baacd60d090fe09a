package openaimedia_test

import (
	"errors"
	"testing"

	"tollgate/internal/provider"
	"tollgate/internal/provider/form"
	"tollgate/internal/provider/openaimedia"
	"tollgate/internal/provider/wire"
)

func TestAModelIsPutIntoAFormWhereItsFirstPartStands(t *testing.T) {
	t.Parallel()
	at := provider.Line{ContentType: "multipart/form-data; boundary=b"}
	const rest = "--b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nhi\r\n--b--\r\n"
	for _, before := range []string{"", "--preamble\r\n"} {
		body := []byte(before + rest)
		h, err := openaimedia.ImageEdits{}.Probe(body, at)
		if err != nil {
			t.Fatal(err)
		}
		out := wire.Apply(body, openaimedia.ImageEdits{}.Edits(body, h, "gpt-image-1"))
		parts, err := form.Scan(at.ContentType, out)
		if err != nil || len(parts) != 2 || parts[0].Name != "model" || string(out[parts[0].From:parts[0].To]) != "gpt-image-1" {
			t.Errorf("%q: %v, %v", out, parts, err)
		}
	}
	if _, err := (openaimedia.ImageEdits{}).Probe([]byte("--b--"), at); !errors.Is(err, form.ErrForm) {
		t.Errorf("a form without a part: %v", err)
	}
}
