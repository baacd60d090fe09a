package gateway

import (
	"strings"

	"tollgate/internal/fault"
	"tollgate/internal/provider"
	"tollgate/internal/route"
	"tollgate/internal/snapshot"
)

// vendorHeader names the provider of a call that names no model.
const vendorHeader = "X-Tollgate-Provider"

// errWhichVendor asks for vendorHeader.
var errWhichVendor = fault.New(fault.Invalid, "provider.ambiguous",
	"This call names no model, and more than one connected provider serves it. Name one in the header X-Tollgate-Provider.").At(vendorHeader)

// resolve turns the model's name into targets in the order in which they are tried.
func (g *Gateway) resolve(c *Call) error {
	k := c.Caller.key
	if c.Surface.dialect.Operation() == provider.Files {
		vendor, err := g.keeper(c, k.Org)
		if err != nil {
			return err
		}
		c.Ask.head.Model = vendor + "/files"
	}
	p, err := g.router.Resolve(k.Org, &k.Key, c.Ask.head.Model, c.Start)
	if err != nil {
		return err
	}
	c.Plan = plan{Plan: p, named: true}
	return nil
}

// keeper is the provider that a call about files is for: the one that the client names, or the only one connected that has files.
func (g *Gateway) keeper(c *Call, org *snapshot.Org) (string, error) {
	if named := c.req.Header.Get(vendorHeader); named != "" {
		return clean(named, 64), nil
	}
	var able []string
	for _, id := range route.Connected(org) {
		if v, ok := g.Vendors(id); ok {
			if _, _, ok := g.Choose(&v, c.Surface.dialect, "files", false); ok {
				able = append(able, id)
			}
		}
	}
	switch len(able) {
	case 1:
		return able[0], nil
	case 0:
		return "", ErrNoEndpoint.Say("No connected provider has an endpoint for files. Add a credential for one under Providers.").At(vendorHeader)
	}
	return "", errWhichVendor.Say("More than one connected provider keeps files. Name one in the header %s: %s.", vendorHeader, strings.Join(able, ", "))
}
