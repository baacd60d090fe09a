package langfusehttp

import "tollgate/internal/fault"

var (
	errCredentials = fault.New(fault.Unauthenticated, "auth.required",
		"Send Basic authentication: as the secret key (password) an API token (tg_mgmt_…) with the right to read prompts.")
	errPublicKey = fault.New(fault.Unauthenticated, "auth.public_key",
		"The public key (user name) must be the id of the token, or begin with pk-.")
	errCrossSite = fault.New(fault.Forbidden, "request.cross_site", "A page of another site sent this request; it was not carried out.")
	errTooLarge  = fault.New(fault.TooLarge, "request.too_large", "The request body is larger than 1 MiB.")
	errBody      = fault.New(fault.Invalid, "request.invalid_body", "The request body is not valid JSON of this endpoint.")
	errQuery     = fault.New(fault.Invalid, "request.invalid", "A parameter of the request is not valid.")
	errNowhere   = fault.New(fault.NotFound, "route.not_found", "Tollgate answers Langfuse's API for prompts only: GET, POST /api/public/v2/prompts and below.")
	errKind      = fault.New(fault.Invalid, "prompt.kind_fixed", "All versions of a prompt are text, or all are chat.")
	errKept      = fault.New(fault.Conflict, "prompt.versions_kept",
		"Versions are kept, so that calls which used them can be explained. Move the label, or delete the prompt, which archives it.")
)
