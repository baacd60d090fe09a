// Package calllog is the durable record of calls and their attempts.
//
// A call that reached a provider is in the log exactly once: an Intent is appended to the proxy's spool before the first byte goes to
// the provider, the final Record before the client sees the end, and the shipper inserts idempotently by call id.
package calllog

import (
	"time"

	"tollgate/internal/chat"
	"tollgate/internal/id"
	"tollgate/internal/money"
)

// Outcome says how a call ended. Stored as text.
type Outcome string

// The outcomes.
const (
	OK          Outcome = "ok"
	Refused     Outcome = "refused"     // by Tollgate, before any provider was called
	Failed      Outcome = "failed"      // every attempt failed
	Broken      Outcome = "broken"      // the provider's stream broke off, or erred, after content was sent
	ClientGone  Outcome = "client_gone" // the client hung up
	Interrupted Outcome = "interrupted" // the proxy died in the middle; written after its restart, usage estimated
)

// PriceState says what a cost means. The zero value is Unpriced, so that a forgotten field is never a free call.
type PriceState string

// The price states.
const (
	Unpriced PriceState = ""       // no price known for something that was used: cost is unknown, not zero
	Priced   PriceState = "priced" // cost is exact for the usage
	Free     PriceState = "free"   // the model is explicitly free; in records of older releases also NoCharge
	NoCharge PriceState = "none"   // nothing was used, or nothing is known of it: refused, a 5xx, a lost connection
)

// Record is one call. Durations are since StartedAt.
type Record struct {
	ID          id.Call `json:"id"`
	Org         id.Org  `json:"org"`
	Team        id.Team `json:"team"`
	Key         id.Key  `json:"key"`
	Proxy       string  `json:"proxy"`
	Environment string  `json:"env,omitempty"`
	Workflow    string  `json:"wf,omitempty"`
	EndUser     string  `json:"user,omitempty"`

	Tags map[string]string `json:"tags,omitempty"` // free tags, at most 32

	Endpoint     string `json:"ep"`              // a key.Endpoint: "chat", "embeddings"
	Dialect      string `json:"dialect"`         // of the client
	Requested    string `json:"req_model"`       // what the client sent as model
	Alias        string `json:"alias,omitempty"` // empty: a model was named directly
	AliasVersion int    `json:"alias_v,omitempty"`
	Provider     string `json:"provider,omitempty"` // of the attempt that answered, or the last one
	Model        string `json:"model,omitempty"`
	Stream       bool   `json:"stream,omitempty"`

	Status    int               `json:"status"` // HTTP status that the client got
	Outcome   Outcome           `json:"outcome"`
	ErrorCode string            `json:"err,omitempty"` // stable code; empty when ok
	Finish    chat.FinishReason `json:"finish,omitempty"`

	Usage     chat.Usage    `json:"usage"`  // Σ attempts
	Cost      money.NanoUSD `json:"cost"`   // Σ attempts
	Price     PriceState    `json:"priced"` // Unpriced if any attempt with usage is
	Estimated bool          `json:"est,omitempty"`

	// ProviderCost is what the providers themselves said: ToldCost of the attempts. It is kept beside Cost and never replaces it.
	ProviderCost *money.NanoUSD `json:"pcost,omitempty"`
	// Warnings say what was left out of the call or changed in it; Warn adds one.
	Warnings []string `json:"warn,omitempty"`

	// What the registry put into the call. PromptLabel is "" where a version was named; an experiment's arm names one.
	Prompt        id.Prompt `json:"prompt,omitempty"`
	PromptVersion int       `json:"prompt_v,omitempty"`
	PromptLabel   string    `json:"prompt_l,omitempty"`

	// How the call was routed.
	Task        string        `json:"task,omitempty"`    // task type; empty: none was named or found
	TaskBy      string        `json:"task_by,omitempty"` // TaskModel, TaskHeader, TaskKey, TaskLocal, TaskAsked
	Experiment  id.Experiment `json:"exp,omitempty"`     // of which the call is part
	Arm         string        `json:"arm,omitempty"`     // assigned: analysis goes by it
	ArmServed   string        `json:"arm_srv,omitempty"` // whose target answered; empty when a fallback of no arm did
	Unit        uint64        `json:"unit,omitempty"`    // what sticks together in an experiment, hashed; 0: no experiment
	UnitBy      string        `json:"unit_by,omitempty"` // where the unit comes from: "header", "session", "user", "workflow_run", "call"
	Signals     Signals       `json:"sig,omitempty"`     // what the answer itself says of its quality
	Fingerprint uint64        `json:"fp,omitempty"`      // of the request body, within an experiment: equal ones of a unit are retries
	Batch       id.Batch      `json:"batch,omitempty"`   // of which the call is a line
	Decision    *Decision     `json:"why,omitempty"`     // nil: a model was named and there was nothing to decide

	// What the call may cost and did.
	Secret  id.Secret `json:"secret,omitempty"`  // of the key, that was sent
	Charges []Charge  `json:"charges,omitempty"` // on budgets; in an Intent the most that the attempts so far can cost
	Checks  []Check   `json:"checks,omitempty"`  // what budgets and limits did to the call, beyond letting it pass

	Duration  time.Duration `json:"dur"`
	FirstByte time.Duration `json:"ttfb,omitempty"` // first content byte to the client; 0: none
	Overhead  time.Duration `json:"ovh"`            // ours: Duration less waiting for the provider and the client

	RequestBytes  int64     `json:"in_bytes"`
	ResponseBytes int64     `json:"out_bytes"`
	Marks         []Mark    `json:"marks,omitempty"`
	Attempts      []Attempt `json:"attempts,omitempty"`

	// Payload is kept only under key.PrivacyFull. It is shipped to its own table with its own retention.
	Payload *Payload `json:"payload,omitempty"`
}

