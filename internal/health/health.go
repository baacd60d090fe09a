// Package health knows how providers are doing, as seen from this proxy: by what came of the calls that it made itself. Nothing is
// probed at a cost, nothing is stored, and nothing of one organization's credential tells another's.
//
// A Board holds one breaker for each target. It opens when calls fail, stays open for a time that grows with each failed probe, and
// then lets one call through; an answer closes it. An open breaker refuses nobody by itself: a caller with another candidate goes
// there (Enter), one without goes all the same (Begin), so that the last target of a route is never taken away.
//
// What a call meets can be wrong with more than its target. An account without money ejects its credential; a provider that fails
// for several models or credentials ejects all that the organization reaches there.
package health

import (
	"time"

	"tollgate/internal/id"
)

// Target is what can be ill by itself: an organization's model at a provider, by a credential, in a region.
type Target struct {
	Org        id.Org
	Provider   string
	Region     string // what fails together at the provider: a region, or the host of a credential's own address; "" where there is one
	Credential id.Credential
	Model      string
}

// State is how a target is doing.
type State struct {
	Open     bool          // ejected: calls go elsewhere while there is an elsewhere
	Probe    bool          // Open, and due for one call that tries it
	Until    time.Time     // Open: when the next probe may go
	Why      string        // Open: in words, "7 of the last 10 calls failed"
	Of       Verdict       // Open: what opened it
	InFlight int64         // calls under way
	Latency  time.Duration // time to the first byte, recent calls weighing most; 0: not measured, or too long ago
	Headroom float64       // share of the provider's rate limit that is left, 0 to 1; negative: not known
}

// Verdict is what an attempt tells of the health of its target.
type Verdict uint8

// The verdicts. The zero Verdict changes nothing.
const (
	Unsaid      Verdict = iota // nothing: the client left, or the failure was ours
	Good                       // a complete answer
	Answered                   // refused for what the call is: an invalid request, a long prompt, its content. The provider works
	Limited                    // its rate limit is reached: ejected at once
	Exhausted                  // the account has no money or quota left: its credential is ejected at once
	Overloaded                 // it says that it has too much to do
	Failing                    // 5xx, garbage, an answer that broke off
	Late                       // no connection, no content or no end in time
	Unreachable                // no connection, or one that was lost before the answer
	Rejected                   // the credential was refused: ejected at once, with all its models
	Denied                     // the credential may not use the model: ejected at once
	Unknown                    // the model is not known there, or not to this credential: ejected at once
)

// failure reports verdicts that count against the target.
func (v Verdict) failure() bool {
	switch v {
	case Limited, Exhausted, Overloaded, Failing, Late, Unreachable, Rejected, Denied, Unknown:
		return true
	case Unsaid, Good, Answered:
	}
	return false
}

// common reports failures that may be the whole provider's.
func (v Verdict) common() bool {
	switch v {
	case Overloaded, Failing, Late, Unreachable:
		return true
	case Unsaid, Good, Answered, Limited, Exhausted, Rejected, Denied, Unknown:
	}
	return false
}

// silent reports failures in which nothing was heard.
func (v Verdict) silent() bool { return v == Late || v == Unreachable }
