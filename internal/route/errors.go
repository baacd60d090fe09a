package route

import "tollgate/internal/fault"

// The failures of resolving.
var (
	ErrModel = fault.New(fault.NotFound, "model.not_found",
		"There is no such model or alias.").At("model")
	ErrAmbiguous = fault.New(fault.Invalid, "model.ambiguous",
		"More than one connected provider serves this model. Name one as provider/model.").At("model")
	ErrNotConnected = fault.New(fault.Invalid, "provider.not_connected",
		"The provider is not connected. Add a credential for it on the dashboard under Providers.").At("model")
	ErrTask = fault.New(fault.NotFound, "task.not_found",
		"There is no such task in the organization's routing file.").At("model")
	ErrUnclear = fault.New(fault.Invalid, "task.unclear",
		"What this call is for could not be told from its text. Name the task as model task:<name>.").At("model")
	ErrNoTarget = fault.New(fault.Invalid, "route.no_target",
		"No target is left for this call. Ask for less in the request's provider object, or change the route.").At("model")
	ErrBatchOnly = fault.New(fault.Invalid, "alias.batch_only",
		"This alias is served in batches. Send the call with the header X-Tollgate-Defer: 1, or as a line of POST /v1/batches.").At("model")
	// ErrFilter is for a provider object or models list that cannot be read.
	ErrFilter = fault.New(fault.Invalid, "request.invalid_filter", "The request's provider object is not valid.")
)
