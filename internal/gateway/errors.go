package gateway

import "tollgate/internal/fault"

// The failures of the data plane. Each message says what to do.
var (
	ErrNoRoute = fault.New(fault.NotFound, "route.not_found",
		"There is no such endpoint. The base URL ends in /v1 for OpenAI clients and in nothing or /anthropic for Anthropic clients.")
	ErrMethod = fault.New(fault.Invalid, "route.method", "This endpoint does not answer that method.")

	ErrTooLarge = fault.New(fault.TooLarge, "request.too_large", "The request body is over the limit.")
	ErrEncoding = fault.New(fault.Invalid, "request.content_encoding",
		"Compressed request bodies are not accepted. Send the body without Content-Encoding.")
	ErrTruncatedBody = fault.New(fault.Invalid, "request.truncated_body", "The request body broke off before its end.")
	ErrSlowBody      = fault.New(fault.Invalid, "request.slow_body", "The request body did not arrive in time.")
	ErrMetadata      = fault.New(fault.Invalid, "request.invalid_metadata",
		"The metadata is not valid. Send a JSON object of strings, or key=value pairs separated by commas.")
	ErrTag = fault.New(fault.Invalid, "request.invalid_tag", "A metadata tag is not valid.")

	ErrLogUnavailable = fault.New(fault.Unavailable, "log.unavailable",
		"The call log cannot be written, so no call is made. Try again soon; an operator should look at the disk.")
	ErrStarting = fault.New(fault.Unavailable, "gateway.starting", "The gateway has no configuration yet. Try again in a few seconds.")
	ErrPanic    = fault.New(fault.Internal, "internal.panic", "A stage of the call failed.")
	// ErrOverloaded is for a call that was shed before its body was read.
	ErrOverloaded = fault.New(fault.Unavailable, "gateway.overloaded",
		"The gateway has more calls than it can serve. Try again in a moment; fewer calls at once are served sooner.")
	ErrDraining = fault.New(fault.Unavailable, "gateway.draining", "The gateway is shutting down.")

	ErrNoEndpoint = fault.New(fault.Invalid, "provider.no_endpoint", "The provider has no such endpoint.").At("model")

	// ErrEndless is for a stream that takes more memory than any answer needs.
	ErrEndless   = fault.New(fault.Upstream, "provider.endless", "The provider's stream does not end.")
	ErrModelName = fault.New(fault.Invalid, "model.invalid_name", "This is not the name of a model.").At("model")

	ErrProvider           = fault.New(fault.Upstream, "provider.error", "The provider failed.")
	ErrProviderCredential = fault.New(fault.Upstream, "provider.credential_rejected", "The provider rejected the organization's credential.")
	ErrProviderLimited    = fault.New(fault.RateLimited, "provider.rate_limited", "The provider's rate limit was reached.")
	ErrProviderOverloaded = fault.New(fault.Unavailable, "provider.overloaded", "The provider is overloaded.")
	ErrProviderTimeout    = fault.New(fault.Timeout, "provider.timeout", "The provider did not answer in time.")
	ErrProviderQuota      = fault.New(fault.PaymentRequired, "provider.quota_exhausted",
		"The organization's account at the provider has no credit or quota left.")
	ErrProviderModel   = fault.New(fault.NotFound, "provider.model_not_found", "The provider does not know this model.")
	ErrProviderInvalid = fault.New(fault.Invalid, "provider.invalid_request", "The provider refused the request.")
	ErrProviderContext = fault.New(fault.Invalid, "provider.context_length", "The prompt is too long for the model.")
	ErrProviderContent = fault.New(fault.Invalid, "provider.content_policy", "The provider's content policy refused the request.")
	ErrProviderConnect = fault.New(fault.Upstream, "provider.connection", "The connection to the provider failed.")
	ErrProviderBlocked = fault.New(fault.Upstream, "provider.blocked",
		"The provider's address is not allowed from here. An operator can open its range with TOLLGATE_EGRESS_ALLOW.")
)
