package gateway

import (
	"net/http"

	"tollgate/internal/calllog"
	"tollgate/internal/experiment"
	"tollgate/internal/prompt"
)

// reprompt is what the route says about the prompt: an alias that was found only now may have one, and the experiment's arm may want
// another version of the one that the call uses.
func (g *Gateway) reprompt(c *Call) error {
	if c.prompt == nil && c.Plan.Alias != "" {
		if use := c.bound(c.Plan.Alias); use != nil {
			c.Ask.wanted = c.Ask.wanted.by(c.Plan.Alias, use)
			if err := g.putPrompt(c, c.Ask.wanted); err != nil {
				return err
			}
		}
	}
	if c.prompt == nil {
		if c.Ask.wanted != nil {
			return errNoPrompt
		}
		return nil
	}
	if arm := c.arm(); arm != nil && arm.Prompt != nil && arm.Prompt.Prompt == c.prompt.id {
		g.deal(c, arm)
	}
	return nil
}

// arm is the experiment's that the call was dealt; nil: none.
func (c *Call) arm() *experiment.Arm {
	if c.Plan.Arm == "" {
		return nil
	}
	e := c.Caller.key.Org.Experiments[c.Plan.Alias]
	if e == nil || e.ID != c.Plan.Experiment {
		return nil
	}
	for i := range e.Arms {
		if e.Arms[i].Name == c.Plan.Arm {
			return &e.Arms[i]
		}
	}
	return nil
}

// deal gives the call its arm's version. A test must not fail a call that would be served without it: what the arm's version does not
// take is served by the call's own, and the decision says so.
func (g *Gateway) deal(c *Call, arm *experiment.Arm) {
	if arm.Prompt.Version == c.prompt.version {
		c.prompt.label = ""
		return
	}
	w := *c.Ask.wanted
	w.Version, w.Label, w.foundBy = arm.Prompt.Version, "", ""
	chosen, err := c.Caller.key.Org.Prompts.Choose(prompt.Wanted{Name: string(arm.Prompt.Prompt), Version: arm.Prompt.Version})
	if err == nil {
		err = g.fillIn(c, &w, &chosen)
	}
	if err != nil {
		c.note("the prompt of arm " + arm.Name + " cannot be used: " + clip(explain(err)))
	}
}

// plannedAs is how a line was planned whose answer is played now; nil: nothing is known of that, or the call is made for the first time.
func (c *Call) plannedAs() *calllog.Record {
	if c.in == nil || c.in.Target == nil {
		return nil
	}
	return c.in.Target.As
}

// promptAgain puts in what a line was planned with, whatever labels and aliases say by now. Its answer is here and paid: where the prompt
// has gone since, the line is read without it.
func (g *Gateway) promptAgain(c *Call, w *wanted, as *calllog.Record) error {
	if as.Prompt != "" {
		again := wanted{foundBy: as.PromptLabel}
		if w != nil {
			again.variables, again.own = w.variables, w.own
		}
		again.Name, again.Version = string(as.Prompt), as.PromptVersion
		if g.putPrompt(c, &again) != nil {
			c.prompt = &prompted{id: as.Prompt, version: as.PromptVersion, label: as.PromptLabel, size: c.Ask.size}
			c.note("the prompt of this line has gone since it was sent")
		}
	}
	if c.Ask.head.Model == "" {
		c.Ask.head.Model = as.Requested
	}
	return nil
}

// later is the call as it is made when it was deferred: by its client's own body, and by the version that it has now.
func (c *Call) later() (http.Header, []byte) {
	p := c.prompt
	if p == nil {
		return c.req.Header, c.Ask.body
	}
	h := c.req.Header.Clone()
	h.Del(promptLabelHeader)
	h[promptHeader] = []string{p.stamp()}
	if p.label != "" {
		h[promptLabelHeader] = []string{p.label}
	}
	return h, p.sent
}
