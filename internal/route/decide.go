package route

import (
	"errors"
	"strconv"

	"tollgate/internal/alias"
	"tollgate/internal/calllog"
	"tollgate/internal/fault"
	"tollgate/internal/key"
)

// wishes takes in the request's own models list: fallbacks for whatever fails. A name that there is not, or that the key may not call,
// fails the call: the client would wait for a fallback that never comes.
func (c *choosing) wishes(k *key.Key, p *Plan) error {
	models := c.ask.Models
	if c.routesItself() {
		models = nil // its names, and its business: it gets the list as it came
	}
	for i, name := range models {
		if name == c.ask.Name {
			continue // OpenRouter's clients repeat the model at the head of the list
		}
		if err := c.wish(k, name); err != nil {
			return atModels(err, i)
		}
	}
	if f := c.ask.Filter; f != nil {
		p.Strict = f.RequireParams
		if p.Decision != nil {
			p.Decision.Filters = f.words()
		}
	}
	return nil
}

// routesItself reports whether everything so far goes to vendors that read the request's wishes themselves.
func (c *choosing) routesItself() bool {
	for i := range c.list {
		if !c.list[i].Vendor.Routes {
			return false
		}
	}
	return len(c.list) > 0
}

func (c *choosing) wish(k *key.Key, name string) error {
	from := len(c.seats)
	why := "in the request's models list"
	if a, ok := c.org.Aliases[name]; ok {
		if err := k.AllowAlias(name); err != nil {
			return err
		}
		private := c.private
		c.private = private || a.Route.Privacy.NoTraining
		for _, t := range a.Route.Targets {
			c.add(t, shape{kind: wished, on: alias.Causes, parameters: nonempty(&a.Route.Parameters), why: why})
		}
		c.private = private
		c.arrange(from, a.Route.Strategy, string(a.ID))
		return nil
	}
	vendors, err := c.r.serving(c.org, k, c.ask, name)
	if err != nil {
		return err
	}
	for _, v := range vendors {
		c.add(alias.Target{Provider: v.ID, Model: modelOf(v.ID, name)}, shape{kind: wished, on: alias.Causes, why: why})
	}
	return nil
}

// finish makes the plan of what was gathered. name is for messages: the alias or model.
func (c *choosing) finish(p Plan, name string) (Plan, error) {
	if len(c.list) == 0 {
		return Plan{}, c.nothing(name)
	}
	order := c.able(c.settle())
	if f := c.ask.Filter; f != nil && f.NoFallbacks && len(f.Order) == 0 {
		order = c.first(order)
	}
	p.Targets = make([]Target, len(order))
	if p.Decision != nil {
		p.Decision.Candidates = make([]calllog.Candidate, 0, min(len(order)+len(c.dropped), candidatesMax))
		p.Decision.Sticky = c.sticky
	}
	for i, e := range order {
		why, full := c.why(e)
		e.Reason = why
		p.Targets[i] = e.Target
		if p.Decision != nil && len(p.Decision.Candidates) < candidatesMax {
			p.Decision.Candidates = append(p.Decision.Candidates, e.candidate(i+1, full))
		}
	}
	if p.Decision != nil {
		room := candidatesMax - len(p.Decision.Candidates)
		p.Decision.Candidates = append(p.Decision.Candidates, c.dropped[:min(room, len(c.dropped))]...)
	}
	return p.withDefaults(), nil
}

// candidatesMax bounds what a decision tells.
const candidatesMax = 40

// able leaves out the targets whose vendor has no endpoint for the call, unless that is all of them: then the attempt says so.
func (c *choosing) able(order []*entry) []*entry {
	if c.ask.Able == nil || len(order) < 2 {
		return order
	}
	out := make([]*entry, 0, len(order))
	for _, e := range order {
		if c.ask.Able(e.Vendor, e.Model, e.Own) {
			out = append(out, e)
		}
	}
	if len(out) == 0 || len(out) == len(order) {
		return order
	}
	for _, e := range order {
		if !c.ask.Able(e.Vendor, e.Model, e.Own) {
			c.dropped = append(c.dropped, e.candidate(0, "has no endpoint for this call"))
		}
	}
	return out
}

// first cuts a plan to the first target of its own, and what the request names itself.
func (c *choosing) first(order []*entry) []*entry {
	out, cut := make([]*entry, 0, len(order)), false
	for _, e := range order {
		switch own := c.seats[e.index].kind != wished; {
		case own && cut:
			c.dropped = append(c.dropped, e.candidate(0, "the request allows no fallbacks"))
		default:
			cut = cut || own
			out = append(out, e)
		}
	}
	return out
}

func (e *entry) candidate(place int, why string) calllog.Candidate {
	out := calllog.Candidate{Provider: e.Vendor.ID, Model: fault.Clip(e.Model), Place: place, Why: why}
	if e.Credential != nil {
		out.Credential = e.Credential.ID
	}
	return out
}

// why says in words why an entry stands where it does: short, and with its health.
func (c *choosing) why(e *entry) (short, full string) {
	s := &c.seats[e.index]
	switch {
	case s.why != "":
		short = s.why
	case s.kind == fallback:
		short = "fallback" + causes(e.On)
	case s.kind == spare:
		short = "the alias's own target, behind the arm's"
	case s.sum > s.weight:
		short = "weight " + strconv.Itoa(s.weight) + " of " + strconv.Itoa(s.sum)
	case e.index == 0:
		short = "target"
	default:
		short = "target " + strconv.Itoa(e.index+1)
	}
	if e.later > 0 {
		short += ", another credential"
	}
	full = short
	switch {
	case ejected(e.state):
		full += "; ejected: " + e.state.Why
		if !e.state.Until.IsZero() {
			full += ", until " + e.state.Until.UTC().Format("15:04:05")
		}
	case e.state.Open:
		full += "; ejected, and due for a call that tries it"
	case s.state.Latency > 0 && s.order == float64(s.state.Latency):
		full += "; first byte after " + strconv.FormatInt(s.state.Latency.Milliseconds(), 10) + " ms"
	}
	return short, full
}

func causes(on []alias.Cause) string {
	if len(on) == 0 {
		return ""
	}
	out := " for "
	for i, cause := range on {
		if i > 0 {
			out += ", "
		}
		out += string(cause)
	}
	return out
}

// nothing says why there is no target at all.
func (c *choosing) nothing(name string) error {
	if c.batched {
		return ErrBatchOnly.Say("%q is served in batches. Send the call with the header X-Tollgate-Defer: 1, or as a line of POST /v1/batches.", fault.Clip(name))
	}
	for i := len(c.dropped) - 1; i >= 0 && c.missing == nil; i-- {
		d := &c.dropped[i]
		return ErrNoTarget.Say("No target of %q is left for this call. %s/%s: %s.", fault.Clip(name), fault.Clip(d.Provider), fault.Clip(d.Model), d.Why)
	}
	if c.missing != nil {
		return c.missing
	}
	return ErrNotConnected.Say("The alias %q has no targets.", fault.Clip(name))
}

// atModels says which name of the request's models list an error is about.
func atModels(err error, i int) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At("models." + strconv.Itoa(i))
	}
	return err
}
