package gateway

import (
	"strings"
	"time"

	"tollgate/internal/calllog"
	"tollgate/internal/chat"
	"tollgate/internal/dimension"
	"tollgate/internal/key"
	"tollgate/internal/limit"
	"tollgate/internal/provider"
	"tollgate/internal/route"
)

// limiting is what a call has taken of limits.
type limiting struct {
	call   taken // of limits that hold before a target is chosen
	target taken // of those of the target under way
	shown  shown
	mode   limit.Mode
	wait   time.Duration // where a limit refused: until there is room; limit.Never
}

// taken is what was taken of some limits, and is to be corrected when it is known what was used.
type taken struct {
	asks   []limit.Ask
	states []limit.State
	few    [2]limit.Ask
	fewer  [2]limit.State
	held   bool
}

// limit takes the call's requests, estimated tokens and place of every limit that it falls under, or refuses it. A call from inside
// (a line of a batch, a judge's question) is nobody's haste, and is not held up.
func (g *Gateway) limit(c *Call) error {
	limits := c.Caller.key.Org.Limits
	if len(limits) == 0 || c.in != nil {
		return nil
	}
	at := c.stands()
	t := &c.limits.call
	t.asks = limit.Asks(t.few[:0], limits, &at, false, limit.Need{})
	if len(t.asks) == 0 {
		return nil
	}
	need := c.need()
	t.asks = limit.Asks(t.few[:0], limits, &at, false, need)
	return g.meter(c, t, need)
}

// limitTarget does the same for limits on providers and models, for one target. A target without room is one that cannot be asked: the
// call goes to the next.
func (g *Gateway) limitTarget(c *Call, target *route.Target) error {
	limits := c.Caller.key.Org.Limits
	if len(limits) == 0 || c.in != nil {
		return nil
	}
	t := &c.limits.target
	g.giveBack(c, t, limit.Need{}) // of a target that was given up before it was asked
	at := c.stands()
	at.Provider, at.Model = target.Vendor.ID, target.Vendor.ID+"/"+target.Model
	if t.asks = limit.Asks(t.few[:0], limits, &at, true, limit.Need{}); len(t.asks) == 0 {
		return nil
	}
	need := c.need()
	t.asks = limit.Asks(t.few[:0], limits, &at, true, need)
	if err := g.meter(c, t, need); err != nil {
		return &provider.Inexpressible{Err: err}
	}
	c.limits.wait = 0
	return nil
}

// meter asks the meter.
func (g *Gateway) meter(c *Call, t *taken, need limit.Need) error {
	if t.states = t.fewer[:]; len(t.asks) > len(t.fewer) {
		t.states = make([]limit.State, len(t.asks))
	}
	t.states = t.states[:len(t.asks)]
	asked := g.Now()
	mode, err := g.Limits.Take(c.req.Context(), c.Caller.key.Org.ID, c.ID, t.asks, t.states)
	c.Work.wait(g.Now().Sub(asked))
	if err != nil {
		return err
	}
	c.limits.mode = max(c.limits.mode, mode)
	g.metrics.limits.WithLabelValues(mode.String()).Inc()
	c.limits.shown.see(t)
	var refusal error
	for i := range t.asks {
		a, s := &t.asks[i], &t.states[i]
		if !s.Refused {
			continue
		}
		did := calllog.WouldRefuse
		if !a.Limit.Watch {
			did = calllog.DidRefuse
			if refusal == nil || longer(s.Wait, c.limits.wait) {
				refusal, c.limits.wait = c.exceeded(a, s, need), s.Wait
			}
		}
		c.checked(a, s, did)
		g.metrics.limited.WithLabelValues(string(a.Limit.Metric), string(did)).Inc()
	}
	t.held = refusal == nil
	return refusal
}

func longer(a, b time.Duration) bool { return a == limit.Never || b != limit.Never && a > b }

