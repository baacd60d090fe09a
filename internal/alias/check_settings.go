package alias

import (
	"fmt"
	"math"
	"slices"
	"time"

	"tollgate/internal/fault"
)

// Efforts of reasoning that a route may ask for.
var Efforts = []string{"minimal", "low", "medium", "high"}

// times checks the deadlines.
func (c *checker) times(r Route) {
	if r.Timeout != 0 && (r.Timeout < timeoutMin || r.Timeout > timeoutMax) {
		c.say(fmt.Sprintf("The deadline is between %s and %s.", short(timeoutMin), short(timeoutMax)), "timeout_ms")
		return // the others are measured by it
	}
	total := r.deadline()
	for _, part := range []struct {
		field, what string
		of, most    time.Duration
	}{
		{"connect_ms", "The time to a connection", r.Connect, min(connectMax, total)},
		{"first_byte_ms", "The time to the first byte", r.FirstByte, total},
		{"idle_ms", "The time between two parts of an answer", r.Idle, total},
	} {
		if part.of != 0 && (part.of < attemptMin || part.of > part.most) {
			c.say(fmt.Sprintf("%s is between %s and %s; the whole call has %s.", part.what, short(attemptMin), short(part.most), short(total)), part.field)
		}
	}
}

func (r Route) deadline() time.Duration {
	if r.Timeout == 0 {
		return DefaultTimeout
	}
	return r.Timeout
}

// short writes a duration as people do: 10m, not 10m0s.
func short(d time.Duration) string {
	switch {
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}

func (c *checker) cache(x Cache) {
	switch {
	case x.Mode != CacheOff && x.Mode != CacheExact:
		c.say("The cache's mode is exact; leave cache out for none.", "cache", "mode")
	case x.Mode == CacheExact && (x.TTL < cacheMin || x.TTL > cacheMax):
		c.say("An answer is kept between 1s and 24h.", "cache", "ttl_ms")
	case x.Mode == CacheOff && x.TTL != 0:
		c.say("A time to keep answers needs the mode exact.", "cache", "ttl_ms")
	}
}

func (c *checker) parameters(p Parameters) {
	c.settings(p.Defaults, "defaults")
	c.settings(p.Caps, "caps")
	c.settings(p.Overrides, "overrides")
	if p.Caps.Effort != "" {
		c.say("Effort is no number and has no cap. Set it in defaults or overrides.", "parameters", "caps", "effort")
	}
	for _, set := range []struct {
		name string
		of   Settings
	}{{"defaults", p.Defaults}, {"overrides", p.Overrides}} {
		above := func(field string, over bool) {
			if over {
				c.say("This is above the cap of the same route.", "parameters", set.name, field)
			}
		}
		above("max_tokens", exceeds(set.of.MaxTokens, p.Caps.MaxTokens))
		above("temperature", exceeds(set.of.Temperature, p.Caps.Temperature))
		above("top_p", exceeds(set.of.TopP, p.Caps.TopP))
	}
}

func exceeds[N int64 | float64](have, most *N) bool {
	return have != nil && most != nil && *have > *most
}

func (c *checker) settings(s Settings, name string) {
	if n := s.MaxTokens; n != nil && (*n < 1 || *n > tokensMax) {
		c.say(fmt.Sprintf("max_tokens is between 1 and %d.", tokensMax), "parameters", name, "max_tokens")
	}
	if t := s.Temperature; t != nil && !within(*t, 0, 2) {
		c.say("A temperature is between 0 and 2.", "parameters", name, "temperature")
	}
	if p := s.TopP; p != nil && (!within(*p, 0, 1) || *p == 0) {
		c.say("top_p is above 0 and at most 1.", "parameters", name, "top_p")
	}
	if s.Effort != "" && !slices.Contains(Efforts, s.Effort) {
		c.say(fmt.Sprintf("There is no effort %q. There are %s.", fault.Clip(s.Effort), list(Efforts)), "parameters", name, "effort")
	}
}

func within(x, low, high float64) bool { return !math.IsNaN(x) && x >= low && x <= high }
