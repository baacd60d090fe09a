package gateway

import (
	"slices"

	"tollgate/internal/calllog"
	"tollgate/internal/key"
)

// strictest are the privacies, from the one that keeps least.
var strictest = []key.Privacy{key.PrivacyNone, key.PrivacyMetadata, key.PrivacyFull}

// privacy is the most that may be kept of the call: what its key says, narrowed by its route.
func (c *Call) privacy() key.Privacy {
	own := c.Caller.key.Privacy
	route := key.Privacy(c.Plan.Payload)
	if i := slices.Index(strictest, route); i >= 0 && i < slices.Index(strictest, own) {
		return route
	}
	return own
}

// keptPayload is the payload that is recorded. The request's body is taken before the route is known, so the route has its say here.
func (c *Call) keptPayload() *calllog.Payload {
	if c.privacy() != key.PrivacyFull {
		return nil
	}
	return c.payload
}