// checked notes for the log what a limit did.
func (c *Call) checked(a *limit.Ask, s *limit.State, did calllog.Did) {
	subject := a.Subject
	if a.Limit.Each == dimension.EndUser && c.privacy() == key.PrivacyNone {
		subject = ""
	}
	if did == calllog.DidRefuse && a.Limit.Upstream() {
		did = calllog.DidMove // to the next target, where there is one; else the call's error names the limit
	}
	c.Record.Checks = append(c.Record.Checks, calllog.Check{
		By: string(a.Limit.ID), Did: did, Subject: subject, Period: string(a.Limit.Metric), Short: max(a.N-s.Left, 1),
	})
}

// stands is where the call stands on every line but those of a target.
func (c *Call) stands() dimension.Call {
	k := c.Caller.key
	at := dimension.Call{
		Team: string(k.Team), Key: string(k.ID), Environment: k.Environment, Workflow: c.Ask.workflow, EndUser: c.Ask.endUser, Alias: c.Plan.Alias,
		Tags: c.Ask.tags,
	}
	if p := c.prompt; p != nil {
		at.Prompt, at.PromptNumber = string(p.id), p.version
	}
	return at
}

// outputGuess is how many tokens a call is taken to want that does not say.
const outputGuess = 1024

// need is what the call is expected to take, before anybody has counted.
func (c *Call) need() limit.Need {
	var n limit.Need
	switch c.Surface.dialect.Operation() {
	case provider.Chat:
		n.Input = textTokens(c.Ask.body)
		n.Output, n.Capped = c.Ask.head.MaxTokens, c.Ask.head.MaxTokens > 0
		if !n.Capped {
			n.Output = outputGuess
		}
		n.Output *= min(max(c.Ask.head.Choices, 1), choicesMax)
	case provider.Embed, provider.Rerank:
		n.Input, n.Capped = textTokens(c.Ask.body), true
	case provider.Count, provider.Moderate, provider.Image, provider.Speech, provider.Transcribe, provider.Files: // not counted in tokens beforehand
		n.Capped = true
	}
	return n
}

const (
	attachmentBytes  = 4 << 10 // a string as long as this without a space is a picture or a file
	attachmentTokens = 1500    // what one is taken for: providers count them by their size in pixels or pages
)

// textTokens estimates the tokens of a body by the rule of thumb for text. Pictures and files in it are no text.
func textTokens(body []byte) int64 {
	text, tokens := int64(len(body)), int64(0)
	for from, i := 0, 0; len(body) > attachmentBytes && i < len(body); i++ {
		switch body[i] {
		case '"', ' ', '\\':
			if n := i - from; n > attachmentBytes {
				text -= int64(n)
				tokens += attachmentTokens
			}
			from = i + 1
		}
	}
	return tokens + (text+bytesPerToken-1)/bytesPerToken
}

// targetUsed corrects what was taken for a target, when it has answered.
func (g *Gateway) targetUsed(c *Call, a *calllog.Attempt) {
	g.giveBack(c, &c.limits.target, used(a.Usage))
}

// correct gives back what the call did not use, takes what was too little, and frees its places.
func (g *Gateway) correct(c *Call) error {
	if p := c.Answer.problem; p != nil && (p.Code == limit.ErrExceeded.Code || p.Code == limit.ErrTooLarge.Code) {
		c.nowhere()
	}
	g.giveBack(c, &c.limits.target, limit.Need{})
	if c.limits.call.held {
		g.giveBack(c, &c.limits.call, used(c.Record.Usage))
	}
	return nil
}

// nowhere notes that limits on targets moved the call nowhere: there was no other.
func (c *Call) nowhere() {
	for i := range c.Record.Checks {
		if k := &c.Record.Checks[i]; k.Did == calllog.DidMove && strings.HasPrefix(k.By, "lim_") {
			k.Did = calllog.DidRefuse
		}
	}
}

func used(u chat.Usage) limit.Need {
	return limit.Need{Input: u.Units.InputTotal(), Output: u.Units.OutputTotal()}
}

func (g *Gateway) giveBack(c *Call, t *taken, used limit.Need) {
	if !t.held {
		return
	}
	t.held = false
	var few [4]limit.Return
	back := few[:0]
	for i := range t.asks {
		if r, ok := t.asks[i].Correct(&t.states[i], used); ok {
			back = append(back, r)
		}
	}
	if len(back) > 0 {
		g.Limits.Return(c.Caller.key.Org.ID, c.ID, back)
	}
}
