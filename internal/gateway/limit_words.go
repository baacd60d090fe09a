package gateway

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tollgate/internal/dimension"
	"tollgate/internal/id"
	"tollgate/internal/limit"
)

// exceeded says which limit stands in the way, how much of it is left, and what to do.
func (c *Call) exceeded(a *limit.Ask, s *limit.State, need limit.Need) error {
	l := a.Limit
	rule := fmt.Sprintf("The limit %q allows %s %s", l.Name, grouped(l.Amount), l.Metric.Counts())
	if p := limit.PeriodName(l.Per); p != "" {
		rule += " a " + p
	}
	if l.Each != "" {
		rule += " for each " + lineName(l.Each)
	}
	who := c.subject(a)
	switch {
	case l.Metric == limit.Concurrency:
		return limit.ErrExceeded.Say("%s%s, and so many are under way. Wait until one has ended, or ask an admin to raise the limit (%s).", rule, who, l.ID)
	case s.Wait == limit.Never:
		return limit.ErrTooLarge.Say("%s%s, and this call alone may take %s. Waiting does not help: %s, or ask an admin to raise the limit (%s).",
			rule, who, expected(l.Metric, need), smaller(l.Metric, need), l.ID)
	case l.Metric == limit.Requests:
		return limit.ErrExceeded.Say("%s%s, and they are used up. Try again in %s, or ask an admin to raise the limit (%s).", rule, who, spoken(s.Wait), l.ID)
	}
	return limit.ErrExceeded.Say("%s%s. %s are left, and this call may take %s. Try again in %s, ask for less, or ask an admin to raise the limit (%s).",
		rule, who, grouped(s.Left), expected(l.Metric, need), spoken(s.Wait), l.ID)
}

// expected says what a call may take, and how that comes about.
func expected(m limit.Metric, need limit.Need) string {
	how := "by our guess"
	if need.Capped {
		how = "by its own cap"
	}
	switch m {
	case limit.Input:
		return grouped(need.Input) + " (estimated from its size)"
	case limit.Output:
		return grouped(need.Output) + " (" + how + ")"
	case limit.Tokens, limit.Requests, limit.Concurrency:
	}
	return fmt.Sprintf("%s (%s in, estimated from its size, and %s out %s)", grouped(need.Input+need.Output), grouped(need.Input), grouped(need.Output), how)
}

// smaller says how to make a call smaller.
func smaller(m limit.Metric, need limit.Need) string {
	switch {
	case m == limit.Input:
		return "shorten the prompt"
	case m == limit.Output:
		return "lower the cap on its output (max_tokens)"
	case need.Capped:
		return "lower the cap on its output (max_tokens) or shorten the prompt"
	}
	return "shorten the prompt"
}

// lineName is a dimension in words.
func lineName(n dimension.Name) string {
	if tag, ok := n.TagKey(); ok {
		return "value of the tag " + clip(tag)
	}
	return strings.ReplaceAll(string(n), "_", " ")
}

// subject says of whom the limit is, where it counts each by itself.
func (c *Call) subject(a *limit.Ask) string {
	if a.Subject == "" {
		return ""
	}
	name := a.Subject
	if a.Limit.Each == dimension.Key {
		name = c.Caller.key.Name
	}
	if team := c.Caller.key.Org.Teams[id.Team(a.Subject)]; a.Limit.Each == dimension.Team && team != "" {
		name = team
	}
	return fmt.Sprintf(" (here %q)", clip(name))
}

// spoken is a wait in words of at least a second: "12s", "1m30s".
func spoken(d time.Duration) string { return max(d.Round(time.Second), time.Second).String() }

// grouped writes 1234567 as 1,234,567.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
