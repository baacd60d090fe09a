package api

import (
	"encoding/json"
	"testing"

	"tollgate/internal/provider/catalog"
	"tollgate/internal/tenant"
)

func TestTheVendorsAreListedAndFound(t *testing.T) {
	t.Parallel()
	h := build(t)
	c := h.organization("a")[tenant.Viewer]
	list := func(query string) []Vendor {
		t.Helper()
		var page struct{ Items []Vendor }
		if err := json.Unmarshal([]byte(c.do("GET", "/vendors"+query, "").want(t, 200).body), &page); err != nil {
			t.Fatal(err)
		}
		return page.Items
	}
	all := list("")
	if len(all) != len(catalog.Vendors()) {
		t.Errorf("%d of %d vendors are listed", len(all), len(catalog.Vendors()))
	}
	for _, v := range all {
		if len(v.Operations) == 0 || len(v.Dialects) == 0 || v.Auth == "" {
			t.Errorf("%s says too little: %+v", v.ID, v)
		}
	}
	found := list("?q=workers+CLOUDFLARE_API_TOKEN&operation=chat")
	if len(found) != 1 || found[0].ID != "cloudflare-workers-ai" || len(found[0].Fields) != 1 || found[0].Fields[0].Name != "account_id" {
		t.Errorf("the search found %+v", found)
	}
	if found := list("?q=no+such+vendor"); len(found) != 0 {
		t.Errorf("%d vendors found", len(found))
	}
	c.do("GET", "/vendors?operation=cooking", "").want(t, 400)
}
