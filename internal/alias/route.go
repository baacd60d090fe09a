package alias

import (
	"time"

	"tollgate/internal/id"
)

// Strategy says in which order the targets of one tier (those with the same Target.Order) are tried.
type Strategy string

// The strategies. The empty Strategy is Ordered: routes stored before there were others do not name one.
const (
	Ordered   Strategy = "ordered"    // as they stand in the list
	Weighted  Strategy = "weighted"   // one drawn by weight, the same one for the same unit; the others behind it
	Cheapest  Strategy = "cheapest"   // by the price of this call; what has no price comes last
	Fastest   Strategy = "fastest"    // by the time to the first byte measured here; what was not measured comes first
	LeastBusy Strategy = "least_busy" // by calls under way from here
)

// Strategies are all, in the order in which forms offer them.
var Strategies = []Strategy{Ordered, Weighted, Cheapest, Fastest, LeastBusy}

// ViaBatch is the Via of a target that is asked through its provider's batch API.
const ViaBatch = "batch"

// Target is one place a call can go: a provider's model, by one credential or by the organization's for the provider.
type Target struct {
	Provider   string        `json:"provider"`             // vendor id
	Model      string        `json:"model"`                // the provider's model name
	Credential id.Credential `json:"credential,omitempty"` // empty: the organization's for the provider, by their weights

	Weight int    `json:"weight,omitempty"` // share in its tier under Weighted; 0 counts as 1
	Order  int    `json:"order,omitempty"`  // tier: lower ones are tried first
	Via    string `json:"via,omitempty"`    // "" or ViaBatch
	Off    bool   `json:"off,omitempty"`    // stands in the file and takes no call
}

// Share is the target's weight: at least 1.
func (t Target) Share() int { return max(t.Weight, 1) }

// Cause is why an attempt failed, as routes tell failures apart.
type Cause string

// The causes.
const (
	RateLimit     Cause = "rate_limit"     // 429, or an account without quota
	Overloaded    Cause = "overloaded"     // 503, 529
	TimedOut      Cause = "timeout"        // no connection, no first byte or no end in time
	ContextWindow Cause = "context_window" // the prompt is too long for the model
	ContentPolicy Cause = "content_policy" // the provider's filter refused it
	Failed        Cause = "error"          // every other failure of a provider: 5xx, garbage, a lost connection, a refused credential, an unknown model
)

// Causes are all, in the order in which forms offer them.
var Causes = []Cause{RateLimit, Overloaded, TimedOut, ContextWindow, ContentPolicy, Failed}

// usual are the causes that retries and fallbacks answer to when a route does not say: those in which the call itself is not at fault.
var usual = []Cause{RateLimit, Overloaded, TimedOut, Failed}

// Fallback is a target for calls that failed elsewhere. Fallbacks are tried after all targets, in their order.
type Fallback struct {
	Target
	On []Cause `json:"on,omitempty"` // empty: rate_limit, overloaded, timeout, error
}

// Answers reports whether the fallback is for calls that failed of c.
func (f Fallback) Answers(c Cause) bool { return listed(f.On, c) }

// Retry says when the same target is asked again.
type Retry struct {
	Attempts int     `json:"attempts,omitempty"` // at one target, the first included; 0: as many as the call has left
	On       []Cause `json:"on,omitempty"`       // empty: rate_limit, overloaded, timeout, error
}

// Answers reports whether the same target may be asked again after c.
func (r Retry) Answers(c Cause) bool { return listed(r.On, c) }

func listed(on []Cause, c Cause) bool {
	if len(on) == 0 {
		on = usual
	}
	for _, have := range on {
		if have == c {
			return true
		}
	}
	return false
}

// Rule sends the calls for which a condition holds elsewhere. The first rule that holds decides; its targets then stand where the
// route's would, and fallbacks follow as always.
type Rule struct {
	Name     string   `json:"name,omitempty"` // for people: "long prompts"
	If       string   `json:"if"`             // an expression; see package condition
	Strategy Strategy `json:"strategy,omitempty"`
	Targets  []Target `json:"targets"`
}

