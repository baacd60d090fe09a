package gateway

import (
	"errors"
	"strconv"
	"strings"

	"tollgate/internal/alias"
	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/prompt"
	"tollgate/internal/prompt/insert"
	"tollgate/internal/provider"
	"tollgate/internal/provider/wire"
	"tollgate/internal/route"
)

// The headers that tell which prompt a call used: "support/greeting@7", and the label by which that was found.
const promptLabelHeader = "X-Tollgate-Prompt-Label"

// errNoPrompt is for variables without a prompt.
var errNoPrompt = fault.New(fault.Invalid, "prompt.none",
	"Variables were sent, but the call names no prompt and its alias has none. Name one in tollgate.prompt or in the header x-tollgate-prompt.").At("tollgate.prompt")

// prompted is the prompt that was put into a call.
type prompted struct {
	id      id.Prompt
	name    string
	version int
	label   string // "": the version was named
	size    int64  // of the client's own body
	sent    []byte // the client's own body, until the call is dispatched
	buf     *buffer
	head    provider.Head // of sent
}

// prompt puts the registry's prompt that the call names, or that its alias has, into the body, as if the application had sent it. What
// follows (route, limits, budgets, cache, providers) sees the whole; what is kept of the call is what the client sent. The proxy has
// all it needs in memory.
func (g *Gateway) prompt(c *Call) error {
	w, err := c.wants()
	if err != nil {
		return err
	}
	if as := c.plannedAs(); as != nil {
		return g.promptAgain(c, w, as)
	}
	if w == nil || w.Name == "" {
		if name := c.aliasNamed(); c.bound(name) != nil {
			w = w.by(name, c.bound(name))
		}
	}
	c.Ask.wanted = w
	if w != nil && w.Name != "" {
		if err := g.putPrompt(c, w); err != nil {
			return err
		}
	}
	if c.Ask.head.Model == "" && mayBeNameless(c.Surface.dialect) {
		return provider.ErrNoModel
	}
	return nil
}

// mayBeNameless reports whether calls of a dialect can leave their model to a prompt.
func mayBeNameless(d provider.Client) bool {
	return d.Operation() == provider.Chat || d.Operation() == provider.Count
}

// aliasNamed is the alias that the call names as its model or by its task; "": neither, or it is not told yet.
func (c *Call) aliasNamed() string {
	tasks := c.Caller.key.Org.Tasks
	if task := first(c.req.Header, taskHeader); task != "" {
		return tasks[task]
	}
	name := strings.TrimPrefix(c.Ask.head.Model, route.Twin)
	if task, ok := strings.CutPrefix(name, route.TaskPrefix); ok {
		return tasks[task]
	}
	return name
}

// bound is the prompt of an alias that the key may call; nil: it has none.
func (c *Call) bound(name string) *alias.Prompt {
	k := c.Caller.key
	a, ok := k.Org.Aliases[name]
	if !ok || a.Route.Prompt == nil || k.AllowAlias(name) != nil {
		return nil
	}
	return a.Route.Prompt
}

// putPrompt finds the version and puts it in.
func (g *Gateway) putPrompt(c *Call, w *wanted) error {
	w.Environment = c.Caller.key.Environment
	w.Unit = c.unit().Value
	chosen, err := c.Caller.key.Org.Prompts.Choose(w.Wanted)
	if w.alias != "" && errors.Is(err, prompt.ErrUnknown) {
		return prompt.ErrUnknown.Say("The prompt %q of the alias %q is archived, or gone.", clip(w.known), clip(w.alias))
	}
	if err != nil {
		return err
	}
	if w.foundBy != "" { // when the call was deferred
		chosen.Label = w.foundBy
	}
	if err := g.fillIn(c, w, &chosen); err != nil {
		if c.prompt == nil { // what the version refuses is the version's, in the log too
			c.prompt = &prompted{id: chosen.Prompt.ID, name: chosen.Prompt.Name, version: chosen.Number, label: chosen.Label, size: c.Ask.size}
		}
		return err
	}
	return nil
}

// fillIn makes the body that providers see of the client's own and a version of a prompt.
func (g *Gateway) fillIn(c *Call, w *wanted, chosen *prompt.Chosen) error {
	sent, head := c.Ask.body, &c.Ask.head
	if c.prompt != nil {
		sent, head = c.prompt.sent, &c.prompt.head
	}
	messages, err := chosen.Render(w.variables)
	if err != nil {
		return err
	}
	edits, err := insert.Into(c.Surface.dialect.Name(), sent, messages, chosen.Content)
	if err != nil {
		return err
	}
	var more []provider.Change
	if w.own != "" {
		more = append(more, provider.Change{Name: w.own})
	}
	if head.Model == "" && chosen.Content.Alias != "" {
		more = append(more, provider.Change{Name: "model", Value: string(wire.AppendString(nil, chosen.Content.Alias))})
	}
	buf, err := g.spliced(sent, edits.In(sent, more...))
	if err != nil {
		return err
	}
	fresh, err := c.Surface.dialect.Probe(buf.b, c.Line)
	if err != nil {
		buf.release()
		return err
	}
	c.swap(buf, fresh, chosen)
	for _, text := range edits.Warnings {
		c.warn(text)
	}
	return nil
}

// spliced is a body with changes, in a buffer of its own. The bound of a client's body holds for it too.
func (g *Gateway) spliced(body []byte, edits []wire.Edit) (*buffer, error) {
	size := wire.Size(body, edits)
	if int64(size) > g.cfg.BodyMax {
		return nil, ErrTooLarge.Say("With its prompt the request body is over %d MiB. Send less, or send files by reference.", g.cfg.BodyMax>>20)
	}
	buf := g.bodies.borrow(size)
	buf.b = wire.Append(buf.b[:0], body, edits)
	return buf, nil
}

// swap makes a body that was rendered the call's. The client's own stays until dispatch.
func (c *Call) swap(buf *buffer, head provider.Head, chosen *prompt.Chosen) {
	p := c.prompt
	if p == nil {
		p = &prompted{size: c.Ask.size, sent: c.Ask.body, buf: c.Ask.buf, head: c.Ask.head}
		c.prompt = p
	} else {
		c.Ask.buf.release() // of a version that another one took the place of
	}
	p.id, p.name, p.version, p.label = chosen.Prompt.ID, chosen.Prompt.Name, chosen.Number, chosen.Label
	c.Ask.buf, c.Ask.body, c.Ask.head, c.Ask.size = buf, buf.b, head, int64(len(buf.b))
}

// forget gives the client's own body back.
func (p *prompted) forget() {
	if p != nil {
		p.buf.release()
		p.buf, p.sent, p.head = nil, nil, provider.Head{}
	}
}

// text is the prompt and its version: "support/greeting@7".
func (p *prompted) text() string { return p.name + "@" + strconv.Itoa(p.version) }

// stamp is what dimensions call the version: "prompt_…@7".
func (p *prompted) stamp() string { return string(p.id) + "@" + strconv.Itoa(p.version) }
