package api

import (
	"context"

	"tollgate/internal/provider"
	"tollgate/internal/provider/catalog"
	"tollgate/internal/rest"
	"tollgate/internal/tenant"
)

// Vendor is an upstream API that a credential can be for.
type Vendor struct {
	ID         string `json:"id" doc:"What a credential, a target or a price calls its provider"`
	Name       string `json:"name"`
	Dialect    string `json:"dialect" doc:"The wire format it speaks"`
	BaseURL    string `json:"base_url,omitempty" doc:"Absent: a credential must bring one"`
	Credential bool   `json:"needs_secret" doc:"Whether a credential for it has a secret"`
	KeyHint    string `json:"key_hint,omitempty" doc:"What its secrets look like"`
	Testable   bool   `json:"testable" doc:"Whether a credential can be tested without a paid call"`
	Docs       string `json:"docs,omitempty" doc:"Where people get a secret"`
}

func toVendor(v provider.Vendor) Vendor {
	return Vendor{
		ID: v.ID, Name: v.Name, Dialect: string(v.Dialect), BaseURL: v.BaseURL, Credential: v.Auth != "none", KeyHint: v.KeyHint,
		Testable: v.Models != "", Docs: v.Docs,
	}
}

// listVendors lists every vendor, by id: the list is short and part of the program, so there is one page.
func listVendors() rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List vendors"}, func(context.Context, tenant.Scope, struct{}) (rest.Page[Vendor], error) {
		var out []Vendor
		for _, v := range catalog.Vendors() {
			out = append(out, toVendor(v))
		}
		return rest.PageOf(out, ""), nil
	})
}
