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
	ErrEnded      = fault.New(fault.Unauthenticated, "key.secret_ended", "This secret of the key has been replaced by another. Use the new one.")
	ErrDisabled   = fault.New(fault.Forbidden, "key.disabled", "This key is disabled for now. An admin or developer of the organization can enable it on its page.")
	ErrCut        = fault.New(fault.Unauthenticated, "key.revoked", "This key was revoked while the call was under way, and the call with it.")
	ErrSecretCut  = fault.New(fault.Unauthenticated, "key.secret_ended", "The secret of this key was ended while the call was under way, and the call with it.")
	ErrPaused     = fault.New(fault.Forbidden, "key.disabled", "This key was disabled while the call was under way, and the call with it.")
	ErrInside     = fault.New(fault.Forbidden, "key.inside_only", "This is the key of a playground. It is used by the dashboard only: make a key of your own for an application.")
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
	ErrRotating = fault.New(fault.Conflict, "key.rotating", "A rotation is under way: the old secret has not ended yet. End it or cancel the rotation first, or rotate without an overlap.")
	ErrNoTurn   = fault.New(fault.Conflict, "key.not_rotating", "No rotation is under way: the key has one live secret.")
	ErrTurned   = fault.New(fault.Conflict, "key.rotation_in_use", "The new secret has been used already. End the old one instead, or end the new one by its id.")
	ErrLast     = fault.New(fault.Conflict, "key.last_secret", "This is the key's only live secret. Rotate, disable or revoke the key instead.")
	ErrNoSecret = fault.New(fault.NotFound, "key.secret_not_found", "The key has no such secret.")
	ErrKnown    = fault.New(fault.Conflict, "key.secret_known", "This secret belongs to a key already.")
	ErrNoOwner  = fault.New(fault.Invalid, "key.unknown_owner", "There is no such member.")
	ErrNotYours = fault.New(fault.Forbidden, "key.not_yours", "Only owners and admins make personal keys for others.")
	ErrStale    = fault.New(fault.Stale, "key.stale", "The key has changed since you read it. Read it again.")
)
