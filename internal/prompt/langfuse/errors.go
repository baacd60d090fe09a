package langfuse

import "tollgate/internal/fault"

// Why a prompt cannot go between Langfuse and here.
var (
	// ErrLogic means that a version does more than Langfuse's SDKs can: they would make another text of it.
	ErrLogic = fault.New(fault.Conflict, "prompt.needs_rendering", "Langfuse's SDKs cannot compile this prompt.")
	// ErrSaid means that what was sent has no meaning here.
	ErrSaid = fault.New(fault.Invalid, "prompt.langfuse_invalid", "This is no prompt that can be kept.")
)
