package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"
	"unicode/utf8"

	"tollgate/internal/calllog"
	"tollgate/internal/id"
	"tollgate/internal/route"
)

// The response headers that say why this route. The short one is on every call for which there was something to decide; the whole
// decision is for those that ask.
const (
	routeHeader    = "X-Tollgate-Route"
	decisionHeader = "X-Tollgate-Decision"
	debugHeader    = "X-Tollgate-Debug"
)

// decisionMax bounds the decision in a header: servers and clients refuse large ones.
const decisionMax = 6 << 10

// routed sets the headers that tell the route.
func (c *Call) routed(h http.Header) {
	if !c.Plan.named {
		return
	}
	debug := c.debugs()
	if c.Plan.Decision == nil && !debug {
		return
	}
	h[routeHeader] = []string{ascii(c.way())}
	if debug {
		h[decisionHeader] = []string{c.explained()}
	}
}

func (c *Call) debugs() bool {
	switch first(c.req.Header, debugHeader) {
	case "1", "true":
		return true
	}
	return false
}

// way is the route in a line: "fast-classifier v4 > anthropic/claude-haiku-4-5 (weight 50 of 100)".
func (c *Call) way() string {
	p := &c.Plan
	out := ""
	if p.Task != "" {
		out = "task " + clip(p.Task) + " > "
	}
	if p.Alias != "" {
		out += p.Alias + " v" + strconv.Itoa(p.AliasVersion) + " > "
	}
	n := len(c.Work.attempts)
	if c.keeping != nil && c.keeping.hit {
		return out + "an answer that was given before"
	}
	if n == 0 {
		return out + "nowhere"
	}
	last := &c.Work.attempts[n-1]
	out += last.Provider + "/" + clip(last.Model)
	if t := served(p.Targets, last); t != nil && t.Reason != "" {
		out += " (" + t.Reason + ")"
	}
	if n > 1 {
		out += " at attempt " + strconv.Itoa(n)
	}
	return out
}

// served is the target of an attempt.
func served(targets []route.Target, a *calllog.Attempt) *route.Target {
	for i := range targets {
		t := &targets[i]
		if t.Vendor.ID == a.Provider && clean(t.Model, 256) == a.Model && (t.Credential == nil || t.Credential.ID == a.Credential) {
			return t
		}
	}
	return nil
}

// explanation is what the decision's header holds.
type explanation struct {
	Alias      string            `json:"alias,omitempty"`
	Version    int               `json:"version,omitempty"`
	Task       string            `json:"task,omitempty"`
	TaskBy     string            `json:"task_by,omitempty"`
	UnitBy     string            `json:"unit_by,omitempty"`
	Experiment id.Experiment     `json:"experiment,omitempty"`
	Arm        string            `json:"arm,omitempty"`
	Prompt     string            `json:"prompt,omitempty"` // "support/greeting@7"
	Label      string            `json:"prompt_label,omitempty"`
	Decision   *calllog.Decision `json:"decision,omitempty"`
	Attempts   []attempted       `json:"attempts,omitempty"`
}

type attempted struct {
	Provider string `json:"provider"`
	Model    string `json:"model"`
	Status   int    `json:"status,omitempty"`
	Error    string `json:"error,omitempty"`
}

// explained is the whole decision as JSON. What does not fit is left out from the end: candidates first.
func (c *Call) explained() string {
	p := &c.Plan
	e := explanation{Alias: p.Alias, Version: p.AliasVersion, Task: p.Task, TaskBy: p.TaskBy, UnitBy: p.UnitBy, Experiment: p.Experiment, Arm: p.Arm}
	if c.prompt != nil {
		e.Prompt, e.Label = clip(c.prompt.text()), c.prompt.label
	}
	for i := range c.Work.attempts {
		a := &c.Work.attempts[i]
		e.Attempts = append(e.Attempts, attempted{a.Provider, clip(a.Model), a.Status, a.ErrorClass})
	}
	if p.Decision != nil {
		d := *p.Decision
		e.Decision = &d
	}
	for {
		raw, err := json.Marshal(e)
		if err != nil {
			return "{}"
		}
		if text := ascii(string(raw)); len(text) <= decisionMax {
			return text
		}
		switch d := e.Decision; {
		case d != nil && len(d.Candidates) > 0:
			d.Candidates = d.Candidates[:len(d.Candidates)-1]
		case d != nil:
			e.Decision = nil
		default:
			e.Attempts = nil
			e.Task = ""
		}
	}
}

// ascii writes what a header cannot hold as JSON escapes.
func ascii(s string) string {
	plain := true
	for i := range len(s) {
		plain = plain && s[i] >= ' ' && s[i] < utf8.RuneSelf
	}
	if plain {
		return s
	}
	out := make([]byte, 0, len(s)+16)
	for _, r := range s {
		if r >= ' ' && r < utf8.RuneSelf {
			out = append(out, byte(r))
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r) // '\u00e9', '\U0001f600', '\n'
		if r > 0xffff || r < ' ' {
			quoted = `'?'`
		}
		out = append(out, quoted[1:len(quoted)-1]...)
	}
	return string(out)
}