// Mark is a moment of the call's life, for the timeline: a stage ended.
type Mark struct {
	Stage string        `json:"s"`
	At    time.Duration `json:"at"`
}

// Attempt is one upstream request.
type Attempt struct {
	Number     int            `json:"n"` // from 1
	Provider   string         `json:"provider"`
	Model      string         `json:"model"`
	Credential id.Credential  `json:"cred,omitempty"`
	Start      time.Duration  `json:"at"`
	FirstByte  time.Duration  `json:"ttfb,omitempty"` // since Start; 0: none
	Duration   time.Duration  `json:"dur"`
	Status     int            `json:"status"`          // the provider's; 0: no answer
	ErrorClass string         `json:"err,omitempty"`   // provider.Class word; empty when it answered
	UpstreamID string         `json:"up_id,omitempty"` // the provider's id of the answer
	Usage      chat.Usage     `json:"usage"`
	Cost       money.NanoUSD  `json:"cost"`
	Price      PriceState     `json:"priced"`
	PriceID    id.PriceRecord `json:"price_id,omitempty"`

	ProviderCost *money.NanoUSD `json:"pcost,omitempty"` // what the provider's answer says that it cost; nil: it does not say
}

// Charge is what a call weighs on one pot of a budget. It may be more than its Cost: where what was used is not known the bound
// stays charged, until the provider's own figures are.
type Charge struct {
	Budget id.Budget     `json:"b"`
	Pot    id.Pot        `json:"p"`
	Holder id.Holder     `json:"h"` // whose lease; zero: none
	Amount money.NanoUSD `json:"a"`
}

// Check is what a budget or a limit did to a call.
type Check struct {
	By      string `json:"by"` // its id
	Did     Did    `json:"did"`
	Subject string `json:"of,omitempty"`   // where it counts each value by itself
	Period  string `json:"per,omitempty"`  // of the budget's limit; of a limit its metric
	Short   int64  `json:"lack,omitempty"` // what there was too little of: nano-dollars, requests or tokens
}

// ChecksMax bounds the checks of a call.
const ChecksMax = 32

// Did is what a budget or a limit did.
type Did string

// What can be done to a call.
const (
	DidRefuse   Did = "refused"
	WouldRefuse Did = "would_refuse" // it only watches
	DidClamp    Did = "clamped"      // lowered the output cap
	DidMove     Did = "moved"        // to a cheaper alias
	DidWait     Did = "waited"       // for room
)

// Payload is what was said. Bodies are as the client sent and received them, cut at PayloadMax.
type Payload struct {
	Request  []byte `json:"req,omitempty"`
	Response []byte `json:"res,omitempty"`
	Cut      bool   `json:"cut,omitempty"`
}

// Intent says that a call is about to reach a provider. What is known then stands in Record; Usage and Cost are empty.
type Intent struct {
	Record Record `json:"rec"`
}
