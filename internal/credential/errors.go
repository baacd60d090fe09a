package credential

import "tollgate/internal/fault"

// The failures of this package.
var (
	ErrNotFound = fault.New(fault.NotFound, "credential.not_found", "There is no such credential.")
	ErrTaken    = fault.New(fault.Conflict, "credential.name_taken", "Another credential has this name.")
	ErrInvalid  = fault.New(fault.Invalid, "credential.invalid", "This credential is not valid.")
	ErrReenter  = fault.New(fault.Invalid, "credential.reenter_secret", "To change the base URL, enter the secret again: otherwise it could be sent to a host that its owner does not know.")
	ErrUsed     = fault.New(fault.Conflict, "credential.in_use", "Aliases use this credential. Point them elsewhere first.")
	ErrStale    = fault.New(fault.Stale, "credential.stale", "The credential has changed since you read it. Read it again.")
	// ErrSealed means that a stored secret does not open: its row was changed behind our back, or the key-encryption key is another.
	ErrSealed = fault.New(fault.Internal, "credential.sealed", "The stored secret cannot be opened.")
	// ErrKMS means that the key service does not answer.
	ErrKMS = fault.New(fault.Unavailable, "credential.kms", "The key service does not answer. Try again shortly.")
)
