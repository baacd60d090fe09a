package prompt

import "tollgate/internal/fault"

// Why a call is refused. The data plane answers them.
var (
	ErrUnknown    = fault.New(fault.NotFound, "prompt.unknown", "There is no such prompt.")
	ErrLabel      = fault.New(fault.NotFound, "prompt.unknown_label", "The prompt has no version with this label.")
	ErrVersion    = fault.New(fault.NotFound, "prompt.unknown_version", "The prompt has no such version.")
	ErrBoth       = fault.New(fault.Invalid, "prompt.label_and_version", "Name a label or a version of the prompt, not both.")
	ErrUnusable   = fault.New(fault.Conflict, "prompt.unusable", "This version of the prompt cannot be used.")
	ErrUndeclared = fault.New(fault.Invalid, "prompt.variable_unknown", "The prompt has no such variable.")
	ErrFill       = fault.New(fault.Invalid, "prompt.placeholder", "What is sent for a placeholder is no list of messages.")
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
	ErrUsed      = fault.New(fault.Conflict, "prompt.in_use", "Something else uses this prompt.")
	ErrKept      = fault.New(fault.Conflict, "prompt.not_archived", "Only an archived prompt can be deleted for good. Archive it first.")
)

// The failures of gradual moves, of requests for moves, and of comments.
var (
	ErrRamping   = fault.New(fault.Conflict, "prompt.label_moving", "The label is on its way to another version.")
	ErrNoRamp    = fault.New(fault.NotFound, "prompt.label_not_moving", "The label is not on its way to another version.")
	ErrApproval  = fault.New(fault.Forbidden, "prompt.approval_needed", "Another person must approve this move.")
	ErrOwn       = fault.New(fault.Forbidden, "prompt.own_request", "You asked for this move yourself: another person must approve it.")
	ErrPerson    = fault.New(fault.Forbidden, "prompt.approval_by_token", "A person approves a move, signed in; a token does not.")
	ErrRequest   = fault.New(fault.NotFound, "prompt.unknown_request", "The prompt has no such request.")
	ErrAnswered  = fault.New(fault.Conflict, "prompt.request_answered", "This request has been answered already.")
	ErrMoved     = fault.New(fault.Conflict, "prompt.label_moved_since", "The label has moved since this was asked for. Ask again.")
	ErrComment   = fault.New(fault.NotFound, "prompt.unknown_comment", "The prompt has no such comment.")
	ErrNotAuthor = fault.New(fault.Forbidden, "prompt.not_your_comment", "Only its author deletes a comment, or somebody who may release prompts.")
)