// Settings are what a route says about how a model answers. nil says nothing.
type Settings struct {
	MaxTokens   *int64   `json:"max_tokens,omitempty"`
	Temperature *float64 `json:"temperature,omitempty"`
	TopP        *float64 `json:"top_p,omitempty"`
	Effort      string   `json:"effort,omitempty"` // of reasoning: "minimal", "low", "medium", "high"; "" says nothing
}

// Empty reports whether the settings say nothing.
func (s Settings) Empty() bool { return s == Settings{} }

// Parameters change what a call asks of a model.
type Parameters struct {
	Defaults  Settings `json:"defaults,omitzero"`  // where the call says nothing
	Caps      Settings `json:"caps,omitzero"`      // the most that a call may ask; Effort is no number and has none
	Overrides Settings `json:"overrides,omitzero"` // whatever the call says
}

// Empty reports whether the parameters change nothing.
func (p Parameters) Empty() bool { return p.Defaults.Empty() && p.Caps.Empty() && p.Overrides.Empty() }

// Cache modes.
const (
	CacheOff   = ""      // every call is made
	CacheExact = "exact" // the same call of the same key's scope is answered from memory
)

// Cache says whether answers are kept and given again.
type Cache struct {
	Mode string        `json:"mode,omitempty"`
	TTL  time.Duration `json:"ttl,omitempty"` // with CacheExact: 1 s to 24 h
}

// Privacy narrows what the organization allows; it never widens it.
type Privacy struct {
	// Payload is the most that is kept of a call: "none", "metadata" or "full"; "" leaves it to the key. The stricter of both holds.
	Payload string `json:"payload,omitempty"`
	// NoTraining passes over providers that are not known to leave their API's traffic out of training.
	NoTraining bool `json:"no_training,omitempty"`
}

// What becomes of the upstream call when the client has gone.
const (
	Drain = "drain" // read it to the end, so that its usage is known
	Abort = "abort" // cancel it
)

// StickyOff is the Sticky of a route that draws anew for each call. The default, "", keeps a unit (a session, an end user) at the
// target and the credential drawn for it, which also keeps providers' prompt caches warm.
const StickyOff = "off"

// DefaultTimeout is the deadline of a call whose route names none.
const DefaultTimeout = 10 * time.Minute

// Route is what a version of an alias says. Every field but Targets may be left at its zero value.
type Route struct {
	Strategy  Strategy   `json:"strategy,omitempty"`
	Targets   []Target   `json:"targets"`
	Rules     []Rule     `json:"rules,omitempty"`
	Fallbacks []Fallback `json:"fallbacks,omitempty"`
	Retry     Retry      `json:"retry,omitzero"`
	Sticky    string     `json:"sticky,omitempty"` // "" or StickyOff

	Timeout   time.Duration `json:"timeout"`           // one deadline for the whole call; 0: DefaultTimeout
	Connect   time.Duration `json:"connect,omitempty"` // per attempt, to a connection; 0: the installation's
	FirstByte time.Duration `json:"first_byte"`        // per attempt, to the first content byte; 0: none beyond Timeout
	Idle      time.Duration `json:"idle,omitempty"`    // between two chunks of a stream; 0: none beyond Timeout
	Attempts  int           `json:"attempts"`          // one budget for the whole call, first try included; 0: targets and fallbacks + 1

	Prompt       *Prompt    `json:"prompt,omitempty"` // of calls that name none; nil: none
	Parameters   Parameters `json:"parameters,omitzero"`
	Cache        Cache      `json:"cache,omitzero"`
	Privacy      Privacy    `json:"privacy,omitzero"`
	OnDisconnect string     `json:"on_disconnect"` // Drain (default) or Abort

	// DropUnsupported lets a call through whose target cannot express all of it: what it cannot is dropped, with a warning. Otherwise
	// such a call is refused, unless its key says so. Routes stored before it was there do not say it.
	DropUnsupported bool `json:"drop_unsupported,omitempty"`
}
