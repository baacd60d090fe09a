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

// taskHeader names what a call is for.
const taskHeader = "X-Tollgate-Task"

// errWhichVendor asks for vendorHeader.
var errWhichVendor = fault.New(fault.Invalid, "provider.ambiguous",
	"This call names no model, and more than one connected provider serves it. Name one in the header X-Tollgate-Provider.").At(vendorHeader)

// resolve turns the model's name into targets in the order in which they are tried.
func (g *Gateway) resolve(c *Call) error {
	if c.in != nil && c.in.Target != nil {
		return g.pin(c, c.in.Target)
	}
	k := c.Caller.key
	if c.Surface.dialect.Operation() == provider.Files {
		vendor, err := g.keeper(c, k.Org)
		if err != nil {
			return err
		}
		c.Ask.head.Model = vendor + "/files"
	}
	ask, err := g.question(c)
	if err != nil {
		return err
	}
	p, err := g.router.Resolve(k.Org, &k.Key, &ask)
	if err == nil && p.Classify != nil {
		asked := g.Now()
		ask.Asked = g.classify(c, p.Classify)
		c.Work.wait(g.Now().Sub(asked))
		p, err = g.router.Resolve(k.Org, &k.Key, &ask)
	}
	if err != nil {
		return err
	}
	c.Plan = plan{Plan: p, named: true}
	return g.reprompt(c)
}

// question is what the call asks of the router.
func (g *Gateway) question(c *Call) (route.Ask, error) {
	ask := route.Ask{
		Name: c.Ask.head.Model, Task: first(c.req.Header, taskHeader), Unit: c.unit(), Call: c.Text,
		Batch: c.in != nil && (c.in.Batch != "" || c.in.Batched) || c.deferrable(), Size: c.size(), Now: c.Start,
	}
	if at := c.Ask.head.Spans; at.Provider.To > 0 || at.Models.To > 0 {
		var err error
		if ask.Filter, err = route.ParseFilter(c.Ask.body[at.Provider.From:at.Provider.To]); err != nil {
			return ask, err
		}
		if ask.Models, err = route.ParseModels(c.Ask.body[at.Models.From:at.Models.To]); err != nil {
			return ask, err
		}
	}
	if _, plain := c.Caller.key.Org.Aliases[ask.Name]; plain || ask.Task != "" || len(ask.Models) > 0 || strings.HasPrefix(ask.Name, route.TaskPrefix) || !strings.Contains(ask.Name, "/") {
		look := &features{c: c}
		ask.Facts, ask.Prompt = look.facts, look.prompt
		client := c.Surface.dialect
		ask.Able = func(v *provider.Vendor, model string, own bool) bool {
			_, ok := g.way(v, client, model, own)
			return ok
		}
	}
	return ask, nil
}

// keeper is the provider that a call about files is for: the one that the client names, or the only one connected that has files.
func (g *Gateway) keeper(c *Call, org *snapshot.Org) (string, error) {
	if named := c.req.Header.Get(vendorHeader); named != "" {
		return clean(named, 64), nil
	}
	var able []string
	for _, id := range route.Connected(org) {
		if v, ok := g.Vendors(id); ok {
			if _, ok := g.way(v, c.Surface.dialect, "files", false); ok {
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
