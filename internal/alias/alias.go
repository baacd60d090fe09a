// Package alias holds semantic model names: an alias is a versioned route. Versions are immutable and numbered from 1; the alias
// points at one. Changing an alias makes the next version, and so does going back to an old one.
package alias

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/provider"
)

// Target is one place a call can go: a provider's model, by one credential or the provider's default.
type Target struct {
	Provider   string        `json:"provider"`             // vendor id
	Model      string        `json:"model"`                // the provider's model name
	Credential id.Credential `json:"credential,omitempty"` // empty: the organization's default credential for the provider
}

// What becomes of the upstream call when the client has gone.
const (
	Drain = "drain" // read it to the end, so that its usage is known
	Abort = "abort" // cancel it
)

// DefaultTimeout is the deadline of a call whose route names none.
const DefaultTimeout = 10 * time.Minute

// The bounds of a route.
const (
	targetsMax    = 8
	attemptsMax   = 10
	timeoutMin    = time.Second
	timeoutMax    = 30 * time.Minute
	firstByteMin  = 100 * time.Millisecond
	modelBytesMax = 256
)

// Route is what a version of an alias says. Targets are tried in order.
type Route struct {
	Targets      []Target      `json:"targets"`
	Timeout      time.Duration `json:"timeout"`       // one deadline for the whole call; 0: DefaultTimeout
	FirstByte    time.Duration `json:"first_byte"`    // per attempt, to the first content byte; 0: none beyond Timeout
	Attempts     int           `json:"attempts"`      // one budget for the whole call, first try included; 0: len(Targets)+1
	OnDisconnect string        `json:"on_disconnect"` // Drain (default) or Abort

	// DropUnsupported lets a call through whose target cannot express all of it: what it cannot is dropped, with a warning. Otherwise
	// such a call is refused, unless its key says so. Routes stored before it was there do not say it.
	DropUnsupported bool `json:"drop_unsupported,omitempty"`
}

// Alias is a name and the version it points at.
type Alias struct {
	ID        id.Alias
	Name      string // what clients send as model: [a-z0-9][a-z0-9._-]{0,63}, no slash. It never changes
	Version   int    // current version, from 1
	Route     Route  // of the current version
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Version is one immutable state of an alias.
type Version struct {
	Number    int
	Route     Route
	Author    string // id of the user or token
	Message   string
	CreatedAt time.Time
}

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// checkName refuses what no client could send as a model, or could mistake for provider/model.
func checkName(name string) error {
	if !nameForm.MatchString(name) {
		return ErrInvalid.Say("A name has 1 to 64 lower-case letters, digits, dots, hyphens or underscores, and starts with a letter or digit.").At("name")
	}
	return nil
}

// Same reports whether two routes say the same.
func (r Route) Same(o Route) bool {
	if len(r.Targets) != len(o.Targets) {
		return false
	}
	for i := range r.Targets {
		if r.Targets[i] != o.Targets[i] {
			return false
		}
	}
	return r.Timeout == o.Timeout && r.FirstByte == o.FirstByte && r.Attempts == o.Attempts && r.OnDisconnect == o.OnDisconnect &&
		r.DropUnsupported == o.DropUnsupported
}

// normal trims what people type and writes defaults out where they have a name.
func (r Route) normal() Route {
	targets := make([]Target, len(r.Targets))
	for i, t := range r.Targets {
		targets[i] = Target{Provider: strings.TrimSpace(t.Provider), Model: strings.TrimSpace(t.Model), Credential: t.Credential}
	}
	r.Targets = targets
	if r.OnDisconnect == "" {
		r.OnDisconnect = Drain
	}
	return r
}

// Check refuses a route that breaks a rule; the error names the field below "route". Whether credentials exist is asked by
// CheckCredentials.
func (r Route) Check(vendors func(string) (provider.Vendor, bool)) error {
	switch {
	case len(r.Targets) == 0:
		return invalid("route.targets", "A route needs at least one target.")
	case len(r.Targets) > targetsMax:
		return invalid("route.targets", "A route has at most %d targets.", targetsMax)
	case r.Timeout != 0 && (r.Timeout < timeoutMin || r.Timeout > timeoutMax):
		return invalid("route.timeout_ms", "The deadline is between %s and %s.", timeoutMin, timeoutMax)
	case r.FirstByte != 0 && (r.FirstByte < firstByteMin || r.FirstByte > r.deadline()):
		return invalid("route.first_byte_ms", "The time to the first byte is between %s and the deadline.", firstByteMin)
	case r.Attempts < 0 || r.Attempts > attemptsMax:
		return invalid("route.attempts", "A call has between 1 and %d attempts; 0 means one more than there are targets.", attemptsMax)
	case r.OnDisconnect != Drain && r.OnDisconnect != Abort:
		return invalid("route.on_disconnect", "When the client has gone the call is drained or aborted: drain or abort.")
	}
	seen := map[Target]bool{}
	for i, t := range r.Targets {
		at := fmt.Sprintf("route.targets.%d", i)
		v, ok := vendors(t.Provider)
		switch {
		case !ok:
			return invalid(at+".provider", "There is no provider %q.", clip(t.Provider))
		case t.Model == "" || len(t.Model) > modelBytesMax || strings.ContainsFunc(t.Model, func(c rune) bool { return c <= ' ' || c > '~' }):
			return invalid(at+".model", "A model name has 1 to %d characters without spaces.", modelBytesMax)
		case seen[t]:
			return invalid(at, "This target is in the list already. To try it again, raise the number of attempts.")
		case t.Credential != "" && v.BaseURL == "sandbox:":
			return invalid(at+".credential", "%s is built in and needs no credential.", v.Name)
		}
		seen[t] = true
	}
	return nil
}

func (r Route) deadline() time.Duration {
	if r.Timeout == 0 {
		return DefaultTimeout
	}
	return r.Timeout
}

// Credentials are those that the route names.
func (r Route) Credentials() []id.Credential {
	var out []id.Credential
	for _, t := range r.Targets {
		if t.Credential != "" {
			out = append(out, t.Credential)
		}
	}
	return out
}

// CheckCredentials refuses a route that names a credential the organization does not have, or another provider's. have gives the
// provider of each that it has.
func (r Route) CheckCredentials(have map[id.Credential]string) error {
	for i, t := range r.Targets {
		if t.Credential == "" {
			continue
		}
		at := fmt.Sprintf("route.targets.%d.credential", i)
		of, ok := have[t.Credential]
		if !ok {
			return ErrNoCredential.At(at)
		}
		if of != t.Provider {
			return invalid(at, "This credential is for %s, and the target is a model of %s.", of, t.Provider)
		}
	}
	return nil
}

func invalid(field, format string, args ...any) error {
	return ErrInvalid.Say(format, args...).At(field)
}

func clip(s string) string {
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:100], "") + "…"
	}
	return s
}
