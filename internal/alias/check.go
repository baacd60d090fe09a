package alias

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tollgate/internal/fault"
	"tollgate/internal/id"
	"tollgate/internal/provider"
)

// The bounds of a route.
const (
	targetsMax    = 32
	fallbacksMax  = 16
	rulesMax      = 16
	weightMax     = 1000
	orderMax      = 100
	attemptsMax   = 10
	timeoutMin    = time.Second
	timeoutMax    = 30 * time.Minute
	attemptMin    = 100 * time.Millisecond // of what holds per attempt
	connectMax    = time.Minute
	cacheMin      = time.Second
	cacheMax      = 24 * time.Hour
	modelBytesMax = 256
	nameRunesMax  = 64 // of a rule
	tokensMax     = 10_000_000
)

// Words are what a route may speak of that others know.
type Words struct {
	Vendors   func(id string) (provider.Vendor, bool)
	Condition func(text string) error // why a condition is refused; nil
}

// Check refuses a route that breaks a rule; the error is the first problem, at a field below "route". Whether credentials exist is
// asked by CheckCredentials.
func (r Route) Check(w Words) error {
	if found := r.Problems(w); len(found) > 0 {
		return found[0].Fault("route")
	}
	return nil
}

// Problems are all reasons to refuse a route; none for a good one.
func (r Route) Problems(w Words) []Problem {
	c := checker{words: w}
	c.targets(r.Targets, "targets")
	c.strategy(r.Strategy, "strategy")
	c.rules(r.Rules)
	c.fallbacks(r.Fallbacks)
	c.times(r)
	if r.Attempts < 0 || r.Attempts > attemptsMax {
		c.say("A call has between 1 and 10 attempts; 0 means one more than there are targets and fallbacks.", "attempts")
	}
	if r.Retry.Attempts < 0 || r.Retry.Attempts > attemptsMax {
		c.say("A target is asked between 1 and 10 times; 0 means as often as the call has attempts left.", "retry", "attempts")
	}
	c.causes(r.Retry.On, "retry", "on")
	if r.Sticky != "" && r.Sticky != StickyOff {
		c.say("Stickiness is on unless it is off: leave it out or write off.", "sticky")
	}
	c.prompt(r.Prompt)
	c.parameters(r.Parameters)
	c.cache(r.Cache)
	if !slices.Contains([]string{"", "none", "metadata", "full"}, r.Privacy.Payload) {
		c.say("What is kept of a call is none, metadata or full.", "privacy", "payload")
	}
	if !slices.Contains([]string{"", Drain, Abort}, r.OnDisconnect) {
		c.say("When the client has gone the call is drained or aborted: drain or abort.", "on_disconnect")
	}
	return c.found
}

// checker collects problems.
type checker struct {
	words Words
	found []Problem
}

func (c *checker) say(reason string, path ...string) {
	c.found = append(c.found, Problem{Path: path, Reason: reason})
}

func (c *checker) targets(list []Target, at ...string) {
	switch {
	case len(list) == 0:
		c.say("A route needs at least one target.", at...)
	case len(list) > targetsMax:
		c.say(fmt.Sprintf("A route has at most %d targets.", targetsMax), at...)
		return
	case !slices.ContainsFunc(list, func(t Target) bool { return !t.Off }):
		c.say("Every target is off, so no call could be answered. Leave one on.", at...)
	}
	seen := map[Target]bool{}
	for i, t := range list {
		here := append(slices.Clone(at), strconv.Itoa(i))
		c.target(t, here)
		place := t.place()
		if seen[place] {
			c.say("This target is in the list already. To try it again, raise the number of attempts.", here...)
		}
		seen[place] = true
	}
}

// place is the target without what is said about it.
func (t Target) place() Target {
	return Target{Provider: t.Provider, Model: t.Model, Credential: t.Credential, Via: t.Via}
}

func (c *checker) target(t Target, at []string) {
	say := func(reason, field string) { c.say(reason, append(slices.Clone(at), field)...) }
	v, known := c.words.Vendors(t.Provider)
	if !known {
		say(fmt.Sprintf("There is no provider %q.", fault.Clip(t.Provider)), "provider")
	}
	if t.Model == "" || len(t.Model) > modelBytesMax || strings.ContainsFunc(t.Model, func(c rune) bool { return c <= ' ' || c > '~' }) {
		say(fmt.Sprintf("A model name has 1 to %d characters without spaces.", modelBytesMax), "model")
	}
	if known && t.Credential != "" && v.BaseURL == "sandbox:" {
		say(v.Name+" is built in and needs no credential.", "credential")
	}
	if t.Weight < 0 || t.Weight > weightMax {
		say("A weight is between 1 and 1000.", "weight")
	}
	if t.Order < 0 || t.Order > orderMax {
		say("An order is between 0 and 100; targets with a lower one are tried first.", "order")
	}
	if t.Via != "" && t.Via != ViaBatch {
		say("A target is asked directly, or via: batch.", "via")
	}
}

