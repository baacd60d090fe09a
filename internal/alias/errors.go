package alias

import "tollgate/internal/fault"

// The failures of this package.
var (
	ErrNotFound     = fault.New(fault.NotFound, "alias.not_found", "There is no such alias.")
	ErrNoVersion    = fault.New(fault.NotFound, "alias.version_not_found", "The alias has no such version.")
	ErrTaken        = fault.New(fault.Conflict, "alias.name_taken", "Another alias has this name.")
	ErrInvalid      = fault.New(fault.Invalid, "alias.invalid", "This alias is not valid.")
	ErrNoCredential = fault.New(fault.Invalid, "alias.unknown_credential", "There is no such credential.")
	ErrUsed         = fault.New(fault.Conflict, "alias.used", "The routing file uses this alias.")
	ErrStale        = fault.New(fault.Stale, "alias.stale", "The alias has a newer version than the one you read. Read it again.")

	ErrFile          = fault.New(fault.Invalid, "routing.invalid", "The routing file is not valid.")
	ErrNoFileVersion = fault.New(fault.NotFound, "routing.version_not_found", "The routing file has no such version.")
	ErrFileStale     = fault.New(fault.Stale, "routing.stale", "The routing file has a newer version than the one you read. Read it again.")
)
