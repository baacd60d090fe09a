package gateway

// resolve turns the model's name into targets in the order in which they are tried.
func (g *Gateway) resolve(c *Call) error {
	k := c.Caller.key
	p, err := g.router.Resolve(k.Org, &k.Key, c.Ask.head.Model, c.Start)
	if err != nil {
		return err
	}
	c.Plan = plan{Plan: p, named: true}
	return nil
}
