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
	ID         string   `json:"id" doc:"What a credential, a target or a price calls its provider"`
	Name       string   `json:"name"`
	Of         string   `json:"of,omitempty" doc:"The vendor whose region, plan or second API this is"`
	Operations []string `json:"operations" doc:"What it can be asked for" example:"chat"`
	Dialects   []string `json:"dialects" doc:"The wire formats it is asked in, the preferred first"`
	BaseURL    string   `json:"base_url,omitempty" doc:"With {name} for a setting of the credential. Absent: a credential must bring one"`
	Fields     []Field  `json:"fields,omitempty" doc:"What a credential has to say beside its secret, as settings"`
	Auth       string   `json:"auth" doc:"How the secret is shown: bearer, none, aws, google, azure, header:<name> or query:<name>"`
	Credential bool     `json:"needs_secret" doc:"Whether a credential for it has a secret"`
	KeyHint    string   `json:"key_hint,omitempty" doc:"What its secrets look like"`
	Env        []string `json:"env,omitempty" doc:"Environment variables in which people keep its key"`
	Testable   bool     `json:"testable" doc:"Whether a credential can be tested without a paid call"`
	Region     string   `json:"region,omitempty" doc:"Where it is, when that matters"`
	Plan       bool     `json:"plan,omitempty" doc:"Sold as a subscription, not by the call"`
	Local      bool     `json:"local,omitempty" doc:"Runs on a machine of your own"`
	Docs       string   `json:"docs,omitempty" doc:"Its documentation, or where people get a secret"`
	Sources    []string `json:"sources,omitempty" doc:"Public lists that confirm it"`
	Notes      string   `json:"notes,omitempty" doc:"What one should know before connecting it"`
}

// Field is a setting of a credential.
type Field struct {
	Name     string `json:"name"`
	Label    string `json:"label"`
	Hint     string `json:"hint,omitempty"`
	Required bool   `json:"required,omitempty"`
	Default  string `json:"default,omitempty"`
}

func toVendor(v provider.Vendor) Vendor {
	out := Vendor{
		ID: v.ID, Name: v.Name, Of: v.Of, BaseURL: v.BaseURL, Auth: v.Auth, Credential: v.Auth != "none", KeyHint: v.KeyHint, Env: v.Env,
		Testable: v.Models != "", Region: v.Region, Plan: v.Plan, Local: v.Local, Docs: v.Docs, Sources: v.Sources, Notes: v.Notes,
	}
	for _, o := range catalog.Operations(&v) {
		out.Operations = append(out.Operations, o.String())
	}
	for _, name := range catalog.Spoken(&v) {
		out.Dialects = append(out.Dialects, string(name))
	}
	for _, f := range v.Fields {
		out.Fields = append(out.Fields, Field(f))
	}
	return out
}

type vendorsRequest struct {
	Search    string `query:"q" maxLength:"128" doc:"Words that all stand in its name, id, dialects or key variables"`
	Operation string `query:"operation" enum:"chat,embeddings,rerank,token counting,images,speech,transcription,moderations,files" doc:"Only those that can be asked for it"`
}

// listVendors lists every vendor, by id: the list is short and part of the program, so there is one page.
func listVendors() rest.Endpoint {
	return rest.Handle(rest.About{Summary: "List vendors"}, func(_ context.Context, _ tenant.Scope, req vendorsRequest) (rest.Page[Vendor], error) {
		of, _ := catalog.ParseOperation(req.Operation) // the schema allows no other words; none is any
		var out []Vendor
		for _, v := range catalog.Find(catalog.Vendors(), catalog.Filter{Text: req.Search, Operation: of}) {
			out = append(out, toVendor(v))
		}
		return rest.PageOf(out, ""), nil
	})
}
