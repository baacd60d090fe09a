package credential

import "tollgate/internal/fault"

// The failures of this package.
var (
	ErrNotFound = fault.New(fault.NotFound, "credential.not_found", "There is no such credential.")
	ErrTaken    = fault.New(fault.Conflict, "credential.name_taken", "Another credential has this name.")
	ErrInvalid  = fault.New(fault.Invalid, "credential.invalid", "This credential is not valid.")
	ErrReenter  = fault.New(fault.Invalid, "credential.reenter_secret", "To change the base URL or a setting, enter the secret again: otherwise it could be sent to a host that its owner does not know.")
	ErrUsed     = fault.New(fault.Conflict, "credential.in_use", "Aliases use this credential. Point them elsewhere first.")
	ErrStale    = fault.New(fault.Stale, "credential.stale", "The credential has changed since you read it. Read it again.")
	// ErrSealed means that a stored secret does not open: its row was changed behind our back, or the key-encryption key is another.
	ErrSealed = fault.New(fault.Internal, "credential.sealed", "The stored secret cannot be opened.")
	// ErrKMS means that the key service does not answer.
	ErrKMS = fault.New(fault.Unavailable, "credential.kms", "The key service does not answer. Try again shortly.")
	// ErrUnusable is a stored secret that cannot even be tried: it is malformed, lacks a setting, or wants what the operator does not allow.
	ErrUnusable = fault.New(fault.Upstream, "credential.unusable", "The provider credential cannot be used.")
	// ErrTokenRefused means that a token service gave no token for the secret. Trying again does not help.
	ErrTokenRefused = fault.New(fault.Upstream, "credential.token_refused", "The token service refused the provider credential.")
	// ErrTokenUnreachable means that a token service did not answer, or has a fault. Trying again may help.
	ErrTokenUnreachable = fault.New(fault.Upstream, "credential.token_unreachable", "The token service for the provider credential does not answer.")
)
