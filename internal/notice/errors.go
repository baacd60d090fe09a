package notice

import "tollgate/internal/fault"

// The failures of this package.
var (
	ErrNotFound   = fault.New(fault.NotFound, "notice.not_found", "There is no such notice.")
	ErrNoChannel  = fault.New(fault.NotFound, "channel.not_found", "There is no such channel.")
	ErrNoDelivery = fault.New(fault.NotFound, "delivery.not_found", "There is no such delivery.")
	ErrTaken      = fault.New(fault.Conflict, "channel.name_taken", "Another channel has this name.")
	ErrInvalid    = fault.New(fault.Invalid, "channel.invalid", "This channel is not valid.")
	ErrTooMany    = fault.New(fault.Conflict, "channel.too_many", "An organization has at most 50 channels. Delete one first.")
	ErrNoSecret   = fault.New(fault.Conflict, "channel.no_secret", "Only webhooks are signed with a secret.")
	ErrTooSoon    = fault.New(fault.RateLimited, "channel.test_too_soon", "A test was sent by this channel a moment ago. Try again in a minute.")
)
