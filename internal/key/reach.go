package key

import (
	"context"
	"time"

	"tollgate/internal/id"
	"tollgate/internal/tenant"
)

// Reach is who uses a key, and would be turned away without it.
type Reach struct {
	HourCalls  int64 // in the last hour
	DayCalls   int64 // in the last 24 hours
	Workflows  []string
	EndUsers   int64    // different ones
	Clients    []string // environment and dialect that calls came from: "production, anthropic_messages"
	LastAt     time.Time
	LastClient string // of the newest call; "": no call in the last 24 hours
}

// reachKeysMax bounds one question, reachNamesMax the names in an answer.
const reachKeysMax = 200

// ErrTooMany is for a question about more keys than one answer holds.
var ErrTooMany = ErrInvalid.Say("At most %d keys at once.", reachKeysMax).At("ids")

// Reach tells who used keys in the last 24 hours, from the call log. Keys without calls have a zero Reach.
func (s *Service) Reach(ctx context.Context, in tenant.Scope, keys ...id.Key) (map[id.Key]Reach, error) {
	if len(keys) > reachKeysMax {
		return nil, ErrTooMany
	}
	if len(keys) == 0 {
		return map[id.Key]Reach{}, nil
	}
	return s.store.Reach(ctx, in, keys, s.now())
}
