package key

import "tollgate/internal/fault"

// Why a call is refused. The data plane answers them.
var (
	ErrMissing    = fault.New(fault.Unauthenticated, "key.missing", "No API key was sent. Send a Tollgate virtual key as \"Authorization: Bearer tg_live_…\".")
	ErrMalformed  = fault.New(fault.Unauthenticated, "key.malformed", "This is not a Tollgate virtual key. They look like tg_live_… or tg_test_….")
	ErrManagement = fault.New(fault.Unauthenticated, "key.wrong_kind", "This is a management token. Model calls need a virtual key (tg_live_… or tg_test_…).")
	ErrUnknown    = fault.New(fault.Unauthenticated, "key.unknown", "This key is not known.")
	ErrRevoked    = fault.New(fault.Unauthenticated, "key.revoked", "This key has been revoked.")
	ErrExpired    = fault.New(fault.Unauthenticated, "key.expired", "This key has expired.")
	ErrNetwork    = fault.New(fault.Forbidden, "key.network", "This key may not be used from your network address.")
	ErrEndpoint   = fault.New(fault.Forbidden, "key.endpoint", "This key may not use this endpoint.")
	ErrAlias      = fault.New(fault.Forbidden, "key.alias", "This key may not call this alias.")
	ErrModel      = fault.New(fault.Forbidden, "key.model", "This key may not call this model directly.")
)

// The failures of managing keys. The control plane answers them.
var (
	ErrNotFound = fault.New(fault.NotFound, "key.not_found", "There is no such key.")
	ErrTaken    = fault.New(fault.Conflict, "key.name_taken", "Another key has this name.")
	ErrInvalid  = fault.New(fault.Invalid, "key.invalid", "This key is not valid.")
	ErrNoTeam   = fault.New(fault.Invalid, "key.unknown_team", "There is no such team.")
	ErrDead     = fault.New(fault.Conflict, "key.revoked_already", "This key has been revoked; it cannot be changed.")
	ErrStale    = fault.New(fault.Stale, "key.stale", "The key has changed since you read it. Read it again.")
)
