package rest

import (
	"strings"
	"testing"
)

func FuzzMatch(f *testing.F) {
	f.Add(`"7"`, "7")
	f.Add(`"6", W/"7"`, "7")
	f.Add(`*`, "7")
	f.Fuzz(func(t *testing.T, header, tag string) {
		if strings.ContainsAny(tag, "\", \t") || tag == "" {
			return
		}
		m := Match{IfMatch: header}
		if m.Check(tag) == nil && !m.Any() && !strings.Contains(header, `"`+tag+`"`) {
			t.Errorf("%q matches %q", header, tag)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add("InBsYW50XzkiCg")
	f.Add(EncodeCursor([]string{"a", "b"}))
	f.Fuzz(func(t *testing.T, cursor string) {
		var last struct {
			At int64
			ID string
		}
		if DecodeCursor(cursor, &last) != nil || cursor == "" {
			return
		}
		again := last
		if err := DecodeCursor(EncodeCursor(last), &again); err != nil || again != last {
			t.Errorf("%q: %+v comes back as %+v, %v", cursor, last, again, err)
		}
	})
}

func TestSchemaNamesAreReadableAndDistinct(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"tollgate/internal/key/keyhttp.Key":             "Key",
		"tollgate/internal/key/keyhttp.issueRequest":    "KeyIssueRequest",
		"tollgate/internal/rest.Problem":                "Problem",
		"tollgate/internal/account/accounthttp.Team":    "Team",
		"tollgate/internal/alias/aliashttp.listRequest": "AliasListRequest",
		"github.com/danielgtaylor/huma/v2.ErrorModel":   "HumaErrorModel",
	}
	for full, want := range tests {
		if got := qualified(full); got != want {
			t.Errorf("qualified(%s) = %s, want %s", full, got, want)
		}
	}
}