func (c *checker) strategy(s Strategy, at ...string) {
	if s != "" && !slices.Contains(Strategies, s) {
		c.say(fmt.Sprintf("There is no strategy %q. There are %s.", fault.Clip(string(s)), list(Strategies)), at...)
	}
}

func (c *checker) rules(rules []Rule) {
	if len(rules) > rulesMax {
		c.say(fmt.Sprintf("A route has at most %d rules.", rulesMax), "rules")
		return
	}
	for i, r := range rules {
		at := strconv.Itoa(i)
		if utf8.RuneCountInString(r.Name) > nameRunesMax || !utf8.ValidString(r.Name) || strings.ContainsFunc(r.Name, unicode.IsControl) {
			c.say(fmt.Sprintf("A rule's name has at most %d characters on one line.", nameRunesMax), "rules", at, "name")
		}
		if err := c.words.Condition(strings.TrimSpace(r.If)); err != nil {
			c.found = append(c.found, Problem{Path: []string{"rules", at, "if"}, Reason: upper(err.Error()), Err: err})
		}
		c.targets(r.Targets, "rules", at, "targets")
		c.strategy(r.Strategy, "rules", at, "strategy")
	}
}

func (c *checker) fallbacks(fallbacks []Fallback) {
	if len(fallbacks) > fallbacksMax {
		c.say(fmt.Sprintf("A route has at most %d fallbacks.", fallbacksMax), "fallbacks")
		return
	}
	seen := map[Target]bool{}
	for i, f := range fallbacks {
		at := []string{"fallbacks", strconv.Itoa(i)}
		c.target(f.Target, at)
		if f.Via != "" {
			c.say("A fallback answers now: it is not asked by batch.", append(slices.Clone(at), "via")...)
		}
		c.causes(f.On, append(slices.Clone(at), "on")...)
		if seen[f.place()] {
			c.say("This fallback is in the list already. Put its causes into one entry.", at...)
		}
		seen[f.place()] = true
	}
}

func (c *checker) causes(on []Cause, at ...string) {
	for i, cause := range on {
		if !slices.Contains(Causes, cause) {
			c.say(fmt.Sprintf("There is no cause %q. There are %s.", fault.Clip(string(cause)), list(Causes)), append(slices.Clone(at), strconv.Itoa(i))...)
		}
	}
}

// Credentials are those that the route names, each once.
func (r Route) Credentials() []id.Credential {
	var out []id.Credential
	r.each(func(t Target, _ []string) {
		if t.Credential != "" && !slices.Contains(out, t.Credential) {
			out = append(out, t.Credential)
		}
	})
	return out
}

// each visits every target of the route, wherever it stands.
func (r Route) each(visit func(t Target, at []string)) {
	for i, t := range r.Targets {
		visit(t, []string{"targets", strconv.Itoa(i)})
	}
	for i, rule := range r.Rules {
		for j, t := range rule.Targets {
			visit(t, []string{"rules", strconv.Itoa(i), "targets", strconv.Itoa(j)})
		}
	}
	for i, f := range r.Fallbacks {
		visit(f.Target, []string{"fallbacks", strconv.Itoa(i)})
	}
}

// CheckCredentials refuses a route that names a credential the organization does not have, or another provider's. have gives the
// provider of each that it has.
func (r Route) CheckCredentials(have map[id.Credential]string) error {
	found := r.missing(have)
	if len(found) == 0 {
		return nil
	}
	if found[0].Err != nil {
		return ErrNoCredential.At("route." + found[0].Field())
	}
	return found[0].Fault("route")
}

// missing are the problems with the credentials that a route names.
func (r Route) missing(have map[id.Credential]string) (found []Problem) {
	r.each(func(t Target, at []string) {
		if t.Credential == "" {
			return
		}
		at = append(at, "credential")
		of, ok := have[t.Credential]
		switch {
		case !ok:
			found = append(found, Problem{Path: at, Reason: ErrNoCredential.Message, Err: ErrNoCredential})
		case of != t.Provider:
			found = append(found, Problem{Path: at, Reason: fmt.Sprintf("This credential is for %s, and the target is a model of %s.", of, t.Provider)})
		}
	})
	return found
}

// list puts words behind each other for a sentence.
func list[T ~string](words []T) string {
	text := make([]string, len(words))
	for i, w := range words {
		text[i] = string(w)
	}
	return strings.Join(text[:len(text)-1], ", ") + " and " + text[len(text)-1]
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
