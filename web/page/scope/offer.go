package scope

import (
	"context"

	"tollgate/internal/alias"
	"tollgate/internal/id"
	"tollgate/internal/key"
	"tollgate/internal/provider"
	"tollgate/internal/tenant"
	"tollgate/web/page"
	"tollgate/web/page/people"
	"tollgate/web/ui"
)

// Sources are where choices come from.
type Sources struct {
	Teams   people.TeamLister
	Aliases interface {
		List(ctx context.Context, in tenant.Scope, text, after string, limit int) ([]alias.Alias, bool, error)
	}
	Keys interface {
		List(ctx context.Context, in tenant.Scope, f key.Filter, after id.Key, limit int) ([]key.Key, bool, error)
	}
	Vendors []provider.Vendor
}

// offered bounds how many of one kind a form offers.
const offered = 200

// Offer reads what a form offers the visitor to choose from: what their role may see.
func Offer(ctx context.Context, v *page.Visit, from Sources) (Choices, error) {
	var out Choices
	teams, err := people.ListTeams(ctx, from.Teams, v.Scope())
	if err != nil {
		return out, err
	}
	out.Teams = teams.Options()
	if v.Can(tenant.ReadAliases) {
		list, _, err := from.Aliases.List(ctx, v.Scope(), "", "", offered)
		if err != nil {
			return out, err
		}
		for _, a := range list {
			out.Aliases = append(out.Aliases, ui.Option{Value: a.Name, Text: a.Name})
		}
	}
	if v.Can(tenant.ReadKeys) {
		list, _, err := from.Keys.List(ctx, v.Scope(), key.Filter{State: key.Usable}, "", offered)
		if err != nil {
			return out, err
		}
		for _, k := range list {
			out.Keys = append(out.Keys, ui.Option{Value: string(k.ID), Text: k.Name})
		}
	}
	for _, vendor := range from.Vendors {
		out.Providers = append(out.Providers, ui.Option{Value: vendor.ID, Text: vendor.Name})
	}
	return out, nil
}
