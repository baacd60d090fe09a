package snapshot

import (
	"context"

	"tollgate/internal/credential"
	"tollgate/internal/id"
	"tollgate/internal/price"
	"tollgate/internal/provider"
	"tollgate/internal/secret"
)

// View compiles one organization's configuration without opening its secrets: for questions about where calls would go, not for
// making them. book is the catalogue with the organization's overrides.
func View(ctx context.Context, o *OrgConfig, vendors func(id string) (provider.Vendor, bool), book *price.Book) *Org {
	closed := func(context.Context, id.Org, credential.Credential, credential.Sealed) (secret.Text, error) {
		return secret.Text{}, nil
	}
	c := compiler{open: closed, vendors: vendors}
	return c.compile(ctx, o, book, nil).org
}
