package route

import (
	"cmp"
	"strconv"

	"tollgate/internal/alias"
	"tollgate/internal/alias/condition"
	"tollgate/internal/calllog"
	"tollgate/internal/experiment"
	"tollgate/internal/key"
	"tollgate/internal/snapshot"
)

// alias makes the plan of an alias. task is how the call came to it; nil: it was named.
func (r Router) alias(org *snapshot.Org, k *key.Key, ask *Ask, a *snapshot.Alias, task *found) (Plan, error) {
	if err := k.AllowAlias(a.Name); err != nil {
		return Plan{}, err
	}
	p := Plan{
		Alias: a.Name, AliasVersion: a.Version,
		Timeout: a.Route.Timeout, Connect: a.Route.Connect, FirstByte: a.Route.FirstByte, Idle: a.Route.Idle,
		Attempts: a.Route.Attempts, Retry: a.Route.Retry, Cache: a.Route.Cache, Payload: a.Route.Privacy.Payload,
		Abort: a.Route.OnDisconnect == alias.Abort, Drop: a.Route.DropUnsupported,
		Decision: &calllog.Decision{},
	}
	if task != nil {
		p.Task, p.TaskBy = task.task, task.by
		p.Decision.Features, p.Decision.Notes = task.features, task.notes
	}
	c := choosing{r: r, org: org, ask: ask, private: a.Route.Privacy.NoTraining, loose: a.Route.Sticky == alias.StickyOff}
	c.route(&p, a)
	if err := c.wishes(k, &p); err != nil {
		return Plan{}, err
	}
	return c.finish(p, a.Name)
}

// route takes in what an alias's route says: the targets of the rule that holds, or the experiment's arm, or its own; then fallbacks.
func (c *choosing) route(p *Plan, a *snapshot.Alias) {
	own := part{targets: a.Route.Targets, strategy: cmp.Or(a.Route.Strategy, alias.Ordered)}
	own.parameters = nonempty(&a.Route.Parameters)
	if rule := c.rule(p, a); rule != nil {
		own.targets, own.strategy = rule.Targets, cmp.Or(rule.Strategy, alias.Ordered)
		c.part(p, a, own)
	} else if arm := c.assign(p, a); arm != nil {
		c.arm(p, a, own, arm)
	} else {
		c.part(p, a, own)
	}
	from := len(c.seats)
	for i := range a.Route.Fallbacks {
		f := &a.Route.Fallbacks[i]
		c.add(f.Target, shape{kind: fallback, on: f.On, parameters: own.parameters})
	}
	c.arrange(from, alias.Ordered, "")
}

// part is targets that are ordered together.
type part struct {
	targets    []alias.Target
	strategy   alias.Strategy
	parameters *alias.Parameters
	kind       kind
	arm        string
}

func (c *choosing) part(p *Plan, a *snapshot.Alias, of part) {
	from := len(c.seats)
	c.expect(len(of.targets) + len(a.Route.Fallbacks))
	for i := range of.targets {
		c.add(of.targets[i], shape{kind: of.kind, arm: of.arm, parameters: of.parameters})
	}
	if f := c.ask.Filter; f != nil && f.Sort != "" {
		of.strategy = sorts[f.Sort]
	}
	if of.kind == aimed {
		p.Decision.Strategy = string(of.strategy)
	}
	c.arrange(from, of.strategy, string(a.ID))
}

// sorts are the strategies of OpenRouter's words. Throughput is not measured apart from the time to the first byte.
var sorts = map[string]alias.Strategy{"price": alias.Cheapest, "latency": alias.Fastest, "throughput": alias.Fastest}

// rule is the first of a route's rules that holds; nil: none does.
func (c *choosing) rule(p *Plan, a *snapshot.Alias) *alias.Rule {
	if len(a.Rules) == 0 {
		return nil
	}
	facts := condition.Facts{Now: c.ask.Now}
	if c.ask.Facts != nil {
		facts = c.ask.Facts()
	}
	facts.Alias, facts.Task = a.Name, cmp.Or(p.Task, facts.Task)
	for i, program := range a.Rules {
		rule := &a.Route.Rules[i]
		name := cmp.Or(rule.Name, "rule "+strconv.Itoa(i+1))
		holds, err := program.Holds(&facts)
		if err != nil {
			p.Decision.Notes = append(p.Decision.Notes, "the condition of "+name+" could not be evaluated, and was passed over")
			continue
		}
		if holds {
			p.Decision.Rule = cmp.Or(rule.Name, rule.If)
			return rule
		}
	}
	return nil
}

// assign is the experiment's arm for the call's unit; nil: the call takes no part. What is assigned stands in the plan, whatever
// serves the call: analysis goes by it.
func (c *choosing) assign(p *Plan, a *snapshot.Alias) *experiment.Arm {
	e := c.org.Experiments[a.Name]
	if e == nil || c.ask.Unit.Value == "" {
		return nil
	}
	i := e.Assign(c.ask.Unit.Value)
	if i < 0 {
		return nil
	}
	arm := &e.Arms[i]
	p.Experiment, p.Arm = e.ID, arm.Name
	p.Unit, p.UnitBy = experiment.Unit(e.Salt, c.ask.Unit.Value), c.ask.Unit.By
	return arm
}

// arm takes in an arm's target, with the route's own behind it for when it fails; an arm without one is the route's own.
func (c *choosing) arm(p *Plan, a *snapshot.Alias, own part, arm *experiment.Arm) {
	parameters := own.parameters
	if !arm.Parameters.Empty() {
		merged := experiment.Over(a.Route.Parameters, arm.Parameters)
		parameters = &merged
	}
	if arm.Target == nil {
		own.arm, own.parameters = arm.Name, parameters
		c.part(p, a, own)
		return
	}
	if !c.add(*arm.Target, shape{kind: aimed, arm: arm.Name, parameters: parameters, why: "arm " + arm.Name + " of the experiment"}) {
		p.Decision.Notes = append(p.Decision.Notes, "the target of arm "+arm.Name+" cannot serve the call")
		c.part(p, a, own)
		return
	}
	p.Decision.Strategy = "experiment"
	own.kind = spare
	own.targets = without(own.targets, arm.Target)
	c.part(p, a, own)
}

// without is targets but for those of the same model by the same credential.
func without(targets []alias.Target, t *alias.Target) []alias.Target {
	out := make([]alias.Target, 0, len(targets))
	for _, other := range targets {
		if other.Provider != t.Provider || other.Model != t.Model || other.Credential != t.Credential {
			out = append(out, other)
		}
	}
	return out
}

func nonempty(p *alias.Parameters) *alias.Parameters {
	if p.Empty() {
		return nil
	}
	return p
}
