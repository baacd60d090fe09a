package providers

import (
	"testing"

	"tollgate/internal/provider/catalog"
)

// With hundreds of vendors the page stays a page: the known ones first, a search for the rest, and never a wall of tiles.
func TestTheListOffersAFewOfManyVendors(t *testing.T) {
	t.Parallel()
	p := Providers{Vendors: catalog.Vendors()}
	tiles, more := p.offered("")
	if len(tiles) < 12 || len(tiles) > tilesMost || tiles[0].ID != "openai" || more < 100 {
		t.Errorf("%d tiles from %q, %d more", len(tiles), tiles[0].ID, more)
	}
	tiles, more = p.offered("moonshot")
	if len(tiles) < 2 || more != 0 {
		t.Errorf("a search for one offers %v and %d more", tiles, more)
	}
	if tiles, more = p.offered("a"); len(tiles) != tilesMost || more <= 0 {
		t.Errorf("a wide search offers %d tiles and %d more", len(tiles), more)
	}
	for _, tile := range tiles {
		if tile.ID == "sandbox" {
			t.Error("the built-in provider is offered")
		}
	}
	if tiles, more = p.offered("no such name"); len(tiles) != 0 || more != 0 {
		t.Errorf("%v, %d", tiles, more)
	}
}
