package aliashttp

import (
	"cmp"
	"time"

	"tollgate/internal/alias"
	"tollgate/internal/id"
)

// Target is one place a call can go.
type Target struct {
	Provider   string `json:"provider" maxLength:"64" doc:"Id of a vendor"`
	Model      string `json:"model" maxLength:"256" doc:"The provider's name of the model"`
	Credential string `json:"credential,omitempty" maxLength:"64" doc:"Left out: the organization's credentials of the provider share the calls"`
	Weight     int    `json:"weight,omitempty" doc:"Share of the calls under the strategy weighted, 1 to 1000; left out: 1"`
	Order      int    `json:"order,omitempty" doc:"Targets with a lower one are tried first"`
	Via        string `json:"via,omitempty" maxLength:"64" doc:"batch: through the provider's batch API"`
	Off        bool   `json:"off,omitempty" doc:"Takes no call"`
}

// Fallback is a target for calls that failed elsewhere.
type Fallback struct {
	Provider   string   `json:"provider" maxLength:"64" doc:"Id of a vendor"`
	Model      string   `json:"model" maxLength:"256" doc:"The provider's name of the model"`
	Credential string   `json:"credential,omitempty" maxLength:"64" doc:"Left out: the organization's credentials of the provider share the calls"`
	Off        bool     `json:"off,omitempty" doc:"Takes no call"`
	On         []string `json:"on,omitempty" maxItems:"16" doc:"Causes: rate_limit, overloaded, timeout, context_window, content_policy, error. Left out: rate_limit, overloaded, timeout, error"`
}

// Rule sends the calls for which a condition holds elsewhere.
type Rule struct {
	Name     string   `json:"name,omitempty" maxLength:"256" doc:"For people"`
	If       string   `json:"if" maxLength:"4000" doc:"A condition in CEL over the call: input_tokens > 60000"`
	Strategy string   `json:"strategy,omitempty" maxLength:"64" doc:"As in the route"`
	Targets  []Target `json:"targets" maxItems:"100"`
}

// Retry says when the same target is asked again.
type Retry struct {
	Attempts int      `json:"attempts,omitempty" doc:"At one target, the first included; left out: as many as the call has left"`
	On       []string `json:"on,omitempty" maxItems:"16" doc:"Causes; left out: rate_limit, overloaded, timeout, error"`
}

// Settings are what a route says about how a model answers.
type Settings struct {
	MaxTokens   *int64   `json:"max_tokens,omitempty"`
	Temperature *float64 `json:"temperature,omitempty"`
	TopP        *float64 `json:"top_p,omitempty"`
	Effort      string   `json:"effort,omitempty" maxLength:"64" doc:"Of reasoning: minimal, low, medium or high"`
}

// Parameters change what a call asks of a model.
type Parameters struct {
	Defaults  *Settings `json:"defaults,omitempty" doc:"Where the call says nothing"`
	Caps      *Settings `json:"caps,omitempty" doc:"The most that a call may ask"`
	Overrides *Settings `json:"overrides,omitempty" doc:"Whatever the call says"`
}

// Cache says whether answers are kept and given again.
type Cache struct {
	Mode  string `json:"mode" maxLength:"64" doc:"exact: the same call is answered from memory"`
	TTLMS int64  `json:"ttl_ms,omitempty" doc:"How long, 1 s to 24 h"`
}

// Privacy narrows what the organization allows.
type Privacy struct {
	Payload    string `json:"payload,omitempty" maxLength:"64" doc:"The most that is kept of a call: none, metadata or full"`
	NoTraining bool   `json:"no_training,omitempty" doc:"Pass over providers that are not known to leave API traffic out of training"`
}

// Route is what a version of an alias says.
type Route struct {
	Strategy     string      `json:"strategy,omitempty" maxLength:"64" doc:"ordered, weighted, cheapest, fastest or least_busy; left out: weighted where there are weights, ordered otherwise"`
	Targets      []Target    `json:"targets" maxItems:"100"`
	Rules        []Rule      `json:"rules,omitempty" maxItems:"100" doc:"The first whose condition holds decides"`
	Fallbacks    []Fallback  `json:"fallbacks,omitempty" maxItems:"100" doc:"Tried in their order after all targets"`
	Retry        *Retry      `json:"retry,omitempty"`
	Sticky       string      `json:"sticky,omitempty" enum:"off" doc:"off draws anew for each call; left out: a session stays at its target"`
	TimeoutMS    int64       `json:"timeout_ms,omitempty" doc:"One deadline for the whole call; left out: ten minutes"`
	ConnectMS    int64       `json:"connect_ms,omitempty" doc:"For each attempt, to a connection; left out: the installation's"`
	FirstByteMS  int64       `json:"first_byte_ms,omitempty" doc:"For each attempt, to the first content; left out: none"`
	IdleMS       int64       `json:"idle_ms,omitempty" doc:"Between two parts of a streamed answer; left out: none"`
	Attempts     int         `json:"attempts,omitempty" doc:"One budget for the whole call, first try included; left out: one more than there are targets and fallbacks"`
	Prompt       string      `json:"prompt,omitempty" maxLength:"300" doc:"Prompt of calls that name none: its name, and @ with a version or : with a label" example:"support/greeting:production"`
	Parameters   *Parameters `json:"parameters,omitempty"`
	Cache        *Cache      `json:"cache,omitempty" doc:"Left out: every call is made"`
	Privacy      *Privacy    `json:"privacy,omitempty"`
	OnDisconnect string      `json:"on_disconnect,omitempty" enum:"drain,abort" doc:"What becomes of the provider's call when the client has gone"`

	DropUnsupported bool `json:"drop_unsupported,omitempty" doc:"Drop what the target cannot express (with a warning) instead of refusing the call"`
}

