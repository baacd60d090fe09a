package budgetpg

import (
	"context"
	"strings"

	"tollgate/internal/id"
)

// Listen calls heard for each pot that somebody came up short of while others have money of it, until ctx ends. It makes new connections
// itself; what is notified meanwhile is not heard.
func (a *Authority) Listen(ctx context.Context, heard func(org id.Org, pot id.Pot)) error {
	return a.db.Listen(ctx, Channel, func(payload string) {
		org, text, _ := strings.Cut(payload, " ")
		var pot id.Pot
		if pot.UnmarshalText([]byte(text)) == nil {
			heard(id.Org(org), pot)
		}
	})
}
