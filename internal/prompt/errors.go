package prompt

import "tollgate/internal/fault"

// Why a call is refused. The data plane answers them.
var (
	ErrUnknown  = fault.New(fault.NotFound, "prompt.unknown", "There is no such prompt.")
	ErrLabel    = fault.New(fault.NotFound, "prompt.unknown_label", "The prompt has no version with this label.")
	ErrVersion  = fault.New(fault.NotFound, "prompt.unknown_version", "The prompt has no such version.")
	ErrBoth     = fault.New(fault.Invalid, "prompt.label_and_version", "Name a label or a version of the prompt, not both.")
	ErrUnusable = fault.New(fault.Conflict, "prompt.unusable", "This version of the prompt cannot be used.")
	ErrFill     = fault.New(fault.Invalid, "prompt.placeholder", "What is sent for a placeholder is no list of messages.")
)

// The failures of managing prompts. The control plane answers them.
var (
	ErrNotFound  = fault.New(fault.NotFound, "prompt.not_found", "There is no such prompt.")
	ErrTaken     = fault.New(fault.Conflict, "prompt.name_taken", "Another prompt has this name.")
	ErrInvalid   = fault.New(fault.Invalid, "prompt.invalid", "This prompt is not valid.")
	ErrStale     = fault.New(fault.Stale, "prompt.stale", "The prompt has changed since you read it. Read it again.")
	ErrArchived  = fault.New(fault.Conflict, "prompt.archived", "The prompt is archived. Restore it first.")
	ErrCase      = fault.New(fault.Invalid, "prompt.case_failed", "A case of the prompt failed.")
	ErrBreaks    = fault.New(fault.Conflict, "prompt.breaks_others", "Other prompts use this one and would break.")
	ErrProtected = fault.New(fault.Forbidden, "prompt.label_protected", "This label is protected.")
)