func toRoute(r alias.Route) Route {
	out := Route{
		Strategy: cmp.Or(string(r.Strategy), string(alias.Ordered)), Targets: each(r.Targets, toTarget), Rules: each(r.Rules, toRule),
		Fallbacks: each(r.Fallbacks, toFallback), Sticky: r.Sticky, TimeoutMS: r.Timeout.Milliseconds(), ConnectMS: r.Connect.Milliseconds(),
		FirstByteMS: r.FirstByte.Milliseconds(), IdleMS: r.Idle.Milliseconds(), Attempts: r.Attempts, Parameters: toParameters(r.Parameters),
		OnDisconnect: r.OnDisconnect, DropUnsupported: r.DropUnsupported,
	}
	if r.Prompt != nil {
		out.Prompt = r.Prompt.String()
	}
	if r.Retry.Attempts != 0 || len(r.Retry.On) > 0 {
		out.Retry = &Retry{Attempts: r.Retry.Attempts, On: each(r.Retry.On, toText[alias.Cause])}
	}
	if r.Cache.Mode != alias.CacheOff {
		out.Cache = &Cache{Mode: r.Cache.Mode, TTLMS: r.Cache.TTL.Milliseconds()}
	}
	if r.Privacy != (alias.Privacy{}) {
		out.Privacy = &Privacy{Payload: r.Privacy.Payload, NoTraining: r.Privacy.NoTraining}
	}
	return out
}

func toTarget(t alias.Target) Target {
	return Target{Provider: t.Provider, Model: t.Model, Credential: string(t.Credential), Weight: t.Weight, Order: t.Order, Via: t.Via, Off: t.Off}
}

func toRule(r alias.Rule) Rule {
	return Rule{Name: r.Name, If: r.If, Strategy: cmp.Or(string(r.Strategy), string(alias.Ordered)), Targets: each(r.Targets, toTarget)}
}

func toFallback(f alias.Fallback) Fallback {
	return Fallback{Provider: f.Provider, Model: f.Model, Credential: string(f.Credential), Off: f.Off, On: each(f.On, toText[alias.Cause])}
}

func toParameters(p alias.Parameters) *Parameters {
	if p.Empty() {
		return nil
	}
	set := func(s alias.Settings) *Settings {
		if s.Empty() {
			return nil
		}
		return &Settings{MaxTokens: s.MaxTokens, Temperature: s.Temperature, TopP: s.TopP, Effort: s.Effort}
	}
	return &Parameters{Defaults: set(p.Defaults), Caps: set(p.Caps), Overrides: set(p.Overrides)}
}

func toText[T ~string](s T) string { return string(s) }

// each is a list of the other kind; nil for an empty one.
func each[A, B any](list []A, to func(A) B) []B {
	if len(list) == 0 {
		return nil
	}
	out := make([]B, len(list))
	for i, v := range list {
		out[i] = to(v)
	}
	return out
}

// millisMax keeps a number of milliseconds a duration; what is longer than any route may say is refused by the domain.
const millisMax = int64(48 * time.Hour / time.Millisecond)

func millis(n int64) time.Duration {
	return time.Duration(max(-1, min(n, millisMax))) * time.Millisecond
}

func fromRoute(r Route) alias.Route {
	out := alias.Route{
		Strategy: alias.Strategy(r.Strategy), Targets: each(r.Targets, fromTarget), Rules: each(r.Rules, fromRule), Fallbacks: each(r.Fallbacks, fromFallback),
		Sticky: r.Sticky, Timeout: millis(r.TimeoutMS), Connect: millis(r.ConnectMS), FirstByte: millis(r.FirstByteMS), Idle: millis(r.IdleMS),
		Attempts: r.Attempts, Parameters: fromParameters(r.Parameters), OnDisconnect: r.OnDisconnect, DropUnsupported: r.DropUnsupported,
	}
	if r.Prompt != "" {
		p, _ := alias.ParsePrompt(r.Prompt) // what is no name is refused as one that is missing
		out.Prompt = &p
	}
	if r.Retry != nil {
		out.Retry = alias.Retry{Attempts: r.Retry.Attempts, On: each(r.Retry.On, toCause)}
	}
	if r.Cache != nil {
		out.Cache = alias.Cache{Mode: r.Cache.Mode, TTL: millis(r.Cache.TTLMS)}
	}
	if r.Privacy != nil {
		out.Privacy = alias.Privacy{Payload: r.Privacy.Payload, NoTraining: r.Privacy.NoTraining}
	}
	return out
}

func fromTarget(t Target) alias.Target {
	return alias.Target{Provider: t.Provider, Model: t.Model, Credential: id.Credential(t.Credential), Weight: t.Weight, Order: t.Order, Via: t.Via, Off: t.Off}
}

func fromRule(r Rule) alias.Rule {
	return alias.Rule{Name: r.Name, If: r.If, Strategy: alias.Strategy(r.Strategy), Targets: each(r.Targets, fromTarget)}
}

func fromFallback(f Fallback) alias.Fallback {
	t := alias.Target{Provider: f.Provider, Model: f.Model, Credential: id.Credential(f.Credential), Off: f.Off}
	return alias.Fallback{Target: t, On: each(f.On, toCause)}
}

func toCause(s string) alias.Cause { return alias.Cause(s) }

func fromParameters(p *Parameters) (out alias.Parameters) {
	if p == nil {
		return out
	}
	set := func(s *Settings) alias.Settings {
		if s == nil {
			return alias.Settings{}
		}
		return alias.Settings{MaxTokens: s.MaxTokens, Temperature: s.Temperature, TopP: s.TopP, Effort: s.Effort}
	}
	return alias.Parameters{Defaults: set(p.Defaults), Caps: set(p.Caps), Overrides: set(p.Overrides)}
}
